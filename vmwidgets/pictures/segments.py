"""Pictures of segments, or of a base and bounds, in physical memory; they have no machine, and do not change."""

from __future__ import annotations

from vmwidgets.engine.paper.segments_schema import SegmentsValue
from vmwidgets.views.memory.segments import draw_segments
from vmwidgets.views.scene.model import Scene

from .at import At
from .registry import picture_of


@picture_of(first_for=SegmentsValue, name="Placement")
def placement(at: At) -> Scene:
    """Return a program's segments, or its single piece, at their places in physical memory.

    `target` is the ``layout`` of a ``vm.BaseAndBounds`` or a ``vm.Segments``.  Free pieces are drawn if they are known,
    for example after a check of 00/segments.  A segment is marked if its memory is in use or belongs to another
    program.

    >>> import vmwidgets as vm
    >>> vm.Placement(vm.BaseAndBounds(base=0x8000, bounds=0x1000).layout)
    <Placement>
    """
    return draw_segments(at.target, width=at.width)
