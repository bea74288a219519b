"""What is only seen when all files are side by side: the same work of two students, and a student's second file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from .grades import COPIED, Graded


def compared(files: Iterable[Graded]) -> Iterator[Graded]:
    """The files, with what is only seen side by side: the same work of two students, and a student's second file."""
    files = list(files)
    owners: dict[str, set[str]] = {}
    last: dict[tuple[str, str], str] = {}
    for file in files:
        if not file.problem:
            last[file.student, file.lab] = file.path
        for row in file.rows:
            if row.work and row.points:
                owners.setdefault(row.work, set()).add(file.student)
    for file in files:
        rows = tuple(
            replace(row, says=f"{COPIED}{', '.join(sorted(owners[row.work] - {file.student}))}")
            if row.work in owners and len(owners[row.work]) > 1
            else row
            for row in file.rows
        )
        if file.student and not file.problem and last[file.student, file.lab] != file.path:
            yield replace(file, rows=(), problem=f"handed in twice: {last[file.student, file.lab]} counts")
        else:
            yield replace(file, rows=rows)
