"""The load curve, drawn by matplotlib: a plot as courses use them, and no scene."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.engine.base.released import install
from vmwidgets.engine.paper import thrashing

LINES = dict(zip(thrashing.SCOPES, (("#b3341f", "-"), ("#0a5cc2", "--"), ("#0b7a53", "-.")), strict=True))
"""A colour for each scope, and a line that needs none."""


class LoadCurve(thrashing.LoadCurve):
    """Useful work by the number of tasks, which can be plotted: the result of ``vm.load_curve(…)``."""

    __slots__ = ()

    def plot(self, ax: Any = None, *, mark: float | str | None = None) -> Any:
        """Plot useful work by the number of tasks with matplotlib, and give its axes.

        It is drawn into `ax`, or into a new figure.  `mark` is where a learner thinks that the knee is; the answer of a
        prediction will do.

        Raises :class:`Refused` for a mark that is not a number, and where the extra ``plot`` is not
        installed; the sentence says how to install it.
        """
        try:
            at = None if mark is None else float(mark)
        except (TypeError, ValueError):
            raise Refused(f"mark={shown(mark)}: write a number of tasks") from None
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


def load_curve(
    tasks: int | Iterable[int] = range(1, 12),
    scopes: Any = thrashing.SCOPES,
    *,
    policy: Any = "lru",
    frames: int = 64,
    seed: int = 1,
) -> LoadCurve:
    """Measure how much a processor computes with each number of tasks, in a repeatable model.

    `scopes`: "global" replacement evicts any task's page, "local" one of the faulting task's own, by `policy` ("fifo",
    "lru", "second chance", "clock").  With "working set", a task keeps the pages of its last 40 references. If there is
    no memory for them, the task waits outside, without any pages.  The same `seed` gives the same references in all
    scopes.

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
