"""The picture of the landing page: who has which frame after a fork, read from machines at each of its steps.

The machine decides what is drawn: a walk says which frame each page of a task has, and the answer is counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

import vmwidgets as vm
from vmwidgets.engine.machine.handles.tasks import Task

PAGES = 4
WRITTEN = 1
"""The page that the child writes."""

ANSWERS = (4, 5, 8)
"""What a visitor can answer."""

WIDTH, TOP, ROW = 640, 46, 80
"""Of the drawing: its width, the room for headings, and how far pages are from each other."""

HEIGHT = TOP + PAGES * ROW
PAGE, FRAME, HIGH = 136, 100, 62
"""How wide a page and a frame are, and how high both."""

QUESTION = f"The child writes to page {WRITTEN}. How many frames are in use?"
WHAT_IF = ("The parent writes it too", "The child exits")

ASIDE = 56
"""How far a frame of one task alone is from the middle."""


@dataclass(frozen=True)
class Step:
    """One state of the picture, with its sentence.

    `parent` and `child` are the frames of their pages, none for a task that is gone; `extra` is a frame that no page
    has yet.  `marked` says of a page ("child 1") or a frame ("0x1f6") in a word why it stands out.
    """

    sentence: str
    parent: tuple[int, ...]
    child: tuple[int, ...]
    extra: int | None = None
    marked: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Story:
    """What the landing page shows: the question, its answer, the steps after it, and what else could be done."""

    answer: int
    before: Step
    steps: tuple[Step, ...]
    otherwise: Mapping[str, Step]


def story() -> Story:
    """The story, with every frame and every count from a machine.

    >>> told = story()
    >>> told.answer, [len({*step.parent, *step.child}) for step in told.otherwise.values()]
    (5, [5, 4, 8])
    """
    machine, start = forked("counted")
    parent, child = machine.tasks["parent"], machine.tasks["child"]
    mine, shared = frames(parent, start), frames(child, start)
    child.write(start + WRITTEN * vm.PAGE, b"own!")
    own, answer = frames(child, start), machine.frame_count
    copy = own[WRITTEN]
    page = f"child {WRITTEN}"
    steps = (
        Step(f"Page {WRITTEN} is shared, so the child's write is a page fault.", mine, shared, marked={page: "fault"}),
        Step("The kernel copies that one page into a new frame.", mine, shared, copy, {hex(copy): "copy"}),
        Step(f"The child writes to its copy: {answer} frames are in use.", mine, own, marked={page: "written"}),
    )
    same, less = others(machine, start)
    eager, at = forked("eager")
    counts = same.frame_count, less.frame_count, eager.frame_count
    otherwise = {
        WHAT_IF[0]: Step(
            f"Only the parent has that frame now. It needs no copy: {counts[0]} frames.",
            frames(same.tasks["parent"], start),
            frames(same.tasks["child"], start),
            marked={f"parent {WRITTEN}": "written"},
        ),
        WHAT_IF[1]: Step(
            f"The copy is freed, and the parent keeps its {counts[1]} frames.",
            frames(less.tasks["parent"], start),
            (),
        ),
        "What does xv6 do?": Step(
            f"It copies each page during the fork: {counts[2]} frames, before any write.",
            frames(eager.tasks["parent"], at),
            frames(eager.tasks["child"], at),
        ),
    }
    return Story(answer, Step("After a fork, parent and child share four frames.", mine, shared), steps, otherwise)


def others(machine: vm.Machine, start: int) -> tuple[vm.Machine, vm.Machine]:
    """Return what else could be done after the child's write: a machine for each of :data:`WHAT_IF`."""
    writes, exits = machine.branch(), machine.branch()
    writes.tasks["parent"].write(start + WRITTEN * vm.PAGE, b"mine")
    exits.tasks["child"].exit()
    return writes, exits


def handout(path: Path) -> None:
    """Write the same story as a handout, with each step of the kernel's functions."""
    machine, start = forked("counted")
    machine.mark("after fork")
    machine.tasks["child"].write(start + WRITTEN * vm.PAGE, b"own!")
    answers = [str(number) for number in ANSWERS]
    asked = (QUESTION, answers, str(machine.frame_count), "The kernel copies only the page that is written.")
    what_if = dict(zip(WHAT_IF, others(machine, start), strict=True))
    pictures = vm.Sharing(machine), vm.Objects(machine)
    title = "A child writes to a page after a fork"
    since = "after fork"
    vm.handout(machine, path, *pictures, since=since, ask={since: asked}, what_if=what_if, title=title)


