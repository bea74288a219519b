"""Writes files with a secret: only new files, readable only by their owner, and not in a folder of notebooks."""

from __future__ import annotations

import os
from pathlib import Path

from ..engine.base.errors import Refused
from ..grading.files import called_notebook


def write_private(path: Path, content: bytes) -> None:
    """Write a new file that only its owner may read.

    Raises :class:`Refused` if the file exists, if the folder contains notebooks (such folders are passed on), and if
    the file can't be written; then no file is left.
    """
    try:
        if any(called_notebook(one.name) for one in path.parent.iterdir()):
            raise Refused(
                f"the folder of {str(path)!r} has notebooks: choose a folder without submissions, since the file holds "
                "a secret"
            )
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            try:
                file.write(content)
                file.flush()
            except OSError:
                path.unlink()
                raise
    except FileExistsError:
        raise Refused(f"{str(path)!r} already exists: choose another name") from None
    except OSError as error:
        raise Refused(f"{str(path)!r} can't be written: {error.strerror}") from None
