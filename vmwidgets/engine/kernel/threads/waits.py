"""What a kernel function that may sleep waits for.

Such a function is written once, as a generator that yields one of these and goes on when it is woken.  Who runs it
decides what waiting means: a scheduler, a learner's cell, a replay.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Protocol, TypeVar

from ...base.events import Called, CallUndone, MapLocked, MapUnlocked, Returned
from ...base.recorder import Recorder

if TYPE_CHECKING:
    from ..freebsd.vm_map import FreeBSDMap


@dataclass(frozen=True, slots=True)
class PageWait:
    """Until pages were given back (FreeBSD `VM_WAIT`)."""


@dataclass(frozen=True, slots=True)
class RoomWait:
    """Until somebody wakes those who sleep for room in `map`; its lock went in the same step."""

    map: FreeBSDMap


@dataclass(frozen=True, slots=True)
class TimedWait:
    """For `ticks` of the clock, all of them: nothing wakes it earlier (`tsleep` on a channel nobody knows)."""

    message: str
    ticks: int


@dataclass(frozen=True, slots=True)
class ChannelWait:
    """Until somebody wakes `channel`, or `ticks` have passed (0: however long it takes) (`tsleep`)."""

    channel: str
    message: str = ""
    ticks: int = 0


@dataclass(frozen=True, slots=True)
class LockWait:
    """Until `lock` is free."""

    lock: MapLock


Wait = PageWait | RoomWait | TimedWait | ChannelWait | LockWait


class Running:
    """Who runs: the name of the thread, or "" for the learner's cell."""

    __slots__ = ("thread",)

    def __init__(self) -> None:
        self.thread = ""


def waits_for(wait: Wait) -> str:
    """For what, in words.

    >>> waits_for(TimedWait("nokva", 250)), waits_for(PageWait())
    ('250 ticks ("nokva")', 'free pages')
    """
    if isinstance(wait, PageWait):
        return "free pages"
    if isinstance(wait, RoomWait):
        return f"room in {wait.map.name}"
    if isinstance(wait, TimedWait):
        return f'{wait.ticks} ticks ("{wait.message}")'
    if isinstance(wait, LockWait):
        return f"the lock of {wait.lock.name}"
    told = f' ("{wait.message}")' if wait.message else ""
    return f"a wakeup of {wait.channel}{told}"


T = TypeVar("T")


MaySleep = Generator[Wait, int, T]
"""A kernel function that may sleep, on its way to a T.  It is sent 0, or EWOULDBLOCK when the time was up."""


EWOULDBLOCK = 35
"""What tsleep returns when nobody woke the sleeper in time."""


class HasRecorder(Protocol):
    """What a kernel function reports to."""

    @property
    def recorder(self) -> Recorder:
        """The listener."""


K = TypeVar("K", bound=HasRecorder)


P = ParamSpec("P")


def kernel_function(
    function: Callable[Concatenate[K, P], MaySleep[T]],
) -> Callable[Concatenate[K, P], MaySleep[T]]:
    """Report where a kernel function begins, and where it is done and with what."""
    name = function.__name__

    @wraps(function)
    def reported(kernel: K, /, *args: P.args, **kwargs: P.kwargs) -> MaySleep[T]:
        emit = kernel.recorder.emit
        if emit is not None:
            emit((Called.tag, name, tuple(_plain(value) for value in args)))
        result = yield from function(kernel, *args, **kwargs)
        emit = kernel.recorder.emit
        if emit is not None:
            emit((Returned.tag, _plain(result)))
        return result

    return reported


@contextmanager
def undone(recorder: Recorder, name: str, undo: Callable[[], None]) -> Iterator[None]:
    """While a call of `name` waits in here: if it is given up, `undo` takes back what it had begun.

    Nobody else runs then, so no lock is taken.
    """
    try:
        yield
    except GeneratorExit:
        undo()
        emit = recorder.emit
        if emit is not None:
            emit((CallUndone.tag, name, "it was given up while it waited"))
        raise


def _plain(value: Any) -> Any:
    """What an event may hold of an argument: numbers and texts as they are, of a structure its name."""
    return value if isinstance(value, (int, str, type(None))) else getattr(value, "name", "")


def run_without_sleeping(call: MaySleep[T]) -> T:
    """Run a call that must not need to sleep to its end; :class:`WouldSleep` where it does.

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


class WouldSleep(Exception):
    """A call that nobody can wait for has to wait; `wait` says for what."""

    def __init__(self, wait: Wait) -> None:
        super().__init__(f"it would have to wait for {waits_for(wait)}")
        self.wait = wait


# ---- map lock ----------------------------------------------------------------------------------
#
# The lock of a FreeBSD map: held or not, and waited for by those who find it held.


class MapLock:
    """`name` is the map's.  A map with the system flag has a mutex here, others a lock that may be held asleep."""

    __slots__ = ("holder", "mutex", "name", "recorder", "running")

    def __init__(self, name: str, recorder: Recorder, running: Running) -> None:
        self.name = name
        self.recorder = recorder
        self.running = running
        self.mutex = False
        """Whether it may not be held asleep; set with the map's system flag."""
        self.holder: str | None = None
        """The thread that has it; none when it is free."""

    @property
    def held(self) -> bool:
        """Whether somebody has it."""
        return self.holder is not None

    def acquire(self) -> MaySleep[None]:
        """Take it, after those who have it."""
        while self.holder is not None:
            yield LockWait(self)
        self.holder = self.running.thread
        emit = self.recorder.emit
        if emit is not None:
            emit((MapLocked.tag, self.name, self.holder))

    def release(self) -> None:
        """Let go of it."""
        holder, self.holder = self.holder, None
        emit = self.recorder.emit
        if emit is not None:
            emit((MapUnlocked.tag, self.name, holder))

    def drop_to_sleep(self) -> None:
        """Let go of it in the one step that also puts the caller to sleep (`msleep`): no wakeup gets in between."""
        self.holder = None
