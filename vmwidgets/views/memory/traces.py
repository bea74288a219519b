"""A program's trace: where it refers to in the course of time, and how often policies fault with how many frames."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from math import log

from vmwidgets.engine.base.units import Address, binary_size, counted
from vmwidgets.engine.paper.traces_schema import FaultsValue, LocalityValue, PagesRow
from vmwidgets.views.scene import kit
from vmwidgets.views.scene.kit import MARGIN, WIDTH
from vmwidgets.views.scene.model import Bar, Caption, Link, Node, Scene, Table, Text
from vmwidgets.views.scene.text import text_width, visible
from vmwidgets.views.story.words.pictures import say_traces

_ROW, _GAP, _SETS = 12.0, 2.0, 44.0
"""Pixels: the height of a row, the room between two that lie apart, the height of the curve of sets."""

SHADES = 3
"""So many shades of a colour, by how often a part is referenced, in equal steps of the logarithm."""

_HIGH, _ROOM = 240.0, 56.0
"""Pixels: the height of curves, and the room for numbers beside them."""


# ---- locality --------------------------------------------------------------------------------------


def draw_locality(value: LocalityValue, *, width: float = WIDTH) -> Scene:
    """Time to the right, pages upwards: how often each part of memory is referenced in each part of the time."""
    names = [_name(row, value.page) for row in value.rows]
    left = MARGIN + max(text_width(name, "mono label") for name in names) + 8
    each = (width - MARGIN - left) / len(value.sets)
    most = max(count for row in value.rows for count, _ in row.cells)
    nodes: list[Node] = []
    y, above = 4.0, 0.0
    for number in reversed(range(len(value.rows))):
        row = value.rows[number]
        if number + 1 < len(value.rows) and value.rows[number + 1].first > row.last + 1:
            y += _GAP
        is_named = y >= above
        nodes.append(_row(row, number, names[number] if is_named else "", kit.Box(MARGIN, y, width - 2 * MARGIN, _ROW),
                          left - MARGIN, each, most, value.page))  # fmt: skip
        above = y + 16 if is_named else above
        y += _ROW
    nodes += _sets(value, left, y + 10, each)
    y += 10 + _SETS
    time = f"time: {value.references:,} references"
    nodes.append(kit.label("locality/time", time, width - MARGIN - text_width(time), y + 2))
    used = [("refs-read-3", "read"), ("refs-write-3", "written too"), ("refs-read-1", "seldom")]
    nodes += kit.legend("locality/legend", used, y + 24, width=width)
    hot = say_traces("hot", value.hot, pages=f"{value.pages:,}")
    rows = [
        (str(Address(row.first * value.page)), f"{row.used:,}", f"{row.references:,}", f"{row.writes:,}")
        for row in value.rows
    ]
    return kit.scene(
        "locality", visible(value.name) or "a program's references",
        f"{counted(value.references, 'reference')} to {counted(value.pages, 'page')} of {binary_size(value.page)}"
        f" · {value.mix}",
        nodes, caption=Caption(hot), table=Table(("from", "pages used", "references", "writes"), rows), width=width,
    )  # fmt: skip  # its parts


def _name(row: PagesRow, page: int) -> str:
    return str(Address(row.first * page))


def _row(row: PagesRow, number: int, name: str, box: kit.Box, left: float, each: float, most: int, page: int) -> Node:
    """One row of pages: what is alike for some time is one bar."""
    bars = [Bar(left, 0, box.w - left, box.h, "refs-none")]
    at = 0
    for style, cells in groupby(row.cells, key=lambda cell: _style(cell, most)):
        long = len(list(cells))
        if style:
            bars.append(Bar(round(left + at * each, 1), 0, round(long * each, 1), box.h, style))
        at += long
    pages = f"{counted(row.used, 'page')} from {Address(row.first * page)} to {Address((row.last + 1) * page)}"
    title = f"{pages}: {counted(row.references, 'reference')}, {counted(row.writes, 'write')}"
    text = (Text(0, 10, name, "mono label dim"),) if name else ()
    return Node(
        f"locality/row/{number}", "label", *box, shape="none", text=text, bars=tuple(bars), title=title, lane="locality"
    )


def _style(cell: tuple[int, int], most: int) -> str:
    count, writes = cell
    if not count:
        return ""
    shade = min(SHADES, 1 + int(SHADES * log(count) / log(most))) if most > 1 else SHADES
    return f"refs-{'write' if writes else 'read'}-{shade}"


def _sets(value: LocalityValue, left: float, y: float, each: float) -> Iterator[Node]:
    """How many pages are used in each part of the time."""
    most = max(value.sets)
    bars, at = [], 0
    for count, alike in groupby(value.sets):
        long = len(list(alike))
        high = round((_SETS - 4) * count / most, 1)
        bars.append(Bar(round(left + at * each, 1) - MARGIN, _SETS - 4 - high, round(long * each, 1), high, "refs-set"))
        at += long
    words = say_traces("sets", most=f"{most:,}")
    yield Node("locality/sets", "label", MARGIN, y, left - MARGIN + len(value.sets) * each, _SETS, shape="none",
               text=(Text(0, 10, "pages in use", "label dim"), Text(0, 26, f"most {most:,}", "label dim")),
               bars=tuple(bars), title=words)  # fmt: skip  # its parts


# ---- faults ----------------------------------------------------------------------------------------


def draw_faults(value: FaultsValue, *, width: float = WIDTH) -> Scene:
    """Faults upwards, in equal steps of the logarithm; frames to the right, so too where there are many."""
    left, right, top = MARGIN + _ROOM, width - MARGIN - 8, 14.0
    counts = {policy: [value.faults(policy, size) for size in value.sizes] for policy in value.policies}
    low, high = min(map(min, counts.values())), max(map(max, counts.values()))
    is_wide = value.sizes[-1] > 32 * value.sizes[0]

    def x(frames: int) -> float:
        first, last = value.sizes[0], value.sizes[-1]
        if first == last:
            return (left + right) / 2
        share = log(frames / first) / log(last / first) if is_wide else (frames - first) / (last - first)
        return left + (right - left) * share

    def y(faults: int) -> float:
        return top + _HIGH * (1 - (log(faults / low) / log(high / low) if high > low else 0.5))

    nodes = [*_scale(low, high, y, left, right), *_sizes(value, x, top + _HIGH)]
    links = []
    for number, policy in enumerate(value.policies):
        points = [(x(size), y(count)) for size, count in zip(value.sizes, counts[policy], strict=True)]
        ends = [
            Node(f"faults/{policy}/{end}", "label", px - 3, py - 3, 6, 6, shape="none",
                 bars=(Bar(1, 1, 4, 4, f"curve-{number % 4}"),), lane=f"faults/{policy}",
                 title=f"{policy}, {counted(size, 'frame')}: {counted(count, 'fault')}")
            for end, (size, count, (px, py)) in enumerate(zip(value.sizes, counts[policy], points, strict=True))
        ]  # fmt: skip  # a point
        nodes += ends
        if len(points) > 1:
            links.append(
                Link(f"faults/{policy}", "curve", ends[0].id, ends[-1].id, tuple(points), (f"curve-{number % 4}",))
            )
    bottom = top + _HIGH + 40
    nodes += kit.legend(
        "faults/legend", [(f"curve-{number % 4}", policy) for number, policy in enumerate(value.policies)], bottom,
        width=width,
    )  # fmt: skip
    return kit.scene(
        "faults", f"faults of {visible(value.name)}" if value.name else "faults by number of frames", value.headline,
        nodes, caption=_caption(value), table=Table(("frames", *value.policies), value.table()), links=links,
        width=width,
    )  # fmt: skip  # its parts


def _caption(value: FaultsValue) -> Caption:
    policy = "lru" if "lru" in value.policies else value.policies[0]
    enough = value.enough(policy)
    each = {"policy": policy, "cold": f"{value.pages:,}"}
    if enough is None:
        least = value.faults(policy, value.sizes[-1])
        text = say_traces("never enough", value.sizes[-1], faults=f"{least:,}", **each)
    else:
        text = say_traces("enough", enough, **each)
    found = value.anomalies
    if not found:
        return Caption(text)
    which, few, many = found[0]
    reason = say_traces(
        "anomaly", len(found), policy=which, few=f"{few:,}", many=f"{many:,}",
        before=f"{value.faults(which, few):,}", after=f"{value.faults(which, many):,}",
    )  # fmt: skip
    return Caption(text, (), reason)


def _scale(low: int, high: int, y: object, left: float, right: float) -> Iterator[Node]:
    """Numbers of faults: the least and the most, and powers of ten between them, as far as they do not meet."""
    between = [10**power for power in range(12) if low < 10**power < high]
    taken: list[float] = []
    for count in dict.fromkeys((low, high, *between)):
        at = y(count)  # type: ignore[operator]  # a function of this picture
        if any(abs(at - other) < 16 for other in taken):
            continue
        taken.append(at)
        words = f"{count:,}"
        line = Bar(_ROOM, 7.5, right - left, 1, "rail")
        yield Node(f"faults/scale/{count}", "label", left - _ROOM, at - 8, right - left + _ROOM, 16, shape="none",
                   text=(Text(_ROOM - 8, 12, words, "label dim", "end"),), bars=(line,),
                   title=f"{words} faults")  # fmt: skip  # its parts


def _sizes(value: FaultsValue, x: object, y: float) -> Iterator[Node]:
    taken: list[tuple[float, float]] = []
    for size in dict.fromkeys((value.sizes[0], value.sizes[-1], *value.sizes)):
        at, words = x(size), f"{size:,}"  # type: ignore[operator]  # a function of this picture
        half = text_width(words) / 2 + 5
        if any(at - half < b and at + half > a for a, b in taken):
            continue
        taken.append((at - half, at + half))
        yield Node(f"faults/frames/{size}", "label", at - half, y + 4, 2 * half, 18, shape="none",
                   text=(Text(half, 13, words, "label dim", "middle"),), title=counted(size, "frame"))  # fmt: skip
    yield kit.label("faults/frames", "frames", MARGIN, y + 4)
