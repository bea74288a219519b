"""How long a page has been silent, of the time in which it could be heard."""

from __future__ import annotations

import time
from collections.abc import Callable

LOST = 200.0
"""Seconds without a sound after which a page is taken to be gone; one that is seen says hello every 60."""


class Idle:
    """How many seconds the kernel was idle, in all: while a cell runs, and others wait in line, it hears no page.

    Where no cells begin or end (marimo), it never was, and no page is lost.  `clock` is for tests.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._before = 0.0
        self._since: float | None = None

    def begins(self) -> None:
        """A cell has ended."""
        self._since = self.clock()

    def ends(self) -> None:
        """A cell runs from now on."""
        self._before, self._since = self.seconds, None

    @property
    def seconds(self) -> float:
        """So many until now."""
        return self._before + (self.clock() - self._since if self._since is not None else 0.0)


idle = Idle()
"""The kernel's."""
