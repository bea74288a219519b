"""A domain: capabilities, tree and tables that agree, whatever is deleted, and that go back whole."""

from __future__ import annotations

import pytest

from vmwidgets.engine.base.errors import Broken, Refused
from vmwidgets.engine.base.recorder import Recorder
from vmwidgets.engine.memory.pages import PageAllocator
from vmwidgets.engine.memory.ram import Ram
from vmwidgets.engine.mmu.formats import FORMATS
from vmwidgets.engine.selfpaging.cpu_driver import PageMemory
from vmwidgets.engine.selfpaging.domain import Domain
from vmwidgets.engine.selfpaging.domain_schema import CapRef
from vmwidgets.engine.selfpaging.errors import LibError

VA = 0x1000_0000


def domain(architecture="armv7", **options):
    """A domain, and the allocator that its memory comes from."""
    ram, pages = Ram(1 << 26), PageAllocator(Recorder(), 256, 8192)
    memory = PageMemory(pages, "d")
    return Domain("d", ram, FORMATS[architecture], memory, Recorder(), **options), pages


def leaves(made):
    """The first addresses of all leaves that the pmap did not make for its own slab."""
    begin, size = made.layout.vspace_begin, made.layout.meta_data_bytes
    return sorted(leaf.va for leaf in made.pmap.tree.root.leaves() if not begin <= leaf.va < begin + size)


@pytest.mark.parametrize("architecture", ["armv7", "x86-64"])
def test_all_memory_goes_back(architecture):
    made, pages = domain(architecture)
    for at in range(40):
        made.pmap.map(VA + at * 0x2000, made.frame(4096), 0, 4096, 3)
    made.copy(made.retype(made.memory(1 << 16), "Frame", 0, 8192))
    made.check()
    assert pages.free_pages < 8192 - 40
    made.destroy()
    assert pages.free_pages == 8192


@pytest.mark.parametrize("architecture", ["armv7", "x86-64"])
def test_revoking_takes_the_leaves_of_all_copies_and_parts_out_of_the_tree(architecture):
    made, _ = domain(architecture)
    other, frame = made.frame(4096), made.frame(8192)
    copy, part = made.copy(frame), made.retype(frame, "Frame", 4096, 4096)
    for at, (ref, offset) in enumerate([(other, 0), (frame, 0), (copy, 4096), (part, 0)]):
        made.pmap.map(VA + at * 4096, ref, offset, 4096, 3)
    used = len(made.slots.used)
    made.revoke(frame)
    made.check()
    assert leaves(made) == [VA]
    assert len(made.slots.used) == used - 5, "two capabilities and three Mappings are gone"
    made.pmap.map(VA + 4096, frame, 0, 8192, 3)
    made.check()


def test_deleting_a_copy_takes_what_was_mapped_by_it_and_the_last_one_the_memory():
    made, pages = domain()
    frame = made.frame(4096)
    copy = made.copy(frame)
    made.pmap.map(VA, frame, 0, 4096, 3)
    made.pmap.map(VA + 4096, copy, 0, 4096, 3)
    free = pages.free_pages
    made.delete(copy)
    made.check()
    assert (leaves(made), pages.free_pages) == ([VA], free)
    made.delete(frame)
    made.check()
    assert (leaves(made), pages.free_pages) == ([], free + 1)


def test_what_the_program_rests_on_can_not_be_deleted():
    made, _ = domain()
    for _ in range(3):
        made.pmap.map(VA + 4096 * len(leaves(made)), made.frame(4096), 0, 4096, 3)
    before = made.snapshot()
    tables = [node for node in before.root.children if node.is_table]
    (slab,) = [node for table in tables for node in table.children if node.va == made.layout.vspace_begin]
    for ref in (CapRef("pagecn", 0), CapRef("rootcn", 1), tables[0].cap, tables[0].mapping, slab.cap):
        for call in (made.delete, made.revoke):
            with pytest.raises(Refused, match=str(ref).replace("[", r"\[")):
                call(ref)
    assert made.snapshot() == before
    made.check()


def test_a_copy_of_the_root_can_go_and_revoking_it_can_not():
    made, _ = domain()
    copy = made.copy(CapRef("pagecn", 0))
    with pytest.raises(Refused, match=r"pagecn\[0\]"):
        made.revoke(copy)
    made.delete(copy)
    made.check()


def test_a_refusal_gives_the_slot_back():
    made, _ = domain()
    frame = made.frame(4096)
    before = made.snapshot()
    for call in (
        lambda: made.retype(frame, "RAM"),
        lambda: made.copy(CapRef("slots", 9)),
        lambda: made.mint(CapRef("rootcn", 0), "r"),
        lambda: made.memory(1 << 30),
        lambda: made.frame(1 << 30),
    ):
        with pytest.raises(LibError):
            call()
    assert made.snapshot() == before


