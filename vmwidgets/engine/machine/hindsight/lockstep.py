"""Two machines in step: each operation of the first is repeated on the second, and differences are noted."""

from __future__ import annotations

from bisect import bisect_left
from typing import Any, NamedTuple

from ...base.calls import says_what_it_takes
from ...base.errors import Refused, VMError, in_ascii, shown
from ...base.journal import Operation
from ...base.units import counted
from ..replay import CannotGoOn, Replay
from .again import Again, Tally


class Difference(NamedTuple):
    """An operation with another result on the second machine; `other` is its record there, if there is one."""

    operation: Operation
    other: Operation | None


class Step(NamedTuple):
    """The serial of an operation of the first machine, and the number of operations done on the second before it."""

    serial: int
    before: int
    differs: bool


class Lockstep:
    """Two machines in step, from :func:`lockstep`; they stay in step until `stopped` gives a reason."""

    def __init__(self, first: Any, second: Any, stop: bool) -> None:
        self.first = first
        self.second = second
        self.stopped = ""
        """The reason why the second machine has stopped following, with the first operation concerned; "" before."""
        self.differences: list[Difference] = []
        """The operations with another outcome or result on the second machine, without undone operations.

        The outcome is done, a panic or an error, with the error's name.  Results are numbers, texts and bytes; an
        address that a call returns is not compared, since ranges move.  Structures are not compared: machines that
        differ only in table pages or memory objects have no difference here.  `counts` and pictures show such
        differences.
        """
        self._stop = stop
        self._begun = len(first.journal), first.journal.last.serial
        self._steps: list[Step] = []
        self._expected = _end_of(second.journal)
        self._replay = Replay(second, first)
        self._tallies = Tally(first.system), Tally(second.system)
        self._is_sending = False
        first.door.listeners.append(self._follow)
        second.door.listeners.append(self._watch)

    @property
    def done(self) -> int:
        """The number of operations that both machines have done in step."""
        return len(self._steps)

    @property
    def counts(self) -> dict[str, tuple[int, int]]:
        """Each machine's counts, by name, while they are in step; for table pages and entries, the current numbers."""
        one, other = (tally.counts() for tally in self._tallies)
        return {name: (one.get(name, 0), other.get(name, 0)) for name in {**one, **other}}

    def close(self) -> None:
        """Let each machine continue alone from here."""
        self._end("the pair was released")

    @in_ascii
    def __repr__(self) -> str:
        lines = [f"{self.first.name} and {self.second.name}: {counted(self.done, 'operation')} in step"]
        if self.stopped:
            lines.append(f"not in step any longer: {self.stopped}")
        lines.append(f"{'':<12}{'first':>10}{'second':>10}")
        for name, (one, other) in self.counts.items():
            lines.append(f"{name:<12}{one:>10,}{other:>10,}{' ←' * (one != other)}")
        if self.differences:
            came = "had another result"
            lines.append(f"{counted(len(self.differences), 'operation')} {came}, first {self.differences[0].operation}")
        return "\n".join(lines)

    # ---- in step -----------------------------------------------------------------------------

    def _follow(self) -> None:
        """Repeat on the second machine the operations that were done, undone or redone on the first."""
        if self.stopped or self._is_sending:
            return
        self._is_sending = True
        try:
            if self._is_apart():
                return
            journal, (begun, _) = self.first.journal, self._begun
            common = bisect_left(
                range(min(len(self._steps), len(journal) - begun)),
                True,
                key=lambda at: journal.serial(begun + at) != self._steps[at].serial,
            )
            if common < len(self._steps):
                self._take_back(common)
            for then in journal[begun + common :]:
                if self.stopped:
                    break
                self._send(then)
        finally:
            self._is_sending = False

    def _is_apart(self) -> bool:
        """Return whether one machine did something that the other can't follow."""
        journal, (begun, serial) = self.first.journal, self._begun
        if len(journal) < begun or journal.serial(begun - 1) != serial:
            self._end(f"{self.first.name} is back before they were in step")
        elif _end_of(self.second.journal) != self._expected:
            self._end_by_second()
        return bool(self.stopped)

    def _watch(self) -> None:
        """Check the operations done, undone or redone on the second machine, except the repeated operations."""
        if not (self.stopped or self._is_sending) and _end_of(self.second.journal) != self._expected:
            self._end_by_second()

    def _end_by_second(self) -> None:
        """Record an operation or an undo of the second machine as the reason of the end."""
        journal, (count, serial) = self.second.journal, self._expected
        own = journal.first_from(serial + 1)
        if own < len(journal):
            self._end(f"{self.second.name} made its own operations, from its operation {own} on")
        else:
            last = f"s {own} to {count - 1}" if own < count - 1 else f" {own}"
            self._end(f"{self.second.name} undid its operation{last} on its own")

    def _send(self, then: Operation) -> None:
        second = self.second
        before, begins = len(second.journal), f"from operation {then.number} on, {then.target}.{then.name}"
        try:
            is_same = self._replay.otherwise(then)
        except CannotGoOn as reason:
            self._end(f"{begins}: {reason}")
            return
        except BaseException as error:  # the stop button, in a learner's code: the call was done in part or not at all
            self._end(f"{begins}: {type(error).__name__} on {second.name}")
            raise
        self._expected = _end_of(second.journal)
        self._steps.append(Step(then.serial, before, not is_same))
        if not is_same:
            self.differences.append(Difference(then, second.journal.last if len(second.journal) > before else None))
            if self._stop:
                self._end(f"operation {then.number} is the first difference")

    def _take_back(self, common: int) -> None:
        """Undo on the second machine the operations that were undone on the first."""
        gone = self._steps[common:]
        try:
            if len(self.second.journal) > gone[0].before:
                self.second.undo(len(self.second.journal) - gone[0].before)
        except VMError as error:
            self._end(f"{self.second.name} can't go back: {error}")
            return
        del self._steps[common:]
        del self.differences[sum(step.differs for step in self._steps) :]
        self._expected = _end_of(self.second.journal)
        self._replay.forget_from(gone[0].serial)

    def _end(self, why: str) -> None:
        if not self.stopped:
            self.stopped = why
            self.first.door.listeners.remove(self._follow)
            self.second.door.listeners.remove(self._watch)


