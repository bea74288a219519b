"""Solutions of lab 04."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

from tests.labs.solutions import Solved, Table
from vmwidgets.labs.exercises.bootstrapping import GIVES_BACK, Job, JobsSheet, works


def call(job: Job) -> str:
    if job.kind in GIVES_BACK:
        return f"thing.kernel_map.remove({job.address:#x}, size={job.size:#x})"
    prot = "r" if job.kind == "other" else "rw"
    return f"thing.kernel_map.enter(vm.PAGE, at={job.address:#x}, fixed=True, prot={prot!r})"


def order(asked: JobsSheet, jobs: Sequence[Job]) -> Sequence[Job]:
    return next(order for order in permutations(jobs) if works(asked.free, order))


def done(asked: JobsSheet, jobs: Sequence[Job]) -> str:
    return "\n".join(map(call, order(asked, jobs)))


def without(asked: JobsSheet, *kinds: str) -> str:
    """All but one job of these kinds, which would have used a slot."""
    left_out = next(job for job in asked.jobs if job.kind in kinds)
    return done(asked, [job for job in asked.jobs if job is not left_out])


def by_force(asked: JobsSheet) -> str:
    return f"{done(asked, asked.jobs)}\nthing.kernel_map.remove(thing.kernel_map.entries()[2].start, size=vm.PAGE)"


SOLVED: Table = {
    "04/thrifty": Solved(
        right=[
            lambda asked: done(asked, asked.jobs),
            lambda asked: done(asked, asked.jobs[::-1]),
        ],
        spoilt=[
            lambda asked: without(asked, "hole"),
            lambda asked: without(asked, "other", "alone"),
            by_force,
        ],
        points=[3, 3, 4],
        tells=frozenset({"address", "pages", "size"}),
    ),
}
