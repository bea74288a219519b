"""What it costs to go back: a machine as it was, undo and redo, branches, saved journals, and what is kept for it."""

from __future__ import annotations

import pickle
import random
import tempfile
import tracemalloc
import warnings
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import vmwidgets as vm
from vmwidgets.engine.base.packed import IN_MEMORY
from vmwidgets.engine.machine.history import EVERY, MOST_COPIED_BYTES

from .table import table, verdict

OPERATIONS, ENTRIES = 10_000, 127
LEAST = 2 * EVERY
"""So many operations that at least one copy of the machine is kept."""
PAGE = vm.PAGE

NEIGHBOUR, ANY, BYTES = 0.15, 1.0, 120
"""The aims: seconds to a neighbour of the moment asked before, and to any moment; bytes of a record."""

ASKED, ANSWER = 12_000, 1.0
"""So many operations come after the change that is asked for, and so many seconds may pass until it is found."""


class MapsLife:
    """Operations on maps, tables and kernel memory, with about ENTRIES entries in the kernel map."""

    title = f"{ENTRIES} entries"

    def __init__(self) -> None:
        self.chance = random.Random("maps")
        self.machine: Any = vm.boot("x86-64")
        self.task = self.machine.task("init")
        self.taken: list[int] = []
        self.starts: list[int] = []
        heap = self.machine.object("heap")
        self.text = self.task.map.enter("1 MiB", object=heap)

    def live(self, operations: int) -> Any:
        """The machine once it has done so many operations."""
        while len(self.machine.journal) <= operations:
            with suppress(vm.VMError):
                self.chance.choice(self.things())()
        return self.machine

    def things(self) -> list[Callable[[], Any]]:
        """Return what can be done next."""
        m, chance, space = self.machine, self.chance, self.machine.kernel_map
        start = chance.choice(self.starts) if self.starts else 0
        prot = chance.choice(("r", "rw", "rwx"))
        more = len(space) < ENTRIES
        return [
            self.enter if more else self.remove,
            self.enter if more or chance.random() < 0.5 else self.remove,
            lambda: space.protect(start, size=PAGE, prot=prot) if start else None,
            lambda: space.lookup(start) if start else None,
            lambda: self.taken.append(m.kmem_malloc(PAGE)),
            lambda: m.kmem_free(self.taken.pop(chance.randrange(len(self.taken))), PAGE) if self.taken else None,
            lambda: self.task.write(self.text + chance.randrange(200) * PAGE, b"data"),
            lambda: self.task.read(self.text + chance.randrange(200) * PAGE, 4),
        ]

    def enter(self) -> None:
        """An entry that does not merge with its neighbours."""
        size = self.chance.choice((1, 2, 4)) * PAGE
        self.starts.append(self.machine.kernel_map.enter(size, prot=self.chance.choice(("r", "rw")), nomerge=True))

    def remove(self) -> None:
        """One of the entries goes, or its first page."""
        start = self.starts.pop(self.chance.randrange(len(self.starts)))
        self.machine.kernel_map.remove(start, size=4 * PAGE)


