"""Looking up a capability by its place."""

from __future__ import annotations

import pytest

from tests.engine.selfpaging.worlds import world
from vmwidgets.engine.base.errors import Refused
from vmwidgets.engine.base.values.domains import CapRef
from vmwidgets.engine.selfpaging.cspace import ROOT_TABLE
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
        made.stubs.cap_copy(ref, ROOT_TABLE)
    assert made.state() == before


def test_another_cspace_can_be_copied_from_and_not_invoked():
    made = world(foreign=True)
    table = made.table("VNode_ARM_l2")
    with pytest.raises(LibError, match=r"SYS_ERR_CAP_NOT_FOUND.*another cspace"):
        made.put(ROOT_TABLE, table, 0)
    copy = made.stubs.slot_alloc()
    made.stubs.cap_copy(copy, ROOT_TABLE)
    mapping = made.put(copy, table, 0)
    with pytest.raises(LibError, match="SYS_ERR_CAP_NOT_FOUND"):
        made.stubs.vnode_unmap(ROOT_TABLE, mapping)
    made.stubs.vnode_unmap(copy, mapping)
    assert made.word(copy, 0) == 0


def test_a_cnode_has_a_name_of_its_own():
    with pytest.raises(Refused, match="'slots'"):
        world().kernel.cspace.add("slots", 4)
