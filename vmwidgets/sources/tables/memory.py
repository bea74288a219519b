"""Recorded physical memory: the pieces in a case file."""

from __future__ import annotations

import string
from bisect import bisect_right
from collections.abc import Iterable
from itertools import pairwise

from ...engine.base.errors import Refused
from ...engine.base.units import Address

_HEX = frozenset(string.hexdigits)


class ListedMemory:
    """Pieces of memory by address; all other bytes read as 0. Its size is the sum of the pieces.

    >>> ListedMemory([(0x1000, "0102"), (0x1004, "03")]).read_word(0x1000, 8) == 0x03_0000_0201
    True
    """

    def __init__(self, chunks: Iterable[tuple[int, str]]) -> None:
        pieces = sorted((start, _bytes(start, text)) for start, text in chunks)
        self._starts = [start for start, _ in pieces]
        self._pieces = [data for _, data in pieces]
        for (start, data), (following, _) in pairwise(pieces):
            if start + len(data) > following:
                raise Refused(f"the pieces of memory at {Address(start)} and {Address(following)} overlap")
        if pieces and not 0 <= pieces[0][0] <= pieces[-1][0] + len(pieces[-1][1]) <= 1 << 64:
            raise Refused("a piece of memory begins below 0, or ends above 64 bits")

    def read(self, pa: int, length: int) -> bytes:
        """Return `length` bytes from `pa` on."""
        at = max(0, bisect_right(self._starts, pa) - 1)
        found = bytearray(length)
        while at < len(self._starts) and self._starts[at] < pa + length:
            start, data = self._starts[at], self._pieces[at]
            first, last = max(pa, start), min(pa + length, start + len(data))
            if first < last:
                found[first - pa : last - pa] = data[first - start : last - start]
            at += 1
        return bytes(found)

    def read_word(self, pa: int, width: int) -> int:
        """Return the little-endian word of `width` bytes at `pa`."""
        at = bisect_right(self._starts, pa) - 1
        if at >= 0:
            offset, data = pa - self._starts[at], self._pieces[at]
            if offset + width <= len(data):
                return int.from_bytes(data[offset : offset + width], "little")
        return int.from_bytes(self.read(pa, width), "little")


def _bytes(start: int, text: str) -> bytes:
    if len(text) % 2:
        raise Refused(
            f"the piece of memory at {Address(start)} has {len(text):,} hexadecimal digits: that is half a byte"
        )
    try:
        data = bytes.fromhex(text)
    except ValueError:
        data = b""
    if len(data) * 2 != len(text):
        wrong = next(place for place, char in enumerate(text) if char not in _HEX)
        raise Refused(f"the piece of memory at {Address(start)}: character {wrong + 1} is not a hexadecimal digit")
    return data
