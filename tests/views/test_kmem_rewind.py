"""Stepping back: with all events of an operation undone, everything is as it was before it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.views.lives import WHOLE, Life, caches_of, everything, frames_of, maps_of, threads_of
from vmwidgets.engine.base.recorder import Raw, Recorder, materialize
from vmwidgets.engine.base.values.cpus import ThreadsValue
from vmwidgets.engine.kernel.threads.scheduler import Scheduler
from vmwidgets.engine.kernel.threads.waits import ChannelWait, MaySleep, Running
from vmwidgets.views.frames_rewind import rewind_frames
from vmwidgets.views.kmem_rewind import all_maps, rewind_kmem
from vmwidgets.views.slabs import rewind_caches
from vmwidgets.views.threads_rewind import rewind_threads


@pytest.mark.parametrize("seed", range(8))
def test_an_operation_undone_leaves_what_was_before_it(seed: int) -> None:
    life = Life(seed)
    before = everything(life.machine)
    for _ in life.go_on(90):
        operation = life.machine.journal.last
        after, events = everything(life.machine), operation.events
        where = f"{operation.number}: {operation.name}"
        assert maps_of(rewind_kmem(after[0], events, 0)) == maps_of(before[0]), where
        assert threads_of(rewind_threads(after[1], events, 0)) == threads_of(before[1]), where
        assert frames_of(rewind_frames(after[2], events, 0)) == frames_of(before[2]), where
        assert caches_of(rewind_caches(after[3], events, 0)) == caches_of(before[3]), where
        before = after


def test_in_the_middle_the_lock_is_held_and_pages_are_taken_one_by_one() -> None:
    life = Life(0)
    life.machine.kmem_malloc("12 KiB")
    after, events = everything(life.machine), life.machine.journal.last.events
    held, used = [], []
    for done in range(len(events) + 1):
        maps = {one.map.name: one for one in all_maps(rewind_kmem(after[0], events, done))}
        held.append(maps["kmem_map"].locked_by)
        used.append(rewind_frames(after[2], events, done).counts.used)
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
    maps = {one.map.name: one for one in all_maps(rewind_kmem(after[0], events, 0))}
    assert maps["exec_map"].sleepers == ("one", "two", "three")
    assert maps["exec_map"].needs_wakeup
    assert {one.map.name: one for one in all_maps(after[0])}["exec_map"].sleepers == ()
    assert threads_of(rewind_threads(after[1], events, 0))["sleeping"]["room", "exec_map"] == ["one", "two", "three"]


def test_pages_that_the_daemon_cached_are_inactive_again() -> None:
    machine = Life(0).machine
    machine.read_file("data", "1200 KiB")
    machine.take_pages(machine.kmem.pages.available - 60)
    before = machine.frames.value()
    machine.kmem_alloc("128 KiB")
    after, events = machine.frames.value(), machine.journal.last.events
    assert after.counts.cached > before.counts.cached
    past = rewind_frames(after, events, 0)
    assert (past.counts, past.owners) == (before.counts, before.owners)
    known = frames_of(before)["frames"]  # so many blocks are not all shown
    assert {frame: known[frame] for frame in frames_of(past)["frames"]} == frames_of(past)["frames"]


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
    assert maps_of(rewind_kmem(after[0], events, 0)) == maps_of(before[0])
    assert threads_of(rewind_threads(after[1], events, 0)) == threads_of(before[1])
    assert frames_of(rewind_frames(after[2], events, 0)) == frames_of(before[2])


def test_pages_that_were_wired_are_not_yet() -> None:
    machine = Life(0).machine
    address = machine.kmem_alloc_wait("16 KiB")
    machine.write(address, b"x")  # one page is there and gets a wiring more, the others come
    before = machine.frames.value()
    machine.kmem.exec_map.wire(address, size="16 KiB")
    after, events = machine.frames.value(), machine.journal.last.events
    assert after.counts.wired == before.counts.wired + 4
    assert frames_of(rewind_frames(after, events, 0)) == frames_of(before)


def test_a_channel_is_known_by_its_name_whatever_that_says() -> None:
    machine = Life(0).machine
    for channel in ('a ("b")', "room in exec_map", "free pages", "9 ticks"):
        machine.spawn(machine.tsleep, channel, name=channel)
    machine.run()
    before = machine.threads.value()
    for thread in before.threads[1:]:
        machine.wakeup(thread.name)
        past = rewind_threads(machine.threads.value(), machine.journal.last.events, 0)
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
        assert rewind_threads(values[-1], machine.journal.last.events, 0) == values[-2]
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
    for _ in range(6):
        raw.clear()
        before = scheduler.ready
        scheduler.step()
        after = ThreadsValue(scheduler.snapshot(), 0, 100, (), scheduler.ready, scheduler.sleeping)
        assert rewind_threads(after, materialize(raw, "step"), 0).ready == before
