"""Lab 03: which mistakes have names, and what a part of a solution earns."""

from __future__ import annotations

import vmwidgets as vm
from vmwidgets import lab
from vmwidgets.engine.machine.handles.maps import MachineMap
from vmwidgets.labs.exercises.cutting import WholeSheet, WindowSheet
from vmwidgets.labs.sheet import Sheet

from ..solutions import of_lab

SOLUTIONS = of_lab("03-cutting")
all_then_what_stays, cut, only_what_differs = SOLUTIONS.all_then_what_stays, SOLUTIONS.cut, SOLUTIONS.only_what_differs

WINDOW, WHOLE = lab.practice("03/window"), lab.practice("03/whole")


def run(sheet: Sheet, recipe: str) -> MachineMap:
    space: MachineMap = sheet.start()
    exec(recipe, {"vm": vm, "thing": space})
    return space


def names(sheet: Sheet, space: MachineMap) -> list[str]:
    return [one.mistake.name for one in lab.check(sheet, space).criteria if one.mistake]


def window() -> WindowSheet:
    assert isinstance(WINDOW.given, WindowSheet)
    return WINDOW.given


def whole() -> WholeSheet:
    assert isinstance(WHOLE.given, WholeSheet)
    return WHOLE.given


def test_a_forgotten_offset_is_named() -> None:
    shows = next(part for part in window().parts if part.what == "shows")
    space = run(WINDOW, cut(window(), offset=-shows.shows))
    assert names(WINDOW, space) == ["no offset"]


def test_an_address_in_use_is_named_and_no_offset_is_asked_for() -> None:
    """The page that is there was not removed, and the address only a hint: the mapping is placed elsewhere."""
    lines = cut(window()).splitlines()
    for number, line in enumerate(lines):
        if "enter" in line:
            lines[number - 1], lines[number] = "", line.replace("fixed=True, ", "")
    assert names(WINDOW, run(WINDOW, "\n".join(lines))) == ["an address in use"]


def test_one_page_too_many_is_named() -> None:
    hole = next(part for part in window().parts if part.what == "hole" and part.end not in window().pages("hole"))
    space = run(WINDOW, cut(window()))
    space.remove(window().base + hole.end * vm.PAGE, size=vm.PAGE)
    assert names(WINDOW, space) == ["a page too many"]


def test_a_page_that_is_still_to_be_mapped_again_is_not_one_too_many() -> None:
    """Next to the hole, a page was unmapped to show another page of the film."""
    sheets = ((sheet := lab.practice("03/window", number), sheet.given) for number in range(1, 100))
    sheet, asked = next(
        (sheet, asked)
        for sheet, asked in sheets
        if isinstance(asked, WindowSheet)
        and len(asked.pages("shows")) == 1
        and asked.pages("shows")[0] - 1 in asked.pages("hole")
    )
    space = run(sheet, cut(asked))
    space.remove(asked.base + asked.pages("shows")[0] * vm.PAGE, size=vm.PAGE)
    result = lab.check(sheet, space)
    assert result.criteria[0].sentence == "the wrong pages are unmapped"
    assert names(sheet, space) == []


def test_memory_that_is_not_the_films_is_wrong() -> None:
    space = run(WINDOW, cut(window()))
    kept = window().base + window().pages("r")[0] * vm.PAGE
    space.remove(kept, size=vm.PAGE)
    space.enter(vm.PAGE, at=kept, fixed=True, prot="r")
    assert [one.met for one in lab.check(WINDOW, space).criteria] == [True, True, False, True, True]


def test_memory_that_merges_with_the_windows_end_is_beside_it() -> None:
    space = run(WINDOW, cut(window()))
    last = space.entries()[-1]
    space.enter(
        vm.PAGE, at=last.end, fixed=True, prot=last.protection, object=last.object, offset=last.offset + last.size
    )
    assert [one.met for one in lab.check(WINDOW, space).criteria] == [True, True, True, True, False]


def test_a_window_that_is_gone_has_no_rights() -> None:
    space = run(WINDOW, f"thing.remove({window().base}, size=16 * vm.PAGE)")
    assert not lab.check(WINDOW, space).criteria[3].met


def test_what_should_stay_and_does_not_is_named() -> None:
    every = all_then_what_stays(whole()).rpartition("\n")[0]
    assert names(WHOLE, run(WHOLE, every)) == ["what should stay was changed"]


def test_a_seam_that_is_left_is_named() -> None:
    assert names(WHOLE, run(WHOLE, only_what_differs(whole()))) == ["a seam is left"]


def test_fewer_wrong_pages_are_a_part_of_the_points() -> None:
    first, *_ = only_what_differs(whole()).splitlines()
    assert lab.check(WHOLE, run(WHOLE, first)).criteria[0].points == 1
