"""Physical memory: how many frames are available, which owners have the others, and the frames around a change.

First a sentence says what the kernel does at this number of free pages, and a bar of all frames shows it; then come the
frames in rows, and the buddy system's free blocks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from functools import partial
from itertools import accumulate

from vmwidgets import events as ev
from vmwidgets.engine.base.units import PAGE, Address, binary_size, counted
from vmwidgets.engine.memory.pages_schema import FrameRun, FramesValue, FrameValue, FreeList
from vmwidgets.views.scene import boxes, kit
from vmwidgets.views.scene.boxes import Part
from vmwidgets.views.scene.key import kind_of_owner
from vmwidgets.views.scene.kit import MARGIN, WIDTH, Box
from vmwidgets.views.scene.model import Bar, Node, Scene, Table, Text
from vmwidgets.views.scene.relations import FRAMES, About, Pages
from vmwidgets.views.scene.text import short_count, text_width
from vmwidgets.views.story.look import Look
from vmwidgets.views.story.stages import Mine, once, seen
from vmwidgets.views.story.words.names import frames as frame_numbers
from vmwidgets.views.story.words.names import owner_words

from .buddies import DRAWN, asked_of, cause_of, draw_turns, is_touched, verb_of
from .frame_rows import (
    Piece,
    Strip,
    fold_of,
    pieces_of,
    rows_of,
    strips_of,
)
from .gauge import answer, gauge_facts, gauges, is_far, owners_of, served

_NARROW = 600.0
"""Width in pixels below which a row has few boxes; a wider picture with `rows` may have to fit on a screen."""

RUNS = 18
"""The most runs that are drawn: changed runs, the selected run, and the largest runs; the others are counted."""

_COLUMNS, _RUN_H, _WIDE = 8, 40.0, 700.0
"""The most boxes in a row, and their height; the width from which a row has 64 frames."""

_LEAST_RUN = 145.0
"""Least width of a run with the space next to it."""


def draw_frames(
    look: Look[FramesValue],
    whole: FramesValue | None = None,
    *,
    selected: FrameValue | None = None,
    lit: Collection[int] = (),
    machine: str = "",
    width: float = WIDTH,
    compact: bool = False,
    rows: int = 0,
    among: Sequence[Collection[int]] = (),
    named: Collection[int] = (),
) -> Scene:
    """Return the scene of physical memory.

    `whole` is all of it before the operation: without it, what the operation did to blocks is not drawn.

    `selected` is a frame to describe completely, and `lit` are the frames of a selection elsewhere; `compact` draws the
    gauges alone.

    With `rows`, only this many rows of runs are drawn: first the rows with frames of the first group of `among`, then
    of the next group, and so on; changed frames are as important as the last group.  Frames that another part of the
    picture names (`named`) get more rows if they need them; and so do changed frames in a narrow picture, which has few
    boxes in a row.
    """
    moment, value, before = look.moment, look.now, look.before
    chosen = -1 if selected is None else selected.frame
    strips: list[Strip] = []
    answered, differs = answer(value.counts), ""
    detail = [] if selected is None else [_detail(selected)]
    across = 64 if width >= _WIDE else 32
    if rows:
        part = _runs(
            value, touched_frames(moment.so_far), selected, frozenset(lit), width, rows, among, frozenset(named)
        )
    elif compact:
        part = boxes.below(boxes.words("frames/answer", answered, "body"), gauges(value, before), gap=12)
    elif whole is not None:
        drawn = draw_turns(whole, moment.events, moment.so_far, value.counts.free - value.counts.zeroed)
        if lit:
            strips = strips_of(tuple(pieces_of(value, frozenset(lit), chosen)), across)
        grid = [_grid(value, before, strips, across)] * bool(strips)
        part = boxes.below(drawn, gauges(value, before, calm=True), *detail, *grid, gap=12)
        left = "" if is_far(value.counts) else answered
        said = verb_of(moment.so_far), asked_of(moment.so_far), cause_of(moment.so_far), left
        answered = " ".join(filter(None, said)) or answered
    else:
        differs = _difference(value, before)
        strips = strips_of(tuple(pieces_of(value, frozenset(lit), chosen)), across)
        part = boxes.below(gauges(value, before), _grid(value, before, strips, across), *detail, gap=30)
    counts = value.counts
    steps = moment.steps(look.mine("gauges", gauge_facts) if compact else steps_of_frames(look))
    subtitle = f"{counts.total:,} frames, {binary_size(counts.total * PAGE)}"
    subtitle += f" · {counted(counts.deficit, 'request')} refused" * bool(counts.deficit)
    return boxes.picture(
        "frames",
        "physical memory",
        subtitle,
        part,
        caption=moment.caption if rows or compact else moment.caption_of(steps, answered, differs, tells=False),
        table=Table(("what", "pages", "from", "to", "wired"), _rows(value)),
        steps=steps,
        machine=machine,
        width=width,
        about=lambda things: _about([piece for strip in strips for piece in strip.pieces] or value.runs, things),
    )


def _difference(value: FramesValue, before: FramesValue) -> str:
    """Return which owners have more or fewer frames than before the operation: the greatest differences."""
    now, was = owners_of(value), owners_of(before)
    changes = {name: now.get(name, 0) - was.get(name, 0) for name in {**was, **now}}
    first, *others = sorted(((name, by) for name, by in changes.items() if by), key=lambda one: -abs(one[1])) or [
        ("", 0)
    ]
    if not first[1]:
        return ""
    said = [f"{first[0]}: {_more(first[1])} than before", *(f"{name}: {_more(by)}" for name, by in others[:2])]
    return "; ".join(said) + "."


def _more(by: int) -> str:
    return f"{abs(by):,} {'more' if by > 0 else 'fewer'}"


def _about(pieces: Iterable[FrameRun | Piece], drawn: Collection[str]) -> dict[str, About]:
    """Return which frames each drawn piece contains."""
    known = ((f"frame:{one.first}", Pages(FRAMES, one.first, one.frames)) for one in pieces)
    return {thing: About((pages,)) for thing, pages in known if thing in drawn}


def steps_of_frames(look: Look[FramesValue]) -> Mine:
    """Return the steps of physical memory: what the bar says changes, or a block, its list, or a frame's owner."""
    moved = [0, *accumulate(isinstance(event, DRAWN) for event in look.moment.events)]

    def facts(done: int) -> object:
        value = look.at(done)  # the last one, if it is far: then only what moved is known
        return gauge_facts(value, calm=True), value.counts.deficit, moved[done]

    return once("frames", seen(facts, within=lambda stage: is_touched(stage.events)))


