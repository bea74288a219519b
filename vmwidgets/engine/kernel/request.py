"""A request for a range: filled in and checked first; only then is the map changed.

Checks are X15's `vm_map_request_assert_valid`, in its order; debug builds stop on the first that fails.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..base import protection as flag
from ..base.units import PAGE

if TYPE_CHECKING:
    from .entry import Entry
    from .vm_object import VmObject

_UNALIGNED = PAGE - 1


@dataclass(slots=True)
class Request:
    """What a caller asks a map for; `start` and `next` are filled in by the search.

    Bytes throughout; `start` goes in as hint (0: none) or, with FIXED in `flags`, as the exact address; `next` is the
    entry before which the range goes (none: at the end).
    """

    object: VmObject | None
    offset: int
    start: int
    size: int
    align: int
    flags: int
    next: Entry | None = None


_Check = tuple[str, Callable[[Request, int], object], str]

CHECKS: tuple[_Check, ...] = (
    ("offset_without_object", lambda r, _: r.offset and r.object is None, "offset {r.offset:#x} without an object"),
    ("offset_unaligned", lambda r, _: r.offset & _UNALIGNED, "offset {r.offset:#x} is not page aligned"),
    ("start_unaligned", lambda r, _: r.start & _UNALIGNED, "start {r.start:#x} is not page aligned"),
    ("size_zero", lambda r, _: r.size == 0, "size is 0"),
    ("size_unaligned", lambda r, _: r.size & _UNALIGNED, "size {r.size:#x} is not a whole number of pages"),
    (
        "wrap",
        lambda r, mask: (r.start + r.size) & mask <= r.start,
        "start {r.start:#x} and size {r.size:#x} pass the end of the word",
    ),
    ("align_below_page", lambda r, _: 0 < r.align < PAGE, "align {r.align:#x} is less than a page"),
    ("align_not_pow2", lambda r, _: r.align & (r.align - 1), "align {r.align:#x} is not a power of two"),
    (
        "prot_exceeds_maxprot",
        lambda r, _: flag.protection_of(r.flags) & ~flag.max_protection_of(r.flags),
        "the protection goes beyond the maximum protection",
    ),
    (
        "fixed_unaligned",
        lambda r, _: r.flags & flag.FIXED and r.align and r.start & (r.align - 1),
        "the fixed start {r.start:#x} is not a multiple of align {r.align:#x}",
    ),
)
"""Name, test (true: it fails) and sentence of each check; tests get the request and the word's largest number."""


def first_violation(request: Request, mask: int) -> tuple[str, str] | None:
    """Name and sentence of the first check that `request` fails, or none.

    `mask` is the word's largest number: sums wrap there.

    >>> first_violation(Request(None, 0, 0, 0, 0, 0x277), 2**64 - 1)
    ('size_zero', 'size is 0')
    """
    for name, fails, sentence in CHECKS:
        if fails(request, mask):
            return name, sentence.format(r=request)
    return None
