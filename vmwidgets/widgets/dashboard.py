"""The whole machine in one live picture."""

from __future__ import annotations

from typing import Any

from vmwidgets.engine.base.journal import Operation
from vmwidgets.engine.base.values.past import Past
from vmwidgets.engine.machine import Machine
from vmwidgets.engine.machine.tasks import Task
from vmwidgets.views.dashboard import stack
from vmwidgets.views.scene import Scene
from vmwidgets.views.vm_map import LANES, draw_map, subtitle_of

from .domain import fold_of, step_of
from .domain import found_at as found_in_domain
from .domain_dashboard import domain_at_hand, domain_dashboard
from .kentry import kentry_scene
from .kmem import found_at
from .kmem_dashboard import kmem_at_hand, kmem_dashboard
from .vm_map import AnyMap, Map, entry_id, fit_of, latest_operation, title_of
from .walk import walk_scene


class Dashboard(Map):
    """The map that was worked on last, with tree, list and ribbon; the kentry area; the walk of the address at hand.

    While kernel memory is worked on: its maps, the threads if there are any, and how much physical memory is left.
    While a self-paging domain is worked on: its picture.

    `target` is a machine, or one of its maps to stay with that.
    """

    def __init__(self, target: Machine | AnyMap | Task, **options: Any) -> None:
        self._follows = isinstance(target, Machine)
        self._domain_folds: list[str] = []
        super().__init__(target, **options)

    def draw(self) -> Scene:
        """The machine now, or at `step` of the last operation."""
        whole: Machine = self.target.machine
        domain = domain_at_hand(whole) if self._follows else None
        if domain is not None:
            return domain_dashboard(domain, self.step, self.selection, self._domain_folds)
        worked_on = kmem_at_hand(whole) if self._follows else None
        if worked_on is not None:
            return kmem_dashboard(whole, worked_on, self.step, self.selection, self._folds_opened)
        target = self._map_at_hand()
        machine = target.machine
        operation, events = latest_operation(target)
        picture = self.picture(target, operation, events)
        title = f"{machine.name}: {title_of(target)}"
        subtitle = f"{machine.architecture} · {subtitle_of(picture)}{fit_of(target)}"
        selected = entry_id(self.selection)
        scenes = [
            draw_map(
                picture,
                lanes=LANES,
                title=title,
                subtitle=subtitle,
                machine=machine.name,
                selection=selected,
                zoom=self._zoom,
            )
        ]
        if target is machine.kernel_map:
            scenes.append(
                kentry_scene(machine.kentry, events, picture.done, picture.caption, picture.steps, compact=True)
            )
        address = self._address_at_hand(target, operation)
        task = next(
            (task.name for task in machine.tasks.values() if any(target is part for part in task.map.parts())), ""
        )
        scenes.append(walk_scene(machine, task, address, user=bool(task), past=Past(events[picture.done :])))
        return stack(scenes)

    def opened(self, node_id: str) -> None:
        """Open a fold of what is shown, or go to a call of a domain."""
        if not self._follows or domain_at_hand(self.target.machine) is None:
            super().opened(node_id)
            return
        step = step_of(node_id)
        if step is not None:
            self.step = step
        else:
            self._domain_folds = [*self._domain_folds, fold_of(node_id)][-8:]

    def sought(self, text: str) -> None:
        """Show the address `text`, in kernel memory or in a domain while that is shown."""
        machine: Machine = self.target.machine
        domain = domain_at_hand(machine) if self._follows else None
        if domain is not None:
            self.selection = found_in_domain(domain, text)
        elif self._follows and kmem_at_hand(machine) is not None:
            self.selection = found_at(machine.kmem, text)
        else:
            super().sought(text)

    def _map_at_hand(self) -> AnyMap:
        target: AnyMap = self.target
        if not self._follows:
            return target
        machine: Machine = target.machine
        maps = {task.path: task.map for task in machine.tasks.values()}
        for one in (machine.kernel_map, *maps.values()):
            maps |= {part.path: part for part in one.parts()}
        for operation in reversed(machine.journal[-16:]):
            if operation.target in maps:
                return maps[operation.target]
            if operation.target in ("kentry", "unchecked"):
                break
        return machine.kernel_map

    def _address_at_hand(self, target: AnyMap, operation: Operation | None) -> int:
        """The start of what is selected, else what the last operation gave or was given, else the first entry's."""
        entry = target.vm_map.by_id.get(entry_id(self.selection))
        if entry is not None:
            return entry.start
        if operation is not None:
            given = dict(operation.arguments)
            for value in (operation.result, given.get("address"), given.get("start")):
                if isinstance(value, int) and not isinstance(value, bool) and target.start <= value < target.end:
                    return int(value)
        return int(target.start) if target.vm_map.first is None else target.vm_map.first.start
