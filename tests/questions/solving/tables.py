"""Sizes of tables by counting the parts of the addresses that they cover."""

from __future__ import annotations

from vmwidgets.questions import Question

from .reading import Solver, found, number, rows, those
from .walk import BITS, the_format

PAGES = {
    "32-bit x86 paging": (12, 22),
    "x86-64 paging with four levels": (12, 21, 30),
    "RISC-V Sv39 paging": (12, 21, 30),
}


def ranges(question: Question) -> list[tuple[int, int]]:
    read = [(number(low), number(high)) for low, high, _ in rows(question)]
    for (low, high), (_, _, pages) in zip(read, rows(question), strict=True):
        assert number(pages.split()[0]) == (high - low) >> 12
    return read


def tables(name: str, mapped: list[tuple[int, int]]) -> list[int]:
    """How many tables of each level, the root's first: one for each part of the addresses."""
    _, lows, counts = BITS[name]
    return [
        len({part for low, high in mapped for part in range(low >> shift + bits, (high - 1 >> shift + bits) + 1)})
        for shift, bits in zip(lows, counts, strict=True)
    ]


def table_bytes(name: str, mapped: list[tuple[int, int]]) -> int:
    width, _, counts = BITS[name]
    return sum(number * (width << bits) for number, bits in zip(tables(name, mapped), counts, strict=True))


def how_many(question: Question) -> set[str]:
    return {str(sum(tables(the_format(question), ranges(question))))}


def how_large(question: Question) -> set[str]:
    total = table_bytes(the_format(question), ranges(question))

    def is_right(option: str) -> bool:
        amount, unit = option.split()
        return number(amount) * {"KiB": 1024, "bytes": 1}[unit] == total

    return those(question, is_right)


def fewest_descriptors(question: Question) -> set[str]:
    """Of each size the pages that fit whole, less those that a larger one covers."""
    ((low, high),) = ranges(question)
    total = taken = 0
    for shift in reversed(PAGES[the_format(question)]):
        whole = max(0, (high >> shift) - (low + (1 << shift) - 1 >> shift))
        total += whole - (taken >> shift)
        taken = max(taken, whole << shift)
    return {str(total)}


def needs_none(question: Question) -> set[str]:
    name, mapped = the_format(question), ranges(question)

    def is_right(option: str) -> bool:
        at = number(option.strip("`"))
        assert not any(low <= at < high for low, high in mapped), "it is not mapped yet"
        return tables(name, [*mapped, (at, at + 0x1000)]) == tables(name, mapped)

    return those(question, is_right)


def cheapest(question: Question) -> set[str]:
    assert found(r"take (fewer) bytes in", question)
    sizes = {name: table_bytes(name, ranges(question)) for name in BITS if f"in {name}" in question.text}
    (least, name), (most, _) = sorted((size, name) for name, size in sizes.items())
    return those(question, lambda option: option == f"{name}, by {(most - least) // 1024:,} KiB")


SOLVERS: dict[str, Solver] = {
    "tables/count": how_many,
    "tables/scattered": how_many,
    "tables/size": how_large,
    "tables/large": fewest_descriptors,
    "tables/free": needs_none,
    "tables/cheapest": cheapest,
}
