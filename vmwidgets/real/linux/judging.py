"""The differences between an operation on the machine and the same call in Linux, and which differences are known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ...comparisons.linux import LinuxDifference
from ...engine.base.units import PAGE, Address, round_up
from .asked import Asked
from .living import WANTED, Seen
from .rights import granted
from .state import Span, pieces

ERRORS = {"": "", "ENOMEM": "NOMEM", "EEXIST": "NOMEM", "EACCES": "ACCES", "EINVAL": "INVAL"}
"""The machine's names for Linux's errors; `ERRORS_OF` has the errors that depend on the call."""

ERRORS_OF = {"mprotect": {"ENOMEM": "FAULT"}, "msync": {"ENOMEM": "FAULT"}}

SIGNALS = {"FAULT": "SIGSEGV, nothing is mapped", "ACCES": "SIGSEGV, not allowed", "IO": "SIGBUS", "": "done"}

STACK_ROOM = (8 << 20) + 256 * PAGE
"""Bytes below a stack into which it may grow, or which Linux keeps free."""

AROUND = 8
"""The number of bytes that are shown of a difference, from its first byte on."""


class Mapping(NamedTuple):
    """A mapping by a call of mmap; `file` is "" for anonymous memory."""

    start: int
    end: int
    words: str
    file: str
    offset: int

    def into(self, address: int) -> int:
        """Return an address's offset in the file."""
        return self.offset + address - self.start


