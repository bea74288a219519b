"""The owners of slots and tables: an address space's limits, the pages of its tables, and their invariants.

The user's half is [0, user_end), the kernel's is everything from kernel_start up. A slot that covers kernel addresses
only is the same in all address spaces. A slot that covers both is *mixed* (a 32-bit layout on 64-bit tables has its
whole space in one root slot): each space has its own table there, and the tables below are shared as soon as their
slots are the kernel's alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any, Literal

from ...base.errors import Broken, Refused
from ...base.frozen import frozen
from ...base.recorder import Recorder
from ...base.units import PAGE, PAGE_SHIFT, Address
from ...memory.pages import PageAllocator
from ...memory.ram import Ram
from ...mmu.editor import HandEdits, Slot, TableEditor
from ...mmu.format import TableFormat
from ...mmu.levels import Level
from ...mmu.tables_schema import Rights

Side = Literal["user", "kernel", "mixed", "window", "none"]


@frozen(slots=False)
class PmapLayout:
    """The limits of the kernel map and of user maps, and the `window` in which the tables appear, if there is one.

    >>> from vmwidgets.engine.mmu.formats.x86 import X86_64, PDPT, PML4
    >>> layout = PmapLayout(X86_64, kernel_start=0xC040_0000, kernel_end=0xFC00_0000, user_end=0xC000_0000)
    >>> layout.side(PML4, 0xC040_0000), layout.side(PDPT, 0xC040_0000), layout.side(PDPT, 0)
    ('mixed', 'kernel', 'user')
    """

    fmt: TableFormat[Any]
    kernel_start: int
    kernel_end: int
    user_end: int
    window: int | None = None
    """The start of the recursive window: the root slot there refers to the root itself."""

    def __post_init__(self) -> None:
        for name in ("kernel_start", "kernel_end", "user_end", "window"):
            self._check_limit(name, getattr(self, name))
        if self.split:
            in_order = self.user_end <= self.kernel_start < self.kernel_end
        else:
            in_order = self._plain(self.user_end) <= self._plain(self.kernel_start) < self._plain(self.kernel_end)
        if not in_order:
            raise Refused(
                f"user [0, {Address(self.user_end)}) and kernel [{Address(self.kernel_start)}, "
                f"{Address(self.kernel_end)}): the kernel must lie above, and not be empty"
            )
        root = self.fmt.root_level
        if self.window is not None and (self.window % root.span or self._half(root, self.window) != "none"):
            raise Refused(f"window={Address(self.window)}: it needs a root slot ({root.name}) of its own")

    @property
    def split(self) -> bool:
        """Return whether the kernel's half has a base register, and so a root table, of its own (AArch64's TTBR1)."""
        return self.fmt.halves

    def side(self, level: Level, va: int) -> Side:
        """Return the owners of the addresses that the slot of `level` for `va` covers."""
        if self.window is not None and level is self.fmt.root_level and level.index(va) == level.index(self.window):
            return "window"
        return self._half(level, va)

    def is_user(self, va: int) -> bool:
        """Return whether `va` is in the user's half."""
        return 0 <= va < self.user_end

    def first_va(self, kernel: bool) -> int:
        """The first address that a root table covers."""
        return self.fmt.canonical(1 << self.fmt.word_bits - 1) if kernel and self.split else 0

    def is_kernel(self, va: int) -> bool:
        """Return whether `va` is in the kernel map or above it, where the kernel's image is."""
        return va >= self.kernel_start and va == self.fmt.canonical(va)

    def is_published(self, level: Level, va: int) -> bool:
        """Return whether the slot of `level` for `va` must be the same in all spaces, though each has its own table."""
        if self.split or self.side(level, va) != "kernel":
            return False
        return level is self.fmt.root_level or self.side(self.fmt.level(level.number + 1), va) == "mixed"

    @cached_property
    def published_levels(self) -> frozenset[int]:
        """The levels with slots that must be the same in all spaces: the root's, and those below mixed slots."""
        border = self.kernel_start
        below = [one.number - 1 for one in self.fmt.levels if not self.split and self._half(one, border) == "mixed"]
        return frozenset((self.fmt.root_level.number, *below))

    def _half(self, level: Level, va: int) -> Side:
        if self.split:
            return "kernel" if va >> self.fmt.word_bits - 1 else "user"
        start = self._plain(va) >> level.shift << level.shift
        plain_user_end, plain_kernel_start = self._limits
        user = start < plain_user_end
        kernel = start + level.span > plain_kernel_start
        if user:
            return "mixed" if kernel else "user"
        return "kernel" if kernel else "none"

    @cached_property
    def _limits(self) -> tuple[int, int]:
        return self._plain(self.user_end), self._plain(self.kernel_start)

    def _plain(self, va: int) -> int:
        """Return the address without the bits that only repeat the highest translated bit."""
        return va & (1 << self.fmt.va_bits) - 1

    def _check_limit(self, name: str, limit: int | None) -> None:
        # user_end may be the first address that is not canonical any more.
        top = 1 << self.fmt.va_bits
        plain = limit is not None and (limit <= top or limit == self.fmt.canonical(limit) or self.split)
        if limit is not None and (limit % PAGE or not plain):
            raise Refused(f"{name}={limit:#x}: it must be page aligned and an address of {self.fmt.name}")


