"""Values for a process of this computer, as its kernel describes it: at one time, by page, and around code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from operator import sub
from typing import NamedTuple, Protocol

from ..engine.base.errors import in_ascii, printable
from ..engine.base.frozen import frozen
from ..engine.base.units import PAGE, Address, Size, counted, in_columns, listed

LISTED = 8
"""The most owners of memory that a text lists."""

NAMELESS = "memory without a file"

_OWNERS = {
    "/dev/zero (deleted)": "shared memory without a file",
    "/anon_hugepage (deleted)": "huge pages without a file",
}
"""The owners of ranges whose path is a file that the kernel made up: mmap(2) with MAP_SHARED, or with MAP_HUGETLB."""

_SEGMENT = "/SYSV"
"""The beginning of such a path for shmget(2): the key follows."""

SMALL = 64 << 10
"""The number of bytes below which a change is called small."""


@frozen
class ProcessRange:
    """A range of a process: [start, end) in bytes, its rights ("rw-"), and the source of its contents.

    `shared` is true for MAP_SHARED and false for MAP_PRIVATE, `path` is a file or one of the kernel's names such as
    "[heap]", `device` and `inode` tell files of one path apart, and `offset` (bytes) is the beginning of its contents
    in the file.  In bytes, if the kernel reports them:
    `resident` (Rss), `fair` (each page divided by the number of processes that map it: Pss), `dirty` (written, and only
    in this process), `swap`, `huge` (in huge pages), `referenced` (since the bits were cleared).  The source is
    proc_pid_smaps(5).
    """

    start: int
    end: int
    protection: str
    shared: bool = False
    offset: int = 0
    path: str = ""
    resident: int | None = None
    fair: int | None = None
    dirty: int | None = None
    swap: int | None = None
    huge: int | None = None
    referenced: int | None = None
    device: str = "00:00"
    inode: int = 0

    @property
    def file(self) -> tuple[str, str, int]:
        """The identity of the file: its path, device and inode."""
        return self.path, self.device, self.inode

    @property
    def size(self) -> Size:
        """The length in bytes."""
        return Size(self.end - self.start)

    @property
    def is_reserved(self) -> bool:
        """Return whether the range has no rights at all: its addresses are only reserved."""
        return self.protection == "---"

    @property
    def owner(self) -> str:
        """The file's name without its folders, the kernel's name, or "memory without a file".

        For memory that the kernel gives a path without a file, such as "/dev/zero (deleted)", it says what it is.
        """
        if self.path in _OWNERS:
            return _OWNERS[self.path]
        if self.path.startswith(_SEGMENT):
            return "shared memory of shmget"
        path = self.path.removesuffix(" (deleted)")
        if path.startswith("[anon:"):
            return path[6:-1]
        return path if path.startswith("[") else path.rpartition("/")[2] or path or NAMELESS

    @in_ascii
    def __repr__(self) -> str:
        letters = self.protection + ("s" if self.shared else "p")
        held = "" if self.resident is None else f", {Size(self.resident)} in memory"
        return f"{Address(self.start)}–{Address(self.end)} {letters} {self.size}{held} {printable(self.path)}".rstrip()


@frozen
class ProcessMoment:
    """A process at one time: its ranges in the order of their addresses, and its faults since its start.

    `minor` faults found their page in memory, `major` faults waited for a disk; None if the system does not count them.
    `peak` is the most bytes that were in memory at one time.  `unsaid` are sentences about missing numbers.
    """

    pid: int
    name: str
    ranges: tuple[ProcessRange, ...]
    minor: int | None = None
    major: int | None = None
    peak: int | None = None
    unsaid: tuple[str, ...] = ()

    @property
    def mapped(self) -> Size:
        """The bytes of the ranges that have rights."""
        return Size(sum(one.end - one.start for one in self.ranges if not one.is_reserved))

    @property
    def reserved(self) -> Size:
        """The bytes of the ranges without rights."""
        return Size(sum(one.end - one.start for one in self.ranges if one.is_reserved))

    @property
    def is_measured(self) -> bool:
        """Return whether the bytes in memory are known."""
        return any(one.resident is not None for one in self.ranges)

    def total(self, field: str) -> Size:
        """Return the sum of a field ("resident", "fair", "dirty", "swap" or "huge") over all ranges."""
        return Size(sum(getattr(one, field) or 0 for one in self.ranges))

    @property
    def resident(self) -> Size:
        """The bytes in memory."""
        return self.total("resident")

    def at(self, address: int) -> ProcessRange | None:
        """Return the range that contains an address, or None."""
        return next((one for one in self.ranges if one.start <= address < one.end), None)

    def named(self, words: str) -> tuple[ProcessRange, ...]:
        """Return the ranges whose path or owner contains `words`."""
        return tuple(one for one in self.ranges if words in one.path or words in one.owner)

    def owners(self) -> dict[str, tuple[ProcessRange, ...]]:
        """Return the ranges by owner: owners with the most bytes in memory first; if equal, with the most mapped.

        Files with the same name are given by their paths.
        """
        found: dict[str, list[ProcessRange]] = {}
        for one in self.ranges:
            found.setdefault(one.path.removesuffix(" (deleted)"), []).append(one)
        held = {path: sum(one.resident or 0 for one in some) for path, some in found.items()}
        size = {path: sum(one.end - one.start for one in some if not one.is_reserved) for path, some in found.items()}
        names = Counter(some[0].owner for some in found.values())
        return {
            found[path][0].owner if names[found[path][0].owner] == 1 else path: tuple(found[path])
            for path in sorted(found, key=lambda path: (-held[path], -size[path], path))
        }

    @property
    def title(self) -> str:
        """The answer in one line: the bytes in memory, and the size of the process's addresses."""
        addresses = Size(self.mapped + self.reserved)
        if not self.is_measured:
            return f"{self.mapped} mapped"
        return f"{rounded(self.resident)} in memory, {rounded(addresses)} of addresses"

    @in_ascii
    def __repr__(self) -> str:
        lines = [f"{printable(self.name)} ({self.pid}): {self.title}, {counted(len(self.ranges), 'range')}"]
        if self.reserved:
            lines.append(f"  {rounded(self.reserved)} only reserved: no rights, and nothing there to read or write")
        rows = []
        for name, some in [*self.owners().items()][:LISTED]:
            held = [f"{rounded(sum(one.resident or 0 for one in some))} in memory"] * self.is_measured
            mapped = f"{rounded(sum(one.end - one.start for one in some if not one.is_reserved))} mapped"
            rows.append((printable(name)[:40], *held, mapped, counted(len(some), "range")))
        lines += [f"  {line}" for line in in_columns(rows).splitlines()]
        return "\n".join([*lines, *(f"  {words}" for words in self.unsaid)])


