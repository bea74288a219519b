"""The table of the regions of a domain's address space, in the order of addresses."""

from __future__ import annotations

from collections.abc import Iterator

from vmwidgets.engine.base.units import Address, binary_size
from vmwidgets.engine.selfpaging.domain_schema import Vregion
from vmwidgets.views.scene.text import visible
from vmwidgets.views.story.words.names import flag_words

from .picture import DomainAt

MAX_ROWS = 400
"""The most regions in the table."""


def is_of_the_slab(seen: DomainAt, region: Vregion) -> bool:
    """Return whether a region is the one in which the slab's frames are mapped."""
    return region.base == seen.value.meta_start and not region.memobj


REGIONS_HEADER = ("from", "to", "size", "what", "flags", "offset")


def regions_rows(seen: DomainAt) -> Iterator[tuple[str, ...]]:
    """Yield every region."""
    shown = seen.value.regions[:MAX_ROWS]
    for region in shown:
        used = f"slab frames, {binary_size(seen.value.meta_used)} used"
        what = used if is_of_the_slab(seen, region) else visible(region.memobj)
        yield (
            str(Address(region.base)),
            str(Address(region.end)),
            binary_size(region.size),
            what,
            flag_words(region.flags),
            f"{region.offset:#x}",
        )
    left_out = seen.value.region_count - len(shown)
    if left_out > 0:
        yield f"… {left_out:,} more", *[""] * (len(REGIONS_HEADER) - 1)
