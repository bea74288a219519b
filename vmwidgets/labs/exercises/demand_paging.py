"""Exercises of notebook 08: which frames three tasks share after two forks, and what outlives a file that was cut."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from vmwidgets.engine.base.protection import NEEDS_COPY
from vmwidgets.engine.base.units import PAGE, PAGE_SHIFT, Address, counted
from vmwidgets.engine.kernel.x15.pagers import FilePager
from vmwidgets.engine.kernel.x15.vm_object import X15Object
from vmwidgets.engine.machine import Machine
from vmwidgets.engine.machine.tasks import Task

from ..criterion import Criterion, criterion
from ..exercise import exercise

REACHED = {3: 4, 2: 2, 1: 3}
"""By how many tasks, and how many frames are reached by so many."""

WORDS = {3: "all three tasks", 2: "exactly two tasks", 1: "one task alone"}


@exercise(
    "08/family", "Three tasks, nine frames", points=6, takes=Machine, shows=lambda machine: machine.memory_objects
)
def family(machine: Machine) -> Iterator[Criterion]:
    """A task and two that descend from it: 4 frames that all reach, 2 that two reach, 3 that one does; all copies."""
    tasks = list(machine.tasks.values())
    parents = [task.parent and task.parent.name for task in tasks]
    related = len(tasks) == len(WORDS) and parents.count(None) == 1
    yield criterion(
        1,
        related,
        "there are three tasks of one family",
        "there should be three tasks, and two of them made by fork",
        expected="1 task, and 2 that descend from it",
        actual=", ".join(
            f"{task.name}, forked from {parent}" if parent else task.name
            for task, parent in zip(tasks, parents, strict=True)
        ),
    )
    reached = Counter(frame for task in tasks for frame in {frame for _, frame in task.space.pmap.managed()})
    for tasks_each, frames in REACHED.items():
        found = sum(count == tasks_each for count in reached.values())
        yield criterion(
            2 if tasks_each == len(WORDS) else 1,
            related and found == frames,
            f"{counted(frames, 'frame')} can be reached by {WORDS[tasks_each]}",
            f"exactly {counted(frames, 'frame')} should be in the page tables of {WORDS[tasks_each]}: "
            "which pages were read, and which written, after the forks?",
            first="" if related else "make the family",
            expected=counted(frames, "frame"),
            actual=counted(found, "frame"),
        )
    shared = [entry for task in tasks for entry in task.map.entries() if _is_shared(task, entry.start)]
    yield criterion(
        1,
        related and bool(reached) and not shared,
        "what one task writes, no other sees",
        "a write of one task would be seen by another: use no shared memory",
        first="" if shared else "reach some frames",
        actual=", ".join(f"{Address(entry.start)} is shared" for entry in shared),
    )


def _is_shared(task: Task, start: int) -> bool:
    """Whether the entry at `start` has the writes of others in it, or would have its own in others."""
    entry = task.space.vm_map.peek(start)
    target = None if entry is None else entry.object
    return entry is not None and isinstance(target, X15Object) and target.shared and not entry.flags & NEEDS_COPY


class FilePage(NamedTuple):
    """A page of a task that was a file's when it was mapped."""

    va: int
    frame: int | None
    """What the task's tables lead to now."""
    behind_end: bool
    cached: int | None
    """The frame with which the file itself has it."""


@exercise("08/survivor", "What outlives the file", points=5, takes=Task, shows=lambda task: task.machine.memory_objects)
def survivor(task: Task) -> Iterator[Criterion]:
    """A file was cut under its private mapping: one page is a SIGBUS, one the task's own, one the file's still."""
    signal = task.signals[-1] if task.signals else None
    pages = list(_file_pages(task))
    cut = next((page for page in pages if signal and page.va == signal.address & -PAGE and page.behind_end), None)
    yield criterion(
        2,
        (signal is not None and signal.name == "SIGBUS") + (cut is not None),
        "the last signal is a SIGBUS, for a page that the file has no longer",
        "the last signal should be a SIGBUS, for a page of the mapping that lies behind the end of the file",
        actual="no signal" if signal is None else f"{signal.name} at {signal.address}: {signal.why}",
    )
    behind = [page for page in pages if page.behind_end]
    first = "" if behind else "cut the file" if pages else "map a file and touch it"
    yield criterion(
        2,
        any(page.frame is not None for page in behind),
        "the task can still reach a page behind the end of the file",
        "no page behind the end of the file can be reached: what must a task do so that a page becomes its own, and "
        "when?",
        first=first,
    )
    yield criterion(
        1,
        bool(behind) and any(page.frame is not None and page.frame == page.cached for page in pages),
        "it can reach one that is still the file's",
        "one page should still be the file's, with the frame of the page cache",
        first=first,
        actual=f"{counted(sum(page.cached is not None for page in pages), 'page')} of the file in memory"
        if behind
        else "",
    )


def _file_pages(task: Task) -> Iterator[FilePage]:
    """The pages of private mappings of files that are there, as far as frames of a page table could be for them."""
    mapped = dict(task.space.pmap.managed())
    touched = {*mapped, *(signal.address & -PAGE for signal in task.signals)}
    for va in sorted(touched):
        entry = task.space.vm_map.peek(va)
        target = entry.object if entry is not None and entry.start <= va else None
        if entry is None or not isinstance(target, X15Object):
            continue
        file, index = target.last_of_chain, entry.offset_of(va) >> PAGE_SHIFT
        if isinstance(file.pager, FilePager) and not file.pager.gone:
            behind_end = index << PAGE_SHIFT >= file.pager.size
            yield FilePage(va, mapped.get(va), behind_end, file.pages.get(index))
