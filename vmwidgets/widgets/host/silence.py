"""The time that a page has been silent, counting only the time in which it could be heard."""

from __future__ import annotations

import time
from collections.abc import Callable

LOST = 200.0
"""Seconds of silence after which a page counts as gone; a visible page says hello every 60 seconds."""


class Idle:
    """The kernel's idle time in seconds: while a cell runs and others are queued, it hears no page.

    If no cells begin or end (marimo), the kernel is never idle, and no page is lost.  `clock` is for tests.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._before = 0.0
        self._since: float | None = None

    def begins(self) -> None:
        """Note that a cell has ended."""
        self._since = self.clock()

    def ends(self) -> None:
        """Note that a cell runs from now on."""
        self._before, self._since = self.seconds, None

    @property
    def seconds(self) -> float:
        """The idle seconds until now."""
        return self._before + (self.clock() - self._since if self._since is not None else 0.0)


idle = Idle()
"""The kernel's idle time."""
