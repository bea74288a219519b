"""Walks whose lines have the names of levels, as kernels print their own: the processor, the address and what is there.

    PML4[0x100] = 0x000000000202b063 present
    PDPT[0x000] = 0x0000000000000000 NOT present

    L1[002] @ 0x80031010 = 0x0000000080032003

Names of one processor alone (PML4) say the format; otherwise the bits of the descriptors do, or it is open.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, NamedTuple

from ...engine.base.units import Address
from ...engine.mmu.format import TableFormat
from ...engine.mmu.formats.aarch64 import with_granule
from ...engine.mmu.formats.riscv import RiscvControls, deeper
from ...engine.mmu.formats.x86 import X86_32, X86_64, X86_64_LA57, X86_PAE, X86Controls
from ...engine.mmu.rules import Access
from ...engine.mmu.tables import TablesWalk
from ...given.pasted import Trap
from .one_walk import tables_of, walked
from .oops_event import IS, Event
from .said import PastedTables

_FLAGS = re.IGNORECASE | re.ASCII
_NAME = r"(?P<name>PML[45]|PGD|P4D|PUD|PMD|PDPT?|PD|PT|L(?:evel |ayer-)?[0-5])(?:TE|[TE])?"
_INDEX = r"\s{0,3}\[\s?(?P<index>(?:0x)?[0-9a-f]{1,3})\s?\]"
_AT = r"(?:\s?@?\s?(?:0x)?[0-9a-f]{4,16}(?=\s?[=:-]))?"
_VALUE = r"\s?(?:=>|->|=|:)\s{0,4}(?:0x)?(?P<value>[0-9a-f]{1,16})(?![0-9a-z])"
LINE = re.compile(rf"\b{_NAME}{_INDEX}{_AT}{_VALUE}", _FLAGS)
"""A descriptor with its level and its index; some print the descriptor's own address in between."""

_OF = re.compile(
    r"(?:\b(?:walk|mapping|translat\w*|address|addr|va|for|of|at)\b(?: (?:for|of|va|address))*"
    rf"{IS}|^\s*vtop ?)(?:0x)?([0-9a-f]{{4,16}}|(?<=0x)[0-9a-f]{{1,16}})\b(?!\s?[\]=@])",
    _FLAGS,
)
_STATED = (
    r"^(?!.*(?:table|cr3|root|ttbr|satp)).*?"
    rf"\bp(?:hys(?:ical)?(?:[ _]addr(?:ess)?)?|addr|a){IS}(?:0x)?([0-9a-f]{{3,16}})\b"
)
_PAGE = r"^\s*PAGE: ([0-9a-f]{3,16})\b"
"""The physical address that the text itself states; crash prints it beside the address, and that of the page."""

ABOVE = 3
"""The lines above the first descriptor in which the walk's address is named."""

_HEIGHTS = {"pml5": 5, "pml4": 4, "pdpt": 3, "pd": 2, "pt": 1, "p4d": 4, "pud": 3, "pmd": 2}
"""The levels from the last one up; Linux's PGD is above whatever follows."""


class Found(NamedTuple):
    """A line's descriptor: the name of its level, its index as printed, its value and its line."""

    name: str
    entry: str
    value: int
    line: int


def stated(event: Event, address: int) -> int | None:
    """Return the physical address that the lines of a walk state."""
    pattern = re.compile(rf"{_STATED}|{_PAGE}|^\s*0*{address:x}\s+([0-9a-f]{{3,16}})\s*$", _FLAGS)
    lines = [one for one in event.lines if not LINE.search(one[1])]
    return replace(event, lines=lines).number(pattern)


def kind_of(values: Sequence[int]) -> str:
    """Return the processor whose tables can have these descriptors, the root's first; "" if it is open.

    Of a table's descriptor, AArch64 has 1 in bits 1:0 and Linux nothing more in the low 12; RISC-V has V alone; x86 has
    P, and the bits A or U/S in what was used.  A page of AArch64 that was used has AF.

    >>> kind_of([0x2D063, 0]), kind_of([0x100000023FFFF003, 0x60000042A6F783]), kind_of([0x21FDA801, 0x21FDAC1F])
    ('x86', 'AArch64', 'RISC-V')
    """
    *tables, last = values
    if tables and all(one & 0xFFF == 3 for one in tables):
        return "AArch64" if last & 0x401 == 0x401 else ""
    if tables and all(one & 0x3FF == 1 for one in tables):
        return "RISC-V"
    return "x86" if tables and all(one & 1 for one in tables) and any(one & 0x26 for one in tables) else ""


def _name(match: re.Match[str]) -> str:
    return re.sub("^l.*(?=.$)", "l", match["name"].lower()).replace("pdpt", "pdp").replace("pdp", "pdpt")


