"""Copy-on-write in two real processes, this one and a child: which pages they share before and after a write."""

from __future__ import annotations

import ctypes
import gc
import mmap
import os
import re
import signal
import socket
import struct
import threading
import warnings
from contextlib import suppress
from typing import Any, NamedTuple

from ...engine.base.calls import says_what_it_takes
from ...engine.base.errors import Refused, in_ascii, shown
from ...engine.base.operations import exact, number_within
from ...engine.base.units import PAGE, Address, binary_size, counted
from ...given.process import ForkedPage, ForkedValue, LiveFork
from .measure import memory_of
from .reader import ALONE, PRESENT, refuse_other_pages, words_of, zero_and_huge

MOST = 64
"""The most pages that are made for both processes."""

OF_ARRAY = 8
"""The most pages of an array that are shown and written; what a write copies is counted in all of it."""


class _Ask(NamedTuple):
    """A request to the child: write a byte to a page, read a page, or end."""

    what: bytes
    page: int = 0
    byte: int = 0


class TwoProcesses(LiveFork):
    """This process and its child, with some pages that both map; it is shown as a picture.

    ``write("child", 0, "B")`` writes a byte, ``read("parent", 0)`` reads one, ``close()`` ends the child.
    """

    def __init__(self, memory: mmap.mmap | memoryview, address: int, whole: int, of: str) -> None:
        self._memory = memory
        self.address = Address(address)
        self._whole = whole
        self.pages = min(whole, OF_ARRAY if isinstance(memory, memoryview) else MOST)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._parent = os.getpid()
        self._talks = threading.Lock()
        self.child = forked()
        if not self.child:
            _live(memory, theirs, ours)
        theirs.close()
        self._socket = ours
        self._asked(_Ask(b"r"))
        self._said = f"fork: {of} that both map; page tables were copied, and no page"
        self._last: tuple[str, int] | None = None

    def write(self, who: str, page: int, letter: str) -> ForkedValue:
        """Let the "parent" or the "child" write a letter to a page's first byte; returns both.

        The first write copies; what it copied is counted in pages of 4 KiB: one, or 512 where the kernel copies a whole
        large page.  A write of the parent changes your array.
        """
        self._check(who, page)
        _letter(letter)
        writer = ("parent", "child").index(who)
        was = self._states(self._whole)[writer]
        if who == "parent":
            self._memory[page * PAGE] = ord(letter)
        else:
            self._asked(_Ask(b"w", page, ord(letter)))
        now = self._states(self._whole)[writer]
        copied = sum(before is False and after is True for before, after in zip(was, now, strict=True))
        size = f" ({binary_size(copied * PAGE)})" if copied > 1 else ""
        self._last = (who, page)
        self._said = f"the {who} writes {letter!r} to page {page}: " + (
            f"{counted(copied, 'page')} of 4 KiB{size} {'is' if copied == 1 else 'are'} copied, and the copy is its own"
            if was[page] is False and now[page] is True
            else "no copy, for the page is its own already"
            if was[page]
            else "the page comes into memory"
        )
        return self.at()

    def read(self, who: str, page: int = 0) -> str:
        """Return the first byte that the "parent" or the "child" reads in a page: at the same address in both.

        It is a letter, or else a number such as "0x00".
        """
        self._check(who, page)
        byte = self._memory[page * PAGE] if who == "parent" else self._asked(_Ask(b"r", page))
        return chr(byte) if 0x21 <= byte <= 0x7E else f"{byte:#04x}"

    def at(self) -> ForkedValue:
        """Return both processes now, page by page; bit 56 of pagemap shows that only one process has a page."""
        if self._socket.fileno() < 0:
            raise Refused("the child has ended: vm.copy_on_write() makes another")
        mine, theirs = self._states(self.pages)
        pages = tuple(
            ForkedPage(
                Address(self.address + page * PAGE),
                self.read("parent", page),
                self.read("child", page),
                mine[page],
                theirs[page],
            )
            for page in range(self.pages)
        )
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
        try:
            return repr(self.at())
        except Refused as refused:  # a repr says something of a child that has ended, too
            return f"<copy_on_write: {refused}>"

    def _check(self, who: str, page: int) -> None:
        if who not in ("parent", "child"):
            raise Refused(f'who={shown(who)}: it is "parent" or "child"')
        number_within(page, "page", 0, self.pages - 1)
        if self._socket.fileno() < 0:
            raise Refused("the child has ended: vm.copy_on_write() makes another")

    def _states(self, pages: int) -> tuple[list[bool | None], list[bool | None]]:
        """Return, for each page of parent and child, whether only this process has it; None: it is not in memory.

        Of a huge page, pagemap has one answer, about its first 4 KiB.  So if only one process has it as a huge page,
        the other process's answers hold for both.  The zero page takes no memory, and is not counted.
        """
        start, end = int(self.address), int(self.address) + pages * PAGE
        both: list[list[bool | None]] = []
        large: list[set[int]] = []
        for pid in (self._parent, self.child):
            words = [word for some in words_of(pid, start, end) for word in some]
            zero, huge = zero_and_huge(pid, start, end)
            large.append(huge)
            both.append(
                [bool(word & ALONE) if word & PRESENT and page not in zero else None for page, word in enumerate(words)]
            )
        (mine, theirs), (my_large, their_large) = both, large
        for page in my_large ^ their_large:
            if mine[page] is not None and theirs[page] is not None:
                mine[page] = theirs[page] = theirs[page] if page in my_large else mine[page]
        return mine, theirs

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


