"""What Intel's manual says of 32-bit, PAE and five-level paging (SDM 3A, 4.3 to 4.7), case by case."""

from __future__ import annotations

import pytest

from tests.engine.mmu.tables import ended, memory
from vmwidgets.engine.mmu.formats.x86 import X86_32, X86_64_LA57, X86_PAE, X86Controls
from vmwidgets.engine.mmu.walk import walk

ROOT, TABLE, LAST = 0x1000, 0x2000, 0x3000


class Test32Bit:
    VA = 0x0080_5123
    """PDE 2, PTE 5, offset 0x123."""

    def walk(self, pde, pte=0, access="read", user=False, **controls):
        ram = memory(X86_32, {(ROOT, 2): pde, (TABLE, 5): pte})
        return walk(ram, X86_32, ROOT, self.VA, access, user, X86Controls(**controls))

    def test_two_levels_of_ten_bits(self):
        found = self.walk(TABLE | 7, 0x9000 | 7)
        assert [(step.name, step.index, step.index_bits) for step in found.steps] == [
            ("PDE", 2, (31, 22)),
            ("PTE", 5, (21, 12)),
        ]
        assert found.pa == 0x9123

    @pytest.mark.parametrize(
        ("pde", "pa"),
        [
            (0x00C0_0083, 0x00C0_5123),
            (0x00C0_0083 | 1 << 13, 0x1_00C0_5123),  # PSE-36: bit 13 is address bit 32
            (0x00C0_0083 | 1 << 20, 0x80_00C0_5123),  # and bit 20 address bit 39
            (0x00C0_1083, 0x00C0_5123),  # bit 12 is PAT
        ],
    )
    def test_a_4_mib_page_reaches_40_bits(self, pde, pa):
        found = self.walk(pde)
        assert (found.pa, found.page_size) == (pa, 1 << 22)

    @pytest.mark.parametrize(
        ("pde", "maxphyaddr", "answer"),
        [
            (0x00C0_0083 | 1 << 21, 40, ("reserved", 2, 9)),
            (0x00C0_0083 | 1 << 17, 36, ("reserved", 2, 9)),
            (0x00C0_0083 | 1 << 16, 36, 0x8_00C0_5123),
            (0x00C0_0083 | 1 << 13, 32, ("reserved", 2, 9)),
            (0x00C0_0083 | 1 << 20, 52, 0x80_00C0_5123),
        ],
    )
    def test_address_bits_that_the_processor_lacks_are_reserved(self, pde, maxphyaddr, answer):
        assert ended(self.walk(pde, maxphyaddr=maxphyaddr)) == answer

    def test_without_pse_bit_7_means_nothing(self):
        assert self.walk(TABLE | 0x87, 0x9007, pse=False).pa == 0x9123
        assert ended(self.walk(TABLE | 0x87 | 1 << 21, 0, pse=False)) == ("not-present", 1, 0)
        assert self.walk(TABLE | 7, 0x9087, pse=False).pa == 0x9123, "in a PTE bit 7 is PAT"

    def test_fetches_are_told_with_smep_only_and_never_forbidden(self):
        assert ended(self.walk(0, access="execute", nxe=True)) == ("not-present", 2, 0)
        assert ended(self.walk(0, access="execute", smep=True)) == ("not-present", 2, 0x10)
        assert self.walk(TABLE | 7, 0x9007, access="execute", user=True).pa == 0x9123


