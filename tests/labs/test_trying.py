"""A copy to try something on: what is done in it changes nothing of the machine, and counts for nothing."""

from __future__ import annotations

from typing import Any

import pytest

import vmwidgets as vm
from vmwidgets import lab
from vmwidgets.labs.checking import best


def test_what_is_done_in_a_copy_changes_nothing_outside() -> None:
    task = vm.boot("x86-64").task("t")
    at = task.mmap("16 KiB")
    task.write(at, b"old")
    before = len(task.machine.journal), task.map.entries(), task.resident
    with lab.try_on(task) as copy:
        copy.write(at, b"new")
        copy.map.remove(at + vm.PAGE, size=vm.PAGE)
        assert (copy.read(at, 3), len(copy.map)) == (b"new", 2)
    assert (len(task.machine.journal), task.map.entries(), task.resident) == before
    assert task.read(at, 3) == b"old"


@pytest.mark.parametrize("of", [lambda task: task.machine, lambda task: task, lambda task: task.map])
def test_a_copy_is_the_same_part_of_another_machine(of: Any) -> None:
    task = vm.boot("x86-64").task("t")
    with lab.try_on(of(task)) as copy:
        assert type(copy) is type(of(task))
        assert copy.path == of(task).path
        assert copy is not of(task)


def test_what_a_copy_refuses_is_raised_and_leaves_the_machine_as_it_was() -> None:
    task = vm.boot("x86-64").task("t")
    entries = task.map.entries()
    with lab.try_on(task) as copy:
        copy.map.enter("4 KiB")
        with pytest.raises(vm.Refused, match="size"):
            copy.map.enter("5 bytes")
    assert task.map.entries() == entries


def test_a_copy_of_a_copy_is_one_as_well() -> None:
    with lab.try_on(vm.boot("x86-64")) as copy, lab.try_on(copy) as second:
        second.task("only here")
        assert second.part("task:only here") is not None
        with pytest.raises(vm.Refused, match="not part of this machine"):
            copy.part("task:only here")


def test_a_check_of_a_copy_counts_for_nothing() -> None:
    lab.begin("01", student="anna", course="os")
    stacks = lab.variant("01/guard").start()
    with lab.try_on(stacks) as copy:
        result = lab.check("01/guard", copy)
    assert "counts for nothing" in repr(result)
    assert result.data()["work"] == {}
    assert best(result.of_sheet) == {}
    assert lab.check("01/guard", stacks).points == result.points
    assert list(best(result.of_sheet)) == ["01/guard"]


@pytest.mark.parametrize("thing", [None, 3, "m", {}, lab])
def test_what_is_no_machine_is_refused(thing: Any) -> None:
    with pytest.raises(vm.Refused, match=r"thing=.*use a machine, or a part of a machine"), lab.try_on(thing):
        pass
