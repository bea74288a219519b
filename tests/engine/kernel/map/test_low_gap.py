"""The lowest gap of a map, beside one that is looked for from the bottom each time."""

from __future__ import annotations

from contextlib import nullcontext, suppress
from itertools import count
from random import Random

import pytest

from vmwidgets.engine.base.errors import KernelError
from vmwidgets.engine.base.protection import ALL, INHERITANCE, READ, pack_flags
from vmwidgets.engine.base.recorder import Recorder
from vmwidgets.engine.kernel.map.core import Entry, PlainEntries
from vmwidgets.engine.kernel.map.fits import LowGap
from vmwidgets.engine.kernel.x15.vm_map import X15Map

PAGE = 4096
START, END = 16 * PAGE, 400 * PAGE


def new_map(quirks: frozenset[str] = frozenset()) -> X15Map:
    return X15Map("map", START, END, PlainEntries(count(1), Entry), Recorder(), quirks=quirks)


def put(space: X15Map, start: int, size: int, *, nomerge: bool) -> None:
    space.enter(start, size, 0, pack_flags(READ, ALL, INHERITANCE["copy"], 0, fixed=True, nomerge=nomerge))


def from_the_bottom(space: X15Map, size: int, lowest: int) -> int | None:
    """The same, page by page: no search can be plainer."""
    taken = {page for entry in space for page in range(entry.start // PAGE, entry.end // PAGE)}
    pages = size // PAGE
    for page in range(lowest // PAGE, END // PAGE - pages + 1):
        if not taken & {*range(page, page + pages)}:
            return page * PAGE
    return None


@pytest.mark.parametrize("quirks", [frozenset[str](), frozenset({"clip-end-first"})])
@pytest.mark.parametrize("seed", range(6))
def test_the_lowest_gap_is_that_of_a_search_from_the_bottom(seed: int, quirks: frozenset[str]) -> None:
    random, space, found = Random(seed), new_map(quirks), 0
    for _ in range(400):
        size = random.choice((1, 1, 2, 3, 7, 12)) * PAGE
        lowest = START + random.choice((2, 2, 2, 40)) * PAGE
        where = space.lowest_gap(size, lowest)
        assert where == LowGap().find(space, size, lowest), "what is noted changes nothing"
        if not quirks:
            assert where == from_the_bottom(space, size, lowest)
        if where is not None and random.random() < 0.7:
            with suppress(KernelError) if quirks else nullcontext():  # out of order, what is found may be taken
                put(space, where, size, nomerge=random.random() < 0.5)
                found += 1
        else:
            first = random.randrange(START, END - 9 * PAGE, PAGE)
            space.remove(first, first + random.randint(1, 8) * PAGE)
    assert found > 50


def test_what_lies_below_is_not_looked_at_again() -> None:
    space = new_map()
    for page in range(START // PAGE + 1, 300):
        put(space, page * PAGE, PAGE, nomerge=True)
    assert space.lowest_gap(PAGE, START + PAGE) == 300 * PAGE
    next(iter(space)).next = None  # who goes along the list from the bottom ends here
    assert space.lowest_gap(PAGE, START + PAGE) == 300 * PAGE
