"""Pages of a memory object: a range may be longer than `len` can say."""

from __future__ import annotations

import vmwidgets as vm
from vmwidgets.engine.kernel.tasks.vm_object import TaskObject


def test_pages_are_found_in_a_range_longer_than_len_can_say() -> None:
    """In a page, where Python has 32 bits, each object's whole range is such a range."""
    task = vm.boot("x86-64", layout="tiny").task("init")
    task.write(task.mmap("8 KiB"), bytes(2 * vm.PAGE))
    (memory,) = (entry.object for entry in task.map.vm_map if entry.object is not None)
    assert isinstance(memory, TaskObject)
    assert memory.those_of(range(1 << 70)) == [0, 1]
    assert memory.those_of(range(1, 2)) == [1]
