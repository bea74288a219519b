"""What the ARM manual says of short descriptors (DDI 0406C, B3.5, B3.7, B3.12, B3.13), case by case."""

from __future__ import annotations

import pytest

from tests.engine.mmu.tables import ended, memory
from vmwidgets.engine.mmu.formats.armv7 import ARMV7, Armv7Controls
from vmwidgets.engine.mmu.walk import walk

ROOT, TABLE = 0x4000, 0x8400
VA = 0x0020_5678
"""First level 2, second level 5, offset 0x678."""
SECTION = 0x0030_0C02
"""At 3 MiB; AP 011: everybody reads and writes."""
PAGE = 0x0000_9032
"""A small page at 0x9000, AP 011."""


def found(first, second=0, access="read", user=True, va=VA, **controls):
    ram = memory(ARMV7, {(ROOT, va >> 20): first, (TABLE, va >> 12 & 0xFF): second})
    return walk(ram, ARMV7, ROOT, va, access, user, Armv7Controls(**controls))


def test_small_page():
    result = found(TABLE | 1, PAGE)
    assert (result.pa, result.page_size) == (0x9678, 4096)
    assert [(step.index, step.index_bits) for step in result.steps] == [(2, (31, 20)), (5, (19, 12))]


def test_large_page():
    result = found(TABLE | 1, 0x0007_0031)
    assert (result.pa, result.page_size) == (0x7_5678, 1 << 16)


def test_section():
    result = found(SECTION)
    assert (result.pa, result.page_size) == (0x30_5678, 1 << 20)


def test_a_supersection_has_40_bits_of_address_and_domain_0():
    supersection = 0x1200_0000 | 0x5 << 20 | 1 << 18 | 0xC02 | 0xF << 5  # PA[35:32] = 5, PA[39:36] = 0xF
    result = found(supersection, dacr=0x1)
    assert (result.pa, result.page_size) == (0xF5_1220_5678, 1 << 24)
    assert ended(found(supersection, dacr=0x5555_5554)) == ("domain", 2, 0b01001)


def test_a_supersection_takes_24_bits_of_the_address():
    assert found(0x1000_0000 | 1 << 18 | 0xC02, va=0x7F20_5678).pa == 0x1020_5678


@pytest.mark.parametrize(
    ("first", "second", "answer"),
    [
        (0, 0, ("not-present", 2, 0b00101)),
        (0xFFFF_FFFC, 0, ("not-present", 2, 0b00101)),
        (TABLE | 1, 0, ("not-present", 1, 0b00111)),
        (TABLE | 1, 0xFFFF_FFFC, ("not-present", 1, 0b00111)),
    ],
)
def test_type_00_maps_nothing(first, second, answer):
    assert ended(found(first, second)) == answer


def test_type_11_is_a_section_where_there_is_pxn_and_nothing_elsewhere():
    assert found(SECTION | 1).pa == 0x30_5678
    assert ended(found(SECTION | 1, pxn=False)) == ("not-present", 2, 0b00101)
    assert found(SECTION, pxn=False).pa == 0x30_5678
    assert found(TABLE | 1, PAGE | 1, pxn=False).pa == 0x9678, "in the second level bit 0 is XN"


AP = {
    0b000: ("---", "---"),
    0b001: ("rwx", "---"),
    0b010: ("rwx", "r-x"),
    0b011: ("rwx", "rwx"),
    0b101: ("r-x", "---"),
    0b110: ("r-x", "r-x"),
    0b111: ("r-x", "r-x"),
}
"""B3.7.1: privileged and user."""


@pytest.mark.parametrize(("ap", "may"), AP.items())
def test_access_permissions(ap, may):
    low, high = ap & 3, ap >> 2
    for result in (
        found(0x0030_0002 | low << 10 | high << 15),
        found(TABLE | 1, 0x9002 | low << 4 | high << 9),
        found(TABLE | 1, 0x7_0001 | low << 4 | high << 9),
    ):
        assert tuple(map(str, result.permissions)) == may


@pytest.mark.parametrize(
    ("ap", "may"), [(0b001, AP[0b001]), (0b011, AP[0b011]), (0b101, AP[0b101]), (0b111, AP[0b111])]
)
def test_access_permissions_with_the_access_flag(ap, may):
    """B3.7.1: AP[2:1] says what AP[2:0] does with AP[0] = 1; AP[0] is the flag."""
    word = 0x9002 | (ap & 3) << 4 | (ap >> 2) << 9
    assert tuple(map(str, found(TABLE | 1, word, afe=True).permissions)) == may
    assert ended(found(TABLE | 1, word & ~0x10, afe=True)) == ("access-flag", 1, 0b00110)
    section = 0x0030_0002 | (ap & 2) << 10 | (ap >> 2) << 15
    assert ended(found(section, afe=True)) == ("access-flag", 2, 0b00011)
    flagged = found(TABLE | 1, word & ~0x10, user=False, afe=True, ha=True)
    assert (flagged.pa, flagged.sets) == (0x9678, (0, 0x10)), "SCTLR.HA: the hardware sets it"


def test_execute_never():
    assert ended(found(TABLE | 1, PAGE | 1, "execute")) == ("protection", 1, 0b01111)
    assert ended(found(TABLE | 1, 0x7_0031 | 1 << 15, "execute")) == ("protection", 1, 0b01111)
    assert ended(found(SECTION | 1 << 4, 0, "execute")) == ("protection", 2, 0b01101)


