"""What each operation has to come to, by POSIX and by the guide: the error that it ends with, or what it changes.

A method of :class:`Outcomes` is called after the machine has done the operation of that name.  It raises
:class:`Difference` where the machine did something else, and does in plain bytes what was done.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .memory import PAGE, Cell, Limits, Memory, Page, PlainTask

WITHOUT_EXECUTE = ("x86",)
"""Architectures whose tables can't forbid execution: what may be read may be executed."""


class Difference(AssertionError):
    """The machine and the plain bytes differ."""


@dataclass
class Got:
    """What the machine made of an operation: the name of its error, or "" and what it returned.

    `shortage` are the errors that it may end with, though nothing is wrong with the call: memory is short, or requests
    fail on purpose.
    """

    error: str
    value: Any
    shortage: frozenset[str] = frozenset()
    words: str = ""

    def must_fail(self, *names: str) -> None:
        """Differ unless it ended with one of these errors."""
        if self.error not in names and self.error not in self.shortage:
            raise Difference(f"{self} and not {' or '.join(names)}")

    def is_done(self) -> bool:
        """Whether it was done; differ if it failed and nothing is short."""
        if self.error and self.error not in self.shortage:
            raise Difference(f"{self}, and it had to be done")
        return not self.error

    def must_be(self, value: Any) -> None:
        """Differ unless it returned this."""
        if self.value != value:
            where = ""
            if isinstance(value, bytes) and isinstance(self.value, bytes) and len(value) == len(self.value):
                first = next(at for at, byte in enumerate(value) if byte != self.value[at])
                where = f", from byte {first} on {self.value[first : first + 9]!r} and not {value[first : first + 9]!r}"
            raise Difference(f"it returned {self.value!r:.60} and not {value!r:.60}{where}")

    def __str__(self) -> str:
        return f"it failed with {self.error} ({self.words})" if self.error else f"it returned {self.value!r}"


