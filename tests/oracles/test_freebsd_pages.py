from __future__ import annotations

import pytest

from tests.oracles.freebsd_pages import CountedFrames


def counts(frames):
    return frames.free_frames, frames.zeroed, frames.cached, frames.taken


@pytest.fixture(name="frames")
def made():
    return CountedFrames(4)


def test_a_zeroed_frame_goes_to_who_asks_for_it_or_when_there_is_no_other(frames):
    frames.zero_pages(3)
    assert [frames.allocate(False, "object")[1], frames.allocate(False, "object")[1]] == [False, True]
    assert frames.allocate(True, "object")[1]
    assert counts(frames) == (1, 1, 0, 0)


def test_a_cached_frame_comes_last_and_never_zeroed(frames):
    frames.take_pages(2)
    frames.cache_pages(2)
    frames.zero_pages(9)
    assert counts(frames) == (2, 2, 2, 0)
    assert [frames.allocate(True, "object")[1] for _ in range(4)] == [True, True, False, False]
    assert counts(frames) == (0, 0, 0, 0)


def test_what_comes_back_is_not_zeroed(frames):
    frames.zero_pages(4)
    frame, _ = frames.allocate(True, "object")
    frames.free(frame)
    assert counts(frames) == (4, 3, 0, 0)


def test_no_more_moves_than_there_is(frames):
    frames.take_pages(9)
    assert counts(frames) == (0, 0, 0, 4)
    assert frames.give_pages(3) == 3
    frames.cache_pages(9)
    assert counts(frames) == (3, 0, 1, 0)
    assert frames.give_pages(1) == 0


def test_taking_leaves_the_zeroed_for_last(frames):
    frames.zero_pages(3)
    frames.take_pages(2)
    assert counts(frames) == (2, 2, 0, 2)
