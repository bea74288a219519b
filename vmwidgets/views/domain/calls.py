"""The strip of an operation's calls, to the kernel and to the allocators, in order.  A refill's calls are a row lower.

While an operation runs, past calls are filled and future ones faint; a press goes to a call.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from vmwidgets import events as ev
from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.base.units import binary_size, counted
from vmwidgets.views.scene import boxes, kit
from vmwidgets.views.scene.boxes import Part
from vmwidgets.views.scene.kit import Box
from vmwidgets.views.scene.model import Node, Text
from vmwidgets.views.scene.text import wording

from .picture import DomainAt, DomainStep

BOX, GAP, ROW, HEAD = 24.0, 4.0, 46.0, 18.0
"""Height of a box; space between two; height of a level of refills with its words, and of the words above its boxes."""

WIDEST, NARROWEST, FOLD = 108.0, 46.0, 34.0
"""Widths of a box: room for a call's name, and for a short word; width of a fold."""


@frozen
class Item:
    """A call, or the calls [first, last] folded into one, by the numbers of their steps, from 1 on."""

    first: int
    last: int
    step: DomainStep

    @property
    def folded(self) -> bool:
        """Return whether the item stands for several calls."""
        return self.last > self.first

    @property
    def least(self) -> float:
        """The least width."""
        return FOLD if self.folded else NARROWEST


def calls_part(seen: DomainAt, at: int, is_over: bool) -> Part:
    """Return the strip at a step, as high as its levels; nothing for an operation without calls."""
    calls = [(number, step) for number, step in enumerate(seen.plan, 1) if step.call]
    deep = max((step.level for _, step in calls), default=0)
    strip = boxes.drawing(BOX + ROW * deep, partial(_strip, calls, at, is_over))
    return strip if calls else boxes.below()


def _strip(calls: Sequence[tuple[int, DomainStep]], at: int, is_over: bool, box: Box) -> Iterator[Node]:
    items = _chosen(calls, at, box.w)
    least = sum(item.least + GAP for item in items) - GAP
    alone = sum(not item.folded for item in items)
    wide = min(WIDEST, NARROWEST + max(0.0, box.w - least) / max(1, alone))
    squeeze = min(1.0, box.w / least)  # boxes that can't be folded further are narrower
    places, x = [], box.x
    for item in items:
        w = (FOLD if item.folded else wide) * squeeze
        places.append(Box(x, box.y + item.step.level * ROW, w, BOX))
        x += w + GAP * squeeze
    whole = kit.all_or_none((item.step.call for item in items if not item.folded), [wide * squeeze - 4] * alone)
    yield from _refills(items, places, box)
    yield from (_call(item, -1 if is_over else at, place, whole) for item, place in zip(items, places, strict=True))


def _chosen(calls: Sequence[tuple[int, DomainStep]], at: int, room: float) -> list[Item]:
    """Return the calls that have room: the first, the last, the ones near the current one, and starts of refills."""
    begun = [place for place, (_, step) in enumerate(calls) if step.call == "refill_slabs" or step.failed]
    here = sum(number <= at for number, _ in calls) - 1
    items: list[Item] = []
    for around in range(24, -1, -1):
        half, kept = around // 2, {0, len(calls) - 1, *begun[: around // 2]}
        kept |= {*range(here - half, here + half + 1), *range(half + 1), *range(len(calls) - around // 3, len(calls))}
        items = [*_folded(calls, kept if around < 24 else {*range(len(calls))})]
        if sum(item.least + GAP for item in items) - GAP <= room:
            break
    return items


def _folded(calls: Sequence[tuple[int, DomainStep]], kept: set[int]) -> Iterator[Item]:
    run: Item | None = None
    for place, (number, step) in enumerate(calls):
        if run is not None and (place in kept or step.level != run.step.level):
            yield run
            run = None
        if place in kept:
            yield Item(number, number, step)
        else:
            run = Item(number if run is None else run.first, number, step)
    if run is not None:
        yield run


def _call(item: Item, at: int, box: Box, whole: bool) -> Node:
    """Return a call's box at a step, or at -1 after the operation, when no call is marked."""
    step = item.step
    state = [] if at < 0 else ["done" if item.last <= at else "coming", *["path"] * (item.first <= at <= item.last)]
    state += ["undoing"] * step.undoing + ["fault"] * (step.failed and not item.folded)
    words: tuple[str, ...] = (step.call if whole else step.short, step.short[:1])
    kind, title = "call", f"step {item.first}: {step.call}: {step.sentence}"
    if item.folded:
        words, kind, title = ("…",), "fold", f"steps {item.first} to {item.last}, folded: go there"
    return kit.chip(
        f"calls/step/{item.first}",
        kind,
        box,
        words,
        state=["folded"] * item.folded + state,
        title=title,
        action="open",
        lane=f"calls/{step.level}",
        spare=2,
    )


def _refills(items: Sequence[Item], places: Sequence[Box], strip: Box) -> Iterator[Node]:
    """Yield a frame around the boxes of each level of refills, with its purpose."""
    for level in range(1, max(item.step.level for item in items) + 1):
        run: list[int] = []
        for place in range(len(items) + 1):
            if place < len(items) and items[place].step.level >= level:
                run.append(place)
            elif run:
                yield _refill([items[one] for one in run], [places[one] for one in run], level, strip)
                run = []


def _refill(items: Sequence[Item], places: Sequence[Box], level: int, strip: Box) -> Node:
    x, y = places[0].x - 3, strip.y + level * ROW - HEAD
    w = places[-1].x + places[-1].w + 3 - x
    deep = max(item.step.level for item in items) - level
    here = [item.step.event for item in items if item.step.level == level]
    began = [event for event in here if isinstance(event, ev.SlabRefillBegan) and event.level == level]
    frames = [event for event in here if isinstance(event, ev.FrameAllocated) and event.bytes is not None]
    name, title = f"refill {level}", f"a refill of level {level}"
    ways: tuple[str, ...] = (name, "")
    if began:
        missing = counted(began[0].missing, "block")
        got = f" → a frame of {binary_size(frames[0].bytes or 0)}" if frames else ""
        got += f", {len(began)} turns" * (len(began) > 1)
        title = f"refill_slabs, level {level}: {missing} short{got}"
        ways = f"{name}: {missing} short{got}", f"{name}: {missing}{got}", f"{name}: {missing}", name, ""
    label = wording(ways, min(w - 8, strip.x + strip.w - x))
    text = (Text(6, 12, label, "label"),) if label else ()
    return Node(
        f"calls/refill/{level}/{items[0].first}", "refill", x, y, w, HEAD + BOX + 5 + deep * ROW, text=text, title=title
    )
