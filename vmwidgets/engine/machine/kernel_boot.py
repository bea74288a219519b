"""The boot, stage by stage: what must exist before what.

RAM and the page allocator; the kernel's tables; the kernel map with its boot range; the kentry area; the cache of
other maps' entries; FreeBSD's kernel memory in a range of the kernel map (:mod:`.kmem_boot`).
"""

from __future__ import annotations

from itertools import count

from ..base import protection as flag
from ..base.errors import KernelPanic, Refused
from ..base.events import BootStage, Called, Returned
from ..base.recorder import Recorder
from ..base.units import MIB, PAGE, PAGE_SHIFT, Address, binary_size
from ..kernel.entry import BYTES_32, BYTES_64, CachedEntries, Entry
from ..kernel.kentry import KentryArea, table_bytes
from ..kernel.kernel_memory import KernelMemory, KernelSlabs, back_page, unback_page
from ..kernel.pmap import Pmap
from ..kernel.pmap_kernel import KernelPmap
from ..kernel.pmap_layout import PmapLayout
from ..kernel.vm_map import X15Map
from ..memory.object_cache import ObjectCache
from ..memory.pages import PageAllocator
from ..memory.ram import Ram
from ..mmu.formats import FORMATS
from .kmem_boot import KernelMemorySystem, boot_kmem
from .layouts import TINY_KMEM, Architecture, KmemSizes, Layout

IMAGE_BYTES = MIB
"""Physical memory below this holds the kernel image; it lies above the kernel map and has no entry."""

RESERVED_FLAGS = flag.pack_flags(flag.ALL, flag.ALL, flag.INHERITANCE["none"], flag.ADVICE["normal"], nomerge=True)
"""Boot range and kentry area: all rights, inherit none, never merged."""

BOOT_ENTRY, KENTRY_ENTRY, KMEM_ENTRY = 1, 2, 3
"""Ids of the two static entries, and of kernel memory's, the first that comes from the kentry area."""


class KentryBacking:
    """Puts a physical page behind each slab of the kentry area, through the kernel's tables."""

    def __init__(self, pages: PageAllocator, pmap: KernelPmap) -> None:
        self._pages = pages
        self._pmap = pmap

    def back(self, address: int) -> bool:
        """Map a fresh page, read and write."""
        return back_page(self._pages, self._pmap, address, "kentry area")

    def unback(self, address: int) -> None:
        """Unmap the page and free it."""
        unback_page(self._pages, self._pmap, address)


