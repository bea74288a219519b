"""The values that views and graders receive for a page-table walk, decoded with the manual's names.

:mod:`vmwidgets.engine.mmu.walk` creates them, and reads nothing but memory.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import fields
from functools import cached_property
from typing import Any, NamedTuple, TypeVar

from ..base.errors import in_ascii
from ..base.event import Event
from ..base.frozen import frozen
from ..base.units import Address

NOWHERE = 1 << 64
"""The first address of a table without an address: on paper, a question may leave its place open."""


class Rights(NamedTuple):
    """The rights of a descriptor or a whole walk: user code's rights if it has access, otherwise the supervisor's.

    If the two may do different things (as with some ARM pages), :class:`Permissions` has both.
    """

    read: bool = True
    write: bool = True
    execute: bool = True
    user: bool = True


def rights_in_words(rights: Rights, without: Collection[str] = ()) -> str:
    """Return rights as a row shows them, except those `without` a bit in the descriptors.

    >>> rights_in_words(Rights(write=False))
    'r-x user'
    >>> rights_in_words(Rights(write=False), without=("execute", "user"))
    'r-'
    """
    named = zip(("r", "w", "x", " user"), rights, Rights._fields, strict=True)
    said = ((letter, may) for letter, may, name in named if name not in without)
    return "".join(letter if may else "-" * (len(letter) == 1) for letter, may in said).strip()


class Permission(NamedTuple):
    """All rights of one side on a page."""

    read: bool
    write: bool
    execute: bool

    @in_ascii
    def __str__(self) -> str:
        return "".join(letter if may else "-" for letter, may in zip("rwx", self, strict=True))


class Permissions(NamedTuple):
    """The rights of each side on a page that a walk found."""

    supervisor: Permission
    user: Permission


@frozen
class Field:
    """The bits [low, high] of a word, with the manual's name."""

    name: str
    low: int
    high: int
    meaning: str

    def of(self, word: int) -> int:
        """Return the field's value in `word`."""
        return word >> self.low & (1 << self.high - self.low + 1) - 1

    @property
    def mask(self) -> int:
        """A mask of the field's bits."""
        return (1 << self.high + 1) - (1 << self.low)


class FieldValue(NamedTuple):
    """A field and its value."""

    field: Field
    value: int


def decode(fields: tuple[Field, ...], word: int) -> tuple[FieldValue, ...]:
    """Return the fields of `word` with their values."""
    return tuple(FieldValue(field, field.of(word)) for field in fields)


@frozen
class Step:
    """One descriptor that the walk read."""

    level: int
    """The number of the level: 1 for the tables that map the smallest pages; the root has the highest."""
    name: str
    """The manual's name of a descriptor at this level, such as ``"PDE"``."""
    table: int
    """The physical address of the table."""
    index_bits: tuple[int, int]
    """The highest and lowest bit of the virtual address that form the index."""
    index: int
    pa: int
    """The physical address of the descriptor."""
    value: int
    kind: str
    """``"table"``, ``"leaf"``, ``"invalid"`` or ``"reserved"``."""
    layout: str
    """The kind of descriptor, in words: ``"PDE of a 2 MiB page"``."""
    section: str
    """The section of the manual that defines this descriptor."""
    fields: tuple[Field, ...]
    address: int
    """The physical address of the next table or of the page; 0 if there is none."""
    rights: Rights
    """The rights given by all descriptors up to this one together."""

    @property
    def decoded(self) -> tuple[FieldValue, ...]:
        """The descriptor's fields with their values."""
        return decode(self.fields, self.value)


@frozen
class Syndrome:
    """A register with details of a fault that the fault's code lacks."""

    register: str
    """The manual's name, such as ``"ESR_EL1"``."""
    value: int
    fields: tuple[Field, ...]
    says: str = ""
    """The register's information on the access, in words."""

    @property
    def decoded(self) -> tuple[FieldValue, ...]:
        """The register's fields with their values."""
        return decode(self.fields, self.value)


