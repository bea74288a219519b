"""``vmwidgets grade DIR --course FILE``: grades of a folder of notebooks, from their journals."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from ..engine.base.errors import Refused, printable
from ..engine.base.units import counted
from ..grading import Grades, grade, read_course
from ..grading.feedback import write_feedback
from ..grading.late import due, with_late_days
from ..grading.lms import format_of, gradebook
from ..grading.output import write
from ..grading.overrides import Overrides, read_overrides, with_overrides
from ..grading.report import write_report
from ..grading.roster import Roster, missing, read_roster, with_roster
from ..grading.tables import write_tables
from . import INTERRUPTED

LOOK, NOTHING = 1, 2
"""Exit codes: something needs a look; nothing could be done."""

BAR = 30
"""Characters that show how many files are done."""


def add_grade(commands: Any) -> None:
    """Add the command to the parser's."""
    parser = commands.add_parser(
        "grade",
        help="grade a folder of notebooks",
        description="Grade notebooks from the journals in their outputs: each machine is made again, and judged. No "
        "student's code runs, but for answers that are functions, in a process without files and network. "
        "Exit code 1: something needs a look; 2: nothing could be done.",
    )
    parser.add_argument("folder", type=Path, help="the notebooks that were handed in")
    parser.add_argument("--course", type=Path, required=True, help="the course's file, TOML")
    parser.add_argument("--to", type=Path, default=Path("grades"), help="where results are written (default: grades)")
    parser.add_argument("--only", default="", metavar="STUDENT", help="grade this student's files again")
    parser.add_argument("--jobs", type=int, default=0, metavar="N", help="processes (default: one a processor)")
    parser.add_argument(
        "--dask", default="", metavar="ADDRESS",
        help="judge on the Dask cluster whose scheduler is there, such as tcp://10.0.0.1:8786; whoever can reach a "
        "scheduler can run code on its workers, so use a network that you trust, or tls://",
    )  # fmt: skip
    parser.add_argument("--roster", type=Path, metavar="FILE", help="who is in the course: CSV with a column of ids")
    parser.add_argument("--names", action="store_true", help="with --roster: names in the report and the feedback")
    parser.add_argument("--lms", default="", metavar="SYSTEM", help="a gradebook file for canvas, moodle or blackboard")
    parser.add_argument(
        "--due",
        default="",
        metavar="DATE",
        help="count late days after this, as 2026-10-01T12:00; for labs without a date in the course's file",
    )
    parser.add_argument("--grace", type=float, default=0, metavar="HOURS", help="that are not late after --due")
    parser.add_argument(
        "--overrides", type=Path, metavar="FILE",
        help="CSV with student,exercise,points,reason; kept for later runs as overrides.csv among the results",
    )  # fmt: skip
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Grade, write, and say how many and what needs a look."""
    try:
        course = read_course(options.course)
        if not 0 <= options.jobs <= 256:
            raise Refused(f"--jobs {options.jobs}: write 1 to 256, or 0 for one a processor")
        if options.lms and not options.roster:
            raise Refused("--lms needs --roster FILE: the ids and titles of a gradebook file are the roster's")
        if options.names and not options.roster:
            raise Refused("--names needs --roster FILE: names are the roster's")
        if options.grace and not (options.due or course.due):
            raise Refused("--grace needs --due DATE, or due = … in the course's file")
        if options.lms:
            format_of(options.lms)
        roster = read_roster(options.roster) if options.roster else None
        overrides = _overrides(options)
        until = due(options.due, options.grace, course.due)
        grades = grade(
            options.folder, course, state=options.to / "state.jsonl", jobs=options.jobs, dask=options.dask,
            only=options.only, person=roster.person if roster else str, progress=_bar,
        )  # fmt: skip
        if roster:
            grades = with_roster(grades, roster)
        by_change = 0
        if until.dates:
            grades, by_change = with_late_days(grades, options.folder, until, roster)
        if overrides:
            grades = with_overrides(grades, overrides, roster)
        write_tables(grades, options.to)
        names = roster.name_of if roster and options.names else None
        write_feedback(grades, options.to / "feedback", names)
        write_report(grades, options.to, names)
        if roster and options.lms:
            name, content = gradebook(grades, roster, options.lms)
            write({options.to / name: content})
    except (Refused, OSError) as error:
        print(f"vmwidgets: {printable(str(error))}", file=sys.stderr)
        return NOTHING
    except KeyboardInterrupt:
        print("\nvmwidgets: stopped; what was graded is kept: the same command goes on from there", file=sys.stderr)
        return INTERRUPTED
    _say(grades, roster, options.to, by_change)
    return LOOK if grades.look else 0


def _overrides(options: argparse.Namespace) -> Overrides | None:
    """Those that are given, which are kept among the results; or else those that an earlier run kept."""
    kept: Path = options.to / "overrides.csv"
    given: Path = options.overrides or kept
    if not options.overrides and not kept.exists():
        return None
    overrides = read_overrides(given)
    write({kept: given.read_bytes()})
    return overrides


def _say(grades: Grades, roster: Roster | None, to: Path, by_change: int) -> None:
    files = counted(sum(bool(file.path) for file in grades.files), "notebook")
    print(f"{files} of {counted(len(grades.students()), 'student')}; results are in {printable(str(to))}")
    if roster and (ids := missing(grades, roster)):
        print(f"  nothing that counts from: {printable(', '.join(ids))}")
    if by_change:
        print(f"  late days of {counted(by_change, 'file')} are from the file's last change")
    for row in grades.look:
        where = f"{row.student or row.path}{f', {row.exercise}' * bool(row.exercise)}"
        print(f"  {printable(where)}: {printable(row.says)}")


def _bar(done: int, of: int) -> None:
    """How far it is, on one line of a terminal."""
    if sys.stderr.isatty():
        filled = "#" * (BAR * done // of)
        print(f"\r[{filled:<{BAR}}] {done} of {of}", end="\n" if done == of else "", file=sys.stderr, flush=True)
