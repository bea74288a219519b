"""The class in one page: points, how many met each criterion, and common mistakes; with pseudonyms or names."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from vmwidgets.engine.base.errors import Refused
from vmwidgets.engine.base.files import close_to_others, regular
from vmwidgets.engine.base.units import counted
from vmwidgets.labs.exercise import exercises
from vmwidgets.labs.markup import marked
from vmwidgets.labs.mistakes import known_mistakes

from .feedback import outcomes
from .grades import Grades, Row
from .output import make_private, write
from .page import Cell, page, table

SECRET = "secret.key"
"""The file in the results folder that determines pseudonyms: without it, IDs can't be found by trying."""

LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
"""The letters of pseudonyms: without vowels, they make no words."""

OTHER = "another answer"
"""The name of an unknown mistake."""

MOST_QUESTIONS = 200
"""The most questions shown: notebooks may contain any number."""


def write_report(grades: Grades, folder: Path, name_of: Callable[[str], str] | None = None) -> Path:
    """Write `report.html` into `folder`; with pseudonyms, or with names."""
    name = name_of
    if name is None:
        secret = secret_of(folder)

        def name(student: str) -> str:
            return pseudonym(secret, student)

    return write({folder / "report.html": html(grades, name)})[0]


def secret_of(folder: Path) -> str:
    """Return the secret for this folder's pseudonyms; created once, so that they stay the same."""
    path = folder / SECRET
    try:
        if not path.exists():
            make_private(folder)
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(secrets.token_hex(32))
        close_to_others(path)
        secret = regular(path).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"{str(path)!r} can't be used: {error}") from None
    if len(secret) < 32:
        raise Refused(f"{str(path)!r} holds no secret: delete it, and new pseudonyms are made")
    return secret


