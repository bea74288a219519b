"""A walk in one line, for a picture on another subject: the descriptor in each table, and the outcome."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from vmwidgets.engine.base.units import Address, binary_size
from vmwidgets.engine.mmu.tables_schema import Step, Walk
from vmwidgets.views.scene import kit
from vmwidgets.views.scene.kit import MARGIN, WIDTH, Box
from vmwidgets.views.scene.model import Link, Node
from vmwidgets.views.scene.text import text_width

from .walk_tables import table_name

_HIGH, _GAP = 26.0, 16.0
"""Height of the line, and space for an arrow."""

_SPARE, _LINE = 4.0, 15.0
"""Pixels of a chip that no word uses: either all indices have the names of their tables, or none has; and of a line."""

_OPENS, _VERDICT = 26.0, 0.3
"""Width of the button that opens the line; the verdict's share of the rest."""


def line_of(walk: Walk, *, is_open: bool, width: float = WIDTH) -> tuple[list[Node], list[Link], float]:
    """Return the line's nodes and links, and its height; if it `is_open`, the walk is below, and a press folds it."""
    room = width - 2 * MARGIN - _OPENS - _GAP
    verdict_wide = max(120.0, min(330.0, room * _VERDICT))
    w = min(110.0, (room - verdict_wide) / max(1, len(walk.steps)) - _GAP)
    title = "fold the tables" if is_open else "show the tables that the walk reads"
    x = MARGIN + _OPENS + _GAP
    names: list[tuple[str, ...]] = [(f"{table_name(step)} {step.index}",) for step in walk.steps]
    high = _HIGH  # or two lines
    if not _fit(names, w):
        names = [(table_name(step), str(step.index)) for step in walk.steps]
        least = _least(walk)
        narrow = min(110.0, (room - least) / max(1, len(walk.steps)) - _GAP)
        if _fit(names, narrow):
            verdict_wide = max(least, min(verdict_wide, room - len(names) * (narrow + _GAP)))
            w, high = narrow, _HIGH + _LINE
        else:
            names = [(str(step.index),) for step in walk.steps]
    chips = [
        _read(walk, step, name, Box(x + number * (w + _GAP), 2, w, high))
        for number, (step, name) in enumerate(zip(walk.steps, names, strict=True))
    ]
    chips.append(_verdict(walk, Box(x + len(chips) * (w + _GAP), 2, verdict_wide, high)))
    links = [
        kit.beside(f"{left.id}>{right.id}", left, right, kind="walk", state=["path"]) for left, right in pairwise(chips)
    ]
    opener = kit.fold("walk/line", Box(MARGIN, 2, _OPENS, high), "▾" if is_open else "▸", title=title, opens=True,
                      lane="walk")  # fmt: skip
    return [replace(opener, state=() if is_open else opener.state), *chips], links, high + 8


def _fit(names: Sequence[Sequence[str]], w: float) -> bool:
    """Return whether each line of each name fits into a chip."""
    return all(text_width(line, "mono label") <= w - _SPARE for name in names for line in name)


def _least(walk: Walk) -> float:
    """Return the width of a verdict in two lines."""
    return max(text_width(line) for line in _verdict_lines(walk)) + 8


def _read(walk: Walk, step: Step, name: Sequence[str], place: Box) -> Node:
    """Return what is read in a table."""
    is_last = walk.fault is not None and walk.fault.level == step.level
    return kit.cell(
        f"walk/line/{step.level}", "descriptor", place, [(line, "mono label") for line in name],
        feet=_feet(place, len(name)), spare=_SPARE, thing=f"pte:{step.pa:x}", state=["fault" if is_last else "path"],
        lane="walk", title=f"index {step.index} into the {table_name(step)} at {Address(step.table)}: {step.value:#x}",
    )  # fmt: skip


def _feet(place: Box, lines: int) -> list[float]:
    """Return the baselines of one or two lines in the middle of a chip."""
    return [place.h / 2 + 4 + _LINE * (number - (lines - 1) / 2) for number in range(lines)]


def _verdict_lines(walk: Walk) -> tuple[str, str]:
    """Return the access's outcome in two lines."""
    if walk.fault is not None:
        return f"{walk.fault.exception}:", walk.fault.called
    assert walk.pa is not None, "a walk without a fault has an address"
    return str(Address(walk.pa)), binary_size(walk.page_size)


def _verdict(walk: Walk, place: Box) -> Node:
    """Return the access's outcome."""
    first, second = _verdict_lines(walk)
    ways = (f"{first} {second}", second) if walk.fault else (f"{first}, in a page of {second}", first, second)
    state, spare = ["ok" if walk.fault is None else "fault"], 4.0
    if text_width(ways[0]) > place.w - spare and place.h > _HIGH:
        return kit.cell("walk/line/verdict", "verdict", place, [(first, "label"), (second, "label")],
                        feet=_feet(place, 2), spare=spare, state=state, lane="walk", title=ways[0])  # fmt: skip
    return kit.chip("walk/line/verdict", "verdict", place, ways, spare=spare, state=state, lane="walk")
