"""What the ARM manual says of AArch64's stage 1 (DDI 0487, D5.2 to D5.4, D17.2.37), case by case."""

from __future__ import annotations

import pytest

from tests.engine.mmu.tables import ended, memory
from vmwidgets.engine.memory.ram import Ram
from vmwidgets.engine.mmu.formats.aarch64 import AARCH64, Aarch64Controls, with_granule
from vmwidgets.engine.mmu.walk import walk

ROOT, SECOND, THIRD, LAST = 0x1000, 0x2000, 0x3000, 0x4000
VA = 0x0000_0080_4060_5123
"""Level 0: 1, level 1: 1, level 2: 3, level 3: 5, offset 0x123."""
AF, USER, READ_ONLY, PXN, UXN = 1 << 10, 1 << 6, 1 << 7, 1 << 53, 1 << 54
NO_USER, NO_WRITES, UXN_TABLE, PXN_TABLE = 1 << 61, 1 << 62, 1 << 60, 1 << 59
PAGE = 0x9003 | AF
"""AP 00: the supervisor reads and writes."""


def found(page=PAGE, access="read", user=False, *, upper=(0, 0, 0), va=VA, ram=None, **controls):
    level_0, level_1, level_2 = (table | 3 | bits for table, bits in zip((SECOND, THIRD, LAST), upper, strict=True))
    words = {(ROOT, 1): level_0, (SECOND, 1): level_1, (THIRD, 3): level_2, (LAST, 5): page}
    ram = memory(AARCH64, words) if ram is None else ram
    return walk(ram, AARCH64, ROOT, va, access, user, Aarch64Controls(**controls))


def may(result):
    return tuple(map(str, result.permissions))


def test_four_levels_named_as_the_manual_counts_them():
    result = found()
    assert [(step.level, step.name, step.index) for step in result.steps] == [
        (4, "level 0 descriptor", 1),
        (3, "level 1 descriptor", 1),
        (2, "level 2 descriptor", 3),
        (1, "level 3 descriptor", 5),
    ]
    assert (result.pa, result.page_size) == (0x9123, 4096)


@pytest.mark.parametrize(
    ("place", "block", "size", "pa"),
    [
        ((SECOND, 1), 0x8_C000_0001 | AF, 1 << 30, 0x8_C060_5123),
        ((THIRD, 3), 0x8_00A0_0001 | AF, 1 << 21, 0x8_00A0_5123),
    ],
)
def test_blocks(place, block, size, pa):
    ram = memory(AARCH64, {(ROOT, 1): SECOND | 3, (SECOND, 1): THIRD | 3, place: block})
    result = found(ram=ram)
    assert (result.pa, result.page_size) == (pa, size)


def test_there_are_no_blocks_at_level_0_and_3():
    assert ended(found(ram=memory(AARCH64, {(ROOT, 1): 0x8000_0001 | AF}))) == ("not-present", 4, 0b000100)
    assert ended(found(0x9001 | AF)) == ("not-present", 1, 0b000111)


def test_attributes_of_a_page_are_where_the_manual_has_them():
    """D5.3.3: AttrIndx in bits 4:2, NS in 5, AP[2:1] in 7:6, SH in 9:8, nG in 11; each is given another number."""
    leaf = found(0x9003 | 0b101 << 2 | 1 << 5 | 0b01 << 6 | 0b10 << 8 | AF | 1 << 11 | UXN).steps[-1]
    values = {one.field.name: one.value for one in leaf.decoded}
    wanted = {"AttrIndx": 5, "NS": 1, "AP": 1, "SH": 2, "AF": 1, "nG": 1, "PXN": 0, "UXN": 1}
    assert {name: values[name] for name in wanted} == wanted


@pytest.mark.parametrize("level", range(4))
def test_translation_faults_tell_the_level(level):
    words = {(ROOT, 1): SECOND | 3, (SECOND, 1): THIRD | 3, (THIRD, 3): LAST | 3, (LAST, 5): PAGE}
    place = list(words)[level]
    assert ended(found(ram=memory(AARCH64, {**words, place: 0xFFFC}))) == ("not-present", 4 - level, 0b000100 | level)


AP = {
    0: ("rwx", "--x"),
    USER: ("rw-", "rwx"),  # what user code may write, the supervisor may not fetch
    READ_ONLY: ("r-x", "--x"),
    USER | READ_ONLY: ("r-x", "r-x"),
}


@pytest.mark.parametrize(("ap", "expected"), AP.items())
def test_access_permissions(ap, expected):
    assert may(found(PAGE | ap)) == expected


def test_execute_never():
    assert may(found(PAGE | UXN)) == ("rwx", "---")
    assert may(found(PAGE | PXN | USER | READ_ONLY)) == ("r--", "r-x")


@pytest.mark.parametrize("level", range(3))
@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        (NO_USER, ("rwx", "--x")),  # and so no longer writable by user code: the supervisor may fetch
        (NO_WRITES, ("r-x", "r-x")),
        (UXN_TABLE, ("rw-", "rw-")),
        (PXN_TABLE, ("rw-", "rwx")),
        (NO_USER | UXN_TABLE, ("rwx", "---")),
    ],
)
def test_a_tables_limits_hold_for_all_below(level, limit, expected):
    upper = [0, 0, 0]
    upper[level] = limit
    assert may(found(PAGE | USER, upper=upper)) == expected
    assert found(PAGE | USER, upper=upper).rights.user == expected[1].startswith("r")