@frozen(slots=False)
class Fault:
    """The reason why a walk found no address."""

    kind: str
    """``"not-present"``, ``"protection"``, ``"reserved"``, ``"access-flag"``, ``"domain"``, ``"address-size"``,
    ``"non-canonical"`` or ``"bus-error"``."""
    level: int | None
    """The level of the descriptor at which the walk stopped; None if it read no descriptor."""
    code: int | None
    """The code that the processor reports; None if there is no memory at a table's address."""
    exception: str
    """The exception the processor raises, such as ``"#PF"``."""
    why: str
    """The reason in one sentence."""
    code_fields: tuple[Field, ...] = ()
    syndrome: Syndrome | None = None
    """The register with further details, if the architecture has one."""
    says: str = ""
    """The meaning of the code, in words; "" if it has none."""
    called: str = ""
    """The fault's name in words: its kind, or a more specific name."""
    address_in: str = ""
    """The register that gets the address of the access, such as ``"CR2"``; "" if none does."""

    @property
    def decoded(self) -> tuple[FieldValue, ...]:
        """The code's fields with their values."""
        return decode(self.code_fields, self.code or 0)

    @cached_property
    def code_words(self) -> str:
        """The code and its meaning, as every picture shows them.

        >>> Fault("not-present", 4, 2, "#PF", "", (Field("P", 0, 0, ""),), says="not present, write").code_words
        '2: not present, write'
        """
        code = self.code or 0
        is_number = code < 10 or len(self.code_fields) == 1 or self.syndrome is not None
        number = f"{code}" if is_number else f"{code:#x}"  # otherwise a row of bits, as in `fault_line`
        return f"{number}: {self.says}" if self.says else number


def named_fields(decoded: Iterable[FieldValue]) -> str:
    """Return the fields of a code that are not 0: flags by name, other fields with their numbers."""
    words = [
        value.field.name if value.field.low == value.field.high else f"{value.field.name}={value.value:#x}"
        for value in decoded
        if value.value
    ]
    return " ".join(words) or "none set"


W = TypeVar("W", bound="Walk")


@frozen(repr=False)
class Walk:
    """The work of the hardware for one virtual address: every step, and the physical address or the fault."""

    format: str
    root: int
    va: int
    access: str
    """``"read"``, ``"write"`` or ``"execute"``."""
    user: bool
    steps: tuple[Step, ...]
    rights: Rights
    """The rights that the descriptors give together."""
    page_size: int
    """The size of the page in bytes; 0 if no page was found."""
    pa: int | None
    fault: Fault | None
    sets: tuple[int, ...] = ()
    """The bits that the hardware still has to set in the descriptor of each step (accessed, dirty)."""
    permissions: Permissions | None = None
    """The rights of each side on the page, for any access; None if no page was found."""
    word_bits: int = 64
    """The number of bits of an address in a register."""
    without: tuple[str, ...] = ()
    """The rights that no descriptor of the format says anything about."""

    @property
    def side(self) -> str:
        """The side that makes the access, "user" or "supervisor"; "" if the format doesn't tell them apart."""
        return "" if "user" in self.without else "user" if self.user else "supervisor"

    @property
    def fault_line(self) -> str:
        """The hardware's answer to the access, in one line: the fault's kind, exception and code, or "no fault".

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
            return f"{fault.called}, {fault.exception}"
        if len(fault.code_fields) == 1:  # a number, and no row of bits
            return f"{fault.called}, {fault.exception} {fault.code}"
        names = ", ".join(bit.field.name for bit in fault.decoded if bit.value)
        return f"{fault.called}, {fault.exception} {fault.code:#x}" + (f" ({names})" if names else "")

    @classmethod
    def of(cls: type[W], found: Walk, **more: Any) -> W:
        """Return the walk `found` as a walk of this class, with `more` fields; addresses print in hexadecimal."""
        values = {part.name: getattr(found, part.name) for part in fields(Walk)}
        pa = None if found.pa is None else Address(found.pa)
        return cls(**{**values, "va": Address(found.va), "pa": pa, **more})

    @in_ascii
    def __repr__(self) -> str:
        what = f"{self.side} {self.access}".strip()
        way = " → ".join(f"{step.name}[{step.index}]" for step in self.steps)
        end = (
            f"physical {Address(self.pa)}"
            if self.pa is not None
            else f"{self.fault.exception} ({self.fault.called})"
            if self.fault
            else ""
        )
        return f"<walk of {Address(self.va)}, {what}: {way or 'no table'} → {end}>"

    @property
    def ok(self) -> bool:
        """Return whether the access would succeed."""
        return self.fault is None

    @property
    def offset(self) -> int:
        """The offset of the address in its page; 0 if no page was found."""
        return self.va & self.page_size - 1 if self.page_size else 0


# ---- a window: the tables that are open --------------------------------------------------------


class IndexBits(NamedTuple):
    """The bits of an address that choose the descriptor at one level."""

    level: int
    name: str
    """The manual's name of the table."""
    high: int
    low: int


