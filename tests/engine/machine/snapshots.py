"""All that a refused operation must leave as it was."""

from __future__ import annotations

from typing import Any

import vmwidgets as vm


def snapshot(machine: vm.Machine) -> tuple[Any, ...]:
    maps = [machine.kernel_map, *(task.map for task in machine.tasks.values())]
    pmaps = [machine.pmap, *(task.pmap for task in machine.tasks.values())]
    return (
        len(machine.journal),
        machine.dead,
        machine.recorder.emit,
        [one.value(whole=10**6) for one in maps],
        [one.snapshot() for one in pmaps],
        machine.pages.snapshot(10**6),
        machine.kentry.contents(),
        machine.kernel.kentry_cache.snapshot(),
        machine.kernel.entry_cache.snapshot(),
        sorted(machine.tasks),
        [(name, one.pages, one.vm_object.references) for name, one in sorted(machine.objects.items())],
        dict(machine.kernel.memory.ranges),
        machine.pmap.klimit,
    )
