"""A view that a page shows as Graphviz lays it out: ``picture.graphviz()`` in a cell."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from subprocess import CalledProcessError
from typing import Any, NamedTuple

from vmwidgets.engine.base.errors import Refused
from vmwidgets.pictures.picture import Picture
from vmwidgets.views.scene.laid import Laid, read_laid
from vmwidgets.views.scene.model import Scene

from .cells import Cell, current_cell, current_shell, in_terminal
from .hub import open_hub
from .packing import pack_text
from .view import View


class Order(NamedTuple):
    """A text for Graphviz, what takes its drawing, and the pages that were asked for it."""

    dot: bytes
    take: Callable[[Laid], None]
    asked: set[str]


class Structure(View):
    """A picture's structure: the page lays it out with its own Graphviz, again after each operation.

    `source`, `render` and `pipe` are an object's of the package `graphviz`, for what the picture shows now.  `render`
    and `pipe` run Graphviz's program `dot`.  The saved picture is Graphviz's too, once a page has sent its drawing.
    """

    theme = "light"
    """The colours of `source`; a page uses its own."""

    unlike = "on a live page, Graphviz lays it out"

    def __init__(self, target: Any = None, **options: Any) -> None:
        self._orders: dict[int, Order] = {}
        self._keys = count()
        super().__init__(target, **options)

    @property
    def source(self) -> str:
        """The picture in Graphviz's language."""
        return str(self._source().source)

    def render(self, *given: Any, **named: Any) -> str:
        """Draw the picture with the program `dot` to a file, and return its path: ``render("map", format="pdf")``."""
        return str(self._source().render(*given, **named))

    def pipe(self, *given: Any, **named: Any) -> Any:
        """Return the picture as the program `dot` draws it, as bytes, or as text if an `encoding` is given."""
        return self._source().pipe(*given, **named)

    def _source(self) -> Any:
        from vmwidgets.views.scene.dot import source

        return source(self.scene(), self.theme)

    def prepare(self, cell: Cell) -> None:
        """Prepare for the page, which gets Graphviz at the end of the cell: later cells may keep the kernel busy."""
        super().prepare(cell)
        if cell.has_page:
            open_hub().owe_graphviz()

    def lay_out(self, scene: Scene, take: Callable[[Laid], None]) -> None:
        """Have each page that shows the view, now or later, lay out `scene`: the first drawing is given to `take`.

        The text goes with the order, since a page may show a later moment.  A cell that no page runs is drawn by the
        program `dot`, if it is installed.
        """
        from vmwidgets.views.scene.dot import source

        graph = source(scene)
        if not current_cell().has_page:
            with suppress(Refused, OSError, CalledProcessError):  # a page may come: Voilà's does
                take(read_laid(graph.pipe(format="svg", encoding="utf-8")))
                return
        self._orders[next(self._keys)] = Order(pack_text(str(graph.source)), take, set())
        for page in self._pages.names:
            self._ask(page)

    def _ask(self, page: str) -> None:
        """Ask a page for what it was not asked for yet."""
        for key, order in list(self._orders.items()):
            if page not in order.asked:
                order.asked.add(page)
                self.send({"type": "layout", "key": key, "page": page}, buffers=[order.dot])

    def hello(self, page: str, *what: Any) -> None:
        """Note what a page says of itself, and ask it for the drawings that are missing."""
        super().hello(page, *what)
        self._ask(page)

    def laid(self, key: int, svg: str) -> None:
        """Take a page's drawing.  Raises :class:`Refused` if it is none of Graphviz's; another page may send one."""
        if key in self._orders:
            drawing = read_laid(svg)
            order = self._orders.pop(key, None)
            if order is not None:  # no other thread has just taken another page's
                order.take(drawing)

    def close(self) -> None:
        """Remove the view from every page; no drawing will come."""
        self._orders.clear()
        super().close()

    def _send_scene(self, scene: Scene, when: dict[str, Any]) -> None:
        """Send the text with the frame, so that Graphviz draws it: a page that asked would wait for the cell's end."""
        before = self.frame
        with self.hold_sync():
            super()._send_scene(scene, when)
            if self.frame is not before:
                from vmwidgets.views.scene.dot import to_dot

                dot = pack_text(to_dot(scene, links_rows=True))
                self.frame = {**self.frame, "place": when["place"], "dot": dot}


_live: dict[type[View], type[Structure]] = {}


def structure_of(picture: Picture, view: type[View], theme: str) -> Structure | None:
    """Return the live form of a picture's structure, as a kind of `view`; None if no page can show it.

    A picture that asks a question has none: another picture would show the answer.
    """
    shell = current_shell()
    if picture.asks or ((shell is None or in_terminal()) and not _in_marimos_notebook()):
        return None
    if view not in _live:
        members = {"__doc__": view.__doc__, "__module__": "vmwidgets"}
        _live[view] = type(view.__name__, (Structure, view), members)
    made: Structure = picture.copied_as(_live[view], picture.target)
    made.theme = theme
    if picture.moment is not None and not getattr(picture, "follow", False):
        made.follow = False
        made.moment = picture.moment
    return made


def _in_marimos_notebook() -> bool:
    marimo = sys.modules.get("marimo")
    return marimo is not None and bool(marimo.running_in_notebook())
