"""The memory left: the frames available to requests, to scale, against the marks that trigger actions.

If few are left, the scale is cut, so that the last pages, which matter most, are visible; a thin bar below shows all of
memory, to scale.
"""

from __future__ import annotations

from vmwidgets.engine.base.units import PAGE, binary_size, counted
from vmwidgets.engine.memory.pages_schema import PageCounts
from vmwidgets.views.scene import kit
from vmwidgets.views.scene.kit import MARGIN, Box
from vmwidgets.views.scene.model import Bar, Node, Text
from vmwidgets.views.scene.text import text_width, wrapped

THIN = 10.0
CLASSES = ("NORMAL", "SYSTEM", "INTERRUPT")

_APART = 12.0
"""Pixels between adjacent words."""


def served(counts: PageCounts) -> dict[str, bool]:
    """Return which classes of requests would get a page now; all limits are strict."""
    left = counts.available
    normal = left > counts.free_reserved
    return {"NORMAL": normal, "SYSTEM": normal or left > counts.interrupt_free_min, "INTERRUPT": left > 0}


def gauges(counts: PageCounts, before: PageCounts, top: float, width: float) -> tuple[list[Node], float]:
    """Return the nodes of both gauges, and the y where they end.

    `before` are the counts at the operation's start; differences are shown next to the parts.
    """
    nodes = _reserves(counts, before, top, width)
    nodes += _composition(counts, before, max(node.y + node.h for node in nodes) + 14, width)
    return nodes, max(node.y + node.h for node in nodes) + 8


def answer(counts: PageCounts) -> str:
    """Return what the kernel does at this number of free pages, in a sentence.

    Only a refused request wakes the page daemon; once awake, it works until free_target (FreeBSD `vm_pageout`).
    """
    left = counts.available
    said = f"{left:,} of {counts.total:,} frames {'is' if left == 1 else 'are'} available: "
    if not left:
        return said + "every request is refused."
    if left <= counts.interrupt_free_min:
        return said + "only INTERRUPT requests are served."
    if left <= counts.free_reserved:
        return said + "SYSTEM and INTERRUPT requests are served; a NORMAL one is refused, and wakes the page daemon."
    if left < counts.free_min:
        return said + "all requests are served, but threads that wait for pages are not woken."
    if left < counts.free_target:
        return said + "all requests are served; a page daemon that is awake works on."
    return said + f"the page daemon rests, and is woken at {counts.free_reserved:,}."


# ---- all pages, to scale -------------------------------------------------------------------------------


def _parts(counts: PageCounts) -> list[tuple[str, int, str]]:
    """Return the name, pages and style of each part, in order: first the available pages."""
    other = max(0, counts.used - counts.wired - counts.inactive)
    return [
        ("free", counts.free - counts.zeroed, "free"),
        ("zeroed", counts.zeroed, "zeroed"),
        ("cached", counts.cached, "cached"),
        ("inactive", counts.inactive, "inactive"),
        ("in use", other, "used"),
        ("wired", counts.wired, "wired"),
    ]


def _composition(counts: PageCounts, before: PageCounts, top: float, width: float) -> list[Node]:
    room = width - 2 * MARGIN
    parts, earlier = _parts(counts), {name: pages for name, pages, _ in _parts(before)}
    shown = [part for part in parts if part[1]]
    least = 3.0
    spare = room - least * len(shown)
    words = f"all {counts.total:,} frames, {binary_size(counts.total * PAGE)}, to scale"
    nodes = [kit.label("frames/whole", words, MARGIN, top, most=room)]
    x = MARGIN
    for name, pages, look in shown:
        w = least + spare * pages / max(1, counts.total)
        title = f"{_said(name, pages)}, {binary_size(pages * PAGE)}"
        box = Box(x, top + 20, w - 1, THIN)
        nodes.append(kit.chip(f"frames/part/{name}", "page-part", box, lane="frames/parts", state=[look], title=title))
        x += w
    known = [(name, pages, look) for name, pages, look in parts if pages or earlier.get(name)]
    said = [_said(name, pages) for name, pages, _ in known]
    was = [f"was {earlier[name]:,}" if earlier[name] != pages else "" for name, pages, _ in known]
    widths = [text_width(f"{one} {old}", "label strong") + 20 for one, old in zip(said, was, strict=True)]
    boxes = kit.flow(widths, top + 24 + THIN, 18, width=width, gap=10)
    for number, ((_, _, look), one, old, box) in enumerate(zip(known, said, was, boxes, strict=True)):
        text = [Text(15, 13, one, "label new" if old else "label")]
        text += [Text(21 + text_width(one, "strong"), 13, old, "label dim")] * bool(old)
        nodes.append(kit.runs(f"frames/legend/{number}", box, text, bars=(Bar(0, 3, 10, 10, look),),
                              state=["changed"] * bool(old), title=" ".join(filter(None, (one, old)))))  # fmt: skip
    return nodes


def _said(name: str, pages: int) -> str:
    return f"{name} {pages:,}"


# ---- what can be had, against the reserves -------------------------------------------------------------

MEANINGS = {
    "free_target": "a page daemon that is awake works until so many are available",
    "free_min": "from here on, threads that wait for pages are woken",
    "free_reserved": "at so many or fewer a NORMAL request is refused, and wakes the page daemon",
    "interrupt_free_min": "at so many or fewer only INTERRUPT requests are served",
}
"""The effects at the marks, the largest mark first."""

