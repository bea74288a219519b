"""Copy-on-write as on a blackboard: one task's descriptors, each frame once, the other task's descriptors.

A descriptor has a padlock: while it is closed, a write faults.  A frame has a count: the number of descriptors that
refer to it.  In the middle of an operation, a lock that refused is red, and a copy without a descriptor is a dashed
frame.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from functools import partial
from typing import NamedTuple

from vmwidgets.engine.base.units import Address
from vmwidgets.views.scene import boxes, kit
from vmwidgets.views.scene.boxes import Part
from vmwidgets.views.scene.kit import Box
from vmwidgets.views.scene.model import Bar, Link, Node, Text
from vmwidgets.views.scene.text import fitted, text_width, visible

from .sharing import NOT_HERE, say_shares, shares_of


class Descriptor(NamedTuple):
    """The content of a task's descriptor of a page; `state` is "new", "changed", or "fault" if it has just refused."""

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


LETTERS = "ABCDEFGH"

MOST = len(LETTERS)
"""The most pages on a blackboard."""

LOCKS = (
    ("closed", "a write faults"),
    ("open", "a write needs no fault"),
)
COUNTS = "the number of descriptors that lead to the frame"

_WIDEST, _SLIM = 640.0, 400.0
_CARD, _HEAD, _GAP, _STACK = 47.0, 44.0, 10.0, 7.0


def blackboard(tasks: tuple[str, str], pages: Sequence[BoardPage], having: Sequence[Set[str]]) -> Part:
    """Return the frames between two tasks ("" for a missing task); `having` has each frame's tasks."""
    board = boxes.narrower(_WIDEST, boxes.drawing(0, partial(_board, tasks, pages, having)))
    legend = boxes.below(boxes.flowing([*_legend(pages)], gap=14), boxes.words("sharing/legend/here", NOT_HERE), gap=6)
    return boxes.below(board, legend, gap=14)


def _board(
    tasks: tuple[str, str], pages: Sequence[BoardPage], having: Sequence[Set[str]], box: Box
) -> Iterator[Node | Link]:
    """Yield both tasks' descriptors at the sides, each frame once between them, and the lines to it."""
    side, middle = (92.0, 112.0) if box.w < _SLIM else (124.0, 160.0)
    left, right, centre = box.x, box.x + box.w - side, box.x + (box.w - middle) / 2
    for key, name, x, anchor in (("left", tasks[0], left, "start"), ("right", tasks[1], right, "end")):
        if name:
            own, shared, fair = shares_of(name, having)
            at, said = (side if anchor == "end" else 0), f"{own:,} own, {shared:,} shared"
            text = [fitted(at, 15, visible(name), side, "body strong", anchor), Text(at, 33, said, "label dim", anchor)]
            yield kit.runs(f"sharing/has/{key}", Box(x, box.y, side, _HEAD - 8), text,
                           title=visible(say_shares(name, own, shared, fair)))  # fmt: skip  # a head
    yield kit.runs("sharing/frames", Box(centre, box.y, middle, 20),
                   [Text(middle / 2, 15, "frames", "label dim", "middle")])  # fmt: skip  # a head
    y = box.y + _HEAD
    for letter, page in zip(LETTERS, pages, strict=False):
        high = max(1, len(page.frames)) * (_CARD + _STACK) - _STACK
        cards = {task: _descriptor(task, letter, page, Box(x, y + (high - _CARD) / 2, side, _CARD), is_right)
                 for task, x, is_right in ((tasks[0], left, False), (tasks[1], right, True)) if task}  # fmt: skip
        frames = {one.frame: _frame(one, page, Box(centre, y + at * (_CARD + _STACK), middle, _CARD))
                  for at, one in enumerate(page.frames)}  # fmt: skip
        yield from (*cards.values(), *frames.values())
        yield from _lines(page, cards, frames)
        y += high + _GAP


def _lines(page: BoardPage, cards: Mapping[str, Node], frames: Mapping[int, Node]) -> Iterator[Link]:
    """Yield lines from each descriptor to its frame, and from a frame to a copy without a descriptor yet."""
    for task, its in page.descriptors.items():
        state = ("path",) if its.state in ("new", "changed") else ()
        card, frame = cards[task], frames[its.frame]
        begin, end = (card.x + card.w, frame.x) if card.x < frame.x else (card.x, frame.x + frame.w)
        points = ((begin, card.y + card.h / 2), (end, frame.y + frame.h / 2))
        yield Link(f"{card.id}/to", "leads", card.id, frame.id, points, state=state)
    for one in page.frames:
        if one.state == "ghost" and one.source in frames:
            yield kit.arrow(f"sharing/frame/{one.frame:x}/copy", frames[one.source], frames[one.frame], kind="walk")


