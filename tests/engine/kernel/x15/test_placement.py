"""Where requests go: the find cache and its threshold, step by step, as the facts tell it."""

from __future__ import annotations

import pytest

from tests.engine.kernel.maps import HIGH, LOW, NONE, PAGE, Space
from vmwidgets.engine.base.errors import KernelError
from vmwidgets.engine.kernel.map.map_schema import FindCacheMoved, GapTried, HintTried, SearchRestarted


def holes(*sizes):
    """A map whose first gaps have these sizes (pages), one page taken between them; the rest is free."""
    space = Space()
    position = LOW
    for size in sizes:
        position += size * PAGE
        space.fixed(position, target="a")
        position += PAGE
    return space, position


class TestFixed:
    @pytest.mark.parametrize(("at", "size"), [
        (LOW, PAGE), (HIGH - PAGE, PAGE), (LOW, HIGH - LOW), (0x20000, 4 * PAGE),
    ])  # fmt: skip
    def test_a_free_range_is_granted_up_to_both_ends(self, at, size):
        assert Space().fixed(at, size) == at

    @pytest.mark.parametrize(("at", "size"), [
        (LOW - PAGE, PAGE), (LOW - PAGE, 2 * PAGE), (HIGH, PAGE), (HIGH - PAGE, 2 * PAGE), (0, HIGH),
        (LOW, HIGH - LOW + PAGE),
    ])  # fmt: skip
    def test_outside_there_is_no_room(self, at, size):
        with pytest.raises(KernelError, match=r"^NOMEM: the range at 0x.* is not available: it lies outside the map"):
            Space().fixed(at, size)

    @pytest.mark.parametrize(("at", "pages", "free"), [
        (0x1F000, 1, True), (0x1F000, 2, False), (0x20000, 1, False), (0x21000, 1, False), (0x22000, 1, True),
        (0x22000, 2, False), (0x23000, 1, False), (0x24000, 1, True), (LOW, 16, True), (LOW, 17, False),
    ])  # fmt: skip
    def test_between_entries_it_has_to_fit(self, at, pages, free):
        space = Space()
        space.fixed(0x20000, 2 * PAGE)
        space.fixed(0x23000)
        if free:
            assert space.fixed(at, pages * PAGE, target="a") == at
        else:
            with pytest.raises(KernelError, match=r"^NOMEM: the range at "):
                space.fixed(at, pages * PAGE)

    def test_the_find_cache_plays_no_part(self):
        space = Space()
        space.enter(4 * PAGE)
        find = space.find
        space.fixed(0x30000)
        assert space.find == find


class TestFindCache:
    def test_it_moves_behind_what_was_found_and_the_threshold_begins_at_0(self):
        space = Space()
        space.enter(PAGE)
        assert space.find == (LOW + PAGE, 0)

    def test_a_larger_request_than_the_threshold_begins_there(self):
        space = Space()
        assert space.enter(PAGE, target="a") == LOW
        space.map.unlink(next(iter(space.map)))  # not by remove, which would forget
        assert space.enter(PAGE) == LOW + PAGE

    def test_the_threshold_is_the_largest_gap_passed_over(self):
        space, end = holes(2, 3, 1)
        assert space.enter(4 * PAGE) == end
        assert space.find == (end + 4 * PAGE, 3 * PAGE)

    def test_a_request_of_the_thresholds_size_begins_at_the_bottom_with_a_new_threshold(self):
        space, end = holes(2, 3)
        space.enter(4 * PAGE)
        assert space.enter(3 * PAGE) == LOW + 3 * PAGE
        assert space.find == (LOW + 6 * PAGE, 2 * PAGE)
        assert space.enter(2 * PAGE) == LOW
        assert space.find == (LOW + 2 * PAGE, 0)
        assert space.enter(PAGE) == end + 4 * PAGE, "from there on nothing below is free"

    def test_when_nothing_is_left_above_it_begins_again_at_the_bottom(self):
        space = Space()
        space.fixed(LOW, 4 * PAGE, target="a")
        space.enter(HIGH - LOW - 4 * PAGE)
        assert space.find == (HIGH, 0)
        space.map.unlink(next(iter(space.map)))
        events = space.recorded(lambda: space.enter(2 * PAGE))
        assert SearchRestarted("map", LOW) in events
        assert space.ranges[0] == (LOW, LOW + 2 * PAGE)

    def test_a_search_that_began_at_the_bottom_does_not_begin_again(self):
        space = Space()
        space.fixed(LOW, HIGH - LOW - PAGE)
        events = []
        with pytest.raises(KernelError):
            events += space.recorded(lambda: space.enter(2 * PAGE))
        assert not any(isinstance(event, SearchRestarted) for event in events)

    def test_failure_and_removal_forget_it(self):
        space = Space()
        space.enter(PAGE)
        with pytest.raises(KernelError):
            space.enter(HIGH - LOW)
        assert space.find == (0, NONE)
        space.enter(PAGE)
        space.map.remove(LOW, LOW + PAGE)
        assert space.find == (0, NONE)

    def test_the_threshold_counts_gaps_after_rounding(self):
        """So it may be smaller than a gap, and a later request passes that gap by until a search begins again."""
        space = Space(LOW, HIGH)
        space.fixed(LOW, PAGE, target="a")
        space.fixed(LOW + 4 * PAGE, 4 * PAGE, target="a")
        assert space.enter(2 * PAGE, align=8 * PAGE) == LOW + 8 * PAGE
        assert space.find == (LOW + 10 * PAGE, 0)
        assert space.enter(PAGE) == LOW + 10 * PAGE, "the gap of three pages is passed by"

    def test_on_32_bits_nothing_known_is_all_ones_of_32(self):
        assert Space(bits=32).find == (0, 2**32 - 1)


