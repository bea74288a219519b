"""Recorded traces as lines of JSON: reading them, and saying clearly where one can't be read."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

MAX_LINE = 64 << 20
"""Bytes of the longest line that is read: a limit on memory, far above any recording."""

Record = dict[str, Any]


class Unreadable(Exception):
    """A trace that can't be read: `path`, `line` (0: none in particular) and the reason."""

    def __init__(self, path: Path | str, line: int, reason: str) -> None:
        where = f"{path}:{line}" if line else f"{path}"
        super().__init__(f"{where}: {reason}")


def read_records(path: Path) -> Iterator[tuple[int, Record]]:
    """Each line's number and JSON object, one at a time; :class:`Unreadable` where there is none.

    Plain text or gzip, told apart by the first bytes.
    """
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
        opened = gzip.open(path, "rb") if packed else path.open("rb")
        with opened as lines:
            number = 0
            while line := lines.readline(MAX_LINE + 1):
                number += 1
                yield number, _record(path, number, line)
    except OSError as error:
        raise Unreadable(path, 0, error.strerror or str(error)) from None
    except (EOFError, zlib.error):
        raise Unreadable(path, number + 1, "the compressed data is damaged or ends early") from None


def _record(path: Path, number: int, line: bytes) -> Record:
    if len(line) > MAX_LINE:
        raise Unreadable(path, number, f"the line is longer than {MAX_LINE} bytes")
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise Unreadable(path, number, f"not a line of JSON: {reason}") from None
    if not isinstance(value, dict):
        raise Unreadable(path, number, f"expected a JSON object, found {type(value).__name__}")
    return value
