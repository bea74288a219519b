"""Files that are written as a whole or not at all."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from .errors import Refused, shown


def place_of(path: Any, such: str) -> Path:
    """A path that was given as one, such as `such`; :class:`Refused` where it can be none."""
    if not isinstance(path, (str, os.PathLike)) or not str(path) or "\0" in str(path):
        raise Refused(f"{shown(path)} is no path: write the name of a file, such as {such!r}")
    return Path(path)


@contextmanager
def written_whole(target: Path) -> Iterator[BinaryIO]:
    """A file to write to, which takes the place of `target` at the end; if writing fails, that stays as it was.

    Raises :class:`Refused` with the system's reason where no file can be written.
    """
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        try:
            with part.open("xb") as raw:
                yield raw
            if target.exists():
                shutil.copymode(target, part)
            part.replace(target)
        finally:
            with suppress(OSError):
                part.unlink()
    except OSError as error:
        raise Refused(f"{str(target)!r} can't be written: {error.strerror or error}") from error
