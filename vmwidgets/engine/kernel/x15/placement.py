"""Where a request goes: X15's fixed search, and its free search with hint, find cache and threshold.

A search decides and changes only what the original changes while searching: the find cache and the lookup cache.
Sources: X15 `vm_map_find_fixed` and `vm_map_find_avail`, as told in the facts of 2013.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...base import protection as flag
from ...base.errors import KernelPanic
from ...base.events import FindCacheMoved, GapTried, HintTried, SearchRestarted
from ...base.units import PAGE, Address, Size

if TYPE_CHECKING:
    from ..map.core import Entry
    from ..map.fits import Fit
    from ..map.vm_object import VmObject
    from .vm_map import X15Map


# ---- request -----------------------------------------------------------------------------------
#
# A request for a range: filled in and checked first; only then is the map changed.
#
# Checks are X15's `vm_map_request_assert_valid`, in its order; debug builds stop on the first that fails.


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


# ---- placement ---------------------------------------------------------------------------------


class FindCache:
    """Where the next free search begins.

    `address` is where the last one ended; requests of more than `threshold` bytes may begin there, because no gap
    below it is larger.  `none` (all ones) as threshold means that nothing is known.
    """

    __slots__ = ("address", "none", "threshold")

    def __init__(self, mask: int) -> None:
        self.address = 0
        self.none = mask
        self.threshold = mask

    def move(self, vm_map: X15Map, address: int, threshold: int) -> None:
        """Set both, and report it if either changes."""
        if address == self.address and threshold == self.threshold:
            return
        emit = vm_map.recorder.emit
        if emit is not None:
            emit((FindCacheMoved.tag, vm_map.name, self.address, address, self.threshold, threshold))
        self.address, self.threshold = address, threshold

    def forget(self, vm_map: X15Map) -> None:
        """After a failure or a removal the next search begins at the bottom."""
        self.move(vm_map, 0, self.none)


def find_fixed(vm_map: X15Map, request: Request) -> str | None:
    """Whether [start, start + size) is free; the reason if not.  On success `request.next` is set.

    The find cache is neither read nor written.  Sums wrap only with quirk out-of-map, as words do.
    """
    start, size = request.start, request.size
    word = vm_map.mask if "out-of-map" in vm_map.quirks else -1
    end = (start + size) & word
    if start < vm_map.start or end > vm_map.end:
        return "it lies outside the map"
    following = vm_map.lookup_nearest(start)
    if following is None:
        if (vm_map.end - start) & word < size:
            return "it passes the end of the map"
    elif start >= following.start:
        return f"it begins inside [{Address(following.start)}, {Address(following.end)})"
    elif following.start - start < size:
        return f"it overlaps [{Address(following.start)}, {Address(following.end)})"
    request.next = following
    return None


def find_available(vm_map: X15Map, request: Request) -> str | None:
    """The lowest suitable gap from the find cache on; the reason if there is none.

    A hint (`request.start`, not 0) is tried first, and taken though it breaks the alignment, as in the original.
    On success `request.start` and `request.next` are set.  O(log n) plus the entries passed over.  A map that was given
    a rule of its own (:mod:`.fits`) goes by that once the hint was tried, and leaves the find cache alone.
    """
    if request.start != 0:
        refused = find_fixed(vm_map, request)
        _report_hint(vm_map, request, refused)
        if refused is None:
            return None
        request.start = 0
    if vm_map.fit is not None:
        return _by_fit(vm_map, request, vm_map.fit)
    cache = vm_map.find_cache
    if request.size > cache.threshold:
        base = cache.address
    else:
        base = vm_map.start
        cache.move(vm_map, cache.address, 0)
    if _scan(vm_map, request, base):
        return None
    if base != vm_map.start:
        emit = vm_map.recorder.emit
        if emit is not None:
            emit((SearchRestarted.tag, vm_map.name, vm_map.start))
        cache.move(vm_map, cache.address, 0)
        if _scan(vm_map, request, vm_map.start):
            return None
    return _nothing(request)


def _by_fit(vm_map: X15Map, request: Request, fit: Fit) -> str | None:
    gap = fit.find(vm_map, request.size, request.align)
    if gap is None:
        return _nothing(request)
    request.start, request.next = gap.position, gap.next
    return None


def _nothing(request: Request) -> str:
    return f"no gap of {Size(request.size)} is left"


def _scan(vm_map: X15Map, request: Request, base: int) -> bool:
    """Look at the gaps from `base` on, one after the other; the largest passed over raises the threshold."""
    cache, size, emit = vm_map.find_cache, request.size, vm_map.recorder.emit
    position, following = base, vm_map.lookup_nearest(base)
    while True:
        if vm_map.assertions and position > vm_map.end:
            raise KernelPanic("search_past_end", f"the free search reached {Address(position)}, past the map's end")
        below, position = position, _aligned(position, request.align) & vm_map.mask
        if _no_space(vm_map, position, below, size):
            return False
        above = vm_map.end if following is None else following.start
        space = (above - position) & vm_map.mask if following is None else max(0, above - position)
        if emit is not None:
            emit((GapTried.tag, vm_map.name, position, space, space >= size))
        if space >= size:
            cache.move(vm_map, (position + size) & vm_map.mask, cache.threshold)
            request.start, request.next = position, following
            return True
        assert following is not None, "without a next entry the space reaches the map's end"
        cache.move(vm_map, cache.address, max(cache.threshold, space))
        position, following = following.end, following.next


def _aligned(position: int, align: int) -> int:
    return (position + align - 1) & ~(align - 1) if align else position


def _no_space(vm_map: X15Map, position: int, below: int, size: int) -> bool:
    """Whether the map ends before `size` bytes from `position`, which was rounded up from `below`.

    Rounding may pass the map's end or wrap; the original's subtraction then wraps too and finds room (out-of-map).
    """
    if "out-of-map" not in vm_map.quirks and (position > vm_map.end or position < below):
        return True
    return (vm_map.end - position) & vm_map.mask < size


def _report_hint(vm_map: X15Map, request: Request, refused: str | None) -> None:
    emit = vm_map.recorder.emit
    if emit is None:
        return
    why = refused or "it is free"
    if refused is None and request.align and request.start & (request.align - 1):
        why = f"it is free, though not a multiple of align {request.align:#x}: a hint is not held to it"
    emit((HintTried.tag, vm_map.name, request.start, refused is None, why))
