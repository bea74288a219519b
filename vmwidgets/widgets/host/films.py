"""The making of films, while the kernel has nothing else to do.

A picture's frame is sent immediately; the differences at its other steps follow when the kernel is idle, or when its
cell sleeps.  So a page can step by itself, whatever the kernel does next.  One drawing is made at a time, and between
two of them the kernel answers its pages.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Protocol

from .cells import cell_runs
from .contract import Guarded, looking

IDLE = 0.05
"""Seconds without a cell after which the first film is made."""

ASLEEP = 0.5
"""Seconds without a changed picture after which a running cell counts as sleeping."""


DONE = object()


class Filmed(Protocol):
    """A picture that a page can step through: a view."""

    @property
    def machine(self) -> Guarded | None:
        """The machine that the picture shows, if it still exists."""

    @property
    def wants_film(self) -> bool:
        """Return whether a page shows the picture without its film."""

    def filming(self) -> Iterator[None]:
        """Make the film, one drawing at a time, and send it."""


class Films:
    """The pictures that wait for their films."""

    def __init__(self) -> None:
        self._wanted: dict[Filmed, Iterator[None] | None] = {}
        self._making = threading.Lock()
        self._is_due = False
        self._marked = threading.Event()
        self._timer: threading.Thread | None = None
        self._threads = True

    def want(self, picture: Filmed) -> None:
        """Note that a page may show this picture without its film."""
        if not picture.wants_film:
            return
        self._wanted[picture] = None
        self._in_loop()
        if cell_runs():
            self._when_asleep()

    def forget(self, picture: Filmed) -> None:
        """Forget a picture that no longer exists."""
        self._wanted.pop(picture, None)

    def make(self) -> bool:
        """Make one drawing of a film.  Returns False if no machine at rest needs a drawing.

        So an operation or a page waits for at most one drawing, and not for a film.
        """
        with self._making:
            for picture, begun in list(self._wanted.items()):
                with looking(picture.machine) as quiet:
                    if quiet:
                        self._wanted[picture] = filming = begun or picture.filming()
                        try:
                            is_over = next(filming, DONE) is DONE
                        except Exception:  # noqa: BLE001  a drawing that fails ends its own film, and no other
                            is_over = True  # a page asks for that step, and gets the reason
                        if is_over and self._wanted.get(picture) is filming:
                            del self._wanted[picture]
                        return True
            return False

    # ---- while the kernel is idle ------------------------------------------------------------------

    def _in_loop(self) -> None:
        if self._is_due:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # another thread's loop, or no loop
            return
        self._is_due = True
        loop.call_later(IDLE, self._next, loop)

    def _next(self, loop: asyncio.AbstractEventLoop) -> None:
        made = False
        try:
            made = self.make()
        finally:  # even after the stop button
            self._is_due = bool(self._wanted)
            if self._is_due:
                loop.call_later(0 if made else IDLE, self._next, loop)

    # ---- while a cell sleeps -----------------------------------------------------------------------

    def _when_asleep(self) -> None:
        if self._threads and (self._timer is None or not self._timer.is_alive()):
            self._timer = threading.Thread(target=self._watch, name="vmwidgets films", daemon=True)
            try:
                self._timer.start()
            except RuntimeError:  # threads don't start here
                self._threads = False
        self._marked.set()

    def _watch(self) -> None:
        while True:
            self._marked.wait()
            while self._wanted and cell_runs():
                if self._marked.is_set():
                    self._marked.clear()
                    if self._marked.wait(ASLEEP):
                        continue  # the cell does something
                if not self.make():
                    self._marked.set()
            self._marked.clear()


films = Films()
"""The kernel's only list of films to make."""
