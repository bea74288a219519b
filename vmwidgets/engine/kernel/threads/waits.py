"""The waits of kernel functions that may sleep, and the lock of a FreeBSD map.

Such a function is written once, as a generator that yields one of these waits and continues when it is woken.  Its
runner decides what waiting means: a scheduler, a learner's cell, a replay.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from ...base.errors import in_ascii
from ...base.frozen import frozen
from ...base.recorder import Recorder
from ...base.units import counted
from ..map.core import MapCore
from .threads_schema import CallUndone, MapLocked, MapUnlocked

EWOULDBLOCK = 35
"""The result of tsleep if the time is up before a wakeup."""

T = TypeVar("T")


class Running:
    """The name of the thread that runs, or "" for the learner's cell."""

    __slots__ = ("thread",)

    def __init__(self) -> None:
        self.thread = ""


# ---- waits -------------------------------------------------------------------------------------


class _InWords:
    """The purpose of a wait: `f"{wait}"` has names as they are, `str(wait)` has them in ASCII."""

    __slots__ = ()

    @in_ascii
    def __str__(self) -> str:
        return f"{self}"


@frozen
class PageWait(_InWords):
    """A wait until pages are freed (FreeBSD `VM_WAIT`)."""

    subject = ("pages", "")
    """Return the kind of thing it waits for, and its name."""

    def __format__(self, _spec: str) -> str:
        return "free pages"


@frozen
class RoomWait(_InWords):
    """A wait until a wakeup of threads that sleep for room in `map`; its lock was released in the same step."""

    map: MapCore[Any]

    @property
    def subject(self) -> tuple[str, str]:
        """Return the kind of thing it waits for, and its name."""
        return "room", self.map.name

    def __format__(self, _spec: str) -> str:
        return f"room in {self.map.name}"


@frozen
class TimedWait(_InWords):
    """A wait for exactly `ticks` of the clock; no wakeup ends it earlier (`tsleep` on a private channel)."""

    message: str
    ticks: int

    @property
    def subject(self) -> tuple[str, str]:
        """Return the kind of thing it waits for, and its name."""
        return "timer", self.message

    def __format__(self, _spec: str) -> str:
        return f'{counted(self.ticks, "tick")} ("{self.message}")'


@frozen
class ChannelWait(_InWords):
    """A wait until a wakeup of `channel`, or until `ticks` have passed (0: no limit) (`tsleep`)."""

    channel: str
    message: str = ""
    ticks: int = 0

    @property
    def subject(self) -> tuple[str, str]:
        """Return the kind of thing it waits for, and its name."""
        return "channel", self.channel

    def __format__(self, _spec: str) -> str:
        message = f' ("{self.message}")' if self.message else ""
        return f"a wakeup of {self.channel}{message}"


@frozen
class LockWait(_InWords):
    """A wait until `lock` is free."""

    lock: MapLock

    @property
    def subject(self) -> tuple[str, str]:
        """Return the kind of thing it waits for, and its name."""
        return "lock", self.lock.name

    def __format__(self, _spec: str) -> str:
        return f"the lock of {self.lock.name}"


Wait = PageWait | RoomWait | TimedWait | ChannelWait | LockWait
"""The purpose in words: `f"{PageWait()}"` is "free pages"."""

MaySleep = Generator[Wait, int, T]
"""A kernel function that may sleep before it returns a T.

After a wait, it is sent 0, or EWOULDBLOCK if the time was up.
"""


# ---- calls that may sleep ----------------------------------------------------------------------


class WouldSleep(Exception):
    """Raised if a call would have to sleep but must not; `wait` is what it would wait for."""

    def __init__(self, wait: Wait) -> None:
        super().__init__(f"it would have to wait for {wait}")
        self.wait = wait


def run_without_sleeping(call: MaySleep[T]) -> T:
    """Run a call that must not sleep, to its end; raises :class:`WouldSleep` if it would have to.

    >>> def answer() -> MaySleep[int]:
    ...     return 42
    ...     yield PageWait()
    >>> run_without_sleeping(answer())
    42
    """
    try:
        wait = next(call)
    except StopIteration as done:
        result: T = done.value
        return result
    call.close()
    raise WouldSleep(wait)


@contextmanager
def undone(recorder: Recorder, name: str, undo: Callable[[], None]) -> Iterator[None]:
    """Call `undo` if a call of `name` is given up while it waits in this ``with`` block: it undoes the unfinished work.

    No other thread runs then, so no lock is taken.
    """
    try:
        yield
    except GeneratorExit:
        undo()
        emit = recorder.emit
        if emit is not None:
            emit((CallUndone.tag, name, "it was given up while it waited"))
        raise


# ---- locks -------------------------------------------------------------------------------------


class MapLock:
    """The lock of the map called `name`.

    A map with the system flag has a mutex, others a lock that a sleeping thread may hold.
    """

    __slots__ = ("holder", "mutex", "name", "recorder", "running")

    def __init__(self, name: str, recorder: Recorder, running: Running) -> None:
        self.name = name
        self.recorder = recorder
        self.running = running
        self.mutex = False
        """Whether no sleeping thread may hold it; set with the map's system flag."""
        self.holder: str | None = None
        """The thread that holds it; None if it is free."""

    @property
    def held(self) -> bool:
        """Return whether a thread holds it."""
        return self.holder is not None

    def acquire(self) -> MaySleep[None]:
        """Acquire the lock, sleeping while another thread holds it."""
        while self.holder is not None:
            yield LockWait(self)
        self.holder = self.running.thread
        emit = self.recorder.emit
        if emit is not None:
            emit((MapLocked.tag, self.name, self.holder))

    def release(self) -> None:
        """Release the lock."""
        holder, self.holder = self.holder, None
        emit = self.recorder.emit
        if emit is not None:
            emit((MapUnlocked.tag, self.name, holder))

    def drop_to_sleep(self) -> None:
        """Release the lock and put the caller to sleep in one step (`msleep`), so no wakeup is missed."""
        self.holder = None
