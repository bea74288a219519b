"""Notebook 09: what is worth part of the points, and the mistakes that have names; the rest is in test_sheets.py."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

import vmwidgets as vm
from vmwidgets import lab
from vmwidgets.labs.exercises.self_paging import BEFORE, Area, bug, nests

pytestmark = pytest.mark.once

KIB, MIB, PAGE = vm.KIB, vm.MIB, vm.PAGE
THRIFT: list[Any] = [lab.practice("09/thrift", number) for number in range(1, 60)]
BUG: list[Any] = [lab.practice("09/bug", number) for number in range(1, 60)]
WITH_PAGES = next(sheet for sheet in THRIFT if any(area.size < MIB for area in sheet.given.areas))
SECTIONS = next(sheet for sheet in THRIFT if len(sheet.given.areas) == 4)


def points(sheet: Any, thing: object) -> list[int]:
    return [criterion.points for criterion in lab.check(sheet, thing).criteria]


def named(sheet: Any, thing: object) -> set[str]:
    return {one.mistake.name for one in lab.check(sheet, thing).criteria if one.mistake}


# ---- 09/thrift -------------------------------------------------------------------------------


def own_frames(sheet: Any, areas: list[Area], large: str = " large") -> Any:
    """Each area that is not a view has a frame of its own; areas are mapped in the order that is given."""
    domain, frames = sheet.start(), {}
    for area in areas:
        if area.of not in frames:
            frames[area.of or area.name] = domain.frame(
                next(one.size for one in areas if one.name == (area.of or area.name))
            )
    for area in areas:
        frame = frames[area.of or area.name]
        domain.map(frame, at=area.at, size=area.size, flags=("r" if area.of else "rw") + large)
    return domain


def test_a_frame_for_each_area_takes_a_few_slots_more() -> None:
    areas = sorted(SECTIONS.given.areas, key=lambda area: area.of)
    assert points(SECTIONS, own_frames(SECTIONS, areas)) == [2, 1, 1]


def test_small_pages_need_tables_and_refills() -> None:
    areas = sorted(SECTIONS.given.areas, key=lambda area: area.of)
    domain = own_frames(SECTIONS, areas, large="")
    assert points(SECTIONS, domain) == [2, 1, 0]
    assert named(SECTIONS, domain) == {"refilled"}


def test_who_maps_pages_last_refills() -> None:
    areas = sorted(WITH_PAGES.given.areas, key=lambda area: (area.size < MIB, area.of))
    domain = own_frames(WITH_PAGES, areas)
    assert domain.snapshot().slab.total > BEFORE
    assert named(WITH_PAGES, domain) == {"refilled"}
    assert points(WITH_PAGES, domain)[2] == 0


def test_a_device_is_no_memory() -> None:
    domain = SECTIONS.start()
    frame = domain.device_frame("1 GiB", "8 MiB")
    for number, area in enumerate(SECTIONS.given.areas):
        domain.map(frame, at=area.at, offset=number * MIB, size=area.size, flags="r large" if area.of else "rw large")
    assert points(SECTIONS, domain)[1] == 0


def test_one_area_is_a_part_of_the_first_criterion() -> None:
    area = next(one for one in SECTIONS.given.areas if not one.of)
    domain = SECTIONS.start()
    domain.map(domain.frame(area.size), at=area.at, size=area.size, flags="rw large")
    assert points(SECTIONS, domain) == [1, 0, 0]


@pytest.mark.parametrize("number", range(1, 101))
def test_areas_lie_apart_and_views_are_of_other_areas(number: int) -> None:
    given: Any = lab.practice("09/thrift", number).given
    areas = sorted(given.areas, key=lambda area: area.at)
    assert all(low.at + low.size <= high.at for low, high in itertools.pairwise(areas))
    sizes = {area.name: area.size for area in areas if not area.of}
    assert all(sizes[area.of] == area.size for area in areas if area.of)
    assert any(area.of for area in areas)


# ---- 09/bug ----------------------------------------------------------------------------------


def test_the_broken_call_takes_all_rights_and_has_a_name() -> None:
    sheet = BUG[0]
    domain = sheet.start()
    for number in sheet.given.some:
        domain.modify_flags(sheet.given.at + number * PAGE, PAGE, "r")
    assert points(sheet, domain)[:2] == [0, 1]
    assert named(sheet, domain) == {"by modify_flags"}
    *_, kept, _ = lab.check(sheet, domain).criteria
    assert "without any right" in kept.sentence, "the frame is the same"
    assert kept.points == 0


def test_another_frame_at_the_place_is_another_reason() -> None:
    sheet = BUG[0]
    domain, given = sheet.start(), sheet.given
    domain.unmap(given.at, given.size)
    domain.map(domain.frame(given.size), at=given.at, size=given.size, flags="r")
    *_, kept, _ = lab.check(sheet, domain).criteria
    assert "the frame has to be the same" in kept.sentence


def test_without_the_bug_there_is_no_witness() -> None:
    sheet = BUG[0]
    domain = vm.boot("armv7").domain("log")
    given = sheet.given
    domain.map(domain.frame(given.size), at=given.at, size=given.size)
    for number in range(given.pages):
        domain.write(given.at + number * PAGE, f"page {number}".encode())
    for number in given.some:
        domain.modify_flags(given.at + number * PAGE, PAGE, "r")
    assert [criterion.points for criterion in bug(domain, given)] == [2, 1, 1, 0]


def test_some_sheets_cross_a_border_of_tables_and_some_do_not() -> None:
    crossing = {sheet.given.at // MIB != (sheet.given.at + sheet.given.size - 1) // MIB for sheet in BUG}
    assert crossing == {True, False}


def test_descriptors_edited_by_hand_earn_nothing() -> None:
    sheet = BUG[0]
    domain = sheet.start()
    for number in sheet.given.some:
        step = domain.walk(sheet.given.at + number * PAGE).steps[-1]
        domain.machine.set_descriptor(step.pa, step.value | 1 << 9)
    result = lab.check(sheet, domain)
    assert result.points == 0
    assert "edited by hand" in result.criteria[0].sentence


# ---- 09/refill -------------------------------------------------------------------------------

DEEP: Any = next(
    sheet
    for n in range(1, 60)
    if (sheet := lab.practice("09/refill", n)).given.levels == 3  # type: ignore[attr-defined]
)


def test_two_levels_of_three_are_a_part() -> None:
    domain = DEEP.start()
    while domain.snapshot().slab.free > 3:
        domain.map("slots[0]", size=MIB, flags="rw large")
    domain.map("slots[0]", at=DEEP.given.at, size=256 * KIB)
    assert points(DEEP, domain) == [1, 1, 1]


def test_refills_side_by_side_are_not_inside_each_other() -> None:
    domain = DEEP.start()
    frame = domain.frame()
    for number in range(200):
        domain.map(frame, at=0x5000_0000 + number * MIB)
    assert len([head for head in domain.snapshot().slab.heads if head.address]) > 3
    assert max(map(len, nests(domain.snapshot()))) == 1
    assert points(DEEP, domain) == [1, 1, 0]


def test_a_map_that_was_refused_has_refilled_as_well() -> None:
    domain = DEEP.start()
    while domain.snapshot().slab.free > 5:
        domain.map("slots[0]", size=MIB, flags="rw large")
    domain.map(domain.frame(), at=0x5FFF_F000)
    with pytest.raises(vm.KernelError, match="EXISTING_MAPPING"):
        domain.map("slots[0]", at=0x6000_0000 - 60 * MIB, size="60 MiB")
    assert points(DEEP, domain)[0] > 0


def test_a_section_at_the_place_is_not_what_is_asked() -> None:
    domain = DEEP.start()
    domain.map("slots[0]", at=DEEP.given.at, size=MIB, flags="rw large")
    assert points(DEEP, domain) == [0, 0, 0]
