"""The command ``vmwidgets``: its parser, with one module for each of its verbs."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from .. import __version__
from . import INTERRUPTED

COMMANDS = (
    "assignment", "checkoff", "course", "doctor", "follow", "grade", "handout", "lecture", "link", "questions", "read",
    "replay", "roster", "selftest", "walk",
)  # fmt: skip
"""Each is a module next to this one, whose `add_…` adds its parser."""

PIPE_CLOSED = 141
"""What shells report for SIGPIPE."""


def parser_for(arguments: Sequence[str]) -> argparse.ArgumentParser:
    """The parser of these arguments; the modules of other commands are not loaded, as all of them take a second."""
    parser = argparse.ArgumentParser("vmwidgets", description="A virtual memory lab for Jupyter.")
    parser.add_argument("--version", action="version", version=f"vmwidgets {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    first = arguments[0] if arguments else ""
    for name in (first,) if first in COMMANDS else COMMANDS if first != "--version" else ():
        getattr(import_module(f".{name}", __package__), f"add_{name}")(commands)
    return parser


def main(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> int:
    """Run the command with `arguments`, which `parser` is for; its exit status."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        options = parser.parse_args(arguments)
        status: int = options.run(options)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # so that the flush at exit has where to go
        return PIPE_CLOSED
    return status
