"""What map and unmap of a domain do at the door: the range that is really mapped is the one that counts."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

import vmwidgets as vm


@pytest.fixture
def d():
    """A domain of an ARM machine."""
    return vm.boot("armv7").domain("hello")


# ---- a map is widened to whole pages --------------------------------------------------------------


def test_a_map_is_refused_where_its_widened_range_is_not_allowed(d):
    """One page from byte 100 on takes two."""
    frame = d.frame("8 KiB")
    with pytest.raises(vm.Refused, match=r"8 KiB: the pmap keeps its own records in"):
        d.map(frame, at=0x3FFF_F000, offset=100, size=4096)
    memory = d.memobj("anonymous", "4 KiB", at=0x5000_1000)
    with pytest.raises(vm.Refused, match="memory object 'anonymous 1' is mapped there"):
        d.map(frame, at=0x5000_0000, offset=100, size=4096)
    with pytest.raises(vm.Refused, match="past the last address"):
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


# ---- regions cover what is mapped ----------------------------------------------------------------


def covered(d):
    """The ranges of the regions, and of what is mapped, both joined; the region for slab frames left out."""
    value = d.snapshot()
    ranges = [(one.base, one.base + one.size) for one in value.regions if one.base != value.meta_start]
    leaves = [(leaf.va, leaf.end) for leaf in d.domain.pmap.tree.root.leaves()]
    mapped = [one for one in leaves if not value.meta_start <= one[0] < value.meta_end]
    return joined(ranges), joined(mapped)


def joined(ranges):
    """Neighbours joined, in order."""
    result = []
    for start, end in sorted(ranges):
        before = result.pop()[0] if result and result[-1][1] == start else start
        result.append((before, end))
    return result


def test_what_is_mapped_over_a_part_that_was_unmapped_is_in_a_region(d):
    small, large = d.frame("64 KiB"), d.frame("2 MiB")
    address = d.map(large, size="1028 KiB")
    d.unmap(address + vm.MIB, vm.PAGE)
    d.map(small, at=address + vm.MIB)
    regions, mapped = covered(d)
    assert regions == mapped == [(address, address + vm.MIB + 64 * vm.KIB)]
    for _ in range(3):
        d.map(d.frame())
    d.anonymous("4 KiB")
    d.machine.check()


def test_a_part_that_was_unmapped_is_room_again(d):
    """A map over three tables; that of the middle one goes."""
    frame = d.frame("4 MiB")
    d.map(frame, size="3 MiB")
    middle = 0x4050_0000
    d.unmap(middle, "1 MiB")
    assert covered(d)[0] == covered(d)[1] == [(middle - vm.MIB, middle), (middle + vm.MIB, middle + 2 * vm.MIB)]
    assert d.map(frame, size="1 MiB") == middle
    for at in (middle - vm.MIB, middle, middle + vm.MIB):
        d.unmap(at, "1 MiB")
    assert covered(d) == ([], [])


class Life(RuleBasedStateMachine):
    """Whatever is mapped at the door, regions are what is mapped, and the vspace never tells a place that is taken."""

    @initialize()
    def boot(self):
        self.d = vm.boot("armv7").domain("hello")
        self.frame = self.d.frame("4 MiB")
        self.copies = []

    @rule(page=st.integers(0, 640), count=st.integers(1, 400), offset=st.integers(0, 9000), large=st.booleans())
    def map_at(self, page, count, offset, large):
        with suppress(vm.KernelError):
            at, flags = 0x4040_0000 + (page // 256 * 256 if large else page) * vm.PAGE, "rw large" if large else "rw"
            self.d.map(self.frame, at=at, offset=offset, size=count * vm.PAGE, flags=flags)

    @rule(count=st.integers(1, 400), offset=st.integers(0, 9000), large=st.booleans())
    def map_somewhere(self, count, offset, large):
        copy = self.d.copy(self.frame)
        self.copies.append(copy)
        self.d.map(copy, offset=offset, size=count * vm.PAGE, flags="rw large" if large else "rw")

    @precondition(lambda self: covered(self.d)[1])
    @rule(data=st.data())
    def unmap(self, data):
        leaves = [leaf for leaf in self.d.domain.pmap.tree.root.leaves() if leaf.va >= 0x4040_0000]
        leaf = data.draw(st.sampled_from(sorted(leaves, key=lambda leaf: leaf.va)))
        self.d.unmap(leaf.va, leaf.end - leaf.va)

    @precondition(lambda self: self.copies)
    @rule(data=st.data())
    def delete(self, data):
        self.d.delete(self.copies.pop(data.draw(st.integers(0, len(self.copies) - 1))))

    @invariant()
    def regions_are_what_is_mapped(self):
        regions, mapped = covered(self.d)
        assert regions == mapped
        self.d.check()


TestLife = Life.TestCase
TestLife.settings = settings(stateful_step_count=20)


def test_what_is_taken_in_is_in_regions():
    """Bytes may tell of leaves without regions."""
    d = vm.boot("armv7").domain("hello")
    d.frame("64 KiB")
    d.deserialise(
        b'{"version":1,"layout":"armv7","regions":[[1346371584,8192,3]],"leaves":[[1342177280,65536,"slots",0,0,3,[]]]}'
    )
    value = d.snapshot()
    assert [(one.base, one.size) for one in value.regions][1:] == [(0x5000_0000, 0x1_0000), (0x5040_0000, 0x2000)]
    d.map("slots[0]")
    d.machine.check()
