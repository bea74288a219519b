"""What is told of a change of ranges, and why one is refused; x15/test_changed_ranges.py compares with a dict."""

from __future__ import annotations

import re

import pytest

from tests.engine.kernel.maps import LOW, NOMERGE, PAGE, RW, Space
from vmwidgets.engine.base import protection as flag
from vmwidgets.engine.kernel.map.core import (
    INVALID_ADDRESS,
    INVALID_ARGUMENT,
    PROTECTION_FAILURE,
    Entry,
    MapError,
    may_merge,
)
from vmwidgets.engine.kernel.map.map_schema import EntryChanged, EntryJoined, EntryWired

SHARE, COPY, RANDOM = 1, 2, 1
"""VM_INHERIT_SHARE, VM_INHERIT_COPY and VM_ADV_RANDOM."""


def pages(*numbers, **options):
    """A map with these pages, each an entry that merges with its neighbours if it can."""
    space = Space()
    for number in numbers:
        space.fixed(LOW + number * PAGE, **options)
    return space


def at(number):
    return LOW + number * PAGE


def told(space, kind, call):
    return [event for event in space.recorded(call) if isinstance(event, kind)]


@pytest.mark.parametrize(
    ("change", "first", "then"),
    [
        ("set_inheritance", (SHARE, "inheritance copy becomes share"), (COPY, "inheritance share becomes copy")),
        ("set_advice", (RANDOM, "advice normal becomes random"), (0, "advice random becomes normal")),
        ("set_protection", (1, "rw- becomes r--"), (3, "r-- becomes rw-")),
    ],
)
def test_a_change_says_what_it_was_and_what_it_is(change, first, then):
    space = pages(0, 1, 2)
    for number, why in (first, then):
        (event,) = told(space, EntryChanged, lambda: getattr(space.map, change)(at(1), at(2), number))  # noqa: B023  called here
        assert event.why == why
        assert event.after[1:3] == (at(1), at(2))
    assert space.ranges == [(at(0), at(3))], "as at first, it is one entry again"


def test_what_is_already_so_is_not_told():
    space = pages(0, 1)
    assert told(space, EntryChanged, lambda: space.map.set_inheritance(at(0), at(2), COPY)) == []


def test_the_maximum_takes_rights_away_for_good():
    space = pages(0, 1)
    (event,) = told(space, EntryChanged, lambda: space.map.set_protection(at(0), at(2), 1, set_max=True))
    assert event.why == "at most r-- now"
    assert space.rows == [(at(0), at(2), None, 0, flag.pack_flags(1, 1, 2, 0))]
    with pytest.raises(MapError, match=re.escape("may allow r-- at most, not -w-")) as refused:
        space.map.set_protection(at(0), at(1), 3)
    assert refused.value.status == PROTECTION_FAILURE


@pytest.mark.parametrize(
    ("there", "start", "end", "hole"),
    [((1, 2), 0, 3, 0), ((0, 2), 0, 3, 1), ((0, 1), 0, 3, 2), ((), 0, 1, 0), ((0, 1), 2, 3, 2)],
)
def test_a_hole_is_named_where_it_begins_and_stops_all_but_names(there, start, end, hole):
    space = pages(*there)
    before = space.rows
    for call in (
        lambda: space.map.set_protection(at(start), at(end), 1),
        lambda: space.map.remove_wiring(at(start), at(end)),
        lambda: space.map.decide_wiring(at(start), at(end)),
    ):
        with pytest.raises(
            MapError, match=f"nothing is mapped at {at(hole) >> 16:#x}_{at(hole) & 0xFFFF:04x} in"
        ) as refused:
            call()
        assert refused.value.status == INVALID_ADDRESS
        assert space.rows == before
    space.map.set_inheritance(at(start), at(end), SHARE)
    inside = {at(number) for number in there if start <= number < end}
    shared = {
        va
        for entry in space.map
        if flag.inheritance_of(entry.flags) == SHARE
        for va in range(entry.start, entry.end, PAGE)
    }
    assert shared == inside


@pytest.mark.parametrize(("change", "number"), [("set_inheritance", 3), ("set_advice", 5), ("set_advice", -1)])
def test_numbers_without_a_name_are_refused(change, number):
    space = pages(0)
    with pytest.raises(MapError, match=f"{change[4:]} {number} is unknown") as refused:
        getattr(space.map, change)(at(0), at(1), number)
    assert refused.value.status == INVALID_ARGUMENT


def test_the_last_wiring_of_an_entry_is_announced_and_no_other():
    space = pages(0, 2)
    first, second = space.map
    space.map.set_wired_count(first, 2)
    space.map.set_wired_count(second, 1)
    space.fixed(at(1), flags=RW | NOMERGE)
    space.map.set_wired_count(space.map.peek(at(1)), 1)
    last = []
    events = told(
        space, EntryWired, lambda: space.map.remove_wiring(at(0), at(3), lambda entry: last.append(entry.start))
    )
    assert last == [at(1), at(2)]
    assert [(event.before, event.after) for event in events] == [(2, 1), (1, 0), (1, 0)]
    with pytest.raises(MapError, match="is not wired") as refused:
        space.map.remove_wiring(at(0), at(3))
    assert refused.value.status == INVALID_ARGUMENT
    assert [entry.wired_count for entry in space.map] == [1, 0, 0]


def test_what_can_not_be_read_can_not_be_wired():
    space = pages(0, flags=flag.pack_flags(flag.WRITE, 7, COPY, 0))
    with pytest.raises(MapError, match=re.escape("allows -w-: its pages can't be read in")) as refused:
        space.map.decide_wiring(at(0), at(1))
    assert refused.value.status == PROTECTION_FAILURE


def test_a_joined_entry_tells_the_side_and_what_it_is_now():
    space = pages(0, 1, 2, flags=RW | NOMERGE)
    ids = [entry.id for entry in space.map]
    for entry in space.map:
        entry.flags = RW
    events = told(space, EntryJoined, lambda: space.map.merge_neighbours(space.map.by_id[ids[1]]))
    assert [(one.entry, one.side, one.start, one.end) for one in events] == [
        (ids[1], "prev", at(0), at(2)), (ids[1], "next", at(0), at(3)),
    ]  # fmt: skip


def neighbours(**changes):
    """Two equal neighbours in an object, but for the changes of the upper one."""
    space = Space()
    low, high = Entry(1), Entry(2)
    for entry, start in ((low, 0), (high, PAGE)):
        entry.start, entry.end, entry.offset = start, start + PAGE, start
        entry.object, entry.flags = space.objects["a"], RW
    for name, value in changes.items():
        setattr(high, name, space.objects[value] if name == "object" and value else value)
    return low, high


@pytest.mark.parametrize(
    "changes",
    [
        {"start": 2 * PAGE}, {"offset": 2 * PAGE}, {"offset": 0}, {"flags": flag.pack_flags(1, 7, COPY, 0)},
        {"wired_count": 1}, {"static": True}, {"object": "b"}, {"object": None},
    ],
    ids=str,
)  # fmt: skip  # a list
def test_one_difference_keeps_neighbours_apart(changes):
    assert may_merge(*neighbours())
    assert not may_merge(*neighbours(**changes))


def test_entries_that_may_not_merge_stay_alone_and_without_an_object_offsets_do_not_matter():
    low, high = neighbours()
    low.flags = high.flags = RW | NOMERGE
    assert not may_merge(low, high)
    low, high = neighbours(offset=7 * PAGE)
    low.object = high.object = None
    assert may_merge(low, high)
