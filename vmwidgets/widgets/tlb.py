"""Live TLBs: what the processors still believe, and what they were asked to forget."""

from __future__ import annotations

from typing import Any

from vmwidgets.engine.machine import Machine
from vmwidgets.engine.machine.cpu import MachineCpu
from vmwidgets.engine.machine.cpus import MachineCpus
from vmwidgets.views.scene import Scene
from vmwidgets.views.tlb import DETAILED, MODES, TlbBench, draw_tlb

from .parts import machine_of
from .view import View


class Tlb(View):
    """The TLBs of a machine's processors: sets and ways, whose translations, their age, and which are stale.

    `target` is a machine, its processors (``m.cpus``) or one of them.  With several processors the picture says what
    becomes of shootdowns, and those that wait are acknowledged by a click.
    """

    def __init__(self, target: Machine | MachineCpus | MachineCpu, **options: Any) -> None:
        machine = machine_of(target, MachineCpus, MachineCpu, wanted="Tlb shows a machine or its processors")
        self._first = target.number if isinstance(target, MachineCpu) else 0
        self._sets = 0
        super().__init__(target, machine=machine, **options)

    def draw(self) -> Scene:
        """The processors as they are now."""
        machine = self.machine
        assert isinstance(machine, Machine), "a view whose machine is gone is not drawn"
        value = machine.cpus.value()
        operation = machine.journal[-1] if len(machine.journal) > 1 else None
        events = operation.events if operation is not None else ()
        first = max(0, min(self._first, len(value.cpus) - DETAILED))
        bench = TlbBench(first, self._sets, self.selection)
        return draw_tlb(value, operation, events, bench, machine=machine.name)

    def opened(self, node_id: str) -> None:
        """A processor, sets that are not shown, a shootdown that waits, or what becomes of them."""
        machine = self.machine
        assert isinstance(machine, Machine), "a view whose machine is gone is not asked"
        parts = node_id.split("/")
        if parts[1] == "switch" and parts[2] in MODES:
            machine.cpus.set_shootdown(parts[2])
        elif len(parts) > 3 and parts[2] == "more":
            self._sets = int(parts[3])
        elif len(parts) > 2 and parts[2] == "pending":
            machine.cpus[int(parts[1].removeprefix("cpu:"))].acknowledge()
        else:
            self._first = int(parts[1].removeprefix("cpu:"))
