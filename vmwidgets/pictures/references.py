"""Pictures of strings of references, which have no machine and do not change."""

from __future__ import annotations

from typing import Any

import traitlets

from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.engine.paper.references_schema import PolicyRun, ReferencesValue
from vmwidgets.views.memory.references import draw_references
from vmwidgets.views.scene.model import Scene

from .at import At
from .picture import Picture
from .registry import picture_of


@picture_of(first_for=(ReferencesValue, PolicyRun))
class References(Picture):
    """A reference string under page replacement policies: a row for each policy, a column for each number of frames.

    `target` is the result of ``vm.reference_string(…)``, or one of its runs.  Select a reference to read what each
    policy does at that point.  Only a part of a long string is drawn, from the reference `first` on.  If there are many
    runs, each run is a line with a dot for each fault; press the run's name to see the contents of its frames.

    >>> import vmwidgets as vm
    >>> found = vm.reference_string("1 2 3 1 2", 2, ("fifo", "opt"))
    >>> picture = vm.picture(found)
    >>> picture.scene().caption.text
    '...5 by fifo, 4 by opt...'
    >>> picture.selection = "reference:2"
    >>> picture.scene().caption.text
    '...fifo: fault, 1 is evicted; opt: fault, 2 is evicted...'
    """

    first = traitlets.Int(0, min=0, help="The reference from which the picture is drawn.").tag(public=True)

    def __init__(self, target: ReferencesValue | PolicyRun, **options: Any) -> None:
        if not isinstance(target, (ReferencesValue, PolicyRun)):
            raise Refused(f"References shows the result of vm.reference_string(…), not {shown(target)}")
        self._opened: frozenset[int] = frozenset()
        super().__init__(target, **options)

    def draw(self, at: At) -> Scene:
        """Return the grid."""
        value = at.target if isinstance(at.target, ReferencesValue) else None
        runs = (at.target,) if value is None else value.runs
        return draw_references(
            runs, value, first=self.first, selection=self.selection, opened=self._opened, width=at.width
        )

    def opened(self, node_id: str) -> None:
        """Draw earlier or later references, or the frames of one of many runs."""
        _, what, number, *_ = node_id.split("/")
        if what == "run":
            self._opened ^= {int(number)}
        else:
            self.first = int(number)

    @traitlets.observe("first")
    def _begins_otherwise(self, change: object) -> None:
        self.changed(change)
