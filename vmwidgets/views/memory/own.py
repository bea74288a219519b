"""A process of this computer: its memory by owner, the effect of a cell on it, and one page in two processes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from math import log

from vmwidgets.engine.base.errors import printable
from vmwidgets.engine.base.units import Address, counted
from vmwidgets.given.process import (
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
from vmwidgets.views.scene import boxes, kit
from vmwidgets.views.scene.boxes import Bars, Column, Part, Row
from vmwidgets.views.scene.key import kind_of_range
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
    was, now = value.before, value.after
    most = max(was.mapped, now.mapped, 1)
    totals = (("mapped", was.mapped, now.mapped), ("in memory", was.resident, now.resident))
    rows = [
        (
            "line",
            visible(short(one.line)),
            signed(one.mapped),
            signed(one.resident),
            f"{one.minor + one.major:,}",
            one.why,
        )
        for one in value.lines
    ]
    rows += [
        (f"range that {_DONE[one.kind]}", printable(one.words), signed(one.mapped), signed(one.resident), "", one.holds)
        for one in value.changes
    ]
    parts = [
        boxes.below(
            *(boxes.drawing(20, partial(_two, name, before, after, most)) for name, before, after in totals), gap=8
        ),
        *[_lines(value.lines)] * (len(value.lines) > 1),  # one line is the cell, and one range its sum
        *[_changes(value.changes)] * (len(value.changes) > 1),
        _notes("cell", value.notes),
    ]
    return boxes.picture(
        "cell",
        visible(value.title),
        "",
        boxes.below(*parts, gap=16),
        caption=Caption(visible(value.faults)),
        table=Table(("what", "which", "mapped", "in memory", "faults", "why"), tuple(rows), _said(value.notes)),
        width=width,
        answers=True,
    )


def _section(key: str, said: str) -> Part:
    return boxes.words(f"section/own/{key}", said, "strong")


def _notes(view: str, notes: Iterable[str]) -> Part:
    return boxes.below(
        *(boxes.words(f"{view}/note/{number}", visible(note)) for number, note in enumerate(notes)), gap=3
    )


def _said(notes: Sequence[str]) -> tuple[tuple[str, Table], ...]:
    """Return notes as a table of their own, so that the text of a picture has them too."""
    return (("notes", Table(("sentence",), tuple((visible(one),) for one in notes))),) if notes else ()


_DONE = {"came": "came", "left": "left", "grew": "grew", "shrank": "shrank", "used": "stayed", "changed": "changed"}
_BADGES = {"came": "+", "left": "−", "grew": "~", "shrank": "~", "used": "~", "changed": "~"}


def _two(name: str, before: int, after: int, most: int, box: Box) -> Iterator[Node]:
    """Yield a bar of the old amount, with the change at its end, and the numbers next to it."""
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
    text = (
        Text(0, 14, name, "strong"),
        Text(x, 14, change, "new" if after > before else "strong"),
        Text(x + text_width(change, "strong") + 10, 14, beside, "label dim"),
    )
    yield Node(
        f"cell/{name}", "label", *box, shape="none", text=text, bars=tuple(bars), title=f"{name}: {words}", lane="cell"
    )


def _lines(lines: Sequence[LineCost]) -> Part:
    """Return a row for each statement: its first line, new mappings, bytes in memory, faults, and their reasons."""
    columns = (
        Column("by line", "mono", "strong", most=300),
        Column("mapped and in memory", least=60, takes=True),
        Column("", "strong", end=True),
        Column("faults", end=True),
        Column("", "label dim", rank=1),
    )
    most = max((max(abs(one.mapped), abs(one.resident)) for one in lines), default=1) or 1
    shown = []
    for number, one in enumerate(lines):
        both = [(abs(one.mapped), "own-reserved"), (abs(one.resident), "own-new" if one.resident > 0 else "own-gone")]
        said = (
            signed(one.resident)
            if abs(one.resident) >= 4096
            else (f"{rounded(one.mapped)} mapped" if one.mapped > 0 else "")
        )
        code, faults = visible(short(one.line)), one.minor + one.major
        cells = (
            code,
            Bars([part for part in both if part[0] >= most // 400 + 1], layered=True),
            said,
            f"{faults:,}",
            one.why,
        )
        title = f"{code}: {signed(one.mapped)} mapped, {signed(one.resident)} in memory, {counted(faults, 'fault')}"
        shown.append(Row(f"cell/line/{number}", cells, title, lane="lines"))
    return boxes.rows("cell/lines", columns, shown, high=ROW)


def _changes(changes: Sequence[Change]) -> Part:
    """Return a row for each range that is new, gone, larger or used, the biggest first."""
    columns = (
        Column("by range", head="strong", most=250, middle=True),
        Column(least=60, takes=True),
        Column("in memory", "strong", end=True),
        Column("mapped", "label dim", end=True, rank=1),
        Column("", "label dim", most=220, rank=2),
    )
    shown = []
    for number, one in enumerate(changes):
        amounts = [
            (abs(one.mapped), "own-reserved" if one.mapped > 0 else "own-gone"),
            (abs(one.resident), "own-anonymous" if one.resident > 0 else "own-gone"),
        ]
        said, numbers = f"{_BADGES[one.kind]} {visible(one.words)}", (signed(one.resident), signed(one.mapped))
        title = f"{printable(one.words)} {_DONE[one.kind]}: {numbers[1]} mapped, {numbers[0]} in memory"
        cells = (said, Bars(amounts, layered=True), *numbers, visible(one.holds))
        shown.append(Row(f"cell/range/{number}", cells, title, lane="ranges"))
    rest = changes[MOST:]
    held, mapped = sum(one.resident for one in rest), sum(one.mapped for one in rest)
    said_of_rest = f"{len(rest):,} more, in the table: {signed(held)} in memory, {signed(mapped)} mapped"
    return boxes.rows("cell/range", columns, shown, high=ROW, most=MOST, rest=said_of_rest)


# ---- a process -------------------------------------------------------------------------------------


def draw_process(value: ProcessMoment, *, width: float = WIDTH, summary: str = "", notes: Sequence[str] = ()) -> Scene:
    """Return a process at a moment: its memory, the owners (the biggest first), and its places in the address space."""
    said = {
        name: field for name, field in _SAID.items() if any(getattr(one, field) is not None for one in value.ranges)
    }
    rows = [
        (
            f"{Address(one.start)}–{Address(one.end)}",
            one.protection + ("s" if one.shared else "p"),
            rounded(one.size),
            *(_known(getattr(one, field)) for field in said.values()),
            printable(one.path),
        )
        for one in value.ranges
    ]
    names = ("range", "rights", "mapped", *said, "what")
    who = summary or f"{visible(value.name)}, process {value.pid}: {counted(len(value.ranges), 'range')}"
    words = f"{rounded(value.mapped)} may be used."
    if value.is_measured and value.mapped > value.resident:
        rest = rounded(value.mapped - value.resident)
        words = f"{rounded(value.mapped)} may be used; {rest} of it has no page in memory."
    if value.reserved:
        words += f" {rounded(value.reserved)} is only reserved: no rights, and nothing there to read or write."
    return boxes.picture(
        "process",
        value.title,
        who,
        boxes.below(
            _whole(value),
            _owners(value),
            _places(value),
            boxes.words("process/notes", visible(" ".join((*value.unsaid, *notes)))),
            gap=10,
        ),
        caption=Caption(words),
        table=Table(names, tuple(rows), _said((*value.unsaid, *notes))),
        width=width,
        answers=True,
    )


_SAID = {"in memory (Rss)": "resident", "fair share (Pss)": "fair", "private, written": "dirty", "swap": "swap"}
"""Columns of the table that only some systems and texts have, and their fields."""


def _known(size: int | None) -> str:
    return "" if size is None else rounded(size)


def _whole(value: ProcessMoment) -> Part:
    """Return all usable memory on one scale, by owner, the biggest first: in memory, then not in memory."""

    def draw(box: Box) -> Iterator[Node]:
        share, x = box.w / max(1, value.mapped), box.x
        yield kit.chip("process/whole", "ribbon", box, title=f"{rounded(value.mapped)} mapped")
        for called, some in value.owners().items():
            size = sum(one.resident or 0 for one in some) if value.is_measured else _mapped(some)
            if size * share >= 1:
                name, words = visible(_in_words(called, some[0].path)), rounded(size)
                place = box._replace(x=x, w=max(1.0, size * share - 1))
                yield kit.chip(
                    f"process/part/{printable(called)}", "range", place, (f"{name} {words}", name, words, ""),
                    state=[_kind_of(some)], title=f"{printable(called)}: {words}", lane="process", spare=10,
                )  # fmt: skip  # what it is, then how
                x += size * share
        rest = value.mapped - value.resident if value.is_measured else 0
        words = f"{rounded(rest)}: no page in memory"
        if rest > 0 and text_width(words) < box.x + box.w - x - 16:
            yield kit.label("process/rest", words, x + 8, box.y + box.h / 2 - 10)

    return boxes.drawing(40, draw)


def _kind_of(some: Sequence[ProcessRange]) -> str:
    """Return the kind of an owner's largest range."""
    return _kind(max(some, key=lambda one: (one.resident or 0, one.end - one.start)))


