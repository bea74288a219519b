"""Exercise of notebook 08a: the pages that survive when a mapped file is truncated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.base.units import PAGE, PAGE_SHIFT, listed
from vmwidgets.engine.kernel.tasks.pagers import FilePager
from vmwidgets.engine.machine import boot
from vmwidgets.engine.machine.handles.tasks import Task

from ..criterion import Criterion, criterion
from ..draws import Draws
from ..exercise import exercise
from ..mistakes import Mistake
from .structures import object_at

FILE_PAGES = 7
OWN, FILES, SIGNAL, UNUSED = "own", "file's", "signal", "unused"


@frozen(slots=False)
class SurvivorSheet:
    """The file's `size` at the end, in bytes, and the task's contents of each of its pages."""

    size: int
    fates: tuple[str, ...]

    @classmethod
    def drawn(cls, draws: Draws) -> SurvivorSheet:
        """Draw each page's fate: it is the task's, the file's or unused or, past the file's end, gives a signal."""
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
    found = object_at(task, va)
    if found is None:
        return None
    entry, target = found
    file, index = target.last_of_chain, entry.offset_of(va) >> PAGE_SHIFT
    if not isinstance(file.pager, FilePager) or file.pager.gone:
        return None
    return FilePage(index, dict(task.space.pmap.managed()).get(va), file.pages.get(index))
