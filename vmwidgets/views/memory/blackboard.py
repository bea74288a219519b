"""Copy-on-write as on a blackboard: one task's descriptors, each frame once, the other task's descriptors.

A descriptor has a padlock: while it is closed, a write faults.  A frame has a count: the number of descriptors that
refer to it.  In the middle of an operation, a copy without a descriptor is a dashed frame, and the lock that made the
write fault is in the colour of the story: such a fault is the mechanism, and only a fault that fails is red.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from functools import partial
from types import MappingProxyType
from typing import NamedTuple

from vmwidgets.engine.base.units import Address, counted
from vmwidgets.views.scene import boxes, kit
from vmwidgets.views.scene.boxes import Part
from vmwidgets.views.scene.kit import Box
from vmwidgets.views.scene.model import Bar, Link, Node, Text
from vmwidgets.views.scene.text import fitted, text_width, visible, wording

from .sharing import NOT_HERE, say_shares, shares_of


class Descriptor(NamedTuple):
    """The content of a task's descriptor of a page.

    Its `state` is "new", "changed", "refused" if a write has just faulted, or "fault" if this fault fails.
    """

    frame: int
    rights: str
    state: str = ""


class BoardFrame(NamedTuple):
    """A frame: its number of descriptors now and `before` the operation, and its first bytes in words.

    Its `state` is "new", "changed", or "ghost" for a copy of `source` without a descriptor yet.
    """

    frame: int
    users: int
    before: int
    words: str
    state: str = ""
    source: int = -1


class BoardPage(NamedTuple):
    """A page of a range: its address and kind, each task's descriptor, and the frames from top to bottom."""

    va: int
    kind: str
    descriptors: Mapping[str, Descriptor]
    frames: Sequence[BoardFrame]


class Board(NamedTuple):
    """A blackboard: two tasks ("" for a missing task), their pages, and what an operation did in a few words.

    `word` is the manual's word for an entry of a page table.  `having` has each frame's tasks.
    """

    tasks: tuple[str, str]
    pages: Sequence[BoardPage]
    having: Sequence[Set[str]]
    word: str
    did: str = ""
    is_whole: bool = False
    """Whether all pages that the tasks have mapped are on it."""
    room: Mapping[int, int] = MappingProxyType({})
    """The least number of frames for which a page has room, by its address: else later pages move when one is added."""


LETTERS = "ABCDEFGH"

MOST = len(LETTERS)
"""The most pages on a blackboard."""

MOST_ALIKE = 3
"""The most locks that are marked one by one; if more of them changed alike, one ring has their number."""

CLOSED, OPEN = "a write faults", "writes"
"""The meaning of a lock, next to it."""

_COLUMNS = ((382.0, (94.0, 94.0)), (560.0, (122.0, 114.0)))
"""The widths of a descriptor's card and of a frame on a narrow board, by its greatest width."""

_NARROW = 100.0
"""Below this width, a card has short words, and a frame its count beside its number."""

CARD = 56.0
"""The height of a descriptor's card, and of a frame."""


class _Sizes(NamedTuple):
    """Heights: of the heads, of a card, between pages, between frames of a page, and of a line of sums."""

    head: float
    card: float
    gap: float
    stack: float
    line: float


_ROOMY, _FULL = _Sizes(52.0, CARD, 22.0, 10.0, 19.0), _Sizes(52.0, 40.0, 6.0, 4.0, 16.0)
_BETWEEN = _Sizes(52.0, 50.0, 10.0, 6.0, 18.0)
"""A full board is low, so that it is large enough on a projector; so is one of three pages, of which one is copied."""


def _sizes(board: Board) -> _Sizes:
    return {0: _ROOMY, 1: _ROOMY, 2: _ROOMY, 3: _BETWEEN}.get(len(board.pages), _FULL)


