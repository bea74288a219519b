"""``vmwidgets grade NOTEBOOK --ask``: three questions, with answers, on one student's work."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..engine.base.units import counted
from ..grading.apart import check_given
from ..grading.checkoff import check_off
from ..grading.checkoff.sheets import format_of, save, text
from ..grading.files import size_allowed
from ..grading.own_exercises import read_modules
from .command import Argument, Group, path, whole
from .secret import HELP, is_course, secret_in
from .text import printable, say_refused

FEW = 1
"""The exit code for fewer than three questions."""


OPTIONS = Group(
    "questions at the desk",
    (
        Argument("--ask", "write three questions on the notebook, and grade nothing"),
        Argument("--exercise ID", "ask only about this exercise, such as 01/guard", default=""),
        Argument("--again N", "ask other questions: the Nth set after the first", whole, 0),
        Argument("--secret FILE", f"ask questions that students can't predict: {HELP}", path),
        Argument("-o, --output FILE", "write a file to print, .md or .html", path),
    ),
    """\
Three questions for a student on their own work, for three minutes. They are made from the journals in the
notebook's outputs, and come with answers. The same notebook gives the same questions; with --secret, only the owner of
the secret can make them. Exit code 1: there are fewer than three questions; 2: there is none.""",
)


def run(options: argparse.Namespace) -> int:
    """Ask, and print or write the questions."""
    if options.output:
        format_of(options.output)
    secret = secret_in(options.secret) if options.secret else ""
    key = secret if options.secret and is_course(options.secret) else ""
    check_given(options.folder.parent, options.exercises)
    modules, most = read_modules(options.exercises), size_allowed(options.size)
    checkoff = check_off(options.folder, options.exercise, options.again, secret, key, modules, most)
    if options.output:
        save(checkoff, options.output)
    print(f"questions are in {printable(str(options.output))}" if options.output else f"{text(checkoff)}\n")
    print(whose(options.secret))
    if not checkoff.whole:
        say_refused(f"only {counted(len(checkoff.asked), 'question')} left")
        return FEW
    return 0


def whose(secret: Path | None) -> str:
    """Return who else could generate these questions."""
    if secret is None:
        return "Anyone who has this notebook can make the same questions: --secret FILE asks others."
    return f"Only the owner of the secret in {printable(str(secret))} can make these questions."
