"""A deadlock as the circle it is: threads and the locks they wait for, in turn, around the word that names it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from vmwidgets.engine.base.values.cpus import ThreadValue
from vmwidgets.views.scene.columns import MARGIN
from vmwidgets.views.scene.model import Link, Node, Text
from vmwidgets.views.scene.text import text_width

from .thread_nodes import CARD_W, SUBJECT_W, H, fold, subject_box, thread_card

MOST = 4
"""Threads of a circle that are drawn; of more, the first ones and how many follow."""

_DROP = 66.0
"""Pixels between the upper and the lower row."""


def cycle_lane(
    ring: Sequence[ThreadValue], touched: Mapping[str, str], top: float, width: float
) -> tuple[list[Node], list[Link], float]:
    """Nodes and links of the circle, each thread waiting for the lock of the next one, and the y where it ends."""
    boxes = _boxes(ring, touched)
    upper = -(-len(boxes) // 2)
    row_y = (top + 8, top + 8 + H + _DROP)
    placed = [
        *_row(boxes[:upper], row_y[0], width),
        *reversed(_row(list(reversed(boxes[upper:])), row_y[1], width)),
    ]
    links = [_link(one, other) for one, other in pairwise([*placed, placed[0]])]
    word = "deadlock"
    w = text_width(word, "title") + 8
    label = Node(
        "threads/deadlock", "label", width / 2 - w / 2, row_y[0] + H + _DROP / 2 - 14, w, 26, shape="none",
        text=(Text(w / 2, 19, word, "title error", "middle"),),
        title="deadlock: each of these threads waits for a lock that the next one has",
    )  # fmt: skip
    return [*placed, label], links, row_y[1] + H + 18


def _boxes(ring: Sequence[ThreadValue], touched: Mapping[str, str]) -> list[Node]:
    """Thread, lock, thread, lock, … in the order of waiting; places come later."""
    shown = ring if len(ring) <= MOST else ring[: MOST - 1]
    boxes: list[Node] = []
    for thread in shown:
        boxes.append(thread_card(thread, 0, 0, touched, lane="deadlock", state=("stuck",)))
        lock = subject_box(f"cycle/{thread.subject}", "lock", thread.subject, thread.holder, 1, 0, 0)
        boxes.append(replace(lock, text=lock.text[:2]))
    if len(shown) < len(ring):
        boxes.append(fold("deadlock", len(ring) - len(shown), 0, 0, CARD_W))
    return boxes


def _row(boxes: Sequence[Node], y: float, width: float) -> list[Node]:
    """One half of the circle, each box in the middle of its share, so that both halves stand above each other."""
    room = width - 2 * MARGIN
    share = min(SUBJECT_W + 80, room / max(1, len(boxes)))
    left = MARGIN + (room - share * len(boxes)) / 2
    return [_in(box, left + share * number + (share - box.w) / 2, y) for number, box in enumerate(boxes)]


def _in(box: Node, x: float, y: float) -> Node:
    state = box.state if box.kind != "channel" else ("stuck",)
    return replace(box, x=x, y=y, lane="deadlock", state=state)


def _link(one: Node, other: Node) -> Link:
    """An arrow from box to box: along a row, or down and up at its ends."""
    if abs(one.y - other.y) < 1:
        y = one.y + H / 2
        ends = ((one.x + one.w, y), (other.x, y)) if one.x < other.x else ((one.x, y), (other.x + other.w, y))
    else:
        down = one.y < other.y
        start = (one.x + one.w / 2, one.y + (H if down else 0))
        ends = (start, (other.x + other.w / 2, other.y + (0 if down else H)))
    return Link(f"{one.id}/stuck", "stuck", one.id, other.id, ends, arrow=True)
