"""The page daemon: when it wakes, how far it goes, and when those who wait are told."""

from __future__ import annotations

import pytest

from vmwidgets.engine.base.recorder import Recorder
from vmwidgets.engine.base.units import PAGE
from vmwidgets.engine.kernel.freebsd.pageout import CHANNEL, FilePages, PageDaemon, Thresholds, thresholds
from vmwidgets.engine.kernel.freebsd.vm_page import GRAB, PageQueues, SharedFrames
from vmwidgets.engine.kernel.map.vm_object import VmObject
from vmwidgets.engine.kernel.threads.waits import ChannelWait, TimedWait, run_without_sleeping
from vmwidgets.engine.memory.pages import PageAllocator
from vmwidgets.engine.memory.ram import Ram

FRAMES = 64
MARKS = Thresholds(interrupt_free_min=2, free_reserved=4, free_min=8, free_target=20)


class Memory:
    """64 frames, most of them full of a file, and a daemon whose thread is the caller's."""

    def __init__(self):
        recorder = Recorder()
        ram = Ram(FRAMES * PAGE)
        self.allocator = PageAllocator(recorder, 0, FRAMES)
        self.frames = SharedFrames(self.allocator, ram)
        self.pages = PageQueues(recorder, self.frames, MARKS.free_reserved, MARKS.interrupt_free_min)
        self.files = FilePages(recorder, self.pages, self.frames, ram)
        self.told = []
        self.seek = []

        def tell(whom):
            self.told.append(whom)
            return 1

        self.daemon = PageDaemon(
            recorder,
            self.pages,
            self.files,
            MARKS,
            seek_memory=lambda: self.seek.append(self.daemon.available),
            wake=tell,
            wake_waiters=lambda: tell("waiters"),
        )
        self.object = VmObject("x", self.pages)

    def fill(self, left, files):
        """`files` pages of a file and others' frames, until so many are left."""
        run_without_sleeping(self.files.read("film", 0, files))
        while self.daemon.available > left:
            self.allocator.allocate(owner="others")
        self.told.clear()

    def ask(self):
        return self.pages.allocate(self.object, len(self.object.pages), GRAB)


@pytest.fixture
def memory():
    return Memory()


@pytest.mark.parametrize(
    ("total", "free", "reserved", "least", "target", "inactive"),
    [
        (1024, 900, 8 + 34 + 1, 43 + 4, 43 + 2 * 47, 225),
        (1999, 1999, 8 + 34 + 2, 44 + 4 + 4, 44 + 2 * 52, 499),
        (2000, 2000, 16 + 34 + 2, 52 + 4 + 4, 52 + 2 * 60, 500),
        (2100, 2049, 16 + 34 + 2, 52 + 4 + 5, 52 + 2 * 61, 261),
        (8192, 6144, 16 + 34 + 10, 60 + 4 + 35, 60 + 2 * 99, 387),
        (8192, 6145, 16 + 34 + 10, 60 + 4 + 35, 60 + 4 * 99, 684),
        (16384, 16000, 71, 151, 675, 1012),
        (1 << 18, 2100, 16 + 34 + 341, 391 + 4 + 1305, 391 + 2 * 1700, 700),
    ],
)
def test_the_marks_follow_the_number_of_pages(total, free, reserved, least, target, inactive):
    """Worked out by hand from the formulas; the cases lie on both sides of each of their limits."""
    marks = thresholds(total, free)
    assert (marks.free_reserved, marks.free_min, marks.free_target) == (reserved, least, target)
    assert marks.inactive_target == inactive


def test_a_refusal_wakes_it_once(memory):
    memory.fill(MARKS.free_reserved, 10)
    assert memory.ask() is memory.ask() is None
    assert memory.told == [CHANNEL]
    assert memory.daemon.needed


def test_it_goes_to_the_target_and_sleeps_again(memory):
    memory.fill(MARKS.free_reserved, 40)
    thread = memory.daemon.run()
    assert next(thread) == ChannelWait(CHANNEL, "psleep")
    memory.ask()
    assert thread.send(0) == ChannelWait(CHANNEL, "psleep")
    assert memory.daemon.available == MARKS.free_target
    assert memory.frames.cached == MARKS.free_target - MARKS.free_reserved
    assert memory.seek == [MARKS.free_reserved], "memory is sought before pages are moved"
    assert memory.told == [CHANNEL, "waiters"]
    assert not memory.daemon.needed


def test_one_pass_moves_no_more_than_it_may_and_another_follows(memory):
    memory.fill(MARKS.free_reserved, 40)
    memory.daemon.most, memory.daemon.interval = 3, 7
    thread = memory.daemon.run()
    next(thread)
    memory.ask()
    assert thread.send(0) == TimedWait("pagedaemon", 7)
    assert (memory.daemon.available, memory.told) == (MARKS.free_reserved + 3, [CHANNEL]), "not at free_min yet"
    thread.send(0)
    assert memory.told == [CHANNEL, "waiters"]


def test_with_nothing_to_move_it_sleeps_until_it_is_asked_again(memory):
    memory.fill(MARKS.free_reserved, 0)
    thread = memory.daemon.run()
    next(thread)
    memory.ask()
    assert thread.send(0) == ChannelWait(CHANNEL, "psleep")
    memory.ask()
    assert memory.told == [CHANNEL, CHANNEL]


def test_stopped_it_stays_asleep_and_goes_on_when_started(memory):
    memory.fill(MARKS.free_reserved, 40)
    thread = memory.daemon.run()
    next(thread)
    memory.daemon.stopped = True
    memory.ask()
    assert thread.send(0) == ChannelWait(CHANNEL, "psleep")
    assert memory.frames.cached == 0
    memory.daemon.restart()
    assert memory.told == [CHANNEL, CHANNEL]
    thread.send(0)
    assert memory.daemon.available == MARKS.free_target


def test_those_who_wait_are_told_at_the_mark(memory):
    memory.fill(MARKS.free_reserved, 0)
    memory.allocator.free(next(frame for frame in range(FRAMES) if memory.allocator.owner(frame) == "others"))
    page_free = [frame for frame in range(FRAMES) if memory.allocator.owner(frame) == "others"]
    while memory.daemon.available < MARKS.free_min - 1:
        memory.allocator.free(page_free.pop())
        memory.daemon.freed()
    assert memory.told == []
    memory.allocator.free(page_free.pop())
    memory.daemon.freed()
    assert memory.told == ["waiters"]


def test_a_page_that_is_freed_tells_them_by_itself(memory):
    page = memory.ask()
    memory.told.clear()
    memory.pages.free(page)
    assert memory.told == ["waiters"]
