"""Small lives of forks that copy each page at once, or count who has a frame."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import vmwidgets as vm

from .lives import one_after_the_other
from .makers import makes
from .makers_maps import Acts, small
from .reading import PAGE


@makes("object operations: fork/none", "object operations: fork/pages/eager")
def pages_that_are_copied_at_once() -> Iterator[vm.Machine]:
    machine = small(fork="eager")
    task = machine.task("init")
    start = int(task.mmap(3 * PAGE))
    acts: Acts = [
        task.fork,
        lambda: task.write(start, b"x"),
        task.fork,
        lambda: task.write(start, b"x" * 3 * PAGE),
        task.fork,
    ]
    yield from one_after_the_other(machine, acts)


@makes(
    "object operations: fork/counted", "object operations: fork/rest", "object operations: fork/none",
    "object events: PageCopied/own here", "object events: PageJoined",
    "object events: NoCopyNeeded", "map operations: access/faults/no copy",
    "object events: PageKept", "object events: SwapShared", "object events: SwapLeft",
)  # fmt: skip  # a list
def frames_that_are_counted() -> Iterator[vm.Machine]:
    machine = small(fork="counted")
    machine.swap_on(32 * PAGE)
    task = machine.task("init")
    start = int(task.mmap(4 * PAGE))
    children: list[Any] = []
    acts: Acts = [
        lambda: children.append(task.fork()),
        lambda: children.pop().exit(),
        lambda: task.write(start, b"x" * 4 * PAGE),
        lambda: children.append(task.fork()),
        lambda: children[0].write(start, b"y"),
        lambda: task.write(start, b"z"),
        lambda: task.page_out(start, 4 * PAGE),
        lambda: children.append(task.fork()),
        lambda: task.read(start + PAGE, 2 * PAGE),
        lambda: children[1].read(start + PAGE, 1),
        lambda: children[1].munmap(start + PAGE, PAGE),
        lambda: children[1].write(start + 2 * PAGE, b"w"),
        lambda: children[0].write(start + PAGE, b"w" * 2 * PAGE),
        lambda: children.pop().exit(),
        lambda: task.map.wire(start, size=PAGE),
        lambda: children.append(task.fork()),
        lambda: children.pop().exit(),
        lambda: task.read(start + 3 * PAGE, 1),
        lambda: task.write(start + 3 * PAGE, b"v"),
        lambda: children.pop().exit(),
    ]
    yield from one_after_the_other(machine, acts)


@makes("map operations: access/faults/no reference")
def the_last_one_that_refers_to_an_object() -> Iterator[vm.Machine]:
    machine = small(fork="shadow")
    task = machine.task("init")
    start = int(task.mmap(2 * PAGE))
    children: list[Any] = []
    acts: Acts = [
        lambda: task.write(start, b"x" * 2 * PAGE),
        lambda: children.append(task.fork()),
        lambda: children[0].write(start, b"y"),
        lambda: children.pop().exit(),
        lambda: task.write(start, b"z"),
    ]
    yield from one_after_the_other(machine, acts)


@makes("map operations: access/copied/frame")
def a_frame_that_no_other_task_has_mapped() -> Iterator[vm.Machine]:
    machine = small(fork="counted")
    machine.swap_on(32 * PAGE)
    task = machine.task("init")
    start = int(task.mmap(2 * PAGE))
    acts: Acts = [
        lambda: task.write(start, b"x" * 2 * PAGE),
        lambda: task.mprotect(start, 2 * PAGE, "-"),
        task.fork,
        lambda: task.mprotect(start, 2 * PAGE, "rw"),
        lambda: task.write(start, b"y"),
    ]
    yield from one_after_the_other(machine, acts)
