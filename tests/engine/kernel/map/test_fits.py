"""Placements against looking at every page: which gap each rule picks, on both kinds of maps."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.kernel.kmems import Kernel
from tests.engine.kernel.maps import FIXED, PAGE, RW, Space
from vmwidgets import events as ev
from vmwidgets.engine.base.errors import KernelError
from vmwidgets.engine.kernel.map.fits import FITS
from vmwidgets.engine.kernel.map.map_schema import GapTried, SearchRestarted

LOW, PAGES = 0x10000, 48
WORDS = sorted(FITS)


class X15:
    """An X15 map of PAGES pages from LOW on, whose entries never merge."""

    def __init__(self, fit):
        self.space = Space(LOW, LOW + PAGES * PAGE)
        self.map = self.space.map
        self.map.fit = FITS[fit]()

    def allocate(self, pages, align=0):
        try:
            return (self.map.enter(0, pages * PAGE, align, RW) - LOW) // PAGE
        except KernelError:
            return None

    def free(self, first, pages):
        self.map.remove(LOW + first * PAGE, LOW + (first + pages) * PAGE)


class FreeBSD:
    """A FreeBSD map of PAGES pages."""

    def __init__(self, fit):
        self.kernel = Kernel(size=100, kmem=PAGES)
        self.map = self.kernel.kmem_map
        self.map.fit = FITS[fit]()

    def allocate(self, pages, align=0):
        address = self.map.find_space(pages * PAGE)
        if address is None:
            return None
        assert self.map.insert(None, 0, address, address + pages * PAGE) == 0
        return (address - self.map.start) // PAGE

    def free(self, first, pages):
        self.map.delete(self.map.start + first * PAGE, self.map.start + (first + pages) * PAGE)


class EveryPage:
    """The rules, by looking at all pages; LOW is a multiple of 16 pages, so alignment can be counted in pages."""

    def __init__(self, fit):
        self.fit = fit
        self.used = [False] * PAGES
        self.rover = 0

    def starts(self, base=0):
        """Where a gap begins that may be used from page `base` on, with how many pages are free from there."""
        for first in range(base, PAGES):
            if not self.used[first] and (first == base or self.used[first - 1]):
                free = next((n for n, used in enumerate(self.used[first:]) if used), PAGES - first)
                yield first, free

    def usable(self, pages, align, base=0):
        unit = max(1, align // PAGE)
        for first, free in self.starts(base):
            at = -(-first // unit) * unit
            if first + free - at >= pages:
                yield at, first + free - at

    def allocate(self, pages, align=0):
        fits = list(self.usable(pages, align))
        if self.fit == "next":
            fits = list(self.usable(pages, align, self.rover)) or fits
        keys = {"best": lambda one: (one[1], one[0]), "worst": lambda one: (-one[1], one[0])}
        chosen = min(fits, key=keys.get(self.fit), default=None)
        if chosen is None:
            return None
        self.used[chosen[0] : chosen[0] + pages] = [True] * pages
        self.rover = chosen[0] + pages
        return chosen[0]

    def free(self, first, pages):
        self.used[first : first + pages] = [False] * len(self.used[first : first + pages])


steps = st.lists(
    st.tuples(st.just("allocate"), st.integers(1, 9), st.sampled_from([0, 0, PAGE, 4 * PAGE, 16 * PAGE]))
    | st.tuples(st.just("free"), st.integers(0, PAGES - 1), st.integers(1, 8)),
    max_size=40,
)


@pytest.mark.parametrize("kind", [X15, FreeBSD])
@pytest.mark.parametrize("fit", WORDS)
@given(steps=steps)
def test_each_rule_picks_what_a_look_at_every_page_picks(kind, fit, steps):
    target, model = kind(fit), EveryPage(fit)
    for step, first, second in steps:
        if step == "free":
            length = min(second, PAGES - first)
            target.free(first, length)
            model.free(first, length)
        else:
            align = second if kind is X15 else 0
            assert target.allocate(first, align) == model.allocate(first, align)
        target.map.check()


def with_gaps(fit, *sizes):
    """An X15 map whose gaps have these sizes (pages), from the bottom up, and no room above."""
    target = X15(fit)
    position = 0
    for size in sizes:
        position += size
        target.space.fixed(LOW + position * PAGE)
        position += 1
    target.space.fixed(LOW + position * PAGE, (PAGES - position) * PAGE)
    return target


@pytest.mark.parametrize(("fit", "where"), [("first", 0), ("best", 8), ("worst", 11), ("next", 0)])
def test_the_four_rules_differ(fit, where):
    assert with_gaps(fit, 3, 3, 2, 5, 5).allocate(2) == where


@pytest.mark.parametrize(("fit", "tried"), [
    ("first", [(3, True)]), ("next", [(3, True)]),
    ("best", [(3, False), (1, False), (2, False), (2, False), (2, True)]),
    ("worst", [(3, False), (1, False), (2, False), (2, False), (3, True)]),
])  # fmt: skip
def test_each_gap_that_was_looked_at_is_reported(fit, tried):
    target = with_gaps(fit, 3, 1, 2, 2)
    events = [one for one in target.space.recorded(lambda: target.allocate(2)) if isinstance(one, GapTried)]
    assert [(event.space // PAGE, event.taken) for event in events] == tried
    assert events[-1].taken


def test_next_fit_goes_on_behind_its_last_and_says_when_it_begins_again():
    target = with_gaps("next", 4, 2, 4)
    assert [target.allocate(2) for _ in range(3)] == [0, 2, 5]
    target.free(0, 4)
    assert target.allocate(3) == 8, "what was freed below is not looked at"
    events = target.space.recorded(lambda: target.allocate(3))
    assert [event.position for event in events if isinstance(event, SearchRestarted)] == [LOW]
    assert target.map.fit.position == LOW + 3 * PAGE


def test_a_failed_search_is_remembered_by_nobody():
    target = with_gaps("next", 4, 2)
    target.allocate(1)
    assert target.allocate(9) is None
    assert target.map.fit.position == LOW + PAGE


def test_a_hint_comes_first_and_the_find_cache_is_left_alone():
    target = X15("worst")
    hint = LOW + 7 * PAGE
    assert target.map.enter(hint, PAGE, 0, RW) == hint
    target.allocate(2)
    assert target.space.find == (0, target.map.mask)


def test_a_freebsd_map_can_be_searched_from_anywhere():
    """`vm_map_findspace` begins at its `start`: above what lies there, and never below it."""
    target = FreeBSD("first")
    target.map.fit = None
    for first, pages in ((2, 2), (6, 3)):
        at = target.map.start + first * PAGE
        target.map.insert(None, 0, at, at + pages * PAGE)
    found = [target.map.find_space(2 * PAGE, target.map.start + page * PAGE) for page in range(10)]
    assert [(at - target.map.start) // PAGE for at in found] == [0, 4, 4, 4, 4, 9, 9, 9, 9, 9]
    assert target.map.find_space(2 * PAGE, target.map.end - PAGE) is None


@pytest.mark.parametrize(("fit", "where"), [("first", 5), ("best", 9), ("worst", 13), ("next", 5)])
def test_with_a_hint_the_rule_decides_among_the_gaps_from_there_on(fit, where):
    """Gaps of 2, 3, 2 and 6 pages, at 1, 5, 9 and 13; the hint lies behind the first."""
    target, events = FreeBSD(fit), []
    for first, pages in ((0, 1), (3, 2), (8, 1), (11, 2), (19, PAGES - 19)):
        at = target.map.start + first * PAGE
        target.map.insert(None, 0, at, at + pages * PAGE)
    target.kernel.recorder.emit = events.append
    assert target.map.find_space(2 * PAGE, target.map.start + 4 * PAGE) == target.map.start + where * PAGE
    tried = [event for event in events if event[0] == ev.GapTried.tag]
    assert (tried[-1][2], tried[-1][4]) == (target.map.start + where * PAGE, True)
    assert min(event[2] for event in tried) == target.map.start + 5 * PAGE, "the gap below the hint is not looked at"
    assert target.map.find_space(7 * PAGE, target.map.start + 4 * PAGE) is None


def test_next_fit_takes_a_hint_for_its_place():
    target = FreeBSD("next")
    assert target.map.find_space(PAGE, target.map.start + 20 * PAGE) == target.map.start + 20 * PAGE
    assert target.allocate(1) == 21
    assert target.map.find_space(PAGE, target.map.start + 2 * PAGE) == target.map.start + 2 * PAGE


@pytest.mark.parametrize("fit", ["best", "worst"])
def test_a_gap_that_is_just_large_enough_is_told_as_such(fit):
    real = X15(fit)
    for first, pages in ((1, 1), (4, 1), (8, PAGES - 8)):  # gaps of 1, 2 and 3 pages
        real.map.enter(LOW + first * PAGE, pages * PAGE, 0, RW | FIXED)
    events = real.space.recorded(lambda: real.allocate(2))
    looks = [(one.space // PAGE, one.taken, bool(one.why)) for one in events if isinstance(one, GapTried)]
    taken = 2 if fit == "best" else 3
    assert looks == [(1, False, False), (2, False, True), (3, False, True), (taken, True, True)]
