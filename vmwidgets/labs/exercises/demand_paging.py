"""Exercises of notebooks 08a and 08b, and the mistakes of their questions: a family's frames, and a truncated file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.base.units import PAGE, PAGE_SHIFT, Address, counted, listed
from vmwidgets.engine.kernel.tasks.memory_object import TaskObject
from vmwidgets.engine.kernel.tasks.pagers import FilePager
from vmwidgets.engine.machine import Machine, boot
from vmwidgets.engine.machine.handles.tasks import Task

from ..criterion import Criterion, criterion
from ..draws import Draws
from ..exercise import exercise
from ..mistakes import Mistake, mistakes
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
        """Draw numbers with a pair that shares nothing alone, so that the order of forks, reads and writes varies."""
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
        machine = boot("x86-64")
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
    """Return the mistake that a task lacks shared frames, or that all three share frames of two."""
    every, *pairs = (group for group in GROUPS if len(group) > 1)
    for name in TASKS:
        if sum(reached[group] - wanted[group] for group in (every, *pairs) if name in group) < 0:
            return NOT_READ
    one_less = any(reached[pair] < wanted[pair] for pair in pairs)
    return STILL_THERE if one_less and reached[every] > wanted[every] else None


def _counts(found: Mapping[tuple[str, ...], int]) -> str:
    return ", ".join(f"{_who(group)}: {count}" for group, count in found.items())


FILE_PAGES = 7
OWN, FILES, SIGNAL, UNUSED = "own", "file's", "signal", "unused"


@frozen(slots=False)
class SurvivorSheet:
    """The file's `size` at the end, in bytes, and the task's contents of each of its pages."""

    size: int
    fates: tuple[str, ...]

    @classmethod
    def drawn(cls, draws: Draws) -> SurvivorSheet:
        """Draw each page's owner: the task, the file or none before the file's end; task, none or a signal after it."""
        kept = draws.between(3, 4)
        before = draws.shuffled([OWN, FILES, UNUSED, draws.choice((OWN, FILES))][:kept])
        behind = draws.shuffled([OWN, SIGNAL, UNUSED, draws.choice((OWN, UNUSED))][: FILE_PAGES - kept])
        return cls((kept - 1) * PAGE + draws.between(1, 40) * 100, (*before, *behind))

    def pages(self, fate: str) -> list[int]:
        """Return the pages of the file with this fate, counted from 0."""
        return [page for page, its in enumerate(self.fates) if its == fate]

    @property
    def text(self) -> str:
        """The task in words."""
        return (
            f"The file `paper` has {FILE_PAGES} pages, counted from 0. Let the task `reader` map it privately, "
            "and reach this "
            "state:\n"
            f"The file was truncated to {self.size:,} bytes.\n"
            f"The task has its own copies of {_pages(self.pages(OWN))} of the file, and of no other page.\n"
            f"Of the pages in the page cache, only {_in_tables(self.pages(FILES))} in the task's page tables.\n"
            f"The last signal is a SIGBUS for page {self.pages(SIGNAL)[0]}.\n"
            "Remember that a read with a signal is an error in Python: `lab.attempt(task.read, address)`."
        )

    def start(self) -> Task:
        """Return a task without memory, on a machine with the file."""
        machine = boot("x86-64")
        machine.file("paper", b"text" * (FILE_PAGES * PAGE // 4))
        return machine.task("reader")


def _pages(numbers: Sequence[int]) -> str:
    return f"{'pages' if len(numbers) > 1 else 'page'} {listed([*map(str, numbers)])}"


def _in_tables(numbers: Sequence[int]) -> str:
    return f"{_pages(numbers)} {'are' if len(numbers) > 1 else 'is'}"


class FilePage(NamedTuple):
    """A page of a task that belonged to a file when it was mapped."""

    number: int
    """The number of the page in the file."""
    frame: int | None
    """The frame that the task's tables map now."""
    cached: int | None
    """The file's own frame for this page."""


