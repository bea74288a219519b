"""Parts of the engine that are made or asked without a machine: bad value × door, one sentence each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import vmwidgets as vm
from vmwidgets.engine.base.errors import Refused
from vmwidgets.engine.base.recorder import Recorder
from vmwidgets.engine.base.units import PAGE, Address, Size, parse_address
from vmwidgets.engine.kernel.pmap.table_space import PmapLayout
from vmwidgets.engine.memory.costs import EffectiveAccessTime
from vmwidgets.engine.memory.pages import PageAllocator
from vmwidgets.engine.memory.pages_schema import MAX_ORDER
from vmwidgets.engine.memory.ram import Ram
from vmwidgets.engine.memory.slabs import slab_layout
from vmwidgets.engine.mmu.formats.x86 import PD, PML4, PT, X86_64
from vmwidgets.engine.mmu.tables import PageTables
from vmwidgets.engine.mmu.tables_schema import Rights
from vmwidgets.engine.mmu.tlb import Tlb
from vmwidgets.engine.mmu.walk import walk

RAM = Ram(4 * PAGE)
TABLES: PageTables[Any] = PageTables("empty", RAM, X86_64, PAGE)
UPPER = 0xFFFF_8080_0000_0000
LAST = 0xFFFF_FFFF_8000_0000

ROWS: list[tuple[Callable[[Any], object], str, list[Any]]] = [
    (Size, r"is not a size; write bytes or, for example, '64 MiB' or '3 pages'$",
     ["64 Mbit", "1.1 MB", "4 apples", "9999999999 PB", "k"]),
    (Size, "as a whole number or a string", [None, 2.5, b"1", [1]]),
    (Address, "as a whole number or a string", [None, 2.5, b"1", [1]]),
    # as hexadecimal digits, `a` would be another place than the variable's
    (parse_address, "is not an address: .*a variable has no quotes", ["a", "cafe", "bad", "a1", "f00", "stack"]),
    *(
        (lambda value, name=name: vm.Costs(**{name: value}), rf"^{name}=.*: write a time in nanoseconds, from 0 on$",
         [-1, "fast", None, True, float("nan"), float("inf"), 10**400, [1]])
        for name in ("tlb", "memory", "minor", "major")
    ),
    *(
        (lambda counts: EffectiveAccessTime(vm.Costs(), *counts), says, [counts])
        for counts, says in (
            ((-1, 0, 0, 0, 0), "accesses=-1: write a count"),
            ((10, 0, 2.5, 0, 0), "walk_references=2.5"),
            ((10, True, 0, 0, 0), "tlb_hits=True"),
            ((10, 11, 0, 0, 0), "tlb_hits=11 of 10 accesses"),
            ((0, 0, 0, 1, 0), "without accesses"),
        )
    ),
    (PageAllocator(Recorder(), 0, 16).allocate, "from 0 to 10", [-1, MAX_ORDER + 1]),
    (lambda given: PageAllocator(Recorder(), *given), "it needs at least one, from 0 upward$", [(0, 0), (-1, 5)]),
    (Ram, "multiple of 4096", [0, -PAGE, PAGE + 1]),
    (lambda given: slab_layout(*given), "at least 1 byte, and a power of two$", [(0, 8), (-8, 8), (8, 0), (8, 12)]),
    (lambda given: X86_64.leaf_word(given[0], given[1], Rights()), "does not fit",
     [(PT, 0x123), (PD, 0x1000), (PT, 1 << 52), (PD, -(1 << 21))]),
    (lambda level: X86_64.leaf_word(level, 0, Rights()), "a PML4E can't be a leaf", [PML4]),
    (lambda level: X86_64.table_word(level, 0x1000, Rights()), "a PTE can't be a table", [PT]),
    (TABLES.walk, "address", [None, 1.5, True, "", "over there", "9" * 5000, -1, 1 << 64, 1 << 9000, [], b"1"]),
    (lambda access: TABLES.walk(0, access), "it is 'read', 'write' or 'execute'", ["rread", None, 3]),
    (lambda va: walk(RAM, X86_64, PAGE, va, "read"), "does not fit the 64 bits of a register", [-1, 1 << 64]),
    (lambda access: walk(RAM, X86_64, PAGE, 0, access), "it is 'read', 'write' or 'execute'", ["fetch", ""]),
    (lambda given: Tlb(X86_64, sets=given[0], ways=given[1]), "a power of two", [(0, 1), (3, 1), (-4, 1), (1, 0)]),
    *(
        (lambda limits: PmapLayout(X86_64, *limits), says, [limits])
        for limits, says in (
            ((0x2_0000, 0x6_0000, 0x3_0000, None), "the kernel must lie above"),
            ((0x2_0000, 0x2_0000, 0x1_0000, None), "not be empty"),
            ((0x2_0800, 0x6_0000, 0x1_0000, None), "kernel_start=0x20800"),
            ((0x2_0000, 1 << 60, 0x1_0000, None), "kernel_end=0x1000000000000000"),
            ((UPPER, LAST, 0x1000, 0x1000), "window"),
            ((UPPER, LAST, 0x1000, UPPER), "slot .* of its own"),
        )
    ),
]  # fmt: skip  # a table

CASES = [
    pytest.param(call, value, says, id=f"{says.strip('^')[:40]} {row}.{number}")
    for row, (call, says, values) in enumerate(ROWS)
    for number, value in enumerate(values)
]


@pytest.mark.parametrize(("call", "value", "says"), CASES)
def test_a_bad_value_is_refused_in_one_sentence(call: Callable[[Any], object], value: Any, says: str) -> None:
    with pytest.raises(Refused, match=says) as caught:
        call(value)
    assert "\n" not in str(caught.value)
    assert 10 < len(str(caught.value)) < 400
