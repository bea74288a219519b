"""Pairs of enter and remove, and lookups, a second; and how they grow with the number of entries."""

from __future__ import annotations

import gc
import random
from collections.abc import Callable, Sequence
from math import log2
from time import process_time
from typing import TypeVar

from vmwidgets.engine.base.recorder import Raw, materialize
from vmwidgets.engine.base.tree_schema import TreeCompared

from .subjects import BASE, PAGE, SUBJECTS, BareMap, Intervals, MachineOperations, Subject
from .table import rate, ratio, table, verdict

Rates = dict[tuple[str, int], float]
"""So many a second, by subject's name and size."""

SIZES = (1_000, 10_000, 100_000)


def measure(sizes: Sequence[int] = SIZES, seconds: float = 0.4, rounds: int = 3) -> tuple[Rates, Rates]:
    """Pairs and lookups a second, by subject's name and size: the best of `rounds`.

    Each subject is alone in memory, so that the search for garbage doesn't walk through the others.
    """
    pairs: Rates = {}
    lookups: Rates = {}
    for size in sizes:
        chance = random.Random(size)
        places = [BASE + 2 * chance.randrange(size) * PAGE for _ in range(20_000)]
        gaps = [place + PAGE for place in places]
        for kind in SUBJECTS:
            subject = _filled(kind, size)
            key = (subject.name, size)
            pairs[key] = max(a_second(_pair(subject), gaps, seconds) for _ in range(rounds))
            lookups[key] = max(a_second(subject.lookup, places, seconds) for _ in range(rounds))
            del subject
            gc.collect()
    return pairs, lookups


S = TypeVar("S", bound=Subject)


def _filled(kind: type[S], size: int) -> S:
    subject = kind()
    subject.fill(size)
    return subject


def _pair(subject: Subject) -> Callable[[int], None]:
    enter, remove = subject.enter, subject.remove

    def pair(start: int) -> None:
        enter(start)
        remove(start)

    return pair


def a_second(call: Callable[[int], object], arguments: Sequence[int], seconds: float) -> float:
    """Return how often `call` can be made in a second of processor time, on one argument after the other."""
    done = 0
    begun = process_time()
    while True:
        for argument in arguments[done % len(arguments) :][:100]:
            call(argument)
        done += 100
        spent = process_time() - begun
        if spent >= seconds:
            return done / spent


def report(pairs: Rates, lookups: Rates, sizes: Sequence[int]) -> str:
    """The tables, each beside the bare map, and the aims."""
    parts = [
        _beside("Pairs of enter and remove a second of processor time", pairs, sizes),
        _beside("Lookups a second of processor time", lookups, sizes),
    ]
    return "\n\n".join([*parts, _growth(pairs, lookups, sizes), _aims(pairs, lookups, sizes)])


def _beside(title: str, found: Rates, sizes: Sequence[int]) -> str:
    header, rows = ["live entries"], [[kind.name] for kind in SUBJECTS]
    for size in sizes:
        header += [f"{size:,}", "bare map ="]
        for row, kind in zip(rows, SUBJECTS, strict=True):
            row += [rate(found[kind.name, size]), ratio(found[BareMap.name, size] / found[kind.name, size])]
    return table(title, header, rows, "“bare map =” is how many times as fast the bare map is")


def _growth(pairs: Rates, lookups: Rates, sizes: Sequence[int]) -> str:
    rows = [
        ["log2 of the number"],
        ["comparisons of a lookup, mean"],
        ["microseconds a lookup"],
        ["microseconds a pair"],
    ]
    for size in sizes:
        rows[0].append(f"{log2(size):.1f}")
        rows[1].append(f"{comparisons(size):.1f}")
        rows[2].append(f"{1e6 / lookups[BareMap.name, size]:.2f}")
        rows[3].append(f"{1e6 / pairs[BareMap.name, size]:.2f}")
    note = "what time grows by beyond that: entries that no longer fit into the processor's caches"
    return table("How the bare map grows", ["live entries", *(f"{size:,}" for size in sizes)], rows, note)


def comparisons(size: int, samples: int = 500) -> float:
    """Return how many nodes a lookup compares on its way down, on average."""
    subject = _filled(BareMap, size)
    chance = random.Random(size)
    events: list[Raw] = []
    subject.map.recorder.emit = events.append
    for _ in range(samples):
        subject.lookup(BASE + 2 * chance.randrange(size) * PAGE)
    return sum(isinstance(event, TreeCompared) for event in materialize(events, "lookup")) / samples


def _aims(pairs: Rates, lookups: Rates, sizes: Sequence[int]) -> str:
    ahead = all(found[BareMap.name, n] > found[Intervals.name, n] for found in (pairs, lookups) for n in sizes)
    slower = max(pairs[BareMap.name, n] / pairs[MachineOperations.name, n] for n in sizes)
    within = f"{verdict(slower <= 2)} (worst {ratio(slower)})"
    return "\n".join([
        f"  aim: the bare map ahead of intervaltree at every size: {verdict(ahead)}",
        f"  aim: machine operations within a factor of 2 of the bare map: {within}",
    ])  # fmt: skip