_CUT, _CUT_AT = 4, 0.86
"""On a cut scale, numbers up to this multiple of free_target take this part of the width."""


def level(counts: PageCounts, pages: int, width: float) -> float:
    """Return the place of a number of pages on the gauge; numbers beyond a cut share the remaining space."""
    room, share, most = width - 2 * MARGIN, 1.0, max(counts.total, counts.free_target + 1)
    if is_cut(counts):
        reach = _CUT * counts.free_target
        if pages > reach:
            return MARGIN + room * (_CUT_AT + (1 - _CUT_AT) * (pages - reach) / (most - reach))
        most, share = reach, _CUT_AT
    return MARGIN + room * share * min(1.0, pages / most)


def is_cut(counts: PageCounts) -> bool:
    """Return whether so little is left that the marks are drawn larger than everything else."""
    reach = _CUT * counts.free_target
    return counts.available <= reach and counts.total > 2 * reach


def _reserves(counts: PageCounts, before: PageCounts, top: float, width: float) -> list[Node]:
    room, cut = width - 2 * MARGIN, is_cut(counts)
    words = "available frames against the reserves, " + ("cut at the right" if cut else "to scale")
    note = kit.paragraph("frames/note", words, MARGIN, top, min(room, text_width(words) + 2))
    classes = _classes(counts, before, note, width)
    bar_y = max(node.y + node.h for node in (note, *classes)) + 24
    x = level(counts, counts.available, width)
    said = f"{counted(counts.available, 'page')} available: {counts.free:,} free, {counts.cached:,} cached"
    nodes = [note, *classes, kit.chip("frames/reserves", "axis", Box(MARGIN, bar_y, room, 14), title=said)]
    if counts.available:
        state = ("low",) if not served(counts)["NORMAL"] else ()
        box = Box(MARGIN, bar_y, max(1.0, x - MARGIN), 14)
        nodes.append(kit.chip("frames/level", "level", box, state=state, title=said))
    if cut:
        place = Box(MARGIN + room * _CUT_AT, bar_y, 8, 14)
        nodes.append(kit.runs("frames/cut", place, (), bars=(Bar(0, 0, 2, 14, "ground"), Bar(4, 0, 2, 14, "ground"))))
    y = bar_y + 18
    for name, meaning in MEANINGS.items():
        nodes.append(_mark(counts, name, meaning, bar_y, y, width))
        y = nodes[-1].y + nodes[-1].h
    total = f"{counts.total:,}"
    if x + text_width(f"{counts.available:,} available") < width - MARGIN - text_width(total) - 40:
        nodes.append(kit.label("frames/total", total, width - MARGIN - text_width(total), bar_y - 20))
    nodes.append(_pointer(counts, before, x, bar_y, width))
    return nodes


def _mark(counts: PageCounts, name: str, meaning: str, bar_y: float, y: float, width: float) -> Node:
    """Return a line from the gauge to its mark's number, name and effect."""
    pages = int(getattr(counts, name))
    x = level(counts, pages, width)
    left = x + 12
    number = f"{pages:,}"
    indent = text_width(number, "strong") + 6
    said = wrapped(f"{name}: {meaning}", width - MARGIN - left - indent)
    top = y - bar_y
    is_under = counts.available < pages or (name in REFUSING and counts.available <= pages)
    style = "label" if is_under else "label dim"
    text = [Text(12, top + 14, number, "strong")]
    text += [Text(12 + indent, top + 14 + 16 * at, line, style) for at, line in enumerate(said)]
    bars = (Bar(0, 0, 1.5, top + 10, "mark"), Bar(0, top + 9, 8, 1.5, "mark"))
    box = Box(x, bar_y, width - MARGIN - x, top + 4 + 16 * len(said))
    return kit.runs(f"frames/mark/{name}", box, text, bars=bars, title=f"{name}: {pages:,} pages; {meaning}",
                    lane="frames/marks")  # fmt: skip


REFUSING = "free_reserved", "interrupt_free_min"
"""The marks that a request must exceed; at the others, it is enough to reach them."""


def _pointer(counts: PageCounts, before: PageCounts, x: float, bar_y: float, width: float) -> Node:
    label = f"{counted(counts.available, 'page')} available"
    was = f"was {before.available:,}" if before.available != counts.available else ""
    wide = text_width(label, "label strong")
    w = wide + (text_width(was) + 10 if was else 0) + 6
    left = min(max(MARGIN, x - wide / 2), width - MARGIN - w)
    text = [Text(2, 12, label, "label new" if was else "label strong")]
    text += [Text(wide + 10, 12, was, "label dim")] * bool(was)
    bars = (Bar(min(max(0.0, x - left - 1.5), w - 3), 16, 3, 6, "changed" if was else "mark"),)
    return kit.runs("frames/pointer", Box(left, bar_y - 24, w, 22), text, bars=bars, title=label)


def _done(is_served: bool) -> str:
    return "served" if is_served else "refused, and would wake the page daemon,"


def _classes(counts: PageCounts, before: PageCounts, note: Node, width: float) -> list[Node]:
    """Return each class of request with its result now, in words and by shape: round if served, square if refused.

    They are to the right of the note, or in lines of their own below it if there is no room.
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
