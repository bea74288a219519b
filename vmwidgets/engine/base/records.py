"""Several events in one record: what always comes together is reported as one flat tuple, which costs a third.

A record is an event's tag and its fields, or one of the tags here.  Who reads what was reported reads it
:func:`unpacked`, and sees the events.  A record holds numbers and texts that are there already, and as few tuples as
may be: the events of a thousand operations are kept, and each tuple of them is made, found again in memory that no
cache holds any more, and freed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from .events import (
    Called,
    EntryLinked,
    EntryUnlinked,
    LookupCacheHit,
    LookupCacheMoved,
    MergeTried,
    Returned,
    TlbUpdated,
    TreeCompared,
    TreeLinked,
    TreeUnlinked,
)

Raw = tuple[Any, ...]
"""An event before anyone looked at it: its tag, then its fields; or a record of several."""

RETURNED: Raw = (Returned.tag, None)
"""A kernel function that gives nothing back is done."""

DONE: Raw = (Returned.tag,)
"""The same of the tree's own functions."""

# ---- on the way down a tree ---------------------------------------------------------------------

Path = tuple["int | None", ...]
"""The ids of the nodes on a way down; None follows where it turned left."""

LOOKED_UP, DESCENDED = "TreeLookedUp", "TreeDescended"
"""A lookup in a tree, or the way down of an insertion, is one record, to cost little: :func:`expanded` makes events.

Fields: the tree, the way, the key; and of a lookup, whether the key falls on the last node, and the id of what was
found.
"""


def comparisons(record: Raw) -> int:
    """How many nodes a record of a way down compares.

    >>> comparisons((LOOKED_UP, "map", (4, 6, None, 5), 4096, True, 5))
    3
    """
    way: Path = record[2]
    return len(way) - way.count(None)


def expanded(raw: Iterable[Raw]) -> Iterator[Raw]:
    """What was reported, with an event for each comparison.

    >>> for one in expanded([(LOOKED_UP, "map", (4, 6, None, 5), 4096, True, 5)]):
    ...     print(one)
    ('Called', 'rbtree_lookup_nearest', (4096,))
    ('TreeCompared', 'map', 4, 4096, 'right')
    ('TreeCompared', 'map', 6, 4096, 'left')
    ('TreeCompared', 'map', 5, 4096, 'here')
    ('Returned', 5)
    """
    for one in unpacked(raw):
        if one[0] not in (LOOKED_UP, DESCENDED):
            yield one
            continue
        function, tree, path, key, *found = one
        yield Called.tag, "rbtree_insert" if function == DESCENDED else "rbtree_lookup_nearest", (key,)
        last = len(path) - 1 if found and found[0] else -1
        for place, node in enumerate(path):
            if node is not None:
                left = place + 1 < len(path) and path[place + 1] is None
                yield TreeCompared.tag, tree, node, key, "here" if place == last else "left" if left else "right"
        if found:
            yield Returned.tag, found[1]


# ---- records ------------------------------------------------------------------------------------

BEGAN = "Began"
"""A kernel function began: its name, then its arguments."""

MAP_LOOKED_UP = "MapLookedUp"
"""`vm_map_lookup_nearest`: map, address, path, whether the last node holds it, what was found, the lookup cache."""

MAP_CACHE_HIT = "MapCacheHit"
"""The same where the lookup cache had the entry: map, address, entry."""

NO_MERGE = "NoMerge"
"""A request that may not merge: map, and the ids of the neighbours that it touches (0: none)."""

ENTRY_LINKED = "MapLinked"
"""`vm_map_link` began, and the entry is in the list: map, the neighbours' ids, the entry's fields."""

TREE_LINKED = "TreeDescendedAndLinked"
"""The way down of an insertion, and the link of the new leaf: tree, path, key, node, parent, side."""

UNLINKING = "MapUnlinking"
"""`vm_map_unlink` began: map, entry, and whether the lookup cache forgot it."""

LEAF_UNLINKED = "TreeLeafUnlinked"
"""`rbtree_remove` began, and took a node out that had one child at most.

Fields: tree, node, whether it was red, its parent, on what side of it, its child, and whether that was a left one.
"""

