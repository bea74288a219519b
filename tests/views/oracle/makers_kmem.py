"""Small lives of kernel memory, of threads, and of files that the kernel reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

import vmwidgets as vm
from vmwidgets.engine.kernel.freebsd.kmem import Kmem

from .lives import one_after_the_other
from .makers import makes
from .reading import PAGE

Acts = list[Callable[[], object]]

CLEARED = 563
"""Pages of an allocation that makes so many events that the first one that is kept is of a page that was cleared."""


def tiny(**words: Any) -> Any:
    """A small machine."""
    return vm.boot("x86-64", layout="tiny", **{"ram": "8 MiB", **words})


# ---- maps of kernel memory -----------------------------------------------------------------------


@makes(
    "kmem events: MapCreated", "kmem events: SubmapAttached", "kmem operations: suballoc",
    "kmem operations: suballoc/reason", "map events: EntryResized/submap",
)  # fmt: skip  # a list
def a_map_of_its_own() -> Iterator[vm.Machine]:
    machine = tiny()
    yield from one_after_the_other(machine, [lambda: machine.kmem_suballoc("64 KiB", "inner")])


@makes("kmem events: MapCreated/no", "headlines: panic", "headlines: panic/dead", "map events: Panicked")
def no_memory_for_a_map() -> Iterator[vm.Machine]:
    machine, create_map = tiny(), Kmem.create_map

    def created(kmem: Kmem, name: str, start: int, end: int) -> Any:
        kmem.veto_map = lambda: name == "inner"
        return create_map(kmem, name, start, end)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Kmem, "create_map", created)  # of each machine: steps are looked at in copies
        yield from one_after_the_other(machine, [lambda: machine.kmem_suballoc("64 KiB", "inner")])


@makes("kmem events: SubmapAttached/no", "kmem events: ObjectCreated", "map events: EntryResized/got object")
def an_entry_that_grew_is_no_place_for_a_map() -> Iterator[vm.Machine]:
    machine = tiny()
    acts: Acts = [
        lambda: machine.kmem_alloc_wait(PAGE, map="exec_map"),
        lambda: machine.unchecked.kmem_suballoc(machine.kmem.exec_map, 2 * PAGE, "inner"),
    ]
    yield from one_after_the_other(machine, acts)


@makes("kmem events: RangeInserted/outside", "kmem operations: alloc", "kmem operations: alloc/nothing")
def nothing_is_asked_for() -> Iterator[vm.Machine]:
    for name in ("kmem_alloc", "kmem_alloc_nofault"):
        machine = tiny()
        acts: Acts = [partial(getattr(machine.unchecked, name), machine.kmem.kernel_map, 0)]
        yield from one_after_the_other(machine, acts)


@makes("kmem events: RangeInserted/extend object", "kmem events: EntryClipped", "kmem operations: free/cuts")
def an_entry_with_an_object_grows() -> Iterator[vm.Machine]:
    machine = tiny()
    start = machine.kmem_alloc_wait(4 * PAGE, map="exec_map")
    acts: Acts = [
        lambda: machine.unchecked.kmem_free_wakeup(machine.kmem.exec_map, start + 2 * PAGE, 2 * PAGE),
        lambda: machine.kmem_alloc_wait(PAGE, map="exec_map"),
    ]
    yield from one_after_the_other(machine, acts)


@makes("map events: EntryResized/gave object")
def an_object_is_given_back_when_pages_are_short() -> Iterator[vm.Machine]:
    machine = tiny(ram="4 MiB")
    start = machine.kmem_alloc_wait(8 * PAGE, map="exec_map")
    acts: Acts = [
        lambda: machine.take_pages(machine.kmem.pages.available - 6),
        lambda: machine.kmem.exec_map.wire(start, size=8 * PAGE),
    ]
    yield from one_after_the_other(machine, acts)


@makes(
    "kmem events: LowMemory", "kmem events: CallbackRan/returned", "kmem events: CallbackRan/failed",
    "kmem operations: alloc/reclaimed",
)  # fmt: skip  # a list
def handlers_are_asked_for_memory() -> Iterator[vm.Machine]:
    machine = tiny()
    held: list[int] = []
    room = machine.kmem.kmem_map.end - machine.kmem.kmem_map.start

    def gives() -> None:
        machine.kmem_free(held.pop(), room // 4)

    def fails() -> None:
        raise ValueError("it has nothing")

    acts: Acts = [lambda: held.append(machine.kmem_malloc(room // 4, vm.M_NOWAIT)) for _ in range(4)]
    acts += [lambda: machine.on_lowmem(gives), lambda: machine.kmem_malloc(room // 4)]
    acts += [lambda: machine.on_lowmem(fails), lambda: machine.kmem_malloc(room // 4)]
    yield from one_after_the_other(machine, acts)


# ---- pages ---------------------------------------------------------------------------------------


@makes(
    "kmem events: FileRead/reactivated", "kmem events: PageCached", "kmem events: DaemonScanned",
    "kmem events: PageReused", "kmem operations: alloc/slept",
)  # fmt: skip  # a list
def pages_of_files_are_cached_and_used_again() -> Iterator[vm.Machine]:
    machine = tiny(ram="4 MiB")
    acts: Acts = [
        lambda: machine.read_file("film", 60 * PAGE),
        lambda: machine.take_pages(machine.kmem.pages.available - 6),
        lambda: machine.kmem_malloc(4 * PAGE),
        lambda: machine.kmem_malloc(2 * PAGE),
        lambda: machine.read_file("film", 20 * PAGE),
        lambda: machine.kmem_malloc(30 * PAGE),
    ]
    yield from one_after_the_other(machine, acts)


@makes(
    "kmem events: PageReleased/unwired", "kmem events: PageGranted/wired zeroed",
    "kmem operations: free/pages", "kmem operations: free/silent",
)  # fmt: skip  # a list
def wired_pages_are_given_back() -> Iterator[vm.Machine]:
    machine = tiny(ram="4 MiB")
    held: list[int] = []
    acts: Acts = [
        lambda: machine.tick(50),
        lambda: held.append(machine.kmem_malloc(6 * PAGE, "M_WAITOK|M_ZERO")),
        lambda: machine.kmem_free(held[0], 6 * PAGE),
        lambda: machine.take_pages(machine.kmem.pages.available - 8),
        lambda: machine.kmem_malloc(32 * PAGE, vm.M_NOWAIT),
        lambda: machine.give_pages(1),
    ]
    yield from one_after_the_other(machine, acts)


@makes("kmem events: ZoneShrunk", "kmem operations: uma_reclaim", "kmem operations: uma_reclaim/reason")
def zones_give_slabs_back() -> Iterator[vm.Machine]:
    machine = tiny()
    held: list[int] = []
    acts: Acts = [
        lambda: held.append(machine.malloc(2000)),
        lambda: machine.free(held.pop()),
        machine.uma_reclaim,
    ]
    yield from one_after_the_other(machine, acts)


@makes("kmem operations: free/nothing")
def nothing_is_there_to_free() -> Iterator[vm.Machine]:
    machine = tiny()
    start = machine.kmem.exec_map.start
    acts: Acts = [lambda: machine.unchecked.kmem_free_wakeup(machine.kmem.exec_map, start, PAGE)]
    yield from one_after_the_other(machine, acts)


@makes("kmem events: PageCleared")
def what_was_recorded_begins_with_a_page_that_is_cleared() -> Iterator[vm.Machine]:
    machine: Any = vm.boot("x86-64", layout="small")
    yield from one_after_the_other(machine, [lambda: machine.kmem_alloc(CLEARED * PAGE)])


# ---- threads -------------------------------------------------------------------------------------


@makes(
    "kmem events: CallUndone", "threads: kill/undone", "kmem operations: free/woke",
    "kmem operations: unlock", "threads: tsleep",
)  # fmt: skip  # a list
def calls_are_given_up_and_threads_woken() -> Iterator[vm.Machine]:
    machine = tiny(ram="4 MiB")
    held: list[int] = []
    room = machine.kmem.exec_map.end - machine.kmem.exec_map.start

    def wakes() -> Iterator[Any]:
        yield from machine.tsleep("first", ticks=2)
        machine.wakeup("channel")

    acts: Acts = [
        lambda: held.append(machine.kmem_alloc_wait(room - PAGE, map="exec_map")),
        lambda: machine.spawn(lambda: machine.kmem_alloc_wait(4 * PAGE, map="exec_map"), name="sleeps"),
        machine.step,
        lambda: machine.kmem_free_wakeup(held[0], room - PAGE, map="exec_map"),
        machine.run,
        machine.kmem.exec_map.lock,
        machine.kmem.exec_map.unlock,
        lambda: machine.spawn(wakes, name="wakes"),
        lambda: machine.tsleep("channel", ticks=50),
        lambda: machine.take_pages(machine.kmem.pages.available - 4),
        lambda: machine.spawn(lambda: machine.kmem_malloc("64 KiB"), name="waits"),
        machine.step,
        machine.step,
        lambda: machine.kill("waits"),
    ]
    yield from one_after_the_other(machine, acts)


@makes("threads: Deadlocked/alone", "threads: Deadlocked/alone over", "threads: Deadlocked/over")
def threads_wait_for_their_own_locks() -> Iterator[vm.Machine]:
    machine = tiny()
    own, other = machine.kmem.exec_map, machine.kmem.pipe_map

    def twice() -> Iterator[Any]:
        yield from own.lock()
        yield from own.lock()

    def crossed() -> Iterator[Any]:
        yield from other.lock()
        yield from machine.tsleep("between", ticks=1)
        yield from own.lock()

    acts: Acts = [
        lambda: machine.spawn(twice, name="twice"),
        machine.run,
        lambda: machine.kill("twice"),
        own.lock,
        lambda: machine.kmem_alloc_wait(PAGE, map="exec_map"),
        lambda: machine.spawn(crossed, name="crossed"),
        machine.run,
        lambda: machine.kmem_alloc_wait(PAGE, map="pipe_map"),
    ]
    yield from one_after_the_other(machine, acts)


@makes("threads: ran/clock", "threads: ran/ready")
def only_the_clock_runs() -> Iterator[vm.Machine]:
    machine = tiny()

    def naps() -> Iterator[Any]:
        yield from machine.tsleep("a while", ticks=20)
        yield from machine.tsleep("a while", ticks=20)

    acts: Acts = [lambda: machine.spawn(naps, name="naps"), lambda: machine.run(steps=2)]
    acts += [lambda: machine.run(steps=1) for _ in range(3)]
    yield from one_after_the_other(machine, acts)


@makes("headlines: failed/briefly")
def an_error_of_many_words() -> Iterator[vm.Machine]:
    machine = tiny()

    def fails() -> None:
        raise ValueError("it says what it was, in more words than a headline has " * 3)

    acts: Acts = [lambda: machine.spawn(fails, name="fails"), machine.run]
    yield from one_after_the_other(machine, acts)
