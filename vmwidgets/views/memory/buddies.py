"""The buddy system at work: blocks that were halved, and blocks that joined, in the order of the journal.

A row is a *turn*: the pool was filled, and the halves that were cut for it, by level; frames were taken, or freed; a
frame left the pool, and the blocks that it joined.  The first row is memory before, in the same form.  At the right are
the frames of the pool and the free lists after each turn.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from functools import partial
from itertools import groupby, pairwise, zip_longest
from typing import Any, NamedTuple

from vmwidgets import events as ev
from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.base.units import counted
from vmwidgets.engine.memory.pages_schema import MAX_ORDER, FramesValue, shown_owner, state_of
from vmwidgets.views.scene import boxes, kit
from vmwidgets.views.scene.boxes import Drawn, Part
from vmwidgets.views.scene.key import kind_of_owner
from vmwidgets.views.scene.kit import Box
from vmwidgets.views.scene.model import Bar, Node, Text
from vmwidgets.views.scene.text import fitted, short_count, text_width, wording
from vmwidgets.views.story.words.names import frames as frame_numbers
from vmwidgets.views.story.words.names import owner_words

ROWS = 6
"""The most turns that have a row; the others are counted."""

WINDOW = 32
"""The most frames that are drawn: the blocks of the first turns."""

FREE = "free", "pooled", "zeroed"
"""The states of frames without an owner."""

_ROW, _PITCH, _LEVEL, _HEAD = 24.0, 32.0, 18.0, 38.0
"""Heights of a row, of it with its gap, of a level of halves or of joined blocks, and of the numbers above all."""

_LABEL, _COLUMN, _APART, _GAP, _NARROW = 148.0, 32.0, 16.0, 2.0, 600.0
"""Widths of a row's name, of a free list, between parts that are apart, and that are not; where names are above."""


class Held(NamedTuple):
    """What the frames of a piece are: a free block, frames in the pool, or an owner's; `frames` from `first` on."""

    first: int
    frames: int
    owner: str = ""
    state: str = "used"
    whole: int = 1
    """The frames of the whole block, some of which may not be drawn."""
    number: int = 0
    """Which of the operation's requests and releases moved it; 0 for none."""


@frozen
class Turn:
    """What happened in a row: blocks `cut`, frames `moved`, and blocks `joined`; `what` says where from and where to.

    `lists` are the numbers of free blocks by order, after it, and `pool` the frames of the processor's pool.
    """

    what: str = ""
    numbers: tuple[int, int] = (0, 0)
    """The first and the last of the operation's requests and releases in it."""
    cuts: Sequence[tuple[int, int]] = ()
    moved: Sequence[int] = ()
    joined: Sequence[tuple[int, int]] = ()
    lists: Mapping[int, int] = field(default_factory=dict)
    held: Mapping[int, Held] = field(default_factory=dict)
    """The pieces of memory after it, by their first frames."""
    pool: int = 0


# ---- the turns -----------------------------------------------------------------------------------


