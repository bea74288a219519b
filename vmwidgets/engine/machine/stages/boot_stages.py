"""The boot, stage by stage: each structure is created before the structures that need it.

RAM and the page allocator; the kernel's tables; the kernel map with its boot range; the kentry area; the cache of
other maps' entries; FreeBSD's kernel memory in a range of the kernel map (:class:`KernelMemorySystem`), whose entries
live in memory of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from itertools import count
from typing import Any

from ...base import protection as flag
from ...base.errors import KernelPanic, Refused
from ...base.event import BootStage, Called, Returned
from ...base.protection import READ, WRITE
from ...base.recorder import Recorder
from ...base.units import MIB, PAGE, PAGE_SHIFT, Address, binary_size, round_up
from ...kernel.freebsd.entries import KernelEntry
from ...kernel.freebsd.kmem import Kmem
from ...kernel.freebsd.pageout import FilePages, PageDaemon, thresholds
from ...kernel.freebsd.uma import Zones
from ...kernel.freebsd.vm_map import FreeBSDMap
from ...kernel.freebsd.vm_page import ZERO_POOL, PageQueues, SharedFrames
from ...kernel.map.core import BYTES_32, BYTES_64, CachedEntries, Entry
from ...kernel.pmap.spaces import KernelPmap
from ...kernel.pmap.table_space import PmapLayout
from ...kernel.threads.scheduler import Scheduler
from ...kernel.threads.waits import MapLock, MaySleep, Running, run_without_sleeping
from ...kernel.x15.kentry import KentryArea, PageBacking, table_bytes
from ...kernel.x15.kernel_memory import KernelMemory, KernelSlabs
from ...kernel.x15.vm_map import X15Map
from ...memory.pages import PageAllocator
from ...memory.pages_schema import PageCounts
from ...memory.ram import Ram
from ...memory.slabs import ObjectCache
from ...mmu.format import TableFormat
from .layouts import TINY_KMEM, KmemSizes, Layout

ENTRY_BYTES = {64: 112, 32: 64}
"""The size of a FreeBSD map entry, by word width."""

HZ = 1000
"""The clock ticks in a second."""

ROOT = "kmem/kernel_map"
"""The name of FreeBSD's kernel map in a machine's events, to distinguish it from X15's "kernel_map"."""


class KmemTables:
    """The kernel's page tables for kernel memory: each page can be read, and written if its entry allows that."""

    def __init__(self, pmap: KernelPmap) -> None:
        self._pmap = pmap

    @property
    def large(self) -> bool:
        """Return whether large pages were ever mapped: then a cut may need a page for a table."""
        return self._pmap.large

    def enter(self, va: int, frames: Sequence[int], wired: bool, protection: int) -> None:
        """Map the pages from `va` on to `frames`; the tables don't distinguish wired pages from others."""
        self._pmap.kenter_pages(va, frames, READ | protection & WRITE)

    def remove(self, start: int, end: int) -> None:
        """Unmap [start, end)."""
        self._pmap.kremove(start, end)
        self._pmap.update(start, end)

    def translated(self, start: int, end: int) -> list[int]:
        """Return the frames mapped at [start, end)."""
        return self._pmap.translated(start, end)

    def prepared(self, cuts: Iterable[int]) -> AbstractContextManager[None]:
        """Reserve the tables that large pages cut at `cuts` need."""
        return self._pmap.prepared(cuts)

    def protect(self, start: int, end: int, protection: int) -> None:
        """Set the rights of the mapped pages in [start, end)."""
        self._pmap.protect(start, end, protection)
        self._pmap.update(start, end)


class BootSlabs:
    """Slabs for map entries, in the range that boot used: slabs need no entry themselves (FreeBSD `kmapentzone`)."""

    def __init__(self, backing: PageBacking, start: int, end: int) -> None:
        self._backing = backing
        self._free = list(range(end - PAGE, start - PAGE, -PAGE))

    @property
    def left(self) -> int:
        """The number of further slabs that are possible now."""
        return min(len(self._free), self._backing.pages.obtainable_pages)

    def allocate(self) -> int | None:
        """Return the next page of the range, with memory; None at the range's end, or without memory."""
        if not self._free or not self._backing.back(self._free[-1], PAGE, "kmem entries"):
            return None
        return self._free.pop()

    def free(self, address: int) -> None:
        """Free a page that no longer holds an entry."""
        self._backing.unback(address, PAGE)
        self._free.append(address)


