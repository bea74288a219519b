"""The pictures of each machine, and the pictures made by each cell.

Machines are held weakly: a picture does not keep its machine alive.
"""

from __future__ import annotations

import weakref
from contextlib import suppress
from typing import Any, Protocol

from vmwidgets.engine.base.calls import says_what_it_takes
from vmwidgets.engine.machine.event_kinds import TooFar, next_event
from vmwidgets.pictures.moments import NOW, When
from vmwidgets.pictures.timeline import stamp

from . import hub
from .cells import NOWHERE, Cell, current_cell, current_shell, no_cell, note_cell
from .contract import Machine
from .refresh import Picture, refresher
from .selection import Chosen, Selection
from .silence import idle
from .visitors import OfEachVisitor


class LivePicture(Picture, Protocol):
    """A picture that cells display: a view."""

    status: Any
    """The state of the picture's machine, in words."""
    made_in: Cell
    """The cell that made the picture."""
    cleared: bool
    """Whether the outputs that showed the picture were cleared."""

    @property
    def shown(self) -> bool:
        """Return whether a page shows the picture."""

    def operation_done(self) -> bool:
        """Note that the machine has done an operation; returns whether to redraw the picture."""

    def cell_begun(self) -> None:
        """Note that a cell begins to run."""

    def cell_done(self) -> None:
        """Note that a cell has ended."""

    def cell_over(self) -> None:
        """Note that the cell that displayed the picture has ended."""

    @property
    def can_stay(self) -> bool:
        """Return whether the picture still follows its machine after its cell's end, without a request to do so."""

    def stay(self) -> None:
        """Keep showing the machine as it was at the end of the picture's cell."""

    def close(self) -> None:
        """Free the picture's model, in Python and on the page."""


class MachinePictures:
    """The views of one machine on a visitor's page, and their common selection."""

    def __init__(self, machine: Machine) -> None:
        self._machine = weakref.ref(machine)
        self.views: weakref.WeakSet[LivePicture] = weakref.WeakSet()
        self.chosen = Chosen()
        self.chosen.reached = [len(machine.journal) - 1, 0]
        self._said = ""
        self._begun = machine.journal.next_serial
        machine.on_operation(self._changed)

    @property
    def machine(self) -> Machine | None:
        """The machine; None if it no longer exists."""
        return self._machine()

    def refresh(self) -> None:
        """Show on the page how far the machine has come."""
        machine = self.machine
        if machine is not None:
            self.chosen.reach(len(machine.journal) - 1, stamp(machine.journal))

    @property
    def selection(self) -> Selection:
        """The selection's model on the page."""
        return self.chosen.model

    def say(self, sentence: str) -> None:
        """Show the `sentence` about the machine's state in all pictures; "" removes the last one."""
        for view in list(self.views):
            if view.status == self._said:
                view.status = sentence
        self._said = sentence

    def cell_begun(self) -> None:
        """Note that a cell begins: its operations are searched for breaks."""
        machine = self.machine
        if machine is not None:
            self._begun = machine.journal.next_serial

    def cell_done(self) -> None:
        """Note that a cell has ended: pictures go to its break, if there is one; the page gets marks and groups."""
        if self.chosen.on_a_page:
            self.refresh()
        machine = self.machine
        breaks = getattr(getattr(machine, "system", None), "breaks", ())  # not every kind of machine has breaks
        if machine is None or not breaks:
            return
        journal = machine.journal
        found = None
        with suppress(TooFar):  # a cell with thousands of operations has events that were dropped
            found = next_event(journal, breaks, journal.first_from(self._begun), -1)  # its operations may be undone
        if found is not None:
            self.chosen.go(When(journal.serial(found[0]), found[1]))

    def _changed(self, _machine: Machine) -> None:
        if self._said:
            self.say("")
        self.chosen.go(NOW)  # a call's effect is shown, whatever moment was shown before; a kept picture stays
        shared: list[Picture] = [self] if self.chosen.on_a_page else []
        refresher.mark([*shared, *(view for view in list(self.views) if view.operation_done())])


Shown = weakref.WeakKeyDictionary[Machine, MachinePictures]

_machines: OfEachVisitor[Shown] = OfEachVisitor(Shown)
_keeping = False
_to_display: list[LivePicture] = []  # when the running cell ends, unless the cell does so itself
_displayed: dict[str, list[LivePicture]] = {}  # by cell id
_named: dict[str, MachinePictures] = {}  # by the notebook's name of the machine
_kinds: set[type] = set()  # of machines


