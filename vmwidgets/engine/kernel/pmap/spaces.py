"""How many tables growing kernel space would take: counted, not tried."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...base.errors import KernelPanic, kernel_error
from ...base.events import KernelLimitMoved
from ...base.recorder import Recorder
from ...base.units import PAGE, Address
from ...base.values.tables import PmapValue, Rights
from ...memory.ram import Ram
from ...mmu.editor import Slot, TableEditor
from ...mmu.levels import Level
from .check import check_pmaps, snapshot
from .pmap import CurrentPmap, Pmap, Processors
from .tables import PmapLayout, TablePages, private_tables, published


def absent_tables(editor: TableEditor[Any], root: int, start: int, end: int) -> int:
    """Tables missing below the root for [start, end), down to those of level 1.

    What is absent is counted by arithmetic, so the cost is that of the tables that exist: asking about
    all of kernel space takes no longer than asking about a page of it.
    """
    return _absent_below(editor, editor.fmt.root_level, root, start, end)


def _absent_below(editor: TableEditor[Any], level: Level, table: int, start: int, end: int) -> int:
    missing = 0
    va = start
    while va < end:
        slot = editor.slot(level, table, va)
        after = min(end, (va >> level.shift) + 1 << level.shift)
        if slot.kind == "invalid":
            missing += _tables_for(editor, level, va, after)
        elif slot.kind == "table" and level.number > 2:
            missing += _absent_below(editor, editor.fmt.level(level.number - 1), slot.address, va, after)
        va = after
    return missing


def _tables_for(editor: TableEditor[Any], level: Level, start: int, end: int) -> int:
    """Slots of `level` and of each one down to level 2 that [start, end) touches."""
    shifts = (editor.fmt.level(number).shift for number in range(2, level.number + 1))
    return sum((end - 1 >> shift) - (start >> shift) + 1 for shift in shifts)


# ---- pmap kernel -------------------------------------------------------------------------------
#
# The kernel's pmap: the tables all address spaces share, and the pmaps that share them.


class KernelPmap(Pmap):
    """The kernel's address space, loaded at once; :meth:`create` makes the users'.

    `global_pages` says whether the processor can keep the kernel's translations when the root changes.
    Of the quirks it knows `pmap-current-only`.
    """

    def __init__(
        self,
        ram: Ram,
        pages: TablePages,
        layout: PmapLayout,
        recorder: Recorder,
        *,
        quirks: frozenset[str] = frozenset(),
        global_pages: bool = True,
    ) -> None:
        super().__init__("kernel", ram, pages, layout, recorder, CurrentPmap())
        self.quirks = quirks
        self.global_pages = global_pages
        self.klimit = layout.kernel_start
        """End of the kernel addresses that have tables down to level 1; only grows."""
        self.grows = 0
        """How often :meth:`kgrow` moved the limit."""
        self.users: list[UserPmap] = []
        self.lent: list[LentPmap] = []
        """Spaces whose tables the program that they are of asks for."""
        self._pages = pages
        if not make_private_tables(self):
            raise KernelPanic("pmap_no_page", "no page for the kernel's root table")
        self.load()

    def create(self, name: str) -> UserPmap:
        """A user's pmap: its half empty, the kernel's slots the kernel's.  NOMEM without a page for its root."""
        user = UserPmap(name, self, self._pages, self._current, self._forget)
        user.current_only = "pmap-current-only" in self.quirks
        self.users.append(user)
        return user

    def lend(self, name: str, root: int, *, global_leaves: bool = False) -> LentPmap:
        """A pmap over the root table at physical `root`, which is another's: the kernel's slots are put into it.

        `global_leaves`: what is mapped in it counts as global, as processors see it.
        """
        made = LentPmap(name, root, self, self._pages, self._current, self._forget, global_leaves=global_leaves)
        self.lent.append(made)
        return made

    def attach(self, processors: Processors) -> CurrentPmap:
        """Have these processors told, from now on, what is loaded and what they shall not keep."""
        self._current.processors = processors
        return self._current

    def kenter(self, va: int, pa: int, protection: int) -> None:
        """Map a page of 4 KiB where :meth:`kgrow` has made tables; a panic where it has not."""
        self._began("pmap_kenter", va, pa, protection)
        self._check_range(va, va + PAGE)
        level = self.fmt.level(1)
        for hidden in self.editor.hidden(self.root, va):
            self._miss_table(hidden, va)
        slot = self.editor.find(self.root, va)
        if slot.kind == "invalid" and slot.level is not level:
            raise KernelPanic("kenter_no_table", f"{Address(va)} has no {slot.level.name}; grow kernel space first")
        self._put(level, va, self._leaf(level, va, pa, protection, PAGE))
        self._ended()

    def _miss_table(self, slot: Slot, va: int) -> None:
        """Panic: a table that :meth:`kgrow` made is not where it was, since its descriptor was edited by hand."""
        word = self.ram.read_word(slot.pa, self.fmt.entry_width)
        now, name = slot.level.read_as(word), slot.level.name
        if now.kind == "table":
            table = now.address_of(word)
            if table >= self.ram.size:
                raise KernelPanic("table_outside_ram", f"the {name} for {Address(va)} leads to {Address(table)}")
            why = f"it refers to {Address(table)}, which is no table that the kernel put there"
        else:
            why = "a large page is there" if now.kind == "leaf" else "nothing is there"
        raise KernelPanic("kenter_no_table", f"{Address(va)} has no table below its {name}: {why}")

    def kremove(self, start: int, end: int) -> None:
        """Unmap [start, end) of kernel space."""
        self.remove(start, end)

    def kgrow(self, end: int) -> None:
        """Make the tables of kernel space up to the next multiple of a level-2 span strictly above `end`.

        A table for each absent slot down to level 2, zeroed; a new slot of the root is copied to all
        pmaps.  The absent ones are counted first: more than there are pages to be had is a panic before
        anything was changed.  Never shrinks.
        """
        span = self.fmt.level(2).span
        limit = min((end // span + 1) * span, 1 << self.fmt.word_bits)
        if limit <= self.klimit:
            return
        self._began("pmap_kgrow", end)
        missing = absent_tables(self.editor, self.root, self.klimit, limit)
        in_a_page = max(1, PAGE // self.fmt.table_bytes(self.fmt.level(1)))
        if -(-missing // in_a_page) > self.tables.obtainable_pages:
            have = f"{self.tables.obtainable_pages} pages are free"
            raise KernelPanic("kgrow_no_page", f"growing to {Address(limit)} takes {missing} tables, and {have}")
        for level in self.fmt.levels[:-1]:
            for va in range(self.klimit >> level.shift << level.shift, limit, level.span):
                self._make_table(self.editor.find(self.root, va, level.number), level.number)
        self._moved(limit)
        self._ended()

    def _make_table(self, slot: Slot, level: int) -> None:
        if slot.kind != "invalid" or slot.level.number != level:
            return
        tables = self.tables.take(1, self.fmt.table_bytes(self.fmt.level(slot.level.number - 1)))
        if tables is None:
            raise KernelPanic("kgrow_no_page", f"no page for the table of {Address(slot.va)}")
        self._refer(slot, tables[0])

    def _moved(self, limit: int) -> None:
        before, self.klimit = self.klimit, limit
        self.grows += 1
        self._flush(self.layout.kernel_start, limit, 0)
        emit = self.recorder.emit
        if emit is not None:
            emit((KernelLimitMoved.tag, before, limit))

    def check(self) -> None:
        """Raise :class:`.errors.Broken` unless the numbered invariants hold, here and in all users' pmaps."""
        check_pmaps(self, self.klimit, self.users, self.lent)

    def snapshot(self) -> PmapValue:
        """The tables as a frozen value.  O(present slots)."""
        return snapshot(self, self.klimit)

    def _forget(self, user: UserPmap | LentPmap) -> None:
        """A user's pmap goes away; the kernel's tables are loaded first if its were."""
        if user.is_current:
            self.load()
        if self._current.processors is not None:
            self._current.processors.forget(user)
        if isinstance(user, UserPmap):
            self.users.remove(user)
        else:
            self.lent.remove(user)

    def registers(self, controls: Any) -> tuple[int, Any]:
        """Its root; where the kernel's half has a register of its own, that, and no walks in the users' half."""
        registers: tuple[int, Any] = self.fmt.rules.registers(None, self.root, controls)
        return registers

    def _owns(self, va: int) -> bool:
        return self.layout.is_kernel(va)

    def _is_global(self, va: int) -> bool:
        return self.global_pages

    def _keeps_table(self, slot: Slot) -> bool:
        return slot.va < self.klimit

    def _written(self, slot: Slot) -> None:
        if not (self.users or self.lent) or not self.layout.is_published(slot.level, slot.va):
            return
        word = self.ram.read_word(slot.pa, self.fmt.entry_width)
        for user in (*self.users, *self.lent):
            self.editor.write(self.editor.find(user.root, slot.va, slot.level.number), word)


# ---- pmap user ---------------------------------------------------------------------------------
#
# A user's pmap: tables of its own for its half, the kernel's for the rest.


def make_private_tables(pmap: Pmap) -> bool:
    """Make the root, the window in it, and the tables below mixed slots; false, and nothing taken, without pages."""
    layout, fmt, editor = pmap.layout, pmap.fmt, pmap.editor
    border = layout.kernel_start
    mixed = [level for level in fmt.levels if not layout.split and layout.side(level, border) == "mixed"]
    root = pmap.tables.take(1, fmt.table_bytes(fmt.root_level))
    sizes = [fmt.table_bytes(fmt.level(level.number - 1)) for level in mixed]
    below = [taken[0] for size in sizes if (taken := pmap.tables.take(1, size))] if root else []
    if root is None or len(below) < len(sizes):
        pmap.tables.free_all()
        return False
    pmap.root = root[0]
    for level, table in zip(mixed, below, strict=True):
        editor.refer(editor.find(pmap.root, border, level.number), table, Rights())
    if layout.window is not None:
        editor.refer(editor.slot(fmt.root_level, pmap.root, layout.window), pmap.root, Rights(user=False))
    return True


def copy_kernel_slots(kernel: Pmap, user: Pmap) -> None:
    """Make the slots that are the same in all spaces those of the kernel."""
    for (level, table, first), (_, ours, _) in zip(private_tables(kernel), private_tables(user), strict=True):
        for slot in published(user, level, table, first):
            user.editor.write(slot._replace(pa=ours + slot.pa - table), slot.word)


class UserPmap(Pmap):
    """The tables of a task; made by :meth:`.pmap_kernel.KernelPmap.create`."""

    def __init__(
        self, name: str, kernel: Pmap, pages: TablePages, current: CurrentPmap, forget: Callable[[UserPmap], None]
    ) -> None:
        super().__init__(name, kernel.ram, pages, kernel.layout, kernel.recorder, current)
        self._kernel = kernel
        self._forget = forget
        self._began("pmap_create", name)
        if not make_private_tables(self):
            raise kernel_error("NOMEM", f"no page for the root table of {name}")
        copy_kernel_slots(kernel, self)
        self._ended()

    def destroy(self) -> None:
        """Give all tables back; what was mapped belongs to others.  If they are loaded, the kernel's are first."""
        self._check_alive()
        self._began("pmap_destroy", self.name)
        self._forget(self)
        self.tables.free_all()
        self.destroyed = True
        self._ended()

    def remove(self, start: int, end: int) -> None:
        """Unmap [start, end) as any pmap does; the tables that hold nothing any more go back too."""
        super().remove(start, end)
        self._prune(self.fmt.root_level, self.root, start, end)

    def registers(self, controls: Any) -> tuple[int, Any]:
        """Its root, and the kernel's where that has a register of its own."""
        registers: tuple[int, Any] = self.fmt.rules.registers(self.root, self._kernel.root, controls)
        return registers

    def _prune(self, level: Level, table: int, start: int, end: int) -> None:
        """Free the tables below `table` that are empty, as far as they are for addresses of [start, end)."""
        if level.number == 1:
            return
        va = start
        while va < end:
            slot = self.editor.slot(level, table, va)
            after = (va >> level.shift) + 1 << level.shift
            if slot.kind == "table" and self.layout.side(level, va) == "user":
                self._prune(self.fmt.level(level.number - 1), slot.address, va, min(end, after))
                if self.editor.is_empty(self.fmt.level(level.number - 1), slot.address):
                    self.editor.clear(slot)
                    self.tables.free(slot.address)
            va = after

    def _owns(self, va: int) -> bool:
        return self.layout.is_user(va)


# ---- pmap lent ---------------------------------------------------------------------------------
#
# Tables that a program asks for entry by entry, with the kernel's part lent to them.


class LentPmap(Pmap):
    """A root that somebody else owns, as processors load it; made by :meth:`.pmap_kernel.KernelPmap.lend`.

    The user's part is its owner's, and none of this class's functions touches it; the kernel's slots are kept as they
    are in all spaces.  On ARM its entries are of the model without access flag (SCTLR.AFE is 0), in which the
    kernel's mean the same.
    """

    def __init__(
        self,
        name: str,
        root: int,
        kernel: Pmap,
        pages: TablePages,
        current: CurrentPmap,
        forget: Callable[[LentPmap], None],
        *,
        global_leaves: bool,
    ) -> None:
        super().__init__(name, kernel.ram, pages, kernel.layout, kernel.recorder, current)
        self._kernel = kernel
        self._forget = forget
        self.root = root
        self.global_leaves = global_leaves
        copy_kernel_slots(kernel, self)
        if self.layout.window is not None:
            window = self.editor.slot(self.fmt.root_level, root, self.layout.window)
            self.editor.refer(window, root, Rights(user=False))

    def flush(self) -> None:
        """No processor shall keep any translation of it."""
        self._flush(0, self.layout.user_end, 0)

    def take_back(self) -> None:
        """The kernel's slots go out of the root; if it is loaded, the kernel's tables are first."""
        self._forget(self)
        for slot in list(self.editor.present(self.fmt.root_level, self.root)):
            if self.layout.side(slot.level, slot.va) != "user":
                self.editor.clear(slot)
        self.destroyed = True

    def registers(self, controls: Any) -> tuple[int, Any]:
        """Its root, and no access flag; refused once it was taken back, since the root is somebody else's memory."""
        self._check_alive()
        return self.root, self.fmt.rules.without_access_flag(controls)

    def _owns(self, va: int) -> bool:
        return False
