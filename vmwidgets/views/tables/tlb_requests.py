"""Beside a processor: the flushes it was asked for and has not done, the newest first, each linked to who asked."""

from __future__ import annotations

from vmwidgets.engine.base.units import counted
from vmwidgets.engine.base.values.cpus import CpusValue, CpuValue, FlushRequest
from vmwidgets.views.scene.columns import MARGIN
from vmwidgets.views.scene.model import Link, Node, Text
from vmwidgets.views.scene.text import shorten, shorten_middle, text_width
from vmwidgets.views.story.words.cpu_events import flush_in_words, what_of

LINE = 18.0
"""Height of a line of words."""

MOST_REQUESTS, MORE_REQUESTS = 3, 12
"""Flushes that are drawn of those that a processor was asked for; how many older ones a click brings."""

_LEFT, _SECOND = 0.58, 13.0
"""Where they begin, in parts of the width; height of a second line."""


def draw_requests(cpu: CpuValue, number: int, most: int, y: float, width: float) -> tuple[list[Node], float]:
    """At the right: the newest `most` flushes that wait, how many were forgotten, and how often a hand edited."""
    x = MARGIN + (width - 2 * MARGIN) * _LEFT
    w = width - MARGIN - x
    nodes, y = _waiting(cpu, number, most, x, y, w)
    if cpu.forgotten:
        words = f"{counted(cpu.forgotten, 'flush', 'flushes')} forgotten: what is kept may be wrong"
        nodes.append(line_of_words(f"tlb/{cpu.cpu}/forgotten", x, y + 2, w, words, "label error"))
        y += LINE
    if cpu.edits:
        words = f"{counted(cpu.edits, 'edit')} of descriptors by hand: what is kept may be wrong"
        nodes.append(line_of_words(f"tlb/{cpu.cpu}/edits", x, y + 2, w, words, "label changed"))
        y += LINE
    return nodes, y


def _waiting(cpu: CpuValue, number: int, most: int, x: float, y: float, w: float) -> tuple[list[Node], float]:
    drawn = list(enumerate(cpu.pending))[: -most - 1 : -1]  # the newest is the last that was asked for
    said = [_lines(request, w - 16) for _, request in drawn]
    high = max(map(len, said), default=1)
    nodes = []
    for (place, request), lines in zip(drawn, said, strict=True):
        h = LINE - 2 + (high - 1) * (_SECOND + 2)
        text = tuple(Text(8, 11 + high + line * _SECOND, words, "label") for line, words in enumerate(lines))
        nodes.append(
            Node(f"tlb/{cpu.cpu}/pending/{place}", "press", x, y + 2, w, h, shape="round", text=text,
                 state=("changed",), action="open", lane=f"cpu {number}",
                 title=f"{cpu.cpu} waits: drop {flush_in_words(request)}, asked by {request.sender}; acknowledge it"),
        )  # fmt: skip
        y += h + 2
    older = len(cpu.pending) - len(drawn)
    if older:
        text = (Text(8, 13, f"… {older:,} older", "label dim"),)
        nodes.append(
            Node(f"tlb/{cpu.cpu}/older/{len(drawn)}", "fold", x, y + 2, w, LINE, text=text,
                 state=("folded",), action="open", lane=f"cpu {number}",
                 title=f"{counted(older, 'older flush', 'older flushes')} that {cpu.cpu} was asked for: show them"),
        )  # fmt: skip
        y += LINE + 4
    return nodes, y


def _lines(request: FlushRequest, w: float) -> tuple[str, ...]:
    """What waits, in one line or in two; only a name is ever cut."""
    whole = f"waits: drop {flush_in_words(request)}, asked by {request.sender}"
    if text_width(whole, "label") <= w:
        return (whole,)
    asked = f", asked by {request.sender}"
    room = w - text_width(f"of {asked}", "label")
    return f"waits: drop {what_of(request)}", f"of {shorten_middle(request.space, room)}{asked}"


def line_of_words(identity: str, x: float, y: float, w: float, words: str, style: str) -> Node:
    """A line of words; where it is cut, its title has all of it."""
    text = (Text(0, 13, shorten(words, w, style), style),)
    cut = words if text_width(words, style) > w else ""
    return Node(identity, "label", x, y, w, LINE, shape="none", text=text, title=cut)


def links_to_senders(nodes: list[Node], value: CpusValue) -> list[Link]:
    """From each sender's words to what it asked for."""
    placed = {node.id: node for node in nodes}
    links = []
    for cpu in value.cpus:
        for place, request in enumerate(cpu.pending):
            source, target = placed.get(f"tlb/{request.sender}"), placed.get(f"tlb/{cpu.cpu}/pending/{place}")
            if source is None or target is None:
                continue
            edge = target.x + target.w + 7  # beside the cells, not across them
            words = source.text[1]
            begin = source.x + words.x + text_width(words.text, words.style) + 8
            above, beside = source.y + 1, target.x - 8  # over what waits for the sender itself
            start = (begin, source.y + 12)
            end = (target.x + target.w, target.y + target.h / 2)
            links.append(
                Link(
                    f"{target.id}/from",
                    "held-by",
                    source.id,
                    target.id,
                    (start, (beside, start[1]), (beside, above), (edge, above), (edge, end[1]), end),
                    arrow=True,
                )
            )
    return links
