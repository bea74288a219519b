"""Which kernel functions were under way when something happened."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..engine.base import events as ev
from ..engine.base.thread_events import ThreadEnded, ThreadRuns, ThreadSlept

Functions = tuple[str, ...]
"""Kernel functions, outermost first."""


def with_functions(events: Iterable[ev.Event]) -> Iterator[tuple[int, ev.Event, Functions]]:
    """Each event but calls and returns, with its place and the functions that were under way."""
    stack: list[str] = []
    for index, event in enumerate(events):
        if not follow(stack, event):
            yield index, event, tuple(stack)


def followed(events: Iterable[ev.Event]) -> Iterator[tuple[int, ev.Event, Functions, str]]:
    """As :func:`with_functions` where threads take turns: each has functions of its own under way; and who ran.

    "" is the learner's cell.
    """
    stacks: dict[str, list[str]] = {}
    runner = ""
    for index, event in enumerate(events):
        if isinstance(event, ThreadRuns):
            runner = event.thread
        stack = stacks.setdefault(runner, [])
        if not follow(stack, event):
            yield index, event, tuple(stack), runner
        if isinstance(event, (ThreadSlept, ThreadEnded)):
            runner = ""


def left_open(events: Iterable[ev.Event]) -> Functions:
    """The functions that never returned: where an error or a panic came from."""
    stack: list[str] = []
    for event in events:
        follow(stack, event)
    return tuple(stack)


def follow(stack: list[str], event: ev.Event) -> bool:
    """Keep `stack` up to date; whether `event` was about it."""
    if isinstance(event, ev.Called):
        stack.append(event.name)
    elif isinstance(event, ev.Returned):
        if stack:
            stack.pop()
    elif isinstance(event, ev.Unwound):
        while stack and stack[-1] != event.to:
            stack.pop()
    else:
        return False
    return True
