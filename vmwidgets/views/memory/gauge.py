"""How much memory is left: all pages to scale by what they are, and which are available against the reserves.

The second gauge is not to scale: each section between two marks is as wide as any other, so that the last pages, on
which everything hangs, can be seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from vmwidgets.engine.base.units import PAGE, binary_size
from vmwidgets.engine.base.values.memory import PageCounts
from vmwidgets.views.scene import kit
from vmwidgets.views.scene.kit import MARGIN
from vmwidgets.views.scene.model import Bar, Node, Text
from vmwidgets.views.scene.text import shorten, text_width

BAR = 28.0
CLASSES = ("NORMAL", "SYSTEM", "INTERRUPT")

HEIGHT = 176.0
"""Pixels of both gauges."""


def served(counts: PageCounts) -> dict[str, bool]:
    """Which classes of requests would get a page now; all limits are strict."""
    left = counts.available
    normal = left > counts.free_reserved
    return {"NORMAL": normal, "SYSTEM": normal or left > counts.interrupt_free_min, "INTERRUPT": left > 0}


def gauges(counts: PageCounts, before: PageCounts, top: float, width: float) -> list[Node]:
    """The nodes of both gauges; `before` are the counts at the operation's start: what differs is outlined."""
    return [*_composition(counts, before, top, width), *_reserves(counts, before, top + 72, width)]


# ---- all pages, to scale -------------------------------------------------------------------------------


def _parts(counts: PageCounts) -> list[tuple[str, int, str]]:
    """Name, pages and look of each part, in the order they stand."""
    other = max(0, counts.used - counts.wired - counts.inactive)
    return [
        ("wired", counts.wired, "static"),
        ("in use", other, "object"),
        ("inactive", counts.inactive, "submap"),
        ("cached", counts.cached, "plain"),
        ("zeroed", counts.zeroed, "zeroed"),
        ("free", counts.free - counts.zeroed, "free"),
    ]


def _composition(counts: PageCounts, before: PageCounts, top: float, width: float) -> list[Node]:
    room = width - 2 * MARGIN
    parts, earlier = _parts(counts), {name: pages for name, pages, _ in _parts(before)}
    shown = [part for part in parts if part[1]]
    least = 5.0
    spare = room - least * len(shown)
    nodes = [Node("frames/all", "axis", MARGIN, top, room, BAR, title=f"{counts.total:,} pages")]
    x = MARGIN
    for name, pages, look in shown:
        w = least + spare * pages / max(1, counts.total)
        state = (look, *(["changed"] if earlier.get(name) != pages else []))
        words = _said(name, pages)
        label = words if text_width(words, "label") <= w - 8 else ""
        nodes.append(
            Node(f"frames/part/{name}", "page-part", x, top, w - 1, BAR,
                 text=(Text(w / 2, 18, label, "label", "middle"),) if label else (), state=state, lane="frames/parts",
                 title=f"{_said(name, pages)}, {binary_size(pages * PAGE)}")
        )  # fmt: skip
        x += w
    return [*nodes, *_legend(parts, top + BAR, width)]


def _said(name: str, pages: int) -> str:
    return f"{name} {pages:,}"


def _legend(parts: Sequence[tuple[str, int, str]], y: float, width: float) -> list[Node]:
    """Name and count of each part below the bar, each with a piece of its colour, in the same order."""
    labels = [_said(name, pages) for name, pages, _ in parts]
    boxes = kit.flow([text_width(label, "label") + 18 for label in labels], y + 4, 20, width=width, gap=12)
    return [
        Node(f"frames/legend/{name}", "label", *box, shape="none",
             text=(Text(15, 15, label, "label" if pages else "label dim"),), bars=(Bar(0, 5, 10, 10, look),))
        for (name, pages, look), label, box in zip(parts, labels, boxes, strict=True)
    ]  # fmt: skip


# ---- what can be had, against the reserves -------------------------------------------------------------


def _marks(counts: PageCounts) -> list[tuple[str, int]]:
    return [
        ("0", 0),
        ("interrupt_free_min", counts.interrupt_free_min),
        ("free_reserved", counts.free_reserved),
        ("free_min", counts.free_min),
        ("free_target", counts.free_target),
        ("all", max(counts.total, counts.free_target + 1)),
    ]


SECTIONS = (
    "INTERRUPT alone",
    "SYSTEM, INTERRUPT",
    "all; waiters not woken",
    "all; page daemon runs",
    "all served",
)
"""Who is served while as many pages are left, section by section."""


