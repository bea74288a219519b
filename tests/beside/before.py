"""The engine as it was before its redesign, beside today's: the package `vmwidgets_before`, made from git when needed.

`before.txt` names the commit.  Its package lies in .cache, with every import of itself renamed.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

from vmwidgets.engine.memory import replacement_schema
from vmwidgets.engine.spaces.processors import Processors

HERE = Path(__file__).parent
NAME = "vmwidgets_before"

_OWN = re.compile(r"""(?<=\bfrom )vmwidgets\b|(?<=\bimport )vmwidgets\b|(?<=["'])vmwidgets(?=(?:\.[a-z_]+)+["'])""")
"""The package's name in imports and in names of modules; in sentences it stays."""


class AbsentCommit(Exception):
    """Raised where git does not have the commit."""


@lru_cache(maxsize=1)
def before() -> Any:
    """Import the package of the commit, as `import vmwidgets` does today's."""
    commit = (HERE / "before.txt").read_text().strip()
    clone = subprocess.run(
        ["git", "rev-parse", "--show-toplevel"], cwd=HERE, capture_output=True, text=True, check=False
    )
    root = Path(clone.stdout.strip() or HERE)
    folder = root / ".cache" / "before" / commit
    if not folder.is_dir():
        _make(commit, folder, root)
    sys.path.insert(0, str(folder))
    try:
        return import_module(NAME)
    finally:
        sys.path.remove(str(folder))


def _make(commit: str, folder: Path, root: Path) -> None:
    """Write the package of a commit into a folder: all or nothing, also when two do it at once."""
    command = ["git", "archive", "--format=tar", commit, "vmwidgets"]
    archived = subprocess.run(command, cwd=root, capture_output=True, check=False)
    if archived.returncode:
        raise AbsentCommit(f"commit {commit[:8]} is not in this clone; git fetch --unshallow brings it")
    part = folder.with_name(f"{commit}.{os.getpid()}")
    with tarfile.open(fileobj=io.BytesIO(archived.stdout)) as packed:
        packed.extractall(part, filter="data")
    (part / "vmwidgets").rename(part / NAME)
    for path in (part / NAME).rglob("*.py"):
        path.write_text(_OWN.sub(NAME, path.read_text("utf-8")), "utf-8")
    try:
        part.rename(folder)
    except OSError:  # another process was first
        shutil.rmtree(part)


def said(text: str) -> str:
    """Return a text of either package without what differs by the package's own name or by where an object lies."""
    return _NUMBERED.sub("machine", _FILE.sub("'", _LIES.sub(" at 0x…>", text.replace(NAME, "vmwidgets"))))


_FILE = re.compile(r"'/[^']*/(?=journal\.jsonl)")
_LIES = re.compile(r" at 0x[0-9a-f]{8,}>")
_NUMBERED = re.compile(r"\bmachine \d+")
"""How a machine without a name of its own is called: by how many there were."""


# ---- rings, which have no numbered places any longer ---------------------------------------------


@contextmanager
def calls_on_processor_0() -> Iterator[None]:
    """Make all calls of today's tasks on processor 0 in this block, as the engine before did.

    One call elsewhere changes TLBs and counts for the rest of a life, so no pattern could list its differences without
    hiding others.  Tests of processors say where calls are made today.
    """
    today = Processors.calling
    Processors.calling = lambda self, space: self.all[0]  # type: ignore[method-assign]
    try:
        yield
    finally:
        Processors.calling = today  # type: ignore[method-assign]


def of_today(was: Any) -> Any:
    """Return the rings of the engine before, or the events of an operation, in today's form.

    Before, each page and the hand had a numbered place, the places were sometimes numbered anew, and a policy's number
    for a page was reported.  Today the hand is at the first page, and reports only that it moves on from a page.
    """
    if type(was).__name__ == "ReplacementValue":
        return replacement_schema.ReplacementValue(was.policy, {name: _ring(one) for name, one in was.rings.items()})
    if isinstance(was, (tuple, list)):
        pairs = zip(["", *(type(one).__name__ for one in was)], was, strict=False)
        return type(was)(_event(one) for last, one in pairs if _is_told(type(one).__name__, last))
    return was


def _is_told(name: str, last: str) -> bool:
    return name not in ("PagesNoted", "RingRenumbered") and (name != "HandMoved" or last == "HandLooked")


def _ring(was: Any) -> replacement_schema.RingValue:
    pages = [{name: getattr(page, name) for name in page.__slots__ if name != "place"} for page in was.pages]
    hand = sorted(page.place for page in was.pages).index(was.pages[0].place) if was.hand else 0
    return replacement_schema.RingValue(
        was.name, tuple(replacement_schema.RingPage(**page) for page in pages), hand, was.count
    )


def _event(was: Any) -> Any:
    kind: Any = getattr(replacement_schema, type(was).__name__, None)
    if kind is None:
        return was
    held = {name: getattr(was, name) for name in was.field_names if name not in ("before", "after")}
    if kind is replacement_schema.RingMoved:
        held["to"] = "in" if was.before < 0 else "out" if was.after < 0 else "behind"
    return kind(**held)
