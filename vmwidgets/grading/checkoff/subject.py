"""One piece of work, in the form that kinds of questions need."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import field, replace
from itertools import islice, zip_longest
from typing import Any

from vmwidgets.engine.base import units
from vmwidgets.engine.base.errors import VMError
from vmwidgets.engine.base.frozen import frozen
from vmwidgets.labs.draws import Draws
from vmwidgets.questions.question import TEXT, Question, table

from .steps import Steps

MOST = 2
"""The most questions of one kind on one piece of work."""

LISTED = 12
"""The most steps that a question lists."""

COUNTED = 12
"""The most things that a student counts at a desk."""


@frozen(slots=False)
class Subject:
    """The work for an exercise on the sheet `of`: the rebuilt `thing`, and its `steps` if it has any.

    `given` is what the sheet asks.  `data` is the stored work.
    """

    exercise: str
    of: str
    given: Any
    thing: Any
    data: dict[str, Any] = field(repr=False)
    steps: Steps | None = None


Maker = Callable[[Subject, Draws], Iterator[Question]]
"""A function that makes questions, the best first; none if the work is not of its kind."""


class Kind:
    """A kind of question: its name, its difficulty (1 to 3), what it asks, and its makers for each sort of work."""

    def __init__(self, name: str, grade: int, about: str, *makers: Maker) -> None:
        self.name, self.grade, self.about, self.makers = name, grade, about, makers

    def of(self, subject: Subject, drawn_from: str = "") -> list[Question]:
        """Return a few questions on this work, always the same for the same work and the same text `drawn_from`.

        The first questions of all makers come before the second questions.  Operations that the machine refuses give no
        question.
        """
        draws = Draws(f"checkoff|{self.name}|{subject.exercise}|{subject.of}{drawn_from and '|'}{drawn_from}")
        made = [list(_made(maker(subject, draws))) for maker in self.makers]
        found = [question for turn in zip_longest(*made) for question in turn if question is not None]
        return [replace(question, id=self.name, grade=self.grade) for question in found[:MOST]]


def _made(questions: Iterator[Question]) -> Iterator[Question]:
    """Yield a maker's first questions; an error of the machine ends them."""
    with suppress(VMError):
        yield from islice(questions, MOST)


def asks(text: str, answer: str, why: str) -> Question:
    """Return a question with an answer in words."""
    return Question(text, answer, why, TEXT)


def with_steps(text: str, steps: Steps) -> str:
    """Return the question, followed by the steps to choose from."""
    return f"{text}\n\n{listed(steps)}"


def listed(steps: Steps) -> str:
    """Return the steps as a table."""
    rows = [[str(step), f"`{steps.typed(step)}`".replace("|", r"\|")] for step in range(1, len(steps) + 1)]
    return table([steps.noun, "as the journal has it"], rows)


def choices(steps: Steps, found: Iterable[int]) -> str:
    """Return steps as an answer: "call 3", "calls 1 and 4", "none of them".

    >>> class Calls:
    ...     noun = "call"
    >>> choices(Calls(), [4, 1]), choices(Calls(), [3]), choices(Calls(), [])
    ('calls 1 and 4', 'call 3', 'none of them')
    """
    numbers = sorted(found)
    if not numbers:
        return "none of them"
    return f"{steps.noun}{'s' if len(numbers) > 1 else ''} {units.listed([*map(str, numbers)])}"


def before(count: int) -> str:
    """Return words for a question with the count before a step; "" if the things are easy to count.

    >>> before(9), before(1_033)
    ('', ' (Before it there were 1,033.)')
    """
    return f" (Before it there were {count:,}.)" if count > COUNTED else ""


def drawn_first(draws: Draws, values: Iterable[Any], better: Callable[[Any], bool]) -> list[Any]:
    """Return the values in random order, with the better ones first."""
    return sorted(draws.shuffled(list(values)), key=lambda one: not better(one))


def sentences(parts: Sequence[str]) -> str:
    """Return texts in a row, without empty ones."""
    return " ".join(part.strip() for part in parts if part.strip())
