"""The contents of a submitted notebook, as data: its students, works, claims, predictions and hints.

The file is a learner's and may contain anything.  Malformed parts are left out, and described in `problem`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from hashlib import sha256
from math import isfinite
from pathlib import Path
from typing import Any, NamedTuple

from vmwidgets import __version__
from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.labs.beginning import Beginning
from vmwidgets.labs.exercise import MOST_HINTS, Exercise, exercises
from vmwidgets.labs.mistakes import has_mistakes
from vmwidgets.labs.records import Asked, Begun, Checked, Happened, Record, listed, records
from vmwidgets.labs.saved import NOTEBOOK_BYTES

from .files import BEFORE_JSON, content_of
from .findings import Finding, Status, found

MOST_PARTS = 4_000_000
"""The most commas and brackets in a file: each value between them takes up to 80 bytes of memory."""

MOST_ANSWERS, MOST_SAID = 100, 500
"""The most predictions and outcomes that are kept although no lab asks for them, and the most characters of each."""

MOST_WORKS = 1_000
"""The most different works kept for one exercise in one notebook: the highest claims and, of equal claims, the last."""


OTHER_BUILD, UNKNOWN_BUILD = "another build", "an unknown build"


class Work(NamedTuple):
    """One piece of work from the output of cell `cell` (the first cell is 1).

    It was made for `sheet`, by this `edition` of the exercise, and its own check gave `claimed` points, or None if the
    output doesn't say.  `data` is the data from which the work can be rebuilt, and `judged_by` the digest of the code
    of its check.
    """

    cell: int
    sheet: Any
    edition: Any
    claimed: int | None
    data: dict[str, Any]
    judged_by: str = ""

    @property
    def claim(self) -> int:
        """The claimed points as a number to compare; negative without a claim."""
        return -1 if self.claimed is None else self.claimed

    def build(self, exercise: Exercise) -> str:
        """Return which build of vmwidgets checked it, if it did not run the code that judges `exercise` here."""
        if self.judged_by and self.judged_by == exercise.judged_by:
            return ""
        return OTHER_BUILD if self.judged_by else UNKNOWN_BUILD


@dataclass
class Handed:
    """One file: all different `works` by exercise, in order; and its `predictions`, `outcomes` and `hints`.

    `begun` names its students, by vmwidgets of this `version`; `coded` and `seed` are what it claims: that a code was
    used, and the seed.  `undone` says that a check has found nothing yet.  `finding` is why the file can't be graded,
    or why it contains no work; None otherwise.
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
        """Return the work for an exercise with the highest claim, or else the last."""
        best: Work = max(reversed(self.works[exercise]), key=lambda work: work.claim)
        return best

    @property
    def build(self) -> str:
        """Return which other build of vmwidgets checked some of the works; "" if none did."""
        known = exercises()
        builds = {work.build(known[name]) for name, works in self.works.items() if name in known for work in works}
        return next((one for one in (OTHER_BUILD, UNKNOWN_BUILD) if one in builds), "")

    def keep(self, exercise: str, work: Work) -> None:
        """Keep a piece of work; if the same work is there already, keep the higher claim."""
        kept = self.works.setdefault(exercise, [])
        same = sha256(json.dumps([exercise, work.sheet, work.data], sort_keys=True).encode()).digest()
        place = self._places.setdefault(same, len(kept))
        if place == len(kept):
            kept.append(work)
        elif kept[place].claim < work.claim:
            kept[place] = work

    def limit(self) -> None:
        """Drop surplus works, once all have been collected."""
        for exercise, works in self.works.items():
            places = sorted(range(len(works)), key=lambda place: works[place].claim)[-MOST_WORKS:]
            self.works[exercise] = [works[place] for place in sorted(places)]


def made_with(version: str, build: str = "") -> str:
    """Return a notebook's version of vmwidgets, in words; also its `build`, if the version is the same as here.

    >>> made_with("0.0.9"), made_with("")
    ("vmwidgets '0.0.9'", 'an unknown version of vmwidgets')
    >>> made_with("0.0.9", OTHER_BUILD)
    "vmwidgets '0.0.9'"
    """
    which = f"{build} of " if build and version == __version__ else ""
    return f"{which}vmwidgets {shown(version)}" if version else "an unknown version of vmwidgets"