def forked(fork: str) -> tuple[vm.Machine, int]:
    """A machine with a parent that has written four pages and has a child, and where the pages are."""
    machine = vm.boot("x86-64", fork=fork)
    parent = machine.task("parent")
    start = parent.mmap(PAGES * vm.PAGE)
    parent.write(start, b"mine" * (PAGES * vm.PAGE // 4))
    parent.fork("child")
    return machine, start


def frames(task: Task, start: int) -> tuple[int, ...]:
    """The frame of each page, as a walk through the task's tables finds it."""
    found = [task.walk(start + page * vm.PAGE).pa for page in range(PAGES)]
    return tuple(physical >> 12 for physical in found if physical is not None)


# ---- drawn ---------------------------------------------------------------------------------------


def svg(step: Step) -> str:
    """A step as a drawing; its style is that of the page."""
    places = dict(placed(step))
    box_of = f'viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="xMinYMin"'
    parts = [
        f'<svg {box_of} role="img" aria-label="{escape(said(step))}">',
        f'<text class="name" x="{PAGE / 2 + 2}" y="28">parent</text>',
        f'<text class="name" x="{WIDTH / 2}" y="28">{len(places)} frames</text>',
    ]
    if step.child:
        parts.append(f'<text class="name" x="{WIDTH - PAGE / 2 - 2}" y="28">child</text>')
    for task, owned in (("parent", step.parent), ("child", step.child)):
        for page, frame in enumerate(owned):
            parts.append(line(task, page, places[frame]))
    for task, owned in (("parent", step.parent), ("child", step.child)):
        left = 2 if task == "parent" else WIDTH - PAGE - 2
        for page in range(len(owned)):
            mark = step.marked.get(f"{task} {page}", "")
            parts.append(box(left, page, PAGE, f"page {page}", task, mark))
    for frame, (x, page) in places.items():
        who = ("parent" if frame in step.parent else "") + (" child" if frame in step.child else "")
        parts.append(box(x - FRAME / 2, page, FRAME, f"{frame:x}", f"frame {who}", step.marked.get(hex(frame), "")))
    return "".join([*parts, "</svg>"])


def placed(step: Step) -> Iterator[tuple[int, tuple[float, int]]]:
    """Yield where each frame is: in the middle if both tasks have it, else on the side of the one that has it."""
    for page in range(PAGES):
        both = {step.parent[page], *step.child[page : page + 1]}
        new = {step.extra} if step.extra is not None and page == WRITTEN else set()
        if len(both | new) == 1:
            yield step.parent[page], (WIDTH / 2, page)
        else:
            yield step.parent[page], (WIDTH / 2 - ASIDE, page)
            for frame in (*step.child[page : page + 1], *new):
                if frame != step.parent[page]:
                    yield frame, (WIDTH / 2 + ASIDE, page)


def line(task: str, page: int, place: tuple[float, int]) -> str:
    """From a page to its frame; past another frame if one is between them."""
    x, row = place
    y = TOP + row * ROW + HIGH / 2
    side = -1 if task == "parent" else 1
    start = PAGE + 2 if task == "parent" else WIDTH - PAGE - 2
    end = x + side * FRAME / 2
    if task == "child" and x < WIDTH / 2:  # its frame is still the parent's: the line goes below the new one
        low = y + HIGH / 2 + 8
        return f'<path class="link {task}" d="M{start} {y} C{start - 30} {low + 6} {start - 60} {low} {x} {low - 8}"/>'
    return f'<path class="link {task}" d="M{start} {y} H{end}"/>'


def box(x: float, row: int, width: float, text: str, kind: str, mark: str) -> str:
    """A page or a frame, and the word that says why it stands out."""
    y = TOP + row * ROW
    middle = x + width / 2
    at = y + (26 if mark else 39)
    word = f'<text class="mark" x="{middle}" y="{y + 53}">{mark}</text>' if mark else ""
    return (
        f'<g class="{kind.strip()}{" marked" if mark else ""}"><rect x="{x}" y="{y}" width="{width}" height="{HIGH}" '
        f'rx="8"/><text x="{middle}" y="{at}">{text}</text>{word}</g>'
    )


def said(step: Step) -> str:
    """A step in words, for who does not see it."""
    tasks = [("parent", step.parent), ("child", step.child)]
    has = [f"the {name} has frames {', '.join(f'{one:x}' for one in owned)}" for name, owned in tasks if owned]
    return f"{len(dict(placed(step)))} frames: {'; '.join(has)}."
