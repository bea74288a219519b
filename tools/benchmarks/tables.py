"""What page tables cost: entering and removing a page by format, and bytes of tables a mapped page."""

from __future__ import annotations

from time import process_time

import vmwidgets as vm
from vmwidgets.engine.base.protection import READ, WRITE
from vmwidgets.engine.mmu.formats import FORMATS

from .table import table

PAGES = 4096
"""16 MiB, side by side."""

PLACE = 64 * vm.MIB


def pmap_of(name: str) -> vm.Machine:
    """A machine of an architecture, with a task whose tables are tried."""
    m = vm.boot(name, ram="128 MiB")
    m.task("init")
    m.recorder.emit = None  # the tables alone are measured
    return m


def cost(name: str, pages: int) -> tuple[float, float, float]:
    """Microseconds of processor time to enter and to remove a page, and bytes of tables a mapped page."""
    pmap = pmap_of(name).task("init").space.pmap
    before = sum(1 for _ in pmap.tables)
    sizes = pmap.tables.bytes_used
    begun = process_time()
    for number in range(pages):
        pmap.enter(PLACE + number * vm.PAGE, PLACE + number * vm.PAGE, READ | WRITE)
    entered = process_time() - begun
    grown = pmap.tables.bytes_used - sizes
    begun = process_time()
    for number in range(pages):
        pmap.remove(PLACE + number * vm.PAGE, PLACE + (number + 1) * vm.PAGE)
    removed = process_time() - begun
    assert sum(1 for _ in pmap.tables) == before, "empty tables have gone"
    return 1e6 * entered / pages, 1e6 * removed / pages, grown / pages


def large(name: str) -> tuple[int, float]:
    """The largest page of up to 4 MiB, and bytes of tables for each 4 KiB of the same range mapped with it."""
    size = max(one for one in FORMATS[name].page_sizes if one <= 4 * vm.MIB)
    pmap = pmap_of(name).task("init").space.pmap
    before = pmap.tables.bytes_used
    for place in range(PLACE, PLACE + PAGES * vm.PAGE, size):
        pmap.enter(place, place, READ | WRITE, size)
    return size, (pmap.tables.bytes_used - before) / PAGES


def report(quick: bool) -> str:
    """The table."""
    rows = []
    for name in FORMATS:
        enter, remove, held = cost(name, PAGES // 8 if quick else PAGES)
        size, dense = large(name)
        rows.append([name, f"{enter:.0f}", f"{remove:.0f}", f"{held:.2f}", f"{size >> 10:,} KiB", f"{dense:.2f}"])
    header = ["format", "µs to enter", "µs to remove", "bytes a page", "large page", "bytes a page"]
    note = "bytes of tables for each 4 KiB mapped, without the spare table that each large page keeps"
    return table(f"Page tables of {PAGES * vm.PAGE >> 20} MiB side by side", header, rows, note)
