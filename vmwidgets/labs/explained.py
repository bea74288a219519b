"""Texts on predictions by ID: the questions of this package's labs, and explanations of outcomes.

A question is in the notebook's text, and :func:`question_of` returns it.  An explanation is shown once the question is
answered; in the notebook's text, it would reveal the answer.  Each lab of this package has a Markdown file in
`exercises/`, with a heading for each prediction; a course's own labs call :func:`explain`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any

from vmwidgets.engine.base.errors import Refused, shown

from .answers import line
from .session import Kept

MOST = 4000
"""The most characters of an explanation."""


_own: Kept[dict[str, str]] = Kept(dict, dict)


def explain(question: str, text: Any) -> None:
    """Set the text, in Markdown, below the outcome of the prediction `question`, once it is answered.

    Call this in a module, and not in the notebook, where it would reveal the answer.

    >>> from vmwidgets import lab
    >>> lab.author.explain("doc/gaps", "Each gap has **two** posts, and shares them.")
    >>> asked = lab.predict("Posts of a fence of three gaps?", id="doc/gaps", kind="number")
    >>> asked.compare(4)
    Not answered yet. Answer the question, if only with "I don't know": then this says what happened, and why.
    Only an answer given before this cell runs counts as a prediction.
    >>> asked.say(4)
    >>> asked.outcome
    You said: 4 (after this cell had run). That is right.
    Each gap has **two** posts, and shares them.
    """
    if not isinstance(text, str) or not text.strip() or len(text) > MOST:
        raise Refused(f"explanation={shown(text)}: pass a string of at most {MOST:,} characters")
    _own.now()[line(question, "question")] = text.strip()


def explanation_of(question: str) -> str:
    """Return the explanation of a prediction's outcome, in Markdown; "" if there is none."""
    return _own.now().get(question) or explanations().get(question, "")


@cache
def explanations() -> dict[str, str]:
    """Return all explanations of this package's labs, by prediction."""
    return {name: said for text in files_of_labs(".md") for name, said in _by_heading(text).items()}


def question_of(identity: str) -> str:
    """Return the question that a notebook of this package asks in its text, without markup; "" if there is none.

    `make course` writes the file of questions from the notebooks' texts.

    >>> question_of("00/pieces")
    'Pieces of 600, 500 and 400 KiB are free. Can a segment of 1 MiB be placed?'
    """
    return _questions().get(identity, "")


@cache
def _questions() -> dict[str, str]:
    """Return the questions of all labs, by prediction."""
    return _by_heading(files(__package__).joinpath("questions.md").read_text("utf-8"))


def _by_heading(text: str) -> dict[str, str]:
    """Return the parts of a Markdown file by their headings; the file's title comes before the first heading."""
    parts = (part.partition("\n") for part in text.split("\n## ")[1:])
    return {name.strip(): said.strip() for name, _, said in parts}


def files_of_labs(ending: str) -> Iterator[str]:
    """Yield the texts of the files with this ending in `exercises/`, in the order of their names."""
    for one in sorted(files(__package__).joinpath("exercises").iterdir(), key=lambda one: one.name):
        if one.name.endswith(ending):
            yield one.read_text("utf-8")
