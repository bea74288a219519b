"""Random lives of whole machines, taken back: every value of every part, operation by operation and step by step."""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

import vmwidgets as vm
from tests.engine.kernel.maps import folded
from tests.engine.machine.lives import ARCHITECTURES, ThreadsLife
from tests.engine.machine.random_door import Walker
from tests.engine.watch import Watch
from tests.views.lives import WHOLE
from tests.views.test_domain_window import untrue
from tests.views.wholes import taken_back, unwalked, whole
from vmwidgets.engine.base.event import Event
from vmwidgets.engine.base.past import Past
from vmwidgets.engine.base.recorder import CallStacks
from vmwidgets.engine.kernel.threads.threads_schema import ThreadEnded, ThreadsValue
from vmwidgets.engine.kernel.x15.kentry_schema import KentryContents
from vmwidgets.engine.memory.pages_schema import ZEROED
from vmwidgets.engine.mmu.formats import FORMATS
from vmwidgets.engine.mmu.tables_schema import PteRunWritten, PteWritten
from vmwidgets.engine.spaces.processors import SHOOTDOWNS
from vmwidgets.views.domain.picture import focus_of

pytestmark = pytest.mark.once

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


LIVES = [(operations, 110), (threads, 40), (entries, 40), (processors, 90), (families, 45)]
QUIRKS = ["clip-end-first", "nomerge-enter", "map-not-undone", "modify-flags-lost", "first-table-decides"]


@pytest.mark.sampled(3)
@pytest.mark.parametrize("seed", [0])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize(("kind", "count"), LIVES)
def test_every_value_is_what_it_was_before_the_operation(
    kind: Callable[[str, int], Life], count: int, architecture: str, seed: int
) -> None:
    every_value_is_taken_back(kind(architecture, seed), count)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("quirk", QUIRKS)
@pytest.mark.parametrize("architecture", ["x86-64", "armv7"])
def test_so_it_is_where_the_original_has_bugs(quirk: str, architecture: str) -> None:
    every_value_is_taken_back(operations(architecture, 2, [quirk]), 90)


def every_value_is_taken_back(life: Life, count: int) -> None:
    kept: dict[str, Any] = {"moment": None}
    compared = 0

    def begin(machine: Any) -> None:
        moment = machine, len(machine.journal)
        if kept["moment"] != moment:
            kept.update(moment=moment, before=whole(machine))

    for machine in recorded(life, count, begin):
        before, after = kept["before"], whole(machine)
        past = Past(machine.journal.last.events)
        for name in before.keys() & after.keys():
            was = taken_back(machine, name, after[name], past)
            assert was == before[name], f"{name} before {machine.journal.last}"
            compared += 1
        kept.update(moment=(machine, len(machine.journal)), before=after)
    assert compared > 200


# ---- step by step --------------------------------------------------------------------------------


def in_the_middle(name: str, operation: str, events: Sequence[Event], done: int) -> bool:
    """Whether a structure is, after so many events, not in a state that they tell of.

    List and tree of a map differ while `vm_map_link` and `vm_map_unlink` run, and counts follow last.  A block that was
    cut or joined belongs to nobody until the page allocator says whose it is; a frame counts as zeroed once it holds
    zeroes.  A submap is there before its making is reported.  A thread that is given up has left its queue before that
    is reported.  Slots that other parts of a program take or give are reported one by one when all are.
    The tables of a task that has ended since are not there to be read.  Descriptors that one write of memory put there
    are reported run by run.
    """
    written = [type(one) for one in events[done - 1 : done + 1] if isinstance(one, (PteWritten, PteRunWritten))]
    if name.startswith("tables") and len(written) == 2 and PteRunWritten in written:
        return True
    if name == "replacement" and any(one.tag == "TaskExited" for one in events[done:]):
        return True
    coming = next((one for one in events[done:] if one.tag.startswith("Thread")), None)
    if isinstance(coming, ThreadEnded) and coming.before is not None and name in ("threads", "maps"):
        return True
    stacks = CallStacks()
    for event in events[:done]:
        fields = [getattr(event, part) for part in ("name", "to", "thread") if hasattr(event, part)]
        stacks.begin(event.tag, *fields)
        stacks.end(event.tag, *fields)
    if name == "frames":
        latest = events[done - 1]
        return latest.tag in ("BlockSplit", "BlockJoined", "PoolDrained") or getattr(latest, "owner", "") == ZEROED
    if name in ("threads", "caches", "kentry") or name.startswith("domain"):
        return operation in ("take_slots", "give_slots")
    return not {"vm_map_link", "vm_map_unlink", "kmem_suballoc"}.isdisjoint(stacks.stack)


def comparable(value: Any) -> Any:
    """A value without what no event tells of as it happens.

    A running thread may return from the call that it is in; an entry has its slot before it is in a list.
    """
    if isinstance(value, KentryContents):
        return replace(value, residents={})
    if isinstance(value, ThreadsValue):
        seen = [replace(one, doing="" if one.state == "running" else one.doing) for one in value.threads]
        seen = [one for one in seen if one.name or one.state != "running"]
        return ThreadsValue.of(seen, value.ticks, value.hz, ())
    return value


