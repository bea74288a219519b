"""``vmwidgets doctor``: checks of this computer or, with a notebook, of the work that will be graded in it."""

from __future__ import annotations

import argparse
from itertools import chain

from ..engine.base.errors import Refused
from ..engine.base.units import counted
from ..grading.doctor import diagnosis
from ..grading.own_exercises import read_modules
from .command import Argument, Command, path
from .computer import needed, optional
from .course import FOLDER
from .text import printable

WELL, MISSING, NOTHING = 0, 1, 2
"""Exit codes: everything counts or works; something is missing; the file is not a notebook."""


def run(options: argparse.Namespace) -> int:
    """Diagnose, and print."""
    if options.notebook is None:
        return _computer(everything=options.all)
    if not options.notebook.is_file():
        copied = options.notebook.parent / FOLDER / options.notebook.name
        advice = f"name {str(copied)!r}, which is there" if copied.is_file() else "name your notebook"
        raise Refused(f"{str(options.notebook)!r} is not a file: {advice}")
    read_modules(options.exercises)
    found = diagnosis(options.notebook)
    for line in found.lines():
        print(printable(line))
    return WELL if found.well else MISSING if found.is_notebook else NOTHING


def _computer(*, everything: bool) -> int:
    """Print what works on this computer, line by line."""
    lacking = 0
    for finding in chain(needed(), optional() if everything else ()):
        print(printable(finding.line()), flush=True)
        lacking += finding.needed and not finding.works
    if lacking:
        print(f"{counted(lacking, 'thing is', 'things are')} missing that the labs need: see the lines above")
        return MISSING
    print("Everything that the labs need works here. To check the engine too: vmwidgets selftest")
    return WELL


COMMAND = Command(
    "check this computer, or list which parts of your notebook will count",
    """\
Without a file: check what the labs need on this computer, and say what to do about what is missing, one line for each
check. With a file: read a saved notebook as the grader does, and say what will count, for whom, for how many points,
and what is missing.""",
    "exit status: 0 everything needed is there; 1 something is missing; 2 the file can't be read, or is not a notebook",
    (
        Argument("[NOTEBOOK]", "your saved notebook", path),
        Argument("--all", "check what only some pages and courses use, too"),
        Argument("--exercises FILE...", "modules with your course's own exercises", path),
    ),
    run,
)
