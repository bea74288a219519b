"""kmem_malloc and kmem_free on a machine: pairs a second, how they grow with what is live, and what a page costs."""

from __future__ import annotations

from collections.abc import Sequence
from math import log2

import vmwidgets as vm

from .maps import a_second
from .table import rate, ratio, table, verdict

SIZES = (100, 10_000)
PAGES = (1, 4, 16, 64)
KINDS = ("side by side, joined", "with holes between")

Rates = dict[tuple[str, int], float]


def filled(kind: str, live: int) -> vm.Machine:
    """A machine with `live` allocations of a page in kmem_map: neighbours that join, or each with a hole behind it."""
    m = vm.boot("x86-64", ram="256 MiB", layout="x15-64")
    if kind == KINDS[0]:
        for _ in range(live):
            m.kmem_malloc(vm.PAGE)
        return m
    given = [m.kmem_malloc(vm.PAGE) for _ in range(2 * live)]
    for address in given[1::2]:
        m.kmem_free(address, vm.PAGE)
    return m


def pairs_a_second(m: vm.Machine, pages: int, seconds: float, rounds: int) -> float:
    """Pairs of kmem_malloc and kmem_free of so many pages in a second of processor time: the best of `rounds`."""

    def pair(size: int) -> None:
        m.kmem_free(m.kmem_malloc(size), size)

    return max(a_second(pair, [pages * vm.PAGE] * 100, seconds) for _ in range(rounds))


def measure(sizes: Sequence[int] = SIZES, seconds: float = 0.4, rounds: int = 3) -> tuple[Rates, Rates, float]:
    """Pairs of one page by kind and number live; of more pages by number of pages; bytes of journal an operation."""
    found: Rates = {}
    for kind in KINDS:
        for live in sizes:
            found[kind, live] = pairs_a_second(filled(kind, live), 1, seconds, rounds)
    by_pages: Rates = {}
    m = filled(KINDS[0], sizes[0])
    for pages in PAGES:
        by_pages["pages", pages] = pairs_a_second(m, pages, seconds, rounds)
    return found, by_pages, m.journal.bytes_an_operation()


def report(found: Rates, by_pages: Rates, journal: float, sizes: Sequence[int] = SIZES) -> str:
    """The tables, and whether growth stays within the logarithm."""
    rows = [[kind, *(rate(found[kind, live]) for live in sizes)] for kind in KINDS]
    header = ["live allocations", *(f"{live:,}" for live in sizes)]
    first = table("Pairs of kmem_malloc and kmem_free of a page, a second of processor time", header, rows)
    micro = {pages: 1e6 / by_pages["pages", pages] for pages in PAGES}
    cost = (micro[PAGES[-1]] - micro[1]) / (PAGES[-1] - 1)
    costs = [["microseconds a pair", *(f"{micro[pages]:.0f}" for pages in PAGES)]]
    note = f"so a pair costs {micro[1] - cost:.0f} µs, and each page of it {cost:.0f} µs more"
    second = table("What a page costs", ["pages", *map(str, PAGES)], costs, note)
    few, many = sizes[0], sizes[-1]
    grown = max(found[kind, few] / found[kind, many] for kind in KINDS)
    allowed = log2(many) / log2(few)
    aims = (
        f"  the journal keeps {journal:.0f} bytes an operation once its events are forgotten\n"
        f"  aim: from {few:,} to {many:,} live, no more than log n ({ratio(allowed)}): "
        f"{verdict(grown <= allowed)} ({ratio(grown)})"
    )
    return f"{first}\n\n{second}\n\n{aims}"
