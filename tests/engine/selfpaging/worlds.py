"""A small world for a program's capabilities: RAM, a page allocator, a CPU driver, slots."""

from __future__ import annotations

from typing import Any, NamedTuple

from vmwidgets.engine.base.recorder import Recorder
from vmwidgets.engine.memory.pages import PageAllocator
from vmwidgets.engine.memory.ram import Ram
from vmwidgets.engine.mmu.formats import FORMATS
from vmwidgets.engine.selfpaging.capabilities import (
    FRAME_CNODE,
    PAGE_CNODE,
    ROOT_TABLE,
    SLOT_CNODE,
    Cspace,
    SlotAllocator,
)
from vmwidgets.engine.selfpaging.cpu_driver import CpuDriver, PageMemory
from vmwidgets.engine.selfpaging.domain_schema import CapRef

FIRST_FRAME, FRAMES = 256, 4096
ROOTS = {"armv7": "VNode_ARM_l1", "x86-64": "VNode_x86_64_pml4"}


class World(NamedTuple):
    """What a test looks at."""

    kernel: CpuDriver
    slots: SlotAllocator
    pages: PageAllocator
    ram: Ram
    flushes: list[int]

    def word(self, table: CapRef, entry: int) -> int:
        """A descriptor, from RAM."""
        width = self.kernel.fmt.entry_width
        return self.ram.read_word(self.kernel.cspace.lookup(table).object.base + entry * width, width)

    def table(self, kind: str) -> CapRef:
        """A new table in a new slot."""
        ref = self.slots.allocate()
        self.kernel.vnode_create(ref, kind)
        return ref

    def put(self, table: CapRef, source: CapRef, entry: int, flags: int = 3, offset: int = 0, count: int = 1) -> CapRef:
        """Map; the Mapping's slot."""
        ref = self.slots.allocate()
        self.kernel.vnode_map(table, source, entry, flags, offset, count, ref)
        return ref

    @property
    def used(self) -> int:
        """Frames of RAM in use."""
        return self.pages.total_pages - self.pages.free_pages

    def state(self) -> Any:
        """All that a refused call must leave as it was."""
        slots = {
            name: {at: (one.id, one.rights, str(one.object)) for at, one in cnode.capabilities.items()}
            for name, cnode in self.kernel.cspace.cnodes.items()
        }
        tables = {
            one.base: self.ram.read(one.base, one.bytes)
            for one in self.kernel.database.objects.values()
            if one.kind.is_table
        }
        return slots, tables, self.used


def world(architecture: str = "armv7", *, slots: int = 128, first: int = 0, root: bool = True, **options: Any) -> World:
    """A program with nothing but its root table; `options` are quirks, hardening, ram_pages_only, foreign."""
    recorder, ram = Recorder(), Ram((FIRST_FRAME + FRAMES) * 4096)
    pages = PageAllocator(Recorder(), FIRST_FRAME, FRAMES)
    memory, cspace, flushes = PageMemory(pages, "test"), Cspace(), []
    cspace.add(PAGE_CNODE, 4, own=not options.pop("foreign", False))
    cspace.add(SLOT_CNODE, first + slots)
    cspace.add(FRAME_CNODE, 32)
    only = options.pop("ram_pages_only", False)
    fmt = FORMATS[architecture]
    kernel = CpuDriver("test", cspace, ram, fmt, memory, recorder, flush=lambda: flushes.append(1), **options)
    kernel.ram_pages_only = only
    allocator = SlotAllocator(recorder, "test", cspace.cnodes[SLOT_CNODE], first, slots)
    made = World(kernel, allocator, pages, ram, flushes)
    if root:
        made.kernel.vnode_create(ROOT_TABLE, ROOTS[architecture])
    return made
