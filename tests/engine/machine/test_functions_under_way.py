"""Each thread has functions of its own under way."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

import vmwidgets as vm
from vmwidgets.engine.base.event import Called, Returned, Unwound
from vmwidgets.engine.base.recorder import Raw, materialize
from vmwidgets.engine.kernel.freebsd.kmem_schema import LowMemory, ZonesReclaimed
from vmwidgets.engine.kernel.map.map_schema import MapResized
from vmwidgets.engine.kernel.threads.threads_schema import ThreadEnded, ThreadRuns, ThreadSlept
from vmwidgets.views.story.calls import left_open


def told(raw: list[Raw]) -> list[tuple[str, int]]:
    return [
        (event.function, event.depth) for event in materialize(raw, "run") if type(event).__name__ == MapResized.tag
    ]


def slept(thread: str) -> Raw:
    return (ThreadSlept.tag, thread, "free pages", None, "pages", "")


SIZED = (MapResized.tag, "map", 0, 1)


def test_threads_that_take_turns_have_each_their_own_functions():
    raw = [
        SIZED,
        (ThreadRuns.tag, "a"),
        (Called.tag, "f"),
        (Called.tag, "g"),
        SIZED,
        slept("a"),
        SIZED,
        (ThreadRuns.tag, "b"),
        (Called.tag, "h"),
        SIZED,
        slept("b"),
        (ThreadRuns.tag, "a"),
        SIZED,
        (Returned.tag,),
        SIZED,
        slept("a"),
        (ThreadRuns.tag, "b"),
        SIZED,
        (Returned.tag,),
        SIZED,
        (ThreadEnded.tag, "b", "returned"),
        SIZED,
    ]
    assert told(raw) == [
        ("run", 0),
        ("g", 2),
        ("run", 0),
        ("h", 1),
        ("g", 2),
        ("f", 1),
        ("h", 1),
        ("run", 0),
        ("run", 0),
    ]


def test_a_cell_that_waits_goes_on_where_it_was():
    raw = [
        (Called.tag, "kmem_alloc"),
        slept(""),
        (ThreadRuns.tag, "a"),
        SIZED,
        (ThreadEnded.tag, "a", "returned"),
        (ThreadRuns.tag, ""),
        SIZED,
    ]
    assert told(raw) == [("run", 0), ("kmem_alloc", 1)]


def test_who_runs_goes_on_when_another_is_given_up_and_a_name_given_again_begins_afresh():
    raw = [
        (ThreadRuns.tag, "a"),
        (Called.tag, "f"),
        slept("a"),
        (ThreadRuns.tag, "b"),
        (Called.tag, "g"),
        (ThreadEnded.tag, "a", "abandoned"),
        SIZED,
        slept("b"),
        (ThreadRuns.tag, "a"),
        SIZED,
    ]
    assert told(raw) == [("g", 1), ("run", 0)]


def test_an_error_that_is_caught_ends_the_functions_of_its_thread_alone():
    raw = [
        (ThreadRuns.tag, "a"),
        (Called.tag, "f"),
        slept("a"),
        (ThreadRuns.tag, "b"),
        (Called.tag, "g"),
        (Called.tag, "h"),
        (Unwound.tag, "g"),
        SIZED,
        slept("b"),
        (ThreadRuns.tag, "a"),
        SIZED,
    ]
    assert told(raw) == [("g", 1), ("f", 1)]


def test_of_two_that_wait_for_pages_each_events_function_is_its_own():
    machine: Any = vm.boot("x86-64", layout="tiny", ram="4 MiB")
    machine.pagedaemon.stop()
    machine.take_pages(10**6)

    def giver():
        yield from machine.tsleep("x")
        machine.give_pages(10**6)

    machine.spawn(machine.kmem_malloc, 8192, name="A")
    machine.spawn(machine.kmem_alloc, 8192, name="B")
    machine.spawn(giver, name="giver")
    machine.spawn(machine.wakeup, "x", name="waker")
    machine.run()
    granted = [event for event in machine.journal.last.events if isinstance(event, vm.events.PageGranted)]
    assert [(event.object, event.function) for event in granted] == [("kmem_object", "kmem_malloc")] * 2 + [
        ("kernel_object", "kmem_alloc")
    ] * 2


def test_what_a_thread_does_after_an_error_that_it_caught_is_not_inside_what_failed():
    machine: Any = vm.boot("x86-64", layout="small")
    space = machine.task("one").map
    space.enter(4096, at=0x40_0000)

    def thread():
        for _ in range(2):
            with pytest.raises(vm.KernelError):
                space.enter(4096, at=0x40_0000, fixed=True)
            space.enter(4096)
            with pytest.raises(vm.KernelError):
                yield from machine.tasks["one"].read(0x7000_0000, 1)
        yield from machine.kmem_alloc(4096)

    machine.spawn(thread, name="A")
    machine.run()
    events = machine.journal.last.events
    entered = [event.depth for event in events if isinstance(event, Called) and event.name == "vm_map_enter"]
    assert entered == [1] * 4
    (allocated,) = {event.depth for event in events if isinstance(event, Called) and event.name == "kmem_alloc"}
    assert allocated == 1
    assert left_open(events) == ()


def test_an_error_that_ends_a_thread_still_says_where_it_came_from():
    machine: Any = vm.boot("x86-64", layout="small")
    space = machine.task("one").map
    space.enter(4096, at=0x40_0000)
    machine.spawn(lambda: space.enter(4096, at=0x40_0000, fixed=True), name="A")
    with suppress(vm.CallbackFailed):
        machine.run()
    events = machine.journal.last.events
    assert left_open(events)[0] == "vm_map_enter"
    assert not any(isinstance(event, Unwound) for event in events)


@pytest.mark.parametrize("goes_on", [True, False])
def test_what_follows_a_handler_that_failed_is_where_the_handler_was_called(goes_on: bool):
    machine: Any = vm.boot("x86-64", layout="tiny", ram="4 MiB")
    space = machine.task("one").map
    space.enter(4096, at=0x40_0000)

    def handler():
        with suppress(vm.KernelError):
            space.enter(4096, at=0x40_0000, fixed=True)
        if goes_on:
            space.enter(4096)

    machine.on_lowmem(handler)
    machine.take_pages(machine.kmem.pages.available - 2)
    with suppress(vm.VMError):
        machine.kmem_malloc("256 KiB")
    told = machine.journal.last.events
    fired = [event.depth for event in told if isinstance(event, LowMemory)]
    assert fired and fired == [event.depth for event in told if isinstance(event, ZonesReclaimed)]
    assert any(isinstance(event, Unwound) and event.to == "LowMemory" for event in told)
    entered = [event.depth for event in told if isinstance(event, Called) and event.name == "vm_map_enter"]
    assert set(entered) == {fired[0] + 1}
