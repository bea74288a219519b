"""What became of the calls that strace recorded."""

from __future__ import annotations

from collections import Counter
from dataclasses import field

from vmwidgets.engine.base.frozen import frozen

from ...engine.base.errors import in_ascii, printable
from ...engine.base.units import counted
from ...engine.machine.handles.tasks import Task


@frozen(repr=False)
class LoadedStrace:
    """What became of the calls of a program.

    `task` is its first process, `tasks` all of its processes that are not over, in the order in which they began.
    `replayed` says how often each call was made again, `skipped` which calls about memory the model does not have,
    `flags` which flags; `beyond` counts calls on ranges that no call had mapped, such as those of the program itself,
    which execve maps.  `failed` counts calls that failed in the system, `others` those with no memory in them.  `taken`
    counts mappings put where something was that no call took away, as happens if threads were not recorded; `outside`
    calls for addresses that the map does not have; `unfinished` calls that never returned; `signals` signals.  `ends`
    says how processes ended; the first one's task stays.  `maps_read` are the lines in which the program read its own
    map.  `unread` counts those of `others` whose arguments can't be read, `passed_over` are the lines that are not
    strace's, such as what the program wrote on the same terminal.  `text` is what strace wrote.
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
    """What the trace leaves open, in sentences."""

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
    """A counter in words: the most frequent first."""
    ordered = sorted(counter.items(), key=lambda one: (-one[1], one[0]))
    return ", ".join(f"{name} {number:,}" for name, number in ordered if number)
