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
from vmwidgets.views.scene.text import fitted, text_width, visible
from vmwidgets.views.story.words.names import policy_name
from vmwidgets.views.story.words.pictures import say_traces

from .at import At
from .registry import picture_of

_CURVES = tuple(f"curve-{number}" for number in (0, 1, 2, 3, 5, 6))
"""The styles of policies' curves; the working set has number 4."""

_HIGH, _ABOVE, _ROOM, _WORDS, _LEADS = 240.0, 32.0, 56.0, 18.0, 30.0
"""Pixels: the height of curves, the room above them and for numbers next to them, the distance of two curves' names,
and the room for the lines to the names."""


@picture_of(first_for=FaultsValue, name="FaultCurves")
def draw_curves(at: At) -> Scene:
    """Return the faults of policies of page replacement, by the number of frames.

    A scale is logarithmic if its numbers differ greatly.  `target` is the result of ``trace.faults(…)``.

    >>> import vmwidgets as vm
    >>> found = vm.trace([page << 12 for page in (1, 2, 3, 4, 1, 2, 5, 1, 2, 3, 4, 5)]).faults("fifo", (3, 4))
    >>> vm.picture(found).scene().caption.reason
    "Belady's anomaly: FIFO has 9 faults with 3 frames, and 10 with 4."
    """
    if not isinstance(at.target, FaultsValue):
        raise Refused(f"FaultCurves shows the result of trace.faults(…), not {shown(at.target)}")
    value = at.target
    shown_for = _first_policy(value)
    frames = value.knee(shown_for)
    knee = (
        say_traces("knee", frames, policy=policy_name(shown_for)) if value.sizes[0] < frames < value.sizes[-1] else ""
    )
    subtitle = value.headline
    if value.tick:
        subtitle += f" · a tick each {counted(value.tick, 'reference')}"
    return boxes.picture(
        "faults",
        f"faults of {visible(value.name)}" if value.name else "faults by number of frames",
        subtitle,
        _graph(value, knee),
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
        Row(f"intervals/{words}", (words, Bars([(count, "refs-set" if place <= half else "cached")]), f"{count:,}"))
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
    """Return the curves on their scales, with their names on the right."""

    def put(drawn: Drawn, x: float, y: float, w: float) -> float:
        wide = min(
            w / 3, max(110.0, *(_SAMPLE * len(some) + text_width(said, "strong") for some, said in _said(value)))
        )
        plot = _Plot.of(value, kit.Box(x + _ROOM, y + _ABOVE, w - _ROOM - _LEADS - wide, _HIGH))
        curves = plot.curves()
        notes = ["working set: at its mean size"] * bool(plot.sets)
        notes += [f"▼ the knee of {policy_name(_first_policy(value))}"] * bool(knee)
        notes += ["○ more frames, more faults"] * bool(value.anomalies)

        def things(_: kit.Box) -> Iterator[Node | Link]:
            yield from (*plot.scale(), *plot.numbers(), *(thing for one in curves for thing in one.drawn()))
            yield from (*plot.knee(knee), *plot.anomalies(), *plot.names(curves, wide))

        up = f"faults{', logarithmic' * plot.is_tall} ↑"
        across = f"frames{', logarithmic' * plot.is_wide} →"
        end = boxes.narrower(w - _LEADS - wide, boxes.at_end("faults/frames", across))
        return boxes.below(
            boxes.words("faults/up", up),
            boxes.apart(_ABOVE - kit.LINE),
            boxes.below(boxes.drawing(_HIGH, things), end),
            boxes.words("faults/legend", " · ".join(notes)),
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
        return self.value.sizes[-1] > _MOST_LINEAR * self.value.sizes[0]

    @property
    def is_tall(self) -> bool:
        """Return whether the scale of faults is logarithmic."""
        return self.high > _MOST_LINEAR * self.low

    def x(self, frames: float) -> float:
        """Return the place of a number of frames."""
        first, last = self.value.sizes[0], self.value.sizes[-1]
        if first == last:
            return self.box.middle[0]
        share = log(frames / first) / log(last / first) if self.is_wide else (frames - first) / (last - first)
        return self.box.x + self.box.w * share

    def y(self, faults: int) -> float:
        """Return the place of a number of faults."""
        share = log(faults / self.low) / log(self.high / self.low) if self.is_tall else faults / max(1, self.high)
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
            title = f"{policy_name(policy)}, {counted(size, 'frame')}: {counted(faults, 'fault')}, Belady's anomaly"
            ring = [Text(9, 16, "○", "body strong", "middle")]  # words: the curves would be led around a shape
            place = kit.Box(self.x(size) - 9, self.y(faults) - 12.5, 18, 20)
            yield kit.runs(f"faults/anomaly/{policy}/{size}", place, ring, title=title)

    def scale(self) -> Iterator[Node]:
        """Yield numbers of faults: the least, the most, and round ones between them, as far as there is room."""
        between = [10**power for power in range(12) if self.low < 10**power < self.high]
        if not self.is_tall:
            step = 10 ** max(0, len(f"{self.high}") - 1)
            step = step if self.high > 4 * step else max(1, step // 4)
            between = [count for count in range(step, self.high, step) if count > self.low]
        base = [0] * (not self.is_tall)
        for count, at, _ in _that_fit((count, self.y(count), 8) for count in (self.low, self.high, *base, *between)):
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

    def names(self, curves: Sequence[_Curve], wide: float) -> Iterator[Node | Link]:
        """Yield the names of curves at their right, those at one place together, each with a line to its curve."""
        size, by = _most_apart(self.value), {one.policy: one for one in curves}
        x, left, head = self.x(size), self.box.x + self.box.w + _LEADS, f"with {counted(size, 'frame')}"
        yield kit.label("faults/names", head, left, self.box.y - 28, most=wide)
        some = sorted(
            ((by[policies[0]].at(x), policies, said) for policies, said in _said(self.value) if policies[0] in by),
            key=lambda one: one[0],
        )
        top = self.box.y - 8
        tops = []
        for at, (y, *_) in enumerate(some):
            latest = self.box.y + self.box.h + 8 - _WORDS * (len(some) - at)
            top = min(latest, max(y - _WORDS / 2, top))
            tops.append(top)
            top += _WORDS
        for place, (y, policies, said) in zip(tops, some, strict=True):
            begin, one = _SAMPLE * len(policies), by[policies[0]]
            own = kit.Box(left, place, wide, _WORDS)
            node = kit.runs(
                f"faults/name/{policies[0]}", own, [fitted(begin, 13, said, wide - begin, "strong")],
                title=f"{head}: {said}" if one.faults else said,
            )  # fmt: skip  # a name
            yield node
            for number, policy in enumerate(policies):
                yield _sample(node, by[policy].style, policy, left + number * _SAMPLE)
            near = min(range(len(one.points)), key=lambda end: abs(one.points[end][0] - x))
            ends = (left - 3, place + 9), (min(max(x, one.points[0][0]), one.points[-1][0]), y)
            yield Link(f"{node.id}/to", "named", node.id, f"faults/{one.policy}/{near}", ends)

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
        gaps = (max(abs(x - left), abs(y - above)) for (left, above), (x, y) in pairwise(self.points))
        half = min(3.0, min(gaps, default=6.0) / 2)
        dot = Bar(half / 3, half / 3, half * 4 / 3, half * 4 / 3, self.style)
        for end, ((x, y), title) in enumerate(zip(self.points, self.titles, strict=True)):
            yield kit.runs(
                f"faults/{self.policy}/{end}",
                kit.Box(x - half, y - half, 2 * half, 2 * half),
                (),
                bars=(dot,),
                lane=f"faults/{self.policy}",
                title=title,
            )
        if len(self.points) > 1:
            ends = f"faults/{self.policy}/0", f"faults/{self.policy}/{len(self.points) - 1}"
            yield Link(f"faults/{self.policy}", "curve", *ends, tuple(self.points), (self.style,))

    def at(self, x: float) -> float:
        """Return the curve's height at `x`, or at its end if it ends before `x`."""
        for (first, one), (last, other) in pairwise(self.points):
            if first <= x <= last:
                return one + (other - one) * (x - first) / ((last - first) or 1)
        return self.points[0 if x < self.points[0][0] else -1][1]


_SAMPLE = 30.0
"""Width of a sample of a curve's line, with the space after it: enough to show the line's dashes."""


def _sample(node: Node, style: str, policy: str, x: float) -> Link:
    """Return a sample of a curve's line, at the left of its name."""
    y = node.y + 9
    return Link(f"{node.id}/{policy}/line", "curve", node.id, node.id, ((x, y), (x + _SAMPLE - 6, y)), (style,))


_MOST_LINEAR = 100
"""The greatest ratio of two numbers on a linear scale."""


def _said(value: FaultsValue) -> list[tuple[list[str], str]]:
    """Return the policies with equal faults for the number of frames that the title compares, and their name."""
    size, groups = _most_apart(value), dict[int, list[str]]()
    for policy in value.policies:
        groups.setdefault(value.faults(policy, size), []).append(policy)
    found = []
    for faults, some in groups.items():
        curves = {tuple(value.faults(policy, one) for one in value.sizes) for policy in some}
        found.append((some, f"{(' = ' if len(curves) == 1 else ', ').join(map(policy_name, some))}  {faults:,}"))
    return [*found, *[(["working set"], "working set")] * bool(value.windows)]


def _first_policy(value: FaultsValue) -> str:
    """Return the policy that the sentences are about."""
    return "lru" if "lru" in value.policies else value.policies[0]


def _point_title(value: FaultsValue, policy: str, size: int) -> str:
    saves = value.worth(policy, size)
    more = f"; a frame more saves {saves:,.1f} faults" if saves > 0 else ""
    return f"{policy_name(policy)}, {counted(size, 'frame')}: {counted(value.faults(policy, size), 'fault')}{more}"


def _faults_table(value: FaultsValue) -> Table:
    frames = Table(("frames", *map(policy_name, value.policies)), value.table())
    if not value.windows:
        return frames
    rows = [(f"{one.size:,}", f"{one.mean:,.1f}", f"{one.largest:,}", f"{one.faults:,}") for one in value.windows]
    sets = Table(("window", "mean pages", "most pages", "faults"), rows)
    return Table(frames.header, frames.rows, (("working set", sets),))


def _caption(value: FaultsValue, knee: str) -> Caption:
    policy = _first_policy(value)
    enough = value.enough(policy)
    each = {"policy": policy_name(policy), "cold": f"{value.pages:,}"}
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
            policy=policy_name(which),
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
    names = {"least": listed([policy_name(one) for one in least]), "most": listed([policy_name(one) for one in most])}
    said = say_traces("least", size, **names, few=f"{few:,}", many=f"{many:,}")
    best = {one: value.faults(one, size) for one in value.policies if one not in policies}
    return [
        said,
        *(
            say_traces("possible/least", policy=policy_name(one))
            if faults == few
            else say_traces("possible", size, policy=policy_name(one), faults=f"{faults:,}")
            for one, faults in best.items()
        ),
    ]
