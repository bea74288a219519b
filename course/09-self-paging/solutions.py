"""Solutions of lab 09."""

from __future__ import annotations

from itertools import groupby

from tests.labs.solutions import Solved, Table
from vmwidgets.engine.base.units import KIB, MIB, PAGE
from vmwidgets.labs.exercises.self_paging import OWN, BugSheet, GrantSheet, RefillSheet

ELSEWHERE = 0x6010_0000
"""A border of two second-level tables, where a sheet may have something: then the next row is used."""


def granted(
    asked: GrantSheet, *, without: str = "", through: str = "mint", last: str = "delete", more: str = ""
) -> str:
    """A capability for each window, a mapping through it, and one call for the window that is taken back."""
    lines = []
    for window in asked.windows:
        if window.name == without:
            continue
        is_back = window.name == asked.back
        made = f'mint("slots[0]", "{window.rights}")' if through == "mint" or not is_back else 'copy("slots[0]")'
        place = f"at={window.at:#x}, offset={window.first * PAGE}, size={window.size}"
        lines += [f"{window.name} = thing.{made}", f'thing.map({window.name}, {place}, flags="{window.rights}")']
    back = next(one for one in asked.windows if one.name == asked.back)
    ends = {"delete": f"thing.delete({back.name})", "unmap": f"thing.unmap({back.at:#x}, {back.size})"}
    return "\n".join([*lines, ends[last], more])


def by_page(asked: GrantSheet) -> str:
    """All capabilities first; each page of a window is a mapping of its own, from the last window to the first."""
    lines = [f'{one.name} = thing.mint("slots[0]", "{one.rights}")' for one in asked.windows]
    for one in reversed(asked.windows):
        for number in range(one.pages):
            place = f"at={one.at + number * PAGE:#x}, offset={(one.first + number) * PAGE}, size={PAGE}"
            lines.append(f'thing.map({one.name}, {place}, flags="{one.rights}")')
    return "\n".join([*lines, f"thing.delete({asked.back})"])


def another(asked: GrantSheet) -> str:
    """A window that should stay."""
    return next(one.name for one in asked.windows if one.name != asked.back)


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


def points_of_a_page_less(asked: BugSheet) -> int:
    """A point of two stays for the pages that are as asked, if there are any."""
    return 4 if len(asked.some) > 1 else 3


SOLVED: Table = {
    "09/grant": Solved(
        right=[granted, by_page],
        spoilt=[
            lambda asked: granted(asked, without=another(asked)),
            lambda asked: granted(asked, through="copy"),
            lambda asked: granted(asked, last="unmap"),
            lambda asked: granted(asked, more=f'thing.write({OWN:#x}, b"other")'),
        ],
        points=[5, 5, 5, 5],  # some windows, and capabilities of their own that allow more: 1 of 2 each
        tells=frozenset({"size"}),
    ),
    "09/bug": Solved(
        right=[in_runs, page_by_page],
        spoilt=[one_less, all_read_only, another_frame, no_witness],
        points=[points_of_a_page_less, 4, 4, 4],
        tells=frozenset({"size"}),
    ),
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
        points=[3, 4, 4],  # one level of two: 1 of 3
        tells=frozenset({"most"}),
    ),
}
