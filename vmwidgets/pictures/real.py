"""The picture of a real kernel's stops, one of which is chosen."""

from __future__ import annotations

from typing import Any

import traitlets

from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.given.stops import Stops as StopsOfKernel
from vmwidgets.views.scene.kit import Switch
from vmwidgets.views.scene.model import Scene
from vmwidgets.views.tables.stops import draw_no_stop, draw_stop

from .at import At
from .picture import Picture
from .registry import picture_of


@picture_of(first_for=StopsOfKernel)
class Stops(Picture):
    """The stops of a kernel: the changes since the previous stop, and which process has which page of memory.

    `target` is ``k.stops``. *earlier* and *later* step through the stops; `stop` is the number of a stop (-1 for the
    last).
    """

    stop = traitlets.Int(-1, min=-1, help="The number of the stop that is shown; -1: the last.").tag(public=True)

    def __init__(self, target: StopsOfKernel, **options: Any) -> None:
        if not isinstance(target, StopsOfKernel):
            raise Refused(f"Stops shows the stops of a kernel, k.stops, not {shown(target)}")
        self._held = target
        super().__init__(target, **options)

    def draw(self, at: At) -> Scene:
        """Return one stop: its changes, then the map of memory."""
        stops, place = self._held.all, self._place_of()
        if not stops:
            return draw_no_stop(at.width)
        switches = [
            [
                Switch("earlier", "earlier", None, "The stop before"),
                Switch("later", "later", None, "The stop after it"),
            ]
        ]
        before = stops[place - 1] if place else None
        return draw_stop(stops[place], before, f"{place + 1} of {len(stops)}", width=at.width, switches=switches)

    def opened(self, node_id: str) -> None:
        """Go to the earlier or the later stop."""
        by = {"stops/switch/earlier": -1, "stops/switch/later": 1}.get(node_id, 0)
        place = self._place_of() + by
        if by and 0 <= place < len(self._held):
            self.stop = self._held.all[place].number

    @traitlets.observe("stop")
    def _chosen(self, change: object) -> None:
        self.changed(change)

    def _place_of(self) -> int:
        """Return the shown stop's place among the recorded stops."""
        numbers = [one.number for one in self._held.all]
        return numbers.index(self.stop) if self.stop in numbers else len(numbers) - 1