def entry_word(architecture: str) -> str:
    """Return the manual's word for an entry of a page table: Arm's manuals say descriptor, the others PTE.

    In Intel's manual, a descriptor is a segment's.

    >>> entry_word("x86-64"), entry_word("riscv-sv39"), entry_word("aarch64")
    ('PTE', 'PTE', 'descriptor')
    """
    return "descriptor" if architecture.startswith(("arm", "aarch")) else "PTE"


def blackboard(board: Board) -> Part:
    """Return the frames between two tasks' descriptors, and what the letters and numbers mean."""
    places = ", ".join(f"{letter} {Address(page.va)}" for letter, page in zip(LETTERS, board.pages, strict=False))
    said = [f"Pages: {places}."]
    if not all(page.descriptors for page in board.pages):
        said.append(f"Mapped is a promise: the first access makes a {board.word}.")
    elif not board.is_whole:
        said.append(NOT_HERE)
    words = (
        (text_width(one, "label dim") + 2, boxes.words(f"sharing/legend/{at}", one)) for at, one in enumerate(said)
    )
    return boxes.below(
        boxes.drawing(0, partial(_board, board)), boxes.flowing([*_legend(board), *words], gap=14), gap=14
    )


def _board(board: Board, box: Box) -> Iterator[Node | Link]:
    """Yield both tasks' descriptors at the sides, each frame once between them, the lines to it, and the sums."""
    side, middle = next((sizes for most, sizes in _COLUMNS if box.w < most), (150.0, 180.0))
    left, right, centre = box.x, box.x + box.w - side, box.x + (box.w - middle) / 2
    for key, name, x, anchor in (("left", board.tasks[0], left, "start"), ("right", board.tasks[1], right, "end")):
        if name:
            own, shared, fair = shares_of(name, board.having)
            at, said = (side if anchor == "end" else 0), f"{own:,} own, {shared:,} shared"
            text = [fitted(at, 15, visible(name), side, "body strong", anchor), Text(at, 33, said, "label dim", anchor)]
            yield kit.runs(
                f"sharing/has/{key}", Box(x, box.y, side, 36), text, title=visible(say_shares(name, own, shared, fair))
            )
    rings = _ringed(board)
    head, card, gap, stack, _ = _sizes(board)
    y = box.y + head
    ringed: list[Node] = []
    for letter, page in zip(LETTERS, board.pages, strict=False):
        drawn = len(page.frames)
        high = max(1, drawn, board.room.get(page.va, 0)) * (card + stack) - stack
        top = y + (high - max(1, drawn) * (card + stack) + stack) / 2
        name = f"page {letter}" if side >= _NARROW else letter
        cards = {
            task: descriptor(
                f"sharing/{task}/{page.va:x}",
                name,
                page.descriptors.get(task),
                Box(x, y + (high - card) / 2, side, card),
                is_right=is_right,
                alone=(task, page.va) not in rings,
                lane=f"sharing/{task}",
                said=f"{task}, page {letter} at {Address(page.va)}",
                word=board.word,
            )
            for task, x, is_right in ((board.tasks[0], left, False), (board.tasks[1], right, True))
            if task
        }
        frames = {
            one.frame: frame_card(
                f"sharing/frame/{one.frame:x}",
                one,
                page.kind,
                Box(centre, top + at * (card + stack), middle, card),
                word=board.word,
                within=bool(rings) or _is_elsewhere(one, page),
            )
            for at, one in enumerate(page.frames)
        }
        yield from (*cards.values(), *frames.values())
        yield from _lines(page, cards, frames, lit=not rings)
        ringed += [card for task, card in cards.items() if (task, page.va) in rings]
        y += high + gap
    if ringed:  # one line around all of them, with their number
        yield kit.around("sharing/around", ringed, apart=5)
        corner = max(card.x + card.w for card in ringed) + 2.5, min(card.y for card in ringed) - 2.5
        yield kit.badge("sharing/around/count", f"{len(ringed):,}", "locks", *corner)
    if any(page.descriptors for page in board.pages):
        yield from _sums(board, Box(box.x, y + (4 if ringed else -4), box.w, 0))


