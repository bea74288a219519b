"""A pager for a range of this process: a learner's Python function supplies each page at its first access.

Linux asks for pages through userfaultfd(2), which an ordinary account may use for faults of user code alone
(`UFFD_USER_MODE_ONLY`, since 5.11).  A separate process receives the faults, and asks a thread of this process, which
calls the learner's function.  So a function that touches its own range, or never ends, hangs nothing: the separate
process supplies zeros in time, even if nothing in this process can run.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import platform
import select
import socket
import struct
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import suppress

from ...engine.base.calls import says_what_it_takes
from ...engine.base.errors import Refused, a_kind, in_ascii, shown
from ...engine.base.operations import number_within
from ...engine.base.units import PAGE, Address, counted
from .forked import ended, forked
from .reader import refuse_other_pages, said_of

with suppress(ImportError):  # Windows and browsers have none
    from fcntl import ioctl

MOST = 1 << 16
"""The most pages of one range."""

LONGEST = 10.0
"""Seconds that a function may take for a page."""

_CALLS = {"x86_64": 323, "aarch64": 282, "riscv64": 282}
"""The number of userfaultfd, by machine."""

_USER_MODE_ONLY, _MISSING, _THREAD_ID = 1, 1, 1 << 8
_API, _REGISTER, _COPY = 0xC018_AA3F, 0xC020_AA00, 0xC028_AA03
"""The ioctls of ioctl_userfaultfd(2)."""

_PAGEFAULT = 0x12

with suppress(OSError, TypeError):  # no C library is found this way: then there is no userfaultfd either
    _LIBC = ctypes.CDLL(None, use_errno=True)
    _LIBC.memcpy.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
    _LIBC.memcpy.restype = ctypes.c_void_p

Supply = Callable[[int], bytes]
"""The learner's function: it takes the number of a page, and returns its bytes."""


LATE, OWN = 1, 2
"""The reasons for zeros from the other process: the function was too late, or touched its own range."""


class _State:
    """The state of the thread that calls the function, without the pager itself, so that a pager can be freed."""

    def __init__(self, supply: Supply, asks: socket.socket, noted: mmap.mmap) -> None:
        self.supply, self.asks, self.noted = supply, asks, noted
        self.faults: list[int] = []
        self.wrong: dict[int, str] = {}


