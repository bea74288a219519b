"""What is a copy of what, what was made from what, and whose memory goes back when."""

from __future__ import annotations

import pytest

from tests.engine.selfpaging.worlds import world
from vmwidgets.engine.base.errors import Broken
from vmwidgets.engine.base.values.domains import CapRef
from vmwidgets.engine.selfpaging.capabilities import RamRegion
from vmwidgets.engine.selfpaging.errors import LibError

RAM, A, B, C, D = (CapRef("frames", at) for at in range(5))


@pytest.fixture
def ram():
    """A program with 64 KiB of RAM that the memory server gave, and pages in use without it."""
    made = world()
    base = made.stubs.memory.allocate(65536, 65536, "frame")
    made.kernel.install(RAM, "RAM", base, 65536, RamRegion(base, 65536))
    return made


def test_memory_goes_back_with_the_last_capability_whatever_it_is(ram):
    before = ram.used
    ram.kernel.retype(A, RAM, "Frame", 0, 4096)
    ram.kernel.copy(B, A)
    for gone, left in ((RAM, before), (A, before), (B, before - 16)):
        ram.stubs.cap_delete(gone)
        ram.kernel.database.check()
        assert ram.used == left


def test_what_was_made_of_a_deleted_capability_is_made_of_the_one_above(ram):
    ram.kernel.retype(A, RAM, "RAM", 0, 32768)
    ram.kernel.retype(B, A, "Frame", 4096, 4096)
    ram.stubs.cap_delete(A)
    ram.kernel.database.check()
    with pytest.raises(LibError, match="SYS_ERR_REVOKE_FIRST"):
        ram.kernel.retype(C, RAM, "Frame", 4096, 4096)
    ram.kernel.revoke(RAM)
    with pytest.raises(LibError, match="SYS_ERR_CAP_NOT_FOUND"):
        ram.stubs.frame_identify(B)
    ram.kernel.retype(C, RAM, "Frame", 4096, 4096)


def test_revoking_reaches_copies_and_all_generations_and_nothing_else(ram):
    ram.kernel.retype(A, RAM, "Frame", 0, 32768)
    ram.kernel.retype(B, A, "Frame", 0, 4096)
    ram.kernel.copy(C, A)
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
    ref, _ = made.stubs.frame_alloc(4096)
    table = made.table("VNode_ARM_l2")
    made.put(table, ref, 5)
    made.kernel.database.check()
    made.kernel.cspace.lookup(table).object.inside.clear()
    with pytest.raises(Broken, match="D4"):
        made.kernel.database.check()
