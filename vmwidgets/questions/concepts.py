"""The concept test: ten questions before a course and ten of the same kinds after it, in a notebook or on paper.

Two questions of one kind have different numbers, so answers can't be learned by heart.  Half of a class gets
form A first, and the other half form B, so that an easier form does not look like a gain.
"""

from __future__ import annotations

import json
from functools import cache
from hashlib import sha256
from typing import Any

from vmwidgets.engine.base.errors import Refused
from vmwidgets.engine.machine.arguments import known
from vmwidgets.labs.asking import predict
from vmwidgets.labs.beginning import Beginning, begun
from vmwidgets.labs.identity import folded
from vmwidgets.labs.moved import CONCEPTS
from vmwidgets.widgets.host.cells import current_shell
from vmwidgets.widgets.host.display import publish

from .exam import FORMS, Exam, make_exam
from .markup import plain, to_html
from .question import ADDRESS, NUMBER, Question
from .sheets import figure_html

TESTS = "before", "after"
"""The two tests of a course."""

KINDS = (
    "gaps/where",
    "gaps/entries",
    "walk/fault",
    "walk/rights",
    "tlb/stale",
    "cow/value",
    "cow/copies",
    "cow/fault",
    "replacement/victim",
    "replacement/more",
)
"""The kinds of both tests' questions: one for each idea with its own section in the labs."""


def concept_test(test: str) -> None:
    """Ask the ten questions of the `test` "before" or "after" a course, each with a control for its answer.

    The answers are saved in the notebook, and no outcome is shown.  The notebook begins with the student's ID:
    ``lab.begin("concepts", student="ada", course="os-2026")``; ID and course determine the questions.  ``vmwidgets
    grade FOLDER --gain`` compares the tests of a class.

    Raises :class:`Refused` for another test, and before the notebook has begun for one student.

    >>> concept_test("before")
    Traceback (most recent call last):
    vmwidgets.engine.base.errors.Refused: run lab.begin("concepts", student="ada", course="os-2026") first, with your ID
    """
    asked = known(test, dict.fromkeys(TESTS), "test")
    beginning = begun()
    if beginning is not None and beginning.course and not beginning.students:
        raise Refused('write your own ID into student="" above, and run the cells again')
    if beginning is None or len(beginning.students) != 1:
        raise Refused(f'run lab.begin("{CONCEPTS}", student="ada", course="os-2026") first, with your ID')
    for number, question in enumerate(paper(beginning, asked).questions, 1):
        *told, words = question.text.split("\n\n")
        _show(number, question, "\n\n".join((*question.rules, *told)))
        kind = "" if question.options else {NUMBER: "number", ADDRESS: "address"}.get(question.form, "text")
        options = [plain(one) for one in question.options] or None
        predict(plain(words), id=identity_of(asked, question.id), options=options, kind=kind)


def identity_of(test: str, kind: str) -> str:
    """Return the ID under which a notebook keeps the answer to a test's question."""
    return f"{CONCEPTS}/{test}/{kind}"


def paper(beginning: Beginning, test: str) -> Exam:
    """Return the questions of one student's test, with answers; O(1) after the first test of a course."""
    course = folded(beginning.course)
    first = sha256(f"{CONCEPTS}|{course}|{'+'.join(beginning.ids)}".encode()).digest()[0] & 1
    return form(course, FORMS[first ^ TESTS.index(test)])


@cache
def form(course: str, name: str) -> Exam:
    """Return form "A" or "B" of a course's test."""
    seed = int.from_bytes(sha256(f"{CONCEPTS}|{folded(course)}".encode()).digest()[:7], "big")
    return make_exam((), seed, kinds=KINDS, form=name)


def is_right(question: Question, answer: Any) -> bool:
    """Return whether an answer, as a notebook stores it, is right.

    >>> is_right(Question("How many?", "2", "", NUMBER), "2"), is_right(Question("How many?", "2", "", NUMBER), None)
    (True, False)
    """
    return isinstance(answer, str) and answer.casefold() in {plain(one).casefold() for one in question.accepted}


def notebook(course: str, test: str) -> str:
    """Return the notebook of a course's test, for students to fill in."""
    cells = [
        _cell("markdown", f"# Ten questions, {test} the course\n\n{_OPENING}"),
        _cell("code", f'from vmwidgets import lab\n\nlab.begin("{CONCEPTS}", student="", course={json.dumps(course)})'),
        _cell("code", f'from vmwidgets.questions import concept_test\n\nconcept_test("{test}")'),
    ]
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    whole = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    for number, cell in enumerate(cells, 1):
        cell["id"] = f"{CONCEPTS}-{number}"
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"


_OPENING = """\
This test shows what a course teaches. It gives no points, and your answers are not compared with another student's.

Write your ID between the quotation marks below. Run all cells, and answer the questions in about twenty minutes, \
without help. If you don't know an answer, choose *I don't know*. Then save the notebook and hand it in."""


def _cell(kind: str, source: str) -> dict[str, Any]:
    code: dict[str, Any] = {"execution_count": None, "outputs": []} if kind == "code" else {}
    return {"cell_type": kind, "metadata": {}, "source": source.splitlines(keepends=True), **code}


def _show(number: int, question: Question, told: str) -> None:
    """Put a question's facts on the page, above the control that asks it."""
    if current_shell() is None:
        return
    figure = figure_html(question.figure) if question.figure is not None else ""
    html = f"<h3>Question {number}</h3>{to_html(told) if told else ''}{figure}"
    publish({"text/html": html, "text/plain": f"Question {number}\n\n{plain(told)}"})
