"""Walks of 4 KiB pages by format, beside Unicorn's `vmem_translate`: a walk tells every step, Unicorn the address.

Each walks the same tables: 64 MiB of 4 KiB pages, mapped out of order.  Unicorn is called from Python as its library is
made to be called, one address a call; it may keep translations from one call to the next, as it does by itself.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from random import Random
from typing import Any

from unicorn.unicorn_py3 import unicorn as binding

from tests.engine.mmu.unicorn_cpus import CPUS
from vmwidgets.engine.base.recorder import Recorder
from vmwidgets.engine.memory.ram import Ram
from vmwidgets.engine.mmu.editor import TableEditor
from vmwidgets.engine.mmu.format import TableFormat
from vmwidgets.engine.mmu.formats import FORMATS
from vmwidgets.engine.mmu.tables_schema import Rights
from vmwidgets.engine.mmu.walk import walk

from .measured import Row, fastest

PAGES = 16_384
START, ROOT, TABLES = 0x4000_0000, 0x10_0000, 0x20_0000
CONTROLS = {
    **dict.fromkeys(("wp", "smep", "smap", "ac", "afe", "pd0", "pd1", "epd0", "epd1", "wxn", "sum", "mxr"), False),
    "nxe": True,
    "dacr": 1,
    "ttbcr_n": 0,
    "ttbr1": 0,
}


def mapped(fmt: TableFormat[Any]) -> Ram:
    """Memory with tables that map all pages from START on, for the supervisor."""
    ram = Ram(1 << 33)
    editor: TableEditor[Any] = TableEditor(ram, fmt, Recorder())
    free = TABLES
    places = list(range(PAGES))
    Random(5).shuffle(places)
    for number, place in enumerate(places):
        slot = editor.find(ROOT, START + number * 4096)
        while slot.level.number > 1:
            editor.refer(slot, free, Rights())
            free += 0x1000
            slot = editor.find(ROOT, slot.va)
        editor.write(slot, fmt.leaf_word(slot.level, 0x8000_0000 + place * 4096, Rights(user=False)))
    return ram


def rows(short: bool) -> Iterator[Row]:
    """Microseconds of processor time of a walk, and how many times as long as Unicorn's it takes."""
    for name, fmt in FORMATS.items():
        ram = mapped(fmt)
        chance = Random(5)
        few = [START + chance.randrange(PAGES * 4096) for _ in range(20 if short else 2_000)]
        cpu = CPUS[name](name, 0x80_0000, False)
        cpu.uc.mem_write(ROOT, ram.read(ROOT, 0x40_0000))
        cpu.load(ROOT, CONTROLS)
        assert [walk(ram, fmt, ROOT, va).pa for va in few] == [cpu.answer(va, "read").pa for va in few], "one answer"
        call, handle, found = binding.uclib.uc_vmem_translate, cpu.uc._uch, ctypes.byref(ctypes.c_uint64(0))

        def walks(ram: Ram = ram, fmt: TableFormat[Any] = fmt, few: list[int] = few) -> None:
            for va in few:
                walk(ram, fmt, ROOT, va)

        def unicorns(call: Any = call, handle: Any = handle, found: Any = found, few: list[int] = few) -> None:
            for va in few:
                call(handle, ctypes.c_uint64(va), 1, found)

        ours, theirs = (fastest(work, 1, 1 if short else 20) / len(few) for work in (walks, unicorns))
        yield Row(f"a walk of {name}", ours)
        yield Row(f"{name}: walk / Unicorn", ours / theirs, "")
