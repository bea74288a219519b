"""Backtraces of a kernel in which the clock interrupts a function before it has called the next one."""

from __future__ import annotations

import subprocess
from types import SimpleNamespace
from typing import Any

import pytest

from tests.real.conftest import needed
from vmwidgets.real.code import FP, RA
from vmwidgets.real.follow.stacks import PC, Stacks
from vmwidgets.real.program import Program, Symbol, _up_to_the_next

STACK = 0x8700_0000

CALLED = {"scheduler": 0x100, "fork": 0x200, "uvmcopy": 0x300, "kernelvec": 0x400, "kerneltrap": 0x500, "yield": 0x600}
"""Where each function begins; each is 0x100 bytes long."""


def stacks(processes: Any = None) -> Any:
    def named(at: int) -> str:
        return next((name for name, start in CALLED.items() if start <= at < start + 0x100), "")

    def body(name: str) -> Any:
        return SimpleNamespace(saves_ra=True)

    def variable(path: str) -> Any:
        return SimpleNamespace(address=0)

    code = SimpleNamespace(named=named, body=body, is_called_from=lambda at: at not in CALLED.values())
    program: Any = SimpleNamespace(code=code, function=named, symbols={}, variable=variable, address=lambda name: 0)
    return Stacks(program, processes)


def test_the_function_that_the_clock_interrupted_is_in_the_backtrace():
    """uvmcopy had called mappages, and not yet counted the page: its place is in the ra that kernelvec saved alone."""
    words = {
        STACK + 0x100 - 8: CALLED["kerneltrap"] + 8,  # yield's frame: where it returns to …
        STACK + 0x100 - 16: STACK + 0x200,  # … and the frame of kerneltrap
        STACK + 0x200 - 8: CALLED["kernelvec"] + 8,
        STACK + 0x200 - 16: STACK + 0x400,  # the interrupted function's own s0
        STACK + 0x200: CALLED["uvmcopy"] + 0x42,  # kernelvec's: ra
        STACK + 0x400 - 8: CALLED["fork"] + 8,
    }
    gdb: Any = SimpleNamespace(words=lambda places: [words.get(at, 0) for at in places])
    registers = [0] * 33
    registers[PC], registers[RA], registers[FP] = CALLED["yield"] + 0x10, CALLED["kerneltrap"] + 8, STACK + 0x100
    one = stacks()
    names = one.names(one.of_registers(gdb, registers))
    assert names == ["yield", "kerneltrap", "kernelvec", "uvmcopy", "fork"]


def test_the_place_where_a_process_begins_to_run_was_called_by_nothing():
    """The scheduler jumps to the beginning of forkret, and the compiler's prologue keeps that address as ra."""
    words = {
        STACK + 0x100 - 8: CALLED["uvmcopy"] + 8,
        STACK + 0x100 - 16: STACK + 0x200,
        STACK + 0x200 - 8: CALLED["fork"],
        STACK + 0x200 - 16: STACK + 0x400,
        STACK + 0x400 - 8: CALLED["scheduler"] + 8,
    }
    gdb: Any = SimpleNamespace(words=lambda places: [words.get(at, 0) for at in places])
    registers = [0] * 33
    registers[PC], registers[FP] = CALLED["kerneltrap"] + 0x10, STACK + 0x100
    one = stacks()
    assert one.names(one.of_registers(gdb, registers)) == ["kerneltrap", "uvmcopy"]


def test_a_stack_is_found_by_one_walk_whether_the_kernels_table_maps_it_or_not():
    """A kernel of 2020 whose processes have kernel tables of their own maps no stack in `kernel_pagetable`."""
    stack = (1 << 38) - 3 * 4096  # KSTACK(0) of xv6: indices 255, 511 and 509
    root, middle, last, frame = 0x8700_1000, 0x8700_2000, 0x8700_3000, 0x8700_4000
    leaf = frame >> 12 << 10 | 7
    words = {root + 8 * 255: middle >> 12 << 10 | 1, middle + 8 * 511: last >> 12 << 10 | 1, last + 8 * 509: leaf}
    asked: list[int] = []

    def read(places: list[int]) -> list[int]:
        asked.extend(places)
        return [words.get(at, 0) for at in places]

    gdb: Any = SimpleNamespace(words=read)
    processes: Any = SimpleNamespace(kernel_root=lambda of: root)
    one = stacks(processes)
    assert one._physical(gdb, stack + 0x123) == frame + 0x123
    for _ in range(5):
        assert one._physical(gdb, stack - 2 * 4096) is None
    assert len(asked) == 3 + 5 * 3


