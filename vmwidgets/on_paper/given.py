"""How a question gives accesses, frames, and the contents of memory."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..engine.base.errors import Refused, shown
from ..engine.base.operations import exact
from ..engine.base.units import parse_address

_KINDS = {"r": "read", "w": "write", "x": "execute", "read": "read", "write": "write", "execute": "execute",
          "load": "read", "l": "read", "store": "write", "s": "write", "fetch": "execute", "i": "execute"}  # fmt: skip


def reference(what: Any) -> tuple[str, Any]:
    """Return the kind of access, and the address as it is given: "w 0x3d7", or an address, which is read."""
    if isinstance(what, str):
        head, _, rest = what.strip().partition(" ")
        if head.lower() in _KINDS and rest.strip():
            return _KINDS[head.lower()], rest.strip()
    return "read", what


def address(value: Any) -> int:
    """Return an address, from a number or a text.

    >>> address("0x3d7"), address("0b11 1101 0111"), address("983")
    (983, 983, 983)
    """
    if not isinstance(value, str):
        return number(value)
    text = value.strip().lower().replace("_", "")
    return int(text.replace(" ", ""), 2) if re.fullmatch(r"0b[01 ]*[01]", text) else parse_address(value)


def named_address(name: str, value: Any) -> int:
    """Return the address that an argument gives; the refusal names the argument."""
    try:
        return address(value)
    except Refused as wrong:
        raise Refused(f"{name}={wrong}") from None


def number(value: Any) -> int:
    """Return a whole number that is not negative."""
    found = exact(value)
    if isinstance(found, bool) or not isinstance(found, int) or found < 0:
        raise Refused(f"{shown(value)}: write a whole number from 0 on, such as 0x3d7")
    return found


def frame(to: Any) -> tuple[int, str | None]:
    """Return the frame's number and the rights that a map gives: 13, or (13, "rw")."""
    pfn, rights = to if isinstance(to, (tuple, list)) and len(to) == 2 else (to, None)
    if rights is not None and (not isinstance(rights, str) or set(rights) - set("rwxu-")):
        raise Refused(f"frame {shown(to)}: rights are letters of 'rwxu', such as (0xd, 'rw')")
    return number(pfn), rights


MOST_PAIRS = 1 << 20
"""The most pairs: more than any page of a book has."""


def items_of(what: str, given: Any, example: str) -> Iterable[tuple[Any, Any]]:
    """Return the pairs of a dict, or of a list with its numbers; raises :class:`Refused` for anything else."""
    if isinstance(given, Mapping):
        return list(given.items())
    if isinstance(given, (list, tuple, range)) and len(given) <= MOST_PAIRS:
        return list(enumerate(given))
    raise Refused(f"{what}={shown(given)}: write {example}")


def one_of(name: str, value: object, known: Sequence[str]) -> None:
    """Raise :class:`Refused` unless a value is one of the known words."""
    if not isinstance(value, str) or value not in known:
        raise Refused(f"{name}={shown(value)}: write {' or '.join(map(repr, known))}")


_RIGHT = "write 'page 3: 1b 1d', '0x40: 1b', '0x40: 0x8006' or '[3] 0x8006'"
_ENTRY = re.compile(r"\s*\[\s*(\d+)\s*\]\s*:?\s*(0x[0-9a-fA-F]+)\s*")
_WORD = re.compile(r"\s*(0x[0-9a-fA-F]+)\s*:\s*(0x[0-9a-fA-F]+)\s*")
_LINE = re.compile(r"\s*(?:page|frame)?\s*(0x[0-9a-fA-F]+|\d+)\s*:\s*((?:[0-9a-fA-F]{2}\s*)+)", re.IGNORECASE)


def dumped(dump: Any, page: int | None, unit: int) -> tuple[dict[int, int], dict[int, int], dict[int, int]]:
    """Return what a dump has: a linear table's entries by number, bytes by place, and entries by address.

    >>> dumped("[3] 0x80000006", None, 1), dumped("page 1: 1b 1d", 32, 1)
    (({3: 2147483654}, {}, {}), ({}, {32: 27, 33: 29}, {}))
    """
    entries: dict[int, int] = {}
    held: dict[int, int] = {}
    words: dict[int, int] = {}

    if isinstance(dump, Mapping):
        for each, data in dump.items():
            held |= _at_page(number(each), bytes_of(data), page)
    elif not isinstance(dump, str):
        entries = {each: number(word) for each, word in items_of("memory", dump, "a text, a dict or a list of entries")}
    for line, text in enumerate(dump.splitlines() if isinstance(dump, str) else (), 1):
        if match := _ENTRY.fullmatch(text):
            entries[int(match[1])] = int(match[2], 16)
        elif match := _WORD.fullmatch(text):
            words[int(match[1], 16)] = int(match[2], 16)
        elif (match := _LINE.fullmatch(text)) and match[1].startswith("0x"):
            held.update((int(match[1], 16) * unit + n, byte) for n, byte in enumerate(bytes_of(match[2])))
        elif match:
            held |= _at_page(int(match[1]), bytes_of(match[2]), page)
        elif text.strip():
            raise Refused(f"line {line} of the dump is {shown(text.strip())}: {_RIGHT}")
    if (bool(entries), bool(held), bool(words)).count(True) != 1:
        raise Refused(f"memory: the dump {'is empty' if not entries | held | words else 'mixes forms'}; {_RIGHT}")
    return entries, held, words


def _at_page(frame: int, data: bytes, page: int | None) -> dict[int, int]:
    """Return the bytes of a frame by place."""
    if page is None:
        raise Refused("the dump is by pages: say page= in vm.paper")
    if len(data) > page:
        raise Refused(f"page {frame} of the dump: {len(data)} bytes, and a page has {page}")
    return {frame * page + n: byte for n, byte in enumerate(data)}


def bytes_of(data: Any) -> bytes:
    """Return bytes, from pairs of hexadecimal digits or from numbers."""
    try:
        if isinstance(data, (str, bytes, bytearray, list, tuple)):
            return bytes.fromhex("".join(data.split())) if isinstance(data, str) else bytes(data)
    except (TypeError, ValueError):
        pass
    raise Refused(f"{shown(data)}: write bytes as pairs of hexadecimal digits")
