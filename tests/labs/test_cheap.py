"""Work without understanding: on each of many sheets it earns a fifth of the points at most."""

from __future__ import annotations

from typing import Any

import pytest

from vmwidgets import lab
from vmwidgets.engine.base.units import PAGE
from vmwidgets.labs.exercises.demand_paging import FILE_PAGES
from vmwidgets.labs.exercises.maps import GapsSheet, GuardSheet, page_by_page

from .solutions import Recipe
from .test_sheets import done

FEW, MANY = 8, 40
"""Sheets in `make check` and in the sweep."""


def all_at_once(asked: GuardSheet) -> str:
    return f"thing.enter({len(page_by_page(asked)) * PAGE}, at={asked.base:#x}, fixed=True)"


def each_without_guards(asked: GuardSheet) -> str:
    return "\n".join(f"thing.enter({stack.pages} * vm.PAGE, at={asked.base:#x})" for stack in asked.stacks)


def in_order(sizes: Any) -> str:
    return "\n".join(f"thing.enter({size} * vm.PAGE)" for size in sizes)


def printed(asked: GapsSheet) -> str:
    return in_order(asked.requests)


def mapped(*between: str) -> Recipe:
    """Map the file, then cut it, then read behind its end: what the task's words name, in their order."""

    def recipe(asked: Any) -> str:
        end = (FILE_PAGES - 1) * PAGE
        lines = [f"base = thing.mmap(file=thing.machine.files['paper'], size={FILE_PAGES * PAGE})", *between]
        lines += [f"thing.machine.files['paper'].truncate({asked.size})"]
        lines += ["lab.attempt(thing.read, base)", f"lab.attempt(thing.read, base + {end})"]
        return "\n".join(lines)

    return recipe


CHEAP: dict[str, list[Recipe]] = {
    "01/guard": [
        lambda asked: f"thing.enter(vm.PAGE, at={asked.base:#x}, fixed=True)",
        lambda asked: f"thing.enter({asked.stacks[0].pages} * vm.PAGE, at={asked.base:#x}, fixed=True)",
        lambda asked: f"thing.enter(vm.PAGE, at={asked.base:#x}, fixed=True, prot='none')",
        all_at_once, each_without_guards,
    ],
    "01/gaps": [
        printed,
        lambda asked: in_order(sorted(asked.requests)),
        lambda asked: in_order(sorted(asked.requests, reverse=True)),
        lambda asked: in_order(asked.requests[:1]),
    ],
    "08/survivor": [mapped(), mapped("thing.write(base, b'x')"), mapped(*(f"thing.write(base + {at}, b'x')" for at in
                    range(0, FILE_PAGES * PAGE, PAGE)))],
}  # fmt: skip  # a table
"""By exercise what can be typed after one look at its text."""


@pytest.mark.parametrize("sheets", [FEW, pytest.param(MANY, marks=pytest.mark.sweep)])
@pytest.mark.parametrize(
    ("name", "place"), [(name, place) for name, some in CHEAP.items() for place in range(len(some))]
)
def test_what_needs_no_understanding_earns_a_fifth_at_most(name: str, place: int, sheets: int) -> None:
    found = []
    for number in range(1, sheets + 1):
        sheet = lab.practice(name, number)
        result = done(sheet, CHEAP[name][place](sheet.given))
        found.append(result.points / result.of)
    assert max(found) <= 1 / 5, found
