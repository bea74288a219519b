"""Descriptors made and changed: pure functions from rights and addresses to words."""

from __future__ import annotations

from ..base.errors import Refused
from ..base.units import Size
from ..base.walk_values import Rights
from .format import C, Descriptor, Kind, Level, TableFormat


def table_descriptor(fmt: TableFormat[C], level: Level, table: int, rights: Rights) -> int:
    """The word that refers to the table at physical address `table` and lets `rights` pass."""
    descriptor = _of_kind(level, "table")
    return descriptor.place(table) | fmt.rules.encode(descriptor, rights, shared=False)


def leaf_descriptor(
    fmt: TableFormat[C], level: Level, pa: int, rights: Rights, *, shared: bool = False, size: int | None = None
) -> int:
    """The word that maps the page at `pa`, as big as the level's span or of `size` bytes; `shared` makes it global.

    A word that maps more than its level's span (ARM's supersections and large pages) stands in several
    neighbouring slots; :meth:`.editor.TableEditor.map` writes them all.

    >>> from vmwidgets.engine.mmu.x86_64 import PD, X86_64
    >>> hex(leaf_descriptor(X86_64, PD, 0x60_0000, Rights(write=False, user=False)))
    '0x600081'
    """
    descriptor = level.leaf(size) if size is not None else _of_kind(level, "leaf")
    if descriptor is None:
        raise Refused(f"a {level.name} can't map a page of {Size(size or 0)}")
    return descriptor.place(pa) | fmt.rules.encode(descriptor, rights, shared)


def with_rights(fmt: TableFormat[C], level: Level, word: int, rights: Rights) -> int:
    """`word` with other rights and everything else as it was."""
    descriptor = level.read_as(word)
    mask = fmt.rules.rights_bits(descriptor)
    return word & ~mask | fmt.rules.encode(descriptor, rights, shared=False) & mask


def split_leaf(fmt: TableFormat[C], level: Level, word: int, index: int) -> int:
    """The descriptor one level down for part `index` of the page that `word` maps; all other fields stay."""
    return _part(level.read_as(word), word, fmt.level(level.number - 1), index)


def repeated_part(level: Level, word: int, index: int) -> int:
    """The descriptor of the same level for part `index` of a page that stands in several slots.

    A supersection's parts are sections; `Refused` if they lie where only supersections reach.
    """
    return _part(level.read_as(word), word, level, index)


def promoted_leaf(
    fmt: TableFormat[C], level: Level, size: int, part_level: Level, part: int, table: int | None, pa: int
) -> int:
    """The word that maps the page of `size` bytes at `pa` in place of smaller ones alike; `part` is the first of them.

    Fields keep what the parts have, or what the `table` says that they stood in: dirty, global, memory type, domain.
    """
    large = level.leaf(size)
    if large is None:
        raise Refused(f"a {level.name} can't map a page of {Size(size)}")
    small, word = part_level.read_as(part), large.place(pa)
    for field in large.fields:
        if field.mask & large.mask or field.name.startswith("address"):
            continue
        same = small.field(field.name)
        if same is not None:
            word |= same.of(part) << field.low
        elif table is not None and field.name in fmt.rules.inherited:
            from_table = level.read_as(table).field(field.name)
            word |= 0 if from_table is None else from_table.of(table) << field.low
    return word


def inherited_fields(fmt: TableFormat[C], level: Level, word: int) -> int:
    """The bits that a table's descriptor takes over from the large page `word` that it stands for."""
    large, table = level.read_as(word), _of_kind(level, "table")
    return _same_fields(large, word, table, fmt.rules.inherited)


def _part(large: Descriptor, word: int, level: Level, index: int) -> int:
    small = _of_kind(level, "leaf")
    fields = (field for field in small.fields if not field.mask & small.mask)  # what says the kind is its own
    names = tuple(field.name for field in fields if not field.name.startswith("address"))
    return small.place(large.address_of(word) + index * level.span) | _same_fields(large, word, small, names)


def _same_fields(source: Descriptor, word: int, target: Descriptor, names: tuple[str, ...]) -> int:
    made = 0
    for name in names:
        there, here = source.field(name), target.field(name)
        if there is not None and here is not None:
            made |= there.of(word) << here.low
    return made


def _of_kind(level: Level, kind: Kind) -> Descriptor:
    descriptor = level.of_kind(kind)
    if descriptor is None:
        raise Refused(f"a {level.name} can't be a {kind} descriptor")
    return descriptor
