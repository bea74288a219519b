"""What the kernel writes in a descriptor for the four flags that a program may give it: a table for each format.

ARMv7: Barrelfish's `paging_set_l2_entry` and its kin.  B is always 1 and C is 1 unless NOCACHE; AP is 3 with WRITE,
else 2 with READ, else 0.  EXECUTE changes nothing: XN is never set, so what can be read can be run.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ..mmu.format import Descriptor, Level, TableFormat

READ, WRITE, EXECUTE, NOCACHE = 1, 2, 4, 8
"""The kernel's flags."""

HARDENINGS = {"execute-never": "what is mapped without EXECUTE can't be run (XN, XD): the original never sets it"}
"""What can be asked for that the original does not do."""


class Encoding(NamedTuple):
    """Fields by name, and what is put there: in a table's descriptor, in every leaf, and by flags in a leaf."""

    table: dict[str, int]
    leaf: dict[str, int]
    cache: dict[str, tuple[int, int]]
    """Cached, uncached."""
    access: dict[str, tuple[int, int, int]]
    """For no access, READ, WRITE."""
    never: str
    """The field that forbids to run what is mapped."""
    global_leaves: bool = False
    """Whether leaves are global: processors keep them when other tables are loaded, unless everything is dropped."""


ENCODINGS = {
    "armv7": Encoding({}, {"B": 1}, {"C": (1, 0)}, {"AP": (0, 2, 3)}, "XN", global_leaves=True),
    "x86-64": Encoding({"R/W": 1, "U/S": 1}, {}, {"PCD": (0, 1)}, {"R/W": (0, 0, 1), "U/S": (0, 1, 1)}, "XD"),
}
"""By format.  Without access an ARM entry stays valid with AP 0; x86-64's like it is one for the supervisor only."""


def table_word(fmt: TableFormat[Any], level: Level, base: int) -> int:
    """The descriptor of the table at physical `base`."""
    descriptor = level.of_kind("table")
    assert descriptor is not None, f"a {level.name} refers to tables"
    return descriptor.place(base) | _put(descriptor, ENCODINGS[fmt.name].table)


def leaf_word(fmt: TableFormat[Any], level: Level, base: int, flags: int, *, never: bool = False) -> int:
    """The descriptor that maps the page at physical `base`; `never` is the hardening "execute-never".

    >>> from vmwidgets.engine.mmu.armv7 import ARMV7, FIRST, SECOND
    >>> hex(leaf_word(ARMV7, SECOND, 0, READ | WRITE)), hex(leaf_word(ARMV7, FIRST, 0, READ))
    ('0x3e', '0x80e')
    """
    descriptor = level.of_kind("leaf")
    assert descriptor is not None, f"a {level.name} maps pages"
    return descriptor.place(base) | _put(descriptor, _fields(fmt, flags, never))


def with_flags(fmt: TableFormat[Any], level: Level, word: int, flags: int, *, never: bool = False) -> int:
    """A leaf's descriptor with other flags, and everything else as it was."""
    descriptor = level.read_as(word)
    fields = _fields(fmt, flags, never)
    mask = sum(field.mask for field in descriptor.fields if field.name in fields)
    return word & ~mask | _put(descriptor, fields)


def _fields(fmt: TableFormat[Any], flags: int, never: bool) -> dict[str, int]:
    encoding = ENCODINGS[fmt.name]
    access = 2 if flags & WRITE else 1 if flags & READ else 0
    fields = dict(encoding.leaf)
    fields.update({name: values[bool(flags & NOCACHE)] for name, values in encoding.cache.items()})
    fields.update({name: values[access] for name, values in encoding.access.items()})
    if never:
        fields[encoding.never] = int(not flags & EXECUTE)
    return fields


def _put(descriptor: Descriptor, values: dict[str, int]) -> int:
    word = 0
    for name, value in values.items():
        field = descriptor.field(name)
        assert field is not None, f"{descriptor.name} has {name}"
        word |= value << field.low
    return word
