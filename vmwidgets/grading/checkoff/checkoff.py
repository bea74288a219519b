"""A notebook's checkoff: its journals are made again in a process with limits, and three questions are chosen."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from vmwidgets.engine.base.errors import Refused, printable, shown
from vmwidgets.engine.machine.arguments import known
from vmwidgets.labs.beginning import Beginning
from vmwidgets.labs.exercise import exercises
from vmwidgets.questions.question import TEXT, Question

from ..notebook import Handed, read_notebook
from ..workers import Worker
from .choosing import WANTED, Asked, three

MODULE = f"{__package__}.kinds"
"""What the process runs."""

MOST_EXERCISES = 20
"""Exercises of a notebook that are looked at."""

MOST_AGAIN = 1000


@dataclass(frozen=True)
class Checkoff:
    """Three questions on what this student did, or fewer; `missing` says by exercise why nothing is asked of it."""

    begun: Beginning
    asked: tuple[Asked, ...]
    missing: dict[str, str]

    @property
    def whole(self) -> bool:
        """Whether there are three."""
        return len(self.asked) == WANTED


def check_off(path: Path, exercise: str = "", again: int = 0) -> Checkoff:
    """The questions for the notebook at `path`, or for one of its exercises; the same for the same notebook.

    `again` gives others, as long as there are some.

    Raises :class:`Refused` for a file that is no notebook, for one in which nothing was checked, and where no question
    can be asked.
    """
    if not 0 <= again <= MOST_AGAIN:
        raise Refused(f"--again {again}: write a number, 0 to {MOST_AGAIN:,}")
    if exercise:
        known(exercise, exercises(), "exercise")
    handed = read_notebook(path)
    if handed.problem or handed.begun is None:
        raise Refused(f"{path}: {handed.problem}")
    works = {name: kept for name, kept in sorted(handed.works.items()) if exercise in ("", name)}
    if exercise and not works:
        raise Refused(f"{path}: exercise {exercise} was not checked in it; it has {', '.join(sorted(handed.works))}")
    pool, steps, missing = _pool(handed, works)
    if not pool:
        whys = "; ".join(f"{name}: {why}" for name, why in missing.items())
        raise Refused(f"{path}: nothing can be asked of it ({whys})")
    text = json.dumps([handed.begun.data(), {name: kept["work"] for name, kept in works.items()}], sort_keys=True)
    chosen = three(pool, sha256(text.encode()).hexdigest(), again)
    return Checkoff(handed.begun, tuple(_with_steps(chosen, steps)), missing)


def _with_steps(chosen: list[Asked], steps: dict[str, str]) -> Iterator[Asked]:
    """The questions; the first on each exercise has below it what was done, if none has that anyway."""
    left = {name: table for name, table in steps.items() if not any(table in one.question.text for one in chosen)}
    for one in chosen:
        table = left.pop(one.exercise, "")
        yield replace(one, question=replace(one.question, text=f"{one.question.text}\n\n{table}")) if table else one


def _pool(handed: Handed, works: dict[str, dict[str, Any]]) -> tuple[list[Asked], dict[str, str], dict[str, str]]:
    """All questions, by exercise the steps if they are few, and why there are no questions."""
    assert handed.begun is not None
    seed = f"{handed.begun.seed:016x}" if handed.begun.students else "default"
    pool: list[Asked] = []
    missing: dict[str, str] = {}
    steps: dict[str, str] = {}
    worker = Worker(MODULE)
    try:
        for name, kept in list(works.items())[:MOST_EXERCISES]:
            found = exercises().get(name)
            if found is None:
                missing[printable(name)] = "it is no exercise that ships"
            elif found.sheet is not None and kept.get("sheet") != seed:
                missing[name] = f"it is of another sheet, {shown(kept.get('sheet'))}"
            else:
                answer = worker.ask(name, seed, kept["work"])
                pool += [Asked(name, Question(form=TEXT, **one)) for one in answer.get("questions", ())]
                steps[name] = answer.get("steps", "")
                if not answer.get("questions"):
                    missing[name] = printable(str(answer.get("problem")))
    finally:
        worker.close()
    return pool, steps, missing
