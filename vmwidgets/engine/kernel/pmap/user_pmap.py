"""The tables of tasks, and the reverse map, in which they note their translations.

The reverse map has the translations of tasks that lead to a frame (the pv entries of 4.4BSD and FreeBSD's pmap).
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator
from typing import Any, cast

from ...base.errors import Broken, kernel_error
from ...base.protection import EXECUTE, READ, WRITE
from ...base.recorder import Recorder, kernel_function
from ...base.units import PAGE, PAGE_SHIFT, Address
from ...memory.pages import PageAllocator
from ...memory.ram import Ram
from ...mmu.editor import Slot, TableEditor
from ...mmu.levels import Level
from ...mmu.tables_schema import Permission, Rights
from ...mmu.walk import Memory
from .pmap import CurrentPmap, Pmap
from .pmap_schema import BlankGone, PageBlank, PageWritten


class UserPmap(Pmap):
    """The tables of a task; made by :meth:`.spaces.KernelPmap.create`."""

    prunes = True

    def __init__(
        self,
        name: str,
        kernel: Pmap,
        pages: PageAllocator,
        current: CurrentPmap,
        unload: Callable[[UserPmap], None],
        reverse: ReverseMap,
    ) -> None:
        super().__init__(name, kernel.ram, pages, kernel.layout, kernel.recorder, current)
        self._kernel = kernel
        self._unload = unload
        self._reverse = reverse
        self._granted: dict[int, int] = {}
        self._create(name)

    @kernel_function("pmap_create", first=1)
    def _create(self, name: str) -> None:
        if not self._make_private_tables():
            raise kernel_error("NOMEM", f"no page for the root table of {name}")
        self._copy_kernel_slots(self._kernel)

    def destroy(self) -> None:
        """Free all tables; the mapped memory belongs to others. If they are loaded, the kernel's are loaded first."""
        self._check_alive()
        self._destroy(self.name)

    @kernel_function("pmap_destroy", first=1)
    def _destroy(self, name: str) -> None:
        self._forget(0, self.layout.user_end)
        self._unload(self)
        self.tables.free_all()
        self.destroyed = True

    def enter(self, va: int, pa: int, protection: int, size: int = PAGE) -> None:
        """Map a page as any pmap does, and note it in the reverse map."""
        if self.current_only or self.destroyed:
            self._check_current("pmap_enter")
        before = self.managed(va, va + size)
        if before:
            self._reverse.leaving(self, before)
        super().enter(va, pa, protection, size)
        for at, frame in before:
            self._reverse.forget(self, at, frame)
        for offset in range(0, min(size, self.ram.size - pa), PAGE):
            self._reverse.note(self, va + offset, pa + offset >> PAGE_SHIFT)

    def remove(self, start: int, end: int) -> None:
        """Unmap [start, end) as any pmap does; tables that become empty are freed."""
        before = self.managed(start, end)
        if before:
            self._reverse.leaving(self, before)
        super().remove(start, end)
        for va, frame in before:
            self._reverse.forget(self, va, frame)
        self._prune(self.fmt.root_level, self.root, start, end)

    def protect(self, start: int, end: int, protection: int) -> None:
        """Change permissions as any pmap does.

        Without a dirty bit, losing write permission counts as having been written.
        """
        self._note_written(start, end)
        super().protect(start, end, protection)

    @kernel_function("pmap_remove_write", first=2)
    def remove_write(self, start: int, end: int) -> None:
        """Remove write permission in [start, end), and no other (FreeBSD `pmap_remove_write`).

        Raises NOMEM as :meth:`protect` does.
        """
        self._check_range(start, end)
        self._note_written(start, end)
        with self.prepared((start, end)):
            for slot in self._leaves(start, end):
                rights = self._rights_of(slot)
                if rights.write:
                    self.editor.set_rights(slot, rights._replace(write=False))

    def _note_written(self, start: int, end: int) -> None:
        if self._reverse.any_blank:
            self._reverse.leaving(self, self.managed(start, end))

    def granted(self, protection: int) -> int:
        """Return what user code may do with a page that is mapped for `protection`.

        See :meth:`.rules.Rules.granted`.
        """
        known = self._granted.get(protection)
        if known is None:
            wanted = Permission(bool(protection & READ), bool(protection & WRITE), bool(protection & EXECUTE))
            read, write, execute = self.fmt.rules.granted(wanted)
            known = READ * read | WRITE * write | EXECUTE * execute
            self._granted[protection] = known
        return known

    def _rights(self, va: int, protection: int) -> Rights:
        """Return everything that the format can encode."""
        may = self.granted(protection)
        return Rights(bool(may & READ), bool(may & WRITE), bool(may & EXECUTE), user=True)

    def registers(self, controls: Any) -> tuple[int, Any]:
        """Return its root, and the kernel's root if that has a register of its own."""
        registers: tuple[int, Any] = self.fmt.rules.registers(self.root, self._kernel.root, controls)
        return registers

    def _forget(self, start: int, end: int) -> None:
        """Remove [start, end) from the reverse map."""
        before = self.managed(start, end)
        self._reverse.leaving(self, before)
        for va, frame in before:
            self._reverse.forget(self, va, frame)

    def managed(self, start: int = 0, end: int | None = None) -> list[tuple[int, int]]:
        """Return addresses and frames of the pages of RAM that are mapped in [start, end), or anywhere.

        O(pages there). A device's pages are not included, since they are never evicted. FreeBSD calls such pages
        unmanaged.
        """
        end = self.layout.user_end if end is None else end
        if end - start == PAGE:  # nearly always
            pa = self.extract(start)
            return [] if pa is None or pa >= self.ram.size else [(start, pa >> PAGE_SHIFT)]
        found: list[tuple[int, int]] = []
        for slot in self.editor.leaves(self.root, start, end):
            first = max(start, slot.va)
            last = min(end, slot.va + slot.span, slot.va + self.ram.size - slot.address)
            found += [(va, slot.address + va - slot.va >> PAGE_SHIFT) for va in range(first, last, PAGE)]
        return found

    def mapped(self) -> Iterator[tuple[int, int, int, bool]]:
        """Yield address, bytes and first frame of each translation, and whether a user may write there.

        O(their number).
        """
        for slot in self.editor.leaves(self.root, 0, self.layout.user_end):
            write = self.walk(slot.va, "write", user=True).fault is None
            yield slot.va, slot.span, slot.address >> PAGE_SHIFT, write

    # ---- what the hardware notes -------------------------------------------------------------

    def is_referenced(self, va: int) -> bool:
        """Return whether the reference bit of the leaf that maps `va` is set (`pmap_is_referenced`). O(levels)."""
        slot = self._find(va)
        return slot.kind == "leaf" and bool(slot.word & self._noted(slot, write=False))

    def is_modified(self, va: int) -> bool:
        """Return whether the dirty bit of the leaf that maps `va` is set (`pmap_is_modified`).

        O(levels). ARM's tables have none: there, every writable page counts as written.
        """
        slot = self._find(va)
        return slot.kind == "leaf" and self._is_written(slot)

    @kernel_function("pmap_clear_modify", first=1)
    def clear_modify(self, va: int) -> None:
        """Clear the dirty bit of the leaf that maps `va`; the caller flushes. O(levels)."""
        slot = self._find(va)
        if slot.kind == "leaf":
            self.editor.write(slot, slot.word & ~self._dirty(slot))

    @kernel_function("pmap_clear_reference", first=1)
    def clear_reference(self, va: int) -> None:
        """Clear the reference bit of the leaf that maps `va`, and flush it: a hit in a TLB would not set the bit again.

        O(levels).
        """
        slot = self._find(va)
        if slot.kind == "leaf":
            self.editor.write(slot, slot.word & ~self._noted(slot, write=False))
            self.update(va & -PAGE, (va & -PAGE) + PAGE)

    def _noted(self, slot: Slot, *, write: bool) -> int:
        """Return the bits that the hardware sets in a leaf, if any: reference bit and, for a write, dirty bit."""
        rules = self.fmt.rules
        controls = rules.with_hardware_flags(rules.with_access_flag(self.fmt.defaults))
        return rules.accessed(slot.descriptor, write, controls)

    def _dirty(self, slot: Slot) -> int:
        """Return the dirty bit of a leaf; 0 if there is none."""
        return self._noted(slot, write=True) & ~self._noted(slot, write=False)

    def _is_written(self, slot: Slot) -> bool:
        dirty = self._dirty(slot)
        return bool(slot.word & dirty) if dirty else self._rights_of(slot).write

    def _rights_of(self, slot: Slot) -> Rights:
        """Return the permissions in a leaf, ignoring its reference bit, which on ARMv7 is one of the bits of AP."""
        return self.fmt.rules.rights_of(slot.descriptor, slot.word | self._noted(slot, write=False))

    def noted(self, memory: Memory, frames: Container[int] | None = None) -> Iterator[tuple[int, int, bool, bool]]:
        """Yield for each page of RAM that is mapped in `memory`: address, frame, reference bit and dirty bit.

        O(pages). With `frames`, only the pages in these frames.
        """
        # the cast: an editor that only reads
        editor = TableEditor(cast(Ram, memory), self.fmt, self.recorder, self.editor.edits)
        for slot in editor.leaves(self.root, 0, self.layout.user_end, frames):
            used, written = bool(slot.word & self._noted(slot, write=False)), self._is_written(slot)
            for offset in range(0, slot.span if slot.address < self.ram.size else 0, PAGE):
                yield slot.va + offset, slot.address + offset >> PAGE_SHIFT, used, written

    def check_reverse(self) -> None:
        """Raise :class:`Broken` unless R1. the reverse map has all mapped pages of RAM, if no descriptor was edited."""
        if not self.editor.edits.places:
            for va, frame in self.managed():
                self._reverse.check_has(self, va, frame)

    def _prune(self, level: Level, table: int, start: int, end: int) -> None:
        """Free the empty tables below `table` that are for addresses of [start, end)."""
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

    def _owns(self, start: int, end: int) -> bool:
        return start >= 0 and end <= self.layout.user_end


