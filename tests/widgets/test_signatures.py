"""A saved picture says which operation it was drawn after, whatever it is a picture of."""

from __future__ import annotations

import pytest

import vmwidgets as vm

MADE = {
    "map": lambda machine, task: vm.Map(task.map),
    "walk": lambda machine, task: vm.Walk(task.walk(0x40_0000)),
    "tables": lambda machine, task: vm.Tables(task),
    "lookup": lambda machine, task: vm.Map(task.map, find=0x40_0000),
    "kernel memory": lambda machine, task: vm.Kmem(machine),
}


@pytest.mark.parametrize("name", MADE)
def test_a_snapshot_names_the_operation_that_it_is_after(name: str) -> None:
    machine = vm.boot("x86-64")
    task = machine.task("init")
    task.map.enter("8 KiB", at=0x40_0000)
    number = machine.journal.last.number
    view = MADE[name](machine, task)
    snapshot = view.snapshot()
    assert snapshot.scene().notes[-1].endswith(f" · after operation {number}")
    assert repr(snapshot).startswith(f"snapshot after operation {number}: ")
    machine.kernel_map.enter("4 KiB")
    assert view.snapshot().scene().notes[-1].endswith(f" · after operation {number + 1}")


def test_a_picture_of_an_earlier_moment_names_the_operation_of_that() -> None:
    machine = vm.boot("x86-64")
    task = machine.task("init")
    number = machine.journal.last.number
    task.map.enter("8 KiB", at=0x40_0000)
    view = vm.Tables(task, moment=(machine.journal.last.serial - 1, None))
    assert view.snapshot().scene().notes[-1].endswith(f" · after operation {number}")


def test_what_has_no_machine_names_no_operation() -> None:
    snapshot = vm.picture(vm.compare_formats([(0x40_0000, "8 KiB")])).snapshot()
    assert repr(snapshot).startswith("snapshot: ")
    assert "operation" not in repr(snapshot)