class KernelMemorySystem:
    """All of kernel memory: maps, pages, the page daemon, zones, and the threads that may wait for them."""

    def __init__(self, kernel: Kernel, recorder: Recorder, sizes: KmemSizes, start: int, bits: int) -> None:
        self.recorder = recorder
        self.frames = SharedFrames(kernel.pages, kernel.ram)
        marks = thresholds(kernel.pages.total_pages, self.frames.free_frames)
        self.pages = PageQueues(recorder, self.frames, marks.free_reserved, marks.interrupt_free_min)
        self._slabs = BootSlabs(kernel.backing, start, start + sizes.boot)
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
        """The frames allocated to create memory pressure."""
        self._make_maps(sizes, start)
        self.zones = Zones(self.kmem, self.map("kmem_map"), kernel.write_zeroes)
        self.frames.zero_ahead(ZERO_POOL)
        self.scheduler.spawn(self.daemon.name, self.daemon.run()).daemon = True
        self.scheduler.step()

    @property
    def daemon_call(self) -> MaySleep[None]:
        """The page daemon's loop, which runs forever."""
        return self.scheduler.threads[self.daemon.name].call

    def restart_daemon(self) -> None:
        """Restart the page daemon at the top of its loop; after each sleep, it would return there anyway."""
        self.scheduler.threads[self.daemon.name].call = self.daemon.run()

    @property
    def has_entry(self) -> bool:
        """Return whether another map entry is available now: without it, the kernel functions panic."""
        counts = self.entry_cache.slab_counts
        return sum(count for state, count in counts.items() if state != "full") > 0 or self._slabs.left > 0

    @property
    def running(self) -> Running:
        """The running thread."""
        return self.kmem.running

    def map(self, name: str) -> FreeBSDMap:
        """Return the map called `name`."""
        return next(vm_map for vm_map in self.kmem.maps if vm_map.name == name)

    def map_at(self, address: int) -> FreeBSDMap | None:
        """Return the innermost map that contains `address`; None outside kernel memory.

        O(log n) for each level of maps.
        """
        root = self.kmem.kernel_map
        return root.innermost(address) if root.start <= address < root.end else None

    @property
    def page_counts(self) -> PageCounts:
        """The number of pages in each state, and the limits of the page requests."""
        marks, frames = self.daemon.marks, self.frames
        free, cached = frames.free_frames, frames.cached
        return PageCounts(
            total=frames.total,
            free=free,
            zeroed=frames.zeroed,
            cached=cached,
            used=frames.total - free - cached,
            wired=self.pages.wired,
            inactive=self.files.inactive,
            free_reserved=marks.free_reserved,
            interrupt_free_min=marks.interrupt_free_min,
            free_min=marks.free_min,
            free_target=marks.free_target,
            deficit=self.pages.deficit,
        )

    def _make_maps(self, sizes: KmemSizes, start: int) -> None:
        kmem = self.kmem
        run_without_sleeping(kmem.kmem_init(start + sizes.boot, start + sizes.whole))
        root = kmem.kernel_map
        self.boot_entry = 0 if root.first is None else root.first.id
        """The id of the entry for the range that boot used."""
        self.boot_range = start, start + sizes.boot
        """The range that boot used, which contains the maps' entries."""
        run_without_sleeping(kmem.kmem_suballoc(root, sizes.kmem_map, "kmem_map")).system = True
        clean = run_without_sleeping(kmem.kmem_suballoc(root, sizes.buffer_map + sizes.pager_map, "clean_map"))
        run_without_sleeping(kmem.kmem_suballoc(clean, sizes.buffer_map, "buffer_map")).system = True
        run_without_sleeping(kmem.kmem_suballoc(clean, sizes.pager_map, "pager_map"))
        run_without_sleeping(kmem.kmem_suballoc(root, sizes.exec_map, "exec_map"))
        run_without_sleeping(kmem.kmem_suballoc(root, sizes.pipe_map, "pipe_map"))

    def _wake_sleepers(self, vm_map: FreeBSDMap) -> int:
        return self.scheduler.wakeup_map(vm_map)

    def _locks_of(self, thread: str) -> list[MapLock]:
        return [vm_map.lock for vm_map in self.kmem.maps if vm_map.lock.holder == thread]


