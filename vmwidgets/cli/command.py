"""The two programs: tables of commands and their arguments, read by :mod:`argparse`; one module for each command."""

from __future__ import annotations

import argparse
import errno
import io
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from importlib import import_module
from math import isfinite, nan
from pathlib import Path
from typing import Any, NoReturn

from .. import __version__
from ..build import commit
from ..engine.base.errors import Refused, shown
from ..engine.base.frozen import frozen
from . import INTERRUPTED, TOOLS, VMWIDGETS
from .text import say_refused

COMMANDS = {
    VMWIDGETS: ("course", "doctor", "lecture", "figure", "read", "link", "grade", "questions", "follow", "selftest"),
    TOOLS: ("roster", "assignment"),
}
"""The commands by program; each command is a module next to this one, with its :class:`Command` as `COMMAND`."""

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


@frozen(slots=False)
class Argument:
    """One argument: as a usage line writes it, what it means, the reader of its text, and its value if it is left out.

    `written` is one of ``FILE``, ``[FILE]`` (may be left out), ``FILE...`` (one or more), ``--all`` (a flag),
    ``--to DIR``, ``-o, --output FILE``, ``--by one|other`` (nothing else), ``--labs LAB...`` (several) and
    ``(--labs LAB)...`` (the option may be repeated).  In the parsed options, the name of the value is the long option,
    or the word in small letters.
    """

    written: str
    help: str
    kind: Callable[[str], Any] = str
    default: Any = None
    required: bool = False

    def add_to(self, parser: argparse._ActionsContainer) -> None:
        """Add the argument to a parser, or to a group of a parser."""
        says = self.help.replace("%", "%%")
        words = self.written.strip("[()].").replace(",", "").split()
        value = "" if words[-1].startswith("-") else words.pop()
        if not value:
            parser.add_argument(*words, action="store_true", help=says)
            return
        more: dict[str, Any] = {"default": self.default}
        if self.written.startswith("[") or self.written.endswith("..."):
            more = {"nargs": "?"} if self.written.startswith("[") else {"nargs": "+", "default": []}
        if self.written.startswith("("):
            more = {"action": "append", "default": []}
        if words:
            more["required"] = self.required
            more["choices"] = [self.kind(one) for one in value.split("|")] if "|" in value else None
        parser.add_argument(*(words or [value.lower()]), metavar=value, type=self.kind, help=says, **more)


@frozen(slots=False)
class Group:
    """Arguments below a heading of their own in the help."""

    title: str
    arguments: tuple[Argument, ...]
    about: str = ""

    def add_to(self, parser: argparse.ArgumentParser) -> None:
        """Add the arguments to a parser."""
        group = parser.add_argument_group(self.title, self.about or None)
        for argument in self.arguments:
            argument.add_to(group)


@frozen(slots=False)
class Command:
    """A command: its line among all commands, what its help says before and after the arguments, and what it runs.

    `run` returns the exit status; it may raise :class:`Refused` and `OSError`: :func:`main` prints the sentence, and
    returns 2.  A command with `actions` has nothing else to run.
    """

    help: str
    about: str
    exits: str
    arguments: tuple[Argument | Group, ...] = ()
    run: Callable[[argparse.Namespace], int] | None = None
    actions: Mapping[str, Command] = field(default_factory=dict)

    def add_to(self, commands: Any, name: str) -> None:
        """Add the command's parser to those of all commands."""
        parser = commands.add_parser(
            name,
            help=self.help,
            description=self.about,
            epilog=self.exits,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        for argument in self.arguments:
            argument.add_to(parser)
        parser.set_defaults(runs=self.run)
        if self.actions:
            actions = parser.add_subparsers(dest="action", required=True, metavar="action")
            for action, command in self.actions.items():
                command.add_to(actions, action)


class _Parser(argparse.ArgumentParser):
    """A parser that refuses arguments in one sentence, without the whole usage."""

    def error(self, message: str) -> NoReturn:
        raise Refused(f"{message}: see {self.prog} --help")


def parser_for(arguments: Sequence[str], program: str) -> argparse.ArgumentParser:
    """Return the parser for these arguments; other commands' modules are not loaded, since that would take a second."""
    parser = _Parser(program, description=ABOUT[program])
    parser.add_argument("--version", action=_Version, nargs=0, help="show program's version number and exit")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    first = arguments[0] if arguments else ""
    names = COMMANDS[program]
    for name in (first,) if first in names else () if first in MOVED or _asks_version(first) else names:
        command: Command = import_module(f".{name}", __package__).COMMAND
        command.add_to(commands, name)
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


def path(text: str) -> Path:
    """The typed path.

    An empty path is refused: it comes from a shell variable without a value, and would be the current folder.
    """
    if not text:
        raise argparse.ArgumentTypeError("'' is not a path: write the name of a file or folder")
    return Path(text)


def number(what: str, kind: Callable[[str], float] = float) -> Callable[[str], float]:
    """Return a reader of a typed number for :mod:`argparse`; `what` is counted, and an example."""

    def typed(text: str) -> float:
        try:
            found = kind(text)
        except ValueError:
            found = nan
        if not isfinite(found):
            raise argparse.ArgumentTypeError(f"{shown(text)}: write a {what}")
        return found

    return typed


def whole(text: str) -> int:
    """Return the typed whole number."""
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None


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
            status: int = options.runs(options)
        finally:  # --help ends by SystemExit
            sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _write_nowhere()
        return PIPE_CLOSED
    except Refused as error:
        say_refused(error)
        return NOT_DONE
    except OSError as error:
        if error.errno in FULL and error.filename is None:
            _write_nowhere()
            print(f"vmwidgets: the output can't be written: {error.strerror}", file=sys.stderr)
        else:
            say_refused(f"{error.filename}: {error.strerror}" if error.filename else error)
        return NOT_DONE
    return status


def _write_nowhere() -> None:
    """Let the flush at exit write the remaining output nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
