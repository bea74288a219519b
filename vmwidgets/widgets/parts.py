"""Pictures that show a part of a machine: which machine, from whatever was given."""

from __future__ import annotations

from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.engine.machine import Machine


def machine_of(target: object, *parts: type, wanted: str) -> Machine:
    """The machine that `target` is, or is a part of, one of the kinds `parts`.

    Raises :class:`Refused` for anything else, in words that begin with `wanted`: what the view shows.
    """
    machine = target if isinstance(target, Machine) else getattr(target, "machine", None)
    if isinstance(target, (Machine, *parts)) and isinstance(machine, Machine):
        return machine
    raise Refused(f"{wanted}, not {shown(target)}")
