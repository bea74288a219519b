"""Curves of a trace: how often policies fault with each number of frames, and when a page is referenced again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, cycle, pairwise
from math import log
from typing import NamedTuple

from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.engine.base.units import binary_size, counted, listed
from vmwidgets.reference_strings.traces_schema import FaultsValue, IntervalsValue, Window
from vmwidgets.views.scene import boxes, kit
from vmwidgets.views.scene.boxes import Bars, Column, Drawn, Part, Row
from vmwidgets.views.scene.model import Bar, Caption, Link, Node, Scene, Table, Text
from vmwidgets.views.scene.text import text_width, visible
from vmwidgets.views.story.words.pictures import say_traces

from .at import At
from .registry import picture_of

_CURVES = tuple(f"curve-{number}" for number in (0, 1, 2, 3, 5, 6))
"""The styles of policies' curves; the working set has number 4."""

_HIGH, _ROOM, _WORDS = 240.0, 56.0, 18.0
"""Pixels: the height of curves, the room for numbers next to them, and the distance of two curves' names."""


@picture_of(first_for=FaultsValue, name="FaultCurves")
def draw_curves(at: At) -> Scene:
    """Return the faults of policies of page replacement, by the number of frames.

    The scale of faults is logarithmic, and so is the scale of frames if there are many.  `target` is the result of
    ``trace.faults(…)``.

    >>> import vmwidgets as vm
    >>> found = vm.trace([page << 12 for page in (1, 2, 3, 4, 1, 2, 5, 1, 2, 3, 4, 5)]).faults("fifo", (3, 4))
    >>> vm.picture(found).scene().caption.reason
    "Belady's anomaly: fifo has 9 faults with 3 frames, and 10 with 4."
    """
    if not isinstance(at.target, FaultsValue):
        raise Refused(f"FaultCurves shows the result of trace.faults(…), not {shown(at.target)}")
    value = at.target
    shown_for = _first_policy(value)
    frames = value.knee(shown_for)
    knee = say_traces("knee", frames, policy=shown_for) if value.sizes[0] < frames < value.sizes[-1] else ""
    subtitle = value.headline
    if value.tick:
        subtitle += f" · a tick each {counted(value.tick, 'reference')}"
    return boxes.picture(
        "faults",
        f"faults of {visible(value.name)}" if value.name else "faults by number of frames",
        subtitle,
        boxes.below(boxes.words("faults/up", "faults, logarithmic ↑"), boxes.apart(14), _graph(value, knee)),
        caption=_caption(value, knee),
        table=_faults_table(value),
        width=at.width,
    )


@picture_of(first_for=IntervalsValue, name="Intervals")
def draw_times(at: At) -> Scene:
    """Return the time until a page is referenced again.  `target` is the result of ``trace.intervals()``.

    >>> import vmwidgets as vm
    >>> vm.picture(vm.trace([0, 0, 0, 4096, 0]).intervals()).scene().caption.text
    '2 of 3 returns come within 1 reference.'
    """
    if not isinstance(at.target, IntervalsValue):
        raise Refused(f"Intervals shows the result of trace.intervals(), not {shown(at.target)}")
    value = at.target
    head = boxes.words(
        "intervals/head",
        "references until the page is used again (each row is twice as wide as the row before), and how often",
    )
    columns = Column(), Column(takes=True), Column(end=True)
    returns, within = sum(value.counts), [*accumulate(value.counts)]
    half = next((place for place, count in enumerate(within) if 2 * count >= returns), -1)
    rows = [
        Row(f"intervals/{words}", (words, Bars([(count, "mark" if place <= half else "refs-set")]), f"{count:,}"))
        for place, (words, count) in enumerate(value.rows()[: len(value.counts)])
    ]
    text, more = say_traces("no interval", value.first), ""
    if value.counts:
        times = counted((2 << half) - 1, "reference")
        text, more = (
            say_traces("interval", within[half], times=times, all=f"{returns:,}"),
            say_traces("first", value.first),
        )
    return boxes.picture(
        "intervals",
        f"when {visible(value.name)} comes back" if value.name else "when pages come back",
        f"references from one use of a page of {binary_size(value.page)} to the next",
        boxes.below(head, boxes.rows("intervals", columns, rows)),
        caption=Caption(text, (), more),
        table=Table(("references later", "references"), [(words, f"{count:,}") for words, count in value.rows()]),
        width=at.width,
    )


