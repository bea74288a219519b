from __future__ import annotations

import pytest

from tests.engine.kernel.kmems import BOOT, START, Kernel, finish, rows
from vmwidgets.engine.base.units import PAGE
from vmwidgets.engine.kernel.freebsd.entries import NOFAULT
from vmwidgets.engine.kernel.freebsd.kmem import Kmem
from vmwidgets.engine.kernel.threads.waits import PageWait


@pytest.fixture(name="kernel")
def made():
    return Kernel()


def test_pages_are_zeroed_wired_mapped_and_one_each(kernel):
    address = kernel.do(Kmem.kmem_alloc, kernel.kernel_map, 2 * PAGE + 1)
    assert [kernel.read(address + n * PAGE) for n in range(3)] == [0, 0, 0]
    assert len(set(kernel.pmap.translated(address, address + 3 * PAGE))) == 3
    assert address + 3 * PAGE not in kernel.pmap.frames
    assert kernel.kmem.pages.wired == 3
    kernel.do(Kmem.kmem_free, kernel.kernel_map, address, 3 * PAGE)
    assert (kernel.kmem.pages.wired, kernel.frames.free_frames, kernel.pmap.frames) == (0, 64, {})
    assert kernel.kmem.kernel_object.references == 1
    kernel.check()


def test_it_waits_for_pages_with_the_map_unlocked_and_its_range_taken(kernel):
    call, wait = kernel.begin(Kmem.kmem_alloc, kernel.kernel_map, 60 * PAGE)
    assert (wait, kernel.kernel_map.lock.held) == (PageWait(), False)
    assert kernel.frames.free_frames == 8, "the class NORMAL leaves the reserve alone"
    other = kernel.do(Kmem.kmem_alloc_nofault, kernel.kernel_map, PAGE)
    kernel.frames.unused += range(100, 110)
    kernel.frames.total += 10
    address = finish(call)
    assert other == address + 60 * PAGE
    assert all(kernel.read(address + n * PAGE) == 0 for n in range(60))
    kernel.check()


def test_no_address_space_is_0_at_once(kernel):
    assert kernel.do(Kmem.kmem_alloc, kernel.exec_map, 17 * PAGE) == 0
    assert kernel.do(Kmem.kmem_alloc_nofault, kernel.exec_map, 17 * PAGE) == 0
    assert not kernel.exec_map.lock.held


def test_nofault_takes_addresses_only_and_stretches_what_is_there(kernel):
    first = kernel.do(Kmem.kmem_alloc_nofault, kernel.kernel_map, PAGE)
    assert kernel.do(Kmem.kmem_alloc_nofault, kernel.kernel_map, 1) == first + PAGE
    entry = kernel.kernel_map.lookup(first)
    assert (entry.start, entry.pages, entry.flags & NOFAULT, entry.object) == (first, 2, NOFAULT, None)
    assert kernel.frames.free_frames == 64


def test_size_0(kernel):
    assert kernel.do(Kmem.kmem_alloc_nofault, kernel.kernel_map, 0) == 0
    before = rows(kernel.kernel_map)
    assert kernel.do(Kmem.kmem_alloc, kernel.kernel_map, 0) == START
    assert kernel.do(Kmem.kmem_alloc, kernel.kmem_map, 0) == kernel.kmem_map.start, "nothing is there to be wired"
    assert rows(kernel.kernel_map) == before
    assert kernel.kmem.kernel_object.references == 3, "each leaks a reference"
    kernel.check()


def test_free_rounds_outwards_and_checks_nothing(kernel):
    address = kernel.do(Kmem.kmem_alloc, kernel.kernel_map, 6 * PAGE)
    kernel.do(Kmem.kmem_free, kernel.kernel_map, address + PAGE + 5, PAGE)
    assert [va in kernel.pmap.frames for va in range(address, address + 6 * PAGE, PAGE)] == [1, 0, 0, 1, 1, 1]
    kernel.do(Kmem.kmem_free, kernel.kernel_map, address, 6 * PAGE)
    kernel.do(Kmem.kmem_free, kernel.kernel_map, address, 6 * PAGE)
    assert kernel.frames.free_frames == 64
    kernel.do(Kmem.kmem_free, kernel.kernel_map, START, PAGE)
    assert kernel.kernel_map.first.start == START + PAGE, "a hole in what boot used"
    kernel.check()


def test_free_stays_within_the_map(kernel):
    kernel.do(Kmem.kmem_alloc, kernel.kernel_map, PAGE)
    kernel.do(Kmem.kmem_free, kernel.kmem_map, 0, 2**64 - PAGE)
    assert kernel.frames.free_frames == 63
    assert kernel.kernel_map.first.end == START + BOOT


def test_neighbours_are_one_entry_once_they_are_wired(kernel):
    kernel.do(Kmem.kmem_alloc, kernel.exec_map, PAGE)
    kernel.do(Kmem.kmem_alloc, kernel.exec_map, 2 * PAGE)
    assert [(row[0], row[1], row[4]) for row in rows(kernel.exec_map)] == [(0, 3, 1)]
    assert kernel.kmem.kernel_object.references == 2
    kernel.check()
