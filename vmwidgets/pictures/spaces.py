"""A common interface to a picture's page tables: a machine's tables, or tables without a machine."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import islice
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.engine.base.units import PAGE_SHIFT
from vmwidgets.engine.kernel.map.core import MapCore
from vmwidgets.engine.kernel.map.map_schema import EntryValue
from vmwidgets.engine.machine import Machine, arguments
from vmwidgets.engine.machine.handles.domain import MachineDomain
from vmwidgets.engine.machine.handles.maps import MachineMap
from vmwidgets.engine.machine.handles.tables import MachineTables
from vmwidgets.engine.machine.handles.tasks import Task
from vmwidgets.engine.mmu.tables import PageTables
from vmwidgets.engine.mmu.tables_schema import NOWHERE, Permission, Walk
from vmwidgets.engine.mmu.walk import walk
from vmwidgets.engine.spaces.paths import unquoted
from vmwidgets.events import PageAllocated, PageFreed
from vmwidgets.on_paper.machine import Paper
from vmwidgets.views.maps.runs import given_name, kind_of
from vmwidgets.views.scene.relations import KERNEL
from vmwidgets.views.scene.text import visible
from vmwidgets.views.story.moment import Moment
from vmwidgets.views.tables.walk import There
from vmwidgets.views.tables.walk_tables import Names

from .moments import entries_at, entry_at, look_at


class Space(Protocol):
    """Page tables that can be walked."""

    editable: bool

    @property
    def tables(self) -> PageTables[Any]:
        """The present tables."""

    @property
    def task(self) -> str:
        """The task that owns the tables; "" if they are the kernel's or no task's."""

    def whose(self, va: int) -> str:
        """Return the owner of an address, as pictures name spaces (:mod:`vmwidgets.views.scene.relations`)."""

    def walk(self, va: int, access: str, user: bool) -> Walk:
        """Return the hardware's walk."""

    def unedited(self, va: int, access: str, user: bool) -> Walk:
        """Return the walk with the descriptors' values before they were edited."""

    @property
    def edited(self) -> Mapping[int, int]:
        """The old values of edited descriptors, by physical address."""

    @property
    def has_map(self) -> bool:
        """Return whether a map says what should be mapped; domains, and tables without a machine, have no map."""

    def entry(self, va: int) -> EntryValue | None:
        """Return the map's entry for an address, if there is a map."""

    def kinds(self, vas: Collection[int]) -> Mapping[int, str]:
        """Return the kind of memory at each address, which determines its colour, if a map or an owner says so."""

    def table_names(self, found: Walk) -> Mapping[int, str]:
        """Return the short names of tables, by physical address, as far as their order is known."""

    def flip(self, pa: int, word: int, bit: int) -> None:
        """Write the descriptor at `pa`, now `word`, with one bit flipped: an operation.

        Raises :class:`Refused` if the tables have no machine.
        """

    def undo_edit(self) -> None:
        """Undo the latest edit of a descriptor: an operation.

        Raises :class:`Refused` if the tables have no machine.
        """


def whose_of(machine: Machine, va: int) -> str:
    """Return the space of an address that is the kernel's in all tables; "" for a task's or a domain's address."""
    return "" if machine.system.pmap.layout.is_user(va) else KERNEL


NOW = Moment()


