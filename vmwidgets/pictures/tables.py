"""Live page tables: all tables in levels, which can be opened, folded and searched; and the walk of one address."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import traitlets

from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.engine.base.units import Address, binary_size
from vmwidgets.engine.machine import Machine
from vmwidgets.engine.machine.handles.domain import MachineDomain
from vmwidgets.engine.machine.handles.tables import MachineTables, MachineWalk
from vmwidgets.engine.machine.handles.tasks import Task
from vmwidgets.engine.memory.ram import BusError
from vmwidgets.engine.mmu.tables import MOST_OPEN, PageTables, Shown, TableKey, TablesWalk
from vmwidgets.engine.mmu.tables_schema import AddressSplit, TableWindow, WindowRow
from vmwidgets.engine.mmu.tables_schema import Walk as WalkValue
from vmwidgets.engine.mmu.walk import walk
from vmwidgets.engine.spaces.paths import task_path
from vmwidgets.on_paper.machine import Paper
from vmwidgets.on_paper.worked import Access
from vmwidgets.views.scene.addresses import typed_in_register
from vmwidgets.views.scene.kit import stack
from vmwidgets.views.scene.model import Caption, Scene
from vmwidgets.views.scene.relations import KERNEL, About
from vmwidgets.views.story.moment import Moment, Told
from vmwidgets.views.story.stages import Mine, once, seen
from vmwidgets.views.tables.boxes import TablesBench
from vmwidgets.views.tables.picture import draw_tables
from vmwidgets.views.tables.relations import of_walk, of_window
from vmwidgets.views.tables.slices import Slice, slices_of, turned, with_sign
from vmwidgets.views.tables.walk import Bench, draw_walk, draw_walk_line, shown_step

from .at import At
from .moments import There, part_at
from .options import AddressTrait
from .picture import Picture
from .quantities import NOTHING, Quantity
from .registry import picture_of
from .spaces import (
    MachineSpace,
    Space,
    chosen_descriptor,
    live_space,
    name_of_space,
    names_of,
    space_of,
    there,
)
from .table_steps import marks_of_tables
from .walked import quantities_of_walk, quantities_of_window, walk_without, window_without

ROWS, STACKED = 12, 22
"""The most rows of a table, and of all tables of one level together."""

AT_FIRST = 22
"""The number of rows below the root that are open at first."""


@picture_of(first_for=(MachineTables, PageTables))
class Tables(Picture):
    """Page tables in levels: only what is present, with runs folded and counted, and large pages drawn larger.

    `target` is a machine (its kernel's tables), a task, a domain, or tables without a machine.  A click opens and
    closes a table, a run or a fold, and shows a descriptor bit by bit.  "find" opens the path to an address.  Tables
    created by the operation are marked as new and counted; descriptors that now map something else, or with other
    rights, are marked as changed.  The cost depends on what is open, not on the number of tables.

    >>> import vmwidgets as vm
    >>> m = vm.boot("x86-64")
    >>> t = m.task("init")
    >>> t.write(t.mmap("8 KiB"), b"x")
    >>> vm.Tables(t)
    Tables of task:init ...
    """

    address = AddressTrait(-1, min=-1, max=2**64 - 1, help="The address that was looked for; -1: none.").tag(
        public=True
    )

    def __init__(
        self, target: Machine | Task | MachineDomain | MachineTables | PageTables[Any] | Paper, **options: Any
    ) -> None:
        space, machine = space_of(target, "Tables shows a machine, a task, a domain, or tables that were loaded")
        self._task = space.task
        self._without_machine = space.tables if machine is None else None
        self._opened: list[TableKey] = []
        self._expanded: list[int] = []
        self._centres: dict[TableKey, int] = {}
        self._touched = self._ready = False
        super().__init__(target, machine=machine, **options)
        self._ready = True
        if self.address >= 0:
            self._open_way()

    @property
    def space(self) -> Space:
        """The tables that are shown."""
        return live_space(self.at().machine, self._task, self._without_machine)

    def draw(self, at: At) -> Scene:
        """Return the open tables at the moment."""
        window, bench, told, about = self._seen(at)
        window, bench = window_without(window, bench, at.blanks)
        name = "" if at.machine is None else at.machine.name
        return replace(draw_tables(window, bench, machine=name, width=at.width, told=told), about=about)

    def quantities(self, at: At) -> Sequence[Quantity]:
        """Return the addresses that are drawn: each can be left out of a worksheet."""
        return [*quantities_of_window(*self._seen(at)[:2])]

    def _seen(self, at: At) -> tuple[TableWindow, TablesBench, Told | None, dict[str, About]]:
        """Return the open tables at the moment, their tools, the words that the moment adds, and their relations."""
        must_be_there(self.machine, at, self._task)
        space = space_then(at, self._task, self._without_machine)
        tables = space.tables
        if not self._touched:  # as the operation left them, so that all steps show the same tables
            self._open_first(live_space(at.machine, self._task, self._without_machine).tables)
        found = self._walked(space) if self.address >= 0 else None
        path = [step.pa for step in found.steps] if found is not None else []
        edited = space.edited
        chosen = chosen_descriptor(self.selection)
        marked = [*path[-1:], *edited, *([chosen] if chosen else [])]
        window = self._window(tables, marked)
        word = self._word(tables, chosen)
        if word is None:
            chosen = 0
        kinds = space.kinds(_leaves(window))
        bench = TablesBench(space.editable, chosen, word or 0, path, edited, self._answer(found), kinds=kinds)
        about = of_window(window, space.task or (tables.name if at.machine is None else KERNEL))
        if at.machine is None:
            return window, bench, None, about
        moment, machine = at.moment, at.machine
        began = live_space(machine, self._task, None, moment.at(0)).tables if moment.events else tables
        bench = replace(bench, marks=marks_of_tables(moment, began, tables, window))
        opened = tuple(self._opened), tuple(self._expanded), tuple(self._centres.items()), tuple(marked), chosen

        def facts(done: int) -> object:
            then = moment.at(done)
            there = live_space(machine, self._task, None, then)

            def read() -> tuple[object, list[int]]:
                window = self._window(there.tables, marked)
                marks = marks_of_tables(then, began, there.tables, window)
                return (_facts(window, chosen), marks), _leaves(window)

            drawn, leaves = then.read_once(("tables", self._task, opened), read)
            return drawn, there.kinds(leaves)

        told = moment.told(once(("tables", self._task, opened), seen(facts)))
        if bench.marks and not told.steps.count and moment.is_after:  # no step of the story says how it ended
            told = told._replace(caption=lambda own: replace(own, reason=f"{own.reason} {moment.caption.text}"))
        return window, bench, told, about

    def _window(self, tables: PageTables[Any], marked: list[int]) -> TableWindow:
        crowd = max([1, *(sum(1 for level, _ in self._opened if level == one) for one, _ in self._opened)])
        rows = max(5, min(ROWS, STACKED // crowd))
        return tables.window(Shown(self._opened, self._expanded, self._centres, marked, rows))

    def _word(self, tables: PageTables[Any], pa: int) -> int | None:
        try:
            return tables.memory.read_word(pa, tables.fmt.entry_width) if pa else None
        except BusError:
            return None

    def _walked(self, space: Space) -> WalkValue:
        tables = space.tables
        return walk(tables.memory, tables.fmt, tables.root, self.address, "read", False, tables.controls)

    def _answer(self, found: WalkValue | None) -> Caption | None:
        if found is None:
            return None
        last = found.steps[-1] if found.steps else None
        if last is None:
            assert found.fault is not None, "a walk that read nothing stopped before"
            return Caption(f"{Address(found.va)}: {found.fault.why}.", tone="error")
        way = " → ".join(f"{step.name} {step.index}" for step in found.steps)
        if last.kind == "leaf":
            pa = Address(last.address | found.va & found.page_size - 1)
            size = binary_size(found.page_size)
            return Caption(f"{Address(found.va)} is mapped: physical {pa}, in a page of {size}.", (), way, "good")
        if found.fault is not None and found.fault.kind == "bus-error":  # the contents are unknown
            return Caption(f"{Address(found.va)}: {found.fault.why}.", (), way, "error")
        return Caption(f"Nothing is mapped at {Address(found.va)}: {found.fault.why if found.fault else ''}.", (), way)

    def _open_first(self, tables: PageTables[Any]) -> None:
        """Open some tables of each level, from the lowest addresses: as much as can be read at a glance.

        Tables that the kernel lent are opened only if there are no other tables.
        """
        self._opened = []
        budget = AT_FIRST
        waiting: list[TableKey] = []
        seen: set[TableKey] = set()
        has_own = False
        window = tables.window(Shown(self._opened, rows=ROWS))
        while True:
            found = [(table.level - 1, row) for table in window.tables for row in table.rows if row.kind == "table"]
            has_own = has_own or any(not row.is_lent for _, row in found)
            for level, row in found:
                key = (level, row.va)
                if key not in seen and not (row.is_lent and has_own):
                    seen.add(key)
                    waiting.append(key)
            waiting.sort()  # the deepest first: pages say most
            fitting = [key for key in waiting if sum(1 for level, _ in self._opened if level == key[0]) < 3]
            if not fitting or budget <= 0 or len(self._opened) >= MOST_OPEN // 2:
                return
            key = fitting[0]
            waiting.remove(key)
            self._opened.append(key)
            window = tables.window(Shown(self._opened, rows=ROWS))
            now = next((one for one in window.tables if (one.level, one.va) == key), None)
            budget -= len(now.rows) if now is not None else 1

    # ---- requests from the page ------------------------------------------------------------------

    def opened(self, node_id: str) -> None:
        """Open a table, a descriptor or a fold, or flip a bit."""
        what, _, which = node_id.removeprefix("tables/").partition("/")
        self._touched = True
        if what == "table":
            level, va = which.split("/")
            self._close((int(level), int(va, 16)))
        elif what == "slot":
            level, va = which.split("/")
            self._open_slot(int(level), int(va, 16))
        elif what == "fold":
            level, va, first = which.split("/")
            self._centres[int(level), int(va, 16)] = int(first)
        elif what == "bit":
            self._flip(int(which))
        elif what == "switch":
            self.space.undo_edit()

    def sought(self, text: str) -> None:
        """Open the path to the address `text`."""
        self.show_address(typed_in_register(text, self.space.tables.fmt.word_bits))

    def show_address(self, address: int) -> None:
        """Open the tables on the path to `address`, and select the descriptor that maps it, or would."""
        if self.address == address:
            self._open_way()
        else:
            self.address = address

    def _open_way(self) -> None:
        """Open the path to `address`, and no other table."""
        self._touched = True
        found = self._walked(self.space)
        tables = self.space.tables
        way = []
        for step in found.steps[1:]:
            covered = step.index_bits[0] + 1
            first = tables.fmt.as_register(found.va >> covered << covered, tables.controls)
            way.append((step.level, first))
            self._centres.pop((step.level, first), None)
        self._opened = way
        self.selection = f"pte:{found.steps[-1].pa:x}" if found.steps else ""

    def _open_slot(self, level: int, va: int) -> None:
        """Select a descriptor; a table's descriptor opens or closes the table, a run of pages is shown page by page."""
        window = self._window(self.space.tables, [])
        rows = [(table, row) for table in window.tables for row in table.rows if row.kind != "fold"]
        found = next(((table, row) for table, row in rows if (table.level, row.va) == (level, va)), None)
        if found is None:  # it was drawn only because of a search
            return
        table, row = found
        self.selection = f"pte:{row.pa:x}"
        key = (level - 1, va)
        if row.kind in ("table", "window") and level > 1:
            if key in self._opened:
                self._close(key)
            else:
                self._opened = [*self._opened, key][-(MOST_OPEN - 1) :]
        elif row.pages > 1:
            self._expanded = [*self._expanded, row.pa][-8:]
            self._centres[table.level, table.va] = row.first

    def _close(self, key: TableKey) -> None:
        """Close a table, and all tables below it."""
        level, va = key
        fmt = self.space.tables.fmt
        shift = fmt.level(level).shift + fmt.level(level).bits
        self._opened = [one for one in self._opened if one[0] > level or one[1] >> shift != va >> shift]

    def _flip(self, bit: int) -> None:
        pa = chosen_descriptor(self.selection)
        word = self._word(self.space.tables, pa)
        if word is not None:
            self.space.flip(pa, word, bit)

    @traitlets.observe("address")
    def _looked_elsewhere(self, change: object) -> None:
        if self._ready and self.address >= 0:
            try:
                self._open_way()
            except Refused:
                self.address = -1
                raise
        self.changed(change)


def _leaves(window: TableWindow) -> list[int]:
    """Return the addresses of the pages in open tables."""
    return [row.va for table in window.tables for row in table.rows if row.kind == "leaf"]


def _facts(window: TableWindow, chosen: int) -> object:
    """Return what is drawn of open tables: not the bits of a descriptor that says something, unless it is chosen."""
    kinds = "leaf", "table", "window"

    def of(row: WindowRow) -> WindowRow:
        return row if row.pa == chosen else replace(row, word=0 if row.kind in kinds else row.word, fields=())

    return [(table.pa, [*map(of, table.rows)]) for table in window.tables]


# ---- one walk ------------------------------------------------------------------------------------


@picture_of(first_for=(MachineWalk, TablesWalk))
class Walk(Picture):
    """The hardware's steps for one address: each descriptor, the combined permissions, and the verdict.

    `target` is the result of ``m.walk(…)``, an access on paper, or a walk in tables without a machine.  After every
    operation, the picture walks again and marks differences from the result.  You can change `address`, `access` and
    `user`, in Python and in the picture: drag the slices of the address or turn them with the arrow keys.  A click
    edits a bit of a machine's descriptor.

    >>> import vmwidgets as vm
    >>> t = vm.boot("x86-64").task("init")
    >>> a = t.mmap("8 KiB")
    >>> t.write(a, b"x")
    >>> vm.Walk(t.walk(a))
    Walk of machine ...
    """

    address = AddressTrait(0, min=0, max=2**64 - 1, help="The virtual address.").tag(public=True)
    access = traitlets.Enum(("read", "write", "execute"), "read", help="The kind of access.").tag(public=True)
    user = traitlets.Bool(False, help="Whether user code makes it.").tag(public=True)

    def __init__(self, target: MachineWalk | TablesWalk | Access, **options: Any) -> None:
        machine = None
        if isinstance(target, Access):
            if target.walk is None:
                raise Refused("Walk: this access on paper read no table; vm.OnPaper(access) draws it")
            target = target.walk
        if isinstance(target, MachineWalk):
            machine = target.machine
            if machine is None:
                raise Refused("the machine that was walked is gone: keep the machine in a variable")
        elif not isinstance(getattr(target, "tables", None), PageTables):
            raise Refused(f"Walk shows the result of a walk, not {shown(target)}: {_walk_of(target, options)}")
        self._result: WalkValue = target
        self._walked = -1 if machine is None else len(machine.journal) - 1
        self._shows_bits: bool | None = None  # whether a reader opened or folded the bits
        self._task = target.task if isinstance(target, MachineWalk) else ""
        self._without_machine = None if isinstance(target, MachineWalk) else target.tables
        given = {"address": target.va, "access": target.access, "user": target.user}
        super().__init__(target, machine=machine, **{**given, **options})

    @property
    def space(self) -> Space:
        """The page tables that are walked."""
        return live_space(self.at().machine, self._task, self._without_machine)

    def draw(self, at: At) -> Scene:
        """Return the walk at that moment."""
        must_be_there(self.machine, at, self._task)
        space = space_then(at, self._task, self._without_machine)
        result = self._result
        same = (self.address, self.access, self.user) == (result.va, result.access, result.user)
        found = space.walk(self.address, self.access, self.user)
        told = None
        if at.machine is not None:
            mine = walk_steps(at.machine, at.moment, self._task, self.address, self.access, self.user)
            told = at.moment.told(mine)
        is_later = at.done is None and at.number >= self._walked
        bench, earlier = self._bench(space), result if same and is_later else None
        if at.blanks is not NOTHING:
            bench, earlier = replace(bench, edited={}, unedited=None), None
        shown_walk = walk_without(found, at.blanks)
        drawn = draw_walk(
            shown_walk,
            space.tables.fmt.address_split(space.tables.controls),
            title=_title(self.address, space.tables.name if self._without_machine else name_of_space(self._task)),
            there=there(space, self.address),
            earlier=earlier,
            machine="" if at.machine is None else at.machine.name,
            bench=bench,
            names=names_of(space, found),
            width=at.width,
            told=told,
        )
        return replace(drawn, about=of_walk(found, space.whose))

    def quantities(self, at: At) -> Sequence[Quantity]:
        """Return the parts of the address, and the addresses in the tables: each can be left out of a worksheet."""
        found = space_then(at, self._task, self._without_machine).walk(self.address, self.access, self.user)
        return [*quantities_of_walk(found, self._split())]

    def _bench(self, space: Space) -> Bench:
        tables = space.tables
        edited = space.edited
        chosen = chosen_descriptor(self.selection)
        unedited = space.unedited(self.address, self.access, self.user) if edited else None
        is_open = bool(chosen or edited) if self._shows_bits is None else self._shows_bits
        return Bench(8 * tables.fmt.entry_width, space.editable, chosen, edited, unedited, is_open)

    # ---- requests from the page ------------------------------------------------------------------

    def opened(self, node_id: str) -> None:
        """Press a switch, flip a bit of the address or of the descriptor, or show or hide the descriptor's bits."""
        what, _, which = node_id.removeprefix("walk/").partition("/")
        if what == "fold":
            self._shows_bits = not self._bench(self.space).is_open
        elif what == "switch":
            self._switch(which)
        elif what == "va":
            split = self._split()
            key = "top" if int(which) >= split.va_bits else ""
            self.address = with_sign(self.address ^ 1 << int(which), key, split)
        elif what == "bit":
            self._flip(int(which))

    def turned(self, node_id: str, by: int) -> None:
        """Turn a slice of the address."""
        one = self._slice(node_id)
        if one is None:
            raise Refused(f"turn: {shown(node_id)} is not a slice of the address")
        self.address = turned(self.address, one, by, self._split())

    def sought(self, text: str) -> None:
        """Walk the address `text`."""
        self.address = typed_in_register(text, self.space.tables.fmt.word_bits)

    def _switch(self, which: str) -> None:
        if which in ("user", "supervisor"):
            self.user = which == "user"
        elif which == "undo":
            self.space.undo_edit()
        else:
            self.access = which

    def _split(self) -> AddressSplit:
        tables = self.space.tables
        return tables.fmt.address_split(tables.controls)

    def _slice(self, node_id: str) -> Slice | None:
        space = self.space
        found = space.walk(self.address, self.access, self.user)
        slices = slices_of(found, space.tables.fmt.address_split(space.tables.controls))
        return next((one for one in slices if node_id == f"walk/slice/{one.key}"), None)

    def _flip(self, bit: int) -> None:
        space = self.space
        found = space.walk(self.address, self.access, self.user)
        chosen = self._bench(space).chosen
        step = shown_step(found, chosen)
        if step is None:
            raise Refused("this walk read no descriptor")
        space.flip(step.pa, step.value, bit)

    @traitlets.observe("address", "access", "user")
    def _walked_otherwise(self, change: object) -> None:
        self.changed(change)


def space_then(at: At, task: str, tables: PageTables[Any] | None) -> Space:
    """Return a picture's space: `tables` if they have no machine, or else the tables of `task` at the moment."""
    if at.machine is None:
        return live_space(None, task, tables)
    return live_space(at.machine, task, tables, at.moment)


def walk_steps(
    machine: Machine, moment: Moment, task: str, address: int, access: str, user: bool, *, in_line: bool = False
) -> Mine:
    """Return the steps of a walk in the tables of `task` ("" for the kernel's tables), drawn as tables or `in_line`."""

    def facts(done: int) -> object:
        space = MachineSpace(machine, task, moment.at(done))
        found, entry = space.walk(address, access, user), None if in_line else space.entry(address)
        return found, entry and (entry.id, entry.protection, entry.role or entry.object)

    return once(("walk", task, address, access, user, in_line), seen(facts))


def _walk_of(target: Any, options: dict[str, Any]) -> str:
    """Return the call that gives a walk of the thing that was given instead, at the address that was given with it."""
    given = options.get("address")
    written = str(Address(given)) if isinstance(given, int) and 0 <= given < 1 << 64 else ""
    if isinstance(target, Paper):
        access = {"write": "w", "execute": "x"}.get(options.get("access", ""), "r")
        return f"write vm.Walk(paper.access('{access} {written or '0x3d7'}'))"
    address = written or "address"
    named = {Machine: "m", Task: "task", MachineDomain: "domain", MachineTables: "tables", PageTables: "tables"}
    for kind, name in named.items():
        if isinstance(target, kind):
            return f"write vm.Walk({name}.walk({address}))"
    return "write vm.Walk(task.walk(address)) for a task's tables, vm.Walk(m.walk(address)) for the kernel's"


def must_be_there(machine: Machine | None, at: At, task: str) -> None:
    """Raise :class:`NotThere` if the tables' task, or domain given by its path, does not exist at a moment."""
    if task and machine is not None and at.machine is not None and task not in at.machine.tasks:
        path = task if task.startswith("domain:") else task_path(task)
        part_at(path, machine, There(at.machine, at.number, at.done))


def _title(address: int, whose: str) -> str:
    return f"walk of {Address(address)}" + (f" in {whose}" if whose else "")


def walk_line(machine: Machine, task: str, address: int, *, is_open: bool, moment: Moment, width: float) -> Scene:
    """Return the scene of a read of `address` in the tables of `task` ("" for the kernel's tables), at a moment.

    The scene is one line; if it `is_open`, the walk itself is below that line.
    """
    space = MachineSpace(machine, task, moment)
    found = space.walk(address, "read", bool(task))
    title = _title(address, name_of_space(task))
    said = there(space, address)
    line = draw_walk_line(
        found, title=title, entry=said.covering(found), is_open=is_open, machine=machine.name, width=width
    )
    line = replace(line, about=of_walk(found, space.whose))
    if not is_open:
        return line
    walk = draw_walk(
        found,
        space.tables.fmt.address_split(space.tables.controls),
        names=names_of(space, found),
        title=title,
        there=said,
        machine=machine.name,
        width=width,
    )
    return replace(stack([line, walk], "walk", headed=False), table=line.table)
