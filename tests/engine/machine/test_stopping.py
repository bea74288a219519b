"""The stop button in long range operations: a part is done, the map is whole, and it can be done again."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

import pytest

import vmwidgets as vm
from vmwidgets.engine.base.units import PAGE

COUNT = 40
"""Entries in the map of each test."""

DONE = 15
"""How many of them are done when the button is pressed."""


@pytest.fixture
def m():
    return vm.boot("x86-64", ram="32 MiB")


@pytest.fixture
def space(m):
    """A task's map with entries of two pages each, side by side, that may not merge."""
    made = m.task("t").map
    for _ in range(COUNT):
        made.enter(2 * PAGE, nomerge=True)
    return made


def press_stop():
    signal.raise_signal(signal.SIGINT)


def press_after(owner: Any, name: str, calls: int) -> None:
    """Press the stop button in the call of a method after so many, and let it work."""
    method = getattr(owner, name)
    left = calls

    def calling(*arguments: Any) -> Any:
        nonlocal left
        if left == 0:
            press_stop()
        left -= 1
        return method(*arguments)

    setattr(owner, name, calling)


def bounds(space):
    entries = list(space)
    return entries[0].start, entries[-1].end


def starts(space):
    return [entry.start for entry in space]


def asks(m, operation: Callable[[], object]) -> int:
    """How many safe points an operation has."""
    made = 0
    stops = m.door._stops_before

    def counting(address):
        nonlocal made
        made += 1
        return stops(address)

    m.door._stops_before = counting
    operation()
    return made


def check_done_again(m):
    """A machine made again after the journal is in the same state, and so are the records."""
    twin = m.branch(m.journal.last.number)
    for one, other in zip(m.journal, twin.journal, strict=True):
        assert one[:6] == other[:6]
        assert one.stopped_at == other.stopped_at
    assert [task.map.entries() for task in m.tasks.values()] == [task.map.entries() for task in twin.tasks.values()]
    assert m.kernel_map.entries() == twin.kernel_map.entries()
    twin.check()


class TestRemoval:
    def test_it_has_a_safe_point_before_each_entry(self, m, space):
        assert asks(m, lambda: space.remove(*bounds(space))) == COUNT
        assert len(space) == 0

    def test_stopped_it_has_removed_the_entries_below_and_no_other(self, m, space):
        before = starts(space)
        press_after(space.vm_map, "unmap", DONE - 1)
        with pytest.raises(KeyboardInterrupt, match=str(before[DONE])):
            space.remove(*bounds(space))
        assert starts(space) == before[DONE:]
        m.check()

    def test_the_record_says_how_far_it_got(self, m, space):
        before = starts(space)
        press_after(space.vm_map, "unmap", DONE - 1)
        with pytest.raises(KeyboardInterrupt):
            space.remove(*bounds(space))
        record = m.journal.last
        assert (record.name, record.outcome, record.stopped_at) == ("remove", "interrupted", DONE + 1)
        assert record.result == ("Stopped", before[DONE])
        assert str(before[DONE]) in record.said
        (removed,) = [event for event in record.events if isinstance(event, vm.events.RangeRemoved)]
        assert removed.entries == DONE

    def test_done_again_it_stops_at_the_same_entry(self, m, space):
        press_after(space.vm_map, "unmap", DONE - 1)
        with pytest.raises(KeyboardInterrupt):
            space.remove(*bounds(space))
        space.enter(4 * PAGE)
        check_done_again(m)

    def test_the_next_operation_is_not_stopped_and_ends_the_work(self, m, space):
        press_after(space.vm_map, "unmap", DONE - 1)
        with pytest.raises(KeyboardInterrupt):
            space.remove(*bounds(space))
        space.remove(*bounds(space))
        assert (len(space), m.journal.last.outcome, m.journal.last.stopped_at) == (0, "done", 0)
        check_done_again(m)

    def test_pressed_at_the_last_entry_it_is_finished_first(self, m, space):
        press_after(space.vm_map, "unmap", COUNT - 1)
        with pytest.raises(KeyboardInterrupt, match="finished first"):
            space.remove(*bounds(space))
        assert (len(space), m.journal.last.outcome) == (0, "done")

    def test_in_the_kernels_map_too(self, m):
        first = m.kernel_map.enter(PAGE, nomerge=True)
        for _ in range(COUNT):
            last = m.kernel_map.enter(PAGE, nomerge=True)
        kept = len(m.kernel_map) - COUNT - 1
        press_after(m.kernel_map.vm_map, "unmap", DONE - 1)
        with pytest.raises(KeyboardInterrupt):
            m.kernel_map.remove(first, last + PAGE)
        assert len(m.kernel_map) == kept + COUNT + 1 - DONE
        m.check()
        check_done_again(m)

    def test_in_a_thread_an_operation_is_finished_first(self, m, space):
        def removes():
            space.remove(*bounds(space))

        m.spawn(removes)
        press_after(space.vm_map, "unmap", DONE - 1)
        with pytest.raises(KeyboardInterrupt):
            m.run()
        assert len(space) == 0
        m.check()


