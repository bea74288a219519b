"""Solutions of lab 00."""

from __future__ import annotations

from collections.abc import Callable

from tests.labs.solutions import Solved, Table
from vmwidgets.labs.exercises.addresses import RIGHTS, Answer, PaperSheet, SegmentsSheet, solved, ways


def bases(asked: SegmentsSheet, turned: bool = False) -> list[int]:
    """Where each segment is, in the only way that they fit; `turned`: the other way round in each piece."""
    (way,) = ways(asked)
    ends = [start for start, _ in asked.free]
    found = [0] * len(way)
    for number in sorted(range(len(way)), reverse=turned):
        found[number] = ends[way[number]]
        ends[way[number]] += asked.sizes[number]
    return found


def placed(
    asked: SegmentsSheet, places: list[int], sizes: tuple[int, ...] | None = None, code: str = "rx", form: str = "#x"
) -> str:
    parts = ", ".join(
        f'{name}=({base:{form}}, {size:{form}}, "{code if name == "code" else rights}")'
        for (name, rights), base, size in zip(RIGHTS.items(), places, sizes or asked.sizes, strict=True)
    ).replace("-", "")
    return f"thing = vm.Segments({parts})"


def one_smaller(asked: SegmentsSheet) -> str:
    return placed(asked, bases(asked), (asked.sizes[0] - 4096, *asked.sizes[1:]))


def one_outside(asked: SegmentsSheet) -> str:
    places = bases(asked)
    places[0] = 0x8000_0000
    return placed(asked, places)


def two_in_one_place(asked: SegmentsSheet) -> str:
    """The smaller of two segments in one piece is put where the other one is."""
    (way,), places = ways(asked), bases(asked)
    first, second = next(
        (a, b)
        for a in range(len(way))
        for b in range(len(way))
        if a != b and way[a] == way[b] and asked.sizes[a] < asked.sizes[b]
    )
    places[first] = places[second]
    return placed(asked, places)


def written(asked: PaperSheet, change: Callable[[Answer], object] = lambda answer: answer) -> str:
    return "".join(f"thing[{address:#x}] = {change(answer)!r}\n" for address, answer in solved(asked).items())


def as_text(asked: PaperSheet) -> str:
    """All at once, physical addresses as texts, from the last to the first."""
    said = {
        address: f"{answer:#x}" if isinstance(answer, int) else list(answer)
        for address, answer in reversed(solved(asked).items())
    }
    return f"thing.update({said!r})"


def without_offset(answer: Answer) -> object:
    return (
        answer & -4096
        if isinstance(answer, int) and answer & 4095
        else answer + 4
        if isinstance(answer, int)
        else answer
    )


def other_kind(answer: Answer) -> object:
    return (
        answer
        if isinstance(answer, int)
        else (answer[0], "protection" if answer[1] == "not-present" else "not-present")
    )


def other_level(answer: Answer) -> object:
    return answer if isinstance(answer, int) else (3 - answer[0], answer[1])


SOLVED: Table = {
    "00/segments": Solved(
        right=[
            lambda asked: placed(asked, bases(asked)),
            lambda asked: placed(asked, bases(asked, turned=True), form="d"),
        ],
        spoilt=[
            one_smaller,
            lambda asked: placed(asked, bases(asked), code="rwx"),
            one_outside,
            two_in_one_place,
        ],
        points=[3, 3, 3, 3],
    ),
    "00/walk": Solved(
        right=[written, as_text],
        spoilt=[
            lambda asked: written(asked, without_offset),
            lambda asked: written(asked, other_kind),
            lambda asked: written(asked, other_level),
        ],
        points=[3, 3, 4],
    ),
}
