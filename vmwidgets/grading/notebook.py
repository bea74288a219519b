"""What a notebook that was handed in holds, as data: whose it is, its works, what it claims, predictions and hints.

The file is a learner's: it may be anything.  What is not as it should be is left out, and said in `problem`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from hashlib import sha256
from math import isfinite
from pathlib import Path
from typing import Any, NamedTuple

from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.labs.beginning import Beginning
from vmwidgets.labs.exercise import exercises
from vmwidgets.labs.mistakes import has_mistakes
from vmwidgets.labs.records import Asked, Begun, Checked, Happened, Record, listed, records

from .files import MOST_BYTES, content_of
from .findings import Finding, Status, found

MOST_PARTS = 4_000_000
"""Commas and brackets: each value that they part takes up to 80 bytes of memory."""

MOST_ANSWERS, MOST_SAID = 100, 500
"""Predictions and outcomes that no lab asks for and that are kept of a file, and characters of what they say."""

MOST_WORKS = 1_000
"""Different pieces of work of one exercise in one notebook: those that claim most, and of these the last."""


class Work(NamedTuple):
    """One piece of work, as the output of cell `cell` keeps it (the first cell is 1).

    It was made for `sheet`, by this `edition` of the exercise, and its own check gave `claimed` points, None if the
    output doesn't say.  `data` is what the work can be made from again.
    """

    cell: int
    sheet: Any
    edition: Any
    claimed: int | None
    data: dict[str, Any]

    @property
    def claim(self) -> int:
        """Return what it claims, as a number to compare: less than nothing where it does not say."""
        return -1 if self.claimed is None else self.claimed


@dataclass
class Handed:
    """One file: all different `works` by exercise, in order; of `predictions`, `outcomes` and `hints` what is shown.

    `begun` says whose it is, by vmwidgets of this `version`; `coded` and `seed`: whether it says that there was a code,
    and which seed it had.  `undone`: a check found nothing yet.  `finding` is why the file can't be graded, or
    why there is no work in it; None where there is.
    """

    finding: Finding | None = None
    begun: Beginning | None = None
    version: str = ""
    coded: bool = False
    seed: str = ""
    works: dict[str, list[Work]] = field(default_factory=dict)
    undone: bool = False
    predictions: dict[str, dict[str, Any]] = field(default_factory=dict)
    outcomes: dict[str, dict[str, Any]] = field(default_factory=dict)
    hints: dict[str, int] = field(default_factory=dict)
    _places: dict[bytes, int] = field(default_factory=dict, repr=False)

    def best(self, exercise: str) -> Work:
        """Of the works for an exercise the one that claims most, or else the last."""
        best: Work = max(reversed(self.works[exercise]), key=lambda work: work.claim)
        return best

    def keep(self, exercise: str, work: Work) -> None:
        """Keep a piece of work; of the same once more the higher claim."""
        kept = self.works.setdefault(exercise, [])
        same = sha256(json.dumps([exercise, work.sheet, work.data], sort_keys=True).encode()).digest()
        place = self._places.setdefault(same, len(kept))
        if place == len(kept):
            kept.append(work)
        elif kept[place].claim < work.claim:
            kept[place] = work

    def limit(self) -> None:
        """Leave out works of which there are too many, once all are kept."""
        for exercise, works in self.works.items():
            places = sorted(range(len(works)), key=lambda place: works[place].claim)[-MOST_WORKS:]
            self.works[exercise] = [works[place] for place in sorted(places)]


def made_with(version: str) -> str:
    """The version of vmwidgets that a notebook names, in words.

    >>> made_with("0.1.0"), made_with("")
    ("vmwidgets '0.1.0'", 'an unknown version of vmwidgets')
    """
    return f"vmwidgets {shown(version)}" if version else "an unknown version of vmwidgets"


def read_notebook(path: Path) -> Handed:
    """Return what the file at `path` holds; never raises for what is in it."""
    try:
        return notebook_of(content_of(path))
    except Refused as refusal:
        return Handed(_unreadable(f"{refusal}"))


def notebook_of(content: bytes, most: int = MOST_BYTES) -> Handed:
    """Return what a file with this content holds, of at most so many bytes; never raises for what is in it."""
    if len(content) > most:
        return Handed(_unreadable(f"the file has more than {most / (1 << 20):.3g} MiB"))
    if not content.strip():
        return Handed(_unreadable("the file is empty"))
    if sum(map(content.count, (b",", b"[", b"{"))) > MOST_PARTS:
        return Handed(_unreadable(f"the file has more than {MOST_PARTS:,} commas and brackets"))
    try:
        notebook = json.loads(content, parse_constant=lambda _name: None, parse_float=_finite)
    except (ValueError, RecursionError, MemoryError):
        return Handed(_unreadable("not a notebook: the file is not valid JSON, is cut off, or is nested too deeply"))
    if not isinstance(notebook, dict) or not isinstance(notebook.get("cells"), list):
        return Handed(_unreadable("not a notebook: the file has no cells"))
    handed = Handed()
    for one in records(notebook):
        _keep(handed, one)
    handed.limit()
    if handed.finding:
        return handed
    if handed.begun is None:
        failed = _failed_to_begin(notebook)
        handed.finding = found(Status.BEGIN_FAILED, cell=str(failed)) if failed else found(Status.NOT_BEGUN)
    elif not handed.works:
        handed.finding = found(Status.NOTHING_DONE if handed.undone else Status.NOTHING_CHECKED)
    return handed


def _unreadable(problem: str) -> Finding:
    return found(Status.UNREADABLE, problem=problem)


def _failed_to_begin(notebook: Any) -> int:
    """The first cell with lab.begin that ended with an error, or 0."""
    for number, cell in enumerate(listed(notebook, "cells"), 1):
        ends = [one.get("output_type") for one in listed(cell, "outputs") if isinstance(one, dict)]
        if "error" in ends and "lab.begin" in str(cell.get("source")):
            return number
    return 0


def _keep(handed: Handed, one: Record) -> None:
    """Keep what counts of a record."""
    if isinstance(one, Begun):
        try:
            handed.begun, handed.version = Beginning.made_from(one.data), one.version
            handed.coded, handed.seed = one.coded, one.seed
            handed.finding = None
        except Refused as refusal:
            handed.finding = found(Status.BEGIN_REFUSED, problem=f"{refusal}")
    elif isinstance(one, Checked):
        handed.undone |= not one.work
        if one.work:
            handed.keep(one.exercise, Work(one.cell, one.sheet, one.edition, one.claimed, one.work))
    elif isinstance(one, Asked):
        _keep_first(handed.predictions, one.id, {"answer": one.answer, "question": one.question})
        if isinstance(one.happened, str):  # also where no cell shows the outcome itself
            first = one.answers[0] if one.answers else None
            late = isinstance(first, dict) and first.get("late") is True
            _keep_outcome(handed, Happened(one.cell, one.id, one.question, one.answer, one.happened, late))
    elif isinstance(one, Happened):
        _keep_outcome(handed, one)
    elif one.id in exercises():
        handed.hints[one.id] = max(handed.hints.get(one.id, 0), min(one.tier, 3))


def _keep_outcome(handed: Handed, one: Happened) -> None:
    members = {"said": one.said, "question": one.question, "actual": one.actual, "late": one.late}
    _keep_first(handed.outcomes, one.id, members)


def _keep_first(kept: dict[str, dict[str, Any]], name: str, members: dict[str, Any]) -> None:
    """Keep these members, cut to what is shown: of the first record in which the first member has a value.

    Only so many ids are kept beside those that a lab asks for.
    """
    name = name[:MOST_SAID]
    known = kept.get(name)
    is_new = known is None and (has_mistakes(name) or len(kept) < MOST_ANSWERS)
    if is_new or (known is not None and known[next(iter(members))] is None):
        kept[name] = {member: _short(value) for member, value in members.items()}


def _short(value: Any) -> str | bool | None:
    return value if value is None or isinstance(value, bool) else str(value)[:MOST_SAID]


def _finite(text: str) -> float | None:
    """A number of a notebook; infinity is none that JSON has, and what is written here is JSON."""
    number = float(text)
    return number if isfinite(number) else None
