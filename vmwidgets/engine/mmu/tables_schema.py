"""What views and graders see of a page-table walk: frozen values, decoded as the manual names them.

They are made by :mod:`vmwidgets.engine.mmu.walk`, which reads nothing but memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import fields
from functools import cached_property
from typing import Any, NamedTuple, TypeVar

from ..base.errors import in_ascii
from ..base.event import Event
from ..base.frozen import frozen
from ..base.units import Address


class Rights(NamedTuple):
    """What a descriptor, or a whole walk, lets pass: what user code may where it may enter, else the supervisor.

    Where the two may do different things (ARM has such pages), :class:`Permissions` has both.
    """

    read: bool = True
    write: bool = True
    execute: bool = True
    user: bool = True


class Permission(NamedTuple):
    """What one side may do with a page, everything taken together."""

    read: bool
    write: bool
    execute: bool

    @in_ascii
    def __str__(self) -> str:
        return "".join(letter if may else "-" for letter, may in zip("rwx", self, strict=True))


class Permissions(NamedTuple):
    """What each side may do with a page that a walk found."""

    supervisor: Permission
    user: Permission


@frozen
class Field:
    """Bits [low, high] of a word, under the name the manual gives them."""

    name: str
    low: int
    high: int
    meaning: str

    def of(self, word: int) -> int:
        """The field's value in `word`."""
        return word >> self.low & (1 << self.high - self.low + 1) - 1

    @property
    def mask(self) -> int:
        """The field's bits, set."""
        return (1 << self.high + 1) - (1 << self.low)


class FieldValue(NamedTuple):
    """A field and what it holds."""

    field: Field
    value: int


def decode(fields: tuple[Field, ...], word: int) -> tuple[FieldValue, ...]:
    """The fields of `word` with their values."""
    return tuple(FieldValue(field, field.of(word)) for field in fields)


@frozen
class Step:
    """One descriptor that the walk read."""

    level: int
    """1 for the tables that map the smallest pages; the root has the highest."""
    name: str
    """The manual's name of a descriptor at this level, such as ``"PDE"``."""
    table: int
    """Physical address of the table."""
    index_bits: tuple[int, int]
    """Highest and lowest bit of the virtual address that make the index."""
    index: int
    pa: int
    """Physical address of the descriptor."""
    value: int
    kind: str
    """``"table"``, ``"leaf"``, ``"invalid"`` or ``"reserved"``."""
    layout: str
    """What the descriptor is, in words: ``"PDE of a 2 MiB page"``."""
    section: str
    """The manual's section that says so."""
    fields: tuple[Field, ...]
    address: int
    """The next table's, or the page's, physical address; 0 when there is none."""
    rights: Rights
    """What all descriptors up to this one let pass."""

    @property
    def decoded(self) -> tuple[FieldValue, ...]:
        """The descriptor's fields with their values."""
        return decode(self.fields, self.value)


@frozen
class Syndrome:
    """A register with more about a fault than its code."""

    register: str
    """The manual's name, such as ``"ESR_EL1"``."""
    value: int
    fields: tuple[Field, ...]

    @property
    def decoded(self) -> tuple[FieldValue, ...]:
        """The register's fields with their values."""
        return decode(self.fields, self.value)


@frozen(slots=False)
class Fault:
    """Why a walk gave no address."""

    kind: str
    """``"not-present"``, ``"protection"``, ``"reserved"``, ``"access-flag"``, ``"domain"``, ``"address-size"``,
    ``"non-canonical"`` or ``"bus-error"``."""
    level: int | None
    """Level of the descriptor at which the walk stopped; None if it read none."""
    code: int | None
    """What the processor reports; None when no memory answered a table's address."""
    exception: str
    """The exception the processor raises, such as ``"#PF"``."""
    why: str
    """One sentence."""
    code_fields: tuple[Field, ...] = ()
    syndrome: Syndrome | None = None
    """The register with more about it, where the architecture has one."""

    @property
    def decoded(self) -> tuple[FieldValue, ...]:
        """The code's fields with their values."""
        return decode(self.code_fields, self.code or 0)

    @cached_property
    def code_words(self) -> str:
        """The code with the names of its fields, as every picture has it; its number where a register says more.

        >>> Fault("not-present", 4, 2, "#PF", "", (Field("P", 0, 0, ""), Field("W/R", 1, 1, ""))).code_words
        '2 = W/R'
        """
        code = self.code or 0
        if not code or len(self.code_fields) == 1 or self.syndrome is not None:
            return f"{code}"
        number = f"{code}" if code < 10 else f"{code:#x}"  # a row of bits, as in `fault_line`
        return f"{number} = {named_fields(self.decoded)}"


