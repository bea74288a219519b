"""Frames by page table: which tasks' tables lead to a frame, and what each may do with it."""

from collections import defaultdict
from collections.abc import Mapping

from vmwidgets.engine.base.units import PAGE, PAGE_SHIFT, Address, counted
from vmwidgets.engine.machine import Machine
from vmwidgets.engine.mmu.runs import runs
from vmwidgets.views.scene import kit
from vmwidgets.views.scene.model import Node, Scene, Table
from vmwidgets.views.scene.text import visible

from .at import At
from .registry import picture_of
from .spaces import MachineSpace

MOST = 24
"""So many frames of one group are drawn; the table has all."""

Frames = Mapping[int, Mapping[str, tuple[int, str]]]
"""By frame, and by the task whose tables lead to it: at which address, with which rights."""


@picture_of(shows=Machine, name="Sharing")
def draw(at: At) -> Scene:
    """Which frames are in the page tables of exactly the same tasks.  `target` is the machine."""
    frames = frames_of(at)
    groups: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for frame, users in sorted(frames.items()):
        groups[tuple(users)].append(frame)
    nodes: list[Node] = []
    y = 2.0
    for number, (tasks, those) in enumerate(sorted(groups.items(), key=lambda one: (-len(one[0]), one[0]))):
        words = f"in the page tables of {' and '.join(map(visible, tasks))}"
        head = kit.heading(f"sharing/{number}", counted(len(those), "frame"), words, y, width=at.width)
        boxes = kit.flow([84.0] * min(len(those), MOST), y + head.h + 2, 42, width=at.width)
        nodes += [head, *(_card(frame, frames[frame], box) for frame, box in zip(those, boxes, strict=False))]
        y = max(box.y + box.h for box in boxes) + 8
        if len(those) > MOST:
            nodes.append(kit.label(f"sharing/{number}/more", f"… and {len(those) - MOST:,} more", kit.MARGIN, y))
            y += kit.LINE + 4
    nodes = nodes or [kit.label("sharing/none", "No task's page tables lead to a frame.", kit.MARGIN, 6)]
    rows = [(f"{frame:#x}", task, str(Address(va)), rights)
            for frame, users in sorted(frames.items()) for task, (va, rights) in users.items()]  # fmt: skip
    table, steps = Table(("frame", "task", "address", "rights"), rows), at.steps(frames_of, "word")
    words = f"{counted(len(frames), 'frame')} in the page tables of tasks"
    return kit.scene("sharing", "frames by page table", words, nodes, caption=at.moment.caption, table=table,
                     steps=steps, machine=at.whole.name, width=at.width)  # fmt: skip


def _card(frame: int, users: Mapping[str, tuple[int, str]], box: kit.Box) -> Node:
    rights = dict.fromkeys(rights for _, rights in users.values())
    said = "; ".join(f"{task}: {rights} at {Address(va)}" for task, (va, rights) in users.items())
    title = visible(f"frame {frame:#x}: {said}")
    return kit.card(f"sharing/frame/{frame:x}", box, [kit.Line(f"{frame:x}", "mono label"), ", ".join(rights)],
                    thing=f"frame:{frame}", lane="sharing", title=title, top=17)  # fmt: skip


def frames_of(at: At) -> Frames:
    """The frames of pages that tasks may use at a moment."""
    machine, found = at.whole, defaultdict[int, dict[str, tuple[int, str]]](dict)
    for name in machine.tasks:
        space = MachineSpace(machine, name, at.past)
        pages = ((run, va) for run in runs(space.tables).ranges for va in range(run.start, run.end, PAGE))
        for run, va in pages:
            pa = space.walk(va, "read", True).pa if "u" in run.rights else None
            if pa is not None:
                found[pa >> PAGE_SHIFT].setdefault(name, (va, run.rights[:3]))
    return found
