"""Exercises of notebook 04: the map that needs memory to describe memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.base.units import PAGE, Address
from vmwidgets.engine.machine import Machine, boot

from ..criterion import Criterion, criterion
from ..draws import Draws
from ..exercise import exercise
from ..mistakes import Mistake
from .deeds import CHANGED, ENTERED, REMOVED, UNSEEN, Deed, Range, deeds
from .structures import pages as in_pages
from .structures import rights_of_pages

FIRST = 0xFFFF_8080_0030_0000
"""The address of the first block: the last 1 MiB of a tiny machine's kernel map."""

SLOTS = 100
"""The number of slots in a tiny machine's kentry area."""

BLOCK, BLOCKS, LENGTH = 32, 8, 16
"""The pages of a block, the number of blocks, and the pages of the range at a block's beginning."""

NEEDS = {"whole": 0, "hole": 2, "edge": 1, "grow": 0, "other": 1, "alone": 1}
TAKES = {"whole": -1, "hole": 1, "edge": 0, "grow": 0, "other": 1, "alone": 1}
"""The free slots that a job needs at its start, and the number it uses up."""

RANK = {"whole": 0, "edge": 1, "grow": 1, "hole": 2, "other": 3, "alone": 3}
"""An order that works if any order does: first jobs that free slots, then jobs that use none, then the neediest."""

GIVES_BACK = ("whole", "hole", "edge")


