"""Physical memory as learners hold it: who owns which frames, how many are left, and what leads to one of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from ..base.errors import Refused, kernel_error
from ..base.events import FaultRaised
from ..base.operations import Door, operation
from ..base.units import PAGE, PAGE_SHIFT, Address, binary_size
from ..base.values.memory import (
    Block,
    CachesValue,
    CacheValue,
    FrameRun,
    FramesValue,
    FrameValue,
    FreeList,
    KentryContents,
    SlabValue,
    shown_owner,
    state_of,
)
from ..kernel.freebsd.kmem import M_WAITOK
from ..kernel.freebsd.uma import LARGEST
from ..kernel.threads.waits import MaySleep
from ..kernel.x15.kmem import KentryArea
from ..memory.pages import MAX_ORDER, PageAllocator
from ..memory.slabs import ObjectCache
from ..mmu.format import Access
from . import checks
from .checks import malloc_flags
from .cpus import move, reach_kernel
from .kmem import MachineKmem

if TYPE_CHECKING:
    from ..kernel.map.core import CachedEntries, Entry
    from ..kernel.pmap.pmap import Pmap
    from ..kernel.pmap.spaces import KernelPmap
    from ..kernel.x15.vm_map import X15Map
    from ..memory.ram import Ram
    from .cpus import MachineCpus
    from .kernel import Kernel
    from .machine import Machine
    from .scripts import Callbacks


WHOLE = 600
"""So many blocks are looked at one by one; of more, those around what matters and the largest."""


AROUND = 24
"""Frames to either side of one in focus that are looked at with it."""


FOCUS = 32
"""Frames in focus that are heeded."""


MOST_BLOCKS = 6
"""Free blocks of a value that is not whole: the largest ones."""


MAPPINGS = 8
"""Addresses that are named of one frame."""


class MachineFrames:
    """The frames of a machine: ``m.frames``."""

    path = "frames"

    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    @property
    def door(self) -> Door:
        """The machine's door."""
        return self.machine.door

    @property
    def _pages(self) -> PageAllocator:
        pages: PageAllocator = self.machine.pages
        return pages

    # ---- looking -----------------------------------------------------------------------------

    def owner(self, frame: int) -> str:
        """Who has `frame`; "" when it is free.  O(orders)."""
        return self._pages.owner(self._known(frame)) or ""

    def mapped_at(self, frame: int) -> tuple[tuple[str, Address], ...]:
        """The virtual addresses that lead to `frame`: task or domain ("" the kernel), and the address of the page.

        The reverse map, found by reading all page tables: O(present descriptors).
        """
        wanted = self._known(frame) << PAGE_SHIFT
        with self.door.looking():
            return tuple((name, Address(va)) for name, va in self._leading_to(wanted))

    def behind(self, entry: int) -> tuple[int, ...]:
        """The first frames behind an entry of any map, by the entry's id: those that its addresses are translated to.

        O(maps + pages of the entry, up to a few dozen).
        """
        machine = self.machine
        spaces: list[tuple[X15Map, Pmap]] = [(machine.kernel_map.vm_map, machine.pmap)]
        spaces += [(task.map.vm_map, task.pmap) for task in machine.tasks.values()]
        found = next(((vm_map.by_id[entry], pmap) for vm_map, pmap in spaces if entry in vm_map.by_id), None)
        if found is None:
            held = (vm_map.by_id[entry] for vm_map in machine.kernel.kmem.kmem.maps if entry in vm_map.by_id)
            kernel_entry = next(held, None)
            return () if kernel_entry is None else _frames_of(machine.pmap, kernel_entry.start, kernel_entry.end)
        return _frames_of(found[1], found[0].start, found[0].end)

    def frame(self, frame: int) -> FrameValue:
        """All there is to say of one frame; the cost is that of :meth:`mapped_at`."""
        number = self._known(frame)
        mapped = self.mapped_at(number)
        page = self.machine.kernel.kmem.pages.in_use.get(number)
        block = self._pages.block_of(number)
        run = self._run(block) if block is not None else FrameRun(number, 1, "used", "the kernel image")
        return FrameValue(
            number,
            run.state,
            run.owner,
            None if page is None else page.pindex,
            0 if page is None else page.wire_count,
            mapped[:MAPPINGS],
            len(mapped),
        )

    def value(self, focus: Iterable[int] = ()) -> FramesValue:
        """Frames as a frozen value: all of them where they are few blocks, else what surrounds those in `focus`.

        O(what is shown + owners), however much memory there is.
        """
        pages = self._pages
        first = min(segment.buddy.first for segment in pages.segments)
        end = max(segment.buddy.end for segment in pages.segments)
        if pages.blocks_known <= WHOLE:
            blocks: Iterable[Block] = pages.blocks(first, end - first)
        else:
            blocks = self._some_blocks(focus, first, end)
        return FramesValue(
            self.machine.kmem.pages, self._orders(), self._owners(), tuple(self._runs(blocks)), first, end
        )

    def __repr__(self) -> str:
        counts = self.machine.kmem.pages
        owners = ", ".join(f"{name} {count:,}" for name, count in self._owners()[:6])
        free = f"{counts.free:,} free ({binary_size(counts.free << PAGE_SHIFT)})"
        return f"<{counts.total:,} frames: {free}, {counts.cached:,} cached, {counts.used:,} used; {owners}>"

    # ---- what is behind ----------------------------------------------------------------------

    def _known(self, frame: int) -> int:
        number = checks.whole(frame, "frame")
        return checks.within(number, "frame", 0, int(self.machine.ram_bytes) >> PAGE_SHIFT, "physical memory")

    def _leading_to(self, physical: int) -> Iterator[tuple[str, int]]:
        machine = self.machine
        yield from _leaves(machine.pmap, physical, machine.layout.kernel_start, machine.layout.kernel_end, "")
        for task in machine.tasks.values():
            yield from _leaves(task.pmap, physical, machine.layout.user_start, machine.layout.user_end, task.name)
        for domain in machine.domains.values():
            yield from _leaves(domain.pmap, physical, 0, domain.domain.layout.user_end, domain.path)

    def _orders(self) -> tuple[FreeList, ...]:
        """Free blocks by order, of all segments together."""
        segments = self._pages.segments
        return tuple(
            FreeList(
                order,
                sum(segment.buddy.count(order) for segment in segments),
                tuple(frame for segment in segments for frame in segment.buddy.in_order(order, 4))[:4],
            )
            for order in range(MAX_ORDER + 1)
        )

    def _owners(self) -> tuple[tuple[str, int], ...]:
        """Who has how many frames, most first; what stands by is nobody's."""
        owned = [(name, count) for name, count in self._pages.owners if state_of(name) == "used"]
        return tuple(sorted(owned, key=lambda pair: (-pair[1], pair[0])))

    def _some_blocks(self, focus: Iterable[int], first: int, end: int) -> Iterator[Block]:
        """The blocks around frames in focus, at the start of memory, and the largest free ones, in order."""
        windows = [(first, first + AROUND)]
        windows += [(max(first, frame - AROUND), min(end, frame + AROUND)) for frame in islice(focus, FOCUS)]
        largest = (
            Block(frame, order, "free")
            for order in reversed(range(MAX_ORDER + 1))
            for segment in self._pages.segments
            for frame in segment.buddy.in_order(order, MOST_BLOCKS)
        )
        windows += [(block.frame, block.frame + block.frames) for block in islice(largest, MOST_BLOCKS)]
        reached = first
        for start, stop in sorted(windows):
            for block in self._pages.blocks(max(start, reached), stop - max(start, reached)):
                yield block
                reached = block.frame + block.frames

    def _runs(self, blocks: Iterable[Block]) -> Iterator[FrameRun]:
        """Neighbours that are alike, as one."""
        run: FrameRun | None = None
        for block in blocks:
            other = self._run(block)
            if run is not None and _alike(run, other):
                run = FrameRun(run.first, run.frames + other.frames, run.state, run.owner, run.wired)
                continue
            if run is not None:
                yield run
            run = other
        if run is not None:
            yield run

    def _run(self, block: Block) -> FrameRun:
        if block.state != "owned":
            return FrameRun(block.frame, block.frames, block.state)
        page = self.machine.kernel.kmem.pages.in_use.get(block.frame)
        wired = page is not None and page.wire_count > 0
        return FrameRun(block.frame, block.frames, state_of(block.owner), shown_owner(block.owner), wired)


