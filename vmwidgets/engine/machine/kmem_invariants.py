"""What must hold between kernel memory and the rest of a machine: its entries, its frames, its translations."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from ..base.errors import Broken
from ..base.units import PAGE_SHIFT
from ..kernel.frame_store import CACHED, ZEROED

if TYPE_CHECKING:
    from .kernel_boot import Kernel
    from .kmem_boot import KernelMemorySystem


def check_kmem(kernel: Kernel) -> None:
    """Raise :class:`Broken` unless maps, frames and zones are sound, and across them and the machine, all hold.

    M5. the entries that were taken and not given back are those that the maps link;
    M6. free + cached + used frames are all there are: a used one belongs, in the page allocator, to the object that
    has it, one that stands by to the store, and nothing else does;
    M7. a page of the two everlasting objects is translated to its own frame, where it is translated.
    """
    system = kernel.kmem
    system.kmem.check()
    system.frames.check()
    system.zones.check()
    _check_entries(system)
    _check_frames(kernel, system)
    _check_translations(kernel, system)


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
        if owner != page.object.name:
            raise Broken(f"M6: frame {frame:#x} is page {page.pindex} of {page.object.name} and belongs to {owner!r}")
    expected = Counter(page.object.name for page in in_use.values())
    expected[ZEROED] = frames.zeroed
    owned = dict(pages.snapshot(0).owners)
    everlasting = (system.kmem.kernel_object.name, system.kmem.kmem_object.name)
    for name in (*expected, *everlasting):
        if owned.get(name, 0) != expected[name]:
            raise Broken(f"M6: {name} has {expected[name]} frames, {owned.get(name, 0)} belong to it")
    cached = sum(count for name, count in owned.items() if name.startswith(CACHED))
    if cached != frames.cached:
        raise Broken(f"M6: {frames.cached} frames are cached, {cached} belong to the cache")
    others = sum(owned.values()) - sum(expected.values()) - cached
    counts = (frames.free, frames.cached, len(in_use), others)
    if sum(counts) != frames.total:
        free, cached, used, rest = counts
        raise Broken(f"M6: {free} free, {cached} cached, {used} used and {rest} others' frames are not {frames.total}")


def _check_translations(kernel: Kernel, system: KernelMemorySystem) -> None:
    kmem = system.kmem
    for target in (kmem.kernel_object, kmem.kmem_object):
        for pindex, frame in target.pages.items():
            address = kmem.start + (pindex << PAGE_SHIFT)
            physical = kernel.pmap.extract(address)
            if physical is not None and physical >> PAGE_SHIFT != frame:
                found = physical >> PAGE_SHIFT
                raise Broken(f"M7: {address:#x} is translated to frame {found:#x}, {target.name} has {frame:#x} there")
