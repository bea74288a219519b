"""Questions on the size of page tables: the tables for a mapping, in each format, and with each page size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

from vmwidgets.comparisons.formats import compare_formats
from vmwidgets.engine.base.units import KIB, MIB, PAGE, binary_size, counted
from vmwidgets.engine.mmu.format import TableFormat
from vmwidgets.engine.mmu.formats_schema import FormatCost
from vmwidgets.labs.draws import Draws
from vmwidgets.pictures.registry import picture
from vmwidgets.views.scene.model import Scene

from .question import (
    NUMBER,
    Again,
    Kind,
    Question,
    address,
    distinct,
    drawing,
    evenly,
    numbers_around,
    options_of,
    rank,
    table,
)
from .walk import ARMV7, PAPERS, X86, Paper

Ranges = Sequence[tuple[int, int]]
"""Start and size of each range, in bytes."""


def cost(paper: Paper, ranges: Ranges, *, large: bool = False) -> FormatCost:
    """Return the cost of a mapping in a format."""
    return compare_formats(ranges, paper.fmt.name, large=large).value.formats[0]


def compared(papers: Sequence[Paper], ranges: Ranges, *, large: bool = False) -> Callable[[], Scene]:
    """Return a function that draws the comparison."""
    names = [one.fmt.name for one in papers]
    return lambda: drawing(picture(compare_formats(ranges, names, large=large)), "The mapping and its tables")


def listing(ranges: Ranges) -> str:
    """Return the ranges in words."""
    rows = [
        (f"`{address(start)}`", f"`{address(start + size)}`", counted(size // PAGE, "page")) for start, size in ranges
    ]
    return f"Exactly these ranges are mapped:\n\n{table(('from', 'to', 'size'), rows)}"


def by_level(found: FormatCost) -> str:
    """Return the tables of each level, in words."""
    return ", ".join(f"{level.name}: {level.tables}" for level in found.levels)


def drawn_range(draws: Draws, span: int, most: int) -> tuple[int, int]:
    """Return a range of some pages near a multiple of `span`, often across it."""
    start = draws.between(1, min(most // span, 200)) * span - draws.between(0, 40) * PAGE
    return start, draws.choice((1, 3, 20, 60, 300, 700, 1500)) * PAGE + draws.below(9) * PAGE


def drawn_ranges(draws: Draws, fmt: TableFormat[Any], count: int) -> list[tuple[int, int]]:
    """Return ranges that do not overlap, by address."""
    most = (1 << min(fmt.va_bits - 1, 32)) - 64 * MIB
    ranges = sorted(drawn_range(draws, 1 << draws.choice(fmt.levels[-2:-1]).shift, most) for _ in range(count))
    if any(one[0] + one[1] > other[0] for one, other in pairwise(ranges)):
        raise Again
    return ranges


COVERED = ": a table for each part of the addresses that it covers."
SHARED = ". Ranges that lie close share tables."
"""The reasons for the number of tables for one range, and for several."""

# ---- kinds -----------------------------------------------------------------------------------------


def count(number: int, why: str, draws: Draws) -> Question:
    """Make a question on the tables for some ranges; `why` continues the explanation, level by level."""
    paper = draws.choice(PAPERS)
    ranges = drawn_ranges(draws, paper.fmt, number)
    found = cost(paper, ranges)
    return Question(
        f"{listing(ranges)}\n\nAll pages have 4 KiB. How many tables does this need with {paper.title}, the "
        "root among them?",
        str(found.tables),
        f"{by_level(found)}{why} ({paper.manual})",
        NUMBER,
        rules=(paper.parts,),
        solution=compared([paper], ranges),
    )


def size(draws: Draws) -> Question:
    """Make a question on the size of all tables in bytes: the usual number is right as often as others."""
    return evenly(draws, _size, rank, range(5))


def _size(draws: Draws) -> Question:
    paper = draws.choice(PAPERS)
    fmt = paper.fmt
    ranges = drawn_ranges(draws, fmt, 2)
    found = cost(paper, ranges)
    root, last = found.levels[0], found.levels[-1]
    small = fmt.table_bytes(fmt.levels[-1])
    right = found.table_bytes
    pages = sum(length for _, length in ranges) // PAGE * fmt.entry_width
    wrong = {
        right - small: "one table was not counted",
        right - 2 * small: "two tables were not counted",
        right - root.bytes + small: "the answer assumes a root as large as the tables below it",
        right - root.bytes: "the root was not counted",
        last.bytes: f"only the {last.name}s were counted",
        pages: "only the descriptors that map pages were counted, and not whole tables",
        right + small: "one table too many was counted",
        right + 2 * small: "two tables too many were counted: parts that both ranges lie in were counted twice",
        right + root.bytes: "the root was counted twice",
        right + 3 * small: "three tables too many were counted: parts that both ranges lie in were counted twice",
    }
    return Question(
        f"{listing(ranges)}\n\nAll pages have 4 KiB. How many bytes of memory do all tables of "
        f"{paper.title} take together?",
        _bytes(right),
        f"{by_level(found)}; together {_bytes(right)}. ({paper.manual})",
        rules=(paper.parts,),
        **numbers_around(draws, right, wrong, _bytes),
        solution=compared([paper], ranges),
    )


def _is_usual(question: Question) -> bool:
    return question.answer == "20 KiB"


def _bytes(number: int) -> str:
    return f"{number // KIB:,} KiB" if number % KIB == 0 else f"{number:,} bytes"


def large(draws: Draws) -> Question:
    """Make a question on how many descriptors map a range with large pages."""
    paper = draws.choice([one for one in PAPERS if one != ARMV7])
    span = paper.fmt.page_sizes[1]
    start = draws.between(2, 200) * span - draws.between(0, 30) * PAGE
    length = draws.between(1, 4) * span + draws.between(0, 60) * PAGE
    found = cost(paper, [(start, length)], large=True)
    sizes = ", ".join(map(binary_size, paper.fmt.page_sizes))
    pages = ", ".join(f"{counted(page.number, 'page')} of {binary_size(page.size)}" for page in found.pages)
    return Question(
        f"{paper.title} has pages of these sizes: {sizes}. A page begins at a multiple of its size, in "
        "virtual and in physical memory. Physical addresses are aligned as well as the virtual ones.\n\n"
        f"{listing([(start, length)])}\n\nWhat is the smallest number of descriptors that can map these pages?",
        str(found.entries),
        f"{pages}. ({paper.manual})",
        NUMBER,
        solution=compared([paper], [(start, length)], large=True),
    )


def free(draws: Draws) -> Question:
    """Make a question on the only additional page that needs no additional table."""
    paper = draws.choice(PAPERS)
    ranges = drawn_ranges(draws, paper.fmt, 2)
    span = 1 << paper.fmt.levels[-2].shift
    start, length = draws.choice(ranges)
    near = [
        one + draws.below(span // PAGE) * PAGE
        for one in (start // span * span, start // span * span - span, (start + length) // span * span + span)
    ]
    low, high = max(ranges[0][0] // PAGE, 16), (ranges[-1][0] + ranges[-1][1]) // PAGE
    far = [number * PAGE for number in (*distinct(draws, 6, 1, low), *distinct(draws, 6, high, 2 * high))]
    places = [
        one
        for one in dict.fromkeys([*near, *far])
        if one >= 0 and not any(low <= one < low + length for low, length in ranges)
    ]
    before = cost(paper, ranges).tables
    more = {one: cost(paper, sorted([*ranges, (one, PAGE)])).tables - before for one in places}
    right = [one for one, extra in more.items() if extra == 0]
    wrong = {one: f"it takes {counted(extra, 'table')} more" for one, extra in more.items() if extra > 0}
    if not right or len(wrong) < 4:
        raise Again
    return Question(
        f"{listing(ranges)}\n\nAll pages have 4 KiB, and the format is {paper.title}. One more page is "
        "mapped. At which of these addresses does it need no new table?",
        f"`{address(right[0])}`",
        f"The tables of the ranges already cover this address. ({paper.manual})",
        rules=(paper.parts,),
        **numbers_around(draws, right[0], wrong, lambda one: f"`{address(one)}`"),
        solution=compared([paper], ranges),
    )


RIVALS = X86, ARMV7
"""Two formats, one with a small root above large tables, the other the reverse: either may have smaller tables."""


def cheapest(draws: Draws) -> Question:
    """Make a question on which of two formats has the smaller tables, and by how much: each wins equally often."""
    ranges = drawn_ranges(draws, X86.fmt, draws.between(1, 3))
    costs = {paper: cost(paper, ranges) for paper in RIVALS}
    one, other = sorted(RIVALS, key=lambda paper: costs[paper].table_bytes)
    less = costs[other].table_bytes - costs[one].table_bytes
    amounts = [less, less + draws.choice((-2, -1, 1, 2)) * KIB]
    if less <= 2 * KIB or len({len(_bytes(amount)) for amount in amounts}) > 1:
        raise Again  # only a larger wrong amount is possible, or the length of an option would reveal the answer
    said = "; ".join(
        f"{paper.title}: {_bytes(found.table_bytes)} ({by_level(found)})" for paper, found in costs.items()
    )
    options = [f"{paper.title}, by {_bytes(amount)}" for paper in RIVALS for amount in amounts]
    right = f"{one.title}, by {_bytes(less)}"
    return Question(
        f"{listing(ranges)}\n\nAll pages have 4 KiB. Do all tables together take fewer bytes "
        f"in {' or in '.join(paper.title for paper in RIVALS)}, and by how many?",
        right,
        f"{said}. (`vm.compare_formats`)",
        options=options_of(draws, right, options),
        rules=tuple(paper.parts for paper in RIVALS),
        mistakes={option: _cheaper(option, right) for option in options if option != right},
        solution=compared(RIVALS, ranges),
    )


def _named(question: Question) -> str:
    """Return the format that an answer names."""
    return question.answer.partition(",")[0]


def _cheaper(option: str, right: str) -> str:
    """Return what is wrong with an option: its format, its number, or both."""
    name, right_name = (one.partition(",")[0] for one in (option, right))
    amount = option.partition(", by ")[2] == right.partition(", by ")[2]
    if name == right_name:
        return "the format is right, and a root or a table was counted with a wrong size or number"
    number = "the number is right" if amount else "the number is not the difference"
    return f"{number}, and the other format has the smaller tables"


KINDS = (
    Kind(
        "tables/count", 1, "how many tables one range takes", partial(count, 1, COVERED), ("2", "3", "4", "5", "6", "7")
    ),
    Kind(
        "tables/scattered", 2, "how many tables three ranges take", partial(count, 3, SHARED), [*map(str, range(5, 12))]
    ),
    Kind(
        "tables/size",
        2,
        "the bytes of all tables of two ranges",
        size,
        (True, False, False, False, False, False),
        _is_usual,
    ),
    Kind("tables/large", 2, "how many descriptors map a range with large pages", large),
    Kind("tables/free", 3, "the only additional page that needs no additional table", free),
    Kind(
        "tables/cheapest",
        3,
        "which of two formats has the smaller tables, and by how much",
        cheapest,
        [one.title for one in RIVALS],
        _named,
    ),
)
