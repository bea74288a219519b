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
from .command import Argument, Command, Group, path

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


def run(options: argparse.Namespace) -> int:
    """Read a text, or walk tables; the exit status says whether anything was found."""
    try:
        if options.walk:
            from .image import walks  # with the readers of real kernels, which a text does not need

            print("\n".join(walks(options)), flush=True)
        else:
            _read(options)
    except Refused as error:
        said = str(error).removesuffix(OR_TEXT)
        raise Refused(f"{said}, or - for what another command prints" if said != str(error) else said) from None
    return 0


def _read(options: argparse.Namespace) -> None:
    stray = next((name for name in _OF_WALKS if getattr(options, name)), None)
    if stray is not None:
        raise Refused(f"--{stray} goes with --walk: write --walk and an address, too")
    if options.to is not None:
        maker_of(options.to, "--to")
    progress = bar if sys.stderr.isatty() else None
    found = record(options.file) if options.record else load(_given(options.file), progress=progress)
    if isinstance(found, tuple) and options.to is not None:
        raise Refused(f"the text is read as {len(found)} values, which {options.to} can't hold: read each by itself")
    for one in found if isinstance(found, tuple) else (found,):
        is_words = isinstance(one, MemoryReport) and options.to is None
        drawn = None if is_words else picture(getattr(one, "shown", one))
        print(repr(one), flush=True)
        if drawn is None:
            continue
        print(drawn.to_text(), flush=True)
        if options.to is not None:
            drawn.save(options.to)


def _given(files: list[str]) -> Path | bytes:
    if len(files) > 1:
        raise Refused(f"read one text at a time, not {len(files)}; to run a program, write --record before it")
    return sys.stdin.buffer.read() if files[0] == "-" else Path(files[0])


COMMAND = Command(
    "read what a kernel printed, a map of a process, or what strace recorded",
    _ABOUT,
    _EXITS,
    (
        Argument("FILE...", "a text, which gzip may have packed; - for standard input"),
        Argument("--record", "run FILE, with arguments after --, and read its references"),
        Argument("--to PICTURE", "write the picture: picture.svg", path),
        Group(
            "walks of page tables in an image of memory",
            (
                Argument("--walk VA...", "an address: 0xffff800000000000, or decimal digits"),
                Argument("--format NAME", ", ".join(FORMATS)),
                Argument("--root ADDR", "physical address of the root table, without flags"),
                Argument("--base ADDR", "physical address of the image's first byte (0)"),
                Argument("(--option NAME=VALUE)...", "smep=on, dacr=0x55, …"),
                Argument("--access read|write|execute", "read, unless another is given"),
                Argument("--user", "the access is made by user code"),
            ),
        ),
    ),
    run,
)
