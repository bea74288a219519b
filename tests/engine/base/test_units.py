from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmwidgets.engine.base.errors import Refused
from vmwidgets.engine.base.units import (
    GIB,
    KIB,
    MIB,
    PAGE,
    PIB,
    TIB,
    Address,
    Size,
    binary_size,
    grouped_hex,
    parse_address,
    parse_size,
)

sizes = st.integers(0, 2**64 - 1)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("4096", 4096),
        ("4_096", 4096),
        ("0x1000", 4096),
        ("0xFFFF_8080", 0xFFFF8080),
        ("1 page", PAGE),
        ("3 pages", 3 * PAGE),
        ("3pages", 3 * PAGE),
        (" 64 MiB ", 64 * MIB),
        ("64mib", 64 * MIB),
        ("2 kib", 2 * KIB),
        ("1GiB", GIB),
        ("128 TiB", 128 * TIB),
        ("12 B", 12),
    ],
)
def test_texts_that_name_a_size(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "text", ["", " ", "MiB", "1.5 MiB", "-1", "+1", "1 MB", "1 k", "1e3", "0x", "0xg", "٣ pages", "1\n2", "4096 4096"]
)
def test_texts_that_name_none_are_refused_with_what_would_be_right(text):
    with pytest.raises(ValueError, match=r"is not a size; write bytes or, for example, '64 MiB' or '3 pages'"):
        parse_size(text)


@given(sizes)
def test_every_size_prints_short_and_names_about_itself(size):
    text = binary_size(size)
    number, unit = text.split()
    factor = {"B": 1, "KiB": KIB, "MiB": MIB, "GiB": GIB, "TiB": TIB, "PiB": PIB}[unit]
    assert abs(float(number) * factor - size) <= 0.0501 * factor  # the last bit of a float of this size
    assert len(number) <= 10
    if "." not in number:
        assert parse_size(text) == size
    assert repr(Size(size)) == str(Size(size)) == f"{Size(size)}" == text


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"), (1, "1 B"), (4095, "4095 B"), (4096, "4 KiB"), (10239, "10239 B"), (10241, "10.0 KiB"),
        (8200 * KIB, "8200 KiB"), (MIB, "1 MiB"), (9999 * MIB, "9999 MiB"), (128 * TIB, "128 TiB"),
        (1024 * MIB + 252 * KIB, "1.0 GiB"), (2032 * KIB + 16, "2.0 MiB"), (10_001 * MIB, "9.8 GiB"),
        (1025 * MIB, "1025 MiB"),
    ],
)  # fmt: skip
def test_sizes_in_the_largest_unit_that_is_exact(size, text):
    assert binary_size(size) == text


@given(sizes)
def test_addresses_print_in_groups_of_four_from_the_right(value):
    text = repr(Address(value))
    assert str(Address(value)) == f"{Address(value)}" == text
    assert int(text, 16) == value
    groups = text[2:].split("_")
    assert all(len(group) == 4 for group in groups[1:])
    assert 1 <= len(groups[0]) <= 4
    assert grouped_hex(value, 16).replace(" ", "") == f"{value:016x}"


def test_addresses_and_sizes_are_numbers():
    assert Address(4096) + 1 == 4097
    assert hash(Address(1)) == hash(1)
    assert Size(10) < 11


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("4096", 4096),
        (" 4_096 ", 4096),
        ("40_1000", 401000),
        ("0x1000", 0x1000),
        ("0X1000", 0x1000),
        ("0x40_1000", 0x40_1000),
        ("0014 1000", 0x14_1000),
        ("ffff 8080 0014 1000", 0xFFFF_8080_0014_1000),
        ("FFFF808000141000", 0xFFFF_8080_0014_1000),
        ("0xffff 8080 0014 1000", 0xFFFF_8080_0014_1000),
        ("1b", 0x1B),
        ("12 B", 12),
        ("8 KiB", 8 * KIB),
        ("3 pages", 3 * PAGE),
    ],
)
def test_what_a_text_says_of_an_address(text, address):
    assert parse_address(text) == address


@given(sizes)
def test_an_address_is_read_as_it_is_printed(address):
    assert parse_address(repr(Address(address))) == address
    assert parse_address(str(address)) == address
    assert parse_address(hex(address)) == address


@pytest.mark.parametrize(
    "text", ["", " ", "0x", "0x_", "-4096", "here", "1.5 MiB", "12 3", "ffff_", "f" * 17, "9" * 5000, "٣"]
)
def test_what_is_no_address(text):
    with pytest.raises(
        ValueError, match="is not an address: write decimal digits, or hexadecimal ones such as 0xffff_8080"
    ):
        parse_address(text)


def test_a_size_is_made_of_a_text_too():
    assert (Size("8 KiB"), Size(), Size(7)) == (8 * KIB, 0, 7)
    assert type(Size("8 KiB")) is Size
    with pytest.raises(ValueError, match=r"^'eight' is not a size; write bytes or, for example, '64 MiB'"):
        Size("eight")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("16 KB", "16 KiB"),
        ("16 kb", "16 KiB"),
        ("4k", "4 KiB"),
        ("4K", "4 KiB"),
        ("1MB", "1 MiB"),
        ("1 M", "1 MiB"),
        ("4 GB", "4 GiB"),
        ("2 T", "2 TiB"),
        ("16 kbytes", "16 KiB"),
        ("2 megabytes", "2 MiB"),
        ("8 bytes", "8 B"),
        ("1.5 GiB", "1536 MiB"),
        ("0.5 MB", "512 KiB"),
    ],
)
def test_a_unit_of_other_programs_is_answered_with_ours(text, meant):
    with pytest.raises(Refused, match=rf"^'{text}' is not a size; .*; did you mean '{meant}'\?$"):
        Size(text)
    assert parse_size(meant) > 0


@pytest.mark.parametrize(
    ("text", "address"), [("0x10", 16), ("ffff 8080 0014 1000", 0xFFFF_8080_0014_1000), ("16", 16)]
)
def test_an_address_is_made_of_a_text_too(text, address):
    assert Address(text) == address
    assert type(Address(text)) is Address
    assert pickle.loads(pickle.dumps(Address(text))) == address
