"""`make lint` finds each of the patterns that it is for, in prose alone, and knows exceptions by their reasons."""

from __future__ import annotations

import pytest

from scripts import prose


@pytest.fixture(scope="module", autouse=True)
def _rules() -> None:
    prose.register()


def rules(text: str) -> list[str]:
    """The rules that a text breaks, without their number's prefix."""
    return [one.rule.removeprefix("vmwidgets.") for one in prose.findings("page.md", text)]


@pytest.mark.parametrize(
    ("rule", "wrong", "right"),
    [
        ("1 is-no", "A submap is no copy.", "There is no copy, and it is no longer there: it is no larger."),
        ("2 who-first", "It ends. Who saves it changes it.", "It ends. Who saves it? Anyone who saves it changes it."),
        ("4 is-that-of", "The points are those of the journal.", "The journal's points are below those of a pair."),
        ("6 verbs", "A walk shows itself in a cell.", "A walk is shown as a picture, and is repeated."),
        ("3 of-first", "It ends. Of two files the last counts.", "If there are two files, the last of them counts."),
        ("7 have-do", "It has the daemon keep a page.", "It makes the daemon keep a page; it has a page."),
        ("8 behind", "The gap behind the entry is free.", "The object behind it has the page."),
        ("9 so-many", "Maps of so many entries are folded.", "There are so many that they are folded."),
        ("9 so-many", "| frees pages; how many |", "Say how many pages it frees; how many submissions count is below."),
        ("10 tense", "The map was not changed yet.", "The map has not been changed yet; it was not changed."),
        ("7 lets-happen", "See what the lock lets other threads make happen.", "It lets a map grow. See what happens."),
        ("long", f"It is {'word ' * 33}.", f"It is {'word ' * 31}end. It is {'word ' * 31}end; that is all."),
        ("left-over", "It ends. @@ docs/page.md", "It ends: a -> b."),
    ],
)
def test_a_rule_finds_what_it_is_for(rule: str, wrong: str, right: str) -> None:
    table = "| a | b |\n|---|---|\n"
    assert rules(table + wrong if wrong.startswith("|") else wrong) == [rule]
    assert rules(right) == []


def test_a_phrase_is_found_across_lines_and_not_across_paragraphs() -> None:
    assert rules("a map is\nno list\n") == ["1 is-no"]
    assert rules("what it is\n\nno list\n") == []
    assert rules("a map, if there\nis no list\n") == []


def test_code_quotations_and_names_are_not_read() -> None:
    assert rules('    this is no list\n\n`it is no list`, and "it is no list"\n\n```\nit is no list\n```\n') == []


def test_a_finding_says_where_it_is() -> None:
    (one,) = prose.findings("page.md", "# Maps\n\nA map\nis no list.\n")
    assert str(one) == "page.md:4: vmwidgets.1 is-no: 'is no': write: is not a …"


def test_each_exception_has_a_reason() -> None:
    assert all(reason.strip() for reason in prose.exceptions().values())
