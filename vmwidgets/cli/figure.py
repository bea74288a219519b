"""``vmwidgets figure``: a picture of a lecture or a chapter, as a file for a slide."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from ..engine.base.files import check_free
from ..engine.kernel.tasks.forks import FORKS, SAME_AS
from ..lectures.figures import FIGURES, figure, of_lecture
from ..lectures.listed import LECTURES
from ..pictures.exports import files_of, maker_of
from .command import Argument, Command, number, path
from .text import say_written

_ABOUT = """\
Write a figure for your slides or your paper: the picture of a subject, of a chapter of a textbook ("OSTEP 18"), or of a
lecture's chapter ("faults/after-fork"). The file's ending is its format: .pdf, .svg or .png. Without a name, the
command lists the figures; with a lecture's name alone, the figures of this lecture."""

_EXITS = "exit status: 0 the file is written, or the figures are listed; 2 it is not"


def run(options: argparse.Namespace) -> int:
    """Write the file, and print its path; or list the figures."""
    if options.list or options.name is None:
        print(_listed())
        return 0
    if options.output is None and (lecture := options.name.lower()) in LECTURES:
        print("\n".join(of_lecture(lecture, options.fork or "")))
        return 0
    if options.output is not None:
        maker_of(options.output, "-o")  # before the lecture is given
    picture = figure(options.name, options.fork or "")
    if options.width is not None:
        picture.width = options.width
    output = options.output or Path(re.sub(r"[^\w.]+", "-", options.name.lower()).strip("-") + ".pdf")
    written = list(files_of(picture, output))
    check_free(*written, force=options.force)
    picture.save(output, theme=options.theme)
    for file in written:
        say_written(file)
    return 0


def _listed() -> str:
    lines = [f"  {name:15} {one.about}" + f" ({one.chapters})" * bool(one.chapters) for name, one in FIGURES.items()]
    return "\n".join(
        (
            "figures:",
            *lines,
            "or a lecture and its chapter, such as faults/after-fork; the lectures are",
            f"  {', '.join(LECTURES)}",
        )
    )


COMMAND = Command(
    "write a picture of a lecture or a chapter, for a slide",
    _ABOUT,
    _EXITS,
    (
        Argument("[NAME]", "a figure, a textbook's chapter, or LECTURE/CHAPTER"),
        Argument("--list", "list the figures"),
        Argument("-o, --output FILE", "where to write it (NAME.pdf)", path),
        Argument("--theme light|dark", "for light or dark slides", default="light"),
        Argument(
            "--width N", "lay it out N pixels wide, from 420 to 1600", number("number of pixels, such as 800", int)
        ),
        Argument(
            f"--fork {'|'.join([*FORKS, *SAME_AS])}",
            "how a fork copies memory, in a lecture that forks: counted or cow (the default), shadow, or eager",
        ),
        Argument("--force", "replace an existing file"),
    ),
    run,
)
