"""The results of loading a process into a machine's tasks: ranges from a text, or repeated calls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import field

from ..engine.base.errors import in_ascii, printable
from ..engine.base.frozen import frozen
from ..engine.base.units import Address, Size, counted
from ..engine.machine.handles.tasks import Task
from .process import rounded

LISTED = 8
"""The most ranges or groups of ranges that the result's text lists."""

UNKNOWN = "???"
"""The protection of a range if the text has none."""


@frozen
class MapsRange:
    """One line: [start, end) in bytes, its protection, and the source of its contents.

    `path` is a file's path, one of the kernel's names such as ``"[heap]"``, or empty; `offset` (bytes) is the beginning
    of the contents in the file; `shared` is true for MAP_SHARED and false for MAP_PRIVATE; `line` counts from 1.
    `resident` (bytes) is the part of the range in memory, known only from smaps and similar texts.  Only smaps has
    `fair`, `dirty` and `swap`, as in :class:`ProcessRange`.  If a text has no rights, the protection is "???".
    """

    line: int
    start: int
    end: int
    protection: str
    shared: bool
    offset: int
    device: str
    inode: int
    path: str
    resident: int | None = None
    fair: int | None = None
    dirty: int | None = None
    swap: int | None = None

    @property
    def size(self) -> Size:
        """The length in bytes."""
        return Size(self.end - self.start)

    @property
    def is_reserved(self) -> bool:
        """Return whether the range has no rights at all: nothing can use its addresses."""
        return self.protection == "---"

    @in_ascii
    def __repr__(self) -> str:
        letters = self.protection + ("s" if self.shared else "p")
        return f"{Address(self.start)}–{Address(self.end)} {letters} {self.size} {printable(self.path)}".rstrip()


@frozen(slots=False, repr=False)
class LoadedMaps:
    """The result of loading the ranges of a process.

    `task` has the ranges in `task.map`; `entered` is the number of ranges that were entered.  `ranges` are all ranges
    in the text. `merged` lists groups of neighbours that are one entry in the model; `outside` lists the ranges beyond
    the addresses of the task's map. `source` names their origin, `what` the format; `recorded` is true if this system
    has no /proc and the recorded map was used.  `unsaid` are sentences about missing information, `passed_over` counts
    skipped lines.
    """

    task: Task
    source: str
    recorded: bool
    entered: int
    merged: tuple[tuple[MapsRange, ...], ...]
    outside: tuple[MapsRange, ...]
    mapped: Size
    """The bytes of the ranges that have rights, or of all ranges if the text has no rights."""
    resident: Size | None
    """The bytes of the mapped ranges that are in memory, known only from smaps and similar texts."""
    ranges: tuple[MapsRange, ...] = ()
    what: str = ""
    unsaid: tuple[str, ...] = ()
    passed_over: str = ""

    @property
    def reserved(self) -> Size:
        """The bytes of the ranges without any right."""
        return Size(sum(one.size for one in self.ranges if one.is_reserved))

    @property
    def summary(self) -> str:
        """The number of ranges, the bytes that they map, and the part in memory."""
        held = "" if self.resident is None else f", {self.resident} of it in memory"
        return f"{counted(len(self.ranges), 'range')}, {self.mapped} mapped{held}"

    @in_ascii
    def __repr__(self) -> str:
        ranges, entries = counted(self.entered, "range"), counted(len(self.task.map), "entry")
        what = f" ({self.what})" if self.what and "/proc" not in self.what else ""
        lines = [f"{ranges} of {self.source} in task {self.task.name!r}, as {entries}{what}"]
        if self.recorded:
            lines.insert(0, f"There is no /proc/self/maps on this system: this is {self.source}.")
        if self.resident is not None:
            lines.append(f"Of {self.mapped} mapped, {self.resident} is in memory (Rss).")
            if self.reserved:
                lines.append(f"{rounded(self.reserved)} only reserved: no rights, and nothing there to read or write.")
        if self.merged:
            lines.append("Merged by the map, since they have no objects and their flags are equal:")
            lines += _listed([" + ".join(map(repr, group[:4])) + " …" * (len(group) > 4) for group in self.merged])
        if self.outside:
            lines.append(f"Left out, since {printable(self.task.map.path)} has no such addresses:")
            lines += _listed([repr(one) for one in self.outside])
            if (
                any(1 << 47 < one.end <= 1 << 48 for one in self.outside)
                and self.task.machine.layout.user_end < 1 << 48
            ):
                lines.append('A map of 64-bit ARM has them: boot one with vm.boot("aarch64").')
        return "\n".join([*lines, *self.unsaid, *filter(None, [self.passed_over])])


