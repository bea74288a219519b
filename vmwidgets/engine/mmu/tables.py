"""Page tables without a machine: memory, a format and a root are enough to walk them and to show them.

Pictures are drawn from :meth:`PageTables.window`: the open tables, with the shown rows of each.  The cost depends on
the number of open tables, never on the number of all tables: each open table is read once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import field
from itertools import compress, groupby
from operator import index
from struct import unpack
from typing import Any, Generic, NamedTuple

from ..base.errors import Refused, in_ascii, shown
from ..base.frozen import frozen
from ..base.units import Address, parse_address
from ..memory.ram import BusError
from .format import TableFormat
from .levels import Descriptor, Level
from .rules import Access, C
from .tables_schema import OpenTable, TableWindow, Walk, WindowRow, rights_in_words
from .walk import Memory, walk


class PageTables(Generic[C]):
    """Tables of one address space in `memory`, walked with `controls`.

    From the address `kernel_from` on, slots are lent: they belong to the kernel and are the same in all spaces.

    >>> from vmwidgets.engine.memory.ram import Ram
    >>> from vmwidgets.engine.mmu.formats.x86 import X86_64
    >>> PageTables("nothing", Ram(1 << 20), X86_64, 0x1000).walk(0x20_0000).fault.kind
    'not-present'
    """

    def __init__(
        self,
        name: str,
        memory: Memory,
        fmt: TableFormat[C],
        root: int,
        controls: C | None = None,
        about: str = "",
        kernel_from: int | None = None,
    ) -> None:
        self.name = name
        self.memory = memory
        self.fmt = fmt
        self.root = Address(root)
        self.controls: C = fmt.defaults if controls is None else controls
        self.about = about
        self.kernel_from = kernel_from

    @property
    def format(self) -> str:
        """The format's name."""
        return self.fmt.name

    def walk(self, address: int | str, access: Access = "read", *, user: bool | None = None) -> TablesWalk:
        """Return what the hardware does for one access to `address`, level by level.

        An address given as text is parsed by :func:`.units.parse_address`.  `user` says whether user code makes the
        access; by default, user code makes the access if the tables allow it.
        """
        va = _number(address)
        by_user = self._lets_users_in(va, access) if user is None else user
        return TablesWalk.of(walk(self.memory, self.fmt, self.root, va, access, by_user, self.controls), tables=self)

    def window(self, shown: Shown) -> TableWindow:
        """Return the open tables, with their rows; the roots are always open.  O(slots of open tables)."""
        return _Look(self, shown).window()

    def unread(self, table: int) -> Sequence[range]:
        """The slots of the table at `table` whose contents may be unreadable; only tables from a text have any."""
        return ()

    def _lets_users_in(self, va: int, access: Access) -> bool:
        found = walk(self.memory, self.fmt, self.root, va, access, True, self.controls)
        return found.ok or (bool(found.page_size) and found.rights.user)

    @in_ascii
    def __repr__(self) -> str:
        about = f", {self.about}" if self.about else ""
        return f"<{self.name}: {self.format} tables, {self.fmt.base_register} {self.root}{about}>"


def _number(address: object) -> int:
    """Return the number for an address, which is an integer or a text."""
    try:
        if isinstance(address, str):
            return parse_address(address)
        if not isinstance(address, bool):
            return index(address)  # type: ignore[arg-type]  # whatever it is, it says whether it is a number
    except TypeError:
        pass
    except ValueError as error:
        raise Refused(f"address={error}") from None
    raise Refused(f"address={shown(address)}: pass an integer, or a string such as '0x40_1000'") from None


@frozen(slots=False, repr=False)
class TablesWalk(Walk):
    """A walk in tables without a machine; two walks are equal if the hardware did the same in both."""

    tables: PageTables[Any] | None = field(default=None, repr=False, compare=False)


TableKey = tuple[int, int]
"""A table by its place in the tree: its level, and the first address."""

MOST_OPEN = 16
"""The most tables that are open at a time, including the roots."""


@frozen(slots=False)
class Shown:
    """The tables to show, by key, and the parts of each to show.

    `expanded` are physical addresses of descriptors whose run of pages is shown slot by slot; `centres` are slots, by
    table, around which rows are shown; `marked` are addresses of descriptors that are always shown.
    """

    opened: Collection[TableKey] = ()
    expanded: Collection[int] = ()
    centres: Mapping[TableKey, int] = field(default_factory=dict)
    marked: Collection[int] = ()
    rows: int = 10
    """The number of rows of a table, folds not counted."""


