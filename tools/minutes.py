"""The minutes that a lab's sections take a student, by one rule, for the table in the instructors' notebook.

It is a rule, not a measurement: reading takes as long as its words, and each run, prediction and exercise takes the
same time as any other.  A source has a table of its sections without minutes; :func:`with_minutes` puts them in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from vmwidgets.labs.explained import explanation_of

WORDS_A_MINUTE = 200
RUN, PREDICTION, EXERCISE = 45, 120, 720
"""Seconds to read a cell, run it and look at its output; to answer a question; and to solve an exercise."""

RULE = (
    f"The minutes are an estimate, not a measurement: {WORDS_A_MINUTE} words a minute, {RUN} seconds to run a cell "
    f"and look at its output, {PREDICTION // 60} minutes for a prediction, {EXERCISE // 60} minutes for an exercise."
)

TABLE = re.compile(r"^\| sections \| what they are about \|\n\|---\|---\|\n((?:\|.*\|\n)+)", re.MULTILINE)
"""The table of sections as a source has it."""

HEADING = re.compile(r"^## (.*)$", re.MULTILINE)
ASKED = re.compile(r'lab\.predict\(.*?\bid="([^"]+)"', re.DOTALL)
FURTHER, END = "*Further*", "end"


def sections_of(heading: str) -> str:
    """The row that a heading belongs to: its number, *Further*, or the end.

    >>> sections_of("3 · The heap"), sections_of("Further: Swap"), sections_of("In real kernels")
    ('3', '*Further*', 'end')
    """
    number, dot, _ = heading.partition(" · ")
    return FURTHER if heading.startswith("Further") else number if dot and number.isdecimal() else END


def seconds_of(cells: Iterable[Any]) -> dict[str, float]:
    """Say what each section of a student's notebook takes, in its order; what comes before the first is the first's."""
    found: dict[str, float] = {"1": 0.0}
    now = "1"
    for cell in cells:
        if cell.cell_type == "code":
            found[now] += seconds_of_code(cell.source)
            continue
        for number, part in enumerate(HEADING.split(cell.source)):
            if number % 2:
                now = sections_of(part)
            found[now] = found.get(now, 0.0) + len(part.split()) * 60 / WORDS_A_MINUTE
    return found


def seconds_of_code(source: str) -> float:
    """Return what a cell takes: its run, or its question and the text that explains the outcome, or its exercise."""
    asked = ASKED.findall(source)
    words = sum(len(explanation_of(name).split()) for name in asked)
    exercises = source.count("lab.check(")
    return (0 if exercises else RUN) + PREDICTION * len(asked) + EXERCISE * exercises + words * 60 / WORDS_A_MINUTE


def with_minutes(source: str, seconds: Mapping[str, float]) -> str:
    """A text with minutes in its table of sections, a row for all that can be left out, and the rule.

    Raises :class:`ValueError` if the rows are not the sections, each once.
    """
    table = TABLE.search(source)
    if table is None:
        return source
    rows = [[part.strip() for part in row.strip("|").split("|", 1)] for row in table[1].splitlines()]
    named = [name for names, _ in rows for name in names.split(", ")]
    if sorted(named) != sorted(seconds.keys() - {FURTHER}):
        raise ValueError(f"the table has the sections {named}, the lab has {list(seconds)}")
    lines = [
        f"| {names} | {_minutes(sum(seconds[name] for name in names.split(', ')))} | {about} |" for names, about in rows
    ]
    core = sum(taken for name, taken in seconds.items() if name != FURTHER)
    lines.append(f"| together | {_minutes(core)} | |")
    if FURTHER in seconds:
        lines.append(f"| {FURTHER} | {_minutes(seconds[FURTHER])} | can be left out |")
    made = "\n".join(["| sections | minutes | what they are about |", "|---|--:|---|", *lines, "", RULE, ""])
    return source[: table.start()] + made + source[table.end() :]


def _minutes(seconds: float) -> int:
    return max(1, round(seconds / 60))
