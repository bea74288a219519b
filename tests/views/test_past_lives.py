"""Random lives of whole machines, taken back: every value of every part, operation by operation and step by step."""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

import pytest

import vmwidgets as vm
from tests.engine.machine.lives import ARCHITECTURES, ThreadsLife
from tests.engine.machine.random_door import Walker
from tests.engine.watch import Watch
from tests.views.wholes import whole
from vmwidgets.engine.machine.machine import SINGLE_PARTS
from vmwidgets.engine.mmu.formats import FORMATS
from vmwidgets.engine.mmu.tables_schema import TableWindow
from vmwidgets.engine.spaces.processors import SHOOTDOWNS

Life = tuple[Callable[[], Any], Callable[[], object]]
"""What gives a life's machine, and what does the next thing in it."""


def operations(architecture: str, seed: int, quirks: Sequence[str] = ()) -> Life:
    """Operations of all parts: maps, tasks, domains, processors, kernel memory, descriptors edited by hand."""
    walker = Walker(architecture, seed, quirks)
    return lambda: walker.machine, walker.step


def threads(architecture: str, seed: int) -> Life:
    """Threads that allocate, sleep, hold locks and fail; handlers that give memory back."""
    life = ThreadsLife(architecture, seed)
    return lambda: life.machine, lambda: life.live(len(life.machine.journal))


def recorded(life: Life, count: int, begin: Callable[[Any], None] = lambda machine: None) -> Iterator[Any]:
    """The life's machine after each operation that left all its events, one of `count` tried at a time."""
    machine_of, act = life
    for _ in range(count):
        machine = machine_of()
        before = len(machine.journal)
        begin(machine)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            act()
        done = machine_of() is machine and not machine.dead and len(machine.journal) == before + 1
        if done and not machine.journal.last.truncated:
            yield machine


def entries(architecture: str, seed: int) -> Life:
    """A kernel map with so many entries that their slabs come and go, in memory that fills up and is given back."""
    draws = random.Random(seed)
    machine = vm.boot(architecture, layout="small", ram="4 MiB")
    space = machine.kernel_map
    first = int(space.end) - 1000 * vm.PAGE
    for number in range(97):
        space.enter(vm.PAGE, at=first + 8 * number * vm.PAGE, fixed=True, nomerge=True)

    def act() -> None:
        page = first + draws.randrange(960) * vm.PAGE
        acts: list[Callable[[], object]] = [
            lambda: space.enter(vm.PAGE, at=page, fixed=True, nomerge=True),
            lambda: space.remove(page, size=draws.randrange(1, 100) * vm.PAGE),
            lambda: space.remove(first, size=1000 * vm.PAGE),
            machine.kentry.reap,
            lambda: machine.take_pages(draws.choice([40, machine.kmem.pages.available - 50])),
            lambda: machine.give_pages(None),
            lambda: machine.read_file("data", draws.choice(["64 KiB", "256 KiB"])),
            lambda: machine.kmem_malloc("64 KiB", vm.M_NOWAIT),
        ]
        with suppress(vm.VMError):
            draws.choices(acts, [9, 1, 1, 1, 1, 1, 1, 2])[0]()

    return lambda: machine, act


def processors(architecture: str, seed: int) -> Life:
    """Two processors with small TLBs that evict: accesses, switches, flushes of each kind, shootdowns of each kind."""
    draws = random.Random(seed)
    asids = bool(FORMATS[architecture].asid_bits)
    machine = vm.boot(architecture, layout="small", cpus=2, tlb=(2, 2), asids=asids)
    tasks = [machine.task(name) for name in ("one", "two")]
    for task in tasks:
        task.map.enter(12 * vm.PAGE, at=0x40_0000)
    kernel = machine.kmem_malloc(6 * vm.PAGE)
    machine.cpus.set_shootdown("sent")

    def act() -> None:
        cpu, task, size = draws.choice(list(machine.cpus)), draws.choice(tasks), draws.randrange(1, 5) * vm.PAGE
        page = draws.choice([0x40_0000 + draws.randrange(12) * vm.PAGE, kernel + draws.randrange(6) * vm.PAGE])
        acts: list[tuple[int, Callable[[], object]]] = [
            (6, lambda: cpu.load(page, 5)),
            (5, lambda: cpu.store(page, b"hello")),
            (2, lambda: cpu.run(draws.choice([None, *tasks]))),
            (4, lambda: task.map.protect(page, size=2 * vm.PAGE, prot=draws.choice(["r", "rw"]))),
            (1, lambda: task.write(page, b"there")),
            (1, lambda: machine.cpus.set_shootdown(draws.choice(SHOOTDOWNS))),
            (1, cpu.acknowledge),
            (1, lambda: cpu.flush(page)),
            (1, lambda: cpu.flush(task=task)),
            (1, lambda: cpu.flush(keep_globals=draws.random() < 0.5)),
            (2, lambda: machine.set_descriptor(machine.walk(page, task=task).steps[-1].pa, 0)),
            (2, machine.undo_descriptor),
            (3, lambda: machine.kmem_free(machine.kmem_malloc(size), size)),
        ]
        with suppress(vm.VMError):
            draws.choices([one for _, one in acts], [weight for weight, _ in acts])[0]()

    return lambda: machine, act


