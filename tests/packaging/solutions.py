"""Finds solutions in what students get: lines of the cells that only instructors have, and folders of their own."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import jupytext

ROOT = Path(__file__).resolve().parents[2]
NEVER = ("course/", "tests/", "solutions/", "solutions.py", "instructors/")
"""What students don't get; the labs in a wheel are in vmwidgets/course/."""

SOLVING = ("assignments", "cli", "grading", "hosts", "labs", "notebooks", "packaging", "site")
"""Folders of tests/ whose tests solve exercises; a source distribution has the others."""

NOT_IN_SDIST = (*(one for one in NEVER if one != "tests/"), *(f"tests/{name}/" for name in SOLVING))

LEAST = 30
"""Characters of a line that says enough to be known again: shorter ones are anyone's, and so are imports."""

BY_CHANCE = {"py": 1}
"""Lines that a judge may have in common with a solution."""


@cache
def secret_lines() -> frozenset[str]:
    """The lines that instructors have and students don't."""
    for_all, secret = set(), set()
    for source in (ROOT / "course").glob("*/lab.md"):
        for cell in jupytext.reads(source.read_text("utf-8"), fmt="md").cells:
            own = {"solution", "instructor"} & set(cell.metadata.get("tags", ()))
            (secret if own else for_all).update(_lines(cell.source))
    return frozenset(line for line in secret - for_all if len(line) >= LEAST and " import " not in line)


def shown_in(files: Iterable[tuple[str, bytes]], never: tuple[str, ...] = NEVER) -> list[str]:
    """What shows solutions among files, by path and content: each path, with the line that it shows if it has one."""
    found = []
    for name, content in files:
        path = f"/{name}".replace("/vmwidgets/course/", "/labs/")
        if any(f"/{folder}" in path for folder in never):
            found.append(name)
        text = _plain(name, content)
        lines = [line for line in _lines(text) if line in secret_lines()]
        found += [f"{name}: {line}" for line in lines if len(set(lines)) > BY_CHANCE.get(path.rpartition(".")[2], 0)]
        if name.endswith(".ipynb") and "instructor" in text.lower():
            found.append(f"{name}: a word for instructors")
    return found


def files_of(archive: tarfile.TarFile) -> Iterator[tuple[str, bytes]]:
    """Each file of an archive, without the folder that all are in."""
    for member in archive.getmembers():
        reader = archive.extractfile(member)
        if reader is not None:
            yield member.name.partition("/")[2], reader.read()


def _plain(name: str, content: bytes) -> str:
    """What a person reads: of a notebook its cells, of anything else its text."""
    text = content.decode("utf-8", errors="replace")
    return "\n".join("".join(cell["source"]) for cell in json.loads(text)["cells"]) if name.endswith(".ipynb") else text


def _lines(text: str) -> Iterator[str]:
    return (line.strip() for line in text.splitlines())
