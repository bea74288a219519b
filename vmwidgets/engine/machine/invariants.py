"""What must hold across the structures of a machine, beside what each checks of itself."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..base.errors import Broken
from ..kernel.entry import Entry
from ..kernel.vm_object import VmObject
from ..memory.object_cache import ObjectCache
from .kmem_invariants import check_allocations, check_kmem

if TYPE_CHECKING:
    from .machine import Machine


def check_machine(machine: Machine) -> None:
    """Raise :class:`Broken` unless each structure is sound and, across them, all hold.

    M1. every entry lives in a buffer that its cache handed out, and no buffer without an entry is out;
    M2. page tables reach every entry of the kernel map; M3. an object's references are the entries that map it;
    M4. every page behind a kentry slab is mapped where the slab is.  Kernel memory's are in :mod:`.kmem_invariants`;
    M5, the processors', in :meth:`.cpus.MachineCpus.check`.  M11. each submap of X15's maps has all its addresses:
    entries of the map that it is a part of give them to it.
    """
    kernel = machine.kernel
    machine.pages.check()
    machine.pmap.check()
    kernel.kentry.check()
    kernel_map, *others = (
        part for one in (machine.kernel_map, *(task.map for task in machine.tasks.values())) for part in one.parts()
    )
    for one in (kernel_map, *others):
        one.check()
        if not one.has_place:
            raise Broken(f"M11: {one.path} has lost its place, {one.start} to {one.end}: entries there are not for it")
    kernel_entries = list(kernel_map.vm_map)
    user_entries = [entry for one in others for entry in one.vm_map]
    kmem_entries = [entry for vm_map in kernel.kmem.kmem.maps for entry in vm_map]
    caches: tuple[tuple[ObjectCache, Iterable[Entry]], ...] = (
        (kernel.kentry_cache, kernel_entries),
        (kernel.entry_cache, user_entries),
        (kernel.kmem.entry_cache, kmem_entries),
    )
    for cache, entries in caches:
        cache.check()
        _check_addresses(cache, entries)
    for entry in kernel_entries:
        if entry.end > machine.pmap.klimit:
            raise Broken(f"M2: entry {entry.id} ends at {entry.end:#x}, page tables at {machine.pmap.klimit:#x}")
    if "remove-forgets" not in machine.quirks:
        _check_references(machine, [*kernel_entries, *user_entries])
    for domain in machine.domains.values():
        domain.domain.check()
    check_kmem(kernel)
    check_allocations(kernel.kmem, machine.kmem.allocations)
    for slab in kernel.kentry_cache.slabs():
        if machine.pmap.extract(slab.address) is None:
            raise Broken(f"M4: no page is mapped behind the kentry slab at {slab.address:#x}")


def _check_addresses(cache: ObjectCache, entries: Iterable[Entry]) -> None:
    addresses = [entry.address for entry in entries if not entry.static]
    free = {address for slab in cache.slabs() for address in slab.free}
    for address in addresses:
        if cache.slab_at(address) is None or address in free:
            raise Broken(f"M1: the entry at {address:#x} is in no buffer that {cache.name} handed out")
    seen: set[int] = set()
    for address in addresses:
        if address in seen:
            raise Broken(f"M1: two entries live at {address:#x}, in one buffer of {cache.name}")
        seen.add(address)
    if len(addresses) != cache.allocated:
        raise Broken(f"M1: {len(addresses)} entries are linked, {cache.name} handed out {cache.allocated}")


def _check_references(machine: Machine, entries: Iterable[Entry]) -> None:
    named = (one.vm_object for one in machine.objects.values())
    mapped: dict[VmObject, int] = dict.fromkeys(named, 0)
    for entry in entries:
        if entry.object is not None:
            mapped[entry.object] = mapped.get(entry.object, 0) + 1
    for target, count in mapped.items():
        if target.references != count:
            raise Broken(f"M3: object {target.name!r} counts {target.references} entries, {count} map it")
