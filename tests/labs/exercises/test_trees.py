from __future__ import annotations

from itertools import permutations

import pytest

import vmwidgets as vm
from vmwidgets import lab
from vmwidgets.engine.machine.maps import MachineMap


def planted(order: tuple[int, ...]) -> MachineMap:
    space = vm.boot().task("t").map
    for number in order:
        space.enter(vm.PAGE, at=number * 0x1_0000, fixed=True)
    return space


@pytest.mark.parametrize("order", [(4, 2, 6, 1, 3, 5, 7), (4, 6, 2, 7, 5, 3, 1), (4, 2, 6, 7, 1, 5, 3)])
def test_every_order_from_the_root_down_passes(order: tuple[int, ...]) -> None:
    assert lab.check("02/no-rotation", planted(order)).passed


def unbalanced(order: tuple[int, ...]) -> dict[int, tuple[int, int]]:
    """The plain search tree of this order: the children of each number, 0 for none."""
    children: dict[int, tuple[int, int]] = {}
    for number in order:
        at = order[0]
        while children and number != at:
            left, right = children[at]
            if not (left if number < at else right):
                children[at] = (number, right) if number < at else (left, number)
                break
            at = left if number < at else right
        children[number] = (0, 0)
    return children


def test_an_order_passes_if_and_only_if_the_tree_is_the_one_that_nobody_balanced() -> None:
    passed = []
    for order in list(permutations(range(1, 8)))[::97]:
        space = planted(order)
        value = space.value()
        number = {0: 0, **{entry.id: entry.start // 0x1_0000 for entry in value.entries}}
        shape = {number[node.id]: (number[node.left], number[node.right]) for node in value.nodes.values()}
        passed.append(lab.check("02/no-rotation", space).passed)
        assert passed[-1] == (shape == unbalanced(order)), order
    assert {True, False} == set(passed)


def test_rotations_cost_by_their_number_and_the_first_is_named() -> None:
    one = lab.check("02/no-rotation", planted((2, 1, 3, 4, 5, 6, 7)))
    many = lab.check("02/no-rotation", planted((1, 2, 3, 4, 5, 6, 7)))
    assert [criterion.points for criterion in many.criteria] == [1, 0]
    assert "entering 0x3_0000" in many.criteria[1].sentence
    assert "entering 0x5_0000" in one.criteria[1].sentence


def test_pages_that_are_missing_or_too_many_are_no_solution() -> None:
    assert lab.check("02/no-rotation", planted(())).points == 0
    assert lab.check("02/no-rotation", planted((4, 2, 6))).points == 0
    assert lab.check("02/no-rotation", planted((4, 2, 6, 1, 3, 5, 7, 8))).points == 0


def test_a_rotation_in_the_kernels_tree_is_not_the_orchards() -> None:
    """The entries of a task's map take kernel memory, which is entered into the kernel's map; that tree may turn."""
    turned = 0
    for before in range(8):
        machine = vm.boot()
        for _ in range(before):
            machine.kernel_map.enter(vm.PAGE, nomerge=True)
        space = machine.task("t").map
        for number in 4, 2, 6, 1, 3, 5, 7:
            space.enter(vm.PAGE, at=number * 0x1_0000, fixed=True)
            turned += any(isinstance(event, vm.events.TreeRotated) for event in machine.journal.last.events)
        assert lab.check("02/no-rotation", space).passed
    assert turned