ENTRY_UNLINKED = "MapUnlinked"
"""The entry is out of the list, and `vm_map_unlink` is done: map, the neighbours' ids, the entry's fields."""

NEVER_MAPPED = "PmapNeverMapped"
"""`pmap_remove` for a range in which nothing was ever mapped, and the flush: start, end, pages."""


def _began(called: str, *arguments: Any) -> Iterable[Raw]:
    return ((Called.tag, called, arguments),)


def _map_looked_up(name: str, address: int, path: Path, hit: bool, found: int, cached: int) -> Iterator[Raw]:
    yield Called.tag, _LOOKUP, (address,)
    yield LOOKED_UP, name, path, address, hit, found
    if found and found != cached:
        yield LookupCacheMoved.tag, name, cached, found
    yield Returned.tag, found or None


def _map_cache_hit(name: str, address: int, entry: int) -> Iterable[Raw]:
    return (Called.tag, _LOOKUP, (address,)), (LookupCacheHit.tag, name, entry), (Returned.tag, entry)


_LOOKUP = "vm_map_lookup_nearest"


def _no_merge(name: str, previous: int, following: int) -> Iterator[Raw]:
    for neighbour, side in (previous, "previous"), (following, "next"):
        if neighbour:
            yield MergeTried.tag, name, neighbour, side, False, "the request may not merge"


def _entry_linked(name: str, previous: int, following: int, *fields: Any) -> Iterable[Raw]:
    return (Called.tag, "vm_map_link", fields[:1]), (EntryLinked.tag, name, fields, previous, following)


def _tree_linked(tree: str, path: Path, key: int, node: int, parent: int, side: str) -> Iterable[Raw]:
    return (DESCENDED, tree, path, key), (TreeLinked.tag, tree, node, parent, side)


def _unlinking(name: str, entry: int, forgotten: bool) -> Iterator[Raw]:
    yield Called.tag, "vm_map_unlink", (entry,)
    if forgotten:
        yield LookupCacheMoved.tag, name, entry, 0


def _leaf_unlinked(tree: str, node: int, red: bool, parent: int, side: str, child: int, left: bool) -> Iterable[Raw]:
    lost = (node, "left", child if left else 0, 0), (node, "right", 0 if left else child, 0)
    links = (*lost, (parent, side, node, child))
    return (Called.tag, "rbtree_remove", (node,)), (TreeUnlinked.tag, tree, node, 0, links, red, False)


def _entry_unlinked(name: str, previous: int, following: int, *fields: Any) -> Iterable[Raw]:
    return (EntryUnlinked.tag, name, fields, previous, following), RETURNED


def _never_mapped(start: int, end: int, pages: int) -> Iterable[Raw]:
    return (Called.tag, "pmap_remove", (start, end)), RETURNED, (TlbUpdated.tag, start, end, pages)


RECORDS: dict[str, Callable[..., Iterable[Raw]]] = {
    BEGAN: _began,
    MAP_LOOKED_UP: _map_looked_up,
    MAP_CACHE_HIT: _map_cache_hit,
    NO_MERGE: _no_merge,
    ENTRY_LINKED: _entry_linked,
    TREE_LINKED: _tree_linked,
    UNLINKING: _unlinking,
    LEAF_UNLINKED: _leaf_unlinked,
    ENTRY_UNLINKED: _entry_unlinked,
    NEVER_MAPPED: _never_mapped,
}
"""By tag: what gives the events of a record."""


def unpacked(raw: Iterable[Raw]) -> Iterator[Raw]:
    """What was reported, event by event; ways down trees stay one each.

    >>> list(unpacked([(BEGAN, "vm_map_enter", 4096, 8192), (UNLINKING, "map", 7, True)]))[1:]
    [('Called', 'vm_map_unlink', (7,)), ('LookupCacheMoved', 'map', 7, 0)]
    """
    for one in raw:
        events = RECORDS.get(one[0])
        if events is None:
            yield one
        else:
            yield from events(*one[1:])
