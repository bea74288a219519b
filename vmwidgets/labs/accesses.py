"""Accesses of a task that a lab makes in one line: what a read gives, pages used in an order, pages in memory."""

from __future__ import annotations

from typing import Any

from vmwidgets.engine.base.errors import KernelError, Refused, shown
from vmwidgets.engine.base.units import PAGE
from vmwidgets.engine.machine.tasks import Task


def byte_or_signal(task: Task, address: int | str) -> str:
    """What a read of one byte by `task` gives: the character, "zero" for a byte 0, or the name of the signal.

    >>> import vmwidgets as vm
    >>> t = vm.boot("x86-64").task("init")
    >>> vm.lab.byte_or_signal(t, t.mmap("4 KiB")), vm.lab.byte_or_signal(t, 0)
    ('zero', 'SIGSEGV')
    """
    try:
        found = task.read(address)
    except KernelError as error:
        return task.signals[-1].name if task.signals else error.name
    return found.decode("latin-1") if found != b"\0" else "zero"


def use_pages(task: Task, start: int, numbers: Any, access: str = "read") -> None:
    """Have `task` use the pages with these numbers, counted from `start`, in this order; `access` as for `touch`.

    >>> import vmwidgets as vm
    >>> m = vm.boot("x86-64")
    >>> t = m.task("init")
    >>> vm.lab.use_pages(t, t.mmap("16 KiB"), "0 3 0", "write")
    >>> vm.lab.frame_count(m)
    2
    """
    if not isinstance(numbers, str) or not all(number.isdecimal() for number in numbers.split()):
        raise Refused(f"numbers={shown(numbers)}: write the numbers of pages with spaces between, such as '0 1 2 0'")
    for number in numbers.split():
        task.touch(start + int(number) * PAGE, access)


def resident_pages(task: Task, start: int, pages: int) -> set[int]:
    """The numbers, counted from `start`, of those of so many pages that the task's page tables lead to.

    >>> import vmwidgets as vm
    >>> t = vm.boot("x86-64").task("init")
    >>> a = t.mmap("16 KiB")
    >>> vm.lab.use_pages(t, a, "0 3")
    >>> vm.lab.resident_pages(t, a, 4) == {0, 3}
    True
    """
    return {number for number in range(pages) if task.walk(start + number * PAGE).pa is not None}
