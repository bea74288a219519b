"""Notebook 01."""

from __future__ import annotations

from itertools import permutations

from vmwidgets.labs.exercises.maps import GapsSheet, fills

from . import Solved, Table


def orders(asked: GapsSheet) -> list[tuple[int, ...]]:
    return sorted({order for order in permutations(asked.requests) if fills(asked.gaps, order)})


def in_order(order: tuple[int, ...], flags: str = "") -> str:
    return "\n".join(f"thing.enter({size} * vm.PAGE{flags})" for size in order)


def wrong_order(asked: GapsSheet) -> str:
    return in_order(next(order for order in permutations(asked.requests) if not fills(asked.gaps, order)))


def in_pages(asked: GapsSheet) -> str:
    return in_order((1,) * sum(asked.requests))


def one_says_where(asked: GapsSheet) -> str:
    """The first request names the place that it would get."""
    first, *others = orders(asked)[0]
    page, place = 2, 0
    for gap in asked.gaps:
        place = place or (page if gap >= first else 0)
        page += gap + 2
    return f"thing.enter({first} * vm.PAGE, at={place} * vm.PAGE)\n{in_order(tuple(others))}"


SOLVED: Table = {
    "01/gaps": Solved(
        right=[
            lambda asked: in_order(orders(asked)[0]),
            lambda asked: in_order(orders(asked)[0], ", nomerge=True"),
        ],
        spoilt=[wrong_order, in_pages, one_says_where],
    ),
}
