"""The work that will count in a student's notebook: read and judged as the grader does, but before submission."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vmwidgets import __version__
from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.engine.base.frozen import frozen
from vmwidgets.labs.beginning import Beginning
from vmwidgets.labs.exercise import exercises
from vmwidgets.labs.mistakes import known_mistakes
from vmwidgets.labs.moved import CONCEPTS, lab_of, labs_of, of_lab
from vmwidgets.questions.concepts import KINDS, TESTS

from .course import Course
from .files import NAME, called_notebook, other_kind
from .findings import NO_WORK, Status, found
from .gain import answers_of
from .grades import Graded, Row, unjudged
from .judge import judged
from .notebook import Handed, made_with, read_notebook
from .submission import rows_of


@frozen(slots=False)
class Diagnosis:
    """The grader's view: `rows` for the lab's exercises, and predictions without an answer."""

    handed: Handed
    rows: tuple[Row, ...]
    asked: int
    unanswered: tuple[str, ...]
    named: bool
    kind: str = ""
    """The file's kind, if it can't be a notebook; otherwise ""."""

    @property
    def is_notebook(self) -> bool:
        """Return whether the file could be read as a notebook."""
        return not self.kind and (self.handed.finding is None or self.handed.finding.status is not Status.UNREADABLE)

    @property
    def well(self) -> bool:
        """Return whether everything counts: each exercise was checked and judged, and each prediction is answered."""
        whose = self.handed.begun is not None and bool(self.handed.begun.students)
        return (
            self.named
            and whose
            and (bool(self.rows) or set(self.concepts.values()) == {len(KINDS)})
            and (self.handed.finding is None or bool(self.concepts))
            and not self.unanswered
            and not any(map(_missing, self.rows))
        )

    @property
    def concepts(self) -> dict[str, int]:
        """Return how many questions are answered in each concept test that was begun."""
        begun = self.handed.begun
        if begun is None or begun.lab != CONCEPTS:
            return {}
        answers = {test: answers_of(self.handed, test).values() for test in TESTS}
        counts = {test: sum(one is not None for one in given) for test, given in answers.items()}
        return {test: count for test, count in counts.items() if count}

    def lines(self) -> Iterator[str]:
        """Yield the lines for a student: the names, each exercise with its points, and missing parts."""
        handed = self.handed
        if self.kind:
            yield f"Nothing counts: {found(Status.NO_NOTEBOOK, kind=self.kind).staff}."
            return
        if not self.named:
            yield "The file's name does not end in .ipynb: graders read notebooks. Rename it."
        if handed.begun is None:
            yield f"Nothing counts: {handed.finding.staff if handed.finding else ''}."
            return
        begun = handed.begun
        if not begun.students:
            yield "Nothing counts: lab.begin has no student. Write student= and course= there, and run all cells again."
            return
        what, code = (
            ("the id, the course and the code", ", with a code") if handed.coded else ("the id and the course", "")
        )
        missing = "" if handed.coded else " If you have a code, it is missing."
        name = "Concept test" if begun.lab == CONCEPTS else f"Lab {begun.lab}"
        yield f"{name} of {begun.whose}{code}. Are {what} as you received them from your instructor?{missing}"
        if handed.version != __version__ or handed.build:
            yield f"It was made with {made_with(handed.version, handed.build)}; this is {__version__}."
        if begun.lab == CONCEPTS:
            yield from self._of_tests()
        else:
            yield from self._of_a_lab(begun)

    def _of_tests(self) -> Iterator[str]:
        for test, count in self.concepts.items():
            yield f"The test {test} the course: {count} of {len(KINDS)} questions answered."
        if not self.concepts:
            yield "Nothing counts: no question is answered."

    def _of_a_lab(self, begun: Beginning) -> Iterator[str]:
        handed = self.handed
        if handed.finding:
            says = handed.finding.staff  # the file is the reader's own
            yield _sentence(says) if handed.finding.status in NO_WORK else f"Nothing counts: {says}."
        if not self.rows:
            labs = ", ".join(sorted(set(map(lab_of, exercises()))))
            yield (
                f"Nothing counts: there is no lab {shown(begun.lab)}. There are {labs}; "
                "for a lab of your course's own, name its file with --exercises FILE."
            )
        for row in self.rows:
            yield from _row(row)
        if self.asked:
            yield f"Predictions: {self.asked - len(self.unanswered)} of {self.asked} answered."
        if self.unanswered:
            yield f"  without an answer: {', '.join(self.unanswered)}"


def diagnosis(path: Path) -> Diagnosis:
    """Read and judge the notebook at `path` in this process, since it is the student's own work.

    A sheet from a code is accepted as the notebook says, since only the grader has the key.

    Raises :class:`Refused` for a file that can't be read.
    """
    handed = read_notebook(path)
    begun = handed.begun
    if begun is None or not begun.students:
        rows: tuple[Row, ...] = ()
    else:
        own: dict[str, float] = {
            name: one.points for name, one in exercises().items() if begun.lab in labs_of(name) or name in handed.works
        }
        try:
            seed = int(handed.seed, 16) if handed.coded else begun.seed
        except ValueError:
            raise Refused(f"{path}: its lab.begin says the seed {shown(handed.seed)}, which is not a number") from None
        rows = tuple(rows_of(path.name, handed, seed, Course(begun.course, own), _judged))
    lab = begun.lab if begun else ""
    graded = Graded(path.name, "", lab, None, (), handed.predictions, handed.outcomes, {})
    asked = of_lab(known_mistakes(), lab)
    unanswered = tuple(name for name in asked if name not in graded.predicted)
    kind = other_kind(path.name, path, NAME) if handed.begun is None else ""
    return Diagnosis(handed, rows, len(asked), unanswered, called_notebook(path.name), kind)


def _judged(exercise: str, sheet: str, work: Any) -> dict[str, Any]:
    """Return the result of the work, in this process."""
    try:
        return judged(exercise, sheet, work)
    except MemoryError:
        return unjudged(exercise, "judging takes more memory than this computer has")


def _missing(row: Row) -> bool:
    """Return whether an exercise has no judged work."""
    return not row.cell or row.needs_look


def _row(row: Row) -> Iterator[str]:
    """Yield an exercise: its points, or why it has none."""
    if row.has(Status.OTHER_LAB):
        yield f"{row.exercise}: does not count. {_sentence(row.says)} Write that in lab.begin, and run all cells again."
    elif not row.cell:
        yield f"{row.exercise}: not checked. Run the cell with lab.check, and save."
    elif row.needs_look and not row.criteria:
        remark = row.remark if row.elsewhere else row.says  # the file is the reader's own
        yield f"{row.exercise}, cell {row.cell}: does not count. {_sentence(remark)}"
    else:
        yield f"{row.exercise}, cell {row.cell}: {row.points:g} of {row.of:g} points will count."
        if row.needs_look:
            yield f"  {_sentence(row.says)}"
        yield from (f"  ✗ {one['sentence']}" for one in row.criteria if not one["met"])


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
