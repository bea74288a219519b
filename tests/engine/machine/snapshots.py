"""All that a refused operation must leave as it was."""

from __future__ import annotations

from typing import Any

import vmwidgets as vm
from tests.engine.kernel.pmaps import tables_of


def snapshot(machine: vm.Machine) -> tuple[Any, ...]:
    maps = [machine.kernel_map, *(task.map for task in machine.tasks.values())]
    pmaps = [machine.system.pmap, *(task.pmap for task in machine.system.tasks.values())]
    return (
        len(machine.journal),
        machine.dead,
        machine.busy,
        [one.value(whole=10**6) for one in maps],
        [tables_of(one) for one in pmaps],
        machine.system.pages.snapshot(10**6),
        machine.kentry.contents(),
        machine.system.kernel.kentry_cache.snapshot(),
        machine.system.kernel.entry_cache.snapshot(),
        sorted(machine.tasks),
        [(name, one.pages, one.vm_object.references) for name, one in sorted(machine.objects.items())],
        dict(machine.system.kernel.memory.ranges),
        machine.system.pmap.klimit,
        kernel_memory(machine),
        machine.cpus.value(),
    )


def kernel_memory(machine: vm.Machine) -> tuple[Any, ...]:
    """Maps, pages, zones and threads of kernel memory, and who was given what."""
    system = machine.system.kernel.kmem
    return (
        machine.kmem.value(whole=10**6),
        [(one.name, one.value(whole=10**6), one.locked_by, one.sleepers) for one in machine.kmem.maps.values()],
        list(machine.kmem.allocations),
        machine.kmem.pages,
        [
            (frame, page.owner.name, page.index, page.wired, bool(page.held))
            for frame, page in sorted(system.pages.in_use.items())
        ],
        list(system.frames.standing_by()),
        system.entry_cache.snapshot(),
        sorted(system.entries.live),
        [zone.cache.snapshot() for zone in system.zones.zones],
        sorted((address, zone.name) for address, zone in system.zones.taken.items()),
        dict(system.zones.large),
        system.scheduler.ticks,
        [(name, thread.state) for name, thread in system.scheduler.threads.items()],
    )