def read_notebook(path: Path, most: int = NOTEBOOK_BYTES) -> Handed:
    """Return the contents of the file at `path`, at most this many bytes; never raises an error about them."""
    try:
        return notebook_of(content_of(path, most), most)
    except Refused as refusal:
        return Handed(_unreadable(f"{refusal}"))
    except MemoryError:
        return Handed(_unreadable("reading the file takes more memory than this computer has"))


def notebook_of(content: bytes, most: int = NOTEBOOK_BYTES) -> Handed:
    """Return the contents of a file with these bytes, at most `most`; raises only :class:`MemoryError`."""
    if len(content) > most:
        return Handed(_unreadable(f"the file has more than {most / (1 << 20):.3g} MiB"))
    if not content.strip(BEFORE_JSON):
        return Handed(_unreadable("the file is empty"))
    if sum(map(content.count, (b",", b"[", b"{"))) > MOST_PARTS:
        return Handed(_unreadable(f"the file has more than {MOST_PARTS:,} commas and brackets"))
    try:
        notebook = json.loads(content, parse_constant=lambda _name: None, parse_float=_finite)
    except (ValueError, RecursionError):
        return Handed(_unreadable("not a notebook: the file is not valid JSON, is cut off, or is nested too deeply"))
    is_old = isinstance(notebook, dict) and "worksheets" in notebook  # of nbformat 3, whose worksheets hold the cells
    if not is_old and not (isinstance(notebook, dict) and isinstance(notebook.get("cells"), list)):
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
    """Return the first cell with lab.begin that ended with an error, or 0."""
    for number, cell in enumerate(listed(notebook, "cells"), 1):
        ends = [one.get("output_type") for one in listed(cell, "outputs") if isinstance(one, dict)]
        if "error" in ends and "lab.begin" in str(cell.get("source")):
            return number
    return 0


def _keep(handed: Handed, one: Record) -> None:
    """Keep the relevant parts of a record."""
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
            handed.keep(one.exercise, Work(one.cell, one.sheet, one.edition, one.claimed, one.work, one.judged_by))
    elif isinstance(one, Asked):
        _keep_first(handed.predictions, one.id, {"answer": one.answer, "question": one.question})
        if isinstance(one.happened, str):  # even if no cell shows the outcome itself
            first = one.answers[0] if one.answers else None
            late = isinstance(first, dict) and first.get("late") is True
            _keep_outcome(handed, Happened(one.cell, one.id, one.question, one.answer, one.happened, late))
    elif isinstance(one, Happened):
        _keep_outcome(handed, one)
    elif one.id in exercises():
        given = min(one.tier, MOST_HINTS)  # a student's variant may have more hints than another's
        handed.hints[one.id] = max(handed.hints.get(one.id, 0), given)


def _keep_outcome(handed: Handed, one: Happened) -> None:
    members = {"said": one.said, "question": one.question, "actual": one.actual, "late": one.late}
    _keep_first(handed.outcomes, one.id, members)


def _keep_first(kept: dict[str, dict[str, Any]], name: str, members: dict[str, Any]) -> None:
    """Keep these members, shortened, from the first record in which the first member has a value.

    Only a limited number of IDs is kept in addition to the lab's IDs.
    """
    name = name[:MOST_SAID]
    known = kept.get(name)
    is_new = known is None and (has_mistakes(name) or len(kept) < MOST_ANSWERS)
    if is_new or (known is not None and known[next(iter(members))] is None):
        kept[name] = {member: _short(value) for member, value in members.items()}


def _short(value: Any) -> str | bool | None:
    return value if value is None or isinstance(value, bool) else str(value)[:MOST_SAID]


def _finite(text: str) -> float | None:
    """Return a number of a notebook; infinity becomes None, since JSON has no infinity."""
    number = float(text)
    return number if isfinite(number) else None
