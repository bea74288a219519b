"""What a run leaves for the next: each file's grades, and what they depend on."""

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


def key_of(path: Path, course: Course) -> str:
    """What a result depends on."""
    try:
        content = path.read_bytes()
    except OSError:
        content = b""
    settings = json.dumps([__version__, asdict(course)], sort_keys=True).encode()
    return hashlib.sha256(settings + b"\0" + content).hexdigest()


def kept(state: Path | None) -> dict[tuple[str, str], Graded]:
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


def keep(state: Path, key: str, graded: Graded) -> None:
    """Write one file's grades for later runs."""
    state.parent.mkdir(parents=True, exist_ok=True)
    try:
        with state.open("a+b") as file:
            end = file.seek(0, os.SEEK_END)
            file.seek(max(0, end - 1))
            broken = file.read(1) not in (b"", b"\n")  # a run was stopped in the midst of its last line
            file.write(b"\n" * broken + json.dumps({"key": key, "graded": asdict(graded)}).encode() + b"\n")
    except OSError as error:
        raise Refused(f"{str(state)!r} can't be written: {error.strerror}") from None
