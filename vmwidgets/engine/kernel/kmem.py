"""FreeBSD's kernel memory: its maps and its two everlasting objects, and what the kmem functions need of the rest.

The functions are in :mod:`.kmem_boot`, :mod:`.kmem_alloc`, :mod:`.kmem_malloc` and :mod:`.kmem_wait`.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

from ..base.errors import Broken, KernelPanic
from ..base.events import LowMemory, MapCreated, ZonesReclaimed
from ..base.recorder import Recorder
from ..base.units import PAGE, PAGE_SHIFT
from .freebsd_map import FreeBSDMap, KernelPmap, MapServices
from .kernel_entry import KernelEntrySource
from .kernel_object import KernelObject
from .vm_page import PageQueues
from .waits import Running

_WORD = (1 << 64) - 1
_OFFSET = PAGE - 1


def round_page(size: int) -> int:
    """Up to whole pages, in a word of 64 bits: within a page of its end this gives 0.

    >>> round_page(1), round_page(4096), round_page(2**64 - 1)
    (4096, 4096, 0)
    """
    return (size + _OFFSET) & ~_OFFSET & _WORD


def trunc_page(address: int) -> int:
    """Down to the start of its page."""
    return address & ~_OFFSET


class Kmem:
    """Kernel address space [start, end), before :func:`~.kmem_boot.kmem_init` made the map of it.

    `wakeup` makes those ready who sleep for room in a map, and says how many they were; `hz` is clock ticks a second;
    `root` is what the kernel map is called in events, where another kernel's may be called so too.
    """

    def __init__(
        self,
        recorder: Recorder,
        start: int,
        end: int,
        *,
        pmap: KernelPmap,
        pages: PageQueues,
        entries: KernelEntrySource,
        hz: int,
        wakeup: Callable[[FreeBSDMap], int],
        root: str = "kernel_map",
    ) -> None:
        self.recorder = recorder
        self.start = start
        self.end = end
        self.pages = pages
        self.hz = hz
        self.wakeup = wakeup
        self.root = root
        self.running = Running()
        """Who runs; a scheduler notes it here."""
        self.services = MapServices(recorder, self.running, pmap, pages, entries, self._new_object)
        size = (end - start) >> PAGE_SHIFT
        self.kernel_object = KernelObject("kernel_object", pages, size, everlasting=True)
        self.kmem_object = KernelObject("kmem_object", pages, size, everlasting=True)
        self.maps: list[FreeBSDMap] = []
        """All maps, in the order they were made."""
        self.lowmem_handlers: list[Callable[[], None]] = []
        """Called when address space is short: they may free into any map, no lock is held."""
        self.reclaim_zones: Callable[[], None] | None = None
        """Makes the zone allocator give its empty slabs back (`uma_reclaim`)."""
        self.veto_map: Callable[[], bool] | None = None
        """A hook for tests and lessons: answering true, it makes the making of a map fail."""
        self._anonymous = count()

    @property
    def kernel_map(self) -> FreeBSDMap:
        """The map of all kernel addresses; a panic before `kmem_init`."""
        if not self.maps:
            raise KernelPanic("kernel_map", "there is no kernel map yet: kmem_init makes it")
        return self.maps[0]

    def offset_of(self, address: int) -> int:
        """Where a kernel address lies in the everlasting objects, whichever map it is in."""
        return (address - self.start) & _WORD

    def create_map(self, name: str, start: int, end: int) -> FreeBSDMap | None:
        """A map of [start, end) on the kernel's page tables (`vm_map_create`), or none."""
        created = None
        if self.veto_map is None or not self.veto_map():
            created = FreeBSDMap(name, start, end, self.services)
            self.maps.append(created)
        emit = self.recorder.emit
        if emit is not None:
            emit((MapCreated.tag, None if created is None else name, start, end))
        return created

    def seek_memory(self) -> None:
        """Fire vm_lowmem, then have the zone allocator give back what it can."""
        emit = self.recorder.emit
        if emit is not None:
            emit((LowMemory.tag,))
        for handler in list(self.lowmem_handlers):
            handler()
        if emit is not None:
            emit((ZonesReclaimed.tag,))
        if self.reclaim_zones is not None:
            self.reclaim_zones()

    def _new_object(self, pages: int) -> KernelObject:
        return KernelObject(f"anon{next(self._anonymous)}", self.pages, pages)

    def check(self) -> None:
        """Raise :class:`Broken` unless each map is sound, and: K1. an object's pages are where the queues say;
        K2. wired pages are counted; K3. an everlasting object has a reference for each entry on it, and its own.
        """  # noqa: D205  one list of invariants, as elsewhere
        for vm_map in self.maps:
            vm_map.check()
        for frame, page in self.pages.in_use.items():
            if page.object.pages.get(page.pindex) != frame:
                raise Broken(f"K1: frame {frame:#x} is not page {page.pindex} of {page.object.name}")
        wired = sum(page.wire_count > 0 for page in self.pages.in_use.values())
        if wired != self.pages.wired:
            raise Broken(f"K2: {wired} pages are wired, {self.pages.wired} are counted")
        for target in (self.kernel_object, self.kmem_object):
            mapped = sum(entry.object is target for vm_map in self.maps for entry in vm_map)
            if target.references < mapped + 1:  # more of them: size 0 leaks one, as in the original
                raise Broken(f"K3: {mapped} entries map {target.name}, it counts {target.references} references")