class TestAlign:
    @pytest.mark.parametrize("align", [PAGE, 2 * PAGE, 0x10000, 0x20000, 0x40000])
    def test_the_first_multiple_in_a_gap_is_taken(self, align):
        space = Space()
        space.fixed(LOW)
        start = space.enter(PAGE, align=align)
        assert start == -(-(LOW + PAGE) // align) * align

    def test_a_gap_that_ends_before_the_multiple_is_passed_over(self):
        space = Space()
        space.fixed(LOW + PAGE, 6 * PAGE)
        space.fixed(LOW + 9 * PAGE)
        assert space.enter(2 * PAGE, align=4 * PAGE) == LOW + 12 * PAGE

    @pytest.mark.parametrize("align", [0x80000, 1 << 40, 1 << 63])
    def test_past_the_maps_end_there_is_no_room(self, align):
        space = Space()
        with pytest.raises(KernelError, match=r"^NOMEM: no gap of 4 KiB is left"):
            space.enter(PAGE, align=align)
        assert space.find == (0, NONE)

    def test_round_the_word_there_is_no_room(self):
        """At the top of the word the next multiple is 0."""
        top = 2**64 - 0x10000
        space = Space(top, 2**64 - PAGE)
        space.fixed(top)
        with pytest.raises(KernelError, match="NOMEM"):
            space.enter(PAGE, align=0x10000)
        narrow = Space(0, 0xC0000000, bits=32)
        narrow.fixed(0, 0x80001000)
        with pytest.raises(KernelError, match="NOMEM"):
            narrow.enter(PAGE, align=1 << 31)


class TestHint:
    def told(self, space, **options):
        return next(e for e in space.recorded(lambda: space.enter(PAGE, **options)) if isinstance(e, HintTried))

    def test_a_free_hint_is_taken_and_the_find_cache_stays(self):
        space = Space()
        assert space.enter(PAGE, at=0x30000) == 0x30000
        assert space.find == (0, NONE)

    def test_a_hint_that_does_not_fit_is_forgotten(self):
        space = Space()
        space.fixed(0x30000)
        for hint in (0x30000, HIGH, 2**63):
            assert space.enter(PAGE, at=hint, target="a") < 0x30000
        told = self.told(space, at=0x30000)
        assert (told.hint, told.taken) == (0x30000, False)
        assert "starts inside" in told.why

    def test_a_hint_is_taken_though_it_breaks_the_alignment_and_that_is_told(self):
        space = Space()
        told = self.told(space, at=0x21000, align=0x10000)
        assert space.ranges == [(0x21000, 0x22000)]
        assert told.taken
        assert "not a multiple of align" in told.why
        assert "not a multiple" not in self.told(space, at=0x30000, align=0x10000).why

    def test_0_is_no_hint_though_a_map_may_begin_there(self):
        space = Space(0, HIGH)
        space.enter(PAGE)
        assert space.enter(PAGE, at=0) == PAGE


def test_each_gap_that_was_looked_at_is_told():
    space, end = holes(2, 1)
    events = [event for event in space.recorded(lambda: space.enter(3 * PAGE)) if isinstance(event, GapTried)]
    assert [(event.position, event.space, event.taken) for event in events] == [
        (LOW, 2 * PAGE, False),
        (LOW + 3 * PAGE, PAGE, False),
        (end, HIGH - end, True),
    ]
    moved = [event for event in space.recorded(lambda: space.enter(3 * PAGE)) if isinstance(event, FindCacheMoved)]
    assert [(event.before, event.after) for event in moved] == [(end + 3 * PAGE, end + 6 * PAGE)]
