"""An access on a processor, with the kernel behind it: try, have the fault resolved, try again."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..base.errors import VMError, kernel_error
from ..base.events import FaultRaised
from ..base.protection import EXECUTE, READ, WRITE
from ..base.units import Address
from ..base.walk_values import Fault
from ..kernel.kmem_fault import vm_fault as kmem_fault
from ..kernel.pmap_mark import mark
from ..kernel.vm_fault import vm_fault
from ..kernel.waits import Sleepy, straight
from ..mmu.cpu import pieces
from ..mmu.format import Access

if TYPE_CHECKING:
    from ..memory.ram import Ram
    from .cpu import MachineCpu
    from .tasks import Task

BITS = {"read": READ, "write": WRITE, "execute": EXECUTE}


def reach_all(cpu: MachineCpu, start: int, length: int, access: Access, user: bool, data: bytes | None) -> Any:
    """Move bytes on `cpu`, page by page: what was read, or None after `data` was written."""
    steps = move(cpu.machine.ram, start, length, lambda va: _reach(cpu, va, access, user), data)
    name = {"read": "load", "write": "store", "execute": "fetch"}[access]
    with cpu.machine.cpus.on(cpu):
        return cpu.machine.callbacks.complete(name, steps)


def move(
    ram: Ram, start: int, length: int, reach: Callable[[int], Sleepy[int]], data: bytes | None = None
) -> Sleepy[bytes | None]:
    """Move bytes page by page, each page once `reach` has its physical address: what was read, or None."""
    parts, done = [], 0
    for va, count in pieces(start, length):
        physical = yield from reach(va)
        if data is None:
            parts.append(ram.read(physical, count))
        else:
            ram.write(physical, data[done : done + count])
        done += count
    return b"".join(parts) if data is None else None


def move_at_once(
    ram: Ram, start: int, length: int, reach: Callable[[int], int], data: bytes | None = None
) -> bytes | None:
    """As :func:`move`, where reaching a page never sleeps."""

    def steps(va: int) -> Sleepy[int]:
        return reach(va)
        yield  # a generator that waits for nothing

    return straight(move(ram, start, length, steps, data))


def _reach(cpu: MachineCpu, va: int, access: Access, user: bool) -> Sleepy[int]:
    task = cpu.machine.cpus.task_of(cpu.pmap)
    if task is not None and cpu.pmap.layout.is_user(va):
        return reach_user(cpu, task, va, access, user)
    domain = cpu.machine.cpus.domain_of(cpu.pmap)
    if domain is not None and cpu.pmap.layout.is_user(va):
        return domain.reach(cpu, va, access, user)
    return (yield from reach_kernel(cpu, va, access, user))


def reach_user(cpu: MachineCpu, task: Task, va: int, access: Access, user: bool = True) -> int:
    """The physical address of `va` in the task that `cpu` runs, after its fault was resolved if it had one."""
    resolved = False
    while True:
        found = cpu.translate(va, access, user)
        if not isinstance(found, Fault):
            return found
        if _marked(cpu, va, access, user, found):
            continue
        if resolved:
            raise _again(va, found)
        vm_fault(task.map.vm_map, va, BITS[access], task.enter_page)
        resolved = True


def reach_kernel(cpu: MachineCpu, va: int, access: Access, user: bool = False) -> Sleepy[int]:
    """The physical address of `va` in kernel memory, after its fault was resolved if it had one."""
    machine, resolved = cpu.machine, False
    while True:
        found = cpu.translate(va, access, user)
        if not isinstance(found, Fault):
            return found
        if _marked(cpu, va, access, user, found):
            continue
        if resolved:
            raise _again(va, found)
        inside = None if user else machine.kmem.map_of(va)
        if inside is None:
            raise kernel_error("FAULT", f"{Address(va)}: {found.why}")
        yield from kmem_fault(machine.kernel.kmem.kmem, inside.vm_map, va, BITS[access])
        resolved = True


def _marked(cpu: MachineCpu, va: int, access: Access, user: bool, fault: Fault) -> bool:
    """Tell of a fault; whether flags were all that was missing, and are set now."""
    tell_fault(cpu, va, fault)
    return fault.kind == "access-flag" and mark(cpu.pmap, va, access, user, cpu.cpu.controls)


def tell_fault(cpu: MachineCpu, va: int, fault: Fault) -> None:
    """Report that an access to `va` faulted."""
    emit = cpu.machine.recorder.emit
    if emit is not None:
        emit((FaultRaised.tag, va, fault.kind, fault.code or 0))


def _again(va: int, fault: Fault) -> VMError:
    return kernel_error("FAULT", f"{Address(va)} faults again after it was resolved: {fault.why}")
