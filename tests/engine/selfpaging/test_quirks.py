"""Each bug of the original on both sides: right by default, and as the original recorded it with the quirk."""

from __future__ import annotations

import pytest

from tests.engine.selfpaging.pmaps import MIB, PAGE, RW, Made, error_of
from tests.oracles.barrelfish import BarrelfishReplay
from tests.oracles.recordings import lines_of
from vmwidgets.engine.base.errors import Refused
from vmwidgets.engine.selfpaging.errors import (
    BARRELFISH_QUIRKS,
    FIRST_TABLE_DECIDES,
    FRAME_OVERRUN,
    LARGE_FALLBACK_NOT_SPLIT,
    MAP_NOT_UNDONE,
    MODIFY_FLAGS_LOST,
    RAW_WRONG_WINDOW,
    RETOFF_AFTER_SPLIT,
    TABLE_MAPPING_SLOT_LEAK,
)
from vmwidgets.engine.selfpaging.flags import LARGE, READ
from vmwidgets.engine.selfpaging.layouts import Mapped
from vmwidgets.engine.selfpaging.shadow_tree import tree_snapshot

VA = 0x5000_0000
FILES = ("quirk-map-exhaustion-1", "quirk-unmap-modify-place-1")

SHOWN = {
    "retoff-after-split": RETOFF_AFTER_SPLIT,
    "retoff-at-table-end": RETOFF_AFTER_SPLIT,
    "frame-overrun": FRAME_OVERRUN,
    "large-fallback-not-split": LARGE_FALLBACK_NOT_SPLIT,
    "phantom-leaf": MAP_NOT_UNDONE,
    "table-mapping-slot-leak": TABLE_MAPPING_SLOT_LEAK,
    "first-table-decides": FIRST_TABLE_DECIDES,
    "map-not-undone": MAP_NOT_UNDONE,
    "kernel-half-orphan-table": MAP_NOT_UNDONE,
    "no-slot-table-cap-slot": MAP_NOT_UNDONE,
    "no-slot-table-mapping-slot": MAP_NOT_UNDONE,
    "no-slot-leaf-mapping-slot": MAP_NOT_UNDONE,
    "no-slot-half-way": MAP_NOT_UNDONE,
    "no-slot-nested-refill": MAP_NOT_UNDONE,
    "no-slot-slab-frame-mapping": MAP_NOT_UNDONE,
    "modify-flags-lost": MODIFY_FLAGS_LOST,
    "modify-flags-lost-split": MODIFY_FLAGS_LOST,
    "raw-wrong-window": RAW_WRONG_WINDOW,
    "raw-alignment-ignored": RAW_WRONG_WINDOW,
    "raw-refuses-over-128M": RAW_WRONG_WINDOW,
    "raw-skips-unrelated-entries": RAW_WRONG_WINDOW,
}
"""Recorded scenes, by the quirk that shows them."""


def scenes(name):
    """The lines of each section of a file: a header, and the operations up to the next reset."""
    header, *lines = lines_of(name, "barrelfish")
    section = []
    for line in lines:
        if line["op"] == "reset":
            yield header, section
            header = {**header, "setup": {**header["setup"], **line["setup"]}}
            section = []
        else:
            section.append(line)
    yield header, section


def test_with_all_quirks_the_recorded_bugs_come_out_as_they_were_recorded():
    """Results, events, and where there is one the state, until a scene shows a bug that is not one of the eight."""
    seen = set()
    for name in FILES:
        for header, section in scenes(name):
            replay = BarrelfishReplay(header, frozenset(BARRELFISH_QUIRKS))
            for line in section:
                if line.get("quirk") not in (None, *SHOWN):
                    break
                assert replay.run(line) == line["result"], (name, line["i"])
                assert replay.beside()["events"] == line["events"] if "events" in line else True, (name, line["i"])
                if "state" in line and "PANIC" not in str(line["result"]):
                    state = replay.state()
                    assert {key: state[key] for key in line["state"]} == line["state"], (name, line["i"])
                seen.add(line.get("quirk"))
    assert seen == {None, *SHOWN}


@pytest.mark.parametrize("quirk", BARRELFISH_QUIRKS)
def test_every_quirk_has_a_recorded_scene(quirk):
    assert quirk in SHOWN.values()


def test_unknown_quirks_are_refused():
    with pytest.raises(Refused, match="modify-flags-last"):
        Made(quirks={"modify-flags-last"})


def both(quirk):
    return Made(), Made(quirks={quirk})


def test_modify_flags_lost():
    for made, words in zip(both(MODIFY_FLAGS_LOST), ([0x2E, 0x2E], [0x0E, 0x2E]), strict=True):
        made.pmap.map(VA + MIB - PAGE, made.frame(2 * PAGE), 0, 2 * PAGE, RW)
        made.pmap.modify_flags(VA + MIB - PAGE, 2 * PAGE, READ)
        assert [made.word(va) & 0xFFF for va in (VA + MIB - PAGE, VA + MIB)] == words


