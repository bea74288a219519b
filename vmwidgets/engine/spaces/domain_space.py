"""The address space of a self-paging program: its page tables, its fault handler, and the mappings of its regions."""

from __future__ import annotations

from ..base.errors import VMError, kernel_error
from ..base.units import Address
from ..kernel.pmap.spaces import LentPmap
from ..kernel.threads.waits import MaySleep
from ..mmu.rules import Access
from ..mmu.tables_schema import Fault
from ..selfpaging.domain import Domain
from ..selfpaging.domain_schema import Vregion
from .paths import domain_path


class DomainSpace:
    """A domain: the program's own page tables, lent to the processors.

    `generation` counts the domains that the machine has created, so that a later domain of the same name is not
    mistaken for this one.
    """

    domain: Domain
    pmap: LentPmap
    reads = 0
    """The number of pages read in for its faults: always 0."""

    def __init__(self, name: str, generation: int) -> None:
        self.name = name
        self.path = domain_path(name)
        self.generation = generation

    def flush(self) -> None:
        """Make all processors drop their translations of this space."""
        self.pmap.flush()

    def resolve(self, va: int, access: Access, user: bool, fault: Fault) -> MaySleep[None]:
        """Map a page of the memory object at `va`: the program's own handler.

        Raises FAULT if there is no object, and ACCES for an access that a mapping does not allow.
        """
        region = self.domain.pmap.vspace.find(va) if fault.kind == "not-present" else None
        memobj = None if region is None else self.domain.memobjs.get(region.memobj)
        if region is None or memobj is None:
            raise self.failed(va, fault)
        memobj.pagefault(region.offset + va - region.base)
        return
        yield  # never sleeps

    def failed(self, va: int, fault: Fault) -> VMError:
        """Return the error of an access with a fault that no handler of the program resolves."""
        name = "FAULT" if fault.kind == "not-present" else "ACCES"
        return kernel_error(name, f"{Address(va)}: {fault.why}; a domain maps its memory itself")

    # ---- regions of the vspace ---------------------------------------------------------------

    def remember(self, va: int, size: int, flags: int) -> None:
        """Enter mapped pages in regions of the vspace; pages outside all regions get a new region."""
        vspace = self.domain.pmap.vspace
        at, end = va, va + size
        for region in [*vspace.overlapping(va, end), None]:
            upto = end if region is None else region.base
            if at < upto:
                vspace.add(Vregion(vspace.new_id(), at, upto - at, flags))
            at = end if region is None else region.end

    def forget(self, start: int, end: int) -> None:
        """Remove [start, end), which was unmapped, from the regions of mappings; the parts on either side stay."""
        vspace = self.domain.pmap.vspace
        for region in self._of_mappings(start, end):
            vspace.remove(region)
            for base, behind in ((region.base, start), (end, region.end)):
                if base < behind and self.domain.pmap.tree.maps_anything(base, behind):
                    vspace.add(Vregion(vspace.new_id(), base, behind - base, region.flags))

    def forget_empty(self) -> None:
        """Remove the regions of mappings that have become empty.  O(vnodes)."""
        for region in self._of_mappings(0, 1 << 64):
            if not self.domain.pmap.tree.maps_anything(region.base, region.end):
                self.domain.pmap.vspace.remove(region)

    def _of_mappings(self, start: int, end: int) -> list[Vregion]:
        """Return the regions in [start, end), except regions of memory objects and of the slab frames."""
        begin = self.domain.layout.vspace_begin
        found = self.domain.pmap.vspace.overlapping(start, end)
        return [region for region in found if not region.memobj and region.base != begin]