def test_without_a_slot():
    made, _ = domain(slots=1)
    made.frame(4096)
    with pytest.raises(LibError) as caught:
        made.frame(4096)
    assert caught.value.stack == ("LIB_ERR_FRAME_ALLOC", "LIB_ERR_SLOT_ALLOC", "LIB_ERR_SLOT_ALLOC_NO_SPACE")
    made.check()


def test_with_pages_only_the_root_is_the_parents_and_big_frames_are_not_to_be_had():
    made, pages = domain(ram_pages_only=True)
    used = pages.total_pages - pages.free_pages
    assert used == 4, "the root has 16 KiB"
    made.pmap.map(VA, made.frame(4096), 0, 4096, 3)
    assert pages.total_pages - pages.free_pages == used + 2, "a page, and a page for a table of 1 KiB"
    with pytest.raises(LibError, match="only pages"):
        made.frame(8192)
    made.check()


def test_without_memory_for_the_root_there_is_no_domain():
    pages = PageAllocator(Recorder(), 256, 2)
    with pytest.raises(LibError) as caught:
        Domain("d", Ram(1 << 26), FORMATS["armv7"], PageMemory(pages, "d"), Recorder())
    assert caught.value.stack == ("LIB_ERR_VNODE_CREATE", "LIB_ERR_RAM_ALLOC", "MM_ERR_NOT_FOUND")
    assert pages.free_pages == 2


def test_a_snapshot_tells_what_is_mapped_where_and_who_shares_it():
    made, _ = domain()
    frame = made.frame(8192)
    copy = made.mint(frame, "rg")
    made.pmap.map(VA, copy, 4096, 4096, 1)
    made.slots.allocate_for_others(1)
    slots = next(cnode for cnode in made.snapshot().cnodes if cnode.name == "slots")
    values = {one.ref: one for one in slots.capabilities}
    table = next(one for one in slots.capabilities if one.kind == "VNode_ARM_l2")
    assert values[frame].copies == (copy,)
    assert (values[copy].rights, values[copy].source) == ("r-g", frame)
    assert values[copy].mapped == values[frame].mapped == ((table.ref, 0, 1),)
    assert table.mapped == ((CapRef("pagecn", 0), VA >> 20, 1),)
    assert slots.reserved == made.slots.others


@pytest.mark.parametrize("architecture", ["armv7", "x86-64"])
def test_check_finds_what_was_written_behind_the_kernels_back(architecture):
    made, _ = domain(architecture)
    made.pmap.map(VA, made.frame(4096), 0, 4096, 3)
    leaf = next(one for one in made.pmap.tree.root.leaves() if one.va == VA)
    table = made.cspace.lookup(leaf.parent.cap).object
    width = made.fmt.entry_width
    word = made.ram.read_word(table.base, width)
    for entry, wrong in ((0, 0), (0, word + 0x1000), (1, word)):
        before = made.ram.read_word(table.base + entry * width, width)
        made.ram.write_word(table.base + entry * width, width, wrong)
        with pytest.raises(Broken, match="C3"):
            made.check()
        made.ram.write_word(table.base + entry * width, width, before)
    made.check()


def test_check_finds_a_slot_that_leaked_and_memory_that_was_given_twice():
    made, _ = domain()
    first, second = made.frame(4096), made.frame(4096)
    lost = made.slots.allocate()
    with pytest.raises(Broken, match="C2"):
        made.check()
    made.slots.free(lost)
    one, other = (made.cspace.lookup(ref).object for ref in (first, second))
    other.base = other.ram.base = one.base
    with pytest.raises(Broken, match="D3"):
        made.check()


def test_a_frame_behind_a_memory_object_leaves_it_when_it_is_revoked():
    from vmwidgets.engine.selfpaging.domain_schema import Vregion
    from vmwidgets.engine.selfpaging.memobj import Pinned

    made, _ = domain()
    frame = made.frame(4096)
    memobj = made.memobjs["p"] = Pinned(made.pmap, "p", 8192)
    memobj.fill(0, frame, 0, 4096)
    region = Vregion(9, VA, 8192, 3, "p")
    made.pmap.vspace.add(region)
    memobj.map_region(region)
    assert leaves(made) == [VA]
    made.revoke(frame)
    made.check()
    assert (leaves(made), memobj.fills) == ([], [])


def test_check_finds_a_slot_that_would_be_given_a_second_time():
    made, _ = domain()
    used = made.frame(4096)
    taken = made.slots.allocate()
    made.kernel.cap_copy(taken, used)
    made.check()
    made.slots._returned.append(taken.slot)
    with pytest.raises(Broken, match="A1"):
        made.check()
