"""Switches above a picture: words to choose from, and buttons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .columns import MARGIN
from .model import Node, Text
from .text import text_width

HEIGHT, GAP, GROUP = 22.0, 4.0, 18.0
"""Height of a switch; room between two, and between two groups."""


@dataclass(frozen=True, slots=True)
class Switch:
    """One word: `key` ends its id; `chosen` is None for what is only pressed, such as "undo"."""

    key: str
    word: str
    chosen: bool | None
    title: str


def draw_switches(groups: Sequence[Sequence[Switch]], view: str, y: float) -> list[Node]:
    """The groups from left to right."""
    nodes = []
    x = MARGIN
    for group in groups:
        for switch in group:
            w = text_width(switch.word, "label") + 18
            state = ("chosen",) if switch.chosen else ()
            kind = "switch" if switch.chosen is not None else "press"
            nodes.append(
                Node(f"{view}/switch/{switch.key}", kind, x, y, w, HEIGHT, shape="round",
                     text=(Text(w / 2, 15, switch.word, "label", "middle"),), state=state, title=switch.title,
                     action="open", lane="switches", role="switch" * (kind == "switch")),
            )  # fmt: skip
            x += w + GAP
        if group:
            x += GROUP - GAP
    return nodes
