"""The TLB: translations that a processor keeps, so that it need not walk.

It keeps what nobody flushed.  An entry holds the descriptors that the walk read, and with them everything that it
takes to judge another access without a walk; when the tables change it stays as it is, and goes on being used.

Intel SDM volume 3A, 4.10; ARM DDI 0406C, B3.9 and B3.10; ARM DDI 0487, D5.10 (D8.14 from issue H); RISC-V Privileged
20211203, 4.2.1 (sfence.vma).  The manuals leave open how many entries there are and which goes when room is short;
here a set's least recently used one does.  They leave open too which of two entries answers that overlap (a large
page's, and one of a small page that was there before and never flushed): here the one of the smaller page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Generic, get_args

from ..base.errors import Broken, Refused
from ..base.units import Address, binary_size
from ..base.values.cpus import Difference, TlbEntry, TlbSlot, TlbValue
from ..base.values.tables import Permission, Permissions, Rights, Walk
from .format import Access, C, Stop, TableFormat, WalkEntry
from .walk import WordReader, walk

# ---- tlb line ----------------------------------------------------------------------------------
#
# One entry of a TLB: a translation with everything that it takes to judge an access by it.


def path_of(fmt: TableFormat[C], found: Walk, controls: C) -> tuple[WalkEntry, ...]:
    """The descriptors of a walk, with what the hardware has set in them by then."""
    path = []
    for step, bits in zip(found.steps, found.sets or [0] * len(found.steps), strict=True):
        level = fmt.level(step.level)
        path.append(WalkEntry(level, fmt.rules.read_as(level, step.value, controls), step.value | bits))
    return tuple(path)


class TlbLine(Generic[C]):
    """What a TLB keeps of one walk; only `used`, and what is worked out from it, ever change.

    `key` is log2 of the page's size, the address divided by it, and the address space (-1 for a global entry).
    """

    __slots__ = ("_controls", "_judged", "_permissions", "_value", "fmt", "key", "pa", "path", "pending", "rights",
                 "set", "size", "used", "va", "walk", "way")  # fmt: skip  # read as a list of names

    def __init__(
        self,
        fmt: TableFormat[C],
        set_number: int,
        way: int,
        key: tuple[int, int, int],
        walk: Walk,
        path: tuple[WalkEntry, ...],
        controls: C,
        used: int,
    ) -> None:
        self.fmt = fmt
        self.set = set_number
        self.way = way
        self.key = key
        self.size = walk.page_size
        self.va = walk.va & -self.size
        assert walk.pa is not None, "the walk went through"
        self.pa = walk.pa & -self.size
        self.walk = walk
        """The walk that it is from."""
        self.path = path
        """The descriptors on the way, with what the hardware set in them."""
        self.used = used
        """When it was used last, by the TLB's count."""
        self.rights = walk.rights
        self._permissions = walk.permissions
        self._judge_under(controls)

    def _read_under(self, controls: C) -> None:
        """Gather the rights as these settings of the processor have them."""
        rights = Rights()
        for at in self.path:
            rights = self.fmt.rules.narrow(rights, at.descriptor, at.word, controls)
        self.rights, self._permissions = rights, None
        self._judge_under(controls)

    def _judge_under(self, controls: C) -> None:
        leaf = self.path[-1]
        self.pending = self.fmt.rules.accessed(leaf.descriptor, True, controls) & ~leaf.word
        """What the hardware still has to set in the last descriptor before a write goes through."""
        self._controls = controls
        self._judged: dict[tuple[Access, bool], Stop | None] = {}
        self._value: TlbEntry | None = None

    @property
    def asid(self) -> int | None:
        """The address space that it is for; None for a global entry."""
        return None if self.key[2] < 0 else self.key[2]

    def covers(self, va: int) -> bool:
        """Whether `va` is in its page."""
        return self.va <= va < self.va + self.size

    def forbids(self, access: Access, user: bool, controls: C) -> Stop | None:
        """Whether what it keeps forbids an access, with the processor set as it is now; O(1) the second time."""
        if controls is not self._controls and controls != self._controls:
            self._read_under(controls)
        case = (access, user)
        if case not in self._judged:
            self._judged[case] = self.fmt.rules.check_access(self.path, self.rights, access, user, controls)
        return self._judged[case]

    @property
    def permissions(self) -> Permissions:
        """What each side may do, under the settings that it was last judged with."""
        if self._permissions is None:
            self._permissions = Permissions(self._allowed(False), self._allowed(True))
        return self._permissions

    def _allowed(self, user: bool) -> Permission:
        return Permission(*(self.forbids(one, user, self._controls) is None for one in get_args(Access)))

    @property
    def value(self) -> TlbEntry:
        """The entry as a frozen value."""
        if self._value is None:
            self._value = TlbEntry(
                self.set, self.way, self.va, self.pa, self.size, self.asid, self.permissions, not self.pending
            )
        return self._value


# ---- tlb stale ---------------------------------------------------------------------------------
#
# Stale translations: what a TLB keeps, beside what a walk of the tables gives now.


