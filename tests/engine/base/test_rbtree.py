"""The tree against a sorted list.  Its shapes and colours are pinned by the recorded traces, which replay compares."""

from __future__ import annotations

import math

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from vmwidgets.engine.base.errors import Broken
from vmwidgets.engine.base.rbtree import Duplicate, Node, RedBlackTree
from vmwidgets.engine.base.recorder import Raw, Recorder, materialize
from vmwidgets.engine.base.tree_schema import TreeCompared, TreeLinked, TreeRecoloured, TreeRotated, TreeUnlinked


class Number(Node):
    __slots__ = ("value",)

    def __init__(self, value):
        super().__init__(value + 1)
        self.value = value
        self.start, self.end = value, value + 1


def tree_of(*values):
    tree = RedBlackTree(Recorder(), "numbers")
    for value in values:
        tree.insert(Number(value), value)
    return tree


def shape(node):
    """(value, colour, left, right), read from the links alone."""
    return None if node is None else (node.value, "r" if node.red else "b", shape(node.left), shape(node.right))


def leaf(value, colour="r"):
    return (value, colour, None, None)


def properties(node, parent, low, high):
    """Black height and size of a subtree; asserts order, links and colours on the way."""
    if node is None:
        return 0, 0
    assert node.parent is parent
    assert low < node.value < high
    assert not (node.red and parent is not None and parent.red)
    left, right = properties(node.left, node, low, node.value), properties(node.right, node, node.value, high)
    assert left[0] == right[0]
    assert node.count == left[1] + right[1] + 1
    return left[0] + (not node.red), node.count


class TreeMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.tree = tree_of()
        self.nodes: dict[int, Number] = {}

    @rule(value=st.integers(0, 60))
    def insert(self, value: int) -> None:
        if value in self.nodes:
            before = shape(self.tree.root)
            with pytest.raises(Duplicate) as caught:
                self.tree.insert(Number(value), value)
            assert caught.value.node is self.nodes[value]
            assert shape(self.tree.root) == before
        else:
            self.nodes[value] = Number(value)
            self.tree.insert(self.nodes[value], value)

    @precondition(lambda self: self.nodes)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        value = data.draw(st.sampled_from(sorted(self.nodes)))
        self.tree.remove(self.nodes.pop(value))

    @rule(key=st.integers(-1, 61))
    def look(self, key: int) -> None:
        above = [value for value in sorted(self.nodes) if value >= key]
        found = self.tree.nearest(key)
        assert found is (self.nodes[above[0]] if above else None)

    @invariant()
    def agrees(self) -> None:
        values = sorted(self.nodes)
        assert [node.value for node in self.tree] == values
        assert all(self.tree.rank(self.nodes[value]) == rank for rank, value in enumerate(values))
        assert len(self.tree) == len(values)
        self.tree.check()
        assert self.tree.root is None or not self.tree.root.red
        properties(self.tree.root, None, -math.inf, math.inf)

    def teardown(self) -> None:
        for value in sorted(self.nodes, key=lambda value: value * 37 % 61):
            self.tree.remove(self.nodes[value])
            self.tree.check()
        assert self.tree.root is None


TestTree = TreeMachine.TestCase


def test_ascending_keys_give_the_textbook_shape():
    assert shape(tree_of(1, 2, 3, 4, 5, 6).root) == (
        2,
        "b",
        leaf(1, "b"),
        (4, "r", leaf(3, "b"), (5, "b", None, leaf(6))),
    )


def test_an_inner_grandchild_is_rotated_out_first():
    assert shape(tree_of(1, 3, 2).root) == shape(tree_of(3, 1, 2).root) == (2, "b", leaf(1), leaf(3))


def test_a_removed_node_with_two_children_is_replaced_by_its_successor():
    """The node itself moves, with the removed one's colour: links from outside stay right."""
    tree = tree_of(4, 2, 6, 5, 7)
    successor = next(node for node in tree if node.value == 5)
    tree.remove(tree.root)
    assert tree.root is successor
    assert shape(tree.root) == (5, "b", leaf(2, "b"), (6, "b", None, leaf(7)))


def test_a_key_that_is_there_goes_left_when_duplicates_are_let_in():
    tree = tree_of(5)
    tree.insert(Number(5), 5, duplicates=True)
    assert shape(tree.root) == (5, "b", leaf(5), None)


def test_a_search_looks_at_no_more_nodes_than_the_tree_is_high():
    values = list(range(1000))
    tree = tree_of(*values)
    seen: list[Raw] = []
    tree._recorder.emit = seen.append
    for key in (0, 499, 999):
        seen.clear()
        tree.nearest(key)
        compared = [event.node for event in materialize(seen, "test") if isinstance(event, TreeCompared)]
        assert 0 < len(compared) <= 2 * math.log2(1001)


