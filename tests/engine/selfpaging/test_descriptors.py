"""The bits of descriptors, against the table in Barrelfish's kernel and against what the walker makes of them."""

from __future__ import annotations

import pytest

from vmwidgets.engine.mmu.formats import FORMATS
from vmwidgets.engine.selfpaging.cpu_driver import ENCODINGS
from vmwidgets.engine.selfpaging.flags import EXECUTE, NOCACHE, READ, WRITE

ARM, X86 = FORMATS["armv7"], FORMATS["x86-64"]


@pytest.mark.parametrize(
    ("flags", "page", "section"),
    [
        (READ | WRITE, 0x03E, 0xC0E),
        (WRITE, 0x03E, 0xC0E),
        (READ, 0x02E, 0x80E),
        (READ | EXECUTE, 0x02E, 0x80E),
        (READ | WRITE | NOCACHE, 0x036, 0xC06),
        (0, 0x00E, 0x00E),
        (EXECUTE, 0x00E, 0x00E),
    ],
)
def test_arm_leaves(flags, page, section):
    assert ENCODINGS[ARM.name].leaf_word(ARM.level(1), 0x1234_5000, flags) == 0x1234_5000 | page
    assert ENCODINGS[ARM.name].leaf_word(ARM.level(2), 0x1230_0000, flags) == 0x1230_0000 | section


def test_arm_table():
    assert ENCODINGS[ARM.name].table_word(ARM.level(2), 0x1234_5400) == 0x1234_5401


@pytest.mark.parametrize(
    ("flags", "bits"), [(READ | WRITE, 0b0111), (READ, 0b0101), (0, 0b0001), (READ | WRITE | NOCACHE, 0b1_0111)]
)
def test_x86_64_leaves(flags, bits):
    assert ENCODINGS[X86.name].leaf_word(X86.level(1), 0x1234_5000, flags) == 0x1234_5000 | bits
    assert ENCODINGS[X86.name].leaf_word(X86.level(2), 0x1220_0000, flags) == 0x1220_0000 | bits | 0x80


def test_x86_64_table():
    assert ENCODINGS[X86.name].table_word(X86.level(3), 0x1234_5000) == 0x1234_5007


@pytest.mark.parametrize(("fmt", "bit"), [(ARM, 1 << 0), (X86, 1 << 63)])
def test_execute_never_is_set_only_as_a_hardening_and_only_without_execute(fmt, bit):
    assert not ENCODINGS[fmt.name].leaf_word(fmt.level(1), 0, READ) & bit
    assert ENCODINGS[fmt.name].leaf_word(fmt.level(1), 0, READ, never=True) & bit
    assert not ENCODINGS[fmt.name].leaf_word(fmt.level(1), 0, READ | EXECUTE, never=True) & bit


def test_other_flags_leave_the_address_and_the_other_bits():
    word = ENCODINGS[X86.name].leaf_word(X86.level(2), 0x1220_0000, READ | WRITE) | 0b110_0000  # accessed, dirty
    assert ENCODINGS[X86.name].with_flags(X86.level(2), word, READ) == word & ~0b10
    section = ENCODINGS[ARM.name].leaf_word(ARM.level(2), 0x1230_0000, READ | WRITE)
    assert ENCODINGS[ARM.name].with_flags(ARM.level(2), section, READ | NOCACHE) == 0x1230_0806
