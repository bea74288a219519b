"""Pictures that show a part of a machine: which machine, from whatever was given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.engine.kernel.freebsd.vm_map import FreeBSDMap
from vmwidgets.engine.kernel.x15.vm_map import X15Map
from vmwidgets.engine.machine import Machine


def machine_of(target: object, *parts: type, wanted: str) -> Machine:
    """The machine that `target` is, or is a part of, one of the kinds `parts`.

    Raises :class:`Refused` for anything else, in words that begin with `wanted`: what the view shows.
    """
    machine = target if isinstance(target, Machine) else getattr(target, "machine", None)
    if isinstance(target, (Machine, *parts)) and isinstance(machine, Machine):
        return machine
    raise Refused(f"{wanted}, not {shown(target)}")


class _Starts(Mapping[int, int]):
    """Where the entries of all maps of a machine start, by their ids; each is asked for when it is needed."""

    def __init__(self, machine: Machine) -> None:
        system = machine.system
        self._maps: tuple[X15Map | FreeBSDMap, ...] = (*system.maps.values(), *system.kmem_maps.values())

    def __getitem__(self, identity: int) -> int:
        for one in self._maps:
            entry = one.by_id.get(identity)
            if entry is not None:
                return entry.start
        raise KeyError(identity)

    def __iter__(self) -> Iterator[int]:
        for one in self._maps:
            yield from one.by_id

    def __len__(self) -> int:
        return sum(len(one.by_id) for one in self._maps)


def starts_of(machine: Machine) -> Mapping[int, int]:
    """Where entries start now, for the stories of a machine's operations."""
    return _Starts(machine)
