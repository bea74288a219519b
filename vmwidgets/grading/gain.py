"""The learning gain of a class: the concept test before a course, compared with the parallel test after it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from math import ceil, comb
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from vmwidgets.engine.base.errors import Refused, printable
from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.base.units import counted
from vmwidgets.labs.draws import Draws
from vmwidgets.labs.identity import folded
from vmwidgets.labs.moved import CONCEPTS
from vmwidgets.labs.saved import NOTEBOOK_BYTES
from vmwidgets.questions.concepts import KINDS, TESTS, identity_of, is_right, paper

from .files import called_notebook, names_of, path_of
from .notebook import Handed, read_notebook
from .tables import as_csv

Z_OF_5_PERCENT, Z_OF_4_IN_5 = 1.96, 0.84
"""Quantiles of the normal distribution: of 5 % in both tails, and of 80 % below."""

LEAST = 6
"""The number of students who all have to change one way before a sign test is below 5 %: 2 / 2^6."""

Marks = tuple[bool, ...]
"""For each of the ten questions, in the order of `KINDS`, whether its answer was right."""

RESAMPLES = 2000
"""The number of classes that are drawn at random from a class, to find the interval of its gain."""

FEW = 10
"""The number of students below which no interval is given."""


@frozen(slots=False)
class Gain:
    """The tests of a class: for each student who took both, the right answers before and after.

    `alone` are the students who took only one test, by test; `left_out` says why files do not count.
    """

    both: dict[str, tuple[Marks, Marks]]
    alone: dict[str, tuple[str, ...]]
    left_out: tuple[tuple[str, str], ...]

    @cached_property
    def right(self) -> tuple[float, float]:
        """The average number of right answers of a student, before and after."""
        before, after = (sum(sum(marks[test]) for marks in self.both.values()) for test in (0, 1))
        students = max(1, len(self.both))
        return before / students, after / students

    @property
    def share(self) -> float | None:
        """The gain: the share of the class's first mistakes that it later got right (Hake 1998); None without mistakes.

        It is negative if the class knew less after than before.
        """
        return _share(list(self.both.values()))

    @cached_property
    def interval(self) -> tuple[float, float] | None:
        """The range of the gain in 95 of 100 classes drawn from this one; None for a small class."""
        students = list(self.both.values())
        if len(students) < FEW:
            return None
        draws = Draws(f"gain|{len(students)}")
        again = ([draws.choice(students) for _ in students] for _ in range(RESAMPLES))
        found = sorted(one for one in map(_share, again) if one is not None)
        return (found[len(found) // 40], found[-1 - len(found) // 40]) if found else None

    @property
    def changed(self) -> tuple[int, int]:
        """Return how many students had more right answers after than before, and how many fewer."""
        steps = [sum(after) - sum(before) for before, after in self.both.values()]
        return sum(one > 0 for one in steps), sum(one < 0 for one in steps)

    @property
    def chance(self) -> float:
        """Return the p-value of a two-sided sign test: how often a course without effect changes as many one way.

        >>> marks = (True,) * 10, (False,) * 10
        >>> Gain({str(one): (marks[1], marks[0]) for one in range(5)}, {}, ()).chance
        0.0625
        """
        better, worse = self.changed
        tails = sum(comb(better + worse, one) for one in range(min(better, worse) + 1))
        return float(min(1, 2 * tails / 2 ** (better + worse)))

    @property
    def needed(self) -> int | None:
        """The students with such changes that it takes to trust a gain; None for a small class, or without a gain.

        With so many, a paired test at 5 % finds the gain in 4 of 5 classes: ((1.96 + 0.84) x deviation / mean) squared,
        in questions more right after than before (Cohen 1988, chapter 2).

        >>> more, same = ((False,) * 10, (True,) * 2 + (False,) * 8), ((False,) * 10, (False,) * 10)
        >>> Gain({str(one): (more, same)[one % 2] for one in range(10)}, {}, ()).needed
        9
        """
        steps = [sum(after) - sum(before) for before, after in self.both.values()]
        if len(steps) < FEW or (average := mean(steps)) <= 0:
            return None
        return max(LEAST, ceil(((Z_OF_5_PERCENT + Z_OF_4_IN_5) * stdev(steps) / average) ** 2))

    def item(self, place: int) -> tuple[int, int, int, int]:
        """Return a question's counts: right before; right after; learned (wrong, then right); lost (the reverse)."""
        pairs = [(before[place], after[place]) for before, after in self.both.values()]
        learned, lost = pairs.count((False, True)), pairs.count((True, False))
        return sum(one for one, _ in pairs), sum(one for _, one in pairs), learned, lost


