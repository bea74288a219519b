"""Looking up a capability by its place; slots: the lowest first, and never the same one twice."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.selfpaging.worlds import world
from vmwidgets.engine.base.errors import Broken, Refused
from vmwidgets.engine.base.recorder import Recorder
from vmwidgets.engine.selfpaging.capabilities import ROOT_TABLE, Cspace, SlotAllocator, SlotsByKind
from vmwidgets.engine.selfpaging.domain_schema import CapRef
from vmwidgets.engine.selfpaging.errors import LibError


@pytest.mark.parametrize("ref", [CapRef("slots", 0), CapRef("slots", -1), CapRef("slots", 10**9), CapRef("nowhere", 0)])
def test_there_is_nothing_in_a_forged_slot(ref):
    cspace = world().kernel.cspace
    with pytest.raises(LibError, match="SYS_ERR_CAP_NOT_FOUND"):
        cspace.lookup(ref)


@pytest.mark.parametrize("ref", [CapRef("slots", -1), CapRef("slots", 128), CapRef("nowhere", 0)])
def test_nothing_is_put_where_there_is_no_slot(ref):
    made = world()
    before = made.state()
    with pytest.raises(LibError, match="SYS_ERR_DEST_CNODE_LOOKUP"):
        made.kernel.cap_copy(ref, ROOT_TABLE)
    assert made.state() == before


def test_another_cspace_can_be_copied_from_and_not_invoked():
    made = world(foreign=True)
    table = made.table("VNode_ARM_l2")
    with pytest.raises(LibError, match=r"SYS_ERR_CAP_NOT_FOUND.*another cspace"):
        made.put(ROOT_TABLE, table, 0)
    copy = made.slots.allocate()
    made.kernel.cap_copy(copy, ROOT_TABLE)
    mapping = made.put(copy, table, 0)
    with pytest.raises(LibError, match="SYS_ERR_CAP_NOT_FOUND"):
        made.kernel.vnode_unmap(ROOT_TABLE, mapping)
    made.kernel.vnode_unmap(copy, mapping)
    assert made.word(copy, 0) == 0


def test_a_cnode_has_a_name_of_its_own():
    with pytest.raises(Refused, match="'slots'"):
        world().kernel.cspace.add("slots", 4)


# ---- slot allocator ------------------------------------------------------------------------------


def slots_of(first: int, count: int) -> SlotAllocator:
    """An allocator of these slots of a new cnode."""
    return SlotAllocator(Recorder(), "test", Cspace().add("slots", first + count), first, count)


def test_the_lowest_free_slot_comes_first():
    slots = slots_of(7, 4)
    assert [slots.allocate().slot for _ in range(3)] == [7, 8, 9]
    slots.free(CapRef("slots", 8))
    slots.free(CapRef("slots", 7))
    assert [slots.allocate().slot for _ in range(3)] == [7, 8, 10]


def test_it_runs_out_and_recovers():
    slots = slots_of(0, 1)
    only = slots.allocate()
    with pytest.raises(LibError, match="LIB_ERR_SLOT_ALLOC_NO_SPACE"):
        slots.allocate()
    slots.free(only)
    assert slots.allocate() == only


@pytest.mark.parametrize("ref", [CapRef("slots", 1), CapRef("slots", 99), CapRef("frames", 0)])
def test_only_a_slot_that_was_given_can_be_freed(ref):
    slots = slots_of(0, 4)
    slots.allocate()
    with pytest.raises(LibError, match="LIB_ERR_SLOT_FREE"):
        slots.free(ref)
    assert slots.used == {0}


def test_what_somebody_else_took_is_theirs():
    slots = slots_of(0, 6)
    slots.allocate()
    assert slots.allocate_for_others(3) == (1, 2, 3)
    with pytest.raises(LibError, match="LIB_ERR_SLOT_FREE"):
        slots.free(CapRef("slots", 2))
    with pytest.raises(Refused, match="cnode 'slots' has 2 free slots"):
        slots.allocate_for_others(3)
    assert slots.free_for_others(2) == (3, 2)
    with pytest.raises(Refused, match="have 1 slot of 'slots'"):
        slots.free_for_others(2)
    assert [slots.allocate().slot for _ in range(4)] == [2, 3, 4, 5]


def test_check_finds_a_slot_that_is_free_and_used():
    slots = slots_of(0, 4)
    slots.check()
    slots.used.add(2)
    with pytest.raises(Broken, match="A1"):
        slots.check()


@given(st.lists(st.sampled_from(["alloc", "free", "take", "give"]), max_size=60), st.data())
def test_against_a_plain_set(steps, data):
    slots, ours, theirs = slots_of(3, 8), set(), []
    for step in steps:
        free = set(range(3, 11)) - ours - set(theirs)
        if step == "alloc" and free:
            ref = slots.allocate()
            assert ref.slot == min(free)
            ours.add(ref.slot)
        elif step == "free" and ours:
            gone = data.draw(st.sampled_from(sorted(ours)))
            slots.free(CapRef("slots", gone))
            ours.discard(gone)
        elif step == "take":
            theirs += slots.allocate_for_others(min(2, len(free)))
        elif step == "give" and theirs:
            assert slots.free_for_others(1) == (theirs.pop(),)
        slots.check()
        assert slots.used == ours | set(theirs)


@given(st.dictionaries(st.integers(0, 99), st.sampled_from(["RAM", "Frame", "Mapping"])), st.data())
def test_slots_in_use_are_counted_and_found(kinds, data):
    """As a look at each slot counts and finds them, also after some were emptied."""
    counts = SlotsByKind()
    for slot, kind in kinds.items():
        counts.add(slot, kind)
    for slot in data.draw(st.lists(st.sampled_from(sorted(kinds)), unique=True)) if kinds else ():
        counts.remove(slot, kinds.pop(slot))
    first, end = sorted(data.draw(st.tuples(st.integers(0, 100), st.integers(0, 100))))
    there = [slot for slot in sorted(kinds) if first <= slot < end]
    assert counts.between(first, end) == Counter(kinds[slot] for slot in there)
    assert list(counts.in_order()) == sorted(kinds)
    assert counts.next(first) == min((slot for slot in kinds if slot >= first), default=None)
    assert counts.last(end) == max((slot for slot in kinds if slot < end), default=None)
    counts.check(kinds, "test")
    with pytest.raises(Broken, match="C4"):
        counts.check({**kinds, 100: "RAM"}, "test")


def test_an_unmapping_that_fails_is_told_with_its_error():
    made = world()
    table = made.table("VNode_ARM_l2")
    mapping = made.put(ROOT_TABLE, table, 0)
    made.kernel.vnode_unmap(ROOT_TABLE, mapping)
    told = []
    made.kernel.recorder.emit = told.append
    with pytest.raises(LibError) as error:
        made.kernel.vnode_unmap(ROOT_TABLE, mapping)
    invoked = [one for one in told if one[0] == "VnodeUnmapInvoked"]
    assert [one[-1] for one in invoked] == [error.value.name]
    assert invoked[0][-3:-1] == (None, None)
