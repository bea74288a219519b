"""The recorded actions of learners' code, repeated: each call in its order, with the recorded answer.

A Python function is not data.  So the journal keeps the operations that the function called, and their answers
(:class:`~vmwidgets.engine.base.scripts.Script`); a rebuilt machine repeats these.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Any

from ...base.errors import CallbackFailed, KernelPanic, VMError, failure, in_ascii, shown
from ...base.scripts import Action, Script
from ...kernel.threads.waits import MaySleep


class Call:
    """A call in a thread that may sleep: ``address = yield from m.kmem_alloc(4096)`` waits for it."""

    def __init__(self, steps: MaySleep[Any]) -> None:
        self.steps = steps
        self.action = Action("", "")
        self.made = False

    def __iter__(self) -> Generator[Call, Any, Any]:
        return (yield self)

    @in_ascii
    def __repr__(self) -> str:
        return f"<{self.action.name} is not done yet: in a thread write `yield from` before it>"


ASLEEP = ("asleep",)
"""The answer of a call that has not returned yet."""

BEYOND = object()
"""The value that a thread yields at the end of the record that it repeats."""


class Repeated:
    """The record of one thread or handler, repeated on `machine`; `recorded` contains records by the names of scripts.

    Each call must have the recorded answer.  If it does not, the thread or the handler's run ends: after another
    answer, its code might have acted differently.
    """

    def __init__(self, machine: Any, title: str, key: str, recorded: Mapping[str, Script]) -> None:
        self._machine = machine
        self._title = title
        self._key = key
        self._recorded = recorded
        self.abandoned = False
        """Whether this script is no longer current, because the machine has gone to another point in its history."""

    @property
    def _record(self) -> Sequence[Action]:
        return self._recorded.get(self._key, ())

    @property
    def _script(self) -> Script:
        """The actions so far."""
        script: Script = self._machine.journal.scripts[self._key]
        return script

    @property
    def left(self) -> bool:
        """Return whether actions are left."""
        return len(self._script) < len(self._record)

    def thread(self) -> Generator[Any, Any, Any]:
        """Yield the thread's actions; at the end of the record it yields BEYOND."""
        try:
            while self.left:
                place = len(self._script)
                action = self._record[place]
                if action.name == "closed" and not action.target:
                    break  # the thread was ended from outside, in the middle of its function
                if not action.target:
                    return self._end(action)
                try:
                    made = self._play(action)
                    if isinstance(made, Call):
                        yield made
                except KernelPanic:
                    raise
                except VMError as error:  # if this is not the recorded error, the comparison finds a difference
                    if len(self._script) == place and action.answer == failure(error):
                        self._script.append(action)  # the part was gone already when the thread waited for the call
                self._compare(place)
        except GeneratorExit:
            if not self.abandoned:
                self._play_ending()
            raise
        yield BEYOND

    def _play_ending(self) -> None:
        """Repeat the actions that a thread made while it was being ended, if they are in its record."""
        serial, begun = self._machine.journal.next_serial, len(self._script)
        ended = self._record[begun - 1] if 0 < begun <= len(self._record) else None
        if ended is None or (ended.target, ended.name, ended.serial) != ("", "closed", serial):
            return
        while self.left and self._record[len(self._script)].serial == serial:
            self._repeat(len(self._script))

    def run(self) -> None:
        """Repeat the handler's actions in its next run."""
        while self.left:
            place = len(self._script)
            action = self._record[place]
            if not action.target:
                self._end(action)
                return
            self._repeat(place)

    def _repeat(self, place: int) -> None:
        """Repeat an action that does not wait, and compare its answer."""
        try:
            self._play(self._record[place])
        except KernelPanic:
            raise
        except VMError:
            pass  # if this is not the recorded error, the comparison finds a difference
        self._compare(place)

    def _play(self, action: Action) -> Any:
        """Repeat one action, which notes itself in the script."""
        arguments = {key: self._machine.resolve(value) for key, value in action.arguments}
        return self._machine.recorded(action.target, action.name)(**arguments)

    def _compare(self, place: int) -> None:
        then = self._record[place]
        now = self._script[place] if place < len(self._script) else None
        if now is None or not (now.agrees(then) or then.answer == ASLEEP):
            why = (
                "what it names is not there" if now is None else f"{shown(now.answer)} instead of {shown(then.answer)}"
            )
            raise CallbackFailed(
                f"{self._title} stops: its calls are repeated as they were recorded, and {then.name} is "
                f"answered differently here ({why})"
            )

    def _end(self, action: Action) -> Any:
        ending = dict(action.arguments)
        if action.name == "interrupted":
            raise KeyboardInterrupt("as when it was recorded")
        if action.name == "failed":
            raise CallbackFailed(str(ending["why"]))
        return self._machine.resolve(ending.get("result"))
