"""The times at which pictures are sent: requested ones immediately, others after a pause, the rest after the cell.

While a cell runs, pictures are sent at most thirty times a second.

Without a limit, updates would be wrong, not just slow: a Jupyter server drops messages beyond a thousand a second, and
with them the newest state.  While a cell runs, no event loop does, so an operation itself sends pictures when the pause
is over, and the end of the cell sends the rest.  A daemon thread sends the pictures of a cell that sleeps.  If threads
can't start (Pyodide), the event loop sends what a callback left, since no cell ends after it.  Pictures are made when
they are sent.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from .contract import Guarded, looking

PAUSE = 0.033
"""Seconds between two pictures of a running cell."""

BREATH = 3.0
"""After a drawing, the cell gets this multiple of the drawing's time."""


class Picture(Protocol):
    """Anything that can be refreshed: a view."""

    @property
    def machine(self) -> Guarded | None:
        """The machine that the picture shows, if it still exists."""

    def refresh(self) -> None:
        """Make the newest picture and send it."""


class Refresher:
    """A collector of changes, which sends them in time; `clock` is for tests."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, *, threads: bool = True) -> None:
        self._clock = clock
        self._dirty: dict[Picture, None] = {}
        self._next = float("-inf")
        self._sending = threading.RLock()
        self._marked = threading.Event()
        self._threads = threads
        self._timer: threading.Thread | None = None
        self._is_due = self._answers = False

    def mark(self, pictures: list[Picture]) -> None:
        """Note that an operation has changed the contents of these pictures."""
        for picture in pictures:
            self._dirty[picture] = None
        if self._answers:
            return
        if self._clock() >= self._next:
            self.flush()
        elif self._dirty:
            self._wake()

    @contextmanager
    def answering(self, picture: Picture) -> Iterator[None]:
        """Answer a page's request in a ``with`` block: `picture` is sent right afterwards, and other pictures later.

        A page asks for one picture at a time, so the requested picture needs no pause.
        """
        with self._sending:
            self._answers = True
            try:
                yield
                self._dirty[picture] = None
                with looking(picture.machine) as quiet:
                    if quiet:
                        self._send(picture)
            finally:
                self._answers = False
                self.mark([])

    def forget(self, picture: Picture) -> None:
        """Forget a picture that no longer exists."""
        self._dirty.pop(picture, None)

    def flush(self) -> None:
        """Send the newest state of everything that is marked.

        If another thread operates on a machine or draws its film, the machine's pictures stay marked: the end of that
        operation, or the timer, sends them.
        """
        with self._sending:
            self._send_all()
        if self._dirty:
            self._wake()

    def _send_all(self) -> None:
        begun = self._clock()
        for picture in list(self._dirty):
            with looking(picture.machine) as quiet:
                if quiet:
                    self._send(picture)
                    self._rest(begun)

    def _send(self, picture: Picture) -> None:
        self._dirty.pop(picture, None)
        try:
            picture.refresh()
        except BaseException:
            self._dirty[picture] = None  # the stop button came: the end of the cell sends it
            raise

    def _rest(self, begun: float) -> None:
        now = self._clock()
        self._next = now + max(PAUSE, BREATH * (now - begun))

    # ---- the timer: for cells that sleep -----------------------------------------------------------

    def _wake(self) -> None:
        if self._threads and (self._timer is None or not self._timer.is_alive()):
            self._timer = threading.Thread(target=self._watch, name="vmwidgets refresh", daemon=True)
            try:
                self._timer.start()
            except RuntimeError:  # threads don't start here
                self._threads = False
        if self._threads:
            self._marked.set()
        else:
            self._send_later()

    def _send_later(self) -> None:
        """Let the event loop send the rest; without a loop, the end of the cell does."""
        if self._is_due:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        self._is_due = True
        loop.call_later(max(0.0, self._next - self._clock()), self._is_time)

    def _is_time(self) -> None:
        self._is_due = False
        self._flush_idle()
        if self._dirty:
            self._send_later()

    def _watch(self) -> None:
        while True:
            self._marked.wait()
            self._marked.clear()
            while self._dirty:
                time.sleep(max(PAUSE / 4, self._next - self._clock()))
                self._flush_idle()

    def _flush_idle(self) -> None:
        if self._clock() < self._next or not self._sending.acquire(blocking=False):
            return
        try:
            self._send_all()
        finally:
            self._sending.release()


refresher = Refresher()
"""The kernel's only refresher."""