def gain_of(folder: Path, most: int = NOTEBOOK_BYTES) -> Gain:
    """Return the gain of a class, from a folder with its notebooks of both tests; none of their code is run.

    A missing answer, or "I don't know", is not right.  If a student has several files for one test, the first by name
    with answers counts.  Files of more than `most` bytes are left out.  Raises :class:`Refused` for a folder without
    files, and for tests of two courses.
    """
    found: dict[str, dict[str, Marks]] = {test: {} for test in TESTS}
    courses: dict[str, str] = {}
    left_out: list[tuple[str, str]] = []
    for name in names_of(folder):
        handed, problem = _handed(folder, name, most)
        taken = dict(_taken(handed)) if not problem else {}
        if handed.begun is None or not taken:
            left_out.append((name, problem or "it has no answer to a question of the test"))
            continue
        courses.setdefault(folded(handed.begun.course), handed.begun.course)
        for test, marks in taken.items():
            found[test].setdefault(handed.begun.ids[0], marks)
    if len(courses) > 1:
        raise Refused(f"tests of two courses, {' and '.join(sorted(courses.values())[:2])}: give each a folder")
    before, after = found.values()
    both = {one: (before[one], after[one]) for one in sorted(before) if one in after}
    alone = {test: tuple(sorted(found[test].keys() - both.keys())) for test in TESTS}
    return Gain(both, alone, tuple(left_out))


def _handed(folder: Path, name: str, most: int) -> tuple[Handed, str]:
    """Return a file's contents, and the reason why it can't count, or ""."""
    try:
        if not called_notebook(name):
            return Handed(), "not a notebook"
        handed = read_notebook(path_of(folder, name), most)
    except Refused as refusal:
        return Handed(), f"{refusal}"
    if handed.begun is None:
        return handed, handed.finding.staff if handed.finding else "it begins no concept test"
    if handed.begun.lab != CONCEPTS:
        return handed, f"it is of lab {handed.begun.lab}, and has no concept test"
    return handed, "" if len(handed.begun.ids) == 1 else "it has no ID, or several: the test is of one student"


def answers_of(handed: Handed, test: str) -> dict[str, Any]:
    """Return the answers to a test's questions by their kinds; None for a question without an answer."""
    return {kind: handed.predictions.get(identity_of(test, kind), {}).get("answer") for kind in KINDS}


def _taken(handed: Handed) -> Iterator[tuple[str, Marks]]:
    """Yield the tests in a notebook with at least one answer, and the right answers."""
    if handed.begun is None:
        return
    for test in TESTS:
        questions = {one.id: one for one in paper(handed.begun, test).questions}
        answers = answers_of(handed, test)
        if any(isinstance(one, str) for one in answers.values()):
            yield test, tuple(is_right(questions[kind], answers[kind]) for kind in KINDS)


def _share(students: list[tuple[Marks, Marks]]) -> float | None:
    before = sum(sum(one) for one, _ in students)
    after = sum(sum(one) for _, one in students)
    missed = len(students) * len(KINDS) - before
    return (after - before) / missed if missed else None


def said(gain: Gain) -> str:
    """Return the report for a terminal: who took both tests, how many answers were right, and each question."""
    lines = [f"{counted(len(gain.both), 'student')} took both tests{_alone(gain)}."]
    if gain.both:
        before, after = gain.right
        lines.append(f"Right of {len(KINDS)}, on average: {before:.1f} before, {after:.1f} after.{_missed(gain)}")
        better, worse = gain.changed
        same = len(gain.both) - better - worse
        lines.append(f"{better} had more right after, {worse} fewer, {same} as many.{_chance(gain)}")
        if gain.needed is not None:
            enough = f"it takes about {counted(gain.needed, 'student')} to trust a gain"
            lines.append(f"With changes like these, {enough}; these are {len(gain.both):,}.")
        width = max(map(len, KINDS))
        lines += ["", f"{'question':{width}}  before  after  learned  lost"]
        for place, kind in enumerate(KINDS):
            lines.append(f"{kind:{width}}  {'{:6}  {:5}  {:7}  {:4}'.format(*gain.item(place))}")
    lines += [""] * bool(gain.left_out)
    lines += [f"does not count: {printable(name)}: {why}" for name, why in gain.left_out]
    return "\n".join(lines)


def _alone(gain: Gain) -> str:
    only = [f"{len(gain.alone[test])} only the one {test}" for test in TESTS if gain.alone.get(test)]
    return f"; {', '.join(only)}, which counts for nothing here" if only else ""


def _missed(gain: Gain) -> str:
    if gain.share is None:
        return " Nothing was missed before."
    between = ""
    if gain.interval is not None:
        least, most = gain.interval
        between = f" (95 of 100 classes like this one: {100 * least:.0f} to {100 * most:.0f} %)"
    return f" The gain is {100 * gain.share:.0f} % of what was missed before{between}."


def _chance(gain: Gain) -> str:
    if not any(gain.changed):
        return ""
    times = round(1 / gain.chance)
    often = f"do this by chance in one of {times:,} classes" if times > 1 else "often do this by chance"
    return f" A course that teaches nothing would {often}."


def table(gain: Gain) -> str:
    """Return a row for each student who took both tests, as CSV: totals, and each question before and after."""
    columns = ["student", *TESTS, *(f"{kind} {test}" for test in TESTS for kind in KINDS)]
    rows = (
        [one, *map(sum, marks), *(int(right) for test in marks for right in test)] for one, marks in gain.both.items()
    )
    return as_csv(columns, rows)
