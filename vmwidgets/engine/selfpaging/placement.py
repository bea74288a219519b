"""Where something new can go: behind a region of the vspace, or under free entries of the root."""

from __future__ import annotations

from ..base.units import PAGE, Size
from .core import PmapCore, acting
from .errors import LibError
from .layouts import RawWindow
from .pieces import round_up
from .quirks import RAW_WRONG_WINDOW
from .vnode import find_vnode


@acting
def determine_addr(core: PmapCore, size: int, alignment: int) -> int:
    """The lowest address behind a region where `size` bytes fit, before the next; else behind the last.

    `alignment` in bytes, 0 for a page's.  Gaps below the region of the slab frames are passed over.
    LIB_ERR_OUT_OF_VIRTUAL_ADDR if the user's addresses end too soon.  O(regions).
    """
    alignment = round_up(alignment, PAGE) if alignment else PAGE
    size = round_multiple(size, alignment)
    regions = list(core.vspace)
    answer = round_multiple(core.layout.vspace_begin, alignment)
    for at, region in enumerate(regions):
        behind = region.base + round_up(region.size, PAGE)
        answer = round_multiple(behind, alignment)
        if at + 1 == len(regions):
            break
        if regions[at + 1].base >= answer + size and behind > core.layout.vspace_begin:
            return answer
    if answer + size > core.layout.user_end:
        raise LibError("LIB_ERR_OUT_OF_VIRTUAL_ADDR", f"no {Size(size)} are free behind the last region")
    return answer


@acting
def determine_addr_raw(core: PmapCore, size: int, alignment: int) -> int:
    """The address of free entries of the root that `size` bytes fit under, whatever the vspace says.

    `alignment` as for :func:`determine_addr`.  LIB_ERR_OUT_OF_VIRTUAL_ADDR if no such run is in the window.
    """
    alignment = round_up(alignment, PAGE) if alignment else PAGE
    layout = core.layout
    needed = -(-round_multiple(size, alignment) // layout.root.unit)
    wrong = RAW_WRONG_WINDOW in core.quirks
    window = layout.raw_quirk if wrong else layout.raw
    free = 0
    for entry in range(window.first, window.end):
        if find_vnode(core.root, entry) is not None:
            free = 0
            continue
        if not free and not wrong and _address(window, entry) % alignment:
            continue
        free += 1
        if free >= needed:
            return _address(window, entry + 1 - free)
    raise LibError("LIB_ERR_OUT_OF_VIRTUAL_ADDR", f"no {Size(size)} of the root's entries are free in a row")


def round_multiple(value: int, unit: int) -> int:
    """The next multiple of `unit`, which need not be a power of two."""
    return -(-value // unit) * unit


def _address(window: RawWindow, entry: int) -> int:
    return entry * window.answer
