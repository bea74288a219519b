"""Mistakes with names: a wrong answer that is known says why it is wrong, and a criterion what was done."""

from __future__ import annotations

import pytest

import vmwidgets as vm
from vmwidgets import lab

POSTS = lab.author.Mistake("posts and gaps", "Three gaps have four posts.")


def outcome(said, **options):
    return lab.predict("Posts of a fence of three gaps?", id="t/posts", kind="number", answer=said, **options).compare(
        4
    )


def test_a_wrong_answer_that_is_known_says_why():
    lab.author.mistakes("t/posts", {"3": POSTS})
    assert repr(outcome(3)) == "You said: 3. What happened: 4. Three gaps have four posts."
    assert outcome(3).data()["mistake"] == "posts and gaps"


@pytest.mark.parametrize("said", [4, 5, None])
def test_other_answers_have_no_name(said):
    lab.author.mistakes("t/posts", {"3": POSTS})
    assert "Three gaps" not in repr(outcome(said))
    assert outcome(said).data()["mistake"] == ""


def test_the_last_table_of_a_question_holds():
    lab.author.mistakes("t/posts", {"3": POSTS})
    lab.author.mistakes("t/posts", {})
    assert "Three gaps" not in repr(outcome(3))


@pytest.mark.parametrize(
    "table", [None, 5, [], ["3"], {"3": "why"}, {"3": None}, "3"], ids=lambda value: type(value).__name__
)
def test_what_is_no_table_is_refused_and_changes_nothing(table):
    lab.author.mistakes("t/posts", {"3": POSTS})
    with pytest.raises(vm.Refused, match=r"write a dictionary from answers to lab.author.Mistake"):
        lab.author.mistakes("t/posts", table)
    assert "Three gaps" in repr(outcome(3))


@pytest.mark.parametrize("question", ["", None, 5, ["t/posts"], "x" * 10_000], ids=lambda value: type(value).__name__)
def test_what_is_no_question_is_refused(question):
    with pytest.raises(vm.Refused, match=r"^question"):
        lab.author.mistakes(question, {"3": POSTS})


@pytest.mark.parametrize("text", ["", "  ", None, 5, "x" * 501], ids=lambda value: type(value).__name__)
def test_a_mistake_has_a_name_and_a_reason(text):
    with pytest.raises(vm.Refused, match=r"^name"):
        lab.author.Mistake(text, "why")
    with pytest.raises(vm.Refused, match=r"^why"):
        lab.author.Mistake("name", text)


def test_its_texts_are_harmless():
    assert lab.author.Mistake("two\nlines", "\x1b[2J").why == r"\x1b[2J"


def test_a_criterion_explains_the_mistake_only_if_points_are_missing():
    def found(earned, **options):
        return lab.author.criterion(1, earned, "yes", "no", mistake=POSTS, **options)

    assert found(False).data()["mistake"] == "posts and gaps"
    assert found(True).data()["mistake"] == ""
    assert found(False, first="begin").data()["mistake"] == "", "what is not judged yet is not a mistake"
