"""What a run leaves for the next: each file's grades, and what they depend on.

A line for each file, added as soon as it is graded; the last one of a file counts.  Lines are written whole and at
once, so that two runs at the same time only do the same work twice.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict
from pathlib import Path

from vmwidgets import __version__
from vmwidgets.engine.base.errors import Refused

from .course import Course
from .grades import Graded, Row


def key_of(content: bytes, course: Course) -> str:
    """What the grades of a file with this content depend on."""
    settings = json.dumps([__version__, course.name, course.exercises, course.prediction], sort_keys=True).encode()
    return hashlib.sha256(settings + b"\0" + content).hexdigest()


class State:
    """The file at `path` and what earlier runs left in it; without a path, nothing is kept."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._known = _read(path) if path is not None and path.exists() else {}

    def of(self, name: str, key: str) -> Graded | None:
        """What was graded of the file called `name`, if it depended on the same."""
        return self._known.get((name, key))

    def keep(self, key: str, graded: Graded) -> None:
        """Write a file's grades for later runs; not if judging was stopped, so that the next run tries again."""
        if self._path is None or graded.stopped or self._known.get((graded.path, key)) == graded:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a+b") as file:
                end = file.seek(0, os.SEEK_END)
                file.seek(max(0, end - 1))
                broken = file.read(1) not in (b"", b"\n")  # a run was stopped in the midst of its last line
                file.write(b"\n" * broken + json.dumps({"key": key, "graded": asdict(graded)}).encode() + b"\n")
        except OSError as error:
            raise Refused(f"{str(self._path)!r} can't be written: {error.strerror}") from None


def _read(path: Path) -> dict[tuple[str, str], Graded]:
    """What is in a state; a line that was not written to its end is left out."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise Refused(f"{str(path)!r} can't be read: {error.strerror}") from None
    found = {}
    for line in lines:
        try:
            data = json.loads(line)
            rows = tuple(Row(**row) for row in data["graded"].pop("rows"))
            graded = Graded(**data["graded"], rows=rows)
        except (ValueError, TypeError, KeyError, AttributeError):
            continue
        found[str(graded.path), str(data.get("key"))] = graded
    return found