def test_a_function_in_assembly_ends_where_the_next_symbol_begins():
    symbols = [
        Symbol("kernelvec", 0x400, 0), Symbol("plicinit", 0x45C, 20), Symbol("userret", 0x500, 0),
        Symbol("etext", 0x600, 0), Symbol("kmem", 0x700, 64),
    ]  # fmt: skip  # in order of address
    found = {one.name: one.size for one in _up_to_the_next(symbols, range(0x400, 0x600))}
    assert found == {"kernelvec": 0x5C, "plicinit": 20, "userret": 0x100, "etext": 0, "kmem": 64}


def test_code_without_lines_has_no_line_of_the_unit_before(tmp_path):
    """Assembly that is built without debugging information lies behind a file in C that has it."""
    needed("riscv64-linux-gnu-gcc")
    pytest.importorskip("elftools", reason="pyelftools is not installed: vmwidgets[kernels]")
    (tmp_path / "one.c").write_text("int first(void)\n{\n  return 1;\n}\n")
    (tmp_path / "two.S").write_text(".globl second\nsecond:\n  nop\n  nop\n  ret\n")
    tool = ["riscv64-linux-gnu-gcc", "-nostdlib", "-ffreestanding", "-fno-pie", "-no-pie"]
    subprocess.run([*tool, "-g", "-gdwarf-2", "-c", "one.c"], cwd=tmp_path, check=True)
    subprocess.run([*tool, "-c", "two.S"], cwd=tmp_path, check=True)
    link = ["-Wl,--build-id=none,-Ttext=0x80000000,-e,first", "-o", "kernel", "one.o", "two.o"]
    subprocess.run([*tool, *link], cwd=tmp_path, check=True)
    program = Program(tmp_path / "kernel")
    assert str(program.line(program.address("first"))) == "one.c:2"
    second = program.address("second")
    assert [program.line(at) for at in (second, second + 2, second + 4)] == [None] * 3
    assert program.function(second) == "second"


SPLIT = """#include "place.h"
int pages;
static void split(int *from)
{
  pages = here(from);
}
void unmap(int *from)
{
  pages = 0;
  split(from);
}
"""


def test_a_function_that_the_compiler_inlined_has_its_name_and_its_line(tmp_path):
    """One of a header, which stands for an instruction, has neither: it is at the line that calls it."""
    needed("riscv64-linux-gnu-gcc")
    pytest.importorskip("elftools", reason="pyelftools is not installed: vmwidgets[kernels]")
    (tmp_path / "place.h").write_text("static inline int here(int *from)\n{\n  return *from;\n}\n")
    (tmp_path / "one.c").write_text(SPLIT)
    tool = ["riscv64-linux-gnu-gcc", "-nostdlib", "-ffreestanding", "-fno-pie", "-no-pie", "-O1", "-g", "-gdwarf-2"]
    tool.append("-mcmodel=medany")
    link = ["-Wl,--build-id=none,-Ttext=0x80000000,-e,unmap", "-o", "kernel", "one.c"]
    subprocess.run([*tool, *link], cwd=tmp_path, check=True)
    program = Program(tmp_path / "kernel")
    body = range(program.address("unmap"), program.address("unmap") + program.symbols["unmap"].size, 2)
    found = {tuple((one.name, str(one.line)) for one in program.frames(at)) for at in body}
    assert (("split", "one.c:5"), ("unmap", "one.c:10")) in found
    assert {"split", "unmap"} == {name for frames in found for name, _ in frames}
