"""The events of tasks: forks, exits, signals, and kills when memory is exhausted."""

from __future__ import annotations

from ..base.event import Event

# ---- tasks -------------------------------------------------------------------------------------


class TaskForked(Event, changes=True):
    """A task got a child with a copy of its address space, made in one `way`: "eager", "counted" or "shadow"."""

    task: str
    child: str
    way: str = "shadow"


class TaskExited(Event, changes=True):
    """A task has ended: its memory is freed.  `parent` is the task from which it was forked, or ""."""

    task: str
    parent: str
    why: str


class SignalSent(Event):
    """A task received a signal for its access to `address`."""

    task: str
    signal: str
    address: int
    why: str


class OutOfMemory(Event):
    """No frame was available: `task` was chosen to be killed, because it has `resident` pages in memory."""

    task: str
    resident: int
    why: str
