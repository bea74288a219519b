"""All values of a machine that can be taken back, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from tests.views.lives import WHOLE, Everything, everything
from vmwidgets.engine.machine.handles.tables import MachineTables
from vmwidgets.engine.memory.replacement_schema import RingValue
from vmwidgets.engine.mmu.tables import Shown, TableKey
from vmwidgets.engine.mmu.tables_schema import TableWindow

V = TypeVar("V")


def inside(machine: Any, done: int, look: Callable[[Any], V]) -> V:
    """What `look` sees of a machine after so many events of its latest operation, which is done again."""
    seen: list[V] = machine.history.moments(machine.journal.last.number, look)
    return seen[done]


def rings(machine: Any) -> dict[str, RingValue]:
    """The rings of a machine."""
    return dict(machine.replacement.value().rings)


MOST = 14
"""So many tables of a space are opened."""


def window(tables: MachineTables) -> TableWindow:
    """The first page tables of a space, from the root down."""
    read = tables.now()
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
