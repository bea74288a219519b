"""A walk in one line, for a picture on another subject: the descriptor in each table, and the outcome."""

from __future__ import annotations

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

_SPARE = 4.0
"""Pixels of a chip that no word uses: either all indices have the names of their tables, or none has."""

_OPENS, _VERDICT = 26.0, 0.3
"""Width of the button that opens the line; the verdict's share of the rest."""


def line_of(walk: Walk, *, is_open: bool, width: float = WIDTH) -> tuple[list[Node], list[Link], float]:
    """Return the line's nodes and links, and its height; if it `is_open`, the walk is below, and a press folds it."""
    room = width - 2 * MARGIN - _OPENS - _GAP
    verdict_wide = max(120.0, min(330.0, room * _VERDICT))
    w = min(110.0, (room - verdict_wide) / max(1, len(walk.steps)) - _GAP)
    title = "fold the tables" if is_open else "show the tables that the walk reads"
    opener = kit.fold("walk/line", Box(MARGIN, 2, _OPENS, _HIGH), "▾" if is_open else "▸", title=title, opens=True,
                      lane="walk")  # fmt: skip
    x = MARGIN + _OPENS + _GAP
    names = [f"{table_name(step)} {step.index}" for step in walk.steps]
    if any(text_width(name, "mono label") > w - _SPARE for name in names):
        names = [str(step.index) for step in walk.steps]
    chips = [
        _read(walk, step, name, Box(x + number * (w + _GAP), 2, w, _HIGH))
        for number, (step, name) in enumerate(zip(walk.steps, names, strict=True))
    ]
    chips.append(_verdict(walk, Box(x + len(chips) * (w + _GAP), 2, verdict_wide, _HIGH)))
    links = [
        kit.beside(f"{left.id}>{right.id}", left, right, kind="walk", state=["path"]) for left, right in pairwise(chips)
    ]
    return [replace(opener, state=() if is_open else opener.state), *chips], links, _HIGH + 8


def _read(walk: Walk, step: Step, words: str, place: Box) -> Node:
    """Return what is read in a table."""
    is_last = walk.fault is not None and walk.fault.level == step.level
    return kit.chip(
        f"walk/line/{step.level}", "descriptor", place, words, spare=_SPARE,
        thing=f"pte:{step.pa:x}", state=["fault" if is_last else "path"], lane="walk", style="mono label",
        title=f"index {step.index} into the {table_name(step)} at {Address(step.table)}: {step.value:#x}",
    )  # fmt: skip


def _verdict(walk: Walk, place: Box) -> Node:
    """Return the access's outcome."""
    fault = walk.fault
    if fault is None:
        assert walk.pa is not None, "a walk without a fault has an address"
        size, at = binary_size(walk.page_size), str(Address(walk.pa))
        words: tuple[str, ...] = (f"{at}, in a page of {size}", at, size)
    else:
        words = (f"{fault.exception}: {fault.called}", fault.called)
    state = "ok" if fault is None else "fault"
    return kit.chip("walk/line/verdict", "verdict", place, words, state=[state], lane="walk")
