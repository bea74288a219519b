"""A real kernel at a stop: what its processes map otherwise than at the stop before, and who has which page of memory.

Memory is drawn as rows of pages: the letter of the process that has a page, and below it a strip of what the page is.
"""

from __future__ import annotations

from collections.abc import Sequence

from vmwidgets.engine.base.units import PAGE, Address, Size, counted
from vmwidgets.engine.mmu.pasted import SaidDifference
from vmwidgets.engine.mmu.stops import SEVERAL, Stop
from vmwidgets.views.scene import kit
from vmwidgets.views.scene.kit import LINE, MARGIN, PAD, WIDTH, Box
from vmwidgets.views.scene.model import Bar, Caption, Lane, Node, Scene, Table, Text
from vmwidgets.views.scene.text import fitted, text_width, visible

MOST_CHANGES, MOST_ROWS = 24, 48
"""Changes of a process, and rows of memory that are drawn; the table has all."""

ACROSS = (32, 16)
"""Pages of a row on a wide and on a narrow page."""

WIDE = 640.0

_ROW, _STRIP = 24.0, 4.0

STYLES = {
    "page": ("used", "a page that one process maps"),
    "table": ("table", "a page with one of its tables"),
    "several": ("changed", "a page that several processes map"),
}
"""The strip below a letter by what the page is, and what it means."""


def draw_stop(
    stop: Stop, before: Stop | None, place: str, *, width: float = WIDTH, switches: Sequence[Sequence[kit.Switch]] = ()
) -> Scene:
    """The scene of a stop; `before` is the stop to compare it with, `place` which of how many it is."""
    nodes, y = kit.draw_switches(switches, "stops", 4, width)
    y += 8 * bool(nodes)
    changes = stop.changes(before)
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
    nodes += _memory(stop, y, width)
    since = f"since stop {before.number}" if before is not None else "so far"
    return kit.scene(
        "stops", "stops of the kernel", f"stop {stop.number}, {place}: {visible(stop.where)}", nodes,
        caption=Caption(f"{counted(len(changes), 'process', 'processes')} changed {since}."),
        table=_table(stop, before), width=width,
        lanes=[Lane("changes", "What changed", down=True), Lane("memory", "Memory, by address", down=True)],
    )  # fmt: skip


def draw_no_stop(width: float = WIDTH) -> Scene:
    """The scene of a kernel that has not stopped."""
    return kit.scene("stops", "stops of the kernel", "", [], caption=Caption("The kernel has not stopped yet."),
                     table=Table((), ()), width=width)  # fmt: skip


def _sides(one: SaidDifference) -> tuple[str, str]:
    """How a range was mapped, and how it is now."""
    was, now = ("not mapped" if side is None else side.rights for side in (one.one, one.other))
    return was, f"{now} in another frame" if was == now else now


def _change(identity: str, one: SaidDifference, box: Box) -> Node:
    was, now = _sides(one)
    place, size = str(Address(one.start)), str(Size(one.size))
    begin = PAD + max(text_width("0xffff_ffff_f000", "mono"), text_width(place, "mono")) + 14
    at = begin + text_width("1023.9 KiB") + 14
    return Node(
        identity, "card", *box, text=(
            Text(PAD, 16, place, "mono"), Text(begin, 16, size, "dim"),
            fitted(at, 16, f"{was} → {now}", box.w - at - PAD, "mono"),
        ),
        state=("new",) if one.one is None else ("changed",), title=f"{place}, {size}: {was} → {now}", lane="changes",
    )  # fmt: skip


def _memory(stop: Stop, y: float, width: float) -> list[Node]:
    """Rows of pages in which a process has something, and what letters and strips mean."""
    across = ACROSS[width < WIDE]
    named = "; ".join(
        f"{space.letter} {visible(space.name)}, {counted(len(space.frames), 'page')}" for space in stop.spaces
    )
    nodes = [kit.heading("section/stops/memory", "Memory", f"{across * PAGE // 1024} KiB a row", y, width=width)]
    y += nodes[-1].h
    if named:
        nodes.append(kit.paragraph("stops/memory/named", named, MARGIN, y, width - 2 * MARGIN, style="label"))
        y += nodes[-1].h + 6
    letters = stop.letters()
    size = PAGE * across
    starts = sorted({pa // size * size for pa in letters})
    left = max((text_width(str(Address(start)), "mono") for start in starts), default=0.0) + 12
    w = min(22.0, (width - 2 * MARGIN - left) / across)
    for start in starts[:MOST_ROWS]:
        box = Box(MARGIN, y, width - 2 * MARGIN, _ROW)
        pages = [letters.get(pa, "") for pa in range(start, start + size, PAGE)]
        text = [Text(0, 14, str(Address(start)), "mono dim")]
        text += [Text(left + w * (at + 0.5), 14, one, "mono", "middle") for at, one in enumerate(pages) if one]
        bars = [Bar(left + w * at, 18, w - 2, _STRIP, _style(one)) for at, one in enumerate(pages)]
        said = ", ".join(f"{one} at {Address(start + at * PAGE)}" for at, one in enumerate(pages) if one)
        nodes.append(kit.runs(f"stops/memory/{start:x}", box, text, bars=bars, title=said, lane="memory"))
        y += _ROW + 4
    if len(starts) > MOST_ROWS:
        words = f"… {len(starts) - MOST_ROWS:,} rows more, in the table"
        nodes.append(kit.label("stops/memory/more", words, MARGIN, y))
        y += LINE
    drawn = {_style(one) for one in letters.values()}
    return [*nodes, *kit.legend("stops", [key for key in STYLES.values() if key[0] in drawn], y + 2, width=width)]


def _style(letter: str) -> str:
    kind = "several" if letter == SEVERAL else "table" if letter.islower() else "page"
    return STYLES[kind][0] if letter else "rail"


def _table(stop: Stop, before: Stop | None) -> Table:
    changes = tuple(
        (name, str(Address(one.start)), str(Size(one.size)), *_sides(one))
        for name, some in stop.changes(before).items()
        for one in some
    )
    memory = tuple((str(Address(pa)), letter) for pa, letter in sorted(stop.letters().items()))
    return Table(("process", "from", "size", "was", "is"), changes, (("memory", Table(("page at", "letter"), memory)),))
