"""Pictures of a program's trace, its locality and the faults of policies: they have no machine, and stay."""

from __future__ import annotations

from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.engine.paper.trace import Trace
from vmwidgets.engine.paper.traces_schema import FaultsValue
from vmwidgets.views.memory.traces import draw_faults, draw_locality
from vmwidgets.views.scene.model import Scene

from .at import At
from .registry import picture_of


@picture_of(first_for=Trace, name="Locality")
def draw(at: At) -> Scene:
    """Where a program refers to: time to the right, pages upwards.  `target` is a trace.

    A part is darker the more often it is referenced, and of another colour where it is written.  Below are the pages
    that are used in each part of the time.  Rows that lie apart are pages of which none between is used.

    >>> import vmwidgets as vm
    >>> vm.picture(vm.trace([0x1000, 0x1008, 0x2000], [False, True, False])).scene().caption.text
    '2 of its 2 pages take 9 of 10 references.'
    """
    if not isinstance(at.target, Trace):
        raise Refused(f"Locality shows a trace, the result of vm.trace(…) or vm.load(…), not {shown(at.target)}")
    return draw_locality(at.target.locality(), width=at.width)


@picture_of(first_for=FaultsValue, name="FaultCurves")
def draw_curves(at: At) -> Scene:
    """How often policies of page replacement fault, by the number of frames.  `target` is the result of `trace.faults`.

    >>> import vmwidgets as vm
    >>> found = vm.trace([page << 12 for page in (1, 2, 3, 4, 1, 2, 5, 1, 2, 3, 4, 5)]).faults("fifo", (3, 4))
    >>> vm.picture(found).scene().caption.reason
    "Belady's anomaly: fifo has 9 faults with 3 frames, and 10 with 4."
    """
    if not isinstance(at.target, FaultsValue):
        raise Refused(f"FaultCurves shows the result of trace.faults(…), not {shown(at.target)}")
    return draw_faults(at.target, width=at.width)
