"""Changing a range of a map in place: what the changes have in common, on either kernel's map.

The range is looked at first, and what stands against the change is an :class:`Unfit`, with nothing changed.  Then the
entries across its edges are cut, so that the change covers the range and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from ...base.events import EntryChanged, EntryFields, EntryJoined, EntryResized, EntryWired
from ...base.protection import (
    ADVICE,
    ADVICE_SHIFT,
    ALL,
    INHERITANCE,
    INHERITANCE_SHIFT,
    MAX_PROTECTION_SHIFT,
    NOMERGE,
    PROTECTION_SHIFT,
    READ,
    max_protection_of,
    name_of,
    protection_of,
    protection_text,
)
from ...base.units import PAGE, Address
from .core import SUB_MAP, Entry, MapCore

E = TypeVar("E", bound=Entry)


SUCCESS, INVALID_ADDRESS, PROTECTION_FAILURE, NO_SPACE, INVALID_ARGUMENT, RESOURCE_SHORTAGE = 0, 1, 2, 3, 4, 6
"""Status numbers of FreeBSD's map functions (KERN_…)."""


class Unfit(Exception):
    """A range that can't be changed as asked: the `status` that FreeBSD's function returns, and `why`."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status
        self.why = why


def entries_in(core: MapCore[E], start: int, end: int) -> Iterator[E]:
    """The entries that [start, end) touches, rising.  O(log n) for the first."""
    return _from(core.tree.nearest(start), end)


def edges_in(entries: Iterable[E], start: int, end: int) -> Iterator[int]:
    """Where translations are cut when the parts of `entries` in [start, end) change one by one, in whole pages."""
    for entry in entries:
        yield max(start, entry.start) & -PAGE
        yield -(-min(end, entry.end) // PAGE) * PAGE


def decide(core: MapCore[E], start: int, end: int, *, holes: bool) -> list[E]:
    """The entries of a range that may be changed; nothing changes here.

    Raises :class:`Unfit`: INVALID_ADDRESS for a hole where `holes` are not allowed, INVALID_ARGUMENT for a range that
    another map has.
    """
    entries = list(entries_in(core, start, end))
    position = start
    for entry in entries:
        if entry.start > position and not holes:
            break
        if entry.submap is not None:
            raise Unfit(INVALID_ARGUMENT, f"{_limits(entry)} is handled by the map {entry.submap.name}")
        position = entry.end
    if position < end and not holes:
        raise Unfit(INVALID_ADDRESS, f"nothing is mapped at {Address(position)} in {core.name}")
    return entries


def isolate(core: MapCore[E], start: int, end: int) -> None:
    """Cut what reaches over the edges of [start, end); entries inside may be joined, where the kernel does that."""
    first = core.peek(start)
    if first is not None:
        core.clip_start(first, start)
    last = core.peek(end - 1)
    if last is not None:
        core.clip_end(last, end)


def change_range(core: MapCore[E], start: int, end: int, change: Callable[[E], None]) -> None:
    """Cut at both edges, have `change` called for each entry in between, then join what is alike now.

    It may stop before any entry.
    """
    stop = core.recorder.take_stop()
    isolate(core, start, end)
    for entry in list(_from(core.peek(start), end)):
        if stop is not None and stop(entry.start):
            break
        change(entry)
    simplify_range(core, start, end)
    core.recorder.stop = stop


def simplify_range(core: MapCore[E], start: int, end: int) -> None:
    """Join each entry that [start, end) touches with its neighbours, where they are alike; it may stop before any."""
    stop = core.recorder.take_stop()
    for entry in _from(core.peek(start), end):
        if stop is not None and stop(entry.start):
            break
        join(core, entry)


def _from(entry: E | None, end: int) -> Iterator[E]:
    """`entry` and those behind it that begin below `end`; each may take in the next before that is looked at."""
    while entry is not None and entry.start < end:
        yield entry
        entry = entry.next  # type: ignore[assignment]  # neighbours are of the same kind


def set_flags(core: MapCore[Any], entry: Entry, flags: int, why: str) -> None:
    """Give an entry other flags, and report it if they differ."""
    if entry.flags == flags:
        return
    before = entry.fields()
    entry.flags = flags
    emit = core.recorder.emit
    if emit is not None:
        emit((EntryChanged.tag, core.name, before, entry.fields(), why))


def set_wired_count(core: MapCore[Any], entry: Entry, count: int) -> None:
    """Note how often the range of `entry` was wired."""
    emit = core.recorder.emit
    if emit is not None:
        emit((EntryWired.tag, core.name, entry.id, entry.wired_count, count))
    entry.wired_count = count


def _limits(entry: Entry) -> str:
    return f"[{Address(entry.start)}, {Address(entry.end)})"


# ---- map simplify ------------------------------------------------------------------------------
#
# Joining an entry with its neighbours (FreeBSD `vm_map_simplify_entry`), on either kernel's map.
#
# Ranges change in place: an entry only ever grows into what was a neighbour's, so the order in the tree stays right.


def join(core: MapCore[E], entry: E) -> None:
    """Take in the entry before, then the one after, where they are of one kind with `entry`; it stays valid.

    An absorbed entry gives back its reference to the object.  O(log n).
    """
    if entry.flags & SUB_MAP:
        return
    previous, following = entry.prev, entry.next
    if previous is not None and may_join(previous, entry):
        before = entry.fields()
        core.discard(previous)  # type: ignore[arg-type]  # neighbours are of the same kind
        entry.start, entry.offset = previous.start, previous.offset
        core.gap_changed(entry.prev)  # type: ignore[arg-type]
        _report(core, entry, before, "prev")
    if following is not None and may_join(entry, following):
        before = entry.fields()
        core.discard(following)  # type: ignore[arg-type]
        entry.end = following.end
        core.gap_changed(entry)
        _report(core, entry, before, "next")


def may_join(low: Entry, high: Entry) -> bool:
    """Whether two neighbours may be one: they touch, are alike, and one continues the other in their object.

    Offsets play no part where there is no object.  What may not merge, or was supplied by boot, stays alone.
    """
    return (
        low.end == high.start
        and low.object is high.object
        and (low.object is None or low.offset + low.end - low.start == high.offset)
        and low.flags == high.flags
        and low.wired_count == high.wired_count
        and not low.flags & (NOMERGE | SUB_MAP)
        and not (low.static or high.static)
    )


def _report(core: MapCore[E], entry: E, before: EntryFields, side: str) -> None:
    emit = core.recorder.emit
    if emit is not None:
        which = "before" if side == "prev" else "after"
        emit((EntryResized.tag, core.name, before, entry.fields(), f"took in the entry {which}"))
        emit((EntryJoined.tag, core.name, entry.id, side, entry.start, entry.end))


# ---- map protect -------------------------------------------------------------------------------
#
# Protection, inheritance and advice of a range (FreeBSD `vm_map_protect`, `vm_map_inherit`, `vm_map_madvise`).
#
# After FreeBSD's manual pages vm_map_protect(9), vm_map_inherit(9) and vm_map_madvise(9). Each looks at the whole
# range before it changes any of it, cuts at both edges, and joins what is alike afterwards. Errors are
# :class:`.Unfit`.


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


# ---- map wire ----------------------------------------------------------------------------------
#
# Wiring a range of an X15 map: its pages are brought in, mapped, and stay (after FreeBSD's vm_map_wire(9)).
#
# The original has nothing of the kind. All pages are got before any entry changes; if one can't be had, those that
# came go back. FreeBSD's own wiring, which waits for pages, is in :mod:`.freebsd_ranges`.


def decide_wiring(core: MapCore[Any], start: int, end: int) -> list[Any]:
    """The entries of a range that may be wired: no holes, and each can be read."""
    entries = decide(core, start, end, holes=False)
    for entry in entries:
        if not protection_of(entry.flags) & READ:
            allowed = protection_text(protection_of(entry.flags))
            raise Unfit(
                PROTECTION_FAILURE, f"the entry at {Address(entry.start)} allows {allowed}: its pages can't be read in"
            )
    return entries


def unwire(core: MapCore[Any], start: int, end: int, unwired: Callable[[Any], None] | None = None) -> None:
    """Take one wiring off [start, end); `unwired` is told of each entry that has none left.

    Unfit: INVALID_ADDRESS for a hole, INVALID_ARGUMENT for a submap and for what is not wired.
    """
    for entry in decide(core, start, end, holes=False):
        if not entry.wired_count:
            raise Unfit(INVALID_ARGUMENT, f"the entry at {Address(entry.start)} is not wired")

    def change(entry: Entry) -> None:
        if entry.wired_count == 1 and unwired is not None:
            unwired(entry)
        set_wired_count(core, entry, entry.wired_count - 1)

    change_range(core, start, end, change)
