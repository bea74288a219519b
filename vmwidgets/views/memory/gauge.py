"""All of memory as one bar: the frames that requests can get at its left, then the owners of the others.

Lines below lead to the marks that trigger actions.  The bar has one scale; below it are the numbers of all parts, the
smallest of which are lines.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from vmwidgets.engine.base.units import PAGE, binary_size, counted
from vmwidgets.engine.memory.pages_schema import FramesValue, PageCounts
from vmwidgets.views.scene import boxes, kit
from vmwidgets.views.scene.boxes import Part
from vmwidgets.views.scene.key import kind_of_owner
from vmwidgets.views.scene.kit import Box
from vmwidgets.views.scene.model import Bar, Node, Text
from vmwidgets.views.scene.text import fitted, text_width, wrapped
from vmwidgets.views.story.words.names import owner_words

_BAR = 20.0
"""Height of the bar."""

OWNERS = 7
"""The most parts that are named below the bar."""


def served(counts: PageCounts) -> dict[str, bool]:
    """Return which classes of requests would get a page now; all limits are strict."""
    left = counts.available
    normal = left > counts.free_reserved
    return {"NORMAL": normal, "SYSTEM": normal or left > counts.interrupt_free_min, "INTERRUPT": left > 0}


def owners_of(value: FramesValue) -> dict[str, int]:
    """Return the owners by their drawn names, with the numbers of their frames, the most first."""
    counts = Counter[str]()
    for owner, count in value.owners:
        counts[owner_words(owner)] += count
    return dict(counts.most_common())


def gauges(value: FramesValue, before: FramesValue, *, calm: bool = False) -> Part:
    """Return the bar with its marks, and the names of its parts.

    `before` is physical memory at the operation's start; earlier numbers are next to the parts.  If it is `calm` and
    all marks are far away, only the numbers that changed are left.
    """
    if calm and is_far(value.counts):
        return _names(value, before, brief=True)
    scale = boxes.drawing(_BAR, partial(_scale, value, before.counts.free, "" if calm else WAKES))
    refused = [_refused(name) for name, is_served in served(value.counts).items() if not is_served]
    return boxes.below(boxes.flowing(refused), scale, _names(value, before), gap=10)


def answer(counts: PageCounts) -> str:
    """Return how many frames are available and, if they are few, what the kernel does then.

    Only a refused request wakes the page daemon; once awake, it works until free_target (FreeBSD `vm_pageout`).
    """
    left = counts.available
    said = f"{left:,} of {counts.total:,} frames {'is' if left == 1 else 'are'} available."
    if is_far(counts):
        return said
    if not left:
        return said + " Every request is refused."
    if left <= counts.interrupt_free_min:
        return said + " Only INTERRUPT requests are served."
    if left <= counts.free_reserved:
        return said + " SYSTEM and INTERRUPT requests are served; a NORMAL one is refused, and wakes the page daemon."
    if left < counts.free_min:
        return said + " All requests are served, but threads that wait for pages are not woken."
    return said + " All requests are served; a page daemon that is awake works on."


def is_far(counts: PageCounts) -> bool:
    """Return whether so many frames are available that no mark matters."""
    return counts.available >= counts.free_target


def gauge_facts(value: FramesValue, *, calm: bool = False) -> object:
    """Return what the bar and its words say of frames."""
    if calm and is_far(value.counts):
        return [(name, frames) for name, frames, *_ in _parts(value)]
    return _parts(value), replace(value.counts, zeroed=0, inactive=0, deficit=0)


# ---- all pages -----------------------------------------------------------------------------------------


def _parts(value: FramesValue) -> list[tuple[str, int, str, int]]:
    """Return the name, frames, kind, and wired frames of each part, in order: first the available frames."""
    counts, cached, wired = value.counts, _known(value, "cached"), _known(value, "wired")
    parts = [("free", counts.free, "free", 0), ("cached", sum(cached.values()), "cached", 0)]
    for name, count in owners_of(value).items():
        parts.append((name, count - cached[name], kind_of_owner(name), wired[name]))
    return [part for part in parts if part[1]]


def _known(value: FramesValue, what: str) -> Counter[str]:
    """Return the cached or wired frames of each owner; nothing if the value does not contain all of them."""
    found = Counter[str]()
    for run in value.runs:
        if run.wired if what == "wired" else run.state == what:
            found[owner_words(run.owner)] += run.frames
    return found if found.total() == getattr(value.counts, what) else Counter()


def _names(value: FramesValue, before: FramesValue, *, brief: bool = False) -> Part:
    """Return the name of each part with its number, and how many frames are wired.

    What is free is one of them if the bar has no room for it.  A `brief` line has what is free and what changed.
    """
    now, was = ({name: frames for name, frames, *_ in _parts(one)} for one in (value, before))
    kinds = {name: kind for name, _, kind, _ in [*_parts(before), *_parts(value)]}
    known = sorted({**was, **now}, key=lambda name: (name not in _AVAILABLE, -now.get(name, 0)))
    if brief:
        known = [name for name in known if name == "free" or now.get(name) != was.get(name)]
    elif level(value.counts, value.counts.free, 1) > _SAID:
        known.remove("free")
    shown, rest = known[:OWNERS], known[OWNERS:]
    items = [
        _name(
            name,
            now.get(name, 0),
            was.get(name, 0),
            kinds[name] if name in _AVAILABLE else f"own-{kinds[name]}",
        )
        for name in shown
    ]
    if rest:
        items.append(_name(counted(len(rest), "more owner"), sum(now.get(name, 0) for name in rest), None, ""))
    if value.counts.wired and not brief:
        items.append(_name("wired", value.counts.wired, before.counts.wired, "mark"))
    return boxes.flowing(items, gap=14)


def _name(name: str, count: int, was: int | None, look: str) -> tuple[float, Part]:
    """Return the width and the words of a part, next to a sample of its colour or, if it is wired, of the line."""
    number, old = f"{count:,}", f"was {was:,}" if was is not None and was != count else ""
    inset = 16.0 if look else 0.0
    end = inset + text_width(name) + 6
    wide = end + text_width(number, "strong") + (6 + text_width(old) if old else 0)

    def draw(box: Box) -> Node:
        bars = (Bar(0, 11, 11, 3, look) if look == "mark" else Bar(0, 3, 10, 10, look),) * bool(look)
        words = fitted(inset, 13, name, box.w - (wide - end) - inset - 6, middle=True)
        at = min(end, box.w - (wide - end))
        text = [words, Text(at, 13, number, "strong")]
        text += [Text(at + text_width(number, "strong") + 6, 13, old, "label dim")] * bool(old)
        title = f"{name}: {counted(count, 'frame')}, {binary_size(count * PAGE)}{f', {old}' if old else ''}"
        return kit.runs(f"frames/owner/{name}", box, text, bars=bars, title=title, lane="frames/parts")

    return wide, boxes.thing(kit.LINE, draw)


def _pieces(value: FramesValue, was_free: int, box: Box) -> Iterator[Node]:
    """Yield the parts of the bar; a small one is also seen."""
    done, x, parts = 0, 0.0, _parts(value)
    for left, (name, frames, kind, wired) in zip(range(len(parts), 0, -1), parts, strict=True):
        done += frames
        end = min(max(level(value.counts, done, box.w), x + _LEAST), box.w - _LEAST * (left - 1))
        wide = max(1.0, end - x - 1)
        words: tuple[str, ...] = (f"{frames:,}",) if kind != "table" else ()
        if kind in ("free", "cached"):
            words = f"{frames:,} {name}", *words
        if kind == "free" and frames != was_free:
            words = f"{frames:,} free, was {was_free:,}", *words
        line = (Bar(0, _BAR - 5, wide * wired / frames, 5, "mark"),) * bool(wired)
        yield kit.chip(
            f"frames/part/{name}", "run", box._replace(x=box.x + x, w=wide), (*words, ""),
            style="label strong", lane="frames/parts", state=["tile", *_LOOKS.get(kind, (f"is-{kind}",))], bars=line,
            title=f"{name}: {frames:,}, {binary_size(frames * PAGE)}{f', {wired:,} wired' if wired else ''}",
        )  # fmt: skip  # its place, its words
        x = end


_LEAST = 3.0
"""The least width of a part."""

_AVAILABLE = "free", "cached"
"""The parts that a request can use."""

_SAID = 0.2
"""The part of the width from which the bar itself says how many frames are free."""

_LOOKS = {"cached": ("is-file", "frame-cached")}


# ---- against the reserves ------------------------------------------------------------------------------

MEANINGS = {
    "free_target": "a page daemon that is awake works until so many are available",
    "free_min": "from here on, threads that wait for pages are woken",
    "free_reserved": "at or below, a NORMAL request is refused, and wakes the page daemon",
    "interrupt_free_min": "at or below, only INTERRUPT requests are served",
}
"""The effects at the marks, the largest mark first."""

WAKES = "free_reserved"
"""The mark that is drawn even if all are far away."""


def level(counts: PageCounts, pages: int, w: float) -> float:
    """Return the place of a number of pages on the bar: all of it has one scale."""
    return w * min(1.0, pages / max(counts.total, counts.free_target + 1))


def _scale(value: FramesValue, was_free: int, always: str, box: Box) -> Iterator[Node]:
    """Yield the bar, its parts, and a line from it to each mark's number, effect and name below.

    The mark called `always` is drawn even if it is far away.
    """
    counts = value.counts
    said = f"{counted(counts.available, 'page')} available: {counts.free:,} free, {counts.cached:,} cached"
    yield kit.chip("frames/reserves", "axis", box, title=f"{said}; to scale")
    yield from _pieces(value, was_free, box)
    y = _BAR + 2
    for name, meaning in MEANINGS.items():
        if counts.available < counts.free_target or name == always:
            mark = _mark(counts, name, meaning, y, box)
            yield mark
            y = mark.h


def _mark(counts: PageCounts, name: str, meaning: str, top: float, box: Box) -> Node:
    """Return a line from the bar to its mark's number, effect and name, `top` pixels below."""
    pages = int(getattr(counts, name))
    at, number, title = level(counts, pages, box.w), f"{pages:,}", f"{name}: {pages:,} pages; {meaning}"
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


def _refused(name: str) -> tuple[float, Part]:
    """Return a class of request that is refused now."""
    words = f"{name}: refused"
    title = f"a page request of class {name} would be refused, and would wake the page daemon, now"
    draw = partial(kit.chip, f"frames/class/{name}", "page-class", words=words, lane="frames/classes", state=["fault"],
                   title=title)  # fmt: skip  # one chip
    return text_width(words, "label") + 22, boxes.thing(20, draw)
