"""Page tables with nothing around them: memory, a format, a root.  No machine is needed to walk and to look at them."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from operator import index
from typing import Any, Generic, NamedTuple, Protocol

from ..base.errors import Refused, shown
from ..base.units import Address, parse_address
from ..base.walk_values import Walk
from ..base.window_values import AddressSplit, IndexBits
from .format import Access, C, Level, TableFormat
from .rules import Start
from .walk import walk


class Memory(Protocol):
    """Physical memory, as far as looking at tables needs it; :class:`~vmwidgets.engine.memory.ram.BusError` outside."""

    def read(self, pa: int, length: int) -> bytes:
        """`length` bytes from `pa` on."""

    def read_word(self, pa: int, width: int) -> int:
        """The little-endian word of `width` bytes at `pa`."""


class PageTables(Generic[C]):
    """Tables of one address space in `memory`, walked with `controls`.

    From the address `kernel_from` on they are the kernel's, the same in all spaces; without it nothing is lent.

    >>> from vmwidgets.engine.memory.ram import Ram
    >>> from vmwidgets.engine.mmu.x86_64 import X86_64
    >>> PageTables("nothing", Ram(1 << 20), X86_64, 0x1000).walk(0x20_0000).fault.kind
    'not-present'
    """

    def __init__(
        self, name: str, memory: Memory, fmt: TableFormat[C], root: int, controls: C | None = None, about: str = "",
        kernel_from: int | None = None,
    ) -> None:  # fmt: skip
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
        """What the hardware does with one access to `address`, level by level.

        A text is read by :func:`.units.parse_address`.  `user` says whether user code makes the access; without
        it, user code does where the tables let it in.
        """
        va = _number(address)
        by_user = self._lets_users_in(va, access) if user is None else user
        found = walk(self.memory, self.fmt, self.root, va, access, by_user, self.controls)
        values = {part.name: getattr(found, part.name) for part in fields(Walk)}
        values["va"] = Address(found.va)
        values["pa"] = None if found.pa is None else Address(found.pa)
        return TablesWalk(**values, tables=self)

    def _lets_users_in(self, va: int, access: Access) -> bool:
        found = walk(self.memory, self.fmt, self.root, va, access, True, self.controls)
        return found.ok or (bool(found.page_size) and found.rights.user)

    def __repr__(self) -> str:
        about = f", {self.about}" if self.about else ""
        return f"<{self.name}: {self.format} tables, {self.fmt.base_register} {self.root}{about}>"


def _number(address: object) -> int:
    """An address, as an integer or a text."""
    try:
        if isinstance(address, str):
            return parse_address(address)
        if not isinstance(address, bool):
            return index(address)  # type: ignore[arg-type]  # whatever it is, it says whether it is a number
    except TypeError:
        pass
    except ValueError as error:
        raise Refused(f"address={error}") from None
    raise Refused(f"address={shown(address)}: write an integer, or a text such as '0x40_1000'") from None


@dataclass(frozen=True, repr=False)
class TablesWalk(Walk):
    """A walk in tables without a machine; two are equal when the hardware did the same."""

    tables: PageTables[Any] | None = field(default=None, repr=False, compare=False)


class Root(NamedTuple):
    """A table that walks begin at: slot 0 is for address `base`, and addresses below `first` don't come here."""

    level: Level
    table: int
    base: int
    first: int


def roots(fmt: TableFormat[C], root: int, controls: C) -> list[Root]:
    """The tables that walks begin at: one, or ARM's two."""
    found: list[Root] = []
    top = (1 << fmt.word_bits) - 1
    for va in (0, top):
        start = fmt.rules.start(fmt.root_level, root, va, controls)
        if not isinstance(start, Start) or any(start == (one.table, one.level) for one in found):
            continue
        covered = start.level.shift + start.level.bits
        base = 0 if va == 0 else top >> covered << covered
        first = base if base or va == 0 else 1 << fmt.rules.start_shift(controls)
        found.append(Root(start.level, start.table, base, first))
    return found or [Root(fmt.root_level, root, 0, 0)]


def extends_sign(fmt: TableFormat[C], controls: C) -> bool:
    """Whether an address's bits above the translated ones repeat the highest of these; else they choose the root."""
    return fmt.sign_extended and fmt.rules.start_shift(controls) < fmt.va_bits


def as_register(fmt: TableFormat[C], controls: C, va: int) -> int:
    """The address as a register holds it, from a root's first address and what was added to it."""
    return fmt.canonical(va) if extends_sign(fmt, controls) else va


def address_split(fmt: TableFormat[C], controls: C | None = None) -> AddressSplit:
    """How a format cuts an address.

    >>> from vmwidgets.engine.mmu.x86_pae import X86_PAE
    >>> [part.high - part.low + 1 for part in address_split(X86_PAE).parts]
    [2, 9, 9]
    """
    parts = tuple(
        IndexBits(level.number, level.table_name, level.shift + level.bits - 1, level.shift) for level in fmt.levels
    )
    signed = extends_sign(fmt, fmt.defaults if controls is None else controls)
    return AddressSplit(parts, fmt.word_bits, fmt.va_bits, signed)
