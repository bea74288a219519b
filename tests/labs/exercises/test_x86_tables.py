"""What the recipes of `course/` leave open."""

from __future__ import annotations

import pytest

import vmwidgets as vm
from vmwidgets import lab
from vmwidgets.engine.machine import Machine
from vmwidgets.labs.exercise import exercise_named
from vmwidgets.labs.exercises.x86_tables import ByHandSheet
from vmwidgets.labs.result import Result
from vmwidgets.labs.sheet import Sheet

PAGES = 0x4000_0000, 0x4000_3000, 0x4020_1000, 0x8000_2000
WRITABLE, USER, PRESENT, EXECUTE_DISABLE = 1 << 1, 1 << 2, 1, 1 << 63


@pytest.fixture
def sheet() -> ByHandSheet:
    return ByHandSheet(PAGES, 2, ("write", "execute"), other_cpu=1)


@pytest.fixture
def hand(sheet: ByHandSheet) -> Machine:
    return sheet.start()


def checked(sheet: ByHandSheet, machine: Machine) -> Result:
    return lab.check(Sheet(exercise_named("06/by-hand"), "practice 0", sheet), machine)


def points(sheet: ByHandSheet, machine: Machine) -> list[int]:
    return [criterion.points for criterion in checked(sheet, machine).criteria]


def mistake(result: Result, number: int) -> str:
    found = result.criteria[number].mistake
    return found.name if found else ""


def edit(machine: Machine, level: int, clear: int, put: int = 0) -> None:
    step = machine.tasks["keys"].walk(PAGES[0]).steps[-level]
    machine.set_descriptor(step.pa, step.value & ~clear | put)


def flush(machine: Machine, *cpus: int, pages: tuple[int, ...] = PAGES[:2]) -> None:
    for cpu in cpus:
        for page in pages:
            machine.cpus[cpu].flush(page)


def test_the_pages_that_are_meant_are_below_one_descriptor(sheet: ByHandSheet) -> None:
    assert sheet.meant == PAGES[:2]
    assert ByHandSheet(PAGES, 3, sheet.rights, 1).meant == PAGES[:3]


def test_no_page_drives_another_out_of_a_tlb() -> None:
    for number in range(1, 21):
        given = lab.practice("06/by-hand", number).given
        assert isinstance(given, ByHandSheet)
        machine = given.start()
        assert [cpu.lookup(page) is None for cpu in machine.cpus for page in given.pages].count(True) == 0


def test_one_of_two_rights_has_a_name(sheet: ByHandSheet, hand: Machine) -> None:
    edit(hand, 2, WRITABLE)
    flush(hand, 0, 2)
    result = checked(sheet, hand)
    assert [one.points for one in result.criteria] == [1, 1, 2, 2, 1]
    assert mistake(result, 0) == "one bit for two rights"


def test_a_flush_that_was_forgotten_is_found_on_each_processor(sheet: ByHandSheet, hand: Machine) -> None:
    edit(hand, 2, WRITABLE, EXECUTE_DISABLE)
    assert points(sheet, hand) == [2, 1, 2, 0, 1]
    flush(hand, 0)
    result = checked(sheet, hand)
    assert [one.points for one in result.criteria] == [2, 1, 2, 1, 1]
    assert "cpu:2 keeps" in repr(result)
    assert mistake(result, 3) == "forgets a processor"


def test_another_tasks_page_at_the_same_address_is_not_to_be_flushed(sheet: ByHandSheet, hand: Machine) -> None:
    edit(hand, 2, WRITABLE, EXECUTE_DISABLE)
    flush(hand, 0, 1, 2)
    result = checked(sheet, hand)
    assert [one.points for one in result.criteria] == [2, 1, 2, 2, 0]
    assert mistake(result, 4) == "flushes another task's"


def test_rights_taken_above_are_taken_from_the_others_too(sheet: ByHandSheet, hand: Machine) -> None:
    edit(hand, 3, WRITABLE, EXECUTE_DISABLE)
    flush(hand, 0, 2, pages=PAGES[:3])
    result = checked(sheet, hand)
    assert [one.points for one in result.criteria] == [2, 0, 2, 2, 1]
    assert mistake(result, 1) == "a table too high"


def test_pages_that_are_gone_have_not_lost_a_right(sheet: ByHandSheet, hand: Machine) -> None:
    edit(hand, 2, PRESENT)
    result = checked(sheet, hand)
    assert [one.points for one in result.criteria] == [0, 0, 0, 0, 0]
    assert "next access maps it again" in result.criteria[0].sentence
    assert result.criteria[0].actual == "no page at 0x4000_0000 and 0x4000_3000"
    assert mistake(result, 0) == "clears P"