class _Slot(NamedTuple):
    number: int
    pa: int
    word: int
    descriptor: Descriptor
    kind: str
    effective: int
    """The address that the slot maps; for a copy of a repeated descriptor, the address of its part of the page."""

    def continues(self, before: _Slot, level: Level) -> bool:
        """Return whether the slot continues the mapping of the slot `before` in the same way."""
        return (
            before.kind == "leaf"
            and self.descriptor is before.descriptor
            and self.number == before.number + 1
            and self.effective == before.effective + level.span
            and (self.word ^ before.word) & ~before.descriptor.address_mask == 0
        )


class _Look:
    """The work for one window: it reads the open tables, and chooses the rows to show."""

    def __init__(self, tables: PageTables[Any], shown: Shown) -> None:
        self.tables = tables
        self.fmt: TableFormat[Any] = tables.fmt
        self.shown = shown
        self.words = 0
        """The number of descriptors that were read."""

    def window(self) -> TableWindow:
        """Return the open tables."""
        fmt, tables = self.fmt, self.tables
        found: list[OpenTable] = []
        for root in fmt.roots(tables.root, tables.controls):
            skip = root.first - root.base >> root.level.shift
            found += self._open(root.level, root.table, root.base, None, (), MOST_OPEN - len(found), skip)
        split = fmt.address_split(tables.controls)
        return TableWindow(
            tables.name, fmt.name, fmt.base_register, tables.root, split, fmt.entry_width, tuple(found), self.words
        )

    def _open(
        self,
        level: Level,
        table: int,
        va: int,
        parent: TableKey | None,
        above: tuple[int, ...],
        room: int,
        skip: int = 0,
    ) -> list[OpenTable]:
        """Return this table, without its first `skip` slots, and the open tables below it; at most `room` tables."""
        above = (*above, table)
        begin = va + skip * level.span
        try:
            slots = [slot for slot in self._slots(level, table, above) if slot.number >= skip]
        except BusError as error:
            return [self._value(level, table, begin, parent, (), 0, skip, f"{error}")]
        below: list[OpenTable] = []
        inner: list[int] = []
        for slot in slots:
            if slot.kind not in ("table", "window") or level.number == 1:
                continue
            first = self._register(va + slot.number * level.span)
            if (level.number - 1, first) in self.shown.opened and room - len(below) > 1:
                inner.append(slot.pa)
                following = self.fmt.level(level.number - 1)
                address, key = slot.descriptor.address_of(slot.word), (level.number, slot.pa)
                below += self._open(following, address, first, key, above, room - 1 - len(below))
        rows = list(self._rows(level, va, slots))
        kept = self._fold(rows, (level.number, begin), inner)
        present = sum(slot.kind != "invalid" for slot in slots)
        return [self._value(level, table, begin, parent, kept, present, skip), *below]

    def _slots(self, level: Level, table: int, above: Collection[int]) -> list[_Slot]:
        """Return the slots of a table that are not empty or are marked.  One read."""
        width, marked = self.fmt.entry_width, self.shown.marked
        count = level.entries
        data = self.tables.memory.read(table, count * width)
        self.words += count
        words: Sequence[int]
        if width in (4, 8):
            words = unpack(f"<{count}{'I' if width == 4 else 'Q'}", data)
        else:  # on paper, an entry has any number of bytes
            size = len(data) // count
            words = [int.from_bytes(data[at : at + size], "little") for at in range(0, len(data), size)]
        read_as, controls = self.fmt.rules.read_as, self.tables.controls
        wanted = {(pa - table) // width for pa in marked if pa in range(table, table + count * width, width)}
        found = []
        for place in sorted(wanted.union(compress(range(count), words))):
            word = words[place]
            descriptor = read_as(level, word, controls)
            if descriptor.kind == "invalid" and place not in wanted:
                continue
            address = descriptor.address_of(word)
            kind = "window" if descriptor.kind == "table" and address in above else descriptor.kind
            copies = level.copies_of(descriptor)
            effective = address + place % copies * level.span
            found.append(_Slot(place, table + place * width, word, descriptor, kind, effective))
        return found

    def _value(
        self,
        level: Level,
        table: int,
        va: int,
        parent: TableKey | None,
        rows: tuple[WindowRow, ...],
        present: int,
        skipped: int,
        unreadable: str = "",
    ) -> OpenTable:
        return OpenTable(
            level.number,
            level.table_name,
            table,
            va,
            level.span,
            level.entries,
            present,
            rows,
            unreadable,
            parent,
            skipped,
            self._is_lent(va),
            () if unreadable else tuple(self.tables.unread(table)),
        )

    def _is_lent(self, va: int) -> bool:
        return self.tables.kernel_from is not None and va >= self.tables.kernel_from

    def _register(self, va: int) -> int:
        return self.fmt.as_register(va, self.tables.controls)

    # ---- rows --------------------------------------------------------------------------------

    def _rows(self, level: Level, va: int, slots: list[_Slot]) -> Iterator[WindowRow]:
        """Yield runs of slots that continue each other; expanded runs page by page."""
        start = 0
        for end in range(1, len(slots) + 1):
            if end < len(slots) and slots[end].continues(slots[end - 1], level):
                continue
            run = slots[start:end]
            copies = level.copies_of(run[0].descriptor)
            if run[0].pa in self.shown.expanded and len(run) > copies:
                for at in range(0, len(run), copies):
                    yield self._row(level, va, run[at : at + copies])
            else:
                yield self._row(level, va, run)
            start = end

    def _row(self, level: Level, va: int, run: list[_Slot]) -> WindowRow:
        slot = run[0]
        descriptor = slot.descriptor
        copies = level.copies_of(descriptor)
        is_leaf = slot.kind == "leaf"
        begin, rules = self._register(va + slot.number * level.span), self.fmt.rules
        return WindowRow(
            first=slot.number,
            count=len(run),
            va=begin,
            kind=slot.kind,
            pa=slot.pa,
            word=slot.word,
            address=descriptor.address_of(slot.word),
            size=level.span_of(descriptor) if is_leaf else 0,
            pages=max(1, len(run) // copies) if is_leaf else 0,
            page_slots=len(run) if is_leaf else 0,
            tables=int(slot.kind in ("table", "window")),
            reserved=len(run) if slot.kind == "reserved" else 0,
            layout=descriptor.name,
            section=descriptor.section,
            rights=rights_in_words(rules.rights_of(descriptor, slot.word), rules.without) if is_leaf else "",
            fields=descriptor.fields,
            repeated=copies,
            is_lent=slot.kind != "window" and self._is_lent(begin),
        )

    def _fold(self, rows: list[WindowRow], key: TableKey, inner: Collection[int]) -> tuple[WindowRow, ...]:
        """Return the shown rows, with folds that count the hidden rows.

        The kernel's rows are folded separately from the space's own rows, and completely unless the table's centre is
        among them.
        """
        width, shown = self.fmt.entry_width, self.shown
        marked = {row.pa for row in rows if row.pa in inner or _holds(row, shown.marked, width)}
        parts = [list(part) for _, part in groupby(rows, key=lambda row: row.is_lent)]
        centre = shown.centres.get(key)
        found: list[WindowRow] = []
        for part in parts:
            looked_at = centre is not None and part[0].first <= centre < part[-1].end
            if len(parts) > 1 and part[0].is_lent and not looked_at:
                kept = [number for number, row in enumerate(part) if row.pa in marked]
            else:
                room = shown.rows if looked_at or centre is None or len(parts) == 1 else shown.rows // 2
                kept = _kept(part, centre if looked_at or len(parts) == 1 else None, marked, room)
            found += _with_folds(part, kept)
        return tuple(found)


def _kept(rows: list[WindowRow], centre: int | None, marked: Collection[int], most: int) -> list[int]:
    """Choose about `most` of one owner's rows to show: rows around slot `centre`, marked rows, and the first row."""
    if len(rows) <= most:
        return list(range(len(rows)))
    needed = {number for number, row in enumerate(rows) if row.pa in marked}
    first = 0
    if centre is not None:
        first = next((number for number, row in enumerate(rows) if row.first + row.count > centre), len(rows) - 1)
    elif needed:
        first = max(0, min(needed) - 2)
    room = max(3, most - len(needed))
    return sorted(needed | {0} | set(range(first, min(len(rows), first + room))))


def _holds(row: WindowRow, marked: Collection[int], width: int) -> bool:
    return any(row.pa <= pa < row.pa + row.count * width for pa in marked)


def _with_folds(rows: list[WindowRow], kept: list[int]) -> Iterator[WindowRow]:
    done = 0
    for number in [*kept, len(rows)]:
        if number - done == 1:  # a fold takes as much room as the row it hides
            yield rows[done]
        elif number > done:
            yield _folded(rows[done:number])
        if number < len(rows):
            yield rows[number]
        done = number + 1


def _folded(rows: list[WindowRow]) -> WindowRow:
    last = rows[-1]
    return WindowRow(
        rows[0].first,
        last.first + last.count - rows[0].first,
        rows[0].va,
        "fold",
        pages=sum(row.pages for row in rows),
        page_slots=sum(row.page_slots for row in rows),
        tables=sum(row.tables for row in rows),
        reserved=sum(row.reserved for row in rows),
        is_lent=rows[0].is_lent,
    )
