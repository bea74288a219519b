"""Bytes, pages and addresses: the units in every layer.

Sizes and addresses are plain integers of bytes.  Sizes and addresses returned to a learner are :class:`Address` and
:class:`Size`: integers that print the way kernel people read them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from operator import index

from .errors import Refused, a_kind, ascii_text, shown

PAGE_SHIFT = 12
PAGE = 1 << PAGE_SHIFT
"""Bytes in a page."""
IN_PAGE = PAGE - 1
"""The mask of the address bits that give the offset in a page."""


def round_up(value: int, unit: int) -> int:
    """Return the next multiple of `unit`, which need not be a power of two.

    >>> round_up(4097, 4096), round_up(8192, 4096), round_up(1, 12288)
    (8192, 8192, 12288)
    """
    return -(-value // unit) * unit


KIB = 1 << 10
MIB = 1 << 20
GIB = 1 << 30
TIB = 1 << 40
PIB = 1 << 50

_UNITS = {"b": 1, "kib": KIB, "mib": MIB, "gib": GIB, "tib": TIB, "pib": PIB, "page": PAGE, "pages": PAGE}
_DIGITS = re.compile(r"\s*(0x)?([0-9a-f]{1,16}|[0-9a-f]{1,4}([ _][0-9a-f]{4}){1,3})\s*", re.ASCII | re.IGNORECASE)
_SIZE = re.compile(r"\s*(0x[0-9a-f][0-9a-f_]{,80}|[0-9][0-9_]{,80})\s*([a-z]+)?\s*", re.ASCII)


def grouped_hex(value: int, digits: int = 1) -> str:
    """Return hexadecimal digits in groups of four, at least `digits` long.

    >>> grouped_hex(0xFFFF808000A07000)
    'ffff 8080 00a0 7000'
    """
    text = f"{value:0{digits}x}"
    head = len(text) % 4
    groups = [text[:head]] if head else []
    return " ".join(groups + [text[i : i + 4] for i in range(head, len(text), 4)])


def binary_size(size: int) -> str:
    """Return a size in the largest binary unit that keeps it short; a size with a decimal is rounded.

    >>> binary_size(20 * KIB), binary_size(8200 * KIB), binary_size(1 << 47), binary_size(1 << 57)
    ('20 KiB', '8200 KiB', '128 TiB', '128 PiB')
    >>> binary_size(GIB + 252 * KIB)
    '1.0 GiB'
    """
    for unit, name in ((PIB, "PiB"), (TIB, "TiB"), (GIB, "GiB"), (MIB, "MiB"), (KIB, "KiB")):
        if size >= unit and size % unit == 0 and (size // unit < 10_000):
            return f"{size // unit} {name}"
        is_long = unit > KIB and size >= unit and (size % (unit >> 10) or size >= 10_000 * (unit >> 10))
        if size >= 10 * unit or is_long:
            return f"{size / unit:.1f} {name}"
    return f"{int(size)} B"


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """Return a number with its noun.

    >>> counted(1, "entry"), counted(1000, "entry"), counted(0, "miss"), counted(2, "day")
    ('1 entry', '1,000 entries', '0 misses', '2 days')
    """
    if count != 1:
        ends = {"y": noun + "s" if noun[-2:-1] in set("aeiou") else noun[:-1] + "ies", "s": noun + "es"}
        noun = plural or ends.get(noun[-1], noun + "s")
    return f"{count:,} {noun}"


def listed(words: Sequence[str]) -> str:
    """Return words as a list in a sentence.

    >>> listed(["read", "write", "execute"]), listed(["read", "write"]), listed(["read"]), listed([])
    ('read, write and execute', 'read and write', 'read', '')
    """
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def duration(nanoseconds: float) -> str:
    """Return a time in the unit that keeps it short, with three digits.

    >>> duration(0.25), duration(140), duration(20_151), duration(10_000_000), duration(90e9)
    ('0.25 ns', '140 ns', '20.2 µs', '10 ms', '90 s')
    """
    unit = next((unit for unit in ((10**9, "s"), (10**6, "ms"), (1000, "µs")) if nanoseconds >= unit[0]), (1, "ns"))
    number = nanoseconds / unit[0]
    return f"{number:,.0f} {unit[1]}" if number >= 100 else f"{number:.3g} {unit[1]}"


def in_columns(rows: Sequence[Sequence[str]]) -> str:
    """Return rows of words as lines in ASCII, each column as wide as its longest word.

    >>> print(in_columns([("page", "frame"), ("0", "0x1eb")]))
    page  frame
    0     0x1eb
    """
    lines = [[ascii_text(word) for word in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def grouped_size(size: int) -> str:
    """Return a size as :func:`binary_size` does, but with digits in groups, for reading and not for typing.

    >>> grouped_size(4608), grouped_size(20 * KIB)
    ('4,608 B', '20 KiB')
    """
    number, unit = binary_size(size).split()
    return f"{int(number):,} {unit}" if number.isdecimal() else f"{number} {unit}"


@lru_cache(maxsize=1024)
def parse_size(text: str) -> int:
    """Return the number of bytes that a text names, for example ``"64 MiB"``, ``"3 pages"`` or ``"0x1000"``.

    Raises :class:`Refused` with a sentence that shows a correct form.

    >>> parse_size("64 MiB") == 64 * MIB
    True
    >>> parse_size("64 KB")
    Traceback (most recent call last):
    vmwidgets.engine.base.errors.Refused: '64 KB' is not a size; write ...; did you mean '64 KiB'?
    """
    match = _SIZE.fullmatch(text.lower())
    unit = _UNITS.get(match[2] or "b") if match else None
    if match is None or unit is None:
        meant = _meant_size(text)
        more = f"; did you mean {meant!r}?" if meant else ""
        raise Refused(f"{shown(text)} is not a size; write bytes or, for example, '64 MiB' or '3 pages'{more}")
    digits = match[1].replace("_", "")
    return int(digits, 16 if digits.startswith("0x") else 10) * unit


_SLIP = re.compile(r"\s*([0-9][0-9_,]{,30})(\.[0-9]{1,6})?\s*([kmgtp]?)(i?b|[a-z]*bytes?|[a-z]*bits?)?\s*", re.ASCII)
"""A number with a unit as other programs write it: 16 KB, 4k, 1.5 GiB, 8 bytes."""


def _meant_size(text: str) -> str:
    """Return the size that a text with another program's unit stands for, as it is written here; "" if unknown."""
    match = _SLIP.fullmatch(text.lower())
    if match is None or (match[4] or "").endswith(("bit", "bits")):
        return ""
    letter = match[3] or next((one for one in "kmgtp" if (match[4] or "").startswith(_WORDS[one])), "")
    whole, part = int(re.sub("[_,]", "", match[1])), match[2] or "."
    unit, scale = 1 << 10 * (" kmgtp".index(letter) if letter else 0), 10 ** (len(part) - 1)
    amount, rest = divmod((whole * scale + int(part[1:] or 0)) * unit, scale)
    if rest or amount >= 1 << 64:
        return ""
    return f"{whole} {letter.upper()}iB" if letter and scale == 1 else binary_size(amount)


