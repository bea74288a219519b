"""``vmwidgets grade DIR --course FILE``: grades of a folder of notebooks, from their journals."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from ..engine.base.errors import Refused, printable
from ..engine.base.units import counted
from ..grading import grade, read_course
from ..grading.tables import write_tables

LOOK, NOTHING = 1, 2
"""Exit codes: something needs a look; nothing could be done."""


def add_grade(commands: Any) -> None:
    """Add the command to the parser's."""
    parser = commands.add_parser(
        "grade",
        help="grade a folder of notebooks",
        description="Grade notebooks from the journals in their outputs: each machine is made again, and judged. No "
        "student's code runs. Exit code 1: something needs a look; 2: nothing could be done.",
    )
    parser.add_argument("folder", type=Path, help="the notebooks that were handed in")
    parser.add_argument("--course", type=Path, required=True, help="the course's file, TOML")
    parser.add_argument("--to", type=Path, default=Path("grades"), help="where results are written (default: grades)")
    parser.add_argument("--only", default="", metavar="STUDENT", help="grade this student's files again")
    parser.add_argument("--jobs", type=int, default=0, metavar="N", help="processes (default: one a processor)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Grade, write, and say how many and what needs a look."""
    try:
        course = read_course(options.course)
        if not 0 <= options.jobs <= 256:
            raise Refused(f"--jobs {options.jobs}: write 1 to 256, or 0 for one a processor")
        grades = grade(
            options.folder, course, state=options.to / "state.jsonl", jobs=options.jobs, only=options.only,
            progress=_bar,
        )  # fmt: skip
        write_tables(grades, options.to)
    except (Refused, OSError) as error:
        print(f"vmwidgets: {printable(str(error))}", file=sys.stderr)
        return NOTHING
    files, students = counted(len(grades.files), "notebook"), counted(len(grades.students()), "student")
    print(f"{files} of {students}; results are in {printable(str(options.to))}")
    for row in grades.look:
        where = f"{row.student or row.path}{f', {row.exercise}' * bool(row.exercise)}"
        print(f"  {printable(where)}: {printable(row.says)}")
    return LOOK if grades.look else 0


def _bar(done: int, of: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{done} of {of}", end="\n" if done == of else "", file=sys.stderr, flush=True)
