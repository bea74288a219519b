"""A port owned by one thread, which makes calls one after another; an interrupt ends only the current call.

A Jupyter kernel interrupts its main thread at any point; in the middle of a packet, that would leave the connection out
of step.  So the main thread only waits.  When it is interrupted, it notifies the owner, which stops between two
packets.

QEMU serves one client at a time.  While no call is made, the port is released, so that GDB can use it, and the guest
stays stopped; the next call connects again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TypeVar

from ..engine.base.errors import Refused
from .gdb import Gdb, Ram
from .packets import connect

T = TypeVar("T")


Calls = SimpleQueue["Callable[[], None] | None"]
"""The queue of calls for the port's thread; None ends it."""


IDLE = 10.0
"""Seconds without a call after which the port is released."""


class _Line:
    """The connection, used by the port's thread alone: opened when it is needed, and released otherwise."""

    def __init__(self, where: str, ram: Ram | None = None) -> None:
        self.where = where
        self._ram = ram
        self.gdb: Gdb | None = None
        self.has_moved = False
        """Whether the guest has run while the port was released, because GDB used it."""
        self._came = ""
        self._state: tuple[str, ...] = ()

    def open(self) -> Gdb:
        """Return the client, which is connected again if the port was released."""
        if self.gdb is None:
            packets = connect(self.where)
            try:
                self.gdb = Gdb(packets, self._came, self._ram)
            except BaseException:
                packets.close()
                raise
            if self._state:
                self.has_moved |= self.gdb.state() != self._state
        return self.gdb

    def let_go(self) -> None:
        """Release the port; the guest stays stopped, without our breakpoints."""
        gdb, self.gdb = self.gdb, None
        if gdb is not None:
            with suppress(Refused):  # QEMU may have ended: the next call says so
                self._came, self._state = gdb.came, gdb.state()
            gdb.close(goes_on=False)


def _serve(calls: Calls, line: _Line) -> None:
    while True:
        try:
            call = calls.get(timeout=None if line.gdb is None else IDLE)
        except Empty:
            line.let_go()
            continue
        if call is None:
            return
        call()


class Port:
    """The port at `where`, opened and used by a thread of its own; `ram` is the guest's memory, if it is shared."""

    def __init__(self, where: str, ram: Ram | None = None) -> None:
        self.name = where
        self._stop = threading.Event()
        self._calls: Calls = SimpleQueue()
        # A daemon: a guest that runs alongside the notebook must not keep Python from ending.
        self._line = _Line(where, ram)
        threading.Thread(target=_serve, args=(self._calls, self._line), name="vmwidgets-port", daemon=True).start()
        self._is_open = True
        try:
            self._wait(self._submit(self._line.open))
        except BaseException:
            self._calls.put(None)
            raise

    @property
    def is_open(self) -> bool:
        """Return whether the port can still be used; it may be released meanwhile."""
        return self._is_open

    def guest_has_moved(self) -> bool:
        """Return, once, whether the guest has run while the port was released; connects again."""
        if self._line.gdb is None:
            self.do(Gdb.threads)
        moved, self._line.has_moved = self._line.has_moved, False
        return moved

    def do(self, call: Callable[[Gdb], T]) -> T:
        """Return the result of `call`, made with the client.  An interrupt is raised here once `call` has ended."""
        return self._wait(self.begin(call))

    def begin(self, call: Callable[[Gdb], T]) -> Future[T]:
        """Begin a call that runs in the background, until :meth:`stop`."""
        if not self._is_open:
            raise Refused(f"{self.name}: the port was closed; attach again")
        self._stop.clear()
        return self._submit(lambda: call(self._line.open()))

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
        """Return whether the current call should end: a thread asked, or Ctrl-C was pressed."""
        return self._stop.is_set()

    def stop(self) -> None:
        """End the current call, between two packets."""
        self._stop.set()

    def _wait(self, future: Future[T]) -> T:
        try:
            return future.result()
        except KeyboardInterrupt:
            self._stop.set()
            future.exception()  # waits, at most as long as the guest takes to stop
            raise

    def close(self, *, goes_on: bool = True) -> None:
        """Close the port; the guest `goes_on`, or stays stopped."""
        if not self._is_open:
            return
        self._is_open = False
        self._stop.set()
        with suppress(Refused):  # another client has the port by now, or QEMU has ended
            self._submit(lambda: self._line.open().close(goes_on=goes_on)).result()
        self._calls.put(None)
