"""Images of memory: plain bytes, and ELF cores of any processor."""

from __future__ import annotations

import os
import struct
import threading
from pathlib import Path

import pytest

from vmwidgets.engine.base.errors import Refused
from vmwidgets.engine.memory.ram import BusError
from vmwidgets.real.image import saved_memory


def core(kind: int, machine: int, pieces: list[tuple[int, bytes]]) -> bytes:
    """An ELF file of 64 bits with these pieces of physical memory (System V ABI, chapters 4 and 5)."""
    head = struct.pack(
        "<16sHHIQQQIHHHHHH",
        b"\x7fELF\x02\x01\x01", kind, machine, 1, 0, 64, 0, 0, 64, 56, len(pieces), 0, 0, 0,
    )  # fmt: skip
    at, table = 64 + 56 * len(pieces), b""
    for start, data in pieces:
        table += struct.pack("<IIQQQQQQ", 1, 7, at, 0, start, len(data), len(data), 0)
        at += len(data)
    return head + table + b"".join(data for _, data in pieces)


CORE, PROGRAM, X86_64, RISCV = 4, 2, 62, 243


def test_an_image_begins_at_its_base_and_has_an_end(tmp_path: Path) -> None:
    path = tmp_path / "dump"
    path.write_bytes(bytes(range(16)))
    image = saved_memory(path, 0x1000)
    assert image.read_word(0x1008, 8) == 0x0F0E_0D0C_0B0A_0908
    for pa in (0xFFF, 0x1009, 0x8, 1 << 60):
        with pytest.raises(BusError, match=r"which is \[0x1000, 0x1010\)"):
            image.read_word(pa, 8)
    with pytest.raises(Refused, match="does not fit 64 bits"):
        saved_memory(path, (1 << 64) - 8)
    assert saved_memory(path, (1 << 64) - 16).read((1 << 64) - 1, 1) == b"\x0f"


@pytest.mark.parametrize("machine", [X86_64, RISCV])
def test_a_core_says_where_its_pieces_are(machine: int, tmp_path: Path) -> None:
    path = tmp_path / "core"
    path.write_bytes(core(CORE, machine, [(0x10_0000, b"above"), (0, b"below")]))
    image = saved_memory(path)
    assert (image.read(0, 5), image.read(0x10_0001, 4)) == (b"below", b"bove")
    with pytest.raises(BusError, match=r"which is \[0x0, 0x10_0005\)"):
        image.read(5, 1)


def test_an_image_can_come_through_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes(b"12345678"))
    writer.start()
    assert saved_memory(pipe).read(0, 8) == b"12345678"
    writer.join()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "the file is empty"),
        (core(PROGRAM, X86_64, [(0, b"code")]), "this is a program, not a memory image"),
        (core(CORE, X86_64, []), "this core has no memory"),
        (core(CORE, X86_64, [(0, b"cut")])[:-20], "this core is damaged"),
        (b"\x7fELF", "not an ELF file"),
    ],
)
def test_what_is_no_image_is_refused(content: bytes, why: str, tmp_path: Path) -> None:
    path = tmp_path / "dump"
    path.write_bytes(content)
    with pytest.raises(Refused, match=why) as refused:
        saved_memory(path)
    assert str(refused.value).startswith(f"{path}: ")


def test_a_device_without_end_is_refused() -> None:
    with pytest.raises(Refused, match="not a file"):
        saved_memory(Path("/dev/zero"))