class _Frames:
    """Free blocks, frames in the pool and owned frames, as events change them one after the other."""

    def __init__(self, before: FramesValue) -> None:
        self.lists = Counter({one.order: one.count for one in before.orders})
        self.blocks: dict[int, int] = {}
        self.pool: set[int] = set()
        self.pooled = before.counts.free - before.counts.zeroed - sum(one.count << one.order for one in before.orders)
        self.joined: set[int] = set()
        """Frames that joined before the journal says that they left the pool, or their owner."""
        self.owned: dict[int, tuple[str, str]] = {}
        self.numbers: dict[int, int] = {}
        self.done = 0
        """Requests and releases so far."""
        for run in before.runs:
            if run.state == "free":
                self.blocks.update(blocks_of(run.first, run.frames))
            else:
                frames = range(run.first, run.first + run.frames)
                if run.state == "pooled":
                    self.pool.update(frames)
                else:
                    self.owned.update(dict.fromkeys(frames, (run.owner, run.state)))

    def moved(self, group: Sequence[Any]) -> Sequence[int]:
        """Return the frames that these events will move."""
        last = group[-1]
        if isinstance(last, (ev.PoolFilled, ev.PoolDrained)):
            moved: Sequence[int] = last.moved
            return moved
        if isinstance(last, ev.BlockJoined):
            return [half for one in group for half in _halves(one) if half in self.pool]
        return [frame for one in group if not isinstance(one, CUTS) for frame in _whole(one)]

    def take(self, event: ev.Event) -> None:
        """Change what an event changes."""
        _CHANGES[type(event)](self, event)

    def halve(self, event: Any) -> None:
        """Put both halves of a block on the list of their order."""
        self._unlist(event.frame, event.order)
        for frame in _halves(event):
            self._list(frame, event.order - 1)

    def join(self, event: Any) -> None:
        """Put two buddies on the list as one block."""
        for frame in _halves(event):
            if frame in self.blocks:
                self._unlist(frame, event.order - 1)
            else:
                self.pooled -= frame in self.pool
                self.pool.discard(frame)
                self.joined.add(frame)
        self._list(event.frame, event.order)

    def fill(self, event: Any) -> None:
        """Move frames from the list to the processor's pool."""
        for frame in event.moved:
            self._unlist(frame, 0)
            self.numbers.pop(frame, None)
        self.pool.update(event.moved)
        self.pooled += len(event.moved)

    def drain(self, event: Any) -> None:
        """Move frames from the processor's pool to the list."""
        alone = {*event.moved} - self.joined
        for frame in alone:
            self._list(frame, 0)
        self.pooled -= len(alone)
        self.joined.difference_update(event.moved)
        self.pool.difference_update(event.moved)

    def allocate(self, event: Any) -> None:
        """Give a single frame of the pool, or a block of the list, to an owner."""
        if event.order:
            self._unlist(event.frame, event.order)
        else:
            self.pool.discard(event.frame)
            self.pooled -= 1
        self.own(event)

    def free(self, event: Any) -> None:
        """Take frames from their owner: a single one goes to the pool, a block to the list."""
        self.done += 1
        for frame in _whole(event):
            self.owned.pop(frame, None)
            self.numbers[frame] = self.done
        if not event.order:
            self.pool.add(event.frame)
            self.pooled += 1
        elif event.frame in self.joined:
            self.joined.discard(event.frame)
        else:
            self._list(event.frame, event.order)

    def own(self, event: Any) -> None:
        """Give frames an owner, or another one."""
        is_request = act_of(event) in REQUESTS
        self.done += is_request
        for frame in _whole(event):
            self.owned[frame] = shown_owner(event.owner), state_of(event.owner)
            if is_request:
                self.numbers[frame] = self.done

    def _list(self, frame: int, order: int) -> None:
        self.blocks[frame] = order
        self.lists[order] += 1

    def _unlist(self, frame: int, order: int) -> None:
        self.blocks.pop(frame, None)
        self.lists[order] -= 1

    def held(self, window: Sequence[range]) -> dict[int, Held]:
        """Return the pieces of the frames in the window: a free block is one, and each other frame."""
        found: dict[int, Held] = {}
        for span in window:
            at = span.start
            while at < span.stop:
                order = self.blocks.get(at)
                whole = 1 if order is None else 1 << order
                owner, state = self.owned.get(at, ("", "pooled" if at in self.pool else "free"))
                number = self.numbers.get(at, 0) if order is None else 0
                state = state if order is None else "free"
                found[at] = Held(at, min(whole, span.stop - at), owner, state, whole, number)
                at += found[at].frames
        return found


_CHANGES: Mapping[type[ev.Event], Callable[[_Frames, Any], None]] = {
    ev.BlockSplit: _Frames.halve, ev.BlockJoined: _Frames.join, ev.PoolFilled: _Frames.fill,
    ev.PoolDrained: _Frames.drain, ev.PageAllocated: _Frames.allocate, ev.PageFreed: _Frames.free,
    ev.PageHandedOver: _Frames.own,
}  # fmt: skip
"""What each event changes."""

DRAWN = tuple(_CHANGES)
"""Events that change a block, its list, or a frame's owner."""

CUTS = ev.BlockSplit, ev.BlockJoined

REQUESTS = "taken", "block taken", "zeroed taken", "cached taken"
"""The acts in which an owner gets frames that it asked for."""

NUMBERED = *REQUESTS, "freed", "block freed"
"""The acts that are numbered in an operation: requests, and releases."""


def act_of(event: ev.Event) -> str:
    """Return what an event does with a frame or with the pool, in a word.

    An owner gets a frame of the pool, a block, a zeroed or a cached frame; or a frame becomes zeroed, cached, or passes
    from one owner to another; or it is freed.
    """
    if isinstance(event, ev.PageAllocated):
        block = "block " if event.order else ""
        return block + ("taken" if state_of(event.owner) == "used" else state_of(event.owner))
    if isinstance(event, ev.PageHandedOver):
        before, now = state_of(event.before), state_of(event.owner)
        return now if now != "used" else "passed" if before == "used" else f"{before} taken"
    if isinstance(event, ev.PageFreed):
        return "block freed" if event.order else "freed"
    return {ev.PoolFilled: "filled", ev.PoolDrained: "drained", ev.BlockJoined: "drained"}.get(type(event), "")