_WIRED = ev.PageGranted, ev.PageWired, ev.PageUnwired


def touched_frames(events: Iterable[ev.Event]) -> dict[int, str]:
    """Return frames that these events allocated ("new"), or freed, wired or unwired ("changed")."""
    wired: dict[int, str] = {}
    owned: dict[int, tuple[bool, bool]] = {}
    for event in events:
        if isinstance(event, _WIRED):
            wired[event.frame] = "changed"
        elif isinstance(event, (ev.PageAllocated, ev.PageFreed)):
            is_taken = isinstance(event, ev.PageAllocated)
            for frame in range(event.frame, event.frame + (1 << event.order)):
                owned[frame] = owned.get(frame, (not is_taken, False))[0], is_taken
        elif isinstance(event, ev.PageHandedOver):
            owned[event.frame] = owned.get(event.frame, (True, True))[0], True
        elif isinstance(event, (ev.PoolFilled, ev.PoolDrained)):
            owned.update({frame: (owned.get(frame, (False, False))[0], False) for frame in event.moved})
    return wired | {frame: "new" if now else "changed" for frame, (was, now) in owned.items() if was or now}


# ---- frames in rows, and free lists ------------------------------------------------------------------------


def _grid(value: FramesValue, before: FramesValue, strips: Sequence[Strip], across: int) -> Part:
    """Return the frames in rows, and the free blocks."""
    said = f"The frames in order, {across} to a row"
    said += ". A dot is a free frame that is already filled with zeroes." * any(
        piece.run is not None and piece.run.state == "zeroed" for strip in strips for piece in strip.pieces
    )
    rows = boxes.below(boxes.words("frames/runs", said), rows_of(strips, across), gap=4)
    return boxes.below(rows, _orders(value, before), gap=14)


