"""References by policy: strings on paper, a program's trace with 24 numbers of frames, and its picture."""

from __future__ import annotations

import random
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

import numpy as np

import vmwidgets as vm
from vmwidgets.reference_strings.counting import spread
from vmwidgets.reference_strings.trace import Trace, ready
from vmwidgets.sources.record import REFERENCES, recorded_references

from .measured import Row, apart, spent

ON_PAPER: dict[str, Any] = {
    **{name: name for name in ("fifo", "second chance", "clock", "lru", "opt", "working set")},
    "a function": lambda pages: pages[0],
}

AIMS = {"lru": 3.0, "opt": 6.0}
"""Seconds that a million references of a trace may take."""

ONE_SIZE = ("fifo", "clock", "random", "aging", "nru")
"""Policies that are run for each number of frames; all of them may take five seconds."""


def rows(short: bool) -> Iterator[Row]:
    """Processor time; the longest trace has ten million references."""
    count = 500 if short else 1_000_000
    for name, policy in ON_PAPER.items():
        for frames in (4, 64):
            yield Row(f"a reference on paper, {frames} frames, {name}", _on_paper(policy, frames, min(count, 10_000)))
    yield Row("vm.load_curve()", spent(vm.load_curve), "s")
    found = {name: apart(counted, name, count) for name in (*AIMS, *ONE_SIZE)}
    for name, (seconds, _) in found.items():
        yield Row(f"a trace of {count:,}, {name}", seconds, "s", AIMS.get(name, float("inf")))
    yield Row(f"a trace of {count:,}, {', '.join(ONE_SIZE)}", sum(found[name][0] for name in ONE_SIZE), "s", 5)
    yield Row("the most memory of these", max(most for _, most in found.values()), "MiB", 300)
    yield Row("LRU / a loop with an OrderedDict", _beside(count), "", 1)
    vm.Locality(recorded(10)).get_state()  # what draws is loaded
    trace = recorded(10 * count)
    yield Row(f"pages of {10 * count:,} references numbered", 1e3 * spent(lambda: ready(trace)), "ms")
    sizes: list[int] = []
    drawn = spent(lambda: sizes.append(len(vm.Locality(trace).get_state()["frame"]["data"])))
    yield Row("their picture, drawn", 1e3 * drawn, "ms", 200)
    yield Row("their picture, as it travels to a page", sizes[0], "bytes", 60_000)


def _on_paper(policy: Any, frames: int, count: int) -> float:
    """Microseconds a reference, of random ones to four times as many pages as frames."""
    chance = random.Random(1)
    string = [chance.randrange(4 * frames) for _ in range(count)]
    return spent(lambda: vm.reference_string(string, frames, policy)) / count * 1e6


def recorded(count: int) -> Trace:
    """So many references: the three recorded programs take turns, again and again."""
    parts = [recorded_references(name) for name in REFERENCES]
    turns = parts[0].interleaved(*parts[1:], quantum=5_000)
    times = -(-count // len(turns))
    return Trace(np.tile(turns.addresses, times)[:count], np.tile(turns.kinds, times)[:count])


def counted(policy: str, count: int) -> float:
    """Seconds in which the faults of one policy are counted."""
    trace = recorded(count)
    return spent(lambda: trace.faults(policy, tick=10_000 if policy in ("aging", "nru") else 0))


def _beside(count: int) -> float:
    """How many times as long as the usual loop LRU takes for the same faults."""
    pages = recorded(count).pages()[0]
    sizes = spread(len(set(pages.tolist())))
    trace = recorded(count)
    ours: list[Any] = []
    loops: list[int] = []
    seconds = spent(lambda: ours.append(trace.faults("lru", sizes)))
    theirs = spent(lambda: loops.extend(_loop(pages.tolist(), size) for size in sizes))
    assert [ours[0].faults("lru", size) for size in sizes] == loops
    return seconds / theirs


def _loop(pages: list[int], size: int) -> int:
    """The faults of LRU, as most people write it."""
    inside: OrderedDict[int, None] = OrderedDict()
    faults = 0
    for page in pages:
        if page in inside:
            inside.move_to_end(page)
            continue
        faults += 1
        if len(inside) == size:
            inside.popitem(last=False)
        inside[page] = None
    return faults
