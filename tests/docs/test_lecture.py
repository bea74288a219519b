"""docs/lecture.md: its index by chapter has every chapter, and names pictures, sections and questions that exist."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest

import vmwidgets as vm
from vmwidgets.questions.exam import TOPICS, kinds_of

pytestmark = pytest.mark.once

ROOT = Path(__file__).resolve().parents[2]
INDEX = (ROOT / "docs" / "lecture.md").read_text().partition("## By chapter")[2].partition("\n## ")[0]
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
    names = {name for row in ROWS for name in re.findall(r"`vm\.(\w+)\(", row[2])}
    assert len(names) > 8
    assert {name for name in names if "step" not in getattr(vm, name).class_trait_names(public=True)} == set()


def test_each_section_is_in_its_notebook() -> None:
    named = {section for row in ROWS for section in re.findall(r"\]\(\.\./(\S+\.ipynb)\): \*(.+?)\*", row[3])}
    assert len(named) > 30
    assert sum(row[3].count(".ipynb") for row in ROWS) >= len(named)
    missing = set()
    for path in {path for path, _ in named}:
        cells = nbformat.read(ROOT / path, as_version=4).cells
        headings = set(re.findall(r"^## (.+)$", "\n".join(cell.source for cell in cells), re.MULTILINE))
        missing |= {(path, title) for one, title in named if one == path and title not in headings}
    assert missing == set()


def test_each_kind_of_question_exists_and_has_a_chapter() -> None:
    named = {kind for row in ROWS for kind in re.findall(r"`([a-z]+/[a-z]+)`", row[4])}
    assert named == {kind.name for topic in TOPICS for kind in kinds_of(topic)}
