"""The class: a student for each kind of submission and honest ones beside them, and what must come of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import count, cycle, islice
from pathlib import Path

from tests.grading.synthetic import COURSE, worth
from tests.labs.test_sheets import SOLVED
from vmwidgets.grading.findings import Status
from vmwidgets.grading.grades import Grades

from .damaged import DAMAGED
from .forged import FORGED
from .honest import HONEST, every_lab
from .hostile import HOSTILE, HOSTILE_FUNCTIONS
from .kinds import LABS, Kind, Rows, typed

STUDENTS = 300

MANY = 2_000
"""How many are graded in `make sweep`."""

SAMPLE = 90
"""How many are graded in `make test`."""


TRIES = 60
"""Ids that are tried for one kind."""


def everyone(students: int = STUDENTS) -> list[Kind]:
    """So many: each odd kind once, and labs in each way; from the beginning again until all have something."""
    kinds = [*HONEST, *DAMAGED, *HOSTILE, *FORGED]
    labs = list(every_lab())
    others = students - len(kinds) - len(HOSTILE_FUNCTIONS)
    assert len(labs) <= others, "there are more kinds than students"
    return [*kinds, *islice(cycle(labs), others), *HOSTILE_FUNCTIONS]


def sample() -> list[Kind]:
    """All that is damaged, which costs little; and of each other group one after the other, until there are enough."""
    groups: dict[str, list[Kind]] = {}
    for kind in everyone():
        if kind not in DAMAGED:
            groups.setdefault(kind.group, []).append(kind)
    found = [kind for turn in range(STUDENTS) for kinds in groups.values() for kind in kinds[turn : turn + 1]]
    return [*DAMAGED, *found][:SAMPLE]


def students(kinds: Iterable[Kind]) -> Iterator[tuple[Kind, str]]:
    """Each with an id; no two do the same in a lab, so that no journal is another's by chance.

    In a large class the variants of an exercise run out: a kind that finds none that is left has no student.
    """
    taken: set[tuple[str, str]] = set()
    numbers = count(1)
    for kind in kinds:
        for number in islice(numbers, TRIES):
            student = f"s{number:04}"
            mine = {(one, typed(one, whose)) for one in LABS[kind.lab] for whose in kind.ids(student)}
            if not mine & taken:
                taken |= mine
                yield kind, student
                break


def made(folder: Path, kinds: Iterable[Kind]) -> Rows:
    """Write what they hand in; the rows that a grader must give."""
    folder.mkdir(parents=True)
    rows: Rows = {}
    for number, (kind, student) in enumerate(students(kinds), 1):
        rows |= kind.make(folder / f"{number:03}-{kind.group.replace(' ', '-').replace(',', '')}.ipynb", student)
    return rows


def course(path: Path) -> Path:
    """The course's file, with every exercise that ships."""
    points = ", ".join(f"{json.dumps(name)} = {worth(name)}" for name in sorted(SOLVED))
    path.write_text(f'course = "{COURSE}"\ngroups = 2\nexercises = {{ {points} }}\n')
    return path


def wrong(grades: Grades, wanted: Rows, *, crowded: bool = False) -> list[str]:
    """What is graded otherwise than it must be, in words; nothing of what was handed in is missing, or twice.

    Where it is `crowded`, two may have done the same by chance, which is said beside their points.
    """
    found = [((row.path, row.exercise), row.points, row.of, row.says) for row in grades.rows]
    said = [f"{place}: missing" for place in sorted(set(wanted) - {place for place, *_ in found})]
    said += [
        f"{place}: twice" for place in {place for place, *_ in found} if [one[0] for one in found].count(place) > 1
    ]
    for place, points, of, says in found:
        earned, begins = wanted.get(place, (0, "no row"))
        right = points < of if earned is None else points == earned
        by_chance = crowded and says.startswith(Status.COPIED.staff.format(others=""))
        told = by_chance or (says.startswith(begins) if begins else not says)
        if not right or "\n" in says or not told:
            said.append(f"{place}: {points:g} {says[:150]!r}, and not {earned} {begins!r}")
    return said
