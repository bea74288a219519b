"""Entries of a FreeBSD map (April 2008): the tree that stores the largest gap below each node, and the entries' pages.

Each node of the tree stores the largest gap after any entry in its subtree, so the lowest gap that is large enough is
found in O(log n) (FreeBSD's `vm_map_findspace` with its `max_free`). The gap of an entry is the free space after it;
the gap before the first entry belongs to no entry, and the map itself examines it.  :class:`MapServices` maps, wires,
unwires and frees the pages of an entry.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from ...base.errors import Broken
from ...base.frozen import frozen
from ...base.protection import ALL, INHERITANCE, pack_flags, protection_of
from ...base.rbtree import Node, RedBlackTree
from ...base.recorder import Recorder
from ...base.units import PAGE, PAGE_SHIFT, binary_size
from ..map.core import Entry, EntrySource, MapCore
from ..map.map_schema import EntryFields
from ..map.vm_object import FreeBSDObject
from ..threads.waits import Running
from .kmem_schema import GapCompared, TranslationEntered, TranslationsRemoved
from .vm_page import KernelPage, PageQueues

NOFAULT = 0x100000
"""A flag of an entry: a fault in its range is a panic (MAP_ENTRY_NOFAULT)."""

KERNEL_FLAGS = pack_flags(ALL, ALL, INHERITANCE["none"], 0)
"""Kernel memory may be read, written and executed; no process inherits it."""


class KernelEntry(Entry):
    """`flags` is the packed word, with NOFAULT and SUB_MAP; `max_gap` is kept by the tree.

    `submap` is the map to which the range was given, or None.
    """

    __slots__ = ("max_gap", "submap")

    prev: KernelEntry | None
    next: KernelEntry | None
    left: KernelEntry | None
    right: KernelEntry | None
    object: FreeBSDObject | None

    def __init__(self, identity: int, address: int = 0, static: bool = False) -> None:
        Entry.__init__(self, identity, address, static)
        self.max_gap = 0
        self.submap: MapCore[Any] | None = None

    def fields(self) -> EntryFields:
        """Return an entry's fields for events; a submap appears as "submap:NAME"."""
        known = Entry.fields(self)
        return known if self.submap is None else (*known[:3], f"submap:{self.submap.name}", *known[4:])

    def copy_range_from(self, other: Entry) -> None:
        """Copy everything from another entry except its place in list and tree, and its own address."""
        Entry.copy_range_from(self, other)
        assert isinstance(other, KernelEntry), "both are of one map"
        self.submap = other.submap

    @property
    def first_page(self) -> int:
        """The number of its first page in the object."""
        return self.offset >> PAGE_SHIFT

    @property
    def pages(self) -> int:
        """Return the number of pages in its range."""
        return (self.end - self.start) >> PAGE_SHIFT

    @property
    def last_page(self) -> int:
        """The number of the page after its last one in the object."""
        return self.first_page + self.pages

    def may_merge_range(self, start: int, flags: int) -> bool:
        """Return whether the entry may be extended over a range at `start` with these flags and no object."""
        if self.end != start or self.flags != flags or self.wired_count != 0:
            return False
        return self.object is None or self.object.can_grow_behind(self.last_page)


