"""A real process that makes the requested calls: ``python -I -S process.py SOCKET REGIONS``.

The first process forks the others.  A request is one message on its socket, a marshalled tuple of a name and arguments.
The answer is one message too: the result, and the mappings afterwards.  The process has no thread, and no memory of its
own in the judged regions.  It ends when its socket closes.

An access is a system call that copies: `write` to a pipe reads memory, and `read` from a pipe writes it.  The kernel
takes the same faults as for a program's own access, and answers EFAULT where a program would get a signal.
"""

from __future__ import annotations

import ctypes
import errno
import marshal
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

PAGE = 4096
REGIONS: list[tuple[int, int]] = []
"""The judged addresses, in order, as passed to `main`: the interpreter has nothing there."""
LIBRARY = ctypes.CDLL(None, use_errno=True)
LIBRARY.mmap.restype = ctypes.c_void_p
LIBRARY.mmap.argtypes = (
    ctypes.c_void_p,
    ctypes.c_size_t,
    ctypes.c_int,
    ctypes.c_int,
    ctypes.c_int,
    ctypes.c_long,
)
for _name, _last in (
    ("munmap", ()),
    ("mprotect", (ctypes.c_int,)),
    ("madvise", (ctypes.c_int,)),
    ("msync", (ctypes.c_int,)),
):
    getattr(LIBRARY, _name).argtypes = (ctypes.c_void_p, ctypes.c_size_t, *_last)
LIBRARY.prctl.argtypes = (ctypes.c_int, *[ctypes.c_ulong] * 4)
for _name in ("read", "write"):
    getattr(LIBRARY, _name).argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t)
    getattr(LIBRARY, _name).restype = ctypes.c_ssize_t

PROT_READ, PROT_WRITE, PROT_EXEC = 1, 2, 4
PROTECTIONS = {"r": PROT_READ, "w": PROT_WRITE, "x": PROT_EXEC}
MAP_SHARED, MAP_PRIVATE, MAP_FIXED, MAP_ANONYMOUS, MAP_GROWSDOWN = 1, 2, 0x10, 0x20, 0x100
MAP_NORESERVE, MAP_POPULATE, MAP_FIXED_NOREPLACE = 0x4000, 0x8000, 0x10_0000
MS_SYNC = 4
PR_SET_CHILD_SUBREAPER, PR_SET_THP_DISABLE = 36, 41
PRESENT, ALONE = 63, 56
"""Bits of a page in /proc/self/pagemap: it is in memory; only this process has it mapped, once."""
MADV_POPULATE_WRITE = 23
WARM = 8
"""The number of copies of its own bytes before a copy whose faults are counted: most processes need two."""
FAILED = ctypes.c_void_p(-1).value
STACK_LIMIT = 8 << 20


def protection_number(words: str) -> int:
    """Return the `PROT_` bits of letters such as "rw-"."""
    return sum(number for letter, number in PROTECTIONS.items() if letter in words)


def all_mapped(until: int = 1 << 64) -> list[tuple[int, int, str, int, str]]:
    """Return this process's mappings, from /proc/self/maps: at least all that begin below an address."""
    text, descriptor = b"", os.open("/proc/self/maps", os.O_RDONLY)
    while part := os.read(descriptor, 8192):  # lines come in the order of addresses
        text += part
        if int(part[part.rfind(b"\n", 0, -1) + 1 :].split(b"-")[0], 16) >= until:
            break
    os.close(descriptor)
    found = []
    for line in text.decode().splitlines():
        span, rights, offset, _, _, *path = line.split(maxsplit=5)
        start, end = (int(word, 16) for word in span.split("-"))
        found.append((start, end, rights, int(offset, 16), path[0] if path else ""))
    return found


def is_judged(start: int, end: int) -> bool:
    """Return whether a mapping is in the judged regions."""
    return any(low < end and start < high for low, high in REGIONS)


