"""Lab 02: what rotates, whose rotation counts, and which mistake has a name."""

from __future__ import annotations

from itertools import permutations

import vmwidgets as vm
from vmwidgets import lab
from vmwidgets.engine.base.units import Address
from vmwidgets.engine.machine.handles.maps import MachineMap
from vmwidgets.labs.exercises.trees import TreeSheet, no_rotation, rotates
from vmwidgets.labs.sheet import Sheet

from ..solutions import of_lab

found = of_lab("02-trees").found

SHEET = lab.practice("02/no-rotation")


def asked(sheet: Sheet) -> TreeSheet:
    assert isinstance(sheet.given, TreeSheet)
    return sheet.given


def entered(addresses: tuple[int, ...]) -> MachineMap:
    space: MachineMap = SHEET.start()
    for address in addresses:
        space.enter(vm.PAGE, at=address, fixed=True)
    return space


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
    """So what is tried on a tree alone is what the map does."""
    there, passed = asked(SHEET).there, []
    for order in list(permutations(asked(SHEET).wanted))[::37]:
        space = entered(order)
        value = space.value()
        start = {0: 0, **{entry.id: entry.start for entry in value.entries}}
        shape = {start[node.id]: (start[node.left], start[node.right]) for node in value.nodes.values()}
        passed.append(lab.check(SHEET, space).passed)
        assert passed[-1] == (shape == unbalanced((*there, *order))) == (not rotates([*there, *order])), order
    assert {True, False} == set(passed)


def test_the_first_rotation_is_named_and_so_is_an_order_of_addresses() -> None:
    criterion = lab.check(SHEET, entered(asked(SHEET).wanted)).criteria[1]
    assert "was the first to rotate" in criterion.sentence
    assert criterion.mistake is not None
    assert criterion.mistake.name == "in the order of addresses"


def test_a_page_that_is_missing_is_named() -> None:
    *others, last = found(asked(SHEET))
    assert lab.check(SHEET, entered(tuple(others))).criteria[0].actual == f"missing: `{Address(last)}`"


def test_a_part_of_the_pages_is_no_solution() -> None:
    assert lab.check(SHEET, entered(asked(SHEET).wanted[:1])).points == 0


def test_a_rotation_in_the_kernels_tree_is_not_the_tasks() -> None:
    """The entries of a task's map take kernel memory, which is entered into the kernel's map; that tree may turn."""
    turned = 0
    for before in range(8):
        machine = vm.boot()
        machine.kernel_map.fill(len(machine.kernel_map) + before)
        space = machine.task("t").map
        for address in (*asked(SHEET).there, *found(asked(SHEET))):
            space.enter(vm.PAGE, at=address, fixed=True)
            turned += machine.journal.last.rotations
        assert all(criterion.met for criterion in no_rotation(space, asked(SHEET)))
    assert turned
