"""Pictures of a program's trace, its locality and the faults of policies, which have no machine and do not change."""

from __future__ import annotations

from typing import Any

import traitlets

from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.engine.paper.trace import Trace
from vmwidgets.engine.paper.traces_schema import FaultsValue, IntervalsValue, LocalityValue
from vmwidgets.engine.spaces.process_schema import UsedOverTime
from vmwidgets.views.memory.traces import draw_faults, draw_intervals, draw_locality, draw_used, times
from vmwidgets.views.scene.model import Scene

from .at import At
from .picture import Picture
from .registry import picture_of


@picture_of(first_for=(Trace, UsedOverTime))
class Locality(Picture):
    """A program's references: time to the right, pages upwards.  `target` is a trace, or a real process's locality.

    The more often a part is referenced, the darker it is; parts that are written, or only executed, have other colours.
    Below are the pages used in each part of the time.  There are unused pages between rows that are apart;
    ``t.named(ranges)`` names the rows.  Press a row to see only its pages, and the curve below to see the references of
    that time; if there are few references, the table lists them.  For a real process (``vm.process().locality()``),
    each range is a row, which is darker if more of its pages are used.

    >>> import vmwidgets as vm
    >>> vm.picture(vm.trace([0x1000, 0x1008, 0x2000], [False, True, False])).scene().caption.text
    'It takes all of its 2 pages to make up 9 of 10 references.'
    """

    first = traitlets.Int(0, min=0, help="The reference from which the picture is drawn.").tag(public=True)
    last = traitlets.Int(0, min=0, help="The reference before which it ends; 0: the last.").tag(public=True)
    start = traitlets.Int(0, min=0, help="The address from which pages are drawn.").tag(public=True)
    end = traitlets.Int(0, min=0, help="The address before which they end; 0: the last.").tag(public=True)

    def __init__(self, target: Trace | UsedOverTime, **options: Any) -> None:
        if not isinstance(target, Trace | UsedOverTime):
            raise Refused(f"Locality shows a trace, the result of vm.trace(…) or vm.load(…), not {shown(target)}")
        super().__init__(target, **options)

    def _value(self, trace: Trace) -> LocalityValue:
        last, high = self.last or len(trace), self.end or 1 << 64
        return trace.locality(first=min(self.first, len(trace)), last=min(last, len(trace)), low=self.start, high=high)

    def draw(self, at: At) -> Scene:
        """Return the picture."""
        if isinstance(at.target, UsedOverTime):
            return draw_used(at.target, width=at.width)
        return draw_locality(self._value(at.target), width=at.width)

    def opened(self, node_id: str) -> None:
        """Draw only the references of a part of the time, or only some pages; or everything again."""
        value = self._value(self.target)
        _, what, *number = node_id.split("/")
        with self.hold_trait_notifications():
            if what == "part":
                first, last = times(value, int(number[0]))
                self.first, self.last = (first, last) if last > first else (self.first, self.last)
            elif what == "row":
                row = value.rows[int(number[0])]
                self.start, self.end = row.first * value.page, (row.last + 1) * value.page
            else:
                self.first = self.last = self.start = self.end = 0

    @traitlets.observe("first", "last", "start", "end")
    def _shows_otherwise(self, change: object) -> None:
        self.changed(change)


@picture_of(first_for=FaultsValue, name="FaultCurves")
def draw_curves(at: At) -> Scene:
    """Return the faults of policies of page replacement, by the number of frames.

    `target` is the result of `trace.faults`.

    >>> import vmwidgets as vm
    >>> found = vm.trace([page << 12 for page in (1, 2, 3, 4, 1, 2, 5, 1, 2, 3, 4, 5)]).faults("fifo", (3, 4))
    >>> vm.picture(found).scene().caption.reason
    "Belady's anomaly: fifo has 9 faults with 3 frames, and 10 with 4."
    """
    if not isinstance(at.target, FaultsValue):
        raise Refused(f"FaultCurves shows the result of trace.faults(…), not {shown(at.target)}")
    return draw_faults(at.target, width=at.width)


@picture_of(first_for=IntervalsValue, name="Intervals")
def draw_times(at: At) -> Scene:
    """Return the time until a page is referenced again.  `target` is the result of ``trace.intervals()``.

    >>> import vmwidgets as vm
    >>> vm.picture(vm.trace([0, 0, 0, 4096, 0]).intervals()).scene().caption.text
    'Most often a page comes back after 1 reference: 2 of 5 times.'
    """
    if not isinstance(at.target, IntervalsValue):
        raise Refused(f"Intervals shows the result of trace.intervals(), not {shown(at.target)}")
    return draw_intervals(at.target, width=at.width)