@exercise(
    "08/survivor",
    "What outlives the file",
    points=6,
    takes=Task,
    shows=lambda task: task.machine.memory_objects,
    variant=SurvivorSheet.drawn,
    edition=(1, 2),
    hints=(
        "Which pages lie past the file's new end? The new end is in the middle of a page.",
        "A page becomes the task's own when the task writes to it. Write while the file still has the page.",
        (
            "First write the pages that should be the task's own. Then call paper.truncate. Then read the pages "
            "that should be in "
            "frames of the page cache. Last, read the page that gives the signal."
        ),
    ),
)
def survivor(task: Task, asked: SurvivorSheet) -> Iterator[Criterion]:
    """Judge a file truncated under its private mapping: the task's pages, the file's pages, and one signal.

    Any read past the new end gives a signal: it counts if a page survives the truncation.
    """
    pages = list(_file_pages(task))
    own = sorted({page.number for page in pages if page.frame is not None and page.frame != page.cached})
    outlives = any(page * PAGE >= asked.size for page in own) and set(own) <= set(asked.pages(OWN))
    first = "" if outlives else "let the right pages outlive the file"
    file = task.machine.files.get("paper")
    yield criterion(
        1,
        file is not None and file.size == asked.size,
        "the file ends where it should",
        "the file has the wrong size",
        expected=f"{asked.size:,} bytes",
        actual="it is gone" if file is None else f"{int(file.size):,} bytes",
    )
    signal = task.signals[-1] if task.signals else None
    where = None if signal is None else _file_page(task, signal.address & -PAGE)
    (wanted,) = asked.pages(SIGNAL)
    yield criterion(
        2,
        not first
        and signal is not None
        and signal.name == "SIGBUS"
        and 1 + (where is not None and where.number == wanted),
        f"the last signal is a SIGBUS for page {wanted}",
        f"the last signal should be a SIGBUS for page {wanted} of the file, in its mapping",
        first=first if signal is None or signal.name == "SIGBUS" else "",
        actual="no signal" if signal is None else f"{signal.name} at {signal.address}: {signal.why}",
        mistake=NO_ENTRY if signal is not None and signal.name == "SIGSEGV" else None,
    )
    past_the_end = [page for page in asked.pages(OWN) if page not in own and page * PAGE >= asked.size]
    yield criterion(
        2,
        own == asked.pages(OWN),
        "the task has its own copies of the right pages",
        "the task has its own copies of the wrong pages: what makes a page the task's own, and when?",
        expected=_pages(asked.pages(OWN)),
        actual=_pages(own) if own else "none",
        mistake=TOO_LATE if signal and set(own) < set(asked.pages(OWN)) and past_the_end else None,
    )
    files = sorted({page.number for page in pages if page.frame is not None and page.frame == page.cached})
    yield criterion(
        1,
        not first and files == asked.pages(FILES),
        "the right pages are in frames of the page cache",
        "the task's tables lead to frames of the page cache for the wrong pages",
        first=first,
        expected=_pages(asked.pages(FILES)),
        actual=_pages(files) if files else "none",
    )


NO_ENTRY = Mistake(
    "SIGSEGV for SIGBUS", "A SIGBUS needs an entry that allows the access, and an object without the page."
)
TOO_LATE = Mistake("copied too late", "Past its new end, the file no longer has a page that a write could copy.")


def _file_pages(task: Task) -> Iterator[FilePage]:
    """Yield the pages in the task's tables that belonged to a file when they were mapped."""
    for va, _ in sorted(task.space.pmap.managed()):
        page = _file_page(task, va)
        if page is not None:
            yield page


def _file_page(task: Task, va: int) -> FilePage | None:
    entry = task.space.vm_map.peek(va)
    target = entry.object if entry is not None and entry.start <= va else None
    if entry is None or not isinstance(target, TaskObject):
        return None
    file, index = target.last_of_chain, entry.offset_of(va) >> PAGE_SHIFT
    if not isinstance(file.pager, FilePager) or file.pager.gone:
        return None
    return FilePage(index, dict(task.space.pmap.managed()).get(va), file.pages.get(index))