def level(counts: PageCounts, pages: int, width: float) -> float:
    """Where so many pages stand on the gauge of reserves: each section is as wide as the others."""
    marks = _marks(counts)
    share = (width - 2 * MARGIN) / (len(marks) - 1)
    for number, ((_, low), (_, high)) in enumerate(pairwise(marks)):
        if pages <= high:
            return MARGIN + share * (number + (pages - low) / max(1, high - low))
    return width - MARGIN


def _reserves(counts: PageCounts, before: PageCounts, top: float, width: float) -> list[Node]:
    room = width - 2 * MARGIN
    marks = _marks(counts)
    share = room / (len(marks) - 1)
    bar_y = top + 38
    x = level(counts, counts.available, width)
    changed = before.available != counts.available
    words = f"{counts.available:,} pages available: {counts.free:,} free, {counts.cached:,} cached"
    nodes = [Node("frames/reserves", "axis", MARGIN, bar_y, room, 16, title=words)]
    if counts.available:
        state = ("low",) if not served(counts)["NORMAL"] else ()
        nodes.append(Node("frames/level", "level", MARGIN, bar_y, max(1.0, x - MARGIN), 16, title=words, state=state))
    for number, (name, pages) in enumerate(marks):
        nodes.append(_mark(name, pages, MARGIN + share * number, bar_y, number, len(marks)))
    for number, words in enumerate(SECTIONS):
        here = marks[number][1] < counts.available <= marks[number + 1][1]
        nodes.append(_section(number, words, here, MARGIN + share * number, bar_y + 36, share))
    nodes.append(_pointer(counts, x, bar_y, width, changed))
    note = "available pages, against the reserves (sections not to scale)"
    text = (Text(0, 13, note, "label dim"),)
    w = text_width(note, "label") + 2
    nodes.append(Node("frames/note", "label", MARGIN, top - 15, w, 18, shape="none", text=text))
    return [*nodes, *_classes(counts, before, top - 2, width)]


def _mark(name: str, pages: int, x: float, bar_y: float, number: int, count: int) -> Node:
    """A line across the gauge, with the name and number of the mark below it."""
    label = f"{name} {pages:,}" if name not in ("0", "all") else f"{pages:,}"
    w = text_width(label, "label") + 2
    left = x if number == 0 else x - w if number == count - 1 else x - w / 2
    bars = (Bar(min(max(0.0, x - left - 1), w - 2), 0, 2, 22, "mark"),)
    anchor_x = w / 2
    return Node(
        f"frames/mark/{name}", "label", left, bar_y - 3, w, 38, shape="none",
        text=(Text(anchor_x, 33, label, "label", "middle"),), bars=bars, title=f"{name}: {pages:,} pages",
        lane="frames/marks",
    )  # fmt: skip


def _section(number: int, words: str, here: bool, x: float, y: float, w: float) -> Node:
    """Who is served while the level is in a section."""
    shown = f"▲ {words}" if here else words
    style = "label strong" if here else "label dim"
    label = shorten(shown, w - 4, style)
    return Node(
        f"frames/section/{number}", "label", x, y, w, 18, shape="none", text=(Text(w / 2, 13, label, style, "middle"),),
        title=f"now: {words}" if here else words,
    )  # fmt: skip


def _pointer(counts: PageCounts, x: float, bar_y: float, width: float, changed: bool) -> Node:
    label = f"{counts.available:,} pages available"
    w = text_width(label, "label strong") + 14
    left = min(max(MARGIN, x - w / 2), width - MARGIN - w)
    return Node(
        "frames/pointer", "label", left, bar_y - 24, w, 22, shape="none",
        text=(Text(w / 2, 12, label, "label strong" + (" changed" if changed else ""), "middle"),),
        bars=(Bar(min(max(0.0, x - left - 1.5), w - 3), 16, 3, 6, "changed" if changed else "wired"),),
        title=label,
    )  # fmt: skip


def _classes(counts: PageCounts, before: PageCounts, y: float, width: float) -> list[Node]:
    """What each class of request would get now, in words and by shape: served ones round, refused ones square."""
    now, earlier = served(counts), served(before)
    nodes: list[Node] = []
    x = width - MARGIN
    for name in reversed(CLASSES):
        words = f"{name}: {'served' if now[name] else 'refused'}"
        w = text_width(words, "label") + 22
        x -= w
        state = ("ok" if now[name] else "fault", *(["changed"] if now[name] != earlier[name] else []))
        nodes.insert(
            0,
            Node(f"frames/class/{name}", "page-class", x, y - 14, w, 20, shape="round" if now[name] else "box",
                 text=(Text(w / 2, 14, words, "label", "middle"),), state=state, lane="frames/classes",
                 title=f"a page request of class {name} would be {'served' if now[name] else 'refused'} now"),
        )  # fmt: skip
        x -= 8
    return nodes