class TestPae:
    VA = 0xC060_5123
    """PDPTE 3, PDE 3, PTE 5."""

    def walk(self, pdpte, pde=0, pte=0, access="read", user=False, **controls):
        ram = memory(X86_PAE, {(0x1FE0, 3): pdpte, (TABLE, 3): pde, (LAST, 5): pte})
        return walk(ram, X86_PAE, 0x1FE0, self.VA, access, user, X86Controls(**controls))

    def test_the_root_has_four_descriptors_in_32_bytes(self):
        assert X86_PAE.table_bytes(X86_PAE.root_level) == 32
        found = self.walk(TABLE | 1, LAST | 7, 0x9007)
        assert [(step.index, step.index_bits) for step in found.steps] == [(3, (31, 30)), (3, (29, 21)), (5, (20, 12))]
        assert found.pa == 0x9123

    def test_a_pdpte_has_no_rights(self):
        found = self.walk(TABLE | 1, LAST | 7, 0x9007, "write", True)
        assert found.pa == 0x9123
        assert found.permissions.user == (True, True, True)

    @pytest.mark.parametrize("bit", [1, 2, 5, 6, 7, 8, 40, 51, 52, 62, 63])
    def test_reserved_bits_of_a_pdpte(self, bit):
        assert ended(self.walk(TABLE | 1 | 1 << bit)) == ("reserved", 3, 9)

    @pytest.mark.parametrize("bit", [3, 4, 9, 10, 11])
    def test_the_other_bits_of_a_pdpte_are_free(self, bit):
        assert self.walk(TABLE | 1 | 1 << bit, LAST | 7, 0x9007).pa == 0x9123

    @pytest.mark.parametrize("bit", [40, 52, 59, 62])
    def test_address_bits_up_to_62_are_reserved_below(self, bit):
        assert ended(self.walk(TABLE | 1, LAST | 7 | 1 << bit)) == ("reserved", 2, 9)
        assert ended(self.walk(TABLE | 1, LAST | 7, 0x9007 | 1 << bit)) == ("reserved", 1, 9)

    def test_large_pages_need_no_pse(self):
        found = self.walk(TABLE | 1, 0x60_0087, pse=False)
        assert (found.pa, found.page_size) == (0x60_5123, 1 << 21)
        assert ended(self.walk(TABLE | 1, 0x60_2087)) == ("reserved", 2, 9)

    def test_xd_forbids_fetches_or_is_reserved(self):
        words = (TABLE | 1, LAST | 7, 1 << 63 | 0x9007)
        assert ended(self.walk(*words, "execute", True)) == ("protection", 1, 0x15)
        assert ended(self.walk(*words, nxe=False)) == ("reserved", 1, 9)

    @pytest.mark.parametrize(
        ("nxe", "smep", "code"), [(False, False, 0), (True, False, 0x10), (False, True, 0x10), (True, True, 0x10)]
    )
    def test_fetches_are_told_with_nxe_or_smep(self, nxe, smep, code):
        assert ended(self.walk(0, access="execute", nxe=nxe, smep=smep)) == ("not-present", 3, code)

    def test_the_processor_sets_nothing_in_a_pdpte(self):
        assert self.walk(TABLE | 1, LAST | 7, 0x9007, "write").sets == (0, 0x20, 0x60)
        assert self.walk(TABLE | 1, LAST | 0x27, 0x9047, "read").sets == (0, 0, 0x20)


class TestFiveLevels:
    VA = 0x00FE_0000_0000_0123
    """PML5E 254, all other indexes 0."""

    def test_five_levels(self):
        words = {
            (ROOT, 254): TABLE | 7,
            (TABLE, 0): LAST | 7,
            (LAST, 0): 0x4007,
            (0x4000, 0): 0x5007,
            (0x5000, 0): 0x9007,
        }
        found = walk(memory(X86_64_LA57, words), X86_64_LA57, ROOT, self.VA)
        assert [step.name for step in found.steps] == ["PML5E", "PML4E", "PDPTE", "PDE", "PTE"]
        assert found.steps[0].index_bits == (56, 48)
        assert found.pa == 0x9123

    def test_bit_7_of_the_root_is_reserved(self):
        found = walk(memory(X86_64_LA57, {(ROOT, 254): TABLE | 0x87}), X86_64_LA57, ROOT, self.VA)
        assert ended(found) == ("reserved", 5, 9)

    @pytest.mark.parametrize(
        ("va", "canonical"),
        [
            (0x00FF_FFFF_FFFF_FFFF, True),
            (0x0100_0000_0000_0000, False),
            (0xFEFF_FFFF_FFFF_FFFF, False),
            (0xFF00_0000_0000_0000, True),
        ],
    )
    def test_addresses_are_canonical_from_bit_56_up(self, va, canonical):
        found = walk(memory(X86_64_LA57, {}), X86_64_LA57, ROOT, va)
        assert ended(found) == (("not-present", 5, 0) if canonical else ("non-canonical", None, 0))


def test_a_supervisor_write_to_a_read_only_page_without_wp_is_dirty_too():
    ram = memory(X86_32, {(ROOT, 0): TABLE | 1, (TABLE, 0): 0x9001})
    found = walk(ram, X86_32, ROOT, 0, "write", False, X86Controls(wp=False))
    assert (found.pa, found.sets) == (0x9000, (0x20, 0x60))
    assert walk(ram, X86_32, ROOT, 0, "write").sets == (), "a fault sets nothing"
