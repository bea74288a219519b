"""A real kernel at a stop: how its processes' mappings changed, and which process has each page of memory.

Memory is drawn as rows of pages: the letter of the process that has a page, and below it a strip for the page's kind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from vmwidgets.engine.base.units import PAGE, Address, Size, counted
from vmwidgets.views.scene import boxes, kit
from vmwidgets.views.scene.boxes import Column, Part, Row
from vmwidgets.views.scene.kit import WIDTH
from vmwidgets.views.scene.model import Caption, Lane, Scene, Table
from vmwidgets.views.scene.text import visible

MOST_CHANGES, MOST_ROWS = 24, 48
"""The most changes of a process, and the most rows of memory; the table has all."""

ACROSS = (32, 16)
"""The number of memory pages in a row, in a wide and in a narrow picture."""

WIDE = 640.0

Kind = Literal["page", "table", "several", "written"]

STYLES: dict[Kind, tuple[str, str]] = {
    "page": ("used", "a page that one process maps"),
    "table": ("table", "a page with one of its tables"),
    "several": ("several", "a page that several processes map"),
    "written": ("error", "a table that user code can write"),
}
"""The strip below a letter, by the page's kind, with its meaning."""


class Change(NamedTuple):
    """A range whose mapping changed since the previous stop: its old and new state, in letters of rights."""

    start: int
    size: int
    was: str
    now: str
    is_new: bool


class Halt(NamedTuple):
    """The contents of a stop's picture."""

    summary: str
    since: str
    """The point of comparison for the changes, in words."""
    changes: Mapping[str, Sequence[Change]]
    """The changes by process."""
    processes: Sequence[str]
    """The processes, each with its letter, in words."""
    pages: Mapping[int, tuple[str, Kind]]
    """The letter and the kind of each page, by physical address."""
    worst: str = ""
    """A table that user code can write, in a sentence; "" if there is none."""


def draw_stop(halt: Halt, *, width: float = WIDTH, switches: Sequence[Sequence[kit.Switch]] = ()) -> Scene:
    """Return the scene of a stop."""
    changes = [_changes(number, name, some) for number, (name, some) in enumerate(halt.changes.items())]
    changed = f"{counted(len(changes), 'process', 'processes')} changed {halt.since}."
    return boxes.picture(
        "stops", "stops of the kernel", visible(halt.summary),
        boxes.below(boxes.switches("stops", switches), *changes, _memory(halt, ACROSS[width < WIDE]), gap=8),
        caption=Caption(visible(halt.worst), (), changed, "error") if halt.worst else Caption(changed),
        table=_table(halt), width=width,
        lanes=[Lane("changes", "What changed", down=True), Lane("memory", "Memory, by address", down=True)],
    )  # fmt: skip


def draw_no_stop(width: float = WIDTH) -> Scene:
    """Return the scene of a kernel that has not stopped."""
    return boxes.picture("stops", "stops of the kernel", "", boxes.below(), table=Table((), ()), width=width,
                         caption=Caption("The kernel has not stopped yet."))  # fmt: skip  # and nothing else


def _changes(number: int, name: str, some: Sequence[Change]) -> Part:
    """Return a process and each of its ranges that changed, with the rights before and after."""
    said = [(str(Address(one.start)), str(Size(one.size)), f"{one.was} → {one.now}") for one in some]
    columns = [Column(style="mono"), Column(style="dim"), Column(style="mono")]
    shown = [
        Row(f"stops/{number}/{line}", cells, f"{cells[0]}, {cells[1]}: {cells[2]}", lane="changes",
            state=("new",) if one.is_new else ("changed",))
        for line, (one, cells) in enumerate(zip(some, said, strict=True))
    ]  # fmt: skip  # a row a change
    return boxes.below(
        boxes.heading(f"section/stops/{number}", f"{visible(name)}: {counted(len(some), 'change')}"),
        boxes.rows(f"stops/{number}", columns, shown, high=24, gap=4, most=MOST_CHANGES, boxed=True),
    )


def _memory(halt: Halt, across: int) -> Part:
    """Return rows of pages with processes in them, and the meanings of letters and strips."""
    size = PAGE * across
    starts = sorted({pa // size * size for pa in halt.pages})
    shown = []
    for start in starts:
        pages = [halt.pages.get(pa) for pa in range(start, start + size, PAGE)]
        looks = [(one[0], STYLES[one[1]][0]) if one else ("", "rail") for one in pages]
        said = ", ".join(f"{one[0]} at {Address(start + at * PAGE)}" for at, one in enumerate(pages) if one)
        shown.append(boxes.Strip(f"stops/memory/{start:x}", str(Address(start)), looks, said))
    letters, kinds = ({one[side] for one in halt.pages.values()} for side in (0, 1))
    named = [*halt.processes, *(["small letter: a page of its tables"] if "table" in kinds else []),
             *(["*: several processes"] if "*" in letters else []),
             *(["!: a table that user code can write"] if "written" in kinds else [])]  # fmt: skip
    left = len(starts) - MOST_ROWS
    return boxes.below(
        boxes.heading("section/stops/memory", "Memory", f"{across * PAGE // 1024} KiB a row"),
        boxes.words("stops/memory/named", visible("; ".join(named)) if halt.processes else "", "label"),
        boxes.strips(shown[:MOST_ROWS], lane="memory"),
        boxes.more("stops/memory/more", left, "rows"),
        boxes.key("stops", [STYLES[kind] for kind in STYLES if kind in kinds]),
        gap=4,
    )


def _table(halt: Halt) -> Table:
    changes = tuple(
        (name, str(Address(one.start)), str(Size(one.size)), one.was, one.now)
        for name, some in halt.changes.items()
        for one in some
    )
    memory = tuple((str(Address(pa)), letter) for pa, (letter, _) in sorted(halt.pages.items()))
    return Table(("process", "from", "size", "was", "is"), changes, (("memory", Table(("page at", "letter"), memory)),))
