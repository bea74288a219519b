"""Files that are written completely or not at all, and that replace only regular files."""

from __future__ import annotations

import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from .errors import Refused, shown


def place_of(path: Any, such: str) -> Path:
    """Return an argument as a path; raises :class:`Refused`, with `such` as an example, if it can't be a path."""
    if isinstance(path, (str, os.PathLike)) and is_path(path):
        return Path(path)
    raise Refused(f"{shown(path)} is not a path: write the name of a file, such as {such!r}")


MOST_PATH = 4096
"""The most characters of a path, as Linux has them."""


def is_path(path: str | os.PathLike[Any]) -> bool:
    r"""Return whether the system allows this path: a string that is not empty and has no NULs or lone surrogates.

    >>> is_path("mine.svg"), is_path("a\0b"), is_path("")
    (True, False, False)
    """
    try:
        text = os.fspath(path)
        return isinstance(text, str) and 0 < len(text) <= MOST_PATH and b"\0" not in os.fsencode(text)
    except (TypeError, UnicodeEncodeError):
        return False


_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISLNK, "a link that leads in a circle"),
)
"""The kinds of things other than a regular file that a path may refer to, in words."""


def regular(target: Path) -> Path:
    """Return the regular file that `target` names, with all symbolic links followed; the file need not exist.

    Raises :class:`Refused` for a folder, a device, a pipe or anything else that is not a regular file: writing there
    would replace it with a file.

    >>> regular(Path(os.devnull))
    Traceback (most recent call last):
    vmwidgets.engine.base.errors.Refused: '/dev/null' is a device: name a regular file
    """
    place = Path(os.path.realpath(target))
    try:
        mode = target.stat().st_mode  # before links are followed: /dev/stdout leads to something without a path
    except (FileNotFoundError, NotADirectoryError):
        return place
    except (RuntimeError, OSError) as error:
        mode = place.lstat().st_mode if os.path.lexists(place) and place.is_symlink() else 0
        if not mode:
            raise Refused(f"{str(target)!r} can't be used: {getattr(error, 'strerror', None) or error}") from error
    if not stat.S_ISREG(mode):
        kind = next((words for is_kind, words in _KINDS if is_kind(mode)), "not a file")
        raise Refused(f"{str(target)!r} is {kind}: name a regular file")
    if not place.exists():
        raise Refused(f"{str(target)!r} is a file without a name: name one that is in a folder")
    return place


def check_free(*places: Path, force: bool) -> None:
    """Raise :class:`Refused` for an existing file, unless the command has ``--force``."""
    there = next((place for place in places if place.exists() and not force), None)
    if there is not None:
        raise Refused(f"{shown(str(there))} already exists: choose another name, or write --force")


def close_to_others(file: Path) -> None:
    """Restrict a file to its owner and, if its group had access, to the group."""
    mode = stat.S_IMODE(file.stat().st_mode)
    if os.name == "posix" and mode & 0o007:
        with suppress(PermissionError):  # the file belongs to another person, who shares it
            file.chmod(mode & ~0o007)


@contextmanager
def written_whole(target: Path, *, private: bool = False) -> Iterator[BinaryIO]:
    """Provide a file for writing that replaces `target` at the end; if writing fails, `target` is unchanged.

    Only the owner may read a new `private` file; an existing file keeps its mode, but other users lose their access.  A
    symbolic link stays, and its target is replaced.  Raises :class:`Refused` with the system's reason if no file can be
    written, and if `target` is something other than a regular file.
    """
    place = regular(target)
    part = place.with_name(f".{place.name}.{secrets.token_hex(4)}")
    try:
        try:
            part.touch(0o600 if private else 0o666, exist_ok=False)
            with part.open("wb") as file:
                yield file
            if regular(place).exists():  # checked again: a file may have been created meanwhile
                shutil.copymode(place, part)
            if private:
                close_to_others(part)
            part.replace(place)
        finally:
            with suppress(OSError):
                part.unlink()
    except OSError as error:
        raise Refused(f"{str(target)!r} can't be written: {error.strerror or error}") from error
