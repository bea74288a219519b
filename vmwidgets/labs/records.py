"""The records in a notebook's outputs: data of one media type with a tag, decoded here for all readers.

The grader, the doctor, the questions at the desk and a restarted kernel read a notebook through :func:`records`.  A
notebook is a learner's file, and any part of it may be malformed: malformed parts are left out.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from math import inf
from typing import Any, NamedTuple

from .answers import is_whole

MIME = "application/vnd.vmwidgets.record+json"
"""The media type of all data that the package puts into outputs for programs."""

BEGIN, CHECK, SUBMISSION = "begin", "check", "submission"
PREDICTION, PREDICTIONS, OUTCOME = "prediction", "predictions", "outcome"
HINT, SHEET = "hint", "sheet"

TAG = "record"
"""The member that gives the kind of record."""

EARLIER = {
    "application/vnd.vmwidgets.lab+json": BEGIN,
    "application/vnd.vmwidgets.check+json": CHECK,
    "application/vnd.vmwidgets.submission+json": SUBMISSION,
    "application/vnd.vmwidgets.prediction+json": PREDICTION,
    "application/vnd.vmwidgets.predictions+json": PREDICTIONS,
    "application/vnd.vmwidgets.outcome+json": OUTCOME,
    "application/vnd.vmwidgets.hint+json": HINT,
}
"""The media types for each tag in notebooks up to commit 05f3a873, which are still read."""

DEEPEST = 50
"""The deepest allowed nesting of lists and objects, since everything that reads a record may recurse."""


class Begun(NamedTuple):
    """The record of ``lab.begin``: `data` as in :meth:`.beginning.Beginning.data`, from vmwidgets `version`."""

    cell: int
    data: dict[str, Any]
    version: str
    coded: bool
    seed: str


class Checked(NamedTuple):
    """A piece of work for `exercise` that was checked or submitted in cell `cell` (the first cell is 1).

    The work was made for `sheet`, by this `edition` of the exercise, and its own check gave `claimed` points, or None
    if the output doesn't say.  `work` is the data from which it can be rebuilt, empty if nothing was done.
    `judged_by` is the digest of the code of that check, "" in earlier notebooks.
    """

    cell: int
    exercise: str
    sheet: Any
    edition: Any
    claimed: int | None
    work: dict[str, Any]
    judged_by: str


class Asked(NamedTuple):
    """A prediction: `answer` is the first answer, `happened` the first outcome; all but the ID are as in the file."""

    cell: int
    id: str
    question: Any
    kind: Any
    answer: Any
    answers: list[Any]
    happened: Any
    missed: Any


class Happened(NamedTuple):
    """An outcome and the prediction, `said`; all but the ID are as in the file."""

    cell: int
    id: str
    question: Any
    said: Any
    actual: Any
    late: Any


class Hinted(NamedTuple):
    """The hints of the exercise `id` that were shown, up to `tier`."""

    cell: int
    id: str
    tier: int


Record = Begun | Checked | Asked | Happened | Hinted


def record(tag: str, data: dict[str, Any], **forms: str) -> dict[str, Any]:
    """Return the forms of an output: the record, and texts for people (html= and plain=)."""
    return {MIME: {TAG: tag, **data}, "text/html": forms["html"], "text/plain": forms["plain"]}


def records(notebook: Any) -> Iterator[Record]:
    """Yield all records of a notebook, in the order of its cells and outputs."""
    for number, cell in enumerate(listed(notebook, "cells"), 1):
        for output in listed(cell, "outputs"):
            bundle = output.get("data") if isinstance(output, dict) else None
            for tag, data in _tagged(bundle if isinstance(bundle, dict) else {}):
                yield from DECODED[tag](number, cut(data, DEEPEST))


def _tagged(bundle: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the records of one output, with their tags; there may be several in an earlier notebook."""
    for mime, value in bundle.items():
        if mime == MIME or mime in EARLIER:
            data = _read(value)
            if isinstance(data, dict):
                tag = data.get(TAG) if mime == MIME else EARLIER[mime]
                if isinstance(tag, str) and tag in DECODED:
                    yield tag, data