class Pager:
    """A range whose pages a function supplies: ``p[3]`` touches page 3 and returns its bytes; ``p.close()`` ends it.

    Touch pages only by ``p[n]``: any other read at `address` holds the interpreter's lock meanwhile, so the function
    can't run, and the read gets zeros after 10 s.
    """

    def __init__(self, supply: Supply, pages: int) -> None:
        self.pages = pages
        fd = _userfaultfd()
        self._memory = mmap.mmap(-1, pages * PAGE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        if hasattr(mmap, "MADV_NOHUGEPAGE"):
            self._memory.madvise(mmap.MADV_NOHUGEPAGE)
        self._held = ctypes.c_char.from_buffer(self._memory)
        self.address = Address(ctypes.addressof(self._held))
        ioctl(fd, _REGISTER, struct.pack("=QQQQ", self.address, pages * PAGE, _MISSING, 0))
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._state = _State(supply, ours, mmap.mmap(-1, pages))
        self._supplier = threading.Thread(target=_supply_all, args=(self._state,), name="vmwidgets pager", daemon=True)
        self._supplier.start()
        child = forked()
        if not child:
            ours.close()
            _serve(fd, theirs, self.address, self._supplier.native_id or 0, self._state.noted)
        theirs.close()
        self._touches, self._is_open = 0, True
        self._change = threading.Condition()
        self._end = weakref.finalize(self, _finish, os.getpid(), child, ours, fd)

    @property
    def faults(self) -> list[int]:
        """The pages that were supplied, in the order of their faults."""
        return [*self._state.faults]

    def __len__(self) -> int:
        return self.pages

    def __iter__(self) -> Iterator[bytes]:
        return (self[page] for page in range(self.pages))

    def __getitem__(self, page: int) -> bytes:
        """Touch a page, and return its bytes: the first time, the function supplies it."""
        page = number_within(page, "page", 0, self.pages - 1)
        if threading.get_ident() == self._supplier.ident:
            raise Refused(f"the function asks for page {page} of its own range: it must supply it, not read it")
        with self._change:
            if not self._is_open:
                raise Refused("the pager is closed: vm.pager(…) makes another")
            self._touches += 1
        to = ctypes.create_string_buffer(PAGE)
        try:
            # ctypes releases the interpreter's lock meanwhile: the thread that answers needs it.
            _LIBC.memcpy(ctypes.addressof(to), self.address + page * PAGE, PAGE)
        finally:
            with self._change:
                self._touches -= 1
                self._change.notify_all()
        wrong = self._wrong(page)
        if wrong:
            raise Refused(f"{wrong}. Zeros were supplied.")
        return to.raw

    def _wrong(self, page: int) -> str:
        """Return the error to report once, for the touched page or for a page that the function touched meanwhile."""
        noted = self._state.noted
        own = noted.find(bytes([OWN]), 0)
        if own >= 0:
            noted[own] = 0
            return f"the function touches page {own} of its own range: it must supply it, not read it"
        if noted[page] == LATE:
            noted[page] = 0
            return f"the function took more than {LONGEST:g} s for page {page}, or for one before it"
        return self._state.wrong.pop(page, "")

    def close(self) -> None:
        """Unmap the range, and end the process that answered; waits for touches of other threads."""
        if threading.get_ident() == self._supplier.ident:
            raise Refused("the function can't close its own pager: a page is waiting for it")
        with self._change:
            was_open, self._is_open = self._is_open, False
            self._change.wait_for(lambda: not self._touches, LONGEST + 1)
            if was_open and not self._touches:
                self._end()
                del self._held
                self._memory.close()

    def __enter__(self) -> Pager:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @in_ascii
    def __repr__(self) -> str:
        faults = self.faults
        if not self._is_open:
            return f"a pager that is closed: it supplied {counted(len(faults), 'page')}"
        order = f": {', '.join(map(str, faults[:12]))}{' …' if len(faults) > 12 else ''}" if faults else ""
        return f"{counted(self.pages, 'page')} at {self.address}, {len(faults):,} supplied when first touched{order}"


def _supply_all(state: _State) -> None:
    """Call the function for each requested page, until the socket is closed."""
    while True:
        try:
            message = state.asks.recv(8)
        except OSError:
            return
        if not message:
            return
        (page,) = struct.unpack("=Q", message)
        data, wrong = _supplied(state.supply, page)
        if wrong:
            state.wrong[page] = wrong
        elif state.noted[page] != LATE:
            state.faults.append(page)
        try:
            state.asks.send(message + data)
        except OSError:
            return


def _supplied(supply: Supply, page: int) -> tuple[bytes, str]:
    """Return a page's bytes from the function, or zeros and the error."""
    try:
        data: object = supply(page)
    except BaseException as error:  # noqa: BLE001  whatever a learner's function does
        return bytes(PAGE), f"the function failed for page {page}: {said_of(error)}"
    if not isinstance(data, bytes | bytearray):
        return bytes(PAGE), f"the function gave {a_kind(data)} for page {page}: give its {PAGE:,} bytes"
    if len(data) != PAGE:
        return bytes(PAGE), f"the function gave {counted(len(data), 'byte')} for page {page}: a page has {PAGE:,}"
    return bytes(data), ""


def _serve(fd: int, asks: socket.socket, address: int, supplier: int, noted: mmap.mmap) -> None:
    """Run the other process: receive faults, ask for pages, and fill them.  Never returns."""
    try:
        waiting: dict[int, float] = {}
        poll = select.poll()
        poll.register(fd, select.POLLIN)
        poll.register(asks, select.POLLIN)
        while True:
            for ready, _ in poll.poll(100 if waiting else None):
                if ready == fd:
                    event, _, _, place, thread = struct.unpack("=B7sQQI4x", os.read(fd, 32))
                    page = (place - address) // PAGE
                    if event == _PAGEFAULT and thread == supplier:
                        noted[page] = OWN
                        _fill(fd, place & -PAGE, bytes(PAGE))
                    elif event == _PAGEFAULT and page not in waiting:
                        waiting[page] = time.monotonic() + LONGEST
                        with suppress(BlockingIOError):
                            asks.send(struct.pack("=Q", page), socket.MSG_DONTWAIT)
                else:
                    message = asks.recv(8 + PAGE)
                    if not message:
                        return
                    (page,) = struct.unpack_from("=Q", message)
                    _fill(fd, address + page * PAGE, message[8:])
                    waiting.pop(page, None)
            for page in [page for page, until in waiting.items() if time.monotonic() > until]:
                del waiting[page]
                noted[page] = LATE
                _fill(fd, address + page * PAGE, bytes(PAGE))
    finally:
        os._exit(0)


def _fill(fd: int, place: int, data: bytes) -> None:
    from_ = ctypes.create_string_buffer(data, PAGE)
    with suppress(OSError):  # it is there already
        ioctl(fd, _COPY, struct.pack("=QQQQq", place, ctypes.addressof(from_), PAGE, 0, 0))


def _finish(owner: int, child: int, asks: socket.socket, fd: int) -> None:
    if os.getpid() == owner:
        with suppress(OSError):
            asks.shutdown(socket.SHUT_RDWR)
        ended(child)
        asks.close()
        os.close(fd)


def _userfaultfd() -> int:
    refuse_other_pages()
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


@says_what_it_takes
def pager(supply: Supply, pages: int = 16) -> Pager:
    """Map a range of this process whose pages a function supplies, each at its first access.

    `supply` takes the number of a page and returns its 4,096 bytes.  ``p[page]`` touches a page and returns its bytes;
    ``p.faults`` are the pages in the order in which they were supplied.

    Raises :class:`Refused` if the system has no userfaultfd(2) or forbids it, and, when a page is touched, if the
    function fails, returns too few bytes, takes longer than 10 s, or touches its own range.

    >>> import vmwidgets as vm
    >>> with vm.pager(lambda page: bytes([page]) * 4096) as p:
    ...     p[3][0], p[1][0], p[3][1], p.faults
    (3, 1, 3, [3, 1])
    """
    if not callable(supply):
        raise Refused(f"supply={shown(supply)} is {a_kind(supply)}: give a function of a page's number")
    return Pager(supply, number_within(pages, "pages", 1, MOST))


__all__ = ["Pager", "pager"]
