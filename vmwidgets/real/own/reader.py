"""A reader of /proc/PID/smaps, stat, status and pagemap of Linux (proc(5)).

You need no root rights for your own processes.  The numbers of frames are hidden from ordinary accounts, and not
requested.
"""

from __future__ import annotations

import ctypes
import os
import sys
from array import array
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from ...engine.base.errors import Refused, printable, shown
from ...engine.base.operations import exact
from ...engine.base.units import PAGE
from ...given.process import PageStates, ProcessMoment, ProcessRange

with suppress(ImportError):  # Windows and browsers have none
    import fcntl

PROC = Path("/proc")

PRESENT, SWAPPED, FILE, ALONE = 1 << 63, 1 << 62, 1 << 61, 1 << 56
"""Bits of a page in pagemap; ALONE: only one process maps it, once (Linux's admin-guide/mm/pagemap)."""

_SCAN = 0xC060_6610
"""PAGEMAP_SCAN, an ioctl of pagemap since Linux 6.7: _IOWR('f', 16, struct pm_scan_arg)."""

_ZERO, _HUGE = 1 << 5, 1 << 6
"""PAGE_IS_PFNZERO and PAGE_IS_HUGE of PAGEMAP_SCAN."""

_REGIONS = 512

_AT_ONCE = 1 << 20
"""Bytes of pagemap that are read at once: 512 MiB of addresses."""


class Readings:
    """One file of /proc, read repeatedly into memory that was touched before: a reading changes nothing."""

    def __init__(self, pid: int, name: str) -> None:
        refuse_other_pages()
        try:
            self._file = (PROC / str(pid) / name).open("rb", buffering=0)
        except OSError as error:
            raise _refused(pid, error) from None
        self._pid = pid
        self._room = bytearray(b"\1") * (256 << 10)
        self._length = 0
        self.take()

    def take(self) -> memoryview:
        """Read the file; its bytes stay until the next reading.  O(bytes)."""
        try:
            self._file.seek(0)
            view, length = memoryview(self._room), 0
            while count := self._file.readinto(view[length:]):
                length += count
                if len(self._room) - length < 8192:
                    view.release()
                    self._room += b"\1" * len(self._room)
                    view = memoryview(self._room)
        except OSError as error:
            raise _refused(self._pid, error) from None
        self._length = length
        return view[:length]

    def kept(self) -> memoryview:
        """Return the bytes that were read last."""
        return memoryview(self._room)[: self._length]

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _refused(pid: int, error: OSError) -> Refused:
    """Return the error for a process that can't be read, with the reason."""
    if not PROC.is_dir() or not (PROC / "self" / "maps").exists():
        return Refused(f"this system ({sys.platform}) has no /proc: vm.process shows a recording there")
    if isinstance(error, PermissionError):
        return Refused(f"process {pid} may not be read: it is another user's, or forbids it (it can't be dumped)")
    if not _is_there(pid):
        return Refused(f"there is no process {pid}: it has ended, never was, or /proc hides it (hidepid)")
    return Refused(f"process {pid} can't be read: {error.strerror or error}")


def _is_there(pid: int) -> bool:
    return (PROC / str(pid)).exists()


def refuse_other_pages() -> None:
    """Refuse a kernel with pages of another size: everything here is counted in pages of 4 KiB."""
    if hasattr(os, "sysconf") and os.sysconf("SC_PAGE_SIZE") != PAGE:
        raise Refused(f"pages of this kernel have {os.sysconf('SC_PAGE_SIZE'):,} bytes, and not {PAGE:,}")


def said_of(error: BaseException) -> str:
    """Return an error in a few words, even if its own text can't be computed."""
    try:
        first = printable(str(error).splitlines()[0][:80]) if str(error) else ""
    except Exception:  # noqa: BLE001  a learner's class
        first = ""
    return f"{type(error).__name__}{': ' * bool(first)}{first}"


MOST_DIGITS = 20
"""No process has a longer number, with zeros before it."""


def checked_pid(given: int | str) -> int:
    """Return the process that "self" or a number names; raises :class:`Refused` for anything else."""
    if isinstance(given, str):
        if given == "self":
            return os.getpid()
        given = int(given) if given.isascii() and given.isdecimal() and len(given) < MOST_DIGITS else given
    number = exact(given)
    if type(number) is not int or not 0 < number < 1 << 31:
        raise Refused(f'pid={shown(given)}: give the number of a process of yours, or "self"')
    return number


