"""Where mmap without an address goes: by the rule of the task's map, and never below what null pointers reach."""

from __future__ import annotations

import pytest

import vmwidgets as vm

PAGE = vm.PAGE
LOWEST = 16 * PAGE


def task_with_gaps(placement: str) -> tuple[vm.Machine, vm.Task, dict[str, int]]:
    """A task whose gaps of 4, 2 and 3 pages are apart, in that order, with one page between; the rest is free."""
    m = vm.boot("x86-64")
    t = m.task("a", placement=placement)
    base = t.map.start + LOWEST
    for page in (4, 7, 11):
        t.mmap(PAGE, at=base + page * PAGE, flags="private fixed")
    return m, t, {"four": base, "two": base + 5 * PAGE, "three": base + 8 * PAGE, "rest": base + 12 * PAGE}


@pytest.mark.parametrize(
    ("placement", "gaps"),
    [
        ("x15", ["four", "four"]), ("first", ["four", "four"]), ("best", ["two", "three"]),
        ("worst", ["rest", "rest"]), ("next", ["four", "four"]),
    ],
)  # fmt: skip
def test_the_rule_of_the_map_says_which_gap_is_taken(placement: str, gaps: list[str]) -> None:
    _, t, starts = task_with_gaps(placement)
    first, second = t.mmap("8 KiB"), t.mmap("8 KiB")
    assert first == starts[gaps[0]]
    assert second == (starts[gaps[1]] if gaps[0] != gaps[1] else starts[gaps[0]] + 2 * PAGE)


def test_next_fit_goes_on_where_it_ended_and_begins_again_above_null_pointers() -> None:
    _, t, starts = task_with_gaps("next")
    first = t.mmap("12 KiB")
    t.munmap(first, "12 KiB")
    assert t.mmap("8 KiB") == starts["two"]  # not in the four pages that are free again below
    rest = t.map.end - starts["rest"]
    assert t.mmap(rest) == starts["rest"]
    assert t.mmap("16 KiB") == starts["four"]


@pytest.mark.parametrize("placement", ["x15", "first", "best", "worst", "next"])
def test_nothing_is_mapped_below_what_null_pointers_reach(placement: str) -> None:
    t = vm.boot("armv7").task("a", placement=placement)
    t.mmap(t.map.end - t.map.start - LOWEST)
    with pytest.raises(vm.KernelError, match="NOMEM"):
        t.mmap(PAGE)
    t.map.check()


def test_the_same_life_with_another_placement_maps_elsewhere() -> None:
    m, t, starts = task_with_gaps("first")
    t.write(t.mmap("8 KiB"), b"moved")
    other = m.again(placement="best")
    assert other.machine.tasks["a"].peek(starts["two"], 5) == b"moved"
