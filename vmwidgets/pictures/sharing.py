"""Frames by page table: which tasks' tables lead to a frame, and what each may do with it."""

from collections import defaultdict
from dataclasses import replace

from vmwidgets.engine.base.units import PAGE, PAGE_SHIFT, Address, counted
from vmwidgets.engine.kernel.map.map_schema import EntryValue
from vmwidgets.engine.machine import Machine
from vmwidgets.engine.mmu.runs import runs
from vmwidgets.engine.mmu.tables_schema import PteRunWritten, PteWritten
from vmwidgets.views.memory.own import kind_of_file
from vmwidgets.views.memory.sharing import Frames, SharedRange, draw_frames_of
from vmwidgets.views.scene import kit
from vmwidgets.views.scene.model import Scene, Table

from .at import At
from .finding import EVERY
from .registry import picture_of
from .spaces import MachineSpace


@picture_of(shows=Machine, name="Sharing")
def draw(at: At) -> Scene:
    """Which tasks' page tables lead to a frame, and what each may do with it.  `target` is the machine.

    A frame that came into tables is marked as new, one that other tasks or with other rights have as changed.

    >>> import vmwidgets as vm
    >>> m = vm.boot("x86-64")
    >>> t = m.task("init")
    >>> t.write(t.mmap("8 KiB"), b"x")
    >>> child = t.fork()
    >>> vm.Sharing(m)
    <Sharing of machine ...>
    """
    frames, before = frames_of(at), frames_of(replace(at, done=0))
    tasks = [name for name in at.whole.tasks if any(name in users for users in frames.values())]
    nodes = draw_frames_of(frames, before, tasks, ranges_of(at, frames), at.width) if frames else []
    nodes = nodes or [kit.label("sharing/none", "No task's page tables map a frame.", kit.MARGIN, 6)]
    rows = [(f"{frame:#x}", task, str(Address(va)), rights)
            for frame, users in sorted(frames.items()) for task, (va, rights) in users.items()]  # fmt: skip
    table, steps = Table(("frame", "task", "address", "rights"), rows), at.steps(frames_of, PteWritten, PteRunWritten)
    words = f"{counted(len(frames), 'frame')} in the page tables of tasks"
    return kit.scene("sharing", "frames by page table", words, nodes, caption=at.moment.caption, table=table,
                     steps=steps, machine=at.whole.name, width=at.width)  # fmt: skip


def ranges_of(at: At, frames: Frames) -> list[SharedRange]:
    """The pages of all frames by address, those of one name together: as the first task that maps them calls them."""
    entries = {name: at.value(task.map, whole=EVERY).entries for name, task in at.whole.tasks.items()}
    found: list[SharedRange] = []
    for va in sorted({va for users in frames.values() for va, _ in users.values()}):
        holds = (one for some in entries.values() for one in some if one.start <= va < one.end)
        name, kind, start = next((_called(one) for one in holds), ("memory", "anonymous", va))
        if found and (found[-1].name, found[-1].start) == (name, start):
            found[-1] = found[-1]._replace(pages=(*found[-1].pages, va))
        else:
            found.append(SharedRange(name, kind, start, (va,)))
    return found


def _called(entry: EntryValue) -> tuple[str, str, int]:
    """What an entry's memory is called, what it is, and where its page 0 is."""
    name, is_file = (entry.object or "").removeprefix("file "), (entry.object or "").startswith("file ")
    kind = kind_of_file(entry.protection) if is_file else "anonymous"
    return f"{name}, {KINDS[kind]}" if is_file else KINDS[kind], kind, entry.start - entry.offset * is_file


KINDS = {"anonymous": "memory", "code": "code", "data": "file, written", "file": "file"}
"""What the pages of an entry are."""


def frames_of(at: At) -> Frames:
    """The frames of pages that tasks may use at a moment."""
    machine, found = at.whole, defaultdict[int, dict[str, tuple[int, str]]](dict)
    for name in machine.tasks:
        space = MachineSpace(machine, name, at.moment)
        pages = ((run, va) for run in runs(space.tables).ranges for va in range(run.start, run.end, PAGE))
        for run, va in pages:
            pa = space.walk(va, "read", True).pa if "u" in run.rights else None
            if pa is not None:
                found[pa >> PAGE_SHIFT].setdefault(name, (va, run.rights[:3]))
    return found