_BARRED = ("protection", "domain")
"""Faults of an access that is not allowed, where there is a translation nevertheless."""


def differences(memory: WordReader, line: TlbLine[C], root: int, controls: C) -> tuple[Difference, ...]:
    """In what an entry differs from a fresh walk of the tables at `root`; empty if it is not stale.  O(levels).

    Only what matters counts: a dirty bit that the tables have and the entry has not costs a walk and does no harm;
    the other way round, writes would go unnoticed.  That is not asked of global entries: their descriptor may have a
    copy in each space, and which one was marked depends on which was loaded.
    """
    now = walk(memory, line.fmt, root, line.va, "read", line.rights.user, controls)
    if now.fault is not None and now.fault.kind not in _BARRED:
        return (Difference("mapping", f"physical {Address(line.pa)}", f"{now.fault.kind}: {now.fault.why}"),)
    found: list[Difference] = []
    assert now.permissions is not None, "a page was found"
    address = now.steps[-1].address | line.va & now.page_size - 1
    _compare(found, "address", Address(line.pa), Address(address))
    _compare(found, "page size", binary_size(line.size), binary_size(now.page_size))
    line.forbids("read", False, controls)  # so that its rights are those of these settings
    _compare(found, "rights", _told(line.permissions), _told(now.permissions))
    path = path_of(line.fmt, replace(now, sets=()), controls)
    _compare(found, "global", _whose(line.asid is None), _whose(line.fmt.rules.is_global(path)))
    unmarked = line.fmt.rules.accessed(path[-1].descriptor, True, controls) & ~path[-1].word
    if line.asid is not None and not line.pending and unmarked and not found:
        found.append(Difference("dirty", "a page that was written to", "one that was not"))
    return tuple(found)


def _compare(found: list[Difference], what: str, kept: object, now: object) -> None:
    if kept != now:
        found.append(Difference(what, str(kept), str(now)))


def _told(may: Permissions) -> str:
    return f"supervisor {may.supervisor}, user {may.user}"


def _whose(everybodys: bool) -> str:
    return "all spaces" if everybodys else "one space"


# ---- tlb ---------------------------------------------------------------------------------------


GLOBAL = -1
"""What a global entry has in place of an address space's number."""


Key = tuple[int, int, int]
"""log2 of a page's size, the address divided by it, the address space."""


Stale = Callable[[TlbLine[C]], tuple[Difference, ...]]
"""In what an entry differs from the tables."""


