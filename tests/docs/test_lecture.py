"""docs/lecture.md names every lecture; docs/chapters.md pictures that step, sections and questions that exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import nbformat
import pytest

import vmwidgets as vm
from tools.site import figures
from vmwidgets.cli import main
from vmwidgets.lectures.listed import LECTURES
from vmwidgets.questions.exam import TOPICS, kinds_of

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "lecture.md").read_text(encoding="utf-8")
INDEX = (ROOT / "docs" / "chapters.md").read_text(encoding="utf-8")


def test_each_lecture_has_a_row() -> None:
    assert re.findall(r"^\| `(\w{2,})` \|", TEXT, re.MULTILINE) == list(LECTURES)


BOOKS = ("OSTEP", "CS:APP", "Silberschatz", "xv6")


def chapters_of(cell: str) -> list[str]:
    """The chapters in a cell of a table: "13, 18 to 20" are four, and "3.6 to 3.8" three."""
    found = []
    for first, last in re.findall(r"([\d.]+)(?: to ([\d.]+))?", cell):
        *part, low = first.split(".")
        high = (last or first).split(".")[-1]
        found += [".".join([*part, str(number)]) for number in range(int(low), int(high) + 1)]
    return found


def test_chapters_name_the_lectures_that_name_them() -> None:
    """A lecture's row may name a section of a chapter that the index has whole, or a chapter that it has not."""
    listed: dict[tuple[str, str], set[str]] = {}
    for row in figures.chapters():
        for chapter in chapters_of(row.number):
            listed[row.book, chapter] = set(re.findall(r"`(\w+)`", row.cells["lecture"]))
    named: dict[tuple[str, str], set[str]] = {one: set() for one in listed}
    for name, *cells in re.findall(r"^\| `(\w{2,})` \|[^|]*\|" + r"([^|]*)\|" * 4, TEXT, re.MULTILINE):
        for book, cell in zip(BOOKS, cells, strict=True):
            for chapter in chapters_of(cell):
                for one in (chapter, chapter.rpartition(".")[0]):
                    named.get((book, one), set()).add(name)
    assert {one: names for one, names in listed.items() if names != named[one]} == {}
    assert len(named) > 20


def test_each_picture_steps() -> None:
    names = set(re.findall(r"`vm\.(\w+)\(", INDEX))
    assert names
    assert [name for name in names if "step" not in getattr(vm, name).class_trait_names(public=True)] == []


def test_each_section_is_in_its_notebook() -> None:
    named = set(re.findall(r"\]\(\.\./(\S+\.ipynb)\): \*(.+?)\*", INDEX))
    assert named
    headings = {path: headings_of(ROOT / path) for path, _ in named}
    assert [(path, section) for path, section in named if section not in headings[path]] == []


def headings_of(path: Path) -> set[str]:
    """The headings of a notebook's sections."""
    text = "\n".join(cell.source for cell in nbformat.read(path, as_version=4).cells)
    return set(re.findall(r"^## (.+)$", text, re.MULTILINE))


def test_each_kind_of_question_exists_and_has_a_chapter() -> None:
    named = set(re.findall(r"`([a-z]+/[a-z]+)`", INDEX))
    assert named == {kind.name for topic in TOPICS for kind in kinds_of(topic)}


def test_each_command_that_draws_questions_can_be_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    commands = re.findall(r"`vmwidgets (questions --[^`]+)`", INDEX)
    assert commands
    assert [words for words in commands if main([*shlex.split(words), "--force"]) != 0] == []
