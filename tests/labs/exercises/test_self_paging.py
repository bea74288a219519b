"""Notebook 09: what is worth part of the points, and the mistakes that have names; the rest is in test_sheets.py."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

import vmwidgets as vm
from vmwidgets import lab
from vmwidgets.labs.exercises.self_paging import bug, nests

KIB, MIB, PAGE = vm.KIB, vm.MIB, vm.PAGE
GRANT: list[Any] = [lab.practice("09/grant", number) for number in range(1, 10)]
BUG: list[Any] = [lab.practice("09/bug", number) for number in range(1, 60)]


def points(sheet: Any, thing: object) -> list[int]:
    return [criterion.points for criterion in lab.check(sheet, thing).criteria]


def named(sheet: Any, thing: object) -> set[str]:
    return {one.mistake.name for one in lab.check(sheet, thing).criteria if one.mistake}


# ---- 09/grant --------------------------------------------------------------------------------


def granted(sheet: Any, end: str) -> Any:
    """All windows through capabilities of their own; then `end`, in which `back` is the one to be taken back."""
    domain, views = sheet.start(), {}
    for one in sheet.given.windows:
        views[one.name] = domain.mint("slots[0]", one.rights)
        place = {"at": one.at, "offset": one.first * PAGE, "size": one.size}
        domain.map(views[one.name], **place, flags=one.rights)
    exec(end, {"domain": domain, "back": views[sheet.given.back]})
    return domain


@pytest.mark.parametrize(
    ("end", "earned", "mistake"),
    [
        ("domain.delete(back)", [2, 2, 1, 1], set()),
        ("", [2, 2, 0, 1], set()),
        ('domain.revoke("slots[0]")', [0, 2, 0, 0], {"everything is revoked"}),
        ("domain.revoke(back)", [0, 2, 0, 0], {"everything is revoked"}),
        ('domain.delete("slots[0]")', [2, 2, 0, 0], set()),
        ('domain.delete(back); domain.copy("slots[0]")', [2, 2, 0, 1], set()),
    ],
)
def test_what_each_way_of_taking_back_costs(end: str, earned: list[int], mistake: set[str]) -> None:
    for sheet in GRANT[:4]:
        domain = granted(sheet, end)
        assert points(sheet, domain) == earned
        assert named(sheet, domain) == mistake


def test_one_capability_for_two_windows_has_a_name() -> None:
    sheet = next(one for one in GRANT if len({window.rights for window in one.given.windows}) > 1)
    domain = sheet.start()
    view = domain.mint("slots[0]", "rw")
    for one in sheet.given.windows:
        domain.map(view, at=one.at, offset=one.first * PAGE, size=one.size, flags=one.rights)
    domain.delete(view)
    assert points(sheet, domain) == [0, 0, 1, 1]
    assert named(sheet, domain) == {"one capability for two"}


def test_the_servers_own_capability_is_not_the_windows() -> None:
    sheet = GRANT[0]
    domain = sheet.start()
    for one in sheet.given.windows:
        domain.map("slots[0]", at=one.at, offset=one.first * PAGE, size=one.size, flags=one.rights)
    (back,) = (one for one in sheet.given.windows if one.name == sheet.given.back)
    domain.unmap(back.at, back.size)
    assert points(sheet, domain)[1] == 0


@pytest.mark.parametrize("number", range(1, 101))
def test_windows_lie_apart_and_in_the_frame(number: int) -> None:
    given: Any = lab.practice("09/grant", number).given
    windows = sorted(given.windows, key=lambda one: one.at)
    assert all(low.at + low.size <= high.at for low, high in itertools.pairwise(windows))
    assert all(one.first + one.pages <= given.pages for one in windows)
    assert len({one.name for one in windows}) == len(windows) >= 3
    assert given.back in {one.name for one in windows}


# ---- 09/bug ----------------------------------------------------------------------------------


def test_the_broken_call_takes_all_rights_and_has_a_name() -> None:
    sheet = BUG[0]
    domain = sheet.start()
    for number in sheet.given.some:
        domain.modify_flags(sheet.given.at + number * PAGE, PAGE, "r")
    assert points(sheet, domain)[:2] == [0, 1]
    assert named(sheet, domain) == {"by modify_flags"}
    *_, kept, _ = lab.check(sheet, domain).criteria
    assert "without any permission" in kept.sentence, "the frame is the same"
    assert kept.points == 0


def test_another_frame_at_the_place_is_another_reason() -> None:
    sheet = BUG[0]
    domain, given = sheet.start(), sheet.given
    domain.unmap(given.at, given.size)
    domain.map(domain.frame(given.size), at=given.at, size=given.size, flags="r")
    *_, kept, _ = lab.check(sheet, domain).criteria
    assert "use the same frame" in kept.sentence


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

DEEP: Any = next(sheet for n in range(1, 60) if (sheet := lab.practice("09/refill", n)).given.levels == 3)


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
