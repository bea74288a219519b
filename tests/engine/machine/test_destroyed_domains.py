"""A domain that was destroyed does nothing any more, and neither do its parts; its memory is not looked at."""

from __future__ import annotations

import pytest

import vmwidgets as vm

BOTH = pytest.mark.parametrize("architecture", ["armv7", "x86-64"])


@pytest.fixture
def gone():
    """A machine with a destroyed domain, and what was had of it: a frame, its address, a memory object."""
    m = vm.boot("armv7")
    d = m.domain("gone")
    frame, memory = d.frame(), d.anonymous("8 KiB")
    address = d.map(frame)
    d.write(address, b"secret")
    m.destroy_domain(d)
    return d, frame, address, memory


ASKED = {
    "frame": lambda d, frame, address, memory: d.frame(),
    "anonymous": lambda d, frame, address, memory: d.anonymous("4 KiB"),
    "take_slots": lambda d, frame, address, memory: d.take_slots(3),
    "map": lambda d, frame, address, memory: d.map("slots[0]"),
    "map of nonsense": lambda d, frame, address, memory: d.map("nonsense"),
    "read": lambda d, frame, address, memory: d.read(address),
    "write": lambda d, frame, address, memory: d.write(address, b"x"),
    "touch": lambda d, frame, address, memory: d.touch(address),
    "walk": lambda d, frame, address, memory: d.walk(address),
    "lookup": lambda d, frame, address, memory: d.lookup(address),
    "determine_addr": lambda d, frame, address, memory: d.determine_addr("4 KiB"),
    "serialise": lambda d, frame, address, memory: d.serialise(),
    "check": lambda d, frame, address, memory: d.check(),
    "at": lambda d, frame, address, memory: d.part("slots[0]"),
    "tables": lambda d, frame, address, memory: d.tables,
    "base": lambda d, frame, address, memory: frame.base,
    "rights": lambda d, frame, address, memory: frame.rights,
    "fill": lambda d, frame, address, memory: memory.fill("slots[0]"),
    "remove": lambda d, frame, address, memory: memory.remove(),
    "address": lambda d, frame, address, memory: memory.address,
    "size": lambda d, frame, address, memory: memory.size,
}


@pytest.mark.parametrize("asked", ASKED)
def test_all_of_it_refuses(gone, asked):
    d, *_ = gone
    m = d.machine
    owners, done = m.system.pages.owners, len(m.journal)
    with pytest.raises(vm.Refused, match=r"^domain 'gone' was destroyed$"):
        ASKED[asked](*gone)
    assert (m.system.pages.owners, len(m.journal)) == (owners, done), "nothing was given, nothing recorded"
    m.check()
    m.branch(done - 1)


def test_what_is_left_says_so(gone):
    d, frame, _, memory = gone
    assert repr(d) == "<domain 'gone': destroyed>"
    assert repr(frame) == "<slots[0] of gone: deleted>"
    assert "destroyed" in repr(memory)
    assert frame.value is None


def test_another_of_its_name_is_not_it(gone):
    d, frame, address, _ = gone
    again = d.machine.domain("gone")
    with pytest.raises(vm.Refused, match="of domain 'gone'"):
        again.map(frame)
    again.write(again.map(again.frame(), at=address), b"mine")
    with pytest.raises(vm.Refused, match="was destroyed"):
        d.read(address)


@BOTH
def test_the_kernels_slots_are_taken_out_of_its_root(architecture):
    m = vm.boot(architecture)
    d = m.domain("gone")
    d.read(d.map(d.frame()))
    assert m.cpus[0].space == "domain:gone"
    root, lent, tables = d.space.pmap.root, d.space.pmap, d.tables
    width, size = m.system.pmap.fmt.entry_width, m.system.pmap.fmt.table_bytes(m.system.pmap.fmt.root_level)
    assert any(m.system.ram.read(root + size // 2, size // 2)), "the kernel's half"
    m.destroy_domain(d)
    assert not any(m.system.ram.read(root, size))
    assert m.cpus[0].space == "kernel"
    m.kernel_map.enter("16 MiB")  # kernel space grows, and not in there
    assert not any(m.system.ram.read_word(root + at, width) for at in range(0, size, width))
    for look in (lent.load, lambda: lent.registers(m.controls), tables.now):
        with pytest.raises(vm.Refused, match="destroyed"):
            look()
    m.check()
