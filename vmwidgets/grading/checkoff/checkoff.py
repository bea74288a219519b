"""A notebook's checkoff: its journals are rebuilt in a process with limits, and three questions are chosen."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from vmwidgets.engine.base.errors import Refused, printable, shown
from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.machine.arguments import known
from vmwidgets.labs.beginning import Beginning
from vmwidgets.labs.exercise import exercises
from vmwidgets.labs.saved import NOTEBOOK_BYTES
from vmwidgets.questions.question import TEXT, Question
from vmwidgets.questions.secret import mixed

from ..notebook import Work, read_notebook
from ..own_exercises import OwnModule
from ..workers import Worker
from .choosing import WANTED, Asked, three

MODULE = f"{__package__}.kinds"
"""The module that the process runs."""

MOST_EXERCISES = 20
"""The most exercises that are considered in one notebook."""

MOST_AGAIN = 1000


@frozen(slots=False)
class Checkoff:
    """At most three questions on a student's work; `missing` says, by exercise, why there is no question about it."""

    begun: Beginning
    asked: tuple[Asked, ...]
    missing: dict[str, str]

    @property
    def whole(self) -> bool:
        """Return whether there are three questions."""
        return len(self.asked) == WANTED


def check_off(
    path: Path,
    exercise: str = "",
    again: int = 0,
    secret: str = "",
    key: str = "",
    modules: Sequence[OwnModule] = (),
    most: int = NOTEBOOK_BYTES,
) -> Checkoff:
    """Return questions on the notebook at `path`, or on one of its exercises: always the same for the same secret.

    Without a `secret`, everyone who has the notebook, including its student, can make the same questions.  `again`
    returns other questions, as long as there are any.  `key` is the course's key, needed if its students have codes.
    `modules` have the course's own exercises; they have already run in this process.  A notebook has at most `most`
    bytes.

    Raises :class:`Refused` for a file that is not a notebook, for a notebook without a check, for a notebook with a
    code if there is no `key`, and if no question can be asked.
    """
    if not 0 <= again <= MOST_AGAIN:
        raise Refused(f"--again {again}: write a number, 0 to {MOST_AGAIN:,}")
    if exercise:
        known(exercise, exercises(), "exercise")
    handed = read_notebook(path, most)
    if handed.finding:
        raise Refused(f"{path}: {handed.finding.staff}")
    assert handed.begun is not None, "a file without a beginning has a finding"
    if handed.coded and not key:
        raise Refused(f"{path}: it was begun with a code: add --secret course.toml, the file with the course's key")
    begun = Beginning.made_from(handed.begun.data(), key if handed.coded else "")
    works = {name: handed.best(name) for name in sorted(handed.works) if exercise in ("", name)}
    if exercise and not works:
        raise Refused(f"{path}: exercise {exercise} was not checked in it; it has {', '.join(sorted(handed.works))}")
    text = json.dumps([begun.data(), {name: work.data for name, work in works.items()}], sort_keys=True)
    drawn_from = mixed(secret, f"checkoff|{text}") if secret else ""
    pool, steps, missing = _pool(begun, works, {"drawn_from": drawn_from, "modules": list(modules)})
    if not pool:
        whys = "; ".join(f"{name}: {why}" for name, why in missing.items())
        raise Refused(f"{path}: no question can be asked about it ({whys})")
    chosen = three(pool, drawn_from or sha256(text.encode()).hexdigest(), again)
    return Checkoff(begun, tuple(_with_steps(chosen, steps)), missing)


def _with_steps(chosen: list[Asked], steps: dict[str, str]) -> Iterator[Asked]:
    """Yield the questions.  The first on each exercise is followed by its steps, unless a question contains them."""
    left = {name: table for name, table in steps.items() if not any(table in one.question.text for one in chosen)}
    for one in chosen:
        table = left.pop(one.exercise, "")
        yield replace(one, question=replace(one.question, text=f"{one.question.text}\n\n{table}")) if table else one


def _pool(
    begun: Beginning, works: dict[str, Work], asking: dict[str, Any]
) -> tuple[list[Asked], dict[str, str], dict[str, str]]:
    """Return all questions, the steps by exercise if they are few, and why there are no questions.

    The process that rebuilds machines receives `asking`, with the text that determines the draws, but never the secret.
    """
    seed = f"{begun.seed:016x}" if begun.students else "default"
    pool: list[Asked] = []
    missing: dict[str, str] = {}
    steps: dict[str, str] = {}
    worker = Worker(MODULE)
    try:
        for name, work in list(works.items())[:MOST_EXERCISES]:
            found = exercises().get(name)
            if found is None:
                missing[printable(name)] = "it is not an exercise that ships: name your own with --exercises FILE"
            elif found.sheet is not None and work.sheet != seed:
                missing[name] = f"it is of another variant, {shown(work.sheet)}"
            else:
                answer = worker.ask(name, seed, {"work": work.data, **asking})
                pool += [Asked(name, Question(form=TEXT, **one)) for one in answer.get("questions", ())]
                steps[name] = answer.get("steps", "")
                if not answer.get("questions"):
                    missing[name] = printable(str(answer.get("problem")))
    finally:
        worker.close()
    return pool, steps, missing
