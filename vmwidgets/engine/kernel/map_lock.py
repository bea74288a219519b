"""The lock of a FreeBSD map: held or not, and waited for by those who find it held."""

from __future__ import annotations

from ..base.events import MapLocked, MapUnlocked
from ..base.recorder import Recorder
from .waits import LockWait, Running, Sleepy


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

    def acquire(self) -> Sleepy[None]:
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