def pictures_of(machine: Machine) -> MachinePictures:
    """Return the visitor's pictures of `machine`; the first call makes them follow its operations."""
    machines = _machines.mine
    if machine not in machines:
        machines[machine] = MachinePictures(machine)
        _kinds.add(type(machine))
    return machines[machine]


# ---- cells -----------------------------------------------------------------------------------------


def displayed(view: LivePicture, cell: Cell) -> None:
    """Note that `cell` put `view` on the page."""
    views = _displayed.setdefault(cell.id, [])
    if not any(other is view for other in views):
        views.append(view)


def display_later(view: LivePicture) -> None:
    """Put `view` on the page when the running cell ends, unless the cell does so itself."""
    if not any(other is view for other in _to_display):
        _to_display.append(view)


def not_yet_displayed() -> list[LivePicture]:
    """Return the pictures that wait to be displayed at the cell's end, except displayed ones; each is returned once."""
    left = [view for view in _to_display if not _is_displayed(view)]
    _to_display.clear()
    return left


def all_displayed() -> list[LivePicture]:
    """Return the pictures that cells have put on the page, in the order of these cells."""
    return [view for views in _displayed.values() for view in views]


def cell_begins(*_info: object) -> None:
    """Note that a cell runs, perhaps again: displays of its last run have left the page, and are closed.

    Two sorts of views stay: views made in another cell, which has names for them, and views that another cell displays.
    """
    idle.ends()
    note_cell(begins=True)
    for pictures in list(_machines.mine.values()):
        pictures.cell_begun()
        for view in list(pictures.views):
            view.cell_begun()
    cell = current_cell()
    if _keeping:
        done = [view for other, views in _displayed.items() if other != cell.id for view in views]
        for view in [view for view in done if view.can_stay]:
            view.stay()
        for pictures in list(_machines.mine.values()):
            pictures.chosen.go(NOW)  # the newest cell's pictures are live
    if not cell.lasts:  # it can't be known whether it ran before
        return
    for view in _displayed.pop(cell.id, []):
        if view.made_in.id == cell.id:
            view.made_in = NOWHERE
        if view.made_in is NOWHERE and not _is_displayed(view):
            view.close()


def cell_ends(*_result: object) -> None:
    """Send the newest pictures; views whose outputs were cleared free their models."""
    _note_names()
    for pictures in list(_machines.mine.values()):
        pictures.cell_done()
    refresher.flush()
    for pictures in list(_machines.mine.values()):
        for view in list(pictures.views):
            view.cell_done()
    for view in _displayed.get(current_cell().id, ()):
        view.cell_over()
    for view in [view for views in _displayed.values() for view in views if view.cleared]:
        view.close()
    no_cell()
    idle.begins()
    hub.cell_done()  # last, since it reads a file, and nothing depends on it


@says_what_it_takes
def keep_moments(keep: bool = True) -> None:
    """Make each picture keep its state at the end of its cell; only the newest cell's picture is live.

    To make a picture live again, set ``view.follow = True`` or press its button *now*.
    """
    global _keeping  # noqa: PLW0603  one notebook a kernel
    _keeping = keep


def forget(view: LivePicture) -> None:
    """Forget a closed `view`: nothing is sent to it, and no cell counts it among its displays."""
    for cell_id, views in list(_displayed.items()):
        left = [other for other in views if other is not view]
        if left:
            _displayed[cell_id] = left
        else:
            del _displayed[cell_id]
    refresher.forget(view)


def _is_displayed(view: LivePicture) -> bool:
    return any(other is view for views in _displayed.values() for other in views)


def _note_names() -> None:
    """Show in a machine's pictures that its last name now means another machine."""
    shell = current_shell()
    if shell is None or not _kinds:
        return
    named = {name: thing for name, thing in shell.user_ns.items() if type(thing) in _kinds and name[:1] != "_"}
    for name, machine in named.items():
        before = _named.pop(name, None)
        if before is not None and all(before.machine is not other for other in named.values()):
            before.say(f"{name} is {machine.name} now")
        if machine in _machines.mine:
            _named[name] = pictures_of(machine)
            _named[name].say("")
