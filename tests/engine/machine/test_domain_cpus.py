"""Domains on processors of a machine: loaded, run, and told of by shootdowns as tasks are."""

from __future__ import annotations

import pytest

import vmwidgets as vm
from vmwidgets.engine.spaces.processors_schema import ShootdownAcknowledged, ShootdownForgotten, ShootdownSent

BOTH = pytest.mark.parametrize("architecture", ["armv7", "x86-64"])
SHOTS = (ShootdownSent, ShootdownAcknowledged, ShootdownForgotten)


def two(architecture, **options):
    """A machine of two processors that run a domain; the second has read a page of it."""
    m = vm.boot(architecture, cpus=2, **options)
    d = m.domain("hello")
    address = d.map(d.frame())
    d.write(address, b"hello")
    for cpu in m.cpus:
        cpu.run(d)
    assert m.cpus[1].load(address, 5) == b"hello"
    return m, d, address


def shots(m):
    """What the last operation told of shootdowns."""
    return [type(event).__name__ for event in m.journal.last.events if isinstance(event, SHOTS)]


@BOTH
@pytest.mark.parametrize("by_name", [False, True])
def test_a_processor_runs_a_domain(architecture, by_name):
    m = vm.boot(architecture, cpus=2)
    d, task = m.domain("hello"), m.task("init")
    address = d.map(d.frame(), flags="r")
    m.cpus[1].run("domain:hello" if by_name else d)
    assert (m.cpus[0].space, m.cpus[1].space) == ("kernel", "domain:hello")
    assert m.cpus[1].value().root == d.pmap.root
    assert m.cpus[1].load(address, 2) == b"\0\0"
    for ask, why in ((lambda: m.cpus[1].store(address, b"x"), "ACCES"), (lambda: m.cpus[1].load(0x5000_0000), "FAULT")):
        with pytest.raises(vm.KernelError, match=why):
            ask()
    block = m.kmem_malloc("4 KiB")
    m.cpus[1].store(block, b"kernel")
    assert m.read(block, 6) == b"kernel"
    m.cpus[1].run(task)
    with pytest.raises(vm.KernelError, match="FAULT"):
        m.cpus[1].load(address)
    m.check()
    assert m.branch(len(m.journal) - 1).cpus.value() == m.cpus.value()


@BOTH
def test_a_memory_object_maps_what_a_processor_touches(architecture):
    m = vm.boot(architecture, cpus=2)
    d = m.domain("hello")
    memory = d.anonymous("8 KiB")
    memory.fill(d.frame())
    m.cpus[1].run(d)
    m.cpus[1].store(memory.address, b"hey")
    assert d.read(memory.address, 3) == b"hey"
    with pytest.raises(vm.KernelError, match="LIB_ERR_MEMOBJ_UNDER_FILLED"):
        m.cpus[1].load(memory.address + vm.PAGE)
    m.check()


CHANGES = {
    "unmap": lambda d, address: d.unmap(address, vm.PAGE),
    "modify_flags": lambda d, address: d.modify_flags(address, vm.PAGE, "-"),
    "delete": lambda d, address: d.delete("slots[0]"),
}


@BOTH
@pytest.mark.parametrize("asids", [False, True])
@pytest.mark.parametrize("change", CHANGES)
def test_what_is_taken_away_is_flushed_on_the_other_processor(architecture, asids, change):
    m, d, address = two(architecture, asids=asids)
    CHANGES[change](d, address)
    assert shots(m) == ["ShootdownSent", "ShootdownAcknowledged"]
    assert (m.cpus[1].lookup(address), m.cpus[1].stale) == (None, ())
    with pytest.raises(vm.KernelError, match=r"FAULT|ACCES"):
        m.cpus[1].load(address, user=True)
    m.check()


@BOTH
def test_a_shootdown_that_waits_and_one_that_is_forgotten(architecture):
    m, d, address = two(architecture)
    m.cpus.shootdown = "sent"
    d.unmap(address, vm.PAGE)
    assert shots(m) == ["ShootdownSent"]
    (request,) = m.cpus[1].value().pending
    assert (request.sender, request.space) == ("cpu:0", "domain:hello")
    assert m.cpus[1].load(address, 5) == b"hello", "through a stale translation"
    assert m.cpus[1].lookup(address) in m.cpus[1].stale
    assert m.cpus[1].acknowledge() == 1
    assert m.cpus[1].stale == ()
    d.map("slots[0]", at=address)
    m.cpus[1].load(address)
    m.cpus.shootdown = "forgotten"
    d.unmap(address, vm.PAGE)
    assert shots(m) == ["ShootdownForgotten"]
    assert m.cpus[1].load(address, 5) == b"hello"
    assert m.cpus[1].stale
    if architecture == "armv7":  # there a domain's pages are global, and go with everything only
        assert m.cpus[1].flush(task=d) == 0
        m.cpus[1].flush()
    else:
        assert m.cpus[1].flush(task=d) == 1
    assert m.cpus[1].stale == ()
    m.check()


@BOTH
def test_a_processor_that_runs_another_space_is_not_asked(architecture):
    m, d, address = two(architecture)
    m.cpus[1].run(m.domain("other"))
    d.unmap(address, vm.PAGE)
    assert shots(m) == []
    m.check()


@BOTH
def test_a_domain_that_runs_is_destroyed(architecture):
    m, d, address = two(architecture)
    m.destroy_domain(d)
    assert m.cpus[1].space == "kernel"
    with pytest.raises(vm.KernelError, match="FAULT"):
        m.cpus[1].load(address)
    for gone in (d, "domain:hello"):
        with pytest.raises(vm.Refused):
            m.cpus[1].run(gone)
    m.check()
