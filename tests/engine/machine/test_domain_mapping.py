"""What map and unmap of a domain do at the door: the range that is really mapped is the one that counts."""

from __future__ import annotations

import pytest

import vmwidgets as vm


@pytest.fixture
def d():
    """A domain of an ARM machine."""
    return vm.boot("armv7").domain("hello")


# ---- a map is widened to whole pages --------------------------------------------------------------


def test_a_map_is_refused_where_its_widened_range_is_not_allowed(d):
    """One page from byte 100 on takes two."""
    frame = d.frame("8 KiB")
    with pytest.raises(vm.Refused, match=r"8 KiB: in .* the pmap keeps its own records"):
        d.map(frame, at=0x3FFF_F000, offset=100, size=4096)
    memory = d.memobj("anonymous", "4 KiB", at=0x5000_1000)
    with pytest.raises(vm.Refused, match="memory object 'anonymous 1' is shown there"):
        d.map(frame, at=0x5000_0000, offset=100, size=4096)
    with pytest.raises(vm.Refused, match="the end of the addresses"):
        d.map(frame, at=0xFFFF_F000, offset=100, size=4096)
    memory.fill(d.frame())
    d.write(memory.address, b"not disturbed")
    d.map(frame, at=0x4FFF_F000, offset=100, size=4096)
    d.machine.check()


def test_room_is_sought_for_the_widened_range(d):
    """600 KiB in the middle of a frame touch two sections."""
    frame = d.frame("4 MiB")
    d.map(d.frame(), at=0x4050_0000)
    address = d.map(frame, offset="512 KiB", size="600 KiB", flags="rw large")
    assert address == 0x4060_0000, "the megabyte between the slab frames and the page is too small"
    found = d.lookup(address)
    assert (found.size, found.offset) == (2 * vm.MIB, 0)
    one = d.map(frame, offset=4095, size=2)
    assert d.lookup(one).size == 2 * vm.PAGE
    d.machine.check()


@pytest.mark.parametrize(("flags", "unit"), [("rw", vm.PAGE), ("rw large", vm.MIB)])
def test_byte_offset_is_where_the_docstring_says(d, flags, unit):
    frame = d.frame("4 MiB")
    whole = d.map(frame, at=0x5000_0000)
    offset = vm.MIB + 3 * vm.PAGE + 100
    d.write(whole + offset, b"here")
    address = d.map(frame, offset=offset, size=4, flags=flags)
    assert d.read(address + offset % unit, 4) == b"here"
    assert d.unmap(address, unit) == unit, "and the answer is what unmap takes"
