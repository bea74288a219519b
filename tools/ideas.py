"""One table of all that the labs ask, for instructors: which mistake each wrong answer and each lost point shows.

It is made from what students read: the questions in course/, the names of mistakes, and the rubrics of the exercises.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tools import rubrics
from vmwidgets.labs.exercise import exercises
from vmwidgets.labs.mistakes import Mistake, known_mistakes
from vmwidgets.labs.moved import lab_of

HAPPENS = re.compile(r"^\| `([^`]+)`(?: \(further\))? \| (.+) \|$", re.MULTILINE)

OPENING = """\
# What each question tells apart

`make course` writes this page from the labs, so don't edit it. It has the answers: students get the meaning of a wrong
answer after they have given it, and the reason for a lost point after a check.
"""


def page(sources: dict[str, str], questions: dict[str, dict[str, str]]) -> str:
    """The whole page; `sources` are the texts of the labs by their folders' names, and `questions` theirs by ID."""
    asked = ["| question | right | wrong: the mistake |", "|---|---|---|"]
    done = ["| exercise | points | earned when | lost when |", "|---|--:|---|---|"]
    for name, source in sources.items():
        asked += _predictions(source, questions[name])
        done += _exercises(name.partition("-")[0])
    return "\n".join([OPENING, "## Predictions", "", *asked, "", "## Exercises", "", *done, ""])


def wrong(question: str) -> str:
    """The wrong answers of a prediction, one after the other; the same mistake once."""
    by_mistake: dict[Mistake, list[str]] = {}
    for answer, mistake in known_mistakes().get(question, {}).items():
        by_mistake.setdefault(mistake, []).append(answer)
    return " ".join(f"*{', '.join(answers)}*: {one.name}. {one.why}" for one, answers in by_mistake.items())


def _predictions(source: str, questions: dict[str, str]) -> Iterator[str]:
    happens = dict(HAPPENS.findall(source))
    for name, question in questions.items():
        text = question.replace("|", "\\|")
        yield f"| `{name}`: {text} | {happens[name]} | {wrong(name)} |"


def _exercises(lab: str) -> Iterator[str]:
    for exercise in exercises().values():
        if exercise.shipped and lab_of(exercise.id) == lab:
            for points, earned, lost in rubrics.rows(exercise):
                yield f"| `{exercise.id}`: {exercise.title} | {points} | {earned} | {lost} |"
