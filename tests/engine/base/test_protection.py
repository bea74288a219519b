from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmwidgets.engine.base import protection as flag
from vmwidgets.engine.base.errors import Refused


@given(
    st.integers(0, 7), st.integers(0, 7), st.integers(0, 2), st.integers(0, 4), st.booleans(), st.booleans()
)  # fmt: skip
def test_what_is_packed_comes_out_again(protection, maximum, inheritance, advice, nomerge, fixed):
    flags = flag.pack_flags(protection, maximum, inheritance, advice, nomerge, fixed)
    assert flag.protection_of(flags) == protection
    assert flag.max_protection_of(flags) == maximum
    assert flag.inheritance_of(flags) == inheritance
    assert flag.advice_of(flags) == advice
    assert bool(flags & 0x10000) is nomerge
    assert bool(flags & 0x20000) is fixed
    assert flags & flag.ENTRY_MASK == flag.pack_flags(protection, maximum, inheritance, advice, nomerge)


def test_the_word_is_the_originals():
    assert flag.pack_flags(3, 7, 2, 4, nomerge=True, fixed=True) == 0x34273


@pytest.mark.parametrize(
    ("value", "bits"),
    [
        ("", 0),
        ("none", 0),
        ("r", 1),
        ("w", 2),
        ("x", 4),
        ("rw", 3),
        ("wr", 3),
        ("rwx", 7),
        ("r-x", 5),
        ("---", 0),
        (0, 0),
        (7, 7),
    ],
)
def test_protections_are_letters_or_numbers(value, bits):
    assert flag.parse_protection(value) == bits


@pytest.mark.parametrize("value", ["rr", "read", "rwxs", "R", "7", 8, -1, True, 1.0, None, b"rw", ["r"], Decimal(3)])
def test_what_is_no_protection_is_refused_by_name_and_value(value):
    with pytest.raises(Refused) as caught:
        flag.parse_protection(value, "max_prot")
    assert str(caught.value).startswith(f"max_prot={value!r} is not a protection; use letters")


@pytest.mark.parametrize("bits", range(8))
def test_letters_name_the_bits(bits):
    text = flag.protection_text(bits)
    assert flag.parse_protection(text) == bits
    assert len(text) == 3


@pytest.mark.parametrize("table", [flag.INHERITANCE, flag.ADVICE])
def test_names_and_numbers_of_the_small_vocabularies(table):
    for name, number in table.items():
        assert flag.parse_name(name, table, "x") == flag.parse_name(number, table, "x") == number
        assert flag.name_of(number, table) == name
    assert flag.name_of(9, table) == "9"
    for value in ("copied", 9, -1, True, None, 1.0):
        with pytest.raises(Refused, match=r"^x=.* is unknown: write one of n"):
            flag.parse_name(value, table, "x")
