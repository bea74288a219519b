"""The buddy system at work: blocks that were halved, and blocks that joined, in the order of the journal.

A row is a *turn*: the cuts that a request needed and the frames that it took, or a freed frame and the blocks that it
joined.  The first row is memory before, in the same form.  At the right are the free lists after each turn.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import field
from functools import partial
from typing import Any, NamedTuple

from vmwidgets import events as ev
from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.base.units import counted
from vmwidgets.engine.memory.pages_schema import FramesValue
from vmwidgets.views.scene import boxes, kit
from vmwidgets.views.scene.boxes import Drawn, Part
from vmwidgets.views.scene.key import kind_of_owner
from vmwidgets.views.scene.kit import Box
from vmwidgets.views.scene.model import Bar, Node, Text
from vmwidgets.views.scene.text import fitted, short_count, text_width, wording
from vmwidgets.views.story.words.names import frames as frame_numbers
from vmwidgets.views.story.words.names import owner_words

ROWS = 7
"""The most turns that have a row; the others are counted."""

WINDOW = 32
"""The most frames that are drawn: the blocks of the first turns."""

LARGEST = 10
"""The order of the largest free blocks."""

_ROW, _PITCH, _LETTER, _HEAD, _LABEL, _COLUMN, _APART, _NARROW = 24.0, 33.0, 10.0, 38.0, 136.0, 30.0, 14.0, 600.0
"""Heights of a row, of a row with its gap, of the letters of cuts below it, and of the numbers above all rows.

Widths of its name, of a free list, and between parts that are not neighbours; the room below which names are above.
"""


class Held(NamedTuple):
    """What the frames of a piece are: a free block, frames in the pool, or an owner's; `frames` from `first` on."""

    first: int
    frames: int
    owner: str = ""
    state: str = "used"
    whole: int = 1
    """The frames of the whole block, some of which may not be drawn."""


@frozen
class Turn:
    """What one request or freed frames did: blocks halved (`cuts`), frames `taken` or `freed`, and blocks `joined`.

    A `zeroed` frame was filled with zeroes before.  `lists` are the numbers of free blocks by order, after it.
    """

    cuts: tuple[tuple[int, int], ...] = ()
    taken: tuple[int, ...] = ()
    freed: tuple[int, ...] = ()
    joined: tuple[tuple[int, int], ...] = ()
    zeroed: bool = False
    lists: Mapping[int, int] = field(default_factory=dict)
    held: Mapping[int, Held] = field(default_factory=dict)
    """The pieces of memory after it, by their first frames."""


# ---- the turns -----------------------------------------------------------------------------------


class _Frames:
    """Free blocks, frames in the pool and owned frames, as events change them one after the other."""

    def __init__(self, before: FramesValue) -> None:
        self.lists = Counter({one.order: one.count for one in before.orders})
        self.blocks: dict[int, int] = {}
        self.pool: set[int] = set()
        self.joined: set[int] = set()
        self.owned: dict[int, tuple[str, str]] = {}
        for run in before.runs:
            if run.state == "free":
                self.blocks.update(blocks_of(run.first, run.frames))
            else:
                frames = range(run.first, run.first + run.frames)
                if run.state == "pooled":
                    self.pool.update(frames)
                else:
                    self.owned.update(dict.fromkeys(frames, (run.owner, run.state)))

    def take(self, event: ev.Event) -> None:
        """Change what an event changes."""
        for kind, change in _CHANGES.items():
            if isinstance(event, kind):
                change(self, event)

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
            else:  # a frame on its way from the pool, of which the journal tells when all have joined
                self.pool.discard(frame)
                self.joined.add(frame)
        self._list(event.frame, event.order)

    def fill(self, event: Any) -> None:
        """Move frames from the list to the processor's pool."""
        for frame in event.moved:
            self._unlist(frame, 0)
        self.pool.update(event.moved)

    def drain(self, event: Any) -> None:
        """Move frames from the processor's pool to the list."""
        for frame in {*event.moved} - self.joined:
            self._list(frame, 0)
        self.joined.difference_update(event.moved)
        self.pool.difference_update(event.moved)

    def allocate(self, event: Any) -> None:
        """Give frames of the pool, or a block of the list, to an owner."""
        if event.frame not in self.pool:
            self._unlist(event.frame, event.order)
        self.pool.discard(event.frame)
        self.owned.update(dict.fromkeys(_whole(event), (event.owner, "used")))

    def free(self, event: Any) -> None:
        """Take frames from their owner: a single one goes to the pool, a block to the list."""
        for frame in _whole(event):
            self.owned.pop(frame, None)
        if event.order:
            self._list(event.frame, event.order)
        else:
            self.pool.add(event.frame)

    def hand_over(self, event: Any) -> None:
        """Give a frame to another owner."""
        self.owned[event.frame] = event.owner, "used"

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
                found[at] = Held(at, min(whole, span.stop - at), owner, state if order is None else "free", whole)
                at += found[at].frames
        return found


