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

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from .events import EVENTS, Called, Event, Returned, ThreadEnded, ThreadRuns, ThreadSlept, Unwound

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


# ---- call stacks -------------------------------------------------------------------------------
#
# Which kernel functions are under way: of each simulated thread its own, since threads take turns.


MOVING = frozenset((Called.tag, Returned.tag, Unwound.tag, ThreadRuns.tag, ThreadSlept.tag, ThreadEnded.tag))
"""Tags of the events that say so; others need not be shown to a :class:`CallStacks`."""


class CallStacks:
    """What is under way while events are gone through, each with :meth:`begin` before it is looked at, then `end`.

    >>> stacks = CallStacks()
    >>> for raw in [(Called, "f"), (ThreadSlept, ""), (ThreadRuns, "sh"), (Called, "g"), (ThreadSlept, "sh")]:
    ...     stacks.begin(*raw)
    ...     print(repr(stacks.runner), stacks.stack)
    ...     stacks.end(*raw)
    '' ['f']
    '' ['f']
    'sh' []
    'sh' ['g']
    'sh' ['g']
    >>> stacks.runner, stacks.stack
    ('', ['f'])
    """

    __slots__ = ("_stacks", "runner", "stack")

    def __init__(self) -> None:
        self.runner = ""
        """Who runs: a thread's name, or "" for the learner's cell."""
        self.stack: list[str] = []
        """Its functions, outermost first."""
        self._stacks = {self.runner: self.stack}

    def begin(self, tag: str, *fields: Any) -> None:
        """An event comes: a call is under way from here on, as is what a thread that goes on had begun."""
        if tag == Called.tag:
            self.stack.append(fields[0])
        elif tag == Unwound.tag:
            self._unwind(fields)
        elif tag == ThreadRuns.tag:
            self._switch(fields[0])

    def end(self, tag: str, *fields: Any) -> None:
        """An event is behind us: a call that returned is over, and the thread that slept or ended runs no more."""
        if tag == Returned.tag:
            if self.stack:
                self.stack.pop()
        elif tag in (ThreadSlept.tag, ThreadEnded.tag):
            if tag == ThreadEnded.tag:  # of one that is given up, who runs is somebody else
                self._stacks.pop(fields[0], None)
            if fields[0] == self.runner:
                self._switch("")

    def _switch(self, runner: str) -> None:
        self.runner = runner
        self.stack = self._stacks.setdefault(runner, [])

    def _unwind(self, fields: Sequence[Any]) -> None:
        while self.stack and self.stack[-1] != fields[0]:
            self.stack.pop()
