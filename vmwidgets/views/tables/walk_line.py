"""A walk in one line, for a picture on another subject: the descriptor in each table, and the outcome."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

from vmwidgets.engine.base.units import Address, binary_size
from vmwidgets.engine.mmu.tables_schema import Step, Walk
from vmwidgets.views.scene import boxes, kit
from vmwidgets.views.scene.addresses import place_of
from vmwidgets.views.scene.boxes import Drawn, Part
from vmwidgets.views.scene.kit import Box
from vmwidgets.views.scene.model import Link, Node
from vmwidgets.views.scene.text import text_width

from .walk_tables import blamed, look_of, table_name

_HIGH, _GAP = 26.0, 16.0
"""Height of the line, and space for an arrow."""

_SPARE, _LINE = 4.0, 15.0
"""Pixels of a chip's width that its words leave free; height of a line of words."""

_OPENS, _VERDICT = 26.0, 0.3
"""Width of the button that opens the line; the verdict's share of the rest."""


def line_of(walk: Walk, *, is_open: bool, covered: bool = False) -> Part:
    """Return the line; if it `is_open`, the walk is below, and a press folds it.

    No one made the access, so a page that is not there is not an error; `covered` says that a map has an entry for it.
    """

    def put(drawn: Drawn, x: float, y: float, w: float) -> float:
        names, chip, verdict = _widths(walk, w - _OPENS - _GAP, covered)
        high = _HIGH + _LINE * (max(map(len, names), default=1) - 1)
        chips = boxes.drawing(high, partial(_chips, walk, names, chip, verdict, covered))
        opener = boxes.drawing(high, partial(_opener, is_open))
        return boxes.beside(opener, boxes.joined(chips, _link), gap=_GAP, first=_OPENS)(drawn, x, y, w)

    return put


def _widths(walk: Walk, room: float, covered: bool) -> tuple[Sequence[Sequence[str]], float, float]:
    """Return the words of the chips, in one line or two, and the widths of a chip and of the verdict.

    Either all chips name their tables, or none does.
    """
    verdict, steps = max(120.0, min(330.0, room * _VERDICT)), max(1, len(walk.steps))
    w = min(110.0, (room - verdict) / steps - _GAP)
    names: list[tuple[str, ...]] = [(f"{table_name(step)} {step.index}",) for step in walk.steps]
    if _fit(names, w):
        return names, w, verdict
    names, least = [(table_name(step), str(step.index)) for step in walk.steps], _least(walk, covered)
    narrow = min(110.0, (room - least) / steps - _GAP)
    if _fit(names, narrow):
        return names, narrow, max(least, min(verdict, room - len(names) * (narrow + _GAP)))
    return [(str(step.index),) for step in walk.steps], w, verdict


def _opener(is_open: bool, box: Box) -> list[Node]:
    title = "fold the tables" if is_open else "show the tables that the walk reads"
    fold = kit.fold("walk/line", box, "▼" if is_open else "▶", title=title, opens=True, lane="walk")
    return [replace(fold, state=())] if is_open else [fold]


def _chips(
    walk: Walk, names: Sequence[Sequence[str]], w: float, verdict: float, covered: bool, box: Box
) -> Iterator[Node]:
    """Yield a chip for the descriptor read in each table, and the outcome."""
    for number, (step, name) in enumerate(zip(walk.steps, names, strict=True)):
        yield _read(walk, step, name, box._replace(x=box.x + number * (w + _GAP), w=w))
    yield _verdict(walk, covered, box._replace(x=box.x + len(names) * (w + _GAP), w=verdict))


def _link(_number: int, one: Node, after: Node) -> Link:
    return kit.beside(f"{one.id}>{after.id}", one, after, kind="next")


def _fit(names: Sequence[Sequence[str]], w: float) -> bool:
    """Return whether each line of each name fits into a chip."""
    return all(text_width(line, "mono label") <= w - _SPARE for name in names for line in name)


def _least(walk: Walk, covered: bool) -> float:
    """Return the width of a verdict in two lines."""
    return max(text_width(line) for line in _verdict_lines(walk, covered)) + 8


def _read(walk: Walk, step: Step, name: Sequence[str], place: Box) -> Node:
    """Return the chip for the descriptor read in a table."""
    is_refused = step.level in blamed(walk) and not is_absent(walk)
    return kit.cell(
        f"walk/line/{step.level}",
        "descriptor",
        place,
        [(line, "mono label") for line in name],
        feet=_feet(place, len(name)),
        spare=_SPARE,
        thing=f"pte:{step.pa:x}",
        state=["fault"] if is_refused else look_of(step, ""),
        lane="walk",
        title=f"index {step.index} into the {table_name(step)} at {place_of(step.table)}: {step.value:#x}",
    )


def _feet(place: Box, lines: int) -> list[float]:
    """Return the baselines of one or two lines in the middle of a chip."""
    return [place.h / 2 + 4 + _LINE * (number - (lines - 1) / 2) for number in range(lines)]


def is_absent(walk: Walk) -> bool:
    """Return whether nothing is mapped at the walk's address: the last descriptor is 0, not one without its bit."""
    return walk.fault is not None and walk.fault.kind == "not-present" and not (walk.steps and walk.steps[-1].value)


def _verdict_lines(walk: Walk, covered: bool) -> tuple[str, str]:
    """Return the access's outcome in two lines."""
    if is_absent(walk):
        return ("no page is", "there yet") if covered else ("nothing is", "mapped")
    if walk.fault is not None:
        return f"{walk.fault.exception}:", walk.fault.called
    assert walk.pa is not None, "a walk without a fault has an address"
    return str(Address(walk.pa)), binary_size(walk.page_size)


def _verdict(walk: Walk, covered: bool, place: Box) -> Node:
    """Return the access's outcome."""
    first, second = _verdict_lines(walk, covered)
    ways = (f"{first} {second}", second) if walk.fault else (f"{first}, in a page of {second}", first, second)
    state, spare = ["ghost" if is_absent(walk) else "holds-own-anonymous" if walk.fault is None else "fault"], 4.0
    if text_width(ways[0]) > place.w - spare and place.h > _HIGH:
        return kit.cell(
            "walk/line/verdict",
            "verdict",
            place,
            [(first, "label"), (second, "label")],
            feet=_feet(place, 2),
            spare=spare,
            state=state,
            lane="walk",
            title=ways[0],
        )
    return kit.chip("walk/line/verdict", "verdict", place, ways, spare=spare, state=state, lane="walk")
