"""A process of this computer: its memory by owner, the effect of a cell on it, and one page in two processes."""

from __future__ import annotations

from collections.abc import Sequence
from math import log
from typing import NamedTuple

from vmwidgets.engine.base.errors import printable
from vmwidgets.engine.base.units import Address, counted
from vmwidgets.engine.spaces.process_schema import (
    CellMemory,
    Change,
    ForkedPage,
    ForkedValue,
    LineCost,
    ProcessMoment,
    ProcessRange,
    holes,
    rounded,
    short,
    signed,
)
from vmwidgets.views.scene import kit
from vmwidgets.views.scene.key import RANGES, kind_of_range
from vmwidgets.views.scene.kit import MARGIN, WIDTH, Box
from vmwidgets.views.scene.model import Bar, Caption, Link, Node, Scene, Table, Text
from vmwidgets.views.scene.text import fitted, text_width, visible

ROW = 24.0
"""Pixels from one row to the next."""

NARROW = 500
"""Width in pixels below which a picture leaves some numbers to its table."""

MOST = 9
"""The most rows of a list; the rest is one row."""

MOST_PLACES = 8
"""The most places of the address space that are drawn, each to its own scale."""


def _kind(one: ProcessRange) -> str:
    return kind_of_range(one.path, one.protection)


# ---- a cell ----------------------------------------------------------------------------------------


def draw_cell(value: CellMemory, *, width: float = WIDTH) -> Scene:
    """Return what some code did: a sentence, mapped and in memory before and after, then its lines and its ranges."""
    nodes: list[Node] = []
    y = 6.0
    was, now = value.before, value.after
    most = max(was.mapped, now.mapped, 1)
    for name, before, after in (("mapped", was.mapped, now.mapped), ("in memory", was.resident, now.resident)):
        nodes.append(_two(name, before, after, most, Box(MARGIN, y, width - 2 * MARGIN, 20)))
        y += 28
    if value.lines:
        y = _section(nodes, "lines", "by line", y + 12, width)
        y = _lines(nodes, value.lines, y, width)
    if value.changes:
        y = _section(nodes, "ranges", "by range", y + 12, width)
        y = _changes(nodes, value.changes, y, width)
    for number, words in enumerate(value.notes):
        nodes.append(kit.paragraph(f"cell/note/{number}", visible(words), MARGIN, y + 10, width - 2 * MARGIN))
        y += nodes[-1].h
    rows = [
        ("line", visible(short(one.line)), signed(one.mapped), signed(one.resident), f"{one.minor + one.major:,}",
         one.why)
        for one in value.lines
    ]  # fmt: skip  # a row a line
    rows += [(f"range that {_DONE[one.kind]}", printable(one.words), signed(one.mapped), signed(one.resident), "",
              one.holds) for one in value.changes]  # fmt: skip
    table = Table(("what", "which", "mapped", "in memory", "faults", "why"), tuple(rows))
    return kit.scene("cell", visible(value.title), "", nodes, caption=Caption(visible(value.faults)), table=table,
                     width=width, answers=True)  # fmt: skip  # the title says it


_DONE = {"came": "came", "left": "left", "grew": "grew", "shrank": "shrank", "used": "stayed", "changed": "changed"}
_BADGES = {"came": "+", "left": "−", "grew": "~", "shrank": "~", "used": "~", "changed": "~"}


def _two(name: str, before: int, after: int, most: int, box: Box) -> Node:
    """Return a bar of the old amount, with the change at its end, and the numbers next to it."""
    words = f"{rounded(before)} before, {rounded(after)} now"
    beside = words if box.w + 2 * MARGIN > NARROW else f"{rounded(after)} now"
    left, right = 92.0, text_width(beside) + text_width("+9,999 MiB", "strong") + 28
    room = max(40.0, box.w - left - right)
    low, high = room * min(before, after) / most, room * max(before, after) / most
    bars = [Bar(left, 2, low, 16, "own-known")]
    style = "own-new" if after > before else "own-gone"
    if after != before:
        bars.append(Bar(left + low + 2, 2, max(2.0, high - low - 2), 16, style))
    x = left + high + 12
    change = signed(after - before) if after != before else "no change"
    text = (Text(0, 14, name, "strong"), Text(x, 14, change, "new" if after > before else "strong"),
            Text(x + text_width(change, "strong") + 10, 14, beside, "label dim"))  # fmt: skip  # name, then numbers
    return Node(f"cell/{name}", "label", *box, shape="none", text=text, bars=tuple(bars),
                title=f"{name}: {words}", lane="cell")  # fmt: skip


