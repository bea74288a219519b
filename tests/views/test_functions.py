"""What was under way, in whom, when something happened."""

from __future__ import annotations

from vmwidgets.engine.base.event import Called, Panicked, Returned
from vmwidgets.engine.base.recorder import materialize
from vmwidgets.engine.kernel.freebsd.kmem_schema import PageDenied
from vmwidgets.engine.kernel.threads.threads_schema import ThreadEnded, ThreadRuns, ThreadSlept
from vmwidgets.views.story.calls import followed, left_open

WAITS = ("free pages", None, "pages", "")
DENIED = (PageDenied.tag, "NORMAL", "object", 0)


def test_each_event_comes_with_its_runner_and_that_ones_functions():
    raw = [
        (ThreadRuns.tag, "a"),
        (Called.tag, "f"),
        DENIED,
        (ThreadSlept.tag, "a", *WAITS),
        (ThreadRuns.tag, "b"),
        (Called.tag, "g"),
        DENIED,
        (Returned.tag,),
        DENIED,
    ]
    found = [
        (index, functions, runner)
        for index, event, functions, runner in followed(materialize(raw, "run"))
        if type(event).__name__ == PageDenied.tag
    ]
    assert found == [(2, ("f",), "a"), (6, ("g",), "b"), (8, (), "b")]


def test_a_panic_in_a_thread_left_that_threads_functions_open_and_not_those_that_wait():
    raw = [
        (Called.tag, "kmem_alloc"),
        (ThreadSlept.tag, "", *WAITS),
        (ThreadRuns.tag, "a"),
        (Called.tag, "f"),
        (Called.tag, "g"),
        (Panicked.tag, "f", "why"),
        (ThreadEnded.tag, "a", "KernelPanic"),
    ]
    assert left_open(materialize(raw, "run")) == ("f", "g")


def test_a_thread_that_failed_before_does_not_hide_where_the_cell_failed():
    raw = [
        (Called.tag, "kmem_alloc"),
        (ThreadSlept.tag, "", *WAITS),
        (ThreadRuns.tag, "a"),
        (Called.tag, "f"),
        (ThreadEnded.tag, "a", "CallbackFailed"),
        (ThreadRuns.tag, ""),
    ]
    assert left_open(materialize(raw, "run")) == ("kmem_alloc",)
