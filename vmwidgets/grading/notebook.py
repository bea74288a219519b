"""What a notebook that was handed in holds, as data: whose it is, its works, what it claims, predictions and hints.

The file is a learner's: it may be anything.  What is not as it should be is left out, and said in `problem`.
"""

from __future__ import annotations

import json
import stat
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any

from vmwidgets.engine.base.errors import Refused
from vmwidgets.labs import beginning, hinting, outcome, prediction, result, submitting
from vmwidgets.labs.beginning import Beginning
from vmwidgets.labs.exercise import exercises
from vmwidgets.labs.saved import bundles

MOST_BYTES = 64 * 1024 * 1024
"""Of a notebook."""

MOST_PARTS = 4_000_000
"""Commas and brackets: each value that they part takes up to 80 bytes of memory."""

MOST_ITEMS = 10_000
"""Of cells, and of outputs in all."""

DEEPEST = 50
"""Lists and objects in one another, in what vmwidgets keeps."""

MOST_ANSWERS, MOST_SAID = 100, 500
"""Predictions, outcomes and hints that are kept of a file, and characters of what they say."""


@dataclass
class Handed:
    """One file: `works` as the notebook keeps them, by id; of `predictions`, `outcomes` and `hints` what is shown.

    `begun` says whose it is, by vmwidgets of this `version`.  `works` has for each exercise its `sheet`, `points`, `of`
    and `work`: of the last submission or check.  `undone`: a check found nothing yet.  `problem` is why the
    file can't be graded, or "".
    """

    problem: str = ""
    begun: Beginning | None = None
    version: str = ""
    works: dict[str, dict[str, Any]] = field(default_factory=dict)
    undone: bool = False
    predictions: dict[str, dict[str, Any]] = field(default_factory=dict)
    outcomes: dict[str, dict[str, Any]] = field(default_factory=dict)
    hints: dict[str, int] = field(default_factory=dict)


def content_of(path: Path) -> bytes:
    """What the file at `path` has, read once; of one that is too large, one byte more than a notebook may have.

    :class:`Refused` for what is no file, or a link to a file that was not handed in.
    """
    try:
        if path.is_dir():
            next(path.iterdir(), None)  # which says if it can't be read
            raise Refused("it is a folder, and no notebook")
        if not stat.S_ISREG(path.stat().st_mode):
            raise Refused("it is no file")  # reading a device or a pipe may never end
        with path.open("rb") as file:
            return file.read(MOST_BYTES + 1)
    except OSError as error:
        raise Refused(f"the file can't be read: {error.strerror}") from None


def read_notebook(path: Path) -> Handed:
    """What the file at `path` holds; never raises for what is in it."""
    try:
        return notebook_of(content_of(path))
    except Refused as refusal:
        return Handed(str(refusal))


def notebook_of(content: bytes) -> Handed:
    """What a file with this content holds; never raises for what is in it."""
    if len(content) > MOST_BYTES:
        return Handed(f"the file has more than {MOST_BYTES >> 20} MiB")
    if sum(map(content.count, (b",", b"[", b"{"))) > MOST_PARTS:
        return Handed(f"the file has more than {MOST_PARTS:,} commas and brackets")
    try:
        notebook = json.loads(content, parse_constant=lambda _name: None, parse_float=_finite)
    except (ValueError, RecursionError, MemoryError):
        return Handed("the file is no notebook: it is no JSON, ends too soon, or is nested too deep")
    handed = Handed()
    for bundle in bundles(notebook, MOST_ITEMS):
        for kind, keep in KEPT.items():
            data = bundle.get(kind)
            if isinstance(data, dict):
                keep(handed, _cut(data, DEEPEST))
    if handed.problem:
        return handed
    if handed.begun is None:
        handed.problem = "no lab was begun in it, or it was saved without its outputs"
    elif not handed.works:
        handed.problem = "nothing was done yet" if handed.undone else "nothing was checked or handed in"
    return handed


def _begun(handed: Handed, data: dict[str, Any]) -> None:
    try:
        handed.begun, handed.version = Beginning.made_from(data), _text(data, "version")
    except Refused as refusal:
        handed.problem = f"its lab.begin can't be: {refusal}"


def _check(handed: Handed, data: dict[str, Any]) -> None:
    name, work = _text(data, "id"), data.get("work")
    handed.undone |= data.get("problem") == result.NOT_DONE
    practice = _text(data, "sheet").startswith("practice")
    if name and not practice and isinstance(work, dict) and work:
        handed.works[name] = {key: data.get(key) for key in ("sheet", "points", "of", "work")}


def _submission(handed: Handed, data: dict[str, Any]) -> None:
    works = data.get("works")
    for name, work in works.items() if isinstance(works, dict) else ():
        if isinstance(name, str) and isinstance(work, dict) and isinstance(work.get("work"), dict):
            handed.works[name] = work


def _prediction(handed: Handed, data: dict[str, Any]) -> None:
    _keep(handed.predictions, data, "question", "answer")


def _outcome(handed: Handed, data: dict[str, Any]) -> None:
    _keep(handed.outcomes, data, "question", "said", "actual", "late")


def _hint(handed: Handed, data: dict[str, Any]) -> None:
    name, tier = _text(data, "id"), data.get("tier")
    if name in exercises() and isinstance(tier, int) and not isinstance(tier, bool):
        handed.hints[name] = max(handed.hints.get(name, 0), min(tier, 3))


def _keep(kept: dict[str, dict[str, Any]], data: dict[str, Any], *members: str) -> None:
    """Keep these members of the data, cut to what is shown; of the first ids only."""
    name = _text(data, "id")[:MOST_SAID]
    if name in kept or len(kept) < MOST_ANSWERS:
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