def _section(nodes: list[Node], key: str, words: str, y: float, width: float) -> float:
    nodes.append(kit.label(f"section/own/{key}", words, MARGIN, y, style="strong", most=width - 2 * MARGIN))
    return y + ROW


def _lines(nodes: list[Node], lines: Sequence[LineCost], y: float, width: float) -> float:
    """Return a row for each statement: its first line, new mappings, bytes in memory, faults, and their reasons."""
    code = min(300.0, (width - 2 * MARGIN) * 0.34)
    bars, faults = 200.0 if width > 600 else 90.0, 70.0
    most = max((max(abs(one.mapped), abs(one.resident)) for one in lines), default=1) or 1
    for number, one in enumerate(lines):
        x = code + 12
        room = bars - 8
        both = [(abs(one.mapped), "own-reserved"), (abs(one.resident), "own-new" if one.resident > 0 else "own-gone")]
        drawn = tuple(
            Bar(x, 4, max(1.0, room * size / most), 14, style) for size, style in both if size >= most // 400 + 1
        )
        said = signed(one.resident) if abs(one.resident) >= 4096 else (
            f"{rounded(one.mapped)} mapped" if one.mapped > 0 else ""
        )  # fmt: skip  # what is in memory, else what is mapped
        text = [fitted(0, 15, visible(short(one.line)), code, "mono"), Text(x + bars + 84, 15, said, "strong", "end"),
                Text(x + bars + 84 + faults, 15, f"{one.minor + one.major:,}", "label", "end")]  # fmt: skip
        after = x + bars + 84 + faults + 14
        text.append(fitted(after, 15, one.why, width - 2 * MARGIN - after, "label dim"))
        title = (
            f"{visible(short(one.line))}: {signed(one.mapped)} mapped, {signed(one.resident)} in memory, "
            + counted(one.minor + one.major, "fault")
        )
        box, runs = Box(MARGIN, y, width - 2 * MARGIN, ROW), [run for run in text if run.text]
        nodes.append(kit.runs(f"cell/line/{number}", box, runs, bars=drawn, title=title, lane="lines"))
        if not number:
            nodes.append(kit.runs("cell/lines/names", Box(MARGIN, y - ROW, width - 2 * MARGIN, ROW),
                                  [Text(x, 15, "mapped and in memory", "label dim"),
                                   Text(x + bars + 84 + faults, 15, "faults", "label dim", "end")]))  # fmt: skip
        y += ROW
    return y


