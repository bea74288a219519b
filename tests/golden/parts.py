"""The parts of the record, done in two processes: in a module of its own, which these can import."""

from __future__ import annotations

import gc
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

from . import files, journals, pictures
from .packed import Case, Moment, differences, packed, read, unpacked


class Part(NamedTuple):
    """A part of the record: its jobs, which can be done beside each other, and the cases of a job."""

    jobs: Callable[[], list[str]]
    cases: Callable[..., Iterator[Case]]


PARTS = {
    "pictures": Part(pictures.jobs, pictures.pictures),
    "sentences": Part(journals.jobs, journals.sentences),
    "grading": Part(lambda: ["a class"], files.grading),
}


# ---- jobs ------------------------------------------------------------------------------------------


def compare_job(part: str, job: str) -> list[str]:
    """What a job gives otherwise than the record has it, in words."""
    then = [unpacked(line) for line in read(part).get(job, [])]
    return list(differences(then, cases(part, job)))


def make_job(part: str, job: str) -> list[str]:
    """What a job gives, as the record has it."""
    return [packed(job, case) for case in cases(part, job)]


def cases(part: str, job: str, *, whole: bool = False) -> Iterator[Case]:
    """The cases of a job; one more, if it comes to a sudden end."""
    try:
        yield from PARTS[part].cases(job, whole=whole)
    except Exception as error:  # noqa: BLE001  a journal that can't be done again, or whatever a redesign took away
        where = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(where.filename).name}:{where.lineno}"
        yield Case(f"{job}, the rest", [Moment("at its end", [f"stopped\t{type(error).__name__}: {error} ({place})"])])


def quiet() -> None:
    """Collect garbage seldom."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def each(work: Callable[[str, str], list[str]], part: str, count: int) -> Iterator[list[str]]:
    """What the jobs of a part give, in their order, in so many processes."""
    wanted = PARTS[part].jobs()
    if count == 1 or len(wanted) == 1:
        quiet()
        yield from (work(part, job) for job in wanted)
        return
    with ProcessPoolExecutor(count, get_context("spawn"), quiet) as pool:
        yield from pool.map(work, [part] * len(wanted), wanted)
