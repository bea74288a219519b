"""Ranges that are being made: their entries are there, their pages still come, and others may look or change rights."""

from __future__ import annotations

from dataclasses import replace

import pytest

import vmwidgets as vm

PAGE = vm.PAGE
SIZE = 8 * PAGE


@pytest.fixture(params=["kmem_malloc", "kmem_alloc"])
def coming(request):
    """A machine, one thread that has got a part of its pages, where its range is, and in which map."""
    m = vm.boot("x86-64")
    kmem_map = m.kmem.kmem_map if request.param == "kmem_malloc" else m.kmem.kernel_map
    m.pagedaemon.stop()
    m.take_pages(10**6)
    m.give_pages(6 if request.param == "kmem_malloc" else m.kmem.pages.free_reserved + 5)
    m.spawn(getattr(m, request.param), SIZE, name="maker")
    m.run()
    assert m.threads["maker"].state == "asleep"
    return m, list(kmem_map)[-1].start, kmem_map


def finish(m):
    m.give_pages(10**6)
    m.run()
    m.check()
    return m.threads["maker"].result


def test_a_page_that_is_still_to_come_faults_and_is_got_by_nobody_else(coming):
    m, start, kmem_map = coming
    m.give_pages(m.kmem.pages.free_min - 1 - m.kmem.pages.available)  # pages can be had, and nobody is woken
    used = m.kmem.pages.used
    with pytest.raises(
        vm.KernelError, match=f"FAULT: the page at {vm.Address(start + 7 * PAGE)} in .* not allocated yet"
    ):
        m.read(start + 7 * PAGE, 4)
    assert (m.kmem.pages.used, kmem_map.locked_by) == (used, None)
    assert finish(m) == start
    m.write(start + 7 * PAGE, b"mine")


def test_rights_set_meanwhile_are_those_of_the_pages_that_come(coming):
    m, start, kmem_map = coming
    kmem_map.protect(start, size=SIZE, prot="r")
    assert finish(m) == start
    for page in range(8):
        with pytest.raises(vm.KernelError, match="ACCES"):
            m.write(start + page * PAGE, b"x")
        assert len(m.read(start + page * PAGE, 1)) == 1
    kmem_map.protect(start, size=SIZE, prot="rw")
    m.write(start, b"x")


def test_it_is_neither_cut_nor_wired(coming):
    m, start, kmem_map = coming
    before = kmem_map.entries()
    for call in (
        lambda: kmem_map.protect(start + PAGE, size=PAGE, prot="r"),
        lambda: kmem_map.advise(start, size=PAGE, advice="random"),
        lambda: kmem_map.wire(start, size=SIZE),
    ):
        with pytest.raises(vm.Refused, match="still being allocated, by a call that waits for pages"):
            call()
    assert kmem_map.entries() == before
    assert finish(m) == start
    kmem_map.protect(start + PAGE, size=PAGE, prot="r")
    kmem_map.wire(start, size=SIZE)


def test_nothing_joins_it_from_beside():
    """A neighbour that is not wired any more would be of its kind; kmem_malloc would not find its entry."""
    m = vm.boot("x86-64")
    a = m.kmem_malloc(2 * PAGE)
    m.pagedaemon.stop()
    m.take_pages(10**6)
    m.give_pages(4)
    m.spawn(m.kmem_malloc, SIZE, name="maker")
    m.run()
    with pytest.raises(vm.Refused, match="still being allocated"):
        m.kmem.kmem_map.unwire(a, size=2 * PAGE)
    assert finish(m) == a + 2 * PAGE
    m.kmem.kmem_map.unwire(a, size=2 * PAGE)
    m.check()


def test_given_up_nothing_of_it_is_left(coming):
    m, start, kmem_map = coming
    kmem_map.protect(start, size=SIZE, prot="r")
    m.kill("maker")
    m.check()
    assert kmem_map.lookup(start) is None


@pytest.mark.parametrize(("architecture", "changes"), [("armv7", {"dacr": 0}), ("aarch64", {"epd1": True})])
def test_a_fault_that_a_page_does_not_cure_is_told_once(architecture, changes):
    """No mapping helps while the processor's own registers forbid the access."""
    m = vm.boot(architecture)
    a = m.kmem_alloc(PAGE)
    m.controls = replace(m.controls, **changes)
    for call in (lambda: m.read(a, 2), lambda: m.write(a, b"x")):
        with pytest.raises(vm.KernelError, match=r"FAULT: .* faults again after it was resolved: (domain 0|TCR_EL1)"):
            call()
