"""Exercise of notebook 08b: a family of tasks, and the frames that they share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import TYPE_CHECKING

from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.base.units import Address, counted
from vmwidgets.engine.machine import Machine, boot
from vmwidgets.engine.machine.handles.tasks import Task

from ..criterion import Criterion, criterion
from ..draws import Draws
from ..exercise import exercise
from ..mistakes import Mistake
from .structures import is_shared

if TYPE_CHECKING:
    from vmwidgets.widgets import View

TASKS = "init", "left", "right"
GROUPS = tuple(group for size in (3, 2, 1) for group in combinations(TASKS, size))
"""All three tasks, then the three pairs, then each task alone."""


@frozen(slots=False)
class FamilySheet:
    """The task that forks `right`, and for each of the seven groups, the number of frames mapped by just its tasks."""

    parent: str
    frames: Mapping[tuple[str, ...], int]

    @classmethod
    def drawn(cls, draws: Draws) -> FamilySheet:
        """Draw numbers with 0 for one pair, so that the order of forks, reads and writes varies."""
        parent, without = draws.choice(("init", "left")), draws.choice(GROUPS[1:4])
        most = {3: 3, 2: 2, 1: 3}
        counts = {group: 0 if group == without else draws.between(1, most[len(group)]) for group in GROUPS}
        return cls(parent, counts)

    @property
    def text(self) -> str:
        """The task in words."""
        rows = [f"{counted(self.frames[group], 'frame')}: {_who(group)}" for group in GROUPS]
        return "\n".join(
            [
                (
                    f"Build a family: `init`, its child `left`, and `right`, which `{self.parent}` forks. Each line "
                    "says how many frames must be in the page tables of exactly these tasks when you check:"
                ),
                *rows,
                "No task may see another task's writes.",
                "The machine forks the shadow way: after a fork, a child's page tables are empty.",
            ]
        )

    def start(self) -> Machine:
        """Return a machine with `init`, which has no memory yet."""
        machine = boot("x86-64", fork="shadow")
        machine.task("init")
        return machine


def _who(group: tuple[str, ...]) -> str:
    return {3: "all three", 2: " and ".join(group), 1: f"{group[0]} alone"}[len(group)]


def in_page_tables(machine: Machine) -> View:
    """Return a picture of the frames in each task's page tables, which the exercise counts."""
    from vmwidgets.widgets import Sharing  # a judge draws nothing

    return Sharing(machine)


@exercise(
    "08/family",
    "Three tasks and their frames",
    points=6,
    takes=Machine,
    shows=in_page_tables,
    variant=FamilySheet.drawn,
    hints=(
        "A fork copies the map, and no page: which pages are in a child's page tables before it has read anything?",
        (
            "Map one page for each frame that tasks share. After the forks, let each task read only the pages that it "
            "should have. A parent that wrote a page has it in its tables: what removes it?"
        ),
        (
            "With task.munmap(address, vm.PAGE), a task gives up a page; the other tasks keep it. Frames of one task "
            "alone come last: the task maps and writes this memory after the forks."
        ),
    ),
)
def family(machine: Machine, asked: FamilySheet) -> Iterator[Criterion]:
    """Judge a family whose page tables share frames as required, all of them copied at the first write."""
    tasks = machine.tasks
    there = set(tasks) == set(TASKS)
    parents = {name: task.parent.name if task.parent else "" for name, task in tasks.items()}
    yield criterion(
        1,
        parents == {"init": "", "left": "init", "right": asked.parent},
        "each task was forked by the right task",
        f"a task is missing, or the wrong task forked it: init forks left, and {asked.parent} forks right",
        actual=", ".join(f"{name}, forked by {parent}" if parent else name for name, parent in parents.items()),
    )
    reached = _groups(tasks)
    first = "" if there else "make the three tasks"
    mistake = _table_mistake(reached, asked.frames)
    for points, size, what in (2, 3, "all three"), (1, 2, "each pair"), (1, 1, "each task alone"):
        groups = [group for group in GROUPS if len(group) == size]
        found = {group: reached[group] for group in groups}
        yield criterion(
            points,
            there and all(found[group] == asked.frames[group] for group in groups),
            f"{what}: the number of frames is right",
            f"the number of frames in the page tables of {what} is wrong: "
            "which pages were read, and which were written, after the forks?",
            first=first,
            expected=_counts({group: asked.frames[group] for group in groups}),
            actual=_counts(found),
            mistake=mistake if size > 1 else None,
        )
    shared = [entry for task in tasks.values() for entry in task.map.entries() if is_shared(task, entry.start)]
    yield criterion(
        1,
        there and bool(reached) and not shared,
        "no task sees another task's writes",
        "another task would see a task's write: don't use shared memory",
        first="" if shared else "reach some frames",
        actual=", ".join(f"{Address(entry.start)} is shared" for entry in shared),
        mistake=SHARED,
    )


NOT_READ = Mistake(
    "a fork fills no tables", "After a fork, a child's page tables are empty: a page is entered when the child uses it."
)
STILL_THERE = Mistake(
    "a page never leaves",
    "A page that a task has used stays in its page tables, also after the forks: what removes it from one task?",
)
SHARED = Mistake("shared memory in place of shared frames", "Private memory shares frames too, until the first write.")


def _groups(tasks: Mapping[str, Task]) -> Counter[tuple[str, ...]]:
    """Return how many frames are in the page tables of each group's tasks and of no other task."""
    frames = {name: {frame for _, frame in task.space.pmap.managed()} for name, task in tasks.items()}
    every = set().union(*frames.values())
    return Counter(tuple(name for name in TASKS if frame in frames.get(name, ())) for frame in every)


def _table_mistake(reached: Mapping[tuple[str, ...], int], wanted: Mapping[tuple[str, ...], int]) -> Mistake | None:
    """Return the mistake: a task lacks shared frames, or all three tasks share the frames of two."""
    every, *pairs = (group for group in GROUPS if len(group) > 1)
    for name in TASKS:
        if sum(reached[group] - wanted[group] for group in (every, *pairs) if name in group) < 0:
            return NOT_READ
    one_less = any(reached[pair] < wanted[pair] for pair in pairs)
    return STILL_THERE if one_less and reached[every] > wanted[every] else None


def _counts(found: Mapping[tuple[str, ...], int]) -> str:
    return ", ".join(f"{_who(group)}: {count}" for group, count in found.items())
