"""Solutions of lab 01."""

from __future__ import annotations

from itertools import permutations

from tests.labs.solutions import Solved, Table
from vmwidgets.labs.exercises.maps import GapsSheet, GuardSheet, fills, page_by_page, pieces


def orders(asked: GapsSheet) -> list[tuple[int, ...]]:
    return sorted({order for order in permutations(asked.requests) if fills(asked.gaps, order)})


def in_order(order: tuple[int, ...], flags: str = "") -> str:
    return "\n".join(f"thing.enter({size} * vm.PAGE{flags})" for size in order)


def wrong_order(asked: GapsSheet) -> str:
    return in_order(next(order for order in permutations(asked.requests) if not fills(asked.gaps, order)))


def in_pages(asked: GapsSheet) -> str:
    return in_order((1,) * sum(asked.requests))


def one_says_where(asked: GapsSheet) -> str:
    """The first request names the place that it would get."""
    first, *others = orders(asked)[0]
    page, place = 2, 0
    for gap in asked.gaps:
        place = place or (page if gap >= first else 0)
        page += gap + 2
    return f"thing.enter({first} * vm.PAGE, at={place} * vm.PAGE)\n{in_order(tuple(others))}"


def placed(asked: GuardSheet, rights: dict[str, str | None]) -> str:
    """Each piece by itself; of a kind whose rights are None, nothing is mapped."""
    lines, page = [], 0
    for count, what in pieces(asked):
        if (letters := rights[what]) is not None:
            lines.append(
                f"thing.enter({count} * vm.PAGE, at={asked.base + page * 4096:#x}, fixed=True, prot={letters!r})"
            )
        page += count
    return "\n".join(lines)


RIGHTS: dict[str, str | None] = {"stack": "rw", "page": "none", "hole": None}


def cut_out(asked: GuardSheet) -> str:
    """One large entry, cut where the guards are."""
    wanted = page_by_page(asked)
    lines = [f"thing.enter({len(wanted)} * vm.PAGE, at={asked.base:#x})"]
    for page, what in enumerate(wanted):
        address = asked.base + page * 4096
        lines += [f"thing.remove({address:#x}, size=vm.PAGE)"] * (what == "hole")
        lines += [f"thing.protect({address:#x}, size=vm.PAGE, prot='none')"] * (what == "page")
    return "\n".join(lines)


def a_stack_page_less(asked: GuardSheet) -> str:
    page = page_by_page(asked).index("stack")
    return f"{placed(asked, RIGHTS)}\nthing.protect({asked.base + page * 4096:#x}, size=vm.PAGE, prot='r')"


SOLVED: Table = {
    "01/guard": Solved(
        right=[lambda asked: placed(asked, RIGHTS), cut_out],
        spoilt=[
            a_stack_page_less,
            lambda asked: placed(asked, {**RIGHTS, "hole": "none"}),
            lambda asked: placed(asked, {**RIGHTS, "page": None}),
            lambda asked: f"{placed(asked, RIGHTS)}\nthing.enter(vm.PAGE, at=0x4000_0000)",
        ],
        points=[4, 4, 4, 4],  # one stack of several is there: 1 of 2
    ),
    "01/gaps": Solved(
        right=[
            lambda asked: in_order(orders(asked)[0]),
            lambda asked: in_order(orders(asked)[0], ", nomerge=True"),
        ],
        spoilt=[wrong_order, in_pages, one_says_where],
        points=[0, 3, 3],  # the others wait for gaps that are filled
        tells=frozenset({"size"}),
    ),
}