_CHANGES: Mapping[type[ev.Event], Callable[[_Frames, Any], None]] = {
    ev.BlockSplit: _Frames.halve, ev.BlockJoined: _Frames.join, ev.PoolFilled: _Frames.fill,
    ev.PoolDrained: _Frames.drain, ev.PageAllocated: _Frames.allocate, ev.PageFreed: _Frames.free,
    ev.PageHandedOver: _Frames.hand_over,
}  # fmt: skip
"""What each event changes."""

DRAWN = tuple(_CHANGES)
"""Events that change a block, its list, or a frame's owner."""

TAKES = ev.PageAllocated, ev.PageHandedOver
CUTS = ev.BlockSplit, ev.BlockJoined


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
        order = min(LARGEST, (at & -at).bit_length() - 1 if at else LARGEST)
        while at + (1 << order) > end:
            order -= 1
        yield at, order
        at += 1 << order


def window_of(events: Iterable[ev.Event]) -> list[range]:
    """Return the frames that are drawn: the blocks that the first turns halve, take or join, in address order."""
    chosen: set[int] = set()
    for event in events:
        if isinstance(event, (*CUTS, *TAKES, ev.PageFreed)):
            whole = {*_whole(event)[:WINDOW]}
            chosen |= whole if len(chosen | whole) <= WINDOW else set()
    spans: list[range] = []
    for frame in sorted(chosen):
        if spans and spans[-1].stop == frame:
            spans[-1] = range(spans[-1].start, frame + 1)
        else:
            spans.append(range(frame, frame + 1))
    return spans


def turns_of(before: FramesValue, events: Iterable[ev.Event], window: Sequence[range]) -> tuple[Turn, list[Turn]]:
    """Return memory before these events, and each turn with memory after it."""
    frames = _Frames(before)
    groups: list[list[ev.Event]] = []
    for event in (event for event in events if isinstance(event, DRAWN)):
        if not groups or (_PARTS[type(groups[-1][-1])], _PARTS[type(event)]) not in _GO_ON:
            groups.append([])
        groups[-1].append(event)
    first = Turn(lists=dict(frames.lists), held=frames.held(window))
    turns = []
    for group in groups:
        for event in group:
            frames.take(event)
        turns.append(_turn(group, dict(frames.lists), frames.held(window)))
    return first, turns


_PARTS = {
    ev.BlockSplit: "cut", ev.PoolFilled: "cut", ev.PageAllocated: "taken", ev.PageHandedOver: "zeroed",
    ev.PageFreed: "freed", ev.PoolDrained: "joined", ev.BlockJoined: "joined",
}  # fmt: skip
"""The part of a turn that an event is."""

_GO_ON = {("cut", "cut"), ("cut", "taken"), ("taken", "taken"), ("freed", "freed"), ("freed", "joined"),
          ("joined", "joined")}  # fmt: skip
"""The parts that follow each other in one turn; any other part begins another one."""


def _turn(group: Sequence[ev.Event], lists: Mapping[int, int], held: Mapping[int, Held]) -> Turn:
    def frames_of(*kinds: type[ev.Event]) -> tuple[int, ...]:
        return tuple(frame for event in group if isinstance(event, kinds) for frame in _whole(event))

    def blocks_in(kind: type[ev.Event]) -> tuple[tuple[int, int], ...]:
        found: list[Any] = [event for event in group if isinstance(event, kind)]
        return tuple((event.frame, event.order) for event in found)

    return Turn(
        blocks_in(ev.BlockSplit),
        frames_of(*TAKES),
        frames_of(ev.PageFreed),
        blocks_in(ev.BlockJoined),
        isinstance(group[0], ev.PageHandedOver),
        lists,
        held,
    )


