"""Real processes of this computer's Linux: they make the requested calls and report the results."""

from __future__ import annotations

import os
from collections.abc import Sequence
from types import TracebackType
from typing import Any

from vmwidgets.engine.base.frozen import frozen

from ...engine.base.units import PAGE, round_up
from .asked import Asked, Life
from .processes import Linux, Occupied, RealTask
from .rights import granted
from .state import Span, add, pieces

APART = 16 << 20
"""Bytes without any mapping between two regions: a stack grows by 8 MiB, with 1 MiB free below."""

ROOM = 16 << 20
"""Bytes before and after a mapping that belong to its region."""

LEAST = 0x1_0000
"""The lowest address that Linux maps for a process (vm.mmap_min_addr)."""

ELSEWHERE = 0x10_0000_0000
"""The place for regions if the interpreter is in the way: 64 GiB, far from programs, heaps and stacks."""

WANTED = {"read": "r", "write": "w", "execute": "x"}
"""The right that each access needs."""

ADVICE = {"normal": 0, "random": 1, "sequential": 2, "willneed": 3, "dontneed": 4}


@frozen(slots=False)
class Seen:
    """Linux's answer to a call: its error by name, why an access failed, and the mappings afterwards."""

    error: str = ""
    """The name of an errno; for an access, "" or "failed"."""
    rights: str = ""
    """The rights of the page at which an access ended, as in /proc/PID/maps."""
    data: bytes | None = None
    spans: tuple[Span, ...] = ()
    pages: tuple[str, ...] | None = None
    faults: tuple[tuple[int, int], ...] = ()
    """The pages of an access, each with its faults."""


