"""The minutes that each cell took, for students who want to know.

Minutes are measured and kept in the notebook's Jupyter kernel: no output, journal or file contains them, unless the
student shows them with :func:`minutes` and saves the notebook.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from vmwidgets.engine.base.calls import says_what_it_takes
from vmwidgets.engine.base.errors import Refused, in_ascii
from vmwidgets.widgets.host.display import watch_cells

from .session import Kept

LONGEST_LINE = 50
"""The most characters shown of a cell's first line."""


@dataclass
class Minutes:
    """The time from the end of one cell to the end of the next: reading, thinking, typing and running.

    `clock` returns seconds.

    >>> ticks = iter([0, 150, 180])
    >>> found = Minutes(lambda: next(ticks))
    >>> found.note("m = vm.boot()")
    >>> found.note("lab.check('01/gaps', m)")
    >>> print(found)
    minutes  cell
        2.5  m = vm.boot()
        0.5  lab.check('01/gaps', m)
        3.0  together
    """

    clock: Callable[[], float] = monotonic
    cells: list[tuple[str, float]] = field(default_factory=list)
    _since: float = 0

    def __post_init__(self) -> None:
        self._since = self.clock()

    def note(self, source: str) -> None:
        """Note that a cell with this text has ended."""
        now = self.clock()
        first = next((line for line in source.splitlines() if line.strip() and not line.startswith("#")), "")
        self.cells.append((first[:LONGEST_LINE], (now - self._since) / 60))
        self._since = now

    @in_ascii
    def __repr__(self) -> str:
        rows = [*self.cells, ("together", sum(taken for _, taken in self.cells))]
        return "\n".join(["minutes  cell", *(f"{taken:7.1f}  {cell}" for cell, taken in rows)])


_kept: Kept[list[Minutes]] = Kept(list)
"""This kernel's measurement, if there is one."""


def measure(wanted: Any) -> None:
    """Begin to measure if `wanted`; changes nothing if measuring has already begun."""
    if not isinstance(wanted, bool):
        raise Refused(f"minutes={wanted!r}: write True to measure how long each cell takes you, or leave it out")
    if wanted and not _kept.now():
        _kept.now().append(Minutes())
        watch_cells(_nothing, _ended)


@says_what_it_takes
def minutes() -> Minutes:
    """Return the minutes of each cell since ``lab.begin(…, minutes=True)``, for the student alone.

    Raises :class:`Refused` if nothing was measured.
    """
    if not _kept.now():
        raise Refused("nothing is measured: write minutes=True into lab.begin(…), and run that cell again")
    return _kept.now()[0]


def _nothing(*_given: object) -> None:
    pass


def _ended(result: Any) -> None:
    """Handle the end of a cell."""
    source = getattr(getattr(result, "info", None), "raw_cell", None)
    if isinstance(source, str) and _kept.now():
        _kept.now()[0].note(source)
