"""The events of injected failures."""

from __future__ import annotations

from ..base.event import Event


class Injected(Event):
    """A request at a named point was made to fail; it was request number `count` there."""

    point: str
    count: int
