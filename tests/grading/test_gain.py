"""What a class learned: counted from notebooks of both tests, and held against a class whose answers are planted."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from importlib import import_module

import pytest

from vmwidgets import Refused, lab
from vmwidgets.cli import main
from vmwidgets.grading.gain import gain_of
from vmwidgets.labs.moved import CONCEPTS
from vmwidgets.labs.session import Session
from vmwidgets.questions import concept_test
from vmwidgets.questions.concepts import KINDS, paper

UNSURE = "I don't know"


def solved(question):
    """The answer of the solver that reads nothing but the text of a question."""
    solve = import_module(f"tests.questions.solving.{question.id.partition('/')[0]}").SOLVERS[question.id]
    [right] = solve(replace(question, text=question.whole))
    return right.replace("`", "")


def wrong(question):
    others = [one.replace("`", "") for one in question.options if one != question.answer]
    return others[0] if others else "777"


def output(bundle):
    return {"output_type": "display_data", "metadata": {}, "data": bundle}


def taken(student, answers, course="os-2026"):
    """A notebook in which a student took tests: by test and kind "right", "wrong", an answer, or "" for no answer."""
    with Session():
        begun = lab.begin(CONCEPTS, student=student, course=course)
        outputs = [output(begun.bundle())]
        for test, by_kind in answers.items():
            concept_test(test)
            for question in paper(begun, test).questions:
                said = by_kind.get(question.id, "")
                made = {"right": solved, "wrong": wrong}.get(said)
                prediction = lab.predictions[f"{CONCEPTS}/{test}/{question.id}"]
                if said:
                    prediction.say(made(question) if made else said)
                outputs.append(output(prediction.bundle()))
    cell = {"cell_type": "code", "metadata": {}, "execution_count": 1, "source": "", "outputs": outputs}
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell]})


def some_right(count):
    return {kind: "right" if place < count else "wrong" for place, kind in enumerate(KINDS)}


def test_the_doctor_says_what_is_answered_and_asks_for_no_lab(tmp_path, capsys):
    path = tmp_path / "before.ipynb"
    path.write_text(taken("ada", {"before": some_right(10)}))
    assert main(["doctor", str(path)]) == 0
    assert "The test before the course: 10 of 10 questions answered." in capsys.readouterr().out
    path.write_text(taken("ada", {"after": dict.fromkeys(KINDS[:3], "right")}))
    assert main(["doctor", str(path)]) == 1
    out = capsys.readouterr().out
    assert out.startswith("Concept test of ada, course os-2026")
    assert "The test after the course: 3 of 10" in out
    assert "no lab" not in out


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """Twelve students: ten learn three more each, one loses two, one stays; and two who took one test."""
    folder = tmp_path_factory.mktemp("class")
    steps = [(2, 5)] * 10 + [(6, 4), (3, 3)]
    for number, (before, after) in enumerate(steps):
        student = f"s{number:02}"
        if number % 2:  # one file for both tests
            (folder / f"{student}.ipynb").write_text(
                taken(student, {"before": some_right(before), "after": some_right(after)})
            )
        else:
            (folder / f"{student}-before.ipynb").write_text(taken(student, {"before": some_right(before)}))
            (folder / f"{student}-after.ipynb").write_text(taken(student, {"after": some_right(after)}))
    (folder / "early.ipynb").write_text(taken("early", {"before": some_right(9)}))
    (folder / "late.ipynb").write_text(taken("late", {"after": some_right(9)}))
    return folder


def test_the_gain_is_the_part_of_what_was_missed(planted):
    gain = gain_of(planted)
    assert len(gain.both) == 12 and gain.alone == {"before": ("early",), "after": ("late",)} and not gain.left_out
    assert gain.right == (29 / 12, 57 / 12)
    assert gain.share == pytest.approx((57 - 29) / (120 - 29))
    assert gain.changed == (10, 1)
    least, most = gain.interval
    assert least < gain.share < most


def test_chance_is_that_of_a_coin(planted):
    """Of eleven who changed, ten or more one way: 2 × (1 + 11) of 2,048 throws."""
    assert gain_of(planted).chance == 24 / 2048


def test_it_says_how_many_students_it_takes(planted):
    """By hand: ten times +3, -2 and 0 have mean 28/12 and deviation 1.614, so 3.75; but a sign test needs six."""
    assert gain_of(planted).needed == 6


def test_questions_are_counted_one_by_one(planted):
    gain = gain_of(planted)
    assert gain.item(0) == (12, 12, 0, 0)
    assert gain.item(2) == (2, 12, 10, 0)
    assert gain.item(4) == (1, 10, 10, 1)
    assert gain.item(9) == (0, 0, 0, 0)


def test_the_command_says_it_and_writes_a_row_for_each(planted, tmp_path, capsys):
    assert main(["grade", str(planted), "--gain", "--to", str(tmp_path / "to")]) == 0
    said = capsys.readouterr().out
    assert "12 students took both tests" in said and "31 %" in said and "10 had more right after, 1 fewer" in said
    assert "by chance in one of 85 classes" in said, "24 of 2,048 throws"
    assert "it takes about 6 students to trust a gain; these are 12" in said
    rows = list(csv.DictReader((tmp_path / "to" / "gain.csv").read_text().splitlines()))
    assert [(row["before"], row["after"]) for row in rows][-2:] == [("6", "4"), ("3", "3")]
    assert rows[0][f"{KINDS[2]} before"] == "0" and rows[0][f"{KINDS[2]} after"] == "1"


def test_no_answer_is_not_right_and_a_test_without_one_was_not_taken(tmp_path):
    only = {KINDS[0]: "right", KINDS[1]: UNSURE}
    (tmp_path / "a.ipynb").write_text(taken("ada", {"before": only, "after": some_right(10)}))
    (tmp_path / "b.ipynb").write_text(taken("ben", {"before": {}, "after": some_right(1)}))
    gain = gain_of(tmp_path)
    assert {one: sum(before) for one, (before, _) in gain.both.items()} == {"ada": 1}
    assert gain.alone["after"] == ("ben",)


def test_the_first_answer_counts_and_the_first_file(tmp_path):
    (tmp_path / "1.ipynb").write_text(taken("ada", {"before": some_right(2), "after": some_right(3)}))
    (tmp_path / "2.ipynb").write_text(taken("ADA", {"after": some_right(10)}))
    assert [sum(after) for _, after in gain_of(tmp_path).both.values()] == [3]


def test_nothing_missed_has_no_gain(tmp_path, capsys):
    (tmp_path / "a.ipynb").write_text(taken("ada", {"before": some_right(10), "after": some_right(10)}))
    assert gain_of(tmp_path).share is None and gain_of(tmp_path).interval is None
    assert main(["grade", str(tmp_path), "--gain", "--to", str(tmp_path.with_name("to-full"))]) == 0
    said = capsys.readouterr().out
    assert "Nothing was missed before" in said
    assert "chance" not in said, "nobody changed"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("notes.txt", "hello"),
        ("cut.ipynb", '{"cells": ['),
        ("nobody.ipynb", '{"cells": []}'),
        ("empty.ipynb", ""),
    ],
)
def test_what_has_no_test_is_named(tmp_path, capsys, name, text):
    (tmp_path / "a.ipynb").write_text(taken("ada", {"before": some_right(1), "after": some_right(2)}))
    (tmp_path / name).write_text(text)
    assert [file for file, _ in gain_of(tmp_path).left_out] == [name]
    assert main(["grade", str(tmp_path), "--gain", "--to", str(tmp_path.with_name(f"to-{name}"))]) == 1
    assert f"does not count: {name}" in capsys.readouterr().out


def test_hostile_answers_are_not_right(tmp_path):
    made = json.loads(taken("ada", {"before": some_right(1), "after": some_right(2)}))
    for cell_output, answer in zip(made["cells"][0]["outputs"][1:], [[1], {"a": 1}, 10**30, True], strict=False):
        for data in cell_output["data"].values():
            if isinstance(data, dict):
                data["answer"] = answer
    (tmp_path / "a.ipynb").write_text(json.dumps(made))
    [(before, _)] = gain_of(tmp_path).both.values()
    assert sum(before) <= 1


def test_two_courses_and_no_pair_are_refused(tmp_path, capsys):
    (tmp_path / "a.ipynb").write_text(taken("ada", {"before": some_right(1)}, "os-2026"))
    assert main(["grade", str(tmp_path), "--gain", "--to", str(tmp_path.with_name("to-one"))]) == 2
    assert "no student took both" in capsys.readouterr().err
    (tmp_path / "b.ipynb").write_text(taken("ada", {"after": some_right(1)}, "os-2027"))
    with pytest.raises(Refused, match="two courses"):
        gain_of(tmp_path)
