"""Breakpoints that slow no other code: a jump leads from the code to a copy of its instructions in another page.

While a breakpoint is set, QEMU executes all code in its page of 4 KiB one instruction at a time, and the functions that
write descriptors are next to the loops that fill and copy pages.  So the instructions at such a place are copied to
free space after the trampoline, and a jump to the copy is written over them.  The guest stops in the copy; everywhere
else, addresses in the copy have the names of the original addresses.

The jumps stay until the guest ends.  They are written before its first process runs, so no return address, and no place
where the clock interrupted a process, lies inside the instructions that a jump replaces.

RISC-V 20191213, 2.4 (AUIPC), 2.5 (JAL, branches) and 16 (compressed instructions).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from .code import JAL, RA, Code, length_of, lifted_branch, target_of

_REACH = 1 << 20
"""Bytes that a JAL reaches."""


class Copy(NamedTuple):
    """Instructions that were copied: the jump to write over them, the copy, and the places in the copy."""

    start: int
    jump: bytes
    to: int
    code: bytes
    places: dict[int, int]
    """The offset of the copy of each original instruction."""
    back: dict[int, int]
    """The address of the original instruction that is executed next, by place in the copy."""


@dataclass
class Aside:
    """The copies in one guest: the address of each copy by its original address, and the reverse."""

    to: dict[int, int] = field(default_factory=dict)
    back: dict[int, int] = field(default_factory=dict)
    first: Copy | None = None
    """One of the copies, as a probe: after a reset, the guest has its original code again."""

    def add(self, one: Copy) -> None:
        """Add a copy that was written into the guest."""
        self.to.update(one.places)
        self.back.update(one.back)
        self.first = self.first or one

    def clear(self) -> None:
        """Forget all copies."""
        self.to.clear()
        self.back.clear()
        self.first = None


def copies(code: Code, wanted: Iterable[int], room: range) -> list[Copy]:
    """Return copies for the requested breakpoints, except for places where no jump can be written."""
    found: list[Copy] = []
    there: set[int] = set()
    taken: set[int] = set()
    at = room.start
    for place in sorted(set(wanted)):
        if place in there:
            continue
        over = _written_over(code, place)
        one = _copied(code, over, at) if over else None
        if one is None or one.to + len(one.code) > room.stop or not taken.isdisjoint(_bytes(one)):
            continue
        found.append(one)
        there |= one.places.keys()
        taken.update(_bytes(one))
        at = one.to + len(one.code)
    return found


def _bytes(one: Copy) -> range:
    last = max(one.places)
    return range(one.start, max(one.start + 4, last + 1))


def _written_over(code: Code, place: int) -> list[int]:
    """Return the instructions to copy: at least 4 bytes, with `place`; only the first may be a jump's target."""
    if code.is_return(place) and length_of(code.word(place)) == 2:
        before = code.before(place)
        found = [before, place] if before is not None else []
    else:
        found, at = [], place
        while code.word(at) and at < place + 4:
            found.append(at)
            at += length_of(code.word(at))
    whole = bool(found) and found[-1] + length_of(code.word(found[-1])) >= found[0] + 4
    return found if whole and not any(code.is_jumped_to(at) for at in found[1:]) else []


def _copied(code: Code, over: list[int], to: int) -> Copy | None:
    data, places, back = b"", {}, {}
    for at in over:
        part = _moved(code.word(at), at, to + len(data))
        if part is None:
            return None
        places[at] = to + len(data)
        back.update(dict.fromkeys(range(to + len(data), to + len(data) + len(part), 2), at))
        data += part
    after = over[-1] + length_of(code.word(over[-1]))
    if abs(after - to) > _REACH - 256:
        return None
    back[to + len(data)] = after
    data += _jump(after - to - len(data))
    return Copy(over[0], _jump(to - over[0]), to, data, places, back)


def _moved(word: int, at: int, to: int) -> bytes | None:
    """Return the instruction at `at`, rewritten to do the same at `to`; None for a call through a register."""
    long, rd = word & 3 == 3, word >> 7 & 31
    target = target_of(at, word)
    if long and word & 0x7F == 0x17:  # AUIPC
        return _address(rd, at + (word & 0xFFFF_F000) - (word >> 31 << 32), to)
    if target is None:
        is_call = word & 0xF07F == 0x9002 and rd if not long else word & 0x7F == 0x67 and rd == RA
        return None if is_call else word.to_bytes(4 if long else 2, "little")
    condition = lifted_branch(word, 8)
    if condition is not None:
        return condition.to_bytes(4, "little") + _jump(8) + _jump(target - to - 8)
    if long and rd:  # JAL: `rd` gets the original's return address
        return _address(rd, at + 4, to) + _jump(target - to - 8)
    return _jump(target - to)


def _address(rd: int, value: int, to: int) -> bytes:
    """Return AUIPC and ADDI, which put an address into a register."""
    high = value - to + 0x800 & -0x1000
    low = value - to - high
    words = (high & 0xFFFF_F000 | rd << 7 | 0x17, (low & 0xFFF) << 20 | rd << 15 | rd << 7 | 0x13)
    return b"".join(one.to_bytes(4, "little") for one in words)


def _jump(offset: int) -> bytes:
    """Return a JAL that saves no return address."""
    word = sum((offset >> to & (1 << bits) - 1) << low for low, bits, to in JAL)
    return (word | 0x6F).to_bytes(4, "little")
