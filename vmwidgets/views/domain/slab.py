"""The slab that a domain's records come from, and whether there is room for the next one.

A gauge has all blocks to scale, with the reserve at its end; below it are the pieces of memory, on one scale, and the
refills of the operation, each inside the one before.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from vmwidgets import events as ev
from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.base.units import binary_size, counted
from vmwidgets.engine.selfpaging.domain_schema import SlabHeadValue
from vmwidgets.views.scene import boxes, kit
from vmwidgets.views.scene.boxes import Bars, Column, Part, Row
from vmwidgets.views.scene.kit import Box
from vmwidgets.views.scene.model import Bar, Node, Text
from vmwidgets.views.scene.sheet import Sheet, picture
from vmwidgets.views.scene.text import fitted, text_width
from vmwidgets.views.story.calls import with_functions

from .picture import DOMAIN, SHOWN, DomainAt, domain_at

if TYPE_CHECKING:
    from vmwidgets.pictures.at import At

RESERVE = {"armv7": 3, "x86-64": 5}
"""The blocks that each mapping must leave free: mapping a page for the slab may use as many (a leaf and the tables).

Before a page is mapped, twice as many are free: for that page, and the reserve.
"""

PIECES, HIGH = 6, 26.0
"""The most pieces that are drawn; the gauge's height."""


@picture("SlabLevels", shows=[DOMAIN], what=SHOWN)
def slab_levels(at: At) -> Sheet:
    """Draw the slab that a domain's vnodes come from: what is free, the reserve, and the operation's refills.

    >>> import vmwidgets as vm
    >>> d = vm.boot("armv7").domain("hello")
    >>> a = d.map(d.frame("8 KiB"), flags="rw")
    >>> vm.SlabLevels(d).scene().caption.text
    '5 of 7 blocks are free: mapping a page will ask for memory first.'
    """
    seen, steps = domain_at(at, lambda then: (then.value.slab, refills_of(then)))
    slab, reserve = seen.value.slab, reserve_of(seen)
    said = (
        f"A record takes {binary_size(slab.block_bytes)}. To map a page, {2 * reserve} blocks must be free: "
        f"{reserve} for it, and a reserve of {reserve} for the slab's own next page."
    )
    refills = [boxes.drawing(21, partial(_refill, *one)) for one in enumerate(refills_of(seen))]
    part = boxes.below(
        boxes.words("slab/words", said), gauge(seen), _pieces(seen), boxes.below(*refills, gap=3), gap=16
    )
    return Sheet(
        f"{seen.value.name}: slab",
        seen.value.architecture,
        part,
        caption=seen.caption(steps, answer(seen), tells=False),
        steps=steps,
        header=HEADER,
        rows=lambda: slab_rows(seen),
    )


def reserve_of(seen: DomainAt) -> int:
    """Return the number of blocks that each mapping leaves free."""
    return RESERVE.get(seen.value.architecture, 3)


def answer(seen: DomainAt) -> str:
    """Return whether there is room for the next record."""
    slab = seen.value.slab
    there = f"{slab.free:,} of {counted(slab.total, 'block')} {'is' if slab.free == 1 else 'are'} free"
    has_room = slab.free >= 2 * reserve_of(seen)
    return f"{there}: {'no need to ask for memory yet' if has_room else 'mapping a page will ask for memory first'}."


def gauge(seen: DomainAt) -> Part:
    """Return all blocks to scale: used ones, free ones, and at the end the reserve."""
    slab, wanted = seen.value.slab, reserve_of(seen)
    used, reserve = slab.total - slab.free, min(slab.free, wanted)
    title = f"{used:,} of {counted(slab.total, 'block')} used, {slab.free:,} free, {reserve} of them the reserve"

    def put(box: Box) -> Node:
        share = box.w / max(1, slab.total)
        end = max(3.0, share * reserve) if reserve else 0.0
        wide = min(max(2.0, share * used), box.w - end) if used else 0.0
        parts = (0, box.w, "rail"), (0, wide, "used"), (box.w - end, end, "reserve")
        bars = [Bar(x, 18, w, HIGH, style) for x, w, style in parts if w]
        said = f"the last {wanted}: reserve" if reserve == wanted else f"reserve: {reserve} of {wanted}"
        left = text_width(f"{used:,} used", "strong") + 10
        text = [
            Text(0, 12, f"{used:,} used", "strong"),
            fitted(box.w, 12, said, box.w - left, "strong", "end"),
            fitted(
                (wide + box.w - end) / 2,
                18 + HIGH / 2 + 4,
                f"{slab.free:,} free, with the reserve",
                box.w - end - wide - 4,
                "label dim",
                "middle",
            ),
        ]
        return kit.runs("slab/gauge", box, [run for run in text if run.text], bars=bars, title=title)

    return boxes.thing(18 + HIGH, put)


