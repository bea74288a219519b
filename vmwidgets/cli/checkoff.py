"""``vmwidgets checkoff NOTEBOOK``: three questions on what one student did, with answers."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from ..engine.base.errors import Refused
from ..engine.base.units import counted
from ..grading.apart import check_given
from ..grading.checkoff import check_off
from ..grading.checkoff.sheets import format_of, save, text
from ..grading.own_exercises import read_modules
from .secret import HELP, is_course, secret_in
from .text import printable

FEW, NOTHING = 1, 2
"""Exit codes: fewer than three questions; none at all."""


def add_checkoff(commands: Any) -> None:
    """Add the command to the parser's."""
    parser = commands.add_parser(
        "checkoff",
        help="write three questions on a student's own work",
        description="Write three questions for a student on their own work, for three minutes at a desk. They are made "
        "from the journals in the notebook's outputs, and come with answers. The same notebook gives the same "
        "questions; with --secret, only the owner of the secret can make them. "
        "Exit code 1: there are fewer than three questions; 2: there is none.",
    )
    parser.add_argument("notebook", type=Path, help="the submitted notebook")
    parser.add_argument("--exercise", default="", metavar="ID", help="ask only about this exercise, such as 01/guard")
    parser.add_argument(
        "--again", type=int, default=0, metavar="N", help="ask other questions: the Nth set after the first"
    )
    parser.add_argument(
        "--secret", type=Path, metavar="FILE", help=f"ask questions that students can't predict: {HELP}"
    )
    parser.add_argument(
        "--exercises", type=Path, nargs="+", default=[], metavar="FILE",
        help="your own exercises: modules that call lab.exercise; they run on this computer with your rights",
    )  # fmt: skip
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="write a file to print, .md or .html")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Ask, and print or write."""
    try:
        if options.output:
            format_of(options.output)
        secret = secret_in(options.secret) if options.secret else ""
        key = secret if options.secret and is_course(options.secret) else ""
        check_given(options.notebook.parent, options.exercises)
        modules = read_modules(options.exercises)
        checkoff = check_off(options.notebook, options.exercise, options.again, secret, key, modules)
        if options.output:
            save(checkoff, options.output)
    except (Refused, OSError) as error:
        print(f"vmwidgets: {printable(str(error))}", file=sys.stderr)
        return NOTHING
    print(f"questions are in {printable(str(options.output))}" if options.output else f"{text(checkoff)}\n")
    print(whose(options.secret))
    if not checkoff.whole:
        print(f"vmwidgets: only {counted(len(checkoff.asked), 'question')} left", file=sys.stderr)
        return FEW
    return 0


def whose(secret: Path | None) -> str:
    """Who else can make these questions."""
    if secret is None:
        return "Anyone who has this notebook can make the same questions: --secret FILE asks others."
    return f"Only the owner of the secret in {printable(str(secret))} can make these questions."
