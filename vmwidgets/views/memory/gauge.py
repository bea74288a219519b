"""How much memory is left: all pages to scale by what they are, and which are available against the reserves.

The second gauge is not to scale: each section between two marks is as wide as any other, so that the last pages, on
which everything hangs, can be seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from vmwidgets.engine.base.units import PAGE, binary_size, counted
from vmwidgets.engine.memory.pages_schema import PageCounts
from vmwidgets.views.scene import kit
from vmwidgets.views.scene.kit import MARGIN, Box
from vmwidgets.views.scene.model import Bar, Node, Text
from vmwidgets.views.scene.text import fitted, text_width

BAR = 28.0
CLASSES = ("NORMAL", "SYSTEM", "INTERRUPT")

_NOTE = "available pages, against the reserves (sections not to scale)"

_APART = 12.0
"""Pixels between words that are beside each other."""


def served(counts: PageCounts) -> dict[str, bool]:
    """Which classes of requests would get a page now; all limits are strict."""
    left = counts.available
    normal = left > counts.free_reserved
    return {"NORMAL": normal, "SYSTEM": normal or left > counts.interrupt_free_min, "INTERRUPT": left > 0}


def gauges(counts: PageCounts, before: PageCounts, top: float, width: float) -> tuple[list[Node], float]:
    """The nodes of both gauges, and the y where they end.

    `before` are the counts at the operation's start: what differs is outlined.
    """
    nodes = _composition(counts, before, top, width)
    reserves, bottom = _reserves(counts, before, max(node.y + node.h for node in nodes) + 20, width)
    return [*nodes, *reserves], bottom


# ---- all pages, to scale -------------------------------------------------------------------------------


def _parts(counts: PageCounts) -> list[tuple[str, int, str]]:
    """Name, pages and look of each part, in the order they stand."""
    other = max(0, counts.used - counts.wired - counts.inactive)
    return [
        ("wired", counts.wired, "wired"),
        ("in use", other, "used"),
        ("inactive", counts.inactive, "inactive"),
        ("cached", counts.cached, "cached"),
        ("zeroed", counts.zeroed, "zeroed"),
        ("free", counts.free - counts.zeroed, "free"),
    ]


def _composition(counts: PageCounts, before: PageCounts, top: float, width: float) -> list[Node]:
    room = width - 2 * MARGIN
    parts, earlier = _parts(counts), {name: pages for name, pages, _ in _parts(before)}
    shown = [part for part in parts if part[1]]
    least = 5.0
    spare = room - least * len(shown)
    nodes = [kit.chip("frames/all", "axis", kit.Box(MARGIN, top, room, BAR), title=f"{counts.total:,} pages")]
    x = MARGIN
    for name, pages, look in shown:
        w = least + spare * pages / max(1, counts.total)
        words = _said(name, pages)
        nodes.append(
            kit.chip(f"frames/part/{name}", "page-part", Box(x, top, w - 1, BAR), words, lane="frames/parts", spare=7,
                     state=[look, *["changed"] * (earlier.get(name) != pages)],
                     title=f"{words}, {binary_size(pages * PAGE)}")
        )  # fmt: skip
        x += w
    known = [(look, _said(name, pages)) for name, pages, look in parts if pages or earlier.get(name)]
    return [*nodes, *kit.legend("frames", known, top + BAR + 4, width=width)]


def _said(name: str, pages: int) -> str:
    return f"{name} {pages:,}"


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
    "all; daemon works on",
    "all; the daemon rests",
)
"""Who is served while as many pages are left, section by section.