def _owners(value: ProcessMoment) -> Part:
    """Return a row for each owner, the biggest first: its colour, and numbers in columns."""
    measured = value.is_measured
    more = [("private, written", "dirty"), ("fair share (PSS)", "fair"), ("swap", "swap")]
    fields = [(name, field) for name, field in more if measured and value.total(field)]
    dim = Column(style="label dim", end=True)
    columns = [
        Column("who has it, biggest first", middle=True, takes=True),
        Column("in memory" if measured else "mapped", "strong", "strong", end=True),
        *(dim._replace(name=name, rank=3) for name, _ in fields),
        *([dim._replace(name="may be used", rank=2)] * measured),
        dim._replace(name="ranges", rank=1),
    ]
    owners = [*value.owners().items()]
    first, rest = owners[:MOST], [one for _, some in owners[MOST:] for one in some]
    rows = [(f"owner/{printable(called)}", called, some) for called, some in first]
    rows += [("more", f"{len(owners) - len(first):,} more", tuple(rest))] * bool(rest)
    shown = []
    for key, called, some in rows:
        held, mapped = sum(one.resident or 0 for one in some), _mapped(some)
        size = held if measured else mapped
        figures = [size, *(sum(getattr(one, field) or 0 for one in some) for _, field in fields), *[mapped] * measured]
        cells = [visible(_in_words(called, some[0].path)), *map(rounded, figures), f"{len(some):,}"]
        known = f"{rounded(held)} in memory, " if measured else ""
        title = f"{printable(called)}: {known}{rounded(mapped)} mapped, {counted(len(some), 'range')}"
        shown.append(Row(f"process/{key}", cells, title, f"own-{_kind_of(some)}", lane="owners"))
    return boxes.rows("process", columns, shown, high=ROW)