def test_wxn():
    assert may(found(PAGE, wxn=True)) == ("rw-", "--x"), "user code may not write, so it may fetch"
    assert may(found(PAGE | USER, wxn=True)) == ("rw-", "rw-")
    assert may(found(PAGE | USER | READ_ONLY, wxn=True)) == ("r-x", "r-x")
    assert may(found(PAGE | USER, upper=(NO_WRITES, 0, 0), wxn=True)) == ("r-x", "r-x")


def test_the_access_flag_comes_before_permission():
    assert ended(found(0x9003 | READ_ONLY, "write")) == ("access-flag", 1, 0b001011)
    assert ended(found(0x9003 | AF | READ_ONLY, "write")) == ("protection", 1, 0b001111)
    result = found(0x9003, ha=True)
    assert (result.pa, result.sets) == (0x9123, (0, 0, 0, AF))


def test_addresses_beyond_the_physical_ones():
    assert ended(found(PAGE | 1 << 44, pa_bits=44)) == ("address-size", 1, 0b000011)
    assert found(PAGE | 1 << 43, pa_bits=44).pa == 0x800_0000_9123
    assert ended(found(0x9003 | 1 << 44, pa_bits=44)) == ("address-size", 1, 0b000011), "before the access flag"
    assert ended(found(upper=(0, 1 << 40, 0), pa_bits=40)) == ("address-size", 3, 0b000001)


class TestHalves:
    """D5.2.1."""

    UPPER = 0xFFFF_0080_4060_5123

    def walk(self, va, **controls):
        words = {
            (ROOT, 1): SECOND | 3,
            (SECOND, 1): 0x4000_0001 | AF,
            (0x7000, 1): 0x8000 | 3,
            (0x8000, 1): 0xC000_0001 | AF,
        }
        return walk(memory(AARCH64, words), AARCH64, ROOT, va, "read", False, Aarch64Controls(ttbr1=0x7000, **controls))

    def test_the_highest_bits_choose_the_root(self):
        assert self.walk(VA).pa == 0x4060_5123
        assert self.walk(self.UPPER).pa == 0xC060_5123

    @pytest.mark.parametrize("va", [0x0001_0080_4060_5123, 0xFFFE_0080_4060_5123, 0x8000_0080_4060_5123])
    def test_anything_else_leads_nowhere(self, va):
        assert ended(self.walk(va)) == ("non-canonical", None, 0b000100)

    def test_a_half_can_be_closed(self):
        assert ended(self.walk(VA, epd0=True)) == ("non-canonical", None, 0b000100)
        assert self.walk(self.UPPER, epd0=True).ok
        assert ended(self.walk(self.UPPER, epd1=True)) == ("non-canonical", None, 0b000100)
        assert self.walk(VA, epd1=True).ok

    @pytest.mark.parametrize("fmt", [AARCH64, with_granule(12, 39), with_granule(14, 47)])
    def test_a_closed_half_is_a_translation_fault_of_level_0_whatever_the_root_is(self, fmt):
        found = walk(Ram(1 << 16), fmt, 0x4000, 0x1000, "read", True, Aarch64Controls(epd0=True))
        fault = found.fault
        assert (fault.kind, fault.code, fault.says) == ("non-canonical", 0b000100, "translation fault, level 0")
        assert found.fault_line.startswith("walks disabled by EPD0, Data Abort")
        assert "EPD0 is 1" in fault.why
        assert fault.syndrome.value & 0x3F == fault.code

    def test_the_levels_of_52_bit_addresses_begin_at_minus_1(self):
        fmt, memory = with_granule(12, 52), Ram(1 << 16)
        expected = [(0x2B, "translation fault, level -1"), (0b000100, "translation fault, level 0")]
        for code, says in expected:
            fault = walk(memory, fmt, 0x4000, 0x1000, "read", True, Aarch64Controls()).fault
            assert (fault.code, fault.says, fault.syndrome.value & 0x3F) == (code, says, code)
            memory.write(0x4000, (0x5000 | 3).to_bytes(8, "little"))  # the root leads on, to an empty table


@pytest.mark.parametrize(
    ("access", "user", "value"),
    [
        ("read", False, 0x25 << 26 | 1 << 25 | 0b000111),
        ("write", True, 0x24 << 26 | 1 << 25 | 1 << 6 | 0b000111),
        ("execute", False, 0x21 << 26 | 1 << 25 | 0b000111),
        ("execute", True, 0x20 << 26 | 1 << 25 | 0b000111),
    ],
)
def test_the_syndrome_register(access, user, value):
    fault = found(0, access, user).fault
    assert (fault.syndrome.register, fault.syndrome.value) == ("ESR_EL1", value)
    assert fault.exception == ("Instruction Abort" if access == "execute" else "Data Abort")


def test_a_table_where_no_memory_is_gives_an_external_abort_on_the_walk():
    ram = memory(AARCH64, {(ROOT, 1): SECOND | 3, (SECOND, 1): 1 << 40 | 3})
    assert found(ram=ram).fault.code == 0b010110