def _descriptor(task: str, letter: str, page: BoardPage, box: Box, is_right: bool) -> Node:
    """Return a page's letter, its address, and its padlock; pale if the task has no descriptor."""
    its = page.descriptors.get(task)
    x = 12.0
    address, room = str(Address(page.va)), box.w - x - 8
    text = [Text(x, 20, letter, "body strong" if its else "body strong dim"),
            fitted(x, 38, address if its else "none", room, "mono label dim" if its else "label dim")]  # fmt: skip
    bars = [Bar(box.w - 4 if is_right else 0, 0, 4, box.h, "table")] if its else []
    said = "no descriptor: the first access makes one"
    if its:
        is_open = "w" in its.rights
        look = "error" if its.state == "fault" else "step-new" if its.state else "step"
        bars += _lock(box.w - 26, 14, is_open, look)
        text += [Text(box.w - 32, 20, "refused", "label error", "end")] * (its.state == "fault")
        lock = "open: a write needs no fault" if is_open else "closed: a write faults"
        said = ", ".join(filter(None, (its.state, f"frame {its.frame:#x}", its.rights, f"its lock is {lock}")))
    return Node(
        f"sharing/{task}/{page.va:x}", "board", *box, thing=f"frame:{its.frame}" if its else "", text=tuple(text),
        bars=tuple(bars), title=visible(f"{task}, page {letter} at {address}: {said}"), action="select" * bool(its),
        lane=f"sharing/{task}", state=() if its else ("none",),
    )  # fmt: skip


def _lock(x: float, y: float, is_open: bool, look: str) -> list[Bar]:
    """Return a padlock with a body 14 pixels wide, at (x, y)."""
    shackle = Bar(x + 8, y - 7, 8, 11, f"shackle {look}") if is_open else Bar(x + 3, y - 6, 8, 11, f"shackle {look}")
    return [shackle, Bar(x, y, 14, 11, f"lock {look}")]  # the body hides the shackle's foot


def _frame(one: BoardFrame, page: BoardPage, box: Box) -> Node:
    """Return a frame's contents, its number, and the number of its descriptors."""
    number = f"{one.frame:#x}"
    room = box.w - 46
    words = fitted(12, 21, one.words, room, "mono body")
    text = [words, Text(12, 38, number, "mono label dim")] if one.words else [Text(12, 29, number, "mono body")]
    bars = [Bar(0, box.h - 4, box.w, 4, f"own-{page.kind}")]
    if one.users:
        bars.append(Bar(box.w - 34, 11, 22, 22, "count step" if one.users == one.before else "count step-new"))
        text.append(Text(box.w - 23, 26, str(one.users), "letter on-step", "middle"))
    said = f"{one.users} descriptors lead to it" if one.users != 1 else "1 descriptor leads to it"
    if one.state == "ghost":
        said = "the copy, which no descriptor has yet"
    return Node(
        f"sharing/frame/{one.frame:x}", "board-frame", *box, thing=f"frame:{one.frame}", text=tuple(text),
        bars=tuple(bars), title=f"frame {number}{f', {one.words}' * bool(one.words)}: {said}", action="select",
        lane="sharing/frames", state=(page.kind, *([one.state] if one.state else [])),
    )  # fmt: skip


def _legend(pages: Sequence[BoardPage]) -> Iterator[tuple[float, Part]]:
    """Yield the meanings of padlocks and numbers, if there are any, with their widths."""
    rights = [one.rights for page in pages for one in page.descriptors.values()]
    shown = {"count", *("open" if "w" in one else "closed" for one in rights)}
    for key, words in (*LOCKS, ("count", COUNTS)):
        if key in shown:
            yield text_width(words, "label dim") + 28, boxes.thing(24, partial(_meaning, key, words))


def _meaning(key: str, words: str, box: Box) -> Node:
    bars = [Bar(0, 3, 18, 18, "count step")] if key == "count" else _lock(1, 9, key == "open", "step")
    text = [Text(26, 16, words, "label dim")]
    text += [Text(9, 16, "2", "label on-step", "middle")] * (key == "count")
    return Node(f"sharing/key/{key}", "board-key", *box, shape="none", text=tuple(text), bars=tuple(bars))
