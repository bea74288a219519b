from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.selfpaging.pmaps import MIB, PAGE, RW, Made, error_of
from vmwidgets.engine.selfpaging.domain_schema import Vregion
from vmwidgets.engine.selfpaging.errors import LibError
from vmwidgets.engine.selfpaging.flags import LARGE, NOCACHE, READ
from vmwidgets.engine.selfpaging.memobj import Anonymous, deserialise, serialise

VA = 0x5000_0000
REFUSED = ("LIB_ERR_PMAP_DESERIALISE",)


def parent(**options):
    made = Made(**options)
    frame = made.frame(8 * MIB, MIB)
    made.pmap.vspace.add(Vregion(5, VA, 8 * MIB, RW))
    made.pmap.map(VA, frame, 0, 2 * MIB, READ | LARGE)
    made.pmap.map(VA + 3 * MIB - PAGE, frame, 3 * PAGE, 300 * PAGE, RW)
    made.pmap.modify_flags(VA + 3 * MIB, 7 * PAGE, READ | NOCACHE)
    return made


def child(**options):
    made = Made(**options)
    made.frame(8 * MIB, MIB)
    return made


def words(made):
    return [made.word(VA + at * PAGE) for at in range(5 * 256)]


@pytest.mark.parametrize("current", [True, False])
def test_a_round_trip_ends_with_the_same_translations(current):
    one, other = parent(), child(current=current)
    deserialise(other.pmap, serialise(one.pmap))
    other.check()
    assert words(other) == words(one)
    assert any(words(one))
    assert [(region.base, region.size, region.flags) for region in other.pmap.vspace][-1] == (VA, 8 * MIB, RW)
    assert serialise(other.pmap) == serialise(one.pmap)


def test_slab_frames_and_their_region_stay_at_home():
    one = parent()
    content = json.loads(serialise(one.pmap))
    assert one.pmap.meta_used > 0
    assert [leaf[0] for leaf in content["leaves"]] == [VA, VA + 3 * MIB - PAGE, VA + 3 * MIB, VA + 4 * MIB]
    assert content["regions"] == [[VA, 8 * MIB, RW]]


def test_without_bytes_nothing_is_done():
    made = child()
    before = made.mappings()
    deserialise(made.pmap)
    deserialise(made.pmap, b"")
    assert made.mappings() == before


def test_bytes_that_are_no_pmaps_are_refused():
    good = json.loads(serialise(parent().pmap))
    spoiled = [
        {**good, "layout": "x86-64"},
        {**good, "version": 2},
        {**good, "regions": [[1, 2]]},
        {**good, "leaves": [[1]]},
    ]
    leaf = good["leaves"][0]
    spoiled += [
        {**good, "leaves": [[*leaf[:at], value, *leaf[at + 1 :]]]} for at, value in ((2, []), (0, "a"), (6, [1]))
    ]
    for data in (b"x", b"[]", b"\xff", b"null", *(json.dumps(one).encode() for one in spoiled)):
        made = child()
        before = made.mappings()
        assert error_of(deserialise, made.pmap, data) == REFUSED
        assert made.mappings() == before
        assert len(list(made.pmap.vspace)) == 1


def test_a_pmap_that_maps_something_takes_nothing_in():
    one, other = parent(), child()
    other.pmap.map(VA + 64 * MIB, other.frame(PAGE), 0, PAGE, RW)
    assert error_of(deserialise, other.pmap, serialise(one.pmap)) == REFUSED


META = 0x4000_0000
LEAF, RUN, REGION = [VA, 16 * PAGE, "frames", 0, 0, 3, []], [VA, PAGE, 1], [VA, 16 * PAGE, 3]
"""Rows that are taken in."""
HUGE = 1 << 80


def changed(row, **fields):
    """A row with other fields, by their numbers."""
    return [fields.get(f"at{number}", value) for number, value in enumerate(row)]