def test_privileged_execute_never_binds_the_supervisor():
    for first, second, level, code in ((SECTION | 1, 0, 2, 0b01101), (TABLE | 1 | 1 << 2, PAGE, 1, 0b01111)):
        assert found(first, second, "execute", user=True).ok
        assert found(first, second, "read", user=False).ok
        assert ended(found(first, second, "execute", user=False)) == ("protection", level, code)


def test_a_fetch_needs_the_right_to_read():
    assert ended(found(TABLE | 1, 0x9012, "execute", user=True)) == ("protection", 1, 0b01111)


@pytest.mark.parametrize(("bits", "code"), [(0b00, 0b01001), (0b10, 0b01001), (0b01, None), (0b11, None)])
def test_the_domain_is_the_first_levels(bits, code):
    section = SECTION | 13 << 5
    answer = 0x30_5678 if code is None else ("domain", 2, code)
    assert ended(found(section, dacr=bits << 26)) == answer
    page = 0x9678 if code is None else ("domain", 1, code + 2)
    assert ended(found(TABLE | 1 | 13 << 5, PAGE, dacr=bits << 26)) == page


def test_a_manager_may_everything_but_use_what_was_never_accessed():
    manager = {"dacr": 0b11, "afe": False}
    assert found(TABLE | 1, 0x9002, "write", **manager).ok, "AP 000"
    assert found(TABLE | 1 | 4, PAGE | 1, "execute", user=False, **manager).ok, "XN and PXN"
    assert ended(found(TABLE | 1, 0x9002, "write", dacr=0b11, afe=True)) == ("access-flag", 1, 0b00110)


def test_order_of_checks():
    """B3.12.2: translation at both levels, access flag, domain, permission."""
    closed = {"dacr": 0, "afe": True}
    assert ended(found(TABLE | 1, 0, **closed)) == ("not-present", 1, 0b00111)
    assert ended(found(TABLE | 1, 0x9002, **closed)) == ("access-flag", 1, 0b00110)
    assert ended(found(TABLE | 1, 0x9212, "write", **closed)) == ("domain", 1, 0b01011)
    assert ended(found(TABLE | 1, 0x9212, "write", afe=True)) == ("protection", 1, 0b01111)


class TestTwoRoots:
    """B3.5.4: TTBCR.N."""

    UPPER = 0x2_0000

    def walk(self, va, n, root=ROOT, **controls):
        words = {(root, va >> 20): SECTION, (self.UPPER, va >> 20): 0x0070_0C02}
        options = Armv7Controls(ttbcr_n=n, ttbr1=self.UPPER, **controls)
        return walk(memory(ARMV7, words), ARMV7, root, va, "read", True, options)

    @pytest.mark.parametrize(("n", "border"), [(1, 0x8000_0000), (2, 0x4000_0000), (7, 0x0200_0000)])
    def test_any_of_the_n_highest_bits_leads_to_ttbr1(self, n, border):
        assert self.walk(border - 0x10_0000, n).pa == 0x30_0000
        assert self.walk(border, n).pa == 0x70_0000
        assert self.walk(0xFFF0_0000, n).pa == 0x70_0000

    @pytest.mark.parametrize("n", [0, 1, 7])
    def test_the_n_highest_bits_are_not_copies_of_the_next_one(self, n):
        assert not ARMV7.address_split(Armv7Controls(ttbcr_n=n)).signed

    def test_without_n_all_is_ttbr0s(self):
        assert self.walk(0xFFF0_0000, 0).pa == 0x30_0000

    def test_the_table_of_ttbr0_is_smaller_that_of_ttbr1_is_not(self):
        lower = self.walk(0x0120_0000, 7, root=0x4080).steps[0]  # 32 descriptors, 128 bytes
        assert (lower.index_bits, lower.pa) == ((24, 20), 0x4080 + 4 * 0x12)
        assert self.walk(0x0220_0000, 7).steps[0].index_bits == (31, 20)

    def test_walks_can_be_forbidden(self):
        assert ended(self.walk(0x10_0000, 1, pd0=True)) == ("not-present", None, 0b00101)
        assert self.walk(0x8000_0000, 1, pd0=True).ok
        assert ended(self.walk(0x8000_0000, 1, pd1=True)) == ("not-present", None, 0b00101)
        assert self.walk(0x10_0000, 1, pd1=True).ok


class TestStatusRegisters:
    """B4.1.51 and B4.1.96."""

    def syndrome(self, result):
        told = result.fault.syndrome
        return told.register, told.value, {field.name: value for field, value in told.decoded if value}

    def test_data(self):
        result = found(TABLE | 1 | 13 << 5, 0x9232, "write")
        assert result.fault.exception == "Data Abort"
        assert self.syndrome(result) == ("DFSR", 1 << 11 | 13 << 4 | 0xF, {"FS[3:0]": 15, "domain": 13, "WnR": 1})

    def test_instructions(self):
        result = found(0, 0, "execute")
        assert result.fault.exception == "Prefetch Abort"
        assert self.syndrome(result) == ("IFSR", 5, {"FS[3:0]": 5})

    @pytest.mark.parametrize(("first", "code"), [(None, 0b01100), (0x8000_0001, 0b01110)])
    def test_a_table_where_no_memory_is_gives_an_external_abort(self, first, code):
        ram = memory(ARMV7, {(ROOT, 2): first or 0}, 1 << 20)
        assert walk(ram, ARMV7, ROOT if first else 1 << 21, VA).fault.code == code
