from __future__ import annotations

from dataclasses import replace

import pytest

from tests.engine.selfpaging.pmaps import FRAMES_AT, MIB, PAGE, RW, Made, error_of, outcome
from vmwidgets.engine.base.errors import Refused
from vmwidgets.engine.base.event import Called
from vmwidgets.engine.base.recorder import Raw, materialize
from vmwidgets.engine.selfpaging.calls_schema import MallocCalled, MetaDataMoved
from vmwidgets.engine.selfpaging.domain_schema import CapRef
from vmwidgets.engine.selfpaging.flags import LARGE, NOCACHE, READ, READ_WRITE
from vmwidgets.engine.selfpaging.layouts import DOMAIN_LAYOUTS, Mapped
from vmwidgets.engine.selfpaging.pmap import Found
from vmwidgets.engine.selfpaging.shadow_tree import tree_snapshot

VA = 0x5000_0000


def test_a_page_is_where_the_hardware_finds_it():
    made = Made()
    frame = made.frame(16 * PAGE)
    assert made.pmap.map(VA + 5 * PAGE, frame, 3 * PAGE, 2 * PAGE, RW) == Mapped(3 * PAGE, 2 * PAGE)
    assert made.physical(VA + 6 * PAGE + 12) == made.base(frame) + 4 * PAGE + 12
    assert made.physical(VA + 7 * PAGE) is None
    assert made.physical(VA + 4 * PAGE) is None
    made.check()


def test_the_fresh_pmap_needs_its_first_refill_at_the_second_page():
    """Seven blocks, six wanted for the first page and two used; the third page finds 66."""
    made = Made()
    frame = made.frame(PAGE)
    made.pmap.map(VA, frame, 0, PAGE, RW)
    assert (made.pmap.slab.free_blocks, made.pmap.meta_used) == (5, 0)
    made.pmap.map(VA + PAGE, frame, 0, PAGE, RW)
    assert (made.pmap.slab.free_blocks, made.pmap.meta_used) == (5 - 2 + 63 - 1, PAGE)
    slab_page = made.pmap.lookup(0x4000_0000)
    assert (slab_page.va, slab_page.size, slab_page.flags) == (0x4000_0000, PAGE, READ_WRITE)
    made.check()


def test_what_is_unaligned_is_widened_and_lookup_says_so():
    made = Made()
    frame = made.frame(16 * PAGE)
    assert made.pmap.map(VA, frame, PAGE + 100, PAGE, RW) == Mapped(PAGE, 2 * PAGE)
    assert made.pmap.lookup(VA + PAGE + 5) == Found(VA, 2 * PAGE, frame, PAGE, RW)
    assert error_of(made.pmap.lookup, VA + 2 * PAGE) == ("LIB_ERR_PMAP_LOOKUP",)
    assert error_of(made.pmap.lookup, 1 << 60) == ("LIB_ERR_PMAP_LOOKUP",)


def test_sections_stand_in_the_root_and_pages_can_not_go_below_them():
    made = Made()
    frame = made.frame(4 * MIB, MIB)
    assert made.pmap.map(VA, frame, MIB, 2 * MIB, RW | LARGE) == Mapped(MIB, 2 * MIB)
    assert made.word(VA + MIB) == made.base(frame) + 2 * MIB | 0xC0E
    before = made.mappings()
    chain = ("LIB_ERR_PMAP_DO_MAP", "LIB_ERR_PMAP_EXISTING_MAPPING")
    assert error_of(made.pmap.map, VA + MIB + PAGE, frame, 0, PAGE, RW) == chain
    assert made.mappings() == before
    assert error_of(made.pmap.unmap, VA, MIB) == ("LIB_ERR_PMAP_UNMAP", "LIB_ERR_PMAP_FIND_VNODE")
    assert error_of(made.pmap.unmap, VA + MIB, MIB) == ("LIB_ERR_PMAP_UNMAP", "LIB_ERR_PMAP_FIND_VNODE")
    assert made.pmap.unmap(VA, 2 * MIB) == 2 * MIB
    assert made.physical(VA) is None
    made.check()


def test_a_section_takes_the_place_of_empty_tables_and_of_no_others():
    made = Made()
    frame = made.frame(4 * MIB, MIB)
    for at in (0, MIB):
        made.pmap.map(VA + at, frame, 0, PAGE, RW)
    made.pmap.unmap(VA, PAGE)
    assert error_of(made.pmap.map, VA, frame, 0, 2 * MIB, RW | LARGE)[1] == "LIB_ERR_PMAP_EXISTING_MAPPING"
    made.pmap.unmap(VA + MIB, PAGE)
    slots, blocks = len(made.world.slots.used), made.pmap.slab.free_blocks
    made.pmap.map(VA, frame, 0, 2 * MIB, RW | LARGE)
    assert len(made.world.slots.used) == slots - 4 + 1
    assert made.pmap.slab.free_blocks == blocks + 2 - 1
    made.check()


