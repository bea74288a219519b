"""Live TLBs: the processors' cached translations, and requests to drop them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from vmwidgets.engine.machine import Machine
from vmwidgets.engine.machine.handles.cpus import MachineCpu, MachineCpus
from vmwidgets.views.scene.model import Scene
from vmwidgets.views.scene.relations import things_of
from vmwidgets.views.tables.relations import of_tlbs
from vmwidgets.views.tables.tlb import DETAILED, MODES, MORE_REQUESTS, MOST_REQUESTS, TlbBench, draw_tlb

from .at import At
from .picture import Picture, machine_of
from .registry import picture_of
from .spaces import whose_of


@picture_of(first_for=(MachineCpus, MachineCpu))
class Tlb(Picture):
    """The TLBs of a machine's processors: sets and ways, the owner and age of each translation, and the stale ones.

    `target` is a machine, its processors (``m.cpus``) or one of them.  If there are several processors, the picture
    shows the state of each shootdown; click a waiting shootdown to acknowledge it.  The cells of four processors are
    drawn.  A click on another processor's fold opens that processor, and folds the processor that was opened first.

    >>> import vmwidgets as vm
    >>> m = vm.boot("x86-64", cpus=2)
    >>> t = m.task("init")
    >>> t.write(t.mmap("8 KiB"), b"x")
    >>> vm.Tlb(m)
    Tlb of machine ...
    """

    def __init__(self, target: Machine | MachineCpus | MachineCpu, **options: Any) -> None:
        machine = machine_of(target, MachineCpus, MachineCpu, wanted="Tlb shows a machine or its processors")
        wanted = target.number if isinstance(target, MachineCpu) else 0
        first = max(0, min(wanted, len(machine.cpus) - DETAILED))
        others = [number for number in range(first, first + DETAILED) if number != wanted]
        self._opened = [*reversed(others), wanted]  # the first processor in the list folds when another is opened
        self._sets = 0
        self._requests: dict[int, int] = {}
        super().__init__(target, machine=machine, **options)

    def draw(self, at: At) -> Scene:
        """Return the processors at this moment."""
        machine = at.whole
        look = at.look(machine.cpus)
        bench = TlbBench(self._opened, self._sets, self.selection, self._requests)
        drawn = draw_tlb(look, bench, machine=machine.name, width=at.width)
        return replace(drawn, about=of_tlbs(look.now, lambda va: whose_of(machine, va), things_of(drawn.nodes)))

    def opened(self, node_id: str) -> None:
        """Open a processor, further sets or older shootdowns, handle a shootdown, or choose how all are handled."""
        machine = self.at().whole
        parts = node_id.split("/")
        if parts[1] == "switch" and parts[2] in MODES:
            machine.cpus.set_shootdown(parts[2])
            return
        number, what = int(parts[1].removeprefix("cpu:")), parts[2]
        if what == "more":
            self._sets = int(parts[3])
        elif what == "pending":
            machine.cpus[number].acknowledge()
            self._requests.pop(number, None)
        elif what == "older":
            self._requests[number] = self._requests.get(number, MOST_REQUESTS) + MORE_REQUESTS
        elif what == "fold":
            self._opened = [*self._opened[1:], number]
