"""The hub: the only model of a page with the drawing code.

anywidget sends a class's code with every model of that class.  So the code is in one model, created at the first
display, and every view has a few lines that reach that model through the host.  The code is sent in a message, not in
the model's state, which nbclient, papermill and nbgrader store in each notebook that they run.

Two parts are sent in messages of their own.  The controls, with the letters of pictures, follow when a page says that
it has drawn a picture, so that no picture waits for them.  While all cells run, a kernel hears no page: then they
follow when the second cell has ended.  Graphviz, which is nine times as large as the drawing code, is sent to a page
that asks for it, and after the first cell that shows ``picture.graphviz()``.
"""

from __future__ import annotations

from typing import Any

import anywidget
import traitlets

from vmwidgets.views.scene.static import packed_static, read_static

from .cells import cell_runs
from .visitors import OfEachVisitor, in_marimo

CODE = {"code": "hub.js", "controls": "controls.js", "graphviz": "graphviz.js"}
"""The code that a page may request, with its files."""


class Hub(anywidget.AnyWidget):
    """The drawing code, as a model that views find by its ID."""

    _esm = traitlets.Unicode().tag(sync=True)
    coming = traitlets.Bool(help="Whether the code follows without a request.").tag(sync=True)

    owes_controls = 2
    """The number of cells after which the controls follow if no page has drawn a picture; 0 if they are sent."""

    owes_graphviz: bool | None = None
    """Whether Graphviz follows at the end of the cell; None if no picture has needed it yet."""

    room: tuple[int, int] | None = None
    """A page's latest report: the width in pixels for a picture, and the height of its window.

    The next picture's first frame is laid out for this room.
    """

    def send_code(self, which: str = "code") -> None:
        """Send the drawing code to all pages, or the controls, or Graphviz; pages that have it ignore it."""
        self.send({"type": which}, buffers=[packed_static(CODE[which])])

    def drawn(self) -> None:
        """Send the controls, unless they are sent: a page has drawn a picture."""
        if self.owes_controls:
            self.owes_controls = 0
            self.send_code("controls")

    def cell_done(self) -> None:
        """Count the cells that end before a page is heard, and send Graphviz after the cell that shows its drawing."""
        if self.owes_controls == 1:
            self.drawn()
        self.owes_controls = max(0, self.owes_controls - 1)
        if self.owes_graphviz:
            self.owes_graphviz = False
            self.send_code("graphviz")

    def owe_graphviz(self) -> None:
        """Note that the running cell shows what Graphviz lays out; a page that misses the code asks for it."""
        if self.owes_graphviz is None and cell_runs():
            self.owes_graphviz = True

    def _handle_custom_msg(self, content: Any, buffers: object) -> None:
        for which in CODE:
            if content == {"type": which}:
                try:
                    self.send_code(which)
                except FileNotFoundError as error:  # the package was removed while its kernel runs
                    self.send({"type": which, "reason": f"{error}"})


def is_open(widget: Any) -> bool:
    """Return whether the page has the widget's model.

    marimo closes a model without the widget's knowledge when the cell that made it runs again.
    """
    return widget.comm is not None and not getattr(widget.comm, "_closed", False)


_hubs: OfEachVisitor[list[Hub]] = OfEachVisitor(list)  # empty before the first display, then one hub


def open_hub() -> Hub:
    """Return the visitor's hub, which is created at the first call, and again after `Widget.close_all()`."""
    hubs = _hubs.mine
    if not hubs or not is_open(hubs[0]):
        hubs[:] = [_new_hub()]
    return hubs[0]


def cell_done() -> None:
    """Handle the end of a visitor's cell."""
    for hub in _hubs.mine:
        if is_open(hub):
            hub.cell_done()


def _new_hub() -> Hub:
    if in_marimo():  # marimo keeps a model's code next to its state, and loads it once for all visitors
        return Hub(_esm=read_static("hub.js"))
    hub = Hub(_esm=read_static("loader.js"), coming=True)
    hub.send_code()
    hub.coming = False  # a page that gets the model from now on has missed the message
    return hub