class ReverseMap:
    """The address spaces and addresses that are translated to each frame, in order of mapping.

    Page tables note their mappings here. After an edit of descriptors by hand, the tables may differ: such an entry is
    left out.
    """

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._by_frame: dict[int, dict[tuple[UserPmap, int], None]] = {}
        self._blank: dict[int, None] = {}

    def note(self, space: UserPmap, va: int, frame: int) -> None:
        """Note that `space` maps the page at `va` to `frame`. O(1)."""
        self._by_frame.setdefault(frame, {})[space, va] = None

    def forget(self, space: UserPmap, va: int, frame: int) -> None:
        """Note that `space` no longer maps the page at `va` to `frame`. O(1)."""
        known = self._by_frame.get(frame)
        if known is not None:
            known.pop((space, va), None)
            if not known:
                del self._by_frame[frame]

    # ---- frames of zeroes ----------------------------------------------------------------------

    @property
    def blank(self) -> dict[int, bool]:
        """Return the frames of zeroes that were not written, except through existing translations, whose bits show it.

        Each has the value True. O(their number).
        """
        return dict.fromkeys(self._blank, True)

    @property
    def any_blank(self) -> bool:
        """Return whether there are any."""
        return bool(self._blank)

    def came_blank(self, frame: int) -> None:
        """Note that a page of zeroes is in `frame` now, and not about to be written. O(1)."""
        self._blank[frame] = None
        self._report(PageBlank.tag, frame)

    def written(self, frame: int) -> None:
        """Note that the page in `frame` is about to be written, or was. O(1)."""
        if frame in self._blank:
            del self._blank[frame]
            self._report(PageWritten.tag, frame)

    def vacated(self, frame: int) -> None:
        """Note that `frame` no longer contains a page. O(1)."""
        if frame in self._blank:
            del self._blank[frame]
            self._report(BlankGone.tag, frame)

    def leaving(self, space: UserPmap, pages: Iterable[tuple[int, int]]) -> None:
        """Remember the dirty bits of these translations of `space` (addresses and frames) before their removal."""
        for va, frame in pages if self._blank else ():
            if frame in self._blank and space.is_modified(va):
                self.written(frame)

    def of(self, frame: int) -> list[tuple[UserPmap, int]]:
        """Return the spaces and addresses that lead to `frame`. O(their number)."""
        known = self._by_frame.get(frame, ())
        return [(space, va) for space, va in known if (space.extract(va) or 0) >> PAGE_SHIFT == frame]

    def is_unwritten(self, frame: int) -> bool:
        """Return whether `frame` still has its initial zeroes. O(translations that lead there)."""
        return frame in self._blank and not any(space.is_modified(va) for space, va in self.of(frame))

    def _report(self, *raw: object) -> None:
        emit = self._recorder.emit
        if emit is not None:
            emit(raw)

    # ---- all of it -------------------------------------------------------------------------------

    def frames(self) -> list[int]:
        """Return the frames to which any translation leads, in order. O(n log n)."""
        return sorted(self._by_frame)

    def count(self) -> int:
        """Return how many translations are noted."""
        return sum(map(len, self._by_frame.values()))

    def check_has(self, space: UserPmap, va: int, frame: int) -> None:
        """Raise :class:`Broken` unless it is noted that `space` maps the page at `va` to `frame`."""
        if (space, va & -PAGE) not in self._by_frame.get(frame, ()):
            where = f"{Address(va)} to frame {frame:#x}"
            raise Broken(f"R1: {space.name} maps {where}, and the reverse map does not say so")