def _pieces(seen: DomainAt) -> Part:
    """Return the newest pieces of memory, with bars on one scale, and a row for the others together."""
    slab = seen.value.slab
    heads = [*slab.heads[:PIECES]]
    blocks = slab.total - sum(head.blocks for head in heads)
    older = len(slab.heads) + slab.fold.heads - len(heads)
    free = slab.free - sum(head.free for head in heads)
    columns = (
        Column(),
        Column(style="mono label dim", middle=True, rank=2),
        Column(end=True),
        Column(takes=True, rank=1),
    )
    rows = [
        Row(
            f"slab/{head.number}",
            (*_named(seen, head), *_amounts(head.blocks, head.free)),
            f"{' at '.join(filter(None, _named(seen, head)))}: {head.blocks:,} blocks, {head.free:,} free",
            state=("slab", *seen.states(f"head:{head.address:x}")),
            lane="slab",
            thing=f"head:{head.address:x}",
        )
        for head in heads
    ]
    rows += [Row("slab/older", (f"{older:,} older", "", *_amounts(blocks, free)), lane="slab")] * bool(older)
    return boxes.rows("slab/pieces", columns, rows, high=24)


def _named(seen: DomainAt, head: SlabHeadValue) -> tuple[str, str]:
    if head.address:
        return binary_size(head.bytes), seen.style.long(head.address)
    return f"{binary_size(head.bytes)}, {'own buffer' if head.number == 1 else 'from the heap'}", ""


def _amounts(blocks: int, free: int) -> tuple[str, Bars]:
    return f"{blocks - free:,} of {blocks:,} used", Bars([(blocks, "rail"), (blocks - free, "used")], layered=True)


# ---- refills ------------------------------------------------------------------------------------------


@frozen
class Refill:
    """A refill of the operation: its depth, its goal, its result, and whether it is over."""

    level: int
    missing: int
    asked: int
    got: int | None
    wanted: int
    """The required number of free blocks."""
    begun: bool
    done: bool


def refills_of(seen: DomainAt) -> list[Refill]:
    """Return the refills of the operation, each round in the order in which it began."""
    found: list[Refill] = []
    free = seen.value.slab.free - sum(map(_freed, seen.moment.so_far))
    open_turns: list[int] = []
    for index, event, functions in with_functions(seen.moment.events):
        done = index < seen.moment.place
        if isinstance(event, (ev.BlockTaken, ev.BlockGiven)):
            free = event.free
        elif isinstance(event, ev.SlabRefillBegan):
            open_turns = [number for number in open_turns if found[number].level < event.level]
            open_turns.append(len(found))
            found.append(Refill(event.level, event.missing, event.bytes, None, free + event.missing, done, False))
        elif isinstance(event, ev.FrameAllocated) and open_turns and "refill_slabs" in functions:
            found[open_turns[-1]] = replace(found[open_turns[-1]], got=event.bytes)
        elif isinstance(event, ev.SlabGrown):
            free += event.blocks
            if open_turns:
                number = open_turns.pop()
                found[number] = replace(found[number], done=done)
    return found


def _freed(event: ev.Event) -> int:
    """Return how many blocks an event freed; negative if it used some."""
    if isinstance(event, ev.SlabGrown):
        return event.blocks
    return isinstance(event, ev.BlockGiven) - (isinstance(event, ev.BlockTaken) and event.block is not None)


def _refill(number: int, refill: Refill, box: Box) -> Iterator[Node]:
    """Yield a refill, further right the deeper it is."""
    inset = (refill.level - 1) * 28
    got = "no frame" if refill.got is None else f"a frame of {binary_size(refill.got)}"
    how = "done" if refill.done else "under way" if refill.begun else "to come"
    label = (
        f"refill {refill.level}: {counted(refill.wanted, 'block')} wanted, {refill.missing:,} short → "
        f"{refill.asked:,} bytes → {got}"
    )
    short = f"refill {refill.level}: {refill.missing:,} short → {got}"
    yield kit.card(
        f"slab/refill/{number}",
        box._replace(x=box.x + inset, w=box.w - inset),
        [kit.Line((label, short), right=how)],
        top=15,
        kind="refill-level",
        state=("done",) if refill.done else ("path",) if refill.begun else ("coming",),
        title=f"{label}: {how}",
    )


HEADER = ("piece", "at", "bytes", "blocks", "free")


def slab_rows(seen: DomainAt) -> Iterator[tuple[str, ...]]:
    """Yield every piece of memory, the newest first."""
    for head in seen.value.slab.heads:
        where = seen.style.whole(head.address) if head.address else ""
        yield str(head.number), where, f"{head.bytes:,}", f"{head.blocks:,}", f"{head.free:,}"
    rest = seen.value.slab.fold
    if rest.heads:
        yield f"… {rest.heads:,} more", "", "", f"{rest.blocks:,}", f"{rest.free:,}"