@pytest.mark.sampled(5)
@pytest.mark.parametrize("seed", [3, pytest.param(27, marks=pytest.mark.sweep)])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize(("kind", "count"), LIVES)
def test_every_value_at_a_step_is_what_was_there_when_it_was_reported(
    kind: Callable[[str, int], Life], count: int, architecture: str, seed: int
) -> None:
    draws, life = random.Random(seed), kind(architecture, seed)
    watches: dict[int, Watch] = {}

    def wanted() -> bool:
        return draws.random() < 0.12 / (1 + sum(len(watch.seen) for watch in watches.values()))

    def begin(machine: Any) -> None:
        if id(machine) not in watches:
            watches[id(machine)] = Watch(machine.system.recorder, lambda: seen(machine), wanted)
        watches[id(machine)].begin()

    def seen(machine: Any) -> dict[str, Any]:
        try:
            return whole(machine)
        except vm.Refused:  # a submap has no name yet, a domain's tables are gone
            return {}

    compared = 0
    for machine in recorded(life, count, begin):
        after, events = whole(machine), machine.journal.last.events
        for done, then in watches[id(machine)].seen:
            past = Past(events[done:])
            for name in then.keys() & after.keys():
                if not in_the_middle(name, machine.journal.last.name, events, done):
                    was = taken_back(machine, name, after[name], past)
                    where = f"{name} after {events[done - 1]} of {machine.journal.last}"
                    assert comparable(was) == comparable(then[name]), where
                    compared += 1
    assert compared > 30


@pytest.mark.sampled(5)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize(("kind", "count"), LIVES)
def test_an_operation_done_again_is_seen_as_it_was_at_each_event(
    kind: Callable[[str, int], Life], count: int, architecture: str
) -> None:
    """What a machine was when it was stopped at random events, beside one that does the operation again."""
    draws, life = random.Random(architecture), kind(architecture, 8)
    watches: dict[int, Watch] = {}

    def wanted() -> bool:
        return draws.random() < 0.1 / (1 + sum(len(watch.seen) for watch in watches.values()))

    def seen(machine: Any) -> dict[str, Any]:
        try:
            return whole(machine)
        except vm.Refused:  # a submap has no name yet, a domain's tables are gone
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


# ---- several operations, and windows -------------------------------------------------------------


def alive(past: Past, name: str) -> list[int]:
    """Entries of a map that the rows of list and tree name and that are there now."""
    found: dict[int, None] = {}
    for table in ("after", "node", "left", "right", "red"):
        for key, held in past.changes(table, name).items():
            links = held if table == "after" else ()
            found.update(dict.fromkeys(one for one in (key, *links) if isinstance(one, int)))
    gone = past.marks("after", name).leaving
    return [one for one in found if one not in gone]


@pytest.mark.sampled(3)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("crossed", [1, 3, 12, 40])
def test_a_folded_map_taken_back_over_operations_is_a_fresh_window_of_then(architecture: str, crossed: int) -> None:
    draws = random.Random(crossed)
    machine = vm.boot(architecture, layout="small")
    space = machine.kernel_map
    first = int(space.end) - 900 * vm.PAGE
    for number in range(110):
        space.enter(vm.PAGE, at=first + 8 * number * vm.PAGE, fixed=True, nomerge=True)
    for _ in range(60):
        page = first + draws.randrange(880) * vm.PAGE
        with suppress(vm.KernelError):
            if draws.random() < 0.5:
                space.remove(page, size=draws.randrange(1, 20) * vm.PAGE)
            else:
                space.enter(vm.PAGE, at=page, fixed=True, prot=draws.choice(["r", "rw"]))
    last = machine.journal.last.number
    past = machine.journal.since(last - crossed)
    value = space.value(alive(past, space.name), whole=1)
    then = machine.at(last - crossed).kernel_map
    assert value.folds
    was = value.at(past)
    assert was == folded(then.value(whole=WHOLE), was.nodes)
    assert sum(fold.count for fold in was.folds) + len(was.entries) == len(then)


@pytest.mark.parametrize("architecture", ["armv7", "x86-64"])
@pytest.mark.parametrize("crossed", [1, 4, 15])
def test_a_window_on_a_domain_taken_back_over_operations_is_true_of_then(architecture: str, crossed: int) -> None:
    draws, machine = random.Random(crossed), vm.boot(architecture)
    domain = machine.domain("hello", slots=300)
    frames = [domain.frame("16 KiB") for _ in range(3)]
    mapped: list[int] = []
    for _ in range(80):
        with suppress(vm.VMError):
            if draws.random() < 0.65 or not mapped:
                mapped.append(domain.map(draws.choice(frames), size=draws.choice(["4 KiB", "8 KiB", "16 KiB"])))
            elif draws.random() < 0.5:
                domain.unmap(mapped.pop(draws.randrange(len(mapped))), "4 KiB")
            else:
                domain.modify_flags(draws.choice(mapped), "4 KiB", draws.choice(["r", "rw"]))
    operations = machine.journal[-crossed:]
    past = Past((), operations)
    events = [event for operation in operations for event in operation.events]
    window = domain.domain.window(focus_of(events, "hello"), whole=0, few=3)
    then = machine.at(machine.journal.last.number - crossed).part(domain.path).snapshot()
    assert list(untrue(window.at(past), then)) == []


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("crossed", [1, 5, 30])
def test_processors_taken_back_over_operations_are_those_of_then(architecture: str, crossed: int) -> None:
    machine_of, act = processors(architecture, crossed)
    for _ in range(90):
        act()
    machine = machine_of()
    last = machine.journal.last.number
    value, then = machine.cpus.value(), machine.at(last - crossed).cpus.value()
    assert unwalked(value.at(machine.journal.since(last - crossed))) == unwalked(then)
    assert value.at(Past(())) is value  # with what is stale