def _end_of(journal: Any) -> tuple[int, int]:
    """Return the number of operations and the serial of the last, which identify the contents of one journal."""
    return len(journal), journal.serial(len(journal) - 1)


@says_what_it_takes
def lockstep(first: Any, second: Any, *, stop: bool = False) -> Lockstep:
    """Make `second` repeat each operation of `first` from now on, and note the differences.

    Use the first machine as usual, with its handles and pictures.  Undo and redo are repeated on the second machine
    too. Both machines begin in their current state: make the second a branch of the first or a replay of it
    (``first.again(…)``), or boot both and make every call in step. An address moves with the range that an operation
    returned, as in :meth:`.Machine.again`.  With `stop`, the second machine stops at the first difference;
    :attr:`Lockstep.differences` says which differences count.

    The two are no longer in step if the second can't repeat an operation, for example because it lacks the processor,
    or because the operation takes a thread's function.  Nor are they in step if the second does or undoes operations of
    its own, or if the first undoes operations from before they were in step.  ``.stopped`` then gives the
    reason.  Raises :class:`Refused` if both are the same machine, if the second already follows another machine, and
    for a machine that is read-only.

    >>> import vmwidgets as vm
    >>> a, b = vm.boot("x86-64", layout="tiny"), vm.boot("x86-64", layout="tiny", fork="eager")
    >>> pair = vm.lockstep(a, b)
    >>> t = a.task("init")
    >>> start = t.mmap("8 KiB")
    >>> t.write(start, b"x")
    >>> child = t.fork()
    >>> pair.counts["copies"], b.tasks["init.1"].peek(start)
    ((0, 1), b'x')
    >>> a.undo()
    >>> list(b.tasks), pair.done
    (['init'], 3)
    """
    first, second = (one.machine if isinstance(one, Again) else one for one in (first, second))
    for name, one in (("first", first), ("second", second)):
        if not hasattr(one, "journal") or not hasattr(one, "door"):
            raise Refused(f"{name}={shown(one)}: write a machine, such as m.branch()")
        if one.door.only_to_look_at:
            raise Refused(one.door.only_to_look_at)
        if one.dead:
            raise Refused(f"{name}: {one.name} is dead, so it can't do operations")
        if one.door.inside:
            raise Refused("lockstep can't begin during an operation: call it in a cell")
    if first in _led_by(second):
        raise Refused(f"{first.name} already follows {second.name}, or is the same machine: use a branch")
    for pair in _pairs_of(second):
        if pair.second is second:
            raise Refused(
                f"{second.name} already follows {pair.first.name}: close that pair first, with pair.close(), "
                f"or use a branch of {second.name}"
            )
    return Lockstep(first, second, stop)


def _led_by(machine: Any) -> list[Any]:
    """Return a machine and the machines that follow it."""
    found = [machine]
    for one in found:
        found += [pair.second for pair in _pairs_of(one) if pair.first is one]
    return found


def _pairs_of(machine: Any) -> list[Lockstep]:
    """Return the pairs that contain a machine."""
    heard_by = (getattr(listener, "__self__", None) for listener in machine.door.listeners)
    return [pair for pair in heard_by if isinstance(pair, Lockstep)]