# ---- curves ------------------------------------------------------------------------------------------


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
            boxes.flowing([_meaning(number, *one) for number, one in enumerate(meanings)], gap=12),
            gap=8,
        )(drawn, x, y, w)

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
        """Return whether the scale of frames is logarithmic."""
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
            yield Node(
                "faults/knee",
                "marker",
                self.x(at) - 5,
                self.y(self.value.faults(policy, at)) - 15,
                10,
                9,
                shape="triangle",
                title=said,
            )

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
            yield kit.runs(
                f"faults/scale/{count}",
                place,
                [Text(_ROOM - 8, 12, words, "label dim", "end")],
                bars=lines,
                title=f"{words} faults",
            )

    def numbers(self) -> Iterator[Node]:
        """Yield numbers of frames, the least and the most first, as far as there is room."""
        sizes = self.value.sizes
        widths = ((size, self.x(size), text_width(f"{size:,}") / 2 + 5) for size in (sizes[0], sizes[-1], *sizes))
        for size, at, half in _that_fit(widths):
            place = kit.Box(at - half, self.box.y + self.box.h + 4, 2 * half, 18)
            yield kit.runs(
                f"faults/frames/{size}",
                place,
                [Text(half, 13, f"{size:,}", "label dim", "middle")],
                title=counted(size, "frame"),
            )


def _that_fit(places: Iterable[tuple[int, float, float]]) -> Iterator[tuple[int, float, float]]:
    """Yield the items (number, place, room on both sides) that are not too near an earlier item."""
    taken: list[tuple[float, float]] = []
    for number, at, half in places:
        if all(abs(at - other) >= half + its for other, its in taken):
            taken.append((at, half))
            yield number, at, half


class _Curve(NamedTuple):
    """A line of the picture: its policy, its colour, its points with their meanings, and the faults at each point."""

    policy: str
    style: str
    points: list[tuple[float, float]]
    titles: list[str]
    faults: Sequence[int] = ()

    def drawn(self) -> Iterator[Node | Link]:
        """Yield the points, and the line through them."""
        for end, ((x, y), title) in enumerate(zip(self.points, self.titles, strict=True)):
            yield kit.runs(
                f"faults/{self.policy}/{end}",
                kit.Box(x - 3, y - 3, 6, 6),
                (),
                bars=(Bar(1, 1, 4, 4, self.style),),
                lane=f"faults/{self.policy}",
                title=title,
            )
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
"""Width of a sample of a curve's line, with the space after it: enough to show the line's dashes."""


def _sample(node: Node, style: str) -> Link:
    """Return a sample of a curve's line at the left of its name."""
    y = node.y + 9
    return Link(f"{node.id}/line", "curve", node.id, node.id, ((node.x, y), (node.x + _SAMPLE - 6, y)), (style,))


def _meaning(number: int, style: str, said: str) -> tuple[float, Part]:
    """Return the width and the legend's entry of a line, with a sample, or of a mark, which has no style."""
    left = _SAMPLE * bool(style)

    def draw(box: kit.Box) -> Iterator[Node | Link]:
        node = kit.runs(f"faults/legend/{number}", box, [Text(left, 13, said)])
        yield node
        if style:
            yield _sample(node, style)

    return text_width(said) + left + 3, boxes.drawing(kit.LINE, draw)


def _named(curves: Sequence[_Curve], sizes: Sequence[int], wanted: int, within: kit.Box) -> list[Node | Link]:
    """Return each curve's name with its faults, and a line to the curve, if curves are far apart and there is room.

    The faults are for `wanted` frames, which the title mentions, if there is room near the curves there.  Names are in
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
        node = kit.runs(
            f"faults/name/{one.policy}",
            own,
            [Text(_SAMPLE, 13, said, "strong")],
            title=f"{head}: {said}" if one.faults else said,
        )
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
            "anomaly",
            len(found),
            policy=which,
            few=f"{few:,}",
            many=f"{many:,}",
            before=f"{value.faults(which, few):,}",
            after=f"{value.faults(which, many):,}",
        )
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
    best = {one: value.faults(one, size) for one in value.policies if one not in policies}
    return [
        said,
        *(
            say_traces("possible/least", policy=one)
            if faults == few
            else say_traces("possible", size, policy=one, faults=f"{faults:,}")
            for one, faults in best.items()
        ),
    ]
