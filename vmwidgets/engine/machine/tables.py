"""The page tables of one address space of a machine, as a part that can be shown."""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, NamedTuple

from ..base.errors import Broken, KernelPanic, Refused
from ..base.events import Event, PteRunWritten, PteWritten
from ..base.journal import Journal
from ..base.operations import Door, operation
from ..base.units import Address, Size
from ..base.values.tables import Walk
from ..memory.ram import BusError, Ram
from ..mmu.editor import HandEdit, HandEdits
from ..mmu.tables import PageTables
from ..mmu.walk import walk
from . import checks
from .check import check_machine

if TYPE_CHECKING:
    from ..base.recorder import Recorder
    from ..kernel.pmap.pmap import Pmap
    from ..kernel.threads.waits import MapLock
    from ..mmu.levels import Level
    from .cpus import MachineCpus
    from .domain import MachineDomain
    from .machine import Machine
    from .tasks import Task


# ---- walks -------------------------------------------------------------------------------------
#
# Walks as learners get them: immutable results that know where they come from, so that they can be walked again.


@dataclass(frozen=True, repr=False)
class MachineWalk(Walk):
    """A walk on a machine; two are equal when the hardware did the same.

    `source` leads to the machine while that exists; `task` names whose tables were walked ("" the kernel's).
    """

    source: weakref.ref[Machine] | None = field(default=None, repr=False, compare=False)
    task: str = field(default="", compare=False)

    @property
    def machine(self) -> Machine | None:
        """The machine that was walked; None when it is gone."""
        return None if self.source is None else self.source()


class PastMemory:
    """Physical memory as it was before some events: descriptors they wrote read as they were."""

    def __init__(self, ram: Ram, later: Iterable[Event]) -> None:
        self._ram = ram
        self._before: dict[int, int] = {}
        for event in later:
            if isinstance(event, PteWritten):
                self._before.setdefault(event.pa, event.before)
            elif isinstance(event, PteRunWritten):
                for pa, before, _ in event.words():
                    self._before.setdefault(pa, before)

    def read_word(self, pa: int, width: int) -> int:
        """The word of `width` bytes at `pa`."""
        before = self._before.get(pa)
        return self._ram.read_word(pa, width) if before is None else before


def machine_walk(
    machine: Machine, pmap: Pmap, task: str, va: int, access: str, user: bool, later: Iterable[Event] = ()
) -> MachineWalk:
    """Walk `va` in the tables of `pmap`, with the writes of the events in `later` undone."""
    root, controls = pmap.registers(machine.controls)
    found = walk(PastMemory(machine.ram, later), pmap.fmt, root, va, access, user, controls)  # type: ignore[arg-type]  # the door checked the access
    values = {part.name: getattr(found, part.name) for part in fields(Walk)}
    values["va"] = Address(found.va)
    values["pa"] = None if found.pa is None else Address(found.pa)
    return MachineWalk(**values, source=weakref.ref(machine), task=task)


# ---- tables ------------------------------------------------------------------------------------


class MachineTables:
    """Page tables of a machine: the kernel's, or those of the task called `task`, or of the domain with that path."""

    def __init__(self, machine: Machine, pmap: Pmap, task: str = "") -> None:
        self.machine = machine
        self.pmap = pmap
        self.task = task

    @property
    def format(self) -> str:
        """The format's name."""
        return self.pmap.fmt.name

    @property
    def root(self) -> Address:
        """Physical address of the root table."""
        return Address(self.pmap.root)

    def now(self) -> PageTables[Any]:
        """The tables as they are."""
        name = f"page tables of {self.task or 'the kernel'}"
        root, controls = self.pmap.registers(self.machine.controls)
        lent = self.pmap.layout.user_end if self.task else None  # the kernel has nothing lent
        return PageTables(name, self.machine.ram, self.pmap.fmt, root, controls, kernel_from=lent)

    def walk(self, address: int | str, access: str = "read", *, user: bool | None = None) -> MachineWalk:
        """What the hardware does with one access to `address` in these tables; nothing changes."""
        return self.machine.walk(address, access, user=user, task=self.task or None)

    def __repr__(self) -> str:
        whose = "the kernel"
        if self.task:
            is_task = self.task in self.machine.tasks
            whose = f"task {self.task!r}" if is_task else f"domain {self.task.removeprefix('domain:')!r}"
        count = len(self.pmap.tables)
        return f"<page tables of {whose}: {self.format}, root {self.root}, {count:,} table pages>"


