"""The two programs: their parsers, with one module for each command."""

from __future__ import annotations

import argparse
import errno
import io
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from math import isfinite, nan
from pathlib import Path

from .. import __version__
from ..build import commit
from ..engine.base.errors import shown
from . import INTERRUPTED, TOOLS, VMWIDGETS
from .text import say_refused

COMMANDS = {
    VMWIDGETS: ("course", "doctor", "lecture", "figure", "read", "link", "grade", "questions", "follow", "selftest"),
    TOOLS: ("roster", "assignment"),
}
"""The commands by program; each command is a module next to this one, and the module's `add_…` adds its parser."""

ABOUT = {
    VMWIDGETS: "A virtual memory lab for Jupyter.",
    TOOLS: "What is needed once a term.",
}

MOVED = {
    **{name: f"{TOOLS} {name}" for name in COMMANDS[TOOLS]},
    "walk": "vmwidgets read IMAGE --format NAME --root ADDR --walk VA",
    "replay": "python -m tests.oracles replay FILE, in a clone of vmwidgets",
    "checkoff": "vmwidgets grade NOTEBOOK --ask",
    "handout": "vmwidgets lecture NOTEBOOK, or vmwidgets lecture JOURNAL",
}
"""The current words for an earlier command."""

NOT_DONE = 2

PIPE_CLOSED = 141
"""The exit status that shells use for SIGPIPE."""

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""The errors of writing to a full disk, for example through a shell's ">"."""


def parser_for(arguments: Sequence[str], program: str) -> argparse.ArgumentParser:
    """Return the parser for these arguments; other commands' modules are not loaded, since that would take a second."""
    parser = argparse.ArgumentParser(program, description=ABOUT[program])
    parser.add_argument("--version", action=_Version, nargs=0, help="show program's version number and exit")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    first = arguments[0] if arguments else ""
    names = COMMANDS[program]
    for name in (first,) if first in names else () if first in MOVED or _asks_version(first) else names:
        getattr(import_module(f".{name}", __package__), f"add_{name}")(commands)
    return parser


class _Version(argparse.Action):
    """Prints the version; it is looked up only then, since a clone's commit takes time."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        print(_version())
        parser.exit()


def _asks_version(word: str) -> bool:
    """Return whether an argument is ``--version``, or an abbreviation of it."""
    return len(word) > 2 and "--version".startswith(word)


def _version() -> str:
    """Return the version and, in a clone, the commit."""
    of = commit()
    return f"vmwidgets {__version__}{f' (commit {of})' * bool(of)}"


def path_typed(text: str) -> Path:
    """The typed path.

    An empty path is refused: it comes from a shell variable without a value, and would be the current folder.
    """
    if not text:
        raise argparse.ArgumentTypeError("'' is not a path: write the name of a file or folder")
    return Path(text)


class NoNumber(Exception):
    """A typed text that is no number; `argparse` would add the whole usage to an error of its own kinds."""


def number_typed(option: str, what: str, kind: Callable[[str], float] = float) -> Callable[[str], float]:
    """Return a reader of a typed number for :mod:`argparse`.

    Anything else is refused in one sentence, without the whole usage: `what` is counted, and an example.
    """

    def typed(text: str) -> float:
        try:
            number = kind(text)
        except ValueError:
            number = nan
        if not isfinite(number):
            raise NoNumber(f"{option} {shown(text)}: write a {what}")
        return number

    return typed


def main(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> int:
    """Run the command with `arguments`, which `parser` parses; returns its exit status."""
    for name, mode in ("stdin", "r"), ("stdout", "w"), ("stderr", "w"):
        stream = getattr(sys, name)
        if stream is None:  # the shell closed it: >&-
            setattr(sys, name, Path(os.devnull).open(mode))  # noqa: SIM115  open until the process ends
        elif isinstance(stream, io.TextIOWrapper) and mode == "w":
            stream.reconfigure(errors="backslashreplace")
    known = COMMANDS.get(parser.prog, MOVED)
    if arguments and arguments[0] in MOVED and arguments[0] not in known:
        print(f"vmwidgets: {arguments[0]!r} is now: {MOVED[arguments[0]]}", file=sys.stderr)
        return NOT_DONE
    try:
        try:
            options = parser.parse_args(arguments or ["--help"])
            status: int = options.run(options)
        finally:  # --help ends by SystemExit
            sys.stdout.flush()
    except NoNumber as error:
        say_refused(error)
        return NOT_DONE
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _write_nowhere()
        return PIPE_CLOSED
    except OSError as error:
        if error.errno not in FULL or error.filename is not None:
            raise
        _write_nowhere()
        print(f"vmwidgets: the output can't be written: {error.strerror}", file=sys.stderr)
        return NOT_DONE
    return status


def _write_nowhere() -> None:
    """Let the flush at exit write the remaining output nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
