"""The steps of a plan, done in a machine by calls of its tasks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial

from ...engine.base.errors import KernelError, Refused, printable
from ...engine.base.progress import STEP, Progress
from ...engine.base.units import PAGE, binary_size, round_up
from ...engine.kernel.map.map_schema import EntryValue
from ...engine.machine import Machine
from ...engine.machine.arguments import MAX_NAME, reads_as_size
from ...engine.machine.handles.objects import MemoryObject
from ...engine.machine.handles.tasks import Task
from ..loading import MORE_ROOM, ObjectNames, lacking_room
from .plan import Step

WORDS = {"MAP_SHARED": "shared", "MAP_PRIVATE": "private", "MAP_GROWSDOWN": "growsdown"}
OFTEN = 32
"""The number of steps between two checks that there is room for as many more."""


class Performer:
    """The performer of steps; `tasks` are the tasks of address spaces by number, `done` counts calls by name.

    `beyond` counts calls on ranges that no call has mapped; `taken` counts mappings over memory that no call unmapped;
    `outside` counts mappings at addresses that the map does not have.
    """

    def __init__(self, machine: Machine, first: str, source: str) -> None:
        self.tasks: dict[int, Task] = {}
        self.done: Counter[str] = Counter()  # a parent's copy that execve is about to replace has no name
        self.beyond: Counter[str] = Counter()
        self.outside: Counter[str] = Counter()
        self.taken = 0
        self._machine = machine
        self._first = first
        self._source = source
        self._objects: dict[str, MemoryObject] = {}
        """The objects of files, by path; and the paths by the objects' names."""
        self._paths: dict[str, str] = {}
        self._names = ObjectNames()
        self._numbers: dict[str, int] = {}
        """The number below which all task names of a program are taken, by the program's name."""
        self._steps: dict[str, Callable[..., bool]] = {
            "begin": self._begin, "fork": self._fork, "share": lambda step: True, "exec": self._exec,
            "exit": self._exit, "mmap": self._mmap, "munmap": self._munmap, "brk": self._brk, "mremap": self._mremap,
            "mprotect": partial(self._on_each, Task.mprotect), "madvise": partial(self._on_each, Task.madvise),
            "msync": partial(self._on_each, Task.msync),
        }  # fmt: skip  # read as a table

    def perform(self, steps: list[Step], progress: Progress | None = None) -> None:
        """Do all steps, in order; raises :class:`Refused` with the line of a step that the machine refuses."""
        for number, step in enumerate(steps):
            if progress is not None and number % STEP == 0:
                progress(number, len(steps))
            entries = len(self.tasks[step.space].map) if step.action == "fork" else 0
            if entries or number % OFTEN == 0:
                self._refuse_without_room(step, 4 * OFTEN + entries)
            try:
                done = self._steps[step.action](step, *step.given)
                self.done[step.name] += done and step.action not in ("begin", "exit")
            except (Refused, KernelError) as error:
                raise Refused(f"line {step.line} of {self._source}: {step.name or 'brk'}: {error}") from None
        if progress is not None:
            progress(len(steps), len(steps))

    def _refuse_without_room(self, step: Step, entries: int) -> None:
        if lacking_room(self._machine, entries) is not None:
            memory = binary_size(self._machine.pages.obtainable_pages * PAGE)
            raise Refused(
                f"line {step.line} of {self._source}: {step.name}: this machine has no room for more entries, with "
                f"{memory} left: {MORE_ROOM}"
            )

    # ---- tasks -------------------------------------------------------------------------------

    def _begin(self, step: Step, name: str) -> bool:
        first = self._first if not step.space and self._first else self._free_name(name)
        self.tasks[step.space] = self._machine.task(first)
        return True

    def _fork(self, step: Step, child: int, name: str) -> bool:
        parent = self.tasks[step.space]
        made = self.tasks[child] = parent.fork(self._free_name(name or parent.name))
        self._keep_files(parent, made)
        return True

    def _keep_files(self, parent: Task, child: Task) -> None:
        """Map a parent's files for its child, instead of copies of them: nothing was written, so they are equal."""
        for entry in [EntryValue.of(one.fields()) for one in parent.space.vm_map]:
            path = self._paths.get(entry.object or "")
            if path is not None and entry.inheritance == "copy":
                size = entry.end - entry.start
                child.munmap(entry.start, size)
                self._enter(child, entry.start, size, entry.protection, "copy", path, entry.offset)

    def _exec(self, step: Step, heap: int | None) -> bool:
        layout = self._machine.layout
        if heap is not None and not layout.user_start <= heap <= layout.user_end:
            better = 'boot one with vm.boot("aarch64")' if heap <= 1 << 48 else MORE_ROOM
            raise Refused(f"the heap is at {heap:#x}, and this machine's tasks have no such addresses: {better}")
        self.tasks[step.space].exec(heap)
        return True

    def _exit(self, step: Step) -> bool:
        self.tasks[step.space].exit()
        return True

    def _free_name(self, wanted: str) -> str:
        """Return a name that no task has or had."""
        base = printable(wanted)[: MAX_NAME - 8]
        base = f"task {base}" if reads_as_size(base) else base
        number, system = self._numbers.get(base, 1), self._machine.system
        while (name := f"{base} {number}" if number > 1 else base) in system.tasks or name in system.ends.exited:
            number += 1
        self._numbers[base] = number
        return name

    # ---- memory ------------------------------------------------------------------------------

    def _mmap(
        self, step: Step, start: int, size: int, protection: int, flags: frozenset[str], path: str | None, offset: int
    ) -> bool:
        length = round_up(size, PAGE)
        if not self._inside(step, start, length):
            return False
        task = self.tasks[step.space]
        if next(self._covered(task, start, length), None) is not None:
            self.taken += "MAP_FIXED" not in flags
            if path is not None:
                task.munmap(start, length)
        words = " ".join(word for name, word in WORDS.items() if name in flags)
        if path is not None:
            inherit = "share" if "MAP_SHARED" in flags else "copy"
            self._enter(task, start, length, protection, inherit, path, offset)
        else:
            task.mmap(length, protection, f"{words} fixed", at=start)
        return True

    def _enter(self, task: Task, start: int, size: int, prot: int | str, inherit: str, path: str, offset: int) -> None:
        """Map an object with a file's name: the contents are unknown."""
        if path not in self._objects:
            shown = path.partition("\0")[0]
            base = shown if shown.startswith("/") else f"file {shown}"
            name = self._names.new(base, lambda name: name not in self._paths)
            self._objects[path], self._paths[name] = self._machine.object(name), path
        given = self._objects[path]
        task.map.enter(size, at=start, fixed=True, prot=prot, inherit=inherit, object=given, offset=offset)

    def _munmap(self, step: Step, start: int, size: int) -> bool:
        task = self.tasks[step.space]
        if not self._inside(step, start, size) or not self._known(step, task, start, size, any_part=True):
            return False
        task.munmap(start, size)
        return True

    def _on_each(self, call: Callable[..., object], step: Step, start: int, size: int, *given: int | str) -> bool:
        """Make a task's call on each mapped part of a range."""
        task = self.tasks[step.space]
        if size and not self._inside(step, start, size):
            return False
        pieces = list(self._covered(task, start, size))
        for first, last in pieces:
            call(task, first, last - first, *given)
        self._known(step, task, start, size)
        return bool(pieces)

    def _brk(self, step: Step, end: int) -> bool:
        self.tasks[step.space].brk(end)
        return True

    def _mremap(self, step: Step, start: int, size: int, to: int, length: int, keep: bool) -> bool:
        """Unmap and map again each piece; growth extends the last piece.  Contents are not kept."""
        task = self.tasks[step.space]
        if not (self._inside(step, start, max(size, 1)) and self._inside(step, to, length)):
            return False
        old, new = round_up(size, PAGE), round_up(length, PAGE)
        if not self._known(step, task, start, old or PAGE):
            return False
        touched = task.space.vm_map.entries_in(start, start + (old or PAGE))
        entries = [EntryValue.of(entry.fields()) for entry in touched]
        if not keep and old:
            task.munmap(start, old)
        if to != start or new > old:
            task.munmap(to, new)
        for entry in entries:
            first = max(entry.start, start)
            last = min(entry.end, start + old) if entry is not entries[-1] else start + new
            last = min(last, start + new)
            if first < last:
                place, shared = to + first - start, entry.inheritance == "share"
                path = self._paths.get(entry.object or "")
                if path is None:
                    flags = f"{'shared' if shared else 'private'} fixed"
                    task.mmap(last - first, entry.protection, flags, at=place)
                else:
                    offset = entry.offset + first - entry.start
                    self._enter(task, place, last - first, entry.protection, entry.inheritance, path, offset)
        return True

    # ---- what is there -----------------------------------------------------------------------

    def _inside(self, step: Step, start: int, size: int) -> bool:
        """Return whether the range is among the map's addresses; a call on a range elsewhere is counted."""
        if start % PAGE:
            raise Refused(f"{start:#x} is not page aligned, and the call succeeded")
        if size <= 0:
            raise Refused("its range is empty, and the call succeeded")
        layout = self._machine.layout
        inside = layout.user_start <= start and start + size <= layout.user_end
        self.outside[step.name] += not inside
        return inside

    def _covered(self, task: Task, start: int, size: int) -> Iterator[tuple[int, int]]:
        """Return the mapped pieces of a range, neighbours joined."""
        end = start + round_up(size, PAGE)
        pieces: list[tuple[int, int]] = []
        for entry in task.space.vm_map.entries_in(start, end):
            first, last = max(start, entry.start), min(end, entry.end)
            if pieces and pieces[-1][1] == first:
                first = pieces.pop()[0]
            pieces.append((first, last))
        return iter(pieces)

    def _known(self, step: Step, task: Task, start: int, size: int, any_part: bool = False) -> bool:
        """Return whether calls have mapped the range; a call on a range mapped by `execve` itself is counted."""
        length = round_up(size, PAGE)
        covered = sum(last - first for first, last in self._covered(task, start, length))
        known = covered > 0 if any_part else covered >= length
        self.beyond[step.name] += not known
        return known
