"""Pages of files: read once, oldest cached first, found again while their frame holds them."""

from __future__ import annotations

import pytest

from vmwidgets.engine.base.recorder import Recorder
from vmwidgets.engine.base.units import PAGE, PAGE_SHIFT
from vmwidgets.engine.kernel.freebsd.pageout import FilePages, file_content
from vmwidgets.engine.kernel.freebsd.vm_page import PageQueues, SharedFrames
from vmwidgets.engine.kernel.threads.waits import PageWait, run_without_sleeping
from vmwidgets.engine.memory.pages import PageAllocator
from vmwidgets.engine.memory.ram import Ram

FRAMES = 16


class Memory:
    """Sixteen frames with nothing in reserve."""

    def __init__(self):
        recorder = Recorder()
        self.ram = Ram(FRAMES * PAGE)
        self.allocator = PageAllocator(recorder, 0, FRAMES)
        self.frames = SharedFrames(self.allocator, self.ram)
        self.pages = PageQueues(recorder, self.frames, 0, 0)
        self.files = FilePages(recorder, self.pages, self.frames, self.ram)

    def read(self, first, count=1, name="film"):
        return run_without_sleeping(self.files.read(name, first, count))

    def frame(self, pindex, name="film"):
        return self.files.files[name].pages.get(pindex)

    def holds(self, pindex, name="film"):
        return self.ram.read(self.frame(pindex, name) << PAGE_SHIFT, PAGE) == file_content(name, pindex)


@pytest.fixture
def memory():
    return Memory()


def test_each_page_is_read_once_and_holds_its_file(memory):
    assert (memory.read(2, 3), memory.read(3, 3)) == (3, 1)
    assert all(memory.holds(pindex) for pindex in (2, 3, 4, 5))
    assert (memory.files.inactive, memory.read(2, 1, "other")) == (4, 1)
    assert memory.holds(2, "other")


def test_the_oldest_is_cached_first_and_a_hit_makes_it_the_youngest(memory):
    memory.read(0, 3)
    assert memory.read(0) == 0
    order = []
    while memory.files.cache_oldest():
        order += [pindex for pindex in range(3) if memory.frame(pindex) is None and pindex not in order]
    assert order == [1, 2, 0]
    assert (memory.files.inactive, memory.frames.cached) == (0, 3)


def test_a_cached_page_comes_back_without_reading_as_the_youngest(memory):
    memory.read(0, 2)
    frame = memory.frame(0)
    memory.files.cache_oldest()
    assert memory.read(0) == 0
    assert (memory.frame(0), memory.frames.cached, memory.holds(0)) == (frame, 0, True)
    memory.files.cache_oldest()
    assert memory.frame(1) is None and memory.frame(0) == frame


def test_one_whose_frame_was_reused_is_read_again(memory):
    memory.read(0)
    memory.files.cache_oldest()
    assert memory.read(1, FRAMES) == FRAMES
    assert memory.frames.cached == 0
    memory.files.cache_oldest()
    assert memory.read(0) == 1
    assert memory.holds(0)


def test_a_page_that_moved_to_another_frame_is_found_there_when_its_old_frame_is_cached_again(memory):
    """Its first frame was reused for another page; caching that must not forget where the first is now."""
    memory.read(0)
    first = memory.frame(0)
    memory.files.cache_oldest()
    taken = [memory.allocator.allocate(owner="others") for _ in range(memory.allocator.free_pages)]
    memory.read(1)
    assert memory.frame(1) == first
    memory.allocator.free(taken.pop())
    memory.read(0)
    second = memory.frame(0)
    assert second != first
    memory.read(1)  # so that page 0 is the older one
    assert memory.files.cache_oldest() and memory.frame(0) is None
    assert memory.files.cache_oldest() and memory.frame(1) is None
    assert memory.read(0) == 0
    assert (memory.frame(0), memory.holds(0)) == (second, True)


def test_it_waits_for_pages(memory):
    memory.read(0, 4, "other")
    taken = [memory.allocator.allocate(owner="others") for _ in range(memory.allocator.free_pages)]
    call = memory.files.read("film", 0, 2)
    assert next(call) == PageWait()
    memory.allocator.free(taken.pop())
    assert next(call) == PageWait()
    memory.files.cache_oldest()
    assert run_without_sleeping(call) == 2


def test_with_nothing_inactive_there_is_nothing_to_cache(memory):
    assert not memory.files.cache_oldest()
