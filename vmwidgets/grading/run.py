"""A folder of notebooks, graded: each file once, on all processors, and going on where an earlier run stopped."""

from __future__ import annotations

import hashlib
import json
import os
import queue
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from vmwidgets import __version__
from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.labs.beginning import Beginning
from vmwidgets.labs.exercise import exercises

from .course import Course
from .notebook import Handed, read_notebook
from .workers import Worker

LEFT_OUT = {".ipynb_checkpoints", "__MACOSX"}
"""Folders that hold copies."""


SUSPICIONS = FORGED, COPIED = "forged: ", "the same journal as "
"""How what is said begins where it is for the instructor only."""


@dataclass(frozen=True)
class Row:
    """One exercise of one file: `points` of `of` in the course; `claimed` is what the student's own check gave.

    `says` is what needs a look, in words, or "".  `result` is the data of the check that was made here.  `late` are
    days; `override` is a person's reason for other points, or "".
    """

    path: str
    student: str
    exercise: str
    points: float = 0
    of: float = 0
    claimed: int | None = None
    says: str = ""
    work: str = ""
    result: dict[str, Any] = field(default_factory=dict)
    late: int = 0
    override: str = ""

    @property
    def remark(self) -> str:
        """What the student reads of it: the same, but no suspicion and no other student's id."""
        if self.override:
            return f"{self.points:g} points were given: {self.override}"
        return "" if self.says.startswith(SUSPICIONS) else self.says


@dataclass(frozen=True)
class Graded:
    """One file: its rows, and what it holds of predictions, outcomes and hints.  `problem`: why it was not graded."""

    path: str
    student: str
    lab: str
    problem: str
    rows: tuple[Row, ...]
    predictions: dict[str, Any]
    outcomes: dict[str, Any]
    hints: dict[str, int]

    @property
    def students(self) -> list[str]:
        """The ids of those whose it is."""
        return self.student.split("+") if self.student else []

    @property
    def predicted(self) -> int:
        """How many predictions of this lab have an answer."""
        return sum(
            name.startswith(f"{self.lab}/") and bool(one.get("answer")) for name, one in self.predictions.items()
        )


@dataclass(frozen=True)
class Grades:
    """All files of a folder, in the order of their names; `notes` say what is odd in the roster and other tables."""

    course: Course
    files: tuple[Graded, ...]
    notes: tuple[Row, ...] = ()

    @property
    def rows(self) -> Iterator[Row]:
        """One for each exercise of each file; for a file that was not graded, one that says why."""
        for file in self.files:
            if file.problem:
                yield Row(file.path, file.student, "", says=file.problem)
            yield from file.rows
        yield from self.notes

    @property
    def look(self) -> list[Row]:
        """The rows that need a look; what has an override was looked at."""
        return [row for row in self.rows if row.says and not row.override]

    def files_of(self, student: str) -> list[Graded]:
        """The files that this student has a part in."""
        return [file for file in self.files if student in file.students]

    def rows_of(self, student: str) -> dict[str, Row]:
        """The row that counts for each exercise: an override of this student, or else the most points."""
        rows: dict[str, Row] = {}
        for row in (row for file in self.files_of(student) for row in file.rows):
            old = rows.get(row.exercise)
            if old is None or _counts(row, student) > _counts(old, student):
                rows[row.exercise] = row
        return rows

    def students(self) -> dict[str, float]:
        """The points of each student, over all exercises and with predictions, in the order of their ids.

        Each of a pair gets what the pair earned.  What one also did alone counts once: the better of both.
        """
        ids = sorted({one for file in self.files for one in file.students})
        return {one: self.points_of(one) for one in ids}

    def points_of(self, student: str) -> float:
        """The points of one student."""
        return sum(row.points for row in self.rows_of(student).values()) + self.predicted(student)

    def predicted(self, student: str) -> float:
        """The points of a student for predictions."""
        made: dict[str, int] = {}
        for file in self.files_of(student):
            made[file.lab] = max(made.get(file.lab, 0), 0 if file.problem else file.predicted)
        return sum(made.values()) * self.course.prediction


