"""What the page tables of processes hold, as they were read last, and which descriptors lead to a frame."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
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
_INDEX = 511


class Leaf(NamedTuple):
    """A descriptor that maps a page: its word, and the bytes that it maps."""

    word: int
    size: int

    @property
    def frame(self) -> int:
        """The physical address of the page."""
        return (self.word >> 10 & _ADDRESS) << 12

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


@dataclass
class Space:
    """The tables of one process: what each maps by virtual address, and the pages that hold tables."""

    root: int
    leaves: dict[int, Leaf] = field(default_factory=dict)
    tables: set[int] = field(default_factory=set)
    has_superpages: bool = False


class Spaces:
    """The tables of all processes that were met, by root, with who leads to a frame."""

    def __init__(self) -> None:
        self.known: dict[int, Space] = {}
        self._leading: dict[int, set[tuple[int, int]]] = {}

    def leading(self, frame: int) -> frozenset[tuple[int, int]]:
        """The descriptors that lead to a frame: root and virtual address of each."""
        return frozenset(self._leading.get(frame, ()))

    def read_all(self, gdb: Gdb, root: int) -> Space:
        """Read the tables of a root.  A batch of packets a level."""
        space = read_space(gdb, root)
        self.forget(root)
        self.known[root] = space
        for va, leaf in space.leaves.items():
            self._add(root, va, leaf)
        return space

    def read_some(self, gdb: Gdb, root: int, pages: Iterable[int]) -> Space:
        """Read some descriptors of a root that was read before; other ones stay as they were known."""
        space = self.known[root]
        for va, leaf in _some(gdb, root, pages):
            before = space.leaves.pop(va, None)
            if before is not None:
                self._drop(root, va, before)
            if leaf is not None:
                space.leaves[va] = leaf
                self._add(root, va, leaf)
        return space

    def forget(self, root: int) -> None:
        """The tables of a root were given up."""
        space = self.known.pop(root, None)
        for va, leaf in space.leaves.items() if space is not None else ():
            self._drop(root, va, leaf)

    def _add(self, root: int, va: int, leaf: Leaf) -> None:
        for frame in range(leaf.frame, leaf.frame + leaf.size, PAGE):
            self._leading.setdefault(frame, set()).add((root, va))

    def _drop(self, root: int, va: int, leaf: Leaf) -> None:
        for frame in range(leaf.frame, leaf.frame + leaf.size, PAGE):
            self._leading.get(frame, set()).discard((root, va))


def read_space(gdb: Gdb, root: int) -> Space:
    """The tables of a root, read level by level."""
    space = Space(root)
    level = [(root, 0)]
    for shift in (30, 21, 12):
        following = []
        level = [(pa, va) for pa, va in level if pa not in space.tables]
        pages = gdb.read((pa, PAGE) for pa, _ in level)
        for (pa, va), data in zip(level, pages, strict=True):
            space.tables.add(pa)
            for number, word in enumerate(unpack(_WORDS, data) if data is not None else ()):
                if not word & V:
                    continue
                at = va + (number << shift)
                if word & _LEAF:
                    space.leaves[at] = Leaf(word, 1 << shift)
                    space.has_superpages |= shift > 12
                elif shift > 12:
                    following.append(((word >> 10 & _ADDRESS) << 12, at))
        level = following
    return space


def _some(gdb: Gdb, root: int, pages: Iterable[int]) -> Iterator[tuple[int, Leaf | None]]:
    """What single pages' descriptors are now: the walks of all of them, level by level."""
    walks = dict.fromkeys(pages, root)
    for shift in (30, 21, 12):
        places = [table + (va >> shift & _INDEX) * 8 for va, table in walks.items()]
        words = dict(zip(walks, gdb.words(places), strict=True))
        going_on = {}
        for va, word in words.items():
            if not word & V:
                yield va, None
            elif word & _LEAF:
                yield va & -(1 << shift), Leaf(word, 1 << shift)
            elif shift > 12:
                going_on[va] = (word >> 10 & _ADDRESS) << 12
            else:
                yield va, None
        walks = going_on