class OwnedTables:
    """Tables of one address space, by physical address; each is zeroed when it is allocated.

    In addition to the tables in use, there is one *spare* for each large page, by the address of the slot that maps it.
    So demoting a large page, when a part of it is removed or protected, can't fail.
    """

    __slots__ = ("_edits", "_fmt", "_free_parts", "_pages", "_parts_used", "_ram", "_sizes", "owner", "spares")

    def __init__(self, ram: Ram, pages: PageAllocator, fmt: TableFormat[Any], owner: str, edits: HandEdits) -> None:
        self._ram = ram
        self._fmt = fmt
        self._pages = pages
        self._edits = edits
        self.owner = owner
        self._sizes: dict[int, int] = {}
        self._free_parts: dict[int, list[int]] = {}
        self._parts_used: dict[int, int] = {}
        self.spares: dict[int, int] = {}

    def allocate(self, level: Level) -> int | None:
        """Return the physical address of a zeroed table of `level`, or None.

        Tables smaller than a page share pages (ARM's second level has four in one).
        """
        size = self._fmt.table_bytes(level)
        table = self._allocate_pages(size) if size >= PAGE else self._allocate_part(size)
        if table is not None:
            self._sizes[table] = size
            self.zero(table)
        return table

    def _allocate_pages(self, size: int) -> int | None:
        frame = self._pages.allocate(_order(size), self.owner)
        return None if frame is None else frame << PAGE_SHIFT

    def _allocate_part(self, size: int) -> int | None:
        parts = self._free_parts.setdefault(size, [])
        if not parts:
            page = self._allocate_pages(PAGE)
            if page is None:
                return None
            parts.extend(range(page + PAGE - size, page - size, -size))
        table = parts.pop()
        page = table & -PAGE
        self._parts_used[page] = self._parts_used.get(page, 0) + 1
        return table

    def free(self, table: int) -> None:
        """Free a table, and its page if it was the last in it."""
        size = self._sizes.pop(table)
        self._edits.freed(table, size)
        if size >= PAGE:
            self._pages.free(table >> PAGE_SHIFT, _order(size))
            return
        page, parts = table & -PAGE, self._free_parts[size]
        parts.append(table)
        self._parts_used[page] -= 1
        if not self._parts_used[page]:
            del self._parts_used[page]
            self._free_parts[size] = [part for part in parts if part & -PAGE != page]
            self._pages.free(page >> PAGE_SHIFT, 0)

    def zero(self, table: int) -> None:
        """Empty a table that nothing refers to."""
        size = self._sizes[table]
        self._edits.freed(table, size)
        if size < PAGE:
            self._ram.fill(table, size)
            return
        for frame in range(table >> PAGE_SHIFT, table + size >> PAGE_SHIFT):
            self._ram.zero_frame(frame)

    def free_all(self) -> None:
        """Free everything, spares too, last allocated first."""
        self.spares.clear()
        for table in list(reversed(self._sizes)):
            self.free(table)

    @property
    def obtainable_pages(self) -> int:
        """Return how many more tables of a page could be allocated."""
        return self._pages.obtainable_pages

    @property
    def bytes_used(self) -> int:
        """Return the size in bytes of the tables that the hardware reads, without spare ones."""
        return sum(self._sizes.values()) - sum(self._sizes[table] for table in self.spares.values())

    def __iter__(self) -> Iterator[int]:
        return iter(self._sizes)

    def __len__(self) -> int:
        return len(self._sizes)


def _order(size: int) -> int:
    """Return the order of the block of pages for `size` bytes."""
    return max(0, (size - 1).bit_length() - PAGE_SHIFT)