def _whole(event: Any) -> range:
    """Return the frames that an event is about."""
    return range(event.frame, event.frame + (1 << getattr(event, "order", 0)))


def _halves(event: Any) -> tuple[int, int]:
    return event.frame, event.frame + (1 << event.order - 1)


def is_touched(events: Iterable[ev.Event]) -> bool:
    """Return whether some event is drawn here."""
    return any(isinstance(event, DRAWN) for event in events)


def blocks_of(first: int, frames: int) -> Iterator[tuple[int, int]]:
    """Yield the start and order of each free block in a run of free frames: two free buddies are one block.

    >>> list(blocks_of(344, 12))
    [(344, 3), (352, 2)]
    """
    at, end = first, first + frames
    while at < end:
        order = min(MAX_ORDER, (at & -at).bit_length() - 1 if at else MAX_ORDER)
        while at + (1 << order) > end:
            order -= 1
        yield at, order
        at += 1 << order


def window_of(events: Iterable[ev.Event]) -> list[range]:
    """Return the frames that are drawn, in address order: the blocks and frames of the first turns."""
    chosen: set[int] = set()
    for event in events:
        if isinstance(event, DRAWN) and not isinstance(event, (ev.PoolFilled, ev.PoolDrained)):
            whole = {*_whole(event)[:WINDOW]}
            chosen |= whole if len(chosen | whole) <= WINDOW else set()
    runs = groupby(enumerate(sorted(chosen)), key=lambda one: one[1] - one[0])
    return [range(run[0][1], run[-1][1] + 1) for run in ([*some] for _, some in runs)]


def turns_of(before: FramesValue, events: Iterable[ev.Event], window: Sequence[range]) -> tuple[Turn, list[Turn]]:
    """Return memory before these events, and each turn with memory after it."""
    frames = _Frames(before)
    first = Turn(lists=dict(frames.lists), held=frames.held(window), pool=frames.pooled)
    turns = []
    for group in _groups(event for event in events if isinstance(event, DRAWN)):
        moved, begun = frames.moved(group), frames.done
        for event in group:
            frames.take(event)
        cuts, joined = ([(one.frame, one.order) for one in group if isinstance(one, kind)] for kind in CUTS)
        numbers, held = (begun + 1, frames.done), frames.held(window)
        turns.append(Turn(act_of(group[-1]), numbers, cuts, moved, joined, dict(frames.lists), held, frames.pooled))
    return first, turns


def _groups(events: Iterable[Any]) -> Iterator[list[Any]]:
    """Yield the events of each turn."""
    group: list[Any] = []
    for event in events:
        if group and not _goes_on(group[-1], event):
            yield group
            group = []
        group.append(event)
    if group:
        yield group


def _goes_on(last: Any, event: Any) -> bool:
    """Return whether an event is in the turn of the event before it."""
    if isinstance(last, ev.BlockSplit):
        return True  # until what the block was halved for
    if isinstance(last, ev.BlockJoined):
        return not isinstance(event, ev.PageFreed) or event.order > 0
    return act_of(event) == act_of(last) and not getattr(event, "order", 0)


# ---- the drawing ---------------------------------------------------------------------------------


def draw_turns(before: FramesValue, events: Sequence[ev.Event], done: Sequence[ev.Event], free: int) -> Part:
    """Return memory before, and a row for each turn among the `done` events of an operation's `events`.

    Then `free` frames are free in all, but for zeroed ones.
    """
    window = window_of(events)
    first, turns = turns_of(before, done, window)
    every = turns if len(done) == len(events) else turns_of(before, events, window)[1]
    lists = _lists_of(first, every)  # of all moments, so that these have the same places
    return boxes.sized(lambda w: _plate(window, first, turns, lists, free, w))


