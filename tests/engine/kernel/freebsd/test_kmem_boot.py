from __future__ import annotations

import pytest

from tests.engine.kernel.kmems import BOOT, START, Kernel, rows
from vmwidgets.engine.base.errors import KernelPanic
from vmwidgets.engine.base.units import PAGE
from vmwidgets.engine.kernel.freebsd.entries import NOFAULT
from vmwidgets.engine.kernel.freebsd.kmem import Kmem
from vmwidgets.engine.kernel.map.core import SUB_MAP


@pytest.fixture(name="kernel")
def made():
    return Kernel()


def test_what_boot_used_is_the_first_entry_and_the_submaps_follow(kernel):
    entries = list(kernel.kernel_map)
    assert [entry.pages for entry in entries] == [16, 64, 16]
    assert [entry.flags & (NOFAULT | SUB_MAP) for entry in entries] == [NOFAULT, SUB_MAP, SUB_MAP]
    assert [entry.fields()[3] for entry in entries] == [None, "submap:kmem_map", "submap:exec_map"]
    assert [vm_map.system for vm_map in kernel.kmem.maps] == [True, True, False]
    assert (kernel.kmem_map.start, kernel.kmem_map.end) == (START + BOOT, START + BOOT + 64 * PAGE)


def test_allocating_in_a_submap_never_touches_the_parent(kernel):
    before = rows(kernel.kernel_map)
    kernel.do(Kmem.kmem_alloc_wait, kernel.exec_map, 16 * PAGE)
    assert rows(kernel.kernel_map) == before


@pytest.mark.parametrize(("size", "status"), [(161 * PAGE, 3), (0, 1), (2**64 - 1, 1)])
def test_without_a_range_it_panics_with_the_status(kernel, size, status):
    with pytest.raises(KernelPanic, match=f"bad status return of {status}"):
        kernel.do(Kmem.kmem_suballoc, kernel.kernel_map, size, "more_map")
    assert not kernel.kernel_map.lock.held


def test_without_a_map_it_panics_and_the_range_stays_used(kernel):
    kernel.kmem.veto_map = lambda: True
    with pytest.raises(KernelPanic, match="cannot create submap"):
        kernel.do(Kmem.kmem_suballoc, kernel.kernel_map, PAGE, "more_map")
    assert kernel.kernel_map.last.pages == 1
    assert len(kernel.kmem.maps) == 3


def test_next_to_a_plain_entry_it_works_in_a_system_map_only(kernel):
    outer = kernel.do(Kmem.kmem_suballoc, kernel.kernel_map, 16 * PAGE, "outer")
    kernel.do(Kmem.kmem_alloc_wait, outer, PAGE)
    with pytest.raises(KernelPanic, match="unable to change range to submap"):
        kernel.do(Kmem.kmem_suballoc, outer, PAGE, "inner")
    assert rows(outer) == [(0, 1, "anon0", 0, 0), (1, 1, "anon0", 1, 0)]
    kernel.do(Kmem.kmem_alloc_nofault, kernel.kernel_map, PAGE)
    kernel.do(Kmem.kmem_alloc_wait, kernel.kernel_map, PAGE)
    assert kernel.do(Kmem.kmem_suballoc, kernel.kernel_map, PAGE, "beside").end - PAGE == kernel.kernel_map.last.start
    kernel.check()
