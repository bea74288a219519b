from __future__ import annotations

import pytest

import vmwidgets as vm
from vmwidgets.engine.machine.handles.maps import MachineMap
from vmwidgets.labs.exercises.structures import gaps, in_words, runs

PAGE = vm.PAGE


@pytest.fixture
def space() -> MachineMap:
    machine = vm.boot()
    machine.object("film")
    machine.object("sheet")
    return machine.task("t").map


def sizes(space: MachineMap) -> list[int]:
    return [run.size // PAGE for run in runs(space)]


def test_what_promises_the_same_is_one_run(space: MachineMap) -> None:
    for page in range(4):
        space.enter(PAGE, at=(8 + page) * PAGE, nomerge=page % 2 == 0)
    assert len(space) == 4
    assert sizes(space) == [4]


@pytest.mark.parametrize(
    "other", [{"prot": "r"}, {"inherit": "share"}, {"advice": "random"}, {"object": "film"}], ids=str
)
def test_what_promises_something_else_is_another(space: MachineMap, other: dict[str, str]) -> None:
    space.enter(PAGE, at=8 * PAGE)
    space.enter(PAGE, at=9 * PAGE, **other)  # type: ignore[arg-type]  # each is one of its options
    assert sizes(space) == [1, 1]


def test_objects_go_on_only_in_themselves_and_at_the_right_offset(space: MachineMap) -> None:
    for page, name, offset in (8, "film", 0), (9, "film", 1), (10, "film", 3), (11, "sheet", 4):
        space.enter(PAGE, at=page * PAGE, object=name, offset=offset * PAGE)
    assert sizes(space) == [2, 1, 1]


def test_a_gap_ends_a_run_and_lies_between(space: MachineMap) -> None:
    space.enter(PAGE, at=8 * PAGE)
    space.enter(PAGE, at=11 * PAGE)
    assert sizes(space) == [1, 1]
    assert gaps(space) == [(9 * PAGE, 11 * PAGE)]


def test_words_are_not_endless(space: MachineMap) -> None:
    assert in_words(space) == "nothing is mapped"
    for page in range(8, 40, 2):
        space.enter(PAGE, at=page * PAGE)
    assert in_words(space).endswith("and 10 more")
