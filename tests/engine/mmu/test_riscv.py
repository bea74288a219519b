"""What the RISC-V privileged specification says of Sv39 (20211203, 4.3.2 and 4.4), case by case."""

from __future__ import annotations

import pytest

from tests.engine.mmu.tables import ended, memory
from vmwidgets.engine.mmu.formats.riscv import SV39, RiscvControls
from vmwidgets.engine.mmu.walk import walk

ROOT, MIDDLE, LAST = 0x1000, 0x2000, 0x3000
VA = 0x0000_0000_4060_5123
"""VPN[2] 1, VPN[1] 3, VPN[0] 5, offset 0x123."""
V, R, W, X, U, G, A, D = (1 << bit for bit in range(8))
RWX = V | R | W | X | A | D


def pointer(table):
    return table >> 2 | V


def leaf(pa, bits=RWX):
    return pa >> 2 | bits


def found(last=None, access="read", user=False, middle=None, root=None, va=VA, **controls):
    words = {
        (ROOT, 1): pointer(MIDDLE) if root is None else root,
        (MIDDLE, 3): pointer(LAST) if middle is None else middle,
        (LAST, 5): leaf(0x9000) if last is None else last,
    }
    return walk(memory(SV39, words), SV39, ROOT, va, access, user, RiscvControls(**controls))


def may(bits, **controls):
    return tuple(map(str, found(leaf(0x9000, bits), **controls).permissions))


def test_three_levels():
    result = found()
    assert [(step.level, step.name, step.index) for step in result.steps] == [
        (3, "level 2 PTE", 1),
        (2, "level 1 PTE", 3),
        (1, "level 0 PTE", 5),
    ]
    assert result.pa == 0x9123


def test_an_address_of_56_bits():
    assert found(leaf(0xFF_FFFF_FFFF_F000)).pa == 0xFF_FFFF_FFFF_F123


@pytest.mark.parametrize(
    ("words", "size", "pa"),
    [
        ({"root": leaf(0xC000_0000)}, 1 << 30, 0xC060_5123),
        ({"middle": leaf(0x8A0_0000)}, 1 << 21, 0x8A0_5123),
    ],
)
def test_superpages(words, size, pa):
    result = found(**words)
    assert (result.pa, result.page_size) == (pa, size)


@pytest.mark.parametrize(
    ("words", "level"),
    [
        ({"root": leaf(0xC020_0000)}, 3),
        ({"root": leaf(0xC000_1000)}, 3),
        ({"root": leaf(0xE000_0000)}, 3),
        ({"middle": leaf(0x8B0_0000)}, 2),
        ({"middle": leaf(0x8A0_1000)}, 2),
    ],
)
def test_a_misaligned_superpage_is_found_after_its_rights(words, level):
    assert ended(found(**words)) == ("reserved", level, 13)
    assert ended(found(**words, user=True)) == ("protection", level, 13)


@pytest.mark.parametrize(
    ("bits", "supervisor", "user"),
    [
        (V | R, "r--", "---"),
        (V | R | W, "rw-", "---"),
        (V | X, "--x", "---"),
        (V | R | X, "r-x", "---"),
        (V | R | W | X, "rwx", "---"),
        (V | R | W | X | U, "---", "rwx"),
    ],
)
def test_rights(bits, supervisor, user):
    assert may(bits) == (supervisor, user)


def test_sum_opens_user_pages_to_data_never_to_fetches():
    assert may(V | R | W | X | U, sum=True) == ("rw-", "rwx")


def test_mxr_makes_readable_what_is_executable():
    assert may(V | X, mxr=True) == ("r-x", "---")
    assert may(V | X | U, mxr=True, sum=True) == ("r--", "r-x")


@pytest.mark.parametrize("level", [1, 2, 3])
@pytest.mark.parametrize(
    ("word", "kind"),
    [
        (0xFFFF_FFFF_FFFF_FFFE, "not-present"),
        (V | W, "reserved"),
        (V | W | X, "reserved"),
        (leaf(0) | 1 << 54, "reserved"),
        (leaf(0) | 1 << 60, "reserved"),
        (leaf(0) | 1 << 61, "reserved"),
        (leaf(0) | 1 << 63, "reserved"),
    ],
)
def test_what_no_descriptor_may_be(level, word, kind):
    names = {1: "last", 2: "middle", 3: "root"}
    assert ended(found(**{names[level]: word})) == (kind, level, 13)
    assert ended(found(**{names[level]: word}, user=True)) == (kind, level, 13), "rights are looked at later"


@pytest.mark.parametrize("bit", [A, D, U, 1 << 54, 1 << 63])
def test_a_pointer_has_no_a_no_d_no_u(bit):
    assert ended(found(root=pointer(MIDDLE) | bit)) == ("reserved", 3, 13)
    assert ended(found(middle=pointer(LAST) | bit)) == ("reserved", 2, 13)
    assert found(middle=pointer(LAST) | G | 0x300).ok, "G and RSW are free"


def test_a_pointer_at_the_last_level_leads_nowhere():
    assert ended(found(pointer(0x9000))) == ("reserved", 1, 13)


class TestAccessedAndDirty:
    def test_the_hardware_sets_them_with_adue(self):
        assert found(leaf(0x9000, V | R | W)).sets == (0, 0, A)
        assert found(leaf(0x9000, V | R | W), "write").sets == (0, 0, A | D)
        assert found(leaf(0x9000, V | R | W | A | D), "write").sets == (0, 0, 0)

    @pytest.mark.parametrize(
        ("bits", "access", "answer"),
        [
            (V | R | W, "read", ("access-flag", 1, 13)),
            (V | R | W | A, "read", 0x9123),
            (V | R | W | A, "write", ("access-flag", 1, 15)),
            (V | R | W | D, "write", ("access-flag", 1, 15)),
            (V | R | W | A | D, "write", 0x9123),
            (V | R | D, "write", ("protection", 1, 15)),
        ],
    )
    def test_they_fault_with_svade(self, bits, access, answer):
        result = found(leaf(0x9000, bits), access, adue=False)
        assert ended(result) == answer
        assert not any(result.sets)

    def test_misalignment_comes_first(self):
        assert ended(found(middle=leaf(0x1000, V | R), adue=False)) == ("reserved", 2, 13)


@pytest.mark.parametrize(
    ("va", "canonical"),
    [(0x3F_FFFF_FFFF, True), (0x40_0000_0000, False), (0xFFFF_FFC0_0000_0000, True), (0xFFFF_FFBF_FFFF_FFFF, False)],
)
def test_bits_63_to_39_repeat_bit_38(va, canonical):
    assert ended(found(va=va)) == (("not-present", 3, 13) if canonical else ("non-canonical", None, 13))


@pytest.mark.parametrize(
    ("access", "page_fault", "access_fault"), [("execute", 12, 1), ("read", 13, 5), ("write", 15, 7)]
)
def test_causes(access, page_fault, access_fault):
    assert found(0, access).fault.code == page_fault
    assert found(middle=pointer(1 << 50), access=access).fault.code == access_fault, "no memory answers"