class Judge:
    """The judge, which compares Linux with the machine, call by call, and knows the mappings of both."""

    def __init__(self, architecture: str) -> None:
        self._architecture = architecture
        self.apart: set[str] = set()
        """The tasks whose mappings differ from the machine's: they are no longer compared."""
        self._zeroes: set[tuple[str, int]] = set()
        """Pages that were read and not written: Linux maps its zero page there."""
        self._written: set[tuple[str, int]] = set()
        self._reprotected: set[tuple[str, int]] = set()
        """Pages whose rights mprotect has changed since they were last written."""
        self._mappings: dict[str, list[Mapping]] = {}
        self._heaps: dict[str, int] = {}
        """The ends of heaps."""
        self._sizes: dict[str, int] = {}
        self._cut: set[str] = set()
        self._past: set[str] = set()
        self._told: set[tuple[str, int, str, str]] = set()
        """Differences of pages that already have a row."""

    def judge(self, asked: Asked, seen: Seen) -> tuple[list[LinuxDifference], bool]:
        """Return the differences in one call, and whether Linux's rights must be set to the machine's."""
        self._note_before(asked)
        rows = [*self._outcome(asked, seen)]
        has_come_apart, mends = False, False
        if asked.here.spans != seen.spans and asked.name not in ("make", "start", "exit", *FILES):
            rows.append(self._mappings_differ(asked, seen))
            mends = [page for page, _ in _flat(asked.here.spans)] == [page for page, _ in _flat(seen.spans)]
            has_come_apart = not mends
        if has_come_apart:
            self.apart.add(asked.task)
        else:
            rows += self._faults(asked, seen)
            rows += self._pages(asked, seen)
        self._note_after(asked, seen)
        return rows, mends

    # ---- outcomes and bytes ------------------------------------------------------------------

    def _outcome(self, asked: Asked, seen: Seen) -> Iterator[LinuxDifference]:
        here = asked.here
        if asked.name == "file_read":
            kind = "past a file's end" if asked.arguments[0] in self._past else ""
            yield from self._bytes(asked, here.data or b"", seen.data or b"", asked.arguments[1], kind)
        elif asked.name in WANTED:
            real = self._failure(asked.name, seen)
            if here.error != real:
                kind = "memory ran out" if here.error == "NOMEM" else self._kind_at(asked, asked.arguments[0])
                yield _row(asked, "outcome", _ended(here.error), _ended(real), kind)
            elif not real and here.data is not None:
                kind = self._kind_at(asked, asked.arguments[0])
                yield from self._bytes(asked, here.data, seen.data or b"", asked.arguments[0], kind)
        else:
            real = {**ERRORS, **ERRORS_OF.get(asked.name, {})}.get(seen.error, seen.error)
            if here.error != real:
                kind = "brk" if asked.name == "brk" else "memory ran out" if here.error == "NOMEM" else ""
                yield _row(asked, "outcome", here.error or "done", seen.error or "done", kind)

    def _failure(self, name: str, seen: Seen) -> str:
        """Return why an access fails in Linux, by the rights that Linux lists and by whether there was a page."""
        if not seen.rights:
            return "FAULT"
        if WANTED[name] not in granted(self._architecture, seen.rights):
            return "ACCES"
        return "IO" if seen.error else ""

    @staticmethod
    def _bytes(asked: Asked, here: bytes, real: bytes, at: int, kind: str) -> Iterator[LinuxDifference]:
        if here == real:
            return
        first = next((one for one in range(min(len(here), len(real))) if here[one] != real[one]), 0)
        if len(here) != len(real):
            yield _row(asked, "bytes", f"{len(here)} bytes", f"{len(real)} bytes", kind)
        else:
            shown = [repr(side[first : first + AROUND]) for side in (here, real)]
            yield _row(asked, f"bytes from {Address(at + first)} on", shown[0], shown[1], kind)

    def _kind_at(self, asked: Asked, at: int) -> str:
        """Return the name of the known difference that may explain an access at an address."""
        mapping = self._mapping(asked.task, at)
        if mapping is None:
            below = (one for one in self._mappings.get(asked.task, ()) if "growsdown" in one.words)
            return "stack" if any(one.start - STACK_ROOM <= at < one.end for one in below) else ""
        if "entered" in mapping.words:
            return "entry without an object"
        if mapping.file in self._cut and "private" in mapping.words:
            return "file that was cut"
        if mapping.file in self._past:
            return "past a file's end"
        return "stack" if "growsdown" in mapping.words else ""

    def _mapping(self, task: str, at: int) -> Mapping | None:
        found = (one for one in reversed(self._mappings.get(task, ())) if one.start <= at < one.end)
        return next(found, None)

    # ---- mappings ----------------------------------------------------------------------------

    def _mappings_differ(self, asked: Asked, seen: Seen) -> LinuxDifference:
        here, real = set(_flat(asked.here.spans)), set(_flat(seen.spans))
        first = min((*(here - real), *(real - here)))[0]
        sides = [
            ", ".join(f"{Address(start)} {rights}" for start, rights in sorted(some)[:3]) or "nothing more"
            for some in (here - real, real - here)
        ]
        if asked.name == "mprotect" and asked.here.error:
            kind = "hole in mprotect"
        elif asked.here.error == "NOMEM":
            kind = "brk" if asked.name == "brk" else "memory ran out"
        else:
            kind = self._kind_at(asked, first) if self._kind_at(asked, first) == "stack" else ""
        return _row(asked, "mappings", sides[0], sides[1], kind)

    # ---- pages and faults --------------------------------------------------------------------

    def _faults(self, asked: Asked, seen: Seen) -> Iterator[LinuxDifference]:
        if asked.here.faults is None or asked.here.error or seen.error:
            return
        real = dict(seen.faults)
        for page, here in asked.here.faults:
            if page in real and real[page] != here:
                spot = asked.task, page
                kind = "page of zeroes" if spot in self._zeroes else ""
                kind = kind or ("rights given back" if spot in self._reprotected else "")
                yield _row(asked, f"faults at {Address(page)}", str(here), str(real[page]), kind)

    def _pages(self, asked: Asked, seen: Seen) -> Iterator[LinuxDifference]:
        if asked.here.pages is None or seen.pages is None:
            return
        if asked.name in ("read", "execute"):
            self._note_zeroes(asked)
        for (start, here), real in zip(asked.here.pages, seen.pages, strict=True):
            differ = {
                (asked.task, start + at * PAGE, *both)
                for at, both in enumerate(zip(here, real, strict=True))
                if both[0] != both[1]
            }
            new = differ - self._told
            self._told |= new
            if new:
                known = all((task, page) in self._zeroes for task, page, *_ in new)
                what = f"pages from {Address(start)} on"
                yield _row(asked, what, here, real, "page of zeroes" if known else "")

    # ---- the history of pages and mappings ---------------------------------------------------

    def _note_before(self, asked: Asked) -> None:
        """Note a call's effect on files and mappings, before its result is examined."""
        name, given = asked.name, asked.arguments
        if name == "make":
            self._sizes[given[0]] = len(given[1]) if isinstance(given[1], bytes) else given[1]
        elif name == "file_write":
            self._sizes[given[0]] = max(self._sizes[given[0]], given[1] + len(given[2]))
        elif name == "file_cut":
            if given[1] < self._sizes[given[0]]:
                self._cut.add(given[0])
            self._sizes[given[0]] = given[1]
        elif name == "write":
            mapping = self._mapping(asked.task, given[0])
            is_shared = mapping is not None and mapping.file and "shared" in mapping.words
            if mapping is not None and is_shared and mapping.into(given[0]) + len(given[1]) > self._sizes[mapping.file]:
                self._past.add(mapping.file)

    def _note_after(self, asked: Asked, seen: Seen) -> None:
        """Note the changes of pages."""
        task, name, given = asked.task, asked.name, asked.arguments
        if name in ("start", "exec"):
            self._forget(task, 0, 1 << 64)
            self._heaps[task] = given[0]
            self._mappings[task] = []
        elif name == "fork":
            child = given[0]
            self._heaps[child] = self._heaps[task]
            self._mappings[child] = list(self._mappings.get(task, ()))
            for pages in (self._zeroes, self._written, self._reprotected):
                pages |= {(child, page) for one, page in pages if one == task}
        elif name == "mmap" and not asked.here.error:
            at, size, rights, words, file, offset = given
            self._forget(task, at, at + size)
            self._mappings.setdefault(task, []).append(Mapping(at, at + size, words, file, offset))
            if "populate" in words and "w" not in rights:
                self._zeroes |= {(task, page) for page in range(at, at + size, PAGE)}
        elif name == "munmap" or (name == "madvise" and given[2] == "dontneed"):
            self._forget(task, given[0], given[0] + given[1])
        elif name == "brk" and not asked.here.error:
            old, self._heaps[task] = self._heaps[task], given[0]
            self._forget(task, *sorted(round_up(end, PAGE) for end in (old, given[0])))
        elif name == "mprotect":
            self._reprotected |= {(task, page) for page in range(given[0], given[0] + given[1], PAGE)}
        elif name in ("read", "execute"):
            self._note_zeroes(asked)
        elif name == "write":
            reached = [(task, page) for page, _ in seen.faults]
            done = set(reached[:-1] if seen.error else reached)
            self._written |= done
            self._zeroes -= done
            self._reprotected -= done

    def _note_zeroes(self, asked: Asked) -> None:
        """Note the pages that were read and never written."""
        at, count = asked.arguments
        pages = {(asked.task, start & -PAGE) for start, _ in pieces(at, count)}
        self._zeroes |= pages - self._written

    def _forget(self, task: str, start: int, end: int) -> None:
        for pages in (self._zeroes, self._written, self._reprotected):
            pages -= {(one, page) for one, page in pages if one == task and start <= page < end}
        self._told = {one for one in self._told if not (one[0] == task and start <= one[1] < end)}


FILES = ("file_read", "file_write", "file_cut")


def _ended(error: str) -> str:
    return SIGNALS.get(error, error)


def _flat(spans: Iterable[Span]) -> list[tuple[int, str]]:
    """Return each mapped page with its rights."""
    return [(page, rights) for start, end, rights in spans for page in range(start, end, PAGE)]


def _row(asked: Asked, what: str, here: str, linux: str, kind: str = "") -> LinuxDifference:
    return LinuxDifference(asked.number, asked.text, asked.task, what, here, linux, kind)
