"""Work of another version is judged as long as its exercise draws and judges as it did: its edition says so."""

from __future__ import annotations

import json
from typing import Any

import pytest

import vmwidgets as vm
from vmwidgets import lab
from vmwidgets.labs.draws import Draws
from vmwidgets.labs.exercise import exercise_named
from vmwidgets.labs.records import MIME

from .editions import FILE, draws, verdicts
from .test_sheets import SHIPPED

KNOWN: dict[str, dict[str, Any]] = json.loads(FILE.read_text(encoding="utf-8"))

WRITE = "then write the table: python -m tests.labs.editions"


def test_each_shipped_exercise_has_a_row() -> None:
    assert sorted(KNOWN) == SHIPPED


def same(name: str, what: str, found: str, changed: str) -> None:
    """The digest is that of the table, for the edition that the table has."""
    edition = exercise_named(name).edition
    assert edition == KNOWN[name]["edition"], f"another edition of {name} than the table has: {WRITE}"
    assert KNOWN[name][what] == found, f"raise edition of {name}: {changed}; {WRITE}"


@pytest.mark.parametrize("name", SHIPPED)
def test_seeds_draw_the_same_at_the_same_edition(name: str) -> None:
    same(name, "draws", draws(name), "seeds draw other sheets")


@pytest.mark.parametrize("name", SHIPPED)
def test_the_judge_gives_the_same_points_at_the_same_edition(name: str) -> None:
    same(name, "verdicts", verdicts(name), "its judge gives other points")


def test_another_draw_is_noticed() -> None:
    """The sheet of 01/gaps with its requests in another order: as a changed line in `drawn` would give it."""
    before = draws("01/gaps")
    given: Any = exercise_named("01/gaps")

    def turned(source: Draws) -> Any:
        asked = given.sheet(source)
        return type(asked)(asked.gaps, asked.requests[::-1])

    lab.author.exercise("01/gaps", "Gaps", points=4, takes=given.takes, variant=turned, replace=True)(given.judge)
    assert draws("01/gaps") != before


def test_the_edition_is_in_what_a_notebook_keeps() -> None:
    lab.author.exercise("t/second", "Second", points=1, takes=dict, edition=2)(
        lambda answers: [lab.author.criterion(1, bool(answers), "some", "none")]
    )
    lab.begin("t", student="ada", course="os")
    assert lab.check("t/second", {1: 2}).bundle()[MIME]["edition"] == 2
    assert lab.check("01/guard").data()["edition"] == 2
    assert lab.submit().data()["works"]["t/second"]["edition"] == 2


@pytest.mark.parametrize("edition", [0, -1, 1.5, "2", None, True])
def test_an_edition_is_a_number_from_one_on(edition: Any) -> None:
    with pytest.raises(vm.Refused, match=r"^edition="):
        lab.author.exercise("t/none", "None", points=1, takes=dict, edition=edition)