class Kernel:
    """Everything that the boot of one machine makes."""

    path = "machine"

    def __init__(
        self, architecture: Architecture, ram_bytes: int, layout: Layout, quirks: frozenset[str], recorder: Recorder
    ) -> None:
        self._recorder = recorder
        self._architecture = architecture
        self._layout = layout
        self._quirks = quirks
        self.identities = count(KENTRY_ENTRY + 1)
        self._boot_bytes = self._page_descriptors(ram_bytes)
        self.ram = Ram(ram_bytes)
        self.pages = self._physical_memory()
        self.pmap = self._tables()
        self.kernel_map = self._kernel_map()
        self.kentry, self.kentry_cache = self._kentry_area()
        self.memory = KernelMemory(self.kernel_map, self.pages, self.pmap)
        self.entry_cache = self._entry_cache()
        self.kmem = self._kernel_memory()
        self._stage("up", "caches are ready; their slabs come from the kernel map when they are needed")

    def _stage(self, name: str, what: str) -> None:
        emit = self._recorder.emit
        if emit is not None:
            emit((BootStage.tag, name, what))

    # ---- stages ------------------------------------------------------------------------------

    def _page_descriptors(self, ram_bytes: int) -> int:
        """Bytes of the boot range: a descriptor for each physical page, page rounded."""
        size = -(-(ram_bytes >> PAGE_SHIFT) * self._layout.page_descriptor // PAGE) * PAGE
        taken = self._kentry_bytes() + TINY_KMEM.whole + TINY_KMEM.align
        room = self._layout.kernel_end - self._layout.kernel_start - taken
        if size > room:
            raise Refused(
                f"ram={binary_size(ram_bytes)}: its page descriptors take {binary_size(size)}, and the kernel map of "
                f"layout {self._layout.name!r} has {binary_size(room)} for them: take less memory or another layout"
            )
        return size

    def _physical_memory(self) -> PageAllocator:
        first = (IMAGE_BYTES + self._boot_bytes) >> PAGE_SHIFT
        frames = (self.ram.size >> PAGE_SHIFT) - first
        if frames < 1:
            least = IMAGE_BYTES + 2 * self._boot_bytes
            raise Refused(
                f"ram={binary_size(self.ram.size)} holds the kernel's image and no more: {binary_size(least)} and some"
            )
        self._stage("physical memory", f"{frames:,} free pages behind the kernel image and the page descriptors")
        return PageAllocator(self._recorder, first, frames)

    def _tables(self) -> KernelPmap:
        layout = self._layout
        window = None if layout.window is None else layout.window[0]
        one = self._architecture
        fmt = FORMATS[one.name]
        limits = PmapLayout(fmt, layout.kernel_start, layout.kernel_end, layout.user_end, window, one.split)
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
            unmap=self._unmap_kernel,
            quirks=self._quirks,
            assertions=True,
        )
        kernel_map.tables = self.pmap
        emit = self._recorder.emit
        if emit is not None:
            emit((Called.tag, "vm_map_setup"))
        boot = Entry(BOOT_ENTRY, static=True)
        kernel_map.enter(layout.kernel_start, self._boot_bytes, 0, RESERVED_FLAGS | flag.FIXED, static=boot)
        self._recorder.emit = None  # a page a time, and the same each time: nothing to step through
        for offset in range(0, self._boot_bytes, PAGE):
            self.pmap.kenter(layout.kernel_start + offset, IMAGE_BYTES + offset, flag.READ | flag.WRITE)
        self._recorder.emit = emit
        self._stage("boot range", f"{binary_size(self._boot_bytes)} of page descriptors get the first entry")
        return kernel_map

    def _unmap_kernel(self, start: int, end: int) -> None:
        unmap(self.pmap, start, end)

    def _kentry_bytes(self) -> int:
        slabs = self._layout.kentry_bytes >> PAGE_SHIFT
        return self._layout.kentry_bytes + table_bytes(slabs, self._layout.bits // 8)

    def _kentry_area(self) -> tuple[KentryArea, ObjectCache]:
        layout = self._layout
        slabs = layout.kentry_bytes >> PAGE_SHIFT
        entry = Entry(KENTRY_ENTRY, static=True)
        start = self.kernel_map.enter(0, self._kentry_bytes(), 0, RESERVED_FLAGS, static=entry)
        backing = KentryBacking(self.pages, self.pmap)
        for page in range(start + layout.kentry_bytes, entry.end, PAGE):
            if not backing.back(page):
                raise Refused("ram: no page is left for the table of the kentry area: take more memory")
        area = KentryArea(start, slabs, backing, self._recorder, self._quirks)
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
        entry = kernel_map.entries.take()  # supplied, so that quirk nomerge-enter is for what comes after the boot
        if entry is None:
            raise Refused("ram: no page is left for the kentry area's first slab: take more memory")
        # FIXED: the find cache stays where it was
        kernel_map.enter(start, sizes.whole, 0, RESERVED_FLAGS | flag.FIXED, static=entry)
        return boot_kmem(self, self._recorder, sizes, start, self._layout.bits)

    @property
    def _kmem_sizes(self) -> KmemSizes:
        """The layout's, or small ones where page descriptors leave no room for those."""
        layout, sizes = self._layout, self._layout.kmem
        used = self._boot_bytes + self._kentry_bytes() + sizes.whole + sizes.align
        return sizes if used <= (layout.kernel_end - layout.kernel_start) // 2 else TINY_KMEM

    def write_zeroes(self, start: int, size: int) -> None:
        """Fill kernel memory that is mapped with zeroes, through the page tables."""
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


def unmap(pmap: Pmap, start: int, end: int) -> None:
    """Take the translations of a removed range away; pages that it covers in part go too."""
    first, last = start & -PAGE, -(-end // PAGE) * PAGE
    pmap.remove(first, last)
    pmap.update(first, last)


class NoEntries:
    """The kernel map before its kentry area exists: only static entries."""

    def take(self) -> Entry | None:
        """There is none yet."""
        return None

    def give(self, entry: Entry) -> None:
        """Nothing was taken."""
