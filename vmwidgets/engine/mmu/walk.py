"""The walk: what the hardware does with a virtual address.

It reads nothing but memory, a word a level, and cannot loop: a table that refers to itself is simply
read again, one level further down.  Memory stays as it is; to set accessed and dirty bits as the
hardware would, give the walk to :meth:`.editor.TableEditor.mark_accessed`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, get_args

from ..base.errors import Refused, shown
from ..base.units import Address
from ..base.values.tables import Fault, Permission, Permissions, Rights, Step, Walk
from ..memory.ram import BusError
from .format import Access, C, Start, Stop, TableFormat, WalkEntry


class WordReader(Protocol):
    """Physical memory, as far as a walk needs it; :class:`BusError` where there is none."""

    def read_word(self, pa: int, width: int) -> int:
        """The little-endian word of `width` bytes at `pa`."""


def walk(
    memory: WordReader,
    fmt: TableFormat[C],
    root: int,
    va: int,
    access: Access = "read",
    user: bool = False,
    controls: C | None = None,
) -> Walk:
    """Translate `va` from the table at physical address `root` on.

    `va` is the register's value, `user` whether user code makes the access; `controls` default to
    the format's.  Nothing is raised for a bad table: the result says what is wrong.

    >>> from vmwidgets.engine.memory.ram import Ram
    >>> from vmwidgets.engine.mmu.formats.x86 import X86_64
    >>> walk(Ram(1 << 20), X86_64, 0x1000, 0x20_0000).fault.why
    'the PML4E is 0x0: P (bit 0) is 0, so nothing is mapped here'
    """
    if access not in get_args(Access):
        raise Refused(f"access {access!r}: it is 'read', 'write' or 'execute'")
    if not 0 <= va < 1 << fmt.word_bits:
        raise Refused(f"address {_hex(va)} does not fit the {fmt.word_bits} bits of a register")
    used = fmt.defaults if controls is None else controls
    steps, path, stop = _descend(memory, fmt, root, va, used)
    rights, may = steps[-1].rights if steps else Rights(), None
    if stop is None:
        may = _permissions(fmt, path, rights, used)
        stop = fmt.rules.check_access(path, rights, access, user, used)
        stop = stop and _with_culprits(stop, steps)
    size = path[-1].level.span_of(path[-1].descriptor) if path and path[-1].descriptor.kind == "leaf" else 0
    if stop is not None:
        report = fmt.rules.report(stop, path, access, user, used)
        level = path[-1].level.number if path else None
        fault = Fault(stop.kind, level, report.code, report.exception, stop.why, report.fields, report.syndrome)
        return Walk(fmt.name, root, va, access, user, tuple(steps), rights, size, None, fault, permissions=may)
    sets = tuple(fmt.rules.accessed(at.descriptor, access == "write", used) & ~at.word for at in path)
    pa = steps[-1].address | va & size - 1
    return Walk(fmt.name, root, va, access, user, tuple(steps), rights, size, pa, None, sets, may)


def _permissions(fmt: TableFormat[C], path: Sequence[WalkEntry], rights: Rights, controls: C) -> Permissions:
    """What user code and the supervisor may do with the page that a walk has found."""
    check = fmt.rules.check_access

    def side(user: bool) -> Permission:
        return Permission(
            check(path, rights, "read", user, controls) is None,
            check(path, rights, "write", user, controls) is None,
            check(path, rights, "execute", user, controls) is None,
        )

    return Permissions(side(False), side(True))


def _descend(
    memory: WordReader, fmt: TableFormat[C], root: int, va: int, controls: C
) -> tuple[list[Step], list[WalkEntry], Stop | None]:
    """The descriptors on the way to the leaf, and what stopped the walk before it, if anything did."""
    steps: list[Step] = []
    path: list[WalkEntry] = []
    rules, width = fmt.rules, fmt.entry_width
    start = rules.start(fmt.root_level, root, va, controls)
    if not isinstance(start, Start):
        return steps, path, start
    (table, level), rights = start, Rights()
    while True:
        index = level.index(va)
        pa = table + index * width
        try:
            word = memory.read_word(pa, width)
        except BusError as error:
            return steps, path, Stop("bus-error", f"the {level.table_name} at {Address(table)} can't be read: {error}")
        descriptor = rules.read_as(level, word, controls)
        path.append(WalkEntry(level, descriptor, word))
        stop = rules.check_descriptor(level, descriptor, word, controls)
        if descriptor.kind != "invalid":
            rights = rules.narrow(rights, descriptor, word, controls)
        step = _step(path[-1], table, index, pa, rights)
        steps.append(step)
        if stop is not None or descriptor.kind != "table":
            return steps, path, stop
        table, level = step.address, fmt.level(level.number - 1)


def _step(at: WalkEntry, table: int, index: int, pa: int, rights: Rights) -> Step:
    level, descriptor, word = at
    return Step(
        level.number,
        level.name,
        table,
        (level.shift + level.bits - 1, level.shift),
        index,
        pa,
        word,
        descriptor.kind,
        descriptor.name,
        descriptor.section,
        descriptor.fields,
        descriptor.address_of(word),
        rights,
    )


def _with_culprits(stop: Stop, steps: list[Step]) -> Stop:
    """The same, naming the descriptors whose field took the right away."""
    names = [
        step.name for step in steps if any((field.name, field.of(step.value)) == stop.culprit for field in step.fields)
    ]
    return Stop(stop.kind, f"{stop.why} in the {' and the '.join(names)}") if names else stop


def _hex(va: int) -> str:
    return f"{va:#x}" if abs(va) < 1 << 128 else shown(va)
