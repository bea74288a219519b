"""Recorded files as lines of JSON: reading them, with clear errors."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, cast

from vmwidgets.sources.given_text import GZIP

MAX_LINE = 32 << 20
"""The longest line in bytes: this limits memory, and leaves room for a full state of 200,000 entries."""

_SHOWN = 60

Record = dict[str, Any]


class Unreadable(Exception):
    """Raised if a recorded file can't be read: `path`, `line` (0 for none in particular) and the reason."""

    def __init__(self, path: Path | str, line: int, reason: str) -> None:
        where = f"{path}:{line}" if line else f"{path}"
        super().__init__(f"{where}: {reason}")


def read_records(path: Path) -> Iterator[tuple[int, Record]]:
    """Yield each line's number and JSON object, one at a time; raises :class:`Unreadable`.

    The file is plain text or gzip, recognized by its first bytes; it is read once, so that a pipe works.
    """
    number = 0
    try:
        with path.open("rb") as raw, _unpacked(raw) as lines:
            while line := lines.readline(MAX_LINE + 1):
                number += 1
                yield number, _record(path, number, line)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise Unreadable(path, number + 1, "the compressed data is damaged or ends early") from None
    except OSError as error:
        raise Unreadable(path, number + 1 if number else 0, error.strerror or f"{error}") from None


def short(value: object) -> str:
    """Return a value from a file for a sentence: as Python writes it, and shortened."""
    try:
        text = repr(value)
    except RecursionError:
        return f"a deeply nested {type(value).__name__}"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}… ({len(text):,} characters)"


def _unpacked(raw: IO[bytes]) -> IO[bytes]:
    packed: bytes = raw.peek(2)[:2]  # type: ignore[attr-defined]  # what open("rb") gives is buffered
    return cast("IO[bytes]", gzip.open(raw, "rb")) if packed == GZIP else raw


def _record(path: Path, number: int, line: bytes) -> Record:
    if len(line) > MAX_LINE:
        raise Unreadable(path, number, f"the line is longer than {MAX_LINE:,} bytes")
    try:
        value = _decoder.decode(line.decode("utf-8").strip())
    except (ValueError, RecursionError) as error:
        raise Unreadable(path, number, f"not a line of JSON: {_reason(error)}") from None
    if not isinstance(value, dict):
        raise Unreadable(path, number, f"expected a JSON object, found {type(value).__name__}")
    return value


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, UnicodeDecodeError):
        return f"byte {error.start + 1} is not UTF-8"
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at character {error.pos + 1}"
    text = f"{error}"
    return "a number has thousands of digits" if "digits" in text else text


class _Unfit(ValueError):
    """Raised for JSON that no trace contains."""


def _once(pairs: list[tuple[str, Any]]) -> Record:
    record = dict(pairs)
    if len(record) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _Unfit(f"{short(twice)} is twice in one object")
    return record


def _no_fraction(text: str) -> Any:
    raise _Unfit(f"{text[:_SHOWN]} is not a whole number, and there are no others here")


_decoder = json.JSONDecoder(object_pairs_hook=_once, parse_float=_no_fraction, parse_constant=_no_fraction)
