"""Mistakes of lab 01 have names; what only looks different is the same."""

from __future__ import annotations

import vmwidgets as vm
from vmwidgets import lab
from vmwidgets.engine.base.units import Address
from vmwidgets.engine.machine.handles.maps import MachineMap
from vmwidgets.labs.exercise import exercise_named
from vmwidgets.labs.exercises.maps import GuardSheet, Stack, page_by_page
from vmwidgets.labs.sheet import Sheet

TWO = GuardSheet(0x10_0000, (Stack("A", 2, down=True, guard="page"), Stack("B", 2, down=False, guard="page")))


def guarded(sheet: Sheet, *, wrong_end: bool = False) -> MachineMap:
    """A map that is right, page by page, or has each guard at the other end of its stack."""
    space: MachineMap = sheet.start()
    asked = sheet.given
    assert isinstance(asked, GuardSheet)
    for page, what in enumerate(page_by_page(asked, wrong_end=wrong_end)):
        if what != "hole":
            prot = "rw" if what == "stack" else "none"
            space.enter(vm.PAGE, at=asked.base + page * vm.PAGE, fixed=True, prot=prot, nomerge=True)
    return space


def named(sheet: Sheet, space: MachineMap) -> list[str]:
    return [one.mistake.name for one in lab.check(sheet, space).criteria if one.mistake]


def test_page_by_page_is_the_same() -> None:
    sheet = lab.practice("01/guard")
    assert lab.check(sheet, guarded(sheet)).passed


def test_a_guard_at_the_wrong_end_is_named() -> None:
    sheet = lab.practice("01/guard")
    assert "guard at the wrong end" in named(sheet, guarded(sheet, wrong_end=True))


def test_a_hole_where_a_page_is_wanted_is_named_and_rights_there_are_not() -> None:
    sheet = lab.practice("01/guard")
    space = guarded(sheet)
    asked = sheet.given
    assert isinstance(asked, GuardSheet)
    page = asked.base + page_by_page(asked).index("page") * vm.PAGE
    space.remove(page, size=vm.PAGE)
    assert named(sheet, space) == ["a hole for a page"]
    space.enter(vm.PAGE, at=page, fixed=True, prot="r")
    result = lab.check(sheet, space)
    assert not result.passed
    assert named(sheet, space) == []


def test_a_page_without_access_where_a_hole_is_wanted_is_named_and_a_stack_there_is_not() -> None:
    sheet = lab.practice("01/guard")
    asked = sheet.given
    assert isinstance(asked, GuardSheet)
    page = asked.base + page_by_page(asked).index("hole") * vm.PAGE
    for prot, names in ("none", ["a hole that is mapped"]), ("rw", []):
        space = guarded(sheet)
        space.enter(vm.PAGE, at=page, fixed=True, prot=prot)
        assert named(sheet, space) == names


def test_half_of_the_stacks_pages_are_half_of_their_points() -> None:
    sheet = lab.practice("01/guard")
    space = guarded(sheet)
    asked = sheet.given
    assert isinstance(asked, GuardSheet)
    page = asked.base + page_by_page(asked).index("stack") * vm.PAGE
    space.remove(page, size=vm.PAGE)
    result = lab.check(sheet, space)
    assert [one.points for one in result.criteria] == [1, 1, 1, 1]
    assert result.criteria[0].actual.endswith(f"the lowest that is not: {Address(page)}")


def test_before_the_first_stack_no_address_is_given_away() -> None:
    sheet = lab.practice("01/guard")
    result = lab.check(sheet, sheet.start())
    assert not any("0x" in one.actual + one.expected for one in result.criteria)
    assert result.criteria[2].expected == "", "nothing was found yet, so nothing is compared"


def test_what_is_wrong_at_a_guard_page_has_its_place() -> None:
    sheet = Sheet(exercise_named("01/guard"), "practice 0", TWO)
    space = guarded(sheet)
    space.protect(TWO.base, size=vm.PAGE, prot="r")
    assert lab.check(sheet, space).criteria[2].actual == "r-- at 0x10_0000"


def test_one_guard_at_the_wrong_end_is_named_too() -> None:
    sheet = Sheet(exercise_named("01/guard"), "practice 0", TWO)
    space: MachineMap = sheet.start()
    for at, count, prot in (0, 1, "none"), (1, 2, "rw"), (3, 1, "none"), (4, 2, "rw"):
        space.enter(count * vm.PAGE, at=TWO.base + at * vm.PAGE, fixed=True, prot=prot)
    result = lab.check(sheet, space)
    assert result.criteria[0].actual == "3 of 4 pages rw-; the lowest that is not: 0x10_3000"
    assert named(sheet, space)[0] == "guard at the wrong end"


def test_a_guard_page_alone_earns_nothing() -> None:
    sheet = Sheet(exercise_named("01/guard"), "practice 0", TWO)
    space: MachineMap = sheet.start()
    space.enter(vm.PAGE, at=TWO.base, fixed=True, prot="none")
    assert lab.check(sheet, space).points == 0


def test_the_map_of_another_sheet_is_said_to_be_one() -> None:
    mine, other = lab.variant("01/gaps"), lab.practice("01/gaps", 3)
    assert lab.check(other, mine.start()).problem == (
        "this machine does not begin as the variant does: call practice.start() and work on its result"
    )
    assert "does not begin" in lab.check("01/gaps", other.start()).problem
