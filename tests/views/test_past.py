"""Back in time: values of now with what events wrote laid over them are what was there."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

import vmwidgets as vm
from tests.engine.kernel.kmems import Kernel
from tests.engine.watch import Watch
from tests.views.lives import WHOLE, Life, everything
from vmwidgets.engine.base.errors import KernelPanic
from vmwidgets.engine.base.event import Event
from vmwidgets.engine.base.past import Past
from vmwidgets.engine.base.recorder import CallStacks, Raw, Recorder, materialize
from vmwidgets.engine.base.units import PAGE
from vmwidgets.engine.kernel.freebsd.kmem import M_NOWAIT, Kmem
from vmwidgets.engine.kernel.freebsd.vm_map import FreeBSDMap
from vmwidgets.engine.kernel.map.map_schema import KernelMapValue, MapResized
from vmwidgets.engine.kernel.map.window import map_value
from vmwidgets.engine.kernel.threads.scheduler import Scheduler
from vmwidgets.engine.kernel.threads.threads_schema import ThreadsValue
from vmwidgets.engine.kernel.threads.waits import ChannelWait, MaySleep, Running


@pytest.mark.sampled(2)
@pytest.mark.parametrize("seed", range(8))
def test_an_operation_undone_leaves_what_was_before_it(seed: int) -> None:
    life = Life(seed)
    before = everything(life.machine)
    for _ in life.go_on(90):
        operation, after = life.machine.journal.last, everything(life.machine)
        for was, then in zip(after.at(Past(operation.events)), before, strict=True):
            assert was == then, f"{operation.number}: {operation.name}"
        before = after


def test_many_operations_undone_leave_what_was_before_them() -> None:
    life = Life(4)
    moments = [everything(life.machine)]
    moments += [everything(life.machine) for _ in life.go_on(60)]
    last = life.machine.journal.last.number
    for crossed in range(1, len(moments), 7):
        assert moments[-1].at(life.machine.journal.since(last - crossed)) == moments[-1 - crossed], crossed
    assert not life.machine.journal.since(last)


def test_what_was_not_kept_of_an_operation_cannot_be_crossed() -> None:
    life = Life(0)
    kept = life.machine.journal.last
    lost = kept._replace(number=7, records=((MapResized.tag, "m", 0, 1),) * 4096)
    assert lost.truncated
    past = Past(lost.events[:1], [kept])
    assert past.one("size", "m", 5) == 0, "in the middle of it events can be taken back as far as they are kept"
    with pytest.raises(vm.Refused, match="operation 7 can't be undone: only its last events were kept"):
        Past((), [kept, lost])


def test_operations_whose_events_were_forgotten_cannot_be_crossed() -> None:
    machine = vm.boot()
    while machine.journal.keeps(1):
        machine.tick(1)
    first = next(number for number in range(len(machine.journal)) if machine.journal.keeps(number))
    assert machine.threads.value().at(machine.journal.since(first - 1)).ticks == first - 1
    with pytest.raises(vm.Refused, match=f"operation {first - 1} can't be undone: only the last 1,000 keep"):
        machine.journal.since(first - 2)


def outside_of_links(events: Sequence[Event], done: int) -> bool:
    """Whether no entry is being put into list and tree, or taken out, after `done` events: in there the two differ.

    What is reported of the list while `vm_map_link` and `vm_map_unlink` run is not yet true of the tree, or the other
    way round, and counts follow last.
    """
    stacks = CallStacks()
    for event in events[:done]:
        fields = [getattr(event, name) for name in ("name", "to", "thread") if hasattr(event, name)]
        stacks.begin(event.tag, *fields)
        stacks.end(event.tag, *fields)
    return not {"vm_map_link", "vm_map_unlink"} & {*stacks.stack}


def without_calls(value: ThreadsValue) -> ThreadsValue:
    """Threads without the call that a running one is in: it may return from it, which no event says."""
    threads = [replace(one, doing="" if one.state == "running" else one.doing) for one in value.threads]
    return ThreadsValue.of([one for one in threads if one.name or one.state != "running"], value.ticks, value.hz,
                           value.locks)  # fmt: skip


@pytest.mark.parametrize("seed", range(4))
def test_each_step_is_what_was_there_when_it_was_reported(seed: int) -> None:
    life, draws = Life(seed), random.Random(seed)
    machine = life.machine

    def look() -> tuple[KernelMapValue, ThreadsValue]:
        return machine.kmem.value(whole=WHOLE), machine.threads.value()

    watch = Watch(machine.system.recorder, look, lambda: draws.random() < 0.05)
    compared = 0
    for _ in life.go_on(60):
        maps, threads = look()
        events = machine.journal.last.events
        for done, (maps_then, threads_then) in watch.seen:
            past = Past(events[done:])
            where = f"after {events[done - 1]} of {machine.journal.last}"
            assert without_calls(threads.at(past)) == without_calls(threads_then), where
            if outside_of_links(events, done):
                assert maps.at(past) == maps_then, where
                compared += 1
        watch.begin()
    assert compared > 50


def test_in_the_middle_the_lock_is_held_and_pages_are_taken_one_by_one() -> None:
    life = Life(0)
    life.machine.kmem_malloc("12 KiB")
    after, events = everything(life.machine), life.machine.journal.last.events
    held, used = [], []
    for done in range(len(events) + 1):
        maps = {one.map.name: one for one in after[0].at(Past(events[done:])).all()}
        held.append(maps["kmem_map"].locked_by)
        used.append(after[2].at(Past(events[done:])).counts.used)
    kinds = [type(event).__name__ for event in events]
    begun, ended = kinds.index("MapLocked") + 1, kinds.index("MapUnlocked") + 1
    assert "TranslationEntered" in kinds[begun:ended]
    assert set(held[begun:ended]) == {""}, "the cell has the lock from the search to the last mapping"
    assert set(held[:begun] + held[ended:]) == {None}
    assert sorted(set(used)) == [used[0], used[0] + 1, used[0] + 2, used[0] + 3]
    assert used == sorted(used)


def test_sleepers_that_were_woken_stand_again_in_their_order() -> None:
    machine = Life(0).machine
    taken = machine.kmem_alloc_wait("64 KiB")
    for name in ("one", "two", "three"):
        machine.spawn(lambda: machine.kmem_alloc_wait("8 KiB"), name=name)
    machine.run()
    machine.kmem_free_wakeup(taken, "64 KiB")
    after, events = everything(machine), machine.journal.last.events
    maps = {one.map.name: one for one in after[0].at(Past(events)).all()}
    assert maps["exec_map"].sleepers == ("one", "two", "three")
    assert maps["exec_map"].needs_wakeup
    assert {one.map.name: one for one in after[0].all()}["exec_map"].sleepers == ()
    assert [name for name in after[1].at(Past(events)).sleeping if name != "pagedaemon"] == ["one", "two", "three"]


def test_pages_that_the_daemon_cached_are_inactive_again() -> None:
    machine = Life(0).machine
    machine.read_file("data", "1200 KiB")
    machine.take_pages(machine.kmem.pages.available - 60)
    before = machine.frames.value()
    machine.kmem_alloc("128 KiB")
    after, events = machine.frames.value(), machine.journal.last.events
    assert after.counts.cached > before.counts.cached
    past = after.at(Past(events))
    assert (past.counts, past.owners) == (before.counts, before.owners)
    known = {frame: run for run in before.runs for frame in range(run.first, run.first + run.frames)}
    for run in past.runs:  # so many blocks are not all shown
        for frame in range(run.first, run.first + run.frames):
            if frame in known:
                assert (run.state, run.owner, run.wired) == (
                    known[frame].state,
                    known[frame].owner,
                    known[frame].wired,
                )


@pytest.mark.parametrize("how", ["for room", "with a lock", "for a lock", "ready", "for pages"])
def test_a_thread_that_was_killed_is_back_with_its_locks_and_in_its_place(how: str) -> None:
    machine: Any = Life(0).machine
    exec_map = machine.kmem.exec_map

    def holder() -> Iterator[Any]:
        yield from exec_map.lock()
        yield from machine.tsleep("x")

    if how == "for room":
        machine.kmem_alloc_wait(int(exec_map.free))
    if how == "for pages":
        machine.pagedaemon.stop()
        machine.take_pages(WHOLE)
    if how == "for a lock":
        exec_map.lock()
    for name in ("one", "two", "three"):
        call = machine.kmem_malloc if how == "for pages" else machine.kmem_alloc_wait
        if name == "two" and how == "with a lock":
            machine.spawn(holder, name=name)
        elif name == "two" or how != "with a lock":
            machine.spawn(call, "8 KiB", name=name)
    if how != "ready":
        machine.run()
    before = everything(machine)
    machine.kill("two")
    after, events = everything(machine), machine.journal.last.events
    assert "two" not in [thread.name for thread in after[1].threads]
    assert after[0].at(Past(events)) == before[0]
    assert after[1].at(Past(events)) == before[1]
    assert after.at(Past(events)).frames == before.frames


def test_pages_that_were_wired_are_not_yet() -> None:
    machine = Life(0).machine
    address = machine.kmem_alloc_wait("16 KiB")
    machine.write(address, b"x")  # one page is there and gets a wiring more, the others come
    before = everything(machine)
    machine.kmem.exec_map.wire(address, size="16 KiB")
    after, events = everything(machine), machine.journal.last.events
    assert after.frames.counts.wired == before.frames.counts.wired + 4
    assert after.at(Past(events)).frames == before.frames


def test_a_channel_is_known_by_its_name_whatever_that_says() -> None:
    machine = Life(0).machine
    for channel in ('a ("b")', "room in exec_map", "free pages", "9 ticks"):
        machine.spawn(machine.tsleep, channel, name=channel)
    machine.run()
    before = machine.threads.value()
    for thread in before.threads[1:]:
        machine.wakeup(thread.name)
        past = machine.threads.value().at(Past(machine.journal.last.events))
        assert {one.name: (one.kind, one.subject) for one in past.threads}[thread.name] == ("channel", thread.name)
    assert len(before.threads) == 5


def test_before_the_cell_took_a_lock_nobody_had_it_and_before_it_let_go_the_cell() -> None:
    machine = Life(0).machine
    machine.kmem.exec_map.lock()
    machine.spawn(machine.kmem_alloc_wait, "4 KiB", name="waiter")
    machine.run()
    values = [machine.threads.value()]
    for act in (machine.kmem.exec_map.unlock, machine.kmem.exec_map.lock):
        act()
        values.append(machine.threads.value())
        assert values[-1].at(Past(machine.journal.last.events)) == values[-2]
    assert [value.threads[-1].holder for value in values] == ["", None, ""]


def test_where_who_runs_is_drawn_it_stands_again_where_it_stood() -> None:
    raw: list[Raw] = []
    scheduler = Scheduler(Recorder(), Running())
    scheduler.draw_from(3)
    scheduler.recorder.emit = raw.append

    def nap() -> MaySleep[None]:
        yield ChannelWait("x")

    for number in range(6):
        scheduler.spawn(f"t{number}", nap())

    def look() -> ThreadsValue:
        return ThreadsValue.of([thread.value() for thread in scheduler.threads.values()], 0, 100, ())

    for _ in range(6):
        raw.clear()
        before = look()
        scheduler.step()
        assert look().at(Past(materialize(raw, "step"))) == before


def test_a_thread_that_made_room_for_its_namesake_is_back() -> None:
    machine: Any = Life(0).machine
    machine.spawn(machine.kmem_alloc_wait, "8 KiB", name="sh")
    machine.run()
    before = machine.threads.value()
    machine.spawn(machine.kmem_alloc_wait, "8 KiB", name="sh")
    assert machine.threads.value().at(Past(machine.journal.last.events)) == before


def test_the_lock_is_held_until_its_holder_sleeps_and_the_flag_is_set_until_all_are_awake() -> None:
    machine: Any = Life(0).machine
    taken = machine.kmem_alloc_wait("64 KiB")
    machine.spawn(machine.kmem_alloc_wait, "8 KiB", name="sh")

    def steps(act: Callable[[], object]) -> list[tuple[str, KernelMapValue]]:
        act()
        after, events = machine.kmem.value(whole=WHOLE), machine.journal.last.events
        maps = [after.at(Past(events[done + 1 :])) for done in range(len(events))]
        exec_maps = [next(one for one in value.all() if one.map.name == "exec_map") for value in maps]
        return list(zip([event.tag for event in events], exec_maps, strict=True))

    fell_asleep = dict(steps(machine.run))
    assert fell_asleep["MapLocked"].locked_by == "sh"
    assert (fell_asleep["ThreadSlept"].locked_by, fell_asleep["ThreadSlept"].sleepers) == (None, ("sh",))
    woken = dict(steps(lambda: machine.kmem_free_wakeup(taken, "64 KiB")))
    assert (woken["ThreadWoken"].needs_wakeup, woken["ThreadWoken"].sleepers) == (True, ())
    assert not woken["SleepersWoken"].needs_wakeup


def test_entries_live_in_their_slots_while_they_are_in_the_list() -> None:
    machine = vm.boot("x86-64")
    for _ in range(3):
        machine.kernel_map.enter("8 KiB", nomerge=True)
    where = machine.kernel_map.entries()[-2]
    for act in (lambda: machine.kernel_map.protect(where.start, size="4 KiB", prot="r"),
                lambda: machine.kernel_map.remove(where.start, size="8 KiB")):  # fmt: skip
        act()
        contents, value = machine.kentry.contents(most=WHOLE), machine.kernel_map.value(whole=WHOLE)
        events = machine.journal.last.events
        for done in range(len(events) + 1):
            past = Past(events[done:])
            slots = {contents.area.index(entry.address) for entry in value.entries if entry.address}
            listed = {entry.id for entry in value.at(past).entries if contents.area.start <= entry.address}
            assert slots
            assert {identity for identity, _ in contents.at(past).residents.values()} <= listed, done


def test_the_end_of_the_page_tables_is_where_it_was() -> None:
    machine = vm.boot("x86-64", layout="small")
    before = machine.kernel_map.value()
    machine.kernel_map.enter("4 KiB", at=int(machine.kernel_map.end) - 4096, fixed=True)
    after = machine.kernel_map.value()
    assert after.klimit != before.klimit
    entered = after.entries[-1].id
    past = Past(machine.journal.last.events)
    for table in ("entry", "node"):
        new, _, gone = past.marks(table, "kernel_map")
        assert [*new] == [entered] and not gone
    assert after.at(Past(machine.journal.last.events)) == before


# ---- maps on their own --------------------------------------------------------------------------


def act(kernel: Kernel, target: FreeBSDMap, draws: random.Random) -> None:
    size = draws.randrange(1, 5) * PAGE
    choice = draws.randrange(4)
    if choice == 0:
        kernel.do(Kmem.kmem_malloc, target, size, M_NOWAIT)
    elif choice == 1 and kernel.frames.free_frames > 30:
        kernel.do(Kmem.kmem_alloc, target, size)
    elif choice == 2:
        kernel.do(Kmem.kmem_alloc_nofault, target, size)
    else:
        kernel.do(Kmem.kmem_free, target, target.start + draws.randrange(20) * PAGE, size)


@pytest.mark.parametrize("seed", range(8))
def test_every_operation_on_a_freebsd_map_can_be_taken_back(seed: int) -> None:
    """Stretched, joined, split and wired entries get their ranges, objects and wired counts back."""
    draws, kernel = random.Random(seed), Kernel(size=100, kmem=24)
    for _ in range(40):
        for target in (kernel.kmem_map, kernel.exec_map):
            raw: list[tuple[object, ...]] = []
            before = map_value(target)
            kernel.recorder.emit = raw.append
            with suppress(KernelPanic):
                act(kernel, target, draws)
            kernel.recorder.emit = None
            after = map_value(target)
            assert after.at(Past(materialize(raw, "kmem"))) == before


def test_a_wired_entry_says_so() -> None:
    kernel = Kernel()
    kernel.do(Kmem.kmem_alloc, kernel.kmem_map, 2 * PAGE)
    (entry,) = map_value(kernel.kmem_map).entries
    assert (entry.wired, entry.object) == (1, "kernel_object")
    assert repr(entry).endswith("wired 1>")


@pytest.mark.parametrize("seed", range(6))
def test_changed_ranges_of_a_machine_can_be_taken_back(seed: int) -> None:
    """Protection, inheritance, advice, wirings, objects and submaps: the map at each step's start is the one before."""
    draws, machine = random.Random(seed), vm.boot("x86-64")
    machine.object("heap")
    space = machine.task("t").map
    space.enter("32 KiB", at="1 MiB", object="heap")
    space.enter("32 KiB", at=(1 << 20) + 8 * PAGE)
    for number in range(30):
        before = map_value(space.vm_map)
        start, size = (1 << 20) + draws.randrange(16) * PAGE, draws.randrange(1, 6) * PAGE
        calls: list[tuple[Callable[..., object], dict[str, object]]] = [
            (space.protect, {"prot": draws.choice(["r", "rw", "none"])}),
            (space.inherit, {"inherit": draws.choice(["none", "copy"])}),
            (space.advise, {"advice": draws.choice(["normal", "random"])}),
            (space.wire, {}),
            (space.unwire, {}),
            (space.simplify, {}),
        ]
        call, given = draws.choice(calls)
        with suppress(vm.KernelError, vm.Refused):
            call(start, size=size, **given)
            after = map_value(space.vm_map)
            assert after.at(Past(machine.journal.last.events)) == before, number
    machine.check()
