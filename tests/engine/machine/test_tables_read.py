"""What labs count and say of translations holds for each format, and bad input is one sentence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

import vmwidgets as vm

HEAP = 0x100_0000


def task(name: str, page: str = "") -> Any:
    found = vm.boot(name).task("init")
    found.map.enter("4 MiB", at=HEAP, object=found.machine.object("heap"))
    if page:
        found.map.superpages(HEAP, size="4 MiB", page=page)
    else:
        found.map.wire(HEAP, size="4 MiB")
    return found


@pytest.mark.parametrize(
    ("name", "page", "tables", "descriptors"),
    [
        ("armv7", "", ["16 KiB", "1 KiB", "1 KiB", "1 KiB", "1 KiB"], 1024),
        ("armv7", "64 KiB", ["16 KiB", "1 KiB", "1 KiB", "1 KiB", "1 KiB"], 1024),
        ("armv7", "1 MiB", ["16 KiB"], 4),
        ("x86", "", ["4 KiB", "4 KiB"], 1024),
        ("x86", "4 MiB", ["4 KiB"], 1),
        ("x86-64", "2 MiB", ["4 KiB", "4 KiB", "4 KiB"], 2),
    ],
)
def test_tables_and_descriptors_of_four_mib(name: str, page: str, tables: list[str], descriptors: int) -> None:
    space = task(name, page)
    assert [str(size) for size in space.tables.read_for(HEAP, "4 MiB").values()] == tables
    assert len(space.tables.descriptors(HEAP, "4 MiB")) == descriptors


def test_what_is_not_mapped_has_no_descriptor_and_still_reads_a_table() -> None:
    space = task("armv7", "1 MiB")
    assert space.tables.descriptors(2 * HEAP) == set()
    assert len(space.tables.read_for(2 * HEAP)) == 1


def test_a_fault_in_one_line() -> None:
    space = task("armv7", "1 MiB")
    machine = space.machine
    assert space.walk(HEAP).fault_line == "no fault"
    machine.controls = replace(machine.controls, dacr=machine.controls.dacr & ~3)
    assert space.walk(HEAP).fault_line == "domain, Data Abort 9"
    x86 = task("x86-64")
    x86.map.protect(HEAP, size="4 MiB", prot="r")
    assert x86.walk(HEAP, "write").fault_line == "protection, #PF 0x7 (P, W/R, U/S)"
    assert x86.machine.walk(0x8000_0000_0000, user=True).fault_line == "non-canonical, #GP 0x0"


def test_faults_of_the_last_operation_only() -> None:
    space = task("x86-64")
    assert space.machine.journal.last.faults == []
    space.mmap("8 KiB", at=0x40_0000)
    space.write(0x40_0FFF, b"xy")
    assert space.machine.journal.last.faults == ["not-present", "not-present"]
    space.read(0x40_0FFF, 2)
    assert space.machine.journal.last.faults == []


@pytest.mark.parametrize("name", ["x86", "x86-64", "armv7", "aarch64"])
def test_a_walk_by_hand_reads_what_the_hardware_reads(name: str) -> None:
    space = task(name)
    for step in space.walk(HEAP).steps:
        assert space.tables.descriptor_at(step.pa) == step.value
