"""``vmwidgets assignment --for SYSTEM DIR``: the labs in the format of a system that runs and grades notebooks."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from ..assignments import nbgrader, otter
from ..assignments.cells import Lab, course_name, labs_of
from ..engine.base.errors import Refused
from ..engine.base.files import place_of
from ..engine.base.units import counted
from ..engine.machine.arguments import known
from ..grading import read_course
from ..grading.output import write
from ..labs.exercise import exercises
from .copying import shipped
from .text import printable

DONE, FAILED = 0, 2

SYSTEMS = {"nbgrader": nbgrader.files, "otter": otter.files}
"""What writes the files of each system."""

_ABOUT = """\
Write the labs into a new folder as assignments of a system that runs notebooks and grades them. Each exercise becomes
what the system grades, with partial credit for what is there.

systems: nbgrader, otter"""

_EXITS = "exit status: 0 the folder is written; 2 bad input, or it can't be written: then nothing has changed"


def add_assignment(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The command's arguments."""
    parser = commands.add_parser(
        "assignment",
        help="write the labs as assignments of nbgrader or Otter",
        description=_ABOUT,
        epilog=_EXITS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", metavar="DIR", help="a new folder")
    parser.add_argument("--for", dest="system", required=True, metavar="SYSTEM", help="whose format: nbgrader, otter")
    parser.add_argument("--labs", default="", metavar="LABS", help="such as 01,02 (all, or those of the course)")
    parser.add_argument("--course", type=Path, metavar="FILE", help="its name, exercises and points, TOML")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Write the folder, and say what is in it."""
    try:
        files = SYSTEMS[known(options.system, SYSTEMS, "--for")]
        course = read_course(options.course) if options.course else None
        name = course_name(course.name) if course else ""
        worth = course.exercises if course else {one.id: one.points for one in exercises().values()}
        labs = chosen(options.labs, labs_of(shipped()), worth)
        put(options.folder, files(labs, name, worth))
    except (Refused, OSError) as error:
        print(f"vmwidgets: {printable(str(error))}", file=sys.stderr)
        return FAILED
    tasks = [one for lab in labs for one in lab.exercises if one in worth]
    points = f"{sum(worth[one] for one in tasks):g} points"
    said = f"{counted(len(labs), 'assignment')} for {options.system}, {counted(len(tasks), 'exercise')}, {points}"
    print(printable(f"{options.folder}: {said}"))
    return DONE


def chosen(wanted: str, labs: Mapping[str, Lab], worth: Mapping[str, float]) -> list[Lab]:
    """The labs that are named, such as "01,02", or all that have an exercise; each has one that is graded."""
    graded = {number: lab for number, lab in labs.items() if not worth.keys().isdisjoint(lab.exercises)}
    if not wanted:
        return [graded[number] for number in sorted(graded)]
    numbers = [known(number.strip(), labs, "lab") for number in wanted.split(",")]
    for number in numbers:
        if number not in graded:
            raise Refused(
                f"lab {number} has no exercise of the course: leave it out, or write one into the course's file"
            )
    return [graded[number] for number in sorted(set(numbers))]


def put(place: str, files: Mapping[str, str]) -> None:
    """Write `files` into a new folder at `place`: all of them or none."""
    folder = place_of(place, "os-2026")
    if os.path.lexists(folder):
        raise Refused(f"{str(folder)!r} is there already: name a new folder")
    part = folder.with_name(f".{folder.name}.{os.getpid()}")
    try:
        write({part / name: text for name, text in files.items()})
        part.rename(folder)
    except OSError as error:
        raise Refused(f"{str(folder)!r} can't be written: {error.strerror or error}") from None
    finally:
        shutil.rmtree(part, ignore_errors=True)
