"""A picture drawn after each operation knows what was before it: it is the picture that is drawn for the first time."""

from __future__ import annotations

import random
from contextlib import suppress
from typing import Any

import pytest

import vmwidgets as vm
from tests.views.lives import Life
from vmwidgets.pictures import moments

PAGE = vm.PAGE


def same_as_new(picture: Any) -> None:
    """A picture is drawn with what earlier ones left, and then as if none had been drawn."""
    drawn = picture().scene()
    kept, moments._LATEST = moments._LATEST, type(moments._LATEST)()
    try:
        assert picture().scene() == drawn
    finally:
        moments._LATEST = kept


def pictures_of(machine: Any) -> list[Any]:
    parts = [vm.Map, vm.Tree, vm.EntryList]
    found = [lambda kind=kind: kind(machine.kernel_map) for kind in parts]
    found += [
        lambda kind=kind: kind(machine) for kind in (vm.Frames, vm.Objects, vm.Kmem, vm.Threads, vm.Tlb, vm.Sharing)
    ]
    return found


def test_one_replay_of_an_operation_is_enough_for_pictures_of_several_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = vm.boot("x86-64")
    looked: list[int] = []
    before = type(machine.history)._before

    def counted(history: Any, number: int) -> Any:
        looked.append(number)
        return before(history, number)

    monkeypatch.setattr(type(machine.history), "_before", counted)
    pictures = vm.EntryList(machine.kernel_map), vm.Slabs(machine), vm.Kmem(machine), vm.Threads(machine)
    for _ in range(3):
        looked.clear()
        machine.kernel_map.enter(PAGE)
        for picture in pictures:
            picture.scene()
    assert looked == [machine.journal.last.number], "after the first operation it is known what will be asked for"


def test_many_selections_keep_few_values() -> None:
    space = vm.boot("x86-64").task("init").map
    space.fill(400)
    for entry in [*space][:60]:
        vm.Map(space, selection=f"entry:{entry.id}").scene()
    assert max(map(len, moments._LATEST[space.machine].values())) <= moments.MOST_REQUESTS


@pytest.mark.parametrize("seed", range(3))
def test_kernel_memory_is_drawn_after_each_operation_as_for_the_first_time(seed: int) -> None:
    life = Life(seed)
    for _ in life.go_on(25):
        for picture in pictures_of(life.machine):
            same_as_new(picture)


def test_tasks_are_drawn_so_after_undo_and_in_a_map_that_folds() -> None:
    machine, draws = vm.boot("x86-64"), random.Random(5)
    task = machine.task("init")
    task.map.fill(290)
    for number in range(30):
        with suppress(vm.VMError):
            if number % 9 == 8:
                machine.undo()
            elif number % 5 == 4:
                machine.tasks["init"].fork(f"child {number}")
            else:
                machine.tasks["init"].write(machine.tasks["init"].mmap(draws.randrange(1, 4) * PAGE), b"x")
        for kind in (vm.Map, vm.Tree):
            same_as_new(lambda kind=kind: kind(machine.tasks["init"].map))
        for kind in (vm.Objects, vm.Sharing, vm.Clock):
            same_as_new(lambda kind=kind: kind(machine))
