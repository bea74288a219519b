from __future__ import annotations

import pytest

from tests.engine.kernel.maps import NOMERGE, PAGE, READ_ONLY, RW, Space
from vmwidgets.engine.base import protection as flag
from vmwidgets.engine.kernel.map.map_schema import EntryResized, MergeTried

AT = 0x20000


def around(*, low=True, high=True, low_flags=RW, high_flags=RW):
    """A free page at AT with neighbours that touch it."""
    space = Space()
    if low:
        space.fixed(AT - PAGE, flags=low_flags)
    if high:
        space.fixed(AT + PAGE, flags=high_flags)
    return space, [entry.id for entry in space.map]


def tried(space, **options):
    events = space.recorded(lambda: space.fixed(AT, **options))
    return [(event.side, event.merged) for event in events if isinstance(event, MergeTried)]


def test_the_previous_entry_grows_upwards():
    space, (low,) = around(high=False)
    assert tried(space) == [("previous", True)]
    assert space.ranges == [(AT - PAGE, AT + PAGE)]
    assert [entry.id for entry in space.map] == [low]


def test_the_next_entry_grows_downwards():
    space, (high,) = around(low=False)
    assert tried(space) == [("next", True)]
    assert space.ranges == [(AT, AT + 2 * PAGE)]
    assert [entry.id for entry in space.map] == [high]


def test_both_become_the_previous_one():
    space, (low, high) = around()
    assert tried(space) == [("both", True)]
    assert space.ranges == [(AT - PAGE, AT + 2 * PAGE)]
    assert [entry.id for entry in space.map] == [low]
    assert high not in space.map.by_id
    assert len(space.entries.out) == 1


def test_previous_wins_where_only_one_fits_and_next_is_tried_after_it():
    space, (low, high) = around(high_flags=READ_ONLY)
    assert tried(space) == [("previous", True)]
    assert space.ranges == [(AT - PAGE, AT + PAGE), (AT + PAGE, AT + 2 * PAGE)]
    space, (low, high) = around(low_flags=READ_ONLY)
    assert tried(space) == [("previous", False), ("next", True)]
    assert [entry.id for entry in space.map] == [low, high]
    assert space.ranges == [(AT - PAGE, AT), (AT, AT + 2 * PAGE)]


def test_neighbours_that_do_not_touch_are_not_asked():
    space = Space()
    space.fixed(AT - 2 * PAGE)
    space.fixed(AT + 2 * PAGE)
    assert tried(space) == []
    assert len(space.ranges) == 3


@pytest.mark.parametrize("flags", [
    flag.pack_flags(1, 7, 2, 0), flag.pack_flags(3, 3, 2, 0), flag.pack_flags(3, 7, 1, 0), flag.pack_flags(3, 7, 2, 1),
    RW | NOMERGE,
])  # fmt: skip
def test_every_attribute_has_to_be_equal(flags):
    for own, others in ((RW, flags), (flags, RW)):
        space, _ = around(low_flags=others, high_flags=others)
        space.fixed(AT, flags=own)
        assert len(space.ranges) == 3


def test_nomerge_neighbours_stay_apart_though_they_are_equal():
    space, _ = around(low_flags=RW | NOMERGE, high_flags=RW | NOMERGE)
    assert tried(space, flags=RW | NOMERGE) == [("previous", False), ("next", False)]
    assert len(space.ranges) == 3


@pytest.mark.parametrize("where", ["request", "entries"])
def test_what_maps_an_object_never_merges_though_the_offsets_would_fit(where):
    space = Space()
    target = "a" if where == "entries" else None
    space.fixed(AT - PAGE, target=target)
    space.fixed(AT + PAGE, target=target, offset=2 * PAGE if target else 0)
    space.fixed(AT, target=None if target else "a", offset=0 if target else PAGE)
    assert len(space.ranges) == 3
    together = Space()
    together.fixed(AT, target="a")
    together.fixed(AT + PAGE, target="a", offset=PAGE)
    assert len(together.ranges) == 2


def test_pieces_of_a_clip_never_rejoin_by_themselves():
    space = Space()
    space.fixed(AT, 4 * PAGE)
    space.map.remove(AT + PAGE, AT + 2 * PAGE)
    assert len(space.ranges) == 2
    space.fixed(AT + PAGE)
    assert space.ranges == [(AT, AT + 4 * PAGE)], "but what is entered between them joins them"


def test_the_entry_is_out_of_the_tree_while_its_start_changes_and_clears_the_lookup_cache():
    space, _ = around(low=False)
    space.map.lookup_nearest(AT + PAGE)
    names = [type(event).__name__ for event in space.recorded(lambda: space.fixed(AT))]
    assert names.index("EntryUnlinked") < names.index("EntryResized") < names.index("EntryLinked")
    assert space.map.lookup_cache is None


def test_a_refused_merge_says_why():
    space, _ = around(high=False, low_flags=READ_ONLY)
    events = space.recorded(lambda: space.fixed(AT))
    assert [event.why for event in events if isinstance(event, MergeTried)] == [
        "its protection, inheritance or advice differs"
    ]
    assert not any(isinstance(event, EntryResized) for event in events)


def test_the_size_grows_by_the_request_alone():
    space, _ = around()
    space.fixed(AT)
    assert space.map.size == 3 * PAGE


def test_a_wired_neighbour_does_not_grow():
    """What is entered is not wired, so it may not become part of what is."""
    space, _ = around()
    for entry in space.map:
        entry.wired_count = 1
    assert tried(space) == [("previous", False), ("next", False)]
    assert len(space.map.by_id) == 3


@pytest.mark.parametrize("which", [0, 1])
def test_only_one_neighbour_wired_leaves_the_other_to_grow(which):
    space, ids = around()
    space.map.by_id[ids[which]].wired_count = 2
    tried(space)
    assert [entry.wired_count for entry in space.map] == ([2, 0] if which == 0 else [0, 2])
    assert {entry.id for entry in space.map} == set(ids)