def named_fields(decoded: Iterable[FieldValue]) -> str:
    """The fields of a code that are not 0: flags by name, others with their number."""
    words = [
        value.field.name if value.field.low == value.field.high else f"{value.field.name}={value.value:#x}"
        for value in decoded
        if value.value
    ]
    return " ".join(words) or "none set"


W = TypeVar("W", bound="Walk")


@frozen(repr=False)
class Walk:
    """What the hardware did with one virtual address: every step, and the physical address or the fault."""

    format: str
    root: int
    va: int
    access: str
    """``"read"``, ``"write"`` or ``"execute"``."""
    user: bool
    steps: tuple[Step, ...]
    rights: Rights
    """What the descriptors together let pass."""
    page_size: int
    """Bytes of the page found; 0 if none was."""
    pa: int | None
    fault: Fault | None
    sets: tuple[int, ...] = ()
    """For each step, the bits that the hardware sets in the descriptor and that are not set yet (accessed, dirty)."""
    permissions: Permissions | None = None
    """What each side may do with the page that was found, by this access or any other; None if none was."""
    word_bits: int = 64
    """Bits of an address in a register."""

    @property
    def fault_line(self) -> str:
        """Say what the hardware says to the access, in one line: the fault's kind, exception and code, or "no fault".

        >>> import vmwidgets as vm
        >>> vm.boot("x86-64").task("init").walk("1 MiB", "write").fault_line
        'not-present, #PF 0x6 (W/R, U/S)'
        >>> vm.boot("armv7").task("init").walk("1 MiB").fault_line
        'not-present, Data Abort 5'
        """
        fault = self.fault
        if fault is None:
            return "no fault"
        if fault.code is None:
            return f"{fault.kind}, {fault.exception}"
        if len(fault.code_fields) == 1:  # a number, and no row of bits
            return f"{fault.kind}, {fault.exception} {fault.code}"
        names = ", ".join(bit.field.name for bit in fault.decoded if bit.value)
        return f"{fault.kind}, {fault.exception} {fault.code:#x}" + (f" ({names})" if names else "")

    @classmethod
    def of(cls: type[W], found: Walk, **more: Any) -> W:
        """The walk `found` as a walk of this class, with `more` fields; addresses print in hexadecimal."""
        values = {part.name: getattr(found, part.name) for part in fields(Walk)}
        pa = None if found.pa is None else Address(found.pa)
        return cls(**{**values, "va": Address(found.va), "pa": pa, **more})

    @in_ascii
    def __repr__(self) -> str:
        who = "user" if self.user else "supervisor"
        way = " → ".join(f"{step.name}[{step.index}]" for step in self.steps)
        end = (
            f"physical {Address(self.pa)}"
            if self.pa is not None
            else f"{self.fault.exception} ({self.fault.kind})"
            if self.fault
            else ""
        )
        return f"<walk of {Address(self.va)}, {who} {self.access}: {way or 'no table'} → {end}>"

    @property
    def ok(self) -> bool:
        """Return whether the access would succeed."""
        return self.fault is None

    @property
    def offset(self) -> int:
        """The address's offset in its page; 0 if no page was found."""
        return self.va & self.page_size - 1 if self.page_size else 0


# ---- a window: the tables that are open --------------------------------------------------------


class IndexBits(NamedTuple):
    """Which bits of an address choose the descriptor at one level."""

    level: int
    name: str
    """The manual's name of the table."""
    high: int
    low: int


@frozen
class AddressSplit:
    """How a format cuts an address: the indices, from the root's down; the rest is the offset.

    `va_bits` are translated, of the `word_bits` of a register.
    """

    parts: tuple[IndexBits, ...]
    word_bits: int
    va_bits: int
    signed: bool = True
    """Whether the bits above repeat the highest translated one; else they choose the root."""


