from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.kernel.maps import FIXED, PAGE, RW, Space
from vmwidgets.engine.base.errors import KernelPanic
from vmwidgets.engine.base.protection import pack_flags
from vmwidgets.engine.kernel.x15.vm_map import Request

MASK = 2**64 - 1
ORDER = [
    "offset_without_object", "offset_unaligned", "start_unaligned", "size_zero", "size_unaligned", "wrap",
    "align_below_page", "align_not_pow2", "prot_exceeds_maxprot", "fixed_unaligned",
]  # fmt: skip
TARGET = Space().objects["a"]


def request(**changes):
    fields = {"object": None, "offset": 0, "start": 0x20000, "size": PAGE, "align": 0, "flags": RW}
    return Request(**{**fields, **changes})


WRONG: dict[str, dict[str, Any]] = {
    "offset_without_object": {"object": None, "offset": PAGE},
    "offset_unaligned": {"object": TARGET, "offset": 5},
    "start_unaligned": {"start": 0x20001},
    "size_zero": {"size": 0},
    "size_unaligned": {"size": PAGE + 1},
    "wrap": {"start": 2**64 - PAGE},
    "align_below_page": {"align": 2048},
    "align_not_pow2": {"align": 3 * PAGE},
    "prot_exceeds_maxprot": {"flags": pack_flags(7, 3, 2, 0)},
    "fixed_unaligned": {"start": 0x21000, "align": 2 * PAGE, "flags": RW | FIXED},
}


def test_a_good_request_passes():
    assert request().first_violation(MASK) is None
    assert request(object=TARGET, offset=3 * PAGE).first_violation(MASK) is None
    assert request(start=0, align=1 << 40).first_violation(MASK) is None
    assert request(start=0x22000, align=2 * PAGE, flags=RW | FIXED).first_violation(MASK) is None


@pytest.mark.parametrize("name", ORDER)
def test_each_check_finds_what_it_is_for(name):
    found = request(**WRONG[name]).first_violation(MASK)
    assert found is not None
    assert found[0] == name
    assert len(found[1]) > 8


@pytest.mark.parametrize("first", range(len(ORDER)))
def test_the_first_that_fails_is_told(first):
    """With everything wrong from one check on, that one speaks; those that exclude each other stand aside."""
    assert list(WRONG) == ORDER
    mixed: dict[str, Any] = {}
    for name in reversed(ORDER[first:]):
        mixed |= WRONG[name]
    assert request(**mixed).first_violation(MASK)[0] == ORDER[first]


@pytest.mark.parametrize(("bits", "start", "size", "wraps"), [
    (64, 2**64 - 2 * PAGE, PAGE, False),
    (64, 2**64 - PAGE, PAGE, True),  # the sum is 0, which is not above the start
    (64, PAGE, 2**64 - PAGE, True),
    (32, 2**32 - 2 * PAGE, PAGE, False),
    (32, 2**32 - PAGE, PAGE, True),
    (32, 2**32 - PAGE, 2 * PAGE, True),
])  # fmt: skip
def test_sums_wrap_at_the_words_width(bits, start, size, wraps):
    found = request(start=start, size=size).first_violation(2**bits - 1)
    assert (found and found[0]) == ("wrap" if wraps else None)


@given(st.integers(0, 2**64 - 1))
def test_an_alignment_is_0_or_a_power_of_two_from_a_page_on(align):
    for value in (align, 1 << align % 64):
        found = request(start=0, align=value).first_violation(MASK)
        right = value == 0 or (value >= PAGE and value.bit_count() == 1)
        assert (found is None) == right


def test_debug_builds_panic_before_they_search_and_release_builds_do_not_look():
    space = Space()
    with pytest.raises(KernelPanic, match=r"panic \(size_zero\): size is 0"):
        space.enter(0)
    assert space.find == (0, MASK)
    assert Space(assertions=False).enter(0) == 0x10000
