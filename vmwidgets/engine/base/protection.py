"""Protection, inheritance, advice: the small vocabularies of a map entry, and their common flags word.

Numbers are X15's (`vm_prot.h`, `vm_inherit.h`, `vm_adv.h`, and the packed flags of `vm_map.h`).
"""

from __future__ import annotations

from .errors import Refused, shown

READ, WRITE, EXECUTE = 1, 2, 4
ALL = READ | WRITE | EXECUTE
_LETTERS = ((READ, "r"), (WRITE, "w"), (EXECUTE, "x"))

INHERITANCE = {"none": 0, "share": 1, "copy": 2}
ADVICE = {"normal": 0, "random": 1, "sequential": 2, "willneed": 3, "dontneed": 4}

PROTECTION_SHIFT, MAX_PROTECTION_SHIFT, INHERITANCE_SHIFT, ADVICE_SHIFT = 0, 4, 8, 12
NOMERGE = 0x10000
FIXED = 0x20000
ENTRY_MASK = 0x1FFFF
"""The flags of a request that an entry keeps: FIXED is never one of them."""
NEEDS_COPY = 0x80000
"""Our flag of an entry: its first write goes to a shadow of its object (FreeBSD MAP_ENTRY_NEEDS_COPY)."""
GROWS_DOWN = 0x100000
"""Our flag of an entry: a stack, which grows downwards with use (FreeBSD MAP_ENTRY_GROWS_DOWN)."""


def pack_flags(
    protection: int, max_protection: int, inheritance: int, advice: int, nomerge: bool = False, fixed: bool = False
) -> int:
    """Return the packed flags word of a request.

    >>> hex(pack_flags(7, 7, 0, 0, nomerge=True))
    '0x10077'
    """
    return (
        protection
        | max_protection << MAX_PROTECTION_SHIFT
        | inheritance << INHERITANCE_SHIFT
        | advice << ADVICE_SHIFT
        | (NOMERGE if nomerge else 0)
        | (FIXED if fixed else 0)
    )


def protection_of(flags: int) -> int:
    """Return the protection bits of a flags word."""
    return flags & ALL


def max_protection_of(flags: int) -> int:
    """Return the maximum protection bits of a flags word."""
    return flags >> MAX_PROTECTION_SHIFT & ALL


def inheritance_of(flags: int) -> int:
    """Return the inheritance number of a flags word."""
    return flags >> INHERITANCE_SHIFT & 15


def advice_of(flags: int) -> int:
    """Return the advice number of a flags word."""
    return flags >> ADVICE_SHIFT & 15


_TEXTS = ["".join(letter if protection & bit else "-" for bit, letter in _LETTERS) for protection in range(ALL + 1)]
"""The letters of protection bits."""


def protection_text(protection: int) -> str:
    """Return protection bits as three letters, with a dash for each missing bit.

    >>> protection_text(READ | EXECUTE)
    'r-x'
    """
    return _TEXTS[protection & ALL]


def parse_protection(value: object, name: str = "prot") -> int:
    """Return protection bits, given as letters or as the number itself.

    >>> parse_protection("rw"), parse_protection("r-x"), parse_protection("none"), parse_protection(7)
    (3, 5, 0, 7)
    """
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= ALL:
        return int(value)
    if isinstance(value, str):
        letters = "" if value == "none" else value.replace("-", "")
        bits = [bit for bit, letter in _LETTERS if letter in letters]
        if len(bits) == len(letters):
            return sum(bits)
    raise Refused(
        f"{name}={shown(value)} is not a protection; use letters such as 'rw' or 'r-x', 'none', or a number from 0 to 7"
    )


def parse_name(value: object, table: dict[str, int], name: str) -> int:
    """Return the number of a name in `table`; the error for an unknown name lists the known ones.

    >>> parse_name("copy", INHERITANCE, "inherit")
    2
    """
    if isinstance(value, str) and value in table:
        return table[value]
    if isinstance(value, int) and not isinstance(value, bool) and value in table.values():
        return int(value)
    raise Refused(f"{name}={shown(value)} is unknown: write one of {', '.join(table)}")


def name_of(number: int, table: dict[str, int]) -> str:
    """Return the name of a number in `table`, or the number itself if it has none."""
    return next((name for name, value in table.items() if value == number), str(number))
