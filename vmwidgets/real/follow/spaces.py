"""What the page tables of processes hold, as they were read last, and which descriptors lead to a frame."""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from struct import unpack
from typing import NamedTuple

from ...engine.base.units import PAGE
from ...engine.mmu.formats.riscv import R, U, V, W, X
from ...engine.mmu.rules import Access
from ..gdb import Gdb

_LEAF = R | W | X
_ADDRESS = (1 << 44) - 1
_WORDS = f"<{PAGE // 8}Q"
_MOST = 512 * PAGE


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
        """The physical addresses of its frames; of a page of 1 GiB, which no solution has, the first ones.

        A page that was freed and is no table any more looks like 512 of those.
        """
        return range(self.frame, self.frame + min(self.size, _MOST), PAGE)

    @property
    def rights(self) -> str:
        """Read, write, execute and user as four letters: "rw-u"."""
        return "".join(letter if self.word & bit else "-" for letter, bit in zip("rwxu", (R, W, X, U), strict=True))

    @property
    def lets(self) -> tuple[Access, bool]:
        """An access that the descriptor allows, and whether user code may make it: the walk to it ends well."""
        access: Access = "write" if self.word & W else "read" if self.word & R else "execute"
        return access, bool(self.word & U)

    @property
    def writable(self) -> bool:
        """Whether W is set."""
        return bool(self.word & W)


class Table(NamedTuple):
    """A page with a table: its bytes, what it maps by virtual address, and the tables below with their addresses."""

    data: bytes
    va: int
    shift: int
    leaves: dict[int, Leaf]
    below: list[tuple[int, int]]


@dataclass
class Space:
    """The tables of one process: what each maps by virtual address, and the pages that hold tables."""

    root: int
    leaves: dict[int, Leaf] = field(default_factory=dict)
    pages: dict[int, Table] = field(default_factory=dict)
    dangling: set[int] = field(default_factory=set)
    """Free pages to which a table leads as if they held tables."""

    @property
    def tables(self) -> set[int]:
        """The pages that hold tables."""
        return set(self.pages)


class Change(NamedTuple):
    """A descriptor that was written: what it was, and what it is."""

    root: int
    va: int
    was: Leaf | None
    now: Leaf | None


class Spaces:
    """The tables of all processes that were met, by root, with who leads to a frame and who has a table."""

    def __init__(self) -> None:
        self.known: dict[int, Space] = {}
        self._leading: dict[int, set[tuple[int, int]]] = {}
        self._having: dict[int, set[int]] = {}

    def leading(self, frame: int) -> frozenset[tuple[int, int]]:
        """The descriptors that lead to a frame: root and virtual address of each."""
        return frozenset(self._leading.get(frame, ()))

    def having(self, page: int) -> frozenset[int]:
        """The roots whose tables lie in a page."""
        return frozenset(self._having.get(page, ()))

    def read(self, gdb: Gdb, root: int, free: Container[int]) -> tuple[list[Change], set[int]]:
        """Read the tables of a root: the descriptors that changed, and the pages that no longer hold tables of it."""
        space = self.known.setdefault(root, Space(root))
        pages, space.dangling = _tables(gdb, root, space.pages, free)
        changes: list[Change] = []
        for pa, table in pages.items():
            before = space.pages.get(pa)
            if before is table:
                continue
            old = before.leaves if before is not None else {}
            changes += _differences(root, old, table.leaves)
            self._having.setdefault(pa, set()).add(root)
        gone = space.pages.keys() - pages.keys()
        for pa in gone:
            self._having[pa].discard(root)
            changes += _differences(root, space.pages[pa].leaves, {})
        space.pages = pages
        joined: dict[int, Change] = {}
        for one in changes:  # a table that was replaced: one change an address
            other = joined.get(one.va)
            if other is None:
                joined[one.va] = one
            else:
                joined[one.va] = Change(root, one.va, other.was or one.was, other.now or one.now)
        for one in joined.values():
            if one.was is not None:
                self._drop(root, one.va, one.was)
                space.leaves.pop(one.va, None)
        for one in joined.values():
            if one.now is not None:
                space.leaves[one.va] = one.now
                self._add(root, one.va, one.now)
        return list(joined.values()), set(gone)

    def forget(self, root: int) -> tuple[list[Change], set[int]]:
        """The tables of a root were given up: what they mapped, and the pages that they were in."""
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
            self._leading.setdefault(frame, set()).add((root, va))

    def _drop(self, root: int, va: int, leaf: Leaf) -> None:
        for frame in leaf.frames:
            self._leading.get(frame, set()).discard((root, va))


def _differences(root: int, old: dict[int, Leaf], new: dict[int, Leaf]) -> Iterator[Change]:
    for va, leaf in old.items():
        if new.get(va) != leaf:
            yield Change(root, va, leaf, new.get(va))
    for va, leaf in new.items():
        if va not in old:
            yield Change(root, va, None, leaf)


def read_space(gdb: Gdb, root: int) -> Space:
    """The tables of a root, read level by level."""
    pages, _ = _tables(gdb, root, {}, ())
    return Space(root, {va: leaf for table in pages.values() for va, leaf in table.leaves.items()}, pages)


def _tables(gdb: Gdb, root: int, known: dict[int, Table], free: Container[int]) -> tuple[dict[int, Table], set[int]]:
    """The tables of a root by page, and free pages that it leads to.  A table that has not changed is the known one.

    A batch of reads a level.
    """
    found: dict[int, Table] = {}
    dangling: set[int] = set()
    level = [(root, 0)]
    for shift in (30, 21, 12):
        dangling.update(pa for pa, _ in level if pa in free)
        level = [(pa, va) for pa, va in level if pa not in found and pa not in free]
        below: list[tuple[int, int]] = []
        for (pa, va), data in zip(level, gdb.read((pa, PAGE) for pa, _ in level), strict=True):
            if pa in found or data is None:  # twice in one table, or no memory is there
                continue
            before = known.get(pa)
            if before is not None and before.va == va and before.shift == shift and before.data == data:
                table = before
            else:
                table = _table(data, va, shift)
            found[pa] = table
            below += table.below
        level = below
    return found, dangling


def _table(data: bytes, va: int, shift: int) -> Table:
    leaves: dict[int, Leaf] = {}
    below = []
    for number, word in enumerate(unpack(_WORDS, data)):
        if not word & V:
            continue
        if word & _LEAF:
            leaves[va + (number << shift)] = Leaf(word, 1 << shift)
        elif shift > 12:
            below.append(((word >> 10 & _ADDRESS) << 12, va + (number << shift)))
    return Table(data, va, shift, leaves, below)
