"""The selection and the moment, which all views of a machine share."""

from __future__ import annotations

import weakref
from typing import Any, Protocol

import anywidget
import traitlets

from vmwidgets.engine.base.journal import RUNNING
from vmwidgets.pictures.moments import NOW, When

from .cells import cell_runs, current_shell
from .hub import is_open
from .messages import MAX_TEXT

SELECTION_ESM = "export default {}"


class Selection(anywidget.AnyWidget):
    """The selected thing in every picture of one machine; "" for none.

    Views on the page follow a change immediately, even while the kernel is busy; Python learns of it when it is idle.
    """

    _esm = traitlets.Unicode(SELECTION_ESM).tag(sync=True)

    selection = traitlets.Unicode(help="The engine's name of the selected thing, such as 'entry:17'.").tag(sync=True)
    reached = traitlets.List(
        traitlets.Int(),
        help="The machine's latest operation, and a number that changes with operations, groups and marks.",
    ).tag(sync=True)

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Accept the browser's choice; anything else that it sends is refused and changes nothing."""
        chosen = sync_data.get("selection")
        if set(sync_data) != {"selection"} or not isinstance(chosen, str):
            self._refuse("A page may change what is selected, and nothing else.")
        elif len(chosen) > MAX_TEXT:
            self._refuse(f"This can't be selected: its name has more than {MAX_TEXT} characters.")
        else:
            super().set_state(sync_data)

    def _refuse(self, reason: str) -> None:
        """Send the reason to the picture of the selection (`js/src/mount.ts`); all pictures keep the old selection."""
        self.send({"type": "refused", "reason": reason})
        self.send_state("selection")

    def close(self) -> None:
        """Free the model and its layout, which every widget has."""
        if self.comm is not None:
            self.layout.close()
        super().close()


class Chooser(Protocol):
    """The part of a view that shares a choice."""

    selection: Any
    """The thing that the view shows as selected, as a string."""
    moment: Any
    """The moment that the view shows: a :class:`When`, or None for now."""
    follow: Any
    """Whether the view shows the moment of the other views."""
    comm: Any
    """The view's channel to the page; None while it is on no page."""


class Chosen:
    """The selection and the moment of one machine's views; a view without a machine has its own.

    The views are held weakly.  The page has this model only while one of the views has a model.
    """

    def __init__(self) -> None:
        self.thing = ""
        self.when: When | None = NOW
        self._went_in = 0  # the number of the cell that chose the moment; 0 if the page or a script did
        self.reached = [0, 0]
        self._views: weakref.WeakSet[Chooser] = weakref.WeakSet()
        self._model: Selection | None = None

    @property
    def model(self) -> Selection:
        """The model that the page's views share; created again after it was closed."""
        if self._model is None or not is_open(self._model):
            self._model = Selection(selection=self.thing, reached=self.reached)
            self._model.observe(lambda change: self.choose(change["new"]), "selection")
        return self._model

    def choose(self, thing: str) -> None:
        """Show `thing` as selected in all views."""
        if thing == self.thing:
            return
        self.thing = thing
        if self._model is not None and is_open(self._model):
            self._model.selection = thing
        for view in list(self._views):
            view.selection = thing

    def go(self, when: When | None) -> None:
        """Show the moment `when` in all views that follow."""
        if when == self.when:
            return
        self.when, self._went_in = when, RUNNING.cell
        for view in list(self._views):
            if view.follow:
                view.moment = when

    def open_new(self) -> None:
        """Show a new view in the present, like the others, or at the moment that the running cell has chosen."""
        is_chosen_here = cell_runs() and self._went_in == RUNNING.cell
        if current_shell() is not None and not is_chosen_here:
            self.go(NOW)

    def reach(self, latest: int, stamp: int) -> None:
        """Note that the machine has reached operation `latest`: the page's controls and strip are extended."""
        self.reached = [latest, stamp]
        if self._model is not None and is_open(self._model):
            self._model.reached = self.reached

    @property
    def on_a_page(self) -> bool:
        """Return whether a page has the model."""
        return self._model is not None and is_open(self._model)

    def join(self, view: Chooser) -> None:
        """Let `view` share the choice."""
        self._views.add(view)
        view.selection = self.thing
        if view.follow:
            view.moment = self.when

    def leave(self, view: Chooser) -> None:
        """Note that `view` is closed; closing the last view removes the model from the page."""
        self._views.discard(view)
        if self._model is not None and all(other.comm is None for other in list(self._views)):
            self._model.close()
            self._model = None