def _plate(
    window: Sequence[range], first: Turn, turns: Sequence[Turn], lists: Sequence[int], free: int, w: float
) -> Part:
    is_narrow = w < _NARROW
    lists = [] if is_narrow else lists
    left = 0.0 if is_narrow else _LABEL
    apart = 14.0 * (_POOL in lists[:-1])  # a column of frames beside columns of blocks
    counts = _COLUMN * len(lists) + apart
    room = w - left - counts - 24 * bool(lists) - _APART * (len(window) - 1)
    unit = min(56.0, room / max(1, sum(map(len, window))))
    places: dict[int, float] = {}
    x = left
    for span in window:
        places.update({frame: x + unit * number for number, frame in enumerate(span)})
        x += unit * len(span) + _APART
    begin = min(w - counts, x + 2 * _APART)  # near the frames, in a wide picture
    columns = [begin + _COLUMN * (at + 0.5) + apart * (which != _POOL) for at, which in enumerate(lists)]
    draw = _Rows(window, places, unit, lists, columns, is_narrow)
    high = _PITCH + 14 * is_narrow
    rows = [_fixed(_HEAD, draw.head), _fixed(high, partial(draw.before, first))]
    for number, (last, turn) in enumerate(pairwise([first, *turns[:ROWS]]), 1):
        levels = [*draw.levels(turn.cuts).items()], draw.grown(turn.joined)
        above = _LEVEL * (len(levels[0][:-1]) + len(levels[1]))
        rows.append(_fixed(high + above, partial(draw.row, turn, last, number, *levels)))
    if len(turns) > ROWS:
        said = counted(len(turns) - ROWS, "more turn")
        rows.append(_fixed(high, partial(draw.after, turns[-1], said)))
    is_short = unit - _GAP < text_width("pool", "label")
    rows.append(boxes.words("frames/turns/means", " ".join(_meanings(first, turns, free, is_short=is_short))))
    pairs = _pairs(turns[:ROWS])
    if pairs:
        rows.append(boxes.drawing(0, partial(_buddies, pairs)))
    return boxes.below(*rows)


def _meanings(first: Turn, turns: Sequence[Turn], free: int, *, is_short: bool) -> Iterator[str]:
    """Yield sentences: what numbers and states mean, and which of the `free` frames are not drawn."""
    last = turns[-1] if turns else first
    verbs = [verb for verb in ("taken", "freed") if any(turn.what.endswith(verb) for turn in turns)]
    if verbs:
        yield f"1, 2 … in frames: the order in which they were {' or '.join(verbs)}."
    pieces = [piece for turn in (first, *turns) for piece in turn.held.values()]
    for state, name, means in _MEANS:
        some = [piece for piece in pieces if piece.state == state]
        letter = f" ({name[0].lower()})" * (is_short and not all(piece.number for piece in some))
        if some:
            yield f"{name}{letter}: {means}"
    drawn = Counter[str]()
    for piece in last.held.values():
        drawn[piece.state] += piece.frames
    pooled = last.pool - drawn["pooled"]
    others = free - drawn["free"] - drawn["pooled"] - pooled
    more = [f"{counted(pooled, 'frame')} of the pool"] * (pooled > 0)
    more += [f"{counted(others, 'frame')} in other blocks"] * (others > 0)
    if more:
        yield f"Free, and not drawn: {' and '.join(more)}."
    if any(turn.joined for turn in turns):
        yield "Buddies have the same size, and join when both are free blocks."


_MEANS = (
    ("pooled", "Pool", "free frames that a processor keeps for its next requests; the last in is the first out."),
    ("zeroed", "Zeroed", "free, kept apart, and filled with zeroes already."),
)
"""What is said of free frames that are in no block, by their state."""


def _fixed(high: float, draw: Callable[[Box], Iterable[Node]]) -> Part:
    """Return a row of this height, whatever is drawn in it."""

    def put(drawn: Drawn, x: float, y: float, w: float) -> float:
        drawn.nodes += draw(Box(x, y, w, high))
        return y + high

    return put


_POOL, _LARGER = -1, -2
"""The lists that are the processor's pool, and all blocks that are larger than those of the list before."""


def _lists_of(first: Turn, turns: Sequence[Turn]) -> list[int]:
    """Return the lists that are counted: the pool if it changes, and free blocks up to the largest that change."""
    changed = [order for turn in turns for order in turn.lists if turn.lists[order] != first.lists.get(order, 0)]
    pool = [_POOL] * any(turn.pool != first.pool for turn in turns)
    return pool + ([*range(min(max(changed), 3) + 1), _LARGER] if changed else [])


def _count(turn: Turn, lists: Sequence[int], which: int) -> int:
    """Return how many frames are in the pool, or how many blocks in a list."""
    if which == _POOL:
        return turn.pool
    if which == _LARGER:
        return sum(count for order, count in turn.lists.items() if order > lists[-2])
    return turn.lists.get(which, 0)


def _drawn(frame: int, order: int, window: Sequence[range]) -> list[int]:
    """Return the frames of a block that are drawn."""
    return [at for span in window for at in range(max(frame, span.start), min(frame + (1 << order), span.stop))]


