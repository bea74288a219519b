"""What the recipe of lab 08b in course/ does not say: which tasks share a frame."""

from __future__ import annotations

import pytest

import vmwidgets as vm
from vmwidgets import lab
from vmwidgets.engine.machine import Machine
from vmwidgets.engine.machine.handles.tasks import Task
from vmwidgets.labs.exercises.fork import FamilySheet, family, in_page_tables

PAGE = vm.PAGE
AT = 0x40_0000
FAMILY = FamilySheet(
    "init",
    {
        ("init", "left", "right"): 1,
        ("init", "left"): 0,
        ("init", "right"): 0,
        ("left", "right"): 0,
        ("init",): 0,
        ("left",): 0,
        ("right",): 0,
    },
)


def families(machine: Machine) -> list[int]:
    return [criterion.points for criterion in family(machine, FAMILY)]


@pytest.fixture
def home() -> Machine:
    return FAMILY.start()


def three(home: Machine) -> list[Task]:
    init = home.tasks["init"]
    return [init, init.fork("left"), init.fork("right")]


def test_what_a_child_did_not_touch_is_not_in_its_tables(home: Machine) -> None:
    init = home.tasks["init"]
    init.write(init.mmap(PAGE), b"x")
    three(home)
    *_, everyone, _, _, _ = found = list(family(home, FAMILY))
    assert [criterion.points for criterion in found] == [1, 0, 1, 0, 1]
    assert everyone.mistake is not None
    assert everyone.mistake.name == "a fork fills no tables"


def test_a_page_that_a_parent_still_has_is_not_called_unread(home: Machine) -> None:
    wanted = {**FAMILY.frames, ("init", "left", "right"): 0, ("left", "right"): 1}
    init = home.tasks["init"]
    init.write(init.mmap(PAGE, at=AT), b"x")
    for task in three(home)[1:]:
        task.read(AT)
    _, everyone, pairs, _, _ = family(home, FamilySheet("init", wanted))
    assert [one.mistake and one.mistake.name for one in (everyone, pairs)] == ["a page never leaves"] * 2
    init.munmap(AT, PAGE)
    assert [one.points for one in family(home, FamilySheet("init", wanted))] == [1, 2, 1, 1, 1]


def test_a_page_too_many_for_all_three_is_not_one_that_has_to_leave(home: Machine) -> None:
    init = home.tasks["init"]
    init.write(init.mmap(2 * PAGE, at=AT), b"x" * (2 * PAGE))
    for task in three(home)[1:]:
        task.read(AT, 2 * PAGE)
    _, everyone, _, _, _ = family(home, FAMILY)
    assert (everyone.points, everyone.mistake) == (0, None)


def test_a_failed_check_says_what_is_in_page_tables_and_not_what_entries_lead_to(home: Machine) -> None:
    init = home.tasks["init"]
    init.write(init.mmap(PAGE, at=AT), b"x")
    left, _ = three(home)[1:]
    left.read(AT)
    pa = init.walk(AT).pa
    assert pa is not None
    frame = f"{pa // PAGE:#x}"
    rows = [row[:3] for row in in_page_tables(home).scene().table.rows]
    assert rows == [(frame, "init", "0x40_0000"), (frame, "left", "0x40_0000")]
    picture = lab.check("08/family", home).picture
    assert "frames by page table" in picture
    assert "object" not in picture


def test_shared_memory_that_was_only_read_is_shared_too(home: Machine) -> None:
    home.tasks["init"].mmap(PAGE, "r", "shared", at=AT)
    for task in three(home):
        task.read(AT)
    assert families(home) == [1, 2, 1, 1, 0]


def test_a_frame_that_a_task_reaches_twice_is_one_frame(home: Machine) -> None:
    init, film = home.tasks["init"], home.file("film", b"x" * PAGE)
    for at in AT, 2 * AT:
        init.mmap(PAGE, "r", "private", film, at=at)
    for task in three(home):
        task.read(AT)
        task.read(2 * AT)
    assert families(home) == [1, 2, 1, 1, 1]


def test_tasks_that_are_not_forked_are_no_family(home: Machine) -> None:
    for name in "left", "right":
        home.task(name)
    assert families(home)[0] == 0
