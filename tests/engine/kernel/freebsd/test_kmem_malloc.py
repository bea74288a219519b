from __future__ import annotations

import pytest

from tests.engine.kernel.kmems import Kernel, finish, rows
from vmwidgets.engine.base.errors import KernelPanic
from vmwidgets.engine.base.units import PAGE
from vmwidgets.engine.kernel.freebsd.kmem import M_NOWAIT, M_USE_RESERVE, M_WAITOK, M_ZERO, Kmem
from vmwidgets.engine.kernel.threads.waits import LockWait, PageWait, TimedWait


@pytest.fixture(name="kernel")
def made():
    return Kernel(pages=24, reserved=8, interrupt=3)


def take(kernel, left):
    """Somebody else takes frames until so many are left."""
    gone = [kernel.frames.unused.pop() for _ in range(kernel.frames.free_frames - left)]
    kernel.frames.total -= len(gone)
    return gone


def give(kernel, frames):
    kernel.frames.unused += frames
    kernel.frames.total += len(frames)


def malloc(kernel, pages, flags):
    return kernel.do(Kmem.kmem_malloc, kernel.kmem_map, pages * PAGE, flags)


@pytest.mark.parametrize(
    ("flags", "untouched"),
    [
        (M_NOWAIT, 0),
        (M_NOWAIT | M_USE_RESERVE, 3),
        (M_NOWAIT | M_ZERO, 0),
        (M_WAITOK, 3),
        (M_WAITOK | M_USE_RESERVE, 3),
    ],
)
def test_how_deep_into_the_reserves_the_flags_reach(kernel, flags, untouched):
    take(kernel, 6)
    assert malloc(kernel, 6 - untouched, flags)
    assert kernel.frames.free_frames == untouched
    if flags & M_NOWAIT:
        assert malloc(kernel, 1, flags) == 0
    else:
        _, wait = kernel.begin(Kmem.kmem_malloc, kernel.kmem_map, PAGE, flags)
        assert wait == PageWait()
    assert kernel.kmem.pages.deficit == 1


def test_cached_pages_count_and_come_last(kernel):
    gone = take(kernel, 2)
    kernel.frames.cache = gone[:2]
    kernel.frames.total += 2
    assert malloc(kernel, 4, M_NOWAIT)
    assert (kernel.frames.free_frames, kernel.frames.cached) == (0, 0)
    assert malloc(kernel, 1, M_NOWAIT) == 0


