"""``vmwidgets questions``: an exam on paper, or for a learning management system, from a topic and a seed."""

from __future__ import annotations

import argparse
import secrets
from pathlib import Path

from ..engine.base.errors import Refused, shown
from ..engine.base.files import check_free, place_of, written_whole
from ..engine.base.units import counted
from ..labs.beginning import Beginning
from ..labs.moved import CONCEPTS
from .command import Argument, Command, path
from .secret import HELP, secret_in
from .text import printable

_ABOUT = """\
Write questions with figures and a key. The engine makes and answers them; a seed gives the same questions
everywhere. Without --seed, a seed of 60 bits is drawn, and the key shows it. The ending of the file chooses the format:

  .md     Markdown, with figures in the folder NAME_files beside it
  .html   one page, to be printed; the key begins on a page of its own
  .qti    QTI 1.2.1 in a Common Cartridge 1.1, for Canvas, Moodle and Blackboard (.imscc is the same)

topics: walk, tlb, replacement, cow, tables, gaps, paper; several make one exam with a section for each:
--topic walk --topic tlb, or --topic walk,tlb

kinds: each topic has several, which docs/questions.md lists: --kind walk/index,tlb/stale asks one of each

--concepts before and --concepts after, with --course NAME, write a test of ten questions and its twin: what did the
course teach? As .ipynb, students answer in a notebook, and vmwidgets grade --gain compares the two"""

_EXITS = "exit status: 0 the file is written; 2 bad input, or it can't be written: then nothing has changed"

BITS = 60
"""The bits of a seed that the command draws: too many to be found by trying."""

FEW_BITS = 50
"""A seed with fewer bits can be found by trying: generating a question takes less than a tenth of a millisecond."""

MOST_DIGITS = 19
"""The most digits of a number: a number of 60 bits has as many."""


def run(options: argparse.Namespace) -> int:
    """Make the exam and write it."""
    if options.concepts or options.course:
        return _concepts(options)
    from ..questions.exam import make_exam
    from ..questions.files import exam_file, save

    drawn = options.seed is None
    seed = secrets.randbits(BITS) if drawn else _number(options.seed, "--seed")
    n = None if options.n is None else _number(options.n, "--n")
    secret = secret_in(options.secret) if options.secret else ""
    choices = {"key": not options.no_key, "force": options.force}
    exam_file(options.output, **choices)
    topics, kinds = _names(options.topic), _names(options.kind)
    ranges = None
    if options.paper is not None:
        from ..questions.paper import ranges_of

        ranges = ranges_of(options.paper)
    exam = make_exam(topics, seed, n, secret, kinds=kinds, form=options.form.upper(), ranges=ranges)
    file = save(exam, options.output, **choices)
    said = f"{counted(len(exam.questions), 'question')}, {counted(exam.points, 'point')}"
    said += f", form {exam.form}" if exam.form else ""
    print(printable(f"{file}: {said}, topic{'s' * exam.several} {exam.topic.replace(',', ', ')}, seed {exam.seed}"))
    if not drawn and not secret and seed.bit_length() < FEW_BITS:
        print(
            "anyone can make this exam by trying small seeds: for an exam that counts, leave out --seed, or add "
            "--secret FILE"
        )
    return 0


def _concepts(options: argparse.Namespace) -> int:
    """Write one of a course's two tests, as a notebook or on paper; "before" is form A."""
    from ..questions import concepts
    from ..questions.exam import FORMS
    from ..questions.files import save

    given = {"topic": options.topic, "kind": options.kind, "seed": options.seed, "n": options.n}
    if others := [name for name, value in given.items() if value]:
        raise Refused(f"--{others[0]} with --concepts: its ten questions are fixed, so leave it out")
    course = Beginning.made_from({"lab": CONCEPTS, "student": "", "course": options.course}).course
    if options.concepts not in concepts.TESTS or not course:
        raise Refused("write --concepts before or --concepts after, and --course NAME as in lab.begin")
    if Path(options.output).suffix.lower() == ".ipynb":
        file = place_of(options.output, "before.ipynb")
        check_free(file, force=options.force)
        with written_whole(file) as new:
            new.write(concepts.notebook(course, options.concepts).encode())
    else:
        exam = concepts.form(course, options.form.upper() or FORMS[concepts.TESTS.index(options.concepts)])
        file = save(exam, options.output, key=not options.no_key, force=options.force)
    print(printable(f"{file}: the test {options.concepts} the course {course}, {len(concepts.KINDS)} questions"))
    return 0


def _names(options: list[str]) -> list[str]:
    """Return the names in repeated options, and in lists with commas."""
    return [one.strip() for several in options for one in several.split(",")]


def _number(text: str, name: str) -> int:
    digits = text.strip().removeprefix("-")
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= MOST_DIGITS):
        raise Refused(f"{name} {shown(text)}: write a whole number of at most {MOST_DIGITS} digits")
    return int(text)


COMMAND = Command(
    "write exam questions with figures and a key",
    _ABOUT,
    _EXITS,
    (
        Argument("(--topic TOPIC)...", "the topic; repeat the option for several topics"),
        Argument(
            "(--kind KIND)...", "only this kind of question, such as walk/index; repeat the option for several kinds"
        ),
        Argument(
            "--form FORM", "A or B, two exams with the same kinds of questions: before a lab, and after it", default=""
        ),
        Argument("--seed N", f"a whole number that determines the questions (default: drawn, {BITS} bits)"),
        Argument("--secret FILE", f"only its owner can make the questions: {HELP}", path),
        Argument("--paper FILE", "for the topic paper: the ranges of its numbers, such as page = [64], in TOML"),
        Argument("--n N", "number of questions for each topic (default: 6; with --kind, one of each kind)"),
        Argument("--concepts TEST", "before or after: ten questions, or their twins", default=""),
        Argument("--course NAME", "with --concepts: the course; it is the seed", default=""),
        Argument(
            "-o, --output FILE", "a file to write: .md, .html or .qti; with --concepts also .ipynb", required=True
        ),
        Argument("--no-key", "leave out the answers, for the students' copy"),
        Argument("--force", "replace an existing file"),
    ),
    run,
)
