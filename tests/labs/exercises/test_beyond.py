"""What the recipes in course/ don't say: mistakes with names, and sheets that a machine has memory for."""

from __future__ import annotations

import pytest

import vmwidgets as vm
from vmwidgets.engine.machine.handles.tasks import Task
from vmwidgets.labs.criterion import Criterion
from vmwidgets.labs.draws import Draws
from vmwidgets.labs.exercises.beyond import LARGE, PAGES, PagesSheet, Range, large_blocks, large_pages, small_pages

WHOLE = tuple(range(PAGES))
ONE = Range("heap", 16 * vm.MIB, 2, (WHOLE, (7,)), 1)
ASKED = PagesSheet((ONE,))


@pytest.fixture
def task() -> Task:
    return ASKED.start()


def judged(task: Task) -> list[Criterion]:
    return list(large_pages(task, ASKED))


def points(task: Task) -> list[int]:
    return [criterion.points for criterion in judged(task)]


def test_a_range_says_where_it_is_and_what_is_used() -> None:
    assert ONE.text == "`heap`, 1,027 pages at `0xff_e000`: uses 0 to 513, 521, 1026."
    assert large_blocks(ONE) == [16 * vm.MIB]
    assert small_pages(ONE) == [ONE.start, ONE.start + vm.PAGE, 18 * vm.MIB + 7 * vm.PAGE, 20 * vm.MIB]
    assert (ASKED.translations, ASKED.frames) == (5, 516)


def test_large_pages_everywhere_are_a_mistake_with_a_name(task: Task) -> None:
    task.map.superpages(ONE.start, size=ONE.pages * vm.PAGE)
    for page in small_pages(ONE):
        task.touch(page)
    assert points(task) == [2, 2, 0]
    mistake = judged(task)[2].mistake
    assert mistake is not None
    assert mistake.name == "large pages everywhere"


def test_small_pages_only_are_a_mistake_with_a_name(task: Task) -> None:
    for page in ONE.used:
        task.touch(ONE.start + page * vm.PAGE)
    assert points(task) == [2, 0, 1]
    mistake = judged(task)[1].mistake
    assert mistake is not None
    assert mistake.name == "small pages only"


def test_a_large_page_that_was_split_is_512_small_ones(task: Task) -> None:
    task.map.superpages(large_blocks(ONE)[0], size=LARGE)
    for page in small_pages(ONE):
        task.touch(page)
    assert points(task) == [2, 2, 1]
    task.map.protect(large_blocks(ONE)[0], size=vm.PAGE, prot="r")
    assert points(task) == [2, 0, 1]


def test_each_sheet_has_blocks_of_both_kinds_and_no_range_over_another() -> None:
    for number in range(50):
        ranges = PagesSheet.drawn(Draws(str(number))).ranges
        sizes = [len(used) for one in ranges for used in one.blocks]
        assert sizes.count(PAGES) >= 2
        assert sum(size < PAGES for size in sizes) >= 2
        assert len(sizes) <= 6
        ends = [one.start + one.pages * vm.PAGE for one in ranges]
        assert all(end < one.start for end, one in zip(ends, ranges[1:], strict=False))
