from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmwidgets.engine.base.units import KIB, PAGE
from vmwidgets.engine.memory.slabs import slab_layout


@pytest.mark.parametrize(
    ("bits", "entry", "buffer", "buffers", "leftover", "colours"),
    [(64, 80, 80, 50, 56, 8), (32, 44, 48, 84, 44, 6)],
    ids=["64-bit", "32-bit"],
)
def test_kernel_map_entries_are_cut_as_the_original_cuts_them(bits, entry, buffer, buffers, leftover, colours):
    layout = slab_layout(entry, bits=bits, off_slab=False)
    assert (layout.buffer_size, layout.slab_size, layout.buffers, layout.leftover) == (buffer, PAGE, buffers, leftover)
    seen = [0]
    while (following := layout.next_colour(seen[-1])) != 0:
        seen.append(following)
    assert seen == [8 * colour for colour in range(colours)]


@pytest.mark.parametrize(
    ("size", "slab_pages", "buffers", "inside"),
    [
        (512, 1, 8, False),  # eight fit and waste nothing, so there is no room for a descriptor
        (504, 1, 8, True),  # still small: 40 + 8 * 504 = 4072
        (3000, 3, 4, True),  # waste of 1, 2, … pages: 1096, 2192, 288, 1384, 2480, 576; 6 pages hold 8
        (1 * KIB, 2, 8, False),  # waste 0 each time: the later slab is kept, and 8 buffers end the search
        (128 * KIB, 32, 1, False),
    ],
)
def test_the_slab_that_wastes_least_is_kept(size, slab_pages, buffers, inside):
    layout = slab_layout(size)
    assert (layout.slab_size // PAGE, layout.buffers, layout.descriptor_inside) == (slab_pages, buffers, inside)


@given(st.integers(1, 200 * KIB), st.sampled_from([1, 8, 16, 64, 4096]), st.sampled_from([32, 64]), st.booleans())
def test_buffers_colours_and_descriptor_fit_into_the_slab(size, align, bits, off_slab):
    layout = slab_layout(size, align, bits=bits, off_slab=off_slab)
    descriptor = {64: 40, 32: 20}[bits] if layout.descriptor_inside else 0
    assert layout.buffer_size >= size
    assert layout.buffer_size % max(align, 8) == 0
    assert layout.buffers >= 1
    assert layout.buffers * layout.buffer_size + layout.leftover + descriptor == layout.slab_size
    assert layout.slab_size % PAGE == 0
    assert layout.descriptor_inside or (off_slab and layout.buffer_size >= 512)