CHANGES = {
    "protect": ({"prot": "r"}, lambda entry: entry.protection == "r--"),
    "inherit": ({"inherit": "none"}, lambda entry: entry.inheritance == "none"),
    "advise": ({"advice": "random"}, lambda entry: entry.advice == "random"),
}


class TestChanges:
    @pytest.mark.parametrize("name", CHANGES)
    def test_stopped_it_has_changed_the_entries_below_and_no_other(self, m, space, name):
        words, changed = CHANGES[name]
        m.door.stop_at = DONE + 1
        with pytest.raises(KeyboardInterrupt):
            getattr(space, name)(*bounds(space), **words)
        assert [changed(entry) for entry in space] == [True] * DONE + [False] * (COUNT - DONE)
        assert m.journal.last.outcome == "interrupted"
        m.check()
        check_done_again(m)

    def test_a_real_press_stops_it_too(self, m, space):
        press_after(space.vm_map, "reprotect", DONE - 1)
        with pytest.raises(KeyboardInterrupt):
            space.protect(*bounds(space), prot="r")
        assert [entry.protection for entry in space].count("r--") == DONE
        check_done_again(m)

    def test_unwiring_stopped_leaves_the_rest_wired(self, m, space):
        space.wire(*bounds(space))
        m.door.stop_at = DONE + 1
        with pytest.raises(KeyboardInterrupt):
            space.unwire(*bounds(space))
        assert [entry.wired for entry in space] == [0] * DONE + [1] * (COUNT - DONE)
        m.check()
        check_done_again(m)

    def test_wiring_stopped_has_got_nothing(self, m, space):
        assert asks(m, lambda: space.wire(*bounds(space))) == 2 * COUNT, "one for each page"
        fresh = m.task("other").map
        fresh.enter(COUNT * PAGE)
        before, free = fresh.entries(), m.kmem.pages.free
        m.door.stop_at = COUNT
        with pytest.raises(KeyboardInterrupt):
            fresh.wire(*bounds(fresh))
        assert (fresh.entries(), m.kmem.pages.free) == (before, free)
        m.check()
        check_done_again(m)

    def test_joining_stopped_leaves_the_rest_apart(self, m):
        space = m.task("t").map
        first = space.enter(COUNT * PAGE)
        for at in range(1, COUNT):
            space.vm_map.clip_start(space.vm_map.peek(first + at * PAGE), first + at * PAGE)
        m.door.stop_at = DONE + 1
        with pytest.raises(KeyboardInterrupt):
            space.simplify()
        assert 1 < len(space) <= COUNT - DONE
        m.check()
        space.simplify()
        assert len(space) == 1
        m.check()

    def test_advice_that_maps_pages_stops_in_either_part(self, m):
        space = m.task("t").map
        film = m.object("film")
        for _ in range(COUNT):
            space.enter(PAGE, object=film, nomerge=True)
        total = asks(m, lambda: space.advise(*bounds(space), advice="willneed"))
        assert total == 2 * COUNT
        m.door.stop_at = COUNT + DONE
        with pytest.raises(KeyboardInterrupt):
            space.advise(*bounds(space), advice="willneed")
        m.check()
        check_done_again(m)


class TestWhatHasToBeFinished:
    def test_kernel_memorys_functions_have_no_safe_points(self, m):
        address = m.kmem_alloc("64 KiB")
        assert asks(m, lambda: m.kmem_free(address, "64 KiB")) == 0
        assert asks(m, lambda: m.kmem.kernel_map.protect(m.kmem_alloc("8 KiB"), size="8 KiB", prot="r")) == 0

    def test_a_stop_that_was_set_does_not_outlive_its_operation(self, m, space):
        m.door.stop_at = 3
        m.kmem_alloc("4 KiB")
        space.remove(*bounds(space))
        assert len(space) == 0
