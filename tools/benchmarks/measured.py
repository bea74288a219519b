"""What is compared with an earlier commit; run as a program, with that commit's sources or these on the path.

It uses only names that both have.  Prints microseconds by name, as JSON.
"""

from __future__ import annotations

import gc
import json
import random
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import vmwidgets as vm
from vmwidgets.cli.replay import replay  # type: ignore[attr-defined]  # where the earlier commit has it too
from vmwidgets.widgets.host import hub

try:
    from tools.benchmarks.subjects import BASE, BareMap, MachineOperations
except ImportError:  # where the earlier commit has them
    from benchmarks.subjects import BASE, BareMap, MachineOperations  # type: ignore[import-not-found,no-redef]

PAGE = 4096
RUNS = ("x15/big-1", "freebsd/mixed", "barrelfish/mixed-1")
"""Recorded runs that are replayed."""

ROUNDS = 60
MANY = 6_000


def best(call: Callable[[], object], times: int, rounds: int = ROUNDS) -> float:
    """Microseconds a call, in the best of many short rounds: the one that nothing else disturbed."""
    found = float("inf")
    for _ in range(rounds):
        begun = perf_counter()
        for _ in range(times):
            call()
        found = min(found, perf_counter() - begun)
    return found / times * 1e6


def average(call: Callable[[], object], times: int = MANY) -> float:
    """Microseconds of processor time a call: with all that comes once in a while, such as the search for garbage."""
    begun = process_time()
    for _ in range(times):
        call()
    return (process_time() - begun) / times * 1e6


def pairs(entries: int) -> dict[str, float]:
    """A pair of enter and remove among so many entries: of the map alone, and as operations of a machine."""
    found: dict[str, float] = {}
    for name, kind, times in (("the map alone", BareMap, 200), ("as operations", MachineOperations, 50)):
        subject: Any = kind()
        subject.fill(entries)
        chance = random.Random(1)
        count = 2_000 + ROUNDS * times + MANY
        places = iter([BASE + 2 * chance.randrange(entries) * PAGE + PAGE for _ in range(count)])

        def pair(subject: Any = subject, places: Any = places) -> None:
            place = next(places)
            subject.enter(place)
            subject.remove(place)

        best(pair, 1_000, 1)  # until as many operations have their events as will
        found[f"enter and remove among {entries:,}, {name}"] = best(pair, times)
        if kind is MachineOperations:
            found[f"enter and remove among {entries:,}, as operations, on average"] = average(pair)
        del subject, pair
        gc.collect()
    return found


def kmem() -> dict[str, float]:
    """kmem_malloc and kmem_free: a page, and each further one."""
    machine = vm.boot("x86-64", ram="256 MiB", layout="x15-64")
    for _ in range(100):
        machine.kmem_malloc(PAGE)

    def pair(pages: int) -> None:
        machine.kmem_free(machine.kmem_malloc(pages * PAGE), pages * PAGE)

    one, many = best(lambda: pair(1), 30), best(lambda: pair(64), 3)
    return {"kmem_malloc and kmem_free of a page": one, "each further page": (many - one) / 63}


def domain() -> dict[str, float]:
    """A domain's map of 256 pages; map and unmap of them, and of one."""
    made = vm.boot("armv7", ram="256 MiB").domain("full", slots=65_536)
    film, frame = str(made.device_frame("1 GiB", "64 MiB").ref), str(made.frame().ref)
    place = 0x7000_0000

    def pair(what: str, size: int) -> None:
        made.map(what, at=place, size=size)
        made.unmap(place, size)

    found = {"a domain's map and unmap of a page": best(lambda: pair(frame, PAGE), 10)}
    found["a domain's map and unmap of 256 pages"] = best(lambda: pair(film, vm.MIB), 2)
    fastest = float("inf")
    for _ in range(ROUNDS):
        begun = perf_counter()
        made.map(film, at=place, size=vm.MIB)
        fastest = min(fastest, perf_counter() - begun)
        made.unmap(place, vm.MIB)
    return found | {"a domain's map of 256 pages": fastest * 1e6}


