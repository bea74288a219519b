"""The picture of a fault: its page before, its steps, and its page after."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import islice
from typing import Any

from vmwidgets.engine.base.units import PAGE, PAGE_SHIFT, binary_size
from vmwidgets.engine.kernel.tasks.objects_schema import PageCopied
from vmwidgets.engine.machine import Machine
from vmwidgets.engine.machine.handles.tasks import Task
from vmwidgets.engine.memory.pages_schema import PageAllocated
from vmwidgets.views.memory.blackboard import BoardFrame, Descriptor, entry_word
from vmwidgets.views.memory.fault import FaultedPage, Side, draw_fault, framed
from vmwidgets.views.scene.model import Scene
from vmwidgets.views.story.faults import Fault as FaultStory
from vmwidgets.views.story.faults import Meaning, Read, Running
from vmwidgets.views.story.moment import Moment

from .at import At, ranges_of
from .finding import EVERY
from .moments import look_at
from .picture import Picture, machine_of
from .registry import picture_of
from .sharing import in_words, wrote_in_words
from .spaces import MachineSpace


@picture_of()
class Fault(Picture):
    """The story of a fault: an access through TLB, walk, map lookup, pager, frame and page tables, and its page.

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
        return draw_fault(
            at.moment,
            _faulted(at.whole),
            pages=partial(_faulted_page, at.whole),
            word=entry_word(at.whole.architecture),
            read=_reader(at.whole),
            runs=partial(_running, at.whole),
            space=space,
            machine=at.whole.name,
            width=at.width,
        )


def _faulted_page(machine: Machine, shown: Moment, fault: FaultStory) -> FaultedPage | None:
    """Return the page of a task's access as it is drawn; None if a task of it is gone, or has it at another address.

    The machine is rebuilt if the access is an earlier operation's; None if that takes long.
    """
    then = _after(machine, shown)
    if then is None:
        return None
    machine = then
    page, writer = fault.va & ~(PAGE - 1), fault.space
    taken = [event for event in framed(fault, shown) if isinstance(event, (PageAllocated, PageCopied))]
    copied = [event for event in taken if isinstance(event, PageCopied)]
    if writer not in machine.tasks or len(copied) > 1:
        return None
    begun, new = shown.at(fault.marks[0].at), {event.frame for event in taken}
    was, now, end = (_page_of(machine, writer, page, one) for one in (begun, shown, shown.at(None)))
    source = next((one.frame for one in (was, end) if one is not None and one.frame not in new), -1)
    source = next((one.source_frame for one in copied if one.source_frame not in new), source)
    mapped = shown.at(None).read_once(
        ("mapped", source), lambda: machine.frames.mapped_at(source) if source >= 0 else ()
    )
    others = [one for one in mapped if one != (writer, page)]
    every = [source] * (source >= 0) + [event.frame for event in taken[-1:]]  # the same at all steps
    known = [source] * (source >= 0) + [event.frame for event in taken[-1:] if event in shown.so_far]
    first, last = (look_at(machine.frames, one, tuple(every), of="beginnings").now for one in (begun, shown))
    leads = [len(others) + (its is not None and its.frame == source) for its in (was, now)]
    before: list[BoardFrame] = []
    after: list[BoardFrame] = []
    for frame in known:
        if frame != source:
            is_led = now is not None and now.frame == frame
            state = "new" if is_led else "ghost"
            after.insert(0, BoardFrame(frame, int(is_led), int(is_led), in_words(last[frame]), state, source))
        else:
            before = [BoardFrame(frame, leads[0], leads[0], in_words(first[frame]))]
            changed = "changed" * (leads[0] != leads[1])
            after = [BoardFrame(frame, leads[1], leads[0], in_words(last[frame]), changed)]
    drawn = None if now is None else now._replace(state="new" if was is None else "changed" * (now != was))
    is_raised = any(mark.box == "code" and mark.at < shown.place for mark in fault.marks)
    if drawn is not None and now == was and is_raised:
        drawn = drawn._replace(state="fault" if 0 <= fault.failed < shown.place else "refused")
    sharer = [(name, _page_of(machine, name, va, shown)) for name, va in others[:1] if name in machine.tasks]
    ranges: list[tuple[int, str, bool]] = []
    if 0 <= fault.failed < shown.place and fault.failing == "lookup":
        entries = look_at(machine.tasks[writer].map, shown, whole=EVERY).now.entries
        near = [one for one in entries if one.end > fault.va][:2]  # around it, or above it
        ranges = [
            (one.start, f"{binary_size(one.end - one.start)}, {one.protection}", one.start <= fault.va) for one in near
        ]
        ranges = ranges if any(is_here for *_, is_here in ranges) else [(fault.va, NOTHING, True), *ranges]
    is_resolved = fault.faulted and fault.failed < 0
    is_copied = bool(copied) and source >= 0
    is_file = any(machine.frames.owner(frame).startswith("object file ") for frame in known[:1])
    given = {} if shown.operation is None else dict(shown.operation.arguments)
    begins, ends = given.get("address", fault.va), given.get("address", 0) + len(given.get("data", b""))
    is_whole = begins == fault.va and ends <= page + PAGE  # otherwise it wrote a part of that elsewhere
    return FaultedPage(
        writer,
        page,
        wrote_in_words(shown.operation) if is_whole else "",
        "file" if is_file else "anonymous",
        Side(((writer, was if is_resolved else drawn), *sharer), tuple(before)),
        Side(((writer, drawn), *sharer), tuple(after)) if is_resolved else None,
        entry_word(machine.architecture),
        copied[0].frame if is_copied else -1,
        keeper=copied[0].source if is_copied and not sharer else "",
        others=max(0, len(others) - 1),
        ranges=ranges,
    )


def _after(machine: Machine, shown: Moment) -> Machine | None:
    """Return the machine after the operation of a moment; None if rebuilding it takes long."""
    operation = shown.operation
    assert operation is not None, "it has an access"
    if operation.number == len(machine.journal) - 1:
        return machine
    return None if machine.history.is_far(operation.number) else machine.at(operation.number)


def _running(machine: Machine, shown: Moment) -> Running | None:
    """Return what the processors run after the operation of a moment; None if rebuilding the machine takes long."""
    then = None if shown.operation is None else _after(machine, shown)
    if then is None:
        return None
    kernel, processors = then.system.pmap, then.system.processors.all
    spaces = {one.path: "" if one.pmap is kernel else one.pmap.name for one in processors}
    return Running(spaces, kernel.layout.is_user)


NOTHING = "nothing is mapped here"
"""The words about an address in no range."""


def _page_of(machine: Machine, task: str, page: int, moment: Moment) -> Descriptor | None:
    """Return a task's descriptor of a page; None if it has none that leads to a frame."""
    walk = partial(MachineSpace(machine, task, moment).walk, page, user=True)
    read, write = moment.read_once(("page", task, page), lambda: [walk(access=one).pa for one in ("read", "write")])
    return None if read is None else Descriptor(read >> PAGE_SHIFT, "r--" if write is None else "rw-")


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
        yield Moment(journal[number], ranges=ranges_of(machine))
