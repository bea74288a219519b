"""The files of a run: names that every system accepts, written as a whole."""

from __future__ import annotations

import re
import stat
from collections import Counter
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path

from vmwidgets.engine.base.files import close_to_others, written_whole

RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?|.*\.ipynb", re.IGNORECASE)
"""Names that Windows reserves, and names that would make a result look like a notebook."""

MOST = 80
"""The most characters of a name."""


def file_names(students: Iterable[str]) -> dict[str, str]:
    """Return a name for each student's files: the ID if possible, or a readable part with a number made from it.

    >>> file_names(["ada", "../b", "NUL"])
    {'ada': 'ada', '../b': '___b-95cd9069', 'NUL': 'NUL_-ae6de182'}
    """
    names = {student: _readable(student) for student in students}
    taken = Counter(name.casefold() for name in names.values())  # "Ada" and "ada" are one file on some systems
    return {
        student: name if name == student and taken[name.casefold()] == 1 else f"{name}-{_number(student)}"
        for student, name in names.items()
    }


def _readable(student: str) -> str:
    name = re.sub(r"[^\w.@+-]", "_", student[:MOST])
    name = re.sub(r"^\.+|\.+$", lambda dots: "_" * len(dots[0]), name)
    return f"{name}_" if RESERVED.fullmatch(name) else name


def _number(student: str) -> str:
    return sha256(student.encode(errors="surrogatepass")).hexdigest()[:8]


def write(texts: Mapping[Path, str | bytes]) -> list[Path]:
    """Write each text to its path, in UTF-8, and create its folders; returns the paths.

    The texts are about students, so only their owner can read new folders and files.  An existing file loses its access
    for others.  A file that already has this text is left alone: a continued run changes few of thousands.
    """
    for path, text in texts.items():
        # the path may be something other than a text file
        content = text if isinstance(text, bytes) else text.encode(errors="backslashreplace")
        if _has(path, content):
            close_to_others(path)
            continue
        make_private(path.parent)
        with written_whole(path, private=True) as file:
            file.write(content)
    return list(texts)


def make_private(folder: Path) -> None:
    """Create a results folder that only its owner can open; a person's existing folder stays as it is."""
    folder.mkdir(0o700, parents=True, exist_ok=True)


def _has(path: Path, content: bytes) -> bool:
    """Return whether there is a regular file with this content."""
    try:
        found = path.stat()
        return stat.S_ISREG(found.st_mode) and found.st_size == len(content) and path.read_bytes() == content
    except OSError:
        return False
