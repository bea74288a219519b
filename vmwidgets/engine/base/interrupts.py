"""The stop button, held back while an operation runs.

An interrupt raised in the middle of a relinking would leave a map that no kernel ever had.  So the signal is noted
while an operation runs and raised when it is done.  Only the main thread gets signals; elsewhere this does nothing.

The handler stays where it was put: setting it for each operation would cost more than most operations.  Outside of
operations it passes the signal on to the handler that was there before.
"""

from __future__ import annotations

import signal
import sys
import threading
from threading import get_ident
from types import FrameType
from typing import Any, Protocol

_MAIN = threading.main_thread().ident
_SIGINT = int(signal.SIGINT)

_present_handler: Any = getattr(sys.modules.get("_signal"), "getsignal", signal.getsignal)
"""`signal.getsignal` without its detour through enumerations, where it has one: this runs at every operation."""

PATIENCE = 0.05
"""Seconds that a wait for a lock goes on after an interrupt, at most."""


class Lock(Protocol):
    """As much of a lock as is used here."""

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Take it; false when the time is over."""


class Stopped(KeyboardInterrupt):
    """The stop button, pressed while an operation was under way that may stop in the middle: a part of it is done."""


class DeferredInterrupt:
    """Between :meth:`hold` and :meth:`release`, SIGINT is noted instead of raised.

    Holds nest, since what listens to an operation may begin another: what was noted is raised by the outermost release.
    """

    __slots__ = ("_handler", "_held", "_open", "_passing", "_previous", "pending")

    def __init__(self) -> None:
        self.pending = False
        self._held = 0
        self._open = False
        self._passing = False
        self._handler = self._note  # one bound method, so that it can be recognised
        self._previous: Any = signal.SIG_DFL

    def hold(self) -> None:
        """Begin to note."""
        if get_ident() != _MAIN:
            return
        if not self._held:
            present = _present_handler(_SIGINT)
            if present is not self._handler:
                self._previous = present
                signal.signal(signal.SIGINT, self._handler)
            self.pending = False
        self._held += 1

    def release(self) -> None:
        """Stop noting, and raise what was noted."""
        if get_ident() != _MAIN or not self._held:
            return
        self._held -= 1
        if self.pending and not self._held:
            self.pending = False
            raise KeyboardInterrupt("the operation that ran was finished first")

    def take(self) -> bool:
        """Return whether an interrupt was noted, which is dealt with now: the outermost release does not raise it."""
        if not self.pending or get_ident() != _MAIN:
            return False
        self.pending = False
        return True

    def acquire(self, lock: Lock) -> None:
        """Wait for a lock, held; an interrupt ends the wait where nothing was begun that would have to be finished.

        It is looked for every `PATIENCE`: raised out of the lock's own wait, it could come just after the lock was
        taken.
        """
        if get_ident() != _MAIN:
            lock.acquire()
            return
        while not lock.acquire(timeout=PATIENCE):
            if self.pending and (self._held == 1 or self._open):
                self.pending = False
                raise KeyboardInterrupt("stopped while waiting for another thread's operation; nothing has changed")

    def window(self, open_: bool) -> Window:
        """While a learner's own code runs inside an operation, let signals through (`open_`), noted ones too; else not.

        What the code calls of the machine closes the window again: the machine is whole whenever one is raised.
        """
        return Window(self, open_)

    def open(self, open_: bool) -> bool:
        """Let signals through from now on, or not; whether they were let through before."""
        before, self._open = self._open, open_
        return before

    def raise_noted(self) -> None:
        """Raise what was noted, where signals are let through."""
        if self.pending and self._open and get_ident() == _MAIN:
            self.pending = False
            raise KeyboardInterrupt

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self._held:
            self.pending = True
            self.raise_noted()
        elif callable(self._previous) and not self._passing:
            self._passing = True  # a handler that was put in our place may pass the signal back to us
            try:
                self._previous(number, frame)
            finally:
                self._passing = False
        elif self._previous != signal.SIG_IGN:
            raise KeyboardInterrupt


class Window:
    """A time in which signals are let through, or not; what :meth:`DeferredInterrupt.window` gives.

    A class and no generator function: the steps of `contextlib` would be counted as the learner's, and stopped.
    """

    __slots__ = ("_interrupt", "_open", "_outer")

    def __init__(self, interrupt: DeferredInterrupt, open_: bool) -> None:
        self._interrupt = interrupt
        self._open = open_

    def __enter__(self) -> None:
        self._outer = self._interrupt.open(self._open)
        try:
            self._interrupt.raise_noted()
        except KeyboardInterrupt:
            self._interrupt.open(self._outer)
            raise

    def __exit__(self, *error: object) -> None:
        self._interrupt.open(self._outer)


INTERRUPT = DeferredInterrupt()
"""One for the process: machines share the signal."""