Level = dict[int, list[tuple[float, float]]]
"""The places and widths of blocks, by their order."""


class _Rows(NamedTuple):
    """The places of frames and of the free lists in all rows."""

    window: Sequence[range]
    places: Mapping[int, float]
    unit: float
    lists: Sequence[int]
    columns: Sequence[float]
    """The middles of the lists' columns."""
    is_narrow: bool

    def head(self, box: Box) -> Iterator[Node]:
        """Yield the number of each frame, or of the first of each part, and the sizes of free blocks."""
        text: list[Text] = []
        room = self.unit - _GAP
        names = {frame: f"{frame:#x}" for frame in self.places}
        if any(text_width(name, "mono label") > room for name in names.values()):
            names = {frame: f"{frame:x}" for frame in names}
        end = -1e9
        for frame, name in names.items():
            wide = text_width(name, "mono label")
            x = self.places[frame] + max(0.0, room - wide) / 2
            if x > end + 3 and x + wide <= box.w:
                text.append(Text(x, 32, name, "mono label dim"))
                end = x + wide
        if self.unit >= text_width(f"{next(iter(names), 0)}", "mono label"):  # they stay above their cells
            middles = [self.places[span.start] - (_APART + _GAP) / 2 for span in self.window[1:]]
            text += [Text(x, 32, "…", "label dim", "middle") for x in middles]
        if not self.is_narrow:
            text.append(Text(0, 32, "frame", "label dim"))
        for order, x in zip(self.lists, self.columns, strict=True):
            of = (
                "pool" if order == _POOL else f"{2 << self.lists[-2]}+" if order == _LARGER else short_count(1 << order)
            )
            text.append(Text(x, 32, of, "strong", "middle"))
        if self.lists and self.lists[-1] != _POOL:
            text.append(Text(self.columns[-1] + _COLUMN / 2 - 2, 14, "free blocks by their frames", "label dim", "end"))
        yield kit.runs("frames/turns/head", box, text, title="the frames' numbers, and free blocks by their frames")

    def before(self, first: Turn, box: Box) -> Iterator[Node]:
        """Yield memory before the operation."""
        yield from self._label("before", "", box, 0)
        yield from self._pieces(first, {}, 0, box._replace(y=box.y + 18 * self.is_narrow))
        yield from self._counts(first, first, 0, box)

    def row(
        self, turn: Turn, last: Turn, number: int, cuts: Sequence[tuple[int, list[int]]], grown: Level, box: Box
    ) -> Iterator[Node]:
        """Yield what a turn did: the halves that were cut, the frames that moved, and the blocks that are left.

        `cuts` and `grown` are the levels of its cuts and joins; the halves of the last cuts are in the row itself.
        """
        top = _LEVEL * (len(cuts[:-1]) + len(grown))
        yield from self._label(*_said(turn), box._replace(y=box.y + top * (not self.is_narrow)), number)
        y = box.y + 18 * self.is_narrow
        bars, text = [], []
        for line, (order, starts) in enumerate(cuts[:-1]):
            for half in (half for start in starts for half in (start, start + (1 << order - 1))):
                some = self.spans([(half, order - 1)])
                bars += [Bar(x, _LEVEL * line, w, _LEVEL - 3, "own-reserved") for x, w in some]
                said = str(1 << order - 1)
                text += [Text(x + w / 2, _LEVEL * line + 12, said, "label dim", "middle") for x, w in some]
        for line, (order, starts) in enumerate(cuts):
            high = _LEVEL + 1 if line < len(cuts) - 1 else _ROW + 4
            middles = (self.places[start + (1 << order - 1)] for start in starts)
            bars += [Bar(x - 2, _LEVEL * line - 2, 2, high, "error") for x in middles]
        for line, (order, some) in enumerate(grown.items()):
            bars += [Bar(x, _LEVEL * line, w, _LEVEL - 3, "formed") for x, w in some]
            text += [Text(x + w / 2, _LEVEL * line + 12, str(1 << order), "label", "middle") for x, w in some]
        new = dict.fromkeys(turn.moved, _NOW.get(turn.what, "")) | {frame: "joined" for frame, _ in turn.joined}
        yield from self._pieces(turn, new, number, box._replace(y=y + top))
        if bars:
            told = [f"cut of {counted(1 << order, 'frame')} from {frame:#x} on" for frame, order in turn.cuts]
            told += [f"{frame:#x} is one block of {counted(1 << order, 'frame')}" for frame, order in turn.joined]
            place = Box(box.x, y, box.w, top + _ROW + 2)
            yield kit.runs(f"frames/turn/{number}/cuts", place, text, bars=bars, title="; ".join(told))
        yield from self._counts(turn, last, number, box._replace(y=box.y + top))

    def levels(self, cuts: Iterable[tuple[int, int]]) -> dict[int, list[int]]:
        """Return the blocks that were halved by order, if their middles are drawn; the largest first."""
        found: dict[int, list[int]] = {}
        for frame, order in cuts:
            if frame + (1 << order - 1) in self.places:
                found.setdefault(order, []).append(frame)
        return dict(sorted(found.items(), reverse=True))

    def grown(self, joined: Iterable[tuple[int, int]]) -> Level:
        """Return the places of joined blocks by order, but for the last order: the row itself has these."""
        found: dict[int, list[tuple[float, float]]] = {}
        for frame, order in sorted(joined, key=lambda one: one[1]):
            found.setdefault(order, []).extend(self.spans([(frame, order)]))
        orders = [order for order in found if found[order]]
        # Of blocks that are larger than what is drawn, one is enough.
        kept = [order for order, more in pairwise(orders) if found[order] != found[more]]
        return {order: found[order] for order in kept}

    def spans(self, blocks: Iterable[tuple[int, int]]) -> list[tuple[float, float]]:
        """Return the places and widths of those parts of growing blocks that are drawn, each part once."""
        found: dict[tuple[float, float], None] = {}
        for frame, order in blocks:
            some = [self.places[at] for at in _drawn(frame, order, self.window)]
            if some:
                found[some[0], some[-1] + self.unit - _GAP - some[0]] = None
        return [*found]

    def after(self, turn: Turn, said: str, box: Box) -> Iterator[Node]:
        """Yield memory after turns that have no row."""
        yield from self._label("after", said, box, -1)
        yield from self._pieces(turn, {}, -1, box._replace(y=box.y + 18 * self.is_narrow))
        yield from self._counts(turn, turn, -1, box)

    def _label(self, head: str, more: str, box: Box, number: int) -> Iterator[Node]:
        if self.is_narrow:
            text = [Text(0, 13, head, "strong"), fitted(text_width(head, "strong") + 8, 13, more,
                    box.w - text_width(head, "strong") - 8, "label dim")]  # fmt: skip
        else:
            text = [Text(0, 12, head, "strong"), fitted(0, 26, more, _LABEL - 8, "label dim")]
        place = Box(box.x, box.y, box.w if self.is_narrow else _LABEL, 18 if self.is_narrow else 30)
        yield kit.runs(f"frames/turn/{number}", place, [one for one in text if one.text], title=f"{head}: {more}",
                       lane="frames/turns")  # fmt: skip

    def _pieces(self, turn: Turn, new: Mapping[int, str], number: int, box: Box) -> Iterator[Node]:
        for piece in turn.held.values():
            place = Box(box.x + self.places[piece.first], box.y, self.unit * piece.frames - _GAP, _ROW)
            what = new.get(piece.first, "")
            is_free = piece.state in FREE
            words: tuple[str, ...] = (f"{piece.number}",) if piece.number else ("in use", "used")
            if piece.state == "free":
                count, on = short_count(piece.whole), " …" * (piece.whole > piece.frames)
                words = ("free", "") if piece.whole == 1 else (f"{count} free{on}", f"{count}{on}", "")
            elif is_free and not piece.number:
                words = ("pool", "p", "") if piece.state == "pooled" else ("zeroed", "z", "")
            state = ["tile", "is-free" if is_free else f"is-{kind_of_owner(piece.owner)}", f"frame-{piece.state}"]
            to_pool = bool(what) and piece.state == "pooled"
            state += ["now" if piece.state == "used" else "formed"] * (bool(what) and not to_pool)
            said = owner_words(piece.owner) or {"pooled": "free, in the processor's pool"}.get(piece.state, piece.state)
            bold = text_width(words[0], "label strong") <= place.w
            yield kit.chip(
                f"frames/turn/{number}/{piece.first:x}", "run", place, (*words, ""),
                style="label strong" if what and bold else "label", spare=0, lane=f"frames/turn/{number}", state=state,
                title=f"{frame_numbers(piece.first, piece.frames)}: {said}{f', {what} now' if what else ''}",
                thing=f"frame:{piece.first}", action="select", bars=[Bar(0, _ROW - 3, place.w, 3, "own-new")] * to_pool,
            )  # fmt: skip

    def _counts(self, turn: Turn, last: Turn, number: int, box: Box) -> Iterator[Node]:
        if not self.lists:
            return
        text, said = [], []
        for which, x in zip(self.lists, self.columns, strict=True):
            now, was = (_count(one, self.lists, which) for one in (turn, last))
            text.append(Text(x, 17, short_count(now), "strong" if now != was else "label dim", "middle"))
            blocks = "larger blocks" if which == _LARGER else f"of {counted(1 << which, 'frame')}" if which >= 0 else ""
            said.append(f"{now} {blocks or 'in the pool'}")
        yield kit.runs(
            f"frames/turn/{number}/lists", Box(box.x, box.y, box.w, _ROW), text, title=f"free: {', '.join(said)}"
        )


