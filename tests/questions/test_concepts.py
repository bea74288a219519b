"""The concept test: twins of one kind, half of a class each, asked and kept in a notebook without an answer."""

from __future__ import annotations

import json
import re
from itertools import pairwise

import nbclient
import nbformat
import pytest

from vmwidgets import Refused, lab
from vmwidgets.labs.beginning import Beginning
from vmwidgets.labs.session import Session
from vmwidgets.questions import concept_test
from vmwidgets.questions.concepts import KINDS, TESTS, form, is_right, notebook, paper

CLASS = [f"student{number}" for number in range(60)]


def of(student, course="os-2026"):
    return Beginning("concepts", course, (student,))


def test_the_second_test_has_twins_of_the_first():
    first, second = (paper(of("ada"), test).questions for test in TESTS)
    assert {one.id for one in first} == {one.id for one in second} == set(KINDS)
    assert not {one.text for one in first} & {one.text for one in second}


def test_each_half_of_a_class_begins_with_another_form():
    begin_with_a = [paper(of(one), "before") is form("os-2026", "A") for one in CLASS]
    assert 15 < sum(begin_with_a) < 45
    for one in CLASS:
        assert paper(of(one), "before") is not paper(of(one), "after")


def test_a_name_is_one_student_however_it_is_typed():
    assert paper(of("Ada", "OS-2026"), "after") is paper(of("ada"), "after")


def test_another_course_has_other_questions():
    assert {one.text for one in form("os-2026", "A").questions}.isdisjoint(
        one.text for one in form("os-2027", "A").questions
    )


def test_it_asks_ten_questions_and_gives_no_answer_away():
    with Session():
        lab.begin("concepts", student="ada", course="os-2026")
        concept_test("before")
        asked = dict(lab.predictions)
        by_kind = {one.id: one for one in paper(of("ada"), "before").questions}
        assert len(asked) == len(KINDS)
        for name, prediction in asked.items():
            question = by_kind[name.removeprefix("concepts/before/")]
            kept = json.dumps(prediction.data())
            assert question.why not in kept and prediction.outcome is None
            prediction.say(question.answer.replace("`", ""))
            assert is_right(question, prediction.answer)
            prediction.say("I don't know")
            assert prediction.data()["answer"] != "I don't know"  # the first answer counts


def test_each_wrong_option_is_wrong():
    for question in (*form("os-2026", "A").questions, *form("os-2026", "B").questions):
        wrong = [one.replace("`", "") for one in question.options if one != question.answer] or ["999"]
        assert not any(is_right(question, one) for one in [*wrong, "I don't know", "", None, 7, ["x"]])


def test_a_reader_is_told_of_a_concept_test_and_not_of_a_lab():
    """Only the call itself, lab.begin, speaks of a lab."""
    with Session():
        said = [lab.begin("concepts", course="os-2026").bundle()]
        said += [lab.begin("concepts", student="ada", course="os-2026").bundle()]
        for shown in said:
            assert "concept test" in shown["text/plain"].lower()
            read = re.sub("<[^>]*>", " ", shown["text/html"])
            assert not re.search(r"\blab\b", f"{shown['text/plain']} {read}", re.IGNORECASE)
        with pytest.raises(Refused, match=r"begun the concept test for ada, course os-2026: restart .* lab 01 for"):
            lab.begin("01")
        gaps = lab.check("01/gaps", lab.variant("01/gaps").start())
        assert "has begun the concept test: write lab.begin('01', " in repr(gaps)


@pytest.mark.parametrize("students", [(), ("ada", "ben")])
def test_it_is_for_one_student(students):
    with Session():
        if students:
            lab.begin("concepts", student=list(students), course="os-2026")
        else:
            lab.begin("concepts")
        with pytest.raises(Refused, match="with your ID"):
            concept_test("before")
        assert not lab.predictions


def test_another_word_is_no_test():
    with pytest.raises(Refused, match=r"'befor'.*before"):
        concept_test("befor")


def test_each_question_is_on_the_page_above_its_control():
    whole = nbformat.reads(notebook("os-2026", "before"), as_version=4)
    whole.cells[1].source = whole.cells[1].source.replace('student=""', 'student="ada"')
    nbclient.NotebookClient(whole, timeout=120).execute()
    said = [one.get("data", {}).get("text/plain", "") for one in whole.cells[2].outputs]
    numbers = [at for at, text in enumerate(said) if text.startswith("Question ")]
    assert [said[at].partition("\n")[0] for at in numbers] == [f"Question {number}" for number in range(1, 11)]
    assert all(after - at > 1 for at, after in pairwise([*numbers, len(said)])), "a control below each"


def test_the_notebook_runs_once_an_id_is_filled_in():
    for test in TESTS:
        cells = json.loads(notebook("os-2026", test))["cells"]
        source = "".join("".join(one["source"]) + "\n" for one in cells if one["cell_type"] == "code")
        with Session():
            exec(source.replace('student=""', 'student="ada"'), {})
            assert {one.rpartition("/")[0].partition("/")[2].partition("/")[0] for one in lab.predictions} == {test}