@frozen
class WindowRow:
    """Neighbouring slots of an open table that are one thing: a descriptor, a run of pages, or a fold."""

    first: int
    """Index of the first slot."""
    count: int
    """How many slots."""
    va: int
    """What the first slot is for."""
    kind: str
    """``"leaf"``, ``"table"``, ``"reserved"``, ``"window"`` (a table above, seen as one below), ``"invalid"``, or
    ``"fold"``: rows that are not shown."""
    pa: int = 0
    """Physical address of the first descriptor."""
    word: int = 0
    address: int = 0
    """What the first descriptor refers to."""
    size: int = 0
    """Bytes of one page; 0 where there is none."""
    pages: int = 0
    """How many pages; a fold's together."""
    page_slots: int = 0
    """How many slots these pages fill."""
    tables: int = 0
    """How many tables; a fold's together."""
    reserved: int = 0
    """How many descriptors that are present, and that the processor takes for none; a fold's together."""
    layout: str = ""
    """What the descriptor is, in words."""
    section: str = ""
    """The manual's section that says so."""
    rights: str = ""
    """What the descriptor lets pass, by itself: ``"rwx user"``."""
    fields: tuple[Field, ...] = ()
    repeated: int = 1
    """How many slots each descriptor fills."""
    is_lent: bool = False
    """Whether it is the kernel's, and this space has it lent."""

    @property
    def bytes(self) -> int:
        """Bytes that the pages of this row map."""
        return self.size * self.pages

    @property
    def end(self) -> int:
        """Index of the slot after the last."""
        return self.first + self.count


@frozen
class OpenTable:
    """One table that is open: where it lies, what it covers, its rows."""

    level: int
    name: str
    """The manual's name, such as ``"PD"``."""
    pa: int
    va: int
    """The first address that it is for."""
    span: int
    """Bytes of virtual memory that one slot covers."""
    entries: int
    present: int
    """How many slots hold something."""
    rows: tuple[WindowRow, ...]
    unreadable: str = ""
    """Why it can't be read, where it lies outside of memory."""
    parent: tuple[int, int] | None = None
    """Level and physical address of the slot that refers to it; None for a root."""
    skipped: int = 0
    """How many slots at its beginning no address comes to: the other root has those (ARM)."""
    is_lent: bool = False
    """Whether all of it is the kernel's, and this space has it lent."""
    unread: tuple[range, ...] = ()
    """Slots that may hold something that can't be read: a text does not have their descriptors."""


@frozen
class TableWindow:
    """Part of one address space's tables: those that are open, the roots first, each before those below it."""

    name: str
    format: str
    base_register: str
    root: int
    split: AddressSplit
    entry_width: int
    tables: tuple[OpenTable, ...]
    words_read: int
    """How many descriptors were looked at to make this: the cost."""

    def row(self, pa: int) -> WindowRow | None:
        """The row in which the descriptor at `pa` is, or None."""
        width = self.entry_width
        rows = (row for table in self.tables for row in table.rows if row.kind != "fold")
        return next((row for row in rows if row.pa <= pa < row.pa + row.count * width), None)


# ---- page tables and faults ------------------------------------------------------------------


class PteWritten(Event, changes=True):
    """A descriptor at physical address `pa`, at `level` of the tables, was written."""

    pa: int
    before: int
    after: int
    level: int
    va: int


class PageMarked(Event):
    """An access to `va` set bits of the page in its tables: the reference bit, the dirty bit, or both.

    The written descriptor is in an earlier :class:`PteWritten`.
    """

    va: int
    referenced: bool
    dirty: bool


class PteRunWritten(Event, changes=True):
    """`count` descriptors in a row, `width` bytes apart from physical address `pa` on, were written.

    Number i held `before` + i × `before_step`, and holds `after` + i × `after_step`: a run of pages is one event.
    """

    pa: int
    count: int
    width: int
    before: int
    before_step: int
    after: int
    after_step: int
    level: int
    va: int

    def words(self) -> Iterator[tuple[int, int, int]]:
        """Of each descriptor its address, what it held, and what it holds.

        >>> list(PteRunWritten(0x1000, 2, 4, 0, 0, 0x503E, 0x1000, 1, 0).words())
        [(4096, 0, 20542), (4100, 0, 24638)]
        """
        for number in range(self.count):
            before, after = self.before + number * self.before_step, self.after + number * self.after_step
            yield self.pa + number * self.width, before, after


def words_written(events: Iterable[Event]) -> dict[int, tuple[int, int]]:
    """By physical address: of each descriptor that these events wrote, what it held before and after.

    >>> words_written([PteWritten(8, 0, 1, 1, 0), PteRunWritten(8, 2, 8, 1, 0, 5, 0, 1, 0)])
    {8: (0, 5), 16: (1, 5)}
    """
    found: dict[int, tuple[int, int]] = {}
    for event in events:
        words: Iterable[tuple[int, int, int]] = ()
        if isinstance(event, PteWritten):
            words = ((event.pa, event.before, event.after),)
        elif isinstance(event, PteRunWritten):
            words = event.words()
        for pa, before, after in words:
            found[pa] = found.get(pa, (before, after))[0], after
    return found


class FaultRaised(Event, role="faults"):
    """The walk of `va` stopped: `kind` and the processor's error code; `words` is the code with its fields' names."""

    va: int
    kind: str
    code: int
    words: str
