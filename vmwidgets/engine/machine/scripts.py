"""What a learner's code did, as data: each operation that it called, in order, and how it ended; and doing it again.

A Python function is no data: the journal keeps which operations it called, and a machine that is made again plays
those back.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import suppress
from typing import Any, NamedTuple

from ..base.errors import CallbackFailed, KernelPanic, VMError, shown
from ..base.operations import plain
from ..kernel.threads.waits import MaySleep


class Action(NamedTuple):
    """One thing that a learner's code did: an operation of `target`, or how it ended ("returned", "failed")."""

    target: str
    name: str
    arguments: tuple[tuple[str, Any], ...] = ()


def failed(why: object) -> Action:
    """The end of code that failed."""
    return Action("", "failed", (("why", str(why)),))


Script = list[Action]
"""What one thread, or all runs of one handler, did so far."""


class Call:
    """A call that may have to sleep, made in a thread: ``address = yield from m.kmem_alloc(4096)`` waits for it."""

    def __init__(self, steps: MaySleep[Any]) -> None:
        self.steps = steps
        self.action = Action("", "")
        self.made = False

    def __iter__(self) -> Generator[Call, Any, Any]:
        return (yield self)

    def __repr__(self) -> str:
        return f"<{self.action.name} is not done yet: in a thread write `yield from` before it>"


def script_body(machine: Any, name: str, script: Script) -> Generator[Any, Any, Any]:
    """A thread that does again what was recorded of one, and nothing beyond."""
    rest = iter(script)
    try:
        for action in rest:
            if not action.target:
                return _end(machine, action)
            try:
                made = play(machine, action)
                if isinstance(made, Call):
                    yield made
            except KernelPanic:
                raise
            except VMError:
                continue
    except GeneratorExit:
        for action in rest:  # what it did when it was ended
            with suppress(VMError):
                if action.target:
                    play(machine, action)
        raise
    raise CallbackFailed(f"thread {shown(name)} was recorded up to here: what its function would do next is not known")


class RecordedHandler:
    """A handler that does again, each time it is called, what was recorded of the next run."""

    def __init__(self, machine: Any, script: Script) -> None:
        self._machine = machine
        self._script = script
        self._done = 0

    def __call__(self) -> None:
        """Repeat the next run."""
        while self._done < len(self._script):
            action = self._script[self._done]
            self._done += 1
            if action.name == "begins" and not action.target:
                continue
            if not action.target:
                _end(self._machine, action)
                return
            try:
                play(self._machine, action)
            except KernelPanic:
                raise
            except VMError:
                continue
        raise CallbackFailed("it was recorded up to here: what its function would do next is not known")


def play(machine: Any, action: Action) -> Any:
    """Do one recorded action on `machine`."""
    arguments = {key: machine.resolve(value) for key, value in action.arguments}
    return getattr(machine.at(action.target), action.name)(**arguments)


def _end(machine: Any, action: Action) -> Any:
    ending = dict(action.arguments)
    if action.name == "failed":
        raise CallbackFailed(str(ending["why"]))
    return machine.resolve(ending.get("result"))


def as_data(value: Any) -> Any:
    """A thread's result as data: numbers, texts and parts of the machine as they are, of anything else its text."""
    kept = plain(value)
    return kept if isinstance(kept, (int, float, str, bytes, type(None))) else shown(kept)