# ---- descriptor places -------------------------------------------------------------------------
#
# Where in a machine's page tables a descriptor stands.


class Place(NamedTuple):
    """Where a descriptor stands in the tables of a machine."""

    level: Level
    va: int
    space: str


class UneditedMemory:
    """Memory as it was before the edits that stand."""

    def __init__(self, ram: Ram, before: Mapping[int, int]) -> None:
        self._ram = ram
        self._before = before

    def read_word(self, pa: int, width: int) -> int:
        """The word at `pa`."""
        known = self._before.get(pa)
        return self._ram.read_word(pa, width) if known is None else known


def find_place(memory: UneditedMemory, pmap: Pmap, settings: Any, pa: int, width: int) -> tuple[Level, int] | None:
    """The level of the table in which `pa` stands, and the address that the slot is for; None if it is in none.

    Tables are looked through from the root down, so that one which the recursive window shows too, a level lower, is
    found where it belongs.
    """
    fmt = pmap.fmt
    seen: set[tuple[int, int]] = set()
    root, controls = pmap.registers(settings)
    waiting = deque((one.level, one.table, one.base) for one in fmt.roots(root, controls))
    while waiting:
        level, table, va = waiting.popleft()
        if (level.number, table) in seen:
            continue
        seen.add((level.number, table))
        if table <= pa < table + level.entries * width:
            return level, fmt.as_register(va + ((pa - table) // width << level.shift), controls)
        if level.number == 1:
            continue
        below = fmt.level(level.number - 1)
        for index in range(level.entries):
            try:
                word = memory.read_word(table + index * width, width)
            except BusError:  # the table lies outside of memory: an edit made it so
                break
            if not word:
                continue
            descriptor = level.read_as(word)
            if descriptor.kind == "table":
                waiting.append((below, descriptor.address_of(word), va + (index << level.shift)))
    return None


# ---- descriptors -------------------------------------------------------------------------------
#
# Descriptors edited by hand: a bit flipped to see what breaks, and put back.


EDITS = ("set_descriptor", "undo_descriptor")
"""The operations that edit descriptors by hand."""


LEFT_BEHIND = "the edits are taken back, and what was written while they were in force is not as it should be"


class Edit(NamedTuple):
    """A descriptor that was edited: where it stands, what it held, what was written, and whom it is about."""

    pa: int
    before: int
    after: int
    level: int
    va: int
    space: str
    """The task or the domain (by its path) whose tables it is in; "" the kernel's."""


class DescriptorOperations:
    """Methods of a machine that edit descriptors by hand."""

    ram: Ram
    pmap: Any
    recorder: Recorder
    path: str
    door: Door
    tasks: dict[str, Task]
    domains: dict[str, MachineDomain]
    cpus: MachineCpus
    journal: Journal
    _edited_from: int | None = None
    """Which operation made the first edit since the machine was last known to be whole."""

    @operation
    def set_descriptor(self, pa: int | str, value: int) -> int:
        """Write `value` into the descriptor at physical address `pa`, whatever it breaks; what it held before.

        `pa` must be in a table of this machine: the kernel's, or a task's.  :meth:`undo_descriptor` takes it back.
        O(tables of the machine).
        """
        where = checks.whole(pa, "pa")
        width = self.pmap.fmt.entry_width
        given: object = value
        if not isinstance(given, int) or isinstance(given, bool):
            raise Refused(f"value is a {type(value).__name__}: write a whole number of {8 * width} bits")
        if not 0 <= value < 1 << 8 * width:
            text = f"{value:#x}" if abs(value) < 1 << 128 else "that"
            raise Refused(f"value={text} does not fit: a descriptor here has {8 * width} bits")
        if where % width:
            raise Refused(f"pa={Address(where)} is not aligned: descriptors stand at multiples of {width} bytes")
        place = self._place_of(where, width)
        before = self.ram.read_word(where, width)
        if before == value:
            return before
        tables = self._tables_of(place.space)
        assert tables is not None, "it was found there"
        if self._hand_edits.add(where, HandEdit(tables.root, place.level, place.va, before, value)):
            self.descriptor_edits[:] = [edit for edit in self.descriptor_edits if edit.pa != where]
        if self._edited_from is None:
            self._edited_from = len(self.journal)
        self.descriptor_edits.append(Edit(where, before, value, place.level.number, place.va, place.space))
        self._write_descriptor(where, width, before, value, place.level.number, place.va)
        return before

    @operation
    def undo_descriptor(self) -> int:
        """Take back the latest edit that is in force; its address.

        An edit is over once the kernel has written the descriptor, even the same word, or given its table back.  A
        machine that died of its edits goes on when the last is taken back, if no structure was left half changed: what
        the operation that died had under way is lost.  KernelPanic, "edited_tables", when something was written while
        the edits were in force that taking them back does not mend.
        """
        standing = self.standing_edits
        if standing:
            edit = standing[-1]
            del self.descriptor_edits[max(at for at, one in enumerate(self.descriptor_edits) if one is edit) :]
            self._put_back(edit)
            for pa in sorted(set(self._hand_edits.places) - {one.pa for one in self.descriptor_edits}):
                self._hand_edits.end(pa)
        else:
            edit = self._overwritten()
        if len(standing) < 2:
            self._settle()
        return Address(edit.pa)

    # ---- looking -----------------------------------------------------------------------------

    def remedy(self) -> str:
        """What to do about this machine if it is dead."""
        edited = "undo_descriptor() takes back the latest edit of its page tables; or " if self.descriptor_edits else ""
        return f"{edited}boot another to go on"

    @property
    def descriptor_edits(self) -> list[Edit]:
        """All edits that were not taken back, the latest last."""
        held: list[Edit] = self.__dict__.setdefault("_descriptor_edits", [])
        return held

    @property
    def standing_edits(self) -> list[Edit]:
        """The edits whose descriptors are in the tables and hold what was written, the latest last."""
        width = self.pmap.fmt.entry_width
        if not self.descriptor_edits:
            return []
        kept = UneditedMemory(self.ram, {pa: place.kept for pa, place in self._hand_edits.places.items()})
        now = {edit.pa: self.ram.read_word(edit.pa, width) for edit in self.descriptor_edits}
        standing: list[Edit] = []
        for edit in reversed(self.descriptor_edits):
            if self._stands(edit, now[edit.pa]) and self._in_place(edit, kept):
                now[edit.pa] = edit.before
                standing.append(edit)
        return standing[::-1]

    @property
    def before_edits(self) -> dict[int, int]:
        """What the edited descriptors would hold if all edits that stand were taken back, by physical address."""
        before: dict[int, int] = {}
        for edit in self.standing_edits:
            before.setdefault(edit.pa, edit.before)
        return before

    @contextmanager
    def _without_edits(self) -> Iterator[None]:
        """The tables as the kernel left them, for as long as somebody checks them; then the edits stand again."""
        width = self.pmap.fmt.entry_width
        before = self.before_edits
        edited = {pa: self.ram.read_word(pa, width) for pa in before}
        for pa, word in before.items():
            self.ram.write_word(pa, width, word)
        try:
            yield
        finally:
            for pa, word in edited.items():
                self.ram.write_word(pa, width, word)

    # ---- beneath -----------------------------------------------------------------------------

    def _edits_in_force(self) -> bool:
        """Whether a descriptor holds what an edit wrote.  O(1)."""
        return bool(self._hand_edits.places)

    @property
    def _hand_edits(self) -> HandEdits:
        """What the kernel has not written since it was edited; its editors keep this."""
        edits: HandEdits = self.pmap.editor.edits
        return edits

    def _tables_of(self, space: str) -> Pmap | None:
        """The tables of a space as edits name it; none if it is gone."""
        return self.pmap if not space else dict(self._user_spaces()).get(space)

    def _in_place(self, edit: Edit, memory: UneditedMemory) -> bool:
        """Whether the kernel has not written a descriptor, which stands in the tables that it made.  O(levels)."""
        pmap, fmt = self._tables_of(edit.space), self.pmap.fmt
        if pmap is None or edit.pa not in self._hand_edits.places:
            return False
        table = pmap.root
        for level in fmt.levels:
            pa = table + level.index(edit.va) * fmt.entry_width
            if level.number == edit.level:
                break
            word = memory.read_word(pa, fmt.entry_width)
            if level.read_as(word).kind != "table":
                return False
            table = level.read_as(word).address_of(word)
        return bool(pa == edit.pa)

    def _user_spaces(self) -> Iterator[tuple[str, Pmap]]:
        """The tables of all tasks and domains, each with the name that an edit in them has."""
        yield from ((task.name, task.pmap) for task in self.tasks.values())
        yield from ((domain.path, domain.pmap) for domain in self.domains.values())

    def _stands(self, edit: Edit, now: int) -> bool:
        """Whether a descriptor holds what an edit wrote, but for what the hardware notes in it by itself."""
        fmt = self.pmap.fmt
        level = fmt.level(edit.level)
        controls = self.controls  # type: ignore[attr-defined]  # the machine has them
        noted = fmt.rules.accessed(fmt.rules.read_as(level, edit.after, controls), True, controls)
        return not (now ^ edit.after) & ~noted

    def _put_back(self, edit: Edit) -> None:
        width = self.pmap.fmt.entry_width
        now = self.ram.read_word(edit.pa, width)
        self._write_descriptor(edit.pa, width, now, edit.before, edit.level, edit.va)

    def _overwritten(self) -> Edit:
        """The latest edit, when none is in force any more; refused if the machine did not die of them."""
        if self.door.dead is None:
            self._settle()
            raise Refused("no descriptor was edited, or the kernel has written them all since: nothing to undo")
        if not self.descriptor_edits:
            raise Refused(f"this machine is dead ({self.door.dead}), and no edit of its tables is left: boot another")
        edit = self.descriptor_edits[-1]
        self.descriptor_edits.clear()
        self._hand_edits.places.clear()
        return edit

    def _settle(self) -> None:
        """No edit is in force any more: see whether the machine is whole, and let one that died live on if it is.

        O(machine), if anything was done since the first edit.
        """
        first, self._edited_from = self._edited_from, None
        if self.door.dead is None and not self._worked_since(first):
            return
        for lock in self._held_by_the_dead():
            lock.release()
        try:
            check_machine(self)  # type: ignore[arg-type]  # it is the machine
        except Broken as broken:
            if self.door.dead is None:
                raise KernelPanic("edited_tables", f"{LEFT_BEHIND}: {broken}") from None
            return
        self.door.dead = None

    def _worked_since(self, first: int | None) -> bool:
        """Whether anything but edits was done since the operation `first`."""
        return first is not None and any(one.name not in EDITS for one in self.journal[first:])

    def _held_by_the_dead(self) -> list[MapLock]:
        """The locks that the operation held of which the machine died."""
        scheduler = self.callbacks.scheduler  # type: ignore[attr-defined]  # the machine has them
        held: list[MapLock] = scheduler.locks_of("") if self.door.dead is not None else []
        return held

    def _write_descriptor(self, pa: int, width: int, before: int, after: int, level: int, va: int) -> None:
        self.ram.write_word(pa, width, after)
        self.cpus.edited()
        emit = self.recorder.emit
        if emit is not None and before != after:
            emit((PteWritten.tag, pa, before, after, level, va))

    def _place_of(self, pa: int, width: int) -> Place:
        """Which descriptor stands at `pa`: looked for in the tables that the kernel made, as they were before edits."""
        kept, now = UneditedMemory(self.ram, self.before_edits), UneditedMemory(self.ram, {})
        for memory in (kept, now):
            for name, pmap in [("", self.pmap), *self._user_spaces()]:
                found = find_place(memory, pmap, self.controls, pa, width)  # type: ignore[attr-defined]  # the machine has them
                if found is not None and memory is kept:
                    return Place(*found, name)
                if found is not None:
                    raise Refused(
                        f"pa={Address(pa)} is in no table of the kernel's: the hardware only takes it for one since a "
                        "descriptor was edited; take that back first (undo_descriptor)"
                    )
        if pa >= self.ram.size:
            raise Refused(f"pa={Address(pa)} lies outside of memory, which has {Size(self.ram.size)}")
        raise Refused(
            f"pa={Address(pa)} is in no page table of this machine: the pictures of walks and tables show where "
            f"descriptors stand; the kernel's root table is at {Address(self.pmap.root)}"
        )