def tasks() -> dict[str, float]:
    """First writes of a task, copies after a fork, reads that miss the TLB, undo; and the bytes of copies."""
    pages = ROUNDS * 20
    machine = vm.boot("x86-64", ram="256 MiB")
    task = machine.task("init")
    start = int(task.mmap(pages * PAGE))
    addresses = range(start, start + pages * PAGE, PAGE)

    def each(touch: Callable[[int], object], times: int = 1) -> float:
        places = iter([*addresses] * times)
        return best(lambda: touch(next(places)), 20 * times)

    found = {"the first write of a page": each(lambda at: task.write(at, b"x"))}
    found["a read that misses the TLB"] = each(lambda at: task.read(at, 1), 2)
    child = task.fork()
    found["a copy on write"] = each(lambda at: child.write(at, b"y"))
    return found


def goes_back() -> dict[str, float]:
    """One operation taken back after 1,000 pages were written; and what the copies of 2,000 pages take."""
    machine = vm.boot("x86-64", ram="256 MiB")
    task = machine.task("init")
    start = int(task.mmap(2_000 * PAGE))
    for page in range(1_000):
        task.write(start + page * PAGE, b"x")
    fastest = float("inf")
    for _ in range(5):
        begun = perf_counter()
        machine.undo()
        fastest = min(fastest, perf_counter() - begun)
    for page in range(1_000 - 5, 2_000):
        task.write(start + page * PAGE, b"x")
    machine.at(len(machine.journal) - 2)
    return {"undo after 1,000 pages": fastest * 1e6, "bytes of all copies of 2,000 pages": machine.history.bytes_kept}


def others() -> dict[str, float]:
    """Recorded runs replayed, a walk, a write through page tables, a boot."""
    traces = Path(__file__).parents[2] / "tests" / "data" / "traces"
    found = {f"replay of {run}": best(lambda run=run: replay(traces / f"{run}.jsonl.gz"), 1, 5) for run in RUNS}  # type: ignore[misc]  # called at once
    machine = vm.boot()
    address = machine.kmem_alloc(PAGE)
    found["a walk of x86-64"] = best(lambda: machine.walk(address), 50)
    found["a write of 5 bytes"] = best(lambda: machine.write(address, b"hello"), 50)
    return found | {"a boot": best(vm.boot, 1, 20)}


def pictures() -> dict[str, float]:
    """Python's part of the picture that follows an operation on a map: made, packed, and given to the page."""
    hub.STATIC = Path(__file__).parents[2] / "vmwidgets" / "static"  # an exported tree has no front end built
    found = {}
    for entries in (127, 1_023):
        machine = vm.boot("x86-64", layout="x15-64")
        starts = [BASE + 2 * number * PAGE for number in range(entries - len(machine.kernel_map))]
        for start in starts:
            machine.kernel_map.enter(PAGE, at=start, fixed=True, nomerge=True)
        gaps = [start + PAGE for start in random.Random(entries).sample(starts[:-1], 25)]
        kinds: dict[str, Callable[[], Any]] = {
            "a ribbon, complete": lambda: vm.Ribbon(machine.kernel_map, whole=5_000),  # noqa: B023  made at once
            "a list, complete": lambda: vm.EntryList(machine.kernel_map, whole=5_000),  # noqa: B023  made at once
            "a map": lambda: vm.Map(machine.kernel_map),  # noqa: B023  made at once
            "a dashboard": lambda: vm.Dashboard(machine),  # noqa: B023  made at once
        }
        for name, kind in kinds.items():
            picture, fastest = kind(), float("inf")
            for gap in gaps:
                machine.kernel_map.enter(PAGE, at=gap, fixed=True, nomerge=True)
                fastest = min(fastest, best(picture.refresh, 1, 1))
                machine.kernel_map.remove(gap, size=PAGE)
            found[f"{name} of {entries:,} entries"] = fastest
            picture.close()
    return found


PARTS: dict[str, Callable[[], dict[str, float]]] = {
    "pairs-1000": lambda: pairs(1_000),
    "pairs-10000": lambda: pairs(10_000),
    "pairs-100000": lambda: pairs(100_000),
    "kmem": kmem,
    "domain": domain,
    "others": others,
    "tasks": tasks,
    "back": goes_back,
    "pictures": pictures,
}

if __name__ == "__main__":
    print(json.dumps(PARTS[sys.argv[1]]()))