def _alike(run: FrameRun, other: FrameRun) -> bool:
    touching = run.first + run.frames == other.first
    return touching and (run.state, run.owner, run.wired) == (other.state, other.owner, other.wired)


def _frames_of(pmap: Pmap, start: int, end: int) -> tuple[int, ...]:
    """The frames behind the first pages of [start, end) that have one."""
    pages = range(start, min(end, start + (FOCUS << PAGE_SHIFT)), 1 << PAGE_SHIFT)
    return tuple(physical >> PAGE_SHIFT for va in pages if (physical := pmap.extract(va)) is not None)


def _leaves(pmap: Pmap, physical: int, start: int, end: int, name: str) -> Iterator[tuple[str, int]]:
    for slot in pmap.editor.leaves(pmap.root, start, end):
        if slot.address <= physical < slot.address + slot.level.span:
            yield name, slot.va + (physical - slot.address)


# ---- caches ------------------------------------------------------------------------------------
#
# The object caches and zones of a machine as learners hold them.


SLABS = 8
"""Slabs of a cache that a value holds: those in focus, then partial, free and full ones in list order."""


class MachineCaches:
    """All caches: of the kernel map's entries, of other maps', of kernel memory's; and the zones of malloc."""

    path = "caches"

    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    @property
    def door(self) -> Door:
        """The machine's door."""
        return self.machine.door

    def __iter__(self) -> Iterator[ObjectCache]:
        """The caches in the order they came to be."""
        kernel = self.machine.kernel
        yield from (kernel.kentry_cache, kernel.entry_cache, kernel.kmem.entry_cache)
        yield from (zone.cache for zone in kernel.kmem.zones.zones)

    def value(self, focus: Iterable[int] = (), most: int = SLABS) -> CachesValue:
        """The caches as frozen values, each with up to `most` slabs: those of the buffers in `focus`, then others.

        O(caches + slabs shown).
        """
        wanted, limit = list(focus), checks.count(most, "most")
        return CachesValue(tuple(_some(cache, wanted, limit) for cache in self))

    def __repr__(self) -> str:
        lines = []
        for cache in self:
            slabs = cache.slab_counts
            size = binary_size(sum(slabs.values()) * cache.layout.slab_size)
            told = ", ".join(f"{count} {state}" for state, count in slabs.items())
            lines.append(f"  {cache.name:<16} {cache.allocated:>6,} objects, slabs: {told}, {size}")
        return "\n".join(["<object caches>", *lines])


