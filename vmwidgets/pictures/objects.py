"""The picture of a fault, in stages."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import islice
from typing import Any

from vmwidgets.engine.base.units import PAGE, PAGE_SHIFT
from vmwidgets.engine.kernel.tasks.objects_schema import PageCopied
from vmwidgets.engine.machine import Machine
from vmwidgets.engine.machine.handles.tasks import Task
from vmwidgets.views.memory.blackboard import BoardFrame, Descriptor, entry_word
from vmwidgets.views.memory.fault import Copy, Side, draw_fault
from vmwidgets.views.scene.model import Scene
from vmwidgets.views.story.faults import Fault as FaultStory
from vmwidgets.views.story.faults import Meaning, Read
from vmwidgets.views.story.moment import Moment

from .at import At, starts_of
from .moments import look_at
from .picture import Picture, machine_of
from .registry import picture_of
from .sharing import in_words, wrote_in_words
from .spaces import MachineSpace


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
        copies = partial(_copy_of, at.whole)
        return draw_fault(at.moment, _faulted(at.whole), read=read, copies=copies, space=space, machine=at.whole.name,
                          width=at.width)  # fmt: skip  # which fault, then how


def _copy_of(machine: Machine, shown: Moment, fault: FaultStory, event: PageCopied) -> Copy | None:
    """Return a fault's copy as it is drawn; None if a task of it is gone, or has the page at another address.

    The machine is rebuilt if the fault is an earlier operation's; None if that takes long.
    """
    operation = shown.operation
    assert operation is not None, "it has a fault"
    if operation.number != len(machine.journal) - 1:
        if machine.history.is_far(operation.number):
            return None
        machine = machine.at(operation.number)
    page, writer = fault.va & ~(PAGE - 1), fault.space
    tasks = [writer, *(one for one in event.mapped if one != writer)]
    if any(one not in machine.tasks for one in tasks):
        return None
    begun, source = shown.at(fault.marks[0].at), event.source_frame
    was = {task: _page_of(machine, task, page, begun) for task in tasks}
    now = {task: _page_of(machine, task, page, shown) for task in tasks}
    if any(its is None for task, its in was.items() if task != writer):
        return None
    if any(its is not None and its.frame != source for its in was.values()):
        return None
    first, last = (look_at(machine.frames, then, (source, event.frame), of="beginnings").now for then in (begun, shown))
    users = [sum(its is not None and its.frame == frame for its in some.values())
             for some, frame in ((was, source), (now, source), (now, event.frame))]  # fmt: skip  # before, then after
    old = BoardFrame(source, users[0], users[0], in_words(first[source]))
    after = [old._replace(users=users[1], words=in_words(last[source]), state="changed" * (users[1] != users[0]))]
    if event in shown.so_far:
        state = "new" if users[2] else "ghost"
        after = [BoardFrame(event.frame, users[2], 0, in_words(last[event.frame]), state, source), *after]
    is_refused = not users[2] and any(mark.box == "code" and mark.at < shown.place for mark in fault.marks)
    drawn = {task: _since(now[task], was[task]) for task in tasks[:2]}
    if is_refused and (mine := drawn[writer]) is not None:
        drawn[writer] = mine._replace(state="refused")
    return Copy(
        writer, page, wrote_in_words(operation), "file" if event.source.startswith("file ") else "anonymous",
        Side(tuple((task, was[task]) for task in tasks[:2]), (old,)), Side(tuple(drawn.items()), tuple(after)),
        event.frame, entry_word(machine.architecture), keeper="" if len(tasks) > 1 else event.source,
        others=max(0, len(tasks) - 2),
    )  # fmt: skip  # all of it


def _page_of(machine: Machine, task: str, page: int, moment: Moment) -> Descriptor | None:
    """Return a task's descriptor of a page; None if it has none that leads to a frame."""
    space = MachineSpace(machine, task, moment)
    pa = space.walk(page, "read", True).pa
    may_write = pa is not None and space.walk(page, "write", True).pa is not None
    return None if pa is None else Descriptor(pa >> PAGE_SHIFT, "rw-" if may_write else "r--")


def _since(now: Descriptor | None, was: Descriptor | None) -> Descriptor | None:
    """Return a descriptor with its state since it was as before."""
    return now if now is None or now == was else now._replace(state="new" if was is None else "changed")


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
