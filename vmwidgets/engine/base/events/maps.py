"""Events of maps: the entry list, its red-black tree, the caches and the free search."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..values.maps import EntryFields
from ..values.past import ABSENT, Row
from .event import Event

# ---- the red-black tree (`tree` is its name: that of the map it belongs to) ---------------------

Write = tuple[int, str, int, int]
"""A link that was written: node id (0 the tree itself), side ("left", "right", "root"), before, after."""


def _links(tree: str, writes: Iterable[Write]) -> Iterator[Row]:
    return ((side, tree, node, before, after) for node, side, before, after in writes)


class TreeCompared(Event):
    """On the way down, `key` was compared with `node`: go "left", "right", or it is "here"."""

    tree: str
    node: int
    key: int
    outcome: str


class TreeLinked(Event):
    """A red leaf was hung below `parent` (0: it became the root)."""

    tree: str
    node: int
    parent: int
    side: str

    def writes(self) -> Iterable[Row]:
        yield "node", self.tree, self.node, ABSENT, True
        yield self.side, self.tree, self.parent, 0, self.node


class TreeRecoloured(Event):
    """A node changed colour; `why` is the case of the fix-up."""

    tree: str
    node: int
    red: bool
    why: str

    def writes(self) -> Iterable[Row]:
        yield "red", self.tree, self.node, not self.red, self.red


class TreeRotated(Event):
    """`node` was rotated down to `side`, and its other child `raised` up into its place."""

    tree: str
    node: int
    side: str
    raised: int
    links: tuple[Write, ...]

    def writes(self) -> Iterable[Row]:
        return _links(self.tree, self.links)


class TreeUnlinked(Event):
    """`node` left the tree; with two children its `successor` took its place and colour."""

    tree: str
    node: int
    successor: int
    links: tuple[Write, ...]
    red: bool
    successor_red: bool

    def writes(self) -> Iterable[Row]:
        yield "node", self.tree, self.node, True, ABSENT
        yield "red", self.tree, self.node, self.red, ABSENT
        if self.successor:
            yield "red", self.tree, self.successor, self.successor_red, self.red
        yield from _links(self.tree, self.links)


# ---- map entries -----------------------------------------------------------------------------


class _EntryPlace(Event):
    """An entry, and its neighbours in the list of `map` (0: the header)."""

    map: str
    entry: EntryFields
    previous: int
    next: int


class EntryLinked(_EntryPlace):
    """An entry was put into the list of `map` between `previous` and `next` (0: the header)."""

    def writes(self) -> Iterable[Row]:
        identity = self.entry[0]
        yield "entry", self.map, identity, ABSENT, self.entry
        yield "after", self.map, self.previous, self.next, identity
        yield "after", self.map, identity, ABSENT, self.next


class EntryUnlinked(_EntryPlace):
    """An entry was taken out of the list of `map` from between `previous` and `next`."""

    def writes(self) -> Iterable[Row]:
        identity = self.entry[0]
        yield "entry", self.map, identity, self.entry, ABSENT
        yield "after", self.map, self.previous, identity, self.next
        yield "after", self.map, identity, self.next, ABSENT


class _EntryChange(Event):
    """An entry of `map` before and after a change."""

    map: str
    before: EntryFields
    after: EntryFields
    why: str

    def writes(self) -> Iterable[Row]:
        yield "entry", self.map, self.before[0], self.before, self.after


class EntryResized(_EntryChange):
    """An entry changed its range while out of the list: clipped or merged."""


class EntryChanged(_EntryChange):
    """An entry kept its range and changed otherwise: what it allows, its object, whose range it is."""


class MergeTried(Event):
    """The request met a neighbour (`side` "previous", "next" or "both"): merged, or why not."""

    map: str
    neighbour: int
    side: str
    merged: bool
    why: str


# ---- the map ---------------------------------------------------------------------------------


class LookupCacheHit(Event):
    """The entry found last time holds the address again: no search."""

    map: str
    entry: int


class LookupCacheMoved(Event):
    """The map remembers another entry (0: none)."""

    map: str
    before: int
    after: int

    def writes(self) -> Iterable[Row]:
        yield "lookup cache", self.map, 0, self.before, self.after


class FindCacheMoved(Event):
    """Where the next free search begins, and the size from which it may begin there."""

    map: str
    before: int
    after: int
    threshold_before: int
    threshold_after: int

    def writes(self) -> Iterable[Row]:
        before, after = (self.before, self.threshold_before), (self.after, self.threshold_after)
        yield "find cache", self.map, 0, before, after


class HintTried(Event):
    """A free search tried the caller's hint first."""

    map: str
    hint: int
    taken: bool
    why: str


class GapTried(Event):
    """A free search looked at a gap of `space` bytes at `position`; `why` is the verdict where size is not all."""

    map: str
    position: int
    space: int
    taken: bool
    why: str = ""


class SearchRestarted(Event):
    """A free search that had begun at the find cache begins again at the map's start."""

    map: str
    position: int


class MapResized(Event):
    """The sum of the entries' lengths changed (bytes)."""

    map: str
    before: int
    after: int

    def writes(self) -> Iterable[Row]:
        yield "size", self.map, 0, self.before, self.after


class KernelLimitMoved(Event):
    """The page tables of kernel space were grown up to `after`."""

    before: int
    after: int

    def writes(self) -> Iterable[Row]:
        yield "klimit", "", 0, self.before, self.after


class RangeRemoved(Event):
    """A removal is done: so many `entries` were removed, `cuts` of them were cut off others, `size` bytes in all."""

    map: str
    entries: int
    cuts: int
    size: int
