"""Texts from a learner, as a string or as the path of a file, which may be packed by gzip."""

from __future__ import annotations

import gzip
import io
import os
import re
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


ROOT = Path("/")
"""The folder that has the system's proc and sys."""

NEEDED = 3
"""The bytes of memory that a byte of a file needs: as a byte, as a character, and for what is found in it."""

SMALL = 16 << 20
"""The size in bytes up to which a file is read in any case."""


def most_that_fits(most: int, root: Path) -> int:
    """Return how many bytes of a file this process has memory for, at most `most` if that is not small.

    `root` is the folder of proc and sys.  Linux says what memory is left, and a cgroup's limit what it leaves
    beside the memory that can't be freed.  On macOS and Windows and in a browser, nothing says it, and there is enough.
    """
    found = [
        NEEDED * most,
        *(1024 * int(kib) for kib in re.findall("MemAvailable: +([0-9]+)", _said(root, "proc/meminfo"))),
    ]
    for path in re.findall(r"(?m)^[0-9]+:(?:[^:]*\bmemory\b[^:]*)?:(.*)", _said(root, "proc/self/cgroup")):
        for group in (Path(f"sys/fs/cgroup{path}"), Path(f"sys/fs/cgroup/memory{path}")):  # versions 2 and 1
            for folder in (group, *group.parents):  # a limit holds for all cgroups in a cgroup
                said = "".join(_said(root, folder, f"memory.{name}") for name in ("max", "limit_in_bytes", "stat"))
                numbers = re.match(r"([0-9]+)\n(?:.*\n)*?(?:anon|total_rss) ([0-9]+)", said)
                if numbers is not None:
                    found.append(int(numbers[1]) - int(numbers[2]))
    return max(SMALL, min(found) // NEEDED)


def _said(*path: Path | str) -> str:
    try:
        return Path(*path).read_text("utf-8", "surrogateescape")
    except OSError:
        return ""


def _refuse_larger(size: int, label: str, never: str, most: int, fits: int) -> None:
    if size > most:
        raise Refused(f"{label} has more than {binary_size(most)}: that is {never}")
    if size > fits:
        raise Refused(
            f"reading {label} needs {NEEDED} times its size in memory, and there is enough for {binary_size(fits)} of"
            " it: give a part of it, or read it where there is more memory"
        )


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
            size, fits = os.fstat(file.fileno()).st_size, most_that_fits(most, ROOT)
            content = file.read(most + 1) if size <= fits else b""
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or f"{error}"
        raise Refused(f"{label} can't be read ({why}): write the path of {what}{OR_TEXT}") from None
    _refuse_larger(size, label, never, most, fits)
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
                fits = most_that_fits(most, ROOT)
                content = packed.read(fits + 1)
        except BROKEN as error:
            kind = "gzip" if is_gzip else "xz"
            raise Refused(f"{label} can't be read ({error}): it begins as a file of {kind} does") from None
        _refuse_larger(len(content), f"what was unpacked of {label}", never, most, fits)
    _refuse_larger(len(content), label, never, most, most)
    return content
