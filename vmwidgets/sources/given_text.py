"""Texts that a learner gives, as they are or as the path of a file; what a file has may be packed by gzip."""

from __future__ import annotations

import gzip
import os
import zlib
from pathlib import Path
from typing import Any

from ..engine.base.errors import Refused, a_kind, printable, shown
from ..engine.base.units import binary_size
from ..engine.machine.arguments import MAX_NAME

_PACKED = b"\x1f\x8b"


def checked(text: str, most: int) -> str:
    """The text itself, at most `most` characters, without what can't be written as UTF-8."""
    if len(text) > most:
        raise Refused(f"the text has {binary_size(len(text))}: at most {binary_size(most)} are read")
    return text.encode("utf-8", "backslashreplace").decode()


def path_of(given: Any, what: str) -> str:
    """The path that a value stands for, whatever it answers when it is asked; `what` says what a file would be."""
    try:
        name = os.fspath(given)
    except Exception:  # noqa: BLE001  whatever a learner's object does when it is asked
        name = None
    if not isinstance(name, str):
        raise Refused(f"path_or_text={shown(given)} is {a_kind(given)}: write the path of {what}, or its text")
    return name


def read(name: str, what: str, never: str, most: int) -> str:
    """What a file has, at most `most` bytes; `never` says what so much can't be."""
    label = printable(name if len(name) <= MAX_NAME else name[:MAX_NAME] + "…")
    if not name:
        raise Refused(f"path_or_text='' names no file: write the path of {what}, or its text")
    try:
        with Path(name).open("rb") as file:
            content = file.read(most + 1)
        if content.startswith(_PACKED):
            with gzip.open(name) as unpacked:
                content = unpacked.read(most + 1)
    except (OSError, ValueError, EOFError, zlib.error) as error:
        why = getattr(error, "strerror", None) or f"{error}"
        raise Refused(f"{label} can't be read ({why}): write the path of {what}, or its text") from None
    if len(content) > most:
        raise Refused(f"{label} has more than {binary_size(most)}: that is {never}")
    encoding = (
        "utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8"
    )  # PowerShell's ">" writes the first
    return content.decode(encoding, "backslashreplace" if encoding == "utf-8" else "replace")
