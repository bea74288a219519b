"""``vmwidgets grade DIR --course FILE``: grades from journals; `--ask`: questions; `--gain`: a class's gain."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

from .. import __version__
from ..assignments.cells import labs_of
from ..engine.base.errors import Refused
from ..engine.base.units import counted
from ..grading import Course, Grades, grade, read_course
from ..grading.apart import check_given, check_results
from ..grading.course import FILE_SECONDS, named_modules
from ..grading.explain import explained
from ..grading.feedback import write_feedback
from ..grading.files import size_allowed
from ..grading.gain import Gain, gain_of, said, table
from ..grading.late import Due, check_times, due, with_late_days
from ..grading.lms import format_of, gradebook
from ..grading.notebook import made_with
from ..grading.output import write
from ..grading.overrides import Overrides, read_overrides, with_overrides
from ..grading.report import secret_of, write_report
from ..grading.roster import Roster, missing, read_roster, with_roster
from ..grading.sample import sampled, share_of
from ..grading.tables import write_tables
from ..labs.saved import NOTEBOOK_BYTES
from . import INTERRUPTED, checkoff
from .command import Argument, Command, number, path
from .copying import shipped
from .text import printable

LOOK, ZERO = 1, 3
"""Exit codes: rows are listed; a submission earned nothing, but not because its answers are wrong."""

OVERRIDES = "overrides.csv"
"""The file in the results folder that keeps overrides for later runs."""

MOST_WAIT = 3600
"""The most seconds for judging one notebook."""

BAR = 30
"""Characters of the progress bar."""


def run(options: argparse.Namespace) -> int:
    """Grade, write, and report the numbers and what needs attention; or ask about one notebook."""
    if options.ask:
        return checkoff.run(options)
    if options.gain:
        return _gain(options)
    if options.course is None:
        raise Refused("write --course FILE: it is needed, except with --ask and --gain")
    check_given(options.folder, [options.course, options.roster, options.overrides, *options.exercises])
    check_given(options.folder, named_modules(options.course))
    course = read_course(options.course, options.exercises)
    _check(options, course)
    course = replace(course, size=size_allowed(options.size), seconds=options.seconds)
    share = share_of(options.sample) if options.sample else 0
    roster = read_roster(options.roster) if options.roster else None
    overrides, until = _overrides(options), due(options.due, options.grace, course.due)
    try:
        grades, by_change = _graded(options, course, roster, overrides, until)
        _write(options, grades, roster)
        desk = sampled(grades, share, secret_of(options.to)) if share else []
        why = list(explained(grades, options.explain, roster)) if options.explain else []
    except KeyboardInterrupt:
        print("\nvmwidgets: stopped; finished grades are kept: run the same command to continue", file=sys.stderr)
        return INTERRUPTED
    nothing, not_gradable = missing(grades, roster) if roster else ([], [])
    _say(grades, nothing, not_gradable, options.to, by_change)
    if roster and until.dates and not roster.gives_more_time:
        print("  no student has more time: the roster has no column 'extension'")
    if desk:
        print(f"  for the desk: {printable(', '.join(desk))}")
    for line in why:
        print(line)
    return ZERO if grades.without_points() or not_gradable else LOOK if grades.look else 0


def _gain(options: argparse.Namespace) -> int:
    """Compare the tests of a class, print the report, and write the table."""
    check_results(options.folder, options.to)
    gain = gain_of(options.folder, size_allowed(options.size))
    if not gain.both:
        raise Refused(f"no student took both tests in {str(options.folder)!r}{_left_out(gain)}")
    [file] = write({options.to / "gain.csv": table(gain)})
    print(f"{said(gain)}\n\nA row for each student is in {printable(str(file))}.")
    return LOOK if gain.left_out else 0


def _left_out(gain: Gain) -> str:
    """Return why the first file that does not count is left out; "" if all count."""
    return f": {gain.left_out[0][0]}: {gain.left_out[0][1]}" if gain.left_out else ""


def _check(options: argparse.Namespace, course: Course) -> None:
    """Refuse options that don't go together, before anything is done."""
    if not 0 <= options.jobs <= 256:
        raise Refused(f"--jobs {options.jobs}: write 1 to 256, or 0 for one per processor")
    if not 1 <= options.seconds <= MOST_WAIT:
        raise Refused(f"--seconds {options.seconds:g}: write 1 to {MOST_WAIT:,} seconds")
    if options.lms and not options.roster:
        raise Refused("--lms needs --roster FILE: a gradebook file takes its ids and titles from the roster")
    if options.names and not options.roster:
        raise Refused("--names needs --roster FILE: the names come from the roster")
    if options.grace and not (options.due or course.due):
        raise Refused("--grace needs --due DATE, or due = … in the course's file")
    if options.lms:
        format_of(options.lms)
    check_results(options.folder, options.to)


def _overrides(options: argparse.Namespace) -> Overrides | None:
    """Return the given overrides, or else those of an earlier run."""
    given: Path = options.overrides or options.to / OVERRIDES
    return read_overrides(given) if options.overrides or given.exists() else None


def _graded(
    options: argparse.Namespace, course: Course, roster: Roster | None, overrides: Overrides | None, until: Due
) -> tuple[Grades, int]:
    """Return the grades with all options, and the number of files dated by their last change."""
    by_change = 0
    if until.dates and roster:
        check_times(roster)
    grades = grade(
        options.folder,
        course,
        state=options.to / "state.jsonl",
        jobs=options.jobs,
        dask=options.dask,
        only=options.only,
        roster=roster,
        progress=_bar,
    )
    if roster:
        grades = with_roster(grades, roster)
    if until.dates:
        grades, by_change = with_late_days(grades, options.folder, until, roster)
    if overrides:
        grades = with_overrides(grades, overrides, roster)
    return grades, by_change


