"""Walks a second, format by format, beside Unicorn's `vmem_translate` in the same run.

Each walks the same tables: 64 MiB of 4 KiB pages, mapped out of order.  Unicorn is called from Python as its library is
made to be called, one address a call; it may keep translations from one call to the next, as it does by itself.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from random import Random
from time import perf_counter
from typing import Any, NamedTuple

from unicorn.unicorn_py3 import unicorn as binding

from tests.engine.mmu.unicorn_cpus import CPUS
from vmwidgets.engine.base.recorder import Recorder
from vmwidgets.engine.memory.ram import Ram
from vmwidgets.engine.mmu.editor import TableEditor
from vmwidgets.engine.mmu.format import TableFormat
from vmwidgets.engine.mmu.formats import FORMATS
from vmwidgets.engine.mmu.tables_schema import Rights
from vmwidgets.engine.mmu.walk import walk

from .table import rate, ratio, table

PAGES = 16_384
START, ROOT, TABLES = 0x4000_0000, 0x10_0000, 0x20_0000
CONTROLS = {
    **dict.fromkeys(("wp", "smep", "smap", "ac", "afe", "pd0", "pd1", "epd0", "epd1", "wxn", "sum", "mxr"), False),
    "nxe": True,
    "dacr": 1,
    "ttbcr_n": 0,
    "ttbr1": 0,
}


class Rates(NamedTuple):
    """Translations a second."""

    walks: float
    unicorn: float


def mapped(fmt: TableFormat[Any], pages: int = PAGES) -> Ram:
    """Memory with tables that map `pages` pages from START on, for the supervisor."""
    ram = Ram(1 << 33)
    editor: TableEditor[Any] = TableEditor(ram, fmt, Recorder())
    free = TABLES
    places = list(range(pages))
    Random(5).shuffle(places)
    for number, place in enumerate(places):
        slot = editor.find(ROOT, START + number * 4096)
        while slot.level.number > 1:
            editor.refer(slot, free, Rights())
            free += 0x1000
            slot = editor.find(ROOT, slot.va)
        editor.write(slot, fmt.leaf_word(slot.level, 0x8000_0000 + place * 4096, Rights(user=False)))
    return ram


def best(work: Callable[[], int], seconds: float) -> float:
    """Return how many a second `work` does, of which each call does as many as it says: the best of many calls."""
    fastest, end = 0.0, perf_counter() + seconds
    while not fastest or perf_counter() < end:
        begun = perf_counter()
        done = work()
        fastest = max(fastest, done / (perf_counter() - begun))
    return fastest


def measure_format(name: str, seconds: float) -> Rates:
    """One format: its walker, and Unicorn."""
    fmt = FORMATS[name]
    ram = mapped(fmt)
    chance = Random(5)
    few = [START + chance.randrange(PAGES * 4096) for _ in range(2_000)]
    cpu = CPUS[name](name, 0x80_0000, False)
    cpu.uc.mem_write(ROOT, ram.read(ROOT, 0x40_0000))
    cpu.load(ROOT, CONTROLS)
    assert [walk(ram, fmt, ROOT, va).pa for va in few] == [_unicorn(cpu, va) for va in few], "the same answers"

    def walks() -> int:
        for va in few:
            walk(ram, fmt, ROOT, va)
        return len(few)

    def unicorns() -> int:
        call, handle, found = binding.uclib.uc_vmem_translate, cpu.uc._uch, ctypes.byref(ctypes.c_uint64(0))
        for va in few:
            call(handle, ctypes.c_uint64(va), 1, found)
        return len(few)

    return Rates(best(walks, seconds), best(unicorns, seconds))


def _unicorn(cpu: Any, va: int) -> int | None:
    pa: int | None = cpu.answer(va, "read").pa
    return pa


def measure(names: Sequence[str] = tuple(FORMATS), seconds: float = 1.0) -> dict[str, Rates]:
    """All formats."""
    return {name: measure_format(name, seconds) for name in names}


def report(found: dict[str, Rates]) -> str:
    """The table."""
    rows = [[name, rate(one.walks), rate(one.unicorn), ratio(one.walks / one.unicorn)] for name, one in found.items()]
    note = "a walk tells every step, field and right; Unicorn tells the address"
    return table("Translations a second, 4 KiB pages", ["format", "walks", "Unicorn", "walks / Unicorn"], rows, note)
