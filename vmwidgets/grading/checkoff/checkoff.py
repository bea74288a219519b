"""A notebook's checkoff: its journals are made again in a process with limits, and three questions are chosen."""

from __future__ import annotations

import json
from dataclasses import dataclass
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
    pool, missing = _pool(handed, works)
    if not pool:
        whys = "; ".join(f"{name}: {why}" for name, why in missing.items())
        raise Refused(f"{path}: nothing can be asked of it ({whys})")
    text = json.dumps([handed.begun.data(), {name: kept["work"] for name, kept in works.items()}], sort_keys=True)
    chosen = three(pool, sha256(text.encode()).hexdigest(), again)
    return Checkoff(handed.begun, tuple(chosen), missing)


def _pool(handed: Handed, works: dict[str, dict[str, Any]]) -> tuple[list[Asked], dict[str, str]]:
    """All questions, and by exercise why there are none."""
    assert handed.begun is not None
    seed = f"{handed.begun.seed:016x}" if handed.begun.students else "default"
    pool: list[Asked] = []
    missing: dict[str, str] = {}
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
                if not answer.get("questions"):
                    missing[name] = printable(str(answer.get("problem")))
    finally:
        worker.close()
    return pool, missing