_NOW = {
    **dict.fromkeys(REQUESTS, "taken"), "filled": "to the pool", "freed": "freed", "block freed": "freed",
    "drained": "out of the pool", "zeroed": "zeroed", "cached": "cached", "passed": "of another owner",
}  # fmt: skip
"""What is said of the frames that a turn moves."""


def _said(turn: Turn) -> tuple[str, str]:
    """Return what a turn is called, and how it came about."""
    count, (begin, end) = len(turn.moved), turn.numbers
    which = f"{begin}" if begin == end else f"{begin} to {end}"
    cuts, joins = (_by_level(blocks, word) for blocks, word in ((turn.cuts, "cut"), (turn.joined, "join")))
    ways = {
        "filled": (f"pool gets {count}", cuts),
        "taken": (f"taken: {which}", "from the pool"),
        "zeroed taken": (f"taken: {which}", "already zeroed"),
        "cached taken": (f"taken: {which}", "still cached"),
        "zeroed": (f"{count} zeroed", "for later requests"),
        "cached": (f"{count} cached", "free if needed"),
        "passed": (f"{count} passed on", "to another owner"),
        "block taken": (f"{count} taken", f"one block, {cuts}"),
        "freed": (f"freed: {which}", "to the pool"),
        "block freed": (f"{count} freed", joins),
        "drained": (f"pool gives {count}", joins),
    }
    return ways.get(turn.what, ("cut", cuts))


