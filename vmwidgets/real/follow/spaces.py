"""The page tables of processes as they were last read, and the descriptors that refer to each frame."""

from __future__ import annotations

from collections.abc import Container, Iterable, Set
from dataclasses import dataclass, field
from struct import unpack
from typing import NamedTuple

from ...engine.base.units import PAGE
from ...engine.mmu.formats.riscv import A, D, R, U, V, W, X
from ...engine.mmu.rules import Access
from ..gdb import Gdb

_LEAF = R | W | X
_ADDRESS = (1 << 44) - 1
_WORDS = f"<{PAGE // 8}Q"
_MOST = 512 * PAGE
_RESERVED = 54
"""The lowest reserved bit: a descriptor with a bit set from here on, as in a page of junk, is refused (4.4.1)."""


class Leaf(NamedTuple):
    """A descriptor that maps a page: its word, and the bytes that it maps."""

    word: int
    size: int

    @property
    def frame(self) -> int:
        """The physical address of the page."""
        return (self.word >> 10 & _ADDRESS) << 12

    @property
    def frames(self) -> range:
        """The physical addresses of the page's frames; only the first frames of a 1 GiB page, which no solution has.

        A page that was freed and is no longer a table looks like 512 pages of 1 GiB.
        """
        frame = (self.word >> 10 & _ADDRESS) << 12
        return range(frame, frame + min(self.size, _MOST), PAGE)

    @property
    def rights(self) -> str:
        """Read, write, execute and user rights as four letters: "rw-u"."""
        return "".join(letter if self.word & bit else "-" for letter, bit in zip("rwxu", (R, W, X, U), strict=True))

    @property
    def lets(self) -> tuple[Access, bool]:
        """An access that the descriptor allows (access and user), so that a walk for it succeeds."""
        access: Access = "write" if self.word & W else "read" if self.word & R else "execute"
        return access, bool(self.word & U)

    @property
    def writable(self) -> bool:
        """Return whether W is set."""
        return bool(self.word & W)


class Table(NamedTuple):
    """A page with a table: its bytes, its mappings by virtual address, and the tables below it by address."""

    data: bytes
    va: int
    shift: int
    leaves: dict[int, Leaf]
    below: list[tuple[int, int]]
    refused: dict[int, int]
    """The valid descriptors with a reserved bit, by virtual address: the hardware refuses each access."""


@dataclass
class Space:
    """The tables of one process: their mappings by virtual address, and the pages that contain them."""

    root: int
    leaves: dict[int, Leaf] = field(default_factory=dict)
    pages: dict[int, Table] = field(default_factory=dict)
    dangling: set[int] = field(default_factory=set)
    """Free pages that a table refers to as tables."""
    refused: tuple[int, int] | None = None
    """A valid descriptor with a reserved bit, if there is one: its virtual address, and its word."""

    @property
    def tables(self) -> set[int]:
        """The pages that hold tables."""
        return set(self.pages)


class Change(NamedTuple):
    """A descriptor that was written: its old and its new value."""

    root: int
    va: int
    was: Leaf | None
    now: Leaf | None


class Spaces:
    """The tables of all known processes, by root, with the references to each frame and the owner of each table."""

    def __init__(self) -> None:
        self.known: dict[int, Space] = {}
        self._leading: dict[int, set[tuple[int, int]]] = {}
        self._having: dict[int, set[int]] = {}

    def leading(self, frame: int) -> Set[tuple[int, int]]:
        """Return the descriptors that refer to a frame: root and virtual address of each."""
        return self._leading.get(frame, _NO_DESCRIPTORS)

    def having(self, page: int) -> Set[int]:
        """Return the roots whose tables are in a page."""
        return self._having.get(page, _NO_ROOTS)

    def read(self, gdb: Gdb, root: int, free: Container[int]) -> tuple[list[Change], set[int]]:
        """Read the tables of a root; returns the changed descriptors, and the pages that no longer contain its tables.

        If only the hardware has set A or D, nothing has changed.
        """
        space = self.known.setdefault(root, Space(root))
        pages, space.dangling = _tables(gdb, root, space.pages, free)
        changes: dict[int, Change] = {}
        gone = space.pages.keys() - pages.keys()
        for pa in gone:
            self._having[pa].discard(root)
            _compare(root, space.pages[pa], None, changes)
        for pa, table in pages.items():
            before = space.pages.get(pa)
            if before is table:
                continue
            self._having.setdefault(pa, set()).add(root)
            _compare(root, before, table, changes)
        space.pages = pages
        space.refused = next((one for table in pages.values() for one in table.refused.items()), None)
        for va, (_, _, was, now) in changes.items():
            if was is not None:
                self._drop(root, va, was)
                if now is None:
                    space.leaves.pop(va, None)
            if now is not None:
                space.leaves[va] = now
                self._add(root, va, now)
        return [one for one in changes.values() if not _by_hardware(one)], gone

    def forget(self, root: int) -> tuple[list[Change], set[int]]:
        """Forget the tables of a root; return their mappings, and their pages."""
        space = self.known.pop(root, None)
        if space is None:
            return [], set()
        for va, leaf in space.leaves.items():
            self._drop(root, va, leaf)
        for pa in space.pages:
            self._having[pa].discard(root)
        return [Change(root, va, leaf, None) for va, leaf in space.leaves.items()], set(space.pages)

    def _add(self, root: int, va: int, leaf: Leaf) -> None:
        for frame in leaf.frames:
            if frame in self._leading:
                self._leading[frame].add((root, va))
            else:
                self._leading[frame] = {(root, va)}

    def _drop(self, root: int, va: int, leaf: Leaf) -> None:
        for frame in leaf.frames:
            if frame in self._leading:
                self._leading[frame].discard((root, va))


