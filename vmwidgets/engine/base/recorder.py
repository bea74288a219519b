"""Where structures report what they change.

A structure holds a :class:`Recorder` and reports through its `emit`, which is ``None`` while
nobody listens, so that an event then costs one test::

    emit = recorder.emit
    if emit is not None:
        emit((PageAllocated.tag, frame, order))

What is reported is a plain tuple, the tag of the event's class and its fields in order; :func:`materialize` makes
the frozen events of :mod:`~vmwidgets.engine.base.events` from them when somebody looks.  A kernel function brackets
what it does with ``(Called.tag, name)`` and ``(Returned.tag, result)``, which gives each event its function and depth
(:mod:`.call_stacks`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from .call_stacks import MOVING, CallStacks
from .events import EVENTS, Event

Raw = tuple[Any, ...]
"""An event before anyone looked at it: its tag, then its fields."""


class Recorder:
    """The listener that one machine's structures share, or that a bare structure does without."""

    __slots__ = ("emit", "stop")

    def __init__(self) -> None:
        self.emit: Callable[[Raw], None] | None = None
        self.stop: Callable[[int], bool] | None = None
        """Asked at the safe points of a long operation, where what is below an address is done and nothing from there
        on is: whether to stop there, with the rest left as it is.  ``None`` where an operation has to be finished."""

    def take_stop(self) -> Callable[[int], bool] | None:
        """`stop`, for the one loop that asks it: what that calls has to be finished, and finds none."""
        stop, self.stop = self.stop, None
        return stop

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """Nobody listens in here: for asking a structure what it would do."""
        emit, self.emit = self.emit, None
        try:
            yield
        finally:
            self.emit = emit


def materialize(raw: Iterable[Raw], outermost: str) -> tuple[Event, ...]:
    """The frozen events of one operation, each with the kernel function that did it.

    Events outside any bracket belong to the operation called `outermost`.

    >>> from vmwidgets.engine.base.events import Called, Returned
    >>> materialize([(Called.tag, "vm_map_insert"), (Returned.tag, None)], "enter")[0].depth
    1
    """
    stacks = CallStacks()
    function, depth = outermost, 0
    events: list[Event] = []
    for tag, *fields in raw:
        if tag not in MOVING:
            events.append(EVENTS[tag](*fields, function=function, depth=depth))
            continue
        stacks.begin(tag, *fields)
        events.append(EVENTS[tag](*fields, function=_innermost(stacks, outermost), depth=len(stacks.stack)))
        stacks.end(tag, *fields)
        function, depth = _innermost(stacks, outermost), len(stacks.stack)
    return tuple(events)


def _innermost(stacks: CallStacks, outermost: str) -> str:
    return stacks.stack[-1] if stacks.stack else outermost
