"""Replays of recorded operations: unchanged, or on a machine in which addresses may differ.

All questions about the past use this module.  On the machine itself, or on a machine made from its copy, each operation
must have the recorded result (:meth:`Replay.run`).  Actions of learners' code are repeated from the record, and the
stop button waits for the end of an operation.  A machine booted with other settings, or running only some of the
operations, may answer differently (:meth:`Replay.otherwise`): if an earlier call returned a range, an address inside it
moves with the range, in the address space of its task.  Learners' functions are called if they still exist and can't
reach the machine for which they were written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from inspect import signature
from typing import Any, NamedTuple

from ..base.errors import Diverged, KernelPanic, Refused, VMError, failure, shown
from ..base.interrupts import INTERRUPT, Stopped
from ..base.journal import Operation
from ..base.operations import PartReference
from ..base.recorder import Raw
from ..base.scripts import Script
from ..base.units import Address
from . import arguments
from .arguments import ADDRESSES
from .system import System

KERNEL = "kernel"
"""The address space of everything that belongs to no task and no domain."""


BOOTED_BY: list[Callable[..., Any]] = []
"""The function that boots a machine, as the last item; a list, since machines import this module."""


def booted(machine: Any, **other: Any) -> Any:
    """Return a machine booted like another one, except for `other` settings."""
    return BOOTED_BY[-1](**{**dict(machine.journal[0].arguments), **other})


PLAIN = (int, float, str, bytes, tuple, type(None))
"""The types of results that are compared; walks and entries contain frames and IDs, which may differ."""


class CannotGoOn(Exception):
    """Raised if an operation can't be run on the other machine; the reason is a sentence."""


class Range(NamedTuple):
    """A range [start, end) of the first machine, which begins at `now` in the other machine."""

    start: int
    end: int
    now: int
    serial: int
    """The serial of the operation that returned the range."""


