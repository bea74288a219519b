"""A program's trace: its references over time, and how often policies fault with each number of frames."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import cycle, groupby, pairwise
from math import log
from typing import NamedTuple

from vmwidgets.engine.base.units import Address, binary_size, counted, listed
from vmwidgets.engine.paper.traces_schema import FaultsValue, IntervalsValue, LocalityValue, PagesRow, Window
from vmwidgets.engine.spaces.process_schema import UsedOverTime, UsedRange
from vmwidgets.views.scene import boxes, kit
from vmwidgets.views.scene.boxes import Bars, Column, Drawn, Part, Row
from vmwidgets.views.scene.kit import MARGIN, WIDTH
from vmwidgets.views.scene.model import Bar, Caption, Link, Node, Scene, Table, Text
from vmwidgets.views.scene.text import fitted, text_width, visible
from vmwidgets.views.story.words.pictures import say_traces

_ROW, _GAP, _SETS = 12.0, 2.0, 44.0
"""Pixels: the height of a row, the gap between two that are far apart, the height of the curve of sets."""

SHADES = 3
"""The number of shades of a colour, by how often a part is referenced, in equal steps of the logarithm."""

_STRIPS, _MOST_NAME = 24, 120.0
"""The number of strips of time that can be clicked; the width in pixels of a range's name."""

_IN_USE = "pages in use"

_CURVES = tuple(f"curve-{number}" for number in (0, 1, 2, 3, 5, 6))
"""The styles of policies' curves; the working set has number 4."""

_HIGH, _ROOM, _WORDS = 240.0, 56.0, 18.0
"""Pixels: the height of curves, the room for numbers next to them, and the distance of two curves' names."""


# ---- locality --------------------------------------------------------------------------------------


def draw_locality(value: LocalityValue, *, width: float = WIDTH) -> Scene:
    """Return time to the right, pages upwards: how often each part of memory is referenced in each part of the time."""
    part = f"references {value.first:,} to {value.last - 1:,}"
    time = part if value.is_part else counted(value.references, "reference")
    most = max(cell[0] for row in value.rows for cell in row.cells)
    names = [row.name or _address(row, value.page) for row in value.rows]
    wide = max(text_width(name, _name_style(row)) for name, row in zip(names, value.rows, strict=True))
    left = max(min(_MOST_NAME, wide), text_width(_IN_USE)) + 8
    drawn = boxes.below(
        _pages(value, names, left, most),
        boxes.below(
            boxes.drawing(_SETS, partial(_sets, value, left)), boxes.at_end("locality/time", f"time: {time} →")
        ),
        _back(value), boxes.key("locality/legend", _meanings(value, most)), gap=10,
    )  # fmt: skip  # from the pages to what colours mean
    has_cold = value.hot < value.pages
    hot = say_traces("hot" if has_cold else "every page", value.hot, pages=f"{value.pages:,}")
    part = say_traces("part", first=f"{value.first}", last=f"{value.last}") if value.is_part else ""
    return boxes.picture(
        "locality", visible(value.name) or "a program's references",
        f"{counted(value.references, 'reference')} to {counted(value.pages, 'page')} of {binary_size(value.page)}"
        f" · {value.mix}",
        drawn, caption=Caption(hot, (), part), table=_table(value), width=width,
    )  # fmt: skip  # its parts


def _back(value: LocalityValue) -> Part:
    """Return what leads back to everything, if this is a part."""
    words = "◂ all references and pages"
    fold = boxes.folded("locality/whole", words, opens=True, high=22)
    return boxes.narrower(text_width(words) + 20, fold) if value.is_part else boxes.below()


def _said(rows: Sequence[PagesRow]) -> set[int]:
    """Return the rows that have words: the uppermost of each named range, and others, from above, but no neighbours."""
    said = {at for at, row in enumerate(rows) if row.name and (at + 1 == len(rows) or rows[at + 1].name != row.name)}
    for at in reversed(range(len(rows))):
        if not rows[at].name and said.isdisjoint((at - 1, at + 1)):
            said.add(at)
    return said


