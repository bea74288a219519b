"""``vmwidgets questions``: an exam on paper, or for a learning system, from a topic and a seed."""

from __future__ import annotations

import argparse
import sys

from ..engine.base.errors import Refused, shown
from ..engine.base.units import counted
from .text import printable

DONE, FAILED = 0, 2

_ABOUT = """\
Write questions with figures and a key. The engine makes them and answers them; a seed gives the same questions
everywhere. The ending of the file chooses the format:

  .md     Markdown, with figures in the folder NAME_files beside it
  .html   one page, to be printed; the key begins on a page of its own
  .qti    QTI 1.2.1 in a Common Cartridge 1.1, for Canvas, Moodle and Blackboard (.imscc is the same)

topics: walk, tlb, replacement, cow, tables, gaps; several make one exam with a section for each:
--topic walk --topic tlb, or --topic walk,tlb"""

_EXITS = "exit status: 0 the file is written; 2 bad input, or it can't be written: then nothing has changed"

DEFAULT = 6
"""Questions, unless `--n` says otherwise."""


def add_questions(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The command's arguments."""
    parser = commands.add_parser(
        "questions",
        help="write exam questions with figures and a key",
        description=_ABOUT,
        epilog=_EXITS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--topic",
        required=True,
        action="append",
        metavar="TOPIC",
        help="what the questions are on; more than once for several",
    )
    parser.add_argument("--seed", default="0", metavar="N", help="a whole number: which questions (0)")
    parser.add_argument("--n", default=str(DEFAULT), metavar="N", help=f"how many questions of each topic ({DEFAULT})")
    parser.add_argument("-o", "--output", required=True, metavar="FILE", help="a file to write: .md, .html or .qti")
    parser.add_argument("--no-key", action="store_true", help="leave the answers out, for the sheet that is handed out")
    parser.add_argument("--force", action="store_true", help="replace a file that is there")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Make the exam and write it."""
    try:
        from ..questions.exam import make_exam
        from ..questions.files import place, save

        seed, n = _number(options.seed, "--seed"), _number(options.n, "--n")
        choices = {"key": not options.no_key, "force": options.force}
        place(options.output, **choices)
        exam = make_exam([one.strip() for topics in options.topic for one in topics.split(",")], seed, n)
        file = save(exam, options.output, **choices)
    except Refused as refusal:
        print(printable(str(refusal)), file=sys.stderr)
        return FAILED
    said = f"{counted(len(exam.questions), 'question')}, {counted(exam.points, 'point')}"
    print(printable(f"{file}: {said}, topic{'s' * exam.several} {exam.topic.replace(',', ', ')}, seed {exam.seed}"))
    return DONE


def _number(text: str, name: str) -> int:
    digits = text.strip().removeprefix("-")
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= 18):
        raise Refused(f"{name} {shown(text)}: write a whole number of at most 18 digits")
    return int(text)
