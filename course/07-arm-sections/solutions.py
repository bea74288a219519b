"""Solutions of lab 07."""

from __future__ import annotations

from tests.labs.solutions import Solved, Table
from vmwidgets.engine.base.units import MIB
from vmwidgets.labs.exercises.arm_sections import (
    AS_IT_IS,
    CLOSED,
    LARGE,
    MANAGED,
    SECTION,
    DoorSheet,
    FewSheet,
    Part,
    Range,
)

SHARED = 64 * MIB
"""A MiB of addresses for all large pages: ends first, then what is small, then beginnings."""


def places(asked: FewSheet, shared: int = SHARED) -> dict[Part, int]:
    small, found = shared + 5 * LARGE, {}
    for part in asked.parts:
        if part.tail and part.sections:
            found[part] = shared - part.sections * SECTION
        elif part.head:
            found[part] = shared + SECTION - part.head * LARGE
        else:
            found[part] = small
    return found


def mapped(part: Part, at: int, prot: str = "rw", first: str = '"64 KiB"') -> str:
    return (
        f'thing.map.enter({part.size}, at={at}, object="{part.name}", prot="{prot}")\n'
        f"thing.map.superpages({at}, size={part.size}, page={first})\n"
        f'thing.map.superpages({at}, size={part.size}, page="1 MiB")'
    )


def whole(asked: FewSheet) -> str:
    return "\n".join(mapped(part, at) for part, at in places(asked).items())


def in_pieces(asked: FewSheet) -> str:
    lines = []
    for part, at in places(asked, 256 * MIB).items():
        offset = 0
        for count, unit in ((part.head, LARGE), (part.sections, SECTION), (part.tail, LARGE)):
            size = count * unit
            if size:
                where = at + offset
                lines.append(f'thing.map.enter({size}, at={where}, object="{part.name}", offset={offset})')
                lines.append(f"thing.map.superpages({where}, size={size}, page={unit})")
            offset += size
    return "\n".join(lines)


def one_read_only(asked: FewSheet) -> str:
    return "\n".join(mapped(part, at, "r" if part is asked.parts[0] else "rw") for part, at in places(asked).items())


def small_pages(asked: FewSheet) -> str:
    """What one object has of 64 KiB is mapped by pages of 4 KiB."""
    lines = []
    for part, at in places(asked).items():
        if part is asked.parts[0]:
            lines.append(f'thing.map.enter({part.size}, at={at}, object="{part.name}")')
            lines.append(f"thing.map.wire({at}, size={part.size})")
            lines.append(f'thing.map.superpages({at}, size={part.size}, page="1 MiB")')
        else:
            lines.append(mapped(part, at))
    return "\n".join(lines)


def apart(asked: FewSheet) -> str:
    """One object is somewhere else."""
    return "\n".join(
        mapped(part, at + (512 * MIB if part is asked.parts[0] else 0)) for part, at in places(asked).items()
    )


def put(one: Range, domain: int, also: int = 0) -> str:
    return (
        f'step = thing.tasks["vault"].walk({one.at}).steps[0]\n'
        f"thing.set_descriptor(step.pa, step.value | {domain << 5 | also:#x})\n"
    )


def dacr(value: int) -> str:
    return f"from dataclasses import replace\nthing.controls = replace(thing.controls, dacr={value:#x})\n"


def two_domains(asked: DoorSheet) -> str:
    lines = [put(one, 5) for one in asked.of(CLOSED)] + [put(one, 3) for one in asked.of(MANAGED)]
    return "".join(lines) + dacr(0x5555_5555 & ~(3 << 10) | 3 << 6)


def one_each(asked: DoorSheet) -> str:
    """Managers first, and each closed object has a domain of its own."""
    value, lines = 0x5555_5555 | 3 << 30, [put(one, 15) for one in asked.of(MANAGED)]
    for domain, one in enumerate(asked.of(CLOSED), 7):
        lines.append(put(one, domain))
        value &= ~(3 << 2 * domain)
    return "".join(lines) + dacr(value)


def nothing_closed(asked: DoorSheet) -> str:
    return "".join(put(one, 3) for one in asked.of(MANAGED)) + dacr(0x5555_5555 | 3 << 6)


def nothing_managed(asked: DoorSheet) -> str:
    return "".join(put(one, 5) for one in asked.of(CLOSED)) + dacr(0x5555_5555 & ~(3 << 10))


def one_too_many(asked: DoorSheet) -> str:
    return put(asked.of(AS_IT_IS)[0], 5) + two_domains(asked)


def writes_rights(asked: DoorSheet) -> str:
    """Also forbids user code to write where that is closed: AP[2] of the descriptor that maps it."""
    one = asked.of(CLOSED)[0]
    bit = 1 << 15 if one.section else 1 << 9
    change = (
        f'last = thing.tasks["vault"].walk({one.at}).steps[-1]\nthing.set_descriptor(last.pa, last.value | {bit:#x})\n'
    )
    return change + two_domains(asked)


SOLVED: Table = {
    "07/eleven": Solved(
        right=[whole, in_pieces],
        spoilt=[one_read_only, small_pages, apart],
        points=[4, 4, 4],  # one range of two, and few descriptors but not the fewest: 1 of 2 each
        tells=frozenset({"fewest", "size"}),
    ),
    "07/door": Solved(
        right=[two_domains, one_each],
        spoilt=[nothing_closed, nothing_managed, one_too_many, writes_rights],
        points=[3, 4, 4, 4],
        tells=frozenset({"of", "writable"}),
    ),
}
