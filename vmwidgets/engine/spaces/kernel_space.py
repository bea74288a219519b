"""The fault handler of kernel addresses, and the errors of accesses that fault a second time."""

from __future__ import annotations

from collections.abc import Callable

from ..base.errors import VMError, kernel_error
from ..base.protection import EXECUTE, READ, WRITE
from ..base.units import Address
from ..kernel.freebsd.kmem import Kmem
from ..kernel.freebsd.vm_map import FreeBSDMap
from ..kernel.threads.waits import MaySleep
from ..mmu.rules import Access
from ..mmu.tables_schema import Fault

NEEDED_BITS = {"read": READ, "write": WRITE, "execute": EXECUTE}
"""The protection bit that each kind of access needs."""


class KernelSpace:
    """Kernel addresses: FreeBSD's fault handler maps the pages of its pageable maps."""

    reads = 0
    """The number of pages read in for its faults: always 0."""

    def __init__(self, kmem: Kmem, map_at: Callable[[int], FreeBSDMap | None]) -> None:
        self._kmem = kmem
        self._map_at = map_at

    def resolve(self, va: int, access: Access, user: bool, fault: Fault) -> MaySleep[None]:
        """Map a page in the map that contains `va` (`vm_fault`), perhaps after waiting; FAULT outside maps."""
        inside = None if user else self._map_at(va)
        if inside is None:
            raise kernel_error("FAULT", f"{Address(va)}: {fault.why}")
        yield from self._kmem.vm_fault(inside, va, NEEDED_BITS[access])

    def failed(self, va: int, fault: Fault) -> VMError:
        """Return the error of an access that faults again after its fault was resolved."""
        return faults_again(va, fault)


def faults_again(va: int, fault: Fault) -> VMError:
    """Return the error of an access that faults again after its fault was resolved."""
    return kernel_error("FAULT", f"{Address(va)} faults again after it was resolved: {fault.why}")
