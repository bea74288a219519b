"""Types of capabilities, what is a copy of what, what was made from what, and when memory is freed."""

from __future__ import annotations

import pytest

from tests.engine.selfpaging.worlds import world
from vmwidgets.engine.base.errors import Broken
from vmwidgets.engine.mmu.formats import FORMATS
from vmwidgets.engine.selfpaging.capabilities import OBJ_TYPES, TABLES, RamRegion, common_rights
from vmwidgets.engine.selfpaging.domain_schema import CapRef
from vmwidgets.engine.selfpaging.errors import LibError

RAM, A, B, C, D = (CapRef("frames", at) for at in range(5))


@pytest.fixture
def ram():
    """A program with 64 KiB of RAM that the memory server gave, and pages in use without it."""
    made = world()
    base = made.kernel.memory.allocate(65536, 65536, "frame")
    made.kernel.install(RAM, "RAM", base, 65536, RamRegion(base, 65536))
    return made


def test_memory_goes_back_with_the_last_capability_whatever_it_is(ram):
    before = ram.used
    ram.kernel.retype(A, RAM, "Frame", 0, 4096)
    ram.kernel.cap_copy(B, A)
    for gone, left in ((RAM, before), (A, before), (B, before - 16)):
        ram.kernel.cap_delete(gone)
        ram.kernel.database.check()
        assert ram.used == left


def test_what_was_made_of_a_deleted_capability_is_made_of_the_one_above(ram):
    ram.kernel.retype(A, RAM, "RAM", 0, 32768)
    ram.kernel.retype(B, A, "Frame", 4096, 4096)
    ram.kernel.cap_delete(A)
    ram.kernel.database.check()
    with pytest.raises(LibError, match="SYS_ERR_REVOKE_FIRST"):
        ram.kernel.retype(C, RAM, "Frame", 4096, 4096)
    ram.kernel.revoke(RAM)
    with pytest.raises(LibError, match="SYS_ERR_CAP_NOT_FOUND"):
        ram.kernel.frame_identify(B)
    ram.kernel.retype(C, RAM, "Frame", 4096, 4096)


def test_revoking_reaches_copies_and_all_generations_and_nothing_else(ram):
    ram.kernel.retype(A, RAM, "Frame", 0, 32768)
    ram.kernel.retype(B, A, "Frame", 0, 4096)
    ram.kernel.cap_copy(C, A)
    ram.kernel.retype(D, RAM, "Frame", 32768, 4096)
    ram.kernel.revoke(A)
    assert [ram.kernel.cspace.is_empty(ref) for ref in (RAM, A, B, C, D)] == [False, False, True, True, False]
    ram.kernel.database.check()


def test_check_finds_parts_that_overlap_and_memory_that_is_miscounted(ram):
    ram.kernel.retype(A, RAM, "Frame", 0, 4096)
    ram.kernel.retype(B, RAM, "Frame", 4096, 4096)
    frame = ram.kernel.cspace.lookup(B).object
    frame.base -= 4096
    with pytest.raises(Broken, match="D2"):
        ram.kernel.database.check()
    frame.base += 4096
    frame.ram.objects += 1
    with pytest.raises(Broken, match="D3"):
        ram.kernel.database.check()


def test_check_finds_a_mapping_that_its_table_forgot():
    made = world()
    ref, _ = made.kernel.frame_alloc(made.slots, 4096)
    table = made.table("VNode_ARM_l2")
    made.put(table, ref, 5)
    made.kernel.database.check()
    made.kernel.cspace.lookup(table).object.inside.clear()
    with pytest.raises(Broken, match="D4"):
        made.kernel.database.check()


# ---- types ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", TABLES, ids=lambda kind: kind.name)
def test_a_table_is_as_big_as_its_format_says(kind):
    fmt = FORMATS[kind.format]
    level = fmt.level(kind.level)
    assert (kind.bytes, kind.entries) == (fmt.table_bytes(level), level.entries)


@pytest.mark.parametrize("kind", TABLES, ids=lambda kind: kind.name)
def test_an_entry_holds_tables_of_the_next_level_and_pages_where_the_format_has_them(kind):
    fmt = FORMATS[kind.format]
    level = fmt.level(kind.level)
    below = [OBJ_TYPES[name].level for name in kind.holds if OBJ_TYPES[name].is_table]
    assert below == ([level.number - 1] if level.of_kind("table") else [])
    assert ("Frame" in kind.holds) == (level.of_kind("leaf") is not None)


def test_nothing_that_is_no_ram_can_become_a_table():
    to_tables = [one.name for one in OBJ_TYPES.values() if any(OBJ_TYPES[to].is_table for to in one.retypes_to)]
    assert to_tables == ["RAM"]


def test_rights_never_grow():
    assert common_rights("rwg", "r--") == "r--"
    assert common_rights("", "rwg") == "---"
