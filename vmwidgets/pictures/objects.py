"""Pictures of tasks' memory: the stages of a fault, and memory objects with their shadows."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from vmwidgets.engine.machine import Machine
from vmwidgets.engine.machine.handles.objects import MachineObjects
from vmwidgets.engine.machine.handles.tasks import Task
from vmwidgets.views.memory.fault import draw_fault
from vmwidgets.views.memory.objects import ROWS, draw_objects, named_in
from vmwidgets.views.scene.model import Scene
from vmwidgets.views.story.faults import Meaning, Read
from vmwidgets.views.story.moment import Moment

from .at import At, starts_of
from .picture import Picture, machine_of
from .registry import picture_of


@picture_of()
class Fault(Picture):
    """The story of a fault: an access through TLB, walk, map lookup, object and pager, frame and page tables.

    `target` is a task, or a machine, whose picture shows the faults of all address spaces.  After an operation without
    a fault, the latest fault stays in the picture, and the caption says which operation it is from.

    >>> import vmwidgets as vm
    >>> t = vm.boot("x86-64").task("init")
    >>> t.write(t.mmap("4 KiB"), b"x")
    >>> vm.Fault(t).scene().subtitle
    'fault 1 of 1 in this operation · write at 0x1_0000 of init'
    """

    def __init__(self, target: Task | Machine, **options: Any) -> None:
        machine = machine_of(target, Task, wanted="Fault shows the faults of a task, or of a machine")
        super().__init__(target, machine=machine, **options)

    def draw(self, at: At) -> Scene:
        """Return the fault at this moment."""
        space = at.target.name if isinstance(at.target, Task) else ""
        read = _reader(at.whole)
        return draw_fault(at.moment, _faulted(at.whole), read=read, space=space, machine=at.whole.name, width=at.width)


def _reader(machine: Machine) -> Read:
    """Return a function that reads descriptors of a machine's tables as its processors do."""
    fmt, controls = machine.system.pmap.fmt, machine.system.controls

    def read(level: int, word: int) -> Meaning:
        descriptor = fmt.rules.read_as(fmt.level(level), word, controls)
        is_leaf = descriptor.kind == "leaf"
        return Meaning(
            descriptor.kind, descriptor.address_of(word), is_leaf and fmt.rules.rights_of(descriptor, word).write
        )

    return read


AMONG, READ = 2_000, 50
"""The number of latest operations that are searched for faults, and the number of operations whose faults are read."""


def _faulted(machine: Machine) -> Iterator[Moment]:
    """Yield the moments after the latest operations that are accesses with a fault, the latest first, up to a limit."""
    journal = machine.journal
    latest = len(journal) - 1
    among = range(latest - 1, max(journal.first_kept, latest - AMONG) - 1, -1)
    for number in islice(filter(journal.faulted, among), READ):
        yield Moment(journal[number], starts=starts_of(machine))


@picture_of(first_for=MachineObjects)
class Objects(Picture):
    """Memory objects: the tasks that map them, the pages of each, and shadow chains from front to back with references.

    `target` is ``m.memory_objects``, the machine, or a task, whose picture shows the objects that the task maps.

    >>> import vmwidgets as vm
    >>> t = vm.boot("x86-64").task("init")
    >>> t.write(t.mmap("8 KiB"), b"x")
    >>> child = t.fork()
    >>> vm.Objects(t.machine).scene().subtitle
    '2 objects · 1 page seen by entries, 1 by several'
    """

    def __init__(self, target: MachineObjects | Task | Machine, **options: Any) -> None:
        wanted = "Objects shows the memory objects of a machine, machine.memory_objects, or of a task"
        machine = machine_of(target, MachineObjects, Task, wanted=wanted)
        super().__init__(target if isinstance(target, Task) else machine.memory_objects, machine=machine, **options)

    def draw(self, at: At) -> Scene:
        """Return the objects at this moment."""
        task = at.target.path if isinstance(at.target, Task) else ""
        look = at.look(at.whole.memory_objects, ROWS, named_in(at.moment))
        once = at.whole.system.task_memory.fork.counts
        return draw_objects(look, task=task, once=once, machine=at.whole.name, width=at.width, selection=self.selection)
