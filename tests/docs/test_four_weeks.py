"""docs/teach.md: the plan of four weeks names sections, exercises and lectures that exist, and so does the glossary."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from vmwidgets import lab as _lab  # noqa: F401  the exercises that ship register themselves
from vmwidgets.labs.exercise import exercises
from vmwidgets.labs.moved import lab_of
from vmwidgets.lectures.listed import LECTURES

ROOT = Path(__file__).resolve().parents[2]
TEACH = (ROOT / "docs" / "teach.md").read_text(encoding="utf-8")
PLAN = TEACH.partition("## Four weeks")[2].partition("\n## ")[0]
GLOSSARY = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
ROWS = [line for line in PLAN.splitlines() if re.match(r"\| \d \|", line)]


def sections(name: str) -> dict[int, str]:
    """The numbered sections of a lab, with their text."""
    (source,) = (ROOT / "course").glob(f"{name}-*/lab.md")
    parts = re.split(r"^## (?:(\d+) · )?.*$", source.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return {int(number): text for number, text in zip(parts[::2], parts[1::2], strict=True) if number}


@pytest.mark.parametrize("row", ROWS)
def test_its_sections_exist_and_exercises_are_where_it_says(row: str) -> None:
    _, _, room, home, *_ = (cell.strip() for cell in row.strip("|").split("|"))
    (name,) = re.findall(r"\[(\w+)\]", room)
    there = sections(name)
    assert home.startswith(f"{name}, section")
    for cell in room.rpartition(")")[2], home.removeprefix(name):
        for first, last in re.findall(r"(\d+)(?: to (\d+))?", cell):
            assert {*range(int(first), int(last or first) + 1)} <= there.keys(), cell
    for number in re.findall(r"(\d+) \((?:the|an) exercise\)", home):
        assert "lab.check(" in there[int(number)]


def test_its_exercises_are_of_its_labs() -> None:
    (listed,) = re.findall(r"exercises = \[(.*)\]", PLAN)
    names = re.findall(r'"([^"]+)"', listed)
    assert set(names) <= exercises().keys()
    assert [lab_of(name) for name in names] == [re.findall(r"\[(\w+)\]", row)[0] for row in ROWS]


def test_its_lectures_exist() -> None:
    named = re.findall(r": `(\w+)` \|", PLAN)
    assert named and set(named) <= set(LECTURES)


def test_pictures_that_the_glossary_names_exist() -> None:
    import vmwidgets as vm

    assert [name for name in re.findall(r"`vm\.([A-Z]\w+)", GLOSSARY) if not hasattr(vm, name)] == []


def test_the_papers_before_and_after_can_be_made(tmp_path: Path) -> None:
    from vmwidgets.cli import main

    calls = [line.split()[1:] for line in TEACH.splitlines() if line.endswith((" before.ipynb", " after.ipynb"))]
    assert [main([*call[:-1], str(tmp_path / call[-1])]) for call in calls] == [0, 0]
