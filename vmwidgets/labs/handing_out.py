"""A handout of a notebook: its cells are run once more, and their pictures become the story.

The command ``vmwidgets lecture NOTEBOOK`` runs a notebook in a kernel of its own, with one cell of this module after
each cell.
"""

from __future__ import annotations

import weakref
from contextlib import suppress
from pathlib import Path
from typing import Any

from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.engine.base.units import counted
from vmwidgets.engine.machine import Machine
from vmwidgets.engine.machine.history import number_of
from vmwidgets.engine.machine.machine import MACHINES
from vmwidgets.pictures.handing_out import handed_out
from vmwidgets.pictures.picture import Picture
from vmwidgets.pictures.registry import known_pictures
from vmwidgets.widgets.host.pictures import all_displayed

from . import predictions
from .prediction import Prediction

MOST_PICTURES = 2
"""The number of pictures for each step, if none are named."""


class Watched:
    """The notebook so far, examined after each cell."""

    def __init__(self) -> None:
        self._counts: weakref.WeakKeyDictionary[Machine, int] = weakref.WeakKeyDictionary()
        self._asked: dict[str, dict[Machine, int]] = {}  # by the prediction's ID: each machine's latest serial
        self._heading = ""

    def begins(self, heading: str) -> None:
        """Note that the cells that follow are below this heading of the notebook."""
        self._heading = heading

    def cell_done(self) -> None:
        """Record a finished cell: its operations belong to the latest heading, and its questions are asked here."""
        for machine in list(MACHINES):
            before, count = self._counts.get(machine, 0), len(machine.journal)
            if count > before and self._heading and not machine.journal.incomplete:
                place = machine.journal.serial(max(before - 1, min(1, count - 1)))
                if place not in machine.journal.marks.values() and self._heading not in machine.journal.marks:
                    machine.journal.mark(self._heading, place)
            self._counts[machine] = count
        for identity in predictions.asked.now():
            self._asked.setdefault(identity, {one: one.journal.last.serial for one in list(MACHINES)})

    def write(self, path: str, names: list[str], **options: Any) -> tuple[Path, list[str]]:
        """Return the handout of the machine with the most pictures, and sentences about what it lacks.

        `names` are the names of pictures, such as "Objects" or "Tree of task:init/map"; by default, the first two are
        shown.

        Raises :class:`Refused` for a notebook without pictures, and for an unknown picture.
        """
        displayed = [one for one in all_displayed() if isinstance(one, Picture) and one.machine is not None]
        if not displayed:
            raise Refused("the notebook shows no picture of a machine, and a handout is made of pictures")
        machines = [one.machine for one in displayed]
        machine = max(dict.fromkeys(machines), key=machines.count)
        assert machine is not None, "only pictures of a machine are among them"
        own = _different([one for one in displayed if one.machine is machine])
        chosen = [named_picture(machine, name) for name in names] or own[:MOST_PICTURES]
        left_out = [] if names else [_left_out(own[MOST_PICTURES:], len(set(map(id, machines))) - 1)]
        since = options.get("since")
        first = 1 if since is None else number_of(since, "since", machine.system)
        questions = self._questions(machine)
        ask = {place: one for place, one in questions.items() if place >= first}
        if len(ask) < len(questions):
            left_out.append(
                f"left out: {counted(len(questions) - len(ask), 'question')}, asked before the story begins"
            )
        file, more = handed_out(machine, path, chosen, {"ask": ask, **options}, fold=True)
        return file, [*filter(None, left_out), *more]

    def _questions(self, machine: Machine) -> dict[int, Prediction]:
        """Return the compared predictions, by the operation after which each was asked; one for each moment."""
        compared = (
            (identity, asked) for identity, asked in predictions.asked.now().items() if asked.happened is not None
        )
        serials = [(self._asked.get(identity, {}).get(machine), asked) for identity, asked in compared]
        found = [(machine.journal.number_of(serial), asked) for serial, asked in serials if serial is not None]
        return {number: asked for number, asked in found if number is not None}  # others were undone


def named_picture(machine: Machine, name: str) -> Picture:
    """Return the picture called `name`: the name of a kind, or a kind "of" a part of the machine.

    >>> import vmwidgets as vm
    >>> named_picture(vm.boot(), "Tree of kernel_map")
    Tree of kernel_map of machine ...
    """
    kind, _, path = name.partition(" of ")
    kinds = known_pictures()
    if kind not in kinds:
        raise Refused(f"there is no picture called {shown(kind)}; there are {', '.join(sorted(kinds))}")
    try:
        shows = machine.part(path) if path else machine
    except Refused:
        parts = parts_of(machine)
        more = f" and {len(parts) - MOST_PARTS} more" if len(parts) > MOST_PARTS else ""
        there = ", ".join(parts[:MOST_PARTS])
        raise Refused(f"{shown(path)} is not a part of {machine.name}; there are {there}{more}") from None
    return kinds[kind](shows)


MOST_PARTS = 12
"""The most parts that an error names."""


def parts_of(machine: Machine) -> list[str]:
    """Return the paths of the parts that pictures show.

    >>> import vmwidgets as vm
    >>> m = vm.boot()
    >>> _ = m.task("init")
    >>> parts_of(m)
    ['kernel_map', 'task:init', 'task:init/map']
    """
    tasks = [part for name in machine.tasks for part in (f"task:{name}", f"task:{name}/map")]
    return ["kernel_map", *tasks, *(f"domain:{name}" for name in machine.domains)]


def _different(pictures: list[Picture]) -> list[Picture]:
    """Return the pictures without repetitions of the same picture of the same part."""
    found: dict[tuple[str, str], Picture] = {}
    for one in pictures:
        with suppress(Refused):  # the shown thing is gone
            scene = one.scene()
            found.setdefault((scene.view, scene.title), one)
    return list(found.values())


def _left_out(pictures: list[Picture], machines: int) -> str:
    parts = [counted(len(pictures), "more picture")] if pictures else []
    parts += [counted(machines, "other machine")] if machines else []
    named = f" ({', '.join(type(one).__name__ for one in pictures)})" if pictures else ""
    return f"left out: {' and '.join(parts)}{named}; --picture says which are shown" if parts else ""
