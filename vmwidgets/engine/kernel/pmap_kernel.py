"""The kernel's pmap: the tables all address spaces share, and the pmaps that share them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..base.errors import KernelPanic
from ..base.events import KernelLimitMoved
from ..base.recorder import Recorder
from ..base.table_values import PmapValue
from ..base.units import PAGE, Address
from ..memory.ram import Ram
from ..mmu.editor import Slot
from .pmap import Pmap
from .pmap_check import check_pmaps
from .pmap_grow import absent_tables
from .pmap_layout import PmapLayout
from .pmap_lent import LentPmap
from .pmap_snapshot import snapshot
from .pmap_tables import TablePages
from .pmap_user import UserPmap, make_private_tables
from .processors import CurrentPmap, Processors


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
            why = "a large page stands there" if now.kind == "leaf" else "nothing stands there"
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
        if self.layout.split:
            return 0, replace(controls, ttbr1=self.root, epd0=True)
        return self.root, controls

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
