"""The walk: the words that the hardware reads for a virtual address, without changes in memory.

:func:`translate` is the walk itself, as a processor makes it when its TLB has no entry.  :func:`walk` explains the same
walk: every step, decoded with the manual's names, and the rights of each side on the page.

A walk only reads memory, one word for each level, and cannot loop: a table that refers to itself is read a second time,
one level further down.  To set accessed and dirty flags as the hardware would, pass the descent to
:meth:`.editor.TableEditor.mark_accessed`.
"""

from __future__ import annotations

from typing import Generic, Protocol, get_args

from ..base.errors import Refused, shown
from ..base.units import Address
from ..memory.ram import BusError
from .chains import Chain, fault_of
from .format import TableFormat
from .levels import WalkEntry
from .rules import Access, C, Start, Stop
from .tables_schema import Fault, Rights, Step, Walk


class WordReader(Protocol):
    """Physical memory for a walk; it raises :class:`~vmwidgets.engine.memory.ram.BusError` outside of memory."""

    def read_word(self, pa: int, width: int) -> int:
        """Return the little-endian word of `width` bytes at `pa`."""


class Memory(WordReader, Protocol):
    """Physical memory from which whole tables can be read."""

    def read(self, pa: int, length: int) -> bytes:
        """Return `length` bytes from `pa` on."""


_ACCESSES = get_args(Access)


class Descent(Generic[C]):
    """The chain of descriptors that a walk read, and their places in memory; then either `pa` or `stop`."""

    __slots__ = ("chain", "found_page", "pa", "places", "sets", "stop", "va")

    def __init__(self, va: int, chain: Chain[C]) -> None:
        self.va = va
        self.chain = chain
        self.places: list[int] = []
        """The physical address of each descriptor."""
        self.stop: Stop | None = None
        self.found_page = False
        """Whether a page's valid descriptor was reached, no matter whether it allows the access."""
        self.pa: int | None = None
        self.sets: tuple[int, ...] = ()
        """The bits that the hardware still has to set in each descriptor of a successful walk."""

    @property
    def path(self) -> tuple[WalkEntry, ...]:
        """The descriptors, root first."""
        return self.chain.path

    @property
    def rights(self) -> Rights:
        """The rights that all descriptors give together."""
        return self.chain.rights

    @property
    def page_size(self) -> int:
        """The size in bytes of the page whose descriptor was reached, valid or not; otherwise 0."""
        return self.chain.size


def translate(
    memory: WordReader, fmt: TableFormat[C], root: int, va: int, access: Access, user: bool, controls: C
) -> Descent[C]:
    """Translate `va`, which fits a register, from the table at physical address `root` on.  O(levels)."""
    width, start = fmt.entry_width, fmt.rules.start(fmt.root_level, root, va, controls)
    if not isinstance(start, Start):
        found = Descent(va, fmt.chains.root(fmt.root_level, controls))
        found.stop = start
        return found
    table, level = start
    chain = fmt.chains.root(level, controls)
    found = Descent(va, chain)
    places = found.places
    while chain.goes_on:
        level = chain.level
        pa = table + (va >> level.shift & level.last) * width
        try:
            word = memory.read_word(pa, width)
        except BusError as error:
            found.chain = chain
            found.stop = Stop("bus-error", f"the {level.table_name} at {Address(table)} can't be read: {error}")
            return found
        places.append(pa)
        chain = chain.known.get(word) or chain.below(word)  # nearly always known: one call less
        table = chain.address
    found.chain = chain
    found.found_page = chain.stop is None
    found.stop = chain.stop or chain.forbids(access, user)
    if found.stop is None:
        found.pa = table | va & chain.size - 1
        found.sets = chain.sets[access == "write"]
    return found


def fault_after(fmt: TableFormat[C], found: Descent[C], access: Access, user: bool, controls: C) -> Fault:
    """Return the processor's report of a walk that reached no address."""
    assert found.stop is not None, "a walk gives an address or a reason"
    if found.chain.goes_on:  # no descriptor is at fault
        return fault_of(fmt.rules, found.stop, found.path, access, user, controls)
    return found.chain.fault(access, user)


def walk(
    memory: WordReader,
    fmt: TableFormat[C],
    root: int,
    va: int,
    access: Access = "read",
    user: bool = False,
    controls: C | None = None,
) -> Walk:
    """Translate `va` from the table at physical address `root` on, and explain how.

    `va` is the register's value, `user` says whether user code makes the access; `controls` default to the format's.
    No exception is raised for a bad table: the result says what is wrong.

    >>> from vmwidgets.engine.memory.ram import Ram
    >>> from vmwidgets.engine.mmu.formats.x86 import X86_64
    >>> walk(Ram(1 << 20), X86_64, 0x1000, 0x20_0000).fault.why
    'the PML4E is 0x0: P (bit 0) is 0, so nothing is mapped here'
    """
    if access not in _ACCESSES:
        raise Refused(f"access {access!r}: it is 'read', 'write' or 'execute'")
    if not 0 <= va < 1 << fmt.word_bits:
        raise Refused(f"address {_hex(va)} does not fit the {fmt.word_bits} bits of a register")
    used = fmt.defaults if controls is None else controls
    found = translate(memory, fmt, root, va, access, user, used)
    fault = None if found.stop is None else fault_after(fmt, found, access, user, used)
    may = found.chain.permissions if found.found_page else None
    steps, size = _steps(found, fmt.entry_width), found.page_size
    return Walk(
        fmt.name, root, va, access, user, steps, found.rights, size, found.pa, fault, found.sets, may, fmt.word_bits,
        fmt.rules.without,
    )  # fmt: skip  # the same


def _steps(found: Descent[C], width: int) -> tuple[Step, ...]:
    steps = []
    for chain, pa in zip(found.chain.from_root(), found.places, strict=True):
        level, descriptor, word = chain.path[-1]
        index = level.index(found.va)
        steps.append(
            Step(
                level.number,
                level.name,
                pa - index * width,
                (level.shift + level.bits - 1, level.shift),
                index,
                pa,
                word,
                descriptor.kind,
                descriptor.name,
                descriptor.section,
                descriptor.fields,
                chain.address,
                chain.rights,
            )
        )
    return tuple(steps)


def _hex(va: int) -> str:
    return f"{va:#x}" if abs(va) < 1 << 128 else shown(va)
