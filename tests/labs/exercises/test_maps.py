"""Mistakes of lab 01 have names; what only looks different is the same."""

from __future__ import annotations

import vmwidgets as vm
from vmwidgets import lab
from vmwidgets.engine.machine.maps import MachineMap
from vmwidgets.labs.exercises.maps import GuardSheet
from vmwidgets.labs.sheet import Sheet


def guarded(sheet: Sheet, *, wrong_end: bool = False) -> MachineMap:
    """A map that is right, page by page, or has each guard at the other end of its stack."""
    space: MachineMap = sheet.start()
    asked = sheet.given
    assert isinstance(asked, GuardSheet)
    for page, what in enumerate(asked.wanted(wrong_end=wrong_end)):
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
    page = asked.base + asked.wanted().index("page") * vm.PAGE
    space.remove(page, size=vm.PAGE)
    assert named(sheet, space) == ["a hole for a page"]
    space.enter(vm.PAGE, at=page, fixed=True, prot="r")
    result = lab.check(sheet, space)
    assert not result.passed
    assert named(sheet, space) == []


def test_half_of_the_stacks_pages_are_half_of_their_points() -> None:
    sheet = lab.practice("01/guard")
    space = guarded(sheet)
    asked = sheet.given
    assert isinstance(asked, GuardSheet)
    space.remove(asked.base + asked.wanted().index("stack") * vm.PAGE, size=vm.PAGE)
    assert [one.points for one in lab.check(sheet, space).criteria] == [1, 1, 1, 1]
