"""The handles of physical memory: the owners of frames, the object caches and zones, and the kentry area."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from ...base.errors import Refused, in_ascii, shown
from ...base.operations import operation
from ...base.units import PAGE, PAGE_SHIFT, Address, binary_size
from ...kernel.map.core import CachedEntries, MapCore
from ...kernel.pmap.pmap import Pmap
from ...kernel.pmap.pmap_schema import InvertedEntry, InvertedValue, bucket_of
from ...kernel.x15.kentry import KentryArea
from ...kernel.x15.kentry_schema import KentryContents
from ...memory.pages import PageAllocator
from ...memory.pages_schema import (
    MAX_ORDER,
    Block,
    FrameRun,
    FramesValue,
    FrameValue,
    FreeList,
    joined,
    shown_owner,
    state_of,
)
from ...memory.slabs import ObjectCache
from ...memory.slabs_schema import CachesValue, CacheValue, SlabValue
from .. import arguments
from ..arguments import CountArg, SomeArg
from ..system import Part

WHOLE = 600
"""Up to this number of blocks, all are read; beyond it, only the largest blocks and blocks near frames in focus."""

AROUND = 24
"""The number of frames that are read on either side of a frame in focus."""

FOCUS = 32
"""The most frames in focus."""

MOST_BLOCKS = 6
"""The number of free blocks, the largest, that an incomplete value contains."""

MOST_BUCKETS = 64
"""The most buckets of an inverted table."""

MAPPINGS = 8
"""The most addresses that are named for one frame."""


class MachineFrames(Part):
    """The frames of a machine: ``m.frames``."""

    inside = Part.inside | {"beginnings", "behind", "value"}

    @property
    def _pages(self) -> PageAllocator:
        return self.system.pages

    # ---- looking -----------------------------------------------------------------------------

    def owner(self, frame: int) -> str:
        """Return the owner of `frame`; "" if it is free.  O(orders)."""
        return self._pages.owner(self._known(frame)) or ""

    def mapped_at(self, frame: int) -> tuple[tuple[str, Address], ...]:
        """Return the virtual addresses that map `frame`: task or domain ("" for the kernel), and page address.

        This is the reverse map, found by reading all page tables: O(present descriptors).
        """
        wanted = self._known(frame) << PAGE_SHIFT
        with self.door.looking():
            return tuple((name, Address(va)) for name, va in self._leading_to(wanted))

    def behind(self, entry: int) -> tuple[int, ...]:
        """Return the first frames to which the addresses of an entry are translated; `entry` is its ID, in any map.

        O(maps + pages of the entry, up to a few dozen).
        """
        system = self.system
        spaces: list[tuple[MapCore[Any], Pmap]] = [(system.maps["kernel_map"], system.pmap)]
        spaces += [(task.vm_map, task.pmap) for task in system.tasks.values()]
        spaces += [(vm_map, system.pmap) for vm_map in system.kmem_maps.values()]
        for vm_map, pmap in spaces:
            found = vm_map.by_id.get(entry)
            if found is not None:
                return _frames_of(pmap, found.start, found.end)
        return ()

    def frame(self, frame: int) -> FrameValue:
        """Return everything known about one frame; costs as much as :meth:`mapped_at`."""
        number = self._known(frame)
        mapped = self.mapped_at(number)
        page = self.system.kmem.pages.in_use.get(number)
        block = self._pages.block_of(number)
        run = self._run(block) if block is not None else FrameRun(number, 1, "used", "the kernel image")
        return FrameValue(
            number,
            run.state,
            run.owner,
            None if page is None else page.index,
            0 if page is None else page.wired,
            mapped[:MAPPINGS],
            len(mapped),
        )

    def beginnings(self, frames: Iterable[int], length: int = 9) -> dict[int, bytes]:
        r"""Return the first `length` bytes of each frame in `frames`, by frame.  O(frames × length).

        >>> import vmwidgets as vm
        >>> m = vm.boot("x86-64")
        >>> init = m.task("init")
        >>> init.write(init.mmap("4 KiB"), b"hello")
        >>> [one for one in m.frames.beginnings(range(0x1E0, 0x1E4)).values() if one.startswith(b"h")]
        [b'hello\x00\x00\x00\x00']
        """
        return {frame: bytes(self.system.ram.read(self._known(frame) << PAGE_SHIFT, length)) for frame in frames}

    def value(self, focus: Iterable[int] = (), *, whole: int = WHOLE) -> FramesValue:
        """Return frames as a frozen value: all, or beyond `whole` blocks, the surroundings of the frames in `focus`.

        O(shown frames + owners), for any size of memory.
        """
        pages = self._pages
        first, end = pages.segment.buddy.first, pages.segment.buddy.end
        if pages.blocks_known <= arguments.count(whole, "whole"):
            blocks: Iterable[Block] = pages.blocks(first, end - first)
        else:
            blocks = self._some_blocks(focus, first, end)
        counts = self.system.kmem.page_counts
        return FramesValue(counts, self._orders(), self._owners(), tuple(self._runs(blocks)), first, end)

    def inverted(self, buckets: Any = 8) -> InvertedValue:
        """Return the contents that an inverted page table of this machine's tasks would have, shown as a picture.

        The machine has no such table: the entries are read from the machine's reverse map.  A hash of task and page
        puts them into `buckets` chains.  O(pages in memory).

        >>> import vmwidgets as vm
        >>> m = vm.boot("x86")
        >>> a = m.task("init").mmap("1 MiB", at="1 MiB")
        >>> m.task("init").write(a + 5 * vm.PAGE, b"x")
        >>> table = m.frames.inverted()
        >>> table
        <inverted table: 1 page in 8 buckets, 16,384 frames; longest chain 1>
        >>> [
        ...     f"{entry.task}: page {entry.page:#x} in frame {entry.frame:#x}"
        ...     for chain in table.chains
        ...     for entry in chain
        ... ]
        ['init: page 0x105 in frame 0x18a']
        """
        if isinstance(buckets, bool) or not isinstance(buckets, int) or not 1 <= buckets <= MOST_BUCKETS:
            raise Refused(f"buckets={shown(buckets)}: write a number, 1 to {MOST_BUCKETS}")
        chains: list[list[InvertedEntry]] = [[] for _ in range(buckets)]
        reverse = self.system.pmap.reverse
        for frame in reverse.frames():
            owner = shown_owner(self._pages.owner(frame))
            for space, va in reverse.of(frame):
                page = va // PAGE
                chains[bucket_of(space.name, page, buckets)].append(InvertedEntry(space.name, page, frame, owner))
        return InvertedValue(tuple(map(tuple, chains)), self.system.ram.size // PAGE)

    @in_ascii
    def __repr__(self) -> str:
        counts = self.system.kmem.page_counts
        owners = ", ".join(f"{name} {count:,}" for name, count in self._owners()[:6])
        free = f"{counts.free:,} free ({binary_size(counts.free << PAGE_SHIFT)})"
        return f"<{counts.total:,} frames: {free}, {counts.cached:,} cached, {counts.used:,} used; {owners}>"

    # ---- inside ------------------------------------------------------------------------------

    def _known(self, frame: int) -> int:
        number = arguments.frame_number(frame)
        return arguments.within(number, "frame", 0, int(self.system.ram_bytes) >> PAGE_SHIFT, "physical memory")

    def _leading_to(self, physical: int) -> Iterator[tuple[str, int]]:
        system, layout = self.system, self.system.layout
        yield from _leaves(system.pmap, physical, layout.kernel_start, layout.kernel_end, "")
        for task in system.tasks.values():
            yield from _leaves(task.pmap, physical, layout.user_start, layout.user_end, task.name)
        for domain in system.domains.values():
            yield from _leaves(domain.pmap, physical, 0, domain.domain.layout.user_end, domain.path)

    def _orders(self) -> tuple[FreeList, ...]:
        """Return the free blocks by order."""
        buddy = self._pages.segment.buddy
        return tuple(FreeList(order, buddy.count(order), buddy.in_order(order, 4)) for order in range(MAX_ORDER + 1))

    def _owners(self) -> tuple[tuple[str, int], ...]:
        """Return the number of frames of each owner, the largest first; zeroed and cached frames have no owner."""
        owned = [(name, count) for name, count in self._pages.owners if state_of(name) == "used"]
        return tuple(sorted(owned, key=lambda pair: (-pair[1], pair[0])))

    def _some_blocks(self, focus: Iterable[int], first: int, end: int) -> Iterator[Block]:
        """Yield the blocks around frames in focus and at the start of memory, and the largest free blocks, in order."""
        windows = [(first, first + AROUND)]
        windows += [(max(first, frame - AROUND), min(end, frame + AROUND)) for frame in islice(focus, FOCUS)]
        largest = (
            Block(frame, order, "free")
            for order in reversed(range(MAX_ORDER + 1))
            for frame in self._pages.segment.buddy.in_order(order, MOST_BLOCKS)
        )
        windows += [(block.frame, block.frame + block.frames) for block in islice(largest, MOST_BLOCKS)]
        reached = first
        for start, stop in sorted(windows):
            for block in self._pages.blocks(max(start, reached), stop - max(start, reached)):
                yield block
                reached = block.frame + block.frames

    def _runs(self, blocks: Iterable[Block]) -> Iterator[FrameRun]:
        return joined(map(self._run, blocks))

    def _run(self, block: Block) -> FrameRun:
        if block.state != "owned":
            return FrameRun(block.frame, block.frames, block.state)
        page = self.system.kmem.pages.in_use.get(block.frame)
        wired = page is not None and page.wired > 0
        return FrameRun(block.frame, block.frames, state_of(block.owner), shown_owner(block.owner), wired)


def _frames_of(pmap: Pmap, start: int, end: int) -> tuple[int, ...]:
    """Return the frames of the first pages in [start, end) that have frames."""
    pages = range(start, min(end, start + (FOCUS << PAGE_SHIFT)), 1 << PAGE_SHIFT)
    return tuple(physical >> PAGE_SHIFT for va in pages if (physical := pmap.extract(va)) is not None)


def _leaves(pmap: Pmap, physical: int, start: int, end: int, name: str) -> Iterator[tuple[str, int]]:
    for slot in pmap.editor.leaves(pmap.root, start, end):
        if slot.address <= physical < slot.address + slot.span:
            yield name, slot.va + (physical - slot.address)


SLABS = 8
"""The number of slabs of a cache in a value: slabs in focus, then partial, free and full slabs."""


class MachineCaches(Part):
    """All caches (for entries of the kernel map and of other maps, and for kernel memory), and malloc's zones."""

    def __iter__(self) -> Iterator[ObjectCache]:
        """Yield the caches in the order of their creation."""
        kernel = self.system.kernel
        yield from (kernel.kentry_cache, kernel.entry_cache, kernel.kmem.entry_cache)
        yield from (zone.cache for zone in kernel.kmem.zones.zones)

    def value(self, focus: Iterable[int] = (), most: int = SLABS) -> CachesValue:
        """Return the caches as frozen values, each with up to `most` slabs: slabs with buffers in `focus` first.

        O(caches + slabs shown).
        """
        wanted, limit = list(focus), arguments.count(most, "most")
        return CachesValue(tuple(_some(cache, wanted, limit) for cache in self))

    @in_ascii
    def __repr__(self) -> str:
        lines = []
        for cache in self:
            slabs = cache.slab_counts
            size = binary_size(sum(slabs.values()) * cache.layout.slab_size)
            counts = ", ".join(f"{count} {state}" for state, count in slabs.items())
            lines.append(f"  {cache.name:<16} {cache.allocated:>6,} objects, slabs: {counts}, {size}")
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


