from __future__ import annotations

from collections.abc import Callable

import pytest

import vmwidgets as vm
from vmwidgets import lab
from vmwidgets.engine.machine.maps import MachineMap

START, PAGE = 0x40_0000, vm.PAGE


def points(name: str, space: MachineMap) -> list[int]:
    return [criterion.points for criterion in lab.check(name, space).criteria]


@pytest.fixture
def window() -> MachineMap:
    machine = vm.boot()
    space = machine.task("t").map
    space.enter(16 * PAGE, at=START, object=machine.object("film"))
    return space


def page(number: int) -> int:
    return START + number * PAGE


def cut(space: MachineMap) -> None:
    space.remove(page(4), size=4 * PAGE)
    space.protect(page(12), size=PAGE, prot="r")


def put_together(space: MachineMap) -> None:
    """From single mappings: more entries, the same memory."""
    space.remove(START, size=16 * PAGE)
    for number in [*range(4), *range(8, 16)]:
        prot = "r" if number == 12 else "rw"
        space.enter(PAGE, at=page(number), object="film", offset=number * PAGE, prot=prot, nomerge=number % 2 == 0)


@pytest.mark.parametrize("solve", [cut, put_together])
def test_equivalent_windows_pass(window: MachineMap, solve: Callable[[MachineMap], None]) -> None:
    solve(window)
    assert lab.check("03/window", window).passed


def test_nothing_done_is_nothing_earned(window: MachineMap) -> None:
    assert points("03/window", window) == [0, 0, 0, 0]


def test_a_forgotten_offset_costs_a_point_and_is_named(window: MachineMap) -> None:
    window.remove(page(4), size=12 * PAGE)
    window.enter(4 * PAGE, at=page(8), object="film", offset=8 * PAGE)
    window.enter(PAGE, at=page(12), object="film", offset=12 * PAGE, prot="r")
    window.enter(3 * PAGE, at=page(13), object="film", offset=12 * PAGE)
    assert points("03/window", window) == [1, 1, 1, 1]
    assert "wrong at pages 13, 14, 15" in repr(lab.check("03/window", window))


def test_memory_that_is_not_the_films_is_wrong(window: MachineMap) -> None:
    window.remove(START, size=16 * PAGE)
    for first, count, prot in (0, 4, "rw"), (8, 4, "rw"), (12, 1, "r"), (13, 3, "rw"):
        window.enter(count * PAGE, at=page(first), prot=prot)
    assert points("03/window", window) == [1, 0, 1, 1]


def test_a_hole_of_another_size_a_page_too_many_and_something_else_cost_their_points(window: MachineMap) -> None:
    window.remove(page(4), size=5 * PAGE)
    window.protect(page(12), size=2 * PAGE, prot="r")
    window.enter(PAGE, at=START + 64 * PAGE)
    assert points("03/window", window) == [0, 1, 0, 0]


@pytest.fixture
def sheet() -> MachineMap:
    machine = vm.boot()
    space = machine.task("t").map
    space.enter(16 * PAGE, at=START, object=machine.object("sheet"))
    space.protect(page(2), size=3 * PAGE, prot="r")
    space.advise(page(4), size=6 * PAGE, advice="random")
    space.inherit(page(14), size=2 * PAGE, inherit="share")
    return space


def test_what_was_changed_is_changed_back(sheet: MachineMap) -> None:
    assert points("03/whole", sheet) == [0, 0, 0]
    sheet.protect(START, size=16 * PAGE, prot="rw")
    sheet.advise(START, size=16 * PAGE, advice="normal")
    assert points("03/whole", sheet) == [0, 1, 1]
    sheet.inherit(START, size=16 * PAGE, inherit="copy")
    assert lab.check("03/whole", sheet).passed


def test_one_entry_with_other_rights_is_not_whole(sheet: MachineMap) -> None:
    sheet.protect(START, size=16 * PAGE, prot="r")
    sheet.advise(START, size=16 * PAGE, advice="normal")
    sheet.inherit(START, size=16 * PAGE, inherit="copy")
    assert points("03/whole", sheet) == [0, 2, 1]


def test_unmapping_on_the_way_costs_a_point(sheet: MachineMap) -> None:
    sheet.remove(START, size=16 * PAGE)
    sheet.enter(16 * PAGE, at=START, object="sheet")
    assert points("03/whole", sheet) == [1, 2, 0]


def test_a_part_is_not_the_whole(sheet: MachineMap) -> None:
    sheet.remove(page(2), size=14 * PAGE)
    assert points("03/whole", sheet) == [0, 0, 0]