class Replay:
    """A replay of operations on `target`, in order; `source` is the machine that recorded them, if not `target`."""

    def __init__(self, target: Any, source: Any = None) -> None:
        self.source = source
        self.target = target
        self.moved = 0
        """The number of addresses among the arguments that were moved."""
        self._ranges: dict[str, list[Range]] = {}

    # ---- as recorded -------------------------------------------------------------------------

    def begin(self, serial: int, scripts: Mapping[str, Script]) -> None:
        """Repeat the actions of learners' code up to the operation of this serial, and prepare for later actions."""
        found = {key: script.until(serial) for key, script in scripts.items() if script.serial <= serial}
        self.target.journal.scripts = found

    def run(
        self,
        operations: Sequence[Operation],
        scripts: Mapping[str, Script],
        *,
        after: Callable[[System], object] | None = None,
        at_event: Callable[[Raw], None] | None = None,
    ) -> bool:
        """Replay operations as they were recorded; raises :class:`Diverged` if an operation has another result.

        `after` is called after each operation, and ends the replay by returning true; then this method returns true
        too.  `at_event` is called at each event.
        """
        if not operations:
            return False
        target, system = self.target, self.target.system
        if at_event is not None:
            target.door.overhear(at_event)
        system.callbacks.begin(scripts, operations[-1].serial)
        with quiet(target):
            for operation in operations:
                self.once(operation)
                stop_if_wanted()
                if after is not None and after(system):
                    return True
        target.journal.next_serial = target.journal.most_serial
        return False

    def once(self, then: Operation, *, any_result: bool = False) -> None:
        """Replay one operation, and compare its result; with `any_result`, its returned value may differ."""
        machine, journal, door = self.target, self.target.journal, self.target.door
        done = len(journal)
        journal.next_serial = then.serial
        door.stop_at = then.stopped_at
        error: BaseException | None = None
        try:
            given = {key: machine.resolve(value) for key, value in then.arguments}
            call = machine.recorded(then.target, then.name)
        except Refused as refused:
            if then.outcome != "error":
                raise Diverged(_differs(then, f"{refused}")) from refused
            journal.append(then)  # the part was missing in the recording too, and this was the error
            return
        try:
            call(**given)
        except Stopped as stopped:
            if journal.last.stopped_at != then.stopped_at:
                raise  # the stop button, pressed now
            error = stopped
        except KeyboardInterrupt as pressed:
            if then.result != ("KeyboardInterrupt",):
                raise  # the stop button, pressed now
            error = pressed
        except Exception as raised:  # noqa: BLE001  whatever a learner's code raised, it raises again
            error = raised
        finally:
            door.stop_at = 0
        if then.name == "run" and then.outcome == "error" and len(journal) > done and journal.last.outcome == "done":
            journal.amend(then)  # its steps were made; then the learner's own function, or the stop button, ended it
        if len(journal) == done and then.outcome == "error" and isinstance(error, Refused) and f"{error}" == then.said:
            journal.append(then)  # refused before anything happened; in the recording, after something had happened
        if any_result and len(journal) > done and journal.last.outcome == then.outcome == "done":
            then = then._replace(result=journal.last.result)
        if len(journal) == done or not journal.last.agrees(then):
            now = (journal.last.said or shown(journal.last.result)) if len(journal) > done else f"{error}"
            raise Diverged(_differs(then, now)) from error

    # ---- where addresses may differ ----------------------------------------------------------

    def otherwise(self, then: Operation, **other: Any) -> bool:
        """Run an operation, with `other` arguments instead of its own; return whether the result is the same.

        The same result means the same outcome, the same error, the same number, text or bytes; addresses are not
        compared. Raises :class:`CannotGoOn` if the operation names something that does not exist, if the machine dies
        of it, or if its code is not available.
        """
        target, journal = self.target, self.target.journal
        if self._lacks_a_part_of(then):
            return False
        space = self.space_of(then.target)
        given = {name: self._argument(space, name, value) for name, value in then.arguments} | other
        before = len(journal)
        failed: VMError | None = None
        outcome, result = "done", None
        target.door.stop_at = then.stopped_at
        try:
            result = self._call(then, given)
        except Stopped:
            outcome = "interrupted"
        except KernelPanic as panic:
            if then.outcome != "panic":
                raise CannotGoOn(f"the machine dies of it: {panic}") from None
            outcome = "panic"
        except VMError as error:
            outcome, failed = "error", error
        finally:
            target.door.stop_at = 0
        if isinstance(failed, Refused) and then.outcome != "error" and len(journal) == before:
            raise CannotGoOn(str(failed))
        if outcome == "done":
            self._learn(space, then, given, result)
        if outcome != then.outcome:
            return False
        if failed is not None:
            return bool(failure(failed) == then.result)
        if outcome != "done" or isinstance(result, Address) or not isinstance(then.result, PLAIN):
            return True
        return bool((journal.last.result if len(journal) > before else then.result) == then.result)

    def _lacks_a_part_of(self, then: Operation) -> bool:
        """Return whether the other machine lacks a part that an operation needs, and the operation did nothing.

        Raises :class:`CannotGoOn` if the operation did something.
        """
        missing = next((path for path in (then.target, *_references(then.arguments)) if not self._has(path)), "")
        if missing and then.outcome != "error":
            raise CannotGoOn(f"{self.target.name} has no {shown(missing)}")
        return missing != ""

    def _has(self, path: str) -> bool:
        try:
            self.target.part(path)
        except Refused:
            return False
        return True

    # ---- addresses ---------------------------------------------------------------------------

    def space_of(self, path: str) -> str:
        """Return the address space to which the addresses in a part's operations belong."""
        kind, _, rest = path.partition(":")
        if kind in ("task", "domain"):
            return f"{kind}:{rest.partition('/')[0]}"
        if kind == "cpu":
            loaded = self.target.system.processors.all[int(rest)].pmap.name
            return f"task:{loaded}" if loaded in self.target.system.tasks else KERNEL
        return KERNEL

    def _argument(self, space: str, name: str, value: Any) -> Any:
        if name not in ADDRESSES or name == "pa" or value is None:
            return self.target.resolve(value)
        try:
            address = arguments.whole(value, name)
        except Refused:
            return value
        now = self.now(space, address, is_end=name == "end")
        self.moved += now != address
        return value if now == address else Address(now)

    def now(self, space: str, address: int, *, is_end: bool = False) -> int:
        """Return the place in the other machine of an address in a space of the first machine."""
        for one in reversed(self._ranges.get(space, ())):
            if one.start <= address < one.end or (is_end and address == one.end):
                return address - one.start + one.now
        return address

    def forget_from(self, serial: int) -> None:
        """Forget the ranges returned by the operation of this serial and by later operations."""
        for ranges in self._ranges.values():
            ranges[:] = [one for one in ranges if one.serial < serial]

    def _learn(self, space: str, then: Operation, given: dict[str, Any], result: Any) -> None:
        """Note the range that an operation returned, or a child's ranges, which are the same as its parent's."""
        if then.name == "fork":
            self._ranges[result.path] = list(self._ranges.get(space, ()))
        if isinstance(result, Address) and isinstance(then.result, int):
            size = next((given[name] for name in ("size", "length") if given.get(name) is not None), 1)
            try:
                length = max(1, arguments.whole(size, "size"))
            except Refused:
                length = 1
            self._ranges.setdefault(space, []).append(
                Range(int(then.result), int(then.result) + length, int(result), then.serial)
            )

    # ---- learners' code ----------------------------------------------------------------------

    def _call(self, then: Operation, given: dict[str, Any]) -> Any:
        target = self.target
        if then.name == "spawn":
            name = dict(then.arguments).get("name")
            raise CannotGoOn(f"thread {shown(name)} is code that calls the machine it was written for")
        if then.name in ("make_pager", "replace_by", "register_handler"):
            code = self._code_of(then)
            if then.name == "make_pager":
                return target.pager(**given, function=code)
            if then.name == "replace_by":
                target.replacement = code
                return None
            if not signature(code).parameters:
                raise CannotGoOn(f"handler {shown(given['name'])} does not take the machine that it is to call")
            return target.register_handler(**given, function=code)
        return target.recorded(then.target, then.name)(**given)

    def _code_of(self, then: Operation) -> Callable[..., Any]:
        """Return the learner's function that an operation took."""
        scripts = self.source.journal.scripts
        key = next((key for key, script in scripts.items() if script.serial == then.serial), None)
        live = self.source.system.callbacks.live.get(key)
        if live is None or not live.again:
            raise CannotGoOn(f"{then.name} took a function, and its source is not kept")
        code: Callable[..., Any] = live.code
        return code