WHEN_MAPPED = Mistake(
    "memory when it is mapped", "mmap reserves addresses; a frame is allocated at the first access to a page."
)
ONE_BUFFER_EACH = Mistake(
    "a buffer for each way", "The page cache has one frame for the page; read() and both mappings use it."
)
PICTURE = Mistake("a private mapping as a picture", "A private mapping is a copy only of pages written through it.")
WRITTEN_THROUGH = Mistake(
    "memory as the disk", "A write changes the frame; the page is written to the disk at a sync, or later."
)

mistakes(
    "08/touches",
    {
        "10": Mistake(
            "a fault for each access",
            "After the first access, the page has a descriptor: the other accesses to it don't fault.",
        ),
        "256": WHEN_MAPPED,
        "0": WHEN_MAPPED,
        "2": Mistake("whole pages only", "Byte 9,000 is in the third page: two pages have only 8,192 bytes."),
    },
)
mistakes("08/one", {"3": ONE_BUFFER_EACH, "2": ONE_BUFFER_EACH})
mistakes(
    "08/seen",
    {"read()": PICTURE, "the disk, read(), private": WRITTEN_THROUGH, "none of them": ONE_BUFFER_EACH},
)
EVERY_WRITER = Mistake(
    "a copy for each writer", "When the parent writes, only the parent maps the first frame: no copy."
)
AT_ONCE = Mistake("copied at the fork", "This kernel copies no page at the fork, only pages that are written later.")
ONE_FRAME = Mistake(
    "one frame for two texts", "Both tasks wrote to the page, so two frames are needed for their two texts."
)

mistakes(
    "08a/heap",
    {
        "x": Mistake(
            "frames stay with the heap",
            "When a heap shrinks, its frames are freed; a page that is mapped again is new.",
        ),
        "SIGSEGV": Mistake("addresses stay lost", "The heap has grown again: an entry allows the read."),
        "SIGBUS": Mistake("no page for the heap", "Memory without a file always has a page: one of zeroes."),
    },
)
mistakes(
    "08b/eager",
    {
        "4": Mistake("an eager fork shares", "The eager kernel copies each page at the fork."),
        "9": Mistake("copied twice", "After an eager fork each task has its pages alone: writes copy nothing."),
        "10": Mistake("copied twice", "After an eager fork each task has its pages alone: writes copy nothing."),
    },
)
mistakes("08b/counted", {"6": EVERY_WRITER, "8": AT_ONCE, "4": ONE_FRAME})
mistakes(
    "08b/shadow",
    {
        "5": Mistake(
            "references to pages",
            "This kernel counts references to objects: when the parent writes, the old object still has two.",
        ),
        "8": AT_ONCE,
        "4": ONE_FRAME,
    },
)
mistakes(
    "08b/cause",
    {
        "6, 7": Mistake("x86's codes everywhere", "These are codes of x86; each architecture has its own."),
        "13, 15": Mistake("a write as a load", "13 is the cause of a load; both accesses are stores."),
        "15, 13": Mistake("a write as a load", "13 is the cause of a load; both accesses are stores."),
    },
)
mistakes(
    "08/left",
    {
        "5": Mistake(
            "the orphan stays",
            "The child's own copy is freed, and a second page too: the old first page that no task can reach.",
        ),
        "6": Mistake(
            "an exit frees nothing", "An exit removes the task's entries, and its object with the last of them."
        ),
    },
)
mistakes(
    "08/cut",
    {
        "SIGBUS, SIGBUS": Mistake("an end in bytes", "Hardware knows pages: the rest of the last one is zeroes."),
        "SIGSEGV, SIGSEGV": Mistake("SIGSEGV for SIGBUS", "The entry is still there; only the page is missing."),
        "x, x": Mistake("the frames stay", "Truncating the file took its frame past the end, and the translations."),
    },
)