class PageStates(NamedTuple):
    """The number of pages of a range in each state.

    `present` pages are in memory.  Of these, `zero` are the kernel's page of zeros, which is mapped in place of pages
    that were only read: it does not count as memory (Rss), and the first write faults again.  `huge` are parts of huge
    pages, `alone` are mapped by this process only, and `file` belong to a file or to shared memory.  `swapped` pages
    are on a disk. A number is None if this kernel does not report it.

    `start` and `end` (bytes) are the first address and the address after the last; None if there are several ranges,
    whose number is `ranges`.
    """

    pages: int
    present: int
    swapped: int
    file: int
    alone: int
    zero: int | None = None
    huge: int | None = None
    start: int | None = None
    end: int | None = None
    ranges: int = 1

    @in_ascii
    def __repr__(self) -> str:
        where = f"{counted(self.ranges, 'range')}: " if self.ranges != 1 else ""
        if self.start is not None and self.end is not None:
            where = f"{Address(self.start)}–{Address(self.end)}: "
        parts = [f"{where}{self.present:,} of {counted(self.pages, 'page')} in memory"]
        if self.zero:
            parts.append(f"{self.zero:,} of them read as zeros and take none")
        if self.huge:
            parts.append(f"{self.huge:,} in huge pages")
        if self.alone < self.present - (self.zero or 0):
            parts.append(f"{self.alone:,} this process's alone")
        if self.swapped:
            parts.append(f"{self.swapped:,} swapped out")
        return ", ".join(parts)


