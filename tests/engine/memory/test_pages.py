from __future__ import annotations

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from vmwidgets.engine.base.errors import Broken, KernelPanic
from vmwidgets.engine.base.recorder import Recorder
from vmwidgets.engine.memory.pages import PageAllocator
from vmwidgets.engine.memory.pages_schema import MAX_ORDER, PageAllocated, PageFreed, PoolDrained, PoolFilled


class PagesMachine(RuleBasedStateMachine):
    """Against a plain set of frames: who owns what is known here, and nothing else."""

    @initialize(count=st.integers(1, 5000))
    def make(self, count):
        self.frames = set(range(7, 7 + count))
        self.pages = PageAllocator(Recorder(), 7, count)
        self.held: dict[int, tuple[int, str]] = {}

    @rule(order=st.sampled_from([0, 0, 0, 1, 4, 8]), owner=st.sampled_from(["init", "kentry", ""]))
    def allocate(self, order, owner):
        frame = self.pages.allocate(order, owner)
        if frame is None:
            self.nothing_to_give(order)
            return
        block = set(range(frame, frame + 2**order))
        assert frame % 2**order == 0
        assert block <= self.frames - self.owned
        self.held[frame] = (order, owner)

    def nothing_to_give(self, order):
        """An aligned run of free frames, in the pool or not, would have been a block."""
        free = self.frames - self.owned
        for start in free:
            assert start % 2**order or not set(range(start, start + 2**order)) <= free

    @rule()
    def veto(self):
        self.pages.veto = lambda _owner: True
        assert self.pages.allocate() is None
        self.pages.veto = None

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def free(self, data):
        frame = data.draw(st.sampled_from(sorted(self.held)))
        order, _ = self.held.pop(frame)
        self.pages.free(frame, order)
        with pytest.raises(KernelPanic, match="double_free"):
            self.pages.free(frame, order)

    @property
    def owned(self):
        return {inner for frame, (order, _) in self.held.items() for inner in range(frame, frame + 2**order)}

    @invariant()
    def conserved(self):
        if not hasattr(self, "pages"):
            return
        self.pages.check()
        assert self.pages.free_pages == len(self.frames) - len(self.owned)
        for frame, (order, owner) in self.held.items():
            assert self.pages.owner(frame + 2**order - 1) == owner

    def teardown(self):
        if hasattr(self, "pages"):
            for frame, (order, _) in self.held.items():
                self.pages.free(frame, order)
            assert self.pages.free_pages == len(self.frames)
            self.pages.check()


TestPages = PagesMachine.TestCase


def test_single_frames_go_through_a_pool_that_moves_half_at_a_time():
    recorder, events = Recorder(), []
    pages = PageAllocator(recorder, 0, 5 * 1024)  # a pool of 5, three at a time
    recorder.emit = lambda raw: events.append(raw) if raw[0] in (PoolFilled.tag, PoolDrained.tag) else None
    held = [pages.allocate() for _ in range(4)]
    assert held == [2, 1, 0, 5]
    assert events == [(PoolFilled.tag, "normal", (0, 1, 2)), (PoolFilled.tag, "normal", (3, 4, 5))]
    for frame in (0, 1, 2, 5):  # 3 and 4 are in the pool still: the fourth does not fit
        pages.free(frame)
    assert events[2:] == [(PoolDrained.tag, "normal", (2, 1, 0))]
    assert pages.snapshot().pool == (5, 4, 3)


@pytest.mark.parametrize(("frames", "limit"), [(1, 1), (2047, 1), (2048, 2), (128 * 1024, 128), (1 << 24, 128)])
def test_the_pool_holds_a_1024th_of_the_segment(frames, limit):
    assert PageAllocator(Recorder(), 0, frames).snapshot().pool_limit == limit


def test_events_name_the_owner():
    recorder, events = Recorder(), []
    pages = PageAllocator(recorder, 0, 8)
    recorder.emit = lambda raw: events.append(raw) if raw[0] in (PageAllocated.tag, PageFreed.tag) else None
    pages.free(pages.allocate(2, "init"), 2)
    assert events == [(PageAllocated.tag, 0, 2, "init"), (PageFreed.tag, 0, 2, "init")]


def test_a_tebibyte_is_made_without_counting_its_frames():
    pages = PageAllocator(Recorder(), 0, 1 << 28)
    assert pages.allocate(MAX_ORDER) == 0
    lists = pages.snapshot(limit=2).free_lists
    assert (lists[MAX_ORDER].count, lists[MAX_ORDER].first) == ((1 << 18) - 1, (1024, 2048))


@pytest.mark.parametrize(
    ("frame", "order", "name"),
    [(4, 2, "free_wrong_order"), (1, 0, "free_wrong_order"), (99, 0, "free_unknown_page"), (12, 0, "double_free")],
)
def test_freeing_what_was_not_allocated_is_a_panic_that_changes_nothing(frame, order, name):
    pages = PageAllocator(Recorder(), 0, 16)
    assert [pages.allocate(2), pages.allocate(1)] == [0, 4]
    before = pages.snapshot()
    with pytest.raises(KernelPanic, match=name):
        pages.free(frame, order)
    assert pages.snapshot() == before


def test_blocks_in_a_window_are_told_in_order():
    pages = PageAllocator(Recorder(), 0, 16)
    pages.allocate(2, "init")
    single = pages.allocate(0, "kentry")
    told = [(block.frame, block.order, block.state, block.owner) for block in pages.blocks(1, 15)]
    assert told == [
        (0, 2, "owned", "init"),
        (single, 0, "owned", "kentry"),
        (5, 0, "free", ""),
        (6, 1, "free", ""),
        (8, 3, "free", ""),
    ]
    pages.free(single)
    assert pages.block_of(single).state == "pooled"
    assert (pages.block_of(16), pages.owner(5)) == (None, None)