class MachineSpace:
    """The kernel's tables in a machine, or a task's, at a moment of its latest operation."""

    editable = True

    def __init__(self, machine: Machine, task: str = "", moment: Moment = NOW) -> None:
        self._machine = machine
        self.task = task
        self._moment = moment

    @property
    def _tables(self) -> MachineTables:
        return self._machine.tables_of(self.task)

    def whose(self, va: int) -> str:
        """Return the owner of an address: the kernel, wherever it is mapped, or the task."""
        return whose_of(self._machine, va) or self.task or KERNEL

    @property
    def tables(self) -> PageTables[Any]:
        """The tables."""
        tables: PageTables[Any] = look_at(self._tables, self._moment).now
        return tables

    def walk(self, va: int, access: str, user: bool) -> Walk:
        """Return the hardware's walk."""
        return self._walk(self.tables.memory, va, access, user)

    def unedited(self, va: int, access: str, user: bool) -> Walk:
        """Return the walk with the descriptors' values before they were edited."""
        return self._walk(self._tables.memory_with(self.edited), va, access, user)

    def _walk(self, memory: Any, va: int, access: str, user: bool) -> Walk:
        return self._tables.walk_in(memory, va, arguments.access(access), user)

    @property
    def edited(self) -> Mapping[int, int]:
        """The old values of edited descriptors, by physical address, unless an edit restored the value."""
        after = {edit.pa: edit.after for edit in self._machine.standing_edits}
        return {pa: word for pa, word in self._machine.before_edits.items() if word != after[pa]}

    @property
    def has_map(self) -> bool:
        """Return whether these are the kernel's or a task's."""
        return not self.task or self.task in self._machine.tasks

    @property
    def _map(self) -> MachineMap:
        return self._machine.tasks[self.task].map if self.task else self._machine.kernel_map

    def entry(self, va: int) -> EntryValue | None:
        """Return the entry at `va`, only for reading."""
        return entry_at(self._map, self._moment, va) if self.has_map else None

    def kinds(self, vas: Collection[int]) -> Mapping[int, str]:
        """Return the kind of memory at each address: the kernel's, as its map has it, or the task's or domain's."""
        of_kernel = {va for va in vas if self.whose(va) == KERNEL}
        own = [va for va in vas if va not in of_kernel]
        kernels = self._on_their_way(self._machine.kernel_map, of_kernel) if of_kernel else {}
        known = {va: kind_of(kernels[va]) if va in kernels else "kernel" for va in of_kernel}
        if not self.has_map:
            return known | dict.fromkeys(own, "anonymous")  # a domain has no other memory
        entries = self._on_their_way(self._map, own)
        return known | {va: kind_of(entry) for va, entry in entries.items()}

    def _on_their_way(self, target: MachineMap, vas: Collection[int]) -> Mapping[int, EntryValue]:
        """Return entries at addresses: one that is in no list, on its way to another place, as it will be there."""
        return entries_at(target, self._moment.at(None), vas) | entries_at(target, self._moment, vas)

    def table_names(self, found: Walk) -> Mapping[int, str]:
        """Return the short names of a task's tables, in the order in which they were made."""
        return table_names(self._machine, self.task, self._moment)

    def flip(self, pa: int, word: int, bit: int) -> None:
        """Write the descriptor at `pa`, now `word`, with one bit flipped."""
        self._machine.set_descriptor(pa, word ^ 1 << bit)

    def undo_edit(self) -> None:
        """Undo the latest edit of a descriptor."""
        self._machine.undo_descriptor()


class TablesSpace:
    """Tables without a machine."""

    editable = False
    task = ""

    def __init__(self, tables: PageTables[Any]) -> None:
        self.tables = tables

    def whose(self, va: int) -> str:
        """Return this space: no other map and no processor has these addresses."""
        return self.tables.name

    def walk(self, va: int, access: str, user: bool) -> Walk:
        """Return the hardware's walk."""
        tables = self.tables
        return walk(tables.memory, tables.fmt, tables.root, va, arguments.access(access), user, tables.controls)

    def unedited(self, va: int, access: str, user: bool) -> Walk:
        """Return the same walk: nothing is edited here."""
        return self.walk(va, access, user)

    @property
    def edited(self) -> Mapping[int, int]:
        """The old values of edited descriptors: none."""
        return {}

    has_map = False

    def entry(self, va: int) -> EntryValue | None:
        """Return None: there is no map."""
        return None

    def kinds(self, vas: Collection[int]) -> Mapping[int, str]:
        """Return nothing: the owner of the memory is unknown."""
        return {}

    def table_names(self, found: Walk) -> Mapping[int, str]:
        """Return names in the order of the walk: nothing says when these tables were made."""
        tables = dict.fromkeys(step.table for step in found.steps if step.table < NOWHERE)
        return {table: f"T{number}" for number, table in enumerate(tables, 1)}

    def flip(self, pa: int, word: int, bit: int) -> None:
        """Refuse: nothing can be edited here."""
        raise Refused(_NO_MACHINE)

    def undo_edit(self) -> None:
        """Refuse: nothing was edited here."""
        raise Refused(_NO_MACHINE)


_NO_MACHINE = "these tables have no machine: they can be viewed but not edited"


def space_of(target: object, wanted: str) -> tuple[Space, Machine | None]:
    """Return the tables of `target`, and their machine, if there is one.

    Raises :class:`Refused` for anything else, with a sentence that begins with `wanted`.
    """
    if isinstance(target, Paper):
        return TablesSpace(target.page_tables()), None
    if isinstance(target, PageTables):
        return TablesSpace(target), None
    if isinstance(target, Machine):
        return MachineSpace(target), target
    if isinstance(target, Task):
        return MachineSpace(target.machine, target.name), target.machine
    if isinstance(target, MachineDomain):
        return MachineSpace(target.machine, target.path), target.machine
    if isinstance(target, MachineTables):
        return MachineSpace(target.machine, target.task), target.machine
    raise Refused(f"{wanted}, not {shown(target)}")


