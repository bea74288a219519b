"""Copy-on-write in two real processes, this one and a child: which pages they share before and after a write."""

from __future__ import annotations

import ctypes
import gc
import mmap
import os
import signal
import socket
import struct
import threading
import warnings
from contextlib import suppress
from typing import NamedTuple

from ...engine.base.calls import says_what_it_takes
from ...engine.base.errors import Refused, in_ascii, shown
from ...engine.base.operations import number_within
from ...engine.base.units import PAGE, Address, counted
from ...engine.spaces.process_schema import ForkedPage, ForkedValue, LiveFork
from .reader import ALONE, PRESENT, refuse_other_pages, words_of

MOST = 64
"""The most pages shared by both processes."""


class _Ask(NamedTuple):
    """A request to the child: write a byte to a page, read a page, or end."""

    what: bytes
    page: int = 0
    byte: int = 0


class TwoProcesses(LiveFork):
    """This process and its child, with some pages that both map; it is shown as a picture.

    ``write("child", 0, "B")`` writes a byte, ``read("parent", 0)`` reads one, ``close()`` ends the child.
    """

    def __init__(self, pages: int, letter: str) -> None:
        self._memory = mmap.mmap(-1, pages * PAGE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        if hasattr(mmap, "MADV_NOHUGEPAGE"):
            self._memory.madvise(mmap.MADV_NOHUGEPAGE)
        for page in range(pages):
            self._memory[page * PAGE] = ord(letter)
        self.address = Address(ctypes.addressof(ctypes.c_char.from_buffer(self._memory)))
        self.pages = pages
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._parent = os.getpid()
        self._talks = threading.Lock()
        self.child = forked()
        if not self.child:
            _live(self._memory, theirs, ours)
        theirs.close()
        self._socket = ours
        self._asked(_Ask(b"r"))
        self._said = f"fork: {counted(pages, 'page')} that both map, and nothing was copied"
        self._last: tuple[str, int] | None = None

    def write(self, who: str, page: int, letter: str) -> ForkedValue:
        """Let the "parent" or the "child" write a letter to a page, which the first write copies; returns both."""
        self._check(who, page)
        _letter(letter)
        was = self._states(self._parent if who == "parent" else self.child)[page]
        if who == "parent":
            self._memory[page * PAGE] = ord(letter)
        else:
            self._asked(_Ask(b"w", page, ord(letter)))
        now = self._states(self._parent if who == "parent" else self.child)[page]
        copied = was is False and now is True
        self._last = (who, page)
        self._said = f"the {who} writes {letter!r} to page {page}: " + (
            "the page is copied, and the copy is its own"
            if copied
            else "no copy, for the page is its own already"
            if was
            else "the page comes into memory"
        )
        return self.at()

    def read(self, who: str, page: int = 0) -> str:
        """Return the letter that the "parent" or the "child" reads in a page: at the same address in both."""
        self._check(who, page)
        return chr(self._memory[page * PAGE] if who == "parent" else self._asked(_Ask(b"r", page)))

    def at(self) -> ForkedValue:
        """Return both processes now, page by page; bit 56 of pagemap shows that only one process has a page."""
        if self._socket.fileno() < 0:
            raise Refused("the child has ended: vm.copy_on_write() makes another")
        mine, theirs = self._states(self._parent), self._states(self.child)
        pages = tuple(
            ForkedPage(Address(self.address + page * PAGE), self.read("parent", page), self.read("child", page),
                       mine[page], theirs[page])
            for page in range(self.pages)
        )  # fmt: skip  # a page, in the order of addresses
        return ForkedValue(self._parent, self.child, pages, self._said, self._last)

    def close(self) -> None:
        """End the child."""
        if self._socket.fileno() >= 0:
            self._socket.close()
            ended(self.child)

    def __enter__(self) -> TwoProcesses:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_socket", None) is not None and os.getpid() == self._parent:
            self.close()

    @in_ascii
    def __repr__(self) -> str:
        return repr(self.at())

    def _check(self, who: str, page: int) -> None:
        if who not in ("parent", "child"):
            raise Refused(f'who={shown(who)}: it is "parent" or "child"')
        number_within(page, "page", 0, self.pages - 1)
        if self._socket.fileno() < 0:
            raise Refused("the child has ended: vm.copy_on_write() makes another")

    def _states(self, pid: int) -> list[bool | None]:
        """Return, for each page, whether only this process has it; None if the page is not in memory."""
        start = int(self.address)
        words = [word for some in words_of(pid, start, start + self.pages * PAGE) for word in some]
        return [bool(word & ALONE) if word & PRESENT else None for word in words]

    def _asked(self, ask: _Ask) -> int:
        try:
            with self._talks:  # a picture that is redrawn meanwhile also asks
                self._socket.send(struct.pack("=cHB", ask.what, ask.page, ask.byte))
                answer = self._socket.recv(1)
        except OSError as error:
            raise Refused(f"the child does not answer: {error.strerror}; vm.copy_on_write() makes another") from None
        if not answer:
            raise Refused("the child has ended: vm.copy_on_write() makes another")
        return answer[0]


def forked() -> int:
    """Fork this process.  Returns 0 in the child, which must end by `os._exit`, and runs no inherited destructors."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # a warning about threads: the child needs none
        child = os.fork()
    if not child:
        gc.disable()
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    return child


def ended(child: int) -> None:
    """End a child, which has nothing to save, and wait for it; other processes may keep its socket open."""
    with suppress(ProcessLookupError, ChildProcessError):
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def _letter(given: object) -> str:
    if not isinstance(given, str) or len(given) != 1 or not given.isascii() or not given.isprintable():
        raise Refused(f"letter={shown(given)}: give one letter, such as 'A'")
    return given


def _live(memory: mmap.mmap, asks: socket.socket, others: socket.socket) -> None:
    """Run as the child: obey requests until its socket closes. Never returns."""
    try:
        others.close()
        while ask := asks.recv(8):
            what, page, byte = struct.unpack("=cHB", ask)
            if what == b"w":
                memory[page * PAGE] = byte
            asks.send(memory[page * PAGE : page * PAGE + 1])
    finally:
        os._exit(0)


@says_what_it_takes
def copy_on_write(pages: int = 4, letter: str = "A") -> TwoProcesses:
    """Fork this process, and show pages that both processes then have: the kernel's own copy-on-write.

    The pages are filled with a `letter` beforehand.  After the fork, each is mapped twice; the first write of either
    process copies the page.  Addresses are the same in both.  The child waits, and ends with `close()`.

    Raises :class:`Refused` if the system has no fork or no pagemap.  Bit 56 is described in Linux's
    admin-guide/mm/pagemap.

    >>> import vmwidgets as vm
    >>> with vm.copy_on_write() as two:
    ...     two.write("child", 0, "B").frames, two.read("parent", 0), two.read("child", 0)
    (5, 'A', 'B')
    """
    if not hasattr(os, "fork") or not hasattr(mmap, "MAP_PRIVATE"):
        raise Refused("this system has no fork: vm.Sharing shows the model's")
    refuse_other_pages()
    return TwoProcesses(number_within(pages, "pages", 1, MOST), _letter(letter))


__all__ = ["TwoProcesses", "copy_on_write"]
