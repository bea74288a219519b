"""Walks by the names of their levels, and the format that crash's vtop leaves open; all numbers are invented."""

from __future__ import annotations

import re
from typing import Any

import pytest

import vmwidgets as vm

ARM64 = """crash> vtop ffff800008c6f000
VIRTUAL           PHYSICAL
ffff800008c6f000  42a6f000

PAGE DIRECTORY: ffff800009e2e000
   PGD: ffff800009e2e800 => 100000023ffff003
   PUD: ffff0001fffff000 => 100000023fffe003
   PMD: ffff0001ffffe230 => 100000023fffa003
   PTE: ffff0001ffffa378 => 60000042a6f783
  PAGE: 42a6f000
"""
RISCV = """crash> vtop ffffffe000000000
VIRTUAL           PHYSICAL
ffffffe000000000  80200000

  PGD: ffffffff81e04c00 => 20001001
  PMD: ffffffff80004000 => 200800cf
"""
X86 = """crash> vtop ffff888012345678
VIRTUAL           PHYSICAL
ffff888012345678  12345678

PGD DIRECTORY: ffffffff82410000
PAGE DIRECTORY: 2E01067
   PUD: 2E01000 => 2E02067
   PMD: 2E02488 => 12A15063
   PTE: 12A15A28 => 8000000012345163
  PAGE: 12345000
"""
ARM = """crash> vtop c0008000
VIRTUAL   PHYSICAL
c0008000  60008000

PAGE DIRECTORY: c0004000
  PGD: c0007000 => 6000041e
  PMD: c0007000 => 6000041e
 PAGE: 60000000  (1MB)
"""


def only(text: str) -> Any:
    (trap,) = vm.load(text).traps
    return trap


@pytest.mark.parametrize(
    ("text", "name", "pa"),
    [
        (ARM64, "aarch64", 0x42A6_F000), (RISCV, "riscv-sv39", 0x8020_0000), (X86, "x86-64", 0x1234_5678),
        (ARM64.replace("VIRTUAL           PHYSICAL\n", ""), "aarch64", 0x42A6_F000),
        (ARM64.replace("  PAGE: 42a6f000\n", ""), "aarch64", 0x42A6_F000),
        (X86.replace("2E0", "2e0").replace("12A1", "12a1"), "x86-64", 0x1234_5678),
    ],
)  # fmt: skip
def test_vtop_of_crash_is_of_the_processor_whose_descriptors_it_has(text: str, name: str, pa: int) -> None:
    trap = only(text)
    assert (trap.walk.format.split(",")[0], trap.walk.pa) == (name, pa)


@pytest.mark.parametrize(
    "text",
    [
        ARM, ARM64.replace("60000042a6f783", "60000042a6e783"), X86.replace("8000000012345163", "8000000012346163"),
        X86.replace("2E01067", "2E01066"),
    ],
)  # fmt: skip
def test_no_walk_contradicts_the_physical_address_that_the_text_states(text: str) -> None:
    pasted = vm.load(text)
    (trap,) = pasted.traps
    stated = int(text.split()[6], 16)
    assert (trap.walk, trap.refused, pasted.tables) == (None, "", ())
    assert f"at physical {vm.Address(stated)}" in trap.says


X86_WALK = (
    ("PML4", 0x100, 0x202B063), ("PDPT", 0, 0x202C063), ("PD", 0x19, 0x202D063), ("PT", 1, 0x8000_0000_1234_5163),
)  # fmt: skip
LINUX_WALK = (("PGD", 0, 0x21FDA801), ("PMD", 1, 0x21FDA401), ("PTE", 0x1A, 0x21FDAC1F))
DOWN = (("L2", 0, 0x21FDA801), ("L1", 1, 0x21FDA401), ("L0", 0x1A, 0x21FDAC1F))
UP = (("L0", 0, 0x4252_1003), ("L1", 1, 0x4252_2003), ("L2", 0x1A, 0x4252_3003), ("L3", 3, 0x60_0000_4252_A703))
DRESSES = ("{}[{:#x}] = {:#018x} present", "{}[{:#05x}]: {:#x}", "  {} [{:#x}] -> {:#x}", "{}[{:#x}] => {:016x}",
           "{} [{}] = {:#X}", "E:   {}[{:03}] @ 0x80031010 = {:#018x}")  # fmt: skip


@pytest.mark.parametrize(
    ("walk", "address", "pa"),
    [
        (X86_WALK, 0xFFFF_8000_0320_1000, 0x1234_5000), (LINUX_WALK, 0x21_A000, 0x87F6_B000),
        (DOWN, 0x21_A000, 0x87F6_B000), (UP, 0x4340_3000, 0x4252_A000),
    ],
)  # fmt: skip
@pytest.mark.parametrize("dress", DRESSES)
def test_a_walk_by_the_names_of_its_levels_in_any_dress(walk: Any, address: int, pa: int, dress: str) -> None:
    lines = "".join(dress.format(*one) + "\n" for one in walk)
    for text in (lines, f"walk of {address:#x}:\n{lines}", lines.lower(), lines + "phys addr: " + hex(pa) + "\n"):
        trap = only(text)
        assert (trap.address, trap.walk.pa) == (address, pa)
    other = vm.load(f"{lines}phys addr: {pa + 0x5000:#x}\n")
    assert (other.traps[0].walk, other.tables) == (None, ())


def test_a_walk_that_ends_at_an_absent_descriptor() -> None:
    text = (
        "".join(f"{name}[{index:#05x}] = {word:#018x}\n" for name, index, word in X86_WALK[:2]) + "PD  [0x019] = 0x0\n"
    )
    trap = only(text)
    assert trap.walk.fault.kind == "not-present"
    assert re.search("not mapped: the PDE is 0x0", trap.says)


@pytest.mark.parametrize(
    "text",
    [
        "PT[0] = 0x1003\nPT[1] = 0x2003\nPT[2] = 0x3003\n",  # a table's descriptors
        "PML4[0] = 0x1067\nPDPT[0] = 0x2067\nPD[0] = 0x3067\nPT[0] = 0x4067\nPT[1] = 0x5067\n",
        "PGD[0] = 0x1003\nPUD[0] = 0x2003\nPMD[0] = 0x3003\nPTE[0] = 0x4003\n",  # AArch64's, or x86's that was not used
        "PGD[0] = 0x21fda801\nPTE[0] = 0x21fdac1f\n",
        "walk of 0x5000\nPML4[1] = 0x1067\nPDPT[0] = 0x2067\n",  # has index 0
    ],
)
def test_other_lists_of_descriptors_are_no_walks(text: str) -> None:
    with pytest.raises(vm.Refused):
        vm.load(text)


def test_descriptors_below_a_named_address_are_a_walk_and_no_fault() -> None:
    line = "PGD 2d7015067 P4D 2d7015067 PUD 2d7017067 PMD 1088d4067 PTE 106923061\n"
    trap = only(f"fun at ffffffffc1075040 with mapping:\n{line}done\n")
    assert (trap.means, trap.walk.pa) == ("page walk", 0x1_0692_3040)
    with pytest.raises(vm.Refused, match="does not name their address"):
        vm.load(line)