def _read(value: Any) -> Any:
    """Return the value of JSON that a host saved as text, or as a list of lines."""
    text = "".join(value) if isinstance(value, list) and all(isinstance(line, str) for line in value) else value
    if not isinstance(text, str):
        return value
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _begun(cell: int, data: dict[str, Any]) -> Iterator[Record]:
    yield Begun(cell, data, text_of(data, "version"), data.get("coded") is True, text_of(data, "seed"))


def _checked(cell: int, data: dict[str, Any], name: str = "") -> Iterator[Record]:
    """Yield checked work, except practice, which counts for nothing."""
    exercise, claimed, work = name or text_of(data, "id"), data.get("points"), data.get("work")
    done = isinstance(work, dict) and work
    if exercise and not text_of(data, "sheet").startswith("practice") and (done or not data.get("criteria")):
        claim = claimed if is_whole(claimed, -inf, inf) else None
        work = work if isinstance(work, dict) else {}
        edition, judged_by = data.get("edition", 1), text_of(data, "judged_by")
        yield Checked(cell, exercise, data.get("sheet"), edition, claim, work, judged_by)


def _submitted(cell: int, data: dict[str, Any]) -> Iterator[Record]:
    works = data.get("works")
    for name, one in works.items() if isinstance(works, dict) else ():
        if isinstance(one, dict) and isinstance(one.get("work"), dict) and one["work"]:
            yield from _checked(cell, one, name)


def _asked(cell: int, data: dict[str, Any]) -> Iterator[Record]:
    if isinstance(data.get("id"), str):
        question, kind, answer = (data.get(member) for member in ("question", "kind", "answer"))
        yield Asked(
            cell, data["id"], question, kind, answer, listed(data, "answers"), data.get("happened"), data.get("missed")
        )


def _happened(cell: int, data: dict[str, Any]) -> Iterator[Record]:
    if isinstance(data.get("id"), str):
        yield Happened(cell, data["id"], *(data.get(member) for member in ("question", "said", "actual", "late")))


def _several(cell: int, data: dict[str, Any]) -> Iterator[Record]:
    """Yield all predictions of a kernel's table."""
    for member, decoded in ("predictions", _asked), ("outcomes", _happened):
        for one in listed(data, member):
            if isinstance(one, dict):
                yield from decoded(cell, one)


def _hinted(cell: int, data: dict[str, Any]) -> Iterator[Record]:
    name, tier = text_of(data, "id"), data.get("tier")
    if name and is_whole(tier, -inf, inf):
        yield Hinted(cell, name, tier)


Decoder = Callable[[int, dict[str, Any]], Iterator[Record]]

DECODED: dict[str, Decoder] = {
    BEGIN: _begun,
    CHECK: _checked,
    SUBMISSION: _submitted,
    PREDICTION: _asked,
    PREDICTIONS: _several,
    OUTCOME: _happened,
    HINT: _hinted,
}
"""The reader for each tag; sheets are for other programs."""


def listed(thing: Any, name: str) -> list[Any]:
    """Return the list with this name in a notebook's object; empty if there is none."""
    found = thing.get(name) if isinstance(thing, dict) else None
    return found if isinstance(found, list) else []


def text_of(data: dict[str, Any], name: str) -> str:
    """Return the string with this name in a notebook's object; empty if there is none."""
    text = data.get(name)
    return text if isinstance(text, str) else ""


def cut(data: Any, most: int) -> Any:
    """Return a copy with None for anything nested in more than `most` lists and objects."""
    if not isinstance(data, (dict, list)):
        return data
    if not most:
        return None
    if isinstance(data, list):
        return [cut(one, most - 1) for one in data]
    return {name: cut(one, most - 1) for name, one in data.items()}
