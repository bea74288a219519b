"""Equivalent solutions pass, each shortcoming costs its own points."""

from __future__ import annotations

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