def _changes(nodes: list[Node], changes: Sequence[Change], y: float, width: float) -> float:
    """Return a row for each range that is new, gone, larger or used, the biggest first."""
    is_wide = width > NARROW
    name, numbers = min(250.0, (width - 2 * MARGIN) * (0.3 if is_wide else 0.4)), 170.0 if is_wide else 92.0
    room = max(40.0, width - 2 * MARGIN - name - numbers - (230.0 if width > 700 else 0.0))
    most = max((max(abs(one.mapped), abs(one.resident)) for one in changes), default=1) or 1
    for number, one in enumerate(changes[:MOST]):
        bars = []
        if one.mapped:
            bars.append(Bar(name + 8, 4, max(2.0, room * abs(one.mapped) / most), 14,
                            "own-reserved" if one.mapped > 0 else "own-gone"))  # fmt: skip  # what it maps
        if one.resident:
            bars.append(Bar(name + 8, 4, max(2.0, room * abs(one.resident) / most), 14,
                            "own-anonymous" if one.resident > 0 else "own-gone"))  # fmt: skip  # what is in memory
        x = name + 8 + room
        words = f"{_BADGES[one.kind]} {visible(one.words if is_wide else one.holds or one.words)}"
        text = [fitted(0, 15, words, name - 4, "label", middle=True),
                Text(x + 84, 15, signed(one.resident), "strong", "end")]  # fmt: skip  # a name, a number
        if is_wide:
            text.append(Text(x + 164, 15, signed(one.mapped), "label dim", "end"))
        if width > 700:
            text.append(fitted(x + 180, 15, visible(one.holds), 220.0, "label dim"))
        title = (
            f"{printable(one.words)} {_DONE[one.kind]}: {signed(one.mapped)} mapped, {signed(one.resident)} in memory"
        )
        box, runs = Box(MARGIN, y, width - 2 * MARGIN, ROW), [run for run in text if run.text]
        nodes.append(kit.runs(f"cell/range/{number}", box, runs, bars=bars, title=title, lane="ranges"))
        if not number:
            heads = [Text(x + 84, 15, "in memory", "label dim", "end")]
            heads += [Text(x + 164, 15, "mapped", "label dim", "end")] * is_wide
            nodes.append(kit.runs("cell/ranges/names", Box(MARGIN, y - ROW, width - 2 * MARGIN, ROW), heads))
        y += ROW
    rest = changes[MOST:]
    if rest:
        held, mapped = sum(one.resident for one in rest), sum(one.mapped for one in rest)
        words = f"{len(rest):,} more, in the table: {signed(held)} in memory, {signed(mapped)} mapped"
        nodes.append(kit.label("cell/range/more", words, MARGIN, y, most=width - 2 * MARGIN))
        y += ROW
    return y


# ---- a process -------------------------------------------------------------------------------------


def draw_process(value: ProcessMoment, *, width: float = WIDTH, summary: str = "", notes: Sequence[str] = ()) -> Scene:
    """Return a process at a moment: what is in memory, the owners, the biggest first, and where it is."""
    room = width - 2 * MARGIN
    nodes: list[Node] = []
    y = _whole(nodes, value, 6.0, width)
    y = _owners(nodes, value, y + 8, width)
    y = _places(nodes, value, y + 8, width)
    for number, note in enumerate((*value.unsaid, *notes)):
        nodes.append(kit.paragraph(f"process/note/{number}", visible(note), MARGIN, y + 6, room))
        y += nodes[-1].h
    said = {
        name: field for name, field in _SAID.items() if any(getattr(one, field) is not None for one in value.ranges)
    }
    rows = [
        (f"{Address(one.start)}–{Address(one.end)}", one.protection + ("s" if one.shared else "p"), rounded(one.size),
         *(_known(getattr(one, field)) for field in said.values()), printable(one.path))
        for one in value.ranges
    ]  # fmt: skip  # a row a range
    names = ("range", "rights", "mapped", *said, "what")
    who = summary or f"{visible(value.name)}, process {value.pid}: {counted(len(value.ranges), 'range')}"
    words = f"{rounded(value.mapped)} may be used."
    if value.is_measured and value.mapped > value.resident:
        rest = rounded(value.mapped - value.resident)
        words = f"{rounded(value.mapped)} may be used; {rest} of it has no page in memory."
    if value.reserved:
        words += f" {rounded(value.reserved)} is only reserved: no rights, and nothing there to read or write."
    return kit.scene(
        "process",
        value.title,
        who,
        nodes,
        caption=Caption(words),
        table=Table(names, tuple(rows)),
        width=width,
        answers=True,
    )


_SAID = {"in memory (Rss)": "resident", "fair share (Pss)": "fair", "private, written": "dirty", "swap": "swap"}
"""Columns of the table that only some systems and texts have, and their fields."""


def _known(size: int | None) -> str:
    return "" if size is None else rounded(size)