def _sizes_said(rows: Sequence[PagesRow]) -> dict[int, str]:
    """Return how many pages of a named range are used, in the third of its rows from above."""
    found = {}
    for name, some in groupby(enumerate(rows), key=lambda one: one[1].name):
        numbers, each = zip(*some, strict=True)
        if name and len(numbers) > 2:
            found[numbers[-3]] = counted(sum(row.used for row in each), "page")
    return found


def _name_style(row: PagesRow) -> str:
    return "strong" if row.name else "mono label"


def _is_apart(row: PagesRow, above: PagesRow) -> bool:
    return above.first > row.last + 1 or above.name != row.name


def _address(row: PagesRow, page: int) -> str:
    return str(Address(row.first * page))


def _table(value: LocalityValue) -> Table:
    """Return the references themselves if they are few, and otherwise each row's contents."""
    if value.listed:
        each = ((f"{one.number:,}", str(Address(one.address)), one.does) for one in value.listed)
        return Table(("reference", "address", "does"), tuple(each))
    has_names = any(row.name for row in value.rows)
    rows = [
        (_address(row, value.page), *[row.name] * has_names, f"{row.used:,}", f"{row.references:,}", f"{row.writes:,}")
        for row in value.rows
    ]
    return Table(("from", *["name"] * has_names, "pages used", "references", "writes"), rows)


def _meanings(value: LocalityValue, most: int) -> list[tuple[str, str]]:
    """Return the colours present, each in its strongest shade, and a fainter one."""
    styles = {_style(cell, most) for row in value.rows for cell in row.cells}
    words = {"read": "read", "write": "written too", "fetch": "only instructions fetched"}
    found = [(f"refs-{kind}-{SHADES}", said) for kind, said in words.items() if any(kind in one for one in styles)]
    return [*found, ("refs-read-1", "fainter: seldom")] if any(one.endswith("-1") for one in styles) else found


def _pages(value: LocalityValue, names: Sequence[str], left: float, most: int) -> Part:
    """Return the rows of pages, the highest addresses first, with a gap between two that are not neighbours."""
    rows, said, sizes = value.rows, _said(value.rows), _sizes_said(value.rows)
    parts: list[Part] = []
    for number, row in reversed([*enumerate(rows)]):
        if number + 1 < len(rows) and _is_apart(row, rows[number + 1]):
            parts.append(boxes.apart(_GAP))
        words = names[number] if number in said else sizes.get(number, "")
        style = _name_style(row) if number in said and row.name else "label dim" if row.name else "mono label dim"
        pages = f"{counted(row.used, 'page')} from {Address(row.first * value.page)} to "
        pages += f"{Address((row.last + 1) * value.page)}"
        of = f"{visible(row.name)}, " * bool(row.name)
        title = f"{of}{pages}: {counted(row.references, 'reference')}, {counted(row.writes, 'write')}"
        text = fitted(0, 10, visible(words), left - 8, style)
        looks = [_style(cell, most) for cell in row.cells]
        parts.append(_strip(f"locality/row/{number}", text, looks, left, title, opens=True))
    return boxes.below(*parts)


def _strip(
    identity: str, name: Text, looks: Sequence[str], left: float, title: str, *, high: float = _ROW, pad: float = 0,
    opens: bool = False,
) -> Part:  # fmt: skip  # what it says, then how it looks
    """Return a row after its name: a bar for parts of the time that look alike; a click may show only these pages."""

    def draw(box: kit.Box) -> Node:
        each, at = (box.w - left) / len(looks), 0
        bars = [Bar(left, pad, box.w - left, high - 2 * pad, "refs-none")]
        for style, some in groupby(looks):
            long = len([*some])
            if style:
                bars.append(Bar(round(left + at * each, 1), pad, round(long * each, 1), bars[0].h, style))
            at += long
        return kit.runs(identity, box, [name] * bool(name.text), bars=bars, title=title, lane="locality",
                       action="open" if opens else "")  # fmt: skip  # a row

    return boxes.thing(high, draw)