def _listed(lines: Sequence[str]) -> list[str]:
    more = [f"  … and {len(lines) - LISTED:,} more"] if len(lines) > LISTED else []
    return [f"  {line}" for line in lines[:LISTED]] + more


@frozen(slots=False, repr=False)
class LoadedStrace:
    """The result of repeating the calls of a program.

    `task` is its first process, `tasks` are all of its processes that have not ended, in the order in which they began.
    `replayed` counts the repeated calls by name, `skipped` the calls about memory that the model does not have, `flags`
    the unknown flags; `beyond` counts calls on ranges that no call had mapped, such as the ranges of the program
    itself, which execve maps.  `failed` counts calls that failed in the system, `others` calls that do not concern
    memory. `taken` counts mappings at addresses that were in use and that no call had freed, as happens if threads were
    not recorded; `outside` counts calls for addresses outside the map; `unfinished`, calls that never returned;
    `signals`, signals.  `ends` says how processes ended; the first process's task stays.  `maps_read` are the lines in
    which the program read its own map.  `unread` counts the calls among `others` with unreadable arguments;
    `passed_over` are the lines not written by strace, such as the program's output on the same terminal.  `text` is
    strace's output.
    """

    task: Task
    tasks: tuple[Task, ...]
    source: str
    calls: int
    replayed: Counter[str]
    skipped: Counter[str]
    flags: Counter[str]
    beyond: Counter[str]
    failed: Counter[str]
    others: Counter[str]
    outside: Counter[str]
    unfinished: Counter[str]
    signals: Counter[str]
    taken: int
    ends: dict[str, str]
    maps_read: tuple[int, ...]
    unread: Counter[str]
    passed_over: tuple[int, ...]
    text: str = field(default="", repr=False)
    unsaid: tuple[str, ...] = ()
    """Sentences about information that the trace lacks."""

    @in_ascii
    def __repr__(self) -> str:
        entries = counted(len(self.task.map), "entry") if self.task.name in self.task.machine.tasks else "gone"
        lines = [f"{counted(self.calls, 'call', 'calls')} of {self.source}; task {self.task.name!r}: {entries}"]
        rows = {
            "Replayed": self.replayed,
            "Not in the model": self.skipped,
            "Flags not in the model": self.flags,
            "On ranges that no call mapped": self.beyond,
            "Outside the map": self.outside,
            "Failed in the system": self.failed,
            "Never returned": self.unfinished,
            "Signals": self.signals,
        }
        lines += [f"  {label}: {_counts(found)}" for label, found in rows.items() if found.total()]
        if self.others:
            kinds = ", ".join(name for name, _ in self.others.most_common(3))
            more = " …" * (len(self.others) > 3)
            lines.append(f"  No memory in them: {self.others.total():,} ({kinds}{more})")
        if self.unread:
            lines.append(f"  Their arguments can't be read, and don't matter: {_counts(self.unread)}")
        if self.passed_over:
            number = counted(len(self.passed_over), "line")
            lines.append(f"  Not strace's, and passed over: {number}, first line {self.passed_over[0]:,}")
        if self.taken:
            lines.append(f"  Mapped over an existing mapping: {self.taken:,}")
        if self.maps_read and self.ends:
            where = f"in line {self.maps_read[-1]:,}"
            lines.append(f"  It read its own map {where}, and ran on: until='maps' ends there, to be compared with it")
        ends = [f"{printable(name)} {how}" for name, how in self.ends.items()]
        if ends:
            lines.append(f"  Ended: {', '.join(ends[:8])}{' …' * (len(ends) > 8)}")
        lines += [f"  {sentence}" for sentence in self.unsaid]
        return "\n".join(lines)


def _counts(counter: Counter[str]) -> str:
    """Return a counter in words: the most frequent first."""
    ordered = sorted(counter.items(), key=lambda one: (-one[1], one[0]))
    return ", ".join(f"{name} {number:,}" for name, number in ordered if number)
