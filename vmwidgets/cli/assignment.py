"""``python -m vmwidgets.tools assignment --for SYSTEM PLACE``: files for a system that runs and grades notebooks."""

from __future__ import annotations

import argparse
import os
import shutil
from collections.abc import Mapping

from ..assignments import nbgrader, otter
from ..assignments.cells import course_name, labs_of
from ..engine.base.errors import Refused
from ..engine.base.files import place_of
from ..engine.base.units import counted
from ..engine.machine.arguments import known
from ..grading import read_course
from ..grading.output import write
from ..labs.exercise import exercises
from .command import Argument, Command, path
from .copying import shipped
from .gradescope import GRADESCOPE, write_autograder
from .labs import chosen
from .text import printable

SYSTEMS = {"nbgrader": nbgrader.files, "otter": otter.files}
"""The function that writes the files for each system."""

_ABOUT = """\
Write the labs into a new folder as assignments of a system that runs notebooks and grades them. Each exercise
becomes a question that the system grades, with partial credit.

systems: nbgrader, otter

For gradescope, write an archive from which Gradescope builds an autograder. It grades each submission as "vmwidgets
grade" does and runs no cells; students get the labs as they are. The archive contains the course's key, so
only instructors may have it.

  assignment --for gradescope autograder.zip --course course.toml --labs 01 --wheel vmwidgets-…-any.whl"""

_EXITS = "exit status: 0 the folder is written; 2 bad input, or it can't be written: then nothing has changed"


def run(options: argparse.Namespace) -> int:
    """Write the folder or the archive, and report its contents."""
    system = known(vars(options)["for"], [*SYSTEMS, GRADESCOPE], "--for")
    print(printable(write_autograder(options) if system == GRADESCOPE else _written(options, system)))
    return 0


def _written(options: argparse.Namespace, system: str) -> str:
    """Write the folder; returns its path and a description of its contents."""
    for_gradescope = {"--wheel": options.wheel, "--roster": options.roster, "--exercises": options.exercises}
    if given := [option for option, value in for_gradescope.items() if value]:
        raise Refused(f"{given[0]} is for --for gradescope only: leave it out")
    files = SYSTEMS[system]
    course = read_course(options.course) if options.course else None
    name = course_name(course.name) if course else ""
    worth = course.exercises if course else {one.id: one.points for one in exercises().values()}
    known_labs = labs_of(shipped())
    graded = [number for number, lab in known_labs.items() if not worth.keys().isdisjoint(lab.exercises)]
    labs = [known_labs[number] for number in chosen(options.labs, known_labs, graded)]
    put(options.place, files(labs, name, worth))
    tasks = [one for lab in labs for one in lab.exercises if one in worth]
    points = f"{sum(worth[one] for one in tasks):g} points"
    said = f"{counted(len(labs), 'assignment')} for {system}, {counted(len(tasks), 'exercise')}, {points}"
    return f"{options.place}: {said}"


def put(place: str, files: Mapping[str, str]) -> None:
    """Write `files` into a new folder at `place`: all of them or none."""
    folder = place_of(place, "os-2026")
    if os.path.lexists(folder):
        raise Refused(f"{str(folder)!r} already exists: name a new folder")
    part = folder.with_name(f".{folder.name}.{os.getpid()}")
    try:
        write({part / name: text for name, text in files.items()})
        part.rename(folder)
    except OSError as error:
        raise Refused(f"{str(folder)!r} can't be written: {error.strerror or error}") from None
    finally:
        shutil.rmtree(part, ignore_errors=True)


COMMAND = Command(
    "write the labs as assignments of nbgrader or Otter, or an autograder for Gradescope",
    _ABOUT,
    _EXITS,
    (
        Argument("PLACE", "a new folder; for gradescope a new file, .zip"),
        Argument("--for SYSTEM", "the system: nbgrader, otter or gradescope", required=True),
        Argument("--labs LABS", "the labs, such as 01,02 (default: all, or the course's)", default=""),
        Argument("--course FILE", "the course's file, TOML: its name, exercises and points", path),
        Argument("--wheel FILE", "gradescope: the wheel of vmwidgets to install there", path),
        Argument("--roster FILE", "gradescope: CSV that says which ids and addresses belong to one person", path),
        Argument(
            "--exercises FILE...",
            "gradescope: modules with your own exercises, in addition to the modules that the course's file names",
            path,
        ),
    ),
    run,
)
