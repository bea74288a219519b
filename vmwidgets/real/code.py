"""A kernel's machine code: calls, the places where a function returns, and stores of words.

RISC-V 20191213, 2.4 (AUIPC, LUI), 2.5 (JAL, JALR, branches), 2.6 (stores) and 16 (compressed instructions).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

from vmwidgets.engine.base.frozen import frozen

RA, SP, FP, A0 = 1, 2, 8, 10
"""Numbers of registers; A0 has the first argument, and the result."""

_CLOBBERED = frozenset((RA, 5, 6, 7, *range(10, 18), *range(28, 32)))
"""The registers that a call may change: ra, t0 to t6, a0 to a7."""

_RET = 0x8082
"""The compressed ``ret``; the long form is `_LONG_RET`."""

_LONG_RET = 0x0000_8067


class Part(NamedTuple):
    """A function: its name, its address and its size."""

    name: str
    start: int
    size: int


@frozen(slots=False)
class Body:
    """The contents of a function: its calls as (place, target), its returns, and its jumps out of itself."""

    calls: tuple[tuple[int, int], ...]
    returns: tuple[int, ...]
    leaves_to: tuple[int, ...]
    stores_words: bool
    """Whether the function stores 8 bytes (the size of a descriptor) anywhere except on its stack."""
    writes: frozenset[int] = frozenset()
    """The control registers (CSRs) that the function writes."""
    saves_ra: bool = False
    """Whether the function saves its return address on its stack, as functions that call others do."""


class Code:
    """The functions of a program, read from its bytes: `pieces` are addresses and their bytes."""

    def __init__(self, functions: list[Part], pieces: list[tuple[int, bytes]]) -> None:
        self._pieces = pieces
        self._parts = {one.name: one for one in functions}
        self._by_start = sorted(one.start for one in functions)
        self._names = {one.start: one.name for one in functions}
        self._bodies: dict[str, Body] = {}

    def word(self, address: int) -> int:
        """Return the instruction at an address, 2 or 4 bytes; 0 outside of the program."""
        for start, data in self._pieces:
            if start <= address < start + len(data) - 1:
                found = int.from_bytes(data[address - start : address - start + 4], "little")
                return found if found & 3 == 3 else found & 0xFFFF
        return 0

    def body(self, name: str) -> Body:
        """Return the body of a function; an empty body for a function without a size, such as assembly code."""
        if name not in self._bodies:
            part = self._parts.get(name)
            self._bodies[name] = _body(list(self._instructions(part)), part) if part is not None else _NOTHING
        return self._bodies[name]

    def _instructions(self, part: Part) -> Iterator[tuple[int, int]]:
        at = part.start
        while at < part.start + part.size:
            word = self.word(at)
            yield at, word
            at += length_of(word)

    @cached_property
    def callees(self) -> dict[str, frozenset[str]]:
        """The functions that each function calls, or jumps to at its end."""
        found = {}
        for name in self._parts:
            body = self.body(name)
            targets = [*(target for _, target in body.calls), *body.leaves_to]
            found[name] = frozenset(self._names[one] for one in targets if one in self._names)
        return found

    @cached_property
    def callers(self) -> dict[str, frozenset[str]]:
        """The functions that call each function."""
        found: dict[str, set[str]] = {}
        for name, callees in self.callees.items():
            for one in callees:
                found.setdefault(one, set()).add(name)
        return {name: frozenset(some) for name, some in found.items()}

    def call_sites(self, caller: str, callee: str) -> list[int]:
        """Return the addresses at which `caller` calls `callee`."""
        part = self._parts.get(callee)
        return [] if part is None else [at for at, target in self.body(caller).calls if target == part.start]

    def descriptor_stores(self, name: str, gives: frozenset[int], pointers: frozenset[int]) -> list[tuple[int, bool]]:
        """Return where a function stores descriptors, each with whether it stores 0.

        Registers are tracked from instruction to instruction: what functions at the addresses `gives` return, and what
        the function was given in the registers `pointers`, points to descriptors, and so does a sum with it.
        """
        part = self._parts.get(name)
        words = list(self._instructions(part)) if part is not None else []
        calls, found, known = dict(self.body(name).calls), {}, set(pointers)
        for at, word in words * 2:  # what a loop computes at its end is used at its beginning
            stored = _stored(word)
            if stored is not None and stored[0] in known:
                found[at] = stored[1] == 0
            elif at in calls:
                known -= _CLOBBERED
                known |= {A0} if calls[at] in gives else set()
            elif (moved := _moved(word)) is not None:
                rd, sources = moved
                known = known | {rd} if known & sources else known - {rd}
        return sorted(found.items())

    def loop_around(self, address: int) -> range:
        """Return the innermost loop around an instruction, from the target of its jump to the jump; or no address."""
        part = self._parts.get(self.named(address))
        words = self._instructions(part) if part is not None else ()
        jumps = ((target_of(at, word), at) for at, word in words)
        around = (range(to, at + 1) for to, at in jumps if to is not None and to <= address <= at)
        return min(around, key=len, default=range(0))

    def stores_at(self, name: str, offset: int) -> list[int]:
        """Return where a function stores 8 bytes at an offset of a structure."""
        part = self._parts.get(name)
        words = self._instructions(part) if part is not None else ()
        return [at for at, word in words if _stores(word) and _offset(word, _SD if word & 3 == 3 else _C_SD) == offset]

    def is_called_from(self, address: int) -> bool:
        """Return whether the instruction before this address is a call, so that it is a return address."""
        return any(self.word(address - length) and _is_call(self.word(address - length), length) for length in (4, 2))

    def named(self, address: int) -> str:
        """Return the function that contains an address, or ""."""
        at = bisect_right(self._by_start, address) - 1
        if at < 0:
            return ""
        part = self._parts[self._names[self._by_start[at]]]
        return part.name if address < part.start + max(part.size, 1) else ""

    def is_return(self, address: int) -> bool:
        """Return whether the instruction there is `ret`."""
        return self.word(address) in (_RET, _LONG_RET)

    def before(self, address: int) -> int | None:
        """Return the address of the instruction before this one, in the same function."""
        part, before = self._parts.get(self.named(address)), None
        for at, _ in self._instructions(part) if part is not None else ():
            if at >= address:
                return before if at == address else None
            before = at
        return None

    def is_jumped_to(self, address: int) -> bool:
        """Return whether a jump or branch in the same function may lead there, by its target or through a register."""
        return address in self._targets or self.named(address) in self._through_registers

    @cached_property
    def _targets(self) -> frozenset[int]:
        """Return the addresses at which functions begin, and to which jumps and branches lead."""
        words = (pair for part in self._parts.values() for pair in self._instructions(part))
        found = {target_of(at, word) for at, word in words} | {part.start for part in self._parts.values()}
        return frozenset(one for one in found if one is not None)

    @cached_property
    def _through_registers(self) -> frozenset[str]:
        """The functions that jump through a register other than ra, for example by the table of a `switch`."""
        return frozenset(
            part.name
            for part in self._parts.values()
            for _, word in self._instructions(part)
            if (word & 0xF07F == 0x8002 and word >> 7 & 31 not in (0, RA))
            or (word & 0xFFF == 0x67 and word >> 15 & 31 != RA)
        )


_NOTHING = Body((), (), (), False)


def _body(instructions: list[tuple[int, int]], part: Part) -> Body:
    calls: list[tuple[int, int]] = []
    returns, leaves, writes = [], [], set()
    stores = any(_stores(word) for _, word in instructions)
    saves_ra = any(_saves_ra(word) for _, word in instructions)
    high: dict[int, int] = {}  # by register, the value that AUIPC left there
    for at, word in instructions:
        target: int | None = None
        long = word & 3 == 3
        operation, rd, rs = word & 0x7F, word >> 7 & 31, word >> 15 & 31
        if word in (_RET, _LONG_RET):
            returns.append(at)
        elif long and operation == 0x17:
            high[rd] = at + _signed(word & 0xFFFF_F000, 32)
            continue
        elif long and operation == 0x6F:
            target = at + _offset(word, JAL)
        elif long and operation == 0x67 and rs in high:
            target = high[rs] + _signed(word >> 20, 12)
        elif not long and word & 0xE003 == 0xA001:
            target, rd = at + _offset(word, _C_J), 0
        elif long and operation == 0x73 and word >> 12 & 3 and (word >> 12 & 3 == 1 or rs):
            writes.add(word >> 20)
        if target is not None and rd == RA:
            calls.append((at, target))
        elif target is not None and not part.start <= target < part.start + part.size:
            leaves.append(target)
    return Body(tuple(calls), tuple(returns), tuple(leaves), stores, frozenset(writes), saves_ra)


def _stores(word: int) -> bool:
    """Return whether an instruction stores 8 bytes, not on the stack: SD, or C.SD with a base of x8 to x15."""
    if word & 3 == 3:
        return word & 0x707F == 0x3023 and word >> 15 & 31 not in (SP, FP)
    return word & 0xE003 == 0xE000 and word >> 7 & 7 != FP - 8


def _stored(word: int) -> tuple[int, int] | None:
    """Return the base and the source of an instruction that stores 8 bytes, as numbers of registers."""
    if not _stores(word):
        return None
    return (word >> 15 & 31, word >> 20 & 31) if word & 3 == 3 else (8 + (word >> 7 & 7), 8 + (word >> 2 & 7))


def _moved(word: int) -> tuple[int, set[int]] | None:
    """Return the register that an instruction sets, and the registers whose value or sum it sets it to, if it does."""
    rd, kind = word >> 7 & 31, word >> 13 & 7
    if word & 3 == 3:
        operation, one, two = word & 0x7F, word >> 15 & 31, word >> 20 & 31
        if operation in (0x23, 0x63) or (operation == 3 and one == SP):  # stores, branches, and what was saved
            return None
        if operation == 0x13 and not word >> 12 & 7:  # ADDI
            return rd, {one}
        return rd, {one, two} if word & 0xFE00_707F == 0x33 else set()  # ADD
    if word & 3 == 0:
        return (8 + (word >> 2 & 7), set()) if kind < 4 else None  # loads, and C.ADDI4SPN
    if word & 3 == 1:
        return (8 + (word >> 7 & 7), set()) if kind == 4 else (rd, {rd} if kind == 0 else set()) if kind < 4 else None
    if kind == 4 and word >> 2 & 31:  # C.MV, C.ADD
        return rd, {word >> 2 & 31, *([rd] if word >> 12 & 1 else [])}
    return (rd, set()) if kind == 0 else None  # C.SLLI; the others load what was saved, jump, or store


def _is_call(word: int, length: int) -> bool:
    """Return whether an instruction of this length calls a function: JAL or JALR that sets ra, or C.JALR."""
    if length == 4:
        return word & 3 == 3 and word & 0x7F in (0x6F, 0x67) and word >> 7 & 31 == RA
    return word & 0xF07F == 0x9002 and word >> 7 & 31 != 0


def _saves_ra(word: int) -> bool:
    """Return whether an instruction keeps ra on the stack: SD or C.SDSP."""
    if word & 3 == 3:
        return word & 0x707F == 0x3023 and word >> 15 & 31 == SP and word >> 20 & 31 == RA
    return word & 0xE003 == 0xE002 and word >> 2 & 31 == RA


def _signed(number: int, bits: int) -> int:
    return number - (1 << bits) if number >> bits - 1 & 1 else number


Parts = tuple[tuple[int, int, int], ...]
"""Parts of an offset in an instruction, the sign first: the lowest bit there, the bits, the lowest of the offset."""

JAL: Parts = ((31, 1, 20), (12, 8, 12), (20, 1, 11), (21, 10, 1))
_BRANCH: Parts = ((31, 1, 12), (7, 1, 11), (25, 6, 5), (8, 4, 1))
_C_J: Parts = ((12, 1, 11), (8, 1, 10), (9, 2, 8), (6, 1, 7), (7, 1, 6), (2, 1, 5), (11, 1, 4), (3, 3, 1))
_C_BRANCH: Parts = ((12, 1, 8), (5, 2, 6), (2, 1, 5), (10, 2, 3), (3, 2, 1))
_SD: Parts = ((31, 1, 11), (25, 6, 5), (7, 5, 0))
_C_SD: Parts = ((31, 1, 8), (5, 2, 6), (10, 3, 3))
_C_ADDI16SP: Parts = ((12, 1, 9), (3, 2, 7), (5, 1, 6), (2, 1, 5), (6, 1, 4))
_C_ADDI: Parts = ((12, 1, 5), (2, 5, 0))


def _offset(word: int, parts: Parts) -> int:
    """Return the signed number that an instruction has in parts."""
    number = sum((word >> low & (1 << bits) - 1) << to for low, bits, to in parts)
    return _signed(number, parts[0][2] + 1)


def length_of(word: int) -> int:
    """Return the length of an instruction in bytes."""
    return 4 if word & 3 == 3 else 2


def target_of(at: int, word: int) -> int | None:
    """Return the target of the jump or branch at `at`, if the instruction contains it."""
    if word & 0x7F == 0x6F:
        return at + _offset(word, JAL)
    if word & 0x7F == 0x63:
        return at + _offset(word, _BRANCH)
    if word & 3 == 1 and word >> 13 & 7 == 5:
        return at + _offset(word, _C_J)
    if word & 3 == 1 and word >> 13 & 7 >= 6:
        return at + _offset(word, _C_BRANCH)
    return None


def lifted_branch(word: int, offset: int) -> int | None:
    """Return a 4-byte branch like `word`, with `offset` (below 16); None if `word` is not a branch."""
    if word & 0x7F == 0x63:
        return word & ~0xFE00_0F80 | offset << 7
    if word & 3 == 1 and word >> 13 & 7 >= 6:
        return (8 + (word >> 7 & 7)) << 15 | (word >> 13 & 1) << 12 | offset << 7 | 0x63
    return None


def passed(word: int, registers: list[int]) -> dict[int, int] | None:
    """Return the registers that one instruction changes, by number (32 for the pc); None for an unknown instruction.

    Only instructions with which functions begin and end are known.  `registers` are x0 to x31 and pc.
    """
    pc, mask = registers[32], (1 << 64) - 1
    if word in (_RET, _LONG_RET):
        return {32: registers[RA] & ~1}
    if word & 0xE003 == 0x6001 and word >> 7 & 31 == SP:  # C.ADDI16SP
        return {SP: registers[SP] + _offset(word, _C_ADDI16SP) & mask, 32: pc + 2}
    if word & 0xE003 == 0x0001 and word & 3 != 3:  # C.ADDI
        rd, imm = word >> 7 & 31, _offset(word, _C_ADDI)
        return {rd: registers[rd] + imm & mask, 32: pc + 2} if rd else {32: pc + 2}
    if word & 0x707F == 0x13:  # ADDI
        rd, rs, imm = word >> 7 & 31, word >> 15 & 31, _signed(word >> 20, 12)
        return {rd: registers[rs] + imm & mask, 32: pc + 4} if rd else {32: pc + 4}
    if word & 0x7F == 0x63:
        one, two = registers[word >> 15 & 31], registers[word >> 20 & 31]
        kind = word >> 12 & 7
        if kind >> 1 == 1:
            return None
        if kind >> 1 == 2:
            one, two = _signed(one, 64), _signed(two, 64)
        taken = (one == two if kind < 2 else one < two) ^ bool(kind & 1)
        return {32: pc + (_offset(word, _BRANCH) if taken else 4)}
    if word & 0xC003 == 0xC001:  # C.BEQZ, C.BNEZ
        taken = (registers[8 + (word >> 7 & 7)] == 0) ^ bool(word >> 13 & 1)
        return {32: pc + (_offset(word, _C_BRANCH) if taken else 2)}
    return None
