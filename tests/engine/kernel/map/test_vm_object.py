from __future__ import annotations

import pytest

from tests.engine.kernel.maps import PAGE, NumberedPager, Space
from vmwidgets.engine.base.errors import KernelError
from vmwidgets.engine.kernel.map.vm_object import FreeBSDObject, VmObject


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


# ---- pages for large pages ----------------------------------------------------------------------


class Runs(NumberedPager):
    """A pager with one run of contiguous frames."""

    def __init__(self, run):
        super().__init__()
        self.run, self.asked = run, []

    def get_run(self, target, offset, count, task):
        self.asked.append((offset, count, task))
        return self.run


@pytest.mark.parametrize(
    ("frames", "first"),
    [
        ([8, 9, 10, 11], 8),
        ([0, 1, 2, 3], 0),
        ([9, 10, 11, 12], None),  # a large page begins at a multiple of its size
        ([10, 11, 12, 13], None),
        ([8, 9, 11, 10], None),
        ([8, 9, 10, 12], None),
        ([8, 8, 8, 8], None),
        ([8, 9, 10, None], None),
        ([8, None, 10, 11], None),
        ([None, 9, 10, 11], None),
    ],
)
def test_pages_are_a_run_if_their_frames_are_contiguous_and_aligned(frames, first):
    pager = Runs(64)
    target = VmObject("a", pager)
    target.pages = {4 + at: frame for at, frame in enumerate(frames) if frame is not None}
    before = dict(target.pages)
    assert target.run(4 * PAGE, 4) == first
    assert (target.pages, pager.asked) == (before, []), "what is there is looked at, and nothing is brought in"


def test_pages_around_a_run_are_no_part_of_it():
    target = VmObject("a", Runs(64))
    target.pages = {3: 99, 4: 8, 5: 9, 6: 98}
    assert target.run(4 * PAGE, 2) == 8


def test_an_object_without_pages_there_asks_for_a_run():
    pager = Runs(64)
    target = VmObject("a", pager)
    target.pages = {1: 7, 6: 9}
    assert target.run(2 * PAGE, 4, "init") == 64
    assert pager.asked == [(2 * PAGE, 4, "init")]
    assert target.pages == {1: 7, 2: 64, 3: 65, 4: 66, 5: 67, 6: 9}


def test_a_pager_without_a_run_leaves_the_object_as_it_is():
    target = VmObject("a", Runs(None))
    assert target.run(0, 4) is None
    assert VmObject("b", NumberedPager()).run(0, 4) is None, "a pager that has no runs"
    assert target.pages == {}


# ---- bringing a page in -------------------------------------------------------------------------


def test_a_page_is_brought_in_once_and_each_time_it_is_told():
    space = Space()
    target = space.objects["a"]
    told = [event for _ in range(2) for event in space.recorded(lambda: target.bring(3 * PAGE))]
    assert [(one.object, one.offset, one.frame, one.outcome) for one in told] == [
        ("a", 3 * PAGE, 0, "miss"), ("a", 3 * PAGE, 0, "hit"),
    ]  # fmt: skip
    assert target.bring(3 * PAGE) == ("hit", 0)


def test_a_page_that_can_not_be_brought_in_is_told_too():
    space = Space()
    target = VmObject("none", NumberedPager(0), space.recorder)
    told = []
    space.recorder.emit = told.append
    with pytest.raises(KernelError, match=r"NOMEM: the pager of 'none' has no page for offset 0x3000"):
        target.bring(3 * PAGE)
    assert told == [("PagerAsked", "none", 3 * PAGE, -1, "NOMEM")]


# ---- objects of FreeBSD -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("permanent", "references", "end", "grows"),
    [
        (False, 1, 3, True),  # nobody else maps it: what is after the entry is free
        (False, 1, 8, True),
        (False, 2, 8, True),  # at its very end
        (False, 2, 3, False),  # another entry may map what follows
        (True, 1, 8, False),  # kernel_object and kmem_object stay as they are
    ],
)
def test_anonymous_memory_grows_where_no_other_entry_can_map_it(permanent, references, end, grows):
    target = FreeBSDObject("a", NumberedPager(), 8, permanent=permanent)
    target.references = references
    assert target.can_grow_behind(end) is grows
