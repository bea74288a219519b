"""Equivalent solutions pass, each shortcoming costs its own points."""

from __future__ import annotations

from itertools import permutations

import pytest

import vmwidgets as vm
from vmwidgets import lab
from vmwidgets.engine.machine.maps import MachineMap

STACK = 16 * vm.PAGE


@pytest.fixture
def space() -> MachineMap:
    return vm.boot().task("t").map


def points(name: str, space: MachineMap) -> list[int]:
    return [criterion.points for criterion in lab.check(name, space).criteria]


def cut_out(space: MachineMap) -> None:
    space.enter(2 * STACK + vm.PAGE)
    space.remove(STACK, size=vm.PAGE)


def side_by_side(space: MachineMap) -> None:
    space.enter(STACK, at=0x40_0000)
    space.enter(STACK, at=0x40_0000 + STACK + vm.PAGE, fixed=True, advice="random")


def page_by_page(space: MachineMap) -> None:
    for page in [*range(16), *range(17, 33)]:
        space.enter(vm.PAGE, at=0x80_0000 + page * vm.PAGE, nomerge=True)


def with_a_page_of_no_rights(space: MachineMap) -> None:
    space.enter(STACK)
    space.enter(vm.PAGE, prot=0)
    space.enter(STACK)


@pytest.mark.parametrize("solve", [cut_out, side_by_side, page_by_page, with_a_page_of_no_rights])
def test_equivalent_guards_pass(space: MachineMap, solve: object) -> None:
    assert callable(solve)
    solve(space)
    assert lab.check("01/guard", space).passed


def test_a_guard_of_two_pages_costs_a_point(space: MachineMap) -> None:
    space.enter(STACK)
    space.enter(STACK, at=STACK + 2 * vm.PAGE)
    assert points("01/guard", space) == [2, 0, 1]


def test_one_stack_is_half_of_two(space: MachineMap) -> None:
    space.enter(STACK)
    assert points("01/guard", space) == [1, 0, 1]


def test_a_stack_that_can_be_executed_is_none(space: MachineMap) -> None:
    space.enter(STACK, prot="rwx")
    space.enter(STACK, at=STACK + vm.PAGE)
    assert points("01/guard", space) == [1, 0, 0]


def test_something_else_costs_a_point(space: MachineMap) -> None:
    cut_out(space)
    space.enter(vm.PAGE, at=0x80_0000)
    assert points("01/guard", space) == [2, 1, 0]


@pytest.fixture
def puzzle(space: MachineMap) -> MachineMap:
    space.enter(20 * vm.PAGE)
    for page, count in (2, 3), (8, 2), (13, 1):
        space.remove(page * vm.PAGE, size=count * vm.PAGE)
    return space


@pytest.mark.parametrize("order", list(permutations((1, 2, 3))), ids=str)
def test_an_order_passes_if_and_only_if_it_fills_the_gaps(puzzle: MachineMap, order: tuple[int, ...]) -> None:
    for count in order:
        puzzle.enter(f"{count} pages")
    assert lab.check("01/gaps", puzzle).passed == (puzzle.size == puzzle.entries()[-1].end == 20 * vm.PAGE)


def test_saying_where_costs_a_point(puzzle: MachineMap) -> None:
    for page, count in (2, 3), (8, 2), (13, 1):
        puzzle.enter(count * vm.PAGE, at=page * vm.PAGE)
    assert points("01/gaps", puzzle) == [2, 1, 0]


def test_requests_in_pieces_cost_a_point(puzzle: MachineMap) -> None:
    for _ in range(6):
        puzzle.enter(vm.PAGE)
    assert points("01/gaps", puzzle) == [2, 1, 0]


def test_nothing_asked_is_nothing_earned(puzzle: MachineMap) -> None:
    assert points("01/gaps", puzzle) == [0, 0, 0]
