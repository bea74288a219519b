"""The shape of the two pages that are read most: short paragraphs, and tables of calls in one form."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

pytestmark = pytest.mark.once

ROOT = Path(__file__).resolve().parents[2]
LONGEST = 5
"""Sentences of a paragraph: after more, a reader has forgotten the first."""


def paragraphs(text: str) -> Iterator[str]:
    """Paragraphs and items of lists, a code span as one word; tables and code blocks are not read here.

    >>> list(paragraphs("# A\\n\\nUse `a. b`. It\\nis *so*.\\n\\n- one\\n- two\\n\\n| a |\\n|---|\\n| b |\\n"))
    ['Use …. It is so.', 'one', 'two']
    """
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    for before, token in itertools.pairwise(tokens):
        if before.type == "paragraph_open":
            words = {"code_inline": "…", "softbreak": " "}
            yield "".join(words.get(child.type, child.content) for child in token.children or [])


def sentences(paragraph: str) -> int:
    """How many sentences end in a paragraph.

    >>> sentences("One, e.g. this. Two? (And a third.) The fourth ends in a colon:")
    4
    """
    return len(re.findall(r"""[.?!:]["')]*(?=\s+["'(]*[A-Z…]|$)""", paragraph))


def rows(text: str, title: str) -> Iterator[tuple[str, str]]:
    """The rows of the tables whose second column has a title."""
    inside = False
    for line in text.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|(?=(?:[^`]*`[^`]*`)*[^`]*$)", line)[1:-1]]
        inside = bool(cells) and (inside or cells[1] == title)
        if inside and cells[1] != title and not cells[1].startswith("-"):
            yield cells[0], cells[1]


@pytest.mark.parametrize("page", ["guide.md", "grading.md", "grading-reference.md"])
def test_no_paragraph_has_more_than_five_sentences(page: str) -> None:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    assert [one for one in paragraphs(text) if sentences(one) > LONGEST] == []


def test_a_call_is_described_by_what_it_does() -> None:
    """A cell begins with a verb ("Maps", "Returns"), and ends as a sentence does."""
    found = list(rows((ROOT / "docs" / "guide.md").read_text(encoding="utf-8"), "what it does"))
    assert len(found) > 100
    assert [
        call for call, words in found if not re.match(r"[A-Z][a-z]+s\b", words) or not words.endswith((".", ".)"))
    ] == []


def test_a_long_paragraph_is_found() -> None:
    text = "One is. Two is. Three is. Four is.\nFive is. Six `is. Not` two.\n\nA paragraph.\n"
    assert [sentences(one) for one in paragraphs(text)] == [6, 1]