def _whole(nodes: list[Node], value: ProcessMoment, y: float, width: float) -> float:
    """Return all usable memory on one scale, by kind: in memory, then not in memory."""
    room, x = width - 2 * MARGIN, 0.0
    sums: dict[str, int] = {}
    for one in value.ranges:
        if not one.is_reserved:
            kind = _kind(one)
            sums[kind] = sums.get(kind, 0) + (one.resident or 0 if value.is_measured else one.size)
    bars = [Bar(0, 0, room, 22, "rail")]
    shown = [(kind, sums[kind]) for kind in RANGES if sums.get(kind)]
    for kind, size in shown:
        w = room * size / max(1, value.mapped)
        bars.append(Bar(x, 0, max(1.0, w - 1), 22, f"own-{kind}"))
        x += w
    rest = value.mapped - sum(size for _, size in shown)
    text: tuple[Text, ...] = ()
    if value.is_measured and rest > 0:
        words = f"{rounded(rest)}: no page in memory"
        text = (fitted(x + 8, 15, words, room - x - 8, "label dim"),) if room - x > 90 else ()
    nodes.append(Node("process/whole", "label", MARGIN, y, room, 22, shape="none", bars=tuple(bars), text=text,
                      title=f"{rounded(value.mapped)} mapped", lane="process"))  # fmt: skip
    colours = [(f"own-{kind}", f"{RANGES[kind]}: {rounded(size)}") for kind, size in shown]
    legend = kit.legend("process", colours, y + 28, width=width)
    nodes += legend
    return max((one.y + one.h for one in legend), default=y + 28)


class _Column(NamedTuple):
    name: str
    field: str
    wide: float


_COLUMNS = (
    _Column("private, written", "dirty", 104),
    _Column("fair share (PSS)", "fair", 110),
    _Column("swap", "swap", 60),
)


def _owners(nodes: list[Node], value: ProcessMoment, y: float, width: float) -> float:
    """Return a row for each owner, the biggest first: a bar on a rail, and numbers in columns."""
    room = width - 2 * MARGIN
    columns = [one for one in _COLUMNS if width > 700 and value.is_measured and value.total(one.field)]
    has_count = width > NARROW
    has_mapped = has_count and value.is_measured
    numbers = 86.0 + 96 * has_mapped + sum(one.wide for one in columns) + 66 * has_count
    name = min(250.0, (room - numbers) * (0.55 if has_count else 0.6))
    long = room - numbers - name - 8
    owners = [*value.owners().items()]
    first, rest = owners[:MOST], [one for _, some in owners[MOST:] for one in some]
    rows = [(f"owner/{printable(called)}", called, some) for called, some in first]
    if rest:
        rows.append(("more", f"{len(owners) - len(first):,} more", tuple(rest)))
    most = max((_mapped(some) for _, some in first), default=1) or 1
    head = [fitted(0, 15, "who has it, biggest first" if has_count else "biggest first", name, "label dim")]
    x = name + long + 8
    names = [("in memory" if value.is_measured else "mapped", 86.0, "strong")]
    names += [(one.name, one.wide, "label dim") for one in columns]
    names += [("may be used", 96.0, "label dim")] * has_mapped + [("ranges", 66.0, "label dim")] * has_count
    for words, wide, style in names:
        x += wide
        head.append(Text(x, 15, words, style, "end"))
    nodes.append(kit.runs("process/names", Box(MARGIN, y, room, ROW), head))
    y += ROW
    for key, called, some in rows:
        held, mapped = sum(one.resident or 0 for one in some), _mapped(some)
        kind = _kind(max(some, key=lambda one: (one.resident or 0, one.end - one.start)))
        bars = [Bar(name, 5, max(1.0, min(1.0, mapped / most) * long), 14, "rail")]
        size = held if value.is_measured else mapped
        bars += [Bar(name, 5, max(1.0, min(1.0, size / most) * long), 14, f"own-{kind}")] * bool(size)
        figures = [rounded(size)] + [rounded(sum(getattr(one, each.field) or 0 for one in some)) for each in columns]
        figures += [rounded(mapped)] * has_mapped + [f"{len(some):,}"] * has_count
        text = [fitted(0, 16, visible(called), name - 8, "label", middle=True)]
        x = name + long + 8
        for words, (_, wide, style) in zip(figures, names, strict=True):
            x += wide
            text.append(Text(x, 16, words, style, "end"))
        known = f"{rounded(held)} in memory, " if value.is_measured else ""
        title = f"{printable(called)}: {known}{rounded(mapped)} mapped, {counted(len(some), 'range')}"
        nodes.append(Node(f"process/{key}", "label", MARGIN, y, room, ROW, shape="none",
                          text=tuple(text), bars=tuple(bars), title=title, lane="owners"))  # fmt: skip
        y += ROW
    return y