def _is_elsewhere(one: BoardFrame, page: BoardPage) -> bool:
    """Return whether a frame's change is shown elsewhere: at a lock, or at the new frame of its descriptors."""
    return one.users == one.before or (one.users < one.before and any(two.state == "new" for two in page.frames))


def _ringed(board: Board) -> set[tuple[str, int]]:
    """Return the descriptors that changed alike, by task and address, if they are too many to mark one by one."""
    found: dict[str, set[tuple[str, int]]] = {}
    for page in board.pages:
        for task, its in page.descriptors.items():
            if its.state in ("new", "changed"):
                found.setdefault("open" if "w" in its.rights else "closed", set()).add((task, page.va))
    return {one for some in found.values() if len(some) > MOST_ALIKE for one in some}


def _sums(board: Board, box: Box) -> Iterator[Node]:
    """Yield the numbers of frames and of pages, and below them what the operation did."""
    users = sum(len(page.descriptors) for page in board.pages)
    frames = len({frame for page in board.pages for frame in (one.frame for one in page.descriptors.values())})
    said = f"{counted(frames, 'frame')} for {counted(users, 'page')}"
    lines = [(said, "body strong"), *([(board.did, "label new")] if board.did else [])]
    apart = _sizes(board).line
    text = [Text(box.w / 2, 15 + apart * at, words, style, "middle") for at, (words, style) in enumerate(lines)]
    yield kit.runs(
        "sharing/sums", box._replace(h=4 + apart * len(lines)), text, title="; ".join(one for one, _ in lines)
    )


def _lines(page: BoardPage, cards: Mapping[str, Node], frames: Mapping[int, Node], *, lit: bool) -> Iterator[Link]:
    """Yield lines from each descriptor to its frame, and from a frame to a copy without a descriptor yet."""
    for task, its in page.descriptors.items():
        state = ("path",) if its.state in ("new", "changed") and lit else ()
        card, frame = cards[task], frames[its.frame]
        begin, end = (card.x + card.w, frame.x) if card.x < frame.x else (card.x, frame.x + frame.w)
        points = ((begin, card.y + card.h / 2), (end, frame.y + frame.h / 2))
        yield Link(f"{card.id}/to", "leads", card.id, frame.id, points, state=state, bend="level")
    for one in page.frames:
        if one.state == "ghost" and one.source in frames:
            yield kit.arrow(f"sharing/frame/{one.frame:x}/copy", frames[one.source], frames[one.frame], kind="walk")


def descriptor(
    identity: str,
    name: str,
    its: Descriptor | None,
    box: Box,
    *,
    said: str,
    word: str,
    lane: str,
    is_right: bool = False,
    alone: bool = True,
    more: str = "",
) -> Node:
    """Return a card with a name, a padlock and its meaning; pale if there is no descriptor.

    With `alone`, what changed is marked here, not by a ring.  `more` is said in code letters below the name.
    """
    x = 14.0 if is_right else 16.0
    is_open = its is not None and "w" in its.rights
    look = "step"
    if its is not None and its.state:
        look = "error" if its.state == "fault" else "step-new" if alone else "step"
    style = {"step": "label dim", "step-new": "label new", "error": "label error"}[look]
    words = f"no {word} yet" if its is None else OPEN if is_open else CLOSED
    if its is not None and its.state in ("refused", "fault"):
        words = "the write faults"
    is_narrow = box.w < _NARROW
    x -= 4 * is_narrow
    brief = words.removeprefix("a write ").removeprefix("the write ").removesuffix(" yet")
    words = wording((brief,) if is_narrow else (words, brief), box.w - x - 6, style if its else "label dim")
    first, second = (25.0, 43.0) if box.h >= CARD else (box.h / 2 - 3, box.h / 2 + 14)
    text = [fitted(x, first, visible(name), box.w - x - 40, "body strong" if its else "body strong dim")]
    text += [fitted(x, second, words, box.w - x - 6, style if its else "label dim")]
    text += [
        fitted(
            x,
            61,
            more,
            box.w - x - 6,
            "mono label dim",
        )
    ] * bool(more)
    bars = [Bar(box.w - 5 if is_right else 0, 0, 5, box.h, "table")] if its else []
    if its is None:
        whole = f"no {word}: the first access makes one"
    else:
        bars += _lock(box.w - 36, min(18.0, box.h / 2 - 9), is_open, look)
        lock = f"open: it {OPEN}" if is_open else f"closed: {CLOSED}"
        whole = ", ".join(filter(None, (its.state, f"frame {its.frame:#x}", its.rights, f"its lock is {lock}")))
    state = ("none",) if its is None else ("within",) if not alone else ()
    return Node(
        identity,
        "board",
        *box,
        thing=f"frame:{its.frame}" if its else "",
        text=tuple(text),
        bars=tuple(bars),
        title=visible(f"{said}: {whole}"),
        action="select" * bool(its),
        lane=lane,
        state=state,
    )


