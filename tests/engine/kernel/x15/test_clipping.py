from __future__ import annotations

import pytest

from tests.engine.kernel.maps import PAGE, RW, Space
from vmwidgets.engine.kernel.x15.vm_map import X15Map

AT, END = 0x20000, 0x24000


def space_with(target):
    space = Space()
    space.fixed(AT - 2 * PAGE, target="b")
    space.fixed(AT, END - AT, target=target, offset=8 * PAGE if target else 0)
    space.fixed(END + PAGE, target="b")
    return space, list(space.map)[1]


@pytest.mark.parametrize("target", [None, "a"])
@pytest.mark.parametrize("cut", [AT + PAGE, AT + 2 * PAGE, END - PAGE])
@pytest.mark.parametrize("clip", [X15Map.clip_start, X15Map.clip_end])
def test_an_entry_is_cut_in_two_that_map_the_same(clip, cut, target):
    space, entry = space_with(target)
    clip(space.map, entry, cut)
    offset = 8 * PAGE if target else 0
    high = offset + cut - AT if target else 0
    assert space.rows[1:-1] == [(AT, cut, target, offset, RW), (cut, END, target, high, RW)]
    kept = (cut, END) if clip is X15Map.clip_start else (AT, cut)
    assert (entry.start, entry.end) == kept, "the copy becomes the low part at a start, the high part at an end"
    if target:
        assert space.objects["a"].references == 2
    assert space.map.size == END - AT + 2 * PAGE
    space.map.check()


@pytest.mark.parametrize(("start", "end"), [(AT, END), (AT - PAGE, END), (AT, END + PAGE), (END, END + PAGE)])
def test_a_range_whose_ends_are_edges_or_in_holes_cuts_nothing(start, end):
    space, _ = space_with("a")
    before = space.rows
    assert space.recorded(lambda: space.map.isolate(start, end)) == ()
    assert (space.rows, len(space.entries.out)) == (before, 3)


@pytest.mark.parametrize("clip", [X15Map.clip_start, X15Map.clip_end])
def test_a_cut_clears_a_lookup_cache_on_that_entry_only(clip):
    space, entry = space_with(None)
    space.map.lookup_nearest(AT)
    clip(space.map, entry, AT + PAGE)
    assert space.map.lookup_cache is None
    other = space.map.lookup_nearest(END + PAGE)
    clip(space.map, next(one for one in space.map if one.end == END), END - PAGE)
    assert space.map.lookup_cache is other


@pytest.mark.parametrize("clip", [X15Map.clip_start, X15Map.clip_end])
@pytest.mark.parametrize("where", [0, 1, 2])
def test_the_order_stays_wherever_the_entry_stands(clip, where):
    space = Space()
    for number in range(3):
        space.fixed(AT + 8 * number * PAGE, 4 * PAGE)
    entry = list(space.map)[where]
    clip(space.map, entry, entry.start + PAGE)
    assert space.ranges == sorted(space.ranges)
    assert len(space.ranges) == 4
    space.map.check()
