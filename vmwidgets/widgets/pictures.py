"""Who shows what: the pictures of each machine, and those that each cell made.

Machines are held weakly: a picture does not keep one alive.
"""

from __future__ import annotations

import weakref
from typing import Any, Protocol

from .cells import NOWHERE, Cell, current_cell
from .contract import Machine
from .refresh import Picture, refresher
from .selection import Selection

EARLIER = "earlier machine"
"""What pictures say when another machine was booted, until theirs is worked on again."""


class LivePicture(Picture, Protocol):
    """A picture that cells display: a view."""

    status: Any
    """What became of its machine; a text."""
    made_in: Cell
    """The cell that made it."""
    cleared: bool
    """Whether the outputs that showed it were cleared."""

    @property
    def shown(self) -> bool:
        """Whether a page shows it."""

    @property
    def seq(self) -> int:
        """The number of its newest frame; 0 before the first."""

    def operation_done(self) -> bool:
        """Take note that its machine has done an operation; whether it is to be drawn again."""

    def close(self) -> None:
        """Free its model on both sides."""


class MachinePictures:
    """The views of one machine, and the selection that they share."""

    def __init__(self, machine: Machine) -> None:
        self.views: weakref.WeakSet[LivePicture] = weakref.WeakSet()
        self._selection: Selection | None = None
        machine.on_operation(self._changed)

    @property
    def selection(self) -> Selection:
        """The selection's model; made again when somebody closed it."""
        if self._selection is None or self._selection.comm is None:
            chosen = self._selection.selection if self._selection is not None else ""
            self._selection = Selection(selection=chosen)
        return self._selection

    def _changed(self, _machine: Machine) -> None:
        views = list(self.views)
        for view in views:
            if view.status == EARLIER:
                view.status = ""
        refresher.mark([view for view in views if view.operation_done()])


_machines: weakref.WeakKeyDictionary[Machine, MachinePictures] = weakref.WeakKeyDictionary()
_displayed: dict[str, list[LivePicture]] = {}  # by cell id


def pictures_of(machine: Machine) -> MachinePictures:
    """The pictures of `machine`; the first call makes them follow its operations."""
    if machine not in _machines:
        _machines[machine] = MachinePictures(machine)
    return _machines[machine]


def machine_booted(machine: Machine) -> None:
    """A new machine is up: the pictures of older ones say so."""
    for other, pictures in list(_machines.items()):
        if other is not machine:
            for view in list(pictures.views):
                view.status = EARLIER


# ---- cells -----------------------------------------------------------------------------------------


def displayed(view: LivePicture, cell: Cell) -> None:
    """`view` was put on the page by `cell`."""
    views = _displayed.setdefault(cell.id, [])
    if not any(other is view for other in views):
        views.append(view)


def cell_begins(*_info: object) -> None:
    """A cell runs, perhaps again: what its last run made and displayed is off the page, and is closed.

    A view that was made elsewhere is somebody's variable, and one that another cell displays is looked at: they stay.
    """
    cell = current_cell()
    for view in _displayed.pop(cell.id, []):
        if view.made_in.id == cell.id:
            view.made_in = NOWHERE
        if view.made_in is NOWHERE and not _is_displayed(view):
            close_view(view)


def cell_ends(*_result: object) -> None:
    """The newest pictures go out; views whose outputs were cleared give their models back."""
    for pictures in list(_machines.values()):  # views that somebody put into a box: nothing else has drawn them
        refresher.mark([view for view in list(pictures.views) if view.shown and view.seq == 0])
    refresher.flush()
    for view in [view for views in _displayed.values() for view in views if view.cleared]:
        close_view(view)


def close_view(view: LivePicture) -> None:
    """Free a view's model on both sides."""
    for cell_id, views in list(_displayed.items()):
        left = [other for other in views if other is not view]
        if left:
            _displayed[cell_id] = left
        else:
            del _displayed[cell_id]
    refresher.forget(view)
    view.close()


def _is_displayed(view: LivePicture) -> bool:
    return any(other is view for views in _displayed.values() for other in views)
