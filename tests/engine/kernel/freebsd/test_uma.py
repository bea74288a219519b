"""The zone allocator over a plain kernel: which zone, whose slab, zeroes, and what goes back."""

from __future__ import annotations

import pytest

from tests.engine.kernel.kmems import Kernel
from vmwidgets.engine.base.errors import Broken
from vmwidgets.engine.base.units import PAGE
from vmwidgets.engine.kernel.freebsd.kmem import M_NOWAIT, M_WAITOK, M_ZERO, Kmem
from vmwidgets.engine.kernel.freebsd.uma import Zones
from vmwidgets.engine.kernel.threads.waits import LockWait, run_without_sleeping


@pytest.fixture(name="kernel")
def made():
    return Kernel()


class Watched(Zones):
    """Zones that keep a list of what they cleared."""

    def __init__(self, kernel):
        self.cleared = []
        super().__init__(kernel.kmem, kernel.kmem_map, lambda address, size: self.cleared.append((address, size)))


@pytest.fixture
def zones(kernel):
    return Watched(kernel)


def take(zones, size, flags=M_WAITOK):
    return run_without_sleeping(zones.malloc(size, flags))


def give(zones, address):
    run_without_sleeping(zones.free(address))


@pytest.mark.parametrize(("size", "zone"), [(1, 16), (16, 16), (17, 32), (4095, 4096), (4096, 4096)])
def test_zeroes_are_written_over_the_whole_object_and_only_when_asked_for(zones, size, zone):
    plain = take(zones, size)
    assert zones.cleared == []
    zeroed = take(zones, size, M_WAITOK | M_ZERO)
    assert zones.cleared == [(zeroed, zone)]
    assert abs(zeroed - plain) >= zone
    zones.check()


def test_an_object_that_was_used_is_zeroed_too(zones):
    give(zones, take(zones, 64))
    again = take(zones, 64, M_NOWAIT | M_ZERO)
    assert zones.cleared == [(again, 64)]


def test_whole_pages_are_zeroed_by_kmem_malloc(kernel, zones):
    address = take(zones, 3 * PAGE - 1, M_WAITOK | M_ZERO)
    assert [kernel.read(address + page * PAGE) for page in range(3)] == [0, 0, 0]
    assert zones.large == {address: 3 * PAGE}


def test_reclaiming_gives_back_empty_slabs_and_ready_ones_and_no_others(kernel, zones):
    kept, other = take(zones, 64), take(zones, 128)
    give(zones, other)
    ready = kernel.do(Kmem.kmem_malloc, kernel.kmem_map, PAGE, M_WAITOK)
    zones.grown(zones.zone_for(256), ready)
    assert kernel.kmem_map.size == 3 * PAGE
    kernel.kmem.reclaim_zones()
    assert kernel.kmem_map.size == PAGE
    assert list(zones.slabs) == [kept & -PAGE]
    assert zones.zone_for(256).ready == []
    zones.check()
    kernel.check()


def test_while_somebody_has_the_lock_nothing_is_given_back(kernel, zones):
    give(zones, take(zones, 64))
    run_without_sleeping(kernel.kmem_map.lock.acquire())
    zones.reclaim()
    assert kernel.kmem_map.size == PAGE
    zones.check()
    kernel.kmem_map.lock.release()
    zones.reclaim()
    assert kernel.kmem_map.size == 0


def test_a_free_that_has_to_wait_keeps_its_range_until_it_is_done(kernel, zones):
    address = take(zones, 2 * PAGE)
    run_without_sleeping(kernel.kmem_map.lock.acquire())
    call = zones.free(address)
    assert next(call) == LockWait(kernel.kmem_map.lock)
    assert zones.large == {address: 2 * PAGE}
    kernel.kmem_map.lock.release()
    run_without_sleeping(call)
    assert (zones.large, kernel.kmem_map.size) == ({}, 0)


def test_without_memory_it_is_0_and_nothing_is_noted(kernel, zones):
    kernel.frames.unused.clear()
    assert take(zones, 64, M_NOWAIT) == take(zones, 2 * PAGE, M_NOWAIT) == 0
    assert (zones.taken, zones.large, zones.slabs) == ({}, {}, {})


def test_what_was_freed_behind_its_back_is_forgotten(kernel, zones):
    objects = [take(zones, 1024) for _ in range(6)]
    large = take(zones, 2 * PAGE)
    lost = kernel.kmem_map.start
    kernel.do(Kmem.kmem_free, kernel.kmem_map, lost, PAGE)
    kernel.do(Kmem.kmem_free, kernel.kmem_map, large, PAGE)
    slab = zones.zone_for(1024).slab_size
    assert zones.drop_range(large, large + PAGE) == []
    assert zones.drop_range(lost, lost + 1) == [(lost, lost + slab)]
    assert zones.large == {}
    assert set(zones.taken) == {one for one in objects if not lost <= one < lost + slab}
    zones.check()


def test_books_that_do_not_agree(zones):
    address = take(zones, 64)
    zone = zones.taken.pop(address)
    with pytest.raises(Broken, match=r"^Z1: 0 objects of zone 64 are out, it counts 1$"):
        zones.check()
    zones.taken[address] = zone
    zones.slabs.clear()
    with pytest.raises(Broken, match=r"^Z2: "):
        zones.check()
