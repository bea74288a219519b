"""``python -m vmwidgets.tools roster``: a key for a course, and the code of each student."""

from __future__ import annotations

import argparse
import csv
import io
import secrets

from ..engine.base.errors import Refused
from ..engine.base.files import place_of
from ..engine.base.units import counted
from ..grading.roster import Roster, read_roster
from ..grading.tables import harmless
from ..labs.codes import code_of
from .command import Argument, Command, path
from .private import write_private
from .secret import named_key
from .text import printable, say_refused

LISTED = 1
"""The exit code if rows of the roster need attention."""

KEY_BYTES = 16
"""The bytes of a new key: 128 bits, too many to try."""

COLUMNS = ("id", "name", "code")

_ABOUT = """\
In a course with a key, each student begins a lab with a code:
lab.begin("01", student="ada", course="os-2026", code="…"). The student's exercises come from the code, so that
knowing the id is not enough to compute them.

  roster key     print a new key: add the line to the course's file
  roster codes   print the codes as CSV with the columns id, name and code: a row for each id that a
                 student may write, since a code is for one id"""

_EXITS = "exit status: 0 all is well; 1 rows of the roster need attention, and are listed; 2 bad input"


def run_key(_options: argparse.Namespace) -> int:
    """Print a new key as a line for the course's file."""
    print(f'key = "{secrets.token_hex(KEY_BYTES)}"')
    return 0


def run_codes(options: argparse.Namespace) -> int:
    """Print or write the codes, and list the rows of the roster that have no code."""
    course, key = named_key(options.course)
    roster = read_roster(options.roster)
    if not roster.people:
        raise Refused(f"{str(options.roster)!r} has no students")
    text = codes(key, course, roster)
    if options.output is not None:
        write_private(place_of(options.output, "codes.csv"), text.encode())
    if options.output is None:
        print(text, end="")
    else:
        print(printable(f"{options.output}: {counted(sum(len(one.ids) for one in roster.people.values()), 'code')}"))
    for problem in roster.problems:
        say_refused(problem)
    return LISTED if roster.problems else 0


def codes(key: str, course: str, roster: Roster) -> str:
    """Return the table of codes as CSV, in the order of the roster: a row for each ID that a student may use."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    for person in roster.people.values():
        for one in person.ids:
            table.writerow([harmless(one), harmless(person.name), code_of(key, course, one)])
    return text.getvalue()


COMMAND = Command(
    "make a course's key, and a code for each student",
    _ABOUT,
    _EXITS,
    actions={
        "key": Command("print a new key for a course's file", "Print a new key for a course's file.", "", run=run_key),
        "codes": Command(
            "print a code for each id of each student",
            "Print a code for each id of each student, as CSV.",
            _EXITS,
            (
                Argument("--course FILE", "the course's file, with its key", path, required=True),
                Argument("--roster FILE", "CSV with a column of ids", path, required=True),
                Argument("-o, --output FILE", "a new file, which only you may read"),
            ),
            run_codes,
        ),
    },
)