OPEN_SLABS = 3
"""The most slabs that a picture opens."""


class MachineKentry(Part):
    """The kentry area, from which the kernel map's entries are allocated: its range, its slabs, and their slots."""

    @property
    def area(self) -> KentryArea:
        """The reserved range, slab by slab."""
        return self.system.kernel.kentry

    @property
    def cache(self) -> ObjectCache:
        """The cache of entries that grows in the area."""
        return self.system.kernel.kentry_cache

    @operation
    def reap(self) -> int:
        """Return the free slabs to the area, and their pages to the machine; returns the number of slabs."""
        return self.cache.reap()

    @property
    def start(self) -> Address:
        """The first address of the area."""
        return Address(self.area.start)

    @property
    def room(self) -> int:
        """The number of entries for which the whole area has room."""
        return self.area.slabs * self.cache.layout.buffers

    def contents(self, focus: SomeArg = (), most: CountArg = OPEN_SLABS) -> KentryContents:
        """Return the area as a frozen value with up to `most` open slabs: slabs with slots in `focus` first."""
        opened: dict[int, SlabValue] = {}
        for address in focus:
            slab = self.cache.slab_at(address)
            if slab is not None and len(opened) < most:
                opened[slab] = self.cache.slab_value(slab)
        for value in self.cache.slabs():
            if len(opened) >= most:
                break
            opened.setdefault(value.address, value)
        slots = (
            address
            for slab in opened.values()
            for address in range(
                slab.address + slab.colour, slab.address + self.slab_size, self.cache.layout.buffer_size
            )
        )
        entries = self.system.kernel.kernel_map.entries
        assert isinstance(entries, CachedEntries), "the boot ends with the kentry area in place"
        live = entries.live
        residents = {address: (live[address].id, live[address].start) for address in slots if address in live}
        slabs = tuple(opened[address] for address in sorted(opened))
        cut = self.cache.layout
        names = self.cache.name, self.system.kernel.kernel_map.name
        return KentryContents(self.area.snapshot(), *names, cut.buffers, cut.buffer_size, slabs, residents)

    @property
    def slab_size(self) -> int:
        """The bytes of a slab."""
        return self.cache.layout.slab_size

    @in_ascii
    def __repr__(self) -> str:
        used = (
            f"{self.cache.allocated:,} of {self.room:,} entries in {self.area.allocated:,} of {self.area.slabs:,} slabs"
        )
        return f"<kentry area at {self.start}: {used}, {binary_size(self.area.allocated * self.slab_size)} in memory>"
