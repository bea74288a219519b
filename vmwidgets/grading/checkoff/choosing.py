"""Three of all possible questions: of different kinds and, if there are several, on different exercises."""

from __future__ import annotations

from collections.abc import Sequence

from vmwidgets.engine.base.frozen import frozen
from vmwidgets.labs.draws import Draws
from vmwidgets.questions.question import GRADES, Question

WANTED = 3
"""The number of questions for three minutes."""


@frozen(slots=False)
class Asked:
    """A question on the work for `exercise`."""

    exercise: str
    question: Question


def three(pool: Sequence[Asked], text: str, again: int = 0) -> list[Asked]:
    """Return three of `pool`, the easiest first; `text` determines them, and `again` skips that many earlier sets.

    They have different grades and are on different exercises, as far as possible.

    >>> pool = [Asked("01/gaps", Question("?", str(n), "", id=name, grade=n)) for n, name in enumerate("abcd")]
    >>> [one.question.id for one in three(pool, "doc")], [one.question.id for one in three(pool, "doc", again=1)]
    (['b', 'c', 'd'], ['a'])
    """
    left = Draws(text).shuffled(list(pool))
    found: list[Asked] = []
    for _ in range(again + 1):
        found = []
        for grade in sorted(GRADES, reverse=True):
            used = {one.exercise for one in found}
            kinds = {one.question.id for one in found}
            others = [one for one in left if one.question.id not in kinds]
            if others:
                found.append(min(others, key=lambda one: (one.exercise in used, abs(one.question.grade - grade))))
        left = [one for one in left if one not in found]
    return sorted(found, key=lambda one: (one.question.grade, one.exercise))[:WANTED]
