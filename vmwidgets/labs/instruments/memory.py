"""What a lab reads of a machine's memory: faults, calls, frames, slots, accesses and pages in memory."""

from __future__ import annotations

from typing import Any, TypeVar

from vmwidgets.engine.base.errors import KernelError, Refused, shown
from vmwidgets.engine.base.event import Called
from vmwidgets.engine.base.units import MIB, PAGE, Address
from vmwidgets.engine.machine import Machine
from vmwidgets.engine.machine.handles.tasks import Task
from vmwidgets.engine.mmu.tables_schema import FaultRaised

T = TypeVar("T")

LEAST_ADDRESS = 16 * MIB
"""Numbers from here on are taken for addresses where arguments are listed."""


def faults(machine: Machine) -> list[str]:
    """The kinds of the faults that the last operation took, in order.

    >>> import vmwidgets as vm
    >>> from vmwidgets import lab
    >>> task = vm.boot("x86-64").task("init")
    >>> a = task.mmap("8 KiB")
    >>> task.write(a, b"x")
    >>> lab.faults(task.machine)
    ['not-present']
    """
    last = _given("machine", machine, Machine, "what vm.boot gave").journal.last
    return [event.kind for event in last.events if isinstance(event, FaultRaised)]


def called(machine: Machine) -> list[str]:
    """The functions of the kernel and of libraries that the last operation called, in order.

    >>> import vmwidgets as vm
    >>> from vmwidgets import lab
    >>> m = vm.boot("x86-64")
    >>> a = m.kernel_map.enter("4 KiB")
    >>> lab.called(m)[0]
    'vm_map_enter'
    """
    return [event.name for event in _calls(machine)]


def calls(machine: Machine) -> list[str]:
    """The calls of the last operation, one per line with its arguments, indented by nesting.

    >>> import vmwidgets as vm
    >>> from vmwidgets import lab
    >>> d = vm.boot("armv7").domain("hello")
    >>> a = d.map(d.frame(), at=0x5000_0000)
    >>> changed = d.modify_flags(a, "4 KiB", "r")
    >>> lab.calls(d.machine)[0]
    'modify_flags(0x5000_0000, 4096, 1)'
    """
    return ["    " * (event.depth - 1) + f"{event.name}({_listed(event)})" for event in _calls(machine)]


def _calls(machine: Machine) -> list[Called]:
    last = _given("machine", machine, Machine, "what vm.boot gave").journal.last
    return [event for event in last.events if isinstance(event, Called)]


def _listed(event: Called) -> str:
    words = (Address(one) if isinstance(one, int) and one >= LEAST_ADDRESS else one for one in event.arguments)
    return ", ".join(map(str, words))


def _given(name: str, value: object, kind: type[T], right: str) -> T:
    if not isinstance(value, kind):
        raise Refused(f"{name}={shown(value)}: write {right}")
    return value


def byte_or_signal(task: Task, address: int | str) -> str:
    """What a one-byte read by `task` returns: the character, "zero" for a byte 0, or the name of the signal.

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
    """Make `task` access the pages with these numbers, counted from `start`, in this order; `access` as for `touch`.

    >>> import vmwidgets as vm
    >>> m = vm.boot("x86-64")
    >>> t = m.task("init")
    >>> vm.lab.use_pages(t, t.mmap("16 KiB"), "0 3 0", "write")
    >>> m.frame_count
    2
    """
    if not isinstance(numbers, str) or not all(number.isdecimal() for number in numbers.split()):
        raise Refused(f"numbers={shown(numbers)}: write the numbers of pages with spaces between, such as '0 1 2 0'")
    for number in numbers.split():
        task.touch(start + int(number) * PAGE, access)


def resident_pages(task: Task, start: int, pages: int) -> set[int]:
    """The numbers, counted from `start`, of those of `task`'s first `pages` pages that are in memory.

    >>> import vmwidgets as vm
    >>> t = vm.boot("x86-64").task("init")
    >>> a = t.mmap("16 KiB")
    >>> vm.lab.use_pages(t, a, "0 3")
    >>> vm.lab.resident_pages(t, a, 4) == {0, 3}
    True
    """
    return {number for number in range(pages) if task.walk(start + number * PAGE).pa is not None}
