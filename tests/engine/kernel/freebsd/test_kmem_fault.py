"""Faults on kernel memory: what they bring, what they refuse, and that the lock is free afterwards."""

from __future__ import annotations

import pytest

from tests.engine.kernel.kmems import Kernel, finish
from vmwidgets.engine.base.errors import KernelError, KernelPanic
from vmwidgets.engine.base.protection import ALL, READ, WRITE
from vmwidgets.engine.base.units import PAGE
from vmwidgets.engine.kernel.freebsd.kmem import M_WAITOK, Kmem
from vmwidgets.engine.kernel.threads.waits import PageWait, run_without_sleeping


@pytest.fixture(name="kernel")
def made():
    kernel = Kernel(pages=24, reserved=8, interrupt=3)
    kernel.pmap.only_wired = False
    return kernel


def fault(kernel, vm_map, address, access=READ):
    return kernel.do(Kmem.vm_fault, vm_map, address, access)


def test_a_page_comes_zeroed_unwired_and_once(kernel):
    address = kernel.do(Kmem.kmem_alloc_wait, kernel.exec_map, 3 * PAGE)
    frame = fault(kernel, kernel.exec_map, address + PAGE + 7)
    assert kernel.pmap.frames == {address + PAGE: frame}
    assert (kernel.read(address + PAGE), kernel.kmem.pages.wired, kernel.frames.free_frames) == (0, 0, 23)
    assert fault(kernel, kernel.exec_map, address + PAGE) == frame
    kernel.check()


def test_it_waits_for_a_page_with_the_lock_free(kernel):
    address = kernel.do(Kmem.kmem_alloc_wait, kernel.exec_map, PAGE)
    gone = [kernel.frames.unused.pop() for _ in range(16)]
    call, wait = kernel.begin(Kmem.vm_fault, kernel.exec_map, address, WRITE)
    assert (wait, kernel.exec_map.lock.held, kernel.pmap.frames) == (PageWait(), False, {})
    kernel.frames.unused += gone
    assert finish(call) == kernel.pmap.frames[address]


def test_what_is_not_there_or_may_not_be_faulted_in(kernel):
    with pytest.raises(KernelError, match=r"FAULT: nothing is allocated at .* in exec_map"):
        fault(kernel, kernel.exec_map, kernel.exec_map.start)
    kernel.kmem_map.insert(None, 0, kernel.kmem_map.start, kernel.kmem_map.start + PAGE)
    with pytest.raises(KernelError, match=r"FAULT: no memory is mapped at .* which is a system map"):
        fault(kernel, kernel.kmem_map, kernel.kmem_map.start)
    assert not kernel.exec_map.lock.held and not kernel.kmem_map.lock.held
    address = kernel.do(Kmem.kmem_alloc_nofault, kernel.kernel_map, PAGE)
    with pytest.raises(KernelPanic, match=f"fault on nofault entry, addr: {address:x}"):
        fault(kernel, kernel.kernel_map, address)


def test_in_a_submaps_place_the_fault_is_the_submaps(kernel):
    address = kernel.do(Kmem.kmem_alloc_wait, kernel.exec_map, PAGE)
    frame = fault(kernel, kernel.kernel_map, address, WRITE)
    assert kernel.pmap.frames == {address: frame}
    with pytest.raises(KernelError, match=r"FAULT: nothing is allocated at .* in exec_map"):
        fault(kernel, kernel.kernel_map, address + PAGE)
    assert not kernel.exec_map.lock.held and not kernel.kernel_map.lock.held
    kernel.check()


def test_rights_are_obeyed_and_given_to_the_page(kernel):
    address = kernel.do(Kmem.kmem_alloc_wait, kernel.exec_map, 2 * PAGE)
    assert run_without_sleeping(kernel.exec_map.protect(address, address + PAGE, READ)) == 0
    with pytest.raises(KernelError, match=r"ACCES: .* allows r--, but this access needs -w-"):
        fault(kernel, kernel.exec_map, address, WRITE)
    assert not kernel.exec_map.lock.held
    fault(kernel, kernel.exec_map, address)
    fault(kernel, kernel.exec_map, address + PAGE)
    assert [kernel.pmap.rights.get(address + page * PAGE, ALL) for page in range(2)] == [READ, ALL]


@pytest.mark.parametrize(
    ("function", "more", "in_map"), [(Kmem.kmem_malloc, (M_WAITOK,), "kmem_map"), (Kmem.kmem_alloc, (), "kernel_map")]
)
def test_of_a_range_that_is_being_made_no_page_is_allocated(kernel, function, more, in_map):
    vm_map = getattr(kernel, in_map)
    call, wait = kernel.begin(function, vm_map, 30 * PAGE, *more)
    assert wait == PageWait()
    start, got = vm_map.last.start, len(kernel.kmem.pages.in_use)
    kernel.frames.unused += range(100, 150)
    kernel.frames.total += 50
    with pytest.raises(KernelError, match=r"FAULT: the page at .* is not allocated yet"):
        fault(kernel, vm_map, start + 29 * PAGE)
    assert (len(kernel.kmem.pages.in_use), vm_map.lock.held) == (got, False)
    assert finish(call) == start
    fault(kernel, vm_map, start + 29 * PAGE)
    kernel.check()


def test_a_busy_page_is_still_its_makers(kernel):
    """kmem_malloc's pages are busy until all are there."""
    call, _ = kernel.begin(Kmem.kmem_malloc, kernel.kmem_map, 30 * PAGE, M_WAITOK)
    start = kernel.kmem_map.start
    assert kernel.kmem.pages.find(kernel.kmem.kmem_object, kernel.kmem.offset_of(start) // PAGE)
    with pytest.raises(KernelError, match="not allocated yet"):
        fault(kernel, kernel.kmem_map, start)
    assert kernel.pmap.frames == {}
    call.close()
