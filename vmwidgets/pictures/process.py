"""The memory of a process, live or from a text: its owners, its ranges, executable ranges, the holes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from vmwidgets.engine.base.errors import Refused, shown, with_signs
from vmwidgets.engine.base.units import Address, Size, counted
from vmwidgets.engine.machine.handles.tasks import Task
from vmwidgets.given.loaded import LoadedMaps, LoadedStrace, MapsRange
from vmwidgets.given.process import NAMELESS, LiveProcess, ProcessMoment, ProcessRange, holes
from vmwidgets.views.memory.own import draw_process
from vmwidgets.views.scene.model import Scene

from .at import At
from .picture import Picture
from .registry import picture_of

HOLES = 3
"""The number of holes in the list."""

KERNEL = 1 << 56
"""The start of the kernel's half, where a process may have a page or two."""


@picture_of(first_for=(LoadedMaps, LoadedStrace, ProcessMoment, LiveProcess))
class Process(Picture):
    r"""The memory of a process by owner, with the biggest ranges, executable ranges and the largest holes.

    `target` is a process of your own (``vm.process()``), a moment of it, or the result of ``vm.load`` for a process's
    map or for a recording of strace.  Mapped bytes need not be in memory, so bytes in memory have a column of their own
    if they are known (Rss).

    >>> import vmwidgets as vm
    >>> vm.picture(vm.load("1000-3000 r-xp 00000000 08:01 7 /bin/true\n")).scene().title
    '8 KiB mapped'
    """

    def __init__(self, target: LoadedMaps | LoadedStrace | ProcessMoment | LiveProcess, **options: Any) -> None:
        if not isinstance(target, LoadedMaps | LoadedStrace | ProcessMoment | LiveProcess):
            raise Refused(
                "Process shows vm.process(…), or what vm.load gives for a map or a trace of a process, not"
                f" {shown(target)}"
            )
        self._held: Any = target
        super().__init__(target, **options)

    def draw(self, at: At) -> Scene:
        """Return the answers, each below its question."""
        target = self._held
        if isinstance(target, LiveProcess):
            return draw_process(target.at(), width=at.width)
        if isinstance(target, ProcessMoment):
            return draw_process(target, width=at.width)
        notes = [*_facts(target.ranges)] if isinstance(target, LoadedMaps) else with_signs_of(target)[1:]
        if isinstance(target, LoadedMaps):
            ranges = tuple(map(_as_process, target.ranges))
            notes += [*target.unsaid, *filter(None, [target.passed_over])]
            if target.outside:
                one = len(target.outside) == 1
                words = "is not in the task: it lies" if one else "are not in the task: they lie"
                notes.append(f"{counted(len(target.outside), 'range')} {words} where a task has no addresses.")
            what = target.what
        else:
            ranges = tuple(_of_task(target.task))
            notes = [with_signs_of(target)[0], *notes]
            what = "system calls that strace recorded"
        summary = f"{what[:1].upper()}{what[1:]}: {counted(len(ranges), 'range')}"
        return draw_process(
            ProcessMoment(0, target.task.name, ranges),
            width=at.width,
            summary=summary,
            notes=[one.strip() for one in notes],
        )


def with_signs_of(target: object) -> list[str]:
    """Return the lines of a value's text, with the symbols that pictures use."""
    return with_signs(target).split("\n")


def _as_process(one: MapsRange) -> ProcessRange:
    return ProcessRange(
        one.start, one.end, one.protection, one.shared, one.offset, one.path, one.resident, one.fair, one.dirty,
        one.swap, device=one.device, inode=one.inode,
    )  # fmt: skip  # in the order of its fields


def _of_task(task: Task) -> Iterable[ProcessRange]:
    if task.name not in task.machine.tasks:
        return
    heap = task.space.heap
    for one in task.map.entries():
        name = (one.object or "").removeprefix("file ")
        path = name if name.startswith(("/", "[")) else "[heap]" if heap.start <= one.start < heap.end else ""
        yield ProcessRange(one.start, one.end, one.protection, one.inheritance == "share", 0, path)


def _facts(ranges: Sequence[MapsRange]) -> Iterable[str]:
    """Yield executable ranges, shared ranges and the largest holes, in sentences."""
    run = [one for one in ranges if "x" in one.protection]
    both = [one for one in run if "w" in one.protection]
    if run:
        yield f"{counted(len(run), 'range')} may be executed: {Size(sum(one.size for one in run))}."
    if both:
        yield f"{counted(len(both), 'range')} may be executed and written as well: {_names(both)}."
    shared = [one for one in ranges if one.shared]
    if shared:
        size = Size(sum(one.size for one in shared))
        yield f"{counted(len(shared), 'range')} shared (MAP_SHARED), {size}: {_names(shared)}."
    found = holes([one for one in ranges if one.end <= KERNEL])[:HOLES]
    if found:
        largest = ", ".join(f"{Size(high - low)} at {Address(low)}" for low, high in found)
        yield f"The largest hole{'s' * (len(found) > 1)}: {largest}."


def _names(some: Sequence[MapsRange]) -> str:
    names = list(dict.fromkeys(one.path or NAMELESS for one in some))
    return ", ".join(names[:4]) + (f" and {len(names) - 4:,} more" if len(names) > 4 else "")
