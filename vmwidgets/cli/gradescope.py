"""``assignment --for gradescope FILE.zip``: the archive from which Gradescope builds an autograder."""

from __future__ import annotations

import argparse
import json
from collections.abc import Collection
from pathlib import Path

from ..assignments.gradescope import archive
from ..engine.base.errors import Refused
from ..engine.base.files import place_of
from ..grading import Course, read_course
from ..grading.roster import read_roster
from ..labs.identity import folded
from ..labs.moved import lab_of, labs_of
from .copying import shipped
from .labs import chosen
from .private import write_private

GRADESCOPE = "gradescope"
"""The name of the system in the command."""


def write_autograder(options: argparse.Namespace) -> str:
    """Write the archive, and return a line about its contents; raises :class:`Refused` if it can't be written."""
    if options.course is None:
        raise Refused("--for gradescope needs --course FILE: the autograder grades the exercises of a course")
    if options.wheel is None:
        raise Refused(
            'there is no release of vmwidgets to install: run "pip wheel --no-deps ." in a clone, and add --wheel FILE '
            "with the file that it writes"
        )
    place = place_of(options.place, "autograder.zip")
    if place.suffix.lower() != ".zip":
        raise Refused(f"{str(place)!r} must end in .zip")
    course = read_course(options.course, options.exercises)
    graded = set(map(lab_of, course.exercises))
    there = {name.partition("-")[0] for name in shipped() if name.endswith(".ipynb")}
    labs = chosen(options.labs, sorted(there | graded), graded)
    exercises = {name: points for name, points in course.exercises.items() if lab_of(name) in labs}
    people = read_roster(options.roster).aliases if options.roster else {}
    content = archive(
        course_file(course, exercises),
        dict.fromkeys([*labs, *(lab for name in exercises for lab in labs_of(name))]),
        {folded(written): first for written, first in people.items()},
        {f"{number}-{Path(module.path).name}": module.source for number, module in enumerate(course.modules, 1)},
        options.wheel,
    )
    write_private(place, content)
    return f"{place}: {', '.join(f'lab {lab}' for lab in labs)}, {sum(exercises.values()):g} points"


def course_file(course: Course, exercises: Collection[str]) -> str:
    """Return a course's file for the autograder: these exercises only, without dates and places of modules.

    >>> print(course_file(Course("os", {"01/gaps": 5, "02/rank": 3}, key="k" * 16), ["01/gaps"]), end="")
    course = "os"
    predictions = 0
    key = "kkkkkkkkkkkkkkkk"
    <BLANKLINE>
    [exercises]
    "01/gaps" = 5
    """
    rows = [f"{_quoted(name)} = {course.exercises[name]!r}" for name in exercises]
    key = [f"key = {_quoted(course.key)}"] * bool(course.key)
    head = [f"course = {_quoted(course.name)}", f"predictions = {course.prediction!r}", *key]
    return "\n".join([*head, "", "[exercises]", *rows]) + "\n"


def _quoted(text: str) -> str:
    """Return `text` as a TOML string: a JSON string with one more character escaped."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