def _write(options: argparse.Namespace, grades: Grades, roster: Roster | None) -> None:
    """Write all results, including the given overrides."""
    if options.overrides:
        write({options.to / OVERRIDES: options.overrides.read_bytes()})
    write_tables(grades, options.to)
    names = roster.name_of if roster and options.names else None
    questions = dict(one for lab in labs_of(shipped()).values() for one in lab.questions.items())
    write_feedback(grades, options.to / "feedback", names, questions)
    write_report(grades, options.to, names)
    if roster and options.lms:
        name, content = gradebook(grades, roster, options.lms)
        write({options.to / name: content})


def _say(grades: Grades, nothing: list[str], not_gradable: list[str], to: Path, by_change: int) -> None:
    """Report the numbers, who submitted `nothing`, whose files are `not_gradable`, and what needs attention."""
    files = counted(sum(bool(file.path) for file in grades.files), "file")  # files without a path are overrides
    print(f"{files} of {counted(len(grades.students()), 'student')}; results are in {printable(str(to))}")
    if nothing:
        print(f"  submitted nothing ({len(nothing)}): {printable(', '.join(nothing))}")
    if not_gradable:
        print(f"  submitted, not gradable: {printable(', '.join(not_gradable))}")
    if by_change:
        print(f"  late days of {counted(by_change, 'file')} are based on the file's modification time")
    wrote = [file for file in grades.files if file.student and file.wrote]
    other = [made_with(file.version, file.build) for file in wrote if file.build or file.version != __version__]
    for name, count in sorted(Counter(other).items()):
        print(f"  {counted(count, 'notebook')} of {name}, judged by {__version__}")
    if ids := grades.without_points():
        print(f"  no points for exercises, although no work was found wrong: {printable(', '.join(ids))}")
    for row in grades.look:
        where = f"{row.student or row.path}{f', {row.exercise}' * bool(row.exercise)}"
        where += f" in {row.path}" if row.stopped and row.student else ""
        print(f"  {printable(where)}: {printable(row.says)}")


def _bar(done: int, of: int) -> None:
    """Show the progress, on one line of a terminal."""
    if sys.stderr.isatty():
        filled = "#" * (BAR * done // of)
        print(f"\r[{filled:<{BAR}}] {done} of {of}", end="\n" if done == of else "", file=sys.stderr, flush=True)


_ABOUT = """\
Grade notebooks from the journals in their outputs: each machine is rebuilt and checked. No student's code runs.
With --ask and one notebook: three questions for the student on their own work."""

_EXITS = """\
exit status: 0 all is well; 1 some rows need attention, and are listed; 2 the run failed, and the message says why; 3 a
student has no points for a lab because a file could not be judged"""

COMMAND = Command(
    "grade a folder of notebooks",
    _ABOUT,
    _EXITS,
    (
        Argument("FOLDER", "the folder of submitted notebooks; with --ask, one of them", path),
        Argument("--course FILE", "the course's file, TOML; needed, except with --ask and --gain", path),
        Argument(
            "--exercises FILE...",
            "your own exercises: modules that call lab.exercise; they run on this computer with your rights",
            path,
        ),
        Argument("--to FOLDER", "where results are written (default: grades)", path, Path("grades")),
        Argument("--only STUDENT", "grade this student's files again", default=""),
        Argument("--explain STUDENT", "say why this student has these points", default=""),
        Argument("--sample PART", "choose students for the desk, such as 10%", default=""),
        Argument(
            "--jobs N",
            "number of processes (default: one per processor)",
            number("whole number of processes, such as 4", int),
            0,
        ),
        Argument(
            "--dask ADDRESS",
            "grade on the Dask cluster with this scheduler, such as tcp://10.0.0.1:8786; anyone who can reach a "
            "scheduler can run code on its workers, so use a network that you trust, or tls://",
            default="",
        ),
        Argument(
            "--size MIB",
            f"the largest notebook that is read, in MiB (default: {NOTEBOOK_BYTES >> 20})",
            number("number of MiB, such as 100"),
            NOTEBOOK_BYTES >> 20,
        ),
        Argument(
            "--seconds S",
            f"the longest that judging one file may take (default: {FILE_SECONDS})",
            number("number of seconds, such as 90"),
            FILE_SECONDS,
        ),
        Argument("--roster FILE", "the course's students: CSV with a column of ids", path),
        Argument("--names", "with --roster: names in the report and the feedback"),
        Argument("--lms SYSTEM", "a gradebook file for canvas, moodle or blackboard", default=""),
        Argument(
            "--due DATE",
            "count late days after this date, such as 2026-10-01T12:00; for labs without a date in the course's file",
            default="",
        ),
        Argument(
            "--grace HOURS",
            "hours after the due date that still count as on time",
            number("number of hours, such as 0.5"),
            0,
        ),
        Argument(
            "--overrides FILE",
            "CSV with student,exercise,points,reason; kept for later runs as overrides.csv among the results",
            path,
        ),
        Argument("--gain", "compare a folder's concept tests, before a course and after it; no --course is needed"),
        checkoff.OPTIONS,
    ),
    run,
)
