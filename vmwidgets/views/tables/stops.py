"""A real kernel at a stop: which process has which page of memory, and what changed since the stop before.

A row is a process, and a column is a page of memory, or all pages that the same processes have in the same way.
A page of several processes is one capsule across their rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, NamedTuple

from vmwidgets.engine.base.units import Address, Size, counted, listed
from vmwidgets.views.scene import boxes, kit
from vmwidgets.views.scene.boxes import Column, Part, Row
from vmwidgets.views.scene.kit import WIDTH, Box
from vmwidgets.views.scene.model import Bar, Caption, Lane, Link, Node, Scene, Table, Text
from vmwidgets.views.scene.text import fitted, text_width, visible

from .pasted import in_words

if TYPE_CHECKING:
    from vmwidgets.given.pasted import SaidDifference
    from vmwidgets.given.stops import Stop

MOST_LINES, MOST_PROCESSES, MOST_CHANGES = 3, 12, 8
"""The most lines of columns, of processes and of changed ranges; the table has all."""

_COLUMN, _WIDEST, _GAP, _ROW, _NAME = 56.0, 240.0, 10.0, 38.0, 150.0

Has = tuple[str, ...]
"""What each process has in a page: "table", its rights, or "" for nothing."""


class Piece(NamedTuple):
    """Pages that the processes have in the same way; the processes `new` got them since the stop before."""

    pages: Sequence[int]
    has: Has
    new: Sequence[int]

    @property
    def rank(self) -> tuple[bool, bool, int]:
        """A key that sorts pages of several processes first, then new pages, then the most pages."""
        return len(self.users) < 2, not self.new, -len(self.pages)

    @property
    def users(self) -> list[int]:
        """The places of the processes that have the pages."""
        return [place for place, one in enumerate(self.has) if one]


def draw_stop(
    stop: Stop, before: Stop | None, place: str, *, width: float = WIDTH, switches: Sequence[Sequence[kit.Switch]] = ()
) -> Scene:
    """Return the scene of a stop compared with the stop `before`; `place` is its number and the total."""
    pieces = pieces_of(stop, before)
    if len(stop.spaces) > MOST_PROCESSES:  # first those that share a page, or got one
        told = {place for one in pieces for place in one.users if len(one.users) > 1 or place in one.new}
        order = sorted(range(len(stop.spaces)), key=lambda place: place not in told)
        stop = replace(stop, spaces=tuple(stop.spaces[place] for place in order))
        pieces = pieces_of(stop, before)
    names = [space.name for space in stop.spaces]
    worst = {one.pa: one for one in stop.written_tables()}
    changes = [(name, one) for name, some in stop.changes(before).items() for one in some]
    caption = _caption(stop, before, pieces)
    part = boxes.below(
        boxes.switches("stops", switches),
        boxes.sized(lambda w: _memory(names, pieces, {*worst}, w)),
        _changes(changes) if before is not None else boxes.below(),
        gap=14,
    )
    memory = [
        (str(Address(pa)), name, one)
        for piece in pieces
        for pa in piece.pages
        for name, one in zip(names, piece.has, strict=True)
        if one
    ]
    return boxes.picture(
        "stops",
        "stops of the kernel",
        visible(f"stop {stop.number}, {place}: {stop.where}"),
        part,
        caption=caption,
        width=width,
        table=Table(
            ("process", "from", "size", "was", "is"),
            [(name, *_said(one)) for name, one in changes],
            (("memory", Table(("page at", "process", "has"), memory)),),
        ),
        lanes=[Lane("memory", "Memory, by address"), Lane("changes", "What changed", down=True)],
    )


def draw_no_stop(width: float = WIDTH) -> Scene:
    """Return the scene of a kernel that has not stopped."""
    return boxes.picture(
        "stops",
        "stops of the kernel",
        "",
        boxes.below(),
        table=Table((), ()),
        width=width,
        caption=Caption("The kernel has not stopped yet."),
    )


def pieces_of(stop: Stop, before: Stop | None) -> list[Piece]:
    """Return the pages in use by what each process has in them, in the order of the first addresses."""
    has: dict[int, list[str]] = {}
    got: dict[int, list[int]] = {}
    known = {space.key: {*space.frames, *space.tables} for space in before.spaces} if before is not None else {}
    for place, space in enumerate(stop.spaces):
        rights = space.rights_of_pages()
        mine = {pa: rights.get(pa, "mapped") for pa in space.frames} | dict.fromkeys(space.tables, "table")
        for pa, one in mine.items():
            has.setdefault(pa, [""] * len(stop.spaces))[place] = one
            if before is not None and pa not in known.get(space.key, ()):
                got.setdefault(pa, []).append(place)
    alike: dict[tuple[Has, tuple[int, ...]], list[int]] = {}
    for pa in sorted(has):
        alike.setdefault((tuple(has[pa]), tuple(got.get(pa, ()))), []).append(pa)
    return [Piece(pages, *one) for one, pages in alike.items()]


# ---- what is said ----------------------------------------------------------------------------------------


def _caption(stop: Stop, before: Stop | None, pieces: Sequence[Piece]) -> Caption:
    """Return the worst find, or else what changed."""
    names, changed = [space.name for space in stop.spaces], _changed(stop, before)
    if tables := stop.written_tables():
        one, left = tables[0], len(tables) - 1
        whose = "its own page tables" if one.writer == one.owner else f"{one.owner}'s page tables"
        more = f" {counted(left, 'more page')} {'is' if left == 1 else 'are'} like this." * bool(left)
        said = f"{Address(one.pa)} is one of them, and user code that writes it can map all of memory.{more} {changed}"
        return Caption(visible(f"{one.writer} can write {whose}."), (), visible(said), "error")
    for piece in pieces:
        writers = [names[place] for place in piece.users if "w" in piece.has[place]]
        others = [names[place] for place in piece.users if "w" not in piece.has[place] and piece.has[place] != "table"]
        if writers and others:
            said = f"{listed(writers)} can write a page that {listed(others)} has too."
            why = "A fork left it open, or both mapped it to share it."
            return Caption(visible(said), (), visible(f"{why} {changed}"))
    return Caption(visible(changed))


def _changed(stop: Stop, before: Stop | None) -> str:
    """Return what the processes got and gave back since the stop before, or what they have at the first stop."""
    if before is None:
        some = [f"{one.name} has {_count(len(one.frames), len(one.tables))}" for one in stop.spaces]
        return f"{listed(some[:3])}." if 0 < len(some) < 4 else f"{counted(len(some), 'process', 'processes')} run."
    known, said = {space.key: space for space in before.spaces}, []
    for space in stop.spaces:
        was = known.pop(space.key, None)
        frames, tables = ({*space.frames}, {*space.tables})
        old = ({*was.frames}, {*was.tables}) if was is not None else (set[int](), set[int]())
        got, lost = (
            _count(len(frames - old[0]), len(tables - old[1])),
            _count(len(old[0] - frames), len(old[1] - tables)),
        )
        did = listed([f"got {got}"] * bool(got) + [f"gave back {lost}"] * bool(lost))
        said += [f"{space.name} {did}"] * bool(did)
    said += [f"{space.name} ended" for space in known.values()]
    left = len(said) - 2
    more = [counted(left, "more change")] * (left > 0)
    since = f"Since stop {before.number}"
    if said:
        return f"{since}, {listed([*said[:2], *more])}."
    return f"{since}, only rights changed." if stop.changes(before) else f"Nothing changed since stop {before.number}."


def _count(pages: int, tables: int) -> str:
    """Return numbers of pages and of tables in words; "" for none."""
    return listed([counted(count, word) for count, word in ((pages, "page"), (tables, "table")) if count])


def _said(one: SaidDifference) -> tuple[str, str, str, str]:
    was, now = ("not mapped" if side is None else in_words(side.rights) for side in (one.one, one.other))
    return str(Address(one.start)), str(Size(one.size)), was, f"{now} in another frame" if was == now else now


# ---- what is drawn ---------------------------------------------------------------------------------------


def _memory(names: Sequence[str], pieces: Sequence[Piece], worst: set[int], w: float) -> Part:
    """Return rows of processes and columns of pages: first the pages of several processes, and those that changed."""
    left_out, names = len(names) - MOST_PROCESSES, names[:MOST_PROCESSES]
    left = min(_NAME, max((text_width(visible(one), "body strong") for one in names), default=0.0) + 16)
    across = max(1, int((w - left + _GAP) // (_COLUMN + _GAP)))
    wide = min(_WIDEST, (w - left + _GAP) / max(1, min(across, len(pieces))) - _GAP)
    ranked = sorted(pieces, key=lambda one: (worst.isdisjoint(one.pages), one.rank))
    shown = sorted(ranked[: across * MOST_LINES])
    digits = next((many for many in (4, 5, 6, 8) if len({one.pages[0] % 16**many for one in shown}) == len(shown)), 16)
    lines = [
        boxes.drawing(0, partial(_line, names, shown[at : at + across], worst, digits, (left, wide)))
        for at in range(0, len(shown), across)
    ]
    rest = sum(len(one.pages) for one in ranked[across * MOST_LINES :])
    return boxes.below(
        *lines,
        boxes.words("stops/worst", _WORST if worst else "", "label error"),
        boxes.more("stops/memory/more", rest, "page"),
        boxes.more("stops/memory/processes", left_out, "process"),
        boxes.words(
            "stops/legend",
            (_LEGEND if shown else "No process has a page.") + _KERNEL * any("kernel" in one.has for one in shown),
        ),
        gap=10,
    )


_LEGEND = "A shape is a page of memory, over the processes that have it; r, w and x are what each may do with it."
_KERNEL = " Kernel: user code may not touch it."
_WORST = "Outlined in red: one page, two roles. No user code may write a table."


def _id(one: Piece, place: int | str) -> str:
    return f"stops/memory/{one.pages[0]:x}/{place}"


def runs_of(one: Piece) -> list[list[int]]:
    """Return the neighbours among the processes that have a page, tables apart from other pages."""
    key = [(one.has[place] == "table", place - at) for at, place in enumerate(one.users)]
    return [[place for place, _ in run] for _, run in groupby(zip(one.users, key, strict=True), key=lambda two: two[1])]


def _state(one: Piece, run: Sequence[int]) -> str:
    """Return "new" if all processes of a capsule got its page since the last stop, "changed" if some did."""
    got = sum(place in one.new for place in run)
    return "new" if got == len(run) else "changed" if got else ""


def _line(
    names: Sequence[str], pieces: Sequence[Piece], worst: set[int], digits: int, wides: tuple[float, float], box: Box
) -> Iterator[Node | Link]:
    """Yield the names of the processes, the addresses of a line of columns, and a capsule for each page."""
    top, (left, wide) = box.y + 40, wides
    for place, name in enumerate(names):
        said = fitted(0, 21, visible(name), left - 8, "body strong")
        yield kit.runs(f"stops/name/{pieces[0].pages[0]:x}/{place}", Box(box.x, top + place * _ROW, left, _ROW), [said])
    for column, one in enumerate(pieces):
        x = box.x + left + column * (wide + _GAP)
        address = f"…{one.pages[0] % 16**digits:0{digits}x}"
        text = [Text(wide / 2, 32, address, "mono label dim", "middle")]
        if len(one.pages) > 1:
            text.insert(0, Text(wide / 2, 14, f"{len(one.pages):,} pages", "label", "middle"))
        yield kit.runs(
            f"stops/page/{one.pages[0]:x}",
            Box(x, box.y, wide, 40),
            text,
            title=f"{counted(len(one.pages), 'page')} from {Address(one.pages[0])}",
        )
    for column, one in enumerate(pieces):
        x = box.x + left + column * (wide + _GAP)
        nodes = [*_capsules(names, one, Box(x, top, wide, _ROW))]
        yield from nodes
        if nodes and not worst.isdisjoint(one.pages):
            yield kit.around(f"{nodes[0].id}/worst", nodes, state=("fault",), apart=4)


def _capsules(names: Sequence[str], one: Piece, box: Box) -> Iterator[Node]:
    """Yield the capsules of a column: one for neighbours that have the page in one role, and bridges between them."""
    said = "; ".join(f"{name}: {has}" for name, has in zip(names, one.has, strict=False) if has)
    title = visible(f"{counted(len(one.pages), 'page')} from {Address(one.pages[0])}, {said}")
    cut = ([place for place in run if place < len(names)] for run in runs_of(one))
    runs = [run for run in cut if run]
    for above, below in pairwise(runs):
        if one.has[above[0]] != "table" != one.has[below[0]]:
            high = (below[0] - above[-1]) * _ROW
            yield Node(
                f"{_id(one, above[0])}/bridge",
                "label",
                box.x,
                box.y + above[-1] * _ROW + 19,
                box.w + 4,
                high,
                shape="none",
                bars=(Bar(box.w - 4, 0, 7, high, "own-anonymous"),),
                title=title,
            )
    for run in runs:
        text = tuple(Text(box.w / 2, 19 + at * _ROW, one.has[place], "mono", "middle") for at, place in enumerate(run))
        state, kind = _state(one, run), "table" if one.has[run[0]] == "table" else "anonymous"
        yield Node(
            _id(one, run[0]),
            "capsule",
            box.x,
            box.y + run[0] * _ROW + 4,
            box.w,
            (len(run) - 1) * _ROW + 30,
            shape="round" if len(run) == 1 else "box",  # a round box of several rows would be an egg
            text=text,
            state=(kind, *[state] * bool(state)),
            title=f"{title}{f', {state}' * bool(state)}",
            lane="memory",
        )


def _changes(changes: Sequence[tuple[str, SaidDifference]]) -> Part:
    """Return a row for each range whose rights or frames changed."""
    rows = []
    for at, (name, one) in enumerate(changes):
        start, size, was, now = _said(one)
        cells = visible(name), start, size, f"{was} → {now}"
        rows.append(Row(f"stops/change/{at}", cells, "{}, {}, {}: {}".format(*cells), lane="changes"))
    heads = ("process", "strong"), ("address", "mono"), ("size", "label dim"), ("rights", "mono")
    return boxes.rows("stops/change", [Column(*one) for one in heads], rows, most=MOST_CHANGES)
