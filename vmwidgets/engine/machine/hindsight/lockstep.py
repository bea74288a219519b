"""Two machines in step: what is done on the first is done on the second too, and what differs is noted."""

from __future__ import annotations

from bisect import bisect_left
from typing import Any, NamedTuple

from ...base.errors import Refused, VMError, shown
from ...base.journal import Operation
from ...base.units import counted
from .again import Tally
from .reliving import CannotGoOn, Reliving


class Difference(NamedTuple):
    """An operation that came to something else on the second machine; `other` is its record there, if it has one."""

    operation: Operation
    other: Operation | None


class Step(NamedTuple):
    """An operation of the first machine, by its serial, and how many the second one had before it."""

    serial: int
    before: int
    differs: bool


class Lockstep:
    """Two machines in step, made by :func:`lockstep`; they are until `stopped` says why they are not any longer."""

    def __init__(self, first: Any, second: Any, stop: bool) -> None:
        self.first = first
        self.second = second
        self.stopped = ""
        """Why the second machine does not follow any longer, and from which operation on; "" while it does."""
        self.differences: list[Difference] = []
        """The operations that came to something else, those apart that were undone."""
        self._stop = stop
        self._begun = len(first.journal), first.journal.last.serial
        self._steps: list[Step] = []
        self._expected = len(second.journal)
        self._reliving = Reliving(first, second)
        self._tallies = Tally(first.system), Tally(second.system)
        self._is_sending = False
        first.door.listeners.append(self._follow)

    @property
    def done(self) -> int:
        """How many operations both have done in step."""
        return len(self._steps)

    @property
    def counts(self) -> dict[str, tuple[int, int]]:
        """What there was on each since they are in step, by name; table pages and entries as there are now."""
        one, other = (tally.counts() for tally in self._tallies)
        return {name: (one.get(name, 0), other.get(name, 0)) for name in {**one, **other}}

    def close(self) -> None:
        """Let each go its own way from here on."""
        self._end("they were let go")

    def __repr__(self) -> str:
        lines = [f"{self.first.name} and {self.second.name}: {counted(self.done, 'operation')} in step"]
        if self.stopped:
            lines.append(f"not in step any longer: {self.stopped}")
        lines.append(f"{'':<12}{'first':>10}{'second':>10}")
        for name, (one, other) in self.counts.items():
            lines.append(f"{name:<12}{one:>10,}{other:>10,}{' ←' * (one != other)}")
        if self.differences:
            came = "came to something else"
            lines.append(f"{counted(len(self.differences), 'operation')} {came}, first {self.differences[0].operation}")
        return "\n".join(lines)

    # ---- in step -----------------------------------------------------------------------------

    def _follow(self) -> None:
        """See what was done, undone or redone on the first machine, and do it on the second."""
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
        """Whether one of them did what the other can't follow."""
        journal, (begun, serial) = self.first.journal, self._begun
        if len(journal) < begun or journal.serial(begun - 1) != serial:
            self._end(f"{self.first.name} is back before they were in step")
        elif len(self.second.journal) != self._expected:
            self._end(
                f"{self.second.name} did or undid operations of its own, from operation {self._expected} of it on"
            )
        return bool(self.stopped)

    def _send(self, then: Operation) -> None:
        second = self.second
        before = len(second.journal)
        try:
            is_same = self._reliving.do(then)
        except CannotGoOn as reason:
            self._expected = len(second.journal)
            self._end(f"from operation {then.number} on, {then.target}.{then.name}: {reason}")
            return
        self._expected = len(second.journal)
        self._steps.append(Step(then.serial, before, not is_same))
        if not is_same:
            self.differences.append(Difference(then, second.journal.last if self._expected > before else None))
            if self._stop:
                self._end(f"operation {then.number} is the first difference")

    def _take_back(self, common: int) -> None:
        """Undo on the second machine what was undone on the first."""
        gone = self._steps[common:]
        try:
            if self._expected > gone[0].before:
                self.second.undo(self._expected - gone[0].before)
        except VMError as error:
            self._end(f"{self.second.name} can't go back: {error}")
            return
        del self._steps[common:]
        del self.differences[sum(step.differs for step in self._steps) :]
        self._expected = len(self.second.journal)
        self._reliving.forget_from(gone[0].serial)

    def _end(self, why: str) -> None:
        if not self.stopped:
            self.stopped = why
            self.first.door.listeners.remove(self._follow)


def lockstep(first: Any, second: Any, *, stop: bool = False) -> Lockstep:
    """Have `second` do each operation that `first` does from now on, and note what differs.

    Work on the first machine as usual, with its handles and pictures.  What is undone and redone there is undone and
    redone on the second one.  Both begin as they are: make the second a branch of the first, or boot both and do
    everything in step.  An address moves with the range that an operation returned, as in :meth:`.Machine.again`.
    With `stop` the second one stays where the first difference is.

    The two are not in step any longer where the second can't do an operation, such as one that takes a thread's
    function, where it is given operations of its own, or where the first goes back to before they were in step; then
    ``.stopped`` says so.  Raises :class:`Refused` for one machine twice, or one that is only to be looked at.

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
    for name, one in (("first", first), ("second", second)):
        if not hasattr(one, "journal") or not hasattr(one, "door"):
            raise Refused(f"{name}={shown(one)}: write a machine, such as m.branch()")
        if one.door.only_to_look_at:
            raise Refused(one.door.only_to_look_at)
        if one.dead:
            raise Refused(f"{name}: {one.name} is dead, and does no operation")
        if one.door.inside:
            raise Refused("lockstep begins between operations, and one is under way: call it in a cell")
    if first in _led_by(second):
        raise Refused(f"{first.name} does what {second.name} does already, or is the same machine: take a branch")
    return Lockstep(first, second, stop)


def _led_by(machine: Any) -> list[Any]:
    """A machine and those that do what it does."""
    found = [machine]
    for one in found:
        pairs = (getattr(listener, "__self__", None) for listener in one.door.listeners)
        found += [pair.second for pair in pairs if isinstance(pair, Lockstep)]
    return found
