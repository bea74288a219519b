"""What the kernel does when an access had no translation (X15 `vm_map_fault`, `vm_anon`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from ...base.errors import KernelError, KernelPanic, kernel_error
from ...base.events import Called, PagerAsked, Returned
from ...base.protection import protection_of, protection_text
from ...base.units import PAGE, Address
from ..map.core import OFFSET_MASK

if TYPE_CHECKING:
    from ..map.core import MapCore
    from ..map.vm_object import VmObject
    from .vm_map import X15Map


class Resolved(NamedTuple):
    """How a fault was resolved: `cache` is "hit" when the object had the page, "miss" when its pager was asked."""

    cache: str
    entry: int
    object: VmObject
    offset: int
    va: int
    frame: int
    protection: int


class PagerFailed(Exception):
    """A pager had no page; carried so that a caller can tell this NOMEM from others."""


def vm_fault(vm_map: X15Map, address: int, access: int, enter_page: Callable[[int, int, int], None]) -> Resolved:
    """Resolve a fault at `address` (any alignment) for `access` (protection bits; 0 always passes).

    `enter_page(va, frame, protection)` puts the translation into the page tables, with the entry's
    protection, not the access's.  Errors: FAULT, no entry there or (mended) no object behind it; ACCES, the entry
    lacks a right; NOMEM from the pager.  No page for a table is a panic.
    """
    emit = vm_map.recorder.emit
    if emit is not None:
        emit((Called.tag, "vm_map_fault", (address, access)))
    if vm_map.assertions and vm_map.kernel is not None:
        raise KernelPanic("fault_kernel_map", f"a fault at {Address(address)} in {vm_map.name}, which is never paged")
    va = address & ~(PAGE - 1)
    entry = vm_map.lookup_nearest(va)
    if entry is None or va < entry.start:
        raise kernel_error("FAULT", f"no entry of {vm_map.name} holds {Address(va)}")
    missing = access & ~protection_of(entry.flags)
    if missing:
        allowed = protection_text(protection_of(entry.flags))
        where = Address(entry.start)
        raise kernel_error("ACCES", f"the entry at {where} allows {allowed}, not {protection_text(missing)}")
    if entry.submap is not None:
        return _fault_in(entry.submap, address, access, enter_page)
    if entry.object is None:
        why = f"the entry at {Address(entry.start)} has no object to ask for a page"
        if "fault-null-object" in vm_map.quirks:
            raise KernelPanic("fault_null_object", why)
        raise kernel_error("FAULT", why)
    offset = entry.offset + (va - entry.start) & OFFSET_MASK
    cache, frame = page_of(vm_map, entry.object, offset)
    try:
        enter_page(va, frame, protection_of(entry.flags))
    except KernelError as error:
        raise KernelPanic("fault_pmap_enter", f"the page of {Address(va)} can't be entered: {error.reason}") from error
    if emit is not None:
        emit((Returned.tag, frame))
    return Resolved(cache, entry.start, entry.object, offset, va, frame, protection_of(entry.flags))


def _fault_in(submap: MapCore[Any], address: int, access: int, enter_page: Callable[[int, int, int], None]) -> Resolved:
    """The range is another map's: so is the fault (FreeBSD `vm_map_lookup`)."""
    found = vm_fault(cast("X15Map", submap), address, access, enter_page)  # a map's submaps are of its kind
    emit = submap.recorder.emit
    if emit is not None:
        emit((Returned.tag, found.frame))
    return found


def page_of(vm_map: X15Map, target: VmObject, offset: int) -> tuple[str, int]:
    """Where an object's page came from, "hit" or "miss", and its frame; NOMEM when its pager has none."""
    frame, cache = target.page(offset), "hit"
    if frame is None:
        frame, cache = target.ask_pager(offset), "miss"
    emit = vm_map.recorder.emit
    if emit is not None:
        emit((PagerAsked.tag, target.name, offset, -1 if frame is None else frame, "NOMEM" if frame is None else cache))
    if frame is None:
        raise kernel_error(
            "NOMEM", f"the pager of {target.name!r} has no page for offset {offset:#x}"
        ) from PagerFailed()
    return cache, frame
