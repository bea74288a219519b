"""Frames that stand by: zeroed ahead or cached, taken in order, and back in the allocator when it is empty."""

from __future__ import annotations

import pytest

from vmwidgets.engine.base.errors import Broken
from vmwidgets.engine.base.recorder import Recorder
from vmwidgets.engine.base.units import PAGE, PAGE_SHIFT
from vmwidgets.engine.kernel.freebsd.vm_page import GRAB, ZERO_POOL, PageQueues, SharedFrames
from vmwidgets.engine.kernel.map.vm_object import VmObject
from vmwidgets.engine.memory.pages import PageAllocator
from vmwidgets.engine.memory.ram import Ram

FRAMES = 64


@pytest.fixture
def ram():
    ram = Ram(FRAMES * PAGE)
    for frame in range(FRAMES):
        ram.write(frame << PAGE_SHIFT, b"dirt")
    return ram


@pytest.fixture
def pages():
    return PageAllocator(Recorder(), 0, FRAMES)


@pytest.fixture
def store(pages, ram):
    return SharedFrames(pages, ram)


def use_up(pages):
    """Somebody else takes what is free, and no more."""
    return [pages.allocate(owner="others") for _ in range(pages.free_pages)]


def cache(store, count):
    """So many frames that hold a page, the oldest first."""
    frames = [store.allocate(False, "file")[0] for _ in range(count)]
    for frame in frames:
        store.cache(frame, f"page {frame}")
    return frames


def test_zeroes_are_had_by_those_who_ask_for_them(store, ram):
    assert store.zero_ahead(3) == 3
    (zeroed, known), (plain, not_known) = store.allocate(True, "x"), store.allocate(False, "x")
    assert (known, not_known, store.zeroed) == (True, False, 2)
    assert ram.read(zeroed << PAGE_SHIFT, PAGE) == bytes(PAGE)
    assert ram.read(plain << PAGE_SHIFT, 4) == b"dirt"
    store.check()


def test_no_more_are_zeroed_than_the_pool_holds_or_are_free(store, pages):
    assert store.zero_ahead(2) == 2
    assert store.zero_ahead(100) == ZERO_POOL - 2
    assert (store.zeroed, store.free_frames) == (ZERO_POOL, FRAMES)
    store.allocate(True, "x")
    use_up(pages)
    assert store.zero_ahead(1) == 0


def test_free_ones_go_first_then_zeroed_ones_then_the_oldest_cached(store, pages):
    old, middle, young = cache(store, 3)
    store.zero_ahead(1)
    assert pages.owner(store.allocate(False, "x")[0]) == "x"
    assert (store.zeroed, store.cached) == (1, 3), "a free one"
    use_up(pages)
    assert store.allocate(False, "x")[1], "the zeroed one"
    assert [store.allocate(False, "x") for _ in range(3)] == [(old, False), (middle, False), (young, False)]
    assert [pages.owner(frame) for frame in (old, middle, young)] == ["x"] * 3


def test_a_cached_one_that_is_wanted_again_keeps_what_it_holds_and_its_place_is_gone(store, pages, ram):
    old, young = cache(store, 2)
    ram.write(old << PAGE_SHIFT, b"kept")
    store.reactivate(old, "file")
    assert (store.is_cached(old), store.is_cached(young), store.cached) == (False, True, 1)
    assert (ram.read(old << PAGE_SHIFT, 4), pages.owner(old)) == (b"kept", "file")
    use_up(pages)
    assert store.allocate(False, "x")[0] == young


def test_the_allocator_gets_zeroed_ones_then_the_oldest_cached(store, pages):
    old, young = cache(store, 2)
    store.zero_ahead(1)
    use_up(pages)
    (zeroed,) = (frame for frame, state in store.standing_by() if state == "zeroed")
    assert [pages.allocate(owner="x") for _ in range(4)] == [zeroed, old, young, None]
    assert not len(store)
    store.check()


def test_books_that_do_not_agree(store, pages, ram):
    store.zero_ahead(1)
    ((frame, _),) = store.standing_by()
    ram.write((frame << PAGE_SHIFT) + PAGE - 1, b"x")
    with pytest.raises(Broken, match=f"^F2: frame {frame:#x} counts as zeroed and is not$"):
        store.check()
    pages.hand_over(frame, "nobody")
    with pytest.raises(Broken, match=f"^F1: frame {frame:#x} is zeroed and belongs to 'nobody'$"):
        store.check()


def test_free_frames_that_the_allocator_refuses_are_no_page_and_no_crash(store, pages):
    queues, owner = PageQueues(Recorder(), store, 0, 0), VmObject("x", None)
    pages.veto = lambda _owner: True
    assert queues.allocate(owner, 0, GRAB) is None
    assert (queues.deficit, store.free_frames, owner.pages) == (1, FRAMES, {})
    pages.veto = None
    assert queues.allocate(owner, 0, GRAB)
