"""Changes in a red-black tree, and the comparisons on a path down it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .event import Called, Event, Returned
from .records import WAYS, Raw, record

# ---- the red-black tree (`tree` is the name of the map that it belongs to) ----------------------

Write = tuple[int, str, int, int]
"""A written link: node ID (0 for the tree itself), side ("left", "right", "root"), before, after."""


class TreeCompared(Event):
    """On the path down, `key` was compared with `node`: the path goes "left" or "right", or ends "here"."""

    tree: str
    node: int
    key: int
    outcome: str


class TreeLinked(Event, changes=True):
    """A red leaf was added below `parent` (0: it became the root)."""

    tree: str
    node: int
    parent: int
    side: str


class TreeRecoloured(Event, changes=True):
    """A node changed colour; `why` is the case of the fix-up."""

    tree: str
    node: int
    red: bool
    why: str


class TreeRotated(Event, changes=True):
    """`node` was rotated down to `side`, and its other child `raised` up into its place."""

    tree: str
    node: int
    side: str
    raised: int
    links: tuple[Write, ...]


class TreeUnlinked(Event, changes=True):
    """`node` was removed from the tree; with two children, its `successor` took its place and colour."""

    tree: str
    node: int
    successor: int
    links: tuple[Write, ...]
    red: bool
    successor_red: bool


# ---- records: several events as one ---------------------------------------------------------

DONE: Raw = (Returned.tag,)
"""The record of a tree function's end."""

Path = tuple["int | None", ...]
"""The IDs of the nodes on a path down; None follows a node where the path turned left."""

LOOKED_UP, DESCENDED = "TreeLookedUp", "TreeDescended"
"""The tags of two records, for a lookup in a tree and for an insertion's path.

Each replaces several events, since that is cheaper; :func:`.records.expanded` creates the events.

Fields: the tree, the path, the key; and for a lookup, whether the key falls on the last node, and the ID of the result.
"""

TREE_LINKED = "TreeDescendedAndLinked"
"""The record of an insertion's path and link.  Fields: tree, path, key, node, parent, side."""

LEAF_UNLINKED = "TreeLeafUnlinked"
"""The record of `rbtree_remove` for a node with at most one child.

Fields: tree, node, whether it was red, its parent, its side, its child, and whether this was a left child.
"""


def comparisons(record: Raw) -> int:
    """Return the number of nodes that a record of a path compares.

    >>> comparisons((LOOKED_UP, "map", (4, 6, None, 5), 4096, True, 5))
    3
    """
    way: Path = record[2]
    return len(way) - way.count(None)


@record(LOOKED_UP, WAYS)
def _looked_up(tree: str, path: Path, key: int, is_last: bool, found: int) -> Iterator[Raw]:
    """Yield the events of a lookup.

    >>> from vmwidgets.engine.base.records import expanded
    >>> for one in expanded([(LOOKED_UP, "map", (4, 6, None, 5), 4096, True, 5)]):
    ...     print(one)
    ('Called', 'rbtree_lookup_nearest', (4096,))
    ('TreeCompared', 'map', 4, 4096, 'right')
    ('TreeCompared', 'map', 6, 4096, 'left')
    ('TreeCompared', 'map', 5, 4096, 'here')
    ('Returned', 5)
    """
    yield Called.tag, "rbtree_lookup_nearest", (key,)
    yield from _compared(tree, path, key, len(path) - 1 if is_last else -1)
    yield Returned.tag, found


@record(DESCENDED, WAYS)
def _descended(tree: str, path: Path, key: int) -> Iterator[Raw]:
    yield Called.tag, "rbtree_insert", (key,)
    yield from _compared(tree, path, key, -1)


def _compared(tree: str, path: Path, key: int, last: int) -> Iterator[Raw]:
    for place, node in enumerate(path):
        if node is not None:
            left = place + 1 < len(path) and path[place + 1] is None
            yield TreeCompared.tag, tree, node, key, "here" if place == last else "left" if left else "right"


@record(TREE_LINKED)
def _tree_linked(tree: str, path: Path, key: int, node: int, parent: int, side: str) -> Iterable[Raw]:
    return (DESCENDED, tree, path, key), (TreeLinked.tag, tree, node, parent, side)


@record(LEAF_UNLINKED)
def _leaf_unlinked(tree: str, node: int, red: bool, parent: int, side: str, child: int, left: bool) -> Iterable[Raw]:
    lost = (node, "left", child if left else 0, 0), (node, "right", 0 if left else child, 0)
    links = (*lost, (parent, side, node, child))
    return (Called.tag, "rbtree_remove", (node,)), (TreeUnlinked.tag, tree, node, 0, links, red, False)
