"""map and unmap in a self-paging domain: pairs a second with few and many mappings live, and what a table costs."""

from __future__ import annotations

from collections.abc import Sequence

import vmwidgets as vm
from vmwidgets.engine.machine.handles.domain import MachineDomain

from .maps import a_second
from .table import rate, ratio, table, verdict

SIZES = (100, 10_000)
TABLES = (1, 16, 64)
KINDS = ("a page among others of its table", "a page in an empty table")

NOISE = 0.1
"""By how much a ratio of two times may be off."""

LOW, EMPTY = 0x1000_0000, 0x7000_0000
"""Where the live mappings begin, and a table that stands empty."""

Rates = dict[tuple[str, int], float]


def filled(live: int) -> tuple[MachineDomain, str]:
    """A domain with `live` mappings of a page, 128 a table, and the slot of the frame behind them."""
    d = vm.boot("armv7", ram="256 MiB").domain("full", slots=65_536)
    frame = str(d.frame().ref)
    for number in range(live):
        d.map(frame, at=place(number))
    return d, frame


def place(number: int) -> int:
    """The address of a live mapping: every second page."""
    return LOW + 2 * vm.PAGE * number


def pairs_a_second(d: MachineDomain, frame: str, addresses: Sequence[int], size: int, seconds: float) -> float:
    """Pairs of map and unmap of `size` bytes in a second of processor time, at one address after the other."""

    def pair(at: int) -> None:
        d.map(frame, at=at, size=size)
        d.unmap(at, size)

    return a_second(pair, addresses, seconds)


def measure(sizes: Sequence[int] = SIZES, seconds: float = 0.4, rounds: int = 3) -> tuple[Rates, Rates, float]:
    """Pairs of a page by kind and number live; of more by tables touched; bytes of journal an operation."""
    found: Rates = {}
    for live in sizes:
        d, frame = filled(live)
        among = [place(number * live // 100) + vm.PAGE for number in range(100)]
        for kind, addresses in zip(KINDS, (among, [EMPTY] * 100), strict=True):
            rates = (pairs_a_second(d, frame, addresses, vm.PAGE, seconds) for _ in range(rounds))
            found[kind, live] = max(rates)
    journal = d.machine.journal.bytes_an_operation()
    d, _ = filled(sizes[0])
    film = str(d.device_frame("1 GiB", "64 MiB").ref)
    by_tables: Rates = {}
    for tables in TABLES:
        size = tables * vm.MIB
        rates = (pairs_a_second(d, film, [EMPTY] * 100, size, seconds) for _ in range(rounds))
        by_tables["tables", tables] = max(rates)
    return found, by_tables, journal


def report(found: Rates, by_tables: Rates, journal: float, sizes: Sequence[int] = SIZES) -> str:
    """The tables, and whether growth stays linear in the tables touched."""
    rows = [[kind, *(rate(found[kind, live]) for live in sizes)] for kind in KINDS]
    header = ["live mappings", *(f"{live:,}" for live in sizes)]
    first = table("Pairs of map and unmap in a domain, a second of processor time", header, rows)
    micro = {tables: 1e6 / by_tables["tables", tables] for tables in TABLES}
    costs = [["microseconds a pair", *(f"{micro[tables]:,.0f}" for tables in TABLES)]]
    cost = (micro[TABLES[-1]] - micro[1]) / (TABLES[-1] - 1)
    note = f"so each table more costs {cost:.0f} µs: a leaf of 256 entries, its slot, its block, its vnode"
    second = table("A map over so many tables", ["tables of 1 MiB", *map(str, TABLES)], costs, note)
    few, many = sizes[0], sizes[-1]
    grown = max(found[kind, few] / found[kind, many] for kind in KINDS)
    linear = max(micro[tables] / micro[1] / tables for tables in TABLES)
    aims = (
        f"  the journal keeps {journal:.0f} bytes an operation once its events are forgotten\n"
        f"  aim: as many tables touched, as fast: from {few:,} to {many:,} live no more than 1.5×: "
        f"{verdict(grown <= 1.5)} ({ratio(grown)})\n"
        f"  aim: no worse than linear in the tables touched: {verdict(linear <= 1 + NOISE)} ({ratio(linear)})"
    )
    return f"{first}\n\n{second}\n\n{aims}"