def _in_words(called: str, path: str) -> str:
    """Return an owner's name; a file without an ending, whose name may be any word, has its folder too."""
    folder, _, name = path.rpartition("/")
    return f"{folder.rpartition('/')[2]}/{name}" if folder and name == called and "." not in name else called


def _mapped(some: Sequence[ProcessRange]) -> int:
    return sum(one.end - one.start for one in some if not one.is_reserved)


def _places(value: ProcessMoment) -> Part:
    """Return a window for each place with much empty space around it, each to its own scale."""
    places = _split([one for one in value.ranges if one.end <= 1 << 56])
    if len(places) < 2:
        return boxes.apart(0)
    shown = sorted(sorted(places, key=_weight, reverse=True)[:MOST_PLACES], key=lambda some: some[0].start)
    left = len(places) - len(shown)
    measured = value.is_measured
    what = "in memory" if measured else "mapped"
    said = f"The empty space between them is cut out. A bar: ranges; its height: what is {what} there, logarithmic."
    said += f" {counted(left, 'place')} with less {what} left out." if left else ""
    top = max(((one.resident or 0) if measured else one.size for some in shown for one in some), default=4096)
    windows = [
        boxes.drawing(96, partial(_place, number, some, top, measured=measured)) for number, some in enumerate(shown)
    ]
    return boxes.below(
        _section("places", f"where it lies: {counted(len(shown), 'place')}, each to its own scale"),
        boxes.words("process/scale", said),
        boxes.apart(6),
        boxes.beside(*windows, gap=14),
    )


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


def _place(number: int, some: Sequence[ProcessRange], top: int, box: Box, *, measured: bool) -> Iterator[Node]:
    """Yield one window of addresses: a bar for each column of three pixels that contains anything."""
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
    words = (
        (f"{rounded(held)} in memory", f"of {rounded(mapped)} mapped")
        if measured
        else (f"{rounded(mapped)} mapped", "")
    )
    ways = words[0], words[0].partition(" in ")[0]
    text = [
        fitted(0, 12, f"{Address(start)}", box.w, "mono"),
        fitted(0, 74, ways, box.w, "strong"),
        fitted(0, 90, words[1], box.w, "label dim"),
    ]
    title = f"{Address(start)}–{Address(end)}: {counted(len(some), 'range')}, {rounded(mapped)} mapped" + (
        f", {rounded(held)} in memory" if measured else ""
    )
    yield Node(
        f"process/place/{number}",
        "label",
        *box,
        shape="none",
        text=tuple(run for run in text if run.text),
        bars=tuple(bars),
        title=title,
        lane="places",
    )


