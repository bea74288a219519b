"""Descriptors made and changed: pure functions from rights and addresses to words."""

from __future__ import annotations

from ..base.errors import Refused
from ..base.walk_values import Rights
from .format import C, Descriptor, Kind, Level, TableFormat


def table_descriptor(fmt: TableFormat[C], level: Level, table: int, rights: Rights) -> int:
    """The word that refers to the table at physical address `table` and lets `rights` pass."""
    return _made(fmt, level, "table", table, rights, shared=False)


def leaf_descriptor(fmt: TableFormat[C], level: Level, pa: int, rights: Rights, *, shared: bool = False) -> int:
    """The word that maps the page at `pa`, as big as the level's span; `shared` makes it global.

    >>> from vmwidgets.engine.mmu.x86_64 import PD, X86_64
    >>> hex(leaf_descriptor(X86_64, PD, 0x60_0000, Rights(write=False, user=False)))
    '0x600081'
    """
    return _made(fmt, level, "leaf", pa, rights, shared=shared)


def with_rights(fmt: TableFormat[C], level: Level, word: int, rights: Rights) -> int:
    """`word` with other rights and everything else as it was."""
    descriptor = level.read_as(word)
    least = fmt.rules.encode(descriptor, Rights(False, False, False, False), shared=False)
    most = fmt.rules.encode(descriptor, Rights(), shared=False)
    return word & ~(least ^ most) | fmt.rules.encode(descriptor, rights, shared=False) & (least ^ most)


def split_leaf(fmt: TableFormat[C], level: Level, word: int, index: int) -> int:
    """The descriptor one level down for part `index` of the page that `word` maps; all other fields stay."""
    below = fmt.level(level.number - 1)
    large, small = level.read_as(word), _of_kind(below, "leaf")
    part = small.place(large.address_of(word) + index * below.span)
    for field in small.fields:
        same = large.field(field.name)
        if same is not None and field.name != "address":
            part |= same.of(word) << field.low
    return part


def _made(fmt: TableFormat[C], level: Level, kind: Kind, pa: int, rights: Rights, *, shared: bool) -> int:
    descriptor = _of_kind(level, kind)
    return descriptor.place(pa) | fmt.rules.encode(descriptor, rights, shared)


def _of_kind(level: Level, kind: Kind) -> Descriptor:
    descriptor = level.of_kind(kind)
    if descriptor is None:
        raise Refused(f"a {level.name} can't be a {kind} descriptor")
    return descriptor
