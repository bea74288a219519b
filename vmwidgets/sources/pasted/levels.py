"""Walks whose lines have the names of levels, as kernels print their own: the processor, the address and what is there.

    PML4[0x100] = 0x000000000202b063 present
    PDPT[0x000] = 0x0000000000000000 NOT present

    L1[002] @ 0x80031010 = 0x0000000080032003

Names of one processor alone (PML4) say the format; otherwise the bits of the descriptors do, or it is open.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, NamedTuple

from ...engine.base.units import Address
from ...engine.mmu.format import TableFormat
from ...engine.mmu.formats.aarch64 import with_granule
from ...engine.mmu.formats.riscv import RiscvControls, deeper
from ...engine.mmu.formats.x86 import X86_32, X86_64, X86_64_LA57, X86Controls
from ...engine.mmu.tables import TablesWalk
from ...given.pasted import Trap
from .oops_event import IS, Event

_FLAGS = re.IGNORECASE | re.ASCII
LINE = re.compile(
    r"\b(?P<name>PML[45]|PGD|P4D|PUD|PMD|PDPT?|PD|PT|L(?:evel |ayer-)?[0-5])(?:TE|[TE])?"
    r"\s{0,3}\[\s?(?P<index>(?:0x)?[0-9a-f]{1,3})\s?\](?:\s?@?\s?(?:0x)?[0-9a-f]{4,16}(?=\s?[=:-]))?\s?(?:=>|->|=|:)"
    r"\s{0,4}(?:0x)?(?P<value>[0-9a-f]{1,16})(?![0-9a-z])",
    _FLAGS,
)
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

_OF_X86 = {
    ("pml5", "pml4", "pdpt", "pd", "pt"): X86_64_LA57,
    ("pml4", "pdpt", "pd", "pt"): X86_64,
    ("pd", "pt"): X86_32,
}
_LINUX = ("pgd", "p4d", "pud", "pmd", "pt")


class Found(NamedTuple):
    """A line's descriptor: the name of its level, its index as printed, its value and its line."""

    name: str
    index: str
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


def read(event: Event) -> None:
    """Add the walks in these lines; a table that lists more than one descriptor of a level is none."""
    found = []
    for number, line in event.lines:
        for match in LINE.finditer(line):
            name = match["name"].lower().replace("pdpt", "pdp").replace("pdp", "pdpt")
            if event.parts.ends_in(number, match.end()) and len(match["value"]) < 16:
                event.parts.unsaid.append(f"{match['name']} in line {number} ends the text, and is not read.")
                continue
            found.append(
                Found(name[:1] + name[-1:] if name[0] == "l" else name, match["index"], int(match["value"], 16), number)
            )
    if not found:
        return
    walks = [*_walks(found)]
    if not all(len(one) > 1 and one[0].name == found[0].name for one in walks):
        return
    for one in walks:
        _add(one, event)


def named_above(event: Event, line: int) -> int | None:
    """Return the address that a line, or one of the few above it, names as a walk's."""
    near = event.parts.lines[max(line - ABOVE - 1, 0) : line][::-1]
    said = next((match for one in near if (match := _OF.search(one)) is not None), None)
    return None if said is None else int(said[1], 16)


def _walks(found: Sequence[Found]) -> Iterator[list[Found]]:
    """Yield the descriptors of each walk: the next one begins where the first level's name comes again."""
    walk: list[Found] = []
    for one in found:
        if any(one.name == other.name for other in walk):
            yield walk
            walk = []
        walk.append(one)
    yield walk


def _format(walk: list[Found]) -> TableFormat[Any] | None:
    """Return the format of a walk, by the names of its levels and the bits of its descriptors; None if it is open."""
    names = tuple(one.name for one in walk)
    known = next((fmt for one, fmt in _OF_X86.items() if one[: len(names)] == names), None)
    if known is not None:
        return known
    if names[0] == "pgd":
        folded = [name for name in _LINUX if name in names or (name == "pud" and "p4d" in names)]
        depth = 3 if names[1] == "pmd" else 5 if "p4d" in folded else 4
        is_next = names == (*_LINUX[:1], *_LINUX[5 - depth + 1 :])[: len(names)]
    elif names[0][0] == "l":
        numbers = [int(name[1:]) for name in names]
        step = numbers[1] - numbers[0]
        depth = 4 - numbers[0] if step == 1 else numbers[0] + (numbers[0] < 4)
        is_next = all(after - before == step for before, after in pairwise(numbers)) and abs(step) == 1
    else:
        return None
    if not is_next:
        return None
    return format_of(kind_of([one.value for one in walk]), depth)