def _references(value: Any) -> list[str]:
    """Return the paths of parts among recorded arguments."""
    if isinstance(value, (tuple, list)):
        return [path for item in value for path in _references(item)]
    return [str(value)] if isinstance(value, PartReference) else []


def _differs(then: Operation, now: str) -> str:
    return (
        f"operation {then.number}, {then.target}.{then.name}, has another result when it is repeated: {now}, "
        f"not {then.said or shown(then.result)}"
    )


@contextmanager
def stoppable_between() -> Iterator[None]:
    """Check the stop button only between two operations of this block, where everything can be restored."""
    INTERRUPT.hold()
    try:
        yield
    finally:
        INTERRUPT.release()


def stop_if_wanted() -> None:
    """Stop here if the button was pressed."""
    if INTERRUPT.take():
        raise KeyboardInterrupt("it was stopped between two operations")


@contextmanager
def quiet(machine: Any) -> Iterator[None]:
    """Report no operation of this block to listeners, and repeat no warning."""
    door, callbacks = machine.door, machine.system.callbacks
    listeners, door.listeners = door.listeners, []
    silent, callbacks.silent = callbacks.silent, True
    repeats, door.repeats = door.repeats, True
    try:
        yield
    finally:
        door.listeners, callbacks.silent, door.repeats = listeners, silent, repeats
