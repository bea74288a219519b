"""A program's trace: each policy with 24 sizes of memory, beside what one would use instead, and its picture."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections import OrderedDict
from collections.abc import Callable
from importlib import import_module
from time import process_time
from typing import Any

import numpy as np

import vmwidgets as vm
from vmwidgets.reference_strings.counting import spread
from vmwidgets.reference_strings.trace import Trace, ready
from vmwidgets.sources.record import REFERENCES, recorded_references

from .table import table, verdict

COUNT = 1_000_000
ONE_SIZE = ("fifo", "clock", "random", "aging", "nru")
"""Policies that are run for each size."""

AIMS = {"lru": 3.0, "opt": 6.0, "the others together": 5.0}
"""Seconds at most for a million references."""

MEBIBYTES, PICTURE = 300, (0.2, 60_000)
"""At most: memory; seconds and bytes of the picture of ten million."""


def recorded(count: int) -> Trace:
    """So many references: the three recorded programs take turns, again and again."""
    parts = [recorded_references(name) for name in REFERENCES]
    turns = parts[0].interleaved(*parts[1:], quantum=5_000)
    times = -(-count // len(turns))
    return Trace(np.tile(turns.addresses, times)[:count], np.tile(turns.kinds, times)[:count])


def plain_loop(pages: list[int], size: int) -> int:
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


def with_cachetools(pages: list[int], size: int) -> int:
    """The same with the package cachetools."""
    cache: Any = import_module("cachetools").LRUCache(size)
    faults = 0
    for page in pages:
        if cache.get(page) is None:
            faults += 1
            cache[page] = True
    return faults


def with_libcachesim(pages: list[int], size: int) -> int:
    """The same with libCacheSim's package."""
    lcs: Any = import_module("libcachesim")
    cache = lcs.LRU(cache_size=size)
    request = lcs.Request()
    request.obj_size = 1
    faults = 0
    for page in pages:
        request.obj_id = page
        faults += not cache.get(request)
    return faults


PEERS: dict[str, Callable[[list[int], int], int]] = {
    "a loop with OrderedDict": plain_loop, "cachetools": with_cachetools, "libCacheSim": with_libcachesim,
}  # fmt: skip  # pairs


def measure(count: int = COUNT) -> str:
    """The tables, and the aims; all in processor time."""
    times = {name: _apart(name, count) for name in ("lru", "opt", *ONE_SIZE)}
    seconds = {name: one for name, (one, _) in times.items()}
    seconds["the others together"] = sum(seconds[name] for name in ONE_SIZE)
    rows = [
        [name, f"{one:.2f} s", verdict(one <= AIMS[name] * count / COUNT) if name in AIMS else ""]
        for name, one in seconds.items()
    ]
    most = max(memory for _, memory in times.values())
    note = f"the most memory of an interpreter: {most:,.0f} MiB, {verdict(most <= MEBIBYTES)}"
    title = f"Faults of a trace of {count:,} references, 24 numbers of frames"
    first = table(title, ["policy", "processor time", ""], rows, note)
    return "\n\n".join((first, _beside(count), _picture(10 * count)))


def _beside(count: int) -> str:
    """LRU of the same references by others; whoever is installed must give the same faults."""
    pages = recorded(count).pages()[0]
    sizes = spread(len(set(pages.tolist())))
    begun = process_time()
    faults = recorded(count).faults("lru", sizes)
    rows = [["vmwidgets", f"{process_time() - begun:.2f} s"]]
    for name, run in PEERS.items():
        begun = process_time()
        try:
            found = [run(pages.tolist(), size) for size in sizes]
        except ModuleNotFoundError:
            rows.append([name, "not installed"])
            continue
        assert found == [faults.faults("lru", size) for size in sizes], name
        rows.append([name, f"{process_time() - begun:.2f} s"])
    return table(f"LRU of {count:,} references, {len(sizes)} numbers of frames", ["by", "processor time"], rows)


def _picture(count: int) -> str:
    """The picture of a long trace, as it travels to a page; its pages are numbered when the trace is read."""
    vm.Locality(recorded(10)).get_state()  # what draws is loaded
    trace = recorded(count)
    begun = process_time()
    ready(trace)
    rows, found = [["read: pages are numbered", f"{1000 * (process_time() - begun):,.0f} ms", ""]], []
    for name in ("first", "again"):
        begun = process_time()
        size = len(vm.Locality(trace).get_state()["frame"]["data"])  # what a page gets
        found.append((process_time() - begun, size))
        rows.append([name, f"{1000 * found[-1][0]:,.0f} ms", f"{size:,} bytes"])
    holds = all(seconds <= PICTURE[0] and size <= PICTURE[1] for seconds, size in found)
    return table(f"The picture of {count:,} references", ["drawn", "processor time", "size"], rows, verdict(holds))


def _apart(policy: str, count: int) -> tuple[float, float]:
    """Seconds and mebibytes of one policy, in an interpreter of its own."""
    command = [sys.executable, "-m", "tools.benchmarks.traces", policy, str(count)]
    seconds, memory = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return float(seconds), float(memory)


def main(policy: str, count: int) -> None:
    """Count one policy, and print the seconds and the most memory."""
    trace = recorded(count)
    begun = process_time()
    trace.faults(policy, tick=10_000 if policy in ("aging", "nru") else 0)
    print(process_time() - begun, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