def _style(cell: tuple[int, int, int], most: int) -> str:
    count, writes, fetches = cell
    if not count:
        return ""
    shade = min(SHADES, 1 + int(SHADES * log(count) / log(most))) if most > 1 else SHADES
    return f"refs-{'write' if writes else 'fetch' if fetches == count else 'read'}-{shade}"


def _sets(value: LocalityValue, left: float, box: kit.Box) -> Iterator[Node]:
    """Yield how many pages are used in each part of the time; a click on some parts shows only their references."""
    yield _most_used(value.sets, box._replace(w=left))
    together = -(-len(value.sets) // _STRIPS)
    edges = _edges(value.sets, box.x + left, box.w - left)
    for number, start in enumerate(range(0, len(value.sets), together)):
        some = value.sets[start : start + together]
        own = edges[start : start + together + 1]
        bars = _heights(some, [edge - own[0] for edge in own], max(value.sets))
        first, last = times(value, number)
        title = f"references {first:,} to {last - 1:,}: at most {counted(max(some), 'page')} in a part"
        place = box._replace(x=own[0], w=own[-1] - own[0])
        yield kit.runs(f"locality/part/{number}", place, (), bars=bars, title=title, lane="locality/parts",
                       action="open")  # fmt: skip  # a node


def _edges(sets: Sequence[int], left: float, room: float) -> list[float]:
    return [float(round(left + place * room / len(sets))) for place in range(len(sets) + 1)]


def _most_used(sets: Sequence[int], box: kit.Box, bars: Sequence[Bar] = ()) -> Node:
    """Return what the curve of sets is, and its height."""
    most = f"{max(sets):,}"
    text = (Text(0, 10, _IN_USE, "label dim"), Text(0, 26, f"most {most}", "label dim"))
    return kit.runs("locality/sets", box, text, bars=bars, title=say_traces("sets", most=most))


def _heights(sets: Sequence[int], edges: Sequence[float], most: int) -> list[Bar]:
    """Return the curve of some sets between their edges, on a line."""
    bars, at = [Bar(edges[0], _SETS - 5, edges[-1] - edges[0], 1, "rail")], 0
    for count, alike in groupby(sets):
        end = at + len([*alike])
        high = round((_SETS - 4) * count / max(most, 1), 1)
        bars.append(Bar(edges[at], _SETS - 4 - high, edges[end] - edges[at], high, "refs-set"))
        at = end
    return bars


def times(value: LocalityValue, number: int) -> tuple[int, int]:
    """Return the first and the end reference of each group of parts that is clicked as one."""
    parts = len(value.sets)
    together = -(-parts // _STRIPS)
    length = value.last - value.first
    begin, end = number * together, min(parts, (number + 1) * together)
    return value.first - -begin * length // parts, value.first - -end * length // parts


# ---- a real process --------------------------------------------------------------------------------


def draw_used(value: UsedOverTime, *, width: float = WIDTH) -> Scene:
    """Return how much of its ranges a real process uses in each part of the time, and the total of pages below."""
    sets, rows = value.sets, value.ranges
    order = sorted(enumerate(rows), key=lambda row: (row[1].start is None, -row[0]))

    def draw(w: float) -> Part:
        left = min((w + 2 * MARGIN) * 0.3, max(map(text_width, (_IN_USE, *(one.name for one in rows))))) + 8
        ranges = [_range(f"locality/range/{number}", one, left) for number, one in order]
        heights = _heights(sets, _edges(sets, left, w - left), max(sets))
        curve = boxes.thing(_SETS, lambda box: _most_used(sets, box, heights))
        time = boxes.at_end("locality/time", f"time: {len(sets) * value.each:.3g} s →")
        return boxes.below(boxes.below(*ranges), boxes.below(curve, time), boxes.key("locality/legend", _USED), gap=8)

    table = Table(
        ("range", "from", "pages", *(f"{(at + 1) * value.each:.3g} s" for at in range(len(sets)))),
        [(visible(one.name), _place(one), f"{one.pages:,}", *(f"{used:,}" for used in one.parts))
         for one in rows],
    )  # fmt: skip  # a row a range
    said = f"A page counts once in each {value.each:.3g} s."
    said += " Counting disturbs: it clears the referenced bit of each page."
    if not any(sets):
        said = f"No page was used. {said}"
    return boxes.picture(
        "locality", value.title, f"{visible(value.name)}, process {value.pid}", boxes.sized(draw),
        caption=Caption(said), table=table, width=width,
    )  # fmt: skip  # its parts


_USED = ("refs-read-3", "more than half of its pages"), ("refs-read-2", "some"), ("refs-read-1", "under a tenth")
"""The meanings of the shades of a real process's ranges."""


def _range(identity: str, one: UsedRange, left: float) -> Part:
    """Return how much of a range is used in the course of time."""
    looks = [_shade(used, one.pages) for used in one.parts]
    title = f"{visible(one.name)}: at most {max(one.parts):,} of {counted(one.pages, 'page')} in a part"
    name = fitted(0, 14, visible(one.name), left - 8, "label", middle=True)
    return _strip(identity, name, looks, left, title, high=18, pad=2)


def _place(one: UsedRange) -> str:
    return "several places" if one.start is None else str(Address(one.start))


def _shade(used: int, pages: int) -> str:
    """Return the style of a part of the time: how much of the range is used."""
    return "" if not used else f"refs-read-{3 if used * 2 > pages else 2 if used * 10 >= pages else 1}"


# ---- intervals -------------------------------------------------------------------------------------


def draw_intervals(value: IntervalsValue, *, width: float = WIDTH) -> Scene:
    """Return a bar for each length of time until a page is referenced again, each twice as long as the one before."""
    head = boxes.words("intervals/head", "references until the page is used again, and how often")
    columns = Column(), Column(takes=True), Column(end=True)
    rows = [
        Row(f"intervals/{words}", (words, Bars([(count, "refs-set")]), f"{count:,}")) for words, count in value.rows()
    ]
    longest = max(range(len(value.counts)), key=lambda place: value.counts[place], default=-1)
    times = f"{value.rows()[longest][0]} reference{'s' * (longest > 0)}"
    often = value.counts[longest] if value.counts else 0
    text = say_traces("interval", often, times=times, all=f"{value.references:,}")
    if not value.counts:
        text = say_traces("no interval", value.first)
    return boxes.picture(
        "intervals", f"when {visible(value.name)} comes back" if value.name else "when pages come back",
        f"references from one use of a page of {binary_size(value.page)} to the next",
        boxes.below(head, boxes.rows("intervals", columns, rows)), caption=Caption(text),
        table=Table(("references later", "references"), [(words, f"{count:,}") for words, count in value.rows()]),
        width=width,
    )  # fmt: skip  # its parts


# ---- faults ----------------------------------------------------------------------------------------


def draw_faults(value: FaultsValue, *, width: float = WIDTH) -> Scene:
    """Return faults upwards and frames to the right, both in equal steps of the logarithm if there are many."""
    shown_for = _first_policy(value)
    at = value.knee(shown_for)
    knee = say_traces("knee", at, policy=shown_for) if value.sizes[0] < at < value.sizes[-1] else ""
    subtitle = value.headline
    if value.tick:
        subtitle += f" · a tick each {counted(value.tick, 'reference')}"
    return boxes.picture(
        "faults", f"faults of {visible(value.name)}" if value.name else "faults by number of frames", subtitle,
        boxes.below(boxes.words("faults/up", "faults, logarithmic ↑"), boxes.apart(14), _graph(value, knee)),
        caption=_caption(value, knee), table=_faults_table(value), width=width,
    )  # fmt: skip  # its parts


def _graph(value: FaultsValue, knee: str) -> Part:
    """Return the curves on their scales, with their names, or with a legend if there is no room for names."""

    def put(drawn: Drawn, x: float, y: float, w: float) -> float:
        plot = _Plot.of(value, kit.Box(x + _ROOM, y, w - _ROOM - 8, _HIGH))
        curves = plot.curves()
        names = _named(curves, value.sizes, _most_apart(value), plot.box._replace(y=y - 14, h=_HIGH + 10))
        meanings = [] if names else [(one.style, visible(one.policy)) for one in curves if one.faults]
        meanings += [(one.style, "working set, at its mean size") for one in curves if not one.faults]
        meanings += [("", f"▾ the knee of {_first_policy(value)}")] * bool(knee)
        meanings += [("", "○ more frames, more faults")] * bool(value.anomalies)

        def things(_: kit.Box) -> Iterator[Node | Link]:
            yield from (*plot.scale(), *plot.numbers(), *(thing for one in curves for thing in one.drawn()))
            yield from (*plot.knee(knee), *plot.anomalies(), *names)

        words = "frames, logarithmic →" if plot.is_wide else "frames →"
        return boxes.below(
            boxes.below(boxes.drawing(_HIGH, things), boxes.at_end("faults/frames", words)),
            boxes.flowing([_meaning(number, *one) for number, one in enumerate(meanings)], gap=12), gap=8,
        )(drawn, x, y, w)  # fmt: skip  # curves, then what they mean

    return put


class _Plot(NamedTuple):
    """The places of numbers of frames and of faults, in a box."""

    value: FaultsValue
    box: kit.Box
    sets: Sequence[Window]
    """The working sets that are on the scale of frames."""
    low: int
    high: int

    @classmethod
    def of(cls, value: FaultsValue, box: kit.Box) -> _Plot:
        """Return the scales with room for all faults."""
        sets = [one for one in value.windows if value.sizes[0] <= one.mean <= value.sizes[-1]]
        every = [value.faults(policy, size) for policy in value.policies for size in value.sizes]
        every += [one.faults for one in sets]
        return cls(value, box, sets, min(every), max(every))

    @property
    def is_wide(self) -> bool:
        """Return whether frames are in equal steps of the logarithm."""
        return self.value.sizes[-1] > 32 * self.value.sizes[0]

    def x(self, frames: float) -> float:
        """Return the place of a number of frames."""
        first, last = self.value.sizes[0], self.value.sizes[-1]
        if first == last:
            return self.box.middle[0]
        share = log(frames / first) / log(last / first) if self.is_wide else (frames - first) / (last - first)
        return self.box.x + self.box.w * share

    def y(self, faults: int) -> float:
        """Return the place of a number of faults."""
        share = log(faults / self.low) / log(self.high / self.low) if self.high > self.low else 0.5
        return self.box.y + self.box.h * (1 - share)

    def curves(self) -> list[_Curve]:
        """Return a curve for each policy, and one for working sets."""
        value, curves = self.value, []
        for policy, look in zip(value.policies, cycle(_CURVES), strict=False):
            counts = [value.faults(policy, size) for size in value.sizes]
            points = [(self.x(size), self.y(count)) for size, count in zip(value.sizes, counts, strict=True)]
            curves.append(
                _Curve(policy, look, points, [_point_title(value, policy, one) for one in value.sizes], counts)
            )
        if self.sets:
            titles = [
                f"working set, a window of {counted(one.size, 'reference')}: {one.mean:,.1f} pages on average, at most "
                f"{one.largest:,}; {counted(one.faults, 'fault')}"
                for one in self.sets
            ]
            points = [(self.x(one.mean), self.y(one.faults)) for one in self.sets]
            curves.append(_Curve("working set", "curve-4", points, titles))
        return curves

    def knee(self, said: str) -> Iterator[Node]:
        """Yield a mark above the knee, if there is one."""
        if said:
            policy = _first_policy(self.value)
            at = self.value.knee(policy)
            yield Node("faults/knee", "marker", self.x(at) - 5, self.y(self.value.faults(policy, at)) - 15, 10, 9,
                       shape="triangle", title=said)  # fmt: skip  # a node

    def anomalies(self) -> Iterator[Node]:
        """Yield a ring around both numbers of frames if more frames make more faults."""
        for policy, size in dict.fromkeys((policy, size) for policy, *sizes in self.value.anomalies for size in sizes):
            faults = self.value.faults(policy, size)
            title = f"{visible(policy)}, {counted(size, 'frame')}: {counted(faults, 'fault')}, Belady's anomaly"
            ring = [Text(9, 16, "○", "body strong", "middle")]  # words: the curves would be led around a shape
            place = kit.Box(self.x(size) - 9, self.y(faults) - 12.5, 18, 20)
            yield kit.runs(f"faults/anomaly/{policy}/{size}", place, ring, title=title)

    def scale(self) -> Iterator[Node]:
        """Yield numbers of faults: the least, the most, and powers of ten between them, as far as there is room."""
        between = [10**power for power in range(12) if self.low < 10**power < self.high]
        for count, at, _ in _that_fit((count, self.y(count), 8) for count in (self.low, self.high, *between)):
            words = f"{count:,}"
            lines = [Bar(_ROOM, 7.5, self.box.w, 1, "rail")] * (count in between)  # others would hide curves
            place = kit.Box(self.box.x - _ROOM, at - 8, self.box.w + _ROOM, 16)
            yield kit.runs(f"faults/scale/{count}", place, [Text(_ROOM - 8, 12, words, "label dim", "end")], bars=lines,
                           title=f"{words} faults")  # fmt: skip  # its parts

    def numbers(self) -> Iterator[Node]:
        """Yield numbers of frames, the least and the most first, as far as there is room."""
        sizes = self.value.sizes
        widths = ((size, self.x(size), text_width(f"{size:,}") / 2 + 5) for size in (sizes[0], sizes[-1], *sizes))
        for size, at, half in _that_fit(widths):
            place = kit.Box(at - half, self.box.y + self.box.h + 4, 2 * half, 18)
            yield kit.runs(f"faults/frames/{size}", place, [Text(half, 13, f"{size:,}", "label dim", "middle")],
                           title=counted(size, "frame"))  # fmt: skip  # its parts


def _that_fit(places: Iterable[tuple[int, float, float]]) -> Iterator[tuple[int, float, float]]:
    """Yield numbers, places and the room on both sides, without those that are too near an earlier one."""
    taken: list[tuple[float, float]] = []
    for number, at, half in places:
        if all(abs(at - other) >= half + its for other, its in taken):
            taken.append((at, half))
            yield number, at, half


class _Curve(NamedTuple):
    """A line of the picture: its policy, its colour, its points and what they are, and the faults at each."""

    policy: str
    style: str
    points: list[tuple[float, float]]
    titles: list[str]
    faults: Sequence[int] = ()

    def drawn(self) -> Iterator[Node | Link]:
        """Yield the points, and the line through them."""
        for end, ((x, y), title) in enumerate(zip(self.points, self.titles, strict=True)):
            yield kit.runs(f"faults/{self.policy}/{end}", kit.Box(x - 3, y - 3, 6, 6), (),
                           bars=(Bar(1, 1, 4, 4, self.style),), lane=f"faults/{self.policy}", title=title)  # fmt: skip
        if len(self.points) > 1:
            ends = f"faults/{self.policy}/0", f"faults/{self.policy}/{len(self.points) - 1}"
            yield Link(f"faults/{self.policy}", "curve", *ends, tuple(self.points), (self.style,))

    def said(self, size: int) -> str:
        """Return the curve's name, with its faults for this number of frames."""
        return f"{visible(self.policy)}  {self.faults[size]:,}" if self.faults else self.policy

    def at(self, x: float) -> float:
        """Return the curve's height at `x`, or at its end if it ends before `x`."""
        for (first, one), (last, other) in pairwise(self.points):
            if first <= x <= last:
                return one + (other - one) * (x - first) / ((last - first) or 1)
        return self.points[0 if x < self.points[0][0] else -1][1]


_SAMPLE = 30.0
"""Width of a sample of a curve's line, with the space after it: as much as shows the line's dashes."""


def _sample(node: Node, style: str) -> Link:
    """Return a sample of a curve's line at the left of its name."""
    y = node.y + 9
    return Link(f"{node.id}/line", "curve", node.id, node.id, ((node.x, y), (node.x + _SAMPLE - 6, y)), (style,))


def _meaning(number: int, style: str, said: str) -> tuple[float, Part]:
    """Return the meaning of a line, with a sample of it, or of a mark, which has no style; and its width."""
    left = _SAMPLE * bool(style)

    def draw(box: kit.Box) -> Iterator[Node | Link]:
        node = kit.runs(f"faults/legend/{number}", box, [Text(left, 13, said)])
        yield node
        if style:
            yield _sample(node, style)

    return text_width(said) + left + 3, boxes.drawing(kit.LINE, draw)


def _named(curves: Sequence[_Curve], sizes: Sequence[int], wanted: int, within: kit.Box) -> list[Node | Link]:
    """Return each curve's name with its faults, and a line to the curve, if curves are far apart and there is room.

    They are those for `wanted` frames, of which the title speaks, if there is room near the curves there.  Names are in
    the order of the curves, so that no two lines cross; of curves at one place, the first has a line.
    Returns nothing if there is no room within the box; a legend then names the curves.
    """
    places = [x for x, _ in curves[0].points]
    spread = [max(one.at(x) for one in curves) - min(one.at(x) for one in curves) for x in places]
    found: list[tuple[bool, float, int, kit.Box]] = []
    for at, x in enumerate(places):
        if spread[at] * 2 >= max(spread):
            words = [one.said(at) for one in curves]
            wide = max(text_width(_with(sizes[at])), *(text_width(one, "strong") + _SAMPLE for one in words))
            found += [
                (sizes[at] != wanted, far, at, box)
                for far, box in _rooms(curves, x, (wide, _WORDS * (len(words) + 1)), within)
            ]
    if not found:
        return []
    *_, at, box = min(found)
    x, head = places[at], _with(sizes[at])
    named: list[Node | Link] = [kit.label("faults/names", head, box.x, box.y)]
    there: list[float] = []
    for place, one in enumerate(sorted(curves, key=lambda one: one.at(x)), 1):
        said = one.said(at)
        own = kit.Box(box.x, box.y + _WORDS * place, _SAMPLE + text_width(said, "strong"), _WORDS)
        node = kit.runs(f"faults/name/{one.policy}", own, [Text(_SAMPLE, 13, said, "strong")],
                        title=f"{head}: {said}" if one.faults else said)  # fmt: skip  # a node
        near = min(range(len(one.points)), key=lambda end: abs(one.points[end][0] - x))
        y = one.at(x)
        is_led = not there or y - there[-1] > _APART
        there += [y] * is_led  # the next one's name is below it: they are at the same place, or nearly
        start = box.x - 3 if box.x > x else box.x + box.w + 3
        ends = (start, own.y + 9), (min(max(x, one.points[0][0]), one.points[-1][0]), y)
        link = Link(f"{node.id}/to", "named", node.id, f"faults/{one.policy}/{near}", ends)
        named += [node, _sample(node, one.style), *[link] * is_led]
    return named


_APART = 3.0
"""Pixels between curves that have lines to their names; of several closer curves, only the first has one."""


def _with(size: int) -> str:
    return f"with {counted(size, 'frame')}"


def _rooms(
    curves: Sequence[_Curve], x: float, size: tuple[float, float], within: kit.Box
) -> Iterator[tuple[float, kit.Box]]:
    """Yield places for words near `x`, with their distance: on the right above all curves, or on the left below."""
    wide, tall = size
    heights = [one.at(x) for one in curves]
    middle = sum(heights) / len(heights)
    for start in range(round(within.x) + 4, round(within.x + within.w - wide) + 1, 4):
        left = float(start)
        edges = [left - 8, left + wide + 8]
        edges += [px for one in curves for px, _ in one.points if edges[0] < px < edges[1]]
        y = middle - tall / 2
        if left > x + _ASIDE:
            y = min(y, min(one.at(px) for one in curves for px in edges) - 18 - tall)
        elif left + wide < x - _ASIDE:
            y = max(y, max(one.at(px) for one in curves for px in edges) + 12)
        else:
            continue
        if within.y <= y <= within.y + within.h - tall:
            gap = left - x if left > x else x - left - wide
            yield gap + abs(y + tall / 2 - middle), kit.Box(left, y, wide, tall)


_ASIDE = 36.0
"""The least space between names and the curves' points: lines to them are not steep."""


def _first_policy(value: FaultsValue) -> str:
    """Return the policy that the sentences are about."""
    return "lru" if "lru" in value.policies else value.policies[0]


def _point_title(value: FaultsValue, policy: str, size: int) -> str:
    saves = value.worth(policy, size)
    more = f"; a frame more saves {saves:,.1f} faults" if saves > 0 else ""
    return f"{visible(policy)}, {counted(size, 'frame')}: {counted(value.faults(policy, size), 'fault')}{more}"


def _faults_table(value: FaultsValue) -> Table:
    frames = Table(("frames", *value.policies), value.table())
    if not value.windows:
        return frames
    rows = [(f"{one.size:,}", f"{one.mean:,.1f}", f"{one.largest:,}", f"{one.faults:,}") for one in value.windows]
    sets = Table(("window", "mean pages", "most pages", "faults"), rows)
    return Table(frames.header, frames.rows, (("working set", sets),))


def _caption(value: FaultsValue, knee: str) -> Caption:
    policy = _first_policy(value)
    enough = value.enough(policy)
    each = {"policy": policy, "cold": f"{value.pages:,}"}
    if enough is None:
        least = value.faults(policy, value.sizes[-1])
        which = "first only" if least == value.pages else "never enough"
        text = say_traces(which, value.sizes[-1], faults=f"{least:,}", **each)
    else:
        text = say_traces("enough", enough, **each)
    compared = _compared(value)
    reasons = [*compared[1:], *([text] if compared else []), *([knee] if knee else [])]
    found = value.anomalies
    if found:
        which, few, many = found[0]
        anomaly = say_traces(
            "anomaly", len(found), policy=which, few=f"{few:,}", many=f"{many:,}",
            before=f"{value.faults(which, few):,}", after=f"{value.faults(which, many):,}",
        )  # fmt: skip
        reasons.append(anomaly)
    return Caption(compared[0] if compared else text, (), " ".join(reasons))


OPTIMAL = "opt"


def _real(value: FaultsValue) -> Sequence[str]:
    """Return the policies that are compared: without the optimal one if there are two others."""
    real = [policy for policy in value.policies if policy != OPTIMAL or policy in value.own]
    return real if len(real) > 1 else value.policies


def _most_apart(value: FaultsValue) -> int:
    """Return the number of frames at which the compared policies differ most."""
    by_size = {size: [value.faults(policy, size) for policy in _real(value)] for size in value.sizes}
    return max(by_size, key=lambda one: max(by_size[one]) - min(by_size[one]))


def _compared(value: FaultsValue) -> list[str]:
    """Return which policies fault least and most, for the number of frames at which they differ most.

    Returns nothing if they never differ.  The optimal policy, which no kernel can have, is not compared if there are
    two others.
    """
    policies = _real(value)
    size = _most_apart(value)
    counts = [value.faults(policy, size) for policy in policies]
    few, many = min(counts), max(counts)
    if few == many:
        return []
    least, most = ([one for one in policies if value.faults(one, size) == count] for count in (few, many))
    names = {"least": listed([visible(one) for one in least]), "most": listed([visible(one) for one in most])}
    said = say_traces("least", size, **names, few=f"{few:,}", many=f"{many:,}")
    best = [one for one in value.policies if one not in policies]
    return [said, *(say_traces("possible", size, policy=one, faults=f"{value.faults(one, size):,}") for one in best)]