class Process:
    """The state of a process: its socket, a pipe for accesses, its heap, and how much it may map."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.pipe = self.new_pipe()
        self.heap = (0, 0)
        self.own = ctypes.create_string_buffer(2 * PAGE)
        """The bytes of its own with which copies are warmed up before faults are counted."""
        self.faults = 0
        """Minor faults of the latest access."""
        self.quiet = 0
        """The number of copies in a row, before an access, that took no fault."""
        self.most: int | None = None
        """Bytes that it may map in the judged regions (RLIMIT_AS beyond what the interpreter has)."""

    @staticmethod
    def new_pipe() -> tuple[int, int]:
        """Return a pipe for accesses."""
        ends = os.pipe()
        os.set_blocking(ends[0], False)
        return ends

    def serve(self) -> None:
        """Make the requested calls, until the socket closes."""
        while True:
            message, descriptors, _, _ = socket.recv_fds(self.connection, 1 << 16, 1)
            if not message:
                os._exit(0)
            name, *arguments = marshal.loads(message)
            if name == "fork":
                self.fork(descriptors[0])
                answer: Any = ""
            else:
                answer = getattr(self, f"do_{name}")(*arguments)
            self.connection.send(marshal.dumps((answer, self.mapped())))

    def fork(self, descriptor: int) -> None:
        """Fork a child with a socket and a pipe of its own; both answer, each on its socket."""
        is_parent = os.fork()
        self.own_its_pages()
        if is_parent:
            os.close(descriptor)
            return
        self.connection.close()
        self.connection = socket.socket(fileno=descriptor)
        for end in self.pipe:
            os.close(end)
        self.pipe = self.new_pipe()

    def own_its_pages(self) -> None:
        """Take the faults of the interpreter's own memory now, so that none is counted with a later access.

        After a fork, both processes' private pages are write-protected, and Python may write to any page, if only to a
        reference count.  Linux before 5.14 refuses this; there, warm copies must suffice (`_counted`).
        """
        for start, end, rights, *_ in all_mapped():
            if rights == "rw-p" and not is_judged(start, end):
                LIBRARY.madvise(start, end - start, MADV_POPULATE_WRITE)

    # ---- mappings ----------------------------------------------------------------------------

    def mapped(self) -> list[tuple[int, int, str, int, str]]:
        """Return the mappings in the judged regions: start, end, rights, offset, file."""
        return [one for one in all_mapped(REGIONS[-1][1]) if is_judged(*one[:2])]

    @contextmanager
    def limited(self) -> Iterator[None]:
        """Set RLIMIT_AS so that the judged regions may have `most` bytes on top of the interpreter's memory."""
        if self.most is None:
            yield
            return
        judged = sum(end - start for start, end, *_ in self.mapped())
        soft, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (self.total() - judged + self.most, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_AS, (soft, hard))

    @staticmethod
    def total() -> int:
        """Return the size of the process's address space in bytes."""
        descriptor = os.open("/proc/self/statm", os.O_RDONLY)
        pages = int(os.read(descriptor, 100).split()[0])
        os.close(descriptor)
        return pages * PAGE

    def named(self, result: int) -> str:
        """Return a call's answer: nothing, or its error by name."""
        return "" if result != -1 else errno.errorcode[ctypes.get_errno()]

    # ---- calls -------------------------------------------------------------------------------

    def do_mmap(self, at: int, size: int, rights: str, words: str, descriptor: int, offset: int) -> str:
        """Call mmap(2) at an address, replacing any mapping there.

        `words` may be "private" or "shared", "growsdown", "new" if nothing may be replaced, and "wish" if any place
        will do.
        """
        flags = MAP_SHARED if "shared" in words else MAP_PRIVATE
        flags |= MAP_FIXED_NOREPLACE if "new" in words else 0 if "wish" in words else MAP_FIXED
        flags |= (MAP_ANONYMOUS if descriptor < 0 else 0) | (MAP_GROWSDOWN if "growsdown" in words else 0)
        flags |= MAP_NORESERVE | (MAP_POPULATE if "populate" in words else 0)
        with self.limited():
            made = LIBRARY.mmap(at, size, protection_number(rights), flags, descriptor, offset)
        return self.named(-1) if made == FAILED else ""

    def do_munmap(self, at: int, size: int) -> str:
        """munmap(2)."""
        return self.named(LIBRARY.munmap(at, size))

    def do_mprotect(self, at: int, size: int, rights: str) -> str:
        """Call mprotect(2)."""
        return self.named(LIBRARY.mprotect(at, size, protection_number(rights)))

    def do_madvise(self, at: int, size: int, advice: int) -> str:
        """madvise(2)."""
        return self.named(LIBRARY.madvise(at, size, advice))

    def do_msync(self, at: int, size: int) -> str:
        """msync(2)."""
        return self.named(LIBRARY.msync(at, size, MS_SYNC))

    def do_brk(self, end: int) -> str:
        """Simulate brk(2) with mmap and munmap, since the real heap is the interpreter's own."""
        old, new = (-(-one // PAGE) * PAGE for one in (self.heap[1], end))
        answer = ""
        if new > old:
            answer = self.do_mmap(old, new - old, "rw", "private new", -1, 0)
        elif new < old:
            answer = self.do_munmap(new, old - new)
        if not answer:
            self.heap = (self.heap[0], end)
        return answer

    def do_look(self) -> str:
        """Return nothing: every answer lists the mappings."""
        return ""

    def do_limit(self, most: int | None) -> str:
        """Set RLIMIT_AS for the calls that follow."""
        self.most = most
        return ""

    def do_exec(self, heap: int) -> str:
        """Unmap everything, as exec(2) does."""
        for start, end, *_ in self.mapped():
            LIBRARY.munmap(start, end - start)
        self.heap = (heap, heap)
        return ""

    def do_exit(self) -> None:
        """exit(2)."""
        os._exit(0)

    def do_rights(self, at: int) -> str:
        """Return the rights of the mapping that contains an address, as in /proc/self/maps.

        They are "" if there is none, or a stack that may still grow there.
        """
        return next((rights for start, end, rights, _, _ in self.mapped() if start <= at < end), "")

    # ---- pages -------------------------------------------------------------------------------

    def do_pages(self, ranges: list[tuple[int, int]]) -> list[str] | None:
        """Return letters for each range's pages: "." not in memory, "x" mapped only here, "s" also mapped by others.

        None if this kernel does not let a process read its own pagemap.
        """
        try:
            descriptor = os.open("/proc/self/pagemap", os.O_RDONLY)
        except OSError:
            return None
        try:
            texts = [os.pread(descriptor, (end - start) // PAGE * 8, start // PAGE * 8) for start, end in ranges]
        except OSError:
            return None
        finally:
            os.close(descriptor)
        found = []
        for text in texts:
            bits = [(word >> PRESENT & 1, word >> ALONE & 1) for word in memoryview(text).cast("Q")]
            found.append("".join("." if not present else "x" if alone else "s" for present, alone in bits))
        return found

    def do_read(self, at: int, count: int) -> tuple[str, bytes | None, int]:
        """Run `do_load`; return also the minor faults of the copy."""
        self.quiet = 0
        for _ in range(WARM):
            self._take(ctypes.addressof(self.own), count)
            os.read(self.pipe[0], count)
            if self._is_warm():
                break
        return *self.do_load(at, count), self.faults

    def do_write(self, at: int, data: bytes) -> tuple[str, bool, int]:
        """Run `do_store`; return also the minor faults of the copy."""
        self.quiet = 0
        for _ in range(WARM):
            self._put(ctypes.addressof(self.own), data)
            if self._is_warm():
                break
        return *self.do_store(at, data), self.faults

    def _take(self, at: int, count: int) -> int:
        """Read memory into the pipe; returns the number of bytes, or -1."""
        with self.limited():
            return self._counted(LIBRARY.write, self.pipe[1], at, count)

    def _put(self, at: int, data: bytes) -> int:
        """Write bytes to memory from the pipe; returns their number, or -1."""
        os.write(self.pipe[1], data)
        with self.limited():
            return self._counted(LIBRARY.read, self.pipe[0], at, len(data))

    def _counted(self, copy: Callable[[int, int, int], int], end: int, at: int, count: int) -> int:
        """Return the result of a copy between a pipe and memory; `faults` is the number of its faults.

        After a fork, a child shares with its parent even the pages of this function, which Python writes to while it
        runs.  So the function is first called with bytes of its own, until only the copy's own faults are left.
        """
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        done = copy(end, at, count)
        self.faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
        return done

    def _is_warm(self) -> bool:
        """Return whether the latest two copies took no fault."""
        self.quiet = 0 if self.faults else self.quiet + 1
        return self.quiet >= 2

    # ---- accesses ----------------------------------------------------------------------------

    def do_load(self, at: int, count: int) -> tuple[str, bytes | None]:
        """Read bytes in one page: returns the rights there, and the bytes; no bytes past the end of the file.

        If the rights refuse the access, the page is read anyway, since another table format may be unable to refuse it.
        """
        done = self._take(at, count)
        rights = self.do_rights(at)
        if done != count and rights and "r" not in rights:
            page = at & -PAGE
            LIBRARY.mprotect(page, PAGE, PROT_READ)
            done = LIBRARY.write(self.pipe[1], at, count)
            LIBRARY.mprotect(page, PAGE, protection_number(rights))
        return rights, os.read(self.pipe[0], count) if done == count else None

    def do_load_pages(self, start: int, end: int) -> list[tuple[str, bytes | None]]:
        """Read each page of a mapping."""
        return [self.do_load(at, PAGE) for at in range(start, end, PAGE)]

    def do_store(self, at: int, data: bytes) -> tuple[str, bool]:
        """Write bytes in one page: returns the rights there, and whether the write succeeded."""
        done = self._put(at, data)
        if done == -1:
            os.read(self.pipe[0], len(data))
        return self.do_rights(at), done == len(data)


def main(descriptor: int, regions: str) -> None:
    """Run the first process, from which all others are forked; ended children are reaped.

    `regions` are hexadecimal, such as "10000-90000,10000000-12000000".
    """
    for region in regions.split(","):
        low, high = region.split("-")
        REGIONS.append((int(low, 16), int(high, 16)))
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    LIBRARY.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    LIBRARY.prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0)
    _, hard = resource.getrlimit(resource.RLIMIT_STACK)
    resource.setrlimit(resource.RLIMIT_STACK, (STACK_LIMIT, hard))
    Process(socket.socket(fileno=descriptor)).serve()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
