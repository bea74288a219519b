"""Recorded physical memory: pieces in a case file, or an image."""

from __future__ import annotations

import mmap
import os
import stat
import string
from bisect import bisect_right
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

from ...engine.base.errors import Refused
from ...engine.base.units import Address
from ...engine.memory.ram import BusError

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
        if pieces and pieces[-1][0] + len(pieces[-1][1]) > 1 << 64:
            raise Refused(f"the piece of memory at {Address(pieces[-1][0])} ends above 64 bits")

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


class ImageMemory:
    """A raw image of memory that begins at physical address `base`; raises :class:`BusError` outside."""

    def __init__(self, data: bytes | mmap.mmap, base: int = 0) -> None:
        self._data = data
        self.base = base
        self.size = len(data)
        if not 0 <= base <= (1 << 64) - self.size:
            raise Refused(f"an image of {self.size:,} bytes from {base:#x} on does not fit 64 bits of address")

    def read(self, pa: int, length: int) -> bytes:
        """Return `length` bytes from `pa` on."""
        offset = pa - self.base
        if offset < 0 or offset + length > self.size:
            raise BusError(pa, length, self.size, self.base)
        return self._data[offset : offset + length]

    def read_word(self, pa: int, width: int) -> int:
        """Return the little-endian word of `width` bytes at `pa`."""
        return int.from_bytes(self.read(pa, width), "little")


def open_image(path: Path, base: int = 0) -> ImageMemory:
    """Return the image in a file, such as QEMU's ``pmemsave`` writes; the file is mapped, not read, if possible."""
    data: bytes | mmap.mmap = b""
    with path.open("rb") as raw:
        state = os.fstat(raw.fileno())
        if stat.S_ISFIFO(state.st_mode):
            data = raw.read()
        elif not stat.S_ISREG(state.st_mode):
            raise Refused("this is not a file: an image must be in a file or a pipe")
        elif state.st_size:
            data = mmap.mmap(raw.fileno(), 0, access=mmap.ACCESS_READ)
    if not len(data):
        raise Refused("the image is empty")
    return ImageMemory(data, base)


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
