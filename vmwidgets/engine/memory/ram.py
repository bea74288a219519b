"""Physical memory: bytes at physical addresses, and nothing else.

The page tables read by the walker are bits here.  Memory is committed a frame at a time on the first write, so a
machine of many gigabytes costs only the memory it uses.
"""

from __future__ import annotations

from struct import Struct

from ..base.errors import Refused, VMError, shown
from ..base.units import IN_PAGE, PAGE, PAGE_SHIFT, Address, Size, counted

_WORDS = {1: Struct("<B"), 2: Struct("<H"), 4: Struct("<I"), 8: Struct("<Q")}
_READ = {width: one.unpack_from for width, one in _WORDS.items()}
_WRITE = {width: one.pack_into for width, one in _WORDS.items()}
"""The formats of words by their width in bytes."""


class BusError(VMError):
    """Raised for an access to a physical address without memory."""

    def __init__(self, pa: int, length: int, ram_size: int, ram_start: int = 0) -> None:
        super().__init__(
            f"{counted(length, 'byte')} at physical address {Address(pa) if pa >= 0 else pa} lie outside RAM, "
            f"which is [{Address(ram_start)}, {Address(ram_start + ram_size)}), {Size(ram_size)}"
        )
        self.pa = pa
        self.length = length


class Ram:
    """`size` bytes (whole pages) of little-endian memory, at first all zero.

    >>> ram = Ram(1 << 40)
    >>> ram.write_word(0x1008, 8, 0x1122334455667788)
    >>> ram.read(0x1008, 3).hex(), ram.written
    ('887766', {1})
    """

    __slots__ = ("_frames", "size", "written")
    readable = ("read", "read_word", "size")
    """The attributes that learners may use."""

    def __init__(self, size: int) -> None:
        if size <= 0 or size % PAGE:
            raise Refused(f"RAM of {size} bytes: the size must be a positive multiple of {PAGE}")
        self.size = size
        self._frames: dict[int, bytearray] = {}
        self.written: set[int] = set()
        """The numbers of the frames written since the set's only reader last emptied it."""

    def read(self, pa: int, length: int) -> bytes:
        """Return `length` bytes from `pa` on; raises :class:`BusError` outside.  Reading commits nothing."""
        self._check_inside(pa, length)
        parts = []
        for at, count in page_pieces(pa, length):
            held, offset = self._frames.get(at >> PAGE_SHIFT), at & IN_PAGE
            parts.append(bytes(count) if held is None else held[offset : offset + count])
        return b"".join(parts)

    def write(self, pa: int, data: bytes) -> None:
        """Write `data` at `pa`; raises :class:`BusError` outside, and then writes nothing."""
        self._check_inside(pa, len(data))
        done = 0
        for at, count in page_pieces(pa, len(data)):
            offset = at & IN_PAGE
            self._commit(at >> PAGE_SHIFT)[offset : offset + count] = data[done : done + count]
            done += count

    def read_word(self, pa: int, width: int) -> int:
        """Return the unsigned little-endian word of `width` bytes at `pa`."""
        held, offset = self._frames.get(pa >> PAGE_SHIFT), pa & IN_PAGE
        if offset + width > PAGE:
            return int.from_bytes(self.read(pa, width), "little")
        if held is None:
            self._check_inside(pa, width)
            return 0
        word: int = _READ[width](held, offset)[0]
        return word

    def write_word(self, pa: int, width: int, value: int) -> None:
        """Write an unsigned little-endian word of `width` bytes; raises OverflowError for a larger value."""
        held, offset = self._frames.get(pa >> PAGE_SHIFT), pa & IN_PAGE
        if held is None or offset + width > PAGE or value >> 8 * width:
            self.write(pa, value.to_bytes(width, "little"))
        else:
            self.written.add(pa >> PAGE_SHIFT)
            _WRITE[width](held, offset, value)

    def fill(self, pa: int, length: int, byte: int = 0) -> None:
        """Set `length` bytes from `pa` on to `byte`."""
        self.write(pa, bytes((byte,)) * length)

    def zero_frame(self, frame: int) -> None:
        """Fill a whole frame with zeros; the host's memory for it is freed."""
        self._check_inside(frame << PAGE_SHIFT, PAGE)
        self.written.add(frame)
        self._frames.pop(frame, None)

    def copy_frame(self, source: int, frame: int) -> None:
        """Copy a whole frame; raises :class:`BusError` outside, and then writes nothing."""
        for one in (source, frame):
            self._check_inside(one << PAGE_SHIFT, PAGE)
        self._commit(frame)[:] = self._frames.get(source) or bytes(PAGE)

    def _commit(self, frame: int) -> bytearray:
        self.written.add(frame)
        held = self._frames.get(frame)
        if held is None:
            held = self._frames[frame] = bytearray(PAGE)
        return held

    def _check_inside(self, pa: int, length: int) -> None:
        try:
            outside = (pa | length) < 0 or pa + length > self.size
        except TypeError:
            raise Refused(f"pa={shown(pa)} and length={shown(length)}: write whole numbers") from None
        if outside:
            raise BusError(pa, length, self.size)


def page_pieces(address: int, length: int) -> list[tuple[int, int]]:
    """Return [address, address + length) cut at page boundaries: address and length of each piece.

    >>> page_pieces(0xFFE, 4)
    [(4094, 2), (4096, 2)]
    """
    pieces, end = [], address + length
    while address < end:
        count = min(PAGE - (address & IN_PAGE), end - address)
        pieces.append((address, count))
        address += count
    return pieces
