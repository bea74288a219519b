"""How tasks end: on their own, or killed where memory runs out.

Linux's OOM killer chooses by resident pages, pages in swap space and page tables, with an adjustment for each task;
here it is the task whose page tables lead to most pages, so that one that is all in swap space is never chosen.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ..base.errors import kernel_error
from ..base.recorder import Recorder
from ..base.units import counted
from ..kernel.x15.vm_map import X15Map
from .task_space import TaskSpace
from .tasks_schema import OutOfMemory, TaskExited


class TaskEnds:
    """Ends tasks; `tasks` are all by name, `maps` X15's by path, `beside` what else is known of maps by their paths."""

    def __init__(
        self,
        recorder: Recorder,
        tasks: dict[str, TaskSpace],
        maps: dict[str, X15Map],
        beside: Sequence[dict[str, Any]],
    ) -> None:
        self.exited: set[str] = set()
        """Names of tasks that are over: no other gets them."""
        self.kills = False
        """Whether a task is killed when a fault finds no frame."""
        self._recorder = recorder
        self._tasks = tasks
        self._maps = maps
        self._beside = beside

    def end(self, space: TaskSpace, why: str) -> None:
        """End a task: its memory, its tables and its maps go.  O(entries + pages mapped)."""
        self.clear(space)
        del self._maps[space.vm_map.name]
        space.pmap.destroy()
        space.memory.bereaved(space.name)
        del self._tasks[space.name]
        self.exited.add(space.name)
        emit = self._recorder.emit
        if emit is not None:
            emit((TaskExited.tag, space.name, space.parent, why))

    def clear(self, space: TaskSpace, heap: int | None = None) -> None:
        """Have a task begin again (:meth:`.task_space.TaskSpace.clear`), without the submaps of its map."""
        space.clear(heap)
        own = space.vm_map.name
        for path in [one for one in self._maps if one.startswith(f"{own}/")]:
            del self._maps[path]
            for known in self._beside:
                known.pop(path, None)
        for known in self._beside:
            known.pop(own, None)

    def out_of_memory(self, space: TaskSpace) -> bool:
        """Kill a task, if that is wanted, since a fault of `space` found no frame; whether to try again.

        It is the one whose tables lead to most pages, the oldest of those.  None has any: then it is of no use.  Where
        a limit of its own is what `space` lacks frames for, no other task is killed for it.
        """
        if space.memory.rings.is_full(space.name, 1):
            return False
        killed = self._kill(self._tasks)
        if killed == space.name:
            raise kernel_error("NOMEM", f"task {killed!r} was killed: memory ran out, and it had most of it")
        return bool(killed)

    def kill_another(self, space: TaskSpace) -> bool:
        """Kill another task than `space`, if that is wanted, since there is no frame for a page table."""
        return bool(self._kill([name for name in self._tasks if name != space.name]))

    def _kill(self, names: Iterable[str]) -> str:
        """Kill the task of these that has most pages in memory, if that is wanted and it has any; its name, or ""."""
        resident = {name: self._tasks[name].resident for name in names} if self.kills else {}
        victim = max(resident, key=lambda name: resident[name], default="")
        if not resident.get(victim):
            return ""
        emit = self._recorder.emit
        if emit is not None:
            why = f"no frame is left, and of {counted(len(resident), 'task')} it has most pages"
            emit((OutOfMemory.tag, victim, resident[victim], why))
        self.end(self._tasks[victim], "it was killed, since memory ran out")
        return victim
