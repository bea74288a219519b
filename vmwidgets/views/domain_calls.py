"""The strip of an operation's calls: what the pmap asked of the world, in order; a refill stands a row lower.

A box is a call, a tick a record that the pmap changed by itself.  What is done is filled, what comes is faint.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..engine.base import domain_events as dev
from ..engine.base.units import binary_size
from .columns import MARGIN
from .domain_picture import DomainPicture
from .domain_steps import DomainStep
from .domain_words import counted
from .scene import Node, Text
from .text import shorten, text_width

MOST = 34
"""Boxes that are drawn at most; others are folded."""

BOX, TICK, FOLD, GAP = 24.0, 7.0, 34.0, 3.0
"""Height of a box; widths of a tick and of a fold; room between two."""

ROW, HEAD = 46.0, 18.0
"""Height of a level of refills, with the words above its boxes; of the words."""

WIDEST, NARROWEST = 92.0, 15.0


@dataclass(frozen=True, slots=True)
class Item:
    """A step, or the steps [first, last] folded into one; steps count from 1."""

    first: int
    last: int
    step: DomainStep

    @property
    def folded(self) -> bool:
        """Whether it stands for several."""
        return self.last > self.first


def calls_lane(picture: DomainPicture, top: float) -> tuple[list[Node], float]:
    """Nodes of the strip, and the y where it ends; nothing for an operation without steps."""
    if not picture.plan:
        return [], top
    items = chosen(picture.plan, picture.steps.index)
    deepest = max(item.step.level for item in items)
    places = _places(items, picture.width)
    nodes = _refills(picture, items, places, top)
    for item, (x, w) in zip(items, places, strict=True):
        y = top + HEAD + item.step.level * ROW
        nodes.append(_item(picture, item, x, y, w))
    return nodes, top + HEAD + deepest * ROW + BOX + 10


def chosen(plan: Sequence[DomainStep], at: int) -> list[Item]:
    """The steps as far as there is room: the first and last, those around the one at hand, where refills begin."""
    calls = [number for number, step in enumerate(plan, 1) if _stands_alone(step)]
    if len(plan) <= MOST or len(calls) <= MOST:
        return [Item(number, number, step) for number, step in enumerate(plan, 1)]
    budget = MOST - 6
    kept = {*range(1, 7), *range(len(plan) - 5, len(plan) + 1), *range(at - 4, at + 6)}
    for number, step in enumerate(plan, 1):
        if len(kept) < budget and (isinstance(step.event, dev.SlabRefillBegan) or step.failed):
            kept.add(number)
    items: list[Item] = []
    for number, step in enumerate(plan, 1):
        last = items[-1] if items else None
        if number in kept or last is None or last.first in kept or last.step.level != step.level:
            items.append(Item(number, number, step))
        else:
            items[-1] = Item(last.first, number, last.step)
    return items


def _stands_alone(step: DomainStep) -> bool:
    return bool(step.call) or step.failed


def _is_box(item: Item) -> bool:
    return bool(item.step.call) and not item.folded


def _places(items: Sequence[Item], width: float) -> list[tuple[float, float]]:
    """Left edge and width of each, from left to right over all levels: time goes one way."""
    room = width - 2 * MARGIN - GAP * (len(items) - 1)
    boxes = sum(_is_box(item) for item in items)
    folds = sum(item.folded for item in items)
    ticks = len(items) - boxes - folds
    share = (room - ticks * TICK - folds * FOLD) / max(1, boxes)
    tick = TICK if share >= NARROWEST else max(2.0, (room - folds * FOLD - boxes * NARROWEST) / max(1, ticks))
    share = min(WIDEST, max(NARROWEST, share))
    places, x = [], MARGIN
    for item in items:
        w = share if _is_box(item) else FOLD if item.folded else tick
        places.append((x, w))
        x += w + GAP
    over = x - GAP - (width - MARGIN)
    if over > 0:  # too many for their least widths: all are narrower
        scale = (width - 2 * MARGIN) / (width - 2 * MARGIN + over)
        places = [(MARGIN + (x - MARGIN) * scale, w * scale) for x, w in places]
    return places


def _item(picture: DomainPicture, item: Item, x: float, y: float, w: float) -> Node:
    at, step = picture.steps.index, item.step
    done = item.last <= at
    here = item.first <= at <= item.last and at < picture.steps.count
    state = [*(["done"] if done else ["coming"]), *(["path"] if here else [])]
    state += ["undoing"] * step.undoing + ["fault"] * (step.failed and not item.folded)
    text: tuple[Text, ...] = ()
    if item.folded:
        count = f"+{item.last - item.first + 1}"
        text = _fitting((count, "…"), w)
        title = f"steps {item.first} to {item.last}, folded: go there"
        kind, h, state = "fold", BOX, ["folded", *state]
    else:
        if step.call:
            text = _fitting((step.call, step.short, step.short[:1]), w)
        title = f"step {item.first}: {step.call + ': ' if step.call else ''}{step.sentence}"
        kind, h = ("call" if step.call else "record"), BOX
    return Node(
        f"calls/{item.first}", kind, x, y, w, h, text=text, state=tuple(state), title=title, action="open",
        lane=f"calls/{step.level}",
    )  # fmt: skip


def _fitting(words: Sequence[str], w: float) -> tuple[Text, ...]:
    for word in words:
        for style in ("label", "letter"):
            if text_width(word, style) <= w - 3:
                return (Text(w / 2, 16, word, style, "middle"),)
    return ()


# ---- refills --------------------------------------------------------------------------------------------


def _refills(
    picture: DomainPicture, items: Sequence[Item], places: Sequence[tuple[float, float]], top: float
) -> list[Node]:
    """A frame around the boxes of each level of refills, with what it is for."""
    nodes: list[Node] = []
    for level in range(1, max(item.step.level for item in items) + 1):
        y = top + HEAD + level * ROW - HEAD
        for first, last in _runs(items, level):
            x = places[first][0] - 3
            w = places[last][0] + places[last][1] + 3 - x
            label, title = _refill_words(items[first : last + 1], level)
            room = min(w - 8, picture.width - MARGIN - x)
            text = (Text(6, 12, shorten(label, room, "label"), "label"),) if room > 30 else ()
            deep = max(item.step.level for item in items[first : last + 1]) - level
            nodes.append(
                Node(f"calls/refill/{level}/{items[first].first}", "refill", x, y, w, HEAD + BOX + 5 + deep * ROW,
                     text=text, title=title)
            )  # fmt: skip
    return nodes


def _runs(items: Sequence[Item], level: int) -> list[tuple[int, int]]:
    """Neighbours in refills at least `level` deep: index of the first and of the last."""
    runs: list[tuple[int, int]] = []
    for number, item in enumerate(items):
        if item.step.level < level:
            continue
        if runs and runs[-1][1] == number - 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return runs


def _refill_words(items: Sequence[Item], level: int) -> tuple[str, str]:
    began = [item.step.event for item in items if isinstance(item.step.event, dev.SlabRefillBegan)]
    mine = [event for event in began if event.level == level]
    frames = [
        item.step.event
        for item in items
        if isinstance(item.step.event, dev.FrameAllocated) and item.step.level == level
    ]
    if not mine:
        return f"refill {level}", f"a refill of level {level}"
    missing = counted(mine[0].missing, "block")
    got = "" if not frames or frames[0].bytes is None else f" → a frame of {binary_size(frames[0].bytes)}"
    times = f", {len(mine)} turns" if len(mine) > 1 else ""
    return f"refill {level}: {missing}{got}{times}", f"refill_slabs, level {level}: {missing} wanting{got}{times}"
