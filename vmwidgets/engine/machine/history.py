"""Time in both directions: earlier states of a machine, branches, undo and redo.

A machine is its journal: the same operations on the same structures give the same machine.  So a machine of the past is
made from the nearest copy before that point (:mod:`.copies`) and the operations since then.  Every result is compared
with the recorded result.

A machine of the past shares nothing changeable with the machine that it was made from.  An undo keeps the machine and
its handles, and replaces the machine's structures.
"""

from __future__ import annotations

import gc
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar
from weakref import WeakSet

from ..base.errors import Refused, shown
from ..base.journal import MAX_EVENTS, Journal, Line, Operation
from ..base.recorder import Raw, expanded
from ..base.scripts import Action, Script
from .inside import Inside
from .kept.copies import NoCopy, no_collection
from .learners.callbacks import Live
from .replay import Replay, quiet, stop_if_wanted, stoppable_between
from .system import System
from .touched import STRETCH, Touches

V = TypeVar("V")

EVERY = STRETCH
"""The least number of operations between two copies; larger machines are copied less often."""

NEVER = 1 << 62
"""A number that no operation has."""

BYTES_AN_OPERATION = 80
"""The bytes of a copy for each operation that separates it from the next copy: larger copies are taken less often."""

MOST_COPIED_BYTES = 64 << 20
"""The most bytes of all copies of one machine; beyond that, every second copy is dropped."""

SOON = 10
"""The number of operations until the next try, if a thread inside a call prevents a copy."""

NEAR = 100
"""The number of operations before a requested point in which copies are kept more often, for later requests nearby."""

LOOKED_AT = 4
"""The number of machines of the past that are kept for later requests."""

FAR, FAR_EVENTS = 1_000, 2_000
"""The number of operations since the nearest copy, or of events, from which reading inside an operation is slow."""

UNCOLLECTED = 8 << 20
"""The bytes of copies after which the garbage collector is called.

A machine is full of cycles, so an unused machine stays in memory until the collector runs.  Python calls the collector
after a number of new objects, but objects from a copy are not counted (:func:`.copies.thaw`): without this limit,
writing a handout of a machine with 100,000 entries left 1.5 GiB of unused machines.
"""


class Copy(NamedTuple):
    """The structures after operation `number`, whose serial is `serial`."""

    number: int
    serial: int
    data: bytes


