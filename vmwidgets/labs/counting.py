"""What a machine has counted that a lab asks for: faults, and frames with memory of tasks and files."""

from __future__ import annotations

from vmwidgets.engine.base.events import FaultRaised
from vmwidgets.engine.machine import Machine


def fault_count(machine: Machine) -> int:
    """How many page faults there were since `machine` was booted.

    >>> import vmwidgets as vm
    >>> m = vm.boot("x86-64")
    >>> t = m.task("init")
    >>> t.write(t.mmap("8 KiB"), b"x")
    >>> vm.lab.fault_count(m)
    1
    """
    return sum(isinstance(event, FaultRaised) for done in machine.journal for event in done.events)


def frame_count(machine: Machine) -> int:
    """How many frames hold memory of tasks and files; page tables and the kernel's own frames don't count.

    >>> import vmwidgets as vm
    >>> m = vm.boot("x86-64")
    >>> t = m.task("init")
    >>> t.write(t.mmap("8 KiB"), b"x")
    >>> vm.lab.frame_count(m)
    1
    """
    return sum(count for owner, count in machine.pages.owners if owner.startswith("object"))
