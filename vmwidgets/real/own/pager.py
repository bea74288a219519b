"""A pager for a range of this process, in Python: a learner's function supplies each page when it is first touched.

Linux asks it through userfaultfd(2), which an ordinary account may use for faults of user code alone
(`UFFD_USER_MODE_ONLY`, since 5.11).  Two threads answer: one hears of faults, the other calls the learner's function.
So a function that touches its own range, or never ends, hangs nothing.
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import platform
import queue
import select
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from ...engine.base.errors import Refused, a_kind, in_ascii, printable, shown
from ...engine.base.units import PAGE, Address, counted
from .reader import checked_number

with suppress(ImportError):  # Windows and browsers have none
    from fcntl import ioctl

MOST = 1 << 16
"""Pages of one range."""

LONGEST = 10.0
"""Seconds that a function may take for a page."""

_CALLS = {"x86_64": 323, "aarch64": 282, "riscv64": 282}
"""The number of userfaultfd, by machine."""

_USER_MODE_ONLY, _MISSING, _THREAD_ID = 1, 1, 1 << 8
_API, _REGISTER, _COPY = 0xC018_AA3F, 0xC020_AA00, 0xC028_AA03
"""ioctls of ioctl_userfaultfd(2)."""

_PAGEFAULT = 0x12

with suppress(OSError, TypeError):  # no C library by this way: then there is no userfaultfd either
    _LIBC = ctypes.CDLL(None, use_errno=True)
    _LIBC.memcpy.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
    _LIBC.memcpy.restype = ctypes.c_void_p

Supply = Callable[[int], bytes]
"""What a learner writes: the number of a page, and its bytes."""


class Pager:
    """A range whose pages a function supplies: ``p[3]`` touches page 3, and gives its bytes; ``p.close()`` ends it."""

    def __init__(self, supply: Supply, pages: int) -> None:
        self._supply = supply
        self.pages = pages
        self.faults: list[int] = []
        """The pages that were supplied, in the order of their faults."""
        self._wrong: str = ""
        self._busy: tuple[int, float] | None = None
        self._fd = _userfaultfd()
        self._memory = mmap.mmap(-1, pages * PAGE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        if hasattr(mmap, "MADV_NOHUGEPAGE"):
            self._memory.madvise(mmap.MADV_NOHUGEPAGE)
        self._held = ctypes.c_char.from_buffer(self._memory)
        self.address = Address(ctypes.addressof(self._held))
        ioctl(self._fd, _REGISTER, struct.pack("=QQQQ", self.address, pages * PAGE, _MISSING, 0))
        self._asked: queue.SimpleQueue[int | None] = queue.SimpleQueue()
        self._supplier = threading.Thread(target=self._supply_all, name="vmwidgets pager", daemon=True)
        self._supplier.start()
        self._hearer = threading.Thread(target=self._hear, name="vmwidgets faults", daemon=True)
        self._hearer.start()

    def __len__(self) -> int:
        return self.pages

    def __getitem__(self, page: int) -> bytes:
        """Touch a page, and give its bytes: the first time, the function supplies it."""
        checked_number("page", page, 0, self.pages - 1)
        if self._fd < 0:
            raise Refused("the pager is closed: vm.pager(…) makes another")
        if threading.get_ident() == self._supplier.ident:
            raise Refused(f"the function asks for page {page} of its own range: it must supply it, not read it")
        to = ctypes.create_string_buffer(PAGE)
        # ctypes lets go of the interpreter's lock meanwhile: the threads that answer need it.
        _LIBC.memcpy(ctypes.addressof(to), self.address + page * PAGE, PAGE)
        if self._wrong:
            words, self._wrong = self._wrong, ""
            raise Refused(words)
        return to.raw

    def close(self) -> None:
        """Give the range back, and end the threads."""
        if self._fd < 0:
            return
        fd, self._fd = self._fd, -1
        self._asked.put(None)
        self._hearer.join(1.0)
        os.close(fd)
        del self._held
        self._memory.close()

    def __enter__(self) -> Pager:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @in_ascii
    def __repr__(self) -> str:
        if self._fd < 0:
            return f"a pager that is closed: it supplied {counted(len(self.faults), 'page')}"
        order = f": {', '.join(map(str, self.faults[:12]))}" if self.faults else ""
        order += " …" if len(self.faults) > 12 else ""
        return (
            f"{counted(self.pages, 'page')} at {self.address}, {len(self.faults):,} supplied when first touched{order}"
        )

    # ---- threads -----------------------------------------------------------------------------

    def _hear(self) -> None:
        """Hear of faults: a page that the function itself touches, or that takes too long, is filled with zeros."""
        poll = select.poll()
        poll.register(self._fd, select.POLLIN)
        while (fd := self._fd) >= 0:
            if poll.poll(200):
                try:
                    event, _, _, address, thread = struct.unpack("=B7sQQI4x", os.read(fd, 32))
                except (BlockingIOError, OSError):
                    continue
                if event == _PAGEFAULT:
                    page = (address - self.address) // PAGE
                    if thread == self._supplier.native_id:
                        words = f"the function touches page {page} of its own range"
                        self._fail(page, f"{words}: it must supply it, not read it")
                    else:
                        self._asked.put(page)
            busy = self._busy
            if busy is not None and time.monotonic() - busy[1] > LONGEST:
                self._busy = None
                self._fail(busy[0], f"the function took more than {LONGEST:g} s for page {busy[0]}")

    def _supply_all(self) -> None:
        while (page := self._asked.get()) is not None:
            self._busy = (page, time.monotonic())
            try:
                data: object = self._supply(page)
            except BaseException as error:  # noqa: BLE001  whatever a learner's function does
                said = printable(str(error).splitlines()[0][:80]) if str(error) else ""
                words = f"{type(error).__name__}{': ' * bool(said)}{said}"
                self._busy = None
                self._fail(page, f"the function failed for page {page}: {words}")
                continue
            if not isinstance(data, bytes | bytearray):
                self._fail(page, f"the function gave {a_kind(data)} for page {page}: give its {PAGE:,} bytes")
            elif len(data) != PAGE:
                self._fail(page, f"the function gave {counted(len(data), 'byte')} for page {page}: a page has {PAGE:,}")
            elif self._busy is not None:
                self.faults.append(page)
                self._fill(page, bytes(data))
            self._busy = None

    def _fail(self, page: int, words: str) -> None:
        self._wrong = self._wrong or f"{words}. Zeros were supplied."
        self._fill(page, bytes(PAGE))

    def _fill(self, page: int, data: bytes) -> None:
        from_ = ctypes.create_string_buffer(data, PAGE)
        asked = struct.pack("=QQQQq", self.address + page * PAGE, ctypes.addressof(from_), PAGE, 0, 0)
        try:
            ioctl(self._fd, _COPY, asked)
        except OSError as error:
            if error.errno != errno.EEXIST:  # it is there already
                self._wrong = self._wrong or f"page {page} could not be supplied: {error.strerror}"


def _userfaultfd() -> int:
    number = _CALLS.get(platform.machine()) if hasattr(os, "fork") and platform.system() == "Linux" else None
    if number is None:
        raise Refused(f"{platform.system()} has no userfaultfd: {_INSTEAD}")
    fd = _LIBC.syscall(number, _USER_MODE_ONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    if fd < 0:
        why = os.strerror(ctypes.get_errno())
        raise Refused(f"this system lets no ordinary account page its own memory (userfaultfd: {why}): {_INSTEAD}")
    ioctl(fd, _API, struct.pack("=QQQ", 0xAA, _THREAD_ID, 0))
    return int(fd)


_INSTEAD = "m.pager(name, size, function) is the same in a machine of the model"


def pager(supply: Supply, pages: int = 16) -> Pager:
    """Map a range of this process whose pages a function of yours supplies, each when it is first touched.

    `supply` takes the number of a page and gives its 4,096 bytes.  ``p[page]`` touches a page and gives its bytes,
    ``p.faults`` are the pages in the order in which they were supplied.

    Raises :class:`Refused` where the system has no userfaultfd(2) or forbids it, and, when a page is touched, if the
    function fails, gives too little, takes longer than 10 s, or touches its own range.

    >>> import vmwidgets as vm
    >>> with vm.pager(lambda page: bytes([page]) * 4096) as p:
    ...     p[3][0], p[1][0], p[3][1], p.faults
    (3, 1, 3, [3, 1])
    """
    if not callable(supply):
        raise Refused(f"supply={shown(supply)} is {a_kind(supply)}: give a function of a page's number")
    return Pager(supply, checked_number("pages", pages, 1, MOST))


__all__ = ["Pager", "pager"]