def grade(
    folder: Path,
    course: Course,
    *,
    state: Path | None = None,
    jobs: int = 0,
    only: str = "",
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Grades:
    """Grade all notebooks in `folder` and below.

    `state` is a file that keeps what was graded: a file that is the same as then is not graded again, also after a run
    that was stopped.  `jobs` is the number of processes, 0 for one a processor.  `only` grades this student's files
    again, and takes the others from `state`.  `progress` is called with how many files are done, and of how many.
    """
    if not folder.is_dir():
        raise Refused(f"{str(folder)!r} is no folder: write the folder with the notebooks that were handed in")
    paths = sorted(
        path
        for path in folder.rglob("*.ipynb")
        if path.is_file() and not LEFT_OUT & set(path.relative_to(folder).parts)
    )
    if not paths:
        raise Refused(f"{str(folder)!r} has no notebooks")
    known, done = _kept(state), []
    workers: queue.SimpleQueue[Worker] = queue.SimpleQueue()
    made = [Worker() for _ in range(jobs or os.cpu_count() or 1)]
    for worker in made:
        workers.put(worker)

    def one(path: Path) -> tuple[str, Graded]:
        name, key = path.relative_to(folder).as_posix(), _key(path, course)
        before = known.get((name, key))
        if before is not None and only not in before.students:
            return key, before
        worker = workers.get()
        try:
            return key, _graded(name, read_notebook(path), course, worker)
        finally:
            workers.put(worker)

    try:
        with ThreadPoolExecutor(len(made)) as pool:
            for number, (key, graded) in enumerate(pool.map(one, paths), 1):
                done.append(graded)
                if state is not None and known.get((graded.path, key)) != graded:
                    _keep(state, key, graded)
                progress(number, len(paths))
    finally:
        for worker in made:
            worker.close()
    return Grades(course, tuple(_compared(done)))


def _graded(name: str, handed: Handed, course: Course, worker: Worker) -> Graded:
    """One file; what it claims is compared with what is found here."""
    begun = handed.begun or Beginning("")
    problem = handed.problem or _whose(begun, handed.version, course)
    rows = []
    for exercise, worth in course.exercises.items() if not problem else ():
        if exercise.partition("/")[0] != begun.lab:
            continue
        kept = handed.works.get(exercise)
        row = Row(name, begun.student, exercise, of=worth)
        sheet = f"{begun.seed:016x}"
        rows.append(replace(row, says="not handed in") if kept is None else _row(row, kept, sheet, course, worker))
    if not problem and not rows:
        problem = f"lab {begun.lab!r} has no exercise in this course"
    return Graded(
        name, begun.student, begun.lab, problem, tuple(rows), handed.predictions, handed.outcomes, handed.hints
    )


def _counts(row: Row, student: str) -> tuple[bool, float]:
    return bool(row.override) and row.student == student, row.points


def _whose(begun: Beginning, version: str, course: Course) -> str:
    if not begun.students:
        return "no student: it has the default sheet"
    if begun.course != course.name:
        return f"it is of the course {begun.course!r}"
    if version != __version__:
        return f"it was made with vmwidgets {shown(version)}, and this is {__version__}"
    return ""


def _row(row: Row, kept: dict[str, Any], sheet: str, course: Course, worker: Worker) -> Row:
    exercise = exercises()[row.exercise]
    wanted = sheet if exercise.sheet is not None else ""
    claimed = kept.get("points")
    claimed = claimed if isinstance(claimed, int) and not isinstance(claimed, bool) else None
    result = worker.ask(row.exercise, sheet, kept["work"])
    points = int(result["points"])
    if kept.get("sheet") != wanted:
        points, says = 0, "its journal is of another sheet"
    elif result["problem"] and not result["criteria"]:
        says = f"not judged: {result['problem']}"
    elif claimed != points:
        says = f"{FORGED}the notebook claims {claimed} points, and its journal gives {points}"
    else:
        says = str(result.get("problem", ""))
    work = hashlib.sha256(json.dumps(kept["work"], sort_keys=True).encode()).hexdigest()
    return replace(row, points=course.scaled(exercise, points), claimed=claimed, says=says, work=work, result=result)


def _compared(files: Iterable[Graded]) -> Iterator[Graded]:
    """The files, with what is only seen side by side: the same work of two students, and a student's second file."""
    files = list(files)
    owners: dict[str, set[str]] = {}
    last: dict[tuple[str, str], str] = {}
    for file in files:
        if not file.problem:
            last[file.student, file.lab] = file.path
        for row in file.rows:
            if row.work and row.points:
                owners.setdefault(row.work, set()).add(file.student)
    for file in files:
        rows = tuple(
            replace(row, says=f"{COPIED}{', '.join(sorted(owners[row.work] - {file.student}))}")
            if row.work in owners and len(owners[row.work]) > 1
            else row
            for row in file.rows
        )
        if file.student and not file.problem and last[file.student, file.lab] != file.path:
            yield replace(file, rows=(), problem=f"handed in twice: {last[file.student, file.lab]} counts")
        else:
            yield replace(file, rows=rows)


# ---- what a run leaves for the next ----------------------------------------------------------------


def _key(path: Path, course: Course) -> str:
    """What a result depends on."""
    try:
        content = path.read_bytes()
    except OSError:
        content = b""
    settings = json.dumps([__version__, asdict(course)], sort_keys=True).encode()
    return hashlib.sha256(settings + b"\0" + content).hexdigest()


def _kept(state: Path | None) -> dict[tuple[str, str], Graded]:
    """What earlier runs graded; a last line that was not written to its end is left out."""
    found = {}
    if state is not None and state.exists():
        for line in state.read_text(encoding="utf-8").splitlines():
            try:
                data = json.loads(line)
                rows = tuple(Row(**row) for row in data["graded"].pop("rows"))
                graded = Graded(**data["graded"], rows=rows)
            except (ValueError, TypeError, KeyError, AttributeError):
                continue
            found[graded.path, str(data.get("key"))] = graded
    return found


def _keep(state: Path, key: str, graded: Graded) -> None:
    state.parent.mkdir(parents=True, exist_ok=True)
    try:
        with state.open("a+b") as file:
            end = file.seek(0, os.SEEK_END)
            file.seek(max(0, end - 1))
            broken = file.read(1) not in (b"", b"\n")  # a run was stopped in the midst of its last line
            file.write(b"\n" * broken + json.dumps({"key": key, "graded": asdict(graded)}).encode() + b"\n")
    except OSError as error:
        raise Refused(f"{str(state)!r} can't be written: {error.strerror}") from None
