"""Gaps on lists of pages: no map, no tree."""

from __future__ import annotations

import re

from vmwidgets.questions import Question

from .reading import Solver, found, grouped, number, rows, those

PAGE = 0x1000
FAR = 1 << 47


def holes(question: Question) -> list[tuple[int, int]]:
    """Where each gap begins and ends, the one behind the last range too if it is free."""
    ranges = [(number(low), number(high)) for low, high, _ in rows(question)]
    assert all(
        (high - low) // PAGE == int(pages) for (low, high), (_, _, pages) in zip(ranges, rows(question), strict=True)
    )
    between = [(ranges[at][1], ranges[at + 1][0]) for at in range(len(ranges) - 1)]
    return [*between, (ranges[-1][1], FAR)] if "between and above the ranges are free" in question.text else between


def choose(gaps: list[tuple[int, int]], size: int, policy: str) -> int:
    """Which gap a request takes."""
    large = [at for at, (low, high) in enumerate(gaps) if high - low >= size]
    room = {at: gaps[at][1] - gaps[at][0] for at in large}
    if policy == "first":
        return min(large)
    return min(large, key=lambda at: room[at] if policy == "best" else -room[at])


def place(gaps: list[tuple[int, int]], pages: int, policy: str = "first") -> int:
    """Take the room of a request; where it begins."""
    at = choose(gaps, pages * PAGE, policy)
    low, high = gaps[at]
    gaps[at] = low + pages * PAGE, high
    return low


def policy(question: Question) -> str:
    return found(r"\((first|best|worst) fit\)", question)[1]


def where(question: Question) -> set[str]:
    at = place(holes(question), int(found(r"a request of (\d+) pages? begin", question)[1]), policy(question))
    return those(question, lambda option: number(option.strip("`")) == at)


def last(question: Question) -> set[str]:
    gaps = holes(question)
    assert policy(question) == "first"
    sizes = [int(size) for size in found(r"requests of ([\d, ]+) pages", question)[1].split(", ")]
    return {grouped([place(gaps, size) for size in sizes][-1])}


def count_entries(question: Question) -> set[str]:
    """The rights of each page, and how often they change."""
    low, high = (number(one) for one in found(r"from `(\w+)` to `(\w+)`\. Then", question).groups())
    pages = dict.fromkeys(range(low // PAGE, high // PAGE), "read and write")
    for verb, begin, end, rights in rows(question):
        touched = range(number(begin) // PAGE, number(end) // PAGE)
        if verb == "remove":
            for page in touched:
                pages.pop(page, None)
        else:
            assert all((page in pages) == (verb == "protect") for page in touched)
            pages.update(dict.fromkeys(touched, rights))
    return {str(sum(pages.get(page - 1) != rights for page, rights in pages.items()))}


def order(question: Question) -> set[str]:
    listed = found(r"three gaps of (.+?) pages", question)[1]
    sizes = [int(size) for size in re.findall(r"\d+", listed)]

    def fills(option: str) -> bool:
        left = list(sizes)
        for size in map(int, re.findall(r"\d+", option)):
            fitting = [at for at, room in enumerate(left) if room >= size]
            if not fitting:
                return False
            left[fitting[0]] -= size
        return left == [0, 0, 0]

    return those(question, fills)


SOLVERS: dict[str, Solver] = {
    "gaps/where": where,
    "gaps/chain": last,
    "gaps/fit": where,
    "gaps/entries": count_entries,
    "gaps/order": order,
}
