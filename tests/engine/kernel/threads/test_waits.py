from __future__ import annotations

import pytest

from tests.engine.kernel.kmems import Kernel
from vmwidgets.engine.base.event import Called, Returned
from vmwidgets.engine.base.records import unpacked
from vmwidgets.engine.base.units import PAGE
from vmwidgets.engine.kernel.freebsd.kmem import Kmem
from vmwidgets.engine.kernel.threads.waits import LockWait, MapLock, WouldSleep, run_without_sleeping


def test_a_lock_is_waited_for_until_it_is_free():
    kernel = Kernel()
    lock: MapLock = kernel.kernel_map.lock
    run_without_sleeping(lock.acquire())
    call, wait = kernel.begin(Kmem.kmem_alloc_nofault, kernel.kernel_map, PAGE)
    assert wait == next(call) == LockWait(lock)
    lock.release()
    assert run_without_sleeping(call) == kernel.kernel_map.last.start
    assert not lock.held


def test_what_can_not_wait_says_for_what_it_would_have_to():
    kernel = Kernel()
    run_without_sleeping(kernel.kernel_map.lock.acquire())
    with pytest.raises(WouldSleep) as caught:
        kernel.do(Kmem.kmem_alloc_nofault, kernel.kernel_map, PAGE)
    assert caught.value.wait == LockWait(kernel.kernel_map.lock)


def test_a_kernel_function_reports_where_it_begins_and_ends():
    kernel = Kernel()
    reported = []
    kernel.recorder.emit = reported.append
    address = kernel.do(Kmem.kmem_alloc_nofault, kernel.kernel_map, PAGE)
    events = list(unpacked(reported))
    assert events[0] == (Called.tag, "kmem_alloc_nofault", ("kernel_map", PAGE))
    assert events[-1] == (Returned.tag, address)
