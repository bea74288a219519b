"""The stop button, delayed while an operation runs.

An interrupt in the middle of a relinking would leave a map that no kernel ever had.  So the signal is noted while an
operation runs, and raised when the operation has finished.  Only the main thread receives signals; in other threads,
this module does nothing.

The handler stays installed: setting it for each operation would cost more than most operations.  Outside operations, it
passes the signal on to the previous handler.
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
"""`signal.getsignal`, if possible without a detour through enumerations: every operation calls this function."""

PATIENCE = 0.05
"""The most seconds that a wait for a lock continues after an interrupt."""


class Lock(Protocol):
    """The part of a lock's interface used here."""

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Acquire the lock; returns False when the time is over."""


class Interrupted(KeyboardInterrupt):
    """The stop button, pressed while the package worked: a notebook shows the learner's line and one sentence."""


class Stopped(Interrupted):
    """Raised when the stop button ends an operation that may stop in the middle: a part of it is done."""


class DeferredInterrupt:
    """A delay of SIGINT: between :meth:`hold` and :meth:`release`, the signal is noted instead of raised.

    Holds nest, since a listener of an operation may begin another: the outermost release raises the noted interrupt.
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
        """Begin to delay the signal."""
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
        """End the delay, and raise the noted interrupt."""
        if get_ident() != _MAIN or not self._held:
            return
        self._held -= 1
        if self.pending and not self._held:
            self.pending = False
            raise Interrupted("the operation that ran was finished first")

    def take(self) -> bool:
        """Return whether an interrupt was noted, and clear it: the outermost release does not raise it."""
        if not self.pending or get_ident() != _MAIN:
            return False
        self.pending = False
        return True

    def acquire(self, lock: Lock) -> None:
        """Wait for a lock while signals are delayed; an interrupt ends the wait, unless a call must finish first.

        The interrupt is checked every `PATIENCE` seconds: if the lock's own wait raised the interrupt, it could come
        just after the lock was acquired.
        """
        if get_ident() != _MAIN:
            lock.acquire()
            return
        while not lock.acquire(timeout=PATIENCE):
            if self.pending and (self._held == 1 or self._open):
                self.pending = False
                raise Interrupted("stopped while waiting for another thread's operation; nothing has changed")

    def window(self, open_: bool) -> Window:
        """Let signals through (`open_`), even noted signals, or delay them, while an operation runs a learner's code.

        When this code calls the machine, signals are delayed again, so the machine is consistent whenever a signal is
        raised.
        """
        return Window(self, open_)

    def open(self, open_: bool) -> bool:
        """Let signals through from now on, or not; returns whether they were let through before."""
        before, self._open = self._open, open_
        return before

    def raise_noted(self) -> None:
        """Raise the noted interrupt, if signals are let through."""
        if self.pending and self._open and get_ident() == _MAIN:
            self.pending = False
            raise KeyboardInterrupt

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self._held:
            self.pending = True
            self.raise_noted()
        elif callable(self._previous) and not self._passing:
            self._passing = True  # a handler that replaced ours may pass the signal back to us
            try:
                self._previous(number, frame)
            except KeyboardInterrupt:
                if not _is_ours(frame):
                    raise
                raise Interrupted(BETWEEN) from None
            finally:
                self._passing = False
        elif self._previous != signal.SIG_IGN:
            raise Interrupted(BETWEEN) if _is_ours(frame) else KeyboardInterrupt


BETWEEN = "stopped; the machine is as its last operation left it"

_PACKAGE = __name__.partition(".")[0]


def _is_ours(frame: FrameType | None) -> bool:
    """Return whether a signal came while this package, or code that it called, ran: not a learner's own code."""
    while frame is not None:
        name = frame.f_globals.get("__name__", "")
        if name == "__main__":
            return False
        if name.partition(".")[0] == _PACKAGE:
            return True
        frame = frame.f_back
    return False


class Window:
    """A period in which signals are let through, or not; the result of :meth:`DeferredInterrupt.window`.

    This is a class because a generator function needs `contextlib`: a signal for the learner's code could stop
    `contextlib`'s own steps.
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
"""The process's only instance: all machines share the signal."""
