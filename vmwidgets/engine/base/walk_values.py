"""What views and graders see of a page-table walk: frozen values, decoded as the manual names them.

They are made by :mod:`vmwidgets.engine.mmu.walk`, which reads nothing but memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from .units import Address


class Rights(NamedTuple):
    """What a descriptor, or a whole walk, lets pass: what user code may where it may enter, else the supervisor.

    Where the two may different things (ARM has such pages), :class:`Permissions` tells both.
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

    def __str__(self) -> str:
        return "".join(letter if may else "-" for letter, may in zip("rwx", self, strict=True))


class Permissions(NamedTuple):
    """What each side may do with a page that a walk found."""

    supervisor: Permission
    user: Permission


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class Syndrome:
    """A register in which the processor tells more of a fault than its code."""

    register: str
    """The manual's name, such as ``"ESR_EL1"``."""
    value: int
    fields: tuple[Field, ...]

    @property
    def decoded(self) -> tuple[FieldValue, ...]:
        """The register's fields with their values."""
        return decode(self.fields, self.value)


@dataclass(frozen=True, slots=True)
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
    """The register that tells more, where the architecture has one."""

    @property
    def decoded(self) -> tuple[FieldValue, ...]:
        """The code's fields with their values."""
        return decode(self.code_fields, self.code or 0)


@dataclass(frozen=True, slots=True, repr=False)
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
        """Whether the access would go through."""
        return self.fault is None

    @property
    def offset(self) -> int:
        """The address's offset in its page; 0 if no page was found."""
        return self.va & self.page_size - 1 if self.page_size else 0
