"""Exercises of notebook 01, and the mistakes of its questions: an address space is an ordered set of entries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from vmwidgets.engine.base.units import PAGE, Address
from vmwidgets.engine.machine import boot
from vmwidgets.engine.machine.arguments import whole
from vmwidgets.engine.machine.maps import MachineMap

from ..criterion import Criterion, criterion
from ..draws import Draws
from ..exercise import exercise
from ..mistakes import Mistake, mistakes
from .structures import done_to, gaps, in_words, pages, runs

STACK = 16 * PAGE


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


@dataclass(frozen=True)
class GapsSheet:
    """Gaps in the order of their addresses, and requests that fill them in some orders only; sizes are in pages."""

    gaps: tuple[int, ...]
    requests: tuple[int, ...]

    @classmethod
    def drawn(cls, draws: Draws) -> GapsSheet:
        """Gaps of one or two requests each; the orders that come to mind first leave a gap."""
        while True:
            parts = [[draws.between(1, 4) for _ in range(count)] for count in draws.shuffled([1, 2, 2])]
            gaps, requests = tuple(map(sum, parts)), tuple(draws.shuffled(sorted(chain(*parts))))
            obvious = requests, sorted(requests), sorted(requests, reverse=True)
            if not any(fills(gaps, order) for order in obvious):
                return cls(gaps, requests)

    @property
    def text(self) -> str:
        """The task in words."""
        return (
            f"A map of {self.size} pages has gaps of {_listed(self.gaps)} pages, in this order. Make requests of "
            f"{_listed(self.requests)} pages so that no gap is left.\n"
            "You may not say where a request is placed (no `at`): only the order of the requests is yours."
        )

    @property
    def size(self) -> int:
        """Of the map in pages: two used pages before, between and after the gaps."""
        return sum(self.gaps) + 2 * (len(self.gaps) + 1)

    def start(self) -> MachineMap:
        """The map with its gaps."""
        space = boot().task("puzzle").map
        space.enter(self.size * PAGE)
        page = 0
        for gap in self.gaps:
            page += 2
            space.remove(page * PAGE, size=gap * PAGE)
            page += gap
        return space


def fills(gaps: Sequence[int], order: Sequence[int]) -> bool:
    """Whether requests in this order fill the gaps, where each takes the lowest gap that is large enough."""
    left = list(gaps)
    for size in order:
        lowest = next((index for index, gap in enumerate(left) if gap >= size), None)
        if lowest is None:
            return False
        left[lowest] -= size
    return not any(left)


@exercise(
    "01/gaps",
    "Gaps and requests",
    points=4,
    takes=MachineMap,
    sheet=GapsSheet.drawn,
    hints=(
        "A request takes the lowest gap that is large enough. Where does your first request land?",
        "Begin with the gap that only one request, or one pair of requests, can fill exactly.",
        "Cross out pages as the kernel would. Where one lands in the wrong gap, another has to come before it.",
    ),
)
def gaps_and_requests(space: MachineMap, asked: GapsSheet) -> Iterator[Criterion]:
    """Requests without an address fill the gaps that were there."""
    end = asked.size * PAGE
    left = [gap for gap in gaps(space) if gap[1] <= end]
    yield criterion(
        2,
        not left and space.size == end,
        "no gap is left",
        "a gap is left: a request takes the lowest gap that is large enough, so which request may choose first?",
        expected=f"{asked.size} pages without a gap",
        actual=f"gaps: {_gaps(left)}" if left else f"{pages(space.size)} are mapped",
    )
    requests = _requests(space)
    sizes = [size for size, _ in requests]
    yield criterion(
        1,
        sorted(sizes) == sorted(asked.requests),
        "each request was made once, and no other",
        f"after the gaps were made, there should be one request each of {_listed(asked.requests)} pages",
        expected=f"{_listed(asked.requests)} pages, in any order",
        actual=f"{', '.join(map(str, sizes))} pages" if sizes else "no requests",
    )
    yield criterion(
        1,
        bool(requests) and not any(where for _, where in requests),
        "the kernel chose each place",
        "a request says where it is placed",
        first="" if requests else "ask for memory",
        actual=", ".join(f"{pages(size * PAGE)} with at=" for size, where in requests if where),
        mistake=SAYS_WHERE,
    )


SAYS_WHERE = Mistake(
    "says where", "A request with at= takes the choice from the kernel; it is counted as 0 pages here."
)


def _listed(sizes: Sequence[int]) -> str:
    *first, last = map(str, sizes)
    return f"{', '.join(first)} and {last}"


def _gaps(left: list[tuple[int, int]]) -> str:
    return ", ".join(f"{pages(end - start)} at {Address(start)}" for start, end in left)


def _requests(space: MachineMap) -> list[tuple[int, bool]]:
    """What was asked for since the last gap was made: pages, and whether the request says where."""
    asked: list[tuple[int, bool]] = []
    for operation in done_to(space, "enter", "remove"):
        given = dict(operation.arguments)
        if operation.name == "remove":
            asked.clear()
        else:
            asked.append((whole(given["size"], "size") // PAGE, given.get("at") is not None))
    return asked


mistakes(
    "01/merge",
    {
        "4": Mistake("one call, one entry", "Neighbours with the same properties become one entry."),
        "5": Mistake("one call, one entry", "Neighbours with the same properties become one entry."),
    },
)
