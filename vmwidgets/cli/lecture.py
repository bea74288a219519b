"""``vmwidgets lecture``: a lecture of twenty minutes as a file that steps, with its journal."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from ..engine.base.errors import Refused, printable
from ..engine.base.files import check_free
from ..engine.kernel.tasks.forks import FORKS, SAME_AS
from ..lectures.lecture import Lecture
from ..lectures.listed import ABOUT, FORKING, LECTURES

WRITTEN, BAD = 0, 2


def add_lecture(commands: Any) -> None:
    """Add the command to the parser's."""
    parser = commands.add_parser(
        "lecture",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        help="write one of the seven lectures to an HTML file, with notes and questions",
        description="Write a twenty-minute lecture to one HTML file, with notes and questions to vote on,\n"
        "and the machine's journal next to it. Open the file in a browser and press p to\n"
        "present it. Exit code 0: the files are written; 2: they are not.",
        epilog="lectures:\n" + "\n".join(f"  {name:12} {words}" for name, words in ABOUT.items()),
    )
    parser.add_argument("name", choices=list(LECTURES), help="which lecture")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="where to write it (NAME.html)")
    parser.add_argument(
        "--fork", choices=[*FORKS, *SAME_AS], metavar="WAY",
        help=f"in {', '.join(FORKING)}: how a fork copies memory: counted or cow (as Linux does; the default), shadow "
        "(as Mach and FreeBSD do), or eager (as xv6 does)",
    )  # fmt: skip
    parser.add_argument("--for-class", action="store_true", help="without notes, and with the answers")
    parser.add_argument("--force", action="store_true", help="replace existing files")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Write the files, and say where they are."""
    output = options.output or Path(f"{options.name}.html")
    try:
        if output.suffix.lower() != ".html":
            raise Refused(f"{str(output)!r} must end in .html")
        check_free(output, output.with_suffix(".jsonl.gz"), force=options.force)
        lecture = _made(options.name, options.fork)
        lecture.write(output, questions="open" if options.for_class else "closed", notes=not options.for_class)
    except (Refused, OSError) as error:
        print(f"vmwidgets: {printable(str(error))}", file=sys.stderr)
        return BAD
    print(f"{printable(str(output))}: {output.stat().st_size / 1024:,.0f} KiB")
    print(f"{printable(str(output.with_suffix('.jsonl.gz')))}: its machine, for vm.load_journal")
    return WRITTEN


def _made(name: str, fork: str | None) -> Lecture:
    """The lecture; in the way to fork that was asked for."""
    if fork is None:
        return LECTURES[name]()
    if name not in FORKING:
        raise Refused(f"--fork {fork}: no task forks in the lecture {name!r}; one forks in {', '.join(FORKING)}")
    return FORKING[name](SAME_AS.get(fork, fork))
