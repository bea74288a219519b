"""Journals that were drawn once are done again: what each operation says."""

from __future__ import annotations

import gzip
import json
import lzma
import re
import warnings
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import vmwidgets as vm
from vmwidgets.engine.base.journal import Operation

from .packed import FOLDER, Case, Moment
from .plain import digest, lines

JOB = 10
"""So many journals are one job."""

TOLD = 30
"""Of each kind of operation with each kind of outcome so many are explained."""

# ---- journals --------------------------------------------------------------------------------------

DRAWN = "drawn"
"""The file of journals: random lives of every kind.  Nothing here draws others."""


@lru_cache(maxsize=1)
def drawn() -> dict[str, dict[str, Any]]:
    """By name: a journal's lines as they are saved."""
    content = lzma.decompress((FOLDER / f"{DRAWN}.xz").read_bytes()).decode()
    return {one["name"]: one for one in map(json.loads, content.splitlines())}


def loaded(name: str) -> Any:
    """The machine of a journal."""
    with TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = Path(folder) / "drawn.jsonl.gz"
        path.write_bytes(gzip.compress(drawn()[name]["journal"].encode(), 1))
        machine = vm.load_journal(path)
    machine.name = "machine"
    return machine


def jobs() -> list[str]:
    """Journals by tens."""
    return [f"journals {number} on" for number in range(0, len(drawn()), JOB)]


def names_of(job: str) -> list[str]:
    """The journals of a job."""
    first = int(job.split()[1])
    return list(drawn())[first : first + JOB]


def done_again(machine: Any) -> Iterator[Operation]:
    """Undo all, and do it again: each operation when it is done."""
    total = len(machine.journal)
    yield machine.journal[0]
    if total == 1:
        return
    machine.undo(len(machine.journal.units(total)) - 1)
    while len(machine.journal) < total:
        machine.redo()
        yield machine.journal.last


def label_of(operation: Operation) -> str:
    """How a moment after an operation is called."""
    return f"operation {operation.number}"


# ---- sentences -------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def told() -> dict[str, set[int]]:
    """By journal: the operations that are explained, so many of each kind with each outcome."""
    seen: Counter[tuple[str, ...]] = Counter()
    found: dict[str, set[int]] = {}
    for name, one in drawn().items():
        number = -1
        for line in one["journal"].splitlines():
            data = json.loads(line)
            if "line" in data:
                break
            if "operation" not in data:
                continue
            number += 1
            target = data["target"]
            kind = "kmem" if target.startswith("kmem/") else target.partition(":")[0] + target.partition("/")[2]
            failed = json.dumps(data["result"])[:40] if data["outcome"] != "done" else ""
            key = kind, data["name"], data["outcome"], failed
            seen[key] += 1
            if seen[key] <= TOLD:
                found.setdefault(name, set()).add(number)
    return found


def sentences(job: str, *, whole: bool = False) -> Iterator[Case]:
    """Headlines and sentences of operations."""
    for name in names_of(job):
        wanted = told().get(name, set())
        moments = [
            Moment(label_of(operation), lines(explained(operation)))
            for operation in done_again(loaded(name))
            if operation.number in wanted
        ]
        yield Case(name, moments)


def explained(operation: Operation) -> Iterator[tuple[str, Any]]:
    """An operation's story: headline, reason and functions, then its steps; check values of their order, and of all."""
    yield "operation", f"{operation.target}.{operation.name}"
    story = str(operation.explain())
    for place, line in enumerate(story.splitlines()):
        step = _STEP.match(line)
        yield ("step", line[step.end() :]) if step else ("headline" if place == 0 else "line", line.strip())
    yield "order of steps", digest(story)
    yield "every step", digest(str(getattr(operation.explain(), "whole")))  # noqa: B009  the protocol has less


_STEP = re.compile(r" *\d+\. ")
"""Before a step there is its number, which others would move."""
