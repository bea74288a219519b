"""What a memory object reports of its pager, in both kernels."""

from __future__ import annotations

from ...base.event import Event


class PagerAsked(Event):
    """An object was asked for the page at `offset`; `outcome` "hit", "miss" or an error's name."""

    object: str
    offset: int
    frame: int
    outcome: str
