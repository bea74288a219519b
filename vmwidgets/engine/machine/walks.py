"""Walks as learners get them: immutable results that know where they come from, so that they can be walked again."""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING

from ..base.events import Event, PteRunWritten, PteWritten
from ..base.units import Address
from ..base.walk_values import Walk
from ..memory.ram import Ram
from ..mmu.walk import walk

if TYPE_CHECKING:
    from ..kernel.pmap import Pmap
    from .machine import Machine


@dataclass(frozen=True, repr=False)
class MachineWalk(Walk):
    """A walk on a machine; two are equal when the hardware did the same.

    `source` leads to the machine while that exists; `task` names whose tables were walked ("" the kernel's).
    """

    source: weakref.ref[Machine] | None = field(default=None, repr=False, compare=False)
    task: str = field(default="", compare=False)

    @property
    def machine(self) -> Machine | None:
        """The machine that was walked; None when it is gone."""
        return None if self.source is None else self.source()


class PastMemory:
    """Physical memory as it was before some events: descriptors they wrote read as they were."""

    def __init__(self, ram: Ram, later: Iterable[Event]) -> None:
        self._ram = ram
        self._before: dict[int, int] = {}
        for event in later:
            if isinstance(event, PteWritten):
                self._before.setdefault(event.pa, event.before)
            elif isinstance(event, PteRunWritten):
                for pa, before, _ in event.words():
                    self._before.setdefault(pa, before)

    def read_word(self, pa: int, width: int) -> int:
        """The word of `width` bytes at `pa`."""
        before = self._before.get(pa)
        return self._ram.read_word(pa, width) if before is None else before


def machine_walk(
    machine: Machine, pmap: Pmap, task: str, va: int, access: str, user: bool, later: Iterable[Event] = ()
) -> MachineWalk:
    """Walk `va` in the tables of `pmap`, with the writes of the events in `later` undone."""
    root, controls = pmap.registers(machine.controls)
    found = walk(PastMemory(machine.ram, later), pmap.fmt, root, va, access, user, controls)  # type: ignore[arg-type]  # the door checked the access
    values = {part.name: getattr(found, part.name) for part in fields(Walk)}
    values["va"] = Address(found.va)
    values["pa"] = None if found.pa is None else Address(found.pa)
    return MachineWalk(**values, source=weakref.ref(machine), task=task)
