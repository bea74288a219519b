"""What was loaded of a process: its ranges as a text said them, in a task of a machine."""

from __future__ import annotations

from collections.abc import Sequence

from ..base.errors import in_ascii, printable
from ..base.frozen import frozen
from ..base.units import Address, Size, counted
from .handles.tasks import Task

LISTED = 8
"""How many ranges or groups of ranges the result's text lists."""

UNKNOWN = "???"
"""The protection of a range of which the text says none."""


@frozen
class MapsRange:
    """One line: [start, end) in bytes, its protection, and what is behind it.

    `path` is a file's path, a name of the kernel's such as ``"[heap]"``, or empty; `offset` (bytes) is where in the
    file it begins; `shared` tells MAP_SHARED from MAP_PRIVATE; `line` counts from 1.
    `resident` (bytes) is what of it is in memory, which only smaps and its like say.  Of a text without rights the
    protection is "???".
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

    @property
    def size(self) -> Size:
        """Length in bytes."""
        return Size(self.end - self.start)

    @in_ascii
    def __repr__(self) -> str:
        letters = self.protection + ("s" if self.shared else "p")
        return f"{Address(self.start)}–{Address(self.end)} {letters} {self.size} {printable(self.path)}".rstrip()


@frozen(slots=False, repr=False)
class LoadedMaps:
    """What became of the ranges of a process.

    `task` holds them in `task.map`; `entered` says how many were entered.  `ranges` are all of the text.  `merged` lists
    groups of neighbours that the model made one entry of; `outside` those that its user map has no addresses for.
    `source` names where they came from, `what` the format; `recorded` is true when this system has no /proc and the
    recorded map was taken.  `unsaid` are sentences about what the text leaves open, `passed_over` counts what
    surrounded it.
    """

    task: Task
    source: str
    recorded: bool
    entered: int
    merged: tuple[tuple[MapsRange, ...], ...]
    outside: tuple[MapsRange, ...]
    mapped: Size
    """Bytes of all ranges."""
    resident: Size | None
    """Bytes of them that are in memory, which only smaps and its like say."""
    ranges: tuple[MapsRange, ...] = ()
    what: str = ""
    unsaid: tuple[str, ...] = ()
    passed_over: str = ""

    @property
    def summary(self) -> str:
        """How many ranges, how much they map, and what of it is in memory."""
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
        if self.merged:
            lines.append("Merged by the map, since they have no objects and their flags are equal:")
            lines += _listed([" + ".join(map(repr, group[:4])) + " …" * (len(group) > 4) for group in self.merged])
        if self.outside:
            lines.append(f"Left out, since {printable(self.task.map.path)} has no such addresses:")
            lines += _listed([repr(one) for one in self.outside])
            if any(1 << 47 < one.end <= 1 << 48 for one in self.outside) and self.task.machine.layout.user_end < 1 << 48:
                lines.append('A map of 64-bit ARM has them: boot one with vm.boot("aarch64").')
        return "\n".join([*lines, *self.unsaid, *filter(None, [self.passed_over])])


def _listed(lines: Sequence[str]) -> list[str]:
    more = [f"  … and {len(lines) - LISTED:,} more"] if len(lines) > LISTED else []
    return [f"  {line}" for line in lines[:LISTED]] + more