class Tlb(Generic[C]):
    """`sets` sets (a power of two) of `ways` ways, each way for a page of any size of the format.

    A page of size s at va belongs to set (va / s) mod `sets`.

    >>> from vmwidgets.engine.mmu.formats.x86 import X86_64
    >>> Tlb(X86_64, sets=16, ways=4)
    <TLB of 16 sets and 4 ways: 0 entries, 0 hits, 0 misses>
    """

    __slots__ = ("_clock", "_index", "_rows", "_shifts", "evictions", "flushed", "fmt", "hits", "misses", "ways")

    def __init__(self, fmt: TableFormat[C], *, sets: int = 16, ways: int = 4) -> None:
        if sets < 1 or sets & sets - 1 or ways < 1:
            raise Refused(f"a TLB of {sets} sets and {ways} ways: sets are a power of two, and there is a way at least")
        self.fmt = fmt
        self.ways = ways
        self.hits = self.misses = self.evictions = self.flushed = 0
        self._rows: list[list[TlbLine[C] | None]] = [[None] * ways for _ in range(sets)]
        self._index: dict[Key, TlbLine[C]] = {}
        self._shifts: dict[int, int] = {}
        """How many entries there are of each page size, by its log2; smallest first."""
        self._clock = 0

    @property
    def sets(self) -> int:
        """How many sets there are."""
        return len(self._rows)

    # ---- looking something up ----------------------------------------------------------------

    def lookup(self, va: int, asid: int) -> TlbLine[C] | None:
        """What is kept for `va` in address space `asid`, counted and now the last used of its set; O(page sizes)."""
        line = self.peek(va, asid)
        if line is None:
            self.misses += 1
            return None
        self.hits += 1
        self._clock += 1
        line.used = self._clock
        return line

    def peek(self, va: int, asid: int) -> TlbLine[C] | None:
        """The same, without a trace."""
        index = self._index
        for shift in self._shifts:
            page = va >> shift
            line = index.get((shift, page, asid)) or index.get((shift, page, GLOBAL))
            if line is not None:
                return line
        return None

    # ---- filling -----------------------------------------------------------------------------

    def fill(self, walk: Walk, asid: int, controls: C) -> tuple[TlbLine[C], TlbLine[C] | None]:
        """Keep the result of a walk that went through; also what went for it: an older one, or the set's last used.

        The bits that the hardware sets on the way (accessed, dirty) count as set.
        """
        if walk.fault is not None:
            raise Refused(f"{walk!r}: nothing is kept of a walk that faults")
        path = path_of(self.fmt, walk, controls)
        shift = walk.page_size.bit_length() - 1
        page = walk.va >> shift
        key = (shift, page, GLOBAL if self.fmt.rules.is_global(path) else asid)
        row = self._rows[page & self.sets - 1]
        before = self._index.get(key)
        way = before.way if before is not None else self._way_for(row)
        gone = row[way]
        if gone is not None:
            self._forget(gone)
            self.evictions += before is None
        self._clock += 1
        line = TlbLine(self.fmt, page & self.sets - 1, way, key, walk, path, controls, self._clock)
        row[way] = line
        self._index[key] = line
        self._count(shift, 1)
        return line, gone

    def _way_for(self, row: list[TlbLine[C] | None]) -> int:
        """An empty way, or the one that was not used for longest."""
        ages = [-1 if line is None else line.used for line in row]
        return ages.index(min(ages))

    # ---- dropping ----------------------------------------------------------------------------

    def drop(self, va: int, asid: int | None) -> list[TlbLine[C]]:
        """Drop what is kept for `va` in address space `asid` (None: in any), global or not; O(page sizes)."""
        index = self._index
        if asid is None or not index:
            return self.drop_those(lambda line: line.covers(va))
        keys = [(shift, va >> shift, which) for shift in self._shifts for which in (asid, GLOBAL)]
        return self._drop([index[key] for key in keys if key in index])

    def drop_range(self, start: int, end: int, asid: int | None) -> list[TlbLine[C]]:
        """Drop what is kept for some of [start, end) in address space `asid` (None: in any), global or not."""

        def chosen(line: TlbLine[C]) -> bool:
            touched = line.va < end and start < line.va + line.size
            return touched and (asid is None or line.asid in (asid, None))

        return self.drop_those(chosen)

    def drop_space(self, asid: int) -> list[TlbLine[C]]:
        """Drop all that is kept for address space `asid`, but not what is global."""
        return self.drop_those(lambda line: line.asid == asid)

    def drop_all(self, *, globals_too: bool) -> list[TlbLine[C]]:
        """Drop everything, or everything but what is global."""
        return self.drop_those(lambda line: globals_too or line.asid is not None)

    def drop_those(self, chosen: Callable[[TlbLine[C]], bool]) -> list[TlbLine[C]]:
        """Drop what `chosen` says, in the order of sets and ways; O(entries)."""
        return self._drop([line for line in self if chosen(line)]) if self._index else []

    def _drop(self, lines: list[TlbLine[C]]) -> list[TlbLine[C]]:
        for line in lines:
            self._rows[line.set][line.way] = None
            self._forget(line)
        self.flushed += len(lines)
        return lines

    def _forget(self, line: TlbLine[C]) -> None:
        del self._index[line.key]
        self._count(line.key[0], -1)

    def _count(self, shift: int, change: int) -> None:
        counts = self._shifts
        now = counts.get(shift, 0) + change
        if now and shift in counts:
            counts[shift] = now
        else:
            counts[shift] = now
            self._shifts = {one: counts[one] for one in sorted(counts) if counts[one]}

    # ---- looking -----------------------------------------------------------------------------

    def __iter__(self) -> Iterator[TlbLine[C]]:
        """What is kept, by set and way."""
        return (line for row in self._rows for line in row if line is not None)

    def __len__(self) -> int:
        return len(self._index)

    def value(self, stale: Stale[C]) -> TlbValue:
        """All of it as a frozen value; `stale` says in what an entry differs from the tables."""
        rows = tuple(self._row_value(row, stale) for row in self._rows)
        return TlbValue(self.sets, self.ways, rows, self.hits, self.misses, self.evictions, self.flushed)

    def _row_value(self, row: list[TlbLine[C] | None], stale: Stale[C]) -> tuple[TlbSlot | None, ...]:
        by_use = sorted((line.used for line in row if line is not None), reverse=True)
        return tuple(
            None if line is None else TlbSlot(line.value, by_use.index(line.used), stale(line)) for line in row
        )

    def check(self) -> None:
        """Raise :class:`.errors.Broken` unless the numbered invariants hold."""
        lines = list(self)
        if {line.key: id(line) for line in lines} != {key: id(line) for key, line in self._index.items()}:
            raise Broken(f"1. what is found is what stands in a way: {len(lines)} stand there, {len(self)} are found")
        for line in lines:
            if self._rows[line.set][line.way] is not line or line.set != line.key[1] & self.sets - 1:
                raise Broken(f"2. an entry stands in the set of its address: {Address(line.va)} is in set {line.set}")
        if len({line.used for line in lines}) != len(lines):
            raise Broken("3. no two entries were used at the same time")
        counted = {shift: sum(line.key[0] == shift for line in lines) for shift in sorted(self._shifts)}
        if counted != self._shifts or 0 in counted.values():
            raise Broken(f"4. the page sizes that are looked for are those that are there: {self._shifts}, {counted}")

    def __repr__(self) -> str:
        counts = f"{len(self):,} entries, {self.hits:,} hits, {self.misses:,} misses"
        return f"<TLB of {self.sets:,} sets and {self.ways:,} ways: {counts}>"
