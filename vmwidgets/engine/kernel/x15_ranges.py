"""What X15's map lacks, in X15's words: functions on ranges, with the errors of its `error.h`.

They bear the names of FreeBSD's functions, after whose manual pages they are made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..base.errors import KernelError, kernel_error
from ..base.events import Called, EntryChanged, Returned, SubmapAttached, Unwound
from ..base.protection import ADVICE, READ, protection_of
from ..base.units import Address
from . import map_protect, map_wire, superpages
from .entry import SUB_MAP
from .map_ranges import (
    INVALID_ADDRESS,
    INVALID_ARGUMENT,
    NO_SPACE,
    PROTECTION_FAILURE,
    RESOURCE_SHORTAGE,
    SUCCESS,
    Unfit,
    decide,
    entries_in,
    isolate,
    simplify_range,
)
from .vm_map import X15Map
from .vm_object import VmObject

_WORDS = {
    INVALID_ADDRESS: "FAULT",
    PROTECTION_FAILURE: "ACCES",
    NO_SPACE: "NOMEM",
    INVALID_ARGUMENT: "INVAL",
    RESOURCE_SHORTAGE: "NOMEM",
}
"""FreeBSD's status numbers in X15's words."""


@contextmanager
def _function(vm_map: X15Map, name: str, *arguments: object) -> Iterator[None]:
    """The bracket of a kernel function; what can't be done is an error of X15's."""
    emit = vm_map.recorder.emit
    if emit is not None:
        emit((Called.tag, name, arguments))
    try:
        yield
    except Unfit as unfit:
        raise kernel_error(_WORDS[unfit.status], unfit.why) from None
    if emit is not None:
        emit((Returned.tag, SUCCESS))


def vm_map_protect(vm_map: X15Map, start: int, end: int, protection: int, set_max: bool = False) -> None:
    """Set the protection, or the maximum, of a range: FAULT for a hole, ACCES beyond it, INVAL for a submap.

    NOMEM, and nothing changed, without a page for a table that it takes.
    """
    with _function(vm_map, "vm_map_protect", start, end, protection, set_max):
        map_protect.protect(vm_map, start, end, protection, set_max)


def vm_map_inherit(vm_map: X15Map, start: int, end: int, inheritance: int) -> None:
    """Set the inheritance of a range: INVAL for a number that is none, and for a submap."""
    with _function(vm_map, "vm_map_inherit", start, end, inheritance):
        map_protect.inherit(vm_map, start, end, inheritance)


def vm_map_madvise(vm_map: X15Map, start: int, end: int, advice: int) -> None:
    """Set the advice of a range: INVAL for a number that is none, and for a submap.

    With "willneed" the pages that objects have already are mapped at once, as far as there are tables to be had.
    """
    with _function(vm_map, "vm_map_madvise", start, end, advice):
        map_protect.advise(vm_map, start, end, advice)
        if advice == ADVICE["willneed"]:
            _map_resident(vm_map, start, end)


def _map_resident(vm_map: X15Map, start: int, end: int) -> None:
    stop = vm_map.recorder.take_stop()
    try:
        for entry in entries_in(vm_map, start, end):
            if stop is not None and stop(entry.start):
                return
            if protection_of(entry.flags) & READ:
                map_wire.map_resident(vm_map, entry, max(start, entry.start), min(end, entry.end))
    except KernelError:  # no page for a table: it was advice, and a fault will ask again
        emit = vm_map.recorder.emit
        if emit is not None:
            emit((Unwound.tag, "vm_map_madvise"))


def vm_map_wire(vm_map: X15Map, start: int, end: int, new_object: Callable[[], VmObject]) -> None:
    """Wire a range: FAULT for a hole, ACCES where reading is not allowed, INVAL for a submap, NOMEM without pages."""
    with _function(vm_map, "vm_map_wire", start, end):
        map_wire.wire(vm_map, start, end, new_object)


def vm_map_unwire(vm_map: X15Map, start: int, end: int) -> None:
    """Take one wiring off a range: FAULT for a hole, INVAL for a submap and for what is not wired."""
    with _function(vm_map, "vm_map_unwire", start, end):
        map_wire.unwire(vm_map, start, end)


def vm_map_superpages(vm_map: X15Map, tables: superpages.LargeTables, start: int, end: int, page: int) -> int:
    """Map a range by pages of `page` bytes where that can be; how many came to be.  FAULT for a hole."""
    try:
        return superpages.map_superpages(vm_map, tables, start, end, page)
    except Unfit as unfit:
        raise kernel_error(_WORDS[unfit.status], unfit.why) from None


def vm_map_simplify(vm_map: X15Map, start: int, end: int) -> int:
    """Join what is alike of the entries that a range touches, and with their neighbours; how many entries went.

    FreeBSD's `vm_map_simplify_entry`, for each entry.
    """
    before = vm_map.nr_entries
    with _function(vm_map, "vm_map_simplify_entry", start, end):
        simplify_range(vm_map, start, end)
    return before - vm_map.nr_entries


def vm_map_submap(vm_map: X15Map, start: int, end: int, submap: X15Map) -> None:
    """Give a range to another map: INVAL unless one entry covers it, without object, not wired and no submap yet."""
    with _function(vm_map, "vm_map_submap", start, end, submap.name):
        _decide_submap(vm_map, start, end)
        isolate(vm_map, start, end)
        entry = vm_map.peek(start)
        assert entry is not None, "it was there when it was decided"
        before = entry.fields()
        entry.flags |= SUB_MAP
        entry.submap = submap
        emit = vm_map.recorder.emit
        if emit is not None:
            why = "became the place of a submap"
            emit((EntryChanged.tag, vm_map.name, before, entry.fields(), why))
            emit((SubmapAttached.tag, vm_map.name, submap.name, start, end, SUCCESS))


def _decide_submap(vm_map: X15Map, start: int, end: int) -> None:
    entries = decide(vm_map, start, end, holes=False)
    entry = entries[0]
    if len(entries) > 1:
        raise Unfit(INVALID_ARGUMENT, f"{len(entries)} entries lie in the range: a submap's place is one")
    if entry.object is not None or entry.wired_count:
        what = "maps an object" if entry.object is not None else "is wired"
        raise Unfit(INVALID_ARGUMENT, f"the entry at {Address(entry.start)} {what}: a submap's place has nothing in it")
