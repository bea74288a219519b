"""A real kernel at a stop: how its processes' mappings changed, and which process has each page of memory.

Memory is drawn as rows of pages: the letter of the process that has a page, and below it a strip for the page's kind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from vmwidgets.engine.base.units import PAGE, Address, Size, counted
from vmwidgets.views.scene import kit
from vmwidgets.views.scene.kit import LINE, MARGIN, PAD, WIDTH, Box
from vmwidgets.views.scene.model import Bar, Caption, Lane, Node, Scene, Table, Text
from vmwidgets.views.scene.text import fitted, text_width, visible

MOST_CHANGES, MOST_ROWS = 24, 48
"""The most changes of a process, and the most rows of memory; the table has all."""

ACROSS = (32, 16)
"""Pages in a row on a wide and on a narrow page."""

WIDE = 640.0

_ROW, _STRIP = 24.0, 4.0

Kind = Literal["page", "table", "several"]

STYLES: dict[Kind, tuple[str, str]] = {
    "page": ("used", "a page that one process maps"),
    "table": ("table", "a page with one of its tables"),
    "several": ("changed", "a page that several processes map"),
}
"""The strip below a letter, by the page's kind, with its meaning."""


class Change(NamedTuple):
    """A range whose mapping changed since the stop before: its old and new state, in letters of rights."""

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


def draw_stop(halt: Halt, *, width: float = WIDTH, switches: Sequence[Sequence[kit.Switch]] = ()) -> Scene:
    """Return the scene of a stop."""
    nodes, y = kit.draw_switches(switches, "stops", 4, width)
    y += 8 * bool(nodes)
    changes = halt.changes
    for number, (name, some) in enumerate(changes.items()):
        title = f"{visible(name)}: {counted(len(some), 'change')}"
        nodes.append(kit.heading(f"section/stops/{number}", title, "", y, width=width))
        y += nodes[-1].h
        for line, one in enumerate(some[:MOST_CHANGES]):
            nodes.append(_change(f"stops/{number}/{line}", one, Box(MARGIN, y, width - 2 * MARGIN, _ROW)))
            y += nodes[-1].h + 4
        if len(some) > MOST_CHANGES:
            words = f"… {len(some) - MOST_CHANGES:,} more, in the table"
            nodes.append(kit.label(f"stops/{number}/more", words, MARGIN, y))
            y += LINE
    nodes += _memory(halt, y, width)
    return kit.scene(
        "stops", "stops of the kernel", visible(halt.summary), nodes,
        caption=Caption(f"{counted(len(changes), 'process', 'processes')} changed {halt.since}."),
        table=_table(halt), width=width,
        lanes=[Lane("changes", "What changed", down=True), Lane("memory", "Memory, by address", down=True)],
    )  # fmt: skip


def draw_no_stop(width: float = WIDTH) -> Scene:
    """Return the scene of a kernel that has not stopped."""
    return kit.scene("stops", "stops of the kernel", "", [], caption=Caption("The kernel has not stopped yet."),
                     table=Table((), ()), width=width)  # fmt: skip


def _change(identity: str, one: Change, box: Box) -> Node:
    place, size = str(Address(one.start)), str(Size(one.size))
    begin = PAD + max(text_width("0xffff_ffff_f000", "mono"), text_width(place, "mono")) + 14
    at = begin + text_width("1023.9 KiB") + 14
    words = f"{one.was} → {one.now}"
    text = (
        Text(PAD, 16, place, "mono"),
        Text(begin, 16, size, "dim"),
        fitted(at, 16, words, box.w - at - PAD, "mono"),
    )
    state = ("new",) if one.is_new else ("changed",)
    return Node(identity, "card", *box, text=text, state=state, title=f"{place}, {size}: {words}", lane="changes")


def _memory(halt: Halt, y: float, width: float) -> list[Node]:
    """Return rows of pages with processes in them, and the meanings of letters and strips."""
    across = ACROSS[width < WIDE]
    named = visible("; ".join(halt.processes))
    nodes = [kit.heading("section/stops/memory", "Memory", f"{across * PAGE // 1024} KiB a row", y, width=width)]
    y += nodes[-1].h
    if named:
        nodes.append(kit.paragraph("stops/memory/named", named, MARGIN, y, width - 2 * MARGIN, style="label"))
        y += nodes[-1].h + 6
    size = PAGE * across
    starts = sorted({pa // size * size for pa in halt.pages})
    left = max((text_width(str(Address(start)), "mono") for start in starts), default=0.0) + 12
    w = min(22.0, (width - 2 * MARGIN - left) / across)
    for start in starts[:MOST_ROWS]:
        box = Box(MARGIN, y, width - 2 * MARGIN, _ROW)
        pages = [halt.pages.get(pa) for pa in range(start, start + size, PAGE)]
        text = [Text(0, 14, str(Address(start)), "mono dim")]
        text += [Text(left + w * (at + 0.5), 14, one[0], "mono", "middle") for at, one in enumerate(pages) if one]
        styles = [STYLES[one[1]][0] if one else "rail" for one in pages]
        bars = [Bar(left + w * at, 18, w - 2, _STRIP, style) for at, style in enumerate(styles)]
        said = ", ".join(f"{one[0]} at {Address(start + at * PAGE)}" for at, one in enumerate(pages) if one)
        nodes.append(kit.runs(f"stops/memory/{start:x}", box, text, bars=bars, title=said, lane="memory"))
        y += _ROW + 4
    if len(starts) > MOST_ROWS:
        words = f"… {len(starts) - MOST_ROWS:,} rows more, in the table"
        nodes.append(kit.label("stops/memory/more", words, MARGIN, y))
        y += LINE
    kinds = {kind for _, kind in halt.pages.values()}
    keys = [STYLES[kind] for kind in STYLES if kind in kinds]
    return [*nodes, *kit.legend("stops", keys, y + 2, width=width)]


def _table(halt: Halt) -> Table:
    changes = tuple(
        (name, str(Address(one.start)), str(Size(one.size)), one.was, one.now)
        for name, some in halt.changes.items()
        for one in some
    )
    memory = tuple((str(Address(pa)), letter) for pa, (letter, _) in sorted(halt.pages.items()))
    return Table(("process", "from", "size", "was", "is"), changes, (("memory", Table(("page at", "letter"), memory)),))
