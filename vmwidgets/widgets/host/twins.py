"""The static twin of an output, which a saved notebook, an export or a viewer without a kernel shows.

Live widgets and their twin are two outputs.  A twin in the widgets' own output is lost when a trusted notebook meets a
new kernel.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from html import escape
from math import inf
from typing import Any
from uuid import uuid4

from ipywidgets import Box, GridBox, HBox, Label, Output

from vmwidgets.engine.base.errors import Refused
from vmwidgets.engine.base.frozen import frozen
from vmwidgets.pictures.exports import signed
from vmwidgets.pictures.moments import When
from vmwidgets.pictures.slim import slim_if_kept
from vmwidgets.views.scene.laid import Laid
from vmwidgets.views.scene.model import Scene
from vmwidgets.views.scene.svg import around, to_svg
from vmwidgets.views.scene.text import visible
from vmwidgets.views.scene.twin import (
    KEPT,
    LATE,
    RULES,
    WHY_NOT_LIVE,
    heading,
    output_html,
    text_twin,
    twin_html,
    unless_inside,
)

from .cells import Cell
from .outputs import inside
from .saved import SavedFilm, player, saved_film, why_still
from .view import View

AGAIN = "run the cells to step again"


@frozen(slots=False)
class Shown:
    """The scene that a view showed after operation `number`; `when` identifies that moment.

    `slim` is the same scene, laid out for a telephone.
    """

    scene: Scene
    number: int
    when: When | None
    slim: Scene | None = None


class Twin:
    """The twin of one widget that `cell` displays: a view, or a box, tabs or an accordion with views in it."""

    def __init__(self, widget: Any, cell: Cell) -> None:
        self._widget, self._cell = widget, cell
        self.display_id = uuid4().hex
        self._shown: dict[View, Shown] = {}
        self._films: dict[View, SavedFilm | str] = {}
        self._laid: dict[View, Laid] = {}
        self._look = object()  # another one whenever it shows something else
        self.plays = False  # whether it contains the player
        self.is_late = False  # whether it does not follow its widget
        self.is_inside = False  # whether it is in an `Output`, and so in no notebook

    @property
    def cell_id(self) -> str:
        """Return the ID of the cell that displays the twin."""
        return self._cell.id

    @property
    def views(self) -> list[View]:
        """The twin's views; an `Output` may get further ones."""
        return views_in(self._widget)

    def look(self) -> bool:
        """Read the current state of the views.  Returns True if a view has changed since the last time."""
        before = self._shown
        self._shown = {view: _shown(view, share) for view, share in _shares(self._widget)}
        self._films = {}
        if self._shown == before:
            return False
        self._laid, self._look = {}, object()
        return True

    def lay_out(self, again: Callable[[], None]) -> None:
        """Have the views drawn as their pages show them; `again` is called when such a drawing has come."""
        look = self._look

        def take(view: View, drawing: Laid) -> None:
            if self._look is look:
                self._laid[view] = drawing
                again()

        for view, shown in self._shown.items():
            if view not in self._laid:
                view.lay_out(shown.scene, partial(take, view))

    def film(self) -> bool:
        """Make the films of the state that was read last.  Returns True if any part can be stepped through."""
        self._films = {view: saved_film(view, shown.scene, shown.when) for view, shown in self._shown.items()}
        return any(isinstance(film, SavedFilm) for film in self._films.values())

    def fit(self) -> bool:
        """Lay out the same moments for the room that the views have now. Returns True if that changes something.

        A view that has shown something else since then stays as it is: its moment can't be drawn again.
        """
        before = self._shown
        self._shown = {
            view: _fitted(view, before[view], view.wide(share))
            for view, share in _shares(self._widget)
            if view in before
        }
        if self._shown == before:
            return False
        if self._films:
            self.film()
        return True

    @property
    def is_gone(self) -> bool:
        """Return whether the twin's output was cleared or replaced, as far as this is known."""
        views = self.views
        return not views or any(view.cleared or view.comm is None for view in views)

    @property
    def films(self) -> bool:
        """Return whether there are films, or words on why there are none."""
        return any(self._films.values())

    @property
    def fits(self) -> bool:
        """Return whether a page has reported the room of each view."""
        return all(view.measured for view in self.views)

    @property
    def words(self) -> str:
        """The words that replace the widget if it is not drawn."""
        names = ", ".join(f"{type(view).__name__}: {heading(shown.scene)}" for view, shown in self._shown.items())
        return names if isinstance(self._widget, View) else f"{type(self._widget).__name__} of {names}"

    def bundle(self) -> dict[str, str]:
        """Return the output."""
        scenes = {view: signed(one.scene, self._cell.label, one.number) for view, one in self._shown.items()}
        pictures = {
            view: _drawn_by_graphviz(view, scene, self._laid[view])
            if view in self._laid
            else _picture(view, scene, self._shown[view].slim, self._films.get(view, ""))
            for view, scene in scenes.items()
        }
        html = _html(self._widget, pictures)
        if not pictures:
            return {"text/html": KEPT, "text/plain": ""}
        if not isinstance(self._widget, View):
            html = f"<div data-vmwidgets-box{' data-vmwidgets-late' * self.is_late}>{html}</div>{LATE * self.is_late}"
        if outputs_in(self._widget):
            html += "".join(map(unless_inside, (view.twin_id for view in pictures)))
        return {
            "text/html": html + RULES + WHY_NOT_LIVE + (player() if self.plays else ""),
            "text/plain": "\n\n".join(text_twin(scene) for scene in scenes.values()),
        }