def live_space(machine: object, task: str, tables: PageTables[Any] | None, moment: Moment = NOW) -> Space:
    """Return a view's space: `tables` if they have no machine, or else the tables of `task` at `moment`."""
    if tables is not None:
        return TablesSpace(tables)
    assert isinstance(machine, Machine), "a view whose machine is gone is not drawn"
    return MachineSpace(machine, task, moment)


def name_of_space(space: str) -> str:
    """Return a learner's name for a task or a domain, given its path in events; "" for the kernel.

    >>> name_of_space("init"), name_of_space("domain:a%2Fb")
    ('init', 'a/b')
    """
    name = unquoted(space.removeprefix("domain:")) if space.startswith("domain:") else space
    return visible(name)


def chosen_descriptor(selection: str) -> int:
    """Return the physical address of the descriptor that a selection names; 0 if it names something else.

    >>> chosen_descriptor("pte:1c7000") == 0x1C_7000, chosen_descriptor("entry:3")
    (True, 0)
    """
    kind, _, digits = selection.partition(":")
    known = kind == "pte" and 0 < len(digits) <= 16 and all(digit in "0123456789abcdef" for digit in digits)
    return int(digits, 16) if known else 0


def there(space: Space, va: int) -> There:
    """Return what a space's map says about an address, for the picture of a walk."""
    entry = space.entry(va)
    protection = entry.protection if entry is not None else ""
    wanted = Permission(*(letter in protection for letter in "rwx"))
    granted = space.tables.fmt.rules.granted(wanted)
    accesses = [name for name, may in zip(("read", "write", "execute"), granted, strict=True) if may]
    return There(entry, space.has_map, space.kinds([va]).get(va, ""), accesses)


def names_of(space: Space, found: Walk) -> Names:
    """Return the register that holds the root of a walk, its tables' short names (T1, T2 …), and an entry's bytes."""
    tables = space.tables
    second = tables.fmt.rules.second_base(found.va, tables.controls)
    register = (tables.fmt.base_register if second is None else second[0]).removeprefix("root in ")
    return Names(register, space.table_names(found), tables.fmt.entry_width)


def table_names(machine: Machine, task: str, moment: Moment) -> dict[int, str]:
    """Return the short names of a task's tables, by physical address, from the journal alone: O(events).

    They are numbered in the order in which the kernel took their frames, and no name is used again.  The kernel's own
    tables and a domain's have none: the journal does not say in which order they were made.  Nor has a task whose
    first tables the journal no longer keeps.
    """
    journal, owner = machine.journal, f"page tables of {task}"
    if not task or task not in machine.tasks or journal.first_kept:
        return {}
    reports = [raw for raw in journal.reported_since(0) if raw[0] in _OF_FRAMES]
    if moment.operation is not None:
        number = moment.operation.number
        later = sum(raw[0] in _OF_FRAMES for raw in journal.reported_since(number))
        so_far = [(one.tag, one.frame, one.order, one.owner) for one in moment.so_far if isinstance(one, _EVENTS)]
        reports[len(reports) - later :] = so_far
    numbers: dict[int, int] = {}
    made = 0
    for tag, frame, _, of in reports:
        if of != owner:
            continue
        if tag == PageAllocated.tag:
            made += 1
            numbers[frame] = made
        else:
            numbers.pop(frame, 0)
    return {frame << PAGE_SHIFT: f"T{number}" for frame, number in numbers.items()}


_EVENTS = (PageAllocated, PageFreed)
_OF_FRAMES = {one.tag for one in _EVENTS}
"""The events of frames that the kernel takes and gives back."""


def range_names(vm_map: MapCore[Any], roles: Mapping[int, str]) -> Mapping[int, str]:
    """Return the short names of all ranges that a map ever had, by their entries' IDs; `roles` are the kernel's names.

    A range has the name that a learner or the kernel gave it, or else r1, r2 …, in the order in which entries were put
    into the map; if a range had the given name before, the number is after it.  No name changes or is used again.
    O(entries since the last call).
    """
    made = vm_map.made
    kept = _NAMED.get(vm_map)
    if kept is None or kept[0] is not made:
        kept = _NAMED[vm_map] = (made, {}, set())
    _, names, used = kept
    new = [*islice(reversed(made.items()), len(made) - len(names))]
    for number, (identity, first) in enumerate(reversed(new), len(names) + 1):
        given, own = roles.get(identity) or given_name(first), f"r{number}"
        name = next((one for one in (given, f"{given} {own}") if given and one not in used), own)
        names[identity] = name
        used.add(name)
    return names


_NAMED: WeakKeyDictionary[MapCore[Any], tuple[dict[int, str], dict[int, str], set[str]]] = WeakKeyDictionary()
"""The names of ranges so far, by map, with the record that they are from, and all names that were used."""
