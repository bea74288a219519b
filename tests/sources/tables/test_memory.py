"""Memory that was written down in pieces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmwidgets.engine.base.errors import Refused
from vmwidgets.sources.tables.memory import ListedMemory


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
