"""The address spaces of a machine: the kernel's, whose tables all share; the tasks'; and those lent to programs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ...base.errors import Broken, KernelPanic
from ...base.recorder import Recorder, kernel_function
from ...base.units import PAGE, PAGE_SHIFT, Address
from ...memory.pages import PageAllocator
from ...memory.ram import Ram
from ...mmu.editor import Slot
from ...mmu.levels import Level
from .pmap import CurrentPmap, Pmap
from .pmap_schema import KernelLimitMoved
from .table_space import PmapLayout
from .user_pmap import ReverseMap, UserPmap


class KernelPmap(Pmap):
    """The kernel's address space, loaded immediately; :meth:`create` makes those of users.

    `global_pages` says whether the processor can keep the kernel's translations when the root changes. It supports the
    quirk `pmap-current-only`.
    """

    readable = (*Pmap.readable, "klimit")

    def __init__(
        self,
        ram: Ram,
        pages: PageAllocator,
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
        """The end of the kernel addresses that have tables down to level 1; it only grows."""
        self.grows = 0
        """The number of times that :meth:`kgrow` moved the limit."""
        self.users: list[UserPmap] = []
        self.reverse = ReverseMap(recorder)
        """The translations of users that lead to each frame."""
        self.lent: list[LentPmap] = []
        """Spaces whose tables are requested by their own program."""
        self._pages = pages
        if not self._make_private_tables():
            raise KernelPanic("pmap_no_page", "no page for the kernel's root table")
        self.load()

    def create(self, name: str) -> UserPmap:
        """Create a user's pmap: its half is empty, and it has the kernel's slots.

        Raises NOMEM without a page for its root.
        """
        user = UserPmap(name, self, self._pages, self._current, self._unload, self.reverse)
        user.current_only = "pmap-current-only" in self.quirks
        self.users.append(user)
        return user

    def lend(self, name: str, root: int, *, global_leaves: bool = False) -> LentPmap:
        """Create a pmap over another's root table at physical `root`: the kernel's slots are written into it.

        `global_leaves`: processors see its mappings as global.
        """
        made = LentPmap(name, root, self, self._pages, self._current, self._unload, global_leaves=global_leaves)
        self.lent.append(made)
        return made

    def attach(
        self,
        loaded: Callable[[Pmap], None],
        flush: Callable[[Pmap, int, int, int], None],
        unload: Callable[[Pmap], None],
    ) -> CurrentPmap:
        """Inform processors from now on of loads, of translations that they must drop, and of spaces that end."""
        self._current.loaded, self._current.flush, self._current.unload = loaded, flush, unload
        return self._current

    @kernel_function("pmap_kenter", first=3)
    def kenter(self, va: int, pa: int, protection: int) -> None:
        """Map a page of 4 KiB for which :meth:`kgrow` has made tables; it panics without them."""
        layout = self.layout
        if self.destroyed or va % PAGE or not layout.kernel_start <= va < layout.kernel_end:
            self._check_range(va, va + PAGE)
        level = self.fmt.levels[-1]
        for hidden in self.editor.hidden(self.root, va) if self.editor.edits.places else ():
            self._miss_table(hidden, va)
        slot = self._find(va)
        if slot.level is level and slot.descriptor.shift is None:  # nearly always
            self._used.add(va >> self._region_shift)
            self._write_page(slot, self._leaf(level, va, pa, protection, PAGE))
            return
        if slot.kind == "invalid" and slot.level is not level:
            raise KernelPanic("kenter_no_table", f"{Address(va)} has no {slot.level.name}; grow kernel space first")
        self._put(level, va, self._leaf(level, va, pa, protection, PAGE))

    def kenter_pages(self, va: int, frames: Sequence[int], protection: int) -> None:
        """Map adjacent pages from `va` on to frames, as :meth:`kenter` does, and drop earlier translations there."""
        start, end = va, va + len(frames) * PAGE
        if len(frames) == 1:  # nearly always
            self.kenter(va, frames[0] << PAGE_SHIFT, protection)
            start = end
        while start < end:
            after = min(end, (start >> self._region_shift) + 1 << self._region_shift)
            here = frames[start - va >> PAGE_SHIFT : after - va >> PAGE_SHIFT]
            run = self._run(start, after)
            if run is None:
                for at, frame in enumerate(here):
                    self.kenter(start + at * PAGE, frame << PAGE_SHIFT, protection)
            else:
                self._enter_run(start, len(here), here, protection, run)
            start = after
        self._flush(va, end, len(frames))

    @kernel_function("pmap_qenter", first=2)
    def _enter_run(
        self, va: int, count: int, frames: Sequence[int], protection: int, run: tuple[Level, int, int]
    ) -> None:
        self._check_range(va, va + count * PAGE)
        self._used.add(va >> self._region_shift)
        level = run[0]
        first, page = frames[0] << PAGE_SHIFT, level.made_of_size(PAGE)
        bits = self._leaf(level, va, first, protection, PAGE) ^ page.place(first)  # all but the address
        self.editor.write_range(*run, va, tuple([page.place(frame << PAGE_SHIFT) | bits for frame in frames]))

    def _miss_table(self, slot: Slot, va: int) -> None:
        """Panic: a table that :meth:`kgrow` made is no longer there, since its descriptor was edited by hand."""
        word = self.ram.read_word(slot.pa, self.fmt.entry_width)
        now, name = slot.level.read_as(word), slot.level.name
        if now.kind == "table":
            table = now.address_of(word)
            if table >= self.ram.size:
                raise KernelPanic("table_outside_ram", f"the {name} for {Address(va)} leads to {Address(table)}")
            why = f"it refers to {Address(table)}, which is not a table that the kernel put there"
        else:
            why = "a large page is there" if now.kind == "leaf" else "nothing is there"
        raise KernelPanic("kenter_no_table", f"{Address(va)} has no table below its {name}: {why}")

    def kremove(self, start: int, end: int) -> None:
        """Unmap [start, end) of kernel space."""
        self.remove(start, end)

    def kgrow(self, end: int) -> None:
        """Create the tables of kernel space up to the next multiple of a level-2 span strictly above `end`.

        Each absent slot down to level 2 gets a zeroed table; a new slot of the root is copied to all pmaps. The absent
        slots are counted first: if there are too few pages, it panics before anything has changed. Tables are never
        removed.
        """
        span = self.fmt.level(2).span
        limit = min((end // span + 1) * span, 1 << self.fmt.word_bits)
        if limit <= self.klimit:
            return
        self._grow(end, limit)

    @kernel_function("pmap_kgrow", first=1)
    def _grow(self, end: int, limit: int) -> None:
        missing = self._absent_below(self.fmt.root_level, self.root, self.klimit, limit)
        in_a_page = max(1, PAGE // self.fmt.table_bytes(self.fmt.level(1)))
        if -(-missing // in_a_page) > self.tables.obtainable_pages:
            have = f"{self.tables.obtainable_pages} pages are free"
            raise KernelPanic("kgrow_no_page", f"growing to {Address(limit)} takes {missing} tables, and {have}")
        for level in self.fmt.levels[:-1]:
            for va in range(self.klimit >> level.shift << level.shift, limit, level.span):
                self._make_table(self.editor.find(self.root, va, level.number), level.number)
        before, self.klimit = self.klimit, limit
        self.grows += 1
        self._flush(self.layout.kernel_start, limit, 0)
        emit = self.recorder.emit
        if emit is not None:
            emit((KernelLimitMoved.tag, before, limit))

    def _absent_below(self, level: Level, table: int, start: int, end: int) -> int:
        """Return the number of missing tables below `table` for [start, end), down to level 1.

        Absent subtrees are counted by arithmetic, so the cost depends on the existing tables only: all of kernel space
        costs no more than one page of it.
        """
        missing = 0
        va = start
        while va < end:
            slot = self.editor.slot(level, table, va)
            after = min(end, (va >> level.shift) + 1 << level.shift)
            if slot.kind == "invalid":  # of this level, and of each one down to level 2
                shifts = (self.fmt.level(number).shift for number in range(2, level.number + 1))
                missing += sum((after - 1 >> shift) - (va >> shift) + 1 for shift in shifts)
            elif slot.kind == "table" and level.number > 2:
                missing += self._absent_below(self.fmt.level(level.number - 1), slot.address, va, after)
            va = after
        return missing

    def _make_table(self, slot: Slot, level: int) -> None:
        if slot.kind != "invalid" or slot.level.number != level:
            return
        table = self.tables.allocate(self.fmt.level(slot.level.number - 1))
        if table is None:
            raise KernelPanic("kgrow_no_page", f"no page for the table of {Address(slot.va)}")
        self._refer(slot, table)

    def check(self) -> None:
        """Raise :class:`Broken` unless the numbered invariants hold, here and in all other spaces.

        1 is about all spaces, 7 about the kernel's alone, 2 to 6 are those of :class:`.table_space.TableSpace`. In
        spaces whose tables another owns (`lent`), only the kernel's slots are checked: 6.  O(present slots of all
        pmaps).
        """
        self.check_owned(is_kernel=True)
        span = self.fmt.level(2).span
        for va in range(self.layout.kernel_start, self.klimit, span):
            slot = self.editor.find(self.root, va, 2)
            if slot.level.number != 2 or slot.kind == "invalid":
                raise Broken(f"7. kernel space has tables up to {Address(self.klimit)}: {Address(va)} has none")
        for other in self.lent:
            self.check_shared(other)
        owned = set(self.tables)
        for user in self.users:
            user.check_owned(is_kernel=False)
            self.check_shared(user)
            twice = owned & set(user.tables)
            if twice:
                raise Broken(f"1. a table belongs to one pmap: {Address(min(twice))} is also of {user.name}")
            owned |= set(user.tables)

    def _unload(self, user: UserPmap | LentPmap) -> None:
        """Note that a user's pmap is being destroyed; if its tables were loaded, the kernel's are loaded first."""
        if user.is_current:
            self.load()
        self._current.unload(user)
        if isinstance(user, UserPmap):
            self.users.remove(user)
        else:
            self.lent.remove(user)

    def registers(self, controls: Any) -> tuple[int, Any]:
        """Return its root or, if the kernel's half has its own register, that, without walks in the users' half."""
        registers: tuple[int, Any] = self.fmt.rules.registers(None, self.root, controls)
        return registers

    def _owns(self, start: int, end: int) -> bool:
        layout = self.layout
        inside = layout.kernel_start <= start and end <= layout.kernel_end
        return inside or (layout.is_kernel(start) and layout.is_kernel(end - PAGE))

    def _is_global(self, va: int) -> bool:
        return self.global_pages

    def _keeps_table(self, slot: Slot) -> bool:
        return slot.va < self.klimit

    def _written(self, slot: Slot) -> None:
        if slot.level.number not in self.layout.published_levels or not (self.users or self.lent):
            return
        if not self.layout.is_published(slot.level, slot.va):
            return
        word = self.ram.read_word(slot.pa, self.fmt.entry_width)
        for user in (*self.users, *self.lent):
            self.editor.write(self.editor.find(user.root, slot.va, slot.level.number), word)


class LentPmap(Pmap):
    """A root that a program owns, as processors load it; made by :meth:`KernelPmap.lend`.

    The user's part is its owner's, and no function of this class touches it; the kernel's slots are the same as in all
    spaces. On ARM, its descriptors use the model without an access flag (SCTLR.AFE is 0), in which the kernel's mean
    the same.
    """

    def __init__(
        self,
        name: str,
        root: int,
        kernel: Pmap,
        pages: PageAllocator,
        current: CurrentPmap,
        unload: Callable[[LentPmap], None],
        *,
        global_leaves: bool,
    ) -> None:
        super().__init__(name, kernel.ram, pages, kernel.layout, kernel.recorder, current)
        self._kernel = kernel
        self._unload = unload
        self.root = root
        self.global_leaves = global_leaves
        self._copy_kernel_slots(kernel)
        self._make_window()

    def flush(self) -> None:
        """Make all processors drop their translations of it."""
        self._flush(0, self.layout.user_end, 0)

    def detach(self) -> None:
        """Clear the kernel's slots in the root, which then belongs to its owner alone.

        If it is loaded, the kernel's tables are loaded first.
        """
        self._unload(self)
        for slot in list(self.editor.present(self.fmt.root_level, self.root)):
            if self.layout.side(slot.level, slot.va) != "user":
                self.editor.clear(slot)
        self.destroyed = True

    def registers(self, controls: Any) -> tuple[int, Any]:
        """Return its root, without an access flag; refused once detached, since the root is another's memory."""
        self._check_alive()
        return self.root, self.fmt.rules.without_access_flag(controls)

    def _owns(self, start: int, end: int) -> bool:
        return False