class Outcomes:
    """The outcomes of operations on `memory`, in a machine of this architecture."""

    def __init__(self, memory: Memory, architecture: str) -> None:
        self.memory = memory
        self.architecture = architecture
        self.learnt: dict[tuple[str, str], bool] = {}
        """Whether a protection allows an access, as the first one showed where it is the format's to say."""

    # ---- accesses ----------------------------------------------------------------------------

    def access(self, got: Got, name: str, address: int, access: str, data: bytes | int = 1) -> None:
        """A read, a write or a fetch: of `data` bytes, or that moves nothing (1 byte that is not compared)."""
        length = data if isinstance(data, int) else len(data)
        task = self.memory.tasks.get(name)
        if task is None:
            return got.must_fail("Refused", "FAULT")
        parts: list[bytes] = []
        for va, start, end in pieces(address, length):
            page, error = self._reach(task, va, access, got)
            if error:
                return got.must_fail(error)
            if got.error in got.shortage and got.error:
                return None
            assert page is not None and page.cell is not None, "it was reached"
            if access == "write":
                offset = address + start - va
                self.memory.store(page.cell, offset, data[start:end] if isinstance(data, bytes) else b"")
            parts.append((self.memory.bytes_of(page.cell) or b"")[address + start - va : address + end - va])
        if got.is_done() and access != "write" and isinstance(got.value, bytes):
            got.must_be(b"".join(parts))
        return None

    def _reach(self, task: PlainTask, va: int, access: str, got: Got) -> tuple[Page | None, str]:
        """The page of an access, or the error of its fault; a stack may grow for it."""
        page = task.pages.get(va)
        if page is None:
            grown = task.growth(va, got.error != "FAULT")
            if grown is not None:
                first, lowest = grown
                for at in range(va, first, PAGE):
                    task.pages[at] = Page(Cell(), *lowest.like, lowest.cut)
                page = task.pages[va]
        if page is None:
            return None, "FAULT"
        if not self.allows(page.prot, access, got):
            return page, "ACCES"
        if page.cell is None:
            return page, "FAULT"
        return page, "IO" if self.memory.bytes_of(page.cell) is None else ""

    def allows(self, prot: str, access: str, got: Got | None = None) -> bool:
        """Whether pages of this protection may be used so, however they were used before.

        What a format can't forbid is granted: no format has pages that are written and not read.  Where the format's
        documentation would have to be asked, the first access says it for all later ones.
        """
        letter = {"execute": "x"}.get(access, access[:1])
        if letter in prot:
            return True
        if letter == "w" or not prot:
            return False
        if letter == "r" and "w" in prot:
            return True
        if letter == "x" and "x" not in prot:
            return self.architecture in WITHOUT_EXECUTE
        known = self.learnt.get((prot, letter))
        if known is None and got is not None:
            known = self.learnt[prot, letter] = got.error != "ACCES"
        return bool(known)

    def peek(self, got: Got, name: str, address: int, length: int) -> None:
        """What a debugger sees: whatever the protection."""
        cell = self.memory.tasks[name].pages[address & -PAGE].cell
        content = None if cell is None else self.memory.bytes_of(cell)
        if content is None:
            return got.must_fail("IO", "FAULT")
        if got.is_done():
            got.must_be(content[address % PAGE : address % PAGE + length])
        return None

    # ---- mappings ----------------------------------------------------------------------------

    def mmap(
        self, got: Got, name: str, size: int, prot: str, words: str, at: int | None, file: str, index: int
    ) -> None:
        """mmap(2); `at` with "fixed" takes the place of what is there, and is a wish without."""
        task = self.memory.tasks[name]
        fixed = "fixed" in words
        replaced = [va for va in range(at or 0, (at or 0) + size, PAGE) if fixed and va in task.pages]
        most = task.limits.space
        if most is not None and task.size - len(replaced) * PAGE + size > most:
            return got.must_fail("NOMEM")
        wanted = at is not None and (fixed or (task.is_free(at, at + size) and at + size <= task.end))
        where = at if wanted else task.lowest_gap(size)
        if where is None:
            return got.must_fail("NOMEM")
        if not got.is_done():
            return None  # with "fixed" the range may be free now: who lives sees to it
        got.must_be(where)
        if replaced:
            list(self._pages(task, where, size))
        shared = "shared" in words
        for number in range(size // PAGE):
            page = Page(
                Cell(None, file, index + number, shared and bool(file), shared), prot, "share" if shared else "copy"
            )
            page.stack = "growsdown" in words
            task.pages[where + number * PAGE] = page
            assert page.cell is not None, "it was just made"
            if (
                "populate" in words
                and "w" in prot
                and file
                and not shared
                and self.memory.bytes_of(page.cell) is not None
            ):
                self.memory.own_bytes(page.cell)  # it is had as for a write
        self.memory.forget_objects()
        return None

    def munmap(self, got: Got, name: str, start: int, size: int) -> None:
        """munmap(2)."""
        task = self.memory.tasks[name]
        if got.is_done():
            if any(page.stack and va < start for va, page in task.pages.items()):
                list(self._pages(task, start, size))  # a stack has a hole now
            for va in range(start, start + size, PAGE):
                task.pages.pop(va, None)
            self.memory.forget_objects()

    def mprotect(self, got: Got, name: str, start: int, size: int, prot: str) -> None:
        """mprotect(2), but that nothing has changed where it fails."""
        task = self.memory.tasks[name]
        if any(va not in task.pages for va in range(start, start + size, PAGE)):
            return got.must_fail("FAULT")
        if got.is_done():
            for page in self._pages(task, start, size):
                page.prot = prot
        return None

    def inherit(self, got: Got, name: str, start: int, size: int, inherit: str) -> None:
        """What a child gets of a range."""
        task = self.memory.tasks[name]
        if got.is_done():
            for page in self._pages(task, start, size):
                page.inherit = inherit

    def dontneed(self, got: Got, name: str, start: int, size: int) -> None:
        """madvise(2), MADV_DONTNEED: private memory begins again; over a hole the rest is done, and it is NOMEM."""
        task = self.memory.tasks[name]
        pages = list(self._pages(task, start, size))
        if any(page.wired for page in pages):
            return got.must_fail("INVAL")
        hole = len(pages) * PAGE < size
        if hole:
            if got.error:
                got.must_fail("NOMEM")
        elif not got.is_done():
            return None
        for page in pages:
            if page.cell is not None and not page.cell.shared and not page.object:
                page.cell = Cell(None, page.cell.file, page.cell.index)
        return None

    def wire(self, got: Got, name: str, start: int, size: int) -> None:
        """Pages of a range stay in memory; private ones are copied at once."""
        task = self.memory.tasks[name]
        pages = list(self._pages(task, start, size))
        if len(pages) * PAGE < size:
            return got.must_fail("FAULT", "ACCES")
        if not all(self.allows(page.prot, "read", got) for page in pages):
            return got.must_fail("ACCES")
        if any(page.cell is not None and self.memory.bytes_of(page.cell) is None for page in pages):
            return got.must_fail("NOMEM", "IO")
        if got.is_done():
            for page in pages:
                page.wired += 1
                if page.cell is None:
                    page.cell = Cell()
                elif not page.cell.of_file:
                    self.memory.own_bytes(page.cell)
        return None

    def unwire(self, got: Got, name: str, start: int, size: int) -> None:
        """One wiring fewer."""
        task = self.memory.tasks[name]
        pages = list(self._pages(task, start, size))
        if len(pages) * PAGE < size:
            return got.must_fail("FAULT", "INVAL")
        if any(not page.wired for page in pages):
            return got.must_fail("INVAL")
        if got.is_done():
            for page in pages:
                page.wired -= 1
        return None

    def brk(self, got: Got, name: str, end: int) -> None:
        """brk(2): what comes back is zero."""
        task = self.memory.tasks[name]
        begin, before = task.heap
        if not begin <= end < task.end:
            return got.must_fail("Refused")
        old, new = -(-before // PAGE) * PAGE, -(-end // PAGE) * PAGE
        limits = task.limits
        if limits.data is not None and end - begin > limits.data:
            return got.must_fail("NOMEM")
        if new > old:
            if limits.space is not None and task.size + new - old > limits.space:
                return got.must_fail("NOMEM")
            if not task.is_free(old, new):
                return got.must_fail("NOMEM")
        if got.is_done():
            for va in range(new, old, PAGE):
                task.pages.pop(va, None)
            for va in range(old, new, PAGE):
                task.pages[va] = Page(Cell(), "rw")
            task.heap = begin, end
            self.memory.forget_objects()
        return None

    def object(self, got: Got, name: str, start: int, size: int, named: str, index: int) -> None:
        """A free range shows pages of a named object; without one, nothing is there to be used."""
        task = self.memory.tasks[name]
        most = task.limits.space
        if most is not None and task.size + size > most:
            return got.must_fail("NOMEM")
        if got.is_done():
            got.must_be(start)
            for at in range(size // PAGE):
                cell = self.memory.objects[named].setdefault(index + at, Cell(shared=True)) if named else None
                task.pages[start + at * PAGE] = Page(cell, "rw", object=named)
        return None

    # ---- lives of tasks ----------------------------------------------------------------------

    def task(self, got: Got, name: str, limits: tuple[int, int], heap: int) -> None:
        """A task from nothing."""
        if got.is_done():
            made = self.memory.tasks[name] = PlainTask(*limits, (heap, heap))
            made.limits.stack = 12 * PAGE

    def fork(self, got: Got, name: str, child: str) -> None:
        """fork(2): what each page's inheritance says."""
        if not got.is_done():
            return
        task = self.memory.tasks[name]
        made = PlainTask(task.start, task.end, task.heap)
        made.limits = Limits(**vars(task.limits))
        self.memory.tasks[child] = made
        for va, page in task.pages.items():
            if page.inherit == "none":
                continue
            cell, of = page.cell, page.object
            if page.inherit == "share":
                if cell is not None:
                    cell.shared = True
            else:
                cell, of = self.memory.copy_of(cell), ""
            made.pages[va] = Page(cell, page.prot, page.inherit, 0, page.stack, page.cut, object=of)

    def exec(self, got: Got, name: str) -> None:
        """exec(2): nothing is left."""
        if got.is_done():
            task = self.memory.tasks[name]
            task.pages.clear()
            task.heap = got.value, got.value
            self.memory.forget_objects()

    def exit(self, got: Got, name: str) -> None:
        """exit(2)."""
        if got.is_done():
            del self.memory.tasks[name]
            self.memory.forget_objects()

    def limit(self, got: Got, name: str, what: str, most: int | None) -> None:
        """setrlimit(2)."""
        if got.is_done():
            setattr(self.memory.tasks[name].limits, {"as": "space", "rss": "resident"}.get(what, what), most)

    # ---- files -------------------------------------------------------------------------------

    def file_read(self, got: Got, file: str, offset: int, length: int) -> None:
        """pread(2)."""
        if got.is_done():
            got.must_be(bytes(self.memory.files[file][offset : offset + length]))

    def file_write(self, got: Got, file: str, offset: int, data: bytes) -> None:
        """pwrite(2): the file grows if it has to."""
        content = self.memory.files[file]
        if got.is_done():
            content.extend(bytes(max(0, offset + len(data) - len(content))))
            content[offset : offset + len(data)] = data

    def truncate(self, got: Got, file: str, size: int) -> None:
        """ftruncate(2)."""
        if got.is_done():
            content = self.memory.files[file]
            content.extend(bytes(max(0, size - len(content))))
            del content[size:]

    def nothing(self, got: Got) -> None:
        """No byte may depend on it."""
        got.is_done()

    @staticmethod
    def _pages(task: PlainTask, start: int, size: int) -> Iterator[Page]:
        """What is mapped in a range that is changed alone."""
        if any(va in task.pages and task.pages[va].stack for va in range(start, start + size, PAGE)):
            for page in task.pages.values():
                page.cut = page.cut or page.stack
        return (task.pages[va] for va in range(start, start + size, PAGE) if va in task.pages)


def pieces(address: int, length: int) -> Iterator[tuple[int, int, int]]:
    """A range of bytes, page by page: the page's address, and which of the bytes are in it."""
    done = 0
    while done < length:
        va = (address + done) // PAGE * PAGE
        more = min(length, va + PAGE - address)
        yield va, done, more
        done = more
