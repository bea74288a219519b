"""kmem_malloc and kmem_free on a machine: what a pair takes, and what a page more costs."""

from __future__ import annotations

from collections.abc import Iterator
from math import log2

import vmwidgets as vm

from .measured import Row, fastest

KINDS = ("side by side, joined", "with holes between")


def rows(short: bool) -> Iterator[Row]:
    """Microseconds of processor time; from few to many live allocations, a pair may grow as the logarithm does."""
    few, many = sizes = (4, 8) if short else (100, 10_000)
    rounds = 1 if short else 20
    for kind in KINDS:
        found = [_pair(_filled(kind, live), 1, rounds) for live in sizes]
        for live, pair in zip(sizes, found, strict=True):
            yield Row(f"a pair of a page, {live:,} live, {kind}", pair)
        yield Row(f"{many:,} live / {few:,} live, {kind}", found[1] / found[0], "", log2(many) / log2(few))
    machine = _filled(KINDS[0], few)
    one, more = (_pair(machine, pages, rounds) for pages in (1, 64))
    yield Row("each further page of a pair", (more - one) / 63)
    yield Row("an operation in the journal, its events gone", machine.journal.bytes_an_operation(), "bytes")


def _filled(kind: str, live: int) -> vm.Machine:
    """A machine with `live` allocations of a page in kmem_map: neighbours that join, or each with a hole after it."""
    m = vm.boot("x86-64", ram="256 MiB", layout="x15-64")
    given = [m.kmem_malloc(vm.PAGE) for _ in range(live if kind == KINDS[0] else 2 * live)]
    if kind != KINDS[0]:
        for address in given[1::2]:
            m.kmem_free(address, vm.PAGE)
    return m


def _pair(m: vm.Machine, pages: int, rounds: int) -> float:
    size = pages * vm.PAGE
    return fastest(lambda: m.kmem_free(m.kmem_malloc(size), size), 50, rounds)