POLICIES: list[Any] = ["fifo", "lru", "second chance", "clock", "clock", vm.Replacement("working set", window=6)]
POLICIES += [vm.Replacement("clock", local=True), lambda pages: pages[-1], "aging", vm.Replacement("aging", local=True)]
POLICIES += ["nru", vm.Replacement("opt", future=tuple(0x10 + number * 7 % 12 for number in range(99)))]


def families(architecture: str, seed: int) -> Life:
    """Tasks that fork and end, map files and memory, write, and have pages go out and come back."""
    draws = random.Random(seed)
    machine = vm.boot(architecture, layout="small", ram="4 MiB", fork=("shadow", "counted", "eager")[seed % 3])
    machine.task("init")
    machine.swap_on("64 KiB")
    files = [machine.file(name, name.encode() * 3000) for name in ("one", "two")]
    places: list[int] = []

    def act() -> None:
        task, file, size = draws.choice([*machine.tasks.values()]), draws.choice(files), draws.randrange(1, 6) * vm.PAGE
        at = draws.choice(places or [0x1_0000]) + draws.randrange(4) * vm.PAGE
        acts: list[tuple[int, Callable[[], object]]] = [
            (2, lambda: places.append(task.mmap(size))),
            (2, lambda: places.append(task.mmap(size, flags="shared"))),
            (2, lambda: places.append(task.mmap(size, "rw", draws.choice(["private", "shared"]), file))),
            (1, lambda: places.append(task.mmap(size, flags="private growsdown"))),
            (9, lambda: task.write(at, b"w" * draws.choice([3, 5000]))),
            (5, lambda: task.read(at, draws.choice([3, 5000]))),
            (2, lambda: task.fork() if len(machine.tasks) < 5 else task.exit()),
            (1, lambda: task.munmap(at, size)),
            (1, lambda: task.mprotect(at, size, draws.choice(["r", "rw"]))),
            (1, lambda: task.brk(task.brk() + draws.randrange(9000))),
            (2, lambda: task.page_out(at, size)),
            (1, lambda: task.madvise(at, size, "dontneed")),
            (1, lambda: task.msync(at, size)),
            (1, lambda: task.map.wire(at, size=size)),
            (1, lambda: file.write(draws.randrange(9000), b"new")),
            (1, lambda: file.truncate(draws.randrange(12_000))),
            (1, task.exec),
            (1, lambda: setattr(machine, "replacement", draws.choice(POLICIES))),
            (1, machine.tick),
            (1, lambda: task.limit("rss", draws.choice([None, 3 * vm.PAGE, 6 * vm.PAGE]))),
        ]
        with suppress(vm.VMError):
            draws.choices([one for _, one in acts], [weight for weight, _ in acts])[0]()
        if not machine.tasks:
            machine.task(f"another {len(machine.journal)}")

    return lambda: machine, act


LIVES = [(operations, 110), (threads, 40), (entries, 15), (processors, 90), (families, 45)]
QUIRKS = ["clip-end-first", "nomerge-enter", "map-not-undone", "modify-flags-lost", "first-table-decides"]


# ---- step by step --------------------------------------------------------------------------------


CASES: list[Any] = [(kind, count, architecture, ()) for kind, count in LIVES for architecture in ARCHITECTURES]
CASES += [(operations, 60, architecture, (quirk,)) for quirk in QUIRKS for architecture in ("x86-64", "armv7")]


@pytest.mark.parametrize(("kind", "count", "architecture", "quirks"), CASES)
def test_an_operation_done_again_is_seen_as_it_was_at_each_event(
    kind: Callable[..., Life], count: int, architecture: str, quirks: tuple[str, ...]
) -> None:
    """What a machine was when it was stopped at random events, beside one that does the operation again."""
    draws, life = random.Random(architecture), kind(architecture, 8, *[quirks] * bool(quirks))
    watches: dict[int, Watch] = {}

    def wanted() -> bool:
        return draws.random() < 0.1 / (1 + sum(len(watch.seen) for watch in watches.values()))

    def seen(machine: Any) -> dict[str, Any]:
        try:
            return whole(machine)
        except vm.Refused:  # a domain's tables are gone
            return {}

    def begin(machine: Any) -> None:
        if id(machine) not in watches:
            watches[id(machine)] = Watch(machine.system.recorder, lambda: seen(machine), wanted)
        watches[id(machine)].begin()

    compared = 0
    for machine in recorded(life, count, begin):
        stopped = watches[id(machine)].seen
        if stopped:
            again = machine.history.moments(machine.journal.last.number, seen)
            assert len(again) == 1 + len(machine.journal.last.events)
            for done, then in stopped:
                assert again[done] == then, f"after {done} events of {machine.journal.last}"
                compared += len(then)
    assert compared > 30


def test_each_value_that_a_part_of_a_machine_has_is_compared() -> None:
    """A structure that is forgotten in `whole` would silently be seen otherwise than it was."""
    machine = vm.boot("armv7")
    machine.task("init")
    machine.domain("hello")
    compared = {type(value) for value in whole(machine).values()}
    parts = [machine.part(path) for path in SINGLE_PARTS]
    parts += [*machine.tasks.values(), *machine.domains.values(), *(task.map for task in machine.tasks.values())]
    looks = [getattr(part, name) for part in parts for name in ("value", "contents", "snapshot") if hasattr(part, name)]
    assert {type(look()) for look in looks} == compared - {TableWindow}