def _by_level(blocks: Iterable[tuple[int, int]], word: str) -> str:
    """Return how many cuts or joins there were: in their order, of each size if there were few.

    >>> _by_level([(8, 3), (8, 2), (12, 2)], "cut"), _by_level([(8, 1), (10, 1), (8, 2)], "join"), _by_level([], "cut")
    ('1+2 = 3 cuts', '2+1 = 3 joins', 'no cut')
    """
    levels = Counter(order for _, order in blocks)
    if not levels:
        return f"no {word}"
    each = "+".join(str(levels[order]) for order in sorted(levels, reverse=word == "cut"))
    return f"{each} = " * (1 < len(levels) < 4) + counted(levels.total(), word)


def _pairs(turns: Sequence[Turn]) -> list[tuple[int, int, str]]:
    """Return buddies that are shown in bits, by the first's frame and the order of both, and why they did not join.

    They are those that joined last in the longest turn (""), and a frame out of the pool whose buddy is not free.
    """
    joined = max((turn.joined for turn in turns), key=len, default=())
    largest = sorted(joined, key=lambda one: one[1])[-1:]
    alone = []
    for turn in turns:
        for frame in turn.moved if turn.what == "drained" else ():
            buddy, piece = turn.held.get(frame ^ 1), turn.held.get(frame)
            if piece is not None and piece.whole == 1 and buddy is not None and buddy.state != "free":
                last = turns[-1].held.get(buddy.first, buddy)
                where = "is in the pool" if buddy.state == "pooled" else "was in use"
                where += ", and is now in the pool" * (last.state == "pooled" != buddy.state)
                alone.append((frame & ~1, 1, f"{buddy.first:#x} {where}"))
    return [*((frame, order, "") for frame, order in largest), *alone[:2]]


