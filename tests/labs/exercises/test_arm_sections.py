"""Notebook 07: what is worth part of the points, and the mistakes that have names; the rest is in test_sheets.py."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

import vmwidgets as vm
from vmwidgets import lab
from vmwidgets.labs.exercises.arm_sections import AS_IT_IS, CLOSED, MANAGED, SECTION

FEWS: list[Any] = [lab.practice("07/eleven", number) for number in range(1, 50)]
DOORS: list[Any] = [lab.practice("07/door", number) for number in range(1, 50)]
FEW = next(sheet for sheet in FEWS if len(sheet.given.parts) == 3)
DOOR = next(sheet for sheet in DOORS if len(sheet.given.of(CLOSED)) == 2)


def points(sheet: Any, thing: object) -> list[int]:
    return [criterion.points for criterion in lab.check(sheet, thing).criteria]


def named(sheet: Any, thing: object) -> set[str]:
    return {one.mistake.name for one in lab.check(sheet, thing).criteria if one.mistake}


def mapped(task: Any, at: int, parts: Any, page: str | None) -> None:
    for part in parts:
        task.map.enter(part.size, at=at, object=part.name)
        if page is None:
            task.map.wire(at, size=part.size)
        else:
            task.map.superpages(at, size=part.size, page=page)
        at += 16 * SECTION


def test_large_pages_alone_are_half_of_it() -> None:
    task = FEW.start()
    mapped(task, 64 * vm.MIB, FEW.given.parts, "64 KiB")
    assert points(FEW, task) == [2, 1, 0]


def test_small_pages_are_far_too_many() -> None:
    task = FEW.start()
    mapped(task, 64 * vm.MIB, FEW.given.parts, None)
    assert points(FEW, task) == [2, 0, 0]


def test_one_object_alone_is_half_of_the_first_criterion() -> None:
    task = FEW.start()
    mapped(task, 64 * vm.MIB, FEW.given.parts[:1], "64 KiB")
    assert points(FEW, task) == [1, 0, 0]


def test_addresses_out_of_step_have_a_name() -> None:
    sheet = next(one for one in FEWS if any(part.head for part in one.given.parts))
    task = sheet.start()
    mapped(task, 64 * vm.MIB, sheet.given.parts, "64 KiB")
    assert named(sheet, task) == {"addresses out of step"}


def test_an_entry_is_no_translation_and_that_has_a_name() -> None:
    task = FEW.start()
    for number, part in enumerate(FEW.given.parts):
        task.map.enter(part.size, at=(64 + 16 * number) * vm.MIB, object=part.name)
    assert points(FEW, task) == [0, 0, 0]
    assert named(FEW, task) == {"an entry for a translation"}


def test_each_sheet_needs_its_objects_to_share_a_mib() -> None:
    """Else the last criterion would ask nothing."""
    for number in range(1, 101):
        given: Any = lab.practice("07/eleven", number).given
        assert sum(part.head + part.tail > 0 for part in given.parts) >= 2
        assert sum(part.head + part.tail for part in given.parts) <= 16
        assert any(part.sections for part in given.parts)
        assert all((part.pa + part.head * 0x1_0000) % SECTION == 0 for part in given.parts if part.sections)


def put(bank: Any, address: int, domain: int) -> None:
    step = bank.tasks["vault"].walk(address).steps[0]
    bank.set_descriptor(step.pa, step.value | domain << 5)


def dacr(bank: Any, domain: int, two_bits: int) -> None:
    bank.controls = replace(bank.controls, dacr=bank.controls.dacr & ~(3 << 2 * domain) | two_bits << 2 * domain)


def test_one_of_two_closed_is_half() -> None:
    bank, given = DOOR.start(), DOOR.given
    put(bank, given.of(CLOSED)[0].at, 5)
    dacr(bank, 5, 0)
    assert points(DOOR, bank) == [1, 0, 1, 1]


def test_domains_without_dacr_are_nothing_done() -> None:
    bank = DOOR.start()
    put(bank, DOOR.given.of(CLOSED)[0].at, 5)
    assert points(DOOR, bank) == [0, 0, 0, 0]


def test_who_closes_domain_0_locks_out_the_kernel() -> None:
    bank = DOOR.start()
    dacr(bank, 0, 0)
    assert points(DOOR, bank) == [2, 0, 0, 1]
    assert named(DOOR, bank) == {"domain 0 is closed"}


def test_rights_changed_by_descriptor_are_not_the_domains_work() -> None:
    """The read-only object can be written, and not because of its domain."""
    bank, given = DOOR.start(), DOOR.given
    (managed,) = given.of(MANAGED)
    bank.tasks["vault"].map.protect(managed.at, size=SECTION if managed.section else vm.PAGE, prot="rw")
    bank.tasks["vault"].write(managed.at, b"x")
    assert points(DOOR, bank) == [0, 1, 1, 0]


def test_a_fault_of_another_kind_is_no_closed_door() -> None:
    bank = DOOR.start()
    for one in DOOR.given.of(CLOSED):
        bank.set_descriptor(bank.tasks["vault"].walk(one.at).steps[0].pa, 0)
    assert points(DOOR, bank) == [0, 0, 0, 0]


def test_a_domain_in_the_second_level_changes_the_page_and_has_a_name() -> None:
    """Its bits are those of a memory type there, which neither rights nor addresses show."""
    sheet = next(one for one in DOORS if any(not part.section for part in one.given.of(CLOSED)))
    bank = sheet.start()
    (page, *_) = [one for one in sheet.given.of(CLOSED) if not one.section]
    for one in sheet.given.of(CLOSED):
        put(bank, one.at, 5)
    for one in sheet.given.of(MANAGED):
        put(bank, one.at, 3)
    last = bank.tasks["vault"].walk(page.at).steps[-1]
    bank.set_descriptor(last.pa, last.value | 4 << 5)
    dacr(bank, 5, 0)
    dacr(bank, 3, 3)
    assert points(sheet, bank) == [2, 1, 1, 0]
    assert named(sheet, bank) == {"a domain in the second level"}


def test_a_failed_check_says_domains_and_dacr() -> None:
    bank, (managed,) = DOOR.start(), DOOR.given.of(MANAGED)
    put(bank, managed.at, 7)
    dacr(bank, 7, 3)
    dacr(bank, 0, 0)
    picture = lab.check(DOOR, bank).picture
    assert f"{managed.name}: domain 7 (manager); read: no fault, write: no fault<" in picture
    (other, *_) = DOOR.given.of(AS_IT_IS) or DOOR.given.of(CLOSED)
    assert f"{other.name}: domain 0 (no access); read: domain fault, write: domain fault<" in picture
    assert "DACR 0x5555d554" in picture


@pytest.mark.parametrize("number", range(1, 101))
def test_no_two_of_a_sheet_share_a_first_level_descriptor(number: int) -> None:
    """Else one could not be closed without the other."""
    given: Any = lab.practice("07/door", number).given
    assert len({one.at // SECTION for one in given.ranges}) == len(given.ranges)
    assert given.of(CLOSED)
    assert given.of(AS_IT_IS)