def pseudonym(secret: str, student: str) -> str:
    """Return a code of letters.

    >>> pseudonym("s" * 64, "ada")
    'MJKJ-XJDN'
    """
    number = int.from_bytes(hashlib.sha256(f"{secret}|{student}".encode()).digest(), "big")
    letters = [LETTERS[number // len(LETTERS) ** place % len(LETTERS)] for place in range(8)]
    return f"{''.join(letters[:4])}-{''.join(letters[4:])}"


def html(grades: Grades, name_of: Callable[[str], str]) -> str:
    """Return the page; `name_of` returns the name that the page shows for a student."""
    students = grades.students()
    rows = [row for file in grades.files for row in file.rows if row.result]
    parts = [marked(_counts(grades), "p"), *_criteria(grades, rows), *_mistakes(grades, rows), *_predictions(grades)]
    points = sorted((name_of(student), points) for student, points in students.items())
    most = max([grades.course.of, *students.values()])
    parts += [_part("Students", ("student", "points", ""), [(name, one, (one, most)) for name, one in points])]
    return page(f"{grades.course.name}: the class", "\n".join(parts))


def _counts(grades: Grades) -> str:
    """Return how many students, graded notebooks, labs and other files there are."""
    files = [file for file in grades.files if file.path]
    graded = [file for file in files if file.counts]
    labs = len({file.lab for file in graded})
    says = f"{counted(len(grades.students()), 'student')}, {counted(len(graded), 'graded notebook')}"
    says += f" of {counted(labs, 'lab')}" * bool(graded)
    if other := len(files) - len(graded):
        says += f", {counted(other, 'file that was', 'files that were')} not graded"
    return f"{says}; {counted(len(grades.look), 'row')} in grades.csv to look at."


def _part(title: str, titles: tuple[str, ...], rows: Sequence[Sequence[Cell]]) -> str:
    return f"<section>{marked(title, 'h2')}{table(titles, rows)}</section>" if rows else ""


def _criteria(grades: Grades, rows: list[Row]) -> Iterator[str]:
    """Yield for each exercise how many works met each criterion.

    Each criterion is named by its sentence for works that met it.  Its other sentences describe the work, and may
    contain text from a notebook.
    """
    for name in grades.course.exercises:
        found = [row.result["criteria"] for row in rows if row.exercise == name and row.result.get("criteria")]
        lines = []
        for place in range(max(map(len, found), default=0)):
            here = [criteria[place] for criteria in found if len(criteria) > place]
            met = [one for one in here if one["met"]]
            same = exercises()[name].sheet is None
            sentence = _of_all([one["sentence"] for one in met], same=same) or f"criterion {place + 1}"
            of = here[0]["of"]
            mean = sum(one["points"] for one in here) / len(here)
            lines.append((sentence, f"{len(met)} of {len(here)}", (len(met), len(here)), f"{mean:.2g} of {of}"))
        titles = ("criterion", "met by", "", "points, mean")
        yield _part(f"{name} · {exercises()[name].title}", titles, lines)


NUMBER = re.compile(r"\d\S*")
"""A number in a sentence, with its unit: a page, an address, a size."""


def _of_all(sentences: Sequence[str], *, same: bool) -> str:
    """Return one sentence for all works that met a criterion, with dots for parts that differ between variants.

    Numbers are kept if all were asked the `same`, or if several sentences contain them.

    >>> _of_all(["SIGBUS for page 5", "SIGBUS for page 6"], same=False), _of_all(["4 KiB of 8"], same=False)
    ('SIGBUS for page …', '… KiB of …')
    >>> _of_all(["both 4 KiB pages"] * 2, same=False), _of_all(["with 4 frames: fifo", "with 4: lru"], same=False)
    ('both 4 KiB pages', 'with … frames: fifo')
    """
    split = [sentence.split(" ") for sentence, _ in Counter(sentences).most_common()]
    if not split:
        return ""
    if same or (len(split) == 1 and len(sentences) > 1):
        return " ".join(split[0])
    if len(split) == 1 or len(set(map(len, split))) > 1:
        return NUMBER.sub("…", " ".join(split[0]))
    return " ".join(words[0] if len(set(words)) == 1 else "…" for words in zip(*split, strict=True))


def _mistakes(grades: Grades, rows: list[Row]) -> Iterator[str]:
    """Yield mistakes with names, in work and in predictions."""
    counts = Counter(
        (row.exercise, one["mistake"]) for row in rows for one in row.result.get("criteria", ()) if one["mistake"]
    )
    said = (outcome for file in grades.files for outcome in outcomes(file))
    counts.update((outcome.id, outcome.mistake.name) for outcome in said if outcome.mistake)
    most = max(counts.values(), default=0)
    ordered = sorted(counts.items(), key=lambda item: (item[0][0], -item[1], item[0][1]))[:MOST_QUESTIONS]
    lines = [(question, mistake, count, (count, most)) for (question, mistake), count in ordered]
    yield _part("Mistakes", ("question", "mistake", "count", ""), lines)


def _predictions(grades: Grades) -> Iterator[str]:
    """Yield for each of a lab's questions how many were right, and the most frequent known wrong answer.

    A notebook may claim anything: only IDs and answers that the package knows are shown.
    """
    known = known_mistakes()
    right: Counter[str] = Counter()
    wrong: dict[str, Counter[str]] = {}
    for outcome in (outcome for file in grades.files for outcome in outcomes(file)):
        if outcome.id in known and outcome.right is not None and not outcome.late:
            said = next((one for one in known[outcome.id] if one == (outcome.said or "").casefold()), OTHER)
            wrong.setdefault(outcome.id, Counter()).update([] if outcome.right else [said])
            right[outcome.id] += outcome.right
    lines = []
    for question, answers in sorted(wrong.items())[:MOST_QUESTIONS]:
        total = right[question] + answers.total()
        most = min(answers.items(), key=lambda item: (-item[1], item[0]), default=("", 0))
        often = f"{most[0]} ({most[1]})" if most[1] else ""
        lines.append((question, f"{right[question]} of {total}", (right[question], total), often))
    yield _part("Predictions", ("question", "right", "", "most frequent wrong answer"), lines)
