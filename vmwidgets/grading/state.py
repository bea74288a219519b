"""The saved state of a run, for the next one: each file's grades, and the settings that they depend on.

There is a line for each file, added as soon as the file is graded; a file's last line counts.  Each line is written in
one piece, so that two simultaneous runs only do the same work twice.

The state is not signed: anyone who can write to the results folder can change points.  That folder belongs to the
person who grades, and is never inside a folder of submissions (:mod:`.apart`).
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from vmwidgets import __version__
from vmwidgets.build import GRADING, code
from vmwidgets.engine.base.errors import Refused
from vmwidgets.engine.base.files import close_to_others, regular

from .course import Course
from .grades import Graded
from .output import make_private

FORM = 4
"""The format of a line: files with lines in another format are judged again."""

MOST_ATTEMPTS = 3
"""The most runs that judge a file if it takes too long or ends its process each time."""


class Kept(NamedTuple):
    """The grades of a file, and how many runs have tried to judge it; 0 if judging was completed."""

    graded: Graded
    attempts: int = 0


def key_of(digest: str, course: Course) -> str:
    """Return a key for everything that the grades of a file with this digest depend on."""
    sources = [module.source for module in course.modules]
    parts = [FORM, __version__, code(GRADING), course.name, course.exercises, course.prediction, course.key, sources]
    settings = json.dumps(parts, sort_keys=True).encode()
    return hashlib.sha256(settings + b"\0" + digest.encode()).hexdigest()


class State:
    """The file at `path` with the results of earlier runs; without a path, nothing is saved."""

    def __init__(self, path: Path | None) -> None:
        self._path = None if path is None else regular(path)
        self._known: dict[tuple[str, str], Kept] = {}
        if path is not None and path.exists():
            close_to_others(path)
            self._known = _read(path)

    def of(self, name: str, key: str) -> Graded | None:
        """Return the grades of the file called `name`, if their key is the same and no new attempt is due."""
        kept = self._known.get((name, key))
        return None if kept is None or 0 < kept.attempts < MOST_ATTEMPTS else kept.graded

    def keep(self, key: str, graded: Graded) -> Graded:
        """Write a file's grades for later runs, and return them.

        If judging was stopped, the number of attempts is saved too; the grades of the last attempt mention it.
        """
        before = self._known.get((graded.path, key))
        kept = Kept(graded)
        if graded.stopped:
            kept = _tried(graded, min(before.attempts if before else 0, MOST_ATTEMPTS - 1) + 1)
        if self._path is not None and before != kept:
            self._written(self._path, {"key": key, "attempts": kept.attempts, "graded": kept.graded.data()})
        return kept.graded

    def _written(self, path: Path, data: dict[str, Any]) -> None:
        try:
            make_private(path.parent)
            path.touch(0o600)
            with path.open("a+b") as file:
                end = file.seek(0, os.SEEK_END)
                file.seek(max(0, end - 1))
                broken = file.read(1) not in (b"", b"\n")  # a run was stopped in the midst of its last line
                file.write(b"\n" * broken + json.dumps(data).encode() + b"\n")
        except OSError as error:
            raise Refused(f"{str(path)!r} can't be written: {error.strerror}") from None


def _tried(graded: Graded, attempts: int) -> Kept:
    """Return the grades of a file whose judging was stopped in this many runs."""
    if attempts < MOST_ATTEMPTS:
        return Kept(graded, attempts)
    rows = tuple(replace(row, attempts=attempts) if row.stopped else row for row in graded.rows)
    return Kept(replace(graded, rows=rows, attempts=attempts if graded.unread else 0), attempts)


def _read(path: Path) -> dict[tuple[str, str], Kept]:
    """Return the contents of a state file, without incomplete lines."""
    found = {}
    for line in _lines(path):
        if read := _kept(line):
            key, kept = read
            found[str(kept.graded.path), key] = kept
    return found


def _kept(line: bytes) -> tuple[str, Kept] | None:
    try:
        data = json.loads(line)
        return str(data["key"]), Kept(Graded.made_from(data["graded"]), int(data["attempts"]))
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            yield from file
    except OSError as error:
        raise Refused(f"{str(path)!r} can't be read: {error.strerror}") from None
