"""Memory that QEMU saved to a file: the same processes and the same tables as in the guest that it was saved from."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import vmwidgets as vm
from tests.real.test_kernel import folder
from vmwidgets import Refused

__all__ = ["folder"]


class Saved(NamedTuple):
    """A kernel that waits in its shell, its file, and its memory in both forms."""

    kernel: Any
    program: Path
    core: Path
    raw: Path


@pytest.fixture
def saved(folder: Path) -> Iterator[Saved]:
    with vm.xv6(folder, options=("LAB=base",)) as k:
        k.go(until="getc", seconds=120)
        core, raw = folder / "memory.elf", folder / "memory.raw"
        k._do(lambda gdb: gdb.monitor(f"dump-guest-memory {core}"))
        k._do(lambda gdb: gdb.monitor(f'pmemsave 0x80000000 {raw_size(core)} "{raw}"'))
        yield Saved(k, folder / "kernel" / "kernel", core, raw)


def raw_size(core: Path) -> int:
    """As many bytes as the core has from 0x8000_0000 on."""
    from elftools.elf.elffile import ELFFile

    with core.open("rb") as file:
        ends = [one["p_paddr"] + one["p_filesz"] for one in ELFFile(file).iter_segments() if one["p_type"] == "PT_LOAD"]
    return int(max(ends)) - 0x8000_0000


def test_processes_and_tables_are_those_of_the_guest(saved: Saved) -> None:
    k = saved.kernel
    for file in (saved.core, saved.raw):
        there = vm.memory_image(file, program=saved.program)
        assert there.processes == k.processes
        assert [one.name for one in there.processes] == ["sh"]
        assert there.runs().ranges == k.runs(k.kernel).ranges
        assert there.runs(there.process("sh")).ranges == k.runs(k.process("sh")).ranges
        walk = there.process(1).walk(0x4000, "write", user=True)
        assert walk.fault is not None
        assert walk.fault.why == k.process(1).walk(0x4000, "write", user=True).fault.why
        assert repr(there) == f"<memory of {file}: 1 process>"
        with pytest.raises(Refused, match=r"no process is called 'cat'; there are: sh \(1\)"):
            there.process("cat")


def test_what_is_no_image_of_this_kernel_is_refused(saved: Saved, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="this is a program, not a memory image"):
        vm.memory_image(saved.program, program=saved.program)
    with pytest.raises(Refused, match=r"has no bytes for physical address 0x8.*base=0x80000000"):
        _ = vm.memory_image(saved.raw, program=saved.program, base=0).processes
    (tmp_path / "empty").touch()
    with pytest.raises(Refused, match="the file is empty"):
        vm.memory_image(tmp_path / "empty", program=saved.program)


def test_the_file_of_another_kernel_is_refused(saved: Saved, tmp_path: Path) -> None:
    sources = tmp_path / "another"
    shutil.copytree(saved.program.parent.parent, sources, ignore=shutil.ignore_patterns("memory.*"))
    (sources / "kernel" / "kernel").unlink()
    subprocess.run(["make", "LAB=cow", "kernel/kernel"], cwd=sources, check=True, capture_output=True)
    with pytest.raises(
        Refused, match=r"memory\.raw has the code of another kernel at 0x8000_0000: give that one's file"
    ):
        vm.memory_image(saved.raw, program=sources / "kernel" / "kernel")


@pytest.mark.parametrize("base", [1, -4096, True, "0x80000000"])
def test_where_memory_begins_is_an_address_of_a_page(base: Any) -> None:
    with pytest.raises(Refused, match=r"write the physical address of the first byte"):
        vm.memory_image("memory.raw", program="kernel", base=base)
