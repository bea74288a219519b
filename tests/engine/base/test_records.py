"""Several events in one record are, when they are read, the events that they stand for, one by one."""

from __future__ import annotations

import pytest

import vmwidgets as vm
from vmwidgets.engine.base.event import EVENTS
from vmwidgets.engine.base.records import RECORDS, unpacked
from vmwidgets.engine.base.tree_schema import DESCENDED, LOOKED_UP

PAGE = vm.PAGE
SPACE = 0xFFFF_8080_5000_0000
AT = SPACE + PAGE


@pytest.fixture
def m():
    """A kernel map with seven pages, 11 to 17, each with a gap behind it."""
    made = vm.boot("x86-64", layout="x15-64")
    for number in range(7):
        made.kernel_map.enter(PAGE, at=SPACE + 2 * number * PAGE, fixed=True, nomerge=True)
    made.kernel_map.lookup(SPACE + 12 * PAGE)
    return made


def test_an_insertion_is_all_its_events(m):
    m.kernel_map.enter(PAGE, at=AT, fixed=True, nomerge=True)
    raw = m.journal.last.raw
    size, buffer = m.kernel_map.size, raw[10]
    assert raw == (
        ("Called", "vm_map_enter", (AT, PAGE, 0, 0x30273)),
        ("Called", "vm_map_find_fixed", (AT, PAGE)),
        ("Called", "vm_map_lookup_nearest", (AT,)),
        ("TreeLookedUp", "kernel_map", (11, 13, None, 12, None), AT, False, 12),
        ("LookupCacheMoved", "kernel_map", 17, 12),
        ("Returned", 12),
        ("Returned", AT),
        ("Called", "vm_map_insert", (AT, PAGE)),
        ("MergeTried", "kernel_map", 11, "previous", False, "the request may not merge"),
        ("MergeTried", "kernel_map", 12, "next", False, "the request may not merge"),
        ("BufferAllocated", "vm_map_kentry", *buffer[2:]),
        ("Called", "vm_map_link", (18,)),
        ("EntryLinked", "kernel_map", (18, AT, AT + PAGE, None, 0, 0x10273, buffer[2], 0), 11, 12),
        ("TreeDescended", "kernel_map", (11, 13, None, 12, None), AT),
        ("TreeLinked", "kernel_map", 18, 12, "left"),
        ("Returned",),
        ("Returned", None),
        ("MapResized", "kernel_map", size - PAGE, size),
        ("Returned", 18),
        ("Returned", AT),
    )


def test_a_removal_is_all_its_events(m):
    m.kernel_map.enter(PAGE, at=AT, fixed=True, nomerge=True)
    m.kernel_map.remove(AT, size=PAGE)
    raw, size = m.journal.last.raw, m.kernel_map.size
    place = raw[11][2][6]
    links = (18, "left", 0, 0), (18, "right", 0, 0), (12, "left", 18, 0)
    assert raw == (
        ("Called", "vm_map_remove", (AT, AT + PAGE)),
        ("Called", "vm_map_lookup_nearest", (AT,)),
        ("TreeLookedUp", "kernel_map", (11, 13, None, 12, None, 18), AT, True, 18),
        ("LookupCacheMoved", "kernel_map", 12, 18),
        ("Returned", 18),
        ("MapResized", "kernel_map", size + PAGE, size),
        ("Called", "vm_map_unlink", (18,)),
        ("LookupCacheMoved", "kernel_map", 18, 0),
        ("Called", "rbtree_remove", (18,)),
        ("TreeUnlinked", "kernel_map", 18, 0, links, True, False),
        ("Returned",),
        ("EntryUnlinked", "kernel_map", (18, AT, AT + PAGE, None, 0, 0x10273, place, 0), 11, 12),
        ("Returned", None),
        ("Called", "pmap_remove", (AT, AT + PAGE)),
        ("Returned", None),
        ("TlbUpdated", AT, AT + PAGE, 1),
        ("BufferFreed", "vm_map_kentry", place, *raw[16][3:]),
        ("FindCacheMoved", "kernel_map", *raw[17][2:]),
        ("RangeRemoved", "kernel_map", 1, 0, PAGE),
        ("Returned", None),
    )


def test_a_node_leaves_with_all_the_links_that_this_writes(m):
    """13 has two children and is replaced by 14; 15 is a leaf; 16 has the one child 17 then."""
    links = []
    for number in (2, 4, 5):
        m.kernel_map.remove(SPACE + 2 * number * PAGE, size=PAGE)
        links += [(*one[2:4], one[4][-2:]) for one in m.journal.last.raw if one[0] == "TreeUnlinked"]
    assert links == [
        (13, 14, ((14, "left", 0, 12), (11, "right", 13, 14))),
        (15, 0, ((15, "right", 0, 0), (16, "left", 15, 0))),
        (16, 0, ((16, "right", 17, 0), (14, "right", 16, 17))),
    ]


def test_a_lookup_that_the_cache_answers_is_three_events(m):
    m.kernel_map.lookup(SPACE + 12 * PAGE)
    assert m.journal.last.raw == (
        ("Called", "vm_map_lookup_nearest", (SPACE + 12 * PAGE,)),
        ("LookupCacheHit", "kernel_map", 17),
        ("Returned", 17),
    )


def test_what_is_reported_is_events_or_records_of_them(m):
    m.kernel_map.enter(PAGE, at=AT, fixed=True, nomerge=True)
    m.kmem_free(m.kmem_malloc(PAGE), PAGE)
    assert not set(RECORDS) & set(EVENTS)
    for operation in m.journal:
        tags = {one[0] for one in unpacked(operation.records)}
        assert tags <= {*EVENTS, LOOKED_UP, DESCENDED}
        assert len(operation.records) <= len(operation.raw) <= len(operation.events)