# ---- before and after ------------------------------------------------------------------------------


def together(some: Sequence[PageStates]) -> PageStates:
    """Add up the states of several ranges."""
    if len(some) == 1:
        return some[0]
    pages, present, swapped, file, alone = (sum(one[field] or 0 for one in some) for field in range(5))
    zero = huge = None
    if all(one.zero is not None for one in some):
        zero, huge = sum(one.zero or 0 for one in some), sum(one.huge or 0 for one in some)
    return PageStates(pages, present, swapped, file, alone, zero, huge, ranges=len(some))


class Change(NamedTuple):
    """A change of ranges: `kind` is "came", "left", "grew", "shrank", "changed" or "used" (only pages came or left).

    `mapped`, `resident` and `huge` are differences in bytes; `ranges` is the number of ranges.  `holds` names their
    contents, for example arrays.  "changed" is for several ranges of one file whose kinds differ.  `parts` is the
    number of ranges that are left of one range; 1 if it was not split.
    """

    kind: str
    owner: str
    mapped: int
    resident: int
    huge: int
    ranges: int
    start: int
    holds: str = ""
    parts: int = 1

    @property
    def words(self) -> str:
        """The name of the ranges: "64 MiB, no file", "82 MiB, no file, now in 2 parts", "libm.so.6", "[heap]"."""
        if self.owner != NAMELESS:
            return self.owner
        size = rounded(abs(self.mapped)) if self.mapped and self.ranges == 1 else ""
        split = f", now in {self.parts} parts" if self.parts > 1 else ""
        return f"{size}, no file{split}" if size else NAMELESS


class LineCost(NamedTuple):
    """The cost of one statement: its text, the differences in bytes, and the faults.

    `zero` is the difference of pages that read as zeros, for which no memory is used; None if it is not known.
    """

    line: str
    mapped: int
    resident: int
    huge: int
    minor: int
    major: int
    modules: int = 0
    zero: int | None = None

    @property
    def why(self) -> str:
        """A conclusion about the statement's pages, drawn from its faults."""
        pages, faults = self.resident // PAGE, self.minor + self.major
        if self.modules:
            return f"imports {counted(self.modules, 'module')}"
        if self.resident < -SMALL:
            return "given back at once"
        if self.mapped > SMALL and pages * PAGE < self.mapped // 16:
            return "mapped, not touched"
        if self.huge >= 2 << 20:
            return f"{counted(self.huge >> 21, 'huge page')} of 2 MiB"
        if self.zero is not None and self.zero > 8 and self.zero > pages:
            return f"{counted(self.zero, 'page')} that read as zeros: they take no memory"
        if faults > 8 and pages > 2 * faults:
            return f"{pages:,} pages: several a fault (fault-around of files, or large folios)"
        if faults > 8 and faults <= 1.2 * pages:
            return "one page a fault"
        if faults > 8 and pages < faults // 4:
            zeros = "" if self.zero is not None else ", or that read as zeros"
            return f"pages that were copied (after a fork), or that came and left{zeros}"
        return ""


