"""The allocators of this process, by their own numbers: CPython's arenas for small objects, and glibc's malloc."""

from __future__ import annotations

import ctypes
import re
from typing import Any, NamedTuple

ARENA = 1 << 20
"""Bytes that CPython allocates at once for small objects, since 3.10 (Objects/obmalloc.c)."""

_ROOM = 16 << 10
"""The most bytes of CPython's text; the lines about arenas are within the first 4,000."""


class Allocators(NamedTuple):
    """The state of both allocators.

    `arenas` is the number of CPython's arenas, None if it has none, and `objects` the bytes in use in them.  `free` is
    the bytes of malloc's free blocks, which may be in memory or not; 0 if malloc does not count them.
    """

    arenas: int | None
    objects: int
    free: int

    @classmethod
    def now(cls) -> Allocators:
        """Return the current state.  Some 3 ms for 10 million objects.

        The text is that of sys._debugmallocstats(), which CPython is asked to write into memory, since the standard
        error belongs to all threads.  Without arenas (PYTHONMALLOC=malloc, free threads, PyPy), it has no such line.
        """
        found = re.search(rb"allocated current *= *([\d,]+)(?s:.)*in allocated blocks *= *([\d,]+)", _text())
        arenas, objects = (None, 0) if found is None else (int(one.replace(b",", b"")) for one in found.groups())
        return cls(arenas, objects or 0, _free())

    @property
    def spare(self) -> int:
        """The bytes of the arenas that are not in use."""
        return (self.arenas or 0) * ARENA - self.objects


def _text() -> bytes:
    """Return CPython's text about its allocator; nothing if this Python or its C library can't write it to memory."""
    libc: Any = ctypes.CDLL(None)
    try:
        write, opens, closes = ctypes.pythonapi._PyObject_DebugMallocStats, libc.fmemopen, libc.fclose
    except AttributeError:
        return b""
    opens.restype = ctypes.c_void_p
    room = ctypes.create_string_buffer(_ROOM)
    file = opens(room, ctypes.c_size_t(_ROOM), b"w")
    if file:
        write(ctypes.c_void_p(file))
        closes(ctypes.c_void_p(file))
    return room.value


class _Mallinfo2(ctypes.Structure):
    """The ten numbers of struct mallinfo2 of mallinfo(3): the ninth is fordblks."""

    _fields_ = (("numbers", ctypes.c_size_t * 10),)


def _free() -> int:
    """Return the bytes of malloc's free blocks; 0 without mallinfo2 (glibc before 2.33, musl)."""
    try:
        info: Any = ctypes.CDLL(None).mallinfo2
    except AttributeError:
        return 0
    info.restype = _Mallinfo2
    return int(info().numbers[8])
