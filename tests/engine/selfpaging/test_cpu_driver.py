"""The kernel writes only what a program's capabilities allow, and clears what must not outlive them."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.engine.selfpaging.worlds import world
from vmwidgets.engine.base.units import KIB, MIB
from vmwidgets.engine.mmu.formats import FORMATS
from vmwidgets.engine.selfpaging.capabilities import ROOT_TABLE, RamRegion
from vmwidgets.engine.selfpaging.cpu_driver import ENCODINGS
from vmwidgets.engine.selfpaging.domain_schema import CapRef
from vmwidgets.engine.selfpaging.errors import LibError
from vmwidgets.engine.selfpaging.flags import EXECUTE, NOCACHE, READ, WRITE

ELSEWHERE = CapRef("frames", 3)


def refused(made, name, call, *arguments, **options):
    """The call fails with this error, and nothing at all has changed."""
    before = made.state()
    with pytest.raises(LibError) as caught:
        call(*arguments, **options)
    assert caught.value.stack[-1] == name, caught.value.stack
    assert made.state() == before
    made.kernel.database.check()


# ---- mapping -----------------------------------------------------------------------------------


def test_a_table_a_section_and_a_run_of_pages():
    made = world()
    table, (pages, _), (section, _) = (
        made.table("VNode_ARM_l2"),
        *(made.kernel.frame_alloc(made.slots, n) for n in (3 * 4096, MIB)),
    )
    made.put(ROOT_TABLE, table, 768)
    made.put(ROOT_TABLE, section, 769, flags=1)
    made.put(table, pages, 254, offset=4096, count=2)
    base = made.kernel.frame_identify(pages).base
    assert made.word(ROOT_TABLE, 768) == made.kernel.cspace.lookup(table).object.base | 1
    assert made.word(ROOT_TABLE, 769) == made.kernel.frame_identify(section).base | 0x80E
    assert [made.word(table, at) for at in (253, 254, 255)] == [0, base + 0x1000 | 0x3E, base + 0x2000 | 0x3E]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"entry": -1}, "SYS_ERR_VNODE_SLOT_INVALID"),
        ({"entry": 256}, "SYS_ERR_VNODE_SLOT_INVALID"),
        ({"entry": 255, "count": 2}, "SYS_ERR_VM_MAP_SIZE"),
        ({"entry": 0, "count": 0}, "SYS_ERR_VM_MAP_SIZE"),
        ({"entry": 0, "count": -1}, "SYS_ERR_VM_MAP_SIZE"),
        ({"entry": 0, "offset": 100}, "SYS_ERR_VM_MAP_OFFSET"),
        ({"entry": 0, "offset": -4096}, "SYS_ERR_VM_MAP_OFFSET"),
        ({"entry": 0, "offset": 4 * 4096}, "SYS_ERR_VM_FRAME_TOO_SMALL"),
        ({"entry": 0, "offset": 4096, "count": 4}, "SYS_ERR_VM_FRAME_TOO_SMALL"),
        ({"entry": 6, "count": 2}, "SYS_ERR_VNODE_SLOT_INUSE"),  # the second is used
    ],
)
def test_pages_that_can_not_be_mapped(arguments, error):
    made = world()
    table, (frame, _), (other, _) = (
        made.table("VNode_ARM_l2"),
        *(made.kernel.frame_alloc(made.slots, 4 * 4096) for _ in "ab"),
    )
    made.put(table, other, 7)
    request = {"flags": 3, "offset": 0, "count": 1, **arguments}
    refused(made, error, made.kernel.vnode_map, table, frame, mapping=ELSEWHERE, **request)


@pytest.mark.parametrize(
    ("entry", "offset", "count", "error"),
    [
        (4096, 0, 1, "SYS_ERR_VNODE_SLOT_INVALID"),
        (2048, 0, 1, "SYS_ERR_VNODE_SLOT_RESERVED"),
        (0, 512, 1, "SYS_ERR_FRAME_OFFSET_INVALID"),
        (0, 1024, 1, "SYS_ERR_FRAME_OFFSET_INVALID"),
        (0, 0, 2, "SYS_ERR_VM_MAP_SIZE"),
        (5, 0, 1, "SYS_ERR_VNODE_SLOT_INUSE"),
    ],
)
def test_tables_that_can_not_be_put_in(entry, offset, count, error):
    made = world()
    made.put(ROOT_TABLE, made.table("VNode_ARM_l2"), 5)
    table = made.table("VNode_ARM_l2")
    refused(made, error, made.kernel.vnode_map, ROOT_TABLE, table, entry, 3, offset, count, ELSEWHERE)


def test_sections_stay_out_of_the_kernels_half_and_on_their_borders():
    made = world()
    (frame, _) = made.kernel.frame_alloc(made.slots, 2 * MIB)
    refused(made, "SYS_ERR_VNODE_SLOT_RESERVED", made.kernel.vnode_map, ROOT_TABLE, frame, 2047, 3, 0, 2, ELSEWHERE)
    refused(made, "SYS_ERR_VM_MAP_OFFSET", made.kernel.vnode_map, ROOT_TABLE, frame, 0, 3, 4096, 1, ELSEWHERE)
    made.kernel.install(CapRef("frames", 0), "Frame", 0x9000_1000, 2 * MIB)  # itself on no border of 1 MiB
    odd = CapRef("frames", 0)
    refused(made, "SYS_ERR_VM_MAP_OFFSET", made.kernel.vnode_map, ROOT_TABLE, odd, 0, 3, 0, 1, ELSEWHERE)


def test_kinds_must_fit():
    made = world()
    table, (frame, _) = made.table("VNode_ARM_l2"), made.kernel.frame_alloc(made.slots, 4096)
    made.kernel.install(CapRef("frames", 0), "RAM", 0x9000_0000, MIB)
    for into, what in ((table, ROOT_TABLE), (table, table), (ROOT_TABLE, CapRef("frames", 0)), (frame, table)):
        refused(made, "SYS_ERR_DEST_TYPE_INVALID", made.kernel.vnode_map, into, what, 0, 3, 0, 1, ELSEWHERE)


def test_only_the_quirk_maps_what_lies_beyond_the_frame():
    made = world(quirks=frozenset({"frame-overrun"}))
    table, (frame, size) = made.table("VNode_ARM_l2"), made.kernel.frame_alloc(made.slots, 8192)
    made.put(table, frame, 0, offset=4096, count=2)
    assert made.word(table, 1) == made.kernel.frame_identify(frame).base + size | 0x3E
    refused(made, "SYS_ERR_VM_FRAME_TOO_SMALL", made.kernel.vnode_map, table, frame, 8, 3, 8192, 1, ELSEWHERE)


def test_the_slot_for_the_mapping_must_be_free():
    made = world()
    table, (frame, _) = made.table("VNode_ARM_l2"), made.kernel.frame_alloc(made.slots, 4096)
    refused(made, "SYS_ERR_SLOT_IN_USE", made.kernel.vnode_map, table, frame, 0, 3, 0, 1, table)
    nowhere = CapRef("slots", 4000)
    refused(made, "SYS_ERR_DEST_CNODE_LOOKUP", made.kernel.vnode_map, table, frame, 0, 3, 0, 1, nowhere)


def test_x86_64_all_the_way_down():
    made = world("x86-64")
    tables = [ROOT_TABLE] + [made.table(f"VNode_x86_64_{name}") for name in ("pdpt", "pdir", "ptable")]
    for table, below in pairwise(tables):
        made.put(table, below, 1)
        assert made.word(table, 1) == made.kernel.cspace.lookup(below).object.base | 7
    (frame, _), (large, _) = made.kernel.frame_alloc(made.slots, 4096), made.kernel.frame_alloc(made.slots, 2 * MIB)
    made.put(tables[3], frame, 511)
    made.put(tables[2], large, 2, flags=1)
    assert made.word(tables[3], 511) == made.kernel.frame_identify(frame).base | 7
    assert made.word(tables[2], 2) == made.kernel.frame_identify(large).base | 0x85
    refused(made, "SYS_ERR_VNODE_SLOT_RESERVED", made.kernel.vnode_map, ROOT_TABLE, tables[1], 256, 3, 0, 1, ELSEWHERE)
    refused(made, "SYS_ERR_DEST_TYPE_INVALID", made.kernel.vnode_map, tables[0], tables[2], 0, 3, 0, 1, ELSEWHERE)


# ---- rights ------------------------------------------------------------------------------------


def test_a_capability_with_fewer_rights_can_not_be_used_for_more():
    made = world()
    table, (frame, _) = made.table("VNode_ARM_l2"), made.kernel.frame_alloc(made.slots, 4096)
    weak = made.slots.allocate()
    made.kernel.mint(weak, frame, "r")
    refused(made, "SYS_ERR_VM_MAP_RIGHTS", made.kernel.vnode_map, table, weak, 0, 3, 0, 1, ELSEWHERE)
    mapping = made.put(table, weak, 0, flags=1)
    refused(made, "SYS_ERR_VM_MAP_RIGHTS", made.kernel.mapping_modify_flags, mapping, 0, 1, 3)
    refused(made, "SYS_ERR_VM_MAP_RIGHTS", made.kernel.cap_copy, ELSEWHERE, weak)  # it has no right to grant


def test_minting_twice_does_not_bring_a_right_back():
    made = world()
    frame, _ = made.kernel.frame_alloc(made.slots, 4096)
    made.kernel.mint(CapRef("frames", 0), frame, "rg")
    made.kernel.mint(CapRef("frames", 1), CapRef("frames", 0), "rwg")
    assert made.kernel.cspace.lookup(CapRef("frames", 1)).rights == "r-g"


def test_a_table_that_may_only_be_read_is_not_written():
    made = world()
    (frame, _), table = made.kernel.frame_alloc(made.slots, 4096), made.table("VNode_ARM_l2")
    made.kernel.mint(CapRef("frames", 0), table, "rg")
    refused(made, "SYS_ERR_VM_MAP_RIGHTS", made.kernel.vnode_map, CapRef("frames", 0), frame, 0, 3, 0, 1, ELSEWHERE)


# ---- unmapping, flags --------------------------------------------------------------------------


def test_unmapping_clears_the_run_and_nothing_beside_it_and_flushes():
    made = world()
    table, (frame, _) = made.table("VNode_ARM_l2"), made.kernel.frame_alloc(made.slots, 4 * 4096)
    made.put(table, frame, 0)
    mapping = made.put(table, frame, 1, count=2)
    made.put(table, frame, 3)
    assert made.flushes == []
    made.kernel.vnode_unmap(table, mapping)
    assert [bool(made.word(table, at)) for at in range(4)] == [True, False, False, True]
    assert made.flushes == [1]
    refused(made, "SYS_ERR_VNODE_NOT_INSTALLED", made.kernel.vnode_unmap, table, mapping)
    made.kernel.cap_delete(mapping)
    refused(made, "SYS_ERR_CAP_NOT_FOUND", made.kernel.vnode_unmap, table, mapping)
    assert made.flushes == [1], "nothing was left to be dropped"


def test_a_mapping_is_unmapped_from_its_own_table_only():
    made = world()
    one, other, (frame, _) = (
        made.table("VNode_ARM_l2"),
        made.table("VNode_ARM_l2"),
        made.kernel.frame_alloc(made.slots, 4096),
    )
    mapping = made.put(one, frame, 0)
    refused(made, "SYS_ERR_WRONG_MAPPING", made.kernel.vnode_unmap, other, mapping)
    refused(made, "SYS_ERR_CAP_NOT_FOUND", made.kernel.vnode_unmap, one, frame)


def test_flags_change_in_the_middle_of_a_run():
    made = world()
    table, (frame, _) = made.table("VNode_ARM_l2"), made.kernel.frame_alloc(made.slots, 4 * 4096)
    mapping = made.put(table, frame, 8, count=4)
    made.kernel.mapping_modify_flags(mapping, 1, 2, 1)
    assert [made.word(table, at) & 0xFFF for at in range(8, 12)] == [0x3E, 0x2E, 0x2E, 0x3E]
    assert made.flushes == [1]
    for offset, count in ((-1, 1), (0, 5), (3, 2), (0, 0)):
        refused(made, "SYS_ERR_VM_MAP_SIZE", made.kernel.mapping_modify_flags, mapping, offset, count, 1)


# ---- what must not outlive a capability --------------------------------------------------------


def test_the_last_capability_of_a_frame_takes_its_mappings_and_its_memory():
    made = world()
    table, used = made.table("VNode_ARM_l2"), made.used
    frame, _ = made.kernel.frame_alloc(made.slots, 4096)
    made.kernel.cap_copy(CapRef("frames", 0), frame)
    mapping = made.put(table, frame, 0)
    made.kernel.cap_delete(frame)
    assert made.word(table, 0), "a copy is left"
    made.kernel.cap_delete(CapRef("frames", 0))
    assert made.word(table, 0) == 0
    assert made.kernel.cspace.is_empty(mapping)
    assert made.used == used
    assert made.flushes == [1]
    made.kernel.database.check()


def test_the_last_capability_of_a_table_takes_its_mapping_and_those_in_it():
    made = world()
    table, (frame, _) = made.table("VNode_ARM_l2"), made.kernel.frame_alloc(made.slots, 4096)
    above, inside = made.put(ROOT_TABLE, table, 4), made.put(table, frame, 0)
    made.kernel.cap_delete(table)
    assert made.word(ROOT_TABLE, 4) == 0
    assert made.kernel.cspace.is_empty(above)
    assert made.kernel.cspace.is_empty(inside)
    made.kernel.database.check()


def test_revoking_leaves_nothing_mapped():
    made = world()
    table = made.table("VNode_ARM_l2")
    base = made.kernel.memory.allocate(64 * KIB, 64 * KIB, "frame")
    ram, frame, other = (CapRef("frames", at) for at in range(3))
    made.kernel.install(ram, "RAM", base, 64 * KIB, RamRegion(base, 64 * KIB))
    made.kernel.retype(frame, ram, "Frame", 0, 8192)
    made.kernel.retype(other, frame, "Frame", 4096, 4096)
    made.put(table, frame, 0, count=2)
    made.put(table, other, 9)
    made.kernel.revoke(frame)
    assert [made.word(table, at) for at in (0, 1, 9)] == [0, 0, 0]
    made.put(table, frame, 0)  # it is still there to be mapped
    made.kernel.revoke(ram)
    assert made.word(table, 0) == 0
    refused(made, "SYS_ERR_CAP_NOT_FOUND", made.kernel.vnode_map, table, frame, 0, 3, 0, 1, ELSEWHERE)


# ---- making ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "offset", "size", "error"),
    [
        ("Frame", 0, 0, "SYS_ERR_INVALID_RETYPE"),
        ("Frame", 0, 100, "SYS_ERR_INVALID_RETYPE"),
        ("Frame", 100, 4096, "SYS_ERR_FRAME_OFFSET_INVALID"),
        ("Frame", 0, 128 * KIB, "SYS_ERR_FRAME_OFFSET_INVALID"),
        ("Frame", -4096, 4096, "SYS_ERR_FRAME_OFFSET_INVALID"),
        ("DevFrame", 0, 4096, "SYS_ERR_INVALID_RETYPE"),
        ("Mapping", 0, 4096, "SYS_ERR_INVALID_RETYPE"),
        ("VNode_ARM_l2", 0, 2048, "SYS_ERR_INVALID_RETYPE"),
        ("VNode_ARM_l2", 512, 1024, "SYS_ERR_FRAME_OFFSET_INVALID"),
        ("VNode_ARM_l2", 33 * KIB, 1024, "SYS_ERR_REVOKE_FIRST"),
        ("Frame", 32 * KIB, 4096, "SYS_ERR_REVOKE_FIRST"),
    ],
)
def test_ram_that_can_not_be_retyped_so(kind, offset, size, error):
    made = world()
    ram = CapRef("frames", 0)
    base = made.kernel.memory.allocate(64 * KIB, 64 * KIB, "frame")
    made.kernel.install(ram, "RAM", base, 64 * KIB, RamRegion(base, 64 * KIB))
    made.kernel.retype(CapRef("frames", 1), ram, "Frame", 32 * KIB, 8 * KIB)
    refused(made, error, made.kernel.retype, ELSEWHERE, ram, kind, offset, size)


def test_a_table_can_not_be_made_of_a_frame_that_the_program_writes():
    made = world()
    frame, _ = made.kernel.frame_alloc(made.slots, 4096)
    refused(made, "SYS_ERR_INVALID_RETYPE", made.kernel.retype, ELSEWHERE, frame, "VNode_ARM_l2", 0, 1024)


def test_a_new_table_is_empty_whatever_was_in_its_memory():
    made = world()
    frame, _ = made.kernel.frame_alloc(made.slots, 4096)
    base = made.kernel.frame_identify(frame).base
    made.ram.fill(base, 4096, 0xFF)
    made.kernel.cap_delete(frame)
    table = made.table("VNode_ARM_l2")
    assert made.kernel.cspace.lookup(table).object.base == base
    assert all(made.word(table, at) == 0 for at in range(256))


def test_with_ram_in_pages_only_a_table_wastes_three_quarters_and_the_root_can_not_be_made():
    made = world(ram_pages_only=True, root=False)
    refused(made, "MM_ERR_NOT_FOUND", made.kernel.vnode_create, ROOT_TABLE, "VNode_ARM_l1")
    first, second = made.table("VNode_ARM_l2"), made.table("VNode_ARM_l2")
    bases = [made.kernel.cspace.lookup(ref).object.base for ref in (first, second)]
    assert made.used == 2
    assert [base % 4096 for base in bases] == [0, 0]
    made.kernel.cap_delete(first)
    assert made.used == 1


def test_without_ram_nothing_is_taken():
    made = world()
    made.pages.veto = lambda _owner: True
    refused(made, "MM_ERR_NOT_FOUND", made.kernel.frame_alloc, made.slots, 4096)
    refused(made, "MM_ERR_NOT_FOUND", made.kernel.vnode_create, ELSEWHERE, "VNode_ARM_l1")
    assert made.slots.used == set()


def test_execute_never_is_a_hardening():
    made = world("x86-64", hardening=frozenset({"execute-never"}))
    table, (frame, _) = made.table("VNode_x86_64_ptable"), made.kernel.frame_alloc(made.slots, 4096)
    mapping = made.put(table, frame, 0, flags=3)
    assert made.word(table, 0) >> 63 == 1
    made.kernel.mapping_modify_flags(mapping, 0, 1, 5)
    assert made.word(table, 0) >> 63 == 0


def test_what_is_retyped_from_ram_is_empty_whatever_was_written_through_another_frame_of_it():
    """RAM becomes a frame, is written, is RAM again, becomes a table or another frame."""
    made = world()
    ram = made.slots.allocate()
    made.kernel.ram_alloc(ram, 4096)
    for kind, size in (("VNode_ARM_l2", 1024), ("Frame", 4096), ("RAM", 4096)):
        made.kernel.retype(ELSEWHERE, ram, "Frame")
        base = made.kernel.frame_identify(ELSEWHERE).base
        made.ram.fill(base, 4096, 0xFF)
        made.kernel.delete(ELSEWHERE)
        made.kernel.retype(ELSEWHERE, ram, kind)
        assert made.ram.read(base, size) == bytes(size), kind
        made.kernel.delete(ELSEWHERE)


@pytest.mark.parametrize(
    ("rights", "flags", "allowed"),
    [("rg", 1, True), ("rg", 4, True), ("wg", 4, False), ("wg", 2, True), ("g", 4, False), ("g", 0, True)],
)
def test_each_flag_needs_its_right(rights, flags, allowed):
    """What is run is read: EXECUTE needs the right to read."""
    made = world()
    table, (frame, _) = made.table("VNode_ARM_l2"), made.kernel.frame_alloc(made.slots, 4096)
    weak = made.slots.allocate()
    made.kernel.mint(weak, frame, rights)
    mapping = made.put(table, weak, 1, flags=0)
    if allowed:
        made.put(table, weak, 0, flags=flags)
        made.kernel.mapping_modify_flags(mapping, 0, 1, flags)
    else:
        slot = made.slots.allocate()
        refused(made, "SYS_ERR_VM_MAP_RIGHTS", made.kernel.vnode_map, table, weak, 0, flags, 0, 1, slot)
        refused(made, "SYS_ERR_VM_MAP_RIGHTS", made.kernel.mapping_modify_flags, mapping, 0, 1, flags)


# ---- descriptors ---------------------------------------------------------------------------------


ARM, X86 = FORMATS["armv7"], FORMATS["x86-64"]


@pytest.mark.parametrize(
    ("flags", "page", "section"),
    [
        (READ | WRITE, 0x03E, 0xC0E),
        (WRITE, 0x03E, 0xC0E),
        (READ, 0x02E, 0x80E),
        (READ | EXECUTE, 0x02E, 0x80E),
        (READ | WRITE | NOCACHE, 0x036, 0xC06),
        (0, 0x00E, 0x00E),
        (EXECUTE, 0x00E, 0x00E),
    ],
)
def test_arm_leaves(flags, page, section):
    assert ENCODINGS[ARM.name].leaf_word(ARM.level(1), 0x1234_5000, flags) == 0x1234_5000 | page
    assert ENCODINGS[ARM.name].leaf_word(ARM.level(2), 0x1230_0000, flags) == 0x1230_0000 | section


def test_arm_table():
    assert ENCODINGS[ARM.name].table_word(ARM.level(2), 0x1234_5400) == 0x1234_5401


@pytest.mark.parametrize(
    ("flags", "bits"), [(READ | WRITE, 0b0111), (READ, 0b0101), (0, 0b0001), (READ | WRITE | NOCACHE, 0b1_0111)]
)
def test_x86_64_leaves(flags, bits):
    assert ENCODINGS[X86.name].leaf_word(X86.level(1), 0x1234_5000, flags) == 0x1234_5000 | bits
    assert ENCODINGS[X86.name].leaf_word(X86.level(2), 0x1220_0000, flags) == 0x1220_0000 | bits | 0x80


def test_x86_64_table():
    assert ENCODINGS[X86.name].table_word(X86.level(3), 0x1234_5000) == 0x1234_5007


@pytest.mark.parametrize(("fmt", "bit"), [(ARM, 1 << 0), (X86, 1 << 63)])
def test_execute_never_is_set_only_as_a_hardening_and_only_without_execute(fmt, bit):
    assert not ENCODINGS[fmt.name].leaf_word(fmt.level(1), 0, READ) & bit
    assert ENCODINGS[fmt.name].leaf_word(fmt.level(1), 0, READ, never=True) & bit
    assert not ENCODINGS[fmt.name].leaf_word(fmt.level(1), 0, READ | EXECUTE, never=True) & bit


def test_other_flags_leave_the_address_and_the_other_bits():
    word = ENCODINGS[X86.name].leaf_word(X86.level(2), 0x1220_0000, READ | WRITE) | 0b110_0000  # accessed, dirty
    assert ENCODINGS[X86.name].with_flags(X86.level(2), [word], READ) == (word & ~0b10,)
    section = ENCODINGS[ARM.name].leaf_word(ARM.level(2), 0x1230_0000, READ | WRITE)
    assert ENCODINGS[ARM.name].with_flags(ARM.level(2), [section], READ | NOCACHE) == (0x1230_0806,)
