"""The TLB: translations that a processor caches, so that it need not walk the tables again.

An entry stays until it is flushed or replaced.  It holds the descriptors that the walk read, and with them everything
needed to check another access without a walk; when the tables change, the entry stays as it is, and in use.  Which
processors are asked to flush, and which entries may be stale until then, is decided in :mod:`~..spaces.processors`.

Intel SDM volume 3A, 4.10; ARM DDI 0406C, B3.9 and B3.10; ARM DDI 0487, D5.10 (D8.14 from issue H); RISC-V Privileged
20211203, 4.2.1 (sfence.vma).  The manuals do not say how many entries there are, nor which entry is replaced when a set
is full; here, it is the set's least recently used entry.  Nor do they say which of two overlapping entries answers (a
large page's entry, and a small page's older entry that was never flushed): here, the smaller page's entry does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from operator import attrgetter
from typing import Generic

from ..base.errors import Broken, Refused, in_ascii
from ..base.units import Address, binary_size, counted
from .chains import permissions_by
from .format import TableFormat
from .rules import Access, C, Stop
from .tables_schema import Permissions, Rights
from .tlb_schema import Difference, TlbEntryValue, TlbSlot, TlbValue
from .walk import Descent, Memory, fault_after, translate

GLOBAL = -1
"""The value that global entries have instead of an address space's number."""

Key = tuple[int, int, int]
"""The key of an entry: log2 of a page's size, the address divided by that size, and the address space."""

_PLACE = attrgetter("set", "way")

_BARRED = ("protection", "domain")
"""The kinds of faults in which a translation exists, but does not allow the access."""


class TlbEntry(Generic[C]):
    """The TLB's copy of one walk; only its time of use, and results that depend on the settings, change later."""

    __slots__ = (
        "_controls",
        "_judged",
        "_value",
        "fmt",
        "key",
        "pa",
        "path",
        "pending",
        "permissions",
        "rights",
        "set",
        "size",
        "used",
        "va",
        "way",
    )

    def __init__(
        self, fmt: TableFormat[C], set_number: int, way: int, key: Key, found: Descent[C], controls: C, used: int
    ) -> None:
        self.fmt = fmt
        self.set = set_number
        self.way = way
        self.key = key
        self.size = 1 << key[0]
        self.va = found.va & -self.size
        assert found.pa is not None, "the walk succeeded"
        self.pa = found.pa & -self.size
        kept = found.chain.with_set(found.sets)
        self.path = kept.path
        """The descriptors of the walk, with the bits that the hardware set in them."""
        self.used = used
        """The time of the entry's last use, by the TLB's count."""
        self.rights = kept.rights
        self.pending = kept.pending
        """The bits that the hardware must set in the last descriptor before a write succeeds."""
        self._controls = controls
        self._judged: dict[tuple[Access, bool], Stop | None] = {}
        self.permissions = kept.permissions
        """The rights of each side, under the settings of the last use."""
        self._value: TlbEntryValue | None = None

    def _use(self, controls: C) -> None:
        """Apply these settings of the processor."""
        rules, leaf, rights = self.fmt.rules, self.path[-1], Rights()
        for at in self.path:
            rights = rules.narrow(rights, at.descriptor, at.word, controls)
        self.rights = rights
        self.pending = rules.accessed(leaf.descriptor, True, controls) & ~leaf.word
        self._controls, self._judged, self._value = controls, {}, None
        self.permissions = permissions_by(self._check)

    def _check(self, access: Access, user: bool) -> Stop | None:
        return self.fmt.rules.check_access(self.path, self.rights, access, user, self._controls)

    @property
    def asid(self) -> int | None:
        """The address space of the entry; None for a global one."""
        return None if self.key[2] < 0 else self.key[2]

    def forbids(self, access: Access, user: bool, controls: C) -> Stop | None:
        """Return why the entry forbids an access under the processor's current settings; O(1) the second time."""
        if controls is not self._controls and controls != self._controls:
            self._use(controls)
        case = (access, user)
        if case not in self._judged:
            self._judged[case] = self._check(access, user)
        return self._judged[case]

    @property
    def value(self) -> TlbEntryValue:
        """The entry as a frozen value."""
        if self._value is None:
            self._value = TlbEntryValue(
                self.set, self.way, self.va, self.pa, self.size, self.asid, self.permissions, not self.pending
            )
        return self._value

    def differences(self, memory: Memory, root: int, controls: C) -> tuple[Difference, ...]:
        """Return the differences from the tables at `root`, under these settings; see :func:`differences`.

        O(levels).
        """
        self.forbids("read", False, controls)  # so that its rights are computed under these settings
        return differences(self.value, self.fmt, memory, root, controls)


