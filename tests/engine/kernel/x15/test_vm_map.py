"""The whole map against a plain sorted list, with stepping back over each operation; and what a list can't tell."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.engine.kernel.maps import HIGH, LOW, NOMERGE, PAGE, READ_ONLY, RW, Space, Tables
from tests.engine.kernel.plain_map import NOMEM, PlainMap
from vmwidgets.engine.base.errors import Broken, KernelError, KernelPanic
from vmwidgets.engine.base.event import Called
from vmwidgets.engine.kernel.map.map_schema import EntryLinked, EntryUnlinked

PAGES = (HIGH - LOW) // PAGE
pages = st.integers(0, PAGES - 1)
sizes = st.integers(1, 6) | st.integers(1, PAGES)
aligns = st.sampled_from([0, 0, 0, PAGE, 4 * PAGE, 16 * PAGE, 0x10_0000, 1 << 63])
flags = st.sampled_from([RW, RW, RW, READ_ONLY, RW | NOMERGE])
behind = st.sampled_from([(None, 0), (None, 0), ("a", 0), ("b", 7 * PAGE)])


class MapMachine(RuleBasedStateMachine):
    @initialize(start=st.sampled_from([0, LOW, LOW + PAGE]))
    def make(self, start: int) -> None:
        self.space = Space(start, start + PAGES * PAGE)
        self.plain = PlainMap(start, start + PAGES * PAGE)

    def enter(self, at: int, size: int, align: int, bits: int, mapped: tuple[str | None, int], fixed: bool) -> None:
        target, offset = mapped
        expected = self.plain.enter(at, size * PAGE, align, bits, target, offset, fixed)
        events, result = self.stepped(
            lambda: self.space.enter(
                size * PAGE, at=at, align=align, flags=bits, target=target, offset=offset, fixed=fixed
            )
        )
        assert result == expected
        if result == NOMEM:
            assert not any(isinstance(event, (EntryLinked, EntryUnlinked)) for event in events)

    @rule(size=sizes, align=aligns, bits=flags, mapped=behind)
    def enter_anywhere(self, size: int, align: int, bits: int, mapped: tuple[str | None, int]) -> None:
        self.enter(0, size, align, bits, mapped, False)

    @rule(page=pages, size=sizes, align=aligns, bits=flags, mapped=behind)
    def enter_near(self, page: int, size: int, align: int, bits: int, mapped: tuple[str | None, int]) -> None:
        self.enter(self.plain.start + page * PAGE, size, align, bits, mapped, False)

    @rule(page=pages, size=sizes, bits=flags, mapped=behind)
    def enter_at(self, page: int, size: int, bits: int, mapped: tuple[str | None, int]) -> None:
        self.enter(self.plain.start + page * PAGE, size, 0, bits, mapped, True)

    @precondition(lambda self: self.plain.ranges)
    @rule(data=st.data(), size=sizes, bits=flags, low=st.booleans())
    def enter_beside(self, data: st.DataObject, size: int, bits: int, low: bool) -> None:
        neighbour = data.draw(st.sampled_from(self.plain.ranges))
        at = max(0, neighbour.start - size * PAGE) if low else neighbour.end
        self.enter(at, size, 0, data.draw(st.sampled_from([bits, neighbour.flags])), (None, 0), True)

    @rule(page=pages, size=sizes)
    def remove(self, page: int, size: int) -> None:
        start = self.plain.start + page * PAGE
        end = min(start + size * PAGE, self.plain.end)
        before = self.plain.rows
        self.plain.remove(start, end)
        self.space.unmapped.clear()
        self.stepped(lambda: self.space.map.remove(start, end))
        assert self.space.unmapped == [
            (max(row[0], start), min(row[1], end)) for row in before if row[0] < end and start < row[1]
        ]

    @rule(page=st.integers(-1, PAGES))
    def look_up(self, page: int) -> None:
        address = max(0, self.plain.start + page * PAGE)
        expected = self.plain.nearest(address)
        assert self.space.map.peek(address) is self.space.map.tree.nearest(address)
        _, found = self.stepped(lambda: self.space.map.lookup_nearest(address))
        assert (None if found is None else found.start) == (None if expected is None else expected.start)

    def stepped(self, call):
        """Events and result of `call`."""
        results = []

        def run():
            try:
                results.append(call())
            except KernelError as error:
                results.append(error.name)

        return self.space.recorded(run), results[0]

    @invariant()
    def agrees(self) -> None:
        if not hasattr(self, "plain"):
            return
        space, plain = self.space, self.plain
        assert space.rows == plain.rows
        assert space.map.size == plain.size
        assert space.find == (plain.find_cache, plain.threshold)
        cached = space.map.lookup_cache
        assert (cached and cached.start) == (plain.looked_up and plain.looked_up.start)
        assert len(space.entries.out) == len(plain.ranges), "no entry is lost"
        for name, target in space.objects.items():
            assert target.references == sum(one.target == name for one in plain.ranges)
        space.map.check()
        assert sorted(space.map.by_id) == sorted(entry.id for entry in space.map)


TestMap = MapMachine.TestCase


class TestEnter:
    def test_a_fresh_map_is_empty_and_knows_nothing(self):
        space = Space()
        assert (space.ranges, space.map.size, space.find, space.map.lookup_cache) == ([], 0, (0, 2**64 - 1), None)

    def test_an_entry_keeps_what_it_was_entered_with_but_not_that_it_was_fixed(self):
        space = Space()
        space.fixed(0x20000, 2 * PAGE, flags=READ_ONLY | NOMERGE, target="a", offset=3 * PAGE)
        assert space.rows == [(0x20000, 0x22000, "a", 3 * PAGE, READ_ONLY | NOMERGE)]

    def test_a_static_entry_never_merges_and_is_never_given_back(self):
        from vmwidgets.engine.kernel.map.core import Entry

        space = Space()
        space.fixed(LOW)
        static = Entry(-1, static=True)
        assert space.map.enter(0, PAGE, 0, RW, static=static) == LOW + PAGE
        assert list(space.map)[1] is static
        space.map.remove(LOW, LOW + 2 * PAGE)
        assert (space.ranges, space.entries.out) == ([], set())

    def test_no_object_in_the_kernels_map_and_nothing_happens(self):
        space = Space(kernel=Tables(HIGH))
        space.fixed(LOW)
        before, find = space.rows, space.find
        with pytest.raises(KernelError, match=r"^INVAL: map is the kernel's: object 'a' can't be mapped there"):
            space.enter(PAGE, target="a")
        assert (space.rows, space.find) == (before, find)
        assert space.objects["a"].references == 0

    @pytest.mark.parametrize("fixed", [True, False])
    def test_no_room_is_an_error_that_forgets_the_find_cache_and_nothing_else(self, fixed):
        space = Space()
        space.enter(PAGE)
        rows = space.rows
        assert space.find != (0, 2**64 - 1)
        with pytest.raises(KernelError, match=r"^NOMEM: "):
            space.enter(HIGH - LOW, at=LOW if fixed else 0, fixed=fixed)
        assert (space.rows, space.find, space.map.size) == (rows, (0, 2**64 - 1), PAGE)

    def test_a_failed_search_may_move_the_lookup_cache(self):
        space = Space()
        space.fixed(0x20000)
        with pytest.raises(KernelError):
            space.fixed(0x1F000, 2 * PAGE)
        assert space.map.lookup_cache is next(iter(space.map))


class TestEntriesRunOut:
    """No entry is a panic wherever one was wanted; what was reached is kept for looking."""

    def test_for_a_new_range(self):
        space = Space(limit=1)
        space.fixed(LOW)
        space.enter(PAGE)
        with pytest.raises(KernelPanic, match="entry_create"):
            space.fixed(0x20000)
        assert space.ranges == [(LOW, LOW + 2 * PAGE)]

    @pytest.mark.parametrize("at", [0x20000, 0x22000])
    def test_for_the_second_half_of_a_clip(self, at):
        space = Space(limit=1)
        space.fixed(0x20000, 4 * PAGE)
        with pytest.raises(KernelPanic, match="entry_create"):
            space.map.remove(at, at + PAGE)
        assert space.map.nr_entries == 0, "the entry was out of the map to be cut"

    def test_but_not_where_neighbours_take_the_range(self):
        space = Space(limit=2)
        space.fixed(0x20000)
        space.fixed(0x22000)
        space.fixed(0x21000)
        assert space.ranges == [(0x20000, 0x23000)]
        assert len(space.entries.out) == 1

    def test_in_an_empty_removal_none_is_wanted(self):
        space = Space(limit=1)
        space.fixed(0x20000, 4 * PAGE)
        space.map.remove(LOW, 0x20000)
        space.map.remove(0x24000, HIGH)
        space.map.remove(0x20000, 0x24000)
        assert space.ranges == []


class TestRemove:
    def test_holes_are_fine(self):
        space = Space()
        for at in (0x20000, 0x22000, 0x24000):
            space.fixed(at)
        space.map.remove(LOW, 0x23000)
        assert space.ranges == [(0x24000, 0x25000)]

    def test_the_find_cache_is_forgotten_when_an_entry_lies_above_even_if_nothing_goes(self):
        space = Space()
        space.fixed(0x20000)
        space.enter(PAGE)
        find = space.find
        space.map.remove(0x30000, 0x31000)
        assert space.find == find, "nothing lies at or above its start"
        space.map.remove(0x18000, 0x19000)
        assert space.find == (0, 2**64 - 1)

    def test_inside_an_entry_it_leaves_two(self):
        space = Space()
        space.fixed(0x20000, 4 * PAGE, target="a", offset=PAGE)
        space.map.remove(0x21000, 0x22000)
        assert space.rows == [(0x20000, 0x21000, "a", PAGE, RW), (0x22000, 0x24000, "a", 3 * PAGE, RW)]
        assert space.objects["a"].references == 2
        assert space.unmapped == [(0x21000, 0x22000)]

    def test_the_last_entry_of_an_object_gives_its_pages_back(self):
        space = Space()
        space.fixed(0x20000, 2 * PAGE, target="a")
        frame = space.objects["a"].ask_pager(0)
        space.map.remove(0x20000, 0x21000)
        assert space.pager.released == []
        space.map.remove(0x20000, 0x22000)
        assert space.pager.released == [frame]

    @pytest.mark.parametrize(
        ("start", "end"), [(LOW - PAGE, LOW), (0x30000, 0x30000), (0x30000, 0x20000), (LOW, HIGH + PAGE)]
    )
    def test_what_is_no_range_of_the_map_is_a_panic_in_debug_builds(self, start, end):
        space = Space()
        space.fixed(0x20000)
        with pytest.raises(KernelPanic, match="remove_range"):
            space.map.remove(start, end)
        assert space.ranges == [(0x20000, 0x21000)]


class TestKernelLimit:
    def test_it_grows_when_an_entry_ends_above_it(self):
        tables = Tables(0x20000)
        space = Space(kernel=tables)
        space.fixed(0x1F000)
        assert tables.grown == []
        space.fixed(0x21000)
        assert tables.grown == [0x22000]

    def test_it_follows_the_merged_entry(self):
        tables = Tables(0x20000)
        space = Space(kernel=tables)
        space.fixed(0x21000, 2 * PAGE)
        tables.klimit = 0x20000
        space.fixed(0x20000)
        assert tables.grown == [0x23000, 0x23000]

    def test_it_stays_when_entries_go(self):
        tables = Tables(0x20000)
        space = Space(kernel=tables)
        space.fixed(0x21000)
        space.map.remove(LOW, HIGH)
        assert tables.klimit == 0x22000


def test_events_are_bracketed_by_the_kernel_functions_that_do_it():
    space = Space()
    space.fixed(0x20000, 4 * PAGE)
    called = [event.name for event in space.recorded(lambda: space.enter(PAGE)) if isinstance(event, Called)]
    assert called[:4] == ["vm_map_enter", "vm_map_find_avail", "vm_map_lookup_nearest", "rbtree_lookup_nearest"]
    assert {"vm_map_insert", "vm_map_link", "rbtree_insert"} <= set(called)
    events = space.recorded(lambda: space.map.remove(0x21000, 0x22000))
    called = [event.name for event in events if isinstance(event, Called)]
    assert {"vm_map_remove", "vm_map_clip_start", "vm_map_clip_end", "vm_map_unlink"} <= set(called)
    assert events[0].depth == 1
    assert events[-1].depth == 1


class TestCheck:
    """Each invariant, broken by hand, is found and the entry named."""

    def space(self):
        space = Space()
        for at in (0x20000, 0x22000, 0x24000):
            space.fixed(at)
        return space, list(space.map)

    def broken(self, space, message):
        with pytest.raises(Broken, match=message):
            space.map.check()

    def test_list_and_tree_hold_the_same(self):
        space, (one, two, three) = self.space()
        one.next, two.prev, two.next, three.prev = three, three, None, one
        self.broken(space, "^rule 1 of the map: list and tree of map differ")

    def test_links_lead_back(self):
        space, (one, _, three) = self.space()
        three.prev = one
        self.broken(space, "^rule 2 of the map: entry 3 of map does not lead back")

    @pytest.mark.parametrize("end", [0x22000, 0x23001, HIGH + PAGE])
    def test_ranges_are_inside_aligned_and_not_empty(self, end):
        space, entries = self.space()
        which = entries[2] if end > HIGH else entries[1]
        which.end = end
        self.broken(space, rf"^rule 3 of the map: entry {which.id} of map is ")

    def test_ranges_do_not_overlap(self):
        space, (_, two, _) = self.space()
        two.end = 0x25000
        self.broken(space, "^rule 4 of the map: entry 3 of map begins inside entry 2")

    def test_the_number_of_entries(self):
        space, _ = self.space()
        space.map.nr_entries = 4
        self.broken(space, "^rule 5 of the map: map counts 4 entries and has 3")
        space, (one, _, _) = self.space()
        space.map.last = one
        self.broken(space, "^rule 5 of the map: ")

    def test_the_lookup_cache(self):
        space, (one, _, _) = self.space()
        space.map.remove(0x20000, 0x21000)
        space.map.lookup_cache = one
        self.broken(space, "^rule 6 of the map: the lookup cache of map names entry 1, which is gone")

    def test_the_size(self):
        space, _ = self.space()
        space.map.size += PAGE
        self.broken(space, "^rule 7 of the map: map says 16 KiB, its entries have 12 KiB")


class TestWhatIsTold:
    """Numbers in events that no state shows."""

    def removed(self, space, first, last):
        (event,) = [one for one in space.recorded(lambda: space.map.remove(first, last)) if one.tag == "RangeRemoved"]
        return event.entries, event.cuts, event.size

    def test_a_removal_says_how_many_entries_went_what_was_cut_and_the_size(self):
        space = Space()
        for number in (0, 2, 4):
            space.fixed(LOW + number * PAGE, PAGE)
        space.fixed(LOW + 8 * PAGE, 4 * PAGE)
        assert self.removed(space, LOW, LOW + 3 * PAGE) == (2, 0, 2 * PAGE)
        assert self.removed(space, LOW, LOW + 3 * PAGE) == (0, 0, 0)
        assert self.removed(space, LOW + 9 * PAGE, LOW + 11 * PAGE) == (1, 2, 2 * PAGE)
        assert self.removed(space, LOW + 4 * PAGE, LOW + 9 * PAGE) == (2, 0, 2 * PAGE)

    def test_a_request_that_may_not_merge_names_the_neighbours_that_it_touches(self):
        for low, high in ((True, False), (False, True), (True, True), (False, False)):
            space = Space()
            if low:
                space.fixed(LOW + PAGE)
            if high:
                space.fixed(LOW + 3 * PAGE)
            events = space.recorded(lambda: space.fixed(LOW + 2 * PAGE, flags=RW | NOMERGE))  # noqa: B023  called here
            tried = [(one.side, one.merged) for one in events if one.tag == "MergeTried"]
            assert tried == [("previous", False)] * low + [("next", False)] * high

    def test_a_second_lookup_of_an_entry_is_answered_by_the_cache(self):
        space = Space()
        space.fixed(LOW + PAGE)
        (entry,) = space.map
        space.map.lookup_nearest(LOW + PAGE)
        events = space.recorded(lambda: space.map.lookup_nearest(LOW + PAGE + 7))
        assert [one.entry for one in events if one.tag == "LookupCacheHit"] == [entry.id]


def test_a_map_is_cleared_and_an_empty_one_stays_empty():
    space = Space()
    space.map.clear()
    assert space.ranges == []
    for number in (0, 3, 9):
        space.fixed(LOW + number * PAGE, target="a", offset=number * PAGE)
    space.map.clear()
    assert (space.ranges, space.objects["a"].references, space.map.size) == ([], 0, 0)
    space.fixed(LOW)
    space.map.clear()
    assert space.ranges == []


@pytest.mark.parametrize(
    ("first", "last", "entries"),
    [
        ((0, 4), None, []),
        ((1, 3), None, [2]),  # a cut on each side
        ((1, 4), None, [1]),
        ((0, 2), None, [1]),
        ((0, 4), (0, 4), []),
        ((2, 4), (0, 2), [1]),  # the part of the first that goes is free for the second cut
        ((2, 4), (0, 4), [1]),
    ],
)
def test_before_a_removal_as_many_entries_are_provided_as_it_cuts(first, last, entries):
    """An entry of four pages, and perhaps another one after a hole; what goes is from the one on, to in the other."""
    space = Space()
    space.fixed(LOW, 4 * PAGE)
    start, end = (LOW + page * PAGE for page in first)
    if last is not None:
        space.fixed(LOW + 8 * PAGE, 4 * PAGE)
        end = LOW + (8 + last[1]) * PAGE
    asked = []
    space.map.provides = lambda _count: True
    space.map.provide_entries = asked.append  # type: ignore[method-assign, assignment]  # heard, and not done
    space.map.remove(start, end)
    assert asked == entries
