"""All of memory as one bar, the frames that requests can get at its left, against the marks that trigger actions.

If few are left, the scale is cut, so that the last pages, which matter most, are visible.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from vmwidgets.engine.base.units import PAGE, binary_size, counted
from vmwidgets.engine.memory.pages_schema import PageCounts
from vmwidgets.views.scene import boxes, kit
from vmwidgets.views.scene.boxes import Part
from vmwidgets.views.scene.kit import Box
from vmwidgets.views.scene.model import Bar, Node, Text
from vmwidgets.views.scene.text import text_width, wrapped

_BAR = 28.0
"""Height of the bar."""

CLASSES = ("NORMAL", "SYSTEM", "INTERRUPT")

_APART = 12.0
"""Pixels between adjacent words."""


def served(counts: PageCounts) -> dict[str, bool]:
    """Return which classes of requests would get a page now; all limits are strict."""
    left = counts.available
    normal = left > counts.free_reserved
    return {"NORMAL": normal, "SYSTEM": normal or left > counts.interrupt_free_min, "INTERRUPT": left > 0}


def gauges(counts: PageCounts, before: PageCounts) -> Part:
    """Return the bar with its marks, its parts below, and which requests are served.

    `before` are the counts at the operation's start; differences are shown next to the parts.
    """
    return boxes.below(_reserves(counts, before), _legend(counts, before), gap=10)


def answer(counts: PageCounts) -> str:
    """Return what the kernel does at this number of free pages, in a sentence.

    Only a refused request wakes the page daemon; once awake, it works until free_target (FreeBSD `vm_pageout`).
    """
    left = counts.available
    there = f"{left:,} of {counts.total:,} frames {'is' if left == 1 else 'are'} available"
    if left >= counts.free_target:
        return f"{there}. The page daemon rests, and is woken at {counts.free_reserved:,}."
    said = f"{there}: "
    if not left:
        return said + "every request is refused."
    if left <= counts.interrupt_free_min:
        return said + "only INTERRUPT requests are served."
    if left <= counts.free_reserved:
        return said + "SYSTEM and INTERRUPT requests are served; a NORMAL one is refused, and wakes the page daemon."
    if left < counts.free_min:
        return said + "all requests are served, but threads that wait for pages are not woken."
    return said + "all requests are served; a page daemon that is awake works on."


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


def _legend(counts: PageCounts, before: PageCounts) -> Part:
    """Return the number of pages in each part."""
    parts, earlier = _parts(counts), {name: pages for name, pages, _ in _parts(before)}
    known = [(name, pages, look) for name, pages, look in parts if pages or earlier.get(name)]
    meanings = []
    for number, (name, pages, look) in enumerate(known):
        said, old = _said(name, pages), f"was {earlier[name]:,}" if earlier[name] != pages else ""
        text = [Text(15, 13, said, "label new" if old else "label")]
        text += [Text(21 + text_width(said, "strong"), 13, old, "label dim")] * bool(old)
        draw = partial(
            kit.runs,
            f"frames/legend/{number}",
            text=text,
            bars=(Bar(0, 3, 10, 10, look),),
            state=["changed"] * bool(old),
            title=" ".join(filter(None, (said, old))),
        )
        meanings.append((text_width(f"{said} {old}", "label strong") + 20, boxes.thing(kit.LINE, draw)))
    return boxes.flowing(meanings, gap=10)


def _pieces(counts: PageCounts, box: Box) -> Iterator[Node]:
    """Yield the parts of the bar; a small one is also seen."""
    done, x = 0, 0.0
    known = [part for part in _parts(counts) if part[1]]
    for left, (name, pages, look) in zip(range(len(known), 0, -1), known, strict=True):
        done += pages
        end = min(max(level(counts, done, box.w), x + _LEAST), box.w - _LEAST * (left - 1))
        title = f"{_said(name, pages)}, {binary_size(pages * PAGE)}"
        place = box._replace(x=box.x + x, w=max(1.0, end - x - 1))
        yield kit.chip(f"frames/part/{name}", "page-part", place, lane="frames/parts", state=[look], title=title)
        x = end


_LEAST = 3.0
"""The least width of a part."""


def _said(name: str, pages: int) -> str:
    return f"{name} {pages:,}"


# ---- against the reserves ------------------------------------------------------------------------------

MEANINGS = {
    "free_target": "a page daemon that is awake works until so many are available",
    "free_min": "from here on, threads that wait for pages are woken",
    "free_reserved": "at or below, a NORMAL request is refused, and wakes the page daemon",
    "interrupt_free_min": "at or below, only INTERRUPT requests are served",
}
"""The effects at the marks, the largest mark first."""

WAKES = "free_reserved"
"""The mark that has words even if all are far away."""

_CUT, _CUT_AT = 4, 0.86
"""On a cut scale, numbers up to this multiple of free_target take this part of the width."""


def level(counts: PageCounts, pages: int, w: float) -> float:
    """Return the place of a number of pages on the gauge; numbers beyond a cut share the remaining space."""
    share, most = 1.0, max(counts.total, counts.free_target + 1)
    if is_cut(counts):
        reach = _CUT * counts.free_target
        if pages > reach:
            return w * (_CUT_AT + (1 - _CUT_AT) * (pages - reach) / (most - reach))
        most, share = reach, _CUT_AT
    return w * share * min(1.0, pages / most)


def is_cut(counts: PageCounts) -> bool:
    """Return whether so little is left that the marks are drawn larger than everything else."""
    reach = _CUT * counts.free_target
    return counts.available <= reach and counts.total > 2 * reach


def _reserves(counts: PageCounts, before: PageCounts) -> Part:
    """Return the available frames on a scale with marks, and which requests are served, beside or below its name."""
    said = "all frames, the available ones at the left, " + ("cut at the right" if is_cut(counts) else "to scale")
    note, classes = boxes.words("frames/note", said), _classes(counts, before)
    in_one_line = sum(wide + 8 for wide, _ in classes) + text_width(said) + _APART

    def head(w: float) -> Part:
        if in_one_line <= w:
            return boxes.columns((0, note), *classes)
        return boxes.below(note, boxes.flowing(classes), gap=2)

    scale = boxes.drawing(_BAR, partial(_scale, counts, before))
    return boxes.below(boxes.sized(head), boxes.apart(24), scale)


def _scale(counts: PageCounts, before: PageCounts, box: Box) -> Iterator[Node]:
    """Yield the bar, its parts, and a line from it to each mark's number, effect and name below."""
    at = level(counts, counts.available, box.w)
    said = f"{counted(counts.available, 'page')} available: {counts.free:,} free, {counts.cached:,} cached"
    yield kit.chip("frames/reserves", "axis", box, title=said)
    yield from _pieces(counts, box)
    if is_cut(counts):
        bars = Bar(0, 0, 2, _BAR, "ground"), Bar(4, 0, 2, _BAR, "ground")
        yield kit.runs("frames/cut", box._replace(x=box.x + box.w * _CUT_AT, w=8), (), bars=bars)
    y = _BAR + 4
    for name, meaning in MEANINGS.items():
        mark = _mark(counts, name, meaning, y, box)
        yield mark
        y = max(y, mark.h * bool(mark.text))
    total = f"{counts.total:,}"
    if at + text_width(f"{counts.available:,} available") < box.w - text_width(total) - 40:
        yield kit.label("frames/total", total, box.x + box.w - text_width(total), box.y - 20)
    yield _pointer(counts, before, at, box)


