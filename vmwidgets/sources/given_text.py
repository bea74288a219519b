"""Texts from a learner, as a string or as the path of a file, which may be packed by gzip."""

from __future__ import annotations

import gzip
import io
import os
import zlib
from pathlib import Path
from typing import Any

from ..engine.base.errors import Refused, a_kind, printable, shown
from ..engine.base.units import binary_size
from ..engine.machine.arguments import MAX_NAME
from .foreign import refuse_binary

try:
    import lzma
except ModuleNotFoundError:  # Python was built without it, as in a browser
    lzma = None  # type: ignore[assignment]  # what xz packed is refused

BROKEN: tuple[type[Exception], ...] = (OSError, ValueError, EOFError, zlib.error)
"""The errors of unpacking."""

if lzma is not None:
    BROKEN = (*BROKEN, lzma.LZMAError)

OR_TEXT = ", or its text"
"""The end of sentences that ask for another path; a command, which takes no text, ends them differently."""

GZIP = b"\x1f\x8b"
"""The first bytes of a file that gzip has packed."""

_XZ = b"\xfd7zXZ\x00"


def checked(text: str, most: int) -> str:
    """Return the text, with characters that UTF-8 can't encode spelled out; refuses more than `most` characters."""
    if len(text) > most:
        raise Refused(f"the text has {binary_size(len(text))}: at most {binary_size(most)} are read")
    return text.encode("utf-8", "backslashreplace").decode()


def path_of(given: Any, what: str) -> str:
    """Return the path that a value of any class stands for; `what` names the file's contents."""
    try:
        name = os.fspath(given)
    except Exception:  # noqa: BLE001  whatever a learner's object does when it is asked
        name = None
    if not isinstance(name, str):
        raise Refused(f"path_or_text={shown(given)} is {a_kind(given)}: write the path of {what}{OR_TEXT}")
    return name


def read(name: str, what: str, never: str, most: int) -> str:
    """Return a file's contents, at most `most` bytes; `never` says what a larger file can't be."""
    label = printable(name if len(name) <= MAX_NAME else name[:MAX_NAME] + "…")
    if not name:
        raise Refused(f"path_or_text='' names no file: write the path of {what}{OR_TEXT}")
    try:
        with Path(name).open("rb") as file:
            content = file.read(most + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or f"{error}"
        raise Refused(f"{label} can't be read ({why}): write the path of {what}{OR_TEXT}") from None
    content = unpacked(content, label, never, most)
    refuse_binary(content, label)
    return decoded(content)


def decoded(content: bytes) -> str:
    """Return the text of bytes in UTF-8 or UTF-16, which PowerShell's ">" writes.

    >>> decoded("panic".encode("utf-16-le")), decoded(b"panic")
    ('panic', 'panic')
    """
    head = content[:4096]
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace")
    if len(head) > 3 and head[1::2].count(0) * 4 > len(head):
        return content.decode("utf-16-le", "replace")
    if len(head) > 3 and head[::2].count(0) * 4 > len(head):
        return content.decode("utf-16-be", "replace")
    return content.decode("utf-8", "backslashreplace")


def unpacked(content: bytes, label: str, never: str, most: int) -> bytes:
    """Return bytes, unpacked if gzip or xz has packed them; raises :class:`Refused` for more than `most`."""
    is_gzip, is_xz = content.startswith(GZIP), content.startswith(_XZ)
    if is_xz and lzma is None:
        raise Refused(f"{label} is packed by xz, for which this Python has no lzma: unpack it, or pack it by gzip")
    if is_gzip or is_xz:
        try:
            raw = io.BytesIO(content)
            with gzip.GzipFile(fileobj=raw) if is_gzip else lzma.LZMAFile(raw) as packed:
                content = packed.read(most + 1)
        except BROKEN as error:
            kind = "gzip" if is_gzip else "xz"
            raise Refused(f"{label} can't be read ({error}): it begins as a file of {kind} does") from None
    if len(content) > most:
        raise Refused(f"{label} has more than {binary_size(most)}: that is {never}")
    return content
