"""The moments of a handout, and their pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from math import inf
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from vmwidgets.engine.base.errors import Refused, printable
from vmwidgets.engine.base.event import Event
from vmwidgets.engine.base.journal import Group, Journal
from vmwidgets.engine.base.units import counted
from vmwidgets.engine.machine import Machine
from vmwidgets.pictures.absent import absent_scene, blank
from vmwidgets.pictures.moments import NOW, When
from vmwidgets.pictures.operations import name_of
from vmwidgets.pictures.slim import SLIM
from vmwidgets.pictures.timeline import look_of
from vmwidgets.views.scene.key import with_key
from vmwidgets.views.scene.kit import WIDTH
from vmwidgets.views.scene.model import AFTER, Caption, Scene, Table
from vmwidgets.views.story.moment import Moment
from vmwidgets.views.story.typed import typed

from .story import Drawn, ToldStep

NARROW, BESIDE = 420.0, 480.0
"""Widths in pixels of a narrow picture, for half of a sheet, and of each of several pictures side by side."""

UNITS = ("step", "function", "operation")
"""The possible units of a handout's steps, the finest first."""


Quiet = Callable[[Event], bool]
"""A function that selects events without a step of their own: these are part of the next step."""


def nothing(_event: Event) -> bool:
    """Select no event."""
    return False


class Drawable(Protocol):
    """The interface that a handout needs of a picture."""

    scale: float
    width: int

    @property
    def machine(self) -> Machine | None:
        """The machine whose past the picture shows."""

    def at(self, *other: When | None) -> Any:
        """Return a moment, with the target as it is then."""

    def drawing(self, at: Any) -> Scene:
        """Return the scene of a moment."""

    def as_drawn(self) -> AbstractContextManager[None]:
        """Prevent other drawing, in a ``with`` block."""


class Telling:
    """Pictures of one machine, at any of its moments.  Drawing changes neither the machine nor the pictures."""

    def __init__(
        self,
        machine: Machine,
        pictures: Sequence[Drawable],
        alone: bool = False,
        folded: Mapping[int, Group] = MappingProxyType({}),
        quiet: Quiet = nothing,
    ) -> None:
        """Begin to tell.  With `alone`, the first operation has only one step, the moment after it, even in a group.

        `folded` gives, by operation number, the run of calls that an operation belongs to: a run is one step.  A step
        that ends with a `quiet` event is part of the next step.
        """
        self._machine, self._journal = machine, machine.journal
        self._pictures, self._alone, self._folded, self._quiet = pictures, alone, folded, quiet
        self._drawn_after: dict[int, tuple[Scene, ...]] = {}

    def steps(self, first: int, by: str, cut: slice = slice(None)) -> list[ToldStep]:
        """Return the steps from operation `first` on, in the unit `by` (:data:`UNITS`); a group is one step.

        No steps are joined, since a file's reader can't take them apart.  Steps outside `cut` are not drawn.
        """
        marks: dict[int, list[str]] = {}
        for name, serial in self._journal.marks.items():
            number = self._journal.number_of(serial)
            if number is not None:
                marks.setdefault(number, []).append(name)
        planned: list[tuple[Unit, int | None]] = []
        for unit in self.units(first):
            planned += [(unit, None if place == AFTER else place) for place in self._places(unit, by)]
        told: list[ToldStep] = []
        for unit, done in planned[cut]:
            named = [name for number in range(unit.first, unit.number + 1) for name in marks.get(number, ())]
            step = self._step(unit, done, " · ".join(named) if done is None else "")
            if unit.group is not None:
                step = replace(step, caption=_of_group(unit.group.name, step.caption))
            told.append(step)
        return told

    def of_operation(self, number: int, shown: int | None = None) -> list[ToldStep]:
        """Return a picture's steps of an operation, and the moment after `shown` of its events, if that is no step."""
        unit = Unit(number, number, None)
        places = {*self._places(unit, "joined")[:-1], *(() if shown is None else (shown,))}
        return [self._step(unit, done, "") for done in (*sorted(places), None)]

    def units(self, first: int) -> Iterator[Unit]:
        """Return the operations from number `first` on, keeping the operations of a group or a run together."""
        return units(self._journal, first, self._alone, self._folded)

    def count(self, first: int, by: str) -> int:
        """Return the number of steps that :meth:`steps` would return."""
        return sum(len(self._places(unit, by)) for unit in self.units(first))

    def _places(self, unit: Unit, by: str) -> list[int]:
        """Return how many events are done at each step of an operation; a group's only step is after the group."""
        found: set[int] = set()
        if by != "operation" and unit.group is None:
            for scene in self._after(unit.number):
                steps = scene.steps
                begun = (steps.places[index] for index in steps.functions)
                found.update({"step": steps.apart, "joined": steps.places}.get(by, begun))
        found -= {0, AFTER}
        if found and self._quiet is not nothing:
            events = self._journal.events(unit.number)
            found = {place for place in found if not self._quiet(events[place - 1])}
        return [*sorted(found), AFTER]

    def _after(self, number: int) -> tuple[Scene, ...]:
        if number not in self._drawn_after:
            self._drawn_after[number] = tuple(self._scene(picture, number, None) for picture in self._pictures)
        return self._drawn_after[number]

    def _step(self, unit: Unit, done: int | None, mark: str) -> ToldStep:
        journal, number = self._journal, unit.number
        drawn = tuple(self._drawn(place, number, done) for place in range(len(self._pictures)))
        code = unit.said() if unit.group is not None else typed(journal[number])
        name = unit.name() if unit.group is not None else name_of(journal[number])
        kind, end = look_of(journal, unit.first, number)
        caption = self._caption(number, done, drawn)
        return ToldStep(number, done, caption, code, drawn, mark, name=name, kind=kind, end=end)

    def _caption(self, number: int, done: int | None, drawn: Sequence[Drawn]) -> Caption:
        """Return the words of a single picture, or the words shared by several pictures: the operation's effect.

        The story says what happened also where a single picture says that nothing changed in it.
        """
        own = next(one for one in self._pictures if one.machine is self._machine)
        if len(drawn) == 1 and (done is not None or drawn[0].wide.steps.count):
            return drawn[0].wide.caption
        try:
            moment: Moment = own.at(When(self._journal.serial(number), done)).moment
        except Refused:  # the picture's target does not exist at this moment
            return drawn[0].wide.caption
        return moment.caption

    def _drawn(self, place: int, number: int, done: int | None) -> Drawn:
        picture = self._pictures[place]
        wide = self._after(number)[place] if done is None else self._scene(picture, number, done)
        width = BESIDE if len(self._pictures) > 1 else NARROW
        narrow = wide if picture.width and picture.width <= width else self._scene(picture, number, done, width)
        return Drawn(wide, narrow, self._scene(picture, number, done, SLIM), picture.scale)

    def _scene(self, picture: Drawable, number: int, done: int | None, width: float = 0) -> Scene:
        """Return a picture's scene at a moment; an empty scene if its target does not exist then."""
        when = When(self._journal.serial(number), done) if picture.machine is self._machine else NOW
        with picture.as_drawn():
            try:
                at = picture.at(when)
                return settled(with_key(picture.drawing(replace(at, width=width or at.width, height=inf))))
            except Refused as refused:
                return absent_scene(number, refused, blank("", "", width or WIDTH))


