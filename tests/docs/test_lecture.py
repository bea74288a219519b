"""docs/lecture.md: its index by chapter has every chapter, and names pictures, sections and questions that exist."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest

import vmwidgets as vm
from vmwidgets.lectures.listed import LECTURES
from vmwidgets.questions.exam import TOPICS, kinds_of

pytestmark = pytest.mark.once

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "lecture.md").read_text()
INDEX = TEXT.partition("## By chapter")[2].partition("\n## ")[0]
FIVE = [line.strip("| ").split(" | ") for line in TEXT.splitlines() if re.match(r"\| `\w{2,}` \|", line)]
BOOKS = {
    "OSTEP": {str(chapter) for chapter in range(13, 24)},
    "CS:APP": {f"9.{section}" for section in (1, 2, 3, 4, 5, 6, 7, 8, 9, 11)},
    "Silberschatz": {*(f"9.{section}" for section in range(1, 8)), *(f"10.{section}" for section in range(1, 7))},
    "xv6": {"3.1", "3.2", "3.3", "3.4", "3.5", "3.6", "3.8", "4.6"},
}


def rows(book: str) -> list[list[str]]:
    """The cells of a book's table, line by line."""
    table = next(block for block in INDEX.split("\n\n") if block.startswith(f"| {book} |"))
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in table.strip().splitlines()[2:]]


ROWS = [row for book in BOOKS for row in rows(book)]


@pytest.mark.parametrize("book", BOOKS)
def test_each_chapter_has_a_row(book: str) -> None:
    named = {number for row in rows(book) for number in re.findall(r"[\d.]+", row[0])}
    assert BOOKS[book] - named == set()


def test_each_picture_steps() -> None:
    names = {name for row in ROWS for name in re.findall(r"`vm\.(\w+)\(", row[3])}
    assert len(names) > 8
    assert {name for name in names if "step" not in getattr(vm, name).class_trait_names(public=True)} == set()


def test_each_section_is_in_its_notebook() -> None:
    named = {section for row in ROWS for section in re.findall(r"\]\(\.\./(\S+\.ipynb)\): \*(.+?)\*", row[4])}
    assert len(named) > 30
    assert sum(row[4].count(".ipynb") for row in ROWS) >= len(named)
    missing = set()
    for path in {path for path, _ in named}:
        cells = nbformat.read(ROOT / path, as_version=4).cells
        headings = set(re.findall(r"^## (.+)$", "\n".join(cell.source for cell in cells), re.MULTILINE))
        missing |= {(path, title) for one, title in named if one == path and title not in headings}
    assert missing == set()


def test_each_kind_of_question_exists_and_has_a_chapter() -> None:
    named = {kind for row in ROWS for kind in re.findall(r"`([a-z]+/[a-z]+)`", row[5])}
    assert named == {kind.name for topic in TOPICS for kind in kinds_of(topic)}


def numbers(cell: str) -> set[str]:
    """The chapters that a cell names, with those between the two ends of a range; 9.7.1 is in 9.7."""
    found = set()
    for first, last in re.findall(r"([\d.]+)(?: to ([\d.]+))?", cell):
        chapter, number = ".".join(first.split(".")[:2]).rpartition(".")[::2]
        until = int((last or f".{number}").rpartition(".")[2])
        found |= {f"{chapter}.{one}".lstrip(".") for one in range(int(number), until + 1)}
    return found


@pytest.mark.parametrize(("column", "book"), list(enumerate(BOOKS, 2)))
def test_each_chapter_names_the_lectures_that_say_it_is_theirs(column: int, book: str) -> None:
    assert [lecture[0].strip("`") for lecture in FIVE] == list(LECTURES)
    stated = {lecture[0]: numbers(lecture[column]) for lecture in FIVE}
    for row in rows(book):
        wanted = [name for name, chapters in stated.items() if chapters & numbers(row[0])]
        assert row[2] == (", ".join(wanted) or "–"), row[:3]
