"""What makes a red-black tree one: numbered invariants."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .errors import Broken

if TYPE_CHECKING:
    from .rbtree import Node


def check_tree(root: Node | None) -> None:
    """Raise :class:`Broken`, naming node and invariant, unless all hold.  O(n).

    1. the root has no parent and is black; 2. a child's parent link leads back;
    3. a red node has no red child; 4. every path down has the same number of black nodes;
    5. a node's count is the size of its subtree.  (Order is for the tree's owner to check.)
    """
    if root is not None and (root.parent is not None or root.red):
        raise Broken(f"1: root {root.id} has a parent or is red")
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
                raise Broken(f"2: node {child.id} does not lead back to its parent {node.id}")
            if node.red and child.red:
                raise Broken(f"3: red node {node.id} has the red child {child.id}")
        left, right = below[_id(node.left)], below[_id(node.right)]
        if left[0] != right[0]:
            raise Broken(f"4: node {node.id} has {left[0]} black nodes to the left, {right[0]} to the right")
        count = left[1] + right[1] + 1
        if node.count != count:
            raise Broken(f"5: node {node.id} counts {node.count}, its subtree has {count}")
        below[node.id] = (left[0] + (not node.red), count)


def _id(node: Node | None) -> int:
    return 0 if node is None else node.id
