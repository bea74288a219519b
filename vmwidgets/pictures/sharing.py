"""Frames by page table: which tasks' tables lead to a frame, and what each may do with it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from vmwidgets.engine.base.units import PAGE, PAGE_SHIFT, Address, counted
from vmwidgets.engine.machine import Machine
from vmwidgets.engine.mmu.runs import runs
from vmwidgets.engine.mmu.tables_schema import PteRunWritten, PteWritten
from vmwidgets.views.scene import kit
from vmwidgets.views.scene.model import Node, Scene, Table
from vmwidgets.views.scene.text import text_width, visible

from .at import At
from .registry import picture_of
from .spaces import MachineSpace

ROWS = 3
"""So many rows of one group's frames are drawn; the table has all."""

_WIDE, _HIGH, _GAP = 92.0, 60.0, 8.0

NOT_HERE = "A page that is not in a page table yet is not shown: its first access maps it."

Frames = Mapping[int, Mapping[str, tuple[int, str]]]
"""By frame, and by the task whose tables lead to it: at which address, with which rights."""


@picture_of(shows=Machine, name="Sharing")
def draw(at: At) -> Scene:
    """Which frames are in the page tables of exactly the same tasks.  `target` is the machine.

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
    groups: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for frame, users in sorted(frames.items(), key=lambda one: (min(va for va, _ in one[1].values()), one[0])):
        groups[tuple(users)].append(frame)  # page after page, whichever frames they got
    nodes: list[Node] = []
    x, top, bottom = kit.MARGIN, 2.0, 2.0
    for number, (tasks, those) in enumerate(sorted(groups.items(), key=lambda one: (-len(one[0]), one[0]))):
        those.sort(key=lambda frame: frame in before)  # new ones first
        drawn = _group(number, tasks, those, frames, before, at.width)
        room, high = max(node.x + node.w for node in drawn), max(node.y + node.h for node in drawn)
        if x + room - kit.MARGIN > at.width - kit.MARGIN:
            x, top = kit.MARGIN, bottom + 6
        nodes += [replace(node, x=node.x + x - kit.MARGIN, y=node.y + top) for node in drawn]
        x, bottom = x + room + 2 * _GAP, max(bottom, top + high)
    if nodes:
        nodes.append(kit.paragraph("sharing/legend/here", NOT_HERE, kit.MARGIN, bottom + 10, at.width - 2 * kit.MARGIN))
    nodes = nodes or [kit.label("sharing/none", "No task's page tables map a frame.", kit.MARGIN, 6)]
    rows = [(f"{frame:#x}", task, str(Address(va)), rights)
            for frame, users in sorted(frames.items()) for task, (va, rights) in users.items()]  # fmt: skip
    table, steps = Table(("frame", "task", "address", "rights"), rows), at.steps(frames_of, PteWritten, PteRunWritten)
    words = f"{counted(len(frames), 'frame')} in the page tables of tasks"
    return kit.scene("sharing", "frames by page table", words, nodes, caption=at.moment.caption, table=table,
                     steps=steps, machine=at.whole.name, width=at.width)  # fmt: skip


def _group(
    number: int, tasks: Sequence[str], those: Sequence[int], frames: Frames, before: Frames, width: float
) -> list[Node]:
    """The frames of the same tasks below their heading, at the left edge; groups that are narrow lie in one row."""
    words = f"in the page tables of {' and '.join(map(visible, tasks))}"
    title = counted(len(those), "frame")
    wide = max(_WIDE, 12 + max(text_width(_places(frames[one])) for one in those))
    across = max(1, int((width - 2 * kit.MARGIN + _GAP) // (wide + _GAP)))
    told = text_width(title, "strong") + 14 + text_width(words) + 1
    room = min(width - 2 * kit.MARGIN, max(told, min(len(those), across) * (wide + _GAP) - _GAP))
    head = kit.heading(f"sharing/{number}", title, words, 0, width=room + 2 * kit.MARGIN)
    boxes = kit.flow([wide] * min(len(those), ROWS * across), head.h + 2, _HIGH, width=width, gap=_GAP)
    nodes = [head]
    for frame, box in zip(those, boxes, strict=False):
        state = "new" if frame not in before else "changed" if before[frame] != frames[frame] else ""
        nodes.append(_card(frame, frames[frame], box, state))
    if len(those) > len(boxes):
        more = f"… and {len(those) - len(boxes):,} more"
        nodes.append(kit.label(f"sharing/{number}/more", more, kit.MARGIN, boxes[-1].y + _HIGH + 4))
    return nodes


def _card(frame: int, users: Mapping[str, tuple[int, str]], box: kit.Box, state: str) -> Node:
    rights = dict.fromkeys(rights for _, rights in users.values())
    said = "; ".join(f"{task}: {rights} at {Address(va)}" for task, (va, rights) in users.items())
    title = visible(f"frame {frame:#x}: {said}") + f", {state}" * bool(state)
    rows = [
        kit.Line((f"frame {frame:#x}", f"{frame:#x}"), "label"),
        kit.Line(_places(users), middle=True),
        kit.Line(", ".join(rights)),
    ]
    return kit.card(f"sharing/frame/{frame:x}", box, rows, thing=f"frame:{frame}", lane="sharing", title=title, top=17,
                    pad=5, state=(state,) * bool(state))  # fmt: skip


def _places(users: Mapping[str, tuple[int, str]]) -> str:
    """Where tasks have a frame: the sentences above the picture number the pages of an object, so no number is here."""
    first, *others = dict.fromkeys(str(Address(va)) for va, _ in users.values())
    return f"{first} +{len(others)}" if others else first


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
