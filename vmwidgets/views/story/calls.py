"""The kernel functions that were running when something happened."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from vmwidgets import events as ev
from vmwidgets.engine.base.recorder import CallStacks, moves
from vmwidgets.engine.kernel.threads.threads_schema import ThreadEnded, ThreadRuns, ThreadSlept

Functions = tuple[str, ...]
"""Kernel functions, outermost first."""

_CALLS = (ev.Called, ev.Returned, ev.Unwound)


def with_functions(events: Iterable[ev.Event]) -> Iterator[tuple[int, ev.Event, Functions]]:
    """Return each event except calls and returns, with its index and the functions that were running."""
    return ((index, event, functions) for index, event, functions, _ in followed(events))


def followed(events: Iterable[ev.Event]) -> Iterator[tuple[int, ev.Event, Functions, str]]:
    """Yield events like :func:`with_functions`, with the thread: threads take turns, and each has its own functions.

    The thread is "" for the learner's cell.
    """
    stacks = CallStacks()
    for index, event in enumerate(events):
        moving = _moving(event)
        if moving:
            stacks.begin(*moving)
        if not isinstance(event, _CALLS):
            yield index, event, tuple(stacks.stack), stacks.runner
        if moving:
            stacks.end(*moving)


def returned(events: Iterable[ev.Event], name: str) -> list[tuple[int, object]]:
    """Return the results of a kernel function's successful calls, with their indices."""
    stacks, found = CallStacks(), list[tuple[int, object]]()
    for index, event in enumerate(events):
        moving = _moving(event)
        if not moving:
            continue
        stacks.begin(*moving)
        if isinstance(event, ev.Returned) and stacks.stack[-1:] == [name]:
            found.append((index, event.result))
        stacks.end(*moving)
    return found


def left_open(events: Iterable[ev.Event]) -> Functions:
    """Return the functions that never returned, in the thread that an error or a panic ended."""
    stacks = CallStacks()
    failed: Functions = ()
    for event in events:
        moving = _moving(event)
        if not moving:
            continue
        stacks.begin(*moving)
        if isinstance(event, (ev.Called, ThreadRuns)):
            failed = ()  # earlier failures did not end the thread
        elif isinstance(event, ThreadEnded) and event.how != "returned" and event.thread == stacks.runner:
            failed = tuple(stacks.stack)
        stacks.end(*moving)
    return failed or tuple(stacks.stack)


def _moving(event: ev.Event) -> tuple[Any, ...]:
    """Return an event about running functions with its details; None for other events."""
    if isinstance(event, ev.Called):
        return type(event).__name__, event.name
    if isinstance(event, ev.Unwound):
        return type(event).__name__, event.to
    if isinstance(event, (ThreadRuns, ThreadSlept, ThreadEnded)):
        return type(event).__name__, event.thread
    return (event.tag,) if moves(event.tag) else ()
