"""The values that readers create from a terminal's text about page tables, traps and panics, for pictures.

A value has only the parts that the text has. Sentences say what the text leaves open; nothing is made up instead.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import field
from itertools import pairwise
from typing import Any, NamedTuple

from ..engine.base.errors import Refused, in_ascii, printable, shown
from ..engine.base.frozen import frozen
from ..engine.base.units import Address, Size, counted
from ..engine.mmu.tables import TablesWalk


@frozen
class SaidRange:
    """Adjacent addresses with the same rights: `size` bytes from `start` on."""

    start: int
    size: int
    rights: str
    """Read, write, execute and user as four letters: "rw-u".  A "?" is a right that the text does not give."""
    pa: int | None = None
    """The physical address of the first byte if the rest follows in memory; None if it does not, or if the text has no
    physical addresses."""
    word: int | None = field(default=None, compare=False)
    """The descriptor, if the text has it."""

    @property
    def end(self) -> int:
        """The first byte after the range."""
        return self.start + self.size

    @in_ascii
    def __repr__(self) -> str:
        where = "" if self.pa is None else f" at physical {Address(self.pa)}"
        return f"<{Address(self.start)}: {Size(self.size)} {self.rights}{where}>"


def joined(ranges: Iterable[SaidRange]) -> tuple[SaidRange, ...]:
    """Return the ranges by address, and join neighbours with equal rights.

    >>> joined([SaidRange(0x1000, 0x1000, "rw-u"), SaidRange(0, 0x1000, "rw-u")])
    (<0x0: 8 KiB rw-u>,)
    """
    found: list[SaidRange] = []
    for one in sorted(ranges, key=lambda each: each.start):
        last = found[-1] if found else None
        if last is None or (last.end, last.rights) != (one.start, one.rights):
            found.append(one)
            continue
        follows = last.pa is not None and last.pa + last.size == one.pa
        found[-1] = SaidRange(last.start, last.size + one.size, last.rights, last.pa if follows else None)
    return tuple(found)


class LeftOut(NamedTuple):
    """Addresses in [start, end) that a text does not describe, and why: "line 2 of the text leaves lines out"."""

    start: int
    end: int
    why: str


@frozen
class SaidDifference:
    """Adjacent addresses that two texts describe differently; None means that a text does not map them."""

    start: int
    size: int
    one: SaidRange | None
    other: SaidRange | None

    @in_ascii
    def __repr__(self) -> str:
        sides = " → ".join("not mapped" if side is None else _from(side, self.start) for side in (self.one, self.other))
        return f"<{Address(self.start)}: {Size(self.size)} {sides}>"


def _from(side: SaidRange, start: int) -> str:
    return side.rights if side.pa is None else f"{side.rights} at {Address(side.pa + start - side.start)}"


def compared(
    one: Sequence[SaidRange], other: Sequence[SaidRange], unknown: tuple[Sequence[LeftOut], ...] = ((), ())
) -> tuple[SaidDifference, ...]:
    """Compare two lists of ranges: mapped addresses, rights, and physical addresses if both lists have them.

    `unknown` are the addresses that each list leaves out: whether something is mapped there is no difference.

    >>> compared([SaidRange(0, 0x2000, "rw?u")], [SaidRange(0, 0x1000, "rwxu"), SaidRange(0x1000, 0x1000, "r-xu")])
    (<0x1000: 4 KiB rw?u -> r-xu>,)
    """
    known: list[SaidRange | LeftOut] = [*one, *other, *unknown[0], *unknown[1]]
    points = sorted({point for each in known for point in (each.start, each.end)})
    sides = tuple(sorted(ranges, key=lambda each: each.start) for ranges in (one, other))
    found: list[SaidDifference] = []
    at = [0, 0]
    for start, end in pairwise(points):
        here: list[SaidRange | None] = []
        for number, ranges in enumerate(sides):
            while at[number] < len(ranges) and ranges[at[number]].end <= start:
                at[number] += 1
            there = ranges[at[number]] if at[number] < len(ranges) else None
            here.append(there if there is not None and there.start <= start else None)
        is_known = all(
            there is not None or not any(left.start <= start < left.end for left in unknown[number])
            for number, there in enumerate(here)
        )
        if is_known and _differ(here[0], here[1]):
            found.append(SaidDifference(start, end - start, here[0], here[1]))
    return tuple(found)


def _differ(one: SaidRange | None, other: SaidRange | None) -> bool:
    if one is None or other is None:
        return one is not other
    moved = one.pa is not None and other.pa is not None and one.pa - one.start != other.pa - other.start
    return moved or any(a != b and "?" not in (a, b) for a, b in zip(one.rights, other.rights, strict=True))


@frozen
class Listing:
    """A list of ranges or pages, such as "info mem of x86" of QEMU's monitor, as runs of equal permissions."""

    name: str
    pieces: tuple[SaidRange, ...]
    """The contents of each line, by address."""
    line: int
    """The number of the listing's first line in the text, from 1."""
    absent: tuple[SaidRange, ...] = ()
    """The addresses that are not mapped, according to the text."""
    is_whole: bool = True
    """Whether everything that the listing leaves out is unmapped."""
    left_out: tuple[LeftOut, ...] = ()
    """The addresses that the text does not describe, although the listing did."""

    def at(self, address: int) -> SaidRange | None:
        """Return the listing's piece for an address, or None.  O(log pieces)."""
        for pieces in (self.pieces, self.absent):
            place = bisect_right(pieces, address, key=lambda one: one.start) - 1
            if place >= 0 and address < pieces[place].end:
                return pieces[place]
        return None

    def unsaid_at(self, address: int) -> str:
        """Return why the text does not say whether an address is mapped; "" if it does.  O(lines left out)."""
        if self.at(address) is not None:
            return ""
        return next((one.why for one in self.left_out if one.start <= address < one.end), "")

    @property
    def unknown(self) -> tuple[LeftOut, ...]:
        """The addresses of which the text says nothing: all but the pieces, if the listing has only some pages."""
        if self.is_whole:
            return self.left_out
        said = joined((*self.pieces, *self.absent))
        ends, starts = (0, *(one.end for one in said)), (*(one.start for one in said), 1 << 64)
        return tuple(LeftOut(*gap, "") for gap in zip(ends, starts, strict=True) if gap[0] < gap[1])

    @property
    def ranges(self) -> tuple[SaidRange, ...]:
        """The lines as runs of equal permissions."""
        return joined(self.pieces)

    @in_ascii
    def __repr__(self) -> str:
        absent = f", {counted(len(self.absent), 'page')} not mapped" if self.absent else ""
        absent += ", with lines left out" * bool(self.left_out)
        return f"<{self.name}: {counted(len(self.ranges), 'range')}{absent}, from line {self.line}>"


