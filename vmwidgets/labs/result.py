"""The result of a check: points, reasons, expected and actual."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import field
from typing import Any

from vmwidgets.engine.base.errors import in_ascii
from vmwidgets.engine.base.frozen import frozen

from .criterion import Criterion
from .markup import framed, marked, with_code
from .publishing import cards
from .records import CHECK, record

NOT_DONE = "not done yet"
"""The problem of a check without a solution."""

TRYING = "Practice: without an id in lab.begin(…), this counts for no one."
"""The note on a result without a student."""


def no_picture() -> str:
    """Return no picture."""
    return ""


@frozen(slots=False)
class Result:
    """A result: `points` out of `of` for the exercise `id`, with the criteria that add up to them.

    `problem` is the reason if the check could not be completed, or "".  `draw` draws the graded solution.
    `of_sheet` is the variant: a seed, "default" or "practice 3"; "" if all students have the same.  `hints` is the
    number of hints if points are missing, and otherwise 0.  `work` is the solution as data, from which a grader
    rebuilds it.  `edition` is the exercise's edition, and `judged_by` a digest of the code that judged.  `unbegun`
    says that the notebook had begun no lab, `trying` that the lab was begun without an ID, and `tried` that a copy of
    a machine was checked.
    """

    id: str
    title: str
    of: int
    criteria: tuple[Criterion, ...] = ()
    problem: str = ""
    draw: Callable[[], str] = field(default=no_picture, repr=False, compare=False)
    of_sheet: str = ""
    hints: int = 0
    work: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)
    edition: int = 1
    judged_by: str = ""
    unbegun: bool = False
    trying: bool = False
    tried: bool = False

    @property
    def practice(self) -> bool:
        """Return whether the result is for a practice variant, and counts for nothing."""
        return self.of_sheet.startswith("practice")

    @property
    def picture(self) -> str:
        """HTML of the graded solution, which is drawn when a reader looks; "" if there is none."""
        return self.draw()

    @property
    def points(self) -> int:
        """Points earned."""
        return sum(criterion.points for criterion in self.criteria)

    @property
    def passed(self) -> bool:
        """Return whether all points were earned."""
        return self.points == self.of and not self.problem

    def data(self) -> dict[str, Any]:
        """Return the result as the notebook keeps it; docs/formats.md says what it means."""
        return {
            "schema": 1,
            "id": self.id,
            "title": self.title,
            "points": self.points,
            "of": self.of,
            "passed": self.passed,
            "problem": self.problem,
            "sheet": self.of_sheet,
            "edition": self.edition,
            "judged_by": self.judged_by,
            "criteria": [criterion.data() for criterion in self.criteria],
            "work": self.work,
        }

    @property
    def rank(self) -> tuple[int, int]:
        """The key by which results are compared: the largest counts.

        Empty results are lowest, then unsaved results, then all others by points.
        """
        kept = self.work.get("kind", "nothing") != "nothing"
        return bool(self.work) + kept, self.points

    @property
    def not_kept(self) -> str:
        """The reason why the result counts for no student, or can't be judged again, in a sentence; "" if it counts."""
        if self.tried:
            return "This is a copy for experiments, so it counts for nothing: check what you passed to lab.try_on"
        if self.unbegun:
            return "No lab was begun, so this counts for no one: run the first cell, lab.begin(…), and then this cell"
        if self.practice or self.work.get("kind") != "nothing":
            return ""
        return f"Not kept in the notebook, so it can't be graded: {self.work.get('why', '')}"

    @property
    def heading(self) -> str:
        """The heading in one line."""
        return f"{self.title}: {self.points} of {self.of} {'point' if self.of == 1 else 'points'}"

    @property
    def _stuck(self) -> str:
        sheet = "practice" if self.practice else f'"{self.id}"'  # as in a practice sheet's text
        left = {1: "one more", 2: "two more"}.get(self.hints - 1, f"{self.hints - 1} more")
        again = f", and {left} when it is called again" if self.hints > 1 else ""
        return f"Stuck? lab.hint({sheet}) gives a hint{again}."

    def bundle(self) -> dict[str, Any]:
        """Return the result in all forms of an output."""
        lost = f"<div>{marked(self.not_kept, 'strong')}</div>" if self.not_kept else ""
        problem = f"<div>{marked(self.problem)}</div>" if self.problem else ""
        rows = "".join(map(_html, self.criteria))
        stuck = f"<div>{marked(self._stuck)}</div>" if self.hints else ""
        trying = f"<div>{marked(TRYING, 'em')}</div>" if self.trying else ""
        content = f"{lost}<div>{marked(self.heading, 'strong')}</div>{rows}{problem}{trying}{stuck}"
        html = framed(content, f"check {self.id}", self.picture)
        return record(CHECK, self.data(), html=html, plain=repr(self))

    def _repr_mimebundle_(self, **_options: Any) -> dict[str, Any]:
        return self.bundle()

    def _ipython_display_(self) -> None:
        """Show the result as a cell's value, unless the cell showed it when it checked."""
        cards.now().show(self.id, self)

    @in_ascii
    def __repr__(self) -> str:
        lines = [line for criterion in self.criteria for line in _lines(criterion)]
        below = self.problem, TRYING if self.trying else "", self._stuck if self.hints else ""
        more = [f"  {text}" for text in below if text]
        lost = [self.not_kept] if self.not_kept else []
        return "\n".join([*lost, f"{self.id} · {self.heading}", *lines, *more])


def _sign(criterion: Criterion) -> str:
    return f"{'✓' if criterion.met else '✗'} {criterion.points}/{criterion.of}"


def _beside(criterion: Criterion) -> Iterator[str]:
    if not criterion.met:
        yield from (f"expected: {text}" for text in [criterion.expected] if text)
        yield from (f"found: {text}" for text in [criterion.actual] if text)
        yield from (mistake.why for mistake in [criterion.mistake] if mistake)


def _lines(criterion: Criterion) -> Iterator[str]:
    yield f"  {_sign(criterion)} {criterion.sentence}"
    yield from (f"        {text}" for text in _beside(criterion))


def _html(criterion: Criterion) -> str:
    beside = "".join(f"<div>{with_code(text)}</div>" for text in _beside(criterion))
    sign, sentence = marked(_sign(criterion), "code"), with_code(criterion.sentence)
    text = f'<div style="min-width: 0"><div>{sentence}</div>{beside}</div>'
    return f'<div style="display: flex; gap: 0.5em"><div style="flex: none">{sign}</div>{text}</div>'
