"""Frames by page table: the tasks whose tables refer to a frame, and the rights of each."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from vmwidgets.engine.base.units import PAGE, PAGE_SHIFT, Address, counted
from vmwidgets.engine.kernel.map.map_schema import EntryValue
from vmwidgets.engine.kernel.tasks.objects_schema import PageCopied
from vmwidgets.engine.machine import Machine
from vmwidgets.engine.mmu.runs import runs
from vmwidgets.engine.mmu.tables_schema import FaultRaised, PteRunWritten, PteWritten
from vmwidgets.views.memory.blackboard import MOST, BoardFrame, BoardPage, Descriptor, blackboard
from vmwidgets.views.memory.sharing import Frames, SharedRange, capsules, cells_of, tasks_by_frame
from vmwidgets.views.scene import boxes
from vmwidgets.views.scene.key import kind_of_object
from vmwidgets.views.scene.model import Scene, Table
from vmwidgets.views.story.faults import faults_of

from .at import At
from .finding import EVERY
from .registry import picture_of
from .spaces import MachineSpace


@picture_of(shows=Machine, name="Sharing")
def draw(at: At) -> Scene:
    """Return, for each frame, the tasks whose page tables refer to it, and their rights.  `target` is the machine.

    A frame that was added to tables is marked as new; a frame with other tasks or other rights is marked as changed.

    >>> import vmwidgets as vm
    >>> m = vm.boot("x86-64")
    >>> t = m.task("init")
    >>> t.write(t.mmap("8 KiB"), b"x")
    >>> child = t.fork()
    >>> vm.Sharing(m)
    Sharing of machine ...
    """
    frames, before = frames_of(at), frames_of(replace(at, done=0))
    having = {task for users in (*frames.values(), *before.values()) for task, _ in users}
    tasks = [name for name in at.whole.tasks if name in having]
    part = boxes.words("sharing/none", "No task's page tables map a frame.")
    if frames and _fits_a_board(frames, before, tasks):
        left, right = (*tasks, "")[:2]
        part = blackboard((left, right), board_of(at, frames, before, (left, right)), tasks_by_frame(frames))
    elif frames:
        part = capsules(frames, before, tasks, ranges_of(at, frames))
    rows = [(f"{frame:#x}", task, str(Address(va)), rights)
            for frame, users in sorted(frames.items()) for (task, va), rights in users.items()]  # fmt: skip
    table = Table(("frame", "task", "address", "rights"), rows)
    kinds = PteWritten, PteRunWritten, FaultRaised, PageCopied
    steps = at.steps(lambda then: (frames_of(then), *_under_way(then)), *kinds)
    words = f"{counted(len(frames), 'frame')} in the page tables of tasks"
    operation = at.moment.operation
    is_gone = operation is not None and operation.name == "exit"  # of a task that is not in `before` any longer
    caption = at.moment.caption_of(steps, _answer(frames), changed=is_gone or frames != before)
    return boxes.picture("sharing", "frames by page table", words, part, caption=caption, table=table, steps=steps,
                         machine=at.whole.name, width=at.width)  # fmt: skip  # all of it


def _answer(frames: Frames) -> str:
    """Return how many frames several tasks share, and how many can be written without a page fault; "" if none.

    A task keeps its right to write: a descriptor that does not allow a write makes the write fault.
    """
    if not frames:
        return ""
    several = [users for users in frames.values() if len({task for task, _ in users}) > 1]
    if not several:
        return f"{'The frame' if len(frames) == 1 else 'Each frame'} is in the page tables of one task."
    written = sum(any("w" in rights for rights in users.values()) for users in several)
    which = f"{len(several):,} of {counted(len(frames), 'frame')} {'is' if len(several) == 1 else 'are'}"
    if len(several) == 1:
        may = "a write to it needs no fault" if written else "a write to it faults"
    else:
        may = f"a write to {f'{written:,}' if written else 'any'} of them {'needs no fault' if written else 'faults'}"
    return f"{which} in the page tables of several tasks; {may}."


def _fits_a_board(frames: Frames, before: Frames, tasks: Sequence[str]) -> bool:
    """Return whether at most two tasks have few pages, with each frame at one address."""
    every = (*frames.values(), *before.values())
    is_at_one = all(len({va for _, va in users}) == 1 for users in every)
    return 0 < len(tasks) <= 2 and is_at_one and len({va for users in every for _, va in users}) <= MOST


def board_of(at: At, frames: Frames, before: Frames, tasks: tuple[str, str]) -> list[BoardPage]:
    """Return the contents of a blackboard of two tasks: each page with its descriptors and frames."""
    cells, was = cells_of(frames), cells_of(before)
    split, refused = _under_way(at)
    kinds = {va: one.kind for one in ranges_of(at, frames) for va in one.pages}
    copied = (event.frame for event in at.moment.events if isinstance(event, PageCopied))
    known = {*frames, *before, *frames_of(replace(at, done=None)), *copied}  # the same at all steps: one look is enough
    first = at.look(at.whole.frames, tuple(sorted(known)), of="beginnings").now
    pages = []
    for va in sorted(cells):
        descriptors = {}
        for task, (frame, rights) in cells[va].items():
            earlier = was.get(va, {}).get(task)
            state = "new" if earlier is None else "changed" if earlier != (frame, rights) else ""
            descriptors[task] = Descriptor(frame, rights, "fault" if (task, va) in refused else state)
        order = dict.fromkeys(one.frame for task in reversed(tasks) if (one := descriptors.get(task)) is not None)
        shown = [_on_board(frame, frames, before, first[frame]) for frame in order]
        for task, copy in split:
            if copy.source_frame in order:
                ghost = BoardFrame(copy.frame, 0, 0, _in_words(first[copy.frame]), "ghost", copy.source_frame)
                shown.insert(len(shown) if task == tasks[0] else 0, ghost)
        pages.append(BoardPage(va, kinds[va], descriptors, shown))
    return pages


def _on_board(frame: int, frames: Frames, before: Frames, first: bytes) -> BoardFrame:
    users, earlier = frames[frame], before.get(frame, {})
    state = "new" if not earlier else "changed" if users != earlier else ""
    return BoardFrame(frame, len(users), len(earlier), _in_words(first), state)


def _in_words(first: bytes) -> str:
    r"""Return a page's first bytes as text, as far as they are text; "" if they aren't.

    >>> _in_words(b"hello" + bytes(3)), _in_words(bytes(8)), _in_words(b"\x7fELF")
    ('hello', '', '')
    """
    text = first.partition(b"\0")[0].decode("ascii", "replace")
    return text if text.isprintable() and text.isascii() else ""


def _under_way(at: At) -> tuple[list[tuple[str, PageCopied]], set[tuple[str, int]]]:
    """Return copies that no table maps yet, each with the writing task, and descriptors that just refused an access.

    A descriptor is a task and a page's address.  Both remain until the fault's descriptor is written.
    """
    place, events = at.moment.place, at.moment.events
    split: list[tuple[str, PageCopied]] = []
    refused = set()
    for fault in faults_of(at.moment):
        end = max((mark.at for mark in fault.marks if mark.box == "enter"), default=len(events))
        if place > end:
            continue
        done = [mark for mark in fault.marks if mark.at < place]
        split += [(fault.space, copy) for mark in done if isinstance(copy := events[mark.at], PageCopied)]
        if any(mark.box == "code" for mark in done):
            refused.add((fault.space, fault.va & ~(PAGE - 1)))
    return split, refused


def ranges_of(at: At, frames: Frames) -> list[SharedRange]:
    """Return the pages of all frames by address, grouped by the name that the first task gives them."""
    entries = {name: at.value(task.map, whole=EVERY).entries for name, task in at.whole.tasks.items()}
    found: list[SharedRange] = []
    for va in sorted({va for users in frames.values() for _, va in users}):
        holds = (one for some in entries.values() for one in some if one.start <= va < one.end)
        name, kind, start = next((_called(one) for one in holds), ("memory", "anonymous", va))
        if found and (found[-1].name, found[-1].start) == (name, start):
            found[-1] = found[-1]._replace(pages=(*found[-1].pages, va))
        else:
            found.append(SharedRange(name, kind, start, (va,)))
    return found


def _called(entry: EntryValue) -> tuple[str, str, int]:
    """Return the name and the kind of an entry's memory, and the address of its page 0."""
    name, is_file = (entry.object or "").removeprefix("file "), (entry.object or "").startswith("file ")
    kind = kind_of_object(entry.object, entry.protection) if is_file else "anonymous"
    return f"{name}, {KINDS[kind]}" if is_file else KINDS[kind], kind, entry.start - entry.offset * is_file


KINDS = {"anonymous": "memory", "code": "code", "data": "file, written", "file": "file"}
"""The kinds of an entry's pages."""


def frames_of(at: At) -> Frames:
    """Return the frames of pages that tasks may use at a moment."""
    machine, found = at.whole, defaultdict[int, dict[tuple[str, int], str]](dict)
    for name in machine.tasks:
        space = MachineSpace(machine, name, at.moment)
        pages = ((run, va) for run in runs(space.tables).ranges for va in range(run.start, run.end, PAGE))
        for run, va in pages:
            pa = space.walk(va, "read", True).pa if "u" in run.rights else None
            if pa is not None:
                found[pa >> PAGE_SHIFT][name, va] = run.rights[:3]
    return found
