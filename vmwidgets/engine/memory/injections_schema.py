"""The events of injected failures."""

from __future__ import annotations

from ..base.event import Event


class Injected(Event):
    """Request number `count` at a named point was made to fail."""

    point: str
    count: int
