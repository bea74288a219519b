"""The ends of tasks: their own exit, or a kill when memory is exhausted.

Linux's OOM killer chooses by resident pages, pages in swap space and page tables, with an adjustment for each task;
here, the task with most pages in its page tables is chosen, so never a task that is entirely in swap space.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..base.errors import kernel_error
from ..base.recorder import Recorder
from ..base.units import counted
from ..kernel.x15.vm_map import X15Map
from .processors import Processors
from .task_space import TaskSpace
from .tasks_schema import OutOfMemory, TaskExited


class TaskEnds:
    """The code that ends tasks: `tasks` has all by name, `maps` X15's maps by path."""

    processors: Processors
    """The machine's processors: the kernel kills on processor 0, whichever processor needs the frame."""

    def __init__(self, recorder: Recorder, tasks: dict[str, TaskSpace], maps: dict[str, X15Map]) -> None:
        self.exited: set[str] = set()
        """The names of tasks that have ended: no other task gets them."""
        self.kills = False
        """Whether a task is killed when a fault finds no free frame."""
        self._recorder = recorder
        self._tasks = tasks
        self._maps = maps

    def end(self, space: TaskSpace, why: str) -> None:
        """End a task, and free its memory, its tables and its map.  O(entries + pages mapped)."""
        space.clear()
        del self._maps[space.vm_map.name]
        space.pmap.destroy()
        space.memory.bereaved(space.name)
        del self._tasks[space.name]
        self.exited.add(space.name)
        emit = self._recorder.emit
        if emit is not None:
            emit((TaskExited.tag, space.name, space.parent, why))

    def out_of_memory(self, space: TaskSpace) -> bool:
        """If kills are on, kill a task since a fault of `space` found no free frame; return whether to try again.

        The task with the most pages in its page tables is killed, or the oldest of several such tasks; no task is
        killed if none has pages.  If `space` has reached its own limit of frames, no other task is killed for it.
        """
        if space.memory.rings.is_full(space.name, 1):
            return False
        killed = self._kill(self._tasks)
        if killed == space.name:
            raise kernel_error("NOMEM", f"task {killed!r} was killed: memory ran out, and it had most of it")
        return bool(killed)

    def kill_another(self, space: TaskSpace) -> bool:
        """If kills are on, kill a task other than `space`, since there is no frame for a page table."""
        return bool(self._kill([name for name in self._tasks if name != space.name]))

    def _kill(self, names: Iterable[str]) -> str:
        """If kills are on, kill the task with the most pages in memory among these.

        Returns its name, or "" if no task has pages.
        """
        resident = {name: self._tasks[name].resident for name in names} if self.kills else {}
        victim = max(resident, key=lambda name: resident[name], default="")
        if not resident.get(victim):
            return ""
        emit = self._recorder.emit
        if emit is not None:
            why = f"no frame is left, and of {counted(len(resident), 'task')} it has most pages"
            emit((OutOfMemory.tag, victim, resident[victim], why))
        with self.processors.on():
            self.end(self._tasks[victim], "it was killed, since memory ran out")
        return victim
