"""The slab for vnodes: its pieces of memory, block by block, the reserve, and the levels of a refill."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from vmwidgets import events as ev
from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.base.units import binary_size, counted
from vmwidgets.engine.selfpaging.domain_schema import SlabAllocatorValue, SlabHeadValue
from vmwidgets.views.scene import boxes, kit
from vmwidgets.views.scene.boxes import Part
from vmwidgets.views.scene.kit import Box
from vmwidgets.views.scene.model import Bar, Node, Table
from vmwidgets.views.story.calls import with_functions

from .picture import DomainPicture

RESERVE = {"armv7": 3, "x86-64": 5}
"""The blocks that each mapping must leave free: mapping a page for the slab may use as many (a leaf and the tables)."""

CELLS = 63
"""The most blocks that are drawn as cells in a piece; in larger pieces, a bar shows how many are used."""

HEAD_W, HEAD_H, GAP, OLDER_W = 236.0, 62.0, 8.0, 130.0
LEVEL_H = 24.0


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


def slab_lane(picture: DomainPicture, most: int = 4) -> Part:
    """Return the slab: what is used, at most `most` of its pieces, and the refills of the operation."""
    refills = refills_of(picture)
    drawn = [boxes.drawing(LEVEL_H - 3, partial(_refill, *one)) for one in enumerate(refills)]
    return boxes.below(
        boxes.words("slab/words", _words(picture, refills), "label"),
        boxes.drawing(HEAD_H, partial(_heads, picture, most)), boxes.below(*drawn, gap=3), gap=5,
    )  # fmt: skip  # from the words down


def _heads(picture: DomainPicture, most: int, box: Box) -> Iterator[Node]:
    """Yield the newest pieces, and a fold for the others."""
    slab = picture.value.slab
    fit = max(1, min(most, int((box.w + GAP) // (HEAD_W + GAP))))
    heads = len(slab.heads) + slab.fold.heads
    beside_older = min(most - 1, int((box.w - OLDER_W) // (HEAD_W + GAP)))
    newest = slab.heads[: fit if heads <= fit else beside_older]
    reserve = _reserved(slab, RESERVE.get(picture.value.architecture, 3))
    for number, head in enumerate(newest):
        yield from _head(picture, head, head.number, reserve.get(number, 0), box.x + number * (HEAD_W + GAP), box.y)
    if left_out := heads - len(newest):
        free = slab.free - sum(head.free for head in newest)
        label = f"{left_out:,} older", f"{free:,} free in them"
        yield _older(label, box.x + len(newest) * (HEAD_W + GAP), box.y)


def _older(label: Sequence[str], x: float, y: float) -> Node:
    rows = [kit.Line(label[0]), kit.Line(label[1], "label dim")]
    return kit.card("slab/older", Box(x, y, OLDER_W, HEAD_H), rows, kind="fold", state=("folded",), top=18, step=16,
                    title=": ".join(label))  # fmt: skip


def _reserved(slab: SlabAllocatorValue, reserve: int) -> dict[int, int]:
    """Return how many free blocks of each piece belong to the reserve, which is used last."""
    found: dict[int, int] = {}
    left = max(0, min(reserve, slab.free) - slab.fold.free)
    for number in reversed(range(len(slab.heads))):
        if left and slab.heads[number].free:
            found[number] = min(left, slab.heads[number].free)
            left -= found[number]
    return found


def _words(picture: DomainPicture, refills: Sequence[Refill]) -> str:
    """Return how many blocks are in use, and how many must stay free."""
    slab = picture.value.slab
    reserve = RESERVE.get(picture.value.architecture, 3)
    parts = [f"{slab.total - slab.free:,} of {slab.total:,} blocks hold a vnode, {slab.free:,} are free"]
    parts.append(f"each map leaves a reserve of {reserve}")
    if refills:
        parts.append(f"this operation wanted {refills[0].wanted:,} free")
    return "; ".join(parts)


def _head(
    picture: DomainPicture, head: SlabHeadValue, number: int, reserve: int, x: float, y: float
) -> tuple[Node, Node]:
    where = picture.style.long(head.address) if head.address else "own buffer" if number == 1 else "from the heap"
    used = f"{head.blocks - head.free:,} of {head.blocks:,}"
    size = binary_size(head.bytes)
    thing = f"head:{head.address:x}"
    state = "slab-full" if not head.free else "slab-free" if head.free == head.blocks else "slab-partial"
    spare = f", {reserve} of them the reserve" if reserve else ""
    row = kit.Line(
        (f"{size} at {where}" if head.address else f"{where}, {size}", where),
        "mono label" if head.address else "label",
        used,
    )
    box = kit.card(
        f"slab/{number}", Box(x, y, HEAD_W, HEAD_H), [row], kind="slab", thing=thing, top=14, pad=6, lane="slab",
        state=(state, *picture.states(thing)),
        title=f"{size} at {where}: {head.blocks:,} blocks, {head.free:,} free{spare}",
    )  # fmt: skip
    return box, _cells(head, number, reserve, x, y + 20)


def _cells(head: SlabHeadValue, number: int, reserve: int, x: float, y: float) -> Node:
    """Return the blocks: filled if in use, empty if free, and dashed in the reserve, which is taken last.

    A piece of many blocks is a bar.
    """
    used, bars = head.blocks - head.free, []
    room = Box(6, 0, HEAD_W - 12, 0)
    if head.blocks > CELLS:
        unit = room.w / head.blocks
        bars = [Bar(6, 2, room.w, 20, "rail"), Bar(6, 2, max(2.0, used * unit), 20, "used")][: 1 + bool(used)]
        w = max(4.0, reserve * unit)
        bars += [Bar(6 + room.w - w - 0.6, 2.6, w, 18.8, "next")] * bool(reserve)
        return kit.chip(f"slab/{number}/blocks", "cells", Box(x, y, HEAD_W, 26), bars=tuple(bars), shape="none")
    places = kit.cells(head.blocks, room, room.w / min(21, head.blocks), 12.0)
    for block, place in enumerate(places):
        look = "used" if block < used else "next" if block >= head.blocks - reserve else "free"
        inset = 1.0 if look == "next" else 0.5
        w, h = max(1.0, min(place.w, 22) - 1.5 - inset), place.h - 1.5 - inset
        bars.append(Bar(place.x + inset, place.y + inset, w, h, look))
    high = places[-1].y + places[-1].h
    return kit.chip(f"slab/{number}/blocks", "cells", Box(x, y, HEAD_W, high), bars=tuple(bars), shape="none")


# ---- refills ------------------------------------------------------------------------------------------


def refills_of(picture: DomainPicture) -> list[Refill]:
    """Return the refills of the operation, each round in the order in which it began."""
    found: list[Refill] = []
    free = picture.value.slab.free - sum(map(_freed, picture.moment.so_far))
    open_turns: list[int] = []
    for index, event, functions in with_functions(picture.moment.events):
        done = index < picture.moment.place
        if isinstance(event, (ev.BlockTaken, ev.BlockGiven)):
            free = event.free
        elif isinstance(event, ev.SlabRefillBegan):
            open_turns = [number for number in open_turns if found[number].level < event.level]
            open_turns.append(len(found))
            found.append(Refill(event.level, event.missing, event.bytes, None, free + event.missing, done, False))
        elif isinstance(event, ev.FrameAllocated) and open_turns and "refill_slabs" in functions:
            found[open_turns[-1]] = _with(found[open_turns[-1]], got=event.bytes)
        elif isinstance(event, ev.SlabGrown):
            free += event.blocks
            if open_turns:
                number = open_turns.pop()
                found[number] = _with(found[number], done=done)
    return found


def _freed(event: ev.Event) -> int:
    """Return how many blocks an event freed; negative if it used some."""
    if isinstance(event, ev.SlabGrown):
        return event.blocks
    return isinstance(event, ev.BlockGiven) - (isinstance(event, ev.BlockTaken) and event.block is not None)


def _with(refill: Refill, *, got: int | None = None, done: bool = False) -> Refill:
    return Refill(
        refill.level, refill.missing, refill.asked, got or refill.got, refill.wanted, refill.begun, done or refill.done
    )


def _refill(number: int, refill: Refill, box: Box) -> list[Node]:
    """Return a refill, further right the deeper it is."""
    inset = (refill.level - 1) * 28
    got = "no frame" if refill.got is None else f"a frame of {binary_size(refill.got)}"
    how = "done" if refill.done else "under way" if refill.begun else "to come"
    label = (
        f"refill {refill.level}: {counted(refill.wanted, 'block')} wanted, {refill.missing:,} short → "
        f"{refill.asked:,} bytes → {got}"
    )
    short = f"refill {refill.level}: {refill.missing:,} short → {got}"
    return [kit.card(
        f"slab/refill/{number}", box._replace(x=box.x + inset, w=box.w - inset),
        [kit.Line((label, short), right=how)], top=15, kind="refill-level",
        state=("done",) if refill.done else ("path",) if refill.begun else ("coming",), title=f"{label}: {how}",
    )]  # fmt: skip


SLAB_HEADER = ("piece", "at", "bytes", "blocks", "free")


def slab_table(picture: DomainPicture) -> Table:
    """Return every piece of memory in a row, the newest first."""
    heads = picture.value.slab.heads
    rows = [
        (str(head.number), picture.style.whole(head.address) if head.address else "", f"{head.bytes:,}",
         f"{head.blocks:,}", f"{head.free:,}")
        for head in heads
    ]  # fmt: skip
    rest = picture.value.slab.fold
    if rest.heads:
        rows.append((f"… {rest.heads:,} more", "", "", f"{rest.blocks:,}", f"{rest.free:,}"))
    return Table(SLAB_HEADER, tuple(rows))
