"""The strip of an operation's calls: the pmap's calls to the outside, in order.  Calls of a refill are a row lower.

A box is a call; a tick is a change by the pmap itself.  Past steps are filled, future ones faint.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from vmwidgets import events as ev
from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.base.units import binary_size, counted
from vmwidgets.views.scene import kit
from vmwidgets.views.scene.kit import Box
from vmwidgets.views.scene.model import Node, Text
from vmwidgets.views.scene.text import wording

from .picture import DomainPicture, DomainStep

BOX, TICK, FOLD, GAP = 24.0, 4.0, 34.0, 2.5
"""Height of a box; widths of a tick and of a fold; space between two items."""

ROW, HEAD = 46.0, 18.0
"""Height of a level of refills, including the words above its boxes; height of the words."""

WIDEST, NARROWEST = 92.0, 38.0
"""Widths of a box: room for a call's name, and for a short word."""


@frozen
class Item:
    """A step, or the steps [first, last] folded into one; steps are counted from 1."""

    first: int
    last: int
    step: DomainStep

    @property
    def folded(self) -> bool:
        """Return whether the item stands for several steps."""
        return self.last > self.first


def calls_lane(picture: DomainPicture, box: Box) -> Iterator[Node]:
    """Yield the strip of an operation with steps, as high as its levels."""
    items = chosen(picture.plan, picture.steps.index, box.w)
    places = _places(items, box)
    words = _words([(item, w) for item, (_, w) in zip(items, places, strict=True) if _is_box(item)])
    yield from _refills(items, places, box)
    for item, (x, w) in zip(items, places, strict=True):
        yield _item(picture, item, Box(x, box.y + item.step.level * ROW, w, BOX), words)


def chosen(plan: Sequence[DomainStep], at: int, room: float) -> list[Item]:
    """Return the steps that have room: the first, the last, the ones near the current step, and starts of refills."""
    items = [Item(number, number, step) for number, step in enumerate(plan, 1)]
    around = 24
    while _least(items) > room and around:
        items = list(_folded(plan, _kept(plan, at, around)))
        around -= 1
    return items


def _least(items: Sequence[Item]) -> float:
    """Return the least width of a strip."""
    return sum((FOLD if item.folded else NARROWEST if _is_box(item) else TICK) + GAP for item in items) - GAP


def _kept(plan: Sequence[DomainStep], at: int, around: int) -> set[int]:
    """Return the steps that are not folded: `around` steps near the current one, both ends, some starts of refills."""
    last = len(plan)
    kept = {
        *range(at - around // 2, at + around // 2 + 1),
        *range(1, around // 2 + 2),
        *range(last - around // 3, last + 1),
    }
    begun = [number for number, step in enumerate(plan, 1) if isinstance(step.event, ev.SlabRefillBegan) or step.failed]
    return kept | set(begun[: around // 2])


def _folded(plan: Sequence[DomainStep], kept: set[int]) -> Iterator[Item]:
    run: Item | None = None
    for number, step in enumerate(plan, 1):
        if run is not None and (number in kept or step.level != run.step.level):
            yield run
            run = None
        if number in kept:
            yield Item(number, number, step)
        else:
            run = Item(number, number, step) if run is None else Item(run.first, number, run.step)
    if run is not None:
        yield run


def _is_box(item: Item) -> bool:
    return bool(item.step.call) and not item.folded


def _places(items: Sequence[Item], strip: Box) -> list[tuple[float, float]]:
    """Return the left edge and the width of each item, from left to right over all levels, in the order of time."""
    least = _least(items)
    spare = max(0.0, strip.w - least)
    box = min(WIDEST, NARROWEST + spare / max(1, sum(map(_is_box, items))))
    squeeze = min(1.0, strip.w / least)  # boxes that can't be folded further are narrower
    places, x = [], strip.x
    for item in items:
        w = (FOLD if item.folded else box if _is_box(item) else TICK) * squeeze
        places.append((x, w))
        x += w + GAP * squeeze
    return places


def _words(boxes: Sequence[tuple[Item, float]]) -> bool:
    """Return whether each box has room for the whole name of its call: either all boxes show the name, or none does."""
    return kit.all_or_none((item.step.call for item, _ in boxes), (w - 4 for _, w in boxes))


def _item(picture: DomainPicture, item: Item, box: Box, whole: bool) -> Node:
    at, step = picture.steps.index, item.step
    here = item.first <= at <= item.last and at < picture.steps.count
    state = ["done" if item.last <= at else "coming", *["path"] * here]
    state += ["undoing"] * step.undoing + ["fault"] * (step.failed and not item.folded)
    if item.folded:
        words: tuple[str, ...] = f"+{item.last - item.first + 1}", "…"
        title = f"steps {item.first} to {item.last}, folded: go there"
        kind, state = "fold", ["folded", *state]
    else:
        words = (step.call if whole else step.short, step.short[:1]) if step.call else ("",)
        title = f"step {item.first}: {step.call + ': ' if step.call else ''}{step.sentence}"
        kind = "call" if step.call else "record"
    return kit.chip(f"calls/{item.first}", kind, box, words, state=state, title=title, action="open",
                    lane=f"calls/{step.level}", spare=2)  # fmt: skip


# ---- refills --------------------------------------------------------------------------------------------


def _refills(items: Sequence[Item], places: Sequence[tuple[float, float]], strip: Box) -> Iterator[Node]:
    """Yield a frame around the boxes of each level of refills, with its purpose."""
    for level in range(1, max(item.step.level for item in items) + 1):
        y = strip.y + level * ROW - HEAD
        for first, last in _runs(items, level):
            x = places[first][0] - 3
            w = places[last][0] + places[last][1] + 3 - x
            labels, title = _refill_words(items[first : last + 1], level)
            label = wording((*labels, ""), min(w - 8, strip.x + strip.w - x))
            text = (Text(6, 12, label, "label"),) if label else ()
            deep = max(item.step.level for item in items[first : last + 1]) - level
            yield Node(f"calls/refill/{level}/{items[first].first}", "refill", x, y, w, HEAD + BOX + 5 + deep * ROW,
                       text=text, title=title)  # fmt: skip  # behind the boxes


def _runs(items: Sequence[Item], level: int) -> list[tuple[int, int]]:
    """Return runs of neighbours that are at least `level` refills deep: for each, the first and the last index."""
    runs: list[tuple[int, int]] = []
    for number, item in enumerate(items):
        if item.step.level < level:
            continue
        if runs and runs[-1][1] == number - 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return runs


def _refill_words(items: Sequence[Item], level: int) -> tuple[tuple[str, ...], str]:
    """Return the purpose of a refill in wordings that get shorter, and in full."""
    here = [item.step.event for item in items if item.step.level == level]
    began = [event for event in here if isinstance(event, ev.SlabRefillBegan) and event.level == level]
    frames = [event for event in here if isinstance(event, ev.FrameAllocated) and event.bytes is not None]
    name = f"refill {level}"
    if not began:
        return (name,), f"a refill of level {level}"
    missing = counted(began[0].missing, "block")
    size = binary_size(frames[0].bytes or 0) if frames else ""
    times = f", {len(began)} turns" if len(began) > 1 else ""
    got = f" → a frame of {size}{times}" if size else times
    title = f"refill_slabs, level {level}: {missing} short{got}"
    return (f"{name}: {missing}{got}", f"{name}: {missing} → {size}", f"{name}: {missing}", name), title