def boot_kmem(kernel: Kernel, recorder: Recorder, sizes: KmemSizes, start: int, bits: int) -> KernelMemorySystem:
    """Boot kernel memory at `start` and return it; the events of this stage are reported."""
    emit = recorder.emit
    if emit is not None:
        where = f"{binary_size(sizes.whole)} of the kernel map for FreeBSD's kernel memory and its submaps"
        emit((BootStage.tag, "kmem", where))
        emit((Called.tag, "kmem_init", (start + sizes.boot, start + sizes.whole)))
    made = KernelMemorySystem(kernel, recorder, sizes, start, bits)
    if emit is not None:
        emit((Returned.tag,))
    return made


IMAGE_BYTES = MIB
"""The size of the kernel image, at the start of physical memory; mapped above the kernel map, without an entry."""

RESERVED_FLAGS = flag.pack_flags(flag.ALL, flag.ALL, flag.INHERITANCE["none"], flag.ADVICE["normal"], nomerge=True)
"""The flags of the boot range and the kentry area: all rights, inherit none, never merged."""

BOOT_ENTRY, KENTRY_ENTRY, KMEM_ENTRY = 1, 2, 3
"""The IDs of the two static entries, and of kernel memory's entry, the first from the kentry area."""


class Kernel:
    """Everything that the boot of one machine creates."""

    path = "machine"

    def __init__(
        self, fmt: TableFormat[Any], ram_bytes: int, layout: Layout, quirks: frozenset[str], recorder: Recorder
    ) -> None:
        self._recorder = recorder
        self._fmt = fmt
        self._layout = layout
        self._quirks = quirks
        self.identities = count(KENTRY_ENTRY + 1)
        self._boot_bytes = self._page_descriptors(ram_bytes)
        self.ram = Ram(ram_bytes)
        self.pages = self._physical_memory()
        self.pmap = self._tables()
        self.backing = PageBacking(self.pages, self.pmap)
        self.kernel_map = self._kernel_map()
        self.kentry, self.kentry_cache = self._kentry_area()
        self.memory = KernelMemory(self.kernel_map, self.backing)
        self.entry_cache = self._entry_cache()
        self.kmem = self._kernel_memory()
        self._stage("up", "caches are ready; their slabs come from the kernel map when they are needed")

    def _stage(self, name: str, what: str) -> None:
        emit = self._recorder.emit
        if emit is not None:
            emit((BootStage.tag, name, what))

    # ---- stages ------------------------------------------------------------------------------

    def _page_descriptors(self, ram_bytes: int) -> int:
        """Return the bytes of the boot range: a descriptor for each physical page, rounded up to whole pages."""
        size = round_up((ram_bytes >> PAGE_SHIFT) * self._layout.page_descriptor, PAGE)
        taken = self._kentry_bytes() + TINY_KMEM.whole + TINY_KMEM.align
        room = self._layout.kernel_end - self._layout.kernel_start - taken
        if size > room:
            raise Refused(
                f"ram={binary_size(ram_bytes)}: its page structures take {binary_size(size)}, and the kernel map of "
                f"layout {self._layout.name!r} has {binary_size(room)} for them: use less memory or another layout"
            )
        return size

    def _physical_memory(self) -> PageAllocator:
        first = (IMAGE_BYTES + self._boot_bytes) >> PAGE_SHIFT
        frames = (self.ram.size >> PAGE_SHIFT) - first
        if frames < 1:
            least = IMAGE_BYTES + 2 * self._boot_bytes
            more = f"take more than {binary_size(least)}"
            raise Refused(f"ram={binary_size(self.ram.size)} has no room next to the kernel's image: {more}")
        self._stage("physical memory", f"{frames:,} free pages behind the kernel image and the page descriptors")
        return PageAllocator(self._recorder, first, frames)

    def _tables(self) -> KernelPmap:
        layout = self._layout
        window = None if layout.window is None else layout.window[0]
        limits = PmapLayout(self._fmt, layout.kernel_start, layout.kernel_end, layout.user_end, window)
        pmap = KernelPmap(self.ram, self.pages, limits, self._recorder, quirks=self._quirks)
        self._stage("kernel pmap", f"a root table at {Address(pmap.root)}")
        return pmap

    def _kernel_map(self) -> X15Map:
        layout = self._layout
        kernel_map = X15Map(
            "kernel_map",
            layout.kernel_start,
            layout.kernel_end,
            NoEntries(),
            self._recorder,
            bits=layout.bits,
            kernel=self.pmap,
            unmap=self.pmap.unmap,
            quirks=self._quirks,
            assertions=True,
        )
        kernel_map.tables = self.pmap
        emit = self._recorder.emit
        if emit is not None:
            emit((Called.tag, "vm_map_setup"))
        boot = Entry(BOOT_ENTRY, static=True)
        kernel_map.enter(layout.kernel_start, self._boot_bytes, 0, RESERVED_FLAGS | flag.FIXED, static=boot)
        self._recorder.emit = None  # every page is written the same way: nothing to step through
        for offset in range(0, self._boot_bytes, PAGE):
            self.pmap.kenter(layout.kernel_start + offset, IMAGE_BYTES + offset, flag.READ | flag.WRITE)
        self._recorder.emit = emit
        self._stage("boot range", f"{binary_size(self._boot_bytes)} of page descriptors get the first entry")
        return kernel_map

    def _kentry_bytes(self) -> int:
        slabs = self._layout.kentry_bytes >> PAGE_SHIFT
        return self._layout.kentry_bytes + table_bytes(slabs, self._layout.bits // 8)

    def _kentry_area(self) -> tuple[KentryArea, ObjectCache]:
        layout = self._layout
        slabs = layout.kentry_bytes >> PAGE_SHIFT
        entry = Entry(KENTRY_ENTRY, static=True)
        start = self.kernel_map.enter(0, self._kentry_bytes(), 0, RESERVED_FLAGS, static=entry)
        table = start + layout.kentry_bytes
        if not self.backing.back(table, entry.end - table, "kentry area"):
            raise Refused("ram: no page is left for the table of the kentry area: use more memory")
        area = KentryArea(start, slabs, self.backing, self._recorder, self._quirks)
        size = BYTES_64 if layout.bits == 64 else BYTES_32
        cache = ObjectCache(self._recorder, "vm_map_kentry", size, area, bits=layout.bits, off_slab=False)
        self.kernel_map.entries = CachedEntries(cache, self.identities, Entry)
        room = slabs * cache.layout.buffers
        self._stage("kentry area", f"{slabs:,} slabs for up to {room:,} entries of the kernel map")
        emit = self._recorder.emit
        if emit is not None:
            emit((Returned.tag,))
        return area, cache

    def _kernel_memory(self) -> KernelMemorySystem:
        kernel_map, sizes = self.kernel_map, self._kmem_sizes
        used = kernel_map.start + self._boot_bytes + self._kentry_bytes()
        start = -(-used // sizes.align) * sizes.align
        entry = kernel_map.entries.allocate()  # passed, so that the quirk nomerge-enter applies only after the boot
        if entry is None:
            raise Refused("ram: no page is left for the kentry area's first slab: use more memory")
        # FIXED: the find cache stays where it was
        kernel_map.enter(start, sizes.whole, 0, RESERVED_FLAGS | flag.FIXED, static=entry)
        return boot_kmem(self, self._recorder, sizes, start, self._layout.bits)

    @property
    def _kmem_sizes(self) -> KmemSizes:
        """The layout's sizes, or small sizes if page descriptors leave no room for the layout's."""
        layout, sizes = self._layout, self._layout.kmem
        used = self._boot_bytes + self._kentry_bytes() + sizes.whole + sizes.align
        return sizes if used <= (layout.kernel_end - layout.kernel_start) // 2 else TINY_KMEM

    def write_zeroes(self, start: int, size: int) -> None:
        """Fill mapped kernel memory with zeros, through the page tables."""
        while size:
            physical = self.pmap.extract(start)
            if physical is None:
                raise KernelPanic("write_zeroes", f"no page is mapped at {Address(start)}")
            count = min(size, PAGE - start % PAGE)
            self.ram.fill(physical, count)
            start, size = start + count, size - count

    def _entry_cache(self) -> ObjectCache:
        bits = self._layout.bits
        size = BYTES_64 if bits == 64 else BYTES_32
        supplier = KernelSlabs(self.memory, PAGE, "vm_map_entry cache")
        cache = ObjectCache(self._recorder, "vm_map_entry", size, supplier, bits=bits)
        if cache.layout.slab_size != PAGE:
            supplier = KernelSlabs(self.memory, cache.layout.slab_size, "vm_map_entry cache")
            cache = ObjectCache(self._recorder, "vm_map_entry", size, supplier, bits=bits)
        return cache


class NoEntries:
    """The kernel map before its kentry area exists: only static entries."""

    def allocate(self) -> Entry | None:
        """Return nothing: there is no entry yet."""
        return None

    def free(self, entry: Entry) -> None:
        """Do nothing: no entry was allocated."""
