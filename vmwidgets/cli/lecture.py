"""``vmwidgets lecture``: a ready lecture, or your own notebook or journal, as a file to step through."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from difflib import get_close_matches
from functools import partial
from pathlib import Path

from ..engine.base.errors import Refused
from ..engine.base.files import check_free
from ..engine.base.units import listed
from ..engine.kernel.tasks.forks import FORKS, SAME_AS, USUAL
from ..lectures.lecture import Lecture
from ..lectures.listed import ABOUT, FORKING, LEAD_TO, LECTURES, SHORT
from . import handout
from .command import Argument, Command, path, whole
from .text import printable, say_refused, say_written

TWENTY = 20
"""The minutes of the shorter lectures."""

OF_A_LECTURE = {"fork": "--fork", "minutes": "--minutes"}
OF_A_SOURCE = {"picture": "--picture", "title": "--title", "since": "--since", "by": "--by", "paper": "--paper"}
"""Options that go either with a lecture's name only, or with a notebook or journal only."""

_ABOUT = """\
Write a lecture to one HTML file, which can be stepped through in any browser without a Jupyter kernel, server or
network. Press p in it to present it. With the name of a lecture below, the file has notes and questions to vote on, and
the machine's journal is written next to it.

With a notebook or a saved journal, the file tells its story. A notebook is run from top to bottom and is not changed:
its pictures are shown at each step, its headings become chapters, and its predictions become questions."""

_LISTED = "\n".join(f"  {name:12} {words}" for name, words in ABOUT.items())

_EXITS = "exit status: 0 the files are written; 2 they are not"


def run(options: argparse.Namespace) -> int:
    """Write the files, and print their paths."""
    if options.name is None:
        say_refused("write one of these lectures, or name a notebook or a journal:")
        print(_LISTED, file=sys.stderr)
        return 2
    name = options.name.lower()
    if name in LEAD_TO:
        print(f"{name} is in the lecture {LEAD_TO[name]}", file=sys.stderr)
    if LEAD_TO.get(name, name) in LECTURES:
        options.name = LEAD_TO.get(name, name)
    is_source = options.name not in LECTURES
    for name, option in (OF_A_LECTURE if is_source else OF_A_SOURCE).items():
        if getattr(options, name):
            goes = "one of the lectures" if is_source else "a notebook or a journal"
            raise Refused(f"{option} goes with {goes}, not with {options.name!r}")
    if is_source and not Path(options.name).suffix:
        names = ", ".join(LECTURES)
        raise Refused(
            f"{options.name!r} is not a lecture{_nearest(options.name)}: write {names}, or name a notebook or a journal"
        )
    if is_source:
        return handout.run(options)
    variant = (f"-{options.fork}" if options.fork else "") + "-class" * options.for_class
    output = options.output or Path(f"{options.name}{variant}.html")
    if output.suffix.lower() != ".html":
        raise Refused(f"{str(output)!r} must end in .html")
    check_free(output, output.with_suffix(".jsonl.gz"), force=options.force)
    make = _made(options.name, options.fork, options.minutes)
    print("running the machine …", file=sys.stderr, flush=True)
    make().write(output, questions="open" if options.for_class else "closed", notes=not options.for_class)
    say_written(output)
    print(f"{printable(str(output.with_suffix('.jsonl.gz')))}: its machine, for vm.load_journal")
    return 0


def _nearest(typed: str) -> str:
    """Return, as part of a sentence, the lectures about a word or with nearly this name; "" if there are none."""
    word = typed.lower()
    about = [name for name, words in ABOUT.items() if len(word) > 2 and word in f"{name}: {words}".lower()]
    if about:
        return f", but {listed(about)} {'has' if len(about) == 1 else 'have'} it"
    near = get_close_matches(word, LECTURES, 1)
    return f", but {near[0]} is" if near else ""


def _made(name: str, fork: str | None, minutes: int | None) -> Callable[[], Lecture]:
    """Return what makes the lecture, of the requested length and way to fork."""
    if minutes is not None and name not in SHORT:
        raise Refused(f"--minutes {minutes}: the lecture {name!r} has one length; {listed([*SHORT])} have two")
    if fork is None:
        return (SHORT if minutes == TWENTY else LECTURES)[name]
    if name == "cow":
        if SAME_AS.get(fork, fork) == USUAL and minutes != TWENTY:
            return LECTURES[name]
        if minutes != TWENTY:
            raise Refused(f"--fork {fork}: cow is about counted frames; faults, its 20 minutes, has each way to fork")
        name = "faults"
    if name not in FORKING:
        raise Refused(f"--fork {fork}: no task forks in the lecture {name!r}; one forks in {', '.join(FORKING)}")
    return partial(FORKING[name], SAME_AS.get(fork, fork))


COMMAND = Command(
    "write a lecture, or the story of your notebook, to one HTML file",
    _ABOUT,
    f"lectures:\n{_LISTED}\n\n{_EXITS}",
    (
        Argument("[NAME]", "a lecture below, a notebook, or a journal"),
        Argument("-o, --output FILE", "where to write it (NAME.html, or NAME-class.html)", path),
        Argument(
            f"--fork {'|'.join([*FORKS, *SAME_AS])}",
            f"in {', '.join(FORKING)}: how a fork copies memory: counted or cow (as Linux does; the default), shadow "
            "(as Mach and FreeBSD do), or eager (as xv6 does)",
        ),
        Argument(f"--minutes {TWENTY}|50", f"in {', '.join(SHORT)}: how long it takes (50)", whole),
        Argument("--for-class", "without notes, and with the answers"),
        handout.OPTIONS,
        Argument("--force", "replace existing files"),
    ),
    run,
)
