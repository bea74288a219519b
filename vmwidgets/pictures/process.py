"""The memory of a process from a text: who has how much, the biggest ranges, what may be executed, the holes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from vmwidgets.engine.base.errors import Refused, shown, with_signs
from vmwidgets.engine.base.units import Address, Size, counted
from vmwidgets.engine.machine.handles.tasks import Task
from vmwidgets.engine.machine.loaded import LoadedMaps, LoadedStrace
from vmwidgets.views.scene.model import Scene
from vmwidgets.views.tables.pasted import Found, draw_pasted

from .at import At
from .picture import Picture
from .registry import picture_of

MOST = 12
"""Owners that have a row of their own."""

BIGGEST = 5
"""Ranges and holes that are listed."""

WIDE = 24
"""Characters of the longest bar."""


class _Range(NamedTuple):
    start: int
    end: int
    protection: str
    shared: bool
    owner: str
    resident: int | None

    @property
    def size(self) -> int:
        """Length in bytes."""
        return self.end - self.start


@picture_of(first_for=(LoadedMaps, LoadedStrace))
class Process(Picture):
    r"""The memory of a process: who has how much of it, the biggest ranges, what may be executed, the largest holes.

    `target` is the result of ``vm.load`` for a map of a process, or for what strace recorded.  What is mapped is not
    what is in memory: that has a column of its own where the text says it (Rss).

    >>> import vmwidgets as vm
    >>> vm.picture(vm.load("1000-3000 r-xp 00000000 08:01 7 /bin/true\n")).scene().title
    'memory of a process'
    """

    def __init__(self, target: LoadedMaps | LoadedStrace, **options: Any) -> None:
        if not isinstance(target, LoadedMaps | LoadedStrace):
            raise Refused(f"Process shows what vm.load gives for a map or a trace of a process, not {shown(target)}")
        self._held = target
        self._ranges = [*_of_maps(target)] if isinstance(target, LoadedMaps) else [*_of_task(target.task)]
        super().__init__(target, **options)

    def draw(self, at: At) -> Scene:
        """The answers, each under its question."""
        target, ranges = self._held, self._ranges
        mapped = sum(one.size for one in ranges)
        held = [one.resident for one in ranges if one.resident is not None]
        summary = f"{counted(len(ranges), 'range')}, {Size(mapped)} mapped"
        summary += f", {Size(sum(held))} in memory" if held else ""
        found = [one for one in _answers(ranges, mapped, bool(held)) if one.rows or one.words]
        if isinstance(target, LoadedStrace):
            first, *rest = with_signs_of(target)
            found.insert(0, Found(first, [line.strip() for line in rest]))
        else:
            unsaid = [*target.unsaid, *filter(None, [target.passed_over])]
            if target.outside:
                one = len(target.outside) == 1
                words = "is not in the task: it lies" if one else "are not in the task: they lie"
                unsaid.insert(0, f"{counted(len(target.outside), 'range')} {words} where a task has no addresses.")
            if unsaid:
                found.append(Found("What the text does not say", unsaid))
        what = target.what if isinstance(target, LoadedMaps) else "system calls that strace recorded"
        caption = f"{what[:1].upper()}{what[1:]}: {summary}. Mapped addresses take memory only once they are used."
        return draw_pasted(found, summary, caption, view="process", title="memory of a process", width=at.width)


def with_signs_of(target: object) -> list[str]:
    """What a value's text says, line by line, with the signs that pictures have."""
    return with_signs(target).split("\n")


def _of_maps(found: LoadedMaps) -> Iterable[_Range]:
    for one in found.ranges:
        yield _Range(one.start, one.end, one.protection, one.shared, one.path or NAMELESS, one.resident)


def _of_task(task: Task) -> Iterable[_Range]:
    if task.name not in task.machine.tasks:
        return
    for one in task.map.entries():
        name = one.object or ""
        owner = name if name.startswith(("/", "[", "file ")) else NAMELESS
        yield _Range(one.start, one.end, one.protection, one.inheritance == "share", owner, None)


NAMELESS = "memory without a name"

KERNEL = 1 << 56
"""Above it is the kernel's half, where a process may have a page or two."""


def _answers(ranges: Sequence[_Range], mapped: int, has_rss: bool) -> Iterable[Found]:
    owners: dict[str, list[_Range]] = {}
    for one in ranges:
        owners.setdefault(one.owner, []).append(one)
    yield _owners(owners, has_rss)
    big = sorted(ranges, key=lambda one: (-one.size, one.start))[:BIGGEST]
    yield Found("The biggest ranges", (), [_row(one) for one in big] if len(ranges) > 1 else ())
    none = [one for one in ranges if one.protection == "---"]
    if none:
        size = Size(sum(one.size for one in none))
        yield Found(
            "Only reserved", [f"{counted(len(none), 'range')} with no rights at all: {size} of {Size(mapped)} mapped."]
        )
    run = [one for one in ranges if "x" in one.protection]
    both = [one for one in run if "w" in one.protection]
    words = [f"{counted(len(run), 'range')}, {Size(sum(one.size for one in run))}."] if run else []
    words += [f"{counted(len(both), 'range')} may be written as well: {_names(both)}."] if both else []
    yield Found("What may be executed", words)
    shared = [one for one in ranges if one.shared]
    if shared:
        words = [f"{counted(len(shared), 'range')}, {Size(sum(one.size for one in shared))}: {_names(shared)}."]
        yield Found("What is shared (MAP_SHARED)", words)
    ordered = sorted(one for one in ranges if one.end <= KERNEL)
    holes = [(after.start - before.end, before.end, after.start) for before, after in pairwise(ordered)]
    holes = sorted((one for one in holes if one[0] > 0), reverse=True)[:BIGGEST]
    rows = [(f"{Address(low)}–{Address(high)}", f"{Size(size)}") for size, low, high in holes]
    yield Found("The largest holes", (), rows)


def _owners(owners: dict[str, list[_Range]], has_rss: bool) -> Found:
    """Who has how much, the most first: of what is in memory where that is known, else of what is mapped."""

    def measure(some: Sequence[_Range]) -> int:
        return sum(one.resident or 0 for one in some) if has_rss else sum(one.size for one in some)

    ordered = sorted(owners.items(), key=lambda one: (-measure(one[1]), one[0]))
    most = max((measure(some) for some in owners.values()), default=0) or 1
    rows = []
    for owner, some in ordered[:MOST]:
        bar = "█" * max(1, round(WIDE * measure(some) / most)) if measure(some) else ""
        mapped = f"{Size(sum(one.size for one in some))} mapped"
        held = f"{Size(measure(some))} in memory" if has_rss else ""
        rows.append(tuple(filter(None, (owner, counted(len(some), "range"), held, mapped, bar))))
    if len(ordered) > MOST:
        rest = [one for _, some in ordered[MOST:] for one in some]
        rows.append(
            (
                f"{len(ordered) - MOST:,} others",
                counted(len(rest), "range"),
                f"{Size(sum(one.size for one in rest))} mapped",
            )
        )
    return Found("Who has the memory" if has_rss else "Who has mapped how much", (), rows)


def _row(one: _Range) -> tuple[str, ...]:
    letters = one.protection + ("s" if one.shared else "p")
    held = () if one.resident is None else (f"{Size(one.resident)} in memory",)
    return f"{Address(one.start)}–{Address(one.end)}", f"{Size(one.size)}", letters, *held, one.owner


def _names(some: Sequence[_Range]) -> str:
    names = list(dict.fromkeys(one.owner for one in some))
    return ", ".join(names[:4]) + (f" and {len(names) - 4:,} more" if len(names) > 4 else "")
