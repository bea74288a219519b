"""What was under way, in whom, when something happened."""

from __future__ import annotations

from vmwidgets.engine.base.recorder import materialize
from vmwidgets.engine.base.tags import Called, PageDenied, Panicked, Returned, ThreadEnded, ThreadRuns, ThreadSlept
from vmwidgets.views.functions import followed, left_open

WAITS = ("free pages", None, "pages", "")
DENIED = (PageDenied, "NORMAL", "object", 0)


def test_each_event_comes_with_its_runner_and_that_ones_functions():
    raw = [(ThreadRuns, "a"), (Called, "f"), DENIED, (ThreadSlept, "a", *WAITS), (ThreadRuns, "b"), (Called, "g"),
           DENIED, (Returned,), DENIED]  # fmt: skip
    found = [(index, functions, runner) for index, event, functions, runner in followed(materialize(raw, "run"))
             if type(event).__name__ == PageDenied]  # fmt: skip
    assert found == [(2, ("f",), "a"), (6, ("g",), "b"), (8, (), "b")]


def test_a_panic_in_a_thread_left_that_threads_functions_open_and_not_those_that_wait():
    raw = [(Called, "kmem_alloc"), (ThreadSlept, "", *WAITS), (ThreadRuns, "a"), (Called, "f"), (Called, "g"),
           (Panicked, "f", "why"), (ThreadEnded, "a", "KernelPanic")]  # fmt: skip
    assert left_open(materialize(raw, "run")) == ("f", "g")


def test_a_thread_that_failed_before_does_not_hide_where_the_cell_failed():
    raw = [(Called, "kmem_alloc"), (ThreadSlept, "", *WAITS), (ThreadRuns, "a"), (Called, "f"),
           (ThreadEnded, "a", "CallbackFailed"), (ThreadRuns, "")]  # fmt: skip
    assert left_open(materialize(raw, "run")) == ("kmem_alloc",)
