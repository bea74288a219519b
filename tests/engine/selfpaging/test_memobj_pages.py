"""Which pages a memory object maps, of which size and with which flags: those its region shows, and no others."""

from __future__ import annotations

import pytest

from tests.engine.selfpaging.pmaps import MIB, PAGE, RW, Made, error_of
from vmwidgets.engine.base.errors import Refused
from vmwidgets.engine.selfpaging.domain_schema import Vregion
from vmwidgets.engine.selfpaging.flags import LARGE, READ
from vmwidgets.engine.selfpaging.memobj import Anonymous, Pinned

LARGE_PAGE = {"armv7": MIB, "x86-64": 2 * MIB}
VA = {"armv7": 0x5000_0000, "x86-64": 1 << 40}
BOTH = pytest.mark.parametrize("architecture", ["armv7", "x86-64"])


def pinned(architecture, pages, at=0, flags=RW | LARGE, kind=Pinned):
    """A pmap, a pinned object of so many pages that a region shows `at` bytes behind the border of a large page."""
    made = Made(architecture)
    memobj = kind(made.pmap, "memory", pages * PAGE)
    memobj.map_region(Vregion(7, VA[architecture] + at, pages * PAGE, flags))
    return made, memobj, VA[architecture] + at


def shown(made, va, pages):
    """The physical pages at `va`, with one before and one behind."""
    return [made.physical(va + at * PAGE) for at in range(-1, pages + 1)]


@BOTH
@pytest.mark.parametrize(
    ("at", "frame_offset", "extra"),
    [(0, 0, 1), (0, 0, 0), (0, PAGE, 1), (-PAGE, 0, 5), (-PAGE, -PAGE, 5), (-3 * PAGE, -3 * PAGE, 0), (PAGE, PAGE, 7)],
)
def test_exactly_the_frames_bytes_are_shown(architecture, at, frame_offset, extra):
    """Whether large pages fit or not: offsets into frame and addresses may be in step, and not."""
    large = LARGE_PAGE[architecture]
    pages = large // PAGE + extra
    made, memobj, va = pinned(architecture, pages, at)
    frame = made.frame(4 * large, large)
    start = large + frame_offset
    memobj.fill(0, frame, start, pages * PAGE)
    assert shown(made, va, pages) == [None, *(made.base(frame) + start + at * PAGE for at in range(pages)), None]
    made.check()
    memobj.protect(0, PAGE if at % large else pages * PAGE, READ)
    made.check()
    memobj.unfill(0)
    assert shown(made, va, pages) == [None] * (pages + 2)
    memobj.unmap_region()
    assert not [leaf for leaf in made.pmap.tree.root.leaves() if leaf.va >= VA[architecture] - MIB]
    made.check()


@BOTH
def test_whole_large_pages_inside_are_large(architecture):
    large = LARGE_PAGE[architecture]
    made, memobj, va = pinned(architecture, 2 * large // PAGE + 3, -2 * PAGE)
    memobj.fill(0, made.frame(4 * large, large), large - 2 * PAGE, 2 * large + 3 * PAGE)
    sizes = [made.pmap.lookup(va + at).size for at in (0, 2 * PAGE, 2 * large + 2 * PAGE)]
    assert sizes == [2 * PAGE, 2 * large, PAGE]
    assert error_of(memobj.protect, 2 * PAGE, PAGE, READ)[0] == "LIB_ERR_MEMOBJ_PROTECT", "a part of a large page"
    memobj.protect(2 * PAGE, 2 * large, READ)
    memobj.protect(0, memobj.size, RW)


@BOTH
def test_a_region_of_part_of_a_filled_frame(architecture):
    large = LARGE_PAGE[architecture]
    made = Made(architecture)
    frame, memobj = made.frame(4 * large, large), Pinned(made.pmap, "part", 4 * large)
    memobj.fill(0, frame, 0, 4 * large)
    va, pages = VA[architecture], large // PAGE + 1
    memobj.map_region(Vregion(7, va, pages * PAGE, RW | LARGE, offset=large))
    assert shown(made, va, pages) == [None, *(made.base(frame) + large + at * PAGE for at in range(pages)), None]
    memobj.unmap_region()
    assert shown(made, va, pages) == [None] * (pages + 2)


# ---- flags ---------------------------------------------------------------------------------------


def low(made, va, pages):
    """The flags in ARM's descriptors."""
    return [made.word(va + at * PAGE) & 0xFFF for at in range(pages)]


def test_what_is_mapped_later_has_the_flags_too():
    made, memobj, va = pinned("armv7", 8, flags=RW, kind=Anonymous)
    frame = made.frame(8 * PAGE)
    memobj.fill(0, frame, 0, 8 * PAGE)
    memobj.protect(2 * PAGE, 3 * PAGE, READ)
    memobj.pagefault(0)
    assert low(made, va, 8) == [0x3E, 0x3E, 0x2E, 0x2E, 0x2E, 0x3E, 0x3E, 0x3E]
    memobj.protect(4 * PAGE, PAGE, RW)
    memobj.protect(PAGE, PAGE, READ)
    memobj.unfill(0)
    memobj.fill(0, frame, 0, 8 * PAGE)
    memobj.pagefault(0)
    assert low(made, va, 8) == [0x3E, 0x2E, 0x2E, 0x2E, 0x3E, 0x3E, 0x3E, 0x3E]
    memobj.unmap_region()
    memobj.map_region(Vregion(8, va, 8 * PAGE, RW))
    memobj.pagefault(0)
    assert low(made, va, 8) == [0x3E] * 8, "another region has flags of its own"
    made.check()


def test_protect_is_all_or_nothing():
    """The third frame's capability is one for reading only."""
    made, memobj, va = pinned("armv7", 4, flags=READ)
    frame, weak = made.frame(2 * PAGE), made.world.slots.allocate()
    made.world.kernel.mint(weak, made.frame(PAGE), "rg")
    memobj.fill(0, frame, 0, 2 * PAGE)
    memobj.fill(2 * PAGE, weak, 0, PAGE)
    memobj.protect(PAGE, PAGE, RW)
    before = low(made, va, 3)
    assert before == [0x2E, 0x3E, 0x2E]
    assert error_of(memobj.protect, 0, 4 * PAGE, RW)[-1] == "SYS_ERR_VM_MAP_RIGHTS"
    assert low(made, va, 3) == before
    memobj.fill(3 * PAGE, frame, 0, PAGE)
    assert low(made, va, 4) == [*before, 0x2E], "nor is it mapped so later"
    with pytest.raises(Refused, match="not flags"):
        memobj.protect(0, PAGE, 0x400)


def test_what_comes_back_after_a_failure_has_its_flags():
    made, memobj, va = pinned("armv7", 4, flags=RW)
    frame = made.frame(4 * PAGE)
    memobj.fill(0, frame, 0, 2 * PAGE)
    memobj.fill(2 * PAGE, frame, 2 * PAGE, PAGE)
    memobj.protect(PAGE, PAGE, READ)
    made.pmap.unmap(va + 2 * PAGE, PAGE)
    assert error_of(memobj.unmap_region)[0] == "LIB_ERR_MEMOBJ_UNMAP_REGION"
    assert low(made, va, 2) == [0x3E, 0x2E]
