from __future__ import annotations

import pytest

from tests.oracles.freebsd_events import recorded
from vmwidgets.engine.base.tree_schema import TreeCompared
from vmwidgets.engine.kernel.freebsd.kmem_schema import PageCleared, PageGranted, PageUnwired, TranslationEntered
from vmwidgets.engine.kernel.threads.threads_schema import MapLocked

PAGE = 4096


def granted(pindex, zeroed=False, request="SYSTEM|WIRED"):
    return (PageGranted.tag, request, "kmem_object", pindex, 100 - pindex, zeroed)


def test_pages_in_a_rising_row_are_one_event_whatever_their_frames():
    assert recorded([granted(7), granted(8), granted(9)]) == [["page_alloc", "SYSTEM|WIRED", "kmem_object", 7, 3, 0]]


@pytest.mark.parametrize(
    "second", [granted(7), granted(6), granted(9), granted(8, zeroed=True), granted(8, request="SYSTEM")]
)
def test_others_are_not(second):
    assert [row[4] for row in recorded([granted(7), second])] == [1, 1]


def test_any_recorded_event_between_ends_a_row_and_one_that_was_not_recorded_does_not():
    assert len(recorded([granted(7), (PageCleared.tag, "kmem_object", 7, 0), granted(8)])) == 3
    assert len(recorded([granted(7), (MapLocked.tag, "kmem_map", ""), granted(8)])) == 3
    assert len(recorded([granted(7), (TreeCompared.tag, "kmem_map", 1, 0, "left"), granted(8)])) == 1


def test_mappings_fold_by_address_and_unwirings_by_page():
    assert recorded([(TranslationEntered.tag, va * PAGE, va, True) for va in (4, 5, 7)]) == [
        ["pmap_enter", 4 * PAGE, 2, 1],
        ["pmap_enter", 7 * PAGE, 1, 1],
    ]
    assert recorded([(PageUnwired.tag, "kmem_object", pindex, 0) for pindex in (1, 2, 3)]) == [
        ["page_unwire", "kmem_object", 1, 3]
    ]
