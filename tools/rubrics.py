"""The rubrics on the pages in docs/labs/: what each criterion of a lab's exercises is worth, as its judge says it.

A right solution of the default sheet gives the sentences for what is earned; solutions that lose one criterion each
give those for what is not.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.labs.solutions import Recipe
from tests.labs.test_sheets import SOLVED, done
from vmwidgets.labs.criterion import Criterion
from vmwidgets.labs.exercise import Exercise, exercises
from vmwidgets.labs.moved import lab_of
from vmwidgets.labs.sheet import sheet_of

ROOT = Path(__file__).resolve().parent.parent
PAGES = ROOT / "docs" / "labs"

HEADING = "## Rubric"

OPENING = """\
The tables list the points that `vmwidgets grade` gives. They are worded for the default variant; other variants have
other numbers. Each criterion can be lost on its own, and the last column is the message to a student who loses it. A
prediction earns its points whether it is right or wrong; the
[course's file](../grading.md#from-a-folder-of-notebooks-to-grades) says how many."""


def pages() -> Iterator[tuple[Path, str]]:
    """Each page's path, and its text: that of `course/NN-name/assistants.md`, and the rubric."""
    for path in sorted((ROOT / "course").glob("*/assistants.md")):
        kept = (
            path.read_text("utf-8").replace("](../../docs/labs/", "](").replace("](../../docs/", "](../").rstrip("\n")
        )
        lab = path.parent.name
        yield PAGES / f"{lab}.md", f"{kept}\n\n{HEADING}\n\n{rubric(lab.partition('-')[0])}\n"


def rubric(lab: str) -> str:
    """The tables of a lab's exercises."""
    graded = [one for name, one in exercises().items() if one.shipped and lab_of(name) == lab]
    if not graded:
        return "The lab has no exercise, and nothing in it is graded."
    return "\n\n".join([OPENING, *map(_table, graded)])


def _table(exercise: Exercise) -> str:
    table = ["| points | earned when | lost when |", "|--:|---|---|"]
    table += [f"| {of} | {earned} | {lost} |" for of, earned, lost in rows(exercise)]
    return "\n".join([f"**{exercise.id}, {exercise.title}** ({exercise.points} points)", "", *table])


@cache
def rows(exercise: Exercise) -> list[tuple[int, str, str]]:
    """By criterion what it is worth, the sentence for what is earned, and that for what is lost, with its mistake."""
    solved, found = SOLVED[exercise.id], []
    right = _judged(exercise, solved.right[0])
    for place, (criterion, spoilt) in enumerate(zip(right, solved.spoilt, strict=True)):
        lost = _judged(exercise, spoilt)[place]
        why = f"<br>*{lost.mistake.name}:* {lost.mistake.why}" if lost.mistake else ""
        found.append((criterion.of, _cell(criterion.sentence), _cell(lost.sentence + why)))
    return found


def _judged(exercise: Exercise, recipe: Recipe) -> tuple[Criterion, ...]:
    sheet = sheet_of(exercise.id, "default")
    return done(sheet, recipe(sheet.given)).criteria


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