def goes_on(above: str, below: str) -> bool:
    """Return whether the first descriptor of a line is of the level after that of the last one of the line above."""
    one, other = [*LINE.finditer(above)], LINE.search(below)
    if not one or other is None:
        return False
    names = _name(one[-1]), _name(other)
    if names[0][0] == names[1][0] == "l":
        return abs(int(names[0][1]) - int(names[1][1])) == 1
    return _HEIGHTS.get(names[0], 6) > _HEIGHTS.get(names[1], 6)


def read(event: Event) -> None:
    """Add the walk in these lines; a table that lists more than one descriptor of a level is none."""
    found, lines = [], event.parts.lines
    for number, line in event.lines:
        for match in LINE.finditer(line):
            if event.parts.ends_in(number, match.end()) and len(match["value"]) < 16:
                event.parts.unsaid.append(f"{match['name']} in line {number} ends the text, and is not read.")
                continue
            found.append(Found(_name(match), match["index"], int(match["value"], 16), number))
    names = [one.name for one in found]
    below = LINE.search(lines[found[-1].line]) if found and found[-1].line < len(lines) else None
    if len({*names}) == len(names) > 1 and (below is None or _name(below) != names[-1]):
        _add(found, event)


def named_above(event: Event, line: int) -> int | None:
    """Return the address that a line, or one of the few above it, names as a walk's."""
    near = event.parts.lines[max(line - ABOVE - 1, 0) : line][::-1]
    said = next((match for one in near if (match := _OF.search(one)) is not None), None)
    return None if said is None else int(said[1], 16)


def _format(walk: list[Found]) -> TableFormat[Any] | None:
    """Return the format of a walk, by the names of its levels and the bits of its descriptors; None if it is open."""
    names = [one.name for one in walk]
    heights = [_HEIGHTS.get(name, 0) for name in names]
    if names[0][0] == "l":  # AArch64 counts down the tree, and x86 and RISC-V up
        first, second = (int(name[1]) for name in names[:2])
        heights = [4 - int(name[1]) if second > first else int(name[1]) + (first < 4) for name in names]
    elif names[0] == "pgd":
        heights[0] = heights[1] + 1
    if any(above - 1 != below for above, below in pairwise(heights)):
        return None
    is_x86 = names[0] in ("pml5", "pml4", "pd")
    return (
        X86_32 if names[0] == "pd" else format_of("x86" if is_x86 else kind_of([one.value for one in walk]), heights[0])
    )


def format_of(kind: str, depth: int) -> TableFormat[Any] | None:
    """Return a processor's format with so many levels and pages of 4 KiB; None if it has none."""
    bits = 12 + 9 * depth
    if kind == "AArch64" and depth in (3, 4):
        return with_granule(12, bits)
    if kind == "RISC-V" and depth in (3, 4, 5):
        return deeper(bits)
    return {4: X86_64, 5: X86_64_LA57}.get(depth) if kind == "x86" else None


def _add(walk: list[Found], event: Event) -> None:
    fmt, first, said = _format(walk), walk[0].line, named_above(event, walk[0].line)
    bases = (16,) if re.search("[xa-f]", "".join(one.entry for one in walk).lower()) else (10, 16)
    found = [_address(walk, fmt, base, said) for base in bases if fmt is not None]
    if said is not None and found and said not in found:
        event.say(f"has other entries than {Address(said)} has: one of the two is damaged, or it is another's walk")
        return
    if said is None and found:
        event.say(f"names no address: {Address(found[0])} is the first one of its entries")
    event.parts.claimed.update(one.line for one in walk)
    event.parts.what["a kernel's own walk"] = None
    values = [one.value for one in walk]
    conclude(event, "a kernel", fmt, [*found, 0][0] if said is None else said, values, (first, walk[-1].line))


def _address(walk: list[Found], fmt: TableFormat[Any], base: int, low: int | None) -> int:
    """Return the address of the entries; `low` has the bits below them, and those above the tables."""
    levels = [*zip(fmt.levels, walk, strict=False)]
    found = sum(int(one.entry, base) << level.shift for level, one in levels)
    if low is None:
        return fmt.as_register(found, fmt.defaults) if fmt.sign_extended else found
    last, top = levels[-1][0].shift, levels[0][0].shift + levels[0][0].bits
    return low >> top << top | found | low & (1 << last) - 1