def test_first_table_decides():
    right, wrong = both(FIRST_TABLE_DECIDES)
    for made in (right, wrong):
        frame = made.frame(4 * MIB, MIB)
        made.pmap.map(VA, frame, 0, PAGE, RW)
        made.pmap.map(VA + MIB, frame, 0, PAGE, RW)
        made.pmap.unmap(VA + MIB, PAGE)
        if made is right:
            assert error_of(made.pmap.map, VA, frame, MIB, 2 * MIB, RW | LARGE)[1] == "LIB_ERR_PMAP_EXISTING_MAPPING"
            assert made.physical(VA) == made.base(frame)
            made.check()
        else:
            made.pmap.map(VA, frame, MIB, 2 * MIB, RW | LARGE)
            assert made.physical(VA) == made.base(frame) + MIB


def test_retoff_after_split():
    for made, told in zip(both(RETOFF_AFTER_SPLIT), (PAGE, 2 * PAGE), strict=True):
        frame = made.frame(8 * PAGE)
        assert made.pmap.map(VA + MIB - PAGE, frame, PAGE, 2 * PAGE, RW) == Mapped(told, 2 * PAGE)


def test_a_call_that_is_not_split_has_one_offset():
    """LARGE makes the original map all of it at once: both quirks together advance no offset, even at a table's end."""
    made = Made(quirks={RETOFF_AFTER_SPLIT, LARGE_FALLBACK_NOT_SPLIT})
    mapped = made.pmap.map(VA + MIB - 2 * PAGE, made.frame(2 * PAGE), 0, 2 * PAGE, RW | LARGE)
    assert mapped == Mapped(0, 2 * PAGE)


def test_frame_overrun():
    right, wrong = both(FRAME_OVERRUN)
    for made in (right, wrong):
        frame = made.frame(4 * PAGE)
        if made is right:
            assert error_of(made.pmap.map, VA, frame, PAGE, 4 * PAGE, RW) == ("LIB_ERR_PMAP_FRAME_SIZE",)
        else:
            made.pmap.map(VA, frame, PAGE, 4 * PAGE, RW)
            assert made.physical(VA + 3 * PAGE) == made.base(frame) + 4 * PAGE


def test_large_fallback_not_split():
    right, wrong = both(LARGE_FALLBACK_NOT_SPLIT)
    for made in (right, wrong):
        frame = made.frame(16 * PAGE)
        if made is right:
            made.pmap.map(VA + MIB - PAGE, frame, 0, 2 * PAGE, RW | LARGE)
            assert made.physical(VA + MIB) == made.base(frame) + PAGE
        else:
            stack = error_of(made.pmap.map, VA + MIB - PAGE, frame, 0, 2 * PAGE, RW | LARGE)
            assert stack == ("LIB_ERR_PMAP_DO_MAP", "LIB_ERR_VNODE_MAP", "SYS_ERR_VM_MAP_SIZE")
            assert made.physical(VA + MIB - PAGE) is None


def test_table_mapping_slot_leak():
    for made, lost in zip(both(TABLE_MAPPING_SLOT_LEAK), (0, 1), strict=True):
        frame = made.frame(MIB, MIB)
        made.pmap.map(VA + MIB, frame, 0, MIB, RW | LARGE)
        before = len(made.world.slots.used)
        made.pmap.map(VA, frame, 0, PAGE, RW)
        made.pmap.unmap(VA, PAGE)
        slab = tree_snapshot(made.pmap.tree).children
        made.pmap.map(VA, frame, 0, MIB, RW | LARGE)
        made.pmap.unmap(VA, MIB)
        assert len(slab) in (2, 3)
        assert len(made.world.slots.used) == before + lost


def test_map_not_undone():
    right, wrong = both(MAP_NOT_UNDONE)
    for made in (right, wrong):
        frame = made.frame(16 * PAGE)
        made.pmap.map(VA + MIB, frame, 0, PAGE, RW)
        stack = error_of(made.pmap.map, VA + MIB - PAGE, frame, 0, 2 * PAGE, RW)
        assert stack == ("LIB_ERR_PMAP_DO_MAP", "LIB_ERR_PMAP_EXISTING_MAPPING")
    assert right.physical(VA + MIB - PAGE) is None
    assert wrong.physical(VA + MIB - PAGE) is not None


def test_raw_wrong_window():
    for made, told in zip(both(RAW_WRONG_WINDOW), (0x6010_0000, 0x6000_0000), strict=True):
        made.pmap.map(0x6000_0000, made.frame(PAGE), 0, PAGE, RW)
        assert made.pmap.determine_addr_raw(MIB) == told
