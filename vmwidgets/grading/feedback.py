"""Feedback for each student: a page with reasons and pictures, and a text for a comment field."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from vmwidgets.engine.base.units import counted
from vmwidgets.labs.exercise import exercises
from vmwidgets.labs.hinting import number_of_hints
from vmwidgets.labs.markup import marked
from vmwidgets.labs.mistakes import known_mistakes
from vmwidgets.labs.moved import of_lab
from vmwidgets.labs.outcome import Outcome
from vmwidgets.labs.sheet import asked

from .grades import Graded, Grades, Row
from .output import file_names, write
from .page import page

MOST_TEXT = 500
"""The most characters of the text."""


def write_feedback(
    grades: Grades,
    folder: Path,
    name_of: Callable[[str], str] | None = None,
    questions: Mapping[str, str] | None = None,
) -> list[Path]:
    """Write `STUDENT.html` and `STUDENT.txt` into `folder`; with a student's name if it is known.

    `questions` are the texts of the labs' predictions by ID; a prediction without a text is named by its ID.
    """
    texts: dict[Path, str | bytes] = {}
    for student, name in file_names(grades.students()).items():
        called = name_of(student) if name_of else student
        texts[folder / f"{name}.html"] = html(grades, student, called, questions or {})
        texts[folder / f"{name}.txt"] = text(grades, student, called)
    return write(texts)


def html(grades: Grades, student: str, called: str, questions: Mapping[str, str] | None = None) -> str:
    """Return the page of a student.

    Anyone may have put a file into the folder in this student's name.  So the page contains no file name, which may be
    another student's, and its hints and predictions come only from files that count.
    """
    rows, files = grades.rows_of(student), grades.files_of(student)
    body = [marked(_total(grades, student), "p")]
    body += [marked(_not_graded(file, grades), "p") for file in files if file.finding]
    counting = _counting(files, rows)
    hints = {name: tier for file in counting for name, tier in file.hints.items()}
    body += [_exercise(rows[name], hints.get(name, 0)) for name in grades.course.exercises if name in rows]
    body += [_predictions(file, questions or {}) for file in counting]
    return page(f"Feedback for {called}", "\n".join(body))


def _not_graded(file: Graded, grades: Grades) -> str:
    """Return a description of an ungraded file without any of its words, since anyone may have written it."""
    lab = f" of lab {file.lab}" if of_lab(grades.course.exercises, file.lab) else ""
    said = file.finding.student if file.finding else ""
    return f"In a file{lab} in your name, {said}" if file.counts else f"A file{lab} in your name was not graded: {said}"


def _counting(files: Sequence[Graded], rows: Mapping[str, Row]) -> list[Graded]:
    """Return the files with work that counts; for a lab where no file has any, all of its graded files."""
    graded = [file for file in files if file.counts and file.path]
    counting = [file for file in graded if any(row.cell and rows.get(row.exercise) is row for row in file.rows)]
    labs = {file.lab for file in counting}
    return [file for file in graded if file in counting or file.lab not in labs]


def text(grades: Grades, student: str, called: str) -> str:
    """Return feedback in at most 500 characters: points, and the first gap of each exercise, as far as there is room.

    The reasons of the last exercises are left out first.
    """
    rows = [row for name, row in grades.rows_of(student).items() if name in grades.course.exercises]
    points = [f"{row.exercise}: {row.points:g} of {row.of:g}" for row in rows]
    reasons = [_first_missing(row) for row in rows]
    for kept in range(len(rows), -1, -1):
        shown = [*reasons[:kept], *[""] * (len(rows) - kept)]
        lines = [f"{point}{reason}" for point, reason in zip(points, shown, strict=True)]
        whole = "\n".join([f"{called}, {_total(grades, student)}", *lines]) + "\n"
        if len(whole) <= MOST_TEXT:
            return whole
    return f"{whole[: MOST_TEXT - 2]}…\n"


def _total(grades: Grades, student: str) -> str:
    days = grades.late_of(student)
    late = f", {counted(days, 'day')} late" if days else ""
    return f"{grades.course.name}: {grades.points_of(student):g} points{late}"


def _first_missing(row: Row) -> str:
    missing = (f"{one['sentence']}" for one in row.criteria if not one["met"])
    said = row.remark or next(missing, "")
    return f". {said}" if said else ""


def _exercise(row: Row, hints: int) -> str:
    title = f"{row.exercise} · {exercises()[row.exercise].title}"
    points = marked(f"{row.earned} {'point' if row.of == 1 else 'points'}")
    parts = [f'<h2>{marked(title)} <span class="of">{points}</span></h2>']
    parts += [marked(row.remark, "p")] * bool(row.remark)
    criteria = "".join(map(_criterion, row.criteria))
    parts += [f"<ul>{criteria}</ul>"] * bool(criteria)
    picture = "" if row.elsewhere else row.result.get("picture", "")
    parts += [f"<figure>{picture}</figure>"] * bool(picture)
    if hints:
        of = _number_of_hints(row.exercise)
        used = f"{hints} of {of}" if hints <= of else f"{hints}"  # another variant may have more
        parts.append(marked(f"Hints used: {used}. They cost nothing.", "p"))
    return f"<section>{''.join(parts)}</section>"


def _number_of_hints(exercise: str) -> int:
    """Return the number of hints of the exercise's default variant; 0 if it can't be drawn."""
    try:
        return number_of_hints(*asked(exercise))
    except Exception:  # noqa: BLE001  an author's variant may do anything, and the grade does not depend on it
        return 0


def _criterion(one: dict[str, Any]) -> str:
    sign = f"{'✓' if one['met'] else '✗'} {one['points']}/{one['of']}"
    beside = {"expected": one["expected"], "found": one["actual"], one["mistake"]: one.get("why", "")}
    rows = "".join(f"{marked(name, 'dt')}{marked(said, 'dd')}" for name, said in beside.items() if said)
    below = f"<dl>{rows}</dl>" if rows and not one["met"] else ""
    return f'<li class="criterion"><span>{sign}</span>{marked(one["sentence"])}{below}</li>'


def _predictions(file: Graded, questions: Mapping[str, str]) -> str:
    found = "".join(
        f"<li>{marked(sign)} {marked(questions.get(name, name), 'strong')}<br>{marked(said)}</li>"
        for name, sign, said in predicted(file)
    )
    return f"<section><h2>Predictions in lab {marked(file.lab)}</h2><ul>{found}</ul></section>" if found else ""


def predicted(file: Graded) -> Iterator[tuple[str, str, str]]:
    """Yield each answered prediction of the lab: ID; ✓, ✗ or a dot; the answer, the outcome, and why."""
    asked = of_lab(known_mistakes(), file.lab)
    for outcome in outcomes(file):
        if outcome.id in asked and outcome.said is not None:
            yield outcome.id, outcome.sign, outcome.sentence
    for name, data in file.predictions.items():
        if name in asked and name not in file.outcomes and data.get("answer") is not None:
            yield name, "·", f"You said: {_said(data['answer'])}. What happens was not compared."


def outcomes(file: Graded) -> Iterator[Outcome]:
    """Yield a notebook's predictions with their outcomes; whether they are right is decided here."""
    for name, data in file.outcomes.items():
        said = data.get("said")
        yield Outcome(
            name,
            _said(data.get("question")),
            None if said is None else _said(said),
            _said(data.get("actual")),
            data.get("late") is True,
        )


def _said(value: Any) -> str:
    return "" if value is None else str(value)