def _lock(x: float, y: float, is_open: bool, look: str) -> list[Bar]:
    """Return a padlock with a body 14 pixels wide, at (x, y)."""
    shackle = Bar(x + 8, y - 7, 8, 11, f"shackle {look}") if is_open else Bar(x + 3, y - 6, 8, 11, f"shackle {look}")
    return [shackle, Bar(x, y, 14, 11, f"lock {look}")]  # the body hides the shackle's foot


def frame_card(
    identity: str,
    one: BoardFrame,
    kind: str,
    box: Box,
    *,
    word: str,
    within: bool = False,
    lane: str = "sharing/frames",
    named: bool = False,
) -> Node:
    """Return a frame's contents, its number, and the number of its descriptors; `within`: a ring says what changed.

    `named` puts the word "frame" before the number.
    """
    number = f"{'frame ' * named}{one.frame:#x}"
    is_narrow = box.w < _NARROW
    left, room = (10, box.w - 14) if is_narrow else (16, box.w - 56)
    first, second = (25.0, 43.0) if box.h >= CARD else (box.h / 2 - 3, box.h / 2 + 12)
    words = fitted(left, first, one.words, room, "large mono")
    below = Text(left, second, number, "mono label dim")
    text = [words, below] if one.words else [Text(left, box.h / 2 + 5, number, "mono body")]
    bars = [Bar(0, box.h - 5, box.w, 5, f"own-{kind}")]
    if one.users:
        is_elsewhere = one.users == one.before or within
        top = box.h - 33 if is_narrow and one.words else 13.0 if box.h >= CARD else (box.h - 31) / 2
        bars.append(Bar(box.w - 39, top, 26, 26, "count step" if is_elsewhere else "count step-new"))
        text.append(Text(box.w - 26, top + 17, str(one.users), "letter on-step", "middle"))
    said = f"{counted(one.users, word)} {'lead' if one.users != 1 else 'leads'} to it"
    if one.state == "ghost":
        said = f"the copy, which no {word} has yet"
    state = (
        kind,
        *([one.state] if one.state else []),
        *(["within"] if within and one.state in ("new", "changed") else []),
    )
    return Node(
        identity,
        "board-frame",
        *box,
        thing=f"frame:{one.frame}",
        text=tuple(text),
        bars=tuple(bars),
        title=f"frame {one.frame:#x}{f', {one.words}' * bool(one.words)}: {said}",
        action="select",
        lane=lane,
        state=state,
    )


def _legend(board: Board) -> Iterator[tuple[float, Part]]:
    """Yield the meaning of the number in a frame, if there is any, with its width."""
    if any(page.descriptors for page in board.pages):
        words = f"the number of {board.word}s that lead to the frame"
        yield text_width(words, "label dim") + 28, boxes.thing(24, partial(_meaning, words))


def _meaning(words: str, box: Box) -> Node:
    text = [Text(26, 16, words, "label dim"), Text(9, 16, "2", "label on-step", "middle")]
    return Node(
        "sharing/key/count", "board-key", *box, shape="none", text=tuple(text), bars=(Bar(0, 3, 18, 18, "count step"),)
    )
