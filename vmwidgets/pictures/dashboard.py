"""The whole machine in one picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from vmwidgets.engine.base.journal import Operation
from vmwidgets.engine.machine import Machine
from vmwidgets.engine.machine.domain import MachineDomain
from vmwidgets.engine.machine.tasks import Task
from vmwidgets.views.domain.lanes import draw_domain
from vmwidgets.views.maps.lanes import LANES, draw_map, subtitle_of
from vmwidgets.views.scene.kit import WIDTH, stack
from vmwidgets.views.scene.model import Scene
from vmwidgets.views.scene.parts import fold_parts
from vmwidgets.views.story.moment import Moment

from .domain import domain_picture, fold_of, step_of
from .domain import found_at as found_in_domain
from .maps import AnyMap, Map, entry_id, fit_of, title_of
from .memory import found_at, frames_scene, kentry_scene, kmem_scene, threads_scene
from .picture import At
from .registry import picture_of
from .tables import walk_scene


@picture_of(Machine, Task)
class Dashboard(Map):
    """The map that was worked on last, with tree, list and ribbon; the kentry area; the walk of the address at hand.

    While kernel memory is worked on: its maps, the threads if there are any, and how much physical memory is left.
    While a self-paging domain is worked on: its picture.

    `target` is a machine, or one of its maps to stay with that.
    """

    folds = True

    def __init__(self, target: Machine | AnyMap | Task, **options: Any) -> None:
        self._follows = isinstance(target, Machine)
        self._domain_folds: list[str] = []
        self._parts_asked: dict[str, bool] = {}  # parts that were opened and folded, by their headings
        super().__init__(target, **options)

    def _part(self) -> Any:
        return None if self._follows else self.target

    def draw(self, at: At) -> Scene:
        """The machine at a moment, with what has no room on its page folded."""
        scene = self._whole(at)
        return fold_parts(scene, _heads_of(scene), at.height, self._parts_asked)

    def _whole(self, at: At) -> Scene:
        whole = at.whole
        domain = domain_at_hand(whole) if self._follows else None
        if domain is not None:
            return domain_dashboard(domain, at.moment, self.selection, self._domain_folds, at.width)
        if self._follows and is_kmem_at_hand(whole):
            return kmem_dashboard(whole, at.moment, self.selection, self._folds_opened, at.width)
        target = self._map_at_hand(at)
        machine = target.machine
        picture = self.picture(target, at.moment)
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
                width=at.width,
            )
        ]
        if target is machine.kernel_map:
            scenes.append(kentry_scene(machine.kentry, picture.moment, compact=True, width=at.width))
        address = self._address_at_hand(target, at.moment.operation)
        task = next(
            (task.name for task in machine.tasks.values() if any(target is part for part in task.map.parts())), ""
        )
        past = picture.moment.past
        scenes.append(walk_scene(machine, task, address, user=bool(task), past=past, width=at.width))
        return stack(scenes)

    def opened(self, node_id: str) -> None:
        """Open a fold of what is shown, open or fold a part of it, or go to a call of a domain."""
        if self._scene is not None and node_id in _heads_of(self._scene):
            self._parts_asked[node_id] = any("folded" in node.state for node in self._scene.nodes if node.id == node_id)
            return
        if not self._follows or domain_at_hand(self.at().whole) is None:
            super().opened(node_id)
            return
        step = step_of(node_id)
        if step is not None:
            self.step = step
        else:
            self._domain_folds = [*self._domain_folds, fold_of(node_id)][-8:]

    def sought(self, text: str) -> None:
        """Show the address `text`, in kernel memory or in a domain while that is shown."""
        machine = self.at().whole
        domain = domain_at_hand(machine) if self._follows else None
        if domain is not None:
            self.selection = found_in_domain(domain, text)
        elif self._follows and is_kmem_at_hand(machine):
            self.selection = found_at(machine.kmem, text)
        else:
            super().sought(text)

    def _map_at_hand(self, at: At) -> AnyMap:
        target: AnyMap = at.target
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


def _heads_of(scene: Scene) -> tuple[str, ...]:
    """The headings of the parts that can be folded: of a domain all lanes but the first."""
    heads = [node.id for node in scene.nodes if node.id.startswith(("section/", "heading/"))]
    return tuple(heads[heads[:1] == ["heading/tree"] :])


AMONG = 16
"""How many of the latest operations say what is worked on."""

_ELSEWHERE = frozenset(
    ("boot", "task", "object", "device", "domain", "destroy_domain", "reap", "set_controls", "set_descriptor",
     "undo_descriptor")
)  # fmt: skip
"""Operations of a machine that are not about kernel memory."""


def is_kmem_at_hand(machine: Machine) -> bool:
    """Whether the latest operation is about kernel memory, its pages or threads; those that concern no map aside."""
    operation: Operation
    for operation in reversed(machine.journal[-AMONG:]):
        part = operation.target.partition("/")[0]
        if part in ("kmem", "threads", "pagedaemon") or operation.name.startswith("kmem_"):
            return True
        if part == "machine" and operation.name not in _ELSEWHERE:
            return True
        if part != "machine":
            return False
    return False


def kmem_dashboard(
    machine: Machine, moment: Moment, selection: str, opened: Sequence[int] = (), width: float = WIDTH
) -> Scene:
    """Kernel memory with what else there is to see of it; the list of a map only where no thread needs the room."""
    threads = any(thread.name != "pagedaemon" for thread in machine.threads)
    scenes = [kmem_scene(machine.kmem, moment, selection, opened=opened, compact=threads, width=width)]
    if threads:
        scenes.append(threads_scene(machine.threads, moment, width))
    scenes.append(frames_scene(machine.frames, moment, selection, compact=True, width=width))
    if threads:  # what a deadlock adds to the caption belongs on top
        scenes[0] = replace(scenes[0], caption=scenes[1].caption)
    first = scenes[0]
    return stack(scenes, title=f"{machine.name}: kernel memory", subtitle=f"{machine.architecture} · {first.subtitle}")


def domain_at_hand(machine: Machine) -> MachineDomain | None:
    """The domain that the latest operation made or worked on, if it is still there."""
    latest = machine.journal.last
    if latest.target == "machine" and latest.name == "domain":
        return machine.domains.get(str(dict(latest.arguments).get("name")))
    path = latest.target.partition("/")[0]
    return next((domain for domain in machine.domains.values() if domain.path == path), None)


def domain_dashboard(
    target: MachineDomain, moment: Moment, selection: str, opened: Sequence[str], width: float = WIDTH
) -> Scene:
    """The picture of a domain under the machine's name."""
    picture = domain_picture(target, moment, selection, opened, width)
    name = target.machine.name
    return replace(draw_domain(picture, title=f"{name}: domain {picture.value.name}", machine=name), view="dashboard")
