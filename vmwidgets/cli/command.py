"""The command ``vmwidgets``: its parser, with one module for each of its verbs."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence

from .. import __version__
from . import INTERRUPTED
from .assignment import add_assignment
from .checkoff import add_checkoff
from .course import add_course
from .doctor import add_doctor
from .follow import add_follow
from .grade import add_grade
from .handout import add_handout
from .lecture import add_lecture
from .questions import add_questions
from .replay import add_replay
from .roster import add_roster
from .selftest import add_selftest
from .walk import add_walk

PIPE_CLOSED = 141
"""What shells report for SIGPIPE."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with `arguments` (those of the process by default); its exit status."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        options = _parser().parse_args(arguments)
        status: int = options.run(options)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # so that the flush at exit has where to go
        return PIPE_CLOSED
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("vmwidgets", description="A virtual memory lab for Jupyter.")
    parser.add_argument("--version", action="version", version=f"vmwidgets {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    add_assignment(commands)
    add_checkoff(commands)
    add_course(commands)
    add_doctor(commands)
    add_follow(commands)
    add_grade(commands)
    add_handout(commands)
    add_lecture(commands)
    add_questions(commands)
    add_replay(commands)
    add_roster(commands)
    add_selftest(commands)
    add_walk(commands)
    return parser
