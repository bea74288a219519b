"""The build that runs, since many builds have one version: a digest of the code that judges, and a checkout's commit.

A version number is written by hand.  Whether two computers judge work alike is decided by :func:`code`, never by the
number.
"""

from __future__ import annotations

import linecache
import os
import re
from collections.abc import Iterator
from functools import lru_cache
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from types import CodeType
from typing import TYPE_CHECKING, Any

from . import launched

if TYPE_CHECKING:
    from importlib.abc import Traversable

JUDGING = ("engine", "labs", "sources")
"""The folders whose code decides the points of a piece of work: it rebuilds machines and traces, and judges them."""

GRADING = (*JUDGING, "grading")
"""The folders whose code decides what grading says about a file."""

TEXTS, PACKED = (".py", ".toml", ".json", ".txt", ".c"), (".gz",)
"""The endings of the files that count.  Texts may have Windows' line ends, as in a checkout with `core.autocrlf`."""

SHORT = 8
"""The number of characters of a digest that people compare."""

COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


def code(folders: tuple[str, ...] = JUDGING, package: Traversable | None = None) -> str:
    """Return a digest of the code in these folders of the package: two builds with one digest judge alike.

    It is "" if the code is not known: the sources are missing, or they changed after this process had begun to import
    them, so that other code runs.  `package` is another copy of the package, such as one in a wheel.  Reading 3 MB at
    the first call takes 30 ms; later calls take nothing.
    """
    return _running(folders) if package is None else _digest(package, folders)


@lru_cache
def _running(folders: tuple[str, ...]) -> str:
    return _digest(files("vmwidgets"), folders, launched.AT)


def code_of(*functions: Any) -> str:
    """Return a digest of the whole files in which an author defined these functions; "" if a text is not known.

    A decorated function is not known: other code runs before it.
    """
    total = sha256()
    for function in functions:
        made = getattr(function, "__code__", None)
        if not isinstance(made, CodeType) or hasattr(function, "__wrapped__"):
            return ""
        name = made.co_filename
        text = "".join(linecache.getlines(name))
        kept: Any = linecache.cache.get(name, ())
        sent = len(kept) == 4 and kept[1] is None  # the text is not a file's
        if not text or not (sent or _is_old(Path(name))):
            return ""
        total.update(text.encode())
    return total.hexdigest()[:16]


def _is_old(file: Path) -> bool:
    """Return whether a file is there, and is what this process imported."""
    try:
        return not _changed(file, launched.AT)
    except OSError:
        return False


def commit() -> str:
    """Return the commit that is checked out, if the package runs in a clone of its repository; otherwise "".

    Git's files are read, and no program is started: a branch, a commit without a branch, packed references, and
    worktrees.  Changes that were not committed are not noticed.
    """
    root = Path(__file__).parents[1]
    try:
        if '\nname = "vmwidgets"\n' not in (root / "pyproject.toml").read_text("utf-8"):
            return ""  # the repository of something else that has a copy of the package
        git = root / ".git"
        if git.is_file():  # of a worktree, or of a submodule
            git = root / git.read_text("utf-8").removeprefix("gitdir:").strip()
        return _head(git)
    except (OSError, ValueError):
        return ""


def _head(git: Path) -> str:
    """Return the commit to which a git directory's HEAD refers; "" if none."""
    shared = git / "commondir"
    common = git / shared.read_text("utf-8").strip() if shared.is_file() else git
    packed = common / "packed-refs"
    listed = packed.read_text("utf-8").splitlines() if packed.is_file() else []
    known = {name: value for value, _, name in (line.partition(" ") for line in listed)}
    head = (git / "HEAD").read_text("utf-8").strip()
    for _ in range(5):  # a reference may name another
        if not head.startswith("ref:"):
            break
        name = head.removeprefix("ref:").strip()
        loose = next((place / name for place in (git, common) if (place / name).is_file()), None)
        head = loose.read_text("utf-8").strip() if loose else known.get(name, "")
    return head if COMMIT.fullmatch(head) else ""


def _digest(package: Traversable, folders: tuple[str, ...], since: float | None = None) -> str:
    """Return the digest of the folders' files by their names; "" if a folder has no source, or a file is newer."""
    total = sha256()
    try:
        archive = getattr(getattr(package, "root", None), "filename", None)  # of a package that is run from a zip file
        if since is not None and archive is not None and _changed(Path(archive), since):
            return ""
        for folder in folders:
            found = sorted(_files(package / folder, folder))
            if not any(name.endswith(".py") for name, _ in found):
                return ""
            for name, file in found:
                if since is not None and isinstance(file, Path) and _changed(file, since):
                    return ""
                content = file.read_bytes()
                if name.endswith(TEXTS):
                    content = content.replace(b"\r\n", b"\n")
                total.update(f"{name}\0{len(content)}\0".encode() + content)
    except (OSError, KeyError, ValueError):  # what is not there, in a folder or in an archive
        return ""
    return total.hexdigest()[:16]


def _files(folder: Traversable, called: str) -> Iterator[tuple[str, Traversable]]:
    """Yield the files that count, with their names in the package; not the copies that Python and editors make."""
    for one in folder.iterdir():
        name = f"{called}/{one.name}"
        if one.name.startswith((".", "__pycache__")):
            continue
        if one.is_dir():
            yield from _files(one, name)
        elif one.name.endswith((*TEXTS, *PACKED)):
            yield name, one


def _changed(file: Path, since: float) -> bool:
    """Return whether a file was written or put in its place after the time `since`."""
    stat = os.stat(file)  # noqa: PTH116  twice as fast as Path.stat, for 400 files
    return max(stat.st_mtime, stat.st_ctime) > since