_WORDS = {"k": ("ki",), "m": ("me",), "g": ("gi",), "t": ("te",), "p": ("pe",)}
"""The first letters of a unit in a word: kilobytes, mebibytes."""


@lru_cache(maxsize=1024)
def parse_address(text: str) -> int:
    """Return the address in a text: decimal digits, hexadecimal ones after 0x, or a size such as ``"8 KiB"``.

    Hexadecimal digits need no 0x if they are in groups, as pictures print them, or if they hardly are a name: they
    begin with a decimal digit, or there are four or more ("f000"), or eight or more letters.  So a variable in quotes
    is refused, even one called `a`.  Raises :class:`Refused` with a sentence that shows a correct form.

    >>> parse_address("4096"), parse_address("0x1000"), parse_address("1 MiB") == MIB
    (4096, 4096, True)
    >>> Address(parse_address("ffff 8080 0014 1000")), Address(parse_address("0014 1000"))
    (0xffff_8080_0014_1000, 0x14_1000)
    """
    digits = text.strip().replace("_", "")
    least = LEAST_BARE if digits.isalpha() else LEAST_BARE // 2
    is_name = text.strip()[:1].isalpha() and digits == text.strip() and len(digits) < least
    if _DIGITS.fullmatch(text) and not digits.isdecimal() and not is_name:
        return int(digits.replace(" ", ""), 16)
    try:
        return parse_size(text)
    except Refused:
        example = Address(0xFFFF_8080_0014_1000)
        meant = _meant_size(text)
        more = "; a variable has no quotes" if text.strip().isidentifier() else ""
        more = f"; did you mean {meant!r}?" if meant else more
        raise Refused(
            f"{shown(text)} is not an address: write decimal digits, or hexadecimal ones such as {example}{more}"
        ) from None


