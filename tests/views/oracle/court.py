"""Lives of machines, and the sentences of each operation held against them.

``python -m tests.views.oracle.court [OPERATIONS]`` holds so many, and prints how often each sentence came.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import count, islice
from typing import Any

import vmwidgets as vm
from tests.views.lives import Life as KernelMemory
from tests.views.test_past_lives import entries, families, operations, processors, recorded, threads

from . import (  # noqa: F401  # which make claims
    claims_accesses,
    claims_beside,
    claims_comparisons,
    claims_cpu_steps,
    claims_cpus,
    claims_domain_steps,
    claims_domains,
    claims_failures,
    claims_files,
    claims_forks,
    claims_kmem,
    claims_kmem_steps,
    claims_map_steps,
    claims_maps,
    claims_memobjs,
    claims_object_steps,
    claims_objects,
    claims_page_steps,
    claims_pictures,
    claims_refusals,
    claims_ring_steps,
    claims_searches,
    claims_segments,
    claims_thread_steps,
    claims_threads,
    claims_walks,
    numbers,
)
from .claiming import Court
from .exhibits import exhibits
from .lives import domains, failures, sleepers
from .living import life_of_maps, of_much, of_processes, of_ranges
from .rare import rare

MOST_WRONG = 20
"""So many false sentences are enough to know."""


def of_maps(_architecture: str, seed: int) -> Iterator[vm.Machine]:
    """Two maps, with all that can be done to them."""
    last = -1
    for machine in life_of_maps(seed):
        if machine.journal.last.number != last:
            last = machine.journal.last.number
            yield machine


def of_kernel_memory(_architecture: str, seed: int) -> Iterator[vm.Machine]:
    """Allocations, zones and sleepers."""
    life = KernelMemory(seed)
    return (life.machine for _ in life.go_on(70))


def of(kind: Callable[[str, int], Any], tried: int) -> Callable[[str, int], Iterator[vm.Machine]]:
    """A life that is also taken back, as another test does."""

    def live(architecture: str, seed: int) -> Iterator[vm.Machine]:
        return recorded(kind(architecture, seed), tried)

    return live


LIVES: dict[str, Callable[[str, int], Iterator[vm.Machine]]] = {
    "operations": of(operations, 200),
    "threads": of(threads, 70),
    "entries": of(entries, 70),
    "processors": of(processors, 110),
    "families": of(families, 80),
    "maps": of_maps,
    "processes": of_processes,
    "ranges": of_ranges,
    "much": of_much,
    "kernel memory": of_kernel_memory,
    "sleepers": sleepers,
    "failures": failures,
    "domains": domains,
    "rare": rare,
}
"""What gives a machine after each of its operations, by architecture and seed."""


def held(court: Court, architecture: str, seed: int, names: Iterable[str] = LIVES, most: int | None = None) -> int:
    """One life of each kind, heard, with so many operations at most (rare ones whole); how many these were."""
    operations = 0
    for name in names:
        for machine in islice(LIVES[name](architecture, seed), None if name == "rare" else most):
            court.hear(machine)
            operations += 1
            if len(court.wrong) > MOST_WRONG:
                return operations
    for exhibit in exhibits(seed):
        court.see(*exhibit)
    return operations


def long_life(wanted: int) -> tuple[Court, int]:
    """Lives with so many operations, heard; how many these were.  It ends when too much was wrong."""
    court, done = Court(), 0
    for seed in count():
        for architecture in ("x86-64", "armv7", "aarch64", "riscv-sv39"):
            done += held(court, architecture, seed)
            if done >= wanted or len(court.wrong) > MOST_WRONG:
                return court, done
    raise AssertionError("seeds have no end")


def main(wanted: int) -> None:
    """Hold so many operations."""
    court, done = long_life(wanted)
    met = "\n".join(f"{times:>8,}  {key}" for key, times in court.met.most_common())
    print(met, *court.wrong, f"{done:,} operations, {len(court.wrong)} false sentences", sep="\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
