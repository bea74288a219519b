"""Two moments of a process, compared: against a model of its pages, whatever ranges the kernel makes of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmwidgets.given.process import ProcessRange, changes_between

MIB = 1 << 20
ROOM = 40

Page = tuple[str, str, int]
"""The file of a page of the model, its rights, and its bytes in memory; each page has 1 MiB."""

PLACES = st.tuples(st.integers(0, ROOM - 1), st.integers(1, ROOM))
PAGES = st.tuples(st.sampled_from(["", "", "", "/lib/a"]), st.sampled_from(["rw-", "r--", "---"]), st.integers(0, 9))
ACTS = st.lists(st.tuples(PLACES, st.none() | PAGES), max_size=4)
"""Calls of munmap (None), and of mmap with MAP_FIXED."""


def done(pages: dict[int, Page], acts: Any) -> dict[int, Page]:
    """Return the pages after some calls."""
    found = dict(pages)
    for (start, length), page in acts:
        for at in range(start, min(ROOM, start + length)):
            if page is None:
                found.pop(at, None)
            else:
                found[at] = page[0], page[1], 0 if page[1] == "---" else page[2]
    return found


def in_ranges(pages: dict[int, Page], cuts: set[int]) -> Iterator[ProcessRange]:
    """Yield the ranges of pages as a kernel may make them: joined if they are alike, but cut at some places."""
    run: list[int] = []
    for at in [*sorted(pages), 2 * ROOM]:
        if run and (at != run[-1] + 1 or at in cuts or pages[at][:2] != pages[run[0]][:2]):
            path, rights, _ = pages[run[0]]
            size = sum(pages[one][2] for one in run) << 12
            yield ProcessRange(run[0] * MIB, (run[-1] + 1) * MIB, rights, path=path, resident=size)
            run = []
        run.append(at)


@given(ACTS, ACTS, *[st.sets(st.integers(0, ROOM))] * 2)
def test_what_came_less_what_left_is_the_difference_and_nothing_comes_that_was_there(first, second, cuts, others):
    was = done(dict.fromkeys(range(ROOM), ("", "rw-", 1)), first)  # much is mapped, for the next calls to split
    now = done(was, second)
    before, after = [*in_ranges(was, cuts)], [*in_ranges(now, others)]
    changes = changes_between(before, after)
    usable = [sum(page[1] != "---" for page in pages.values()) for pages in (was, now)]
    assert sum(one.mapped for one in changes) == (usable[1] - usable[0]) * MIB
    held = [sum(page[2] for page in pages.values()) << 12 for pages in (was, now)]
    assert sum(one.resident for one in changes) == held[1] - held[0]
    same = {at for at in was if at in now and was[at][0] == now[at][0]}
    for one in changes:
        place = next(two for two in (after if one.kind == "came" else before + after) if two.start == one.start)
        inside = {*range(place.start // MIB, place.end // MIB)}
        if one.kind in ("came", "left"):
            assert not inside & same
        if one.kind == "came":
            assert one.mapped >= 0
        if one.kind == "left":
            assert one.mapped <= 0


@given(ACTS, *[st.sets(st.integers(0, ROOM))] * 2)
def test_ranges_that_are_only_split_or_joined_are_no_change(acts, cuts, others):
    pages = done({}, acts)
    assert changes_between([*in_ranges(pages, cuts)], [*in_ranges(pages, others)]) == ()


def nameless(start: int, end: int) -> ProcessRange:
    return ProcessRange(start * MIB, end * MIB, "rw-", resident=(end - start) * MIB)


@pytest.mark.parametrize(
    ("before", "after", "kind", "mapped", "parts"),
    [
        ([(0, 87)], [(0, 1), (83, 87)], "shrank", -82, 2),
        ([(0, 87)], [(83, 87)], "shrank", -83, 1),
        ([(0, 87)], [(5, 8), (20, 21), (60, 61)], "shrank", -82, 3),
        ([(0, 10), (50, 60)], [(0, 60)], "grew", 40, 1),
        ([(10, 20)], [(5, 12), (15, 30)], "grew", 12, 2),
        ([], [(5, 12)], "came", 7, 1),
        ([(5, 12)], [], "left", -7, 1),
    ],
)
def test_the_parts_of_a_range_are_that_range(before, after, kind, mapped, parts):
    (one,) = changes_between([nameless(*each) for each in before], [nameless(*each) for each in after])
    assert (one.kind, one.mapped, one.resident, one.parts) == (kind, mapped * MIB, mapped * MIB, parts)


def test_a_name_is_given_to_what_came_or_left_and_not_to_its_neighbour_in_one_range():
    one, two = (0, 30 * MIB, "one"), (30 * MIB, 60 * MIB, "two")
    for small, name in (((30, 60), "one"), ((0, 30), "two")):
        (left,) = changes_between([nameless(0, 60)], [nameless(*small)], [one, two], [one, two])
        (came,) = changes_between([nameless(*small)], [nameless(0, 60)], [one, two], [one, two])
        assert (left.holds, came.holds) == (name, name)
    used = changes_between([ProcessRange(0, 60 * MIB, "rw-", resident=0)], [nameless(0, 60)], [], [one, two])
    assert "one" in used[0].holds
    assert "two" in used[0].holds
