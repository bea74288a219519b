"""Exercises of notebook 01: an address space is an ordered set of entries."""

from __future__ import annotations

from collections.abc import Iterator

from vmwidgets.engine.base.units import PAGE, Address
from vmwidgets.engine.machine.arguments import whole
from vmwidgets.engine.machine.maps import MachineMap

from ..criterion import Criterion, criterion
from ..exercise import exercise
from .structures import done_to, gaps, in_words, pages, runs

STACK = 16 * PAGE
PUZZLE = 20 * PAGE


@exercise("01/guard", "Two stacks and a guard page", points=4, takes=MachineMap)
def guard(space: MachineMap) -> Iterator[Criterion]:
    """Two stacks of 16 pages, between them one page that nothing can touch, and nothing else.

    The guard page may be a hole, or mapped with no rights at all.
    """
    usable = [run for run in runs(space) if run.protection != "---"]
    stacks = [run for run in usable if run.size == STACK and run.protection == "rw-"]
    yield criterion(
        2,
        min(len(stacks), 2),
        "two stacks of 16 pages can be read and written",
        "there should be two stacks, each of exactly 16 pages in a row that can be read and written",
        expected="2 stacks of 16 pages rw-",
        actual=in_words(usable),
    )
    between = stacks[1].start - stacks[0].end if len(stacks) > 1 else None
    yield criterion(
        1,
        between == PAGE,
        "one page between them is out of reach: the first step past the end of a stack is a fault",
        "between the two there should be exactly one page that can't be touched",
        expected="1 page",
        actual="there are no two stacks" if between is None else pages(between),
    )
    others = [run for run in usable if run not in stacks[:2]]
    yield criterion(
        1,
        bool(stacks) and not others,
        "nothing else is mapped",
        "something is mapped that belongs to neither stack",
        first="" if others else "make a stack",
        expected="the two stacks and nothing else",
        actual=in_words(others) if others else "",
    )


@exercise("01/gaps", "Three gaps, three requests", points=4, takes=MachineMap)
def three_gaps(space: MachineMap) -> Iterator[Criterion]:
    """A map of 20 pages with gaps of 3, 2 and 1 pages; requests of 1, 2 and 3 pages without an address fill them."""
    left = [(start, end) for start, end in gaps(space) if end <= PUZZLE]
    yield criterion(
        2,
        not left and space.size >= PUZZLE,
        "no gap is left",
        "a gap is left: a request takes the lowest gap that is large enough, so which of the three may choose first?",
        expected="20 pages without a gap",
        actual=f"gaps: {_gaps(left)}" if left else f"{pages(space.size)} are mapped",
    )
    asked = _requests(space)
    above = [run for run in runs(space) if run.end > PUZZLE]
    yield criterion(
        1,
        bool(asked) and not above,
        "nothing was placed above the 20 pages",
        "a request found no gap that was large enough, and was placed above everything else",
        first="" if above else "ask for memory",
        expected=f"nothing above {Address(PUZZLE)}",
        actual=in_words(above),
    )
    yield criterion(
        1,
        asked == [1, 2, 3],
        "three requests, and the kernel chose each place",
        "there should be one request each of 1, 2 and 3 pages, after the gaps were made, and none may say where (at=…)",
        expected="1, 2 and 3 pages",
        actual=", ".join(map(str, asked)) + " pages" if asked else "no requests",
    )


def _gaps(left: list[tuple[int, int]]) -> str:
    return ", ".join(f"{pages(end - start)} at {Address(start)}" for start, end in left)


def _requests(space: MachineMap) -> list[int]:
    """The pages that were asked for since the last gap was made; 0 stands for a request that says where."""
    asked: list[int] = []
    for operation in done_to(space, "enter", "remove"):
        given = dict(operation.arguments)
        if operation.name == "remove":
            asked.clear()
        else:
            asked.append(0 if given.get("at") is not None else whole(given["size"], "size") // PAGE)
    return sorted(asked)