class GapTree(RedBlackTree[KernelEntry]):
    """The entries of a map that ends at `end`; an entry is inserted here once it is in the map's list."""

    __slots__ = ("_end",)

    def __init__(self, recorder: Recorder, name: str, end: int) -> None:
        super().__init__(recorder, name)
        self._end = end

    # ---- finding -----------------------------------------------------------------------------

    def first_gap(self, length: int) -> KernelEntry | None:
        """Return the lowest entry with `length` free bytes after it, or None. O(log n)."""
        return None if self.root is None or self.root.max_gap < length else self._first_below(self.root, length)

    def first_gap_from(self, entry: KernelEntry, length: int) -> KernelEntry | None:
        """Return the lowest entry from `entry` on with `length` free bytes after it, or None. O(log n)."""
        node: KernelEntry | None = entry
        came_from: KernelEntry | None = None
        while node is not None:
            if came_from is None or came_from is node.left:
                if self.gap_behind(node) >= length:
                    self._report(node, length, "here")
                    return node
                if node.right is not None and node.right.max_gap >= length:
                    self._report(node, length, "right")
                    return self._first_below(node.right, length)
            came_from, node = node, node.parent  # type: ignore[assignment]  # parents are entries
        return None

    def _first_below(self, node: KernelEntry, length: int) -> KernelEntry:
        """Return the lowest entry with this much room after it, in a subtree that has one."""
        while True:
            left, right = node.left, node.right
            if left is not None and left.max_gap >= length:
                outcome, following = "left", left
            elif self.gap_behind(node) >= length:
                outcome, following = "here", node
            else:
                assert right is not None, "the gap must be somewhere below"
                outcome, following = "right", right
            self._report(node, length, outcome)
            if following is node:
                return node
            node = following

    def _report(self, node: KernelEntry, length: int, outcome: str) -> None:
        emit = self._recorder.emit
        if emit is not None:
            emit((GapCompared.tag, self._name, node.id, length, node.max_gap, outcome))

    def gap_behind(self, entry: KernelEntry) -> int:
        """Return the number of free bytes between `entry` and the next one, or the map's end."""
        following = entry.next
        return (self._end if following is None else following.start) - entry.end

    # ---- keeping the largest gaps ------------------------------------------------------------

    def insert(self, node: KernelEntry, key: int, duplicates: bool = False) -> None:
        """Insert `node`; the gap before it becomes smaller."""
        super().insert(node, key, duplicates)
        self.refresh(node)
        if node.prev is not None:
            self.refresh(node.prev)

    def refresh(self, entry: Node | None) -> None:
        """Recompute the largest gaps from `entry` up to the root."""
        while entry is not None:
            self._work_out(entry)  # type: ignore[arg-type]  # all nodes are such entries
            entry = entry.parent

    def _work_out(self, entry: KernelEntry) -> None:
        left, right, following = entry.left, entry.right, entry.next
        largest = (self._end if following is None else following.start) - entry.end
        if left is not None and left.max_gap > largest:
            largest = left.max_gap
        if right is not None and right.max_gap > largest:
            largest = right.max_gap
        entry.max_gap = largest

    def _discount(self, node: Node | None) -> None:
        super()._discount(node)
        self.refresh(node)

    def _rotate(self, node: Node, side: str) -> None:
        raised = node.right if side == "left" else node.left
        super()._rotate(node, side)
        assert isinstance(node, KernelEntry) and isinstance(raised, KernelEntry)
        self._work_out(node)
        self._work_out(raised)

    def check(self) -> None:
        """Check the tree's invariants, and 6: each entry stores the largest gap in its subtree."""
        super().check()
        for entry in self:
            known = entry.max_gap
            self._work_out(entry)
            if entry.max_gap != known:
                sizes = f"a largest gap of {binary_size(known)}, it is {binary_size(entry.max_gap)}"
                raise Broken(f"rule 6 of the tree: entry {entry.id} knows {sizes}")


# ---- pages behind entries ----------------------------------------------------------------------


class KernelTables(Protocol):
    """The page tables of kernel space, which all kernel maps share: a machine's, or a replay's."""

    @property
    def large(self) -> bool:
        """Return whether large pages were ever mapped: then a cut may need a table."""

    def enter(self, va: int, frames: Sequence[int], wired: bool, protection: int) -> None:
        """Map the pages from `va` on to `frames`; they are at least readable, since no hardware allows less."""

    def remove(self, start: int, end: int) -> None:
        """Remove all translations in [start, end)."""

    def translated(self, start: int, end: int) -> list[int]:
        """Return the frames to which pages of [start, end) are mapped."""

    def protect(self, start: int, end: int, protection: int) -> None:
        """Change the permissions of the pages that are mapped in [start, end)."""

    def prepared(self, cuts: Iterable[int]) -> AbstractContextManager[None]:
        """Reserve the tables for cutting large pages at `cuts`: NOMEM is raised now, and nothing fails inside."""


