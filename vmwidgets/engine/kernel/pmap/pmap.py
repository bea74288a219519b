"""The pmap: one address space's page tables, as X15's x86 pmap keeps them.

Functions have the original's names, without `pmap_`. As there, only the write bit of a protection is encoded, except
for tasks (:class:`.user_pmap.UserPmap`), and callers drop cached translations at the end, with :meth:`Pmap.update`. The
original has pages of 4 KiB only. Each large page here keeps a spare table, as in FreeBSD's pmap, so
:meth:`Pmap.remove` and :meth:`Pmap.protect` need no page. Parts of a demoted large page have none:
:meth:`Pmap.prepared` allocates their tables before anything changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from ...base.errors import KernelPanic, Refused, kernel_error
from ...base.protection import WRITE
from ...base.recorder import Recorder, kernel_function
from ...base.units import PAGE, PAGE_SHIFT, Address, Size
from ...memory.pages import PageAllocator
from ...memory.ram import Ram
from ...mmu.editor import HandEdits, Slot
from ...mmu.levels import Level
from ...mmu.rules import Access
from ...mmu.tables_schema import Rights, Walk
from ...mmu.walk import Descent, translate, walk
from .pmap_schema import NEVER_MAPPED, RootLoaded, TlbUpdated
from .table_space import PmapLayout, TableSpace

UPDATE_PAGES = 64
"""The most pages that are dropped from the TLB one by one; for more, all of it is flushed (X15 `pmap_update`)."""


def _no_processor(*_: object) -> None:
    """Inform no processor: there is none yet."""


class CurrentPmap:
    """The address space that the kernel's processor has loaded; the pmaps of one machine share it.

    `loaded`, `flush` and `unload` inform the processors, once there are any (:class:`~.processors.Processors` has
    methods of these names); `edits` are descriptors written without a pmap.
    """

    __slots__ = ("edits", "flush", "loaded", "pmap", "unload")

    def __init__(self) -> None:
        self.edits = HandEdits()
        self.pmap: Pmap | None = None
        self.loaded: Callable[[Pmap], None] = _no_processor
        self.flush: Callable[[Pmap, int, int, int], None] = _no_processor
        self.unload: Callable[[Pmap], None] = _no_processor


class Pmap(TableSpace):
    """An address space's tables; made by :class:`.spaces.KernelPmap`."""

    prunes: ClassVar[bool] = False
    """Whether a removal frees tables that become empty."""
    readable: ClassVar[tuple[str, ...]] = (
        "current_only",
        "destroyed",
        "extract",
        "fmt",
        "global_leaves",
        "is_current",
        "layout",
        "name",
        "registers",
        "root",
        "walk",
    )
    """The part that learners may use."""

    def __init__(
        self, name: str, ram: Ram, pages: PageAllocator, layout: PmapLayout, recorder: Recorder, current: CurrentPmap
    ) -> None:
        super().__init__(name, ram, pages, layout, recorder, current.edits)
        self._current = current
        self._reserved: dict[tuple[int, int], int] = {}
        """Tables that are reserved for the current operation, by level and number of the slot that needs one."""
        self.large = False
        """Whether pages other than the smallest were ever mapped here: then a cut may need a table."""
        self._region_shift = layout.fmt.level(2).shift
        self._used: set[int] = set()
        """The tables of level 1, by the numbers of their slots in level 2, that ever held a page."""
        self._found: dict[int, int] = {}
        """The addresses of tables of level 1 that were looked up since `_moved`, by the same numbers."""
        self._moved = 0
        self._leaf_bits: dict[tuple[int, int, bool], tuple[int, int]] = {}
        """The number of the descriptor, and the bits apart from the address, by page size, rights and owner."""
        self.destroyed = False
        self.global_leaves = False
        """Whether a user's pages are global too, so that processors drop them only with everything else."""
        self.current_only = False
        """The original's bug: enter, extract and protect panic unless this is the current or the kernel's pmap."""

    # ---- one page ----------------------------------------------------------------------------

    @kernel_function("pmap_enter", first=4)
    def enter(self, va: int, pa: int, protection: int, size: int = PAGE) -> None:
        """Map the page of `size` bytes at `pa` (one of the format's page sizes) at `va`.

        An earlier mapping there is replaced. Raises NOMEM if a table is missing and there is no page for it; nothing
        has changed then.  O(levels), and O(copies) for a page that fills several slots.
        """
        if self.current_only or self.destroyed:
            self._check_current("pmap_enter")
        level = self._leaf_level(size)
        self._check_range(va, va + size, size)
        if self.editor.edits.places:
            self._uncover(va, level)
        self._put(level, va, self._leaf(level, va, pa, protection, size))

    def extract(self, va: int) -> int | None:
        """Return the physical address for `va` in the tables, whatever the permissions; None if nothing is mapped."""
        if self.current_only or self.destroyed:
            self._check_current("pmap_extract")
        slot = self._find(va)
        descriptor = slot.descriptor
        if descriptor.kind != "leaf":
            return None
        return descriptor.address_of(slot.word) | va & slot.level.span_of(descriptor) - 1

    def translated(self, start: int, end: int) -> list[int]:
        """Return the frames to which the tables map the pages of [start, end), without unmapped pages. O(pages)."""
        run = self._run(start, end)
        if run is None:
            found = [self.extract(va) for va in range(start, end, PAGE)]
            return [pa >> PAGE_SHIFT for pa in found if pa is not None]
        level, table, first = run
        words = self.editor.words(level, table, first, first + (end - start >> PAGE_SHIFT) - 1)
        return [pa >> PAGE_SHIFT for pa in level.mapped(words)]

    def registers(self, controls: Any) -> tuple[int, Any]:
        """Return the base registers while these tables are loaded: the root, and `controls` with the others."""
        return self.root, controls

    def walk(self, va: int, access: Access = "read", user: bool = False, controls: Any = None) -> Walk:
        """Return what the hardware does with `va` while these tables are loaded."""
        self._check_alive()
        root, controls = self.registers(self.fmt.defaults if controls is None else controls)
        return walk(self.ram, self.fmt, root, va, access, user, controls)

    def mark(self, va: int, access: Access, user: bool, controls: Any) -> bool:
        """Set the flags whose absence made an access fault; returns false if the fault had another cause.

        Without hardware that sets them (TCR_EL1.HA and SCTLR.HA on ARM, menvcfg.ADUE on RISC-V), the kernel does so at
        the fault. O(levels).
        """
        root, now = self.registers(controls)
        if self.editor.hidden(self.root, va):
            return False
        found = translate(self.ram, self.fmt, root, va, access, user, self.fmt.rules.with_hardware_flags(now))
        if found.pa is None or not any(found.sets):
            return False
        self._mark(va, access, found)
        return True

    @kernel_function("pmap_mark", first=2)
    def _mark(self, va: int, access: Access, found: Descent[Any]) -> None:
        self.editor.mark_accessed(found)
        self.update(va & -PAGE, (va & -PAGE) + PAGE)

    # ---- ranges ------------------------------------------------------------------------------

    @kernel_function("pmap_remove", first=2)
    def remove(self, start: int, end: int) -> None:
        """Unmap [start, end); large pages across its edges are demoted.

        Tables stay. Raises NOMEM, with nothing changed, if a demotion needs a page and there is none; never inside
        :meth:`prepared`. O(mapped pages there, and their tables).
        """
        self._check_range(start, end)
        place = start >> self._region_shift
        if place == end - 1 >> self._region_shift and place not in self._used and not self.large:
            return  # most of what is removed was never mapped
        run = self._run(start, end)
        if run is not None:
            self.editor.write_range(*run, start, (0,) * (end - start >> PAGE_SHIFT))
        elif not self.large:  # nothing sticks out
            for slot in self._small(start, end):
                self._clear_page(slot)
        elif self.editor.leaves(self.root, start, end):
            with self.prepared((start, end)):
                for slot in self._leaves(start, end):
                    self._clear_page(slot)

    def unmap(self, start: int, end: int) -> None:
        """Remove the translations of a removed range, also from processors' caches.

        Pages that it covers in part are included.
        """
        first, last = start & -PAGE, end + PAGE - 1 & -PAGE
        place, emit = first >> self._region_shift, self.recorder.emit
        if place in self._used or place != last - 1 >> self._region_shift or self.large or self.prunes or emit is None:
            self.remove(first, last)
            self.update(first, last)
            return
        if not self._owns(first, last):
            self._check_range(first, last)
        pages = last - first >> PAGE_SHIFT if last - first <= UPDATE_PAGES * PAGE else 0
        emit((NEVER_MAPPED, first, last, pages))
        self._current.flush(self, first, last, pages)

    @kernel_function("pmap_protect", first=3)
    def protect(self, start: int, end: int, protection: int) -> None:
        """Change the permissions of pages mapped in [start, end); large pages across its edges are demoted.

        Raises NOMEM, with nothing changed, if a demotion needs a page and there is none; never inside :meth:`prepared`.
        """
        self._check_current("pmap_protect")
        self._check_range(start, end)
        with self.prepared((start, end)):
            for slot in self._leaves(start, end):
                self.editor.set_rights(slot, self._rights(slot.va, protection))
                for copy in self.editor.copies(slot):
                    self._written(copy)

    def promote(self, va: int, size: int) -> bool:
        """Replace smaller pages at `va` with one page of `size` bytes, if they are equal, contiguous and aligned.

        Otherwise, returns false, with nothing changed. Their table is kept as the page's spare.
        """
        level = self._leaf_level(size)
        self._check_range(va, va + size, size)
        parts = list(self.editor.leaves(self.root, va, va + size))
        first = parts[0] if parts else None
        if first is None or first.span >= size or first.address % size or not _alike(parts, size):
            return False
        above = self.editor.find(self.root, va, level.number)
        table = above.word if above.kind == "table" else None
        word = self.fmt.promoted_word(level, size, first.level, first.word, table, first.address)
        self._promote(va, size, level, word)
        return True

    @kernel_function("pmap_promote", first=2)
    def _promote(self, va: int, size: int, level: Level, word: int) -> None:
        self._put(level, va, word)

    def update(self, start: int, end: int) -> None:
        """Drop the cached translations of [start, end): up to 64 pages one by one, otherwise the whole TLB."""
        pages = end - start + PAGE - 1 >> PAGE_SHIFT
        if pages > 0:
            self._flush(start, end, pages if pages <= UPDATE_PAGES else 0)

    def _flush(self, start: int, end: int, pages: int) -> None:
        emit = self.recorder.emit
        if emit is not None:
            emit((TlbUpdated.tag, start, end, pages))
        self._current.flush(self, start, end, pages)

    # ---- the whole space ---------------------------------------------------------------------

    def load(self) -> None:
        """Make this the current address space, by writing its root to the base register."""
        self._check_alive()
        self._current.pmap = self
        emit = self.recorder.emit
        if emit is not None:
            emit((RootLoaded.tag, self.name, self.root))
        self._current.loaded(self)

    @property
    def is_current(self) -> bool:
        """Return whether the processor has these tables loaded."""
        return self._current.pmap is self

    # ---- beneath -----------------------------------------------------------------------------

    def _make_private_tables(self) -> bool:
        """Create the root, its recursive mapping, and the tables below mixed slots.

        Returns false, with none created, without enough pages.
        """
        layout, fmt, editor = self.layout, self.fmt, self.editor
        border = layout.kernel_start
        mixed = [level for level in fmt.levels if not layout.split and layout.side(level, border) == "mixed"]
        needed = [fmt.root_level, *(fmt.level(level.number - 1) for level in mixed)]
        made = [table for level in needed if (table := self.tables.allocate(level)) is not None]
        if len(made) < len(needed):
            self.tables.free_all()
            return False
        self.root = made[0]
        for level, table in zip(mixed, made[1:], strict=True):
            editor.refer(editor.find(self.root, border, level.number), table, Rights())
        self._make_window()
        return True

    def _make_window(self) -> None:
        """Write the recursive mapping into the root, if the layout has one."""
        if self.layout.window is not None:
            slot = self.editor.slot(self.fmt.root_level, self.root, self.layout.window)
            self.editor.refer(slot, self.root, Rights(user=False))

    def _copy_kernel_slots(self, kernel: Pmap) -> None:
        """Copy the kernel's slots that are the same in all spaces."""
        for (level, table, first), (_, ours, _) in zip(kernel.private_tables(), self.private_tables(), strict=True):
            for slot in self.published(level, table, first):
                self.editor.write(slot._replace(pa=ours + slot.pa - table), slot.word)

    def _owns(self, start: int, end: int) -> bool:
        """Return whether [start, end) is in the part of the space that this pmap maps."""
        raise NotImplementedError

    def _written(self, slot: Slot) -> None:
        """Note that a slot was written: the kernel's pmap publishes it."""

    def _is_global(self, va: int) -> bool:
        """Return whether what is mapped at `va` is the same in all address spaces."""
        return False

    def _keeps_table(self, slot: Slot) -> bool:
        """Return whether a table must be put into the slot of a large page that is removed."""
        return False

    def _uncover(self, va: int, level: Level) -> None:
        """Rewrite the descriptors above `level` whose tables an edit hides from the hardware."""
        for slot in self.editor.hidden(self.root, va, level.number):
            self.editor.write(slot, slot.word)
            self._written(slot)

    def _find(self, va: int) -> Slot:
        """Return the slot that maps `va`, or would.

        O(1) if its table of level 1 was looked up before, otherwise O(levels). Only tables for the space's own
        addresses are remembered, since no other editor removes them.
        """
        editor = self.editor
        if self._moved != editor.moved:
            self._found.clear()
            self._moved = editor.moved
        place = va >> self._region_shift
        table = None if editor.edits.places else self._found.get(place)
        if table is not None:
            level, width = self.fmt.levels[-1], self.fmt.entry_width
            pa = table + (va >> level.shift & level.last) * width
            word = self.ram.read_word(pa, width)
            return Slot(level, va, pa, word, level.read_as(word))
        slot = editor.find(self.root, va)
        page = va & -PAGE
        if slot.level.number == 1 and not editor.edits.places and self._owns(page, page + PAGE):
            self._found[place] = slot.pa - slot.level.index(va) * self.fmt.entry_width
        return slot

    def _run(self, start: int, end: int) -> tuple[Level, int, int] | None:
        """Return level and address of the table with adjacent slots for several pages, and the first slot's number.

        None if each slot must be examined on its own: if there are edits, if there were large pages, or if each space
        has its own copy.
        """
        if end - start <= PAGE or start >> self._region_shift != end - 1 >> self._region_shift:
            return None
        if self.large or self.editor.edits.places or 1 in self.layout.published_levels:
            return None
        slot = self._find(start)
        if slot.level.number > 1:
            return None
        first = slot.level.index(start)
        return slot.level, slot.pa - first * self.fmt.entry_width, first

    def _leaf(self, level: Level, va: int, pa: int, protection: int, size: int) -> int:
        """Return the word that maps the page of `size` bytes at `pa`; an address that does not fit is refused."""
        kind = size, protection, va < self.layout.user_end
        known = self._leaf_bits.get(kind)
        if known is None:
            descriptor = level.made_of_size(size)
            bits = self.fmt.rules.encode(descriptor, self._rights(va, protection), self._is_global(va))
            known = self._leaf_bits[kind] = level.descriptors.index(descriptor), bits
        return level.descriptors[known[0]].place(pa) | known[1]

    def _write_page(self, slot: Slot, word: int) -> None:
        """Write `word` into the slot of a small page, which was just read."""
        if self.editor.edits.places:
            self.editor.write(slot, word)
        else:
            self.editor.replace(slot, slot.word, word)
        self._written(slot)

    def _put(self, level: Level, va: int, word: int) -> None:
        """Write a leaf and its copies, and any missing tables; raises NOMEM, with nothing changed, if that fails."""
        slot = self._find(va) if level.number == 1 else self.editor.find(self.root, va, level.number)
        count = level.copies_of(level.read_as(word))
        is_small, has_table = level.number == 1 and count == 1, slot.level is level
        if is_small and has_table and slot.descriptor.shift is None:  # nearly always
            self._used.add(va >> self._region_shift)
            self._write_page(slot, word)
            return
        slots = self._make_slots(slot, level, va, count)
        self.large = self.large or level.number > 1 or len(slots) > 1
        self._used.add(va >> self._region_shift)
        for slot in slots:
            self.editor.write(slot, word)
        for slot in slots:
            self._written(slot)

    def _make_slots(self, slot: Slot, level: Level, va: int, count: int) -> list[Slot]:
        """Return `count` adjacent slots of `level` from `va` on, ready for a leaf; `slot` is where its path ends today.

        The tables above them are created, and a large page there is demoted. Each slot above level 1 has a spare: its
        previous table, or a new one.  Raises NOMEM, with nothing changed, if there are too few pages.
        """
        with self.prepared((va, va + count * level.span), self._absent_tables(slot, level.number)):
            here = self._neighbours(slot, count) if slot.level is level else []
            tables = self._allocate_tables(self._spares_for(level, here, count), va)
            while slot.level is not level:
                if slot.kind == "leaf":
                    self._demote(slot)
                else:
                    self._refer(slot, self._reserved.pop(_place(slot)))
                slot = self.editor.find(self.root, va, level.number)
        return [self._ready(one, tables) for one in self._neighbours(slot, count)]

    def _spares_for(self, level: Level, here: list[Slot], count: int) -> list[Level]:
        """Return the level of each table needed as a spare for `count` slots, of which `here` already exist."""
        if level.number == 1:
            return []
        needed = count - sum(one.kind == "table" or one.pa in self.tables.spares for one in here)
        return [self.fmt.level(level.number - 1)] * needed

    def _ready(self, slot: Slot, tables: list[int]) -> Slot:
        """Return a slot with its spare, which is not part of a page that fills several slots."""
        if slot.kind == "leaf" and slot.descriptor.shift is not None:
            self._split(slot)
        if slot.level.number > 1 and slot.pa not in self.tables.spares:
            self.tables.spares[slot.pa] = self._emptied(slot) if slot.kind == "table" else tables.pop(0)
        return slot

    def _neighbours(self, slot: Slot, count: int) -> list[Slot]:
        """`count` slots of one table from `slot` on."""
        table = slot.pa - slot.level.index(slot.va) * self.fmt.entry_width
        return [self.editor.slot(slot.level, table, slot.va + at * slot.level.span) for at in range(count)]

    def _emptied(self, slot: Slot) -> int:
        """Return the table in a slot, after giving up everything below it."""
        below = self.fmt.level(slot.level.number - 1)
        for one in list(self.editor.present(below, slot.address, slot.va)):
            if one.kind == "table":
                self.tables.free(self._emptied(one))
            elif one.pa in self.tables.spares:
                self.tables.free(self.tables.spares.pop(one.pa))
        return slot.address

    def _allocate_tables(self, levels: list[Level], va: int) -> list[int]:
        """Return a new table for each of `levels`; raises NOMEM, with none allocated, if there are too few pages."""
        taken: list[int] = []
        for level in levels:
            table = self.tables.allocate(level)
            if table is None:
                for one in reversed(taken):
                    self.tables.free(one)
                raise kernel_error("NOMEM", f"no page for the tables of {Address(va)} in the pmap of {self.name}")
            taken.append(table)
        return taken

    @contextmanager
    def prepared(self, cuts: Iterable[int], absent: Iterable[tuple[int, int]] = ()) -> Iterator[None]:
        """Reserve the tables for ranges that begin or end at `cuts`: NOMEM is raised before anything has changed.

        Inside, :meth:`remove` and :meth:`protect` of such ranges can't fail. `absent` are slots whose tables are
        missing (:meth:`tables_missing`). Unused tables are freed at the end.  O(cuts) once there were large pages, else
        O(1).
        """
        edges = [*cuts]
        wanted = [*absent, *(place for edge in edges for place in self._splits_at(edge))] if self.large else [*absent]
        places = [place for place in dict.fromkeys(wanted) if place not in self._reserved] if wanted else []
        if places:
            levels = [self.fmt.level(number - 1) for number, _ in places]
            slot = self.fmt.canonical(places[0][1] << self.fmt.level(places[0][0]).shift)
            where = edges[0] if edges else slot
            self._reserved.update(zip(places, self._allocate_tables(levels, where), strict=True))
        try:
            yield
        finally:
            for place in places:
                table = self._reserved.pop(place, None)
                if table is not None:
                    self.tables.free(table)

    def _splits_at(self, edge: int) -> Iterator[tuple[int, int]]:
        """Yield the slots that need a table, and have no spare, if a large page is cut at `edge`."""
        slot = self.editor.find(self.root, edge) if self._owns(edge, edge + PAGE) else None
        if slot is None or slot.kind != "leaf" or not edge % slot.span:
            return
        for level in self.fmt.levels:
            cut = 1 < level.number <= slot.level.number and edge % level.span
            if cut and (level is not slot.level or slot.pa not in self.tables.spares):
                yield level.number, edge >> level.shift

    def tables_missing(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """Yield the slots that need a table before small pages of [start, end) can be mapped. O(spans of level 2)."""
        span = self.fmt.level(2).span
        for va in range(start // span * span, end, span):
            yield from self._absent_tables(self.editor.find(self.root, max(va, start)), 1)

    def _absent_tables(self, slot: Slot, down_to: int) -> Iterator[tuple[int, int]]:
        """Yield the slots without a table on the path from an absent `slot` to the level `down_to`."""
        if slot.kind != "leaf":
            for number in range(slot.level.number, down_to, -1):
                yield number, slot.va >> self.fmt.level(number).shift

    def _small(self, start: int, end: int) -> Iterable[Slot]:
        """Return the slots that map pages of [start, end), if all pages are small."""
        if end - start > PAGE:
            return self.editor.leaves(self.root, start, end)
        slot = self._find(start)
        return (slot,) if slot.descriptor.kind == "leaf" else ()

    def _leaves(self, start: int, end: int) -> Iterable[Slot]:
        """Return the slots that map pages of [start, end); a large page across an edge is demoted first."""
        found = self.editor.leaves(self.root, start, end)
        return self._inside(found, start, end) if found else ()

    def _inside(self, found: Iterable[Slot], start: int, end: int) -> Iterator[Slot]:
        for slot in found:
            after = slot.va + slot.span
            if start <= slot.va and after <= end:
                yield slot
            else:
                self._demote(slot)
                yield from self._leaves(max(start, slot.va), min(after, end))

    def _clear_page(self, slot: Slot) -> None:
        """Clear the slot of a page, and free its spare."""
        if slot.level.number == 1 and slot.descriptor.shift is None:  # nearly always: a small page
            self._write_page(slot, 0)
            return
        copies = self.editor.copies(slot)
        self.editor.clear(slot)
        for copy in copies:
            spare = self.tables.spares.pop(copy.pa, None)
            if spare is not None and self._keeps_table(copy):
                self.tables.zero(spare)
                self._refer(copy, spare)
                continue
            self._written(copy)
            if spare is not None:
                self.tables.free(spare)

    def _split(self, slot: Slot) -> None:
        """Replace a page that fills several slots with one page per slot."""
        copies = self.editor.copies(slot)
        self.editor.split(slot)
        for copy in copies:
            self._written(copy)

    def _demote(self, slot: Slot) -> None:
        """Replace a large page with smaller ones: one per slot if it fills several, otherwise in its spare table."""
        if slot.descriptor.shift is not None:
            self._split(slot)
            return
        table = self.tables.spares.pop(slot.pa, None)
        if table is None:
            table = self._reserved.pop(_place(slot))
        self.large = True
        self.tables.zero(table)
        self.editor.demote(slot, table, self._table_rights(slot))
        self._written(slot)

    def _refer(self, slot: Slot, table: int) -> None:
        self.editor.refer(slot, table, self._table_rights(slot))
        self._written(slot)

    def _rights(self, va: int, protection: int) -> Rights:
        return Rights(write=bool(protection & WRITE), user=self.layout.is_user(va))

    def _table_rights(self, slot: Slot) -> Rights:
        """Return a table's protection: it allows everything that a page below may need."""
        return Rights(user=self.layout.side(slot.level, slot.va) in ("user", "mixed"))

    def _leaf_level(self, size: int) -> Level:
        found = self.fmt.leaf(size)
        if found is None:
            sizes = " or ".join(str(Size(one)) for one in self.fmt.page_sizes)
            raise Refused(f"size={size}: a page of {self.fmt.name} has {sizes}")
        return found[0]

    def _check_range(self, start: int, end: int, unit: int = PAGE) -> None:
        self._check_alive()
        if start % unit or end % unit or start >= end:
            raise Refused(
                f"[{start:#x}, {end:#x}): it must not be empty, and must begin and end at multiples of {Size(unit)}"
            )
        if not self._owns(start, end):
            raise Refused(f"[{start:#x}, {end:#x}) is not in the part of the space that the pmap of {self.name} maps")

    def check_there(self, va: int) -> None:
        """Check that the space exists before an access to `va` continues: its task may have ended meanwhile."""
        if self.destroyed:
            raise kernel_error("FAULT", f"{Address(va)}: the address space of {self.name} is gone")

    def _check_alive(self) -> None:
        if self.destroyed:
            raise Refused(f"the pmap of {self.name} was destroyed")

    def _check_current(self, function: str) -> None:
        self._check_alive()
        if self.current_only and not self.is_current:
            raise KernelPanic(
                "pmap_not_current", f"{function} works on the current pmap or the kernel's, not {self.name}"
            )


def _place(slot: Slot) -> tuple[int, int]:
    """Return a slot's key for reserved tables: its level, and its number in the whole space."""
    return slot.level.number, slot.va >> slot.level.shift


def _alike(parts: list[Slot], size: int) -> bool:
    """Return whether leaves map `size` bytes of contiguous memory, with equal bits apart from the address."""
    first = parts[0]
    same = [one.descriptor is first.descriptor and one.attribute_bits == first.attribute_bits for one in parts]
    in_line = [one.address == first.address + at * first.span for at, one in enumerate(parts)]
    return all(same) and all(in_line) and len(parts) * first.span == size
