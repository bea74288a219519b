"""Tables without a machine: walked by numbers and by digits, and nonsense is one sentence."""

from __future__ import annotations

from vmwidgets.comparisons.formats import compare_formats
from vmwidgets.engine.memory.ram import Ram
from vmwidgets.engine.mmu.formats.x86 import X86_64
from vmwidgets.engine.mmu.tables import PageTables

TABLES = compare_formats([(0x40_0000, "8 KiB")], ["x86-64"]).tables["x86-64"]


def test_digits_are_an_address() -> None:
    assert TABLES.walk("40 1000") == TABLES.walk("0x40_1000") == TABLES.walk(0x40_1000)
    assert TABLES.walk(0x40_1000).pa == 0x40_1000


def test_who_asks_is_as_it_is_said() -> None:
    assert TABLES.walk(0x40_0000).user
    assert not TABLES.walk(0x40_0000, user=False).user
    assert not PageTables("empty", Ram(1 << 20), X86_64, 0x1000).walk(0).user
