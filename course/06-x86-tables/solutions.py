"""Solutions of lab 06."""

from __future__ import annotations

from collections.abc import Sequence

from tests.labs.solutions import Solved, Table
from vmwidgets.engine.base.units import Address
from vmwidgets.labs.exercises.x86_tables import ACCESSES, ByHandSheet

BITS = {"write": "& ~(1 << 1)", "execute": "| 1 << 63"}


def changes(page: int, level: int, *edits: str) -> list[str]:
    """Edits of the descriptor that is read for `page` at a level, one after the other."""
    way = f"thing.tasks['keys'].walk({Address(page)}).steps[{-level}]"
    return [line for edit in edits for line in (f"step = {way}", f"thing.set_descriptor(step.pa, step.value {edit})")]


def bits(asked: ByHandSheet) -> list[str]:
    return ["& ~(1 << 2)"] if asked.rights == ACCESSES else [BITS[right] for right in asked.rights]


def right(asked: ByHandSheet) -> list[str]:
    """The edit of all bits at once."""
    return changes(asked.pages[0], asked.level, " ".join(bits(asked)))


def flushed(cpus: Sequence[int], pages: Sequence[int]) -> list[str]:
    return [f"thing.cpus[{cpu}].flush({Address(page)})" for cpu in cpus for page in pages]


def in_two_steps(asked: ByHandSheet) -> list[str]:
    """A bit after the other, and the pages from the last to the first."""
    return [*changes(asked.pages[0], asked.level, *bits(asked)), *flushed(asked.cpus, asked.meant)[::-1]]


def in_part(asked: ByHandSheet) -> list[str]:
    """Writing alone is forbidden, or only the first page is changed."""
    if len(asked.rights) > 1:
        return [*changes(asked.pages[0], asked.level, BITS["write"]), *flushed(asked.cpus, asked.meant)]
    return [*changes(asked.pages[0], 1, *bits(asked)), *flushed(asked.cpus, asked.meant[:1])]


def too_high(asked: ByHandSheet) -> list[str]:
    """All pages below the next table lose the rights, and are flushed where they are kept."""
    size = {2: 1 << 30, 3: 512 << 30}[asked.level]
    below = [page for page in asked.pages if page // size == asked.pages[0] // size]
    return [*changes(asked.pages[0], asked.level + 1, *bits(asked)), *flushed(asked.cpus, below)]


def one_more(asked: ByHandSheet) -> list[str]:
    """A bit that the processor ignores, in the descriptor of another page."""
    return [*right(asked), *flushed(asked.cpus, asked.meant), *changes(asked.pages[-1], 1, "| 1 << 9")]


SOLVED: Table = {
    "06/by-hand": Solved(
        right=[
            lambda asked: "\n".join([*right(asked), *flushed(asked.cpus, asked.meant)]),
            lambda asked: "\n".join(in_two_steps(asked)),
        ],
        spoilt=[
            lambda asked: "\n".join(in_part(asked)),
            lambda asked: "\n".join(too_high(asked)),
            lambda asked: "\n".join(one_more(asked)),
            lambda asked: "\n".join([*right(asked), *flushed(asked.cpus, asked.meant)[:-1]]),
            lambda asked: "\n".join(
                [*right(asked), *flushed(asked.cpus, asked.meant), f"thing.cpus[{asked.cpus[0]}].flush()"]
            ),
        ],
        points=[7, 7, 6, 7, 7],  # all but one edit, and some processors in time: 1 of 2 each
        tells=frozenset({"cpus", "meant"}),
    ),
}