def test_a_descent_is_an_event_for_each_node_on_the_way():
    """What is reported as one is what a comparison at each node would be."""
    tree = tree_of(*range(0, 40, 2))
    raw: list[Raw] = []
    tree._recorder.emit = raw.append
    for key in range(-1, 41):
        for look in (tree.nearest, lambda key: tree.insert(Number(key), key)):
            wanted, node = [], tree.root
            while node is not None:
                outcome = "left" if key < node.value else "right" if key > node.value else "here"
                wanted.append((node.id, key, outcome))
                node = None if outcome == "here" else getattr(node, outcome)
            raw.clear()
            try:
                look(key)
            except Duplicate:
                wanted.pop()
            events = [event for event in materialize(raw, "test") if isinstance(event, TreeCompared)]
            assert [(event.node, event.key, event.outcome) for event in events] == wanted
            assert {event.tree for event in events} <= {"numbers"}


def test_events_tell_each_change_with_what_takes_it_back():
    """Undoing the writes and colours of the events, last first, gives the tree before."""
    tree = tree_of(*range(20))
    links = {0: {"root": tree.root.id}}
    links |= {node.id: {"left": _id(node.left), "right": _id(node.right), "red": node.red} for node in tree}
    raw: list[Raw] = []
    tree._recorder.emit = raw.append
    nodes = list(tree)
    for node in nodes[3:12]:
        tree.remove(node)
    for node in nodes[3:12]:
        tree.insert(node, node.value)
    after = {0: {"root": tree.root.id}}
    after |= {node.id: {"left": _id(node.left), "right": _id(node.right), "red": node.red} for node in tree}
    for event in reversed(materialize(raw, "test")):
        _undo(after, event)
    assert after == links


def _id(node):
    return 0 if node is None else node.id


def _undo(links, event):
    if isinstance(event, TreeRecoloured):
        assert links[event.node]["red"] is event.red
        links[event.node]["red"] = not event.red
    elif isinstance(event, TreeLinked):
        assert links.pop(event.node) == {"left": 0, "right": 0, "red": True}
        links[event.parent][event.side] = 0
    elif isinstance(event, (TreeRotated, TreeUnlinked)):
        if isinstance(event, TreeUnlinked):
            links[event.node] = {"left": 0, "right": 0, "red": event.red}
            if event.successor:
                links[event.successor]["red"] = event.successor_red
        for node, side, before, now in reversed(event.links):
            assert links[node][side] == now
            links[node][side] = before


class TestCheck:
    """Each invariant, broken by hand, is found and its node named."""

    def broken(self, tree, message):
        with pytest.raises(Broken, match=message):
            tree.check()

    def test_root(self):
        tree = tree_of(1)
        tree.root.red = True
        self.broken(tree, "^rule 1 of the tree: root 2")
        tree = tree_of(1, 2, 3)
        tree.root = tree.root.left
        self.broken(tree, "^rule 1 of the tree: root 2")

    def test_parent_links(self):
        tree = tree_of(1, 2, 3)
        tree.root.left.parent = None
        self.broken(tree, "^rule 2 of the tree: node 2 does not lead back to its parent 3")

    def test_red_child_of_red(self):
        tree = tree_of(1, 2, 3, 4)
        tree.root.right.red = True
        self.broken(tree, "^rule 3 of the tree: red node 4 has the red child 5")

    def test_black_heights(self):
        tree = tree_of(1, 2, 3)
        tree.root.left.red = False
        self.broken(tree, "^rule 4 of the tree: node 3 has 1 black nodes to the left, 0 to the right")

    def test_counts(self):
        tree = tree_of(1, 2, 3)
        tree.root.count = 4
        self.broken(tree, "^rule 5 of the tree: node 3 counts 4, its subtree has 3")


@pytest.mark.parametrize("listener", [None, lambda raw: None])
def test_an_insertion_after_a_lookup_minds_what_changed_in_between(listener):
    """Where the lookup ended may be another's place by then, gone, or inside a range that grew."""
    for between in ("nothing", "insert", "remove", "grow"):
        tree = tree_of(10, 20, 30, 40)
        tree._recorder.emit = listener
        nodes = {node.value: node for node in tree}
        assert tree.nearest(25) is nodes[30]
        if between == "insert":
            tree.insert(Number(24), 24)
        elif between == "remove":
            tree.remove(nodes[30])
        elif between == "grow":
            nodes[20].end = 28
            tree.ranges_changed()
            with pytest.raises(Duplicate, match="node 21 is already there"):
                tree.insert(Number(25), 25)
            continue
        tree.insert(Number(25), 25)
        tree._recorder.emit = None
        tree.check()
        values = [node.value for node in tree]
        assert values == sorted(values) and 25 in values


def test_the_way_down_is_the_same_with_a_lookup_before_it():
    """What an insertion reports does not say whether it went down itself."""
    reported = []
    for looks in (False, True):
        tree, raw = tree_of(*range(0, 40, 2)), []
        tree._recorder.emit = raw.append
        if looks:
            tree.nearest(11)
            raw.clear()
        node = Number(11)
        tree.insert(node, 11)
        reported.append(materialize(raw, "test"))
    assert reported[0] == reported[1]
