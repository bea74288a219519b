"""The story of a machine's operation; the machine supplies the start addresses of entries for it."""

from __future__ import annotations

from vmwidgets.engine.base.errors import Refused
from vmwidgets.engine.base.journal import Operation
from vmwidgets.engine.machine.machine import MACHINES, Machine
from vmwidgets.views.story.story import Explanation, story_of
from vmwidgets.views.story.words.names import UNKNOWN, Ranges

from .at import ranges_of


def explained(operation: Operation) -> Explanation:
    """Return the story of `operation`, with entries' names at the time of the operation if its machine still exists."""
    machine = _machine_of(operation)
    if machine is None:
        return Explanation(story_of(operation))
    events = machine.journal.events(operation.number)
    return Explanation(story_of(operation, _ranges_at(machine, operation), events))


def _machine_of(operation: Operation) -> Machine | None:
    """Return the machine whose journal has this operation."""
    for machine in list(MACHINES):
        journal = machine.journal
        if operation.number < len(journal) and journal[operation.number].is_same(operation):
            return machine
    return None


def _ranges_at(machine: Machine, operation: Operation) -> Ranges:
    """Return the names and places of ranges after an operation, if the machine as it was then can be rebuilt."""
    if operation.number == machine.journal.last.number:
        return ranges_of(machine)
    try:
        return ranges_of(machine.at(operation.number))
    except Refused:
        return UNKNOWN