def moment_of(pid: int) -> ProcessMoment:
    """Return a process now.  At most 15 ms for 1,000 ranges.

    For smaps, the kernel goes through all pages: 20 to 50 ms more for each GiB in small pages, 1 ms in huge pages.
    """
    unsaid: list[str] = []
    try:
        reading = Readings(pid, "smaps")
    except Refused:
        reading = Readings(pid, "maps")  # an old kernel, or a kernel built without smaps
    text = bytes(reading.kept())
    if text and b"\nRss:" not in text:
        unsaid.append("This kernel has no smaps: it does not say what is in memory.")
    reading.close()
    ranges = tuple(ranges_in(text))
    name, state, minor, major = _stat(pid)
    if not ranges:
        what = (
            "is a zombie: it has ended, and its parent has not asked how"
            if state == "Z"
            else ("has no memory of its own: it is a thread of the kernel, or has just ended")
        )
        raise Refused(f"process {pid} ({printable(name)}) {what}")
    return ProcessMoment(pid, name, ranges, minor, major, peak_of(pid), tuple(unsaid))


def ranges_in(text: bytes) -> Iterator[ProcessRange]:
    """Yield the ranges of smaps, or of maps, as bytes.  O(bytes)."""
    if b"\nSize:" not in text and b"\nRss:" not in text:
        yield from (_range(line, b"") for line in text.split(b"\n") if line)
        return
    for part in text.split(b"\nVmFlags:"):
        head, _, rest = part.partition(b"\nSize:")
        if rest:
            yield _range(head.rpartition(b"\n")[2], rest)


def _range(line: bytes, rest: bytes) -> ProcessRange:
    words = line.split(None, 5)
    start, _, end = words[0].partition(b"-")
    path = words[5].decode("utf-8", "surrogateescape") if len(words) > 5 else ""
    letters = words[1].decode()
    return ProcessRange(
        int(start, 16), int(end, 16), letters[:3], letters[3:] == "s", int(words[2], 16), path, _kib(rest, b"\nRss:"),
        _kib(rest, b"\nPss:"), _kib(rest, b"\nPrivate_Dirty:"), _kib(rest, b"\nSwap:"), _kib(rest, b"\nAnonHugePages:"),
        _kib(rest, b"\nReferenced:"), words[3].decode(), int(words[4]),
    )  # fmt: skip  # in the order of its fields


def _kib(rest: bytes, name: bytes) -> int | None:
    at = rest.find(name)
    return None if at < 0 else int(rest[at + len(name) : rest.index(b"k", at + len(name))]) << 10


def name_of(pid: int) -> str:
    """Return the name of a process."""
    return _stat(pid)[0]


def _stat(pid: int) -> tuple[str, str, int | None, int | None]:
    """Return the name of a process, its state's letter, and its faults since it began."""
    try:
        line = (PROC / str(pid) / "stat").read_bytes().decode("utf-8", "replace")
    except OSError as error:
        raise _refused(pid, error) from None
    name, _, rest = line.partition("(")[2].rpartition(")")
    fields = rest.split()
    return name, fields[0], int(fields[7]), int(fields[9])


def peak_of(pid: int) -> int | None:
    """Return the most memory that was in use at once (VmHWM), in bytes."""
    try:
        text = (PROC / str(pid) / "status").read_bytes()
    except OSError:
        return None
    return _kib(text, b"\nVmHWM:")


def forget_peak(pid: int) -> bool:
    """Reset the peak; returns whether the kernel allows it."""
    return _clear(pid, "5")


def forget_references(pid: int) -> bool:
    """Clear the referenced bits of all pages of a process; returns whether the kernel allows it."""
    return _clear(pid, "1")


def _clear(pid: int, what: str) -> bool:
    try:
        (PROC / str(pid) / "clear_refs").write_text(what)
    except OSError:
        return False
    return True


# ---- pages -----------------------------------------------------------------------------------------