# ---- the drawing ---------------------------------------------------------------------------------


def draw_turns(before: FramesValue, events: Sequence[ev.Event], done: Sequence[ev.Event], free: int) -> Part:
    """Return memory before, and a row for each turn among the `done` events of an operation's `events`.

    Then `free` frames are free in all.
    """
    window = window_of(events)
    first, turns = turns_of(before, done, window)
    _, every = turns_of(before, events, window)  # so that all moments of an operation have the same places
    return boxes.sized(lambda w: _plate(window, first, turns, _orders(first, every), free, w))


def _plate(
    window: Sequence[range], first: Turn, turns: Sequence[Turn], orders: Sequence[int], free: int, w: float
) -> Part:
    is_narrow = w < _NARROW
    drawn = {frame for span in window for frame in span}
    shown = _chosen(turns, drawn)
    orders = [] if is_narrow else orders
    lists = _COLUMN * len(orders) + 24 * bool(orders)
    left = 0.0 if is_narrow else _LABEL
    room = w - left - lists - _APART * (len(window) - 1)
    unit = min(56.0, room / max(1, sum(map(len, window))))
    places: dict[int, float] = {}
    x = left
    for span in window:
        places.update({frame: x + unit * number for number, frame in enumerate(span)})
        x += unit * len(span) + _APART
    draw = _Rows(window, places, unit, orders, w - _COLUMN * len(orders), is_narrow)
    letters = iter(_letters())
    rows = [_fixed(_HEAD, draw.head), _fixed(_PITCH + 14 * is_narrow, partial(draw.before, first))]
    last = first
    for number, turn in enumerate(turns, 1):
        if any(turn is one for one in shown):
            marks = [next(letters) for _ in turn.cuts]
            high = _PITCH + _LETTER * bool(turn.cuts) + 14 * is_narrow
            rows.append(_fixed(high, partial(draw.row, turn, last, number, marks)))
        last = turn
    if len(turns) > len(shown):
        said = counted(len(turns) - len(shown), "more turn")
        rows.append(_fixed(_PITCH + 14 * is_narrow, partial(draw.after, turns[-1], said)))
    states = {piece.state for turn in (first, *shown) for piece in turn.held.values()}
    means = [_MEANS[state] for state in _MEANS if state in states]
    others = free - sum(one.frames for one in last.held.values() if one.state in ("free", "pooled", "zeroed"))
    if others > 0:
        means.append(f"{counted(others, 'more free frame')} not drawn.")
    rows.append(boxes.words("frames/turns/means", " ".join(means)))
    joins = {order: frame for turn in shown for frame, order in turn.joined}
    if joins:  # the largest, and the one that made a half of it
        largest = joins[max(joins)], max(joins)
        halves = [pair for turn in shown for pair in turn.joined if pair[1] == largest[1] - 1]
        inner = [pair for pair in halves if pair[0] in (largest[0], largest[0] + (1 << largest[1] - 1))]
        rows.append(boxes.drawing(0, partial(_buddies, [*inner[:1], largest])))
    return boxes.below(*rows)


_MEANS = {
    "pooled": "Pool: free frames that a processor keeps for its next requests; they join no buddy until they leave it.",
    "zeroed": "Zeroed: free, kept apart, and filled with zeroes already.",
}
"""What is said of free frames that are in no block."""


def _fixed(high: float, draw: Callable[[Box], Iterable[Node]]) -> Part:
    """Return a row of this height, whatever is drawn in it."""

    def put(drawn: Drawn, x: float, y: float, w: float) -> float:
        drawn.nodes += draw(Box(x, y, w, high))
        return y + high

    return put


def _chosen(turns: Sequence[Turn], drawn: Set[int]) -> list[Turn]:
    """Return the turns that have a row: of those whose frames are drawn, the ones that halve or join first."""
    frames = [(*turn.taken, *turn.freed, *dict(turn.joined), *dict(turn.cuts)) for turn in turns]
    seen = [at for at, some in enumerate(frames) if not drawn.isdisjoint(some)]
    ranked = sorted(seen, key=lambda at: (not (turns[at].cuts or turns[at].joined), at))
    return [turns[at] for at in sorted(ranked[:ROWS])]


