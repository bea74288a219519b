"""What is selected: one model a machine, shared by all of its views."""

from __future__ import annotations

from typing import Any

import anywidget
import traitlets

from .messages import MAX_TEXT

SELECTION_ESM = "export default {}"


class Selection(anywidget.AnyWidget):
    """The thing that is selected in every picture of one machine; "" is none.

    Views on the page follow a change at once, even while the kernel is busy; Python hears of it when it is idle.
    """

    _esm = traitlets.Unicode(SELECTION_ESM).tag(sync=True)

    selection = traitlets.Unicode(help="The engine's name of the selected thing, such as 'entry:17'.").tag(sync=True)

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Take what the browser chose; anything else that it sends is refused and changes nothing."""
        chosen = sync_data.get("selection")
        if set(sync_data) == {"selection"} and isinstance(chosen, str) and len(chosen) <= MAX_TEXT:
            super().set_state(sync_data)
        else:
            self.send({"type": "refused", "reason": "the browser may change the selection only, to a short text"})
            self.send_state("selection")
