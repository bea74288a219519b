"""The boot's fifth stage: FreeBSD's kernel memory in a range that X15's kernel map reserves for it.

Pages come from the machine's allocator, translations go into its page tables, entries live in memory of their own.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from ..base.events import BootStage, Called, Returned
from ..base.protection import READ, WRITE
from ..base.recorder import Recorder
from ..base.units import PAGE, PAGE_SHIFT, binary_size
from ..kernel.entry import CachedEntries
from ..kernel.file_pages import FilePages
from ..kernel.frame_store import ZERO_POOL, SharedFrames
from ..kernel.freebsd_map import FreeBSDMap
from ..kernel.kernel_entry import KernelEntry
from ..kernel.kernel_memory import back_page, unback_page
from ..kernel.kmem import Kmem
from ..kernel.kmem_boot import kmem_init, kmem_suballoc
from ..kernel.map_lock import MapLock
from ..kernel.page_daemon import PageDaemon, thresholds
from ..kernel.pmap_kernel import KernelPmap
from ..kernel.threads import Scheduler
from ..kernel.uma import Zones
from ..kernel.vm_page import PageQueues
from ..kernel.waits import Running, straight
from ..memory.object_cache import ObjectCache
from ..memory.pages import PageAllocator

if TYPE_CHECKING:
    from .kernel_boot import Kernel
    from .layouts import KmemSizes

ENTRY_BYTES = {64: 112, 32: 64}
"""Size of a FreeBSD map entry, by word width."""

HZ = 1000
"""Clock ticks a second."""

ROOT = "kmem/kernel_map"
"""Name of FreeBSD's kernel map in a machine, whose events tell it from X15's, "kernel_map"."""


class KmemTables:
    """Kernel page tables as kernel memory uses them: each page can be read, and written if its entry allows that."""

    def __init__(self, pmap: KernelPmap) -> None:
        self._pmap = pmap

    def enter(self, va: int, frame: int, wired: bool, protection: int) -> None:
        """Translate `va` to `frame`; the tables don't tell wired pages from others."""
        self._pmap.kenter(va, frame << PAGE_SHIFT, READ | protection & WRITE)
        self._pmap.update(va, va + PAGE)

    def remove(self, start: int, end: int) -> None:
        """Translate nothing in [start, end)."""
        self._pmap.kremove(start, end)
        self._pmap.update(start, end)

    def extract(self, va: int) -> int | None:
        """The frame behind `va`, if any."""
        physical = self._pmap.extract(va)
        return None if physical is None else physical >> PAGE_SHIFT

    def prepared(self, cuts: Iterable[int]) -> AbstractContextManager[None]:
        """Hold the tables that large pages cut at `cuts` need."""
        return self._pmap.prepared(cuts)

    def protect(self, start: int, end: int, protection: int) -> None:
        """Give what is translated in [start, end) other rights."""
        self._pmap.protect(start, end, protection)
        self._pmap.update(start, end)


class BootSlabs:
    """Slabs for map entries, in the range that boot used: they need no entry themselves (FreeBSD `kmapentzone`)."""

    def __init__(self, pages: PageAllocator, pmap: KernelPmap, start: int, end: int) -> None:
        self._pages = pages
        self._pmap = pmap
        self._free = list(range(end - PAGE, start - PAGE, -PAGE))

    @property
    def left(self) -> int:
        """How many more there could be now."""
        return min(len(self._free), self._pages.obtainable_pages)

    def take(self) -> int | None:
        """The next page of the range, with memory behind it; none at its end, or without memory."""
        if not self._free or not back_page(self._pages, self._pmap, self._free[-1], "kmem entries"):
            return None
        return self._free.pop()

    def give(self, address: int) -> None:
        """A page that holds no entry any more."""
        unback_page(self._pages, self._pmap, address)
        self._free.append(address)


