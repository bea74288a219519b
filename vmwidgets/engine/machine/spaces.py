"""The address spaces of a machine as its kernel has them: tables, what they map, and who resolves their faults.

Tasks and domains are found here by the handles that learners hold; the kernel's own space has no name.
"""

from __future__ import annotations

from typing import NamedTuple

from ..base.errors import VMError, kernel_error
from ..base.protection import EXECUTE, READ, WRITE
from ..base.units import Address
from ..base.values.tables import Fault
from ..kernel.pmap.spaces import LentPmap
from ..kernel.threads.waits import MaySleep
from ..mmu.rules import Access
from ..selfpaging.domain import Domain
from ..selfpaging.vspace import Vregion
from .boot_stages import KernelMemorySystem

NEEDED_BITS = {"read": READ, "write": WRITE, "execute": EXECUTE}
"""The protection bit that each kind of access needs."""


def quoted(name: str) -> str:
    """A name as a part of a path: its slashes are not the path's.

    >>> quoted("init"), quoted("a/b")
    ('init', 'a%2Fb')
    """
    return name.replace("%", "%25").replace("/", "%2F")


def unquoted(part: str) -> str:
    """The name that was written as a part of a path.

    >>> unquoted("a%2Fb")
    'a/b'
    """
    return part.replace("%2F", "/").replace("%25", "%")


def task_path(name: str) -> str:
    """The path of the task called `name`, "task:init"."""
    return f"task:{quoted(name)}"


def domain_path(name: str) -> str:
    """The path of the domain called `name`, "domain:hello"."""
    return f"domain:{quoted(name)}"


class Edit(NamedTuple):
    """A descriptor that was edited by hand: where it is, what it held, what was written, and in whose tables."""

    pa: int
    before: int
    after: int
    level: int
    va: int
    space: str
    """The task or the domain (by its path) whose tables it is in; "" the kernel's."""


class KernelSpace:
    """Kernel addresses: FreeBSD's fault handler maps the pages of its pageable maps."""

    reads = 0
    """It reads nothing in."""

    def __init__(self, memory: KernelMemorySystem) -> None:
        self._memory = memory

    def resolve(self, va: int, access: Access, user: bool, fault: Fault) -> MaySleep[None]:
        """Map a page of the map that `va` is in (`vm_fault`), which may mean waiting for one; FAULT outside."""
        inside = None if user else self._memory.map_at(va)
        if inside is None:
            raise kernel_error("FAULT", f"{Address(va)}: {fault.why}")
        yield from self._memory.kmem.vm_fault(inside, va, NEEDED_BITS[access])

    def failed(self, va: int, fault: Fault) -> VMError:
        """The error of an access that faults again after its fault was resolved."""
        return faults_again(va, fault)


class DomainSpace:
    """A domain: the program's own page tables, lent to the processors.

    `generation` counts the domains that the machine has made: another of the same name is not this one.
    """

    domain: Domain
    pmap: LentPmap
    reads = 0
    """It reads nothing in."""

    def __init__(self, name: str, generation: int) -> None:
        self.name = name
        self.path = domain_path(name)
        self.generation = generation

    def flush(self) -> None:
        """Have no processor keep any translation of it."""
        self.pmap.flush()

    def resolve(self, va: int, access: Access, user: bool, fault: Fault) -> MaySleep[None]:
        """Have the memory object that is shown at `va` map what it has: the program's own handler.

        FAULT where there is none, and ACCES for an access that a mapping does not allow.
        """
        region = self.domain.pmap.vspace.find(va) if fault.kind == "not-present" else None
        memobj = None if region is None else self.domain.memobjs.get(region.memobj)
        if region is None or memobj is None:
            raise self.failed(va, fault)
        memobj.pagefault(region.offset + va - region.base)
        return
        yield  # never sleeps

    def failed(self, va: int, fault: Fault) -> VMError:
        """The error of an access that has a fault which no handler of the program resolves."""
        name = "FAULT" if fault.kind == "not-present" else "ACCES"
        return kernel_error(name, f"{Address(va)}: {fault.why}; a domain maps its memory itself")

    # ---- regions of the vspace ---------------------------------------------------------------

    def remember(self, va: int, size: int, flags: int) -> None:
        """Put what was mapped in regions of the vspace: a new one for each part that is in none yet."""
        vspace = self.domain.pmap.vspace
        at, end = va, va + size
        for region in [*vspace.overlapping(va, end), None]:
            upto = end if region is None else region.base
            if at < upto:
                vspace.add(Vregion(vspace.new_id(), at, upto - at, flags))
            at = end if region is None else region.end

    def forget(self, start: int, end: int) -> None:
        """Take [start, end), which was unmapped, out of the regions of mappings: what is left on either side stays."""
        vspace = self.domain.pmap.vspace
        for region in self._of_mappings(start, end):
            vspace.remove(region)
            for base, behind in ((region.base, start), (end, region.end)):
                if base < behind and self.domain.pmap.tree.maps_anything(base, behind):
                    vspace.add(Vregion(vspace.new_id(), base, behind - base, region.flags))

    def forget_empty(self) -> None:
        """Remove the regions of mappings in which nothing is mapped any more.  O(vnodes)."""
        for region in self._of_mappings(0, 1 << 64):
            if not self.domain.pmap.tree.maps_anything(region.base, region.end):
                self.domain.pmap.vspace.remove(region)

    def _of_mappings(self, start: int, end: int) -> list[Vregion]:
        """The regions of [start, end) but those of memory objects and that of the slab frames."""
        begin = self.domain.layout.vspace_begin
        found = self.domain.pmap.vspace.overlapping(start, end)
        return [region for region in found if not region.memobj and region.base != begin]


def faults_again(va: int, fault: Fault) -> VMError:
    """The error of an access that faults again after its fault was resolved."""
    return kernel_error("FAULT", f"{Address(va)} faults again after it was resolved: {fault.why}")