def format_of(kind: str, depth: int) -> TableFormat[Any] | None:
    """Return a processor's format with so many levels and pages of 4 KiB; None if it has none."""
    bits = 12 + 9 * depth
    if kind == "AArch64" and depth in (3, 4):
        return with_granule(12, bits)
    if kind == "RISC-V" and depth in (3, 4, 5):
        return deeper(bits)
    return {4: X86_64, 5: X86_64_LA57}.get(depth) if kind == "x86" else None


def _add(walk: list[Found], event: Event) -> None:
    fmt = _format(walk)
    first = walk[0].line
    said = named_above(event, first)
    if fmt is None:
        event.parts.refuse(
            f"The walk in line {first} has descriptors of a processor that the text does not say: they are not read."
        )
        return
    bases = [base for base in (10, 16) if _is_index(walk, base)]
    address = _address(walk, fmt, bases[0]) if said is None else said
    if said is not None and not any(_address(walk, fmt, base, address) == address for base in bases):
        event.say(f"has other entries than {Address(address)} has: one of the two is damaged, or it is another's walk")
        return
    event.parts.claimed.update(one.line for one in walk)
    event.parts.what["a kernel's own walk"] = None
    conclude(event, "a kernel", fmt, address, [one.value for one in walk], (first, walk[-1].line), said is None)


def _is_index(walk: list[Found], base: int) -> bool:
    """Return whether the indices can be numbers of a base."""
    return all(one.index[:2].lower() != "0x" and one.index.isdecimal() if base == 10 else True for one in walk)


def _address(walk: list[Found], fmt: TableFormat[Any], base: int, low: int = 0) -> int:
    """Return the address of the entries; `low` has the bits below them, and those above the tables."""
    levels = [*zip(fmt.levels, walk, strict=False)]
    found = sum(int(one.index, base) << level.shift for level, one in levels)
    last, top = levels[-1][0].shift, levels[0][0].shift + levels[0][0].bits
    if low:
        return low >> top << top | found | low & (1 << last) - 1
    return fmt.as_register(found, fmt.defaults) if fmt.sign_extended else found


def conclude(
    event: Event, where: str, fmt: TableFormat[Any], address: int, values: Sequence[int | None], lines: tuple[int, int],
    is_first: bool = False,
) -> None:  # fmt: skip
    """Add the tables of a walk and what they say of its address, unless the text states another physical address."""
    controls, upper = fmt.defaults, bool(address >> 55 & 1)
    if isinstance(controls, X86Controls):
        controls = replace(controls, nxe=fmt is not X86_32, maxphyaddr=52)
    elif isinstance(controls, RiscvControls):
        controls = RiscvControls(sum=True)
    else:
        fmt = replace(fmt, base_register="TTBR1_EL1") if upper else fmt
        controls = replace(controls, epd0=upper, epd1=not upper, wxn=False)
    tables, walk = event.walk(fmt, controls, address, values, None, lines, "read", False)
    if upper and hasattr(controls, "ttbr1"):
        controls = replace(controls, ttbr1=int(tables.root))
        tables, walk = event.walk(fmt, controls, address, values, int(tables.root), lines, "read", False)
        tables.root_is_said = False
    trap = Trap(where, event.first, None, "page walk", address=address)
    one = f"{Address(address)}" + " and the addresses behind it with the same entries" * is_first
    if (misfit := other_than_stated(event, walk, address)) is not None:
        event.parts.traps.append(replace(trap, says=misfit))
        return
    event.parts.tables.append(tables)
    if walk is None:
        event.say("lacks descriptors: the text leaves out a level, or is cut")
        says = f"{one}: the last descriptor is {values[-1] or 0:#x}, and the text leaves out what is below it."
    elif walk.fault is None:
        says = f"{Address(address)} is at physical {Address(walk.pa or 0)}."
    else:
        is_absent = walk.fault.kind == "not-present"
        says = (
            f"{one} {'is' if not is_first else 'are'} not mapped: {walk.fault.why}."
            if is_absent
            else f"{walk.fault.why}."
        )
    event.parts.traps.append(replace(trap, walk=walk, says=says))


def other_than_stated(event: Event, walk: TablesWalk | None, address: int) -> str | None:
    """Return a sentence if the text states another physical address than the descriptors lead to, as they are read."""
    said, pa = stated(event, address), None if walk is None else walk.pa
    if said is None or (pa is not None and said in (pa, pa & ~0xFFF)):
        return None
    event.say("leads elsewhere than the text states: its descriptors are another processor's, or damaged, and not read")
    return f"The text states that {Address(address)} is at physical {Address(said)}, and its descriptors are not read."
