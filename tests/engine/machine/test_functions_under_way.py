"""Each thread has functions of its own under way."""

from __future__ import annotations

from typing import Any

import vmwidgets as vm
from vmwidgets.engine.base.events import Called, MapResized, Returned, ThreadEnded, ThreadRuns, ThreadSlept, Unwound
from vmwidgets.engine.base.recorder import Raw, materialize


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
