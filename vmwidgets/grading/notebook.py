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
from vmwidgets.labs import beginning, hinting, outcome, prediction, result, submitting
from vmwidgets.labs.beginning import Beginning
from vmwidgets.labs.exercise import exercises
from vmwidgets.labs.mistakes import has_mistakes
from vmwidgets.labs.saved import bundles, listed

from .files import MOST_BYTES, content_of
from .findings import Finding, Status, found

MOST_PARTS = 4_000_000
"""Commas and brackets: each value that they part takes up to 80 bytes of memory."""

DEEPEST = 50
"""Lists and objects in one another, in what vmwidgets keeps."""

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
        """What it claims, as a number to compare: less than nothing where it does not say."""
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
    """What the file at `path` holds; never raises for what is in it."""
    try:
        return notebook_of(content_of(path))
    except Refused as refusal:
        return Handed(_unreadable(f"{refusal}"))


def notebook_of(content: bytes, most: int = MOST_BYTES) -> Handed:
    """What a file with this content holds, of at most so many bytes; never raises for what is in it."""
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
    handed = Handed()
    for cell, bundle in bundles(notebook):
        for kind, keep in KEPT.items():
            data = bundle.get(kind)
            if isinstance(data, dict):
                keep(handed, cell, _cut(data, DEEPEST))
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


def _begun(handed: Handed, _cell: int, data: dict[str, Any]) -> None:
    try:
        handed.begun, handed.version = Beginning.made_from(data), _text(data, "version")
        handed.coded, handed.seed = data.get("coded") is True, _text(data, "seed")
        handed.finding = None
    except Refused as refusal:
        handed.finding = found(Status.BEGIN_REFUSED, problem=f"{refusal}")


def _check(handed: Handed, cell: int, data: dict[str, Any]) -> None:
    handed.undone |= not data.get("work") and not data.get("criteria")
    _work(handed, cell, _text(data, "id"), data)


def _submission(handed: Handed, cell: int, data: dict[str, Any]) -> None:
    works = data.get("works")
    for name, work in works.items() if isinstance(works, dict) else ():
        if isinstance(work, dict):
            _work(handed, cell, name, work)


def _work(handed: Handed, cell: int, name: str, data: dict[str, Any]) -> None:
    """Keep what was checked or submitted, but not practice."""
    work, claimed = data.get("work"), data.get("points")
    if not name or not isinstance(work, dict) or not work or _text(data, "sheet").startswith("practice"):
        return
    claim = claimed if isinstance(claimed, int) and not isinstance(claimed, bool) else None
    handed.keep(name, Work(cell, data.get("sheet"), data.get("edition", 1), claim, work))


def _prediction(handed: Handed, _cell: int, data: dict[str, Any]) -> None:
    _keep_first(handed.predictions, data, ("answer", "question"))
    if isinstance(data.get("happened"), str):  # also where no cell shows the outcome itself
        answers = data.get("answers")
        first = answers[0] if isinstance(answers, list) and answers else None
        late = isinstance(first, dict) and first.get("late") is True
        outcome_of_it = {**data, "said": data.get("answer"), "actual": data["happened"], "late": late}
        _keep_first(handed.outcomes, outcome_of_it, ("said", "question", "actual", "late"))


def _outcome(handed: Handed, _cell: int, data: dict[str, Any]) -> None:
    _keep_first(handed.outcomes, data, ("said", "question", "actual", "late"))


def _hint(handed: Handed, _cell: int, data: dict[str, Any]) -> None:
    name, tier = _text(data, "id"), data.get("tier")
    if name in exercises() and isinstance(tier, int) and not isinstance(tier, bool):
        handed.hints[name] = max(handed.hints.get(name, 0), min(tier, 3))


def _keep_first(kept: dict[str, dict[str, Any]], data: dict[str, Any], members: tuple[str, ...]) -> None:
    """Keep these members of the data, cut to what is shown: of the first output in which the first member has a value.

    Only so many ids are kept beside those that a lab asks for.
    """
    name = _text(data, "id")[:MOST_SAID]
    known = kept.get(name)
    is_new = known is None and (has_mistakes(name) or len(kept) < MOST_ANSWERS)
    if is_new or (known is not None and known[members[0]] is None):
        kept[name] = {member: _short(data.get(member)) for member in members}


def _short(value: Any) -> str | bool | None:
    return value if value is None or isinstance(value, bool) else str(value)[:MOST_SAID]


KEPT = {
    beginning.MIME: _begun,
    result.MIME: _check,
    submitting.MIME: _submission,
    prediction.MIME: _prediction,
    outcome.MIME: _outcome,
    hinting.MIME: _hint,
}
"""The kinds of data in outputs, and what is done with each, in the order of the cells."""


def _finite(text: str) -> float | None:
    """A number of a notebook; infinity is none that JSON has, and what is written here is JSON."""
    number = float(text)
    return number if isfinite(number) else None


def _cut(data: Any, most: int) -> Any:
    """The same with None for what lies in more than `most` lists and objects: all that works on it may recurse."""
    if not isinstance(data, (dict, list)):
        return data
    if not most:
        return None
    if isinstance(data, list):
        return [_cut(one, most - 1) for one in data]
    return {name: _cut(one, most - 1) for name, one in data.items()}


def _text(data: dict[str, Any], name: str) -> str:
    text = data.get(name)
    return text if isinstance(text, str) else ""
