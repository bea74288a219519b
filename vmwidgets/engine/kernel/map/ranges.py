"""Changing a range of a map in place, as in both kernels' maps.

The range is examined first: anything that prevents the change raises a :class:`MapError`, with nothing changed. Then
the entries across its edges are cut, so that the change covers the range and nothing else; afterwards, equal neighbours
are merged.  Sources: FreeBSD's manual pages vm_map_protect(9), vm_map_inherit(9), vm_map_madvise(9), vm_map_wire(9) and
vm_map_simplify_entry(9).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from typing import TypeVar

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
from ...base.recorder import Recorder
from ...base.units import PAGE, Address
from .core import SUB_MAP, Entry, EntrySource, MapCore
from .fits import Fit
from .map_schema import EntryChanged, EntryFields, EntryJoined, EntryWired

E = TypeVar("E", bound=Entry)

SUCCESS, INVALID_ADDRESS, PROTECTION_FAILURE, NO_SPACE, INVALID_ARGUMENT, RESOURCE_SHORTAGE = 0, 1, 2, 3, 4, 6
"""Status numbers of FreeBSD's map functions (KERN_…)."""


class MapError(Exception):
    """Raised if a range can't be changed as requested: the `status` that FreeBSD's function returns, and `why`.

    Each kernel's map translates it once: X15's into a name of its `error.h`, FreeBSD's into the number it returns.
    """

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status
        self.why = why