class ThreadsLife:
    """Threads that allocate, sleep and give back, a handler, kernel memory; with a deadlock, two that never end."""

    title = "kmem, threads"

    def __init__(self, *, deadlock: bool = False) -> None:
        self.chance = random.Random("threads")
        self.machine: Any = vm.boot("x86-64", layout="small", ram="16 MiB")
        self.machine.on_lowmem(self.gives_back)
        self.spare: list[int] = []
        if deadlock:
            self.machine.spawn(self.locks, "exec_map", "pipe_map", name="one")
            self.machine.spawn(self.locks, "pipe_map", "exec_map", name="other")
            self.machine.run()

    def live(self, operations: int) -> Any:
        """The machine once it has done so many operations."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            while len(self.machine.journal) <= operations:
                with suppress(vm.VMError):
                    self.chance.choice(self.things())()
        return self.machine

    def things(self) -> list[Callable[[], Any]]:
        """Return what can be done next."""
        m, size = self.machine, self.chance.choice((1, 2, 5)) * PAGE
        return [
            lambda: self.spare.append(m.kmem_malloc(PAGE)),
            lambda: m.kmem_free(self.spare.pop(self.chance.randrange(len(self.spare))), PAGE) if self.spare else None,
            lambda: m.spawn(self.allocates, size, self.chance.randrange(4)),
            m.step,
            m.run,
            lambda: m.tick(4),
            lambda: m.write(self.chance.choice(self.spare), b"x") if self.spare else None,
        ]

    def allocates(self, size: int, nap: int) -> Generator[Any, Any, int]:
        """A thread that takes memory, uses it, naps, and gives it back."""
        m = self.machine
        address = yield from m.kmem_malloc(size)
        yield from m.write(address, b"data")
        if nap:
            yield from m.tsleep("nap", ticks=nap)
        yield from m.kmem_free(address, size)
        return size

    def locks(self, first: str, second: str) -> Iterator[Any]:
        """A thread that takes two locks, which another takes in the other order."""
        m = self.machine
        yield from getattr(m.kmem, first).lock()
        yield from m.tsleep("between", ticks=1)
        yield from getattr(m.kmem, second).lock()

    def gives_back(self) -> None:
        """A handler: one spare page goes back."""
        if self.spare:
            self.machine.kmem_free(self.spare.pop(), PAGE)


LIVES: dict[str, Callable[[], Any]] = {
    MapsLife.title: MapsLife,
    ThreadsLife.title: ThreadsLife,
    "a deadlock that stays": lambda: ThreadsLife(deadlock=True),
}


def seconds(call: Callable[[], Any]) -> float:
    """Return how long a call takes."""
    begun = perf_counter()
    call()
    return perf_counter() - begun


class Measured:
    """One life, lived and gone back in."""

    def __init__(self, title: str, operations: int) -> None:
        self.title = title
        self.machine = m = LIVES[title]().live(operations)
        last = len(m.journal) - 1
        chance = random.Random(title)
        self.any = [seconds(lambda n=n: m.at(n)) for n in chance.sample(range(1, last), 8)]  # type: ignore[misc]
        middles = chance.sample(range(20, last), 3)
        self.neighbours = [seconds(lambda n=n: m.at(n)) for middle in middles for n in self._around(middle)]  # type: ignore[misc]
        self.branch = seconds(lambda: m.branch(last // 2))
        self.undo = [seconds(m.undo) for _ in range(5)]
        self.redo = [seconds(m.redo) for _ in range(5)]
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "saved.jsonl.gz")
            self.save = seconds(lambda: m.journal.save(file))
            self.saved = file.stat().st_size
            self.load = seconds(lambda: vm.load_journal(file))

    def _around(self, middle: int) -> list[int]:
        """The moment itself is asked for first, and not counted."""
        self.machine.at(middle)
        return [middle - 1, middle - 2, middle + 1, middle - 10]

    @property
    def copied(self) -> bool:
        """Return whether copies could be taken since the boot."""
        return len(self.machine.history._copies) > 1


class Asked:
    """A life that begins with a change, which is asked for when all else is done; twice, and beside another place."""

    def __init__(self, operations: int) -> None:
        life = MapsLife()
        task, place = life.task, life.text + 255 * PAGE
        task.write(place, b"oldest")
        number = life.machine.journal.last.number
        machine = life.live(operations)
        self.operations = operations
        self.first = seconds(lambda: self._found(machine.last_write(task, place), number))
        self.again = seconds(lambda: self._found(machine.last_write(task, place), number))
        self.other = seconds(lambda: self._found(machine.last_write(machine.kernel_map, machine.kernel_map.start), 0))

    def _found(self, operation: Any, number: int) -> None:
        assert operation.number == number, "nothing has changed it since"


def measure(operations: int = OPERATIONS, asked: int = ASKED) -> tuple[list[Measured], Asked]:
    """All lives, and a question about the first change in one."""
    return [Measured(title, operations) for title in LIVES], Asked(asked)


def report(found: list[Measured], asked: Asked) -> str:
    """The tables, and the aims."""
    rows = [
        ["m.at(n), beside the last one, median", *(_ms(median(one.neighbours)) for one in found)],
        ["m.at(n), beside the last one, most", *(_ms(max(one.neighbours)) for one in found)],
        ["m.at(n), any n, median", *(_ms(median(one.any)) for one in found)],
        ["m.at(n), any n, most", *(_ms(max(one.any)) for one in found)],
        ["m.branch(n), n in the middle", *(_ms(one.branch) for one in found)],
        ["m.undo(), median", *(_ms(median(one.undo)) for one in found)],
        ["m.redo(), median", *(_ms(median(one.redo)) for one in found)],
        ["m.journal.save", *(_ms(one.save) for one in found)],
        ["vm.load_journal", *(_ms(one.load) for one in found)],
    ]
    kept = [
        ["copies", *(f"{len(one.machine.history._copies):,}" for one in found)],
        ["KiB of all copies", *(f"{one.machine.history.bytes_kept / 1024:,.0f}" for one in found)],
        ["bytes an operation in the journal", *(f"{one.machine.journal.bytes_an_operation():.0f}" for one in found)],
        ["bytes an operation of what learners' code did", *(f"{_of_code(one.machine):.0f}" for one in found)],
        ["bytes an operation in the saved file", *(f"{one.saved / len(one.machine.journal):.0f}" for one in found)],
    ]
    header = ["", *(one.title for one in found)]
    operations = len(found[0].machine.journal) - 1
    copied = [one for one in found if one.copied]
    near, far = max(max(one.neighbours) for one in copied), max(max(one.any) for one in copied)
    records = max(one.machine.journal.bytes_an_operation() for one in found)
    most = max(one.machine.journal.bytes_an_operation() + _of_code(one.machine) for one in found)
    bound = max(one.machine.history.bytes_kept for one in found)
    spills = (
        f"beyond {IN_MEMORY >> 20} MiB, some {IN_MEMORY / records / 1e6:.1f} million operations, they spill to a file"
    )
    return "\n".join([
        table(f"Going back, {operations:,} operations (milliseconds)", header, rows),
        f"  where copies can be taken: {', '.join(one.title for one in copied)}; else all since the boot is done again",
        f"  aim: a neighbour in {NEIGHBOUR * 1e3:.0f} ms: {verdict(near <= NEIGHBOUR)}",
        f"  aim: any moment in {ANY:.0f} s: {verdict(far <= ANY)}",
        "",
        table(
            f"m.last_write of what changed before {asked.operations:,} operations (milliseconds)",
            ["asked first", "asked again", "another place"],
            [[_ms(asked.first), _ms(asked.again), _ms(asked.other)]],
        ),
        f"  aim: the first answer in {ANSWER:.0f} s: {verdict(asked.first <= ANSWER)}",
        "",
        table("What is kept for it", header, kept),
        f"  aim: copies within {MOST_COPIED_BYTES >> 20} MiB: {verdict(bound <= MOST_COPIED_BYTES)}",
        f"  aim: at most {BYTES} bytes an operation: {verdict(most <= BYTES)} ({spills})",
    ])  # fmt: skip  # one line each


def _of_code(machine: Any) -> float:
    """Bytes of the host's memory that the records of threads and handlers take, for each operation of the journal."""
    kept = machine.journal.scripts
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    same = {key: script.until(script.last) for key, script in pickle.loads(pickle.dumps(kept)).items()}
    taken = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert len(same) == len(kept), "all of them are there while they are measured"
    return taken / len(machine.journal)


def _ms(value: float) -> str:
    return f"{value * 1e3:,.1f}"
