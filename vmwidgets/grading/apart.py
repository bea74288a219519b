"""Checks that keep a folder of submissions read-only: results go elsewhere, and no module is imported from it.

Other people filled the folder, so anyone may have written a state, overrides or a module found in it.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterable
from pathlib import Path

from vmwidgets.engine.base.errors import Refused
from vmwidgets.launched import lying_in

WITHIN = ("", "feedback", "gradescope")
"""The folders in the results folder."""


def check_results(folder: Path, results: Path) -> None:
    """Raise :class:`Refused` if results would be among the submissions in `folder`; links are followed.

    >>> check_results(Path("in"), Path("in/grades"))
    Traceback (most recent call last):
    vmwidgets.engine.base.errors.Refused: results can't be written to 'in/grades', in the folder of submissions: ...
    """
    if results.is_file():
        raise Refused(f"results can't be written to {str(results)!r}: that is a file, so name a folder")
    submissions = folder.resolve()
    if any((results / name).resolve().is_relative_to(submissions) for name in WITHIN):
        beside = submissions.parent / f"{submissions.name or 'class'}-grades"
        raise Refused(
            f"results can't be written to {str(results)!r}, in the folder of submissions: "
            f"name a folder outside of it, such as --to {beside}"
        )


def check_given(folder: Path, files: Iterable[Path | None]) -> None:
    """Raise :class:`Refused` for a given file that is not there, or is among the submissions in `folder`.

    >>> check_given(Path("in"), [None, Path("rooster.csv")])
    Traceback (most recent call last):
    vmwidgets.engine.base.errors.Refused: 'rooster.csv' can't be read: No such file or directory
    """
    for file in files:
        if file is None:
            continue
        if not file.exists():
            raise Refused(f"{str(file)!r} can't be read: {os.strerror(errno.ENOENT)}")
        if file.resolve().is_relative_to(folder.resolve()):
            raise Refused(
                f"{str(file)!r} lies in the folder of submissions: anyone may have written it, so keep it elsewhere"
            )


def check_imports(folder: Path) -> None:
    """Raise :class:`Refused` if this process would import modules from the submissions in `folder`."""
    if found := lying_in(sys.path, str(folder)):
        raise Refused(
            f"Python imports modules from {found[0] or 'the current folder'!r}, in the folder of submissions, and any "
            "file in it could run: call vmwidgets from another folder, and leave this folder out of PYTHONPATH"
        )
