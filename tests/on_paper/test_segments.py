"""Base and bounds, and segments: what is translated, which fault there is else, and bad input as one sentence."""

from __future__ import annotations

from typing import Any

import pytest

import vmwidgets as vm


def test_an_address_below_the_bounds_is_added_to_the_base_and_the_next_is_a_fault() -> None:
    unit = vm.BaseAndBounds(0x40_0000, 0x1_0000)
    assert [unit.translate(at) for at in (0, 0xFFFF)] == [0x40_0000, 0x40_FFFF]
    with pytest.raises(vm.KernelError, match=r"^FAULT: 0x1_0000 is not below the bounds, 64 KiB$"):
        unit.translate(0x1_0000)


def program() -> vm.Segments:
    return vm.Segments(code=("1 MiB", "64 KiB", "rx"), data=(0x40_0000, "1 MiB", "rw"), stack=("8 MiB", "4 KiB", "rw"))


@pytest.mark.parametrize(
    ("address", "access", "physical"),
    [
        (0, "execute", 0x10_0000),
        (0xFFFF, "read", 0x10_FFFF),
        (0x4000_0000, "write", 0x40_0000),
        (0x400F_FFFF, "read", 0x4F_FFFF),
        (0x8000_0FFF, "write", 0x80_0FFF),
    ],
)
def test_the_highest_two_bits_select_a_segment(address: int, access: str, physical: int) -> None:
    assert program().translate(address, access) == physical


@pytest.mark.parametrize(
    ("address", "access", "sentence"),
    [
        (0, "write", "ACCES: segment 0, code, is r-x"),
        (0x4000_0000, "execute", "ACCES: segment 1, data, is rw-"),
        (0x1_0000, "read", "FAULT: segment 0, code: 0x1_0000 is not below the bounds, 64 KiB"),
        (0x1_0000, "write", "FAULT: segment 0, code: 0x1_0000 is not below the bounds, 64 KiB"),
        (0xC000_0000, "read", "FAULT: there is no segment 3"),
    ],
)
def test_each_reason_for_a_fault_has_its_sentence(address: int, access: str, sentence: str) -> None:
    with pytest.raises(vm.KernelError) as caught:
        program().translate(address, access)
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"code": ("1 MiB", "64 KiB")},
        {"code": ("1 MiB", "64 KiB", "rwz")},
        {"code": ("1 MiB", "2 GiB", "r")},
        {"code": (-1, "64 KiB", "r")},
        {"code": "1 MiB"},
        {f"s{number}": (0, 0, "r") for number in range(5)},
    ],
)
def test_segments_that_make_no_sense_are_refused(given: Any) -> None:
    with pytest.raises(vm.Refused) as caught:
        vm.Segments(**given)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("address", [-1, 1 << 32, "nowhere", None, 0.5])
def test_addresses_have_32_bits(address: Any) -> None:
    for unit in vm.BaseAndBounds(0, "1 MiB"), program():
        with pytest.raises(vm.Refused, match="address"):
            unit.translate(address)