class TableSpace:
    """The tables called `name`, for reading only; `edits` are the descriptors written without the kernel.

    The root, and the tables below mixed slots, are its own; tables for kernel addresses alone are the kernel's, the
    same in all spaces.
    """

    def __init__(
        self, name: str, ram: Ram, pages: PageAllocator, layout: PmapLayout, recorder: Recorder, edits: HandEdits
    ) -> None:
        self.name = name
        self.ram = ram
        self.layout = layout
        self.fmt = layout.fmt
        self.recorder = recorder
        self.tables = OwnedTables(ram, pages, layout.fmt, f"page tables of {name}", edits)
        self.editor: TableEditor[Any] = TableEditor(ram, layout.fmt, recorder, edits)
        self.root = 0
        """The physical address of the root table."""

    # ---- whose slots -------------------------------------------------------------------------

    def private_tables(self) -> Iterator[tuple[Level, int, int]]:
        """Yield the space's own tables that lead to kernel addresses: level, address, first va.

        They are the root, and the tables below mixed slots; none if the kernel's half has its own root.
        """
        if self.layout.split:
            return
        level, table, border = self.fmt.root_level, self.root, self.layout.kernel_start
        while True:
            covered = level.shift + level.bits
            yield level, table, border >> covered << covered
            if self.layout.side(level, border) != "mixed":
                return
            table = self.editor.slot(level, table, border).address
            level = self.fmt.level(level.number - 1)

    def published(self, level: Level, table: int, first: int) -> Iterator[Slot]:
        """Return the present slots of a private table that are the same in all spaces."""
        return (slot for slot in self.editor.present(level, table, first) if self.layout.is_published(level, slot.va))

    def own_slots(self, level: Level, table: int, va: int, is_kernel: bool) -> Iterator[Slot]:
        """Yield the present slots of the space's own tables; in a user's space, without the shared ones."""
        for slot in self.editor.present(level, table, va):
            side = self.layout.side(level, slot.va)
            if side == "kernel" and not is_kernel:
                continue
            yield slot
            if slot.kind == "table" and side != "window":
                yield from self.own_slots(self.fmt.level(level.number - 1), slot.address, slot.va, is_kernel)

    def granted(self, protection: int) -> int:
        """Return the permissions of a page mapped for `protection`: these tables can't refuse reads and fetches."""
        return protection

    # ---- invariants --------------------------------------------------------------------------

    def check_owned(self, *, is_kernel: bool) -> None:
        """Raise :class:`Broken` unless 2 to 5 hold of the slots that lead to this space's own tables."""
        found = [self.root]
        spared = set()
        rules = self.fmt.rules
        for slot in self.own_slots(self.fmt.root_level, self.root, self.layout.first_va(is_kernel), is_kernel):
            side = self.layout.side(slot.level, slot.va)
            where = f"the {slot.level.name} for {Address(slot.va)} of {self.name}"
            if side == "window":
                if slot.address != self.root:
                    raise Broken(f"2. the window refers to the root: {where} refers to {Address(slot.address)}")
                continue
            for_user, for_kernel = (rules.encode(slot.descriptor, Rights(user=user), False) for user in (True, False))
            is_user = rules.rights_of(slot.descriptor, slot.word).user
            if for_user != for_kernel and is_user != (side in ("user", "mixed")):
                raise Broken(f"3. user code can reach its half only: {where} is {slot.word:#x}")
            if slot.kind == "table":
                found.append(slot.address)
            elif slot.level.number > 1:
                spared.add(slot.pa)
        lost = set(self.tables.spares) - spared
        if lost:
            where = f"of {self.name} the one for {Address(min(lost))} does not"
            raise Broken(f"4. a spare table belongs to a large page: {where}")
        if sorted([*found, *self.tables.spares.values()]) != sorted(self.tables):
            counts = f"{len(found)} are, {len(self.tables)} owned"
            raise Broken(f"5. each table of {self.name} is referred to once: {counts}")

    def check_shared(self, other: TableSpace) -> None:
        """Raise :class:`Broken` unless 6 holds: another space's shared slots equal this (the kernel's) space's."""
        for (level, ours, first), (_, theirs, _) in zip(self.private_tables(), other.private_tables(), strict=True):
            right = {self._shared(slot) for slot in self.published(level, ours, first)}
            found = {self._shared(slot) for slot in self.published(level, theirs, first)}
            if right != found:
                va, _ = min(right ^ found)
                raise Broken(f"6. shared slots are equal: the {level.name} for {Address(va)} of {other.name} is not")

    def _shared(self, slot: Slot) -> tuple[int, int]:
        """Return a slot without the bits that the processor sets in each space's own copy (accessed, dirty)."""
        return slot.va, slot.word & ~self.fmt.rules.accessed(slot.descriptor, True, self.fmt.defaults)