def test_a_table_whose_capability_was_copied_goes_too():
    """The copy keeps the table's memory, and so the kernel keeps the Mapping; the pmap deletes that itself."""
    made = Made()
    frame = made.frame(MIB, MIB)
    made.pmap.map(VA, frame, 0, PAGE, RW)
    made.pmap.unmap(VA, PAGE)
    table = made.pmap.tree.root.by_entry[VA >> 20]
    copy = made.world.slots.allocate()
    made.world.kernel.cap_copy(copy, table.cap)
    used = set(made.world.slots.used)
    made.pmap.map(VA, frame, 0, MIB, RW | LARGE)
    assert made.physical(VA + 0x12345) == made.base(frame) + 0x12345
    assert made.world.kernel.cspace.lookup(copy).object.kind.name == "VNode_ARM_l2"
    assert len(made.world.slots.used) == len(used) - 2 + 1
    made.check()
    made.world.kernel.database.check()
    held = {ref.slot for about in made.world.kernel.database.objects.values() for ref in about.capabilities}
    assert made.world.slots.used <= held


@pytest.mark.parametrize("flags", [RW, RW | LARGE], ids=["pages", "sections"])
def test_the_kernels_half_is_refused_and_nothing_is_left(flags):
    made = Made()
    frame = made.frame(4 * MIB, MIB)
    made.pmap.map(VA, frame, 0, PAGE, RW)
    before = made.mappings()
    for va in (0x8000_0000, 0x7FF0_0000):
        stack = error_of(made.pmap.map, va, frame, 0, 2 * MIB, flags)
        assert (stack[0], stack[-1]) == ("LIB_ERR_PMAP_DO_MAP", "SYS_ERR_VNODE_SLOT_RESERVED")
    after = made.mappings()
    assert after[0].children[-1] == before[0].children[-1]
    assert all(made.physical(va) is None for va in (0x7FF0_0000, 0x8000_0000))
    made.check()


@pytest.mark.parametrize("flags", [RW, RW | LARGE], ids=["pages", "sections"])
def test_a_frame_is_never_overrun(flags):
    made = Made()
    frame = made.frame(2 * MIB, MIB)
    assert error_of(made.pmap.map, VA, frame, MIB, MIB + PAGE, flags) == ("LIB_ERR_PMAP_FRAME_SIZE",)
    assert made.pmap.map(VA, frame, MIB, MIB, flags) == Mapped(MIB, MIB)


def test_nonsense_is_refused_and_changes_nothing():
    made = Made()
    frame = made.frame(PAGE)
    before = made.mappings()
    for args in ((VA + 1, frame, 0, PAGE, RW), (VA, frame, 0, 0, RW), (-PAGE, frame, 0, PAGE, RW)):
        with pytest.raises(Refused):
            made.pmap.map(*args)
    with pytest.raises(Refused, match="0x400 are not flags"):
        made.pmap.map(VA, frame, 0, PAGE, 0x400)
    with pytest.raises(Refused):
        made.pmap.map(VA, frame, -PAGE, PAGE, RW)
    unknown = error_of(made.pmap.map, VA, CapRef("frames", 31), 0, PAGE, RW)
    assert unknown == ("LIB_ERR_PMAP_FRAME_IDENTIFY", "SYS_ERR_CAP_NOT_FOUND")
    for size in (0, -PAGE):
        assert error_of(made.pmap.unmap, VA, size)[0] == "LIB_ERR_PMAP_UNMAP"
        assert error_of(made.pmap.modify_flags, VA, size, READ)[0] == "LIB_ERR_PMAP_MODIFY_FLAGS"
    assert made.mappings() == before


def test_only_what_was_mapped_can_be_unmapped():
    made = Made()
    frame = made.frame(64 * PAGE)
    made.pmap.map(VA + 8 * PAGE, frame, 0, 4 * PAGE, RW)
    for first, count in ((8, 3), (8, 5), (9, 3), (7, 5), (12, 1), (10, 4)):
        assert error_of(made.pmap.unmap, VA + first * PAGE, count * PAGE)[0] == "LIB_ERR_PMAP_UNMAP", (first, count)
    assert error_of(made.pmap.unmap, VA + 8 * PAGE + 1, 4 * PAGE)[0] == "LIB_ERR_PMAP_UNMAP"
    assert made.pmap.unmap(VA + 8 * PAGE, 4 * PAGE - 100) == 4 * PAGE
    made.check()