def _some(cache: ObjectCache, focus: Iterable[int], most: int) -> CacheValue:
    chosen: dict[int, SlabValue] = {}
    for address in focus:
        slab = cache.slab_at(address)
        if slab is not None and len(chosen) < most // 2:
            chosen[slab] = cache.slab_value(slab)
    for value in islice(cache.slabs(), most):
        if len(chosen) < most:
            chosen.setdefault(value.address, value)
    return cache.summary(tuple(sorted(chosen.values(), key=lambda slab: slab.address)))


# ---- kentry ------------------------------------------------------------------------------------
#
# The kentry area as learners hold it.


OPEN_SLABS = 3
"""How many slabs a picture opens at most."""


class MachineKentry:
    """Where the kernel map's entries come from: the reserved range, its slabs, the slots in them."""

    path = "kentry"

    def __init__(self, machine: Machine, area: KentryArea, cache: ObjectCache, entries: CachedEntries[Entry]) -> None:
        self.machine = machine
        self.area = area
        self.cache = cache
        self._entries = entries

    @property
    def door(self) -> Door:
        """The machine's door."""
        return self.machine.door

    @operation
    def reap(self) -> int:
        """Give the free slabs back to the area, and their pages to the machine; how many they were."""
        return self.cache.reap()

    @property
    def start(self) -> Address:
        """First address of the area."""
        return Address(self.area.start)

    @property
    def room(self) -> int:
        """How many entries the whole area can hold."""
        return self.area.slabs * self.cache.layout.buffers

    def contents(self, focus: Iterable[int] = (), most: int = OPEN_SLABS) -> KentryContents:
        """The area as a frozen value with up to `most` slabs open: those of the slots in `focus`, then partial ones."""
        opened: dict[int, SlabValue] = {}
        limit = checks.count(most, "most")
        for address in focus:
            slab = self.cache.slab_at(address)
            if slab is not None and len(opened) < limit:
                opened[slab] = self.cache.slab_value(slab)
        for value in self.cache.slabs():
            if len(opened) >= limit:
                break
            opened.setdefault(value.address, value)
        slots = (
            address
            for slab in opened.values()
            for address in range(
                slab.address + slab.colour, slab.address + self.slab_size, self.cache.layout.buffer_size
            )
        )
        live = self._entries.live
        residents = {address: (live[address].id, live[address].start) for address in slots if address in live}
        slabs = tuple(opened[address] for address in sorted(opened))
        return KentryContents(self.area.snapshot(), self.cache.layout.buffer_size, slabs, residents)

    @property
    def slab_size(self) -> int:
        """Bytes of a slab."""
        return self.cache.layout.slab_size

    def __repr__(self) -> str:
        used = (
            f"{self.cache.allocated:,} of {self.room:,} entries in {self.area.allocated:,} of {self.area.slabs:,} slabs"
        )
        return f"<kentry area at {self.start}: {used}, {binary_size(self.area.allocated * self.slab_size)} in memory>"