class Places:
    """The addresses of the machine's tasks in real processes: each region moves as a whole."""

    def __init__(self, regions: Sequence[tuple[int, int]], *, elsewhere: bool) -> None:
        self._moved: list[tuple[int, int, int]] = []
        at = ELSEWHERE
        for start, end in regions:
            self._moved.append((start, end, at - start if elsewhere else 0))
            at += -(-(end - start) // APART) * APART + 4 * APART

    @property
    def regions(self) -> list[tuple[int, int]]:
        """The regions in real processes."""
        return [(max(LEAST, start + by), end + by) for start, end, by in self._moved]

    def there(self, address: int) -> int:
        """Return a machine's address in the real process."""
        return next((address + by for start, end, by in self._moved if start <= address < end), address)

    def here(self, address: int, *, is_end: bool = False) -> int:
        """Return a real process's address in the machine."""
        for start, end, by in self._moved:
            if start + by <= address < end + by or (is_end and address == end + by):
                return address - by
        return address


def regions_of(life: Life) -> list[tuple[int, int]]:
    """Return the regions in which anything is mapped or requested, with room around each."""
    spots: list[tuple[int, int]] = []
    for one in life.calls:
        spots += [(start, end) for start, end, _ in one.here.spans]
        if one.name in ("start", "exec"):
            spots.append((one.arguments[0], one.arguments[0] + PAGE))
        elif one.arguments and one.name in ("mmap", "munmap", "mprotect", "madvise", "msync", "brk"):
            size = one.arguments[1] if len(one.arguments) > 1 else PAGE
            spots.append((one.arguments[0], one.arguments[0] + size))
        elif one.name in ("read", "write", "execute"):
            spots.append((one.arguments[0], one.arguments[0] + PAGE))
    found: list[tuple[int, int]] = []
    for start, end in sorted(spots):
        low, high = max(0, start - ROOM) & -PAGE, round_up(end + ROOM, PAGE)
        if found and low <= found[-1][1] + APART:
            found[-1] = found[-1][0], max(found[-1][1], high)
        else:
            found.append((low, high))
    return found or [(LEAST, LEAST + ROOM)]


class Living:
    """The real processes that make the calls; use it as a context, which ends them all."""

    def __init__(self, life: Life) -> None:
        self.architecture = life.architecture
        regions = regions_of(life)
        is_low = any(start < LEAST for one in life.calls for start, _, _ in one.here.spans)
        self.places = Places(regions, elsewhere=is_low)
        try:
            self.linux = Linux(life.files, self.places.regions)
        except Occupied:
            self.places = Places(regions, elsewhere=True)
            self.linux = Linux(life.files, self.places.regions)
        self.tasks: dict[str, RealTask] = {}

    def __enter__(self) -> Living:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            for name in list(self.tasks):
                self.tasks.pop(name).exit()
        finally:
            self.linux.close()

    def see(self, asked: Asked) -> Seen:
        """Make a call, and report the result."""
        task = self.tasks.get(asked.task)
        if asked.name in ("make", "file_read", "file_write", "file_cut"):
            return self._file(asked)
        if asked.name == "start":
            self.tasks[asked.task] = self.linux.first.fork()
            self.tasks[asked.task].ask("exec", self.places.there(asked.arguments[0]))
            return Seen()
        assert task is not None, "the judge asks only of tasks that live"
        if asked.name == "exit":
            self.tasks.pop(asked.task).exit()
            return Seen()
        if asked.name == "fork":
            self.tasks[asked.arguments[0]] = task.fork()
            return self._with_map(asked, task, Seen())
        if asked.name in ("read", "write", "execute"):
            return self._with_map(asked, task, self._access(task, asked))
        return self._with_map(asked, task, Seen(self._call(task, asked.name, asked.arguments)))

    def mend(self, asked: Asked) -> None:
        """Give a task's mappings the rights that they have in the machine."""
        task = self.tasks[asked.task]
        for start, end, rights in asked.here.spans:
            task.ask("mprotect", self.places.there(start), end - start, rights[:3])

    def _with_map(self, asked: Asked, task: RealTask, seen: Seen) -> Seen:
        spans: list[Span] = []
        for start, end, rights, *_ in task.mapped:
            add(spans, self.places.here(start), self.places.here(end, is_end=True), rights)
        pages = None
        if asked.here.pages is not None:
            ranges = [
                (self.places.there(start), self.places.there(start) + len(letters) * PAGE)
                for start, letters in asked.here.pages
            ]
            found = task.ask("pages", ranges)
            pages = None if found is None else tuple(found)
        return Seen(seen.error, seen.rights, seen.data, tuple(spans), pages, seen.faults)

    def _call(self, task: RealTask, name: str, given: tuple[Any, ...]) -> str:
        """Make a call that may fail; returns the name of its error, or ""."""
        if name == "limit":
            answer: str = task.ask("limit", *given)
            return answer
        at, *rest = given
        there = self.places.there(at)
        if name == "mmap":
            size, rights, words, file, offset = rest
            descriptor = self.linux.files[file] if file else -1
            return str(task.ask("mmap", there, size, rights, words, descriptor, offset))
        if name == "madvise":
            rest = [rest[0], ADVICE[rest[1]]]
        return str(task.ask(name, there, *rest))

    def _access(self, task: RealTask, asked: Asked) -> Seen:
        """Access bytes page by page, as far as the rights allow."""
        at, what = asked.arguments
        count = len(what) if asked.name == "write" else what
        faults: list[tuple[int, int]] = []
        data: list[bytes] = []
        rights = ""
        for start, length in pieces(at, count):
            there = self.places.there(start)
            if asked.name != "write":  # a copy would read, and fault, where a program may not
                rights = task.ask("rights", there)
                if rights and WANTED[asked.name] not in granted(self.architecture, rights):
                    return Seen("failed", rights, b"".join(data), faults=tuple(faults))
            if asked.name == "write":
                rights, done, taken = task.ask("write", there, what[start - at : start - at + length])
            else:
                rights, found, taken = task.ask("read", there, length)
                done = found is not None
                data.append(found or b"")
            faults.append((start & -PAGE, taken))
            if not done:
                return Seen("failed", rights, b"".join(data), faults=tuple(faults))
        return Seen("", rights, b"".join(data), faults=tuple(faults))

    def _file(self, asked: Asked) -> Seen:
        name, *rest = asked.arguments
        descriptor = self.linux.files[name]
        if asked.name == "make":
            os.ftruncate(descriptor, 0 if isinstance(rest[0], bytes) else rest[0])
            if isinstance(rest[0], bytes):
                os.pwrite(descriptor, rest[0], 0)
        elif asked.name == "file_read":
            return Seen(data=os.pread(descriptor, rest[1], rest[0]))
        elif asked.name == "file_write":
            os.pwrite(descriptor, rest[1], rest[0])
        else:
            os.ftruncate(descriptor, rest[0])
        return Seen()
