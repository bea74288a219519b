"""What a function chose: what it is asked comes from its own text, and its answers are judged where it does not run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import vmwidgets as vm
from vmwidgets import lab
from vmwidgets.engine.memory.replacement import ResidentPage
from vmwidgets.labs.checking import judged_for
from vmwidgets.labs.chosen import MOST_SOURCE, Chosen, source_of
from vmwidgets.labs.exercises.replacement import PolicySheet, ask_policy
from vmwidgets.labs.work import packed, remade
from vmwidgets.reference_strings.references import reference_string

from .solutions import run
from .test_sheets import SOLVED

TABLE: dict[int, int] = {}


def oldest(pages: list[ResidentPage]) -> ResidentPage:
    return pages[0]


def by_table(pages: list[ResidentPage]) -> ResidentPage:
    return pages[TABLE.get(pages[-1].page, 0)]


def typed(recipe: str) -> Any:
    names: dict[str, Any] = {"vm": vm, "lab": lab, "thing": None, "__name__": "__main__"}
    run(recipe, names)
    return names["thing"]


def around(data: Any) -> Callable[[list[ResidentPage]], ResidentPage]:
    def inner(pages: list[ResidentPage]) -> ResidentPage:
        return oldest(pages) if data else pages[-1]

    return inner


# ---- the text --------------------------------------------------------------------------------------


def test_the_text_has_all_that_the_function_uses() -> None:
    lines = ["limit = [30]", "def rest(pages): return pages[limit[0]:]", "def thing(pages): return rest(pages)"]
    assert source_of(typed("\n".join(lines))).splitlines() == lines


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("limit = 3\ndef thing(pages): return pages[limit]", "limit = 4\ndef thing(pages): return pages[limit]"),
        ("t = {1: 2}\ndef thing(pages): return t", "t = {1: 3}\ndef thing(pages): return t"),
        ("t = {'b', 'a'}\ndef thing(pages): return t", "t = {'b', 'c'}\ndef thing(pages): return t"),
        ("def thing(pages, t=[1]): return t", "def thing(pages, t=[2]): return t"),
        ("n = [1]\ndef thing(pages, t=n): return t", "n = [2]\ndef thing(pages, t=n): return t"),
        ("def thing(pages): return pages\nthing.kept = 1", "def thing(pages): return pages\nthing.kept = 2"),
        ("t = 1\nthing = lambda pages: t", "t = 2\nthing = lambda pages: t"),
        ("t = 1\ndef thing(pages): return [t for _ in pages]", "t = 2\ndef thing(pages): return [t for _ in pages]"),
        ("class T: k = 1\ndef thing(pages): return T.k", "class T: k = 2\ndef thing(pages): return T.k"),
    ],
)
def test_other_data_make_another_text(one: str, other: str) -> None:
    assert source_of(typed(one)) == source_of(typed(one)), "the same once more"
    assert source_of(typed(one)) != source_of(typed(other))


def test_what_a_closure_holds_is_in_the_text_too() -> None:
    assert source_of(around([1])) != source_of(around([2]))  # type: ignore[arg-type]  # a def


def test_a_function_may_call_itself_and_use_modules() -> None:
    text = source_of(typed("import math\ndef thing(pages): return math.pi and thing(pages)"))
    assert text == "def thing(pages): return math.pi and thing(pages)"


LARGE = f"t = 'x' * {MOST_SOURCE}\ndef thing(pages): return t"


@pytest.mark.parametrize("recipe", ["thing = eval('lambda pages: 0')", LARGE])
def test_a_function_without_a_text_or_with_too_much_is_not_kept(recipe: str) -> None:
    result = lab.check("11/policy", typed(recipe))
    assert result.points == 0
    assert result.work["kind"] == "nothing"
    assert result.not_kept.startswith("Not kept in the notebook, so it can't be graded: ")


# ---- what it is asked --------------------------------------------------------------------------------


def test_a_table_of_answers_changes_its_own_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    """The best answer to each string that was asked, once as data: all points, if it were asked the same again."""
    sheet: Any = lab.practice("11/policy", 3)
    asked: PolicySheet = sheet.given
    seen: list[list[int]] = []

    def note(pages: list[ResidentPage]) -> ResidentPage:
        seen.append([page.page for page in pages])
        return pages[0]

    first = Chosen(source_of(by_table))  # type: ignore[arg-type]  # a def
    ask_policy(note, asked, first)
    before = [[*one] for one in seen]
    monkeypatch.setitem(TABLE, before[-1][-1], 1)
    seen.clear()
    second = Chosen(source_of(by_table))  # type: ignore[arg-type]
    ask_policy(note, asked, second)
    shown = {page for string in asked.strings for page in map(int, string.replace("w", "").split())}
    once, again = ({tuple(one) for one in pages if not set(one) <= shown} for pages in (before, seen))
    assert once
    assert not once & again, "no list of pages of a hidden string comes again"


def test_right_policies_are_right_whatever_they_are_asked() -> None:
    """Another comment is another text."""
    for number in range(1, 6):
        sheet: Any = lab.practice("11/policy", number)
        for comment in range(4):
            recipe = f"{SOLVED['11/policy'].right[0](sheet.given)}  # {comment}"
            assert lab.check(sheet, typed(recipe)).passed


# ---- where it does not run -----------------------------------------------------------------------------


def works() -> dict[str, dict[str, Any]]:
    """Right work for the sheet that is the same for all, and what a student may make of it by hand."""
    sheet: Any = lab.variant("11/policy")
    right = packed_of(SOLVED["11/policy"].right[0](sheet.given))
    rows = remade(right).answers
    edited: dict[str, Any] = {
        "one page less": [rows[0][:-1], *rows[1:]],
        "a page that is not in memory": [[199, *rows[0][1:]], *rows[1:]],
        "no strings": [],
        "no lists": [1, "x", None, {}],
        "texts": [["1"] * 50] * 4,
        "another order": rows[::-1],
    }
    return {what: {**right, "text": repr(text)} for what, text in edited.items()} | {"right": right}


def packed_of(recipe: str) -> dict[str, Any]:
    return judged_for("11/policy", "default", typed(recipe)).work


def test_answers_that_were_edited_lose_what_they_would_have_earned() -> None:
    for what, work in works().items():
        result = judged_for("11/policy", "default", remade(work))
        assert not result.problem
        assert result.passed == (what == "right"), what


def test_what_a_function_says_when_it_fails_is_read_by_its_student_alone() -> None:
    result = lab.check("11/policy", typed("def thing(pages): raise ValueError('Ada was reported')"))
    assert "Ada was reported" in result.criteria[0].sentence
    again = judged_for("11/policy", "default", remade(result.work))
    assert again.points == 0
    assert "Ada" not in repr(again)


def test_the_faults_are_those_of_the_run() -> None:
    sheet: Any = lab.practice("11/policy", 1)
    answers, failed = ask_policy(oldest, sheet.given, Chosen("oldest"))
    wanted = [reference_string(string, sheet.given.frames, "fifo").runs[0].steps for string in sheet.given.strings]
    assert failed == ("",) * 4
    assert answers[::2] == [[step.victim for step in steps if step.victim is not None] for steps in wanted]


# ---- an exercise of a course's own -----------------------------------------------------------------------


def test_an_own_exercise_asks_a_function_and_judges_what_it_chose() -> None:
    def ask(function: Any, _given: None, chosen: Chosen) -> tuple[list[int], tuple[str, ...]]:
        draws = chosen.draws("numbers")
        return [function(draws.below(100)) for _ in range(3)], ()

    @lab.author.exercise("t/even", "The next even number", points=1, takes=ask)
    def even(chosen: Chosen) -> Any:
        draws = chosen.draws("numbers")
        wanted = [number + 2 - number % 2 for number in (draws.below(100) for _ in range(3))]
        yield lab.author.criterion(1, chosen.answers == wanted, "they are", "they are not")

    right = lab.check("t/even", typed("def thing(number): return number + 2 - number % 2"))
    assert right.passed
    assert judged_for("t/even", "", remade(right.work)).passed
    assert not lab.check("t/even", typed("def thing(number): return number + 2")).passed
    failed = lab.check("t/even", typed("def thing(number): return number / 0"))
    assert (failed.points, failed.problem) == (0, "the check stopped: ZeroDivisionError: division by zero")
    with pytest.raises(vm.Refused, match="needs a function"):
        lab.check("t/even", 5)


def test_a_function_that_no_exercise_asks_is_not_kept() -> None:
    assert packed(oldest) == {"kind": "nothing", "why": "it is a function, and no student's code runs in grading"}