def _mark(counts: PageCounts, name: str, meaning: str, top: float, box: Box) -> Node:
    """Return a line from the bar to its mark's number, effect and name, `top` pixels below.

    While more frames than all marks are available, the others are lines alone.
    """
    pages = int(getattr(counts, name))
    at, number, title = level(counts, pages, box.w), f"{pages:,}", f"{name}: {pages:,} pages; {meaning}"
    if counts.available >= counts.free_target and name != WAKES:
        line, place = Bar(0, _BAR - 6, 1.5, 10, "mark"), Box(box.x + at, box.y, 2, _BAR + 4)
        return kit.runs(f"frames/mark/{name}", place, (), bars=(line,), title=title, lane="frames/marks")
    indent = text_width(number, "strong") + 6
    said = wrapped(f"{meaning} ({name})", box.w - at - 12 - indent)
    is_under = counts.available < pages or (name in REFUSING and counts.available <= pages)
    style = "label" if is_under else "label dim"
    text = [Text(12, top + 14, number, "strong")]
    text += [Text(12 + indent, top + 14 + 16 * line, words, style) for line, words in enumerate(said)]
    bars = (Bar(0, 0, 1.5, top + 10, "mark"), Bar(0, top + 9, 8, 1.5, "mark"))
    place = Box(box.x + at, box.y, box.w - at, top + 4 + 16 * len(said))
    return kit.runs(f"frames/mark/{name}", place, text, bars=bars, title=title, lane="frames/marks")


REFUSING = "free_reserved", "interrupt_free_min"
"""The marks that a request must exceed; at the others, it is enough to reach them."""


def _pointer(counts: PageCounts, before: PageCounts, at: float, box: Box) -> Node:
    """Return the number of available pages, above its place on the gauge."""
    label = f"{counted(counts.available, 'page')} available"
    was = f"was {before.available:,}" if before.available != counts.available else ""
    wide = text_width(label, "label strong")
    w = wide + (text_width(was) + 10 if was else 0) + 6
    left = min(max(0.0, at - wide / 2), box.w - w)
    text = [Text(2, 12, label, "label new" if was else "label strong")]
    text += [Text(wide + 10, 12, was, "label dim")] * bool(was)
    bars = (Bar(min(max(0.0, at - left - 1.5), w - 3), 16, 3, 6, "changed" if was else "mark"),)
    return kit.runs("frames/pointer", Box(box.x + left, box.y - 24, w, 22), text, bars=bars, title=label)


def _done(is_served: bool) -> str:
    return "served" if is_served else "refused, and would wake the page daemon,"


def _classes(counts: PageCounts, before: PageCounts) -> list[tuple[float, Part]]:
    """Return each class of request with its result now, in words and by shape: round if served, square if refused."""
    now, earlier = served(counts), served(before)
    found: list[tuple[float, Part]] = []
    for name in CLASSES:
        words = f"{name}: {'served' if now[name] else 'refused'}"
        draw = partial(
            kit.chip,
            f"frames/class/{name}",
            "page-class",
            words=words,
            shape="round" if now[name] else "box",
            lane="frames/classes",
            state=["ok" if now[name] else "fault", *["changed"] * (now[name] != earlier[name])],
            title=f"a page request of class {name} would be {_done(now[name])} now",
        )
        found.append((text_width(words, "label") + 22, boxes.thing(20, draw)))
    return found
