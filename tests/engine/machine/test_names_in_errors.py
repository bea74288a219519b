"""Errors call maps, tasks and objects what learners call them; paths are for journals and pictures' targets."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

import vmwidgets as vm
from tests.engine.machine.random_door import Walker
from vmwidgets import PAGE
from vmwidgets.engine.base.called import called

PATH = re.compile(r"\b(task|domain|object):|\bkmem/|/map\b")
"""What is in a path, and in no name of these lives."""


def failures_of(life: Walker, steps: int) -> list[str]:
    """What the operations of a life said that failed."""
    found: dict[int, str] = {}
    for _ in range(steps):
        life.step()
        if not life.machine.dead and len(life.machine.journal) and life.machine.journal.last.outcome == "error":
            found[life.machine.journal.last.serial] = life.machine.journal.last.said
    return [*found.values()]


@pytest.mark.parametrize("architecture", ["x86-64", "armv7"])
def test_no_error_of_an_operation_says_a_path(architecture: str) -> None:
    said = [why for seed in range(3) for why in failures_of(Walker(architecture, seed), 250)]
    assert [why for why in said if PATH.search(why)] == []
    assert sum("the map of " in why for why in said) > 3


@pytest.fixture
def machine() -> vm.Machine:
    made = vm.boot("x86-64", layout="small")
    made.task("init").map.enter(8 * PAGE, at=0x40_0000, fixed=True)
    return made


def test_an_error_of_each_door_names_the_map(machine: vm.Machine) -> None:
    task = machine.tasks["init"]
    end = int(task.map.end)
    doors: dict[str, list[Callable[[], object]]] = {
        "the map of init": [
            lambda: task.read(0x7000),
            lambda: task.map.remove(0, size=end * 2),
            lambda: task.map.enter(PAGE, at=end),
            lambda: task.map.lookup(end),
            lambda: task.mmap(PAGE, at=end, flags="private fixed"),
            lambda: task.exec(heap=end),
            lambda: task.msync(0x7000, PAGE),
            lambda: task.madvise(0x7000, PAGE, "dontneed"),
        ],
        "kmem.kernel_map": [
            lambda: machine.kmem.kernel_map.lookup(0),
            machine.kmem.kernel_map.unlock,
            lambda: machine.kmem_free(machine.kmem.kernel_map.start, PAGE, map=machine.kmem.kernel_map),
        ],
    }
    for name, calls in doors.items():
        for call in calls:
            with pytest.raises(vm.VMError) as error:
                call()
            assert name in str(error.value) and not PATH.search(str(error.value)), error.value


def test_a_name_with_a_slash_is_as_it_was_given(machine: vm.Machine) -> None:
    task = machine.task("a/b")
    with pytest.raises(vm.KernelError, match="no entry of the map of a/b holds"):
        task.read(0x7000)
    assert called(task.map.path) == "the map of a/b"
