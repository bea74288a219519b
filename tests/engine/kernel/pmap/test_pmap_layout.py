from __future__ import annotations

import pytest

from vmwidgets.engine.kernel.pmap.table_space import PmapLayout
from vmwidgets.engine.mmu.formats.x86 import PD, PDPT, PML4, PT, X86_64

WIDE = PmapLayout(X86_64, 0xFFFF_8080_0000_0000, 0xFFFF_FFFF_8000_0000, 0x8000_0000_0000, 0xFFFF_8000_0000_0000)
NARROW = PmapLayout(X86_64, 0xC040_0000, 0xFC00_0000, 0xC000_0000)
TINY = PmapLayout(X86_64, 0x2_0000, 0x6_0000, 0x1_0000)
KERNEL_ONLY = PmapLayout(X86_64, 0x1000, 0x6_0000, 0)


@pytest.mark.parametrize(
    ("layout", "va", "sides"),
    [
        (WIDE, 0x1000, ["user"] * 4),
        (WIDE, 0x7FFF_FFFF_F000, ["user"] * 4),
        (WIDE, 0xFFFF_8000_0000_0000, ["window", "none", "none", "none"]),
        (WIDE, 0xFFFF_8080_0000_0000, ["kernel"] * 4),
        (WIDE, 0xFFFF_FFFF_FFFF_F000, ["kernel"] * 4),
        (NARROW, 0xBFFF_F000, ["mixed", "user", "user", "user"]),
        (NARROW, 0xC000_0000, ["mixed", "kernel", "none", "none"]),
        (NARROW, 0xC040_0000, ["mixed", "kernel", "kernel", "kernel"]),
        (TINY, 0xF000, ["mixed", "mixed", "mixed", "user"]),
        (TINY, 0x1_0000, ["mixed", "mixed", "mixed", "none"]),
        (TINY, 0x2_0000, ["mixed", "mixed", "mixed", "kernel"]),
        (TINY, 0x20_0000, ["mixed", "mixed", "kernel", "kernel"]),
        (KERNEL_ONLY, 0x1000, ["kernel"] * 4),
        (KERNEL_ONLY, 0, ["kernel", "kernel", "kernel", "none"]),
    ],
)
def test_slots_belong_to_whom_their_addresses_do(layout, va, sides):
    assert [layout.side(level, va) for level in (PML4, PDPT, PD, PT)] == sides


@pytest.mark.parametrize(
    ("layout", "va", "published"),
    [
        (WIDE, 0xFFFF_8080_0000_0000, [True, False, False, False]),
        (WIDE, 0x1000, [False] * 4),
        (WIDE, 0xFFFF_8000_0000_0000, [False] * 4),
        (NARROW, 0xC040_0000, [False, True, False, False]),
        (TINY, 0x2_0000, [False, False, False, True]),
        (TINY, 0x20_0000, [False, False, True, False]),
    ],
)
def test_the_highest_slot_that_is_the_kernels_alone_is_published(layout, va, published):
    assert [layout.is_published(level, va) for level in (PML4, PDPT, PD, PT)] == published
