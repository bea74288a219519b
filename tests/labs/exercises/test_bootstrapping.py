from __future__ import annotations

from contextlib import suppress

import pytest

import vmwidgets as vm
from vmwidgets import Machine, lab


def filled(order: list[str]) -> Machine:
    machine = vm.boot(layout="tiny")
    with suppress(vm.KernelPanic):
        for prot in order:
            machine.kernel_map.enter(vm.PAGE, prot=prot)
    return machine


def points(machine: Machine) -> list[int]:
    return [criterion.points for criterion in lab.check("04/thrifty", machine).criteria]


@pytest.mark.parametrize("order", [["rw"] * 100 + ["r"] * 100, ["r"] * 100 + ["rw"] * 100], ids=["rw", "r"])
def test_one_kind_after_the_other_passes(order: list[str]) -> None:
    assert lab.check("04/thrifty", filled(order)).passed


def test_texts_are_sizes_as_well() -> None:
    machine = vm.boot(layout="tiny")
    for prot in ["rw"] * 100 + ["r"] * 100:
        machine.kernel_map.enter("1 page", prot=prot)
    assert lab.check("04/thrifty", machine).passed


def test_in_turns_the_machine_dies() -> None:
    machine = filled(["rw", "r"] * 100)
    assert machine.dead
    assert points(machine) == [0, 0, 0]


def test_slots_cost_by_their_number() -> None:
    assert points(filled((["rw"] * 5 + ["r"] * 5) * 20)) == [1, 2, 1]
    assert points(filled(["rw"] * 100 + ["r"] * 50)) == [1, 1, 0]


def test_all_in_one_call_is_not_the_exercise() -> None:
    machine = vm.boot(layout="tiny")
    for prot in "rw", "r":
        machine.kernel_map.enter(100 * vm.PAGE, prot=prot)
    assert points(machine) == [1, 2, 0]


def test_nothing_done_is_only_alive() -> None:
    assert points(vm.boot(layout="tiny")) == [1, 0, 0]