_NO_DESCRIPTORS: frozenset[tuple[int, int]] = frozenset()
_NO_ROOTS: frozenset[int] = frozenset()


def _by_hardware(change: Change) -> bool:
    was, now = change.was, change.now
    return was is not None and now is not None and was.size == now.size and not (was.word ^ now.word) & ~(A | D)


def _compare(root: int, before: Table | None, table: Table | None, changes: dict[int, Change]) -> None:
    """Note which descriptors differ, and which descriptors have replaced others at the same address."""
    old = before.leaves if before is not None else {}
    new = table.leaves if table is not None else {}
    if before is not None and table is not None and (before.va, before.shift) == (table.va, table.shift):
        pairs = zip(unpack(_WORDS, before.data), unpack(_WORDS, table.data), strict=True)
        places = [table.va + (number << table.shift) for number, (was, now) in enumerate(pairs) if was != now]
        differing: Iterable[int] = [va for va in places if va in old or va in new]
    else:
        differing = {**old, **new}
    for va in differing:
        one, other = Change(root, va, old.get(va), new.get(va)), changes.get(va)
        if other is None:
            changes[va] = one
        else:
            changes[va] = Change(root, va, other.was or one.was, other.now or one.now)


def read_space(gdb: Gdb, root: int, known: Space | None = None) -> Space:
    """Return the tables of a root, read level by level; unchanged tables in `known` are not decoded again."""
    pages, _ = _tables(gdb, root, known.pages if known is not None else {}, ())
    return Space(root, {va: leaf for table in pages.values() for va, leaf in table.leaves.items()}, pages)


def _tables(gdb: Gdb, root: int, known: dict[int, Table], free: Container[int]) -> tuple[dict[int, Table], set[int]]:
    """Return the tables of a root by page, and the free pages that it refers to.

    An unchanged table is the object in `known`.

    Each level is one batch of reads.
    """
    found: dict[int, Table] = {}
    dangling: set[int] = set()
    level = [(root, 0)]
    for shift in (30, 21, 12):
        dangling.update(pa for pa, _ in level if pa in free)
        level = [(pa, va) for pa, va in level if pa not in found and pa not in free]
        below: list[tuple[int, int]] = []
        for (pa, va), data in zip(level, gdb.read((pa, PAGE) for pa, _ in level), strict=True):
            if pa in found or data is None:  # it is referred to twice, or there is no memory
                continue
            before = known.get(pa)
            if before is not None and before.va == va and before.shift == shift and before.data == data:
                table = before
            else:
                table = _table(data, va, shift, before)
            found[pa] = table
            below += table.below
        level = below
    return found, dangling


def _table(data: bytes, va: int, shift: int, before: Table | None) -> Table:
    """Return a page as a table; the unchanged descriptors of its earlier state, `before`, are kept."""
    words = unpack(_WORDS, data)
    numbered: Iterable[tuple[int, int]] = enumerate(words)
    leaves: dict[int, Leaf] = {}
    refused: dict[int, int] = {}
    if before is not None and (before.va, before.shift) == (va, shift):
        leaves, refused = dict(before.leaves), dict(before.refused)
        old = unpack(_WORDS, before.data)
        numbered = [(number, word) for number, word in enumerate(words) if word != old[number]]
    size = 1 << shift
    for number, word in numbered:
        if word & V and word & _LEAF and not word >> _RESERVED:
            leaves[va + (number << shift)] = Leaf(word, size)
        elif leaves:
            leaves.pop(va + (number << shift), None)
        if word & V and _has_reserved(word, shift):
            refused[va + (number << shift)] = word
        elif refused:
            refused.pop(va + (number << shift), None)
    below = [
        ((word >> 10 & _ADDRESS) << 12, va + (number << shift))
        for number, word in enumerate(words if shift > 12 else ())
        if word & V and not word & _LEAF and not word >> _RESERVED
    ]
    return Table(data, va, shift, leaves, below, refused)


def _has_reserved(word: int, shift: int) -> bool:
    """Return whether a valid descriptor is one that the hardware refuses (RISC-V Privileged, 4.3.1, 4.4.1).

    Bits 54 to 63 are reserved, W without R too, and A, D and U of a descriptor that leads to a table.
    """
    leads_on = shift > 12 and not word & _LEAF
    return bool(word >> _RESERVED or word & (R | W) == W or (leads_on and word & (A | D | U)))
