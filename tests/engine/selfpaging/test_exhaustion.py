"""Each call by which a map or an unmap gets something is made to fail in turn: nothing may change, nothing may leak."""

from __future__ import annotations

import pytest

from tests.engine.selfpaging.pmaps import MIB, PAGE, RW, Made, outcome
from vmwidgets.engine.selfpaging.errors import LibError
from vmwidgets.engine.selfpaging.flags import LARGE, READ
from vmwidgets.engine.selfpaging.shadow_tree import tree_snapshot

ALLOCATING = ("allocate", "vnode_create", "frame_alloc", "malloc")
KERNEL = ("vnode_map", "vnode_unmap", "mapping_modify_flags")
VA = 0x5000_0000


def prepared(architecture, current):
    made = Made(architecture, fails=(*ALLOCATING, *KERNEL), current=current)
    base = VA if architecture == "armv7" else (1 << 39) + (1 << 30)
    frame = made.frame(8 * MIB, 2 * MIB)
    made.pmap.map(base, frame, 0, 8 * PAGE, RW)
    made.pmap.map(base + 6 * MIB - 2 * PAGE, frame, 0, 5 * PAGE, RW)
    made.pmap.map(base + 5 * MIB, frame, 0, PAGE, RW)
    made.pmap.modify_flags(base + 6 * MIB - PAGE, 2 * PAGE, READ)
    made.pmap.map(base + 16 * MIB, frame, 0, PAGE, RW)
    made.pmap.unmap(base + 16 * MIB, PAGE)
    made.pmap.map(base + 17 * MIB, frame, 0, PAGE, RW)
    made.pmap.unmap(base + 17 * MIB, PAGE)
    return made, base, frame


REQUESTS = {
    "one page": lambda pmap, base, frame: pmap.map(base + 40 * MIB, frame, 0, PAGE, RW),
    "over tables": lambda pmap, base, frame: pmap.map(base + 42 * MIB - PAGE, frame, 0, 5 * MIB, RW),
    "with refills inside": lambda pmap, base, frame: pmap.map(base + 64 * MIB, frame, 0, 8 * MIB, RW),
    "big pages over empty tables": lambda pmap, base, frame: pmap.map(base + 16 * MIB, frame, 0, 2 * MIB, RW | LARGE),
    "unmap over tables": lambda pmap, base, frame: pmap.unmap(base + 6 * MIB - 2 * PAGE, 5 * PAGE),
    "unmap of two": lambda pmap, base, frame: pmap.unmap(base, 8 * PAGE),
    "modify over tables": lambda pmap, base, frame: pmap.modify_flags(base + 6 * MIB - 2 * PAGE, 5 * PAGE, 0),
}


def leaves(made):
    """All leaves outside the region for slab frames, with what the hardware makes of each page, and their rights."""
    start, end = made.layout.vspace_begin, made.layout.vspace_begin + made.layout.meta_data_bytes
    return {
        (leaf.va, leaf.end, leaf.cap, leaf.offset, leaf.modified): tuple(
            made.word(va) for va in range(leaf.va, leaf.end, PAGE)
        )
        for leaf in made.pmap.tree.root.leaves()
        if not start <= leaf.va < end
    }


@pytest.mark.parametrize("current", [True, False], ids=["current", "foreign"])
@pytest.mark.parametrize("architecture", ["armv7", "x86-64"])
@pytest.mark.parametrize("name", REQUESTS)
def test_whatever_call_fails_nothing_has_changed(name, architecture, current):
    request = REQUESTS[name]
    made, base, frame = prepared(architecture, current)
    made.calls.calls = 0
    request(made.pmap, base, frame)
    made.check()
    total = made.calls.calls
    assert total >= 1
    for fail in range(1, total + 1):
        made, base, frame = prepared(architecture, current)
        mapped, whole, free = leaves(made), made.mappings(), made.pmap.slab.snapshot()
        made.calls.calls, made.calls.fail = 0, fail
        with pytest.raises(LibError) as caught:
            request(made.pmap, base, frame)
        assert caught.value.stack[-1] == "MM_ERR_NOT_FOUND"
        made.calls.fail = None
        assert leaves(made) == mapped, fail
        made.check()
        if made.pmap.slab.total == free.total:
            assert_as_before(made, whole)
        made.calls.calls = 0
        request(made.pmap, base, frame)
        made.check()


def assert_as_before(made, whole):
    """No refill was completed: blocks, slots in use, RAM in use, the number and content of the tables are as before."""
    now = made.mappings()
    assert (now[1], now[2], len(now[3]), now[4], now[6]) == (whole[1], whole[2], len(whole[3]), whole[4], whole[6])
    assert sorted(now[5].values()) == sorted(whole[5].values()) or len(now[5]) == len(whole[5])
    assert order(now[0]) == order(whole[0])


def order(node):
    """The tree, newest child first, without what may be another slot by now."""
    return node.entry, node.count, node.flags, node.offset, [order(child) for child in node.children]


@pytest.mark.parametrize("left", range(12))
def test_however_few_slots_are_left(left):
    made, base, frame = prepared("armv7", current=True)
    slots = made.world.slots
    slots.allocate_for_others(slots.free_slots - left)
    mapped, used, total = leaves(made), len(slots.used), made.pmap.slab.total
    _, stack = outcome(made.pmap.map, base + 42 * MIB - PAGE, frame, 0, 2 * PAGE, RW)
    if left < 6:
        assert stack[-1] == "LIB_ERR_SLOT_ALLOC_NO_SPACE"
        assert leaves(made) == mapped
        assert len(slots.used) == used or made.pmap.slab.total > total
    else:
        assert stack == ()
    made.check()


def test_ten_thousand_mappings_leave_a_whole_pmap():
    made = Made(slots=40_000)
    frame = made.frame(256 * PAGE)
    for at in range(10_000):
        made.pmap.map(0x4100_0000 + 2 * at * PAGE, frame, at % 256 * PAGE, PAGE, RW)
    made.check()
    for at in range(10_000):
        assert made.physical(0x4100_0000 + 2 * at * PAGE) == made.base(frame) + at % 256 * PAGE
        made.pmap.unmap(0x4100_0000 + 2 * at * PAGE, PAGE)
    made.check()


@pytest.mark.parametrize("architecture", ["armv7", "x86-64"])
def test_an_empty_table_that_comes_back_stands_where_it_stood(architecture):
    """Two empty tables, with others in the list before, between and behind; the section's own invocation fails."""
    made = Made(architecture, fails=("vnode_map",))
    base = VA if architecture == "armv7" else (1 << 39) + (1 << 30)
    frame = made.frame(8 * MIB, 2 * MIB)
    span = made.layout.pages.table_span
    empty, kept = (0, 2), (10, 11, 12)
    for number in (10, 0, 11, 2, 12):
        made.pmap.map(base + number * span, frame, 0, PAGE, RW)
    for number in empty:
        made.pmap.unmap(base + number * span, PAGE)
    before = tree_snapshot(made.pmap.tree)
    made.calls.calls, made.calls.fail = 0, 1
    for number in empty:
        with pytest.raises(LibError, match="made to fail"):
            made.pmap.map(base + number * span, frame, 0, span, RW | LARGE)
        made.calls.calls = 0
    assert numbers(tree_snapshot(made.pmap.tree)) == numbers(before)
    made.check()
    assert all(made.physical(base + number * span) for number in kept)


def numbers(node):
    """The vnodes' own numbers, newest first."""
    return node.id, [numbers(child) for child in node.children]
