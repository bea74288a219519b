"""The list of operations that the page gets, and where an empty picture leads."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

import vmwidgets as vm
from tests.widgets.page import draw
from vmwidgets.engine.base.journal import Journal
from vmwidgets.pictures.moments import When
from vmwidgets.pictures.operations import AROUND, LONGEST, operations_around
from vmwidgets.widgets.host.packing import unpack


def when_of(view: vm.View) -> dict[str, Any]:
    """What the newest frame says of its moment."""
    when: dict[str, Any] = unpack(view.frame["data"])["when"]
    return when


@pytest.fixture
def machine() -> vm.Machine:
    return vm.boot("x86-64", layout="small")


def test_an_operation_is_called_by_what_was_asked_and_where(machine: vm.Machine) -> None:
    task = machine.task("init")
    at = task.mmap("64 KiB")
    task.write(at, b"x" * 5000)
    with suppress(vm.KernelError):
        task.map.enter("4 KiB", at=at, fixed=True)
    with suppress(vm.VMError):
        task.read(0x50_0000, 1)
    names = [name for _, name in operations_around(machine.journal, 3)]
    assert names == [
        "0 · boot x86-64 64 MiB",
        "1 · task init",
        "2 · mmap 64 KiB at 0x1_0000, of init",
        "3 · write 5,000 bytes at 0x1_0000, of init",
        "4 · enter 4 KiB at 0x1_0000, of init ✗",
        "5 · read 1 at 0x50_0000, of init ✗",
    ]


def test_an_edit_of_a_descriptor_is_named_by_place_and_value_as_pictures_write_them(machine: vm.Machine) -> None:
    task = machine.task("init")
    at = task.mmap("4 KiB")
    task.write(at, b"x")
    step = task.walk(at).steps[-1]
    machine.set_descriptor(step.pa, step.value & ~1)
    number = len(machine.journal) - 1
    names = dict(operations_around(machine.journal, number))
    assert names[number] == f"{number} · set_descriptor {step.value & ~1:#x} at {vm.Address(step.pa)}"


def test_of_many_operations_those_near_are_named_and_the_first_and_the_latest(machine: vm.Machine) -> None:
    for _ in range(100):
        machine.kernel_map.lookup(machine.kernel_map.start)
    numbers = [number for number, _ in operations_around(machine.journal, 50)]
    assert numbers == [0, *range(50 - AROUND, 51 + AROUND), 100]


def test_a_journal_without_operations_has_no_list() -> None:
    assert operations_around(Journal(), -1) == []


def test_an_operation_that_took_the_place_of_another_has_its_own_name(machine: vm.Machine) -> None:
    machine.task("one")
    machine.task("after")
    assert dict(operations_around(machine.journal, 1))[1] == "1 · task one"
    machine.undo(2)
    machine.task("two")
    machine.task("after")
    assert dict(operations_around(machine.journal, 1))[1] == "1 · task two"


def test_names_are_short_and_hold_no_line_break(machine: vm.Machine) -> None:
    machine.task("a\n<b>" * 40)
    ((_, name),) = [one for one in operations_around(machine.journal, 1) if one[0] == 1]
    assert "\n" not in name
    assert len(name) <= LONGEST + 4


def test_each_frame_has_the_list(machine: vm.Machine) -> None:
    view = vm.Map(machine.kernel_map)
    view.open()
    machine.kernel_map.enter("16 KiB")
    draw(view)
    assert when_of(view)["operations"][-1][0] == 1
    assert "enter 16 KiB at 0x" in when_of(view)["operations"][-1][1]


def test_an_empty_picture_leads_to_the_operation_that_makes_the_thing(machine: vm.Machine) -> None:
    machine.kernel_map.enter("16 KiB")
    task = machine.task("init")
    place = task.mmap("4 KiB")
    machine.kmem_suballoc("64 KiB", "mine")
    things = {vm.Map(task): 2, vm.Walk(task.walk(place)): 2, vm.Map(machine.kmem.maps["mine"]): 4}
    for view, made in things.items():
        view.open()
        view.moment = When(machine.journal[1].serial)
        draw(view)
        assert when_of(view)["made"] == made
        assert f"operation {made} makes" in unpack(view.frame["data"])["scene"]["caption"]["text"]
        view.moment = When(machine.journal[made].serial)
        draw(view)
        assert "made" not in when_of(view)
        assert view.status == ""
        view.moment = None


def test_a_moment_past_the_end_of_an_operation_is_refused(machine: vm.Machine) -> None:
    machine.kernel_map.enter("16 KiB")
    operation = machine.journal.last
    events = len(operation.events)
    view = vm.Map(machine.kernel_map)
    with pytest.raises(vm.Refused, match=rf"moment=\(1, 1000000\), but operation 1 has {events} events"):
        view.moment = (operation.serial, 10**6)
    with pytest.raises(vm.Refused, match="events"):
        vm.Map(machine.kernel_map, moment=(operation.serial, events + 1))
    view.moment = (operation.serial, events)
    assert view.scene().steps.index == view.steps - 1