def _orders(value: FramesValue, before: FramesValue) -> Part:
    """Return the free blocks of the buddy system: of each size that there is or was, how many."""
    both = [pair for pair in zip(value.orders, before.orders, strict=True) if any(one.count for one in pair)]
    said = "Free blocks:" if both else "No block is free."
    head = text_width(said), boxes.words("frames/orders", said)
    return boxes.flowing([head, *(_order(*pair) for pair in both)], gap=14)


def _order(free: FreeList, old: FreeList) -> tuple[float, Part]:
    """Return the width and the number of free blocks of an order."""
    said = f"{short_count(free.count)} of {binary_size(PAGE << free.order)}"
    said += f" (was {short_count(old.count)})" * (old.count != free.count)
    first = "" if not free.first else f", next {free.first[0]:#x}"
    title = f"order {free.order}: {counted(free.count, 'free block')} of {counted(1 << free.order, 'frame')}{first}"
    draw = partial(kit.runs, f"frames/order/{free.order}", text=[Text(0, 14, said)], lane="frames/orders", title=title)
    return text_width(said), boxes.thing(kit.LINE, draw)


# ---- runs --------------------------------------------------------------------------------------------------


def _runs(
    value: FramesValue,
    touched: dict[int, str],
    selected: FrameValue | None,
    lit: frozenset[int],
    width: float,
    rows: int,
    among: Sequence[Collection[int]],
    named: frozenset[int],
) -> Part:
    """Return as many runs as fit into these rows, and boxes for everything left out between them."""
    columns = min(_COLUMNS, int((width - 2 * MARGIN + 8) // _LEAST_RUN))
    chosen = [] if selected is None else [selected.frame]
    ranks = [frozenset(group) for group in (chosen, *among[:-1], [*touched, *lit, *(among[-1] if among else ())])]
    most, changed = RUNS, named | frozenset(touched if width < _NARROW else ())
    shown = _chosen(value.runs, ranks, most, changed)
    while len(_laid_out(value, shown)) > rows * columns > 0 and most > 1:
        most -= 1
        shown = _chosen(value.runs, ranks, most, changed)
    parts: list[Part] = []
    at = value.first_frame
    for run in shown:
        parts += [boxes.thing(_RUN_H, partial(fold_of, at, run.first - at))] * (run.first > at)
        state = next((touched[frame] for frame in _frames_of(run, touched) if touched[frame]), "")
        is_lit = any(run.first <= frame < run.first + run.frames for frame in lit)
        parts.append(boxes.thing(_RUN_H, partial(_run, run, (state, "path" if is_lit else ""), selected)))
        at = run.first + run.frames
    parts += [boxes.thing(_RUN_H, partial(fold_of, at, value.end_frame - at))] * (at < value.end_frame)
    words = boxes.words("frames/runs", "frames in order, a box per run of one owner")
    share = (width - 2 * MARGIN + 8) / columns - 8
    grid = boxes.equal(parts, share - 0.01, most=share)  # of one width, also where few are left
    return boxes.below(words, grid, gap=2)


def _laid_out(value: FramesValue, shown: Sequence[FrameRun]) -> list[int]:
    """Return the first frames of the boxes of runs, and of the boxes for everything left out between them."""
    at, boxes = value.first_frame, []
    for run in shown:
        boxes += [at, run.first] if run.first > at else [run.first]
        at = run.first + run.frames
    return [*boxes, at] if at < value.end_frame else boxes


def _frames_of(run: FrameRun, some: Iterable[int]) -> list[int]:
    return [frame for frame in some if run.first <= frame < run.first + run.frames]


def _chosen(
    runs: Sequence[FrameRun], ranks: Sequence[Collection[int]], most: int, changed: Collection[int]
) -> list[FrameRun]:
    """Return the most important runs: first runs with frames of the first of `ranks`, and so on; large before small.

    Runs with frames of `changed` are always included, up to :data:`RUNS`.
    """

    def rank(run: FrameRun) -> tuple[int, int]:
        groups = (number for number, frames in enumerate(ranks) if _frames_of(run, frames))
        return next(groups, len(ranks)), -run.frames

    ranked = sorted(runs, key=rank)[:RUNS]
    shown = [run for number, run in enumerate(ranked) if number < most or _frames_of(run, changed)]
    return sorted(shown, key=lambda run: run.first)


def _run(run: FrameRun, marks: tuple[str, ...], selected: FrameValue | None, box: Box) -> Node:
    w, last = box.w, run.first + run.frames - 1
    words = owner_words(run.owner) or run.state
    if run.state in ("cached", "pooled"):
        words = f"cached: {words}" if run.owner else "free, in the pool"
    numbers, count = frame_numbers(run.first, run.frames), short_count(run.frames)
    wired = "wired" if run.wired else ""
    # Readers look for the name: the count goes below it, if there is more room.
    beside = 6 + text_width(count, "label strong")
    is_below = (
        not wired and text_width(words) > w - 16 - beside and text_width(numbers, "mono label") <= w - 16 - beside
    )
    rows = [
        kit.Line(words, "label", "" if is_below else count, "label strong", middle=True),
        kit.Line(numbers, "mono label dim", count if is_below else wired, "label strong" if is_below else "label"),
    ]
    chosen = selected is not None and run.first <= selected.frame <= last
    kind = kind_of_owner(run.owner) if run.owner and run.state == "used" else run.state
    bars = [Bar(0, 0, 4, _RUN_H, kind), *[Bar(4, _RUN_H - 4, w - 4, 4, "wired")] * bool(wired)]
    return kit.card(
        f"frames/run/{run.first:x}",
        box,
        rows,
        kind="run",
        thing=f"frame:{run.first}",
        bars=bars,
        state=[f"frame-{run.state}", *filter(None, marks), *["here"] * chosen],
        title=run_words(run),
        lane="frames/runs",
        top=15,
        step=15.5,
        pad=7,
    )


def run_words(run: FrameRun) -> str:
    """Return everything about a run of frames."""
    owner, wired = f" of {owner_words(run.owner)}" if run.owner else "", " wired" if run.wired else ""
    return f"{counted(run.frames, 'frame')} {frame_numbers(run.first, run.frames)}: {run.state}{owner}{wired}"


def _detail(frame: FrameValue) -> Part:
    """Return everything about one frame, with its reverse map."""
    page = "" if frame.pindex is None else f"page {frame.pindex:#x} of "
    wired = f", wired {frame.wire_count}×" if frame.wire_count else ""
    words = f"frame {frame.frame:#x}: {page}{owner_words(frame.owner) or frame.state}{wired}"
    mapped = _mapped(frame)
    return boxes.card(
        "frames/detail",
        [words, kit.Line(mapped, "mono label")],
        kind="run",
        title=f"{words}; {mapped[0]}",
        lane="frames/detail",
    )


def _mapped(frame: FrameValue) -> tuple[str, ...]:
    """Return the wordings of a frame's mappings, from the full list to the number of addresses."""
    places = [f"{name + ' ' if name else ''}{Address(va)}" for name, va in frame.mapped]
    if not places:
        return ("no virtual address leads to it",)
    shorter = (
        f"mapped at {', '.join(places[:count])}{f' and {left:,} more' if (left := frame.mappings - count) else ''}"
        for count in range(len(places), 0, -1)
    )
    return (*shorter, f"mapped at {counted(frame.mappings, 'address')}")


# ---- the table -------------------------------------------------------------------------------------------


def _rows(value: FramesValue) -> tuple[tuple[str, ...], ...]:
    counts = value.counts
    rows = [(name, f"{getattr(counts, name):,}", "", "", "") for name in _COUNTED]
    now = served(counts)
    rows += [(f"class {name}", "served" if now[name] else "refused", "", "", "") for name in now]
    rows += [(f"owner {name}", f"{count:,}", "", "", "") for name, count in [*owners_of(value).items()][:40]]
    rows += [(f"free blocks of order {free.order}", f"{free.count:,}", "", "", "") for free in value.orders]
    rows += [
        (
            owner_words(run.owner) or run.state,
            f"{run.frames:,}",
            f"{run.first:#x}",
            f"{run.first + run.frames - 1:#x}",
            "wired" if run.wired else "",
        )
        for run in value.runs[:200]
    ]
    return tuple(rows)


_COUNTED = (
    "total", "free", "zeroed", "cached", "used", "wired", "inactive", "free_target", "free_min", "free_reserved",
    "interrupt_free_min", "deficit",
)  # fmt: skip
