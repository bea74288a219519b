"""Solutions of lab 03."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tests.labs.solutions import Solved, Table
from vmwidgets.labs.exercises.cutting import (
    OPTION,
    USUAL,
    Change,
    WholeSheet,
    WindowSheet,
    at_the_end,
    at_the_start,
    film_pages,
)


def at(base: int, page: int) -> str:
    return f"{base + page * 4096:#x}"


def cut(asked: WindowSheet, *, skip: Sequence[str] = (), offset: int = 0) -> str:
    """Each part by the call for it; not those of the kinds `skip`."""
    lines = []
    for part in asked.parts:
        place = f"{at(asked.base, part.first)}, size={part.end - part.first} * vm.PAGE"
        if part.what == "hole" and "hole" not in skip:
            lines.append(f"thing.remove({place})")
        if part.what == "r" and "r" not in skip:
            lines.append(f"thing.protect({place}, prot='r')")
        if part.what == "shows":
            size, first = f"{part.end - part.first} * vm.PAGE", at(asked.base, part.first)
            of = f"object='film', offset={part.shows + offset} * vm.PAGE"
            lines += [f"thing.remove({place})", f"thing.enter({size}, at={first}, fixed=True, {of})"]
    return "\n".join(lines)


def put_together(asked: WindowSheet, *, wrong: bool = False) -> str:
    """From single pages: more entries, the same memory.  `wrong`: one of those that should stay shows the next."""
    lines = [f"thing.remove({at(asked.base, 0)}, size=16 * vm.PAGE)"]
    changed = [page for part in asked.parts for page in range(part.first, part.end)]
    odd = next(page for page in range(16) if page not in changed) if wrong else None
    for page, shown in enumerate(film_pages(asked)):
        if page not in asked.pages("hole"):
            prot = "r" if page in asked.pages("r") else "rw"
            lines.append(
                f"thing.enter(vm.PAGE, at={at(asked.base, page)}, fixed=True, object='film', "
                f"offset={shown + (page == odd)} * vm.PAGE, prot={prot!r}, nomerge=True)"
            )
    return "\n".join(lines)


def a_hole_less(asked: WindowSheet) -> str:
    return cut(asked, skip=["hole"])


USUALLY = {"protect": "rw", "inherit": "copy", "advise": "normal"}


def called(asked: WholeSheet, change: Change) -> str:
    place = f"{at(asked.base, change.first)}, size={change.end - change.first} * vm.PAGE"
    return f"thing.{change.call}({place}, {OPTION[change.call]}={change.value!r})"


def all_then_what_stays(asked: WholeSheet, kept: str = "") -> str:
    """Each property on the whole range, and then what should stay."""
    every = [Change(call, USUALLY[call], 0, 16) for call in USUAL]
    stays = replace(asked.keeps, value=kept or asked.keeps.value)
    return "\n".join(called(asked, change) for change in [*every, stays])


def only_what_differs(asked: WholeSheet) -> str:
    """Each change undone where it was made."""
    return "\n".join(called(asked, replace(change, value=USUALLY[change.call])) for change in asked.changes)


def simplified(asked: WholeSheet) -> str:
    return f"{only_what_differs(asked)}\nthing.simplify()"


def something_else_kept(asked: WholeSheet) -> str:
    values = {"protect": "rwx", "inherit": "none share", "advise": "willneed"}
    other = values[asked.keeps.call].replace(asked.keeps.value, "").strip()
    return all_then_what_stays(asked, other)


def unmapped_on_the_way(asked: WholeSheet) -> str:
    last = at(asked.base, 15)
    again = f"thing.remove({last}, size=vm.PAGE)\nthing.enter(vm.PAGE, at={last}, fixed=True, object='sheet', "
    return f"{simplified(asked)}\n{again}offset=15 * vm.PAGE)\nthing.simplify()"


def points_of_something_else_kept(asked: WholeSheet) -> int:
    """A point of the first criterion's two stays if fewer pages are wrong than at the beginning.

    Else both are lost, and with them the last criterion's, which waits for the first.
    """
    wrong = asked.keeps.end - asked.keeps.first
    before = sum(given != wanted for given, wanted in zip(at_the_start(asked), at_the_end(asked), strict=True))
    return 3 if wrong < before else 1


SOLVED: Table = {
    "03/window": Solved(
        right=[cut, put_together],
        spoilt=[
            a_hole_less,
            lambda asked: cut(asked, offset=1),
            lambda asked: put_together(asked, wrong=True),
            lambda asked: cut(asked, skip=["r"]),
            lambda asked: f"{cut(asked)}\nthing.enter(vm.PAGE, at=0x4000_0000)",
        ],
        points=[5, 4, 5, 5, 5],
        tells=frozenset({"pages"}),
    ),
    "03/whole": Solved(
        right=[all_then_what_stays, simplified],
        spoilt=[something_else_kept, only_what_differs, unmapped_on_the_way],
        points=[points_of_something_else_kept, 3, 3],
        tells=frozenset({"made"}),
    ),
}