def _mapped(some: Sequence[ProcessRange]) -> int:
    return sum(one.end - one.start for one in some if not one.is_reserved)


def _places(nodes: list[Node], value: ProcessMoment, y: float, width: float) -> float:
    """Return a window for each place with much empty space around it, each to its own scale."""
    below = [one for one in value.ranges if one.end <= 1 << 56]
    places = _split(below)
    if len(places) < 2:
        return y
    room = width - 2 * MARGIN
    shown = sorted(sorted(places, key=_weight, reverse=True)[:MOST_PLACES], key=lambda some: some[0].start)
    left = len(places) - len(shown)
    words = f"where it lies: {counted(len(shown), 'place')}, each to its own scale"
    nodes.append(kit.label("section/own/places", words, MARGIN, y, style="strong", most=room))
    measured = value.is_measured
    what = "in memory" if measured else "mapped"
    said = f"The empty space between them is cut out. A bar: ranges; its height: what is {what} there, logarithmic."
    said += f" {counted(left, 'place')} with less {what} left out." if left else ""
    nodes.append(kit.paragraph("process/scale", said, MARGIN, y + 18, room))
    y = nodes[-1].y + nodes[-1].h + 6
    gap = 14.0
    each = (room - gap * (len(shown) - 1)) / len(shown)
    sizes = [(one.resident or 0) if measured else one.size for some in shown for one in some]
    top = max(sizes, default=4096)
    for number, some in enumerate(shown):
        x = MARGIN + number * (each + gap)
        nodes.append(_place(number, some, Box(x, y, each, 96), top, measured=measured))
    return y + 96 + 8


def _weight(some: Sequence[ProcessRange]) -> tuple[int, int]:
    return sum(one.resident or 0 for one in some), _mapped(some)


def _split(ranges: Sequence[ProcessRange]) -> list[list[ProcessRange]]:
    """Return runs of ranges between the largest holes."""
    wide = [size for low, high in holes(ranges) if (size := high - low) >= 1 << 30][: MOST_PLACES * 2]
    least = min(wide, default=1 << 62)
    places: list[list[ProcessRange]] = []
    for one in ranges:
        if not places or one.start - places[-1][-1].end >= least:
            places.append([])
        places[-1].append(one)
    return places