@pytest.mark.parametrize(
    "leaves",
    [
        [changed(LEAF, at0=META)],
        [changed(LEAF, at0=META - PAGE)],
        [changed(LEAF, at0=META + 1023 * PAGE)],
        [changed(LEAF, at0=VA + 1)],
        [changed(LEAF, at0=-PAGE)],
        [changed(LEAF, at0=HUGE)],
        [changed(LEAF, at0=0x8000_0000 - 15 * PAGE)],
        [changed(LEAF, at1=100)],
        [changed(LEAF, at1=0)],
        [changed(LEAF, at1=-PAGE)],
        [changed(LEAF, at1=HUGE)],
        [changed(LEAF, at4=50)],
        [changed(LEAF, at4=-PAGE)],
        [changed(LEAF, at4=8 * MIB - 15 * PAGE)],
        [changed(LEAF, at5=-1)],
        [changed(LEAF, at5=0x400)],
        [changed(LEAF, at5=1 << 40)],
        [changed(LEAF, at5=3 | LARGE)],
        [changed(LEAF, at1=2 * MIB, at4=PAGE, at5=3 | LARGE)],
        [changed(LEAF, at3=7)],
        [changed(LEAF, at3=-1)],
        [changed(LEAF, at2="rootcn")],
        [changed(LEAF, at2="pagecn")],
        [LEAF, LEAF],
        [LEAF, changed(LEAF, at0=VA + 15 * PAGE)],
        [LEAF, changed(LEAF, at0=VA + 32 * PAGE, at3=7)],
        *([changed(LEAF, at6=[changed(RUN, at0=at)])] for at in (VA - PAGE, VA + 16 * PAGE, VA + 1, META, HUGE)),
        *([changed(LEAF, at6=[changed(RUN, at1=size)])] for size in (17 * PAGE, 0, -PAGE, 5, HUGE)),
        *([changed(LEAF, at6=[changed(RUN, at2=flags)])] for flags in (-1, 0x400, HUGE)),
    ],
)
def test_leaves_that_make_no_sense_change_nothing(leaves):
    refuses(regions=[REGION], leaves=leaves)


@pytest.mark.parametrize(
    "regions",
    [
        [changed(REGION, at0=META)],
        [changed(REGION, at0=META - PAGE)],
        [changed(REGION, at0=VA + 1)],
        [changed(REGION, at0=-PAGE)],
        [changed(REGION, at0=HUGE)],
        [changed(REGION, at1=0)],
        [changed(REGION, at1=100)],
        [changed(REGION, at1=HUGE)],
        [changed(REGION, at1=0x3000_0000 + PAGE)],
        [changed(REGION, at2=-1)],
        [changed(REGION, at2=0x400)],
        [REGION, REGION],
        [REGION, changed(REGION, at0=VA + 15 * PAGE)],
    ],
)
def test_regions_that_make_no_sense_change_nothing(regions):
    refuses(regions=regions, leaves=[LEAF])


def refuses(regions, leaves):
    made = child()
    before = made.mappings(), list(made.pmap.vspace)
    content = {"version": 1, "layout": "armv7", "regions": regions, "leaves": leaves}
    assert error_of(deserialise, made.pmap, json.dumps(content).encode())[0] == "LIB_ERR_PMAP_DESERIALISE"
    assert (made.mappings(), list(made.pmap.vspace)) == before
    made.check()


def test_the_rows_that_the_others_are_made_of_make_sense():
    made = child()
    content = {"version": 1, "layout": "armv7", "regions": [REGION], "leaves": [changed(LEAF, at6=[RUN])]}
    deserialise(made.pmap, json.dumps(content).encode())
    assert [made.word(VA + at * PAGE) & 0xFFF for at in (0, 1)] == [0x2E, 0x3E]


def test_leaves_in_a_memory_objects_region_are_refused():
    made = child()
    memobj = Anonymous(made.pmap, "heap", 4 * PAGE)
    region = Vregion(9, VA + 15 * PAGE, 4 * PAGE, RW, memobj.name)
    made.pmap.vspace.add(region)
    content = {"version": 1, "layout": "armv7", "regions": [], "leaves": [LEAF]}
    with pytest.raises(LibError, match="memory object 'heap' is shown there"):
        deserialise(made.pmap, json.dumps(content).encode())


def test_it_is_all_or_nothing():
    one, other = parent(), child()
    for field, value in ((3, 30), (0, 12), (5, 0x400), (2, "no such cnode"), (6, [[VA + 64 * MIB + 1, PAGE, 0x400]])):
        content = json.loads(serialise(one.pmap))
        content["leaves"][-1][field] = value
        assert error_of(deserialise, other.pmap, json.dumps(content).encode())[0] == "LIB_ERR_PMAP_DESERIALISE", field
    assert not any(other.physical(VA + at * PAGE) for at in range(0, 5 * 256, 64))
    assert len(list(other.pmap.vspace)) == 1
    other.check()


@given(st.binary(max_size=60), st.integers(0, 600))
def test_no_bytes_bring_it_down(junk, at):
    good = serialise(parent().pmap)
    made = child()
    data = good[: at % len(good)] + junk + good[at % len(good) + len(junk) :]
    with contextlib.suppress(LibError):
        deserialise(made.pmap, data)
    made.check()
