"""Which moment a picture shows: now, or an operation by its serial and how many of its events are done.

An operation that is the machine's latest is taken back by its events; of an earlier one the machine is made again
(``m.at(n)``).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import traitlets

from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.engine.machine import Machine


class When(NamedTuple):
    """A moment in a machine's history: after so many events (`done`) of the operation of this serial; None: all."""

    operation: int
    done: int | None = None


NOW: None = None
"""The moment that moves on with the machine."""


class WhenTrait(traitlets.TraitType["When | None", Any]):
    """A moment: None for now, or (serial of an operation, events done); None or -1 events: after all of them."""

    default_value = NOW
    info_text = "None for now, or a pair (operation, step), such as (3, None) for after operation 3"

    def validate(self, obj: Any, value: Any) -> When | None:
        """The moment; TraitError for what is none."""
        if value is None or isinstance(value, When):
            return value
        if isinstance(value, (tuple, list)) and len(value) == 2 and _is_number(value[0]):
            operation, done = value
            if done is None or _is_number(done, -1):
                return When(operation, None if done in (None, -1) else done)
        self.error(obj, value)
        raise AssertionError("error() raises")


def _is_number(value: Any, least: int = 0) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


class There(NamedTuple):
    """A machine as it is at a moment: after its latest operation, or inside of it where `done` is a number."""

    machine: Machine
    number: int
    done: int | None


def machine_at(machine: Machine, when: When | None) -> There:
    """`machine` at a moment.  O(operations since the nearest copy), or O(1) for the latest operation.

    Raises :class:`Refused` for an operation that is not in the machine's history any longer.
    """
    latest = len(machine.journal) - 1
    if when is None:
        return There(machine, latest, None)
    number = machine.journal.number_of(when.operation)
    if number is None:
        raise Refused("the operation of this moment was undone: m.redo() does it again, or look at now")
    return There(machine if number == latest else machine.at(number), number, when.done)


def counterpart(target: Any, machine: Machine, there: There) -> Any:
    """What `target`, `machine` or a part of it, is at a moment; what is no part is the same at all moments.

    Raises :class:`Refused` for a part that is not there.
    """
    if there.machine is machine:
        return target
    if target is machine:
        return there.machine
    path = getattr(target, "path", None)
    if not isinstance(path, str):
        return target
    try:
        return there.machine.part(path)
    except Refused:
        raise Refused(f"{shown(path)[1:-1]} is not there after operation {there.number}") from None