@frozen
class MapServices:
    """The things that kernel maps share: page tables, pages, entries, new anonymous objects, and the running thread.

    The methods do with them what an entry needs.
    """

    recorder: Recorder
    running: Running
    pmap: KernelTables
    pages: PageQueues
    entries: EntrySource[KernelEntry]
    new_object: Callable[[int], FreeBSDObject]

    def map_pages(self, start: int, frames: Sequence[int], entry: KernelEntry, *, wired: bool) -> None:
        """Map frames from `start` on for the kernel with the protection of `entry` (`pmap_enter` for each)."""
        self.pmap.enter(start, frames, wired, protection_of(entry.flags))
        emit = self.recorder.emit
        if emit is not None:
            for va, frame in zip(range(start, start + len(frames) * PAGE, PAGE), frames, strict=True):
                emit((TranslationEntered.tag, va, frame, wired))

    def unmap(self, entry: KernelEntry) -> None:
        """Unmap the pages of `entry`."""
        self.pmap.remove(entry.start, entry.end)
        emit = self.recorder.emit
        if emit is not None:
            emit((TranslationsRemoved.tag, entry.start, entry.end))

    def reprotect(self, entry: KernelEntry) -> None:
        """Give the mapped pages of `entry` the permissions that it allows now.

        If it allows none, only wired pages stay mapped: a deletion finds them by their translations.
        """
        protection = protection_of(entry.flags)
        if protection or entry.wired_count:
            self.pmap.protect(entry.start, entry.end, protection)
        else:
            self.unmap(entry)

    def is_coming(self, entry: KernelEntry) -> bool:
        """Return whether a sleeping kmem function is still allocating the pages of `entry`: some are absent or busy.

        O(pages).
        """
        target = entry.object
        if target is None or not target.permanent or entry.wired_count:
            return False
        found = (self.pages.find(target, pindex) for pindex in range(entry.first_page, entry.last_page))
        return any(page is None or page.held for page in found)

    def wire_pages(self, entry: KernelEntry) -> None:
        """Wire each page of `entry` that its object has, and map it with the entry's protection."""
        for va, page in self._pages_of(entry):
            self.pages.wire(page)
            page.held = 0
            self.map_pages(va, [page.frame], entry, wired=True)

    def unwire_pages(self, entry: KernelEntry) -> None:
        """Unwire each page of `entry` that its object has, if it is wired."""
        for _, page in self._pages_of(entry):
            if page.wired:
                self.pages.unwire(page)

    def unwire_mapped(self, entry: KernelEntry) -> None:
        """Unwire the pages of `entry` that are in the page tables; all others stay wired."""
        for frame in self.pmap.translated(entry.start, entry.end):
            self.pages.unwire(self.pages.in_use[frame])

    def free_pages(self, entry: KernelEntry, target: FreeBSDObject) -> None:
        """Free the range's unwired pages of a deleted entry's object that others still use, and shorten the object.

        The pages of an object that ends with the entry are freed with it.
        """
        if target.references == 1:
            return
        for _, page in self._pages_of(entry):
            if page.wired == 0:
                self.pages.free(page)
        if entry.first_page < target.size <= entry.last_page:
            target.size = entry.first_page

    def _pages_of(self, entry: KernelEntry) -> Iterator[tuple[int, KernelPage]]:
        """Yield each page of `entry` that its object has, with its address, in ascending order."""
        target, first = entry.object, entry.first_page
        for pindex in target.pages_between(first, entry.last_page) if target is not None else ():
            if target is not None:
                yield entry.start + (pindex - first << PAGE_SHIFT), self.pages.in_use[target.pages[pindex]]
