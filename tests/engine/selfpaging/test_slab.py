from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmwidgets.engine.base.errors import Broken, Refused
from vmwidgets.engine.base.recorder import Recorder
from vmwidgets.engine.base.units import PAGE
from vmwidgets.engine.selfpaging.errors import LibError
from vmwidgets.engine.selfpaging.layouts import DOMAIN_LAYOUTS, pieces
from vmwidgets.engine.selfpaging.pmap import SlabAllocator


def slab():
    return SlabAllocator(Recorder(), "test", 64, 16)


def test_the_recorded_sizes():
    """The pmap's own buffer, a page, four pages: as the facts give them."""
    assert [slab().grow(0, size) for size in (512, 4096, 16384)] == [7, 63, 255]
    assert slab().bytes_for(255) == 16336


def test_an_empty_slab_says_so_and_a_small_piece_is_refused():
    one = slab()
    with pytest.raises(LibError) as caught:
        one.allocate()
    assert caught.value.stack == ("LIB_ERR_SLAB_ALLOC_FAIL",)
    with pytest.raises(Refused):
        one.grow(0, 79)
    assert one.grow(0, 80) == 1


def test_newest_head_first():
    one = slab()
    one.grow(0, 512)
    one.allocate()
    one.grow(0x4000_0000, 4096)
    assert [(head.address, head.blocks, head.free) for head in one.snapshot().heads] == [
        (0x4000_0000, 63, 63),
        (0, 7, 6),
    ]


def test_a_block_is_given_back_once():
    one = slab()
    one.grow(0, 512)
    block = one.allocate()
    one.free(block)
    for wrong in (block, 99):
        with pytest.raises(Broken):
            one.free(wrong)


def test_check_finds_what_is_broken():
    def made():
        one = slab()
        one.grow(0, 512)
        one.allocate()
        one.check()
        return one

    for number, spoil in enumerate(
        (
            lambda one: setattr(one, "free_blocks", one.free_blocks + 1),
            lambda one: one._heads[0].freed.append(1),
            lambda one: one._with_free.clear(),
        ),
        1,
    ):
        one = made()
        spoil(one)
        if number == 2:
            one.free_blocks += 1
        with pytest.raises(Broken, match=f"invariant {number}"):
            one.check()


@given(st.lists(st.sampled_from(["allocate", "free first", "free last", "grow"]), max_size=200))
def test_no_block_is_ever_in_two_hands(actions):
    one, held = slab(), []
    one.grow(0, 512)
    for action in actions:
        if action == "grow":
            one.grow(0x1000, 4096)
        elif action == "allocate" and one.free_blocks:
            block = one.allocate()
            assert block not in held
            held.append(block)
        elif held and action != "allocate":
            one.free(held.pop(0 if action == "free first" else -1))
        one.check()
        assert one.free_blocks + len(held) == one.total
        assert sum(head.free for head in one.snapshot().heads) == one.free_blocks


@pytest.mark.parametrize("layout", DOMAIN_LAYOUTS.values(), ids=DOMAIN_LAYOUTS)
def test_the_estimate_for_a_slab_frame_is_never_short(layout):
    """Wherever in its region it lies: a leaf in each table that it touches, and all the tables below the root."""
    pages, begin = layout.pages, layout.vspace_begin
    for size in (PAGE << order for order in range(11)):
        for va in range(begin, begin + layout.meta_data_bytes - size + 1, PAGE):
            taken = len([*pieces(pages, va, size)]) + layout.tables_at_most(pages, va, size)
            assert taken <= layout.max_slabs_required(size), hex(va)