def _shown(view: View, share: float) -> Shown:
    scene = view.saved(view.wide(share))
    machine, (number, done) = view.machine, view.drawn_at
    when = None if machine is None or number < 0 else When(machine.journal.serial(number), done)
    return Shown(scene, number, when, slim_if_kept(view))


def _fitted(view: View, shown: Shown, wide: float) -> Shown:
    if wide == shown.scene.width or not view.alive:
        return shown
    try:
        at = replace(view.at(shown.when), height=inf)
        same = view.drawing(replace(at, width=shown.scene.width)) == shown.scene
        return replace(shown, scene=view.drawing(replace(at, width=wide))) if same else shown
    except Refused:  # the moment was undone
        return shown


def _picture(view: View, scene: Scene, slim: Scene | None, film: SavedFilm | str) -> str:
    again = AGAIN if view.machine is not None else ""
    narrow = "" if slim is None else to_svg(slim, bare=True, selected=view.selection)
    drawn = to_svg(scene, bare=True, selected=view.selection)
    image = output_html(scene, drawn, scene.width * view.scale, narrow)
    why, moves = (film or why_still(view, scene), "") if isinstance(film, str) else ("", film.html())
    return twin_html(view.twin_id, image + moves, " · ".join(filter(None, (scene.notes[-1], view.unlike, why))), again)


def _drawn_by_graphviz(view: View, scene: Scene, drawing: Laid) -> str:
    """Return a picture as its page shows it; it has no film, since Graphviz has laid out no other step."""
    svg, wide = around(scene, drawing)
    again = AGAIN if view.machine is not None else ""
    return twin_html(view.twin_id, output_html(scene, svg, wide * view.scale), scene.notes[-1], again)


# ---- boxes ---------------------------------------------------------------------------------------


def views_in(widget: Any) -> list[View]:
    """Return the views that a widget is, or contains, each once, in the order of the page."""
    return list(dict.fromkeys(view for view, _ in _shares(widget)))


def _shares(widget: Any, share: float = 1.0) -> Iterator[tuple[View, float]]:
    """Yield each view with its share of the width."""
    if isinstance(widget, View):
        yield widget, share
    elif isinstance(widget, Box):
        for child in widget.children:
            yield from _shares(child, share / _columns(widget))
    elif isinstance(widget, Output):
        for shown in inside(widget):
            yield from _shares(shown, share)


def outputs_in(widget: Any) -> list[Output]:
    """Return the `Output` widgets that a widget is, or contains."""
    if isinstance(widget, Output):
        return [widget]
    return [one for child in widget.children for one in outputs_in(child)] if isinstance(widget, Box) else []


def _columns(box: Box) -> int:
    if isinstance(box, HBox):
        return max(1, sum(bool(views_in(child)) for child in box.children))
    if isinstance(box, GridBox):
        template = str(box.layout.grid_template_columns or "")
        repeated = re.match(r"repeat\((\d+),", template)
        return max(1, int(repeated[1]) if repeated else len(template.split()))
    return 1


def _html(widget: Any, pictures: Mapping[View, str]) -> str:
    """Return the static parts of a widget: pictures, labels and titles, placed as in its boxes."""
    if isinstance(widget, View):
        return pictures[widget]
    if isinstance(widget, Label):
        return f"<div>{escape(visible(widget.value))}</div>"
    if isinstance(widget, Output):
        return "".join(_html(shown, pictures) for shown in inside(widget))
    if not isinstance(widget, Box):
        return ""
    titles = getattr(widget, "titles", ())
    parts = [_html(child, pictures) for child in widget.children]
    titled = [_titled(titles[number] if number < len(titles) else "", part) for number, part in enumerate(parts)]
    columns = _columns(widget)
    style = f"display: grid; gap: 8px; grid-template-columns: repeat({columns}, minmax(0, 1fr))" if columns > 1 else ""
    inner = "".join(f"<div>{part}</div>" for part in titled if part)
    return f'<div style="{style}">{inner}</div>' if style else inner


def _titled(title: str, part: str) -> str:
    return f'<div style="font-weight: 600">{escape(visible(title))}</div>{part}' if title and part else part
