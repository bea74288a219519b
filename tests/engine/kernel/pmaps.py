"""A kernel's pmap to try things on, and what it reports."""

from __future__ import annotations

from typing import Any

from vmwidgets.engine.base.recorder import Recorder
from vmwidgets.engine.kernel.pmap.pmap import Pmap
from vmwidgets.engine.kernel.pmap.spaces import KernelPmap
from vmwidgets.engine.kernel.pmap.table_space import PmapLayout
from vmwidgets.engine.memory.pages import PageAllocator
from vmwidgets.engine.memory.ram import Ram
from vmwidgets.engine.mmu.formats.x86 import X86_64

KERNEL = 0xFFFF_8080_0000_0000
WINDOW = 0xFFFF_8000_0000_0000
WIDE = PmapLayout(X86_64, KERNEL, 0xFFFF_FFFF_8000_0000, 0x8000_0000_0000, WINDOW)
NARROW = PmapLayout(X86_64, 0xC040_0000, 0xFC00_0000, 0xC000_0000)
TINY = PmapLayout(X86_64, 0x2_0000, 0x6_0000, 0x1_0000)
MIB2 = 1 << 21
READ, WRITE, EXECUTE = 1, 2, 4


def boot(layout=WIDE, frames=64, **options):
    recorder = Recorder()
    pages = PageAllocator(recorder, 16, frames)
    kernel = KernelPmap(Ram(1 << 24), pages, layout, recorder, **options)
    return kernel, pages


def recorded(pmap, *kinds):
    events = []
    pmap.recorder.emit = lambda raw: events.append(raw) if raw[0] in kinds else None
    return events


def used(pages):
    return pages.total_pages - pages.free_pages


def tables_of(pmap: Pmap) -> tuple[Any, ...]:
    """Each table with its words, and the spares."""
    root, below = (pmap.fmt.table_bytes(level) for level in (pmap.fmt.root_level, pmap.fmt.level(1)))
    words = {table: pmap.ram.read(table, root if table == pmap.root else below) for table in pmap.tables}
    return pmap.root, words, dict(pmap.tables.spares)
