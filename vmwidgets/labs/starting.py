"""The beginning of work on a sheet: its machine's journal starts with the operations of the sheet's start()."""

from __future__ import annotations

from typing import Any, NamedTuple

from vmwidgets.engine.base.journal import Operation
from vmwidgets.engine.kernel.tasks.forks import USUAL
from vmwidgets.engine.machine import Machine
from vmwidgets.engine.machine.handles.maps import MachineMap
from vmwidgets.engine.machine.handles.tasks import Task
from vmwidgets.engine.machine.load import UNNAMED

from .exercise import Exercise


class Start(NamedTuple):
    """The operations of a sheet's start, without their events, and the path of the part that the exercise takes."""

    operations: tuple[Operation, ...]
    path: str

    def why_not(self, thing: Any, call: str) -> str:
        """Return why the machine of `thing` does not begin with these operations; "" if it does.

        `call` is the call that starts the work properly.

        The machine may be loaded, a branch, or a moment of the past; none of these operations may be undone.
        """
        machine = machine_of(thing)
        if machine is None:
            return ""
        begun = machine.journal[: len(self.operations)]
        if begun and self._was_usual(begun[0]):
            begun[0] = begun[0]._replace(arguments=self.operations[0].arguments)
        if len(begun) < len(self.operations) or not all(map(Operation.agrees, begun, self.operations)):
            return f"this machine does not begin as the variant does: call {call} and work on its result"
        if thing.path != self.path:
            return f"this is {thing.path}, and the variant's is {self.path}: check the result of {call}"
        return ""

    def _was_usual(self, booted: Operation) -> bool:
        """Return whether a machine was booted as this one, with the way to fork that was the default at first.

        Work that was begun then counts.  A sheet that is about a way to fork names another one than the default.
        """
        before, now = dict(booted.arguments), dict(self.operations[0].arguments)
        return now.get("fork") == USUAL and before == {**now, **UNNAMED}


def start_of(thing: Any, exercise: Exercise) -> Start | None:
    """Return the start of an exercise whose sheet gives `thing`; None if `thing` is not a machine or part of one.

    A string, a dictionary or a function has no journal, so work on such a sheet may begin with any object.
    """
    given = part_taken(thing, exercise)
    machine = machine_of(given)
    return None if machine is None else Start(tuple(one._replace(records=()) for one in machine.journal), given.path)


def machine_of(thing: Any) -> Machine | None:
    """Return the machine that `thing` is or belongs to; None for answers, strings, functions and plain objects."""
    machine = thing if isinstance(thing, Machine) else getattr(thing, "machine", None)
    return machine if isinstance(machine, Machine) else None


def part_taken(thing: Any, exercise: Exercise) -> Any:
    """Return `thing`, or its map if the exercise takes a map and `thing` is a task or a machine."""
    if exercise.takes is MachineMap and isinstance(thing, (Task, Machine)):
        return thing.map if isinstance(thing, Task) else thing.kernel_map
    return thing
