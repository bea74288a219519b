from __future__ import annotations

import contextlib

import pytest

from tests.engine.kernel.maps import HIGH, LOW, PAGE, READ_ONLY, NumberedPager, Space, Tables
from vmwidgets.engine.base.errors import KernelError, KernelPanic, kernel_error
from vmwidgets.engine.kernel.map.vm_object import PagerAsked, VmObject
from vmwidgets.engine.kernel.x15.vm_fault import vm_map_fault

READ, WRITE = 1, 2


@pytest.fixture
def space():
    space = Space()
    space.fixed(0x20000, 4 * PAGE, target="a", offset=8 * PAGE)
    space.fixed(0x30000)
    space.fixed(0x32000, flags=READ_ONLY, target="b")
    return space


def fault(space, address, access=READ, entered=None):
    return vm_map_fault(space.map, address, access, lambda *page: None if entered is None else entered.append(page))


def test_the_page_is_asked_for_once_and_entered_each_time(space):
    entered = []
    first = fault(space, 0x21FFF, WRITE, entered)
    assert (first.cache, first.entry, first.object.name, first.offset) == ("miss", 0x20000, "a", 9 * PAGE)
    assert (first.va, first.frame, first.protection) == (0x21000, 0, 3)
    again = fault(space, 0x21000, READ, entered)
    assert (again.cache, again.frame) == ("hit", 0)
    assert entered == [(0x21000, 0, 3)] * 2
    assert space.objects["a"].pages == {9: 0}


def test_two_mappings_of_one_page_share_it(space):
    space.fixed(0x40000, target="a", offset=9 * PAGE)
    assert fault(space, 0x21000).frame == fault(space, 0x40000).frame
    assert fault(space, 0x40000).cache == "hit"


def test_the_entrys_protection_is_entered_and_not_the_accesss(space):
    entered = []
    fault(space, 0x32000, READ, entered)
    assert entered == [(0x32000, 0, 1)]


@pytest.mark.parametrize("address", [LOW, 0x1FFFF, 0x24000, 0x31000, HIGH, 2**64 - 1])
def test_outside_of_every_entry_it_is_a_fault(space, address):
    with pytest.raises(KernelError, match=r"^FAULT: no entry of map holds 0x"):
        fault(space, address)


def test_a_right_that_the_entry_lacks_is_told_whether_there_is_a_page_or_not(space):
    fault(space, 0x32000)
    for address, access in ((0x32000, WRITE), (0x32000, READ | 4), (0x20000, 4)):
        with pytest.raises(KernelError, match=r"^ACCES: .* allows "):
            fault(space, address, access)
    assert fault(space, 0x20000, 0).cache == "miss", "an access of nothing always passes"


def test_without_object_there_is_nobody_to_ask(space):
    with pytest.raises(KernelError, match=r"^FAULT: the entry at 0x3_0000 has no object"):
        fault(space, 0x30000)
    with pytest.raises(KernelError, match=r"^ACCES"):
        fault(space, 0x30000, 4)


def test_a_pager_without_pages_passes_its_error_on_and_nothing_is_kept():
    space = Space()
    space.objects["c"] = VmObject("c", NumberedPager(1), space.recorder)
    space.fixed(0x20000, 2 * PAGE, target="c")
    fault(space, 0x20000)
    entered = []
    with pytest.raises(KernelError, match=r"^NOMEM: the pager of 'c' has no page for offset 0x1000"):
        fault(space, 0x21000, entered=entered)
    assert (entered, space.objects["c"].pages) == ([], {0: 0})
    assert fault(space, 0x20000).cache == "hit"


def test_a_page_that_can_not_be_entered_is_a_panic(space):
    def enter_page(va, frame, protection):
        raise kernel_error("NOMEM", "no page for a table")

    with pytest.raises(KernelPanic, match=r"fault_pmap_enter.*0x2_0000.*no page for a table"):
        vm_map_fault(space.map, 0x20000, READ, enter_page)


def test_the_kernels_map_is_never_paged():
    space = Space(kernel=Tables(HIGH))
    space.fixed(0x20000)
    with pytest.raises(KernelPanic, match="fault_kernel_map"):
        fault(space, 0x20000)


def test_the_lookup_cache_moves_even_when_it_fails(space):
    for address, start in ((0x20000, 0x20000), (0x31000, 0x32000), (0x30000, 0x30000)):
        with contextlib.suppress(KernelError):
            fault(space, address, 4)
        assert space.map.lookup_cache.start == start


def test_the_pager_is_told_of(space):
    events = space.recorded(lambda: fault(space, 0x20000))
    assert PagerAsked("a", 8 * PAGE, 0, "miss") in events
    events = space.recorded(lambda: fault(space, 0x20000))
    assert PagerAsked("a", 8 * PAGE, 0, "hit") in events