def test_neighbours_in_one_table_go_one_by_one():
    """The leaf that covers the first entry must have as many entries as the range has in that table."""
    made = Made()
    frame = made.frame(64 * PAGE)
    made.pmap.map(VA + 8 * PAGE, frame, 0, 4 * PAGE, RW)
    made.pmap.map(VA + 12 * PAGE, frame, 0, PAGE, RW)
    before = made.mappings()
    assert error_of(made.pmap.unmap, VA + 8 * PAGE, 5 * PAGE) == ("LIB_ERR_PMAP_UNMAP", "LIB_ERR_PMAP_FIND_VNODE")
    assert made.mappings() == before
    assert made.pmap.unmap(VA + 12 * PAGE, PAGE) == PAGE
    assert made.pmap.unmap(VA + 8 * PAGE, 4 * PAGE) == 4 * PAGE
    made.check()


def test_one_call_takes_out_a_leaf_of_each_table_that_it_touches():
    """As the pieces of one map, or of several that meet at the border."""
    made = Made()
    frame = made.frame(64 * PAGE)
    for first, count in ((-3, 3), (0, 2)):
        made.pmap.map(VA + MIB + first * PAGE, frame, 0, count * PAGE, RW)
    for first, count in ((-3, 4), (-2, 4), (-3, 6)):
        assert error_of(made.pmap.unmap, VA + MIB + first * PAGE, count * PAGE)[0] == "LIB_ERR_PMAP_UNMAP"
    assert made.pmap.unmap(VA + MIB - 3 * PAGE, 5 * PAGE) == 5 * PAGE
    made.pmap.map(VA + MIB - 3 * PAGE, frame, 0, 5 * PAGE, RW)
    assert made.pmap.unmap(VA + MIB, 2 * PAGE) == 2 * PAGE
    assert made.physical(VA + MIB - PAGE) == made.base(frame) + 2 * PAGE
    made.check()


def test_modify_flags_changes_the_descriptors_of_its_range_and_no_others():
    made = Made()
    frame = made.frame(64 * PAGE)
    made.pmap.map(VA, frame, 0, 8 * PAGE, RW)
    made.pmap.modify_flags(VA + 2 * PAGE, 3 * PAGE, READ)
    made.pmap.modify_flags(VA + 4 * PAGE, PAGE, READ | NOCACHE)
    low = [made.word(VA + at * PAGE) & 0xFFF for at in range(8)]
    assert low == [0x3E, 0x3E, 0x2E, 0x2E, 0x26, 0x3E, 0x3E, 0x3E]
    assert made.pmap.lookup(VA).flags == RW


def test_modify_flags_is_all_or_nothing():
    made = Made()
    frame = made.frame(2 * MIB)
    made.pmap.map(VA, frame, 0, MIB + 4 * PAGE, RW)
    words = [made.word(VA + at * PAGE) for at in range(256 + 4)]
    for va, size in ((VA - PAGE, 2 * PAGE), (VA, MIB + 5 * PAGE), (VA + MIB + PAGE, 4 * PAGE)):
        assert error_of(made.pmap.modify_flags, va, size, READ)[0] == "LIB_ERR_PMAP_MODIFY_FLAGS"
        assert [made.word(VA + at * PAGE) for at in range(256 + 4)] == words
    assert made.pmap.modify_flags(VA + 8 * MIB, PAGE, READ) == PAGE


def test_modify_flags_of_sections():
    made = Made()
    frame = made.frame(4 * MIB, MIB)
    made.pmap.map(VA, frame, 0, 3 * MIB, RW | LARGE)
    made.pmap.modify_flags(VA + MIB, MIB, READ | LARGE)
    assert [made.word(VA + at * MIB) & 0xFFF for at in range(3)] == [0xC0E, 0x80E, 0xC0E]
    assert error_of(made.pmap.modify_flags, VA, PAGE, READ)[0] == "LIB_ERR_PMAP_MODIFY_FLAGS"