@frozen(slots=False)
class Trap:
    """A trap of any processor: its numbers and, if the text also has tables, the walk of the address.

    `code` is the value of `register`: scause of RISC-V, the error code of x86, ESR_EL1 of AArch64, FSR of ARMv7.
    """

    where: str
    """The place, such as "usertrap" or "kerneltrap" of xv6, or "kernel mode"."""
    line: int
    code: int | None
    means: str
    """The specification's name of the cause."""
    pid: int | None = None
    pc: int | None = None
    """The address of the instruction."""
    address: int | None = None
    """The address that the instruction accessed."""
    walk: TablesWalk | None = None
    refused: str = ""
    """The bit of the descriptor that refused the access, such as "W"; "" if the text does not show one."""
    says: str = ""
    """The known facts about the trap, in sentences."""
    register: str = "scause"
    decoded: tuple[str, ...] = ()
    """The parts of the code with their meanings, such as "WnR (bit 6) is 1: a write"."""

    @property
    def scause(self) -> int | None:
        """The code, under its name on RISC-V."""
        return self.code

    @property
    def sepc(self) -> int | None:
        """The address of the instruction, under its name on RISC-V."""
        return self.pc

    @property
    def stval(self) -> int | None:
        """The address that was accessed, under its name on RISC-V."""
        return self.address

    @in_ascii
    def __repr__(self) -> str:
        return f"<{self.headline}: {self.says.removeprefix(f'{self.means}; ')}>"

    @property
    def headline(self) -> str:
        """The trap in a few words."""
        of = f" of process {self.pid}" if self.pid is not None else ""
        at = f" at {Address(self.address)}" if self.address is not None else ""
        return f"{self.where}{of}, line {self.line}: {self.means}{at}"


