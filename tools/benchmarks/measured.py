"""What is compared with an earlier commit; run as a program, with that commit's sources or these on the path.

It uses only names that both have.  Prints microseconds by name, as JSON.
"""

from __future__ import annotations

import gc
import json
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import vmwidgets as vm
from tools.benchmarks.subjects import BASE, BareMap, MachineOperations
from vmwidgets.widgets.host import hub

try:
    from tests.oracles.replay import replay
except ImportError:  # the earlier commit has it elsewhere
    from vmwidgets.sources.traces.replay import replay

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
    """First writes of a task and copies after a fork, by way of forking; reads that miss the TLB; a range populated."""
    found = {name: time for fork in ("counted", "shadow") for name, time in _touched(fork).items()}

    def populated() -> float:
        task = vm.boot("x86-64", ram="512 MiB", fork="counted").task("init")
        begun = perf_counter()
        task.mmap(65_536 * PAGE, flags="populate")
        return perf_counter() - begun

    return found | {"populate of 65,536 pages": min(populated() for _ in range(2)) * 1e6}


def _touched(fork: str) -> dict[str, float]:
    pages = ROUNDS * 20
    machine = vm.boot("x86-64", ram="256 MiB", fork=fork)
    task = machine.task("init")
    start = int(task.mmap(pages * PAGE))
    addresses = range(start, start + pages * PAGE, PAGE)

    def each(touch: Callable[[int], object], times: int = 1) -> float:
        places = iter([*addresses] * times)
        return best(lambda: touch(next(places)), 20 * times)

    found = {f"the first write of a page, {fork}": each(lambda at: task.write(at, b"x"))}
    found[f"a read that misses the TLB, {fork}"] = each(lambda at: task.read(at, 1), 2)
    child = task.fork()
    found[f"a copy on write, {fork}"] = each(lambda at: child.write(at, b"y"))
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
    found = {"undo after 1,000 pages": fastest * 1e6, "bytes of all copies of 2,000 pages": machine.history.bytes_kept}
    return found | {
        "the first last_write, of a byte written 3,000 operations ago": min(_asked() for _ in range(3)) * 1e6
    }


def _asked() -> float:
    """Seconds of the first question about a byte that was written 3,000 operations ago."""
    machine = vm.boot("x86-64", ram="256 MiB", fork="counted")
    task = machine.task("init")
    start = int(task.mmap(64 * PAGE))
    task.write(start, b"asked")
    for number in range(3_000):
        task.write(start + PAGE * (number % 64) + 8, bytes([number % 251]))
    begun = process_time()
    machine.last_write(task, start)
    return process_time() - begun


IMPORT = "from time import perf_counter; begun = perf_counter(); import vmwidgets; print(perf_counter() - begun)"


def imported() -> dict[str, float]:
    """The package's import, in fresh processes."""
    seconds = [
        float(subprocess.run([sys.executable, "-c", IMPORT], capture_output=True, check=True).stdout) for _ in range(9)
    ]
    return {"import vmwidgets": min(seconds) * 1e6}


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
    "import": imported,
    "others": others,
    "tasks": tasks,
    "back": goes_back,
    "pictures": pictures,
}

if __name__ == "__main__":
    print(json.dumps(PARTS[sys.argv[1]]()))