@frozen
class CellMemory:
    """The effect of some code on the memory of its process.

    `before` and `after` are the process at both ends; `minor` and `major` are its faults in between; `lines` has the
    costs of each statement, if you asked for them.  `python` are sentences about the work of Python itself, `failed` is
    the error of the code if there was one, and `footprint` is the cost of measuring, which the numbers leave out.
    """

    before: ProcessMoment
    after: ProcessMoment
    minor: int
    major: int
    changes: tuple[Change, ...]
    lines: tuple[LineCost, ...] = ()
    python: tuple[str, ...] = ()
    failed: str = ""
    footprint: str = ""
    recorded: str = ""
    """The place of the recording, if this system has no numbers of its own."""
    subject: str = "This cell"
    """The subject with which sentences about the result begin."""
    beside: str = ""
    """The other process, if two are compared; then the words state differences, not events."""

    @property
    def mapped(self) -> int:
        """The difference of mapped bytes."""
        return self.after.mapped - self.before.mapped

    @property
    def resident(self) -> int:
        """The difference of bytes in memory."""
        return self.after.resident - self.before.resident

    @property
    def huge(self) -> int:
        """The difference of bytes in huge pages."""
        return self.after.total("huge") - self.before.total("huge")

    @property
    def title(self) -> str:
        """The answer in one sentence."""
        if self.beside:
            parts = [
                f"{rounded(abs(size))} {'more' if size > 0 else 'less'} {what}" if size else f"as much {what}"
                for size, what in ((self.mapped, "mapped"), (self.resident, "in memory"))
            ]
            return f"{self.subject} has {parts[0]}, and {parts[1]}, than {self.beside}"
        return _sentence(self.subject, self.mapped, self.resident)

    @property
    def faults(self) -> str:
        """The number of faults, and whether a disk was read."""
        if self.beside:
            return "Their page faults are not compared."
        if not self.minor + self.major:
            return "No page fault."
        disk = f"{self.major:,} of them waited for a disk" if self.major else "no disk was read"
        words = f"{counted(self.minor + self.major, 'page fault')}, {disk}"
        most = max(self.lines, key=lambda one: one.minor + one.major, default=None)
        if most is not None and len(self.lines) > 1:
            words += f". {most.minor + most.major:,} were caused by '{short(most.line)}'"
        return words + "."

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences about the peak, huge pages, Python, errors of the code, and the cost of measuring."""
        found = [*filter(None, [self.recorded, self.failed])]
        peak = self.after.peak
        if peak is not None and peak > max(self.before.resident, self.after.resident) + SMALL:
            found.append(f"At its peak, {rounded(peak)} were in memory.")
        if self.huge >= 2 << 20:
            found.append(f"{counted(self.huge >> 21, 'huge page')} of 2 MiB came: one fault brings 512 pages.")
        swap = self.after.total("swap") - self.before.total("swap")
        if abs(swap) >= SMALL:
            found.append(f"{rounded(abs(swap))} {'moved to' if swap > 0 else 'came back from'} swap.")
        reserved = self.after.reserved - self.before.reserved
        if abs(reserved) >= SMALL:
            done = "were reserved" if reserved > 0 else "are reserved no longer"
            found.append(f"{rounded(abs(reserved))} of addresses without rights {done}: they are not counted.")
        return (*found, *self.python, *filter(None, [self.footprint]))

    def json(self) -> dict[str, object]:
        """Return the numbers as JSON values: bytes, faults, and lists of changes and of lines."""
        return {
            "mapped": {"before": int(self.before.mapped), "after": int(self.after.mapped)},
            "in memory": {"before": int(self.before.resident), "after": int(self.after.resident)},
            "faults": {"minor": self.minor, "major": self.major},
            "peak": self.after.peak,
            "changes": [one._asdict() for one in self.changes],
            "lines": [one._asdict() for one in self.lines],
            "notes": [*self.notes],
        }

    @in_ascii
    def __repr__(self) -> str:
        lines = [self.title, self.faults]
        for name, was, now in (
            ("mapped", self.before.mapped, self.after.mapped),
            ("in memory", self.before.resident, self.after.resident),
        ):
            lines.append(f"  {name:<10} {signed(now - was):>11}   {rounded(was)} before, {rounded(now)} now")
        rows = [
            (short(one.line), signed(one.mapped), signed(one.resident), f"{one.minor + one.major:,}", one.why)
            for one in self.lines
        ]
        if rows:
            lines += [
                f"  {line}"
                for line in in_columns([("line", "mapped", "in memory", "faults", "why"), *rows]).splitlines()
            ]
        rows = [
            (
                f"{one.kind} {printable(one.words)}",
                signed(one.mapped),
                signed(one.resident),
                counted(one.ranges, "range"),
                one.holds,
            )
            for one in self.changes[:LISTED]
        ]
        if rows:
            lines += [
                f"  {line}" for line in in_columns([("range", "mapped", "in memory", "ranges", ""), *rows]).splitlines()
            ]
        if len(self.changes) > LISTED:
            lines.append(f"  … and {len(self.changes) - LISTED:,} more")
        return "\n".join([*lines, *self.notes])


@frozen
class UsedRange:
    """A process's use of some of its memory: how many of its `pages` pages were used in each part of the time.

    `start` is None for ranges that were combined because they were little used.
    """

    name: str
    start: int | None
    pages: int
    parts: tuple[int, ...]


@frozen
class UsedOverTime:
    """The working set of a process over time: its ranges, the lowest first, and combined ranges last.

    There are `parts` parts of the time, each of `each` seconds; a part's count is the number of pages used in it.
    """

    pid: int
    name: str
    each: float
    ranges: tuple[UsedRange, ...]
    parts: int

    @property
    def sets(self) -> tuple[int, ...]:
        """The number of pages used in each part."""
        return tuple(sum(one.parts[at] for one in self.ranges) for at in range(self.parts))

    @property
    def title(self) -> str:
        """The answer in a line."""
        sets = self.sets
        least, most = min(sets, default=0), max(sets, default=0)
        if not most:
            return f"no page used in {self.parts * self.each:.3g} s"
        if self.parts == 1:
            return f"{rounded(most * PAGE)} used in {self.each:.3g} s"
        return f"{rounded(least * PAGE)} to {rounded(most * PAGE)} used in each {self.each:.3g} s"

    @in_ascii
    def __repr__(self) -> str:
        most = sorted(self.ranges, key=lambda one: -max(one.parts))[:LISTED]
        rows = [("pages used in each part of the time", "most", "parts")]
        rows += [(printable(one.name)[:40], f"{max(one.parts):,}", " ".join(map(str, one.parts))) for one in most]
        return f"{printable(self.name)} ({self.pid}): {self.title}" + f"\n{in_columns(rows)}" * bool(most)


def short(line: str, most: int = 48) -> str:
    """Return the first line of a statement, cut to `most` characters."""
    first = line.splitlines()[0].strip() if line.strip() else line
    return first if len(first) <= most and first == line.strip() else first[: most - 1] + "…"


def rounded(size: int) -> str:
    """Return a size with at most three digits: "7.2 MiB", "57 MiB", "896 KiB".

    >>> rounded(7_549_747), rounded(896 << 10), rounded(0), rounded(1 << 30), rounded(59_768_832)
    ('7.2 MiB', '896 KiB', '0', '1 GiB', '57 MiB')
    """
    if not size:
        return "0"
    for unit, name in ((1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if size >= unit:
            number = size / unit
            text = f"{number:,.0f}" if number >= 10 or number == int(number) else f"{number:.1f}".removesuffix(".0")
            return f"{text} {name}"
    return f"{size} B"


def signed(size: int) -> str:
    """Return a difference in bytes: "+47 MiB", "−32 MiB", "0"."""
    return f"{'+' if size > 0 else '−' if size < 0 else ''}{rounded(abs(size))}"


def _sentence(subject: str, mapped: int, resident: int) -> str:
    """Return both differences as a sentence."""
    much, came = abs(mapped) >= SMALL, abs(resident) >= SMALL
    if not much and not came:
        words = f", and {rounded(resident)} came into memory" if resident > 0 else ""
        return f"{subject} mapped next to nothing{words}"
    if not much:
        way = (
            "came into memory, in ranges that were there before" if resident > 0 else "left memory, and its ranges stay"
        )
        return f"{rounded(abs(resident))} {way}"
    if mapped > 0:
        if not came:
            return f"{subject} mapped {rounded(mapped)}, and next to nothing came into memory"
        if resident < 0:
            return f"{subject} mapped {rounded(mapped)}, and {rounded(-resident)} left memory"
        link = "but only" if resident < mapped / 2 else "and"
        return f"{subject} mapped {rounded(mapped)}, {link} {rounded(resident)} came into memory"
    back = f"{subject} gave back {rounded(-mapped)} of addresses"
    if not came:
        return f"{back}, and next to nothing left memory"
    return f"{back}, and {rounded(abs(resident))} {'came into' if resident > 0 else 'left'} memory"


def changes_between(
    before: Sequence[ProcessRange],
    after: Sequence[ProcessRange],
    held_before: Sequence[tuple[int, int, str]] = (),
    held_after: Sequence[tuple[int, int, str]] = (),
) -> tuple[Change, ...]:
    """Return the differences between two moments of a process, the biggest change in memory first.

    `held_before` and `held_after` are the named addresses: start, end, name.  Ranges of one file are one change, and so
    are small ranges without a file.
    """
    found: dict[object, Change] = {}
    for was, now in _together(before, after):
        mapped, resident, huge = map(sub, _sizes(now), _sizes(was))
        if not mapped and not resident:
            continue
        one = (was or now)[0]
        kind = "used" if was and now else "left" if was else "came"
        if was and now and mapped:
            kind = "grew" if mapped > 0 else "shrank"
        some, others, names = (was, now, held_before) if mapped < 0 else (now, was, held_after)
        shared = others if abs(mapped) >= SMALL else ()  # what was there already is not what came
        held = sorted({name for *at, name in names if _inside(some, *at) - _inside(shared, *at) >= SMALL})
        parts = len(now) if len(now) > len(was) > 0 else 1
        change = Change(kind, one.owner, mapped, resident, huge, 1, one.start, listed(held[:3]), parts)
        is_big = one.owner == NAMELESS and (held or abs(mapped) >= 1 << 20)
        key: object = one.start if is_big else (one.path, kind in ("came", "grew", "used"))
        found[key] = _joined(found[key], change) if key in found else change
    return tuple(sorted(found.values(), key=lambda one: (-abs(one.resident), -abs(one.mapped), one.start)))


def between(before: ProcessMoment, after: ProcessMoment) -> CellMemory:
    """Compare two moments of a process, or of two processes."""
    is_one = before.pid == after.pid
    faults = [
        max(0, now - was) if is_one and was is not None and now is not None else 0
        for was, now in ((before.minor, after.minor), (before.major, after.major))
    ]
    subject, other = f"{after.name} ({after.pid})", "" if is_one else f"{before.name} ({before.pid})"
    changes = changes_between(before.ranges, after.ranges)
    later = replace(after, peak=None)  # its peak is for its whole life
    return CellMemory(before, later, faults[0], faults[1], changes, subject=subject, beside=other)


def _joined(one: Change, two: Change) -> Change:
    kind = one.kind if one.kind == two.kind else "changed"
    return Change(
        kind,
        one.owner,
        one.mapped + two.mapped,
        one.resident + two.resident,
        one.huge + two.huge,
        one.ranges + two.ranges,
        one.start,
        one.holds or two.holds,
    )


def _together(
    before: Sequence[ProcessRange], after: Sequence[ProcessRange]
) -> Iterator[tuple[list[ProcessRange], list[ProcessRange]]]:
    """Yield the ranges of both moments that are one mapping: those of a file that have addresses in common.

    The kernel splits and joins ranges: what remains of a range is not new, and what was joined has not left.
    """
    both: tuple[list[ProcessRange], list[ProcessRange]] = [], []
    end, file = 0, None
    every = [*((one, 0) for one in before), *((one, 1) for one in after)]
    for one, when in sorted(every, key=lambda each: (each[0].file, each[0].start)):
        if one.file != file or one.start >= end:
            if file is not None:
                yield both
            both, end, file = ([], []), 0, one.file
        both[when].append(one)
        end = max(end, one.end)
    if file is not None:
        yield both


def _sizes(some: Sequence[ProcessRange]) -> tuple[int, int, int]:
    """Return the bytes that are mapped, in memory, and in huge pages."""
    usable = sum(one.end - one.start for one in some if not one.is_reserved)
    return usable, sum(one.resident or 0 for one in some), sum(one.huge or 0 for one in some)


def _inside(some: Sequence[ProcessRange], low: int, high: int) -> int:
    """Return the bytes from `low` to `high` that are in ranges with rights."""
    return sum(max(0, min(high, one.end) - max(low, one.start)) for one in some if not one.is_reserved)


class Span(Protocol):
    """Anything with a start and an end."""

    @property
    def start(self) -> int:
        """The first address."""

    @property
    def end(self) -> int:
        """The address after the last."""


def holes(ranges: Sequence[Span]) -> list[tuple[int, int]]:
    """Return the addresses between ranges: start and end of each hole, the largest first."""
    found = [(one.end, two.start) for one, two in pairwise(ranges) if two.start > one.end]
    return sorted(found, key=lambda one: (one[0] - one[1], one[0]))


class Measuring:
    """Measured code: `result` is its effect, after it has ended."""

    result: CellMemory | None = None


class LiveProcess:
    """A process that can be looked at repeatedly; the code that reads it is in a layer above the pictures.

    It has no slot for a weak reference, so pictures hold it strongly.
    """

    __slots__ = ("pid",)
    pid: int

    def at(self) -> ProcessMoment:
        """Return the current state of the process."""
        raise NotImplementedError


# ---- two processes after a fork ------------------------------------------------------------------


class ForkedPage(NamedTuple):
    """A page of parent and child at one address: the letter that each reads there, and whether each has its own frame.

    None means that the page is not in memory.
    """

    address: int
    parent: str
    child: str
    parent_alone: bool | None
    child_alone: bool | None

    @property
    def is_shared(self) -> bool:
        """Return whether both processes have the same frame."""
        return self.parent_alone is False and self.child_alone is False


@frozen
class ForkedValue:
    """Two processes after a fork, page by page; `said` is the last event, `last` the last writer and its page."""

    parent: int
    child: int
    pages: tuple[ForkedPage, ...]
    said: str
    last: tuple[str, int] | None = None

    @property
    def frames(self) -> int:
        """The number of frames for the pages of both processes."""
        own = sum((one.parent_alone is not None) + (one.child_alone is not None) for one in self.pages)
        return own - sum(one.is_shared for one in self.pages)

    @property
    def title(self) -> str:
        """The answer: the number of frames, and each process's number of pages."""
        both = counted(sum(one.is_shared for one in self.pages), "page")
        return f"{counted(len(self.pages), 'page')} of each process in {counted(self.frames, 'frame')}: {both} shared"

    @in_ascii
    def __repr__(self) -> str:
        lines = [f"{self.said[:1].upper()}{self.said[1:]}.", f"{self.title}."]
        rows = [("address", "parent", "child", "frames")]
        rows += [
            (f"{Address(one.address)}", one.parent, one.child, "one, for both" if one.is_shared else "two")
            for one in self.pages
        ]
        return "\n".join([*lines, *(f"  {line}" for line in in_columns(rows).splitlines())])


class LiveFork:
    """Two processes that can be looked at repeatedly; the code that reads them is in a layer above the pictures."""

    def at(self) -> ForkedValue:
        """Return the current state of both processes."""
        raise NotImplementedError
