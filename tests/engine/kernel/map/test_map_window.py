"""What a picture gets of a map: a small one whole, of a large one what surrounds what matters, the rest in folds."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.kernel.maps import PAGE, Space
from vmwidgets.engine.base.rbtree import Node
from vmwidgets.engine.kernel.map.map_schema import EntryValue
from vmwidgets.engine.kernel.map.window import FOLDED_CONTEXT, map_value, while_booting

BASE = 1 << 20


def space_of(count):
    """Entries of one page at every other page, by id 1, 2, 3, … in the order of addresses."""
    space = Space(BASE, BASE + (2 * count + 2) * PAGE)
    for i in range(count):
        space.fixed(BASE + (2 * i + 1) * PAGE)
    return space


SPACE = space_of(200)
IDS = [entry.id for entry in SPACE.map]


def all_below(node):
    return 0 if node is None else all_below(node.left) + 1 + all_below(node.right)


def sound(value, vm_map):
    """What must hold of every window: each fold is one whole subtree, and together they are the map."""
    by_id = {node.id: node for node in vm_map}
    shown = {entry.id for entry in value.entries}
    assert list(value.nodes) == [entry.id for entry in value.entries]
    for entry in value.entries:
        real, node = by_id[entry.id], value.nodes[entry.id]
        assert (entry.start, entry.end, entry.flags) == (real.start, real.end, real.flags)
        assert (node.left, node.right) == tuple(0 if one is None else one.id for one in (real.left, real.right))
        assert node.red == real.red
        assert real.parent is None or real.parent.id in shown, "closed under parents"
    folded = set()
    for fold in value.folds:
        assert fold.id not in shown
        assert fold.count == all_below(by_id[fold.id])
        assert by_id[fold.id].parent.id in shown
        folded.add(fold.id)
    links = {link for node in value.nodes.values() for link in (node.left, node.right) if link}
    assert links == (shown - {value.root}) | folded
    assert len(shown) + sum(fold.count for fold in value.folds) == value.nr_entries == vm_map.nr_entries
    edges = [(item.start, item.end) for item in value.items]
    assert all(one[1] <= other[0] for one, other in pairwise(edges)), "in list order, beside each other"
    listed = list(vm_map)
    position = 0
    for item in value.items:
        count = 1 if isinstance(item, EntryValue) else item.count
        inside = listed[position : position + count]
        assert all(item.start <= one.start and one.end <= item.end for one in inside)
        position += count


@pytest.mark.parametrize("count", [0, 1, 2, 9, 31])
def test_a_small_map_is_whole(count):
    space = space_of(count)
    value = map_value(space.map, whole=31)
    assert (len(value.entries), value.folds) == (count, ())
    sound(value, space.map)


def test_one_entry_more_than_whole_is_folded():
    assert map_value(SPACE.map, whole=200).folds == ()
    assert map_value(SPACE.map, whole=199).folds != ()


@given(
    focus=st.lists(st.sampled_from(IDS), max_size=4),
    opened=st.lists(st.sampled_from(IDS), max_size=3),
    addresses=st.lists(st.integers(BASE - PAGE, BASE + 410 * PAGE), max_size=2),
)
def test_every_window_is_sound_and_shows_what_was_asked_for(focus, opened, addresses):
    value = map_value(SPACE.map, focus, opened, addresses, whole=0)
    sound(value, SPACE.map)
    shown = {entry.id for entry in value.entries}
    for one in focus:
        position = IDS.index(one)
        assert set(IDS[max(0, position - 1) : position + 1 + 1]) <= shown
    for one in opened:
        node = SPACE.map.by_id[one]
        assert {child.id for child in (node, node.left, node.right) if isinstance(child, Node)} <= shown
    for address in addresses:
        found = SPACE.map.peek(address) or SPACE.map.last
        assert found.id in shown


def test_the_top_of_the_tree_is_always_open():
    value = map_value(SPACE.map, whole=0)
    assert len(value.entries) == 2**FOLDED_CONTEXT - 1
    assert value.root in value.nodes


def test_entries_that_are_gone_are_passed_over():
    assert map_value(SPACE.map, [10**6], [10**6], whole=0) == map_value(SPACE.map, whole=0)


def test_the_caches_and_limits_are_in_it():
    space = space_of(3)
    space.enter(PAGE)
    entry = space.map.lookup_nearest(BASE + PAGE)
    value = map_value(space.map, roles={entry.id: "boot range"})
    assert (value.name, value.start, value.end) == ("map", BASE, BASE + 8 * PAGE)
    assert (value.size, value.nr_entries, value.lookup_cache) == (4 * PAGE, 3, entry.id)
    assert (value.find_cache, value.find_cache_threshold, value.klimit) == (BASE + PAGE, 0, None)
    assert [one.role for one in value.entries] == ["boot range", "", ""]
    assert map_value(space_of(1).map).find_cache_threshold is None, "nothing is known"


class Counted:
    """Counts how often entries of a map are looked at, by the links that are followed."""

    def __init__(self, count):
        self.looks = 0
        counter = self

        from vmwidgets.engine.kernel.map.core import Entry

        class Watched(Entry):
            __slots__ = ()

            def fields(self):
                counter.looks += 1
                return super().fields()

            def __getattribute__(self, name):
                if name in ("left", "right", "parent", "next", "prev"):
                    counter.looks += 1
                return super().__getattribute__(name)

        self.space = Space(BASE, BASE + (2 * count + 2) * PAGE)
        self.space.entries.allocate = lambda: Watched(next(self.space.entries._identities))  # type: ignore[method-assign]
        for i in range(count):
            self.space.fixed(BASE + (2 * i + 1) * PAGE)

    def cost(self, *focus):
        self.looks = 0
        value = map_value(self.space.map, focus, addresses=[BASE + 9 * PAGE], whole=0)
        return self.looks, len(value.entries)


def test_the_cost_follows_what_is_shown_and_not_the_size_of_the_map():
    small, large = Counted(500).cost(250), Counted(8000).cost(4000)
    assert large[1] <= 2 * small[1]
    per_entry = [looks / shown for looks, shown in (small, large)]
    assert per_entry[1] < 2 * per_entry[0]
    assert large[0] < 2000, "of 8,000 entries"


def test_a_value_stays_as_it_was_when_the_map_goes_on():
    space = space_of(3)
    value = map_value(space.map)
    copy = map_value(space.map)
    space.map.remove(BASE, BASE + 8 * PAGE)
    assert value == copy
    with pytest.raises(AttributeError):
        value.size = 0  # type: ignore[misc]


# ---- numbers of levels, and moments inside a change -------------------------------------------------


def test_of_a_large_map_two_levels_are_open_without_any_focus():
    assert len(map_value(SPACE.map, whole=0).entries) == 1 + 2


def test_an_opened_entry_shows_three_levels_below_and_with_itself():
    root = SPACE.map.tree.root
    opened = map_value(SPACE.map, opened=[root.id], whole=0)
    assert len(opened.entries) == 1 + 2 + 4


def test_an_entry_that_is_being_unlinked_stays_in_its_place_once():
    space = space_of(9)
    seen = []
    space.recorder.emit = lambda _event: seen.append([item.id for item in map_value(space.map).items])
    space.map.remove(BASE + 7 * PAGE, BASE + 8 * PAGE)
    assert [1, 2, 3, 4, 5, 6, 7, 8, 9] in seen
    assert seen[-1] == [1, 2, 3, 5, 6, 7, 8, 9]
    assert all(one in ([1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 2, 3, 5, 6, 7, 8, 9]) for one in seen)


def test_a_map_while_it_is_booted_has_the_entries_linked_so_far():
    space = Space(BASE, BASE + 16 * PAGE)
    told = [event for at in (2, 6, 4) for event in space.recorded(lambda: space.fixed(BASE + at * PAGE))]  # noqa: B023  called here
    whole = map_value(space.map)
    linked = [at for at, event in enumerate(told) if event.tag == "EntryLinked"]
    none = while_booting(whole, told[: linked[0]])
    assert (none.items, none.root, none.nr_entries, none.size) == ((), 0, 0, 0)
    two = while_booting(whole, told[: linked[1] + 1])
    assert [(one.id, one.start) for one in two.entries] == [(1, BASE + 2 * PAGE), (2, BASE + 6 * PAGE)]
    assert (two.root, two.nr_entries, two.size) == (1, 2, 2 * PAGE)
    three = while_booting(whole, told)
    assert [one.id for one in three.entries] == [1, 3, 2]
    assert (three.root, three.nodes[3].left, three.nodes[3].right) == (3, 1, 2), "the third one rotates to the top"