# ---- memory operations -------------------------------------------------------------------------
#
# Kernel memory as bytes, objects and pages: reading and writing, malloc and free, files, who else takes pages.


OTHERS = "others"
"""Owner of pages that :meth:`MemoryOperations.take_pages` took."""


class MemoryOperations:
    """Methods of a machine that move bytes and pages."""

    kernel: Kernel
    kmem: MachineKmem
    callbacks: Callbacks
    ram: Ram
    pmap: KernelPmap
    cpus: MachineCpus
    controls: Any
    path: str
    door: Door

    # ---- bytes -------------------------------------------------------------------------------

    @operation
    def read(self, address: int | str, length: int | str = 1) -> bytes:
        """`length` bytes of kernel memory from `address` on, through the page tables, as the kernel reads them.

        In a pageable map such as exec_map a page that is not there yet is made (`vm_fault`), which may have to wait.
        FAULT where nothing is allocated.  O(pages).
        """
        start, count = checks.span(address, length, self.pmap.fmt.word_bits)
        steps = move(self.ram, start, count, lambda va: self._resolve(va, "read"))
        result: bytes = self.callbacks.complete("read", steps)
        return result

    @operation
    def write(self, address: int | str, data: bytes) -> None:
        """Write `data` to kernel memory from `address` on, through the page tables; see :meth:`read`.

        An error leaves what was written before it.
        """
        content = checks.content(data)
        start, count = checks.span(address, len(content), self.pmap.fmt.word_bits)
        steps = move(self.ram, start, count, lambda va: self._resolve(va, "write"), content)
        done: None = self.callbacks.complete("write", steps)
        return done

    def _resolve(self, va: int, access: Access) -> MaySleep[int]:
        """The physical address of `va`, after its fault was resolved if it had one.

        What a task that is loaded has at user addresses is no kernel memory: the kernel's tables have nothing there.
        """
        if not self.pmap.layout.is_user(va):
            return (yield from reach_kernel(self.cpus[0], va, access))
        fault = self.pmap.walk(va, access, user=False, controls=self.controls).fault
        assert fault is not None, "the kernel's tables have no user addresses"
        emit = self.door.recorder.emit
        if emit is not None:
            emit((FaultRaised.tag, va, fault.kind, fault.code or 0))
        raise kernel_error("FAULT", f"{Address(va)}: {fault.why}")

    # ---- objects -----------------------------------------------------------------------------

    @operation
    def malloc(self, size: int | str, flags: int | str = M_WAITOK) -> Address:
        """Kernel memory of at least `size` bytes (malloc(9)): an object of a zone, or whole pages beyond 4 KiB.

        0 only under M_NOWAIT.  Zones get their slabs from kmem_malloc and keep empty ones until `uma_reclaim`.

        >>> import vmwidgets as vm
        >>> m = vm.boot("x86-64")
        >>> a, b = m.malloc(100), m.malloc(100)
        >>> a - b
        128
        """
        word, wanted = malloc_flags(flags), checks.whole(size, "size")
        kmem_map = self.kernel.kmem.zones.kmem_map
        if not 0 < wanted <= kmem_map.end - kmem_map.start:
            whole = binary_size(kmem_map.end - kmem_map.start)
            raise Refused(f"size={wanted}: malloc gives 1 byte up to all of kmem_map, {whole}")

        def steps() -> MaySleep[Address]:
            zones = self.kernel.kmem.zones
            address = yield from zones.malloc(wanted, word)
            if address and wanted > LARGEST:
                self.kmem.note(zones.kmem_map, address, zones.large[address], "malloc", "malloc")
            return Address(address)

        result: Address = self.callbacks.complete("malloc", steps())
        return result

    @operation
    def free(self, address: int | str) -> None:
        """Give back what :meth:`malloc` gave (free(9))."""
        start, zones = checks.whole(address, "address"), self.kernel.kmem.zones
        allocations, where = self.kmem.allocations, zones.kmem_map.name
        self._refuse_not_given(start)

        def steps() -> MaySleep[None]:
            end = start + zones.large.get(start, 0)
            with allocations.going(where, start, end, "free"):
                yield from zones.free(start)
            allocations.drop(where, start, end, "free")

        done: None = self.callbacks.complete("free", steps())
        return done

    def _refuse_not_given(self, start: int) -> None:
        zones = self.kernel.kmem.zones
        if start in zones.taken:
            return
        if start not in zones.large:
            raise Refused(f"address={Address(start)} is nothing that m.malloc gave and m.free has not taken back")
        for one in self.kmem.allocations.overlapping(start, start + 1, zones.kmem_map.name):
            if by := self.kmem.allocations.going_by(one):
                raise Refused(f"{one!r} is being freed already: {by} waits for the lock of {zones.kmem_map.name}")

    @operation
    def uma_reclaim(self) -> int:
        """Have the zones give their empty slabs back to kmem_map (`uma_reclaim`); how many bytes they were.

        None while somebody has the lock of kmem_map.
        """
        zones = self.kernel.kmem.zones
        before = zones.kmem_map.size
        zones.reclaim()
        return before - zones.kmem_map.size

    # ---- pages -------------------------------------------------------------------------------

    @operation
    def read_file(self, name: str, size: int | str, *, offset: int | str = 0) -> int:
        """Have `size` bytes of a file from `offset` on in memory; how many pages had to be read.

        Pages of files fill memory that nobody needs yet: the page daemon can take them back at once.
        """
        wanted, first = checks.text_name(name, "name"), checks.aligned(offset, "offset")
        length = checks.whole(size, "size")
        pages = -(-length // PAGE)
        if not 0 < pages <= self.kernel.pages.total_pages:
            most = binary_size(self.kernel.pages.total_pages * PAGE)
            raise Refused(f"size={length}: read at least a byte, and no more than memory holds, {most}")
        steps = self.kernel.kmem.files.read(wanted, first >> PAGE_SHIFT, pages)
        result: int = self.callbacks.complete("read_file", steps)
        return result

    @operation
    def take_pages(self, count: int) -> int:
        """Have somebody else use up to `count` free pages, to make them scarce; how many there were.

        Only free ones, zeroed ones last, not cached ones, and even the very last: this somebody asks for none of the
        kernel's classes.
        """
        taken = 0
        for _ in range(checks.count(count, "count")):
            frame = self.kernel.pages.allocate(owner=OTHERS) if self.kernel.kmem.frames.free else None
            if frame is None:
                break
            self.kernel.kmem.others.append(frame)
            taken += 1
        return taken

    @operation
    def give_pages(self, count: int) -> int:
        """Have that somebody give up to `count` pages back; how many.  Who waits for pages is woken above free_min."""
        others = self.kernel.kmem.others
        given = min(checks.count(count, "count"), len(others))
        for _ in range(given):
            self.kernel.pages.free(others.pop())
        self.kernel.kmem.daemon.freed()
        return given
