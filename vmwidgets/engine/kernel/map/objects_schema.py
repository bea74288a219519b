"""The events that memory objects report on their pagers, in both kernels."""

from __future__ import annotations

from ...base.event import Event


class PagerAsked(Event):
    """The page at `offset` was requested from an object; `outcome` is "hit", "miss" or an error's name."""

    object: str
    offset: int
    frame: int
    outcome: str