# ---- two processes after a fork --------------------------------------------------------------------


def draw_forked(value: ForkedValue, *, width: float = WIDTH) -> Scene:
    """Return the parent's pages on the left, the child's on the right, and each frame once between them."""
    rows = [
        (str(number), str(Address(one.address)), one.parent, one.child, "one, for both" if one.is_shared else "two")
        for number, one in enumerate(value.pages)
    ]
    about = "The same addresses in both: an address is not a place. Whose a page is, the kernel says (pagemap, bit 56)."
    board = boxes.narrower(WIDTH - 2 * MARGIN, boxes.drawing(0, partial(_forked, value)))
    return boxes.picture(
        "fork",
        value.title,
        "",
        boxes.below(board, boxes.words("fork/about", about), gap=14),
        caption=Caption(f"{value.said[:1].upper()}{value.said[1:]}."),
        width=width,
        answers=True,
        table=Table(("page", "address", "parent reads", "child reads", "frames"), tuple(rows)),
    )


def _forked(value: ForkedValue, room: Box) -> Iterator[Node | Link]:
    """Yield both processes' pages, the frames between them, and the lines to these."""
    side, frame = min(230.0, room.w * 0.3), min(150.0, room.w * 0.22)
    left, right, middle = room.x, room.x + room.w - side, room.x + room.w / 2
    names = f"parent, process {value.parent}", f"child, process {value.child}"
    first, second = names if kit.all_or_none(names, (side, side), "strong") else ("parent", "child")
    yield kit.label("fork/parent", first, left, room.y, style="strong")
    yield kit.label("fork/child", second, right, room.y, style="strong")
    yield kit.label("fork/frames", "frames", middle - text_width("frames", "strong") / 2, room.y, style="strong")
    y = room.y + 28.0
    for number, page in enumerate(value.pages):
        high = 34.0 if page.is_shared else 72.0
        mine = _page("parent", number, page.parent, page, Box(left, y, side, high), value)
        theirs = _page("child", number, page.child, page, Box(right, y, side, high), value)
        box = Box(middle - frame / 2, y, frame, 34)
        if page.is_shared:
            frames = [_frame(f"{number}", page.parent, "both", box)]
        else:
            below = box._replace(y=y + 38)
            frames = [
                _frame(f"{number}/parent", page.parent, "the parent's", box, new=value.last == ("parent", number)),
                _frame(f"{number}/child", page.child, "the child's", below, new=value.last == ("child", number)),
            ]
        yield from (mine, theirs, *frames)
        yield _leads(number, "parent", mine, frames[0], value)
        yield _leads(number, "child", theirs, frames[-1], value)
        y += high + 10


def _leads(number: int, who: str, page: Node, frame: Node, value: ForkedValue) -> Link:
    """Return a line from a page to its frame, in the story's colour if its write was the last event."""
    state = ("path",) if value.last == (who, number) else ()
    begin, end = (page.x + page.w, frame.x) if page.x < frame.x else (page.x, frame.x + frame.w)
    points = (begin, page.y + page.h / 2), (end, frame.y + frame.h / 2)
    return Link(f"fork/{number}/{who}", "leads", page.id, frame.id, points, state, bend="level")


def _page(who: str, number: int, letter: str, page: ForkedPage, box: Box, value: ForkedValue) -> Node:
    state = ("changed",) if value.last == (who, number) else ()
    rows = [f"page {number}: {letter}", str(Address(page.address))]
    title = f"the {who} reads {letter} at {Address(page.address)}"
    return kit.card(f"fork/{who}/{number}", box._replace(h=34), rows, kind="entry", top=14, step=15, state=state,
                    title=title, bars=(Bar(0, 0, 4, 34, "own-anonymous"),), pad=12, lane=who)  # fmt: skip


def _frame(key: str, letter: str, whose: str, box: Box, *, new: bool = False) -> Node:
    state = ("new",) if new else ()
    bars = (Bar(0, box.h - 4, box.w, 4, "own-anonymous"),)
    return kit.chip(
        f"fork/frame/{key}",
        "board-frame",
        box,
        (f"{letter} · {whose}", letter),
        state=state,
        foot=4,
        bars=bars,
        title=f"a frame with {letter}: {whose}",
        lane="frames",
    )