def _place(number: int, some: Sequence[ProcessRange], box: Box, top: int, *, measured: bool) -> Node:
    """Return one window of addresses: a bar for each column of three pixels that contains anything."""
    start, end = some[0].start, some[-1].end
    count = max(1, int(box.w // 3))
    columns: dict[int, tuple[int, str]] = {}
    for one in some:
        size = (one.resident or 0) if measured else (0 if one.is_reserved else one.size)
        at = min(count - 1, (one.start - start) * count // max(1, end - start))
        was = columns.get(at, (0, ""))
        columns[at] = (was[0] + size, _kind(one) if size >= was[0] else was[1])
    high = 40.0
    bars = [Bar(0, 18, box.w, high, "rail")]
    for at, (size, kind) in sorted(columns.items()):
        if size:
            tall = max(2.0, high * log(1 + size / 4096) / log(1 + max(top, 4096) / 4096))
            bars.append(Bar(round(at * box.w / count, 1), 18 + high - tall, 3, tall, f"own-{kind}"))
    held = sum(one.resident or 0 for one in some)
    mapped = _mapped(some)
    words = (rounded(held), f"of {rounded(mapped)}") if measured else (rounded(mapped), "")
    text = [fitted(0, 12, f"{Address(start)}", box.w, "mono"), fitted(0, 74, words[0], box.w, "strong"),
            fitted(0, 90, words[1], box.w, "label dim")]  # fmt: skip  # where, how much
    title = f"{Address(start)}–{Address(end)}: {counted(len(some), 'range')}, {rounded(mapped)} mapped" + (
        f", {rounded(held)} in memory" if measured else ""
    )
    return Node(f"process/place/{number}", "label", *box, shape="none", text=tuple(run for run in text if run.text),
                bars=tuple(bars), title=title, lane="places")  # fmt: skip


# ---- two processes after a fork --------------------------------------------------------------------


def draw_forked(value: ForkedValue, *, width: float = WIDTH) -> Scene:
    """Return the parent's pages on the left, the child's on the right, and each frame once between them."""
    room = min(WIDTH, width) - 2 * MARGIN
    side, frame = min(230.0, room * 0.3), min(150.0, room * 0.22)
    left, right, middle = MARGIN, MARGIN + room - side, MARGIN + room / 2
    names = f"parent, process {value.parent}", f"child, process {value.child}"
    first, second = names if kit.all_or_none(names, (side, side), "strong") else ("parent", "child")
    nodes = [
        kit.label("fork/parent", first, left, 4, style="strong"),
        kit.label("fork/child", second, right, 4, style="strong"),
        kit.label("fork/frames", "frames", middle - text_width("frames", "strong") / 2, 4, style="strong"),
    ]
    links: list[Link] = []
    y = 32.0
    for number, page in enumerate(value.pages):
        high = 34.0 if page.is_shared else 72.0
        mine = _page("parent", number, page.parent, page, Box(left, y, side, high), value)
        theirs = _page("child", number, page.child, page, Box(right, y, side, high), value)
        nodes += [mine, theirs]
        box = Box(middle - frame / 2, y, frame, 34)
        if page.is_shared:
            frames = [_frame(f"{number}", page.parent, "both", box)]
        else:
            below = box._replace(y=y + 38)
            frames = [
                _frame(f"{number}/parent", page.parent, "the parent's", box, new=value.last == ("parent", number)),
                _frame(f"{number}/child", page.child, "the child's", below, new=value.last == ("child", number)),
            ]
        nodes += frames
        links += [_leads(number, "parent", mine, frames[0], value), _leads(number, "child", theirs, frames[-1], value)]
        y += high + 10
    rows = [
        (str(number), str(Address(one.address)), one.parent, one.child, "one, for both" if one.is_shared else "two")
        for number, one in enumerate(value.pages)
    ]
    table = Table(("page", "address", "parent reads", "child reads", "frames"), tuple(rows))
    said = f"{value.said[:1].upper()}{value.said[1:]}."
    about = "The same addresses in both: an address is not a place. Whose a page is, the kernel says (pagemap, bit 56)."
    nodes.append(kit.paragraph("fork/about", about, MARGIN, y + 4, width - 2 * MARGIN))
    return kit.scene("fork", value.title, "", nodes, links=links, caption=Caption(said), table=table, width=width,
                     answers=True)  # fmt: skip  # the title says it


def _leads(number: int, who: str, page: Node, frame: Node, value: ForkedValue) -> Link:
    """Return a line from a page to its frame, in the story's colour if its write was the last event."""
    state = ("path",) if value.last == (who, number) else ()
    begin, end = (page.x + page.w, frame.x) if page.x < frame.x else (page.x, frame.x + frame.w)
    points = kit.curve((begin, page.y + page.h / 2), (end, frame.y + frame.h / 2))
    return Link(f"fork/{number}/{who}", "leads", page.id, frame.id, points, state)


def _page(who: str, number: int, letter: str, page: ForkedPage, box: Box, value: ForkedValue) -> Node:
    state = ("changed",) if value.last == (who, number) else ()
    rows = [f"page {number}: {letter}", str(Address(page.address))]
    title = f"the {who} reads {letter} at {Address(page.address)}"
    return kit.card(f"fork/{who}/{number}", box._replace(h=34), rows, kind="entry", top=14, step=15, state=state,
                    title=title, bars=(Bar(0, 0, 4, 34, "own-anonymous"),), pad=12, lane=who)  # fmt: skip


def _frame(key: str, letter: str, whose: str, box: Box, *, new: bool = False) -> Node:
    state = ("new",) if new else ()
    bars = (Bar(0, box.h - 4, box.w, 4, "own-anonymous"),)
    return kit.chip(f"fork/frame/{key}", "board-frame", box, (f"{letter} · {whose}", letter), state=state, foot=4,
                    bars=bars, title=f"a frame with {letter}: {whose}", lane="frames")  # fmt: skip
