from __future__ import annotations

import pytest

from tests.engine.kernel.kmems import Kernel, finish
from vmwidgets.engine.base.errors import KernelError, kernel_error
from vmwidgets.engine.base.units import PAGE
from vmwidgets.engine.kernel.freebsd.kmem import Kmem
from vmwidgets.engine.kernel.threads.waits import RoomWait


@pytest.fixture(name="kernel")
def made():
    return Kernel(execs=4)


def test_it_sleeps_until_there_is_room_with_the_lock_dropped(kernel):
    first = kernel.do(Kmem.kmem_alloc_wait, kernel.exec_map, 4 * PAGE)
    call, wait = kernel.begin(Kmem.kmem_alloc_wait, kernel.exec_map, 2 * PAGE)
    assert wait == RoomWait(kernel.exec_map)
    assert (kernel.exec_map.needs_wakeup, kernel.exec_map.lock.held) == (True, False)
    kernel.do(Kmem.kmem_free_wakeup, kernel.exec_map, first + 2 * PAGE, 2 * PAGE)
    assert (kernel.exec_map.needs_wakeup, kernel.woken) == (False, ["exec_map"])
    assert finish(call) == first + 2 * PAGE
    assert not kernel.exec_map.lock.held
    kernel.check()


def test_who_is_woken_in_vain_asks_to_be_woken_again(kernel):
    kernel.do(Kmem.kmem_alloc_wait, kernel.exec_map, 4 * PAGE)
    call, _ = kernel.begin(Kmem.kmem_alloc_wait, kernel.exec_map, 2 * PAGE)
    kernel.do(Kmem.kmem_free_wakeup, kernel.exec_map, kernel.exec_map.start, PAGE)
    assert next(call) == RoomWait(kernel.exec_map)
    assert kernel.exec_map.needs_wakeup


def test_kmem_free_wakes_nobody_and_an_empty_kmem_free_wakeup_does(kernel):
    kernel.do(Kmem.kmem_alloc_wait, kernel.exec_map, 4 * PAGE)
    kernel.begin(Kmem.kmem_alloc_wait, kernel.exec_map, PAGE)
    kernel.do(Kmem.kmem_free, kernel.exec_map, kernel.exec_map.start, 4 * PAGE)
    assert not kernel.woken
    kernel.do(Kmem.kmem_free_wakeup, kernel.exec_map, kernel.exec_map.start, 0)
    assert kernel.woken == ["exec_map"]
    kernel.do(Kmem.kmem_free_wakeup, kernel.exec_map, kernel.exec_map.start, 0)
    assert kernel.woken == ["exec_map"], "nobody had asked"


def test_only_what_is_larger_than_the_whole_map_fails(kernel):
    assert kernel.do(Kmem.kmem_alloc_wait, kernel.exec_map, 4 * PAGE + 1) == 0
    kernel.do(Kmem.kmem_alloc_wait, kernel.exec_map, PAGE)
    _, wait = kernel.begin(Kmem.kmem_alloc_wait, kernel.exec_map, 4 * PAGE)
    assert wait == RoomWait(kernel.exec_map)


def test_size_0_is_the_maps_start_and_takes_nothing(kernel):
    assert kernel.do(Kmem.kmem_alloc_wait, kernel.exec_map, 0) == kernel.exec_map.start
    assert kernel.exec_map.nr_entries == 0


def test_the_lock_is_free_again_when_a_large_page_can_not_be_split(kernel, monkeypatch):
    def no_table(cuts):
        raise kernel_error("NOMEM", "no page for a table")

    start = kernel.do(Kmem.kmem_alloc_wait, kernel.exec_map, 2 * PAGE)
    monkeypatch.setattr(kernel.pmap, "large", True)
    monkeypatch.setattr(kernel.pmap, "prepared", no_table)
    with pytest.raises(KernelError, match="NOMEM: no page for a table"):
        kernel.do(Kmem.kmem_free_wakeup, kernel.exec_map, start, PAGE)
    assert not kernel.exec_map.lock.held
    monkeypatch.undo()
    kernel.do(Kmem.kmem_free_wakeup, kernel.exec_map, start, PAGE)
    kernel.check()
