"""The second exercise on replacement, for notebook 11: the student's own trace, and the frames its program needs."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.base.units import KIB, PAGE, counted
from vmwidgets.engine.paper.references import reference_string

from ..criterion import Criterion, criterion
from ..draws import Draws
from ..exercise import exercise
from ..mistakes import Mistake, mistakes

INPUT, MATRIX, COUNTS, TABLE = 0x10_0000, 0x40_0000, 0x80_0000, 0xC0_0000
"""The addresses at which the program's arrays begin."""

TABLE_PAGES = 12


@frozen(slots=False)
class TraceSheet:
    """A program that reads its input once, and then a matrix by columns, with some pages of a table after each column.

    The matrix has `rows` rows of `kib` KiB; `lookups` are the pages of the table for each column.
    """

    frames: int
    inputs: int
    rows: int
    kib: int
    lookups: tuple[tuple[int, ...], ...]

    @classmethod
    def drawn(cls, draws: Draws) -> TraceSheet:
        """Draw the program's sizes, and a memory that holds a part of its pages, but neither all nor very few."""
        rows, kib = 2 * draws.between(9, 14), draws.choice((2, 4))
        columns = draws.between(6, 9)
        lookups = tuple(tuple(sorted(draws.sample(range(TABLE_PAGES), draws.between(1, 4)))) for _ in range(columns))
        pages = rows * kib // 4
        return cls(pages - draws.between(2, 4), draws.between(3, 6), rows, kib, lookups)

    @property
    def addresses(self) -> list[int]:
        """The addresses that the program references, in order."""
        found = [INPUT + at for at in range(0, self.inputs * PAGE, 512)]
        for column, pages in enumerate(self.lookups):
            for row in range(self.rows):
                found += [MATRIX + row * self.kib * KIB + 8 * column, COUNTS + 8 * row]
            found += [TABLE + page * PAGE for page in pages]
        return found

    @property
    def text(self) -> str:
        """The task in words."""
        return (
            "`trace_variant.given.addresses` are the addresses that a program references. It reads its input, then "
            f"{counted(len(self.lookups), 'column')} of a matrix of {self.rows} rows of {self.kib} KiB, and counts "
            "each row; after each column it looks up some pages of a table.\n"
            "Set in `answers`: `pages`, the number of pages of 4 KiB that it uses; `lru`, LRU's faults with "
            f"{counted(self.frames, 'frame')}; and `enough`, the fewest frames with which LRU faults on first "
            "references only."
        )

    def start(self) -> dict[str, int | None]:
        """Return an empty set of answers."""
        return {"pages": None, "lru": None, "enough": None}


class Solution(NamedTuple):
    """The trace's results; `fifo` is for answers with the wrong policy."""

    pages: int
    lru: int
    enough: int
    fifo: int


@cache
def solved(asked: TraceSheet) -> Solution:
    """Return the answers."""
    string = [address // PAGE for address in asked.addresses]
    pages = len(set(string))

    def faults(frames: int, policy: str = "lru") -> int:
        return reference_string(string, frames, policy).faults(policy)

    enough = 1 + bisect_left(range(1, pages + 1), True, key=lambda frames: faults(frames) == pages)
    return Solution(pages, faults(asked.frames), enough, faults(asked.frames, "fifo"))


@exercise(
    "11/trace",
    "How much memory is enough?",
    points=5,
    takes=dict,
    variant=TraceSheet.drawn,
    hints=(
        "t = vm.trace(trace_variant.given.addresses) makes a trace; t and vm.Locality(t) say what is in it.",
        (
            'found = t.faults("lru", frames=range(1, 60)) counts many sizes at once; print it. Without NumPy, with '
            "string = [a // vm.PAGE for a in trace_variant.given.addresses], it is "
            'vm.reference_string(string, frames=range(1, 60), policies="lru").'
        ),
        "The fewest faults that there can be are one for each page: which is the first line with so few?",
    ),
)
def trace(answers: dict[Any, Any], asked: TraceSheet) -> Iterator[Criterion]:
    """Judge the numbers: each must be the trace's."""
    right = solved(asked)
    given = {name: answers.get(name) for name in ("pages", "lru", "enough")}
    first = "" if any(one is not None for one in given.values()) else "write your answers"
    yield criterion(
        1,
        given["pages"] == right.pages,
        "the number of pages is right",
        "the number of pages is wrong: what does the trace say of itself?",
        first=first,
        actual=str(given["pages"]),
    )
    yield criterion(
        2,
        given["lru"] == right.lru,
        f"the faults with {counted(asked.frames, 'frame')} are right",
        f"LRU has another number of faults with {counted(asked.frames, 'frame')}",
        first=first,
        actual=str(given["lru"]),
        mistake=OTHER_POLICY if given["lru"] == right.fifo else None,
    )
    yield criterion(
        2,
        given["enough"] == right.enough,
        "the fewest frames that are enough are right",
        "either fewer frames are enough, or with so few a page is evicted that is used again",
        first=first,
        actual=str(given["enough"]),
        mistake=ALL_PAGES if given["enough"] == right.pages else None,
    )


OTHER_POLICY = Mistake("another policy", "This is the number for FIFO.")
ALL_PAGES = Mistake("a frame for each page", "The pages of the input are not used again, so they need no frame later.")

MATRIX_STAYS = Mistake(
    "the matrix stays in memory",
    "The matrix has 32 pages, and other pages are in use too. LRU evicts each page of it before the next column.",
)
mistakes(
    "11/loops",
    {
        "about as many": MATRIX_STAYS,
        "about 4 times": MATRIX_STAYS,
        "about 1,000 times": Mistake(
            "a fault for each reference", "A column has 4 elements in each page, which come one after the other."
        ),
    },
)
