"""Exercise of the notebook beyond: where large pages are useful."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.base.units import MIB, PAGE, Address, counted
from vmwidgets.engine.machine import boot
from vmwidgets.engine.machine.handles.tasks import Task

from ..criterion import Criterion, criterion
from ..draws import Draws
from ..exercise import exercise
from ..mistakes import Mistake
from .structures import EDITED, edited

LARGE = 2 * MIB
PAGES = LARGE // PAGE
"""The number of small pages in a large one."""

NAMES = ("heap", "index", "cache", "log")


@frozen(slots=False)
class Range:
    """A range: `head` pages before a boundary of 2 MiB, blocks of 2 MiB after it, then `tail` pages.

    `blocks` contains the used pages of each block, counted from 0: all of them, or a few.  Head and tail are used.
    """

    name: str
    border: int
    head: int
    blocks: tuple[tuple[int, ...], ...]
    tail: int

    @property
    def start(self) -> int:
        """The address of the range's first page."""
        return self.border - self.head * PAGE

    @property
    def pages(self) -> int:
        """The number of its pages."""
        return self.head + len(self.blocks) * PAGES + self.tail

    @property
    def used(self) -> list[int]:
        """The used pages, counted from the range's start."""
        blocks = [self.head + number * PAGES + page for number, used in enumerate(self.blocks) for page in used]
        return [*range(self.head), *blocks, *range(self.pages - self.tail, self.pages)]

    @property
    def text(self) -> str:
        """Return the place of the range and its used parts, in words."""
        return f"`{self.name}`, {self.pages:,} pages at `{Address(self.start)}`: uses {_runs(self.used)}."


def large_blocks(asked: Range) -> list[int]:
    """Return the addresses of the blocks that are used completely."""
    return [asked.border + number * LARGE for number, used in enumerate(asked.blocks) if len(used) == PAGES]


def small_pages(asked: Range) -> list[int]:
    """Return the addresses of the used pages outside completely used blocks."""
    places = (asked.start + page * PAGE for page in asked.used)
    return [place for place in places if place & -LARGE not in large_blocks(asked)]