def settled(scene: Scene) -> Scene:
    """Return the scene with all words computed, so that it no longer refers to its machine.

    A past machine may take a hundred mebibytes, and a story has hundreds of scenes.
    """
    return replace(scene, table=_settled(scene.table), steps=replace(scene.steps, said=()))  # no page shows these words


def _settled(table: Table) -> Table:
    more = tuple((title, _settled(other)) for title, other in table.more)
    return replace(table, rows=tuple(table.rows), more=more)


class Absent:
    """A substitute for the picture of a part that another machine lacks."""

    scale, width = 1.0, 0

    def __init__(self, machine: Machine, why: str) -> None:
        self.machine: Machine | None = machine
        self._why = why

    def at(self, *_other: When | None) -> Any:
        """Raise :class:`Refused`: there is nothing to show."""
        raise Refused(self._why)

    def drawing(self, _at: Any) -> Scene:
        """Do nothing: this is never called."""
        raise Refused(self._why)

    def as_drawn(self) -> AbstractContextManager[None]:
        """Do nothing: nothing is drawn."""
        return nullcontext()


class Unit(NamedTuple):
    """Operations from `first` to `number` that are one step: a group, the rest of a group, or a single operation."""

    number: int
    first: int
    group: Group | None

    def said(self) -> str:
        """Return the description of a group, instead of a call."""
        name = "" if self.group is None else self.group.name
        return f"{name}: {counted(self.number - self.first + 1, 'operation')} as one"

    def name(self) -> str:
        """Return the name of the step's mark on the slider's strip."""
        return f"{self.first:,} to {self.number:,} · {printable(self.said())}"


def units(
    journal: Journal, first: int, alone: bool = False, folded: Mapping[int, Group] = MappingProxyType({})
) -> Iterator[Unit]:
    """Yield the operations from number `first` on, as units; with `alone`, the first is by itself, even within a group.

    `folded` has runs of operations, by number; each run is one step, like a group.
    """
    begun = first
    for number in range(first, len(journal)):
        serial = journal.serial(number)
        group = folded.get(number) or journal.group_of(serial)
        ends = group is None or group.last == serial or number == len(journal) - 1
        if number == first and alone and not ends:
            yield Unit(number, number, None)
            begun = number + 1
        elif ends:
            start = number if group is None else journal.first_from(group.first)
            yield Unit(number, start if number == first else max(begun, start), group)


def _of_group(name: str, last: Caption) -> Caption:
    """Return the words for a group: its name, and what its last operation did."""
    return replace(last, text=f"{name.removesuffix('.')}.", reason=f"At the end: {last.text}")