def conclude(
    event: Event, where: str, fmt: TableFormat[Any] | None, address: int, values: Sequence[int | None],
    lines: tuple[int, int],
) -> None:  # fmt: skip
    """Add a walk that nothing made: its tables, and what they say, unless the text states another physical address."""
    parts, said, trap = (
        event.parts,
        stated(event, address),
        Trap(where, event.first, None, "page walk", address=address),
    )
    tables, walk = (None, None) if fmt is None else _tables(event, fmt, address, values, lines)
    pa = None if walk is None else walk.pa
    if said is not None and (pa is None or said not in (pa, pa & ~0xFFF)):
        event.say("leads elsewhere than the text states: its processor is not said, or it is damaged; it is not read")
        parts.traps.append(
            replace(trap, says=f"The text states that {Address(address)} is at physical {Address(said)}.")
        )
        return
    if fmt is None or tables is None:
        parts.refuse(
            f"The descriptors in line {lines[0]} are of a processor that the text does not say: they are not read."
        )
        return
    parts.tables.append(tables)
    if pa is not None:
        parts.traps.append(replace(trap, walk=walk, says=f"{Address(address)} is at physical {Address(pa)}."))
        return
    again = walk
    if walk is None and isinstance(fmt.defaults, X86Controls):
        again = walk_without(fmt, fmt.defaults, address, values, "read", False)
    if again is not None and again.fault is None and fmt is X86_PAE and None not in values[1:]:
        says = f"{Address(address)} is at physical {Address(again.pa or 0)}, if P of the PDPTE is 1: the text lacks it."
        parts.traps.append(replace(trap, says=says))
        return
    fault, last = None if again is None else again.fault, values[-1] or 0
    bit = "" if fault is None else REFUSING.get(fmt.name[:3], "V") if fault.kind == "not-present" else fault.kind
    if fault is None:
        event.say("lacks descriptors: the text leaves out a level, or is cut")
    beside = "above" if None in values else "below"
    is_last = f"the {fmt.levels[len(values) - 1].name} is {last:#x}, and the text leaves out descriptors {beside} it"
    says = f"{Address(address)}: {is_last}" if fault is None else f"{Address(address)} is not mapped: {fault.why}"
    says += "; its other bits are the kernel's own, such as a place in swap space" * bool(bit == "P" and last)
    above = values[-2] if len(values) > 1 else None
    if bit == "P" and above:
        rights = [words for mask, words in ((1, "present"), (2, "writable"), (4, "for user code")) if above & mask]
        says += f". The {fmt.levels[len(values) - 2].name} above it, {above:#x}, is {', '.join(rights)}"
    parts.traps.append(replace(trap, walk=walk, refused=bit, says=f"{says}."))


REFUSING = {"x86": "P", "aar": "valid"}
"""The bit of an absent descriptor by the beginning of a format's name; that of RISC-V is V."""


def _tables(
    event: Event, fmt: TableFormat[Any], address: int, values: Sequence[int | None], lines: tuple[int, int]
) -> tuple[PastedTables, TablesWalk | None]:
    """Return the tables of a walk, and the walk of a read by the supervisor."""
    if isinstance(fmt.defaults, X86Controls):
        controls: Any = X86Controls(nxe=fmt is not X86_32, maxphyaddr=52)
    elif fmt.name.startswith("riscv"):
        controls = RiscvControls(sum=True)
    else:
        return walk_of_half(event, fmt, fmt.defaults, address, values, None, lines, "read", False)
    return event.walk(fmt, controls, address, values, None, lines, "read", False)


def walk_without(
    fmt: TableFormat[Any], controls: Any, va: int, values: Sequence[int | None], access: Access, user: bool
) -> TablesWalk | None:
    """Return the walk of x86 as if unreadable descriptors allowed everything; None if it ends at one of them.

    Linux prints a descriptor only if all descriptors above it are present, so a bit that refuses here refused the
    access in any case.
    """
    assumed: list[int | None] = []
    for level, word in zip(fmt.levels, values, strict=False):
        rights = 1 if fmt is X86_PAE and not assumed else 0x67
        assumed.append((0xFFFF_F000 - 0x1000 * level.number | rights) if word is None else word)
    walk = walked(tables_of("", fmt, controls, va, assumed, None, (0, 0)), va, access, user)
    return None if walk is None or values[len(walk.steps) - 1] is None else walk


def walk_of_half(
    event: Event, fmt: TableFormat[Any], controls: Any, address: int, values: Sequence[int | None], root: int | None,
    lines: tuple[int, int], access: Access, user: bool,
) -> tuple[PastedTables, TablesWalk | None]:  # fmt: skip
    """Return the tables of AArch64 for the half of the addresses that bit 55 selects, and the walk of an access."""
    upper = bool(address >> 55 & 1)
    if upper:
        fmt = replace(fmt, base_register="TTBR1_EL1")
    at = 0 if root is None else root - root % 4096
    # the text has no table of the other half
    controls = replace(controls, epd0=upper, epd1=not upper, ttbr1=at, wxn=False)
    base = at if root is not None else None
    tables, walk = event.walk(fmt, controls, address, values, base, lines, access, user)
    if (put := int(tables.root)) != at:
        controls = replace(controls, ttbr1=put)
        tables, walk = event.walk(fmt, controls, address, values, put, lines, access, user)
        tables.root_is_said = False
    return tables, walk