def _buddies(pairs: Sequence[tuple[int, int, str]], box: Box) -> Iterator[Node]:
    """Yield the numbers of buddies in bits: they differ in one, whose place is the order of their size."""
    y = box.y + 8
    for line, (frame, order, why) in enumerate(pairs):
        bit, wide = order - 1, max(4, frame.bit_length())
        text: list[Text] = []
        x, at = 0.0, wide - 1 - bit
        for one in (frame, frame + (1 << bit)):
            bits = f"{one:0{wide}b}"
            parts = [(f"{one:#x}  ", "mono strong"), (bits[:at], "mono label"), (bits[at], "mono new")]
            for words, style in (*parts, (bits[at + 1 :], "mono label"), ("  and  ", "label dim")):
                text += [Text(x, 14, words, style)] * bool(words)
                x += text_width(words, style)
        x -= text_width(text.pop().text, "label dim")
        half = counted(1 << bit, "frame")
        differ = f"blocks of {half} that differ in bit {bit} alone: buddies"
        result = f"no join, as {why}" if why else f"now one of {1 << order}"
        ways = f"{differ}, {result}", f"buddies: {result}", result
        is_below = text_width(result) > box.w - x - 8
        said = wording(ways, box.w if is_below else box.w - x - 8)
        text.append(Text(0 if is_below else x + 8, 14 + 17 * is_below, said, "label" if why else "label dim"))
        high = 20 + 17 * is_below
        yield kit.runs(f"frames/buddies/{line}", Box(box.x, y, box.w, high), text, title=ways[0])
        y += high


def verb_of(events: Iterable[ev.Event]) -> str:
    """Return what these events did to frames, and to the pool, in a sentence; "" if they did nothing."""
    acts: Counter[str] = Counter()
    for event in events:
        if isinstance(event, (ev.PoolFilled, ev.PoolDrained)):
            acts[act_of(event)] += len(event.moved)
        elif not isinstance(event, CUTS) and isinstance(event, DRAWN):
            acts[_NOW[act_of(event)]] += len(_whole(event))
    ways = {"taken": "taken", "freed": "freed", "zeroed": "zeroed", "cached": "kept as cached",
            "of another owner": "passed to another owner"}  # fmt: skip
    said = [_passive(acts[act], words) for act, words in ways.items() if acts[act]]
    filled, drained = acts["filled"], acts["drained"]
    pool = [f"got {filled} from"] * bool(filled) + [f"gave {drained} to"] * bool(drained)
    made = [f"the pool {' and '.join(pool)} the buddy system"] * bool(pool)
    words = "; ".join([" and ".join(said)] * bool(said) + made)
    return f"{words[0].upper()}{words[1:]}." if words else ""


def cause_of(events: Sequence[ev.Event]) -> str:
    """Return why the pool took frames or gave some back, and what became of blocks: the first two, in sentences."""
    done = cuts = joins = 0
    said: list[str] = []
    for event, following in zip_longest(events, events[1:]):
        act = act_of(event)
        cuts += isinstance(event, ev.BlockSplit)
        joins += isinstance(event, ev.BlockJoined)
        done += act in NUMBERED
        if isinstance(event, ev.PoolFilled):
            made = f": {counted(cuts, 'cut')} refilled it" if cuts else ""
            said.append(f"Number {done + 1} found the pool empty{made}.")
        elif isinstance(event, ev.PoolDrained):
            is_full = isinstance(following, ev.PageFreed)
            why = f"Number {done + 1} found the pool full" if is_full else "The pool was emptied to make a block"
            said.append(f"{why}: {counted(joins, 'join') if joins else 'no join'}.")
        if isinstance(event, (ev.PoolFilled, ev.PoolDrained)):
            cuts = joins = 0
    return " ".join(said[:2])


def asked_of(events: Iterable[ev.Event]) -> str:
    """Return who asked for frames, and who gave some back, in a sentence: the two owners with the most of each."""
    asked: Counter[str] = Counter()
    gave: Counter[str] = Counter()
    said = []
    for event in events:
        act = act_of(event)
        if act in NUMBERED:
            known: Any = event
            owner, frames = owner_words(shown_owner(known.owner)), len(_whole(event))
            if frames > 1:
                said.append(f"{owner} {'asked for' if act in REQUESTS else 'freed'} {frames} frames side by side")
            elif owner:
                (asked if act in REQUESTS else gave)[owner] += 1
    if asked:
        times = [(owner, "once" if count == 1 else f"{count} times") for owner, count in asked.most_common(2)]
        said.append(_each("asked", times) + " for one frame: any frame will do")
    if gave:
        frames_of = [(owner, "one frame" if count == 1 else f"{count} frames") for owner, count in gave.most_common(2)]
        said.append(_each("freed", frames_of) + ", one by one" * (gave.total() > 1))
    return "; ".join(said[-3:]) + "." * bool(said)


def _each(verb: str, all_of: Sequence[tuple[str, str]]) -> str:
    first, *others = all_of
    return " and ".join([f"{first[0]} {verb} {first[1]}", *(" ".join(other) for other in others)])


def _passive(count: int, verb: str) -> str:
    return f"{counted(count, 'frame')} {'was' if count == 1 else 'were'} {verb}"
