from __future__ import annotations

import pytest

from tests.engine.selfpaging.pmaps import MIB, PAGE, RW, Made, error_of
from vmwidgets.engine.base.errors import Refused
from vmwidgets.engine.selfpaging.domain_schema import Vregion
from vmwidgets.engine.selfpaging.flags import READ
from vmwidgets.engine.selfpaging.memobj import Anonymous, Fill, Fixed, OneFrame, OneFrameOneMap, Pinned

VA = 0x5000_0000


def region(size=8 * PAGE, offset=0, base=VA, flags=RW):
    return Vregion(7, base, size, flags, offset=offset)


def test_an_anonymous_object_maps_what_a_fault_asks_for():
    made = Made()
    memobj, frame = Anonymous(made.pmap, "heap", 8 * PAGE), made.frame(8 * PAGE)
    memobj.fill(2 * PAGE, frame, 4 * PAGE, 2 * PAGE)
    assert error_of(memobj.pagefault, 2 * PAGE) == ("LIB_ERR_VSPACE_VREGION_NOT_FOUND",)
    memobj.map_region(region())
    assert made.physical(VA + 2 * PAGE) is None
    memobj.pagefault(3 * PAGE + 5)
    memobj.pagefault(2 * PAGE)
    assert made.physical(VA + 3 * PAGE) == made.base(frame) + 5 * PAGE
    assert error_of(memobj.pagefault, PAGE) == ("LIB_ERR_MEMOBJ_UNDER_FILLED",)
    assert error_of(memobj.pagefault, 4 * PAGE) == ("LIB_ERR_MEMOBJ_UNDER_FILLED",)
    memobj.unmap_region()
    assert made.physical(VA + 2 * PAGE) is None
    made.check()


def test_a_region_that_shows_a_part_shows_that_part_only():
    made = Made()
    memobj, frame = Pinned(made.pmap, "part", 8 * PAGE), made.frame(8 * PAGE)
    memobj.fill(0, frame, 0, 8 * PAGE)
    memobj.map_region(region(3 * PAGE, offset=2 * PAGE))
    assert [made.physical(VA + at * PAGE) for at in (0, 2)] == [made.base(frame) + at * PAGE for at in (2, 4)]
    assert made.physical(VA + 3 * PAGE) is None
    memobj.protect(3 * PAGE, PAGE, READ)
    assert [made.word(VA + at * PAGE) & 0xFFF for at in range(3)] == [0x3E, 0x2E, 0x3E]
    memobj.unmap_region()
    made.check()


def test_one_region_at_a_time_and_inside_the_object():
    made = Made()
    memobj = Anonymous(made.pmap, "one", 8 * PAGE)
    assert error_of(memobj.map_region, region(9 * PAGE)) == ("LIB_ERR_MEMOBJ_WRONG_OFFSET",)
    assert error_of(memobj.map_region, region(8 * PAGE, offset=PAGE)) == ("LIB_ERR_MEMOBJ_WRONG_OFFSET",)
    memobj.map_region(region())
    assert error_of(memobj.map_region, region(base=VA + MIB)) == ("LIB_ERR_MEMOBJ_VREGION_ALREADY_MAPPED",)
    memobj.unmap_region()
    memobj.map_region(region(base=VA + MIB))


@pytest.mark.parametrize(
    ("offset", "frame_offset", "size", "name"),
    [
        (0, 0, 2 * PAGE, "DUPLICATE_FILL"),
        (2 * PAGE, 0, PAGE, "DUPLICATE_FILL"),
        (0, 0, 20 * PAGE, "WRONG_OFFSET"),
        (100, 0, PAGE, "WRONG_OFFSET"),
        (0, 100, PAGE, "WRONG_OFFSET"),
        (0, 0, 0, "WRONG_OFFSET"),
        (-PAGE, 0, PAGE, "WRONG_OFFSET"),
    ],
)
def test_fills_that_do_not_fit(offset, frame_offset, size, name):
    made = Made()
    memobj, frame = Anonymous(made.pmap, "one", 8 * PAGE), made.frame(8 * PAGE)
    memobj.fill(PAGE, frame, 0, 3 * PAGE)
    assert error_of(memobj.fill, offset, frame, frame_offset, size) == (f"LIB_ERR_MEMOBJ_{name}",)
    assert memobj.fills == [Fill(PAGE, 3 * PAGE, frame, 0)]


def test_unfill_unmaps_and_gives_the_frame_back():
    made = Made()
    memobj, frame = Pinned(made.pmap, "one", 8 * PAGE), made.frame(8 * PAGE)
    memobj.map_region(region())
    memobj.fill(PAGE, frame, 0, 2 * PAGE)
    assert made.physical(VA + PAGE) == made.base(frame)
    assert error_of(memobj.unfill, 2 * PAGE) == ("LIB_ERR_MEMOBJ_WRONG_OFFSET",)
    assert memobj.unfill(PAGE) == Fill(PAGE, 2 * PAGE, frame, 0)
    assert made.physical(VA + PAGE) is None
    memobj.fill(PAGE, frame, 0, PAGE)


