"""The invariants across the structures of a machine, in addition to each structure's own invariants."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from ..base.errors import Broken
from ..base.protection import WRITE
from ..base.units import PAGE, PAGE_SHIFT, Address
from ..kernel.freebsd.kmem import Kmem
from ..kernel.freebsd.vm_page import KernelPage
from ..kernel.map.core import Entry
from ..kernel.map.vm_object import VmObject
from ..kernel.tasks.vm_object import TaskObject
from ..memory.pages_schema import CACHED, ZEROED
from ..memory.slabs import ObjectCache
from ..spaces.task_space import TaskSpace
from .allocations import Allocations
from .stages.boot_stages import Kernel, KernelMemorySystem
from .system import System


def check_machine(system: System) -> None:
    """Raise :class:`Broken` unless each structure is sound and the invariants across them hold.

    M1. every entry is in a buffer that its cache allocated, and every allocated buffer has an entry; M2. page tables
    reach every entry of the kernel map; M3. an object's references are the entries that map it, and the object knows
    them; M4. every page of a kentry slab is mapped at the slab's address.  The invariants
    of kernel memory are in :func:`check_kmem`; P1, of the processors, is in :meth:`.processors.Processors.check`.
    """
    kernel = system.kernel
    system.pages.check()
    system.pmap.check()
    kernel.kentry.check()
    kernel_map, *others = system.maps.values()
    for one in system.maps.values():
        one.check()
    kernel_entries = list(kernel_map)
    user_entries = [entry for one in others for entry in one]
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
        if entry.end > system.pmap.klimit:
            raise Broken(f"M2: entry {entry.id} ends at {entry.end:#x}, page tables at {system.pmap.klimit:#x}")
    if "remove-forgets" not in system.quirks:
        _check_references(system, [*kernel_entries, *user_entries])
    check_tasks(system)
    for domain in system.domains.values():
        domain.domain.check()
    check_kmem(kernel)
    check_allocations(kernel.kmem, system.allocations)
    for slab in kernel.kentry_cache.slabs():
        if system.pmap.extract(slab.address) is None:
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


def _check_references(system: System, entries: Iterable[Entry]) -> None:
    mapped: Counter[VmObject] = Counter(entry.object for entry in entries if entry.object is not None)
    mapped.update(file.object for file in system.files.values())
    objects = [one for one in system.task_memory.objects.values() if isinstance(one, TaskObject)]
    mapped.update(one.shadow for one in objects if one.shadow is not None)
    known = {(id(entry), one.name) for one in objects for entry in one.entries}
    leading = {(id(entry), entry.object.name) for entry in entries if isinstance(entry.object, TaskObject)}
    if known != leading:
        raise Broken("M3: the entries that objects know are not those that map them")
    for target in (*mapped, *objects):
        if target.references != mapped[target]:
            raise Broken(f"M3: object {target.name!r} counts {target.references} references, and has {mapped[target]}")


def check_tasks(system: System) -> None:
    """Raise :class:`Broken` unless the frames of tasks are sound, and their page tables agree with their maps.

    M12. a translation leads to the page that the entry's chain of objects has there, and allows writing only if that
    page belongs to the entry itself.  R1 is the invariant of the reverse map.  Neither is checked for descriptors that
    were edited by hand.
    """
    for one in system.task_memory.objects.values():
        if isinstance(one, TaskObject):
            one.check()
    system.task_memory.check()
    if system.door.edits.places or "remove-forgets" in system.quirks or "pmap-current-only" in system.quirks:
        return
    for task in system.tasks.values():
        task.pmap.check_reverse()
        for va, size, frame, write in task.pmap.mapped():
            at = va
            while at < va + size:
                at = _check_translation(task, at, va + size, frame + (at - va >> PAGE_SHIFT), write)


def _check_translation(task: TaskSpace, va: int, end: int, frame: int, write: bool) -> int:
    """Check that `task` may map `va` to `frame`, and the pages up to `end` or the entry's end; return that end.

    A device's memory is one piece: its first page is checked for all.
    """
    entry = task.vm_map.entry_at(va)
    behind = None if entry is None else entry.object
    if entry is None or behind is None:
        raise _wrong(task, va, frame, "no entry with an object is there")
    rights = task.vm_map.rights_in(entry)
    end = min(end, entry.end)
    for at in range(va, end, PAGE) if isinstance(behind, TaskObject) else (va,):
        page = behind.found(entry.offset_of(at), rights)
        if page is None or page.frame != frame:
            raise _wrong(task, at, frame, f"that is not the page of {behind.name}")
        if write and not page.rights & WRITE:
            raise _wrong(task, at, frame, "may be written, and the page is not its own to write")
        frame += 1
    return end


def _wrong(task: TaskSpace, va: int, frame: int, problem: str) -> Broken:
    return Broken(f"M12: task {task.name!r} maps {Address(va)} to frame {frame:#x}: {problem}")


def check_kmem(kernel: Kernel) -> None:
    """Raise :class:`Broken` unless maps, frames and zones are sound, and the invariants across them hold.

    M5. the allocated entries that were not freed are exactly the entries that the maps link; M6. every frame is free,
    cached or used: for the page allocator, a used frame's owner is the object that has the frame, a zeroed or cached
    frame's owner is the frame store, and neither owns any other frame; M7. each translation leads to a page of the
    object that is mapped at that address, or to map entries; M8. a page is mapped at each slab of map entries; M9. the
    slabs of zones and their large allocations are in entries of kmem_map.
    """
    system = kernel.kmem
    system.kmem.check()
    system.frames.check()
    system.zones.check()
    _check_entries(system)
    _check_frames(kernel, system)
    _check_translations(kernel, system)
    _check_slabs(kernel, system)


def check_allocations(system: KernelMemorySystem, allocations: Allocations) -> None:
    """Raise :class:`Broken` unless M10: each recorded allocation is in entries of its map, and overlaps no other."""
    maps = {vm_map.name: vm_map for vm_map in system.kmem.maps}
    ends: dict[str, int] = {}
    for one in allocations:
        if not maps[one.map].covers(one.start, one.end):
            raise Broken(f"M10: {one!r} is remembered, and no entries hold all of it")
        if one.start < ends.get(one.map, 0):
            raise Broken(f"M10: {one!r} overlaps another allocation of its map")
        ends[one.map] = one.end
    zones = system.zones
    theirs = {one.start: one.end - one.start for one in allocations if one.owner}
    if theirs != zones.large:
        raise Broken(f"M10: malloc gave {len(zones.large)} ranges of whole pages, {len(theirs)} are remembered")


def _check_slabs(kernel: Kernel, system: KernelMemorySystem) -> None:
    for slab in system.entry_cache.slabs():
        if kernel.pmap.extract(slab.address) is None:
            raise Broken(f"M8: no page is mapped behind the slab of map entries at {slab.address:#x}")
    zones = system.zones
    slabs = ((address, zone.slab_size, f"the slab of zone {zone.name}") for address, zone in zones.slabs.items())
    large = ((address, size, "what malloc gave") for address, size in zones.large.items())
    for address, size, what in (*slabs, *large):
        if not zones.kmem_map.covers(address, address + size):
            raise Broken(f"M9: {what} at {address:#x} lies in no entries of {zones.kmem_map.called}")


def _check_entries(system: KernelMemorySystem) -> None:
    linked = {entry.address: entry for vm_map in system.kmem.maps for entry in vm_map}
    for address, entry in system.entries.live.items():
        if linked.get(address) is not entry:
            raise Broken(f"M5: entry {entry.id} at {address:#x} was taken and is linked in no map")
    if len(linked) != len(system.entries.live):
        raise Broken(f"M5: {len(linked)} entries are linked, {len(system.entries.live)} are taken")


def _check_frames(kernel: Kernel, system: KernelMemorySystem) -> None:
    pages, in_use, frames = kernel.pages, system.pages.in_use, system.frames
    for frame, page in in_use.items():
        owner = pages.owner(frame)
        if owner != page.owner.name:
            raise Broken(f"M6: frame {frame:#x} is page {page.index} of {page.owner.name} and belongs to {owner!r}")
    expected = Counter(page.owner.name for page in in_use.values())
    expected[ZEROED] = frames.zeroed
    owned = dict(pages.snapshot(0).owners)
    permanent = (system.kmem.kernel_object.name, system.kmem.kmem_object.name)
    for name in (*expected, *permanent):
        if owned.get(name, 0) != expected[name]:
            raise Broken(f"M6: {name} has {expected[name]} frames, {owned.get(name, 0)} belong to it")
    cached = sum(count for name, count in owned.items() if name.startswith(CACHED))
    if cached != frames.cached:
        raise Broken(f"M6: {frames.cached} frames are cached, {cached} belong to the cache")
    others = sum(owned.values()) - sum(expected.values()) - cached
    counts = (frames.free_frames, frames.cached, len(in_use), others)
    if sum(counts) != frames.total:
        free, cached, used, rest = counts
        raise Broken(f"M6: {free} free, {cached} cached, {used} used and {rest} others' frames are not {frames.total}")


def _check_translations(kernel: Kernel, system: KernelMemorySystem) -> None:
    kmem, pmap = system.kmem, kernel.pmap
    for slot in pmap.editor.leaves(pmap.root, kmem.start, kmem.end):
        va, frame = slot.va, slot.address >> PAGE_SHIFT
        page = system.pages.in_use.get(frame)
        if page is None:
            if kernel.pages.owner(frame) != system.entry_cache.name:
                raise Broken(
                    f"M7: {va:#x} is still translated to frame {frame:#x}, which holds no page of a kernel map"
                )
        elif not _belongs(kmem, page, va):
            raise Broken(f"M7: {va:#x} is translated to frame {frame:#x}, page {page.index} of {page.owner.name}")


def _belongs(kmem: Kmem, page: KernelPage, va: int) -> bool:
    """Return whether this page is the one mapped at `va`."""
    if page.owner in (kmem.kernel_object, kmem.kmem_object):
        return va == kmem.start + (page.index << PAGE_SHIFT)
    found = (entry for vm_map in kmem.maps if (entry := vm_map.lookup(va)) is not None and entry.submap is None)
    return any(
        entry.object is page.owner and entry.first_page + (va - entry.start >> PAGE_SHIFT) == page.index
        for entry in found
    )
