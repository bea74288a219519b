"""The load curve, drawn by matplotlib as in courses, or as a small SVG without matplotlib; neither is a scene."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from vmwidgets.engine.base.calls import says_what_it_takes
from vmwidgets.engine.base.errors import Refused, in_ascii, shown
from vmwidgets.reference_strings import thrashing
from vmwidgets.released import install
from vmwidgets.views.scene.twin import RULES, data_uri, image_html, picture_html, twin_html

from . import slim

LINES = dict(zip(thrashing.SCOPES, (("#b3341f", "-"), ("#0a5cc2", "--"), ("#0b7a53", "-.")), strict=True))
"""The colour of each scope, and a line style for readers without colours."""


class LoadCurve(thrashing.LoadCurve):
    """Useful work by the number of tasks, with a plot: the result of ``vm.load_curve(…)``."""

    __slots__ = ()

    def drawn(self, *, mark: float | str | None = None) -> DrawnCurve:
        """Return the curve that :meth:`plot` draws, without matplotlib: a cell shows it as an image.

        A mark is not drawn unless it is a number from 1 to the greatest number of tasks.

        >>> load_curve(tasks=(1, 7, 11)).drawn(mark=7).svg.count("<polyline")
        3
        """
        try:
            return DrawnCurve(self, _number(mark))
        except Refused:
            return DrawnCurve(self, None)

    def plot(self, ax: Any = None, *, mark: float | str | None = None) -> Any:
        """Plot useful work by the number of tasks with matplotlib; returns the axes.

        It is drawn into `ax`, or into a new figure.  `mark` is a learner's guess of the knee, such as the answer of a
        prediction.

        Raises :class:`Refused` for a mark that is not a number, and if the extra ``plot`` is not installed; the
        sentence says how to install it.  :meth:`drawn` needs no extra.
        """
        at = _number(mark)
        try:
            from matplotlib import pyplot as plt
        except ImportError:
            raise Refused(f'a plot needs the extra "plot": {install("plot")}') from None
        if ax is None:
            _, ax = plt.subplots(figsize=(7, 3.8), facecolor="white")
        for scope, (colour, dashes) in LINES.items():
            if scope in self.scopes:
                points = self.of(scope)
                x, y = [point.tasks for point in points], [100 * point.work for point in points]
                ax.plot(x, y, marker="o", color=colour, linestyle=dashes, label=scope)
        if at is not None:
            ax.axvline(at, color="#24292f", linestyle=":", label="your mark")
        ax.set(xlabel="tasks", ylabel="useful work, % of time", ylim=(0, 100), xticks=self.tasks)
        ax.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=4)
        return ax


def _number(mark: Any) -> float | None:
    try:
        return None if mark is None else float(mark)
    except (TypeError, ValueError):
        raise Refused(f"mark={shown(mark)}: write a number of tasks") from None


LEFT, TOP, HIGH = 44.0, 34.0, 220.0
"""Space in pixels left of the small drawing's lines and above them, and their height."""

WIDTH = 684.0
"""The small drawing's width in pixels, except on a telephone."""

STYLE = (
    "text{font:13px sans-serif;fill:#24292f}.axis{stroke:#57606a}"
    "@media (prefers-color-scheme:dark){text{fill:#e6edf3}.axis{stroke:#9ea7b3}polyline,.line{filter:brightness(1.7)}}"
)
DASHES = {"-": "", "--": "8 4", "-.": "9 4 2 4"}


