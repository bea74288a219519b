"""FreeBSD's kernel memory (`vm_kern`, April 2008): its maps and two objects, the kmem functions and `vm_fault`.

Functions that may sleep are generators (:mod:`~vmwidgets.engine.kernel.threads.waits`).  :class:`Kmem` receives the
parts of the kernel that they need: page tables, pages, entries, a wakeup, the zone allocator.  A `kmem_malloc` that
sleeps for pages is woken by each page that is freed once there are enough (:meth:`.pageout.PageDaemon.freed`); a
`kmem_alloc_wait` that sleeps for addresses, by `kmem_free_wakeup`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from itertools import count

from ...base.errors import Broken, KernelPanic, kernel_error
from ...base.protection import protection_of, protection_text
from ...base.recorder import Recorder, kernel_function
from ...base.units import IN_PAGE, PAGE_SHIFT, Address
from ..map.core import NO_SPACE, SUCCESS, EntrySource
from ..map.map_schema import MapCreated
from ..map.vm_object import FreeBSDObject
from ..threads.waits import MaySleep, PageWait, RoomWait, Running, TimedWait, undone
from .entries import NOFAULT, KernelEntry, KernelTables, MapServices
from .kmem_schema import LowMemory, SleepersWoken, ZonesReclaimed
from .vm_map import FreeBSDMap
from .vm_page import GRAB, INTERRUPT, SYSTEM, PageQueues, PageRequest

_WORD = (1 << 64) - 1

M_NOWAIT, M_WAITOK, M_ZERO, M_USE_RESERVE = 0x1, 0x2, 0x100, 0x400
"""Flags (malloc(9)): never sleep; may sleep; zeroed; may use reserves."""

MALLOC_FLAGS = {"M_NOWAIT": M_NOWAIT, "M_WAITOK": M_WAITOK, "M_ZERO": M_ZERO, "M_USE_RESERVE": M_USE_RESERVE}
"""The same flags by name."""

TRIES = 8
"""The number of times that a caller that may wait looks for address space before it gives up."""


@lru_cache(maxsize=16)
def page_request(flags: int) -> PageRequest:
    """Return the page request for these flags.

    M_USE_RESERVE makes M_NOWAIT weaker, not stronger: only without it can a request get the very last page.

    >>> page_request(M_NOWAIT).text, page_request(M_NOWAIT | M_USE_RESERVE | M_ZERO).text
    ('INTERRUPT|WIRED', 'SYSTEM|WIRED|ZERO')
    """
    page_class = INTERRUPT if flags & (M_NOWAIT | M_USE_RESERVE) == M_NOWAIT else SYSTEM
    return PageRequest(page_class, wired=True, zero=bool(flags & M_ZERO))


def round_page(size: int) -> int:
    """Round up to whole pages, in a word of 64 bits: within a page of its end, the result is 0.

    >>> round_page(1), round_page(4096), round_page(2**64 - 1)
    (4096, 4096, 0)
    """
    return (size + IN_PAGE) & ~IN_PAGE & _WORD


def trunc_page(address: int) -> int:
    """Round down to the start of the page."""
    return address & ~IN_PAGE


class Kmem:
    """Kernel address space [start, end), from which :meth:`kmem_init` makes the kernel map.

    `wakeup` makes the threads ready that sleep until a map has room, and returns their number; `hz` is the number of
    clock ticks per second; `root` is the kernel map's name in events, which differs from that of another kernel's map.
    """

    def __init__(
        self,
        recorder: Recorder,
        start: int,
        end: int,
        *,
        pmap: KernelTables,
        pages: PageQueues,
        entries: EntrySource[KernelEntry],
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
        """The running thread, which a scheduler notes here."""
        self.services = MapServices(recorder, self.running, pmap, pages, entries, self._new_object)
        size = (end - start) >> PAGE_SHIFT
        self.kernel_object = FreeBSDObject("kernel_object", pages, size, permanent=True)
        self.kmem_object = FreeBSDObject("kmem_object", pages, size, permanent=True)
        self.maps: list[FreeBSDMap] = []
        """All maps, in the order they were made."""
        self.lowmem_handlers: list[Callable[[], None]] = []
        """Called when address space is short: they may free memory in any map, since no lock is held."""
        self.reclaim_zones: Callable[[], None] | None = None
        """Makes the zone allocator return its empty slabs (`uma_reclaim`)."""
        self.veto_map: Callable[[], bool] | None = None
        """A hook for tests and lessons: if it returns true, creating a map fails."""
        self._anonymous = count()

    @property
    def kernel_map(self) -> FreeBSDMap:
        """The map of all kernel addresses; a panic before `kmem_init`."""
        if not self.maps:
            raise KernelPanic("kernel_map", "there is no kernel map yet: kmem_init makes it")
        return self.maps[0]

    def offset_of(self, address: int) -> int:
        """Return the offset of a kernel address in the permanent objects, whichever map contains it."""
        return (address - self.start) & _WORD

    def create_map(self, name: str, start: int, end: int) -> FreeBSDMap | None:
        """Create a map of [start, end) on the kernel's page tables (`vm_map_create`); None without memory for it."""
        created = None
        if self.veto_map is None or not self.veto_map():
            created = FreeBSDMap(name, start, end, self.services)
            self.maps.append(created)
        emit = self.recorder.emit
        if emit is not None:
            emit((MapCreated.tag, None if created is None else name, start, end))
        return created

    def seek_memory(self) -> None:
        """Fire vm_lowmem, then make the zone allocator return all the memory it can."""
        emit = self.recorder.emit
        if emit is not None:
            emit((LowMemory.tag,))
        for handler in list(self.lowmem_handlers):
            handler()
        if emit is not None:
            emit((ZonesReclaimed.tag,))
        if self.reclaim_zones is not None:
            self.reclaim_zones()

    def _new_object(self, pages: int) -> FreeBSDObject:
        return FreeBSDObject(f"anon{next(self._anonymous)}", self.pages, pages)

    # ---- making maps ------------------------------------------------------------------------

    @kernel_function()
    def kmem_init(self, start: int, end: int) -> MaySleep[None]:
        """Create the kernel map, up to `end`; the memory used by the boot, up to `start`, becomes its first entry.

        The status of that insertion is ignored.
        """
        kernel_map = self.create_map(self.root, self.start, end)
        if kernel_map is None:
            raise KernelPanic("kmem_init", "kmem_init: cannot create the kernel map")
        kernel_map.system = True
        yield from kernel_map.lock.acquire()
        kernel_map.insert(None, 0, self.start, start, NOFAULT)
        kernel_map.lock.release()

    @kernel_function()
    def kmem_suballoc(self, parent: FreeBSDMap, size: int, name: str) -> MaySleep[FreeBSDMap]:
        """Create a submap over `size` bytes of `parent`; any failure is a panic, and the range stays used."""
        size = round_page(size)
        address = yield from self._take_range(parent, size)
        submap = self.create_map(name, address, address + size)
        if submap is None:
            raise KernelPanic("kmem_suballoc", "kmem_suballoc: cannot create submap")
        status = yield from parent.submap(address, address + size, submap)
        if status != SUCCESS:
            raise KernelPanic("kmem_suballoc", "kmem_suballoc: unable to change range to submap")
        return submap

    @staticmethod
    def _take_range(parent: FreeBSDMap, size: int) -> MaySleep[int]:
        """Find and insert in one step (`vm_map_find`)."""
        yield from parent.lock.acquire()
        address = parent.find_space(size)
        status = NO_SPACE if address is None else parent.insert(None, 0, address, address + size)
        parent.lock.release()
        if address is None or status != SUCCESS:
            raise KernelPanic("kmem_suballoc", f"kmem_suballoc: bad status return of {status}")
        return address

    # ---- whole pages ------------------------------------------------------------------------

    @kernel_function()
    def kmem_alloc_nofault(self, vm_map: FreeBSDMap, size: int) -> MaySleep[int]:
        """Allocate addresses only: no pages, no mapping, and a fault there is a panic.

        Returns 0 if it fails in any way.
        """
        size = round_page(size)
        yield from vm_map.lock.acquire()
        address = vm_map.find_space(size)
        inserted = address is not None and vm_map.insert(None, 0, address, address + size, NOFAULT) == SUCCESS
        vm_map.lock.release()
        return address if address is not None and inserted else 0

    @kernel_function()
    def kmem_alloc(self, vm_map: FreeBSDMap, size: int) -> MaySleep[int]:
        """Allocate zeroed, wired pages of kernel_object; returns 0 if there is no address space.

        It waits for pages as long as necessary, and never for address space. The lock is free while pages are
        allocated.
        """
        size = round_page(size)
        yield from vm_map.lock.acquire()
        address = vm_map.find_space(size)
        if address is None:
            vm_map.lock.release()
            return 0
        offset = self.offset_of(address)
        self.kernel_object.reference()
        vm_map.insert(self.kernel_object, offset, address, address + size)
        vm_map.lock.release()
        # deleting frees the pages too: none of them is wired yet
        with undone(self.recorder, "kmem_alloc", partial(vm_map.delete, address, address + size)):
            for pindex in range(offset >> PAGE_SHIFT, (offset + size) >> PAGE_SHIFT):
                yield from self._grab_page(pindex)
            yield from vm_map.wire_allocated(address, address + size)
        return address

    def _grab_page(self, pindex: int) -> MaySleep[None]:
        """Make sure that kernel_object has this page (`vm_page_grab`): wait until it is there or can be allocated."""
        target, pages = self.kernel_object, self.pages
        while pages.find(target, pindex) is None and pages.allocate(target, pindex, GRAB) is None:
            yield PageWait()

    @kernel_function()
    def kmem_free(self, vm_map: FreeBSDMap, address: int, size: int) -> MaySleep[None]:
        """Free a range, rounded outwards to whole pages; checks nothing, and wakes no thread."""
        yield from vm_map.remove(trunc_page(address), round_page(address + size))

    # ---- memory for malloc and the zone allocator -------------------------------------------

    @kernel_function()
    def kmem_malloc(self, vm_map: FreeBSDMap, size: int, flags: int) -> MaySleep[int]:
        """Allocate wired pages of kmem_object, and map them.

        Returns 0 if a caller that may not wait (M_NOWAIT) can't get them. A caller that may wait sleeps until there are
        pages, and looks eight times for address space before it panics. The map stays locked from the search for an
        address to the last mapping, except while the caller sleeps.
        """
        size = round_page(size)
        yield from vm_map.lock.acquire()
        address = vm_map.find_space(size)
        if address is None:
            vm_map.lock.release()
            if flags & M_NOWAIT:
                return 0
            address = yield from self._look_again(vm_map, size)
        self.kmem_object.reference()
        vm_map.insert(self.kmem_object, self.offset_of(address), address, address + size)
        if not (yield from self._get_pages(vm_map, address, size, flags)):
            vm_map.delete(address, address + size)
            vm_map.lock.release()
            return 0
        entry = vm_map.lookup(address)
        if entry is None or (entry.start, entry.end, entry.wired_count) != (address, address + size, 0):
            raise KernelPanic("kmem_malloc", "kmem_malloc: entry not found or misaligned")
        self._map_pages(vm_map, entry, address, size)
        vm_map.lock.release()
        return address

    def _look_again(self, vm_map: FreeBSDMap, size: int) -> MaySleep[int]:
        """Make others return memory, look, and sleep, each time longer; returns with the map locked, or panics.

        As in the original, it does not look again after the last sleep.
        """
        for attempt in range(1, TRIES + 1):
            self.seek_memory()
            yield from vm_map.lock.acquire()
            address = vm_map.find_space(size)
            if address is not None:
                return address
            vm_map.lock.release()
            yield TimedWait("nokva", self.hz // 4 * attempt)
        raise KernelPanic(
            "kmem_map_too_small", f"kmem_malloc({size}): kmem_map too small: {vm_map.size} total allocated"
        )

    def _get_pages(self, vm_map: FreeBSDMap, address: int, size: int, flags: int) -> MaySleep[bool]:
        """Allocate all pages of the range, in ascending order.

        Returns false, with none of them kept, if M_NOWAIT met a shortage.
        """
        request, first = page_request(flags), self.offset_of(address) >> PAGE_SHIFT
        pindex, last = first, first + (size >> PAGE_SHIFT)
        while (pindex := self.pages.allocate_many(self.kmem_object, pindex, last, request)) < last:
            if flags & M_NOWAIT:
                self._give_back(first, pindex)
                return False
            vm_map.lock.release()
            with undone(self.recorder, "kmem_malloc", partial(self._undo_malloc, vm_map, address, size, pindex)):
                yield PageWait()
                yield from vm_map.lock.acquire()
        return True

    def _undo_malloc(self, vm_map: FreeBSDMap, address: int, size: int, pindex: int) -> None:
        self._give_back(self.offset_of(address) >> PAGE_SHIFT, pindex)
        vm_map.delete(address, address + size)

    def _give_back(self, first: int, end: int) -> None:
        """Free pages [first, end), highest first, before their entry is deleted: deletion waits for busy pages."""
        for pindex in range(end - 1, first - 1, -1):
            page = self.pages.find(self.kmem_object, pindex)
            if page is not None:
                self.pages.unwire(page)
                self.pages.free(page)

    def _map_pages(self, vm_map: FreeBSDMap, entry: KernelEntry, address: int, size: int) -> None:
        """Count the entry as wired, which may merge now; its pages are mapped and no longer busy."""
        vm_map.set_wired_count(entry, 1)
        vm_map.merge_neighbours(entry)
        first, count, pages = self.offset_of(address) >> PAGE_SHIFT, size >> PAGE_SHIFT, self.kmem_object.pages
        frames = [pages[pindex] for pindex in range(first, first + count) if pindex in pages]
        if len(frames) == count:
            self.services.map_pages(address, frames, entry, wired=True)
        else:  # some were freed while it slept
            for pindex in self.kmem_object.pages_between(first, first + count):
                self.services.map_pages(address + (pindex - first << PAGE_SHIFT), [pages[pindex]], entry, wired=True)
        for frame in frames:
            self.pages.in_use[frame].held = 0

    # ---- waiting for address space ----------------------------------------------------------

    @kernel_function()
    def kmem_alloc_wait(self, vm_map: FreeBSDMap, size: int) -> MaySleep[int]:
        """Allocate addresses for memory that faults will fill.

        Sleeps until there is room; returns 0 if the map is too small.
        """
        size = round_page(size)
        while True:
            yield from vm_map.lock.acquire()
            address = vm_map.find_space(size)
            if address is not None:
                vm_map.insert(None, 0, address, address + size)
                vm_map.lock.release()
                return address
            if vm_map.end - vm_map.start < size:
                vm_map.lock.release()
                return 0
            vm_map.needs_wakeup = True
            vm_map.lock.drop_to_sleep()
            yield RoomWait(vm_map)

    @kernel_function()
    def kmem_free_wakeup(self, vm_map: FreeBSDMap, address: int, size: int) -> MaySleep[None]:
        """Free a range, and wake all threads that sleep for room in this map, even if nothing was freed."""
        yield from vm_map.lock.acquire()
        try:
            vm_map.delete(trunc_page(address), round_page(address + size))
            if vm_map.needs_wakeup:
                vm_map.needs_wakeup = False
                woken = self.wakeup(vm_map)
                emit = self.recorder.emit
                if emit is not None:
                    emit((SleepersWoken.tag, vm_map.name, woken))
        finally:
            vm_map.lock.release()

    # ---- faults -----------------------------------------------------------------------------

    @kernel_function()
    def vm_fault(self, vm_map: FreeBSDMap, address: int, access: int) -> MaySleep[int]:
        """Bring the page of `address` into memory, map it, and return its frame.

        Waits for pages. `access` are protection bits; raises ACCES if the entry lacks one of them. Raises FAULT if
        nothing is allocated, if a system map's entry has no object, or if a kmem function still waits for the page; it
        panics if the entry allows no fault. In an ordinary map, an entry without an object gets an anonymous one, and
        zeroed pages. In a submap's range, the submap handles the fault.
        """
        va = trunc_page(address)
        while True:
            yield from vm_map.lock.acquire()
            entry = vm_map.lookup(va)
            if entry is None:
                vm_map.lock.release()
                raise kernel_error("FAULT", f"nothing is allocated at {Address(va)} in {vm_map.called}")
            if isinstance(entry.submap, FreeBSDMap):
                vm_map.lock.release()
                vm_map = entry.submap
                continue
            if entry.flags & NOFAULT:
                raise KernelPanic("vm_fault", f"vm_fault: fault on nofault entry, addr: {address:x}")
            missing = access & ~protection_of(entry.flags)
            if missing:
                vm_map.lock.release()
                allowed = protection_text(protection_of(entry.flags))
                where = f"the entry at {Address(entry.start)} of {vm_map.called}"
                needed = protection_text(missing)
                raise kernel_error("ACCES", f"{where} allows {allowed}, but this access needs {needed}")
            frame = self._frame_of(vm_map, entry, va)
            vm_map.lock.release()
            if frame is not None:
                return frame
            yield PageWait()

    def _frame_of(self, vm_map: FreeBSDMap, entry: KernelEntry, va: int) -> int | None:
        """Map the page at `va`, and return its frame; None while pages are short."""
        vm_map.supply_object(entry)
        target = entry.object
        if target is None:
            vm_map.lock.release()
            raise kernel_error(
                "FAULT", f"no memory is mapped at {Address(va)} in {vm_map.called}, which is a system map"
            )
        pindex = entry.offset + va - entry.start >> PAGE_SHIFT
        page = self.pages.find(target, pindex)
        if target.permanent and (page is None or page.held):
            vm_map.lock.release()
            raise kernel_error(
                "FAULT",
                f"the page at {Address(va)} in {vm_map.called} is not allocated yet: the call that "
                "allocates the range waits for pages, and returns its address when it has them all",
            )
        page = page or self.pages.allocate(target, pindex, GRAB)
        if page is None:
            return None
        page.held = 0
        self.services.map_pages(va, [page.frame], entry, wired=False)
        return page.frame

    # ---- invariants -------------------------------------------------------------------------

    def check(self) -> None:
        """Raise :class:`Broken` unless each map is sound, and: K1. an object's pages are where the queues say; K2.
        wired pages are counted; K3. a permanent object has a reference for each entry that maps it, and one of its
        own.
        """  # noqa: D205  one list of invariants, as elsewhere
        for vm_map in self.maps:
            vm_map.check()
        for frame, page in self.pages.in_use.items():
            if page.owner.pages.get(page.index) != frame:
                raise Broken(f"K1: frame {frame:#x} is not page {page.index} of {page.owner.name}")
        wired = sum(page.wired > 0 for page in self.pages.in_use.values())
        if wired != self.pages.wired:
            raise Broken(f"K2: {wired} pages are wired, {self.pages.wired} are counted")
        for target in (self.kernel_object, self.kmem_object):
            mapped = sum(entry.object is target for vm_map in self.maps for entry in vm_map)
            if target.references < mapped + 1:  # more of them: size 0 leaks one, as in the original
                raise Broken(f"K3: {mapped} entries map {target.name}, it counts {target.references} references")
