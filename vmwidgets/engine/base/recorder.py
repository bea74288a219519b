"""Where structures report what they change.

A structure holds a :class:`Recorder` and reports through its `emit`, which is ``None`` while
nobody listens, so that an event then costs one test::

    emit = recorder.emit
    if emit is not None:
        emit((PageAllocated, frame, order))

What is reported is a plain tuple, the event's tag (:mod:`.tags`) and its fields in order; :func:`materialize` makes
the frozen events of :mod:`~vmwidgets.engine.base.events` from them when somebody looks.  A kernel function brackets
what it does with ``(Called, name)`` and ``(Returned, result)``, which gives each event its function and depth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from . import cpu_events, events, kmem_events, thread_events
from .events import Event
from .tags import Called, Returned, Unwound

Raw = tuple[Any, ...]
"""An event before anyone looked at it: its tag, then its fields."""


class Recorder:
    """The listener that one machine's structures share, or that a bare structure does without."""

    __slots__ = ("emit",)

    def __init__(self) -> None:
        self.emit: Callable[[Raw], None] | None = None


def materialize(raw: Iterable[Raw], outermost: str) -> tuple[Event, ...]:
    """The frozen events of one operation, each with the kernel function that did it.

    Events outside any bracket belong to the operation called `outermost`.

    >>> materialize([(Called, "vm_map_insert"), (Returned, None)], "enter")[0].depth
    1
    """
    stack = [outermost]
    events: list[Event] = []
    for tag, *fields in raw:
        if tag == Called:
            stack.append(fields[0])
        elif tag == Unwound:
            while len(stack) > 1 and stack[-1] != fields[0]:
                stack.pop()
        events.append(_CLASSES[tag](*fields, function=stack[-1], depth=len(stack) - 1))
        if tag == Returned and len(stack) > 1:
            stack.pop()
    return tuple(events)


_CLASSES: dict[str, Any] = {
    name: cls
    for module in (events, cpu_events, kmem_events, thread_events)
    for name, cls in vars(module).items()
    if isinstance(cls, type) and issubclass(cls, Event)
}
"""Event classes by tag.  Their constructors differ, so they are Any here."""