class DrawnCurve:
    """A load curve as an SVG, which a cell shows as an image, with the table as its text."""

    def __init__(self, curve: LoadCurve, mark: float | None) -> None:
        self._curve, self._mark = curve, mark

    @property
    def svg(self) -> str:
        """The whole drawing: useful work in percent, by tasks, with a line for each scope."""
        return self._of_width(WIDTH)

    def _of_width(self, width: float) -> str:
        curve, bottom = self._curve, TOP + HIGH
        most = max(*curve.tasks, 2)
        # the room on the right; the legend's start, the length of its lines, and the room of a line with its word
        right, words, dash, room = (80.0, LEFT, 34, 150) if width == WIDTH else (16.0, 4.0, 24, 92)
        wide = width - LEFT - right

        def x(tasks: float) -> float:
            return LEFT + wide * (tasks - 1) / (most - 1)

        parts = [f'<line class="axis" x1="{LEFT}" y1="{bottom}" x2="{LEFT + wide}" y2="{bottom}"/>']
        for share in (0, 25, 50, 75, 100):
            y = bottom - HIGH * share / 100
            parts.append(f'<line class="axis" opacity="0.3" x1="{LEFT}" y1="{y}" x2="{LEFT + wide}" y2="{y}"/>')
            parts.append(f'<text x="{LEFT - 6}" y="{y + 4}" text-anchor="end">{share}</text>')
        each = -(-len(curve.tasks) // 20)  # the axis has room for 20 numbers
        numbers = curve.tasks[::each]
        parts += [f'<text x="{x(n):.1f}" y="{bottom + 18}" text-anchor="middle">{n}</text>' for n in numbers]
        for place, scope in enumerate(curve.scopes):
            colour, dashes = LINES[scope]
            look = f'fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{DASHES[dashes]}"'
            points = " ".join(f"{x(one.tasks):.1f},{bottom - HIGH * one.work:.1f}" for one in curve.of(scope))
            at = words + room * place
            parts.append(f'<polyline points="{points}" {look}/>')
            parts.append(
                f'<path class="line" d="M{at} 14h{dash}" {look}/><text x="{at + dash + 6}" y="18">{scope}</text>'
            )
        if self._mark is not None and 1 <= self._mark <= most:
            at = x(self._mark)
            parts.append(
                f'<line class="axis" stroke-dasharray="2 3" x1="{at:.1f}" y1="{TOP}" x2="{at:.1f}" y2="{bottom}"/>'
            )
            parts.append(f'<text x="{at + 4:.1f}" y="{bottom - 6}">your mark</text>')
        parts.append(f'<text x="{words}" y="{bottom + 38}">useful work, % of time, by the number of tasks</text>')
        size = f'width="{width:g}" height="{bottom + 46:g}"'
        return f'<svg xmlns="http://www.w3.org/2000/svg" {size}><style>{STYLE}</style>{"".join(parts)}</svg>'

    def _repr_html_(self) -> str:
        image = image_html(self.svg, repr(self._curve), "; color-scheme: light")
        if slim.KEPT:
            image = picture_html(image, data_uri(self._of_width(slim.SLIM)))
        return twin_html("", image, "") + RULES

    @in_ascii
    def __repr__(self) -> str:
        return repr(self._curve)


@says_what_it_takes
def load_curve(
    tasks: int | Iterable[int] = range(1, 12),
    scopes: Any = thrashing.SCOPES,
    *,
    policy: Any = "lru",
    frames: int = 64,
    seed: int = 1,
) -> LoadCurve:
    """Measure how much a processor computes with each number of tasks, in a repeatable model.

    `scopes`: "global" replacement evicts any task's page, "local" evicts a page of the faulting task, each
    by `policy` ("fifo", "lru", "second chance", "clock").  With "working set", a task keeps the pages of its last 40
    references. If there is no memory for them, the task waits outside, without any pages.  The same `seed` gives the
    same references in all scopes.

    Raises :class:`Refused` for numbers that no machine has.

    >>> load_curve(tasks=(1, 7, 11))
    useful work by the number of tasks, 64 frames, lru
    tasks   global    local   working set
        1     24 %     24 %          22 %
        7     91 %     69 %          88 %
       11     43 %     16 %          90 %
    """
    found = thrashing.load_curve(tasks, scopes, policy=policy, frames=frames, seed=seed)
    return LoadCurve(found.frames, found.policy, found.points)