Only a refused request wakes the page daemon; once awake, it works until free_target (FreeBSD `vm_pageout`).
"""


REACHED = ("free_min", "free_target")
"""The marks at which waiting threads wake and the daemon rests; above the others requests are served."""


def level(counts: PageCounts, pages: int, width: float) -> float:
    """Where so many pages stand on the gauge of reserves: each section is as wide as the others."""
    marks = _marks(counts)
    share = (width - 2 * MARGIN) / (len(marks) - 1)
    for number, ((_, low), (_, high)) in enumerate(pairwise(marks)):
        if pages <= high:
            return MARGIN + share * (number + (pages - low) / max(1, high - low))
    return width - MARGIN


def _reserves(counts: PageCounts, before: PageCounts, top: float, width: float) -> tuple[list[Node], float]:
    room = width - 2 * MARGIN
    note = kit.paragraph("frames/note", _NOTE, MARGIN, top - 15, min(room, text_width(_NOTE) + 2))
    classes = _classes(counts, before, note, width)
    nodes = [note, *classes]
    top = max(top, *(node.y + node.h - 4 for node in classes))
    marks = _marks(counts)
    share = room / (len(marks) - 1)
    bar_y = top + 38
    x = level(counts, counts.available, width)
    changed = before.available != counts.available
    words = f"{counted(counts.available, 'page')} available: {counts.free:,} free, {counts.cached:,} cached"
    nodes.append(kit.chip("frames/reserves", "axis", kit.Box(MARGIN, bar_y, room, 16), title=words))
    if counts.available:
        state = ("low",) if not served(counts)["NORMAL"] else ()
        nodes.append(
            kit.chip(
                "frames/level", "level", kit.Box(MARGIN, bar_y, max(1.0, x - MARGIN), 16), state=state, title=words
            )
        )
    named = _named_marks(marks, share, bar_y)
    nodes += named
    below = max(node.y + node.h for node in named) + 1
    has_room = all(text_width(f"▲ {words}") <= share - 4 for words in SECTIONS)
    for number, words in enumerate(SECTIONS):
        first, high = _span(marks, number)
        here = first <= counts.available <= high
        if has_room:
            place = Box(MARGIN + share * number, below, share, 18)
            nodes.append(_section(number, words, here, place, "middle"))
        else:
            place = Box(MARGIN, below + 18 * number, room, 18)
            nodes.append(_section(number, f"{words}, up to {high:,}", here, place, "start"))
    nodes.append(_pointer(counts, x, bar_y, width, changed))
    return nodes, max(node.y + node.h for node in nodes) + 12


def _span(marks: Sequence[tuple[str, int]], number: int) -> tuple[int, int]:
    """The first and the last number of pages of a section: a request needs more than its mark, the others reach it."""
    first, last = ((pages if name in REACHED else pages + 1) for name, pages in marks[number : number + 2])
    return first, last - 1


def _named_marks(marks: Sequence[tuple[str, int]], share: float, bar_y: float) -> list[Node]:
    """The marks, every second one with its name in a line of its own where they have no room in one."""
    one_line = [_mark(marks, number, share, bar_y, 0) for number in range(len(marks))]
    if all(left.x + left.w + _APART <= right.x for left, right in pairwise(one_line)):
        return one_line
    return [_mark(marks, number, share, bar_y, 14 * (number % 2)) for number in range(len(marks))]


def _mark(marks: Sequence[tuple[str, int]], number: int, share: float, bar_y: float, lower: float) -> Node:
    """A line across the gauge, with the name and number of the mark below it, `lower` by so many pixels."""
    (name, pages), x = marks[number], MARGIN + share * number
    label = f"{name} {pages:,}" if name not in ("0", "all") else f"{pages:,}"
    w = text_width(label) + 2
    left = x - w * (0 if number == 0 else 1 if number == len(marks) - 1 else 0.5)
    bars = (Bar(min(max(0.0, x - left - 1), w - 2), 0, 2, 22, "mark"),)
    text = (Text(w / 2, 33 + lower, label, "label", "middle"),)
    return kit.runs(
        f"frames/mark/{name}",
        kit.Box(left, bar_y - 3, w, 38 + lower),
        text,
        bars=bars,
        title=f"{name}: {pages:,} pages",
        lane="frames/marks",
    )


def _section(number: int, words: str, here: bool, place: Box, anchor: str) -> Node:
    """Who is served while the level is in a section."""
    style = "label" if here else "label dim"
    x = place.w / 2 if anchor == "middle" else 0
    text = (fitted(x, 13, f"▲ {words}" if here else words, place.w - 4, style, anchor),)
    title = f"now: {words}" if here else words
    return kit.runs(f"frames/section/{number}", place, text, title=title)


def _pointer(counts: PageCounts, x: float, bar_y: float, width: float, changed: bool) -> Node:
    label = f"{counted(counts.available, 'page')} available"
    w = text_width(label, "label strong") + 14
    left = min(max(MARGIN, x - w / 2), width - MARGIN - w)
    return kit.runs(
        "frames/pointer",
        kit.Box(left, bar_y - 24, w, 22),
        (Text(w / 2, 12, label, "label strong" + (" changed" if changed else ""), "middle"),),
        bars=(Bar(min(max(0.0, x - left - 1.5), w - 3), 16, 3, 6, "changed" if changed else "wired"),),
        title=label,
    )


def _done(is_served: bool) -> str:
    return "served" if is_served else "refused, and would wake the page daemon,"


def _classes(counts: PageCounts, before: PageCounts, note: Node, width: float) -> list[Node]:
    """What each class of request would get now, in words and by shape: served ones round, refused ones square.

    They are at the right of the note, or in lines of their own below it where there is no room beside it.
    """
    now, earlier = served(counts), served(before)
    said = {name: f"{name}: {'served' if now[name] else 'refused'}" for name in CLASSES}
    widths = [text_width(words, "label") + 22 for words in said.values()]
    boxes = kit.flow(widths, note.y + note.h + 2, 20, width=width)
    in_one_line = boxes[-1].x + boxes[-1].w - MARGIN if boxes[-1].y == boxes[0].y else width
    shift = 0.0
    if note.x + note.w + _APART + in_one_line <= width - MARGIN:
        shift = width - MARGIN - boxes[-1].x - boxes[-1].w
        boxes = [box._replace(y=note.y - 1) for box in boxes]
    return [
        kit.chip(f"frames/class/{name}", "page-class", box._replace(x=box.x + shift), said[name],
                 shape="round" if now[name] else "box", lane="frames/classes",
                 state=["ok" if now[name] else "fault", *["changed"] * (now[name] != earlier[name])],
                 title=f"a page request of class {name} would be {_done(now[name])} now")
        for name, box in zip(CLASSES, boxes, strict=True)
    ]  # fmt: skip
