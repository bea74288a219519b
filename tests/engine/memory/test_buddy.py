from __future__ import annotations

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from vmwidgets.engine.base.errors import Broken
from vmwidgets.engine.base.recorder import Recorder
from vmwidgets.engine.memory.pages import Buddy
from vmwidgets.engine.memory.pages_schema import MAX_ORDER, BlockJoined, BlockSplit

ORDERS = range(MAX_ORDER + 1)


class PlainBuddy:
    """The rules of the facts on plain lists, head first; a segment is made by freeing each frame, the highest first."""

    def __init__(self, first, frames):
        self.lists = [[] for _ in ORDERS]
        for frame in reversed(range(first, first + frames)):
            self.free(frame, 0)

    def allocate(self, order):
        found = next((at for at in ORDERS[order:] if self.lists[at]), None)
        if found is None:
            return None
        frame = self.lists[found].pop(0)
        while found > order:
            found -= 1
            self.lists[found].insert(0, frame + 2**found)
        return frame

    def free(self, frame, order):
        while order < MAX_ORDER and frame ^ 2**order in self.lists[order]:
            self.lists[order].remove(frame ^ 2**order)
            frame &= ~(2**order)
            order += 1
        self.lists[order].insert(0, frame)


class BuddyMachine(RuleBasedStateMachine):
    @initialize(first=st.integers(0, 3000), frames=st.integers(1, 3500))
    def make(self, first, frames):
        self.buddy, self.plain = Buddy(Recorder(), first, frames), PlainBuddy(first, frames)
        self.held = []

    @rule(order=st.sampled_from([0, 0, 1, 2, 5, 9, 10]))
    def allocate(self, order):
        frame = self.buddy.allocate(order)
        assert frame == self.plain.allocate(order)
        if frame is not None:
            self.held.append((frame, order))

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def free(self, data):
        block = self.held.pop(data.draw(st.integers(0, len(self.held) - 1)))
        self.buddy.free(*block)
        self.plain.free(*block)

    @invariant()
    def same_lists(self):
        if not hasattr(self, "buddy"):
            return
        self.buddy.check()
        assert [list(self.buddy.in_order(order)) for order in ORDERS] == self.plain.lists
        assert [self.buddy.count(order) for order in ORDERS] == [len(blocks) for blocks in self.plain.lists]


TestBuddy = BuddyMachine.TestCase


def test_a_split_keeps_the_lower_half_and_says_so():
    events = []
    recorder = Recorder()
    buddy = Buddy(recorder, 0, 8)
    recorder.emit = events.append
    assert buddy.allocate(1) == 0
    assert events == [(BlockSplit.tag, 0, 3), (BlockSplit.tag, 0, 2)]
    assert (buddy.in_order(1), buddy.in_order(2)) == ((2,), (4,))
    events.clear()
    buddy.free(0, 1)
    assert events == [(BlockJoined.tag, 0, 2), (BlockJoined.tag, 0, 3)]


def test_the_last_block_freed_is_the_first_taken():
    buddy = Buddy(Recorder(), 0, 16)
    held = [buddy.allocate(1) for _ in range(8)]
    for frame in (held[2], held[6], held[0]):
        buddy.free(frame, 1)
    assert [buddy.allocate(1) for _ in range(4)] == [held[0], held[6], held[2], None]


def test_a_block_holds_its_frames():
    buddy = Buddy(Recorder(), 1024, 2048)
    assert buddy.block_of(2047) == (1024, MAX_ORDER)
    assert buddy.allocate(3) == 1024
    assert buddy.block_of(1031) is None
    assert buddy.block_of(1039) == (1032, 3)


def test_check_names_the_block_that_was_not_joined():
    buddy = Buddy(Recorder(), 0, 8)
    held = [buddy.allocate(0), buddy.allocate(0)]
    buddy.lists[0].update(dict.fromkeys(held))
    with pytest.raises(Broken, match=r"3\. two free buddies are joined: free block 0x0 of order 0"):
        buddy.check()
