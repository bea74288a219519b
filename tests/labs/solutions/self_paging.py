"""Notebook 09."""

from __future__ import annotations

from itertools import groupby

from vmwidgets.engine.base.units import KIB, MIB, PAGE
from vmwidgets.labs.exercises.self_paging import Area, BugSheet, RefillSheet, ThriftSheet

from . import Solved, Table

ELSEWHERE = 0x6010_0000
"""A border of two second-level tables, where a sheet may have something: then the next row is used."""


def mapped(area: Area, offset: int, flags: str) -> str:
    return f'thing.map(frame, at={area.at:#x}, offset={offset}, size={area.size}, flags="{flags} large")\n'


def offsets(asked: ThriftSheet) -> dict[str, int]:
    """Where in a frame of 4 MiB each area's memory is: sections from its beginning, pages in the last MiB."""
    found, free = {}, 0
    for area in asked.areas:
        if not area.of:
            found[area.name] = 3 * MIB if area.size < MIB else free
            free += area.size if area.size >= MIB else 0
    return found


def small_first(asked: ThriftSheet) -> list[Area]:
    return sorted(asked.areas, key=lambda area: area.size >= MIB)


def one_frame(asked: ThriftSheet, view: str = "r", shift: int = 0) -> str:
    where = offsets(asked)
    lines = ['frame = thing.frame("4 MiB")\n']
    for area in small_first(asked):
        offset = where[area.of or area.name] + (shift if area.of else 0)
        lines.append(mapped(area, offset, view if area.of else "rw"))
    return "".join(lines)


def from_the_end(asked: ThriftSheet) -> str:
    """Views before what they show, the frame's parts in another order, and code may run there."""
    last = 4 * MIB
    where = {
        name: last - offset - next(a.size for a in asked.areas if a.name == name)
        for name, offset in offsets(asked).items()
    }
    lines = ['frame = thing.frame("4 MiB")\n']
    for area in sorted(small_first(asked), key=lambda area: (area.size >= MIB, not area.of)):
        offset = where[area.of or area.name] if area.size >= MIB else 0
        lines.append(mapped(area, offset, "rx" if area.of else "rwx"))
    return "".join(lines)


def one_frame_more(asked: ThriftSheet) -> str:
    return one_frame(asked) + "thing.frame()\n"


def border(asked: BugSheet) -> int:
    """A border that is far from the sheet's pages."""
    return ELSEWHERE if asked.at >> 24 != ELSEWHERE >> 24 else 0x7110_0000


def witness(asked: BugSheet) -> str:
    at = border(asked) - PAGE
    return f'thing.map(thing.frame("8 KiB"), at={at:#x})\nthing.modify_flags({at:#x}, "8 KiB", "rw")\n'


def again(asked: BugSheet, some: tuple[int, ...], frame: str = '"slots[0]"') -> str:
    """Unmapped, and mapped again in runs of pages with the same rights."""
    lines = [f"thing.unmap({asked.at:#x}, {asked.size})\n"]
    for flag, run in groupby(range(asked.pages), key=lambda number: "r" if number in some else "rw"):
        numbers = list(run)
        offset, size = numbers[0] * PAGE, len(numbers) * PAGE
        lines.append(f'thing.map({frame}, at={asked.at + offset:#x}, offset={offset}, size={size}, flags="{flag}")\n')
    return "".join(lines)


def in_runs(asked: BugSheet) -> str:
    return again(asked, asked.some) + witness(asked)


def page_by_page(asked: BugSheet) -> str:
    """The bug first; then each page alone, and the read-only ones by a capability that can't write."""
    at = border(asked) - 2 * PAGE
    lines = [f'thing.map(thing.frame("16 KiB"), at={at:#x})\nthing.modify_flags({at:#x}, "16 KiB", "rwx")\n']
    lines += [f'view = thing.mint("slots[0]", "r")\nthing.unmap({asked.at:#x}, {asked.size})\n']
    for number in range(asked.pages):
        what = 'view, flags="r"' if number in asked.some else '"slots[0]", flags="rw"'
        lines.append(f"thing.map({what}, at={asked.at + number * PAGE:#x}, offset={number * PAGE}, size={PAGE})\n")
    return "".join(lines)


def one_less(asked: BugSheet) -> str:
    return again(asked, asked.some[1:]) + witness(asked)


def all_read_only(asked: BugSheet) -> str:
    return again(asked, tuple(range(asked.pages))) + witness(asked)


def another_frame(asked: BugSheet) -> str:
    return f"frame = thing.frame({asked.size})\n" + again(asked, asked.some, "frame") + witness(asked)


def no_witness(asked: BugSheet) -> str:
    return again(asked, asked.some)


def sections(count: int, flags: str = "rw") -> str:
    return f'thing.map("slots[0]", size={MIB}, flags="{flags} large")\n' * count


def film(asked: RefillSheet, size: int, at: int | None = None) -> str:
    return f'thing.map("slots[0]", at={at or asked.at:#x}, size={size})\n'


def down_to_three(asked: RefillSheet) -> str:
    return sections(4 - asked.used)


def enough(asked: RefillSheet) -> int:
    return 256 * KIB if asked.levels == 2 else 16 * MIB


SOLVED: Table = {
    "09/thrift": Solved(
        right=[one_frame, from_the_end],
        spoilt=[
            lambda asked: one_frame(asked, view="rw"),
            lambda asked: one_frame(asked, shift=MIB),
            one_frame_more,
        ],
    ),
    "09/bug": Solved(right=[in_runs, page_by_page], spoilt=[one_less, all_read_only, another_frame, no_witness]),
    "09/refill": Solved(
        right=[
            lambda asked: down_to_three(asked) + film(asked, enough(asked)),
            lambda asked: sections(4 - asked.used, "r") + film(asked, enough(asked) + 4 * PAGE),
        ],
        spoilt=[
            lambda asked: down_to_three(asked) + film(asked, 2 * PAGE),
            lambda asked: down_to_three(asked) + film(asked, 60 * MIB),
            lambda asked: down_to_three(asked) + film(asked, enough(asked), 0x5000_0000),
        ],
    ),
}
