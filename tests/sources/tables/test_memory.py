"""Memory that was written down: pieces, and images."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmwidgets.engine.base.errors import Refused
from vmwidgets.engine.memory.ram import BusError
from vmwidgets.sources.tables.memory import ImageMemory, ListedMemory, open_image


@given(
    st.dictionaries(st.integers(0, 30), st.binary(max_size=6), max_size=6), st.integers(0, 200), st.sampled_from([4, 8])
)
def test_pieces_read_as_a_plain_memory_would(pieces, pa, width):
    plain = bytearray(400)
    for place, data in pieces.items():
        plain[place * 6 : place * 6 + len(data)] = data
    listed = ListedMemory((place * 6, data.hex()) for place, data in pieces.items())
    assert listed.read_word(pa, width) == int.from_bytes(plain[pa : pa + width], "little")
    assert listed.read(pa, 100) == plain[pa : pa + 100]


def test_memory_has_no_end():
    listed = ListedMemory([((1 << 64) - 4, "01020304")])
    assert listed.read_word((1 << 64) - 8, 8) == 0x0403_0201_0000_0000
    assert listed.read_word(1 << 50, 8) == 0


@pytest.mark.parametrize(
    ("pieces", "why"),
    [
        ([(0x1000, "0011"), (0x1001, "22")], "at 0x1000 and 0x1001 overlap"),
        ([(0x1000, "00"), (0x1000, "00")], "at 0x1000 and 0x1000 overlap"),
        ([(0x1000, "001")], "0x1000 has 3 hexadecimal digits: that is half a byte"),
        ([(0x1000, "00 1")], "0x1000: character 3 is not a hexadecimal digit"),
        ([(0x1000, "0x11")], "character 2 is not a hexadecimal digit"),
        ([(0x1000, "\N{ARABIC-INDIC DIGIT ZERO}" * 2)], "character 1 is not a hexadecimal digit"),
        ([((1 << 64) - 1, "0011")], "ends above 64 bits"),
    ],
)
def test_pieces_that_make_no_sense_are_refused(pieces, why):
    with pytest.raises(Refused, match=why):
        ListedMemory(pieces)


def test_an_image_begins_at_its_base_and_has_an_end(tmp_path):
    path = tmp_path / "dump"
    path.write_bytes(bytes(range(16)))
    image = open_image(path, 0x1000)
    assert image.read_word(0x1008, 8) == 0x0F0E_0D0C_0B0A_0908
    for pa in (0xFFF, 0x1009, 0x8, 1 << 60):
        with pytest.raises(BusError, match=r"which is \[0x1000, 0x1010\)"):
            image.read_word(pa, 8)
    with pytest.raises(Refused, match="does not fit 64 bits"):
        ImageMemory(bytes(16), (1 << 64) - 8)


def test_an_image_can_come_through_a_pipe(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes(b"12345678"))
    writer.start()
    assert open_image(pipe).read(0, 8) == b"12345678"
    writer.join()


def test_an_empty_image_is_refused(tmp_path):
    (tmp_path / "dump").write_bytes(b"")
    with pytest.raises(Refused, match="the image is empty"):
        open_image(tmp_path / "dump")


def test_a_device_without_end_is_refused():
    with pytest.raises(Refused, match="not a file"):
        open_image(Path("/dev/zero"))