def words_of(pid: int, start: int, end: int) -> Iterator[array[int]]:
    """Yield pagemap's words for the pages from `start` to `end` (bytes); raises :class:`Refused` without pagemap."""
    try:
        with (PROC / str(pid) / "pagemap").open("rb", buffering=0) as file:
            file.seek(start // PAGE * 8)
            left = (end - start + PAGE - 1) // PAGE * 8
            while left > 0:
                data = file.read(min(left, _AT_ONCE))
                if not data:
                    return
                left -= len(data)
                words = array("Q")
                words.frombytes(data[: len(data) // 8 * 8])
                yield words
    except FileNotFoundError:
        if not _is_there(pid):
            raise Refused(f"there is no process {pid}: it has ended") from None
        raise Refused("this kernel or container has no pagemap: it does not say which pages are in memory") from None
    except OSError as error:
        raise Refused(f"the pages of process {pid} can't be read: {error.strerror or error}") from None


def states_of(pid: int, start: int, end: int) -> PageStates:
    """Return how many pages of a range are in each state.  1 GiB takes 50 ms."""
    none = (0, 0, 0, 0, 0)
    counts = [none, *((len(words), *_counts(words)) for words in words_of(pid, start, end))]
    pages, present, swapped, file, alone = map(sum, zip(*counts, strict=True))
    return PageStates(pages, present, swapped, file, alone, *_scanned(pid, start, end), start, end)


def _counts(words: array[int]) -> tuple[int, ...]:
    """Return the number of pages that are present, swapped, a file's, and only this process's, from these words.

    The bits are in the highest byte of each word, and few different bytes are there.
    """
    highest = Counter(words.tobytes()[7 if sys.byteorder == "little" else 0 :: 8])
    return tuple(
        sum(count for byte, count in highest.items() if byte << 56 & bits == bits)
        for bits in (PRESENT, SWAPPED, PRESENT | FILE, PRESENT | ALONE)
    )


class _Region(ctypes.Structure):
    _fields_ = (("start", ctypes.c_uint64), ("end", ctypes.c_uint64), ("categories", ctypes.c_uint64))


class _ScanArgument(ctypes.Structure):
    _fields_ = tuple(
        (name, ctypes.c_uint64)
        for name in (
            "size", "flags", "start", "end", "walk_end", "vec", "vec_len", "max_pages", "category_inverted",
            "category_mask", "category_anyof_mask", "return_mask",
        )
    )  # fmt: skip  # struct pm_scan_arg


def zeros_of(pid: int) -> int | None:
    """Return how many pages of a process read as zeros and take no memory; None before Linux 6.7."""
    return _scanned(pid, 0, _USER_END)[0]


_USER_END = (1 << 47) - PAGE
"""The end of a process's addresses; more are mapped only by a program that asks for it (mmap(2))."""


def _scanned(pid: int, start: int, end: int) -> tuple[int | None, int | None]:
    """Return how many pages are the zero page, and how many are in huge pages; (None, None) before Linux 6.7."""
    pages = {_ZERO: 0, _HUGE: 0}
    try:
        for first, past, kind in _regions(pid, start, end):
            pages[kind] += (past - first) // PAGE
    except OSError:
        return None, None
    return pages[_ZERO], pages[_HUGE]


def zero_and_huge(pid: int, start: int, end: int) -> tuple[set[int], set[int]]:
    """Return the pages of a range that are the zero page, and those in huge pages, numbered from its start.

    Before Linux 6.7, both are empty.
    """
    found: dict[int, set[int]] = {_ZERO: set(), _HUGE: set()}
    with suppress(OSError):
        for first, past, kind in _regions(pid, start, end):
            found[kind].update(range((first - start) // PAGE, (past - start) // PAGE))
    return found[_ZERO], found[_HUGE]


def _regions(pid: int, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Yield ranges of the zero page or of huge pages: start, end, _ZERO or _HUGE; OSError before Linux 6.7."""
    regions = (_Region * _REGIONS)()
    with (PROC / str(pid) / "pagemap").open("rb", buffering=0) as file:
        while start < end:
            asked = _ScanArgument(
                size=ctypes.sizeof(_ScanArgument),
                start=start,
                end=end,
                vec=ctypes.addressof(regions),
                vec_len=_REGIONS,
                category_anyof_mask=_ZERO | _HUGE,
                return_mask=_ZERO | _HUGE,
            )
            for one in regions[: fcntl.ioctl(file, _SCAN, asked)]:
                yield one.start, one.end, _ZERO if one.categories & _ZERO else _HUGE
            if asked.walk_end <= start:
                break
            start = asked.walk_end
