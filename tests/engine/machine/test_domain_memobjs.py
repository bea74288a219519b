"""Memory objects of a domain at the door."""

from __future__ import annotations

import pytest

import vmwidgets as vm
from vmwidgets.engine.selfpaging.errors import LibError

BOTH = pytest.mark.parametrize("architecture", ["armv7", "x86-64"])


@BOTH
@pytest.mark.parametrize("end", ["unfill", "remove", "delete", "revoke"])
def test_a_large_one_maps_its_region_and_nothing_behind_it(architecture, end):
    m = vm.boot(architecture)
    d = m.domain("hello")
    frame = d.frame("4 MiB")
    memory = d.memobj("pinned", "2052 KiB", frame=frame, flags="rw large")
    behind = memory.address + memory.size
    assert d.lookup(memory.address).size == 2 * vm.MIB
    assert (d.walk(behind - 1).pa, d.walk(behind).pa) == (frame.base + memory.size - 1, None)
    assert d.map(d.frame()) == behind, "there is room"
    d.write(behind - 4, b"last")
    memory.protect("r")
    with pytest.raises(vm.KernelError, match="ACCES"):
        d.write(behind - 4, b"last")
    {
        "unfill": memory.unfill,
        "remove": memory.remove,
        "delete": lambda: d.delete(frame),
        "revoke": lambda: d.revoke(frame),
    }[end]()
    assert d.walk(behind - 1).pa is None
    m.check()
    m.destroy_domain(d)
    m.check()


def test_a_large_ones_frame_offset_counts():
    m = vm.boot("armv7")
    d = m.domain("hello")
    frame = d.frame("4 MiB")
    d.write(d.map(frame) + vm.PAGE, b"page 1")
    memory = d.memobj("pinned", "2 MiB", at=0x5000_0000, flags="rw large")
    memory.fill(frame, 0, "4 KiB", "1 MiB")
    assert d.read(memory.address, 6) == b"page 1"


def test_protected_before_anything_is_mapped():
    m = vm.boot("armv7")
    d = m.domain("hello")
    memory = d.anonymous("16 KiB")
    memory.fill(d.frame("16 KiB"))
    memory.protect("r")
    assert d.read(memory.address) == b"\0"
    with pytest.raises(vm.KernelError, match="ACCES"):
        d.write(memory.address, b"x")
    assert [region.flags for region in d.snapshot().regions][-1] == 1, "READ"
    memory.protect("rw", "4 KiB", "4 KiB")
    d.write(memory.address + vm.PAGE, b"x")
    m.check()
    assert m.branch(len(m.journal) - 1).domains["hello"].snapshot() == d.snapshot()


def test_a_handle_is_of_one_object_for_ever():
    m = vm.boot("armv7")
    d = m.domain("hello")
    old = d.anonymous("4 KiB")
    old.remove()
    new, done = d.anonymous("64 KiB"), len(m.journal)
    assert (old.name, new.name) == ("anonymous 1", "anonymous 2")
    frame = d.frame()
    for ask in (old.remove, old.unfill, lambda: old.fill(frame), lambda: old.protect("r"), lambda: old.size):
        with pytest.raises(vm.Refused, match="'anonymous 1' of 'hello' was removed"):
            ask()
    assert len(m.journal) == done + 1, "the frame"
    assert "removed" in repr(old)
    assert new.size == 64 * vm.KIB


def test_one_is_not_placed_among_the_kernels_addresses():
    """It would be the last region: behind it is no room."""
    m = vm.boot("armv7")
    d = m.domain("hello")
    with pytest.raises(vm.Refused, match="the kernel's"):
        d.memobj("anonymous", "4 KiB", at=0x8000_0000)
    with pytest.raises(LibError, match="LIB_ERR_MEMOBJ_UNDER_FILLED"):
        d.memobj("one frame one map", "4 KiB")
    assert d.anonymous("4 KiB").name == "anonymous 1", "what failed took no name"
    d.map(d.frame())
