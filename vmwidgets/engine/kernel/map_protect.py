"""Protection, inheritance and advice of a range (FreeBSD `vm_map_protect`, `vm_map_inherit`, `vm_map_madvise`).

After FreeBSD's manual pages vm_map_protect(9), vm_map_inherit(9) and vm_map_madvise(9).  Each looks at the whole range
before it changes any of it, cuts at both edges, and joins what is alike afterwards.  Errors are :class:`.Unfit`.
"""

from __future__ import annotations

from typing import TypeVar

from ..base.protection import (
    ADVICE,
    ADVICE_SHIFT,
    ALL,
    INHERITANCE,
    INHERITANCE_SHIFT,
    MAX_PROTECTION_SHIFT,
    PROTECTION_SHIFT,
    READ,
    max_protection_of,
    name_of,
    protection_of,
    protection_text,
)
from ..base.units import Address
from .entry import Entry
from .map_core import MapCore
from .map_ranges import INVALID_ARGUMENT, PROTECTION_FAILURE, Unfit, change_range, decide, edges_in, set_flags

E = TypeVar("E", bound=Entry)


def protect(core: MapCore[E], start: int, end: int, protection: int, set_max: bool = False) -> None:
    """Set what [start, end) allows; with `set_max` what it may ever allow, and no more than that is left allowed.

    The pages that are mapped get the new rights at once.  Unfit: INVALID_ADDRESS for a hole, INVALID_ARGUMENT for a
    submap, PROTECTION_FAILURE where `protection` goes beyond an entry's maximum, and RESOURCE_SHORTAGE (on X15's map
    NOMEM) without a page for a table that this takes.  O((entries + 1) log n + pages).
    """
    entries = decide(core, start, end, holes=False)
    for entry in entries:
        beyond = protection & ~max_protection_of(entry.flags)
        if beyond:
            most = protection_text(max_protection_of(entry.flags))
            raise Unfit(
                PROTECTION_FAILURE,
                f"the entry at {Address(entry.start)} may allow {most} at most, not {protection_text(beyond)}",
            )

    def changed(entry: E) -> int:
        return protection_of(entry.flags) & protection if set_max else protection

    def change(entry: E) -> None:
        old = protection_of(entry.flags)
        if set_max:
            flags = _with(entry.flags, protection, MAX_PROTECTION_SHIFT, ALL)
            flags = _with(flags, changed(entry), PROTECTION_SHIFT, ALL)
            why = f"at most {protection_text(protection)} now"
        else:
            flags = _with(entry.flags, protection, PROTECTION_SHIFT, ALL)
            why = f"{protection_text(old)} becomes {protection_text(protection)}"
        set_flags(core, entry, flags, why)
        if protection_of(flags) != old:
            core.reprotect(entry)

    reached = [one for one in entries if changed(one) != protection_of(one.flags)]
    wired = [(max(start, one.start), min(end, one.end)) for one in reached if one.wired_count and changed(one) & READ]
    with core.ready(edges_in(reached, start, end), wired):
        change_range(core, start, end, change)


def inherit(core: MapCore[E], start: int, end: int, inheritance: int) -> None:
    """Set what a child of the task gets of [start, end): holes are passed over.

    Unfit: INVALID_ARGUMENT for a number that is no inheritance, and for a submap.  O((entries + 1) log n).
    """
    _set_name(core, start, end, inheritance, INHERITANCE, INHERITANCE_SHIFT, "inheritance")


def advise(core: MapCore[E], start: int, end: int, advice: int) -> None:
    """Say how [start, end) will be used: holes are passed over.

    Unfit: INVALID_ARGUMENT for a number that is no advice, and for a submap.  O((entries + 1) log n).
    """
    _set_name(core, start, end, advice, ADVICE, ADVICE_SHIFT, "advice")


def _set_name(
    core: MapCore[E], start: int, end: int, number: int, table: dict[str, int], shift: int, what: str
) -> None:
    if number not in table.values():
        raise Unfit(INVALID_ARGUMENT, f"{what} {number} is unknown")
    decide(core, start, end, holes=True)

    def change(entry: E) -> None:
        old = name_of(entry.flags >> shift & 15, table)
        why = f"{what} {old} becomes {name_of(number, table)}"
        set_flags(core, entry, _with(entry.flags, number, shift, 15), why)

    change_range(core, start, end, change)


def _with(flags: int, value: int, shift: int, mask: int) -> int:
    return flags & ~(mask << shift) | value << shift
