"""One thread owns the port: calls are done there one after another, and an interrupt ends only the call.

A Jupyter kernel interrupts its main thread at any point; in the middle of a packet that would leave the connection out
of step.  So the main thread only waits: when it is interrupted, it says so, and the owner stops between two packets.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import TypeVar

from ..engine.base.errors import Refused
from .gdb import Gdb
from .packets import connect

T = TypeVar("T")


Calls = SimpleQueue["Callable[[], None] | None"]
"""What the port's thread does, one after another; None ends it."""


def _serve(calls: Calls) -> None:
    while (call := calls.get()) is not None:
        call()


class Port:
    """The port at `where`, opened and used by a thread of its own."""

    def __init__(self, where: str) -> None:
        self.name = where
        self._stop = threading.Event()
        self._calls: Calls = SimpleQueue()
        # A daemon: a guest that runs beside the notebook must not keep Python from ending.
        threading.Thread(target=_serve, args=(self._calls,), name="vmwidgets-port", daemon=True).start()
        self._gdb: Gdb | None = None
        try:
            self._gdb = self._wait(self._submit(lambda: _opened(where)))
        except BaseException:
            self._calls.put(None)
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
        return self._submit(lambda: call(gdb))

    def _submit(self, call: Callable[[], T]) -> Future[T]:
        future: Future[T] = Future()

        def run() -> None:
            try:
                future.set_result(call())
            except BaseException as error:  # noqa: BLE001  it is raised where the result is asked for
                future.set_exception(error)

        self._calls.put(run)
        return future

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
            self._submit(lambda: gdb.close(goes_on=goes_on)).result()
            self._calls.put(None)


def _opened(where: str) -> Gdb:
    packets = connect(where)
    try:
        return Gdb(packets)
    except BaseException:
        packets.close()
        raise