def test_a_foreign_pmap_takes_blocks_from_the_heap_and_works_through_a_copy_of_the_root():
    made = Made(current=False)
    frame = made.frame(4 * MIB, MIB)
    made.pmap.map(VA, frame, 0, MIB, RW | LARGE)
    raw: list[Raw] = []
    made.world.kernel.recorder.emit = raw.append
    made.pmap.map(VA + MIB, frame, 0, 64 * PAGE, RW)
    assert made.pmap.meta_used == 0
    assert [event[2] for event in raw if event[0] == MallocCalled.tag] == [64 * (66 + 3 - 6) + 16]
    assert made.pmap.unmap(VA, MIB) == MIB
    assert tree_snapshot(made.pmap.tree).invokable == CapRef("slots", 0)
    made.check()


def test_a_refill_inside_maps_a_frame_that_three_blocks_are_not_enough_for():
    """91 blocks wanting, three left, and a frame of two pages takes four: the original's assertion."""
    made = Made()
    frame = made.frame(MIB)
    made.pmap.map(VA + MIB - PAGE, frame, 0, 2 * PAGE, RW)
    assert made.pmap.slab.free_blocks == 3
    made.pmap.map(VA + 8 * MIB, frame, 0, 89 * PAGE, RW)
    made.check()


def test_no_map_ever_leaves_too_few_blocks_for_a_page():
    """One page that is widened to two, over a border, takes four blocks where three were expected."""
    made = Made()
    frame = made.frame(16 * PAGE)
    for at in range(40):
        made.pmap.map(VA + (2 * at + 1) * MIB - PAGE, frame, 100, PAGE, RW)
        assert made.pmap.slab.free_blocks >= 2
        made.check()


@pytest.mark.parametrize(("architecture", "border"), [("armv7", 1 << 20), ("x86-64", 1 << 39)])
@pytest.mark.parametrize("before", range(66))
def test_a_range_over_the_widest_border_is_never_short_of_blocks(architecture, border, before):
    """Whatever number of blocks is left: two pages go through two tables of every level."""
    made = Made(architecture)
    frame = made.frame(2 * PAGE)
    for at in range(before):
        made.pmap.map(VA + 2 * at * PAGE + (1 << 40) * (architecture == "x86-64"), frame, 0, PAGE, RW)
    va = 0x6000_0000 - PAGE if architecture == "armv7" else (1 << 42) - PAGE
    assert va % border == border - PAGE
    made.pmap.map(va, frame, 0, 2 * PAGE, RW)
    made.check()


def test_the_region_for_slab_frames_can_be_filled_to_its_last_byte_and_then_says_so():
    made = Made(layout=replace(DOMAIN_LAYOUTS["armv7"], meta_data_bytes=2 * PAGE))
    frame = made.frame(PAGE)
    done, before = -1, made.mappings()
    stack: tuple[str, ...] = ()
    while not stack:
        done, before = done + 1, made.mappings()
        _, stack = outcome(made.pmap.map, VA + 2 * done * PAGE, frame, 0, PAGE, RW)
    assert stack == ("LIB_ERR_SLAB_REFILL", "LIB_ERR_OUT_OF_VIRTUAL_ADDR")
    assert made.pmap.meta_used == 2 * PAGE
    tables, slab_frames, too_few = 2, 2, 5
    assert done == 7 + 63 + 63 - tables - slab_frames - too_few
    assert made.mappings() == before
    made.check()


def test_events_name_the_functions_that_acted():
    made = Made()
    frame = made.frame(PAGE)
    seen = []
    made.world.kernel.recorder.emit = seen.append
    made.pmap.map(VA, frame, 0, PAGE, RW)
    events = materialize(seen, "map")
    calls = [event.name for event in events if isinstance(event, Called) and not event.name.startswith("caps")]
    assert calls == ["map", "do_map", "do_single_map", "get_ptable", "alloc_vnode"]
    assert {event.function for event in events if type(event).__name__ == "SlotAllocated"} == {
        "alloc_vnode",
        "do_single_map",
    }
    assert events[-1].depth == 1


def test_it_is_told_which_addresses_slab_frames_took():
    """As lookups find the frames there afterwards."""
    made = Made()
    frame = made.frame(2 * PAGE)
    seen = []
    made.pmap.map(VA, frame, 0, PAGE, RW)
    made.world.kernel.recorder.emit = seen.append
    made.pmap.map(VA + PAGE, frame, PAGE, PAGE, RW)
    (moved,) = (event for event in materialize(seen, "map") if isinstance(event, MetaDataMoved))
    found = made.pmap.lookup(moved.before)
    assert (found.va, found.va + found.size) == (moved.before, moved.after)


def test_the_frames_of_the_tests_lie_where_no_table_can():
    assert Made().world.ram.size < FRAMES_AT
