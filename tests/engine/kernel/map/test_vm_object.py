from __future__ import annotations

from tests.engine.kernel.maps import PAGE, NumberedPager
from vmwidgets.engine.kernel.map.vm_object import VmObject


def test_pages_are_found_by_any_offset_in_them():
    target = VmObject("a", NumberedPager())
    assert target.page(0) is None
    assert target.ask_pager(5 * PAGE + 7) == 0
    assert [target.page(offset) for offset in (5 * PAGE - 1, 5 * PAGE, 6 * PAGE - 1, 6 * PAGE)] == [None, 0, 0, None]


def test_the_last_one_out_gives_all_pages_back_and_the_object_can_be_used_again():
    pager = NumberedPager()
    target = VmObject("a", pager)
    target.reference()
    target.reference()
    frames = [target.ask_pager(offset) for offset in (0, 2**63)]
    target.release()
    assert pager.released == []
    target.release()
    assert (pager.released, target.pages, target.references) == (frames, {}, 0)
    target.reference()
    assert target.ask_pager(0) == 2


def test_a_pager_without_pages_leaves_nothing_behind():
    target = VmObject("a", NumberedPager(0))
    assert target.ask_pager(0) is None
    assert target.pages == {}
