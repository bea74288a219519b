"""The parts of a paper machine that know no tables: a cache by physical addresses, and segments with base and limit."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..engine.base.errors import Refused, shown
from ..engine.base.units import Address
from .given import address, bytes_of, items_of, named_address
from .widths import Widths, log2, units_of
from .worked import OUTSIDE, PROTECTION


class Looked(NamedTuple):
    """A lookup in a cache: the parts of the address, whether the block was there, and its byte if it is known."""

    co: int
    ci: int
    ct: int
    hit: bool
    byte: int | None


class Cache:
    """Sets of blocks with tags, replaced by "lru" or "fifo"; `size` is (sets, ways, block), or a text for all bytes."""

    def __init__(self, size: Any, policy: str, unit: int) -> None:
        if not isinstance(size, (tuple, list)) or len(size) != 3:
            raise Refused(f"cache={shown(size)}: write (sets, ways, block), such as (16, 1, 4)")
        self.ways, self.block = (units_of(one, "cache", unit) for one in size[1:])
        total = units_of(size[0], "cache", unit)
        self.sets = total // (self.ways * self.block) if isinstance(size[0], str) else total
        self.policy = policy
        self._rows: dict[int, list[tuple[int, bytes | None]]] = {}
        for name, number in (("sets", self.sets), ("a block", self.block)):
            if number & number - 1 or not number:
                raise Refused(f"cache={shown(size)}: {name} would be {number}, which is not a power of two")

    def put(self, key: Any, held: Any) -> None:
        """Put a block, with index and tag `key`, into its set before all others."""
        is_pair = isinstance(key, (tuple, list)) and len(key) == 2
        if not is_pair or not 0 <= key[0] < self.sets or key[1] < 0:
            raise Refused(f"fill_cache: {shown(key)} is not (CI, CT), with CI from 0 to {self.sets - 1}")
        data = None if held is None else bytes_of(held)
        if data is not None and len(data) != self.block:
            raise Refused(f"fill_cache: {shown(held)} has {len(data)} bytes, and a block {self.block}")
        row = self._rows.setdefault(key[0], [])
        row[:] = [(key[1], data), *(one for one in row if one[0] != key[1])][: self.ways]

    def access(self, pa: int) -> Looked:
        """Look a physical address up; a miss brings the block in."""
        ct, ci = divmod(pa // self.block, self.sets)
        row = self._rows.setdefault(ci, [])
        found = next((one for one in row if one[0] == ct), None)
        if found is None:
            row.insert(0, (ct, None))
            del row[self.ways :]
        elif self.policy == "lru":
            row.remove(found)
            row.insert(0, found)
        co = pa % self.block
        return Looked(co, ci, ct, found is not None, found[1][co] if found is not None and found[1] else None)


class Segment(NamedTuple):
    """A segment: `limit` units from the physical address `base` on; with `down`, the units below `base`."""

    name: str
    base: int
    limit: int
    rights: str = "rwx"
    down: bool = False


class Placed(NamedTuple):
    """An address in a segment: its parts by name and bits, the segment, the sum in words, then `pa` or `fault`."""

    va: int
    bits: tuple[tuple[str, int], ...]
    segment: str
    sum: str
    pa: int = 0
    fault: str = ""
    why: str = ""


def segments_of(given: Any, base: Any, bounds: Any) -> tuple[Segment, ...]:
    """Return the segments that a question gives; base and bounds are one of them."""
    if (base is None) != (bounds is None):
        raise Refused("base and bounds go together: say both")
    if base is not None and given is not None:
        raise Refused("base and bounds are one segment, and segments= are others: leave one of them out")
    if base is not None:
        return (Segment("the program", named_address("base", base), named_address("bounds", bounds)),)
    found = []
    for name, one in items_of("segments", {} if given is None else given, "a dict or a list of (base, limit)"):
        if not isinstance(one, (tuple, list)) or not 2 <= len(one) <= 4:
            raise Refused(f"segment {shown(name)}={shown(one)}: write (base, limit), then rights or 'down'")
        rights = next((word for word in one[2:] if word != "down"), "rwx")
        if not isinstance(rights, str) or set(rights) - set("rwx-"):
            raise Refused(f"segment {shown(name)}: rights {shown(rights)} are letters of 'rwx', or 'down'")
        start, limit = (
            named_address(f"segment {shown(name)}: {what}", value)
            for what, value in zip(("base", "limit"), one, strict=False)
        )
        found.append(Segment(str(name), start, limit, rights, "down" in one[2:]))
    if given is not None and not found:
        raise Refused(f"segments={shown(given)}: write one segment at least, such as {{'code': (0, 64)}}")
    return tuple(found)


def check_fit(segments: tuple[Segment, ...], known: Widths, *, is_moved: bool) -> None:
    """Refuse segments with addresses that the machine lacks.

    OSTEP's relocation.py refuses those past physical memory, and its segmentation.py limits that are too large; it does
    not check a segment that grows down.  With pages, the sum is a linear address, of as many bits as a virtual one.
    """
    chooser = log2(len(segments))
    room, bits = ("pa", known.pa) if known.offset is None else ("va", known.va)
    if known.va is not None and known.va <= chooser:
        raise Refused(f"va={known.va}: {chooser} bits choose one of {len(segments)} segments: va={chooser + 1} fits")
    for one in segments:
        who = "base and bounds" if is_moved else f"segment {shown(one.name)}"
        last = one.base - 1 if one.down else one.base + one.limit - 1
        if one.down and known.va is None:
            raise Refused(f"{who} grows down from the last address: say va= too")
        if one.down and one.limit > one.base:
            raise Refused(f"{who} grows down: below its base, {one.base}, are {one.base} addresses, not {one.limit}")
        most = one.limit if known.va is None else 1 << known.va - chooser * one.down
        if one.limit > most:
            raise Refused(f"{who}: {one.limit} addresses are more than va={known.va} has: {most} fit")
        if bits is not None and last >> bits > 0:
            fits = f"{room}={last.bit_length()} fits"
            raise Refused(f"{who}: the last address {Address(last)} has more bits than {room}={bits}: {fits}")


def placed(segments: tuple[Segment, ...], va_bits: int | None, kind: str, given: Any) -> Placed:
    """Translate an address: a number whose top bits choose the segment, or (segment, offset).

    >>> table = segments_of([(219, 600), (2300, 14)], None, None)
    >>> placed(table, None, "read", (0, 430)).pa, placed(table, None, "read", (1, 14)).fault
    (649, 'out of the address space')
    """
    chooser = log2(len(segments))
    inner = None if va_bits is None else va_bits - chooser
    bits: tuple[tuple[str, int], ...] = ()
    if isinstance(given, (tuple, list)) and len(given) == 2:
        names = [one.name for one in segments]
        chosen = names.index(str(given[0])) if str(given[0]) in names else given[0]
        va = offset = address(given[1])
        if not isinstance(chosen, int) or not 0 <= chosen < len(segments):
            return Placed(va, (), "", "", fault=OUTSIDE, why=f"there is no segment {shown(given[0])}")
    else:
        va = offset = address(given)
        chosen = 0
        if va_bits is not None and va >> va_bits:
            why = f"{Address(va)} needs {va.bit_length()} bits, and an address has {va_bits}"
            return Placed(va, (), "", "", fault=OUTSIDE, why=why)
        if chooser:
            if inner is None:
                raise Refused(f"{shown(given)} chooses no segment: write (segment, offset), or say va= in vm.paper")
            chosen, offset = va >> inner, va & (1 << inner) - 1
            bits = ("segment", chooser), ("offset", inner)
            if chosen >= len(segments):
                return Placed(va, bits, "", "", fault=OUTSIDE, why=f"there is no segment {chosen}")
    one = segments[chosen]
    if one.down:
        offset -= 1 << (inner or 0)
        if offset >= 0:
            why = f"{one.name}: {Address(va)} needs {va.bit_length()} bits, and an offset has {inner}"
            return Placed(va, bits, one.name, "", fault=OUTSIDE, why=why)
    if not (-one.limit <= offset if one.down else offset < one.limit):
        how = f"{-offset} units below the base are more than" if one.down else f"the offset {offset} is not below"
        return Placed(va, bits, one.name, "", fault=OUTSIDE, why=f"{one.name}: {how} the limit, {one.limit}")
    if {"read": "r", "write": "w"}.get(kind, "x") not in one.rights:
        return Placed(va, bits, one.name, "", fault=PROTECTION, why=f"{one.name} is {one.rights}")
    sum_ = f"{one.name}: base {one.base} {'-' if offset < 0 else '+'} {abs(offset)} = {one.base + offset}"
    return Placed(va, bits, one.name, sum_, one.base + offset)