def differences(
    kept: TlbEntryValue, fmt: TableFormat[C], memory: Memory, root: int, controls: C
) -> tuple[Difference, ...]:
    """Return the differences of an entry from a fresh walk of the tables at `root`; empty if it is not stale.

    O(levels).

    Only differences that matter count.  A dirty bit that only the tables have costs no more than a walk; if only the
    entry has it, writes go unnoticed.  Dirty bits of global entries are left out: each space may have its own copy of
    the descriptor, and only the loaded space's copy was marked.
    """
    rules, user = fmt.rules, any(kept.permissions.user)
    now = translate(memory, fmt, root, kept.va, "read", user, controls)
    if now.stop is not None and now.stop.kind not in _BARRED:
        why = f"{now.stop.kind}: {fault_after(fmt, now, 'read', user, controls).why}"
        return (Difference("mapping", f"physical {Address(kept.pa)}", why),)
    leaf = now.path[-1]
    address = leaf.descriptor.address_of(leaf.word) | kept.va & now.page_size - 1
    may = now.chain.permissions
    compared = (
        ("address", Address(kept.pa), Address(address)),
        ("page size", binary_size(kept.page_size), binary_size(now.page_size)),
        ("rights", _in_words(kept.permissions), _in_words(may)),
        ("global", _whose(kept.asid is None), _whose(now.chain.is_global)),
    )
    found = [Difference(what, str(before), str(there)) for what, before, there in compared if before != there]
    unmarked = rules.accessed(leaf.descriptor, True, controls) & ~leaf.word
    if kept.asid is not None and kept.dirty and unmarked and not found:
        found.append(Difference("dirty", "a page that was written to", "one that was not"))
    return tuple(found)


def _in_words(may: Permissions) -> str:
    return f"supervisor {may.supervisor}, user {may.user}"


def _whose(is_global: bool) -> str:
    return "all spaces" if is_global else "one space"


Stale = Callable[[TlbEntry[C]], tuple[Difference, ...]]
"""A function that returns the differences of an entry from the tables."""


