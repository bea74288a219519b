"""Mistakes as data: a wrong answer with a name, and a sentence that says why it is wrong.

Each lab of this package has a TOML file of words in `exercises/`, with a table for each prediction; a course's own labs
call :func:`mistakes`.
"""

from __future__ import annotations

import sys
from functools import cache
from typing import Any

from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.engine.base.frozen import frozen

from .answers import line
from .explained import files_of_labs
from .session import Kept

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


EXERCISES = "exercises"
"""The table of a lab's file that has the words of its exercises."""


@frozen
class Mistake:
    """A wrong answer with a name.

    `name` is short and permanent ("one call, one entry"), since reports count it; `why` explains it to the student.
    """

    name: str
    why: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", line(self.name, "name"))
        object.__setattr__(self, "why", line(self.why, "why"))


_own: Kept[dict[str, dict[str, Mistake]]] = Kept(dict, dict)


def mistakes(question: str, table: Any) -> None:
    """Give names to wrong answers of the prediction `question`; the keys of `table` are answers in their written form.

    Call this in a module: in the notebook, it would reveal the answer.

    >>> from vmwidgets import lab
    >>> lab.author.mistakes("doc/ends", {"3": lab.author.Mistake("posts and gaps", "Three gaps have four posts.")})
    >>> lab.predict("Posts of a fence of three gaps?", id="doc/ends", kind="number", answer=3).compare(4)
    You said: 3. What happened: 4. Three gaps have four posts.
    """
    if not isinstance(table, dict) or not all(isinstance(one, Mistake) for one in table.values()):
        raise Refused(f"mistakes={shown(table)}: write a dictionary from answers to lab.author.Mistake(name, why)")
    _own.now()[line(question, "question")] = {str(answer): mistake for answer, mistake in table.items()}


def mistake_of(question: str, answer: str) -> Mistake | None:
    """Return the known mistake behind this answer."""
    said = answer.casefold()
    return next((one for key, one in _known(question).items() if key.casefold() == said), None)


def has_mistakes(question: str) -> bool:
    """Return whether a lab asks this question and gives names to wrong answers."""
    return question in _own.now() or question in _shipped()


def known_mistakes() -> dict[str, dict[str, Mistake]]:
    """Return all known mistakes, by question and answer, for reports, the instructors' tables and checks of labs."""
    return {question: dict(table) for question, table in {**_shipped(), **_own.now()}.items()}


def _known(question: str) -> dict[str, Mistake]:
    own = _own.now()
    return own[question] if question in own else _shipped().get(question, {})


@cache
def _shipped() -> dict[str, dict[str, Mistake]]:
    """Return the mistakes of this package's labs, by question and answer."""
    words = map(tomllib.loads, files_of_labs(".toml"))
    tables = [(name, table) for every in words for name, table in every.items() if name != EXERCISES]
    return {question: {answer: Mistake(*said) for answer, said in table.items()} for question, table in tables}