LEAST_BARE = 8
"""The fewest letters that are an address without 0x; with decimal digits among them, half as many are enough."""


_AS_TEXT = re.compile(r"(?:.?[<>^])?(?:[1-9]\d*)?s?")
"""A format with a width but without a base, sign or separator: it applies to the text."""


class _Printed(int):
    """A number that is printed as text."""

    __slots__ = ()

    def __format__(self, spec: str) -> str:
        """Format the text or, with a base, sign or separator, the number: ``f"{size:,}"``, ``f"{address:x}"``."""
        return format(str(self), spec) if _AS_TEXT.fullmatch(spec) else int.__format__(self, spec)


def _number(value: object, parse: Callable[[str], int], what: str) -> int:
    """Return the number given by a text or by anything that Python accepts as an index."""
    if isinstance(value, str):
        return parse(value)
    try:
        return index(value)  # type: ignore[arg-type]  # whatever it is, it says whether it is a number
    except TypeError:
        raise Refused(f"{shown(value)} is {a_kind(value)}: write {what} as a whole number or a string") from None


class Address(_Printed):
    """An address in bytes that prints as grouped hexadecimal.

    >>> Address(0xFFFF808000A07000)
    0xffff_8080_00a0_7000
    >>> f"{Address(0x1000):>9}|{Address(0x1000):#x}"
    '   0x1000|0x1000'
    >>> Address("0x10"), Address("ffff 8080 0014 1000")
    (0x10, 0xffff_8080_0014_1000)
    """

    __slots__ = ()

    def __new__(cls, value: int | str = 0) -> Address:
        """Return the address given by a number or a text (:func:`parse_address`); an address is itself.

        Raises :class:`Refused` for anything else.
        """
        if isinstance(value, Address):
            return value
        return int.__new__(cls, value if type(value) is int else _number(value, parse_address, "an address"))

    def __repr__(self) -> str:
        return "0x" + grouped_hex(self).replace(" ", "_")

    __str__ = __repr__


class Size(_Printed):
    """A size in bytes that prints in binary units.

    >>> Size(64 * MIB), Size("8 KiB")
    (64 MiB, 8 KiB)
    >>> f"{Size('8 KiB'):>8}|{Size('8 KiB'):,}"
    '   8 KiB|8,192'
    """

    __slots__ = ()

    def __new__(cls, value: int | str = 0) -> Size:
        """Return the size given by a number or a text (:func:`parse_size`).

        Raises :class:`Refused` for anything else.
        """
        return int.__new__(cls, value if type(value) is int else _number(value, parse_size, "a size"))

    def __repr__(self) -> str:
        return binary_size(self)

    __str__ = __repr__
