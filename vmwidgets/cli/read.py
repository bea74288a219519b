"""``vmwidgets read FILE``: what a text about memory contains, or what page tables in an image of memory map."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ..engine.base.errors import Refused
from ..engine.base.progress import bar
from ..engine.mmu.formats import FORMATS
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
  vmwidgets read memory.raw --format x86-64 --root 0x1000 --walk 0x7f0000001000

Prints what it is, what it holds as a table, and what it does not say.  With --record, a program runs under Valgrind's
lackey, and its references are read.  With --walk, FILE is an image of physical memory (QEMU's pmemsave or
dump-guest-memory writes one); its page tables are walked as the hardware does, and each step is printed."""

_EXITS = """\
exit status: 0 something was found; 2 nothing was, or the file can't be read.  A page fault is the answer of a walk like
any other."""

_OF_WALKS = ("format", "root", "base", "option", "access", "user")
"""The options that go with --walk."""


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
    walks = parser.add_argument_group("walks of page tables in an image of memory")
    walks.add_argument("--walk", nargs="+", metavar="VA", help="an address: 0xffff800000000000, or decimal digits")
    walks.add_argument("--format", metavar="NAME", help=", ".join(FORMATS))
    walks.add_argument("--root", metavar="ADDR", help="physical address of the root table, without flags")
    walks.add_argument("--base", metavar="ADDR", help="physical address of the image's first byte (0)")
    walks.add_argument("--option", action="append", default=[], metavar="NAME=VALUE", help="smep=on, dacr=0x55, …")
    walks.add_argument("--access", choices=("read", "write", "execute"), help="read, unless another is given")
    walks.add_argument("--user", action="store_true", help="the access is made by user code")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Read a text; the exit status says whether anything was found."""
    if options.walk is not None:
        return _walk(options)
    progress = bar if sys.stderr.isatty() else None
    try:
        stray = next((name for name in _OF_WALKS if getattr(options, name)), None)
        if stray is not None:
            raise Refused(f"--{stray} goes with --walk: write --walk and an address, too")
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


def _walk(options: argparse.Namespace) -> int:
    from .image import walks  # with the readers of real kernels, which a text does not need

    try:
        lines = list(walks(options))
    except (Refused, OSError) as error:
        return _refused(error, options.file[0])
    print("\n".join(lines), flush=True)
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
