"""The walk: what the hardware does with a virtual address.

:func:`translate` is the walk itself, as a processor makes it when its TLB has nothing; :func:`walk` gives the same as a
lecture: every step, decoded as the manual names it, and what each side may do with the page.

A walk reads nothing but memory, a word a level, and cannot loop: a table that refers to itself is simply read again,
one level further down.  Memory stays as it is; to set accessed and dirty flags as the hardware would, give the descent
to :meth:`.editor.TableEditor.mark_accessed`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, get_args

from ..base.errors import Refused, shown
from ..base.units import Address
from ..base.values.tables import Fault, Permission, Permissions, Rights, Step, Walk
from ..memory.ram import BusError
from .format import TableFormat
from .levels import WalkEntry
from .rules import Access, C, Start, Stop


class WordReader(Protocol):
    """Physical memory as a walk reads it; :class:`~vmwidgets.engine.memory.ram.BusError` outside."""

    def read_word(self, pa: int, width: int) -> int:
        """The little-endian word of `width` bytes at `pa`."""


class Memory(WordReader, Protocol):
    """Physical memory of which whole tables can be read."""

    def read(self, pa: int, length: int) -> bytes:
        """`length` bytes from `pa` on."""


_ALL, _ACCESSES = Rights(), get_args(Access)


class Descent:
    """The descriptors that a walk read, root first, and where they lie in memory; then either `pa` or `stop`."""

    __slots__ = ("addresses", "found_page", "narrowed", "pa", "path", "places", "rights", "sets", "stop", "va")

    def __init__(self, va: int) -> None:
        self.va = va
        self.path: list[WalkEntry] = []
        self.places: list[int] = []
        """Physical address of each descriptor."""
        self.addresses: list[int] = []
        """What each descriptor refers to; 0 where it refers to nothing."""
        self.narrowed: list[Rights] = []
        """What each descriptor and those above it let pass."""
        self.rights = _ALL
        """What all together let pass."""
        self.stop: Stop | None = None
        self.found_page = False
        """Whether a sound descriptor of a page was reached, whatever the access may do there."""
        self.pa: int | None = None
        self.sets: tuple[int, ...] = ()
        """For each descriptor of a walk that succeeded, the bits that the hardware sets and that are not set yet."""

    @property
    def page_size(self) -> int:
        """Bytes of the page whose descriptor was reached, sound or not; else 0."""
        if not self.path or self.path[-1].descriptor.kind != "leaf":
            return 0
        return self.path[-1].level.span_of(self.path[-1].descriptor)


def translate(
    memory: WordReader, fmt: TableFormat[C], root: int, va: int, access: Access, user: bool, controls: C
) -> Descent:
    """Translate `va`, which fits a register, from the table at physical address `root` on.  O(levels)."""
    found = Descent(va)
    rules, width = fmt.rules, fmt.entry_width
    start = rules.start(fmt.root_level, root, va, controls)
    if not isinstance(start, Start):
        found.stop = start
        return found
    path, places, addresses, narrowed = found.path, found.places, found.addresses, found.narrowed
    rights = found.rights
    decoder, is_write, sets = fmt.decoder, access == "write", []
    table, level = start
    while True:
        pa = table + level.index(va) * width
        try:
            word = memory.read_word(pa, width)
        except BusError as error:
            found.stop = Stop("bus-error", f"the {level.table_name} at {Address(table)} can't be read: {error}")
            return found
        words = decoder.words(level, controls)
        decoded = words.decode(word)
        path.append(decoded.entry)
        places.append(pa)
        addresses.append(decoded.address)
        sets.append(decoded.sets[is_write])
        if decoded.is_present:
            found.rights = rights = words.narrow(decoded, rights)
        narrowed.append(rights)
        if decoded.stop is not None:
            found.stop = decoded.stop
            return found
        if not decoded.is_table:
            break
        table, level = decoded.address, fmt.level(level.number - 1)
    found.found_page = True
    found.stop = rules.check_access(path, rights, access, user, controls)
    if found.stop is None:
        found.pa = decoded.address | va & level.span_of(decoded.entry.descriptor) - 1
        found.sets = tuple(sets)
    return found


def fault_of(
    fmt: TableFormat[C], stop: Stop, path: Sequence[WalkEntry], access: Access, user: bool, controls: C
) -> Fault:
    """What the processor reports of a check that failed after the descriptors of `path`."""
    report = fmt.rules.report(stop, path, access, user, controls)
    blamed = [at.level.name for at in path if stop.culprit in at.held] if stop.culprit is not None else []
    why = f"{stop.why} in the {' and the '.join(blamed)}" if blamed else stop.why
    level = path[-1].level.number if path else None
    return Fault(stop.kind, level, report.code, report.exception, why, report.fields, report.syndrome)


def walk(
    memory: WordReader,
    fmt: TableFormat[C],
    root: int,
    va: int,
    access: Access = "read",
    user: bool = False,
    controls: C | None = None,
) -> Walk:
    """Translate `va` from the table at physical address `root` on, and say how.

    `va` is the register's value, `user` whether user code makes the access; `controls` default to
    the format's.  Nothing is raised for a bad table: the result says what is wrong.

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
    stop, rights = found.stop, found.rights
    fault = None if stop is None else fault_of(fmt, stop, found.path, access, user, used)
    may = permissions_of(fmt, found.path, rights, used) if found.found_page else None
    steps, size = _steps(found, fmt.entry_width), found.page_size
    return Walk(fmt.name, root, va, access, user, steps, rights, size, found.pa, fault, found.sets, may, fmt.word_bits)


def permissions_of(fmt: TableFormat[C], path: Sequence[WalkEntry], rights: Rights, controls: C) -> Permissions:
    """What user code and the supervisor may do with the page that `path` leads to."""
    check = fmt.rules.check_access

    def side(user: bool) -> Permission:
        return Permission(
            check(path, rights, "read", user, controls) is None,
            check(path, rights, "write", user, controls) is None,
            check(path, rights, "execute", user, controls) is None,
        )

    return Permissions(side(False), side(True))


def _steps(found: Descent, width: int) -> tuple[Step, ...]:
    steps = []
    read = zip(found.path, found.places, found.addresses, found.narrowed, strict=True)
    for (level, descriptor, word), pa, address, rights in read:
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
                address,
                rights,
            )
        )
    return tuple(steps)


def _hex(va: int) -> str:
    return f"{va:#x}" if abs(va) < 1 << 128 else shown(va)
