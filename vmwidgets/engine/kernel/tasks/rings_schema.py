"""Changes in the order in which tasks' pages are evicted."""

from __future__ import annotations

from ...base.event import Event


class ReplacementChosen(Event, changes=True):
    """Another replacement policy is used from now on."""

    before: str
    after: str


class PageLeaving(Event):
    """The page in `frame` is about to be evicted; `task` maps it at `va` ("": no task maps it)."""

    frame: int
    task: str
    va: int


class NothingToReclaim(Event):
    """No page of a task could be evicted; `why` is the reason."""

    why: str