class KernelMemorySystem:
    """All of kernel memory: maps, pages, the page daemon, zones, and the threads that may wait for them."""

    def __init__(self, kernel: Kernel, recorder: Recorder, sizes: KmemSizes, start: int, bits: int) -> None:
        self.recorder = recorder
        self.frames = SharedFrames(kernel.pages, kernel.ram)
        marks = thresholds(kernel.pages.total_pages)
        self.pages = PageQueues(recorder, self.frames, marks.free_reserved, marks.interrupt_free_min)
        self._slabs = BootSlabs(kernel.pages, kernel.pmap, start, start + sizes.boot)
        size = ENTRY_BYTES[bits]
        self.entry_cache = ObjectCache(recorder, "kmem entries", size, self._slabs, bits=bits, off_slab=False)
        self.entries = CachedEntries(self.entry_cache, kernel.identities, KernelEntry)
        self.kmem = Kmem(
            recorder,
            start,
            start + sizes.whole,
            pmap=KmemTables(kernel.pmap),
            pages=self.pages,
            entries=self.entries,
            hz=HZ,
            wakeup=self._wake_sleepers,
            root=ROOT,
        )
        self.scheduler = Scheduler(recorder, self.kmem.running, locks_of=self._locks_of)
        self.files = FilePages(recorder, self.pages, self.frames, kernel.ram)
        self.daemon = PageDaemon(
            recorder,
            self.pages,
            self.files,
            marks,
            seek_memory=self.kmem.seek_memory,
            wake=self.scheduler.wakeup,
            wake_waiters=self.scheduler.wakeup_pages,
        )
        self.others: list[int] = []
        """Frames that somebody else uses, to make memory scarce."""
        self._make_maps(sizes, start)
        self.zones = Zones(self.kmem, self.map("kmem_map"), kernel.write_zeroes)
        self.frames.zero_ahead(ZERO_POOL)
        self.scheduler.spawn(self.daemon.name, self.daemon.run()).serves = True
        self.scheduler.step()

    @property
    def has_entry(self) -> bool:
        """Whether one more entry of a map can be had now: without, the kernel functions panic."""
        counts = self.entry_cache.slab_counts
        return sum(count for state, count in counts.items() if state != "full") > 0 or self._slabs.left > 0

    @property
    def running(self) -> Running:
        """Who runs."""
        return self.kmem.running

    def map(self, name: str) -> FreeBSDMap:
        """The map called `name`."""
        return next(vm_map for vm_map in self.kmem.maps if vm_map.name == name)

    def _make_maps(self, sizes: KmemSizes, start: int) -> None:
        kmem = self.kmem
        straight(kmem_init(kmem, start + sizes.boot, start + sizes.whole))
        root = kmem.kernel_map
        self.boot_entry = 0 if root.first is None else root.first.id
        """Id of the entry for what boot used."""
        self.boot_range = start, start + sizes.boot
        """What boot used: the entries of the maps live there."""
        straight(kmem_suballoc(kmem, root, sizes.kmem_map, "kmem_map")).system = True
        clean = straight(kmem_suballoc(kmem, root, sizes.buffer_map + sizes.pager_map, "clean_map"))
        straight(kmem_suballoc(kmem, clean, sizes.buffer_map, "buffer_map")).system = True
        straight(kmem_suballoc(kmem, clean, sizes.pager_map, "pager_map"))
        straight(kmem_suballoc(kmem, root, sizes.exec_map, "exec_map"))
        straight(kmem_suballoc(kmem, root, sizes.pipe_map, "pipe_map"))

    def _wake_sleepers(self, vm_map: FreeBSDMap) -> int:
        return self.scheduler.wakeup_map(vm_map)

    def _locks_of(self, thread: str) -> list[MapLock]:
        return [vm_map.lock for vm_map in self.kmem.maps if vm_map.lock.holder == thread]


def boot_kmem(kernel: Kernel, recorder: Recorder, sizes: KmemSizes, start: int, bits: int) -> KernelMemorySystem:
    """Kernel memory at `start`, and the stage's events."""
    emit = recorder.emit
    if emit is not None:
        where = f"{binary_size(sizes.whole)} of the kernel map for FreeBSD's kernel memory and its submaps"
        emit((BootStage.tag, "kmem", where))
        emit((Called.tag, "kmem_init", (start + sizes.boot, start + sizes.whole)))
    made = KernelMemorySystem(kernel, recorder, sizes, start, bits)
    if emit is not None:
        emit((Returned.tag,))
    return made