def _runs(numbers: Sequence[int]) -> str:
    """Return numbers in words, with consecutive ones as a range."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1][1:] = [number]
        else:
            runs.append([number])
    return ", ".join(" to ".join(map(str, run)) for run in runs)


@frozen(slots=False)
class PagesSheet:
    """The ranges that a task has mapped, and the pages that it uses."""

    ranges: tuple[Range, ...]

    @classmethod
    def drawn(cls, draws: Draws) -> PagesSheet:
        """Draw two or three completely used blocks, and as many blocks with only a few used pages, in any order."""
        whole = tuple(range(PAGES))
        blocks = [whole] * draws.between(2, 3)
        blocks += [
            tuple(sorted(draws.sample(range(1, PAGES - 1), draws.between(1, 3)))) for _ in range(draws.between(2, 3))
        ]
        left, border = draws.shuffled(blocks), 16 * MIB
        ranges: list[Range] = []
        for name, ends in zip(draws.sample(NAMES, 3), draws.shuffled(["head", "tail", "both"]), strict=True):
            count = 2 if len(left) > 3 or len(ranges) == 2 else 1
            mine, left = left[:count], left[count:]
            head, tail = (draws.between(1, 4) if ends in (end, "both") else 0 for end in ("head", "tail"))
            border += draws.between(2, 5) * LARGE
            ranges.append(Range(name, border, head, tuple(mine), tail))
            border += len(mine) * LARGE
        return cls(tuple(ranges))

    @property
    def translations(self) -> int:
        """The fewest descriptors."""
        return sum(len(large_blocks(one)) + len(small_pages(one)) for one in self.ranges)

    @property
    def frames(self) -> int:
        """The fewest frames."""
        return sum(len(one.used) for one in self.ranges)

    @property
    def text(self) -> str:
        """The task in words."""
        rows = [one.text for one in self.ranges]
        return "\n".join(
            [
                "The task `server` has mapped these ranges, and uses these pages of them, counted from 0:",
                *rows,
                (
                    "Bring all the pages that it uses into its page tables. The tables may have at most "
                    f"{self.translations} descriptors that map a page, and the memory at most {self.frames:,} frames."
                ),
            ]
        )

    def start(self) -> Task:
        """Return the task with its ranges, none of which is in memory."""
        task = boot("x86-64").task("server")
        for one in self.ranges:
            memory = task.machine.object(one.name)
            task.map.enter(one.pages * PAGE, at=one.start, fixed=True, object=memory)
        return task


@exercise(
    "beyond/pages",
    "Where large pages are useful",
    points=5,
    takes=Task,
    shows=lambda task: task.map,
    variant=PagesSheet.drawn,
    edition=2,
    hints=(
        (
            "A large page covers 512 small pages and starts at a multiple of 2 MiB. In which of these blocks are all "
            "pages used?"
        ),
        (
            "task.map.superpages(start, size=…) maps whole 2 MiB blocks with large pages. The other used "
            "pages are brought in one by one, when they are touched."
        ),
        (
            "The first 2 MiB boundary in a range is at (start + 0x1f_ffff) & ~0x1f_ffff. For blocks in which all "
            "pages are used: "
            "superpages; then task.touch(address) for each other page. A block with few pages stays small."
        ),
    ),
)
def large_pages(task: Task, asked: PagesSheet) -> Iterator[Criterion]:
    """Judge the tables: all used pages are mapped, by few descriptors and with few frames."""
    places = [one.start + page * PAGE for one in asked.ranges for page in one.used]
    by_hand = edited(task)
    mapped = [] if by_hand else [mapping for one in asked.ranges for mapping in _mapped(task, one)]
    missing = [place for place in places if not any(start <= place < start + size for start, size in mapped)]
    yield criterion(
        2,
        not missing,
        "all used pages are in the page tables",
        EDITED.format("task") if by_hand else "some used pages are not in the page tables",
        actual=f"{counted(len(missing), 'page')} missing, the first at {Address(missing[0])}" if missing else "",
    )
    first = "" if mapped else "bring pages into memory"
    yield criterion(
        2,
        bool(mapped) and len(mapped) <= asked.translations,
        "the number of descriptors is right",
        "there are more descriptors than needed: in which 2 MiB blocks are all pages used?",
        first=first,
        expected=f"at most {asked.translations}",
        actual=len(mapped),
        mistake=SMALL_ONLY if mapped and all(size == PAGE for _, size in mapped) else None,
    )
    frames = task.machine.frame_count
    yield criterion(
        1,
        bool(mapped) and frames <= asked.frames,
        "the number of frames is right",
        "there are more frames than needed: which large page is hardly used?",
        first=first,
        expected=f"at most {asked.frames:,}",
        actual=f"{frames:,}",
        mistake=LARGE_EVERYWHERE,
    )


SMALL_ONLY = Mistake("small pages only", "If all pages of a 2 MiB block are used, it needs one descriptor, not 512.")
LARGE_EVERYWHERE = Mistake("large pages everywhere", "A large page takes 512 frames, however few of them are used.")


def _mapped(task: Task, one: Range) -> list[tuple[int, int]]:
    """Return the mapped parts of a range, with their page sizes.  One walk is enough for a block of 2 MiB."""
    end = one.start + one.pages * PAGE
    blocks: dict[int, list[int]] = {}
    for va, _ in task.space.pmap.managed():
        if one.start <= va < end:
            blocks.setdefault(va & -LARGE, []).append(va)
    found: list[tuple[int, int]] = []
    for block, places in blocks.items():
        large = (task.walk(places[0]).page_size or PAGE) >= LARGE
        found += [(block, LARGE)] if large else [(va, PAGE) for va in places]
    return found
