"""The stop button, held back while an operation runs.

An interrupt raised in the middle of a relinking would leave a map that no kernel ever had.  So the signal is noted while an
operation runs and raised when it is done.  Only the main thread gets signals; elsewhere this does nothing.
"""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any


class DeferredInterrupt:
    """Between :meth:`hold` and :meth:`release`, SIGINT is noted instead of raised."""

    __slots__ = ("_held", "_previous", "pending")

    def __init__(self) -> None:
        self.pending = False
        self._held = False
        self._previous: Any = None

    def hold(self) -> None:
        """Begin to note."""
        if threading.current_thread() is threading.main_thread():
            self.pending = False
            self._previous = signal.signal(signal.SIGINT, self._note)
            self._held = True

    def release(self) -> None:
        """Stop noting, and raise what was noted."""
        if not self._held or threading.current_thread() is not threading.main_thread():
            return
        self._held = False
        signal.signal(signal.SIGINT, signal.SIG_DFL if self._previous is None else self._previous)
        if self.pending:
            self.pending = False
            raise KeyboardInterrupt("the operation that ran was finished first")

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.pending = True