def test_owners_are_counted():
    pages = PageAllocator(Recorder(), 0, 64)
    pages.allocate(3, "init")
    pages.allocate(0, "kentry")
    pages.allocate(0, "init")
    assert pages.snapshot().owners == (("init", 9), ("kentry", 1))


def test_check_finds_a_frame_that_is_owned_and_free():
    pages = PageAllocator(Recorder(), 0, 16)
    frame = pages.allocate(1, "init")
    pages.segment.free(frame, 1)
    with pytest.raises(Broken, match=r"8\. what is owned is not free: frame 0x0, owned by 'init'"):
        pages.check()


def test_owners_are_counted_as_frames_change_hands():
    pages = PageAllocator(Recorder(), first_frame=0, frames=64)
    one, block = pages.allocate(owner="one"), pages.allocate(2, owner="many")
    pages.hand_over(one, "other")
    assert dict(pages.owners) == {"many": 4, "other": 1}
    pages.check()
    pages.free(block, 2)
    pages.free(one)
    assert not pages.owners
    pages.check()


class Kept:
    """Frames that are owned and can be had at once, the first first."""

    def __init__(self, pages, count):
        self.pages = pages
        self.frames = [pages.allocate(owner="kept") for _ in range(count)]
        pages.stock = self

    def __len__(self):
        return len(self.frames)

    def __iter__(self):
        return iter(list(self.frames))

    def give_up(self, frame):
        self.frames.remove(frame)
        self.pages.free(frame)


def recorded(pages, *tags):
    """The events of these kinds, from now on."""
    events = []
    pages.recorder.emit = lambda raw: events.append(raw) if raw[0] in tags else None
    return events


def test_pooled_frames_serve_a_block_that_they_would_make():
    pages = PageAllocator(Recorder(), 0, 4)
    held = [pages.allocate() for _ in range(4)]
    pages.free(held[3])
    pages.free(held[2])  # one of them is in the pool, the other is not
    events = recorded(pages, PoolDrained.tag)
    assert pages.snapshot().pool
    assert pages.allocate(1, "two") == 2
    assert events == [(PoolDrained.tag, "normal", (2,))]
    pages.check()


def test_a_pool_that_would_make_no_block_is_left_alone():
    pages = PageAllocator(Recorder(), 0, 4)
    held = [pages.allocate() for _ in range(4)]
    pages.free(held[3])
    pages.free(held[0])
    events = recorded(pages, PoolDrained.tag)
    before = pages.snapshot()
    assert pages.allocate(1) is None
    assert (pages.snapshot(), events) == (before, [])


def test_a_hopeless_request_takes_nothing_from_the_stock():
    pages = PageAllocator(Recorder(), 0, 16)
    used = pages.allocate(owner="used")
    stock = Kept(pages, 14)
    before = pages.snapshot()
    assert used == 0
    assert pages.allocate(4) is None
    assert (pages.snapshot(), len(stock)) == (before, 14)
    pages.check()


def test_a_block_takes_no_more_from_the_stock_than_it_needs():
    pages = PageAllocator(Recorder(), 0, 16)
    stock = Kept(pages, 16)
    pages.free(13)  # of the block at 12 three frames are missing, of all others four
    stock.frames.remove(13)
    assert pages.allocate(2, "four") == 12
    assert stock.frames == list(range(12))
    assert pages.allocate(2, "four") == 0, "the lowest of those that need as much"
    assert stock.frames == list(range(4, 12))
    pages.check()


def test_a_single_frame_is_the_first_of_the_stock():
    pages = PageAllocator(Recorder(), 0, 4)
    stock = Kept(pages, 4)
    assert [pages.allocate(owner="x") for _ in range(5)] == [0, 1, 2, 3, None]
    assert (len(stock), pages.obtainable_pages) == (0, 0)
    pages.check()


def test_a_frame_that_is_handed_over_names_both_owners():
    pages = PageAllocator(Recorder(), 0, 64)
    frame = pages.allocate(owner="one")
    events = recorded(pages, "PageHandedOver")
    pages.hand_over(frame, "other")
    assert events == [("PageHandedOver", frame, "one", "other")]


def test_blocks_are_counted_whoever_has_them():
    pages = PageAllocator(Recorder(), 0, 2048)
    assert pages.blocks_known == 2, "two free blocks of 1024 frames"
    block = pages.allocate(3)
    # The block of 8 leaves one free block of each of the orders 3 to 9.
    assert pages.blocks_known == 1 + 7 + 1
    pages.free(block, 3)
    assert pages.blocks_known == 2


def test_a_block_that_can_not_be_made_is_refused_and_nothing_is_given_up():
    pages = PageAllocator(Recorder(), 0, 8)
    for _ in range(6):
        pages.allocate(owner="init")
    kept = Kept(pages, 2)
    before = list(kept)
    assert pages.allocate(2, owner="init") is None
    assert list(kept) == before


@pytest.mark.parametrize("order", range(MAX_ORDER + 1))
def test_each_frame_of_a_block_has_the_owner_of_the_block(order):
    pages = PageAllocator(Recorder(), 0, 4 << MAX_ORDER)
    first = pages.allocate(order, "init")
    frames = range(first, first + (1 << order))
    assert {pages.owner(frame) for frame in frames} == {"init"}
    assert pages.owner(frames.stop) is None
