"""The physical memory of a guest at one stop: bytes that were read stay the same, even after the guest continues."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ..engine.base.errors import Refused
from ..engine.base.units import PAGE, Address
from ..engine.memory.ram import BusError

ReadPieces = Callable[[Iterable[tuple[int, int]]], "list[bytes | None]"]
"""A function that reads physical memory by address and length; None where there is no memory."""


class StoppedMemory:
    """Memory in whole pages, each read once; :meth:`close` when the guest continues.

    Raises :class:`BusError` where there is no memory, and :class:`Refused` for memory that was not read before the
    guest continued.
    """

    def __init__(self, read: ReadPieces) -> None:
        self._read: ReadPieces | None = read
        self._pages: dict[int, bytes | None] = {}

    def close(self) -> None:
        """Read nothing more: the guest continues."""
        self._read = None

    def fetch(self, pages: Iterable[int]) -> None:
        """Read the pages at these physical addresses in one batch; known pages are not read again."""
        wanted = sorted({pa & -PAGE for pa in pages} - self._pages.keys())
        if wanted and self._read is not None:
            self._pages.update(zip(wanted, self._read([(pa, PAGE) for pa in wanted]), strict=True))

    def read(self, pa: int, length: int) -> bytes:
        """Return `length` bytes from `pa` on."""
        first, last = pa & -PAGE, (pa + length - 1) & -PAGE
        pages = range(first, last + 1, PAGE)
        if any(page not in self._pages for page in pages):
            if self._read is None:
                raise Refused(f"physical address {Address(pa)} was not read before the guest ran on")
            self.fetch(pages)
        data = b""
        for page in pages:
            found = self._pages[page]
            if found is None:
                raise BusError(pa, length, 1 << 64)
            data += found
        return data[pa - first : pa - first + length]

    def without_bits(self, pa: int, count: int, bits: int) -> None:
        """Clear `bits` in the copy of `count` words of 8 bytes from `pa` on, in one page."""
        page, offset, data = pa & -PAGE, pa & PAGE - 1, bytearray(self.read(pa & -PAGE, PAGE))
        for at in range(offset, offset + count * 8, 8):
            word = int.from_bytes(data[at : at + 8], "little") & ~bits
            data[at : at + 8] = word.to_bytes(8, "little")
        self._pages[page] = bytes(data)

    def read_word(self, pa: int, width: int) -> int:
        """Return the little-endian word of `width` bytes at `pa`."""
        return int.from_bytes(self.read(pa, width), "little")