@frozen(slots=False)
class Job:
    """A job of one kind in one block; `page` is counted from the block's beginning."""

    kind: str
    block: int
    page: int

    @property
    def start(self) -> int:
        """The address of the range, or of the page."""
        return FIRST + self.block * BLOCK * PAGE

    @property
    def address(self) -> int:
        """The address at which the call begins."""
        return self.start + self.page * PAGE

    @property
    def size(self) -> int:
        """The size that the call is given."""
        return LENGTH * PAGE if self.kind == "whole" else PAGE

    @property
    def text(self) -> str:
        """The job in words."""
        at = f"`{Address(self.start)}`"
        return {
            "whole": f"Remove the range at {at}.",
            "hole": f"Remove page {self.page} of the range at {at}.",
            "edge": f"Remove page {self.page} of the range at {at}.",
            "grow": f"Enter a page `rw` directly after the range at {at}.",
            "other": f"Enter a page `r` directly after the range at {at}.",
            "alone": f"Enter a page `rw` at {at}; nothing is mapped around it.",
        }[self.kind]

    def pages(self) -> range:
        """Return the job's pages, counted from the first block."""
        first = self.block * BLOCK + self.page
        return range(first, first + self.size // PAGE)


def works(free: int, order: Sequence[Job]) -> bool:
    """Return whether jobs in this order never need more slots than there are."""
    for job in order:
        if free < NEEDS[job.kind]:
            return False
        free -= TAKES[job.kind]
    return True


@frozen(slots=False)
class JobsSheet:
    """The number of free slots, and `jobs` in their listed order, which does not work."""

    free: int
    jobs: tuple[Job, ...]

    @classmethod
    def drawn(cls, draws: Draws) -> JobsSheet:
        """Draw six or seven jobs that can be done in some orders, but not in the orders that come to mind first."""
        while True:
            kinds = ["whole", "whole", "hole", draws.choice(["other", "alone"])]
            kinds += [draws.choice([*NEEDS]) for _ in range(draws.between(2, 3))]
            blocks = draws.sample(range(BLOCKS), len(kinds))
            jobs = tuple(
                Job(kind, block, _page(draws, kind)) for kind, block in zip(draws.shuffled(kinds), blocks, strict=True)
            )
            free = draws.between(0, 1)
            best = sorted(jobs, key=lambda job: TAKES[job.kind] - NEEDS[job.kind] if job.kind != "whole" else -9)
            late = sorted(jobs, key=lambda job: (job.kind != "whole", job.kind == "hole"))
            tries = jobs, jobs[::-1], late, sorted(jobs, key=lambda job: job.block)
            if works(free, best) and not any(works(free, order) for order in tries):
                return cls(free, jobs)

    @property
    def text(self) -> str:
        """The task in words."""
        ranges = ", ".join(f"`{Address(job.start)}`" for job in sorted(self.jobs, key=_block) if job.kind != "alone")
        return (
            f"On a tiny machine, the kernel's map has entries of {LENGTH} pages `rw` at {ranges}. "
            f"{'One slot' if self.free else 'No slot'} of the kentry area is free.\n"
            "Do each of these jobs with one call, in an order in which the kernel does not panic:\n"
            + "\n".join(f"· {job.text}" for job in self.jobs)
            + f"\nThe first page of a range is page 0. Nothing else may be changed: {_others(self)} other entries fill "
            "the area's other slots."
        )

    def start(self) -> Machine:
        """Return the machine with its ranges and few free slots."""
        machine = boot("x86-64", layout="tiny")
        for job in sorted(self.jobs, key=_block):
            if job.kind != "alone":
                machine.kernel_map.enter(LENGTH * PAGE, at=job.start, fixed=True, prot="rw")
        machine.kernel_map.fill(machine.kentry.room + len(_static(machine)) - self.free)
        return machine


def rights_at_the_start(asked: JobsSheet) -> dict[int, str]:
    """Return the rights of all blocks' mapped pages at the start."""
    ranges = [job.block * BLOCK for job in asked.jobs if job.kind != "alone"]
    return {first + page: "rw-" for first in ranges for page in range(LENGTH)}


def _others(asked: JobsSheet) -> int:
    """Return the entries in the area at the start that belong to no job."""
    return SLOTS - asked.free - sum(job.kind != "alone" for job in asked.jobs)


def _page(draws: Draws, kind: str) -> int:
    if kind == "edge":
        return draws.choice([0, LENGTH - 1])
    return draws.between(2, LENGTH - 3) if kind == "hole" else LENGTH if kind in ("grow", "other") else 0


def _block(job: Job) -> int:
    return job.block


def _static(machine: Machine) -> list[int]:
    """Return the entries that use no slot."""
    return [entry.id for entry in machine.kernel_map.entries() if not entry.address]


@exercise(
    "04/thrifty",
    "Jobs with few slots",
    points=5,
    takes=Machine,
    shows=lambda machine: machine.kernel_map,
    variant=JobsSheet.drawn,
    edition=2,
    hints=(
        "For each job: how many new entries does it need before it can free one?",
        "A hole needs two slots for a short time, and then one. Which jobs free slots, and which need no slot?",
        (
            "Write the number of free slots next to each job. Begin with jobs that free slots; a hole needs two "
            "slots at once."
        ),
    ),
)
def thrifty(machine: Machine, asked: JobsSheet) -> Iterator[Criterion]:
    """Judge the pages: the jobs' pages are as required, and all others unchanged."""
    found = rights_of_pages(machine.kernel_map, FIRST, BLOCK * BLOCKS)
    gone = [page for job in asked.jobs if job.kind in GIVES_BACK for page in job.pages()]
    left = [page for page in gone if page in found]
    yield criterion(
        2,
        not left,
        "all pages that should be removed are unmapped",
        "some pages that should be removed are still mapped",
        expected=f"{in_pages(len(gone) * PAGE)} fewer",
        actual=f"{in_pages(len(left) * PAGE)} still mapped",
    )
    wanted = {
        job.pages()[0]: "r--" if job.kind == "other" else "rw-" for job in asked.jobs if job.kind not in GIVES_BACK
    }
    missing = [page for page, letters in wanted.items() if found.get(page) != letters]
    yield criterion(
        2,
        not missing,
        "all pages that should be entered are mapped, with the right protection",
        "some pages that should be entered are not mapped, or have the wrong protection",
        expected=in_pages(len(wanted) * PAGE),
        actual=f"{in_pages((len(wanted) - len(missing)) * PAGE)} as they should be",
        mistake=OTHER_RIGHTS if any(page in found for page in missing) else None,
    )
    given = rights_at_the_start(asked)
    strange = [
        page for page in range(BLOCK * BLOCKS) if page not in (*gone, *wanted) and found.get(page) != given.get(page)
    ]
    fillers = _fillers(machine)
    roles = sum(bool(entry.role and entry.address) for entry in machine.kernel_map.entries())
    before = _others(asked) - roles
    begun = len(left) < len(gone) or len(missing) < len(wanted)
    more = _more_than_jobs(machine, asked)
    yield criterion(
        1,
        begun and not strange and fillers == before and not more,
        "nothing else was changed",
        "something else was changed: memory that is in use, or a page that no job mentions"
        if strange or fillers != before
        else "something else was changed and then restored: each job is one call, and everything else is in use",
        first="" if strange or fillers != before or more else "do a job",
        expected=f"{_others(asked)} other entries",
        actual=f"{fillers + roles} other entries{_changed(strange)}"
        if strange or fillers != before
        else ", ".join(map(_in_words, more[:3])) + " and more" * (len(more) > 3),
        mistake=BY_FORCE if fillers < before or any(map(_freed_a_slot, more)) else None,
    )


BY_FORCE = Mistake("room by force", "Slots were freed by removing memory that is in use.")
OTHER_RIGHTS = Mistake("other rights", "Whether a page merges depends on its protection, which is part of the job.")


def _more_than_jobs(machine: Machine, asked: JobsSheet) -> list[Deed]:
    """Return what was done to the kernel's map, apart from doing each job once."""
    left: Counter[tuple[str, tuple[Range, ...]]] = Counter(
        (REMOVED if job.kind in GIVES_BACK else ENTERED, ((job.address, job.address + job.size),)) for job in asked.jobs
    )
    more = []
    for deed in deeds(machine.kernel_map, asked):
        job = deed.kind, deed.ranges
        if left[job]:
            left[job] -= 1
        else:
            more.append(deed)
    return more


def _changed(pages: Sequence[int]) -> str:
    """Return the changed pages of the ranges that no job changes, in words."""
    places = [f"`{Address(FIRST + page * PAGE)}`" for page in pages[:3]]
    return f"; changed: {', '.join(places)}{' and more' * (len(pages) > 3)}" if pages else ""


def _freed_a_slot(deed: Deed) -> bool:
    """Return whether a whole entry was removed in or below the ranges."""
    return deed.kind == REMOVED and (deed.start < FIRST or deed.size >= LENGTH * PAGE)


def _in_words(deed: Deed) -> str:
    """Return a deed in words."""
    others = {UNSEEN: "one call did more than a journal keeps", CHANGED: "entries changed"}
    return others.get(deed.kind) or f"{in_pages(deed.size)} at {Address(deed.start)} {deed.kind}"


def _fillers(machine: Machine) -> int:
    """Return the entries that only use up slots."""
    return sum(not entry.role and entry.start < FIRST for entry in machine.kernel_map.entries())