class History:
    """The past of one machine.  `make(copy, name)` makes another machine like it, from a copy or by a boot."""

    def __init__(self, system: System, make: Callable[[bytes, str], Any]) -> None:
        self.system = system
        self.door = system.door
        self.journal = system.journal
        self._make = make
        self._copies: list[Copy] = []
        self.next_copy = EVERY
        """The number of the operation after which the next copy is taken."""
        self._looked_at: OrderedDict[int, Any] = OrderedDict()
        self._uncollected = 0
        self._insides: OrderedDict[int, Inside] = OrderedDict()
        self._ahead: Any = None
        """The machine that was rebuilt for the last request: this machine's state after some operation."""
        self.touches = Touches(self.journal)
        self.last_changes: Any = None
        """What is known of things' changes, after the first question (:mod:`.hindsight.last`)."""

    @property
    def bytes_kept(self) -> int:
        """The bytes of all copies."""
        return sum(len(copy.data) for copy in self._copies)

    # ---- copies ------------------------------------------------------------------------------

    def keep_up(self) -> None:
        """Keep what is due after an operation: a copy, and the possible changes of the last stretch of operations."""
        if len(self.journal) > self.next_copy:
            self.take_copy()
        self.touches.go_on(self.system.ram)

    def take_copy(self) -> None:
        """Keep a copy of the machine's current state, if one can be taken; compute when the next copy is due."""
        number = len(self.journal) - 1
        self.next_copy = number + SOON
        if not self.system.between_calls:
            return
        self.next_copy = number + EVERY
        if not _is_whole(self.system):
            return
        try:
            data = self.system.copy()
        except NoCopy:
            return
        self._keep(Copy(number, self.journal.last.serial, data))
        self.next_copy = number + _worth(len(data))

    @contextmanager
    def without_copies(self) -> Iterator[None]:
        """Take no copies in this block: copies take most of the memory of a long load, whose past is rarely requested.

        A request for a point inside the load replays the operations before that point, and then keeps copies.
        """
        due, self.next_copy = self.next_copy - len(self.journal), NEVER
        try:
            yield
        finally:
            self.next_copy = len(self.journal) + max(due, 0)

    def _keep(self, copy: Copy) -> None:
        kept = [one for one in self._copies if self._is_ours(one) and one.number != copy.number]
        self._copies = sorted([*kept, copy])
        while self.bytes_kept > MOST_COPIED_BYTES and len(self._copies) > 2:
            del self._copies[1:-1:2]

    def _is_ours(self, copy: Copy) -> bool:
        """Return whether a copy belongs to this line of operations, and not to an undone line."""
        return copy.number < len(self.journal) and self.journal.serial(copy.number) == copy.serial

    def bytes_near(self, number: int) -> int:
        """Return the bytes of the copy from which the machine after operation `number` is made; 0 for none.

        >>> import vmwidgets as vm
        >>> m = vm.boot()
        >>> m.task("init").map.fill(600)
        >>> m.history.bytes_near(100), m.history.bytes_near(590) > 1000
        (0, True)
        """
        copy = self._latest(number) if number < len(self.journal) - 1 else None
        return 0 if copy is None else len(copy.data)

    def _latest(self, number: int) -> Copy | None:
        """Return the latest copy that was kept before operation `number`."""
        return next((copy for copy in reversed(self._copies) if copy.number < number and self._is_ours(copy)), None)

    def _nearest(self, number: int) -> Copy:
        """Return the latest copy of the machine's state before operation `number`."""
        kept = self._latest(number)
        if kept is not None:
            return kept
        booted = self._make(b"", f"{self.system.machine.name} as it booted")  # the next number is the next machine's
        copy = Copy(0, self.journal.serial(0), booted.system.copy())
        self._keep(copy)
        return copy

    # ---- machines of the past ----------------------------------------------------------------

    def at(self, number: int) -> Any:
        """Return a machine as this one was after operation `number`, for reading only.

        O(operations since the nearest copy).
        """
        serial = self.journal.serial(number)
        machine = self._looked_at.get(serial)
        if machine is None or machine.journal.incomplete:
            name = f"{self.system.machine.name} after operation {number}"
            machine = self._looked_at[serial] = self._remade(number, name)
            machine.history.share(self._copies)
            machine.door.only_to_look_at = (
                f"this is {name}, read-only: m.branch({number}) gives you a copy you can change"
            )
            if len(self._looked_at) > LOOKED_AT:
                self._looked_at.popitem(last=False)
        self._name_moments(machine.journal, serial)
        self._looked_at.move_to_end(serial)
        return machine

    def branch(self, number: int) -> Any:
        """Return an independent machine as this one was after operation `number`, with its own history."""
        again = {key: live for key, live in self.system.callbacks.live.items() if live.again}
        machine = self._remade(number, f"branch of {self.system.machine.name}", again)
        machine.history.share(self._copies)
        return machine

    def visit(self, first: int, see: Callable[[Operation], None]) -> None:
        """Call `see` for each operation from number `first` (at least 1) on, with its events.

        Operations whose events were dropped are replayed, all in one run.  O(operations).
        """
        kept = max(first, self.journal.first_kept)
        if first < kept:
            again = self._remade(first - 1, f"{self.system.machine.name} from operation {first} on")

            def seen(system: System) -> None:
                see(system.journal.last)

            with self.door.looking(), stoppable_between():
                Replay(again).run(self.journal[first:kept], self._scripts(), after=seen)
        for operation in self.journal[kept:]:
            see(operation)

    def retrace(self, begin: Callable[[System], Callable[[System], None]], first: int = 0, last: int = -1) -> None:
        """Replay the operations after `first` up to `last`, on another machine.

        `begin` gets the machine after operation `first`, and returns a function that is called after each operation.
        O(operations).
        """
        sees: list[Callable[[System], None]] = []

        def look(system: System) -> None:
            if sees:
                sees[0](system)
            else:
                sees.append(begin(system))

        with no_collection():
            self.search(look, first, last)
            gc.collect(0)  # that machine, with everything in it, is garbage now

    def search(self, look: Callable[[System], object], first: int = 0, last: int = -1) -> int | None:
        """Return the number of the operation, from `first` to `last`, after which `look` is true for the first time.

        The operations are repeated on another machine, which begins as this one was after operation `first`.
        O(operations).
        """
        again = self._remade(first, f"{self.system.machine.name} once more")
        wanted = self.journal[first + 1 : range(len(self.journal))[last] + 1]
        with self.door.looking(), stoppable_between():
            if look(again.system) or Replay(again).run(wanted, self._scripts(), after=look):
                return int(again.journal.last.number)
        return None

    def moments(self, number: int, look: Callable[[Any], V]) -> list[V]:
        """Return the values of `look` before operation `number` (at least 1) and after each of its events.

        The operation is replayed on another machine, which is read while it runs.  If there are more events than a
        journal keeps, only the latest count, as in the journal.

        >>> import vmwidgets as vm
        >>> m = vm.boot()
        >>> a = m.kernel_map.enter("16 KiB")
        >>> seen = m.history.moments(1, lambda then: len(then.kernel_map))
        >>> seen[0], seen[-1], len(seen) == 1 + len(m.journal[1].events)
        (3, 4, True)
        """
        seen: deque[V] = deque(maxlen=MAX_EVENTS + 1)

        def begin(again: Any) -> Callable[[Raw], None]:
            def at_event(raw: Raw) -> None:
                with again.system.recorder.quiet():
                    seen.extend([look(again)] * sum(1 for _ in expanded((raw,))))

            seen.append(look(again))
            return at_event

        self._do_again(number, begin)
        return list(seen)

    def inside(self, number: int) -> Inside:
        """Return the values in the middle of operation `number` (at least 1); they are kept for a few operations."""
        serial = self.journal.serial(number)
        if serial not in self._insides:
            earlier = next(reversed(self._insides.values()), None)
            if len(self._insides) >= LOOKED_AT:
                self._insides.popitem(last=False)
            operation = self.journal[number]
            kept = len(operation.events) if operation.truncated else -1
            again, before = partial(self._do_again, number), partial(self._before, number)
            self._insides[serial] = Inside(again, before, kept, earlier)
        self._insides.move_to_end(serial)
        return self._insides[serial]

    def is_far(self, number: int) -> bool:
        """Return whether reading inside an operation is so slow that pictures of the operation's end avoid it."""
        copy = self._latest(number - 1)
        ago = number - (0 if copy is None else copy.number)
        return ago > FAR or self.journal.size(number) > FAR_EVENTS

    def _do_again(self, number: int, begin: Callable[[Any], Callable[[Raw], None]]) -> None:
        """Replay an operation on a machine that `begin` gets, and call the function that it returns at each event."""
        with self._before(number) as again:
            again.system.recorder.stepwise = True
            at_event = begin(again)
            with self.door.looking(), stoppable_between():
                Replay(again).run([self.journal[number]], self._scripts(), at_event=at_event)
            again.system.recorder.stepwise = False
            again.door.overhear(None)

    @contextmanager
    def _before(self, number: int) -> Iterator[Any]:
        """Give one reader a machine as this one was before operation `number` (at least 1).

        The machine of the last request continues to that point, unless a copy is nearer.  Afterwards, that machine is
        kept for the next request, unless it was stopped on the way.
        """
        again, copy = self._taken(), self._latest(number - 1)
        here = -1 if again is None else len(again.journal) - 1
        is_ours = 0 <= here < number and self.journal.serial(here) == again.journal.serial(here)
        if not is_ours or (copy is not None and copy.number > here):
            again = None  # drop this machine before another is made
            again = self._remade(number - 1, f"{self.system.machine.name} inside an operation")
        elif here < number - 1:
            with self.door.looking(), stoppable_between():
                self._come_to(again, self.journal[here + 1 : number], self._scripts())
            self._name_moments(again.journal, self.journal.serial(number - 1))
        yield again
        self._let_go_on(again)

    def _taken(self) -> Any:
        """Take out the machine of the last request, so that no other thread reads it; None if there is none."""
        with _TAKING:
            again, self._ahead = self._ahead, None
        return again

    def _let_go_on(self, again: Any) -> None:
        """Keep a request's machine for the next request, if it could be copied; only one history keeps a machine."""
        if not _is_whole(again.system):
            return
        with _TAKING:
            for other in list(_AHEAD):
                other._ahead = None
            _AHEAD.clear()
            _AHEAD.add(self)
            self._ahead = again

    def cheap(self) -> list[int]:
        """Return the numbers of operations after which the machine can be rebuilt immediately, since a copy is near."""
        return [copy.number + 1 for copy in self._copies if self._is_ours(copy) and copy.number + 1 < len(self.journal)]

    def share(self, copies: Iterable[Copy]) -> None:
        """Use these copies too, as far as they belong to this line of operations."""
        for copy in copies:
            if self._is_ours(copy):
                self._keep(copy)

    def _remade(self, number: int, name: str, live: Mapping[str, Live] = MappingProxyType({})) -> Any:
        with self.door.looking(), stoppable_between():
            if number == 0:
                machine = self._make(b"", name)
            else:
                copy = self._nearest(number)
                self._collect(len(copy.data))
                machine = self._make(copy.data, name)
                machine.system.callbacks.live.update(live)
                journal = machine.journal
                journal.begin_as(self.journal, copy.number + 1)
                scripts = self._scripts()
                Replay(machine).begin(copy.serial, scripts)
                self._come_to(machine, self.journal[copy.number + 1 : number + 1], scripts)
            serial = self.journal.serial(number)
            self._name_moments(machine.journal, serial)
            machine.journal.next_serial = machine.journal.most_serial = serial + 1
        return machine

    def _collect(self, more: int) -> None:
        """Free unused machines, if they may be large, before a machine is made from `more` bytes."""
        self._uncollected += more
        if self._uncollected > UNCOLLECTED:
            gc.collect()
            self._uncollected = more

    def _name_moments(self, journal: Journal, serial: int) -> None:
        """Copy the marks and groups up to the operation of this serial."""
        journal.marks = {mark: one for mark, one in self.journal.marks.items() if one <= serial}
        journal.groups = [group for group in self.journal.groups if group.last <= serial]

    def _scripts(self) -> dict[str, Script]:
        """Return the actions of learners' code, including known later actions from undone operations."""
        recorded, found = self.system.callbacks.recorded, dict(self.journal.scripts)
        for key, script in found.items():
            longer = recorded.get(key, ())
            if len(longer) > len(script) and all(map(Action.agrees, longer, script)):
                found[key] = recorded[key]
        return found

    def note(self, other: System, apart: int = 0) -> None:
        """Keep a copy of a machine that is being rebuilt and has reached this point, if the copy pays.

        The copy pays if none of the last `apart` operations has one; by default, `apart` depends on the copy's size.
        """
        number = len(other.journal) - 1
        before = self._latest(number + 1)
        if before is not None and number - before.number < (apart or _worth(len(before.data))):
            return
        if other.door.dead is None and other.between_calls:
            with suppress(NoCopy):
                self._keep(Copy(number, other.journal.last.serial, other.copy()))

    # ---- undo and redo -----------------------------------------------------------------------

    def undo(self, count: int) -> None:
        """Undo the last `count` operations; a group counts as one.  If that fails, nothing has changed."""
        number = len(self.journal)
        for done in range(count):
            if number == 1:
                what = f"only {done} can be undone" if done else "nothing can be undone"
                raise Refused(f"undo({count}): {what}; the boot itself can't")
            number = self.journal.unit_before(number)
        self.undo_to(number)

    def undo_to(self, number: int) -> None:
        """Undo all operations from `number` on."""
        journal = self.journal
        later = journal.undone
        scripts = later.scripts if later is not None else self._scripts()
        removed = tuple(journal[number:]) + (later.operations if later is not None else ())
        with stoppable_between(), self._other_structures():
            self._go_back(number - 1, scripts)
            journal.undone = Line(journal.last.serial, removed, scripts)
        kept = self._latest(len(journal))
        self.next_copy = EVERY if kept is None else kept.number + _worth(len(kept.data))
        for serial in [one for one in self._looked_at if one > journal.last.serial]:
            del self._looked_at[serial]
        for serial in [one for one in self._insides if one > journal.last.serial]:
            del self._insides[serial]
        self.door.tell()

    def redo(self, count: int) -> None:
        """Redo the next `count` undone operations; a group counts as one."""
        line = self.journal.undone
        operations, end = line.operations if line is not None else (), 0
        for done in range(count):
            if end == len(operations):
                what = f"only {done} can be redone" if done else "nothing was undone"
                raise Refused(f"redo({count}): {what}, or another operation followed")
            end = self._unit_end(operations, end)
        if line is None or not end:
            return
        before = len(self.journal)
        try:
            with stoppable_between(), quiet(self.system.machine):
                self._redo(operations[:end], line)
        finally:
            if len(self.journal) > before:
                self.door.tell()

    def _redo(self, again: Sequence[Operation], line: Line) -> None:
        """Redo these operations of a line; if one fails, the operations before it stay done."""
        journal, begun = self.journal, len(self.journal)
        self.system.callbacks.begin(line.scripts, again[-1].serial)
        try:
            replay = Replay(self.system.machine)
            for operation in again:
                replay.once(operation)
                stop_if_wanted()
        except BaseException:
            number = len(journal)
            if number > begun and not journal.last.agrees(again[number - begun - 1]):
                number -= 1
                with self._other_structures():
                    self._go_back(number - 1, line.scripts)
            raise
        finally:
            rest = line.operations[len(journal) - begun :]
            journal.undone = Line(journal.last.serial, rest, line.scripts) if rest else None
            journal.next_serial = journal.most_serial

    def _unit_end(self, operations: Sequence[Operation], begin: int) -> int:
        """Return the end of the unit that begins at this place among the operations: one operation, or a group."""
        group = self.journal.group_of(operations[begin].serial)
        end = begin + 1
        while group is not None and end < len(operations) and operations[end].serial <= group.last:
            end += 1
        return end

    def _go_back(self, number: int, scripts: dict[str, Script]) -> None:
        copy = self._nearest(number)
        again = self.journal[copy.number + 1 : number + 1]
        self.journal.cut(copy.number + 1)
        self.door.dead = None
        self.system.restore(copy.data)
        Replay(self.system.machine).begin(copy.serial, scripts)
        self._come_to(self.system.machine, again, scripts)

    @contextmanager
    def _other_structures(self) -> Iterator[None]:
        """Replace the machine's structures in this block; if it fails, restore the old structures and journal."""
        journal, system, callbacks = self.journal, self.system, self.system.callbacks
        self.touches.lose()
        held, dead = system.structures(), self.door.dead
        state, recorded = journal.state(), dict(callbacks.recorded)
        with quiet(self.system.machine):
            left = callbacks.leave()
            try:
                yield
            except BaseException:
                callbacks.drop(callbacks.leave(), system.kmem)
                system.hold(held)
                callbacks.threads = left
                self.door.dead = dead
                journal.restore(state)
                callbacks.recorded.clear()
                callbacks.recorded.update(recorded)
                raise
            callbacks.drop(left, held["kmem"])

    @contextmanager
    def group(self, name: str) -> Iterator[None]:
        """Make this block one operation for undo; if the block fails, all of it is undone and the error is raised.

        A machine that dies in the block stays dead, and one undo undoes the whole block.
        """
        journal = self.journal
        with self.door.looking():
            number, undone = len(journal), journal.undone
            try:
                with journal.group(name):
                    yield
            except BaseException:
                if len(journal) > number and self.door.dead is None:
                    self.undo_to(number)
                    journal.give_up(undone)
                raise

    def _come_to(self, machine: Any, operations: Sequence[Operation], scripts: dict[str, Script]) -> None:
        """Replay operations up to a requested point, and keep a copy shortly before it.

        The next requests are usually for points nearby.
        """
        early, late = operations[:-NEAR], operations[-NEAR:]
        replay = Replay(machine)
        replay.run(early, scripts, after=self.note)
        replay.run(late, scripts, after=partial(self.note, apart=NEAR // 2) if len(early) > NEAR else None)


_TAKING = threading.Lock()
"""The lock held while the machine of a request is taken out or kept."""

_AHEAD: WeakSet[History] = WeakSet()
"""The only history with a machine of the last request, which takes as much memory as the history's own machine."""


def _is_whole(system: System) -> bool:
    """Return whether a machine like this can be made and can continue: the system lives, and no call is under way."""
    sound = system.door.dead is None and not system.descriptor_edits and not system.journal.incomplete
    return sound and system.between_calls


def _worth(size: int) -> int:
    """Return the number of operations that must be replayed before a copy of this size is worth keeping."""
    return max(EVERY, size // BYTES_AN_OPERATION)


def number_of(value: Any, name: str, system: System) -> int:
    """Return the number of the operation that a learner means: a number, or the name of a bookmark."""
    journal = system.journal
    if isinstance(value, str):
        if value not in journal.marks:
            known = ", ".join(map(repr, journal.marks)) or "none yet"
            raise Refused(f"{name}({shown(value)}): there is no mark with this name; marks: {known}")
        found = journal.number_of(journal.marks[value])
        if found is None:
            later = journal.undone is not None and journal.undone.operations[-1].serial >= journal.marks[value]
            how = "m.redo() brings it back" if later else "it is in a branch now, m.journal.branches"
            raise Refused(f"{name}({shown(value)}): that moment was undone; {how}")
        return found
    last = len(journal) - 1
    number = value + len(journal) if type(value) is int and value < 0 else value
    if type(number) is not int or not 0 <= number <= last:
        what = f"pass an operation's number, from 0 (the boot) to {last}, or the name of a mark"
        raise Refused(f"{name}({shown(value)}): {what}")
    return number