@frozen(slots=False)
class Panic:
    """A panic's line, the purpose of the check that panicked, and three usual mistakes; both are empty if unknown."""

    text: str
    line: int
    function: str = ""
    """The function of xv6 that makes the check."""
    protects: str = ""
    mistakes: tuple[str, ...] = ()

    @in_ascii
    def __repr__(self) -> str:
        return f"<panic: {printable(self.text)}, line {self.line}>"


@frozen(slots=False)
class Pasted:
    """The parts found in a text, by name and in the text's order.

    ``vm.load(text)`` returns it.
    """

    tables: tuple[Any, ...] = ()
    """Tables that know only the contents of the text (``PageTables`` with `lines`, `pieces` and `ranges`)."""
    traps: tuple[Trap, ...] = ()
    panics: tuple[Panic, ...] = ()
    listings: tuple[Listing, ...] = ()
    unsaid: tuple[str, ...] = field(default=())
    """Sentences about information missing from the text."""
    what: tuple[str, ...] = ()
    """The source of the text, such as "an oops of Linux on arm64"."""
    passed_over: str = ""
    """A sentence that counts the other lines of the text."""
    claimed: frozenset[int] = frozenset()
    """The lines of the text that these parts use."""

    @property
    def ranges(self) -> tuple[SaidRange, ...]:
        """The ranges of all listings."""
        return tuple(one for listing in self.listings for one in listing.ranges)

    def compare(self, other: Pasted) -> tuple[SaidDifference, ...]:
        """Return the differences between the tables or listings of two texts, such as before and after a fork.

        Each text must have one table, or one listing if it has no table.  A "?" in one of them is not a difference,
        nor is an address that one of them leaves out.  Physical addresses are compared as far as both texts have them.

        Raises :class:`Refused` for anything else.  O(ranges).

        >>> import vmwidgets as vm
        >>> line = "0000000000001000 0000000087f6b000 0000000000001000 "
        >>> vm.load(line + "rw-u---").compare(vm.load(line + "r--u---"))
        (<0x1000: 4 KiB rw-u at 0x87f6_b000 -> r--u at 0x87f6_b000>,)
        """
        if not isinstance(other, Pasted):
            raise Refused(f"compare: {shown(other)} is not a result of vm.load")
        one, its = self._only(), other._only()
        return compared(one.pieces, its.pieces, (one.unknown, its.unknown))

    def _only(self) -> Any:
        """Return the only table, or the only listing."""
        parts: Sequence[Any] = self.tables or self.listings
        if len(parts) != 1:
            raise Refused(f"compare: a text has {self.summary}; each must have one table, or one listing")
        return parts[0]

    @property
    def summary(self) -> str:
        """The number of parts of each kind."""
        counts = (
            (len(self.tables), "page table"),
            (len(self.traps), "trap"),
            (len(self.panics), "panic"),
            (len(self.ranges), "range"),
        )
        return ", ".join(counted(count, noun) for count, noun in counts if count)

    @in_ascii
    def __repr__(self) -> str:
        parts = [*self.tables, *self.traps, *self.panics, *self.listings]
        of = f" {' and '.join(self.what)}" if self.what else ""
        lines = [f"<pasted{of}: {self.summary}", *(f"  {part!r}" for part in parts[:MOST_LINES])]
        if len(parts) > MOST_LINES:
            lines.append(f"  and {len(parts) - MOST_LINES} more")
        if self.passed_over:
            lines.append(f"  {self.passed_over}")
        if self.unsaid:
            lines.append(f"  {counted(len(self.unsaid), 'sentence')} in .unsaid about what the text does not say")
        return "\n".join(lines) + ">"


MOST_LINES = 6
"""The most parts that are printed."""