def test_a_bit_that_takes_more_than_asked_is_said_to(sheet: ByHandSheet, hand: Machine) -> None:
    edit(hand, 2, USER)
    flush(hand, 0, 2)
    result = checked(sheet, hand)
    assert [one.points for one in result.criteria] == [2, 0, 2, 2, 1]
    assert "which bit forbids only the accesses in question?" in result.criteria[1].sentence
    assert result.criteria[1].actual.startswith("user code may not read at 0x4000_0000;")
    assert mistake(result, 1) == "a bit too strong"


def test_a_change_by_the_map_is_none_by_hand(sheet: ByHandSheet, hand: Machine) -> None:
    for page in PAGES[:2]:
        hand.task("keys").map.protect(page, size=vm.PAGE, prot="r")
    result = checked(sheet, hand)
    assert [one.points for one in result.criteria] == [2, 1, 0, 2, 1], "neither written nor executed"
    assert "not a call of the map" in result.criteria[2].sentence
    assert mistake(result, 2) == "leaves it to the map"
    edit(hand, 1, 0)  # the same word again
    assert points(sheet, hand)[2] == 0
    edit(hand, 2, WRITABLE, EXECUTE_DISABLE)
    asked_of_one = checked(sheet, hand).criteria[2]
    assert asked_of_one.points == 0
    assert "not a call of the map" in asked_of_one.sentence, "one descriptor was changed by hand, as it should be"


def test_another_tasks_descriptor_is_named_and_needs_no_flush(sheet: ByHandSheet, hand: Machine) -> None:
    step = hand.tasks["mail"].walk(PAGES[0]).steps[-2]
    hand.set_descriptor(step.pa, step.value & ~WRITABLE)
    result = checked(sheet, hand)
    assert [one.points for one in result.criteria] == [0, 0, 0, 0, 0]
    assert result.criteria[1].actual.startswith("user code may not write at 0x4000_0000 of mail;")
    assert mistake(result, 0) == mistake(result, 1) == "another task's tables"
    assert "cpu:" not in repr(result)


def test_a_flush_before_the_change_does_not_count(sheet: ByHandSheet, hand: Machine) -> None:
    flush(hand, 0, 2)
    edit(hand, 2, WRITABLE, EXECUTE_DISABLE)
    result = checked(sheet, hand)
    assert [one.points for one in result.criteria] == [2, 1, 2, 0, 1]
    assert "cpu:0 flushed before the change" in result.criteria[3].actual
    assert mistake(result, 3) == "flushes first"
    flush(hand, 0, 2)
    assert checked(sheet, hand).passed


def test_a_descriptor_for_each_page_misses_the_idea(sheet: ByHandSheet, hand: Machine) -> None:
    for page in PAGES[:2]:
        step = hand.tasks["keys"].walk(page).steps[-1]
        hand.set_descriptor(step.pa, step.value & ~WRITABLE | EXECUTE_DISABLE)
    flush(hand, 0, 2)
    assert points(sheet, hand) == [2, 1, 0, 2, 1]


def test_each_sheet_means_pages_of_several_tables_or_entries() -> None:
    for number in range(1, 101):
        given = lab.practice("06/by-hand", number).given
        assert isinstance(given, ByHandSheet)
        assert len(given.meant) > 1


def test_a_page_that_is_another_is_not_as_it_was(sheet: ByHandSheet, hand: Machine) -> None:
    step = hand.tasks["keys"].walk(PAGES[0]).steps[-1]
    hand.set_descriptor(step.pa, step.value ^ 1 << 39)
    edit(hand, 2, WRITABLE, EXECUTE_DISABLE)
    assert points(sheet, hand)[:3] == [2, 0, 0]


def test_an_edit_that_was_undone_does_not_count(sheet: ByHandSheet, hand: Machine) -> None:
    edit(hand, 3, WRITABLE)
    hand.undo_descriptor()
    edit(hand, 2, WRITABLE, EXECUTE_DISABLE)
    flush(hand, 0, 2)
    assert checked(sheet, hand).passed


def test_a_page_that_was_used_again_may_be_remembered_as_it_is_now(sheet: ByHandSheet, hand: Machine) -> None:
    edit(hand, 2, WRITABLE, EXECUTE_DISABLE)
    flush(hand, 0, 2)
    assert [hand.cpus[number].load(PAGES[0], 3) for number in (0, 2)] == [b"key", b"key"]
    assert checked(sheet, hand).passed


def test_a_machine_without_the_task_is_refused_in_a_sentence() -> None:
    result = lab.check("06/by-hand", vm.boot("x86-64"))
    assert result.points == 0
    assert result.problem or result.criteria
