"""The walk: what the hardware does with a virtual address.

It reads nothing but memory, a word a level, and cannot loop: a table that refers to itself is simply
read again, one level further down.  Memory stays as it is; to set accessed and dirty bits as the
hardware would, give the walk to :meth:`.editor.TableEditor.mark_accessed`.
"""

from __future__ import annotations

from typing import Protocol, get_args

from ..base.errors import Refused
from ..base.units import Address
from ..base.walk_values import Fault, Rights, Step, Walk
from ..memory.ram import BusError
from .format import Access, C, Descriptor, Level, Report, Stop, TableFormat


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
    >>> from vmwidgets.engine.mmu.x86_64 import X86_64
    >>> walk(Ram(1 << 20), X86_64, 0x1000, 0x20_0000).fault.why
    'the PML4E is 0x0: P (bit 0) is 0, so nothing is mapped here'
    """
    if access not in get_args(Access):
        raise Refused(f"access {access!r}: it is 'read', 'write' or 'execute'")
    if not 0 <= va < 1 << fmt.word_bits:
        raise Refused(f"address {va:#x} does not fit the {fmt.word_bits} bits of a register")
    used = fmt.defaults if controls is None else controls
    steps, stop = _descend(memory, fmt, root, va, used)
    rights = steps[-1].rights if steps else Rights()
    last = steps[-1] if steps else None
    if stop is None and last is not None:
        stop = fmt.rules.judge(rights, access, user, used)
        stop = stop and _with_culprits(stop, steps)
    size = fmt.level(last.level).span if last is not None and last.kind == "leaf" else 0
    fault = None
    if stop is not None:
        level = None if last is None else last.level
        fault = _fault(stop, fmt.rules.report(stop.kind, level, access, user, used), level)
    pa = None if fault is not None or last is None else last.address | va & size - 1
    return Walk(fmt.name, root, va, access, user, tuple(steps), rights, size, pa, fault)


def _descend(
    memory: WordReader, fmt: TableFormat[C], root: int, va: int, controls: C
) -> tuple[list[Step], Stop | None]:
    """The descriptors on the way to the leaf, and what stopped the walk before it, if anything did."""
    steps: list[Step] = []
    stop = fmt.rules.before(va, controls)
    table, rights = root, Rights()
    for level in fmt.levels:
        if stop is not None or (steps and steps[-1].kind != "table"):
            break
        pa = table + level.index(va) * fmt.entry_width
        try:
            word = memory.read_word(pa, fmt.entry_width)
        except BusError as error:
            return steps, Stop("bus-error", f"the {level.table_name} at {Address(table)} can't be read: {error}")
        descriptor = level.read_as(word)
        stop = fmt.rules.unfit(level, descriptor, word, controls)
        if descriptor.kind != "invalid":
            rights = fmt.rules.gather(rights, descriptor, word, controls)
        step = _step(level, descriptor, table, pa, va, word, rights)
        steps.append(step)
        table = step.address
    return steps, stop


def _step(level: Level, descriptor: Descriptor, table: int, pa: int, va: int, word: int, rights: Rights) -> Step:
    return Step(
        level.number,
        level.name,
        table,
        (level.shift + level.bits - 1, level.shift),
        level.index(va),
        pa,
        word,
        descriptor.kind,
        descriptor.name,
        descriptor.section,
        descriptor.fields,
        descriptor.address_of(word),
        rights,
    )


def _fault(stop: Stop, report: Report, level: int | None) -> Fault:
    return Fault(stop.kind, level, report.code, report.exception, stop.why, report.fields)


def _with_culprits(stop: Stop, steps: list[Step]) -> Stop:
    """The same, naming the descriptors whose field took the right away."""
    names = [
        step.name for step in steps if any((field.name, field.of(step.value)) == stop.culprit for field in step.fields)
    ]
    return Stop(stop.kind, f"{stop.why} in the {' and the '.join(names)}") if names else stop
