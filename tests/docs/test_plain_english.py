"""What people read is plain English: no word of this list, in notebooks, documents, and texts of the source.

A native reader stumbles over each of them.  `tests/views/test_words.py` holds the sentences of pictures to it.
"""

from __future__ import annotations

import io
import tokenize
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

from tests.plain import MANNERED

pytestmark = pytest.mark.once

ROOT = Path(__file__).resolve().parents[2]

PACKAGES = ("engine", "views", "pictures", "widgets", "labs", "cli", "sources", "real", "assignments")
"""Where texts of the source are held to it: docstrings, comments, and what is printed."""

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
NOTEBOOKS = sorted((ROOT / "notebooks").rglob("[0-9]*.ipynb"))
SOURCES = sorted(path for name in PACKAGES for path in (ROOT / "vmwidgets" / name).rglob("*.py"))
TEXTS = ("STRING", "FSTRING_MIDDLE", "COMMENT")


def found(lines: Iterator[tuple[int | str, str]]) -> list[str]:
    """Where a word of the list is, and the line."""
    return [f"{place}: {line.strip()}" for place, line in lines if MANNERED.search(line)]


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """Strings and comments of a Python file, line by line: names in code may be anything."""
    for token in tokenize.generate_tokens(io.StringIO(path.read_text(encoding="utf-8")).readline):
        if tokenize.tok_name[token.type] in TEXTS:
            yield from ((token.start[0] + number, line) for number, line in enumerate(token.string.splitlines()))


@pytest.mark.parametrize("sentence", ["Nobody was told.", "It stands here no more.", "1 block was wanting"])
def test_the_list_finds_what_it_is_for(sentence: str) -> None:
    assert found(iter([(1, sentence)])) == [f"1: {sentence}"]


def test_plain_sentences_pass() -> None:
    assert found(iter([(1, "At most 4, and no more than 5: the rest is missing.")])) == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_notebooks(path: Path) -> None:
    cells = nbformat.read(path, as_version=4).cells
    assert found((cell.id, line) for cell in cells for line in cell.source.splitlines()) == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_documents(path: Path) -> None:
    assert found(iter(enumerate(path.read_text(encoding="utf-8").splitlines(), 1))) == []


@pytest.mark.parametrize("name", PACKAGES)
def test_texts_of_the_source(name: str) -> None:
    within = [path for path in SOURCES if path.is_relative_to(ROOT / "vmwidgets" / name)]
    assert within
    assert [f"{path.name}:{one}" for path in within for one in found(texts(path))] == []
