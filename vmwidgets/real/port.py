"""One thread owns the port: calls are done there one after another, and an interrupt ends only the call.

A Jupyter kernel interrupts its main thread at any point; in the middle of a packet that would leave the connection out
of step.  So the main thread only waits: when it is interrupted, it says so, and the owner stops between two packets.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from ..engine.base.errors import Refused
from .gdb import Gdb
from .packets import connect

T = TypeVar("T")


class Port:
    """The port at `where`, opened and used by a thread of its own."""

    def __init__(self, where: str) -> None:
        self.name = where
        self._stop = threading.Event()
        self._thread = ThreadPoolExecutor(1, "vmwidgets-port")
        self._gdb: Gdb | None = None
        try:
            self._gdb = self._wait(self._thread.submit(_opened, where))
        except BaseException:
            self._thread.shutdown(wait=False)
            raise

    @property
    def is_open(self) -> bool:
        """Whether the port can still be asked."""
        return self._gdb is not None

    def do(self, call: Callable[[Gdb], T]) -> T:
        """What `call` returns of the client.  An interrupt is raised here once `call` has ended."""
        return self._wait(self.begin(call))

    def begin(self, call: Callable[[Gdb], T]) -> Future[T]:
        """Begin a call that goes on beside the caller, until :meth:`stop`."""
        gdb = self._gdb
        if gdb is None:
            raise Refused(f"{self.name}: the port was closed; attach again")
        self._stop.clear()
        return self._thread.submit(call, gdb)

    def is_told_to_stop(self) -> bool:
        """Whether the call that is under way is to end: a thread asked, or Ctrl-C was pressed."""
        return self._stop.is_set()

    def stop(self) -> None:
        """End the call that is under way, between two packets."""
        self._stop.set()

    def _wait(self, future: Future[T]) -> T:
        try:
            return future.result()
        except KeyboardInterrupt:
            self._stop.set()
            future.exception()  # waits, at most as long as the guest takes to stop
            raise

    def close(self, *, goes_on: bool = True) -> None:
        """Let the port go; the guest `goes_on`, or stays stopped."""
        gdb, self._gdb = self._gdb, None
        if gdb is not None:
            self._stop.set()
            self._thread.submit(gdb.close, goes_on=goes_on).result()
            self._thread.shutdown()


def _opened(where: str) -> Gdb:
    packets = connect(where)
    try:
        return Gdb(packets)
    except BaseException:
        packets.close()
        raise