def test_kinds_of_one_frame():
    made = Made()
    frame = made.frame(8 * PAGE)
    lazy, eager = OneFrame(made.pmap, "lazy", 8 * PAGE), OneFrameOneMap(made.pmap, "eager", 8 * PAGE)
    assert error_of(lazy.fill, 0, frame, 0, 4 * PAGE) == ("LIB_ERR_MEMOBJ_WRONG_OFFSET",)
    assert error_of(eager.map_region, region()) == ("LIB_ERR_MEMOBJ_UNDER_FILLED",)
    assert eager.region is None
    for memobj in (lazy, eager):
        memobj.fill(0, frame, 0, 8 * PAGE)
    lazy.map_region(region())
    eager.map_region(region(base=VA + MIB))
    assert made.physical(VA) is None
    assert made.physical(VA + MIB) == made.base(frame)


def test_fixed_pieces_stand_on_their_borders():
    made = Made()
    memobj, frame = Fixed(made.pmap, "ring", 8 * PAGE, 2 * PAGE), made.frame(8 * PAGE)
    for offset, size in ((PAGE, 2 * PAGE), (0, PAGE), (0, 4 * PAGE)):
        assert error_of(memobj.fill, offset, frame, 0, size) == ("LIB_ERR_MEMOBJ_WRONG_OFFSET",)
    memobj.fill(2 * PAGE, frame, 0, 2 * PAGE)
    with pytest.raises(Refused):
        Fixed(made.pmap, "odd", 8 * PAGE, 3 * PAGE)
    with pytest.raises(Refused):
        Pinned(made.pmap, "odd", 100)


def test_a_region_that_can_not_be_mapped_leaves_nothing():
    made = Made()
    memobj, frame = Pinned(made.pmap, "one", 8 * PAGE), made.frame(8 * PAGE)
    memobj.fill(0, frame, 0, PAGE)
    memobj.fill(4 * PAGE, frame, 0, PAGE)
    made.pmap.map(VA + 4 * PAGE, frame, 0, PAGE, RW)
    stack = error_of(memobj.map_region, region())
    assert (stack[0], stack[-1]) == ("LIB_ERR_MEMOBJ_MAP_REGION", "LIB_ERR_PMAP_EXISTING_MAPPING")
    assert made.physical(VA) is None and memobj.region is None
    made.pmap.unmap(VA + 4 * PAGE, PAGE)
    memobj.map_region(region())
    made.pmap.map(VA + 5 * PAGE, frame, 0, PAGE, RW)
    assert error_of(memobj.fill, 5 * PAGE, frame, 0, PAGE)[0] == "LIB_ERR_MEMOBJ_MAP_REGION"
    assert len(memobj.fills) == 2
    made.check()


def test_letting_go_is_all_or_nothing():
    made = Made()
    memobj, frame = Pinned(made.pmap, "one", 8 * PAGE), made.frame(8 * PAGE)
    memobj.fill(0, frame, 0, PAGE)
    memobj.fill(4 * PAGE, frame, 0, PAGE)
    memobj.map_region(region())
    made.pmap.unmap(VA + 4 * PAGE, PAGE)
    assert error_of(memobj.unmap_region)[0] == "LIB_ERR_MEMOBJ_UNMAP_REGION"
    assert made.physical(VA) == made.base(frame)
    assert memobj.region is not None


@pytest.mark.parametrize(
    ("offset", "size"),
    [(-PAGE, PAGE), (0, 0), (0, -PAGE), (1, PAGE), (0, PAGE + 1), (7 * PAGE, 2 * PAGE), (8 * PAGE, PAGE)],
)
def test_only_whole_pages_of_an_object_are_protected(offset, size):
    made = Made()
    memobj, frame = Pinned(made.pmap, "part", 8 * PAGE), made.frame(8 * PAGE)
    memobj.fill(0, frame, 0, 8 * PAGE)
    memobj.map_region(region())
    before = [made.word(VA + at * PAGE) for at in range(8)]
    assert error_of(memobj.protect, offset, size, READ) == ("LIB_ERR_MEMOBJ_WRONG_OFFSET",)
    assert [made.word(VA + at * PAGE) for at in range(8)] == before
    made.check()


def test_the_last_page_of_an_object_is_protected_too():
    made = Made()
    memobj, frame = Pinned(made.pmap, "part", 8 * PAGE), made.frame(8 * PAGE)
    memobj.fill(0, frame, 0, 8 * PAGE)
    memobj.map_region(region())
    memobj.protect(7 * PAGE, PAGE, READ)
    assert [made.word(VA + at * PAGE) & 0xFFF for at in (6, 7)] == [0x3E, 0x2E]