@frozen
class AddressSplit:
    """The parts into which a format divides an address: the indices, from the root's down; the rest is the offset.

    The lowest `va_bits` of a register's `word_bits` are translated.
    """

    parts: tuple[IndexBits, ...]
    word_bits: int
    va_bits: int
    signed: bool = True
    """Whether the bits above repeat the highest translated bit; otherwise they choose the root."""


@frozen
class WindowRow:
    """Adjacent slots of an open table that form one row: a descriptor, a run of pages, or a fold."""

    first: int
    """The index of the first slot."""
    count: int
    """The number of slots."""
    va: int
    """The first virtual address of the first slot."""
    kind: str
    """``"leaf"``, ``"table"``, ``"reserved"``, ``"window"`` (an upper table, seen as a lower one), ``"invalid"``, or
    ``"fold"`` (hidden rows).
    """
    pa: int = 0
    """The physical address of the first descriptor."""
    word: int = 0
    address: int = 0
    """The address in the first descriptor."""
    size: int = 0
    """The bytes of one page; 0 if there is none."""
    pages: int = 0
    """The number of pages; for a fold, of all its rows."""
    page_slots: int = 0
    """The number of slots that these pages fill."""
    tables: int = 0
    """The number of tables; for a fold, of all its rows."""
    reserved: int = 0
    """The number of descriptors that are present but invalid for the processor; for a fold, of all its rows."""
    layout: str = ""
    """The kind of descriptor, in words."""
    section: str = ""
    """The section of the manual that defines this kind of descriptor."""
    rights: str = ""
    """The rights of the descriptor by itself: ``"rwx user"``."""
    fields: tuple[Field, ...] = ()
    repeated: int = 1
    """The number of slots that each descriptor fills."""
    is_lent: bool = False
    """Whether the row belongs to the kernel and is lent to this space."""

    @property
    def bytes(self) -> int:
        """The bytes that the pages of this row map."""
        return self.size * self.pages

    @property
    def end(self) -> int:
        """The index of the slot after the last."""
        return self.first + self.count


@frozen
class OpenTable:
    """An open table: its place, the addresses that it covers, and its rows."""

    level: int
    name: str
    """The manual's name, such as ``"PD"``."""
    pa: int
    va: int
    """The first address that the table covers."""
    span: int
    """The bytes of virtual memory that one slot covers."""
    entries: int
    present: int
    """The number of slots that are not empty."""
    rows: tuple[WindowRow, ...]
    unreadable: str = ""
    """The reason why the table can't be read, if it is outside memory."""
    parent: tuple[int, int] | None = None
    """The level and physical address of the slot that refers to the table; None for a root."""
    skipped: int = 0
    """The number of slots at the table's beginning that no address reaches: they belong to the other root (ARM)."""
    is_lent: bool = False
    """Whether the whole table belongs to the kernel and is lent to this space."""
    unread: tuple[range, ...] = ()
    """The slots whose contents may be unreadable: the text lacks their descriptors."""


@frozen
class TableWindow:
    """Part of one address space's tables: the open tables, each before the tables below it, the roots first."""

    name: str
    format: str
    base_register: str
    root: int
    split: AddressSplit
    entry_width: int
    tables: tuple[OpenTable, ...]
    words_read: int
    """The number of descriptors read for this window, which is its cost."""

    def row(self, pa: int) -> WindowRow | None:
        """Return the row that contains the descriptor at `pa`, or None."""
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

    An earlier :class:`PteWritten` has the written descriptor.
    """

    va: int
    referenced: bool
    dirty: bool


class PteRunWritten(Event, changes=True):
    """`count` descriptors in a row, `width` bytes apart from physical address `pa` on, were written.

    Number i contained `before` + i × `before_step`, and now contains `after` + i × `after_step`: a run of pages is one
    event.
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
        """Yield the address of each descriptor, its value before, and its value after.

        >>> list(PteRunWritten(0x1000, 2, 4, 0, 0, 0x503E, 0x1000, 1, 0).words())
        [(4096, 0, 20542), (4100, 0, 24638)]
        """
        for number in range(self.count):
            before, after = self.before + number * self.before_step, self.after + number * self.after_step
            yield self.pa + number * self.width, before, after


def words_written(events: Iterable[Event]) -> dict[int, tuple[int, int]]:
    """Return the values before and after of each descriptor that these events wrote, by physical address.

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
    """The walk of `va` stopped: `kind` names the fault; `words` is the error code with its meaning."""

    va: int
    kind: str
    code: int
    words: str
