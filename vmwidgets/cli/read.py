"""``vmwidgets read FILE``: what a text about memory contains: a map, a trace, or a kernel's output."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ..engine.base.errors import Refused
from ..engine.base.progress import bar
from ..pictures.exports import maker_of
from ..pictures.registry import picture
from ..sources.door import load
from ..sources.given_text import OR_TEXT
from ..sources.memory_report import MemoryReport
from ..sources.record import record
from .command import path_typed
from .text import say_refused

READ, NOTHING = 0, 2

_ABOUT = """\
Read a text about memory: what a kernel printed, a map of a process, or what strace recorded.

  vmwidgets read crash.txt
  dmesg | vmwidgets read -
  vmwidgets read /proc/self/maps --to map.svg
  vmwidgets read --record -- ./prog arguments

Prints what it is, what it holds as a table, and what it does not say.  With --record, a program runs under Valgrind's
lackey, and its references are read."""

_EXITS = "exit status: 0 something was found; 2 nothing was, or the file can't be read."


def add_read(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's arguments."""
    parser = commands.add_parser(
        "read",
        help="read what a kernel printed, a map of a process, or what strace recorded",
        description=_ABOUT,
        epilog=_EXITS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "file", metavar="FILE", nargs="+", help="a text, which gzip may have packed; - for standard input"
    )
    parser.add_argument(
        "--record", action="store_true", help="run FILE, with arguments after --, and read its references"
    )
    parser.add_argument("--to", type=path_typed, metavar="PICTURE", help="write the picture: picture.svg")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Read a text; the exit status says whether anything was found."""
    progress = bar if sys.stderr.isatty() else None
    try:
        if options.to is not None:
            maker_of(options.to, "--to")
        found = record(options.file) if options.record else load(_given(options.file), progress=progress)
        is_words = isinstance(found, MemoryReport) and options.to is None
        drawn = None if is_words else picture(getattr(found, "shown", found))
    except (Refused, OSError) as error:
        return _refused(error, options.file[0])
    print(repr(found), flush=True)
    if drawn is None:
        return READ
    print(drawn.to_text(), flush=True)
    try:
        if options.to is not None:
            drawn.save(options.to)
    except (Refused, OSError) as error:
        return _refused(error, options.to)
    return READ


def _refused(error: Refused | OSError, of: object) -> int:
    if isinstance(error, OSError):
        say_refused(f"{of}: {error.strerror or error}")
        return NOTHING
    said = str(error).removesuffix(OR_TEXT)
    say_refused(f"{said}, or - for what another command prints" if said != str(error) else said)
    return NOTHING


def _given(files: list[str]) -> Path | bytes:
    if len(files) > 1:
        raise Refused(f"read one text at a time, not {len(files)}; to run a program, write --record before it")
    return sys.stdin.buffer.read() if files[0] == "-" else Path(files[0])