class RangeMap(MapCore[E], ABC):
    """A map whose ranges can be changed; if there is a `fit`, it replaces the map's own search for a gap."""

    def __init__(
        self, name: str, start: int, end: int, entries: EntrySource[E], recorder: Recorder, *, bits: int = 64
    ) -> None:
        super().__init__(name, start, end, entries, recorder, bits=bits)
        self.fit: Fit | None = None

    # ---- what each kernel does in its own way ------------------------------------------------

    @abstractmethod
    def clip_start(self, entry: E, address: int) -> None:
        """Cut `entry` at `address` if that is inside it; the entry remains the upper part."""

    @abstractmethod
    def clip_end(self, entry: E, address: int) -> None:
        """Cut `entry` at `address` if that is inside it; the entry remains the lower part."""

    def gap_changed(self, entry: E | None) -> None:
        """Note that the free space after `entry` has changed."""

    @abstractmethod
    def ready(self, cuts: Iterable[int], entered: Iterable[tuple[int, int]] = ()) -> AbstractContextManager[None]:
        """Reserve the tables for translations cut at `cuts`, and for pages to be mapped in the ranges `entered`.

        Without memory for them, it fails here, before anything has changed, and nothing fails inside.
        """

    @abstractmethod
    def reprotect(self, entry: E) -> None:
        """Give the mapped pages of `entry` the permissions that it allows now; called inside :meth:`ready`."""

    # ---- deciding ----------------------------------------------------------------------------

    def entries_in(self, start: int, end: int) -> Iterator[E]:
        """Yield the entries that [start, end) touches, in address order. O(log n) for the first."""
        return self._from(self.tree.nearest(start), end)

    def decide(self, start: int, end: int, *, holes: bool) -> list[E]:
        """Return the entries of a range if all may be changed; nothing changes here.

        Raises :class:`MapError`: INVALID_ADDRESS for a hole if `holes` are not allowed, INVALID_ARGUMENT for the range
        of a submap (FreeBSD's alone).
        """
        entries = list(self.entries_in(start, end))
        position = start
        for entry in entries:
            if entry.start > position and not holes:
                break
            if entry.flags & SUB_MAP:
                limits = f"[{Address(entry.start)}, {Address(entry.end)})"
                raise MapError(INVALID_ARGUMENT, f"{limits} is the range of a submap")
            position = entry.end
        if position < end and not holes:
            raise MapError(INVALID_ADDRESS, f"nothing is mapped at {Address(position)} in {self.called}")
        return entries

    def granted(self, protection: int) -> int:
        """Return the accesses that tables allow to pages mapped for `protection`: some they can't refuse."""
        return protection

    def decide_wiring(self, start: int, end: int) -> list[E]:
        """Return the entries of a range that may be wired: there are no holes, and each entry can be read."""
        entries = self.decide(start, end, holes=False)
        for entry in entries:
            if not self.granted(protection_of(entry.flags)) & READ:
                allowed = protection_text(protection_of(entry.flags))
                raise MapError(
                    PROTECTION_FAILURE,
                    f"the entry at {Address(entry.start)} allows {allowed}: its pages can't be read in",
                )
        return entries

    # ---- changing ----------------------------------------------------------------------------

    def change_range(self, start: int, end: int, change: Callable[[E], None]) -> None:
        """Cut at both edges, call `change` for each entry in between, then merge equal neighbours.

        It may stop before any entry.
        """
        stop = self.recorder.take_stop()
        self.isolate(start, end)
        for entry in list(self._from(self.peek(start), end)):
            if stop is not None and stop(entry.start):
                break
            change(entry)
        self.join_range(start, end)
        self.recorder.stop = stop

    def isolate(self, start: int, end: int) -> None:
        """Cut entries across the edges of [start, end); entries inside may be merged, if the kernel does that."""
        first = self.peek(start)
        if first is not None:
            self.clip_start(first, start)
        last = self.peek(end - 1)
        if last is not None:
            self.clip_end(last, end)

    def set_flags(self, entry: E, flags: int, why: str) -> None:
        """Set an entry's flags, and report it if they differ."""
        if entry.flags == flags:
            return
        before = entry.fields()
        entry.flags = flags
        emit = self.recorder.emit
        if emit is not None:
            emit((EntryChanged.tag, self.name, before, entry.fields(), why))

    def set_wired_count(self, entry: E, count: int) -> None:
        """Note how often the range of `entry` was wired."""
        before, entry.wired_count = entry.wired_count, count
        emit = self.recorder.emit
        if emit is not None:
            emit((EntryWired.tag, self.name, entry.id, before, count))

    def set_protection(self, start: int, end: int, protection: int, set_max: bool = False) -> None:
        """Set the protection of [start, end), or with `set_max` its maximum; rights beyond the maximum are removed.

        Mapped pages get the new permissions immediately. Raises MapError: INVALID_ADDRESS for a hole, INVALID_ARGUMENT
        for a submap, PROTECTION_FAILURE if `protection` exceeds an entry's maximum, and RESOURCE_SHORTAGE (NOMEM in
        X15's map) without a page for a table that is needed.  O((entries + 1) log n + pages).
        """
        entries = self.decide(start, end, holes=False)
        for entry in entries:
            beyond = protection & ~max_protection_of(entry.flags)
            if beyond:
                most = protection_text(max_protection_of(entry.flags))
                raise MapError(
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
            self.set_flags(entry, flags, why)
            if protection_of(flags) != old:
                self.reprotect(entry)

        reached = [one for one in entries if changed(one) != protection_of(one.flags)]
        wired = [
            (max(start, one.start), min(end, one.end))
            for one in reached
            if one.wired_count and self.granted(changed(one))
        ]
        with self.ready(edges_in(reached, start, end), wired):
            self.change_range(start, end, change)

    def set_inheritance(self, start: int, end: int, inheritance: int) -> None:
        """Set what a child of the task inherits from [start, end); holes are skipped.

        Raises MapError: INVALID_ARGUMENT for a number that is not an inheritance, and for a submap.  O((entries + 1)
        log n).
        """
        self._set_name(start, end, inheritance, INHERITANCE, INHERITANCE_SHIFT, "inheritance")

    def set_advice(self, start: int, end: int, advice: int) -> None:
        """Set the expected use of [start, end); holes are skipped.

        Raises MapError: INVALID_ARGUMENT for a number that is not an advice, and for a submap.  O((entries + 1) log n).
        """
        self._set_name(start, end, advice, ADVICE, ADVICE_SHIFT, "advice")

    def _set_name(self, start: int, end: int, number: int, table: dict[str, int], shift: int, what: str) -> None:
        if number not in table.values():
            raise MapError(INVALID_ARGUMENT, f"{what} {number} is unknown")
        self.decide(start, end, holes=True)

        def change(entry: E) -> None:
            old = name_of(entry.flags >> shift & 15, table)
            why = f"{what} {old} becomes {name_of(number, table)}"
            self.set_flags(entry, _with(entry.flags, number, shift, 15), why)

        self.change_range(start, end, change)

    def remove_wiring(self, start: int, end: int, unwired: Callable[[E], None] | None = None) -> None:
        """Remove one wiring of [start, end); `unwired` is called for each entry before its last wiring is removed.

        Raises MapError: INVALID_ADDRESS for a hole, INVALID_ARGUMENT for a submap, and for an entry that is not wired.
        """
        for entry in self.decide(start, end, holes=False):
            if not entry.wired_count:
                raise MapError(INVALID_ARGUMENT, f"the entry at {Address(entry.start)} is not wired")

        def change(entry: E) -> None:
            if entry.wired_count == 1 and unwired is not None:
                unwired(entry)
            self.set_wired_count(entry, entry.wired_count - 1)

        self.change_range(start, end, change)

    # ---- joining -----------------------------------------------------------------------------

    def join_range(self, start: int, end: int) -> None:
        """Merge each entry that [start, end) touches with equal neighbours. It may stop before any entry."""
        stop = self.recorder.take_stop()
        for entry in self._from(self.peek(start), end):
            if stop is not None and stop(entry.start):
                break
            self.join(entry)

    def join(self, entry: E) -> None:
        """Absorb the previous entry, then the next one, if they are equal to `entry`, which stays valid.

        An absorbed entry drops its reference to the object. The range changes in place: an entry only grows into a
        neighbour's range, so the order in the tree stays right.  O(log n).
        """
        if entry.flags & SUB_MAP:
            return
        previous, following = entry.prev, entry.next
        if previous is not None and may_join(previous, entry):
            before = entry.fields()
            self.discard(previous)  # type: ignore[arg-type]  # neighbours are of the same kind
            entry.start, entry.offset = previous.start, previous.offset
            self.gap_changed(entry.prev)  # type: ignore[arg-type]
            self._report_join(entry, before, "prev")
        if following is not None and may_join(entry, following):
            before = entry.fields()
            self.discard(following)  # type: ignore[arg-type]
            entry.end = following.end
            self.gap_changed(entry)
            self._report_join(entry, before, "next")

    def _report_join(self, entry: E, before: EntryFields, side: str) -> None:
        emit = self.recorder.emit
        if emit is not None:
            self.report_resize(entry, before, f"took in the entry {'before' if side == 'prev' else 'after'}")
            emit((EntryJoined.tag, self.name, entry.id, side, entry.start, entry.end))

    def _from(self, entry: E | None, end: int) -> Iterator[E]:
        """Yield `entry` and the entries after it that begin below `end`.

        Each may absorb the next before that is examined.
        """
        while entry is not None and entry.start < end:
            yield entry
            entry = entry.next  # type: ignore[assignment]  # neighbours are of the same kind


def edges_in(entries: Iterable[Entry], start: int, end: int) -> Iterator[int]:
    """Yield where translations are cut if the parts of `entries` in [start, end) change one by one, in whole pages."""
    for entry in entries:
        yield max(start, entry.start) & -PAGE
        yield -(-min(end, entry.end) // PAGE) * PAGE


def may_join(low: Entry, high: Entry) -> bool:
    """Return whether two neighbours may be one entry: equal in everything, and adjacent in their object.

    This is the rule after a change; a range that X15 enters merges by :meth:`.placement.Request.obstacle`.
    Without an object, offsets make no difference. Entries that may not merge, or were supplied by the boot, stay alone.
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


def _with(flags: int, value: int, shift: int, mask: int) -> int:
    return flags & ~(mask << shift) | value << shift
