"""A red-black tree of ranges.

Nodes are intrusive: the ordered objects derive from :class:`Node`, so that identity survives every relinking.  No two
nodes of a tree overlap.  Shapes and colours are exactly those of X15's `rbtree` (top-down descent; a removed node with
two children is replaced by its in-order successor).  Unlike in the original, each node also counts its subtree, so that
a picture can say how many nodes it leaves out.

Costs: search, insert, remove, rank and select are O(log n).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from .errors import Broken
from .event import Called
from .recorder import Recorder
from .records import Raw
from .tree_schema import (
    DESCENDED,
    DONE,
    LEAF_UNLINKED,
    LOOKED_UP,
    TREE_LINKED,
    Path,
    TreeLinked,
    TreeRecoloured,
    TreeRotated,
    TreeUnlinked,
    Write,
)


class Node:
    """A tree node, [start, end); `id` names it in events, `count` is the size of its subtree, with the node."""

    __slots__ = ("count", "end", "id", "left", "parent", "red", "right", "start")

    start: int
    end: int

    def __init__(self, identity: int) -> None:
        self.id = identity
        self.parent: Node | None = None
        self.left: Node | None = None
        self.right: Node | None = None
        self.red = True
        self.count = 1


N = TypeVar("N", bound=Node)


class Duplicate(Exception):
    """Raised if the key of an inserted node is in the range of an existing node."""

    def __init__(self, node: Node) -> None:
        super().__init__(f"node {node.id} is already there")
        self.node = node


def _identity(node: Node | None) -> int:
    return 0 if node is None else node.id


def _count(node: Node | None) -> int:
    return 0 if node is None else node.count


class RedBlackTree(Generic[N]):
    """An ordered set of nodes.

    A key falls on the node whose range contains it.  `name` names the tree in events.

    >>> class Number(Node):
    ...     def __init__(self, value):
    ...         super().__init__(value)
    ...         self.start, self.end = value, value + 1
    >>> tree = RedBlackTree(Recorder())
    >>> for value in (1, 2, 3):
    ...     tree.insert(Number(value), value)
    >>> tree.root.id, tree.root.red, [node.id for node in tree]
    (2, False, [1, 2, 3])
    """

    __slots__ = ("_gap", "_name", "_recorder", "root")

    def __init__(self, recorder: Recorder, name: str = "tree") -> None:
        self._name = name
        self._recorder = recorder
        self.root: N | None = None
        self._gap: tuple[int, N | None, str, Path | None] | None = None
        """The end of the latest lookup that found no node: its key, the node above, the side, and the path if noted.

        An insertion usually follows such a lookup, and need not descend again.
        """

    # ---- finding -----------------------------------------------------------------------------

    def nearest(self, key: int) -> N | None:
        """Return the node that `key` falls on, or else the next node to the right, or None."""
        emit = self._recorder.emit
        if emit is not None:
            found, path, hit = self.search(key)
            emit((LOOKED_UP, self._name, path, key, hit, 0 if found is None else found.id))
            return found
        found = above = None
        node = self.root
        while node is not None:
            above = node
            if key >= node.end:
                node = node.right  # type: ignore[assignment]  # children are of the same kind
            else:
                found = node
                if key >= node.start:
                    return found
                node = node.left  # type: ignore[assignment]
        self._gap = key, above, "root" if above is None else "left" if above is found else "right", None
        return found

    def search(self, key: int) -> tuple[N | None, Path, bool]:
        """Return the result of :meth:`nearest`, the path as in :mod:`.records`, and whether the key falls on it."""
        path: list[int | None] = []
        note = path.append
        found = above = None
        node = self.root
        while node is not None:
            above = node
            note(node.id)
            if key >= node.end:
                node = node.right  # type: ignore[assignment]
            else:
                found = node
                if key >= node.start:
                    return found, tuple(path), True
                note(None)
                node = node.left  # type: ignore[assignment]
        way = tuple(path)
        self._gap = key, above, "root" if above is None else "left" if above is found else "right", way
        return found, way, False

    def ranges_changed(self) -> None:
        """Note that a node got a new range while it stayed in the tree."""
        self._gap = None

    def rank(self, node: N) -> int:
        """Return how many nodes are to the left of `node`."""
        rank, here = _count(node.left), node
        while here.parent is not None:
            if here is here.parent.right:
                rank += _count(here.parent.left) + 1
            here = here.parent  # type: ignore[assignment]
        return rank

    def __len__(self) -> int:
        return _count(self.root)

    def __iter__(self) -> Iterator[N]:
        pending: list[N] = []
        node = self.root
        while pending or node is not None:
            while node is not None:
                pending.append(node)
                node = node.left  # type: ignore[assignment]
            node = pending.pop()
            yield node
            node = node.right  # type: ignore[assignment]

    # ---- inserting ---------------------------------------------------------------------------

    def insert(self, node: N, key: int, duplicates: bool = False) -> None:
        """Insert `node` as a red leaf at the place of `key`, then repair.

        If the key falls on a node, this raises :class:`Duplicate` and changes nothing; with `duplicates`, the new node
        goes left instead, as in X15 without assertions.
        """
        emit, gap = self._recorder.emit, self._gap
        if gap is None or gap[0] != key or (gap[3] is None and emit is not None):
            gap = self._leaf(key, duplicates, emit)
        _, parent, side, path = gap
        self._gap = None
        if emit is not None and self._recorder.stepwise:
            emit((DESCENDED, self._name, path, key))
        node.parent, node.left, node.right, node.red, node.count = parent, None, None, True, 1
        if parent is None:
            self.root = node
        elif side == "left":
            parent.left = node
        else:
            parent.right = node
        up: Node | None = parent
        while up is not None:
            up.count += 1
            up = up.parent
        if emit is not None:
            where = node.id, 0 if parent is None else parent.id, side
            stepwise = self._recorder.stepwise
            emit((TreeLinked.tag, self._name, *where) if stepwise else (TREE_LINKED, self._name, path, key, *where))
        if parent is None or parent.red:
            self._repair_insertion(node)
        if emit is not None:
            emit(DONE)

    def _leaf(self, key: int, duplicates: bool, emit: Callable[[Raw], None] | None) -> tuple[int, N | None, str, Path]:
        """Return the place for a new node with this key, perhaps from `_gap`."""
        parent: N | None = None
        here, side = self.root, "root"
        path: list[int | None] = []
        while here is not None:
            if key >= here.end:
                path.append(here.id)
                parent, here, side = here, here.right, "right"  # type: ignore[assignment]
            elif duplicates or key < here.start:
                path += here.id, None
                parent, here, side = here, here.left, "left"  # type: ignore[assignment]
            else:
                if emit is not None:
                    emit((DESCENDED, self._name, tuple(path), key))
                raise Duplicate(here)
        return key, parent, side, tuple(path)

    def _repair_insertion(self, node: Node) -> None:
        while True:
            parent = node.parent
            if parent is None:
                self._colour(node, False, "the root is black")
                return
            if not parent.red:
                return
            grandparent = parent.parent
            assert grandparent is not None, "a red node is never the root"
            uncle = grandparent.right if parent is grandparent.left else grandparent.left
            if uncle is not None and uncle.red:
                self._colour(parent, False, "red uncle: parent becomes black")
                self._colour(uncle, False, "red uncle: it becomes black")
                self._colour(grandparent, True, "red uncle: grandparent becomes red")
                node = grandparent
                continue
            side = "left" if parent is grandparent.left else "right"
            other = "right" if side == "left" else "left"
            if node is getattr(parent, other):
                self._rotate(parent, side)
                node, parent = parent, node
            self._colour(parent, False, "outer grandchild: parent becomes black")
            self._colour(grandparent, True, "outer grandchild: grandparent becomes red")
            self._rotate(grandparent, other)
            return

    # ---- removing ----------------------------------------------------------------------------

    def remove(self, node: N) -> None:
        """Remove `node`, then repair."""
        self._gap = None
        if node.left is not None and node.right is not None:
            child, parent, black = self._replace_by_successor(node)
        else:
            child, parent, black = self._replace_by_child(node)
        if black:
            self._repair_removal(child, parent)
        emit = self._recorder.emit
        if emit is not None:
            emit(DONE)

    def _replace_by_child(self, node: N) -> tuple[Node | None, Node | None, bool]:
        left, parent, red = node.left, node.parent, node.red
        child = node.right if left is None else left
        if child is not None:
            child.parent = parent
        if parent is None:
            self.root, side = child, "root"  # type: ignore[assignment]  # children are of the same kind
        elif parent.left is node:
            parent.left, side = child, "left"
        else:
            parent.right, side = child, "right"
        self._discount(parent)
        emit = self._recorder.emit
        if emit is not None:
            above, below = 0 if parent is None else parent.id, 0 if child is None else child.id
            emit((LEAF_UNLINKED, self._name, node.id, red, above, side, below, left is not None))
        return child, parent, not red

    def _replace_by_successor(self, node: N) -> tuple[Node | None, Node | None, bool]:
        successor = node.right
        assert successor is not None and node.left is not None
        while successor.left is not None:
            successor = successor.left
        direct = successor is node.right
        child, black = successor.right, not successor.red
        parent = successor if direct else successor.parent
        assert parent is not None
        emit, red = self._recorder.emit, successor.red
        writes: tuple[Write, ...] = ()
        if emit is not None:
            emit((Called.tag, "rbtree_remove", (node.id,)))
            writes = self._successor_writes(node, successor)
        if not direct:
            parent.left = child
            if child is not None:
                child.parent = parent
            successor.right = node.right
            node.right.parent = successor  # type: ignore[union-attr]  # two children
        self._set_child(node.parent, node, successor)
        successor.parent, successor.red = node.parent, node.red
        successor.left, node.left.parent = node.left, successor
        successor.count = node.count
        self._discount(parent)
        if emit is not None:
            emit((TreeUnlinked.tag, self._name, node.id, successor.id, writes, node.red, red))
        return child, parent, black

    def _successor_writes(self, node: Node, successor: Node) -> tuple[Write, ...]:
        writes: list[Write] = [(node.id, side, _identity(getattr(node, side)), 0) for side in ("left", "right")]
        if successor is not node.right:
            writes.append((_identity(successor.parent), "left", successor.id, _identity(successor.right)))
            writes.append((successor.id, "right", _identity(successor.right), _identity(node.right)))
        writes.append((successor.id, "left", 0, _identity(node.left)))
        writes.append((_identity(node.parent), self._side(node), node.id, successor.id))
        return tuple(writes)

    def _repair_removal(self, child: Node | None, parent: Node | None) -> None:
        while True:
            if child is not None and child.red:
                self._colour(child, False, "red child takes the black over")
                return
            if parent is None:
                return
            side = "left" if child is parent.left else "right"
            other = "right" if side == "left" else "left"
            brother: Node = getattr(parent, other)
            if brother.red:
                self._colour(brother, False, "red brother: it becomes black")
                self._colour(parent, True, "red brother: parent becomes red")
                self._rotate(parent, side)
                brother = getattr(parent, other)
            near: Node | None = getattr(brother, side)
            far: Node | None = getattr(brother, other)
            if not (near is not None and near.red) and not (far is not None and far.red):
                self._colour(brother, True, "brother without red child becomes red")
                child, parent = parent, parent.parent
                continue
            if far is None or not far.red:
                assert near is not None
                self._colour(near, False, "near nephew becomes black")
                self._colour(brother, True, "near nephew red: brother becomes red")
                self._rotate(brother, other)
                brother, far = near, brother
            self._colour(brother, parent.red, "brother takes the parent's colour")
            self._colour(parent, False, "far nephew red: parent becomes black")
            self._colour(far, False, "far nephew becomes black")
            self._rotate(parent, side)
            return

    # ---- links, colours, counts --------------------------------------------------------------

    def _side(self, node: Node) -> str:
        if node.parent is None:
            return "root"
        return "left" if node is node.parent.left else "right"

    def _set_child(self, parent: Node | None, old: Node, new: Node | None) -> str:
        """Put `new` in the place of `old`, and return its side."""
        if parent is None:
            self.root = new  # type: ignore[assignment]  # nodes of one tree are of one kind
            return "root"
        if parent.left is old:
            parent.left = new
            return "left"
        parent.right = new
        return "right"

    def _discount(self, node: Node | None) -> None:
        while node is not None:
            node.count -= 1
            node = node.parent

    def _colour(self, node: Node, red: bool, why: str) -> None:
        if node.red is red:
            return
        node.red = red
        emit = self._recorder.emit
        if emit is not None:
            emit((TreeRecoloured.tag, self._name, node.id, red, why))

    def _rotate(self, node: Node, side: str) -> None:
        """Rotate `node` down to `side`, and its other child up."""
        raised: Node
        if side == "left":
            raised = node.right  # type: ignore[assignment]  # the callers know it is there
            inner, other = raised.left, "right"
        else:
            raised = node.left  # type: ignore[assignment]
            inner, other = raised.right, "left"
        above, count = node.parent, node.count
        if side == "left":
            node.right, raised.left = inner, node
        else:
            node.left, raised.right = inner, node
        if inner is not None:
            inner.parent = node
        where = self._set_child(above, node, raised)
        raised.parent, node.parent = above, raised
        node.count += (0 if inner is None else inner.count) - raised.count  # it loses raised's, and gains inner's
        raised.count = count
        emit = self._recorder.emit
        if emit is not None:
            handed_over = 0 if inner is None else inner.id
            writes = (
                (node.id, other, raised.id, handed_over),
                (raised.id, side, handed_over, node.id),
                (0 if above is None else above.id, where, node.id, raised.id),
            )
            emit((TreeRotated.tag, self._name, node.id, side, raised.id, writes))

    # ---- invariants --------------------------------------------------------------------------

    def check(self) -> None:
        """Raise :class:`Broken`, naming node and invariant, unless all invariants hold.  O(n).

        1. the root has no parent and is black; 2. a child's parent link leads back;
        3. a red node has no red child; 4. every path down has the same number of black nodes;
        5. a node's count is the size of its subtree.  (Order is for the tree's owner to check.)
        """
        root = self.root
        if root is not None and (root.parent is not None or root.red):
            raise Broken(f"rule 1 of the tree: root {root.id} has a parent or is red")
        below: dict[int, tuple[int, int]] = {0: (0, 0)}  # id -> black height, count
        pending: list[tuple[Node, bool]] = [(root, False)] if root is not None else []
        while pending:
            node, done = pending.pop()
            children = [child for child in (node.left, node.right) if child is not None]
            if not done:
                pending.append((node, True))
                pending.extend((child, False) for child in children)
                continue
            for child in children:
                if child.parent is not node:
                    raise Broken(f"rule 2 of the tree: node {child.id} does not lead back to its parent {node.id}")
                if node.red and child.red:
                    raise Broken(f"rule 3 of the tree: red node {node.id} has the red child {child.id}")
            left, right = below[_identity(node.left)], below[_identity(node.right)]
            if left[0] != right[0]:
                raise Broken(
                    f"rule 4 of the tree: node {node.id} has {left[0]} black nodes to the left, {right[0]} to the right"
                )
            count = left[1] + right[1] + 1
            if node.count != count:
                raise Broken(f"rule 5 of the tree: node {node.id} counts {node.count}, its subtree has {count}")
            below[node.id] = (left[0] + (not node.red), count)