class Tlb(Generic[C]):
    """A TLB of `sets` sets (a power of two) of `ways` ways, each way for a page of any size of the format.

    A page of size s at va belongs to set (va / s) mod `sets`.

    >>> from vmwidgets.engine.mmu.formats.x86 import X86_64
    >>> Tlb(X86_64, sets=16, ways=4)
    <TLB of 16 sets and 4 ways: 0 entries, 0 hits, 0 misses>
    """

    __slots__ = ("_clock", "_rows", "_shifts", "evictions", "flushed", "fmt", "hits", "index", "misses", "ways")

    def __init__(self, fmt: TableFormat[C], *, sets: int = 16, ways: int = 4) -> None:
        if sets < 1 or sets & sets - 1 or ways < 1:
            raise Refused(f"a TLB of {sets} sets and {ways} ways: sets are a power of two, and there is a way at least")
        self.fmt = fmt
        self.ways = ways
        self.hits = self.misses = self.evictions = self.flushed = 0
        self._rows: list[list[TlbEntry[C] | None]] = [[None] * ways for _ in range(sets)]
        self.index: dict[Key, TlbEntry[C]] = {}
        """The entries by page size, page and space."""
        self._shifts: dict[int, int] = {}
        """The number of entries of each page size, by its log2; smallest first."""
        self._clock = 0

    @property
    def sets(self) -> int:
        """The number of sets."""
        return len(self._rows)

    # ---- looking something up ----------------------------------------------------------------

    def lookup(self, va: int, asid: int) -> TlbEntry[C] | None:
        """Look up `va` in address space `asid`; a hit is counted, and its entry becomes the last used of its set.

        O(page sizes).
        """
        entry = self.peek(va, asid)
        if entry is None:
            self.misses += 1
            return None
        self.hits += 1
        self._clock += 1
        entry.used = self._clock
        return entry

    def peek(self, va: int, asid: int) -> TlbEntry[C] | None:
        """Look up like :meth:`lookup`, without counting a hit or changing the order of use."""
        index = self.index
        for shift in self._shifts:
            page = va >> shift
            entry = index.get((shift, page, asid)) or index.get((shift, page, GLOBAL))
            if entry is not None:
                return entry
        return None

    # ---- filling -----------------------------------------------------------------------------

    def fill(self, found: Descent[C], asid: int, controls: C) -> tuple[TlbEntry[C], TlbEntry[C] | None]:
        """Cache the result of a walk that succeeded.

        Returns the replaced entry: an older entry for the page, or the least recently used entry of the set.

        The bits that the hardware sets during the walk (accessed, dirty) count as set.
        """
        if found.pa is None:
            raise Refused(f"the walk of {Address(found.va)} faulted: a TLB does not cache it")
        shift = found.page_size.bit_length() - 1
        page = found.va >> shift
        key = (shift, page, GLOBAL if found.chain.is_global else asid)
        row = self._rows[page & self.sets - 1]
        before = self.index.get(key)
        way = before.way if before is not None else self._way_for(row)
        gone = row[way]
        if gone is not None:
            self._forget(gone)
            self.evictions += before is None
        self._clock += 1
        entry = TlbEntry(self.fmt, page & self.sets - 1, way, key, found, controls, self._clock)
        row[way] = entry
        self.index[key] = entry
        self._count(shift, 1)
        return entry, gone

    def _way_for(self, row: list[TlbEntry[C] | None]) -> int:
        """Return an empty way, or the least recently used way."""
        ages = [-1 if entry is None else entry.used for entry in row]
        return ages.index(min(ages))

    # ---- dropping ----------------------------------------------------------------------------

    def drop(self, va: int, asid: int | None) -> list[TlbEntry[C]]:
        """Drop the entries for `va` in address space `asid` (None for any), global or not.

        O(page sizes); for any address space, O(entries).
        """
        index = self.index
        if asid is None:
            return self._drop_in_order(entry for (shift, page, _), entry in index.items() if va >> shift == page)
        found: list[TlbEntry[C]] = []
        for shift in self._shifts:
            for which in (asid, GLOBAL):
                entry = index.get((shift, va >> shift, which))
                if entry is not None:
                    found.append(entry)
        return self._drop(found) if found else found

    def drop_range(self, start: int, end: int, asid: int | None) -> list[TlbEntry[C]]:
        """Drop the entries for parts of [start, end) in address space `asid` (None for any), global or not."""
        return self._drop_in_order(
            entry
            for entry in self.index.values()
            if entry.va < end and start < entry.va + entry.size and (asid is None or entry.asid in (asid, None))
        )

    def drop_space(self, asid: int) -> list[TlbEntry[C]]:
        """Drop all entries of address space `asid` except global ones."""
        return self._drop_in_order(entry for entry in self.index.values() if entry.asid == asid)

    def drop_all(self, *, globals_too: bool) -> list[TlbEntry[C]]:
        """Drop all entries, or all except global ones."""
        return self._drop_in_order(entry for entry in self.index.values() if globals_too or entry.asid is not None)

    def _drop_in_order(self, entries: Iterable[TlbEntry[C]]) -> list[TlbEntry[C]]:
        """Drop these entries, in the order of sets and ways."""
        return self._drop(sorted(entries, key=_PLACE))

    def _drop(self, entries: list[TlbEntry[C]]) -> list[TlbEntry[C]]:
        for entry in entries:
            self._rows[entry.set][entry.way] = None
            self._forget(entry)
        self.flushed += len(entries)
        return entries

    def _forget(self, entry: TlbEntry[C]) -> None:
        del self.index[entry.key]
        self._count(entry.key[0], -1)

    def _count(self, shift: int, change: int) -> None:
        counts = self._shifts
        now = counts.get(shift, 0) + change
        if now and shift in counts:
            counts[shift] = now
        else:
            counts[shift] = now
            self._shifts = {one: counts[one] for one in sorted(counts) if counts[one]}

    # ---- looking -----------------------------------------------------------------------------

    def __iter__(self) -> Iterator[TlbEntry[C]]:
        """Return the entries, by set and way."""
        return (entry for row in self._rows for entry in row if entry is not None)

    def __len__(self) -> int:
        return len(self.index)

    def value(self, stale: Stale[C]) -> TlbValue:
        """Return the TLB as a frozen value; `stale` returns the differences of an entry from the tables."""
        kept = [TlbSlot(entry.value, 0, stale(entry), entry.used) for entry in self]
        return TlbValue.of(self.sets, self.ways, kept, self.hits, self.misses, self.evictions, self.flushed)

    def check(self) -> None:
        """Raise `Broken` unless the numbered invariants hold."""
        entries = list(self)
        if {entry.key: id(entry) for entry in entries} != {key: id(entry) for key, entry in self.index.items()}:
            raise Broken(f"1. what is found is what a way holds: ways hold {len(entries)}, {len(self)} are found")
        for entry in entries:
            if self._rows[entry.set][entry.way] is not entry or entry.set != entry.key[1] & self.sets - 1:
                raise Broken(f"2. an entry is in the set of its address: {Address(entry.va)} is in set {entry.set}")
        if len({entry.used for entry in entries}) != len(entries):
            raise Broken("3. no two entries were used at the same time")
        counted = {shift: sum(entry.key[0] == shift for entry in entries) for shift in sorted(self._shifts)}
        if counted != self._shifts or 0 in counted.values():
            raise Broken(f"4. the page sizes that are looked for are those that are there: {self._shifts}, {counted}")

    @in_ascii
    def __repr__(self) -> str:
        counts = f"{counted(len(self), 'entry')}, {counted(self.hits, 'hit')}, {counted(self.misses, 'miss')}"
        return f"<TLB of {self.sets:,} sets and {self.ways:,} ways: {counts}>"
