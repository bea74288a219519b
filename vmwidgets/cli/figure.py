"""``vmwidgets figure``: a picture of a lecture or a chapter, as a file for a slide."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any

from ..engine.base.errors import Refused
from ..engine.base.files import check_free
from ..engine.kernel.tasks.forks import FORKS, SAME_AS
from ..lectures.figures import FIGURES, figure, of_lecture
from ..lectures.listed import LECTURES
from ..pictures.exports import files_of, maker_of
from .command import number_typed, path_typed
from .text import printable, say_refused

WRITTEN, BAD = 0, 2

_ABOUT = """\
Write a figure for your slides or your paper: the picture of a subject, of a chapter of a textbook ("OSTEP 18"), or of a
lecture's chapter ("faults/after-fork"). The file's ending is its format: .pdf, .svg or .png. Without a name, the
command lists the figures; with a lecture's name alone, the figures of this lecture."""

_EXITS = "exit status: 0 the file is written, or the figures are listed; 2 it is not"


def add_figure(commands: Any) -> None:
    """Add the command's arguments."""
    parser = commands.add_parser(
        "figure",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        help="write a picture of a lecture or a chapter, for a slide",
        description=_ABOUT,
        epilog=_EXITS,
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help="a figure, a textbook's chapter, or LECTURE/CHAPTER")
    parser.add_argument("--list", action="store_true", help="list the figures")
    parser.add_argument("-o", "--output", type=path_typed, metavar="FILE", help="where to write it (NAME.pdf)")
    parser.add_argument("--theme", choices=("light", "dark"), default="light", help="for light or dark slides")
    parser.add_argument(
        "--width", type=number_typed("--width", "number of pixels, such as 800", int), metavar="N",
        help="lay it out N pixels wide, from 420 to 1600",
    )  # fmt: skip
    parser.add_argument(
        "--fork", choices=[*FORKS, *SAME_AS], metavar="WAY",
        help="how a fork copies memory, in a lecture that forks: counted or cow (the default), shadow, or eager",
    )  # fmt: skip
    parser.add_argument("--force", action="store_true", help="replace an existing file")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Write the file, and print its path; or list the figures."""
    if options.list or options.name is None:
        print(_listed())
        return WRITTEN
    try:
        if options.output is None and (lecture := options.name.lower()) in LECTURES:
            print("\n".join(of_lecture(lecture, options.fork or "")))
            return WRITTEN
        if options.output is not None:
            maker_of(options.output, "-o")  # before the lecture is given
        picture = figure(options.name, options.fork or "")
        if options.width is not None:
            picture.width = options.width
        output = options.output or Path(re.sub(r"[^\w.]+", "-", options.name.lower()).strip("-") + ".pdf")
        written = list(files_of(picture, output))
        check_free(*written, force=options.force)
        picture.save(output, theme=options.theme)
    except (Refused, OSError) as error:
        say_refused(error)
        return BAD
    for file in written:
        print(f"{printable(str(file))}: {file.stat().st_size / 1024:,.0f} KiB")
    return WRITTEN


def _listed() -> str:
    lines = [f"  {name:15} {one.about}" + f" ({one.chapters})" * bool(one.chapters) for name, one in FIGURES.items()]
    return "\n".join((
        "figures:", *lines,
        "or a lecture and its chapter, such as faults/after-fork; the lectures are", f"  {', '.join(LECTURES)}",
    ))  # fmt: skip