def test_a_shortage_under_nowait_undoes_everything(kernel):
    before = malloc(kernel, 2, M_NOWAIT)
    assert malloc(kernel, 23, M_NOWAIT) == 0
    kernel.check()
    assert rows(kernel.kmem_map) == [(0, 2, "kmem_object", kernel.kmem.offset_of(before) // PAGE, 1)]
    assert (kernel.frames.free_frames, kernel.kmem.pages.wired, kernel.kmem.kmem_object.references) == (22, 2, 2)
    assert not kernel.kmem_map.lock.held


def test_zeroes_only_where_they_are_asked_for(kernel):
    dirty, clean = malloc(kernel, 1, M_NOWAIT), malloc(kernel, 1, M_NOWAIT | M_ZERO)
    assert kernel.read(dirty) != 0 == kernel.read(clean)


def test_a_row_of_allocations_is_one_entry_and_a_hole_is_filled_again(kernel):
    start, *_ = (malloc(kernel, 2, M_NOWAIT) for _ in range(4))
    assert [row[:2] for row in rows(kernel.kmem_map)] == [(0, 8)]
    kernel.do(Kmem.kmem_free, kernel.kmem_map, start + 2 * PAGE, 2 * PAGE)
    assert [row[:2] for row in rows(kernel.kmem_map)] == [(0, 2), (4, 4)]
    assert malloc(kernel, 1, M_NOWAIT) == start + 2 * PAGE
    assert [row[:2] for row in rows(kernel.kmem_map)] == [(0, 3), (4, 4)]
    assert malloc(kernel, 1, M_NOWAIT) == start + 3 * PAGE
    assert [row[:2] for row in rows(kernel.kmem_map)] == [(0, 8)]


def test_pieces_of_two_objects_stay_apart(kernel):
    malloc(kernel, 1, M_NOWAIT)
    kernel.do(Kmem.kmem_alloc, kernel.kmem_map, PAGE)
    assert [row[2] for row in rows(kernel.kmem_map)] == ["kmem_object", "kernel_object"]


class TestNoAddressSpace:
    def test_under_nowait_it_is_0_and_nobody_is_asked(self, kernel):
        asked = []
        kernel.kmem.lowmem_handlers.append(lambda: asked.append(1))
        assert malloc(kernel, 65, M_NOWAIT) == 0
        assert not asked

    def test_eight_tries_with_longer_and_longer_sleeps_and_then_a_panic(self, kernel):
        asked = []
        kernel.kmem.lowmem_handlers.append(lambda: asked.append("handler"))
        kernel.kmem.reclaim_zones = lambda: asked.append("zones")
        call = kernel.kmem.kmem_malloc(kernel.kmem_map, 65 * PAGE - 1, M_WAITOK)
        sleeps = [next(call) for _ in range(8)]
        assert sleeps == [TimedWait("nokva", 250 * k) for k in range(1, 9)]
        assert asked == ["handler", "zones"] * 8
        text = f"kmem_malloc({65 * PAGE}): kmem_map too small: 0 total allocated"
        with pytest.raises(KernelPanic) as panic:
            next(call)
        assert panic.value.reason == text
        assert not kernel.kmem_map.lock.held

    def test_a_handler_may_free_into_the_very_map(self):
        kernel = Kernel(pages=200, kmem=16)
        start = malloc(kernel, 16, M_NOWAIT)
        kernel.kmem.lowmem_handlers.append(lambda: kernel.do(Kmem.kmem_free, kernel.kmem_map, start, 4 * PAGE))
        assert malloc(kernel, 4, M_WAITOK) == start
        kernel.check()

    def test_what_comes_free_during_the_last_sleep_comes_too_late(self):
        kernel = Kernel(pages=200, kmem=16)
        start = malloc(kernel, 16, M_NOWAIT)
        call = kernel.kmem.kmem_malloc(kernel.kmem_map, PAGE, M_WAITOK)
        for _ in range(8):
            next(call)
        kernel.do(Kmem.kmem_free, kernel.kmem_map, start, 16 * PAGE)
        with pytest.raises(KernelPanic, match="too small: 0 total"):
            next(call)


class TestWaitingForPages:
    def test_it_lets_go_of_the_lock_and_goes_on_where_it_stopped(self, kernel):
        gone = take(kernel, 5)
        call, wait = kernel.begin(Kmem.kmem_malloc, kernel.kmem_map, 4 * PAGE, M_WAITOK)
        assert wait == PageWait()
        assert not kernel.kmem_map.lock.held
        beside = malloc(kernel, 1, M_NOWAIT)
        assert beside == kernel.kmem_map.start + 4 * PAGE, "the range is taken"
        assert [row[4] for row in rows(kernel.kmem_map)] == [0, 1]
        give(kernel, gone)
        assert finish(call) == kernel.kmem_map.start
        assert [row[:2] for row in rows(kernel.kmem_map)] == [(0, 5)], "they join when it is done"
        kernel.check()

    def test_who_frees_under_it_makes_it_panic_with_the_map_locked_and_leaves_pages_behind(self, kernel):
        gone = take(kernel, 5)
        call, _ = kernel.begin(Kmem.kmem_malloc, kernel.kmem_map, 4 * PAGE, M_WAITOK)
        kernel.do(Kmem.kmem_free, kernel.kmem_map, kernel.kmem_map.start, 4 * PAGE)
        assert kernel.kmem.pages.wired == 2
        give(kernel, gone)
        with pytest.raises(KernelPanic, match="entry not found or misaligned"):
            finish(call)
        assert kernel.kmem_map.lock.held
        _, wait = kernel.begin(Kmem.kmem_free, kernel.kmem_map, 0, PAGE)
        assert wait == LockWait(kernel.kmem_map.lock)


def test_size_0_panics_with_the_map_locked(kernel):
    malloc(kernel, 1, M_NOWAIT)
    with pytest.raises(KernelPanic, match="entry not found or misaligned"):
        malloc(kernel, 0, M_NOWAIT)
    assert kernel.kmem_map.lock.held
    assert kernel.kmem.kmem_object.references == 3


@pytest.mark.parametrize("size", [2**64 - 1, 2**64 - PAGE - 1, 2**63])
def test_sizes_near_the_end_of_a_word(kernel, size):
    if size + PAGE > 2**64:  # it rounds to 0
        with pytest.raises(KernelPanic):
            kernel.do(Kmem.kmem_malloc, kernel.kmem_map, size, M_NOWAIT)
    else:
        assert kernel.do(Kmem.kmem_malloc, kernel.kmem_map, size, M_NOWAIT) == 0


def test_ticks_are_counted_as_elsewhere():
    assert [str(TimedWait("nokva", ticks)) for ticks in (1, 250, 1500)] == [
        '1 tick ("nokva")', '250 ticks ("nokva")', '1,500 ticks ("nokva")',
    ]  # fmt: skip
