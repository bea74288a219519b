"""The steps of a plan, made in a machine by the calls that its tasks have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from ...engine.base.errors import KernelError, Refused, printable
from ...engine.base.units import PAGE, PAGE_SHIFT, binary_size
from ...engine.machine import Machine
from ...engine.machine.arguments import MAX_NAME, reads_as_size
from ...engine.machine.objects import MemoryObject
from ...engine.machine.tasks import Task
from .plan import Step

WORDS = {"MAP_SHARED": "shared", "MAP_PRIVATE": "private", "MAP_GROWSDOWN": "growsdown"}
OFTEN = 32
"""After so many steps it is looked whether there is room for as many more."""


class Performer:
    """Makes steps; `tasks` are the tasks of address spaces by number, `done` calls by name.

    `beyond` counts calls on ranges that no call has mapped, `taken` mappings put where something was that no call took
    away.  `outside` counts those for which the map has no addresses.
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
        self._steps: dict[str, Callable[..., bool]] = {
            "begin": self._begin, "fork": self._fork, "share": lambda step: True, "exec": self._exec,
            "exit": self._exit, "mmap": self._mmap, "munmap": self._munmap, "mprotect": self._mprotect,
            "brk": self._brk, "mremap": self._mremap, "madvise": self._madvise, "msync": self._msync,
        }  # fmt: skip  # read as a table

    def perform(self, steps: list[Step]) -> None:
        """All steps, in order; :class:`Refused` with the line of the one that the machine refuses."""
        for number, step in enumerate(steps):
            entries = len(self.tasks[step.space].map) if step.action == "fork" else 0
            if entries or number % OFTEN == 0:
                self._refuse_without_room(step, 3 * OFTEN + entries)
            try:
                done = self._steps[step.action](step, *step.given)
                self.done[step.name] += done and step.action not in ("begin", "exit")
            except (Refused, KernelError) as error:
                raise Refused(f"line {step.line} of {self._source}: {step.name}: {error}") from None

    def _refuse_without_room(self, step: Step, entries: int) -> None:
        """Entries come from slabs in the kernel map, and running out there is a panic: stop before it."""
        machine = self._machine
        layout, kernel_map = machine.system.kernel.entry_cache.layout, machine.kernel_map
        slabs = -(-entries // layout.buffers) + 1
        pages = slabs * layout.slab_size >> PAGE_SHIFT
        room = kernel_map.end - kernel_map.start - kernel_map.size >> PAGE_SHIFT
        free = machine.kentry.room - machine.kentry.cache.allocated
        if pages > room or pages + 8 > machine.pages.obtainable_pages or slabs > free:
            memory = binary_size(machine.pages.obtainable_pages * PAGE)
            raise Refused(
                f"line {step.line} of {self._source}: {step.name}: this machine has no room for more entries, with "
                f"{memory} left: boot one with more memory, or with a layout whose kernel map is larger"
            )

    # ---- tasks -------------------------------------------------------------------------------

    def _begin(self, step: Step, name: str) -> bool:
        first = self._first if not step.space and self._first else self._free_name(name)
        self.tasks[step.space] = self._machine.task(first)
        return True

    def _fork(self, step: Step, child: int, name: str) -> bool:
        parent = self.tasks[step.space]
        self.tasks[child] = parent.fork(self._free_name(name or parent.name))
        return True

    def _exec(self, step: Step, heap: int | None) -> bool:
        self.tasks[step.space].exec(heap)
        return True

    def _exit(self, step: Step) -> bool:
        self.tasks[step.space].exit()
        return True

    def _free_name(self, wanted: str) -> str:
        """A name that no task has or had."""
        base = printable(wanted)[: MAX_NAME - 8]
        base = f"task {base}" if reads_as_size(base) else base
        name, number, system = base, 1, self._machine.system
        while name in system.tasks or name in system.ends.exited:
            number += 1
            name = f"{base} {number}"
        return name

    # ---- memory ------------------------------------------------------------------------------

    def _mmap(
        self, step: Step, start: int, size: int, protection: int, flags: frozenset[str], path: str | None, offset: int
    ) -> bool:
        length = -(-size // PAGE) * PAGE
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
        """Map an object that has a file's name: what is in the file is not known."""
        if path not in self._objects:
            self._objects[path] = self._machine.object(self._object_name(path))
        given = self._objects[path]
        task.map.enter(size, at=start, fixed=True, prot=prot, inherit=inherit, object=given, offset=offset)

    def _object_name(self, path: str) -> str:
        base = path if path.startswith("/") else f"file {path}"
        base = base if len(base) <= MAX_NAME else "…" + base[1 - MAX_NAME :]
        taken = {one.name for one in self._objects.values()}
        name, number = base, 1
        while name in taken:  # two long paths with the same end
            number += 1
            name = f"{base[: MAX_NAME - 10]} ({number})"
        return name

    def _munmap(self, step: Step, start: int, size: int) -> bool:
        task = self.tasks[step.space]
        if not self._inside(step, start, size) or not self._known(step, task, start, size, any_part=True):
            return False
        task.munmap(start, size)
        return True

    def _mprotect(self, step: Step, start: int, size: int, protection: int) -> bool:
        return self._on_each(step, start, size, lambda task, at, part: task.mprotect(at, part, protection))

    def _madvise(self, step: Step, start: int, size: int, advice: str) -> bool:
        return self._on_each(step, start, size, lambda task, at, part: task.madvise(at, part, advice))

    def _msync(self, step: Step, start: int, size: int) -> bool:
        return self._on_each(step, start, size, lambda task, at, part: task.msync(at, part))

    def _on_each(self, step: Step, start: int, size: int, act: Callable[[Task, int, int], object]) -> bool:
        """Do it to what of a range is mapped."""
        task = self.tasks[step.space]
        if size and not self._inside(step, start, size):
            return False
        pieces = list(self._covered(task, start, size))
        for first, last in pieces:
            act(task, first, last - first)
        self._known(step, task, start, size)
        return bool(pieces)

    def _brk(self, step: Step, end: int) -> bool:
        self.tasks[step.space].brk(end)
        return True

    def _mremap(self, step: Step, start: int, size: int, to: int, length: int, keep: bool) -> bool:
        """Remove and map again, each piece as it was; what grows is more of the last piece.  Contents are not kept."""
        task = self.tasks[step.space]
        if not (self._inside(step, start, max(size, 1)) and self._inside(step, to, length)):
            return False
        old, new = -(-size // PAGE) * PAGE, -(-length // PAGE) * PAGE
        if not self._known(step, task, start, old or PAGE):
            return False
        entries = [entry for entry in task.map.entries() if entry.start < start + (old or PAGE) and start < entry.end]
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
                path = next((path for path, one in self._objects.items() if one.name == entry.object), None)
                if path is None:
                    flags = f"{'shared' if shared else 'private'} fixed"
                    task.mmap(last - first, entry.protection, flags, at=place)
                else:
                    offset = entry.offset + first - entry.start
                    self._enter(task, place, last - first, entry.protection, entry.inheritance, path, offset)
        return True

    # ---- what is there -----------------------------------------------------------------------

    def _inside(self, step: Step, start: int, size: int) -> bool:
        """Whether the map has such addresses; a call elsewhere is counted."""
        if start % PAGE:
            raise Refused(f"{start:#x} is not page aligned, and the call succeeded")
        if size <= 0:
            raise Refused("its range is empty, and the call succeeded")
        layout = self._machine.layout
        inside = layout.user_start <= start and start + size <= layout.user_end
        self.outside[step.name] += not inside
        return inside

    def _covered(self, task: Task, start: int, size: int) -> Iterator[tuple[int, int]]:
        """The pieces of a range that are mapped, neighbours as one."""
        end = start + -(-size // PAGE) * PAGE
        pieces: list[tuple[int, int]] = []
        for entry in task.space.vm_map.entries_in(start, end):
            first, last = max(start, entry.start), min(end, entry.end)
            if pieces and pieces[-1][1] == first:
                first = pieces.pop()[0]
            pieces.append((first, last))
        return iter(pieces)

    def _known(self, step: Step, task: Task, start: int, size: int, any_part: bool = False) -> bool:
        """Whether calls have mapped the range; one on a range that `execve` mapped itself is counted."""
        length = -(-size // PAGE) * PAGE
        covered = sum(last - first for first, last in self._covered(task, start, length))
        known = covered > 0 if any_part else covered >= length
        self.beyond[step.name] += not known
        return known