def _orders(first: Turn, turns: Sequence[Turn]) -> list[int]:
    """Return the orders whose lists change, and those between."""
    changed = [order for turn in turns for order in turn.lists if turn.lists[order] != first.lists.get(order, 0)]
    return [*range(min(changed), min(max(changed), min(changed) + 5) + 1)] if changed else []


def _letters() -> Iterator[str]:
    for number in range(1 << 20):
        yield chr(ord("a") + number % 26) * (1 + number // 26)


class _Rows(NamedTuple):
    """The places of frames and of the free lists in all rows."""

    window: Sequence[range]
    places: Mapping[int, float]
    unit: float
    orders: Sequence[int]
    lists: float
    is_narrow: bool

    def head(self, box: Box) -> Iterator[Node]:
        """Yield the number of each frame, or of the first of each part, and the sizes of free blocks."""
        text: list[Text] = []
        end = -1e9
        for frame, place in self.places.items():
            said = f"{frame:#x}"
            x = place + max(0.0, self.unit - 2 - text_width(said, "mono label")) / 2
            if x > end + 6 and x + text_width(said, "mono label") <= box.w:
                text.append(Text(x, 32, said, "mono label dim"))
                end = x + text_width(said, "mono label")
        if not self.is_narrow:
            text.append(Text(0, 32, "frame", "label dim"))
        for number, order in enumerate(self.orders):
            text.append(
                Text(self.lists + _COLUMN * number + _COLUMN / 2, 32, short_count(1 << order), "strong", "middle")
            )
        if self.orders:
            text.append(Text(box.w - 2, 14, "free blocks of so many frames", "label dim", "end"))
        yield kit.runs("frames/turns/head", box, text, title="the frames' numbers, and free blocks by their frames")

    def before(self, first: Turn, box: Box) -> Iterator[Node]:
        """Yield memory before the operation."""
        yield from self._label("before", "", box, 0)
        yield from self._pieces(first, {}, 0, box._replace(y=box.y + 18 * self.is_narrow))
        yield from self._lists(first, first, 0, box)

    def row(self, turn: Turn, last: Turn, number: int, marks: Sequence[str], box: Box) -> Iterator[Node]:
        """Yield what a turn did: its cuts, the frames that it took, and the blocks that are left."""
        yield from self._label(*_said(turn, marks), box, number)
        y = box.y + 18 * self.is_narrow
        new = dict.fromkeys(turn.taken, "taken") | dict.fromkeys(turn.freed, "freed")
        new |= {frame: "joined" for frame, _ in turn.joined}
        yield from self._pieces(turn, new, number, box._replace(y=y))
        cuts: list[tuple[float, str]] = []
        for (frame, order), letter in zip(turn.cuts, marks, strict=True):
            at = frame + (1 << order - 1)
            if at in self.places:
                cuts.append((self.places[at], letter))
        bars = [Bar(x - 1, -4, 2, _ROW + 8, "error") for x, _ in cuts]
        text = [Text(x, _ROW + 13, letter, "label error", "middle") for x, letter in cuts]
        if cuts:
            said = ", ".join(f"{letter} halves {frame:#x}" for (frame, _), letter in zip(turn.cuts, marks, strict=True))
            yield kit.runs(
                f"frames/turn/{number}/cuts", Box(box.x, y, box.w, _ROW + _LETTER + 6), text, bars=bars, title=said
            )
        yield from self._lists(turn, last, number, box)

    def after(self, turn: Turn, said: str, box: Box) -> Iterator[Node]:
        """Yield memory after turns that have no row."""
        yield from self._label("after", said, box, -1)
        yield from self._pieces(turn, {}, -1, box._replace(y=box.y + 18 * self.is_narrow))
        yield from self._lists(turn, turn, -1, box)

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
            place = Box(box.x + self.places[piece.first], box.y, self.unit * piece.frames - 2, _ROW)
            what = new.get(piece.first, "")
            is_free = piece.state in ("free", "pooled", "zeroed")
            words: tuple[str, ...] = (f"{piece.first:#x}",)
            if piece.state == "free":
                count, on = short_count(piece.whole), " …" * (piece.whole > piece.frames)
                words = ("free", "") if piece.whole == 1 else (f"{count} free{on}", f"{count}{on}", "")
            elif is_free:
                words = ("pool", "p", "") if piece.state == "pooled" else ("zeroed", "z", "")
            state = ["tile", "is-free" if is_free else f"is-{kind_of_owner(piece.owner)}"]
            state += ["now"] * bool(what)
            said = owner_words(piece.owner) or {"pooled": "free, in the processor's pool"}.get(piece.state, piece.state)
            bold = text_width(words[0], "label strong") <= place.w - 4
            yield kit.chip(
                f"frames/turn/{number}/{piece.first:x}", "run", place, (*words, ""),
                style="label strong" if what and bold else "label", lane=f"frames/turn/{number}", state=state,
                title=f"{frame_numbers(piece.first, piece.frames)}: {said}{f', {what} now' if what else ''}",
                thing=f"frame:{piece.first}", action="select",
            )  # fmt: skip

    def _lists(self, turn: Turn, last: Turn, number: int, box: Box) -> Iterator[Node]:
        if not self.orders:
            return
        text = []
        for column, order in enumerate(self.orders):
            count, was = turn.lists.get(order, 0), last.lists.get(order, 0)
            style = "strong" if count != was else "label dim"
            text.append(Text(self.lists + _COLUMN * (column + 0.5), 17, short_count(count), style, "middle"))
        said = ", ".join(f"{turn.lists.get(order, 0)} of {counted(1 << order, 'frame')}" for order in self.orders)
        yield kit.runs(
            f"frames/turn/{number}/lists", Box(box.x, box.y, box.w, _ROW), text, title=f"free blocks: {said}"
        )


def _said(turn: Turn, marks: Sequence[str]) -> tuple[str, str]:
    """Return what a turn is called, and what it took."""
    if turn.joined and not turn.freed:
        return "joined", counted(len(turn.joined), "join")
    if turn.freed:
        joins = f", {counted(len(turn.joined), 'join')}" if turn.joined else ", no join"
        return f"{_count(turn.freed)} freed", joins.removeprefix(", ") + " (pool)" * (not turn.joined)
    head = f"{_count(turn.taken)} taken" if turn.taken else "cut"
    if turn.cuts:
        shown = f"{marks[0]} to {marks[-1]}" if len(marks) > 3 else ", ".join(marks)
        return head, f"{counted(len(turn.cuts), 'cut')}: {shown}"
    if turn.zeroed:
        return head, "zeroed, no cut"
    return head, "no cut"


def _count(frames: Sequence[int]) -> str:
    return f"{frames[0]:#x}" if len(frames) == 1 else f"{len(frames)} frames"


def _buddies(joined: Sequence[tuple[int, int]], box: Box) -> Iterator[Node]:
    """Yield the numbers of buddies in bits: they differ in one, whose place is the order of their size."""
    for line, (frame, order) in enumerate(joined):
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
        whole = counted(1 << order, "frame")
        half = counted(1 << bit, "frame")
        ways = f"blocks of {half} that differ in bit {bit}: buddies, now one of {whole}", f"bit {bit}: {whole}", ""
        said = wording(ways, box.w - x - 8)
        text += [Text(x + 8, 14, said, "label dim")] * bool(said)
        yield kit.runs(f"frames/buddies/{line}", box._replace(y=box.y + 8 + 20 * line, h=20), text, title=ways[0])


def verb_of(events: Iterable[ev.Event]) -> str:
    """Return what these events did to blocks and frames, in a sentence; "" if they did nothing."""
    some = [*events]
    taken = sum(1 << getattr(one, "order", 0) for one in some if isinstance(one, TAKES))
    freed = sum(1 << one.order for one in some if isinstance(one, ev.PageFreed))
    cuts = sum(isinstance(one, ev.BlockSplit) for one in some)
    joins = sum(isinstance(one, ev.BlockJoined) for one in some)
    said = [_passive(taken, "taken")] * bool(taken) + [_passive(freed, "freed")] * bool(freed)
    made = [counted(cuts, "cut")] * bool(cuts) + [counted(joins, "join")] * bool(joins)
    if not said:
        return f"The buddy system made {' and '.join(made)}." if made else ""
    return f"{', '.join(said)}: {' and '.join(made) if made else 'no cut' if taken else 'no join'}."


def _passive(count: int, verb: str) -> str:
    return f"{counted(count, 'frame')} {'was' if count == 1 else 'were'} {verb}"