def _live(memory: mmap.mmap | memoryview, asks: socket.socket, others: socket.socket) -> None:
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


def _of_array(given: Any) -> tuple[memoryview, int, int]:
    """Return the bytes of an array that fill whole pages, with their address and the number of pages."""
    what, place = type(given).__name__, memory_of(given)
    if place is None:
        raise Refused(f"pages={shown(given)}: give a number of pages, or an array in one piece that can be written")
    view, holds_objects = _bytes_of(given)
    if holds_objects:
        raise Refused(
            f"pages: this {what} holds references to Python objects, and a byte written into one would crash "
            "Python; give an array of numbers"
        )
    if view is None:
        raise Refused(
            f"pages: this {what} is not in one piece: its items have gaps or are in no order of memory; give "
            "a copy of it"
        )
    if view.readonly:
        raise Refused(f"pages: this {what} can't be written; give an array that can, or a bytearray")
    first = -place[0] % PAGE
    pages = (place[1] - first) // PAGE
    if pages < 1:
        raise Refused(
            f"pages: the {counted(place[1], 'byte')} of this {what} cover no whole page that begins at a "
            "multiple of 4 KiB; 8,191 bytes always do"
        )
    return view[first : first + pages * PAGE], place[0] + first, pages


def _bytes_of(given: Any) -> tuple[memoryview | None, bool]:
    """Return an array's bytes in the order of memory, None if they have gaps; and whether Python objects are in it.

    NumPy's own answers come first, since it makes no buffer of dates: an array whose axes are in another order or
    direction is in one piece, too.  In a buffer's format, "O" is a reference to an object; names of fields, which may
    have an O, are between colons.
    """
    if hasattr(given, "__array_interface__"):
        if given.dtype.hasobject:
            return None, True
        forwards = given[tuple(slice(None, None, -1 if stride < 0 else 1) for stride in given.strides)]
        whole = forwards.transpose(sorted(range(given.ndim), key=lambda axis: -forwards.strides[axis]))
        if not whole.flags.c_contiguous:
            return None, False
        given = whole.reshape(-1).view("u1")
    try:
        view = memoryview(given)
        if "O" in re.sub(":[^:]*:", "", view.format):
            return None, True
        if view.readonly or not view.c_contiguous:
            return (view if view.readonly else None), False
        return memoryview((ctypes.c_char * view.nbytes).from_buffer(view)).cast("B"), False  # of any format
    except (TypeError, ValueError, BufferError):
        return None, False


def _filled(pages: int, letter: str) -> tuple[mmap.mmap, int]:
    """Return new memory, in pages of 4 KiB, with a letter at the beginning of each, and its address."""
    memory = mmap.mmap(-1, pages * PAGE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if hasattr(mmap, "MADV_NOHUGEPAGE"):
        memory.madvise(mmap.MADV_NOHUGEPAGE)
    for page in range(pages):
        memory[page * PAGE] = ord(letter)
    return memory, ctypes.addressof(ctypes.c_char.from_buffer(memory))


@says_what_it_takes
def copy_on_write(pages: Any = 4, letter: str = "A") -> TwoProcesses:
    """Fork this process, and show pages that both processes then have: the kernel's own copy-on-write.

    `pages` is a number of new pages, which are filled with a `letter` beforehand, or an array of yours: then its whole
    pages of 4 KiB are looked at, and the first eight of them are shown.  After the fork, each page is mapped twice; the
    first write of either process copies it.  Addresses are the same in both.  The child waits, and ends with `close()`.
    A write reads 8 bytes for each page of the array, four times.

    Raises :class:`Refused` if the system has no fork or no pagemap, and for an array that holds Python objects (a byte
    written into a reference would crash Python), can't be written, is not in one piece, or covers no whole page.  Bit
    56 is described in Linux's admin-guide/mm/pagemap.

    >>> import vmwidgets as vm
    >>> with vm.copy_on_write() as two:
    ...     two.write("child", 0, "B").frames, two.read("parent", 0), two.read("child", 0)
    (5, 'A', 'B')
    >>> array = bytearray(b"x") * (1 << 20)
    >>> with vm.copy_on_write(array) as two:
    ...     two.write("child", 2, "B").said
    "the child writes 'B' to page 2: 1 page of 4 KiB is copied, and the copy is its own"
    """
    if not hasattr(os, "fork") or not hasattr(mmap, "MAP_PRIVATE"):
        raise Refused("this system has no fork: vm.Sharing shows the model's")
    refuse_other_pages()
    _letter(letter)
    if isinstance(given := exact(pages), int | str | float):
        if isinstance(given, bool) or not isinstance(given, int) or not 1 <= given <= MOST:
            raise Refused(
                f"pages={shown(pages)}: write a whole number from 1 to {MOST}, or give an array, such as "
                "bytearray(1 << 20)"
            )
        return TwoProcesses(*_filled(given, letter), given, counted(given, "page"))
    view, address, whole = _of_array(pages)
    of = f"{counted(whole, 'page')} of 4 KiB ({binary_size(whole * PAGE)}) of this {type(pages).__name__}"
    return TwoProcesses(view, address, whole, of)


__all__ = ["TwoProcesses", "copy_on_write"]
