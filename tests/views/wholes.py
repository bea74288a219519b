"""All values of a machine that can be taken back, by name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.views.lives import WHOLE, Everything, everything, known
from vmwidgets.engine.base.past import NOTHING, Past
from vmwidgets.engine.machine.handles.tables import MachineTables
from vmwidgets.engine.memory.replacement_schema import ReplacementValue
from vmwidgets.engine.mmu.tables import Shown, TableKey
from vmwidgets.engine.mmu.tables_schema import TableWindow
from vmwidgets.engine.mmu.tlb_schema import TlbValue
from vmwidgets.engine.spaces.processors_schema import CpusValue

MOST = 14
"""So many tables of a space are opened."""


def window(tables: MachineTables, past: Past = NOTHING) -> TableWindow:
    """The first page tables of a space, from the root down, as they are or were."""
    read = tables.now(past)
    opened: list[TableKey] = []
    while True:
        found = read.window(Shown(opened, rows=40))
        keys = [(one.level - 1, row.va) for one in found.tables for row in one.rows if row.kind == "table"]
        more = [key for key in keys if key not in opened][: MOST - len(opened)]
        if not more:
            return replace(found, words_read=0)
        opened += more


def whole(machine: Any) -> dict[str, Any]:
    """Each value that pictures of a machine are made from: what it is about, and the value."""
    found: dict[str, Any] = dict(zip(Everything._fields, everything(machine), strict=True))
    found |= {path: machine.part(path).value(whole=WHOLE) for path in machine.system.maps}
    found["cpus"] = machine.cpus.value()
    found["replacement"] = machine.replacement.value()
    found["objects"] = machine.memory_objects.value()
    domains = [f"domain:{path}" for path in machine.system.domains]
    found |= {path: machine.part(path).snapshot() for path in domains}
    return found | {f"tables of {name}": window(machine.tables_of(name)) for name in ("", *machine.tasks, *domains)}


def unwalked(value: CpusValue) -> CpusValue:
    """Processors without what is stale in their TLBs: a walk tells that."""

    def fresh(tlb: TlbValue) -> TlbValue:
        rows = (tuple(slot and replace(slot, stale=()) for slot in row) for row in tlb.rows)
        return replace(tlb, rows=tuple(rows))

    return replace(value, cpus=tuple(replace(cpu, tlb=fresh(cpu.tlb)) for cpu in value.cpus))


def taken_back(machine: Any, name: str, value: Any, past: Past) -> Any:
    """The value called `name` as it was; page tables are read again, through memory as it was."""
    if isinstance(value, TableWindow):
        return window(machine.tables_of(name.removeprefix("tables of ")), past)
    if isinstance(value, ReplacementValue):
        return machine.replacement.value(past)
    if isinstance(value, CpusValue):  # what is stale is read again too
        return machine.cpus.value(past)
    return known(value.at(past)) if name == "frames" else value.at(past)
