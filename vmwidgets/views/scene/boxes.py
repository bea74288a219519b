"""Parts that place themselves: a picture says which part is in, next to or below which, without any pixels.

A part is a function: it draws into a :class:`Drawn` from a corner on, into a width, and returns where it ends.
:func:`picture` makes a part into a scene, with margins and the height that the part needs.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby, pairwise
from math import inf
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from vmwidgets.engine.base.units import counted

from . import kit
from .kit import LINE, MARGIN, PAD, WIDTH, Box
from .model import STILL, Bar, Caption, Lane, Link, Marks, Node, Scene, Steps, Table, Text
from .relations import Relations, things_of
from .text import fitted, text_width, wrapped

if TYPE_CHECKING:
    from typing_extensions import Unpack

GAP = 14.0
"""Pixels between two columns."""

ROW = 20.0
"""Pixels from one row of words to the next."""


class Drawn:
    """What parts have drawn: nodes, links, and small things without words, in the order in which they are read."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.links: list[Link] = []
        self.marks: list[Marks] = []

    def add(self, other: Drawn, down: float) -> None:
        """Add what other parts have drawn, moved down by this many pixels."""
        self.nodes += [replace(one, y=one.y + down) for one in other.nodes] if down else other.nodes
        self.links += [kit.moved(one, down) for one in other.links] if down else other.links
        self.marks += [one.moved(down) for one in other.marks] if down else other.marks


Part = Callable[[Drawn, float, float, float], float]
"""A function that draws at x, y, within a width, and returns the y where its drawing ends."""


def picture(  # noqa: PLR0913  what a scene has, all but four by name
    view: str, title: str, subtitle: str, part: Part, *, caption: Caption, table: Table, width: float = WIDTH,
    steps: Steps = STILL, machine: str = "", lanes: Iterable[Lane] = (), answers: bool = False,
    about: Callable[[set[str]], Relations] | None = None,
) -> Scene:  # fmt: skip  # what it says, then how
    """Return the scene of a part, with margins around it; `about` returns the facts about the things drawn."""
    drawn = Drawn()
    end = part(drawn, MARGIN, 4.0, width - 2 * MARGIN)
    end = max([end, *(node.y + node.h for node in drawn.nodes)])
    return kit.scene(view, title, subtitle, drawn.nodes, links=drawn.links, caption=caption, table=table, steps=steps,
                     machine=machine, width=width, height=end + 8, lanes=lanes, answers=answers, marks=drawn.marks,
                     about=about(things_of(drawn.nodes)) if about is not None else None)  # fmt: skip  # all of it


# ---- arrangement -----------------------------------------------------------------------------------


def below(*parts: Part, gap: float = 0.0) -> Part:
    """Return parts one below the other; a part that draws nothing takes no gap."""

    def put(drawn: Drawn, x: float, y: float, w: float) -> float:
        end = y
        for part in parts:
            bottom = part(drawn, x, y, w)
            if bottom > y:
                end, y = bottom, bottom + gap
        return end

    return put


def beside(*parts: Part, gap: float = 2 * MARGIN, least: float = 0.0, first: float = 0.0, last: float = 0.0) -> Part:
    """Return parts next to each other, in equal shares; the first and last have their own width, if that is given.

    The parts are below each other if a share would be under `least` pixels.
    """

    def put(drawn: Drawn, x: float, y: float, w: float) -> float:
        share = (w - first - last - gap * (len(parts) - 1)) / max(1, len(parts) - bool(first) - bool(last))
        if share < least:
            return below(*parts, gap=gap)(drawn, x, y, w)
        wides = [share] * len(parts)
        if parts:
            wides[0], wides[-1] = first or wides[0], last or wides[-1]
        return columns(*zip(wides, parts, strict=True), gap=gap)(drawn, x, y, w)

    return put


def columns(*parts: tuple[float, Part], gap: float = 8.0, middle: bool = False) -> Part:
    """Return parts of these widths next to each other; those whose width is 0 share what is left.

    With `middle`, the middles of all parts are at one height.
    """

    def put(drawn: Drawn, x: float, y: float, w: float) -> float:
        room = w - sum(wide for wide, _ in parts) - gap * (len(parts) - 1)
        rest = room / max(1, sum(not wide for wide, _ in parts))
        ends = [y]
        own: list[Drawn] = []
        for wide, part in parts:
            own.append(Drawn() if middle else drawn)
            ends.append(part(own[-1], x, y, wide or rest))
            x += (wide or rest) + gap
        for its, end in zip(own, ends[1:], strict=True) if middle else ():
            drawn.add(its, (max(ends) - end) / 2)
        return max(ends)

    return put


def downwards(
    parts: Sequence[Part], least: float, *, most: int = 2, gap: float = 2 * MARGIN, under: float = 0.0
) -> Part:
    """Return parts in up to `most` columns of at least `least` pixels, read downwards, with `under` pixels between."""

    def put(drawn: Drawn, x: float, y: float, w: float) -> float:
        high = -(-len(parts) // max(1, min(most, int((w + gap) // (least + gap)))))
        runs = [below(*parts[at : at + high], gap=under) for at in range(0, len(parts), max(1, high))]
        return beside(*runs, gap=gap)(drawn, x, y, w)

    return put


def equal(parts: Sequence[Part], least: float, *, most: float = inf, gap: float = 8.0) -> Part:
    """Return parts of one width, from `least` to `most` pixels, in as few lines as possible."""

    def put(drawn: Drawn, x: float, y: float, w: float) -> float:
        wide, across = share(w, len(parts), least, most=most, gap=gap)
        lines = [parts[at : at + across] for at in range(0, len(parts), across)]
        return below(*(columns(*((wide, part) for part in line), gap=gap) for line in lines), gap=gap)(drawn, x, y, w)

    return put


def share(w: float, count: int, least: float, *, most: float = inf, gap: float = 8.0) -> tuple[float, int]:
    """Return the width of each of `count` equal parts, and the number of them in a line."""
    across = max(1, min(count, int((w + gap) // (least + gap))))
    return min(most, (w + gap) / across - gap), across


def either(least: float, wide: Part, narrow: Part) -> Part:
    """Return a part that draws `wide` if it has at least `least` pixels, and `narrow` in less room."""
    return lambda drawn, x, y, w: (wide if w >= least else narrow)(drawn, x, y, w)


def flowing(parts: Sequence[tuple[float, Part]], *, gap: float = 8.0) -> Part:
    """Return parts of these widths next to each other, in a new line where one is full."""

    def put(drawn: Drawn, x: float, y: float, w: float) -> float:
        at, end = x, y
        for wide, part in parts:
            if at > x and at + wide > x + w + 0.01:  # shares of the width may be rounded up
                at, y = x, end + gap
            end = max(end, part(drawn, at, y, min(wide, w)))
            at += wide + gap
        return end

    return put


def apart(high: float) -> Part:
    """Return empty room of this height."""
    return lambda _drawn, _x, y, _w: y + high


def rule(identity: str) -> Part:
    """Return a thin line across the width."""
    return thing(1.0, lambda box: kit.runs(identity, box, (), bars=(Bar(0, 0, box.w, 1, "rail"),)))


def narrower(most: float, part: Part) -> Part:
    """Return a part at most `most` pixels wide."""
    return lambda drawn, x, y, w: part(drawn, x, y, min(w, most))


def inset(by: float, part: Part) -> Part:
    """Return a part that begins `by` pixels further right."""
    return lambda drawn, x, y, w: part(drawn, x + by, y, w - by)


def sized(make: Callable[[float], Part]) -> Part:
    """Return a part that `make` returns for the width: its contents depend on the room there is."""
    return lambda drawn, x, y, w: make(w)(drawn, x, y, w)


def drawing(high: float, draw: Callable[[Box], Iterable[Node | Link]]) -> Part:
    """Return a part with a layout of its own, such as an axis: `draw` gets a box this high, and may go on below it."""

    def put(drawn: Drawn, x: float, y: float, w: float) -> float:
        end = y
        for one in draw(Box(x, y, w, high)):
            if isinstance(one, Link):
                drawn.links.append(one)
            else:
                drawn.nodes.append(one)
                end = max(end, one.y + one.h)
        return end

    return put


def thing(high: float, draw: Callable[[Box], Node]) -> Part:
    """Return a part with one thing in a box this high."""
    return drawing(high, lambda box: (draw(box),))


def linked(part: Part, links: Callable[[Mapping[str, Node]], Iterable[Link]]) -> Part:
    """Return a part with links between its things; `links` gets the things by ID, at their final places."""

    def put(drawn: Drawn, x: float, y: float, w: float) -> float:
        start = len(drawn.nodes)
        end = part(drawn, x, y, w)
        drawn.links += links({node.id: node for node in drawn.nodes[start:]})
        return end

    return put


def joined(part: Part, link: Callable[[int, Node, Node], Link]) -> Part:
    """Return a part with a link from each of its things to the next; `link` also gets the link's number."""
    return linked(part, lambda at: (link(number, *two) for number, two in enumerate(pairwise(at.values()))))


def ringed(
    identity: str, part: Part, states: Mapping[str, str], counts: Mapping[str, int] = MappingProxyType({})
) -> Part:
    """Return a part with one line around neighbours in one state, instead of a line around each of them.

    `states` are the states of the things, by ID.  A badge gives the number of things in the line; `counts` has the
    number for each thing that stands for several.
    """

    def put(drawn: Drawn, x: float, y: float, w: float) -> float:
        start = len(drawn.nodes)
        end = part(drawn, x, y, w)
        nodes, drawn.nodes[start:] = drawn.nodes[start:], []
        number = 0
        for state, group in groupby(nodes, key=lambda node: states.get(node.id, "")):
            some = [*group]
            if not state or len(some) < 2:
                drawn.nodes += some
                continue
            drawn.links.append(kit.around(f"{identity}/around/{number}", some, state=(state,)))
            drawn.nodes += [replace(node, state=(*node.state, "within")) for node in some]
            number += 1
            count = f"{sum(counts.get(node.id, 1) for node in some):,}"
            corner = max(node.x + node.w for node in some), min(node.y for node in some)
            drawn.nodes.append(kit.badge(f"{identity}/count/{number}", count, state, *corner))
        return end

    return put


def onward(_number: int, one: Node, after: Node) -> Link:
    """Return an arrow to the next thing: in its row, below it, or at the beginning of the next row."""
    if one.y == after.y:
        return kit.beside(f"{one.id}/next", one, after)
    (x, bottom), to_x = (one.x + min(one.w, after.w) / 2, one.y + one.h), after.x + min(one.w, after.w) / 2
    turn = (bottom + after.y) / 2
    ways = ((x, bottom), (x, turn), (to_x, turn), (to_x, after.y))
    return Link(f"{one.id}/next", "next", one.id, after.id, ways, arrow=True)


# ---- words -----------------------------------------------------------------------------------------


def heading(identity: str, title: str, words: str = "") -> Part:
    """Return a section's title, with words about the section to the right or below."""

    def put(drawn: Drawn, x: float, y: float, w: float) -> float:
        drawn.nodes.append(kit.heading(identity, title, words, y, width=w + 2 * MARGIN, x=x))
        return y + drawn.nodes[-1].h

    return put


def words(identity: str, said: str, style: str = "label dim") -> Part:
    """Return words in as many lines as they need."""

    def put(drawn: Drawn, x: float, y: float, w: float) -> float:
        if not said:
            return y
        drawn.nodes.append(kit.paragraph(identity, said, x, y, w, style=style))
        return y + drawn.nodes[-1].h

    return put


def at_end(identity: str, said: str) -> Part:
    """Return a line of words at the right end of the width."""
    wide = text_width(said, "label dim")
    return thing(LINE, lambda box: kit.label(identity, said, box.x + max(0.0, box.w - wide), box.y, most=box.w))


def more(identity: str, count: int, what: str = "", style: str = "label dim") -> Part:
    """Return a line that says how many more things, each a `what`, the table has; nothing if there are none."""
    said = f"… {counted(count, what) if what else f'{count:,}'} more, in the table"
    return words(identity, said if count > 0 else "", style)


def key(prefix: str, meanings: Sequence[tuple[str, str]]) -> Part:
    """Return the meanings of colours and fills, each next to a sample, in as many lines as needed."""

    def put(drawn: Drawn, x: float, y: float, w: float) -> float:
        nodes = kit.legend(prefix, meanings, y, width=w + x + MARGIN, x=x)
        drawn.nodes += nodes
        return max((node.y + node.h for node in nodes), default=y)

    return put


def switches(view: str, groups: Sequence[Sequence[kit.Switch]]) -> Part:
    """Return switches in groups, from left to right."""

    def put(drawn: Drawn, _x: float, y: float, w: float) -> float:
        nodes, high = kit.draw_switches(groups, view, y, w + 2 * MARGIN)
        drawn.nodes += nodes
        return y + high

    return put


def folded(
    identity: str,
    said: str,
    *,
    title: str = "",
    lane: str = "",
    opens: bool = False,
    high: float = 26.0,
    state: str = "folded",
) -> Part:
    """Return a dashed box that says what is left out (:func:`.kit.fold`); with `opens`, a click shows it."""
    return thing(high, lambda box: kit.fold(identity, box, said, title=title, lane=lane, opens=opens, state=state))


def card(
    identity: str,
    lines: Sequence[str | kit.Line],
    *,
    kind: str = "card",
    least: float = 0.0,
    strip: Sequence[str] = (),
    **more: Unpack[kit.Rest],
) -> Part:
    """Return a box with lines of words, as high as the words, but at least `least` pixels.

    `strip` are the styles on its upper edge, in equal parts.
    """

    def put(drawn: Drawn, x: float, y: float, w: float) -> float:
        high = max(least, LINE * len(lines) + 10)
        top = None if high == least else LINE + bool(strip)
        each = w / max(1, len(strip))
        bars = [Bar(each * number, 0, each, 4, style) for number, style in enumerate(strip)]
        its: kit.Rest = {**more, "bars": (*bars, *more.get("bars", ()))}
        drawn.nodes.append(kit.card(identity, Box(x, y, w, high), lines, kind=kind, top=top, **its))
        return y + high

    return put


def block(identity: str, lines: Sequence[str | kit.Line], *, step: float = LINE, **more: Unpack[kit.Rest]) -> Part:
    """Return lines of words without a box, the first of them bold."""
    return drawing(step * len(lines), lambda box: [kit.block(identity, box, lines, top=step - 4, step=step, **more)])


def pairs(identity: str, said: Sequence[tuple[str, str]]) -> Part:
    """Return names in a column, each with words about it in as many lines as they need."""

    def put(drawn: Drawn, x: float, y: float, w: float) -> float:
        begin = max((text_width(name, "strong") for name, _ in said), default=0.0) + GAP - 2
        text: list[Text] = []
        base = LINE - 4.0
        for name, about in said:
            text.append(Text(0, base, name, "strong"))
            for line in wrapped(about, w - begin):
                text.append(Text(begin, base, line))
                base += LINE
            base += 2
        high = base - LINE + 4
        drawn.nodes.append(kit.runs(identity, Box(x, y, w, high), text, title=" ".join(about for _, about in said)))
        return y + high

    return put


# ---- rows ------------------------------------------------------------------------------------------


class Column(NamedTuple):
    """A column of rows: as wide as its longest words, from `least` to `most` pixels.

    Numbers are at its `end`.  Words that are too long are cut, in the `middle` if their end says most.  A column that
    `takes` gets the room that is left.  If there is no room for all, the columns with the greatest `rank` are left out
    first, and columns with rank 0 stay.  A left-out column with `under` is drawn below the row; the others are only in
    the table.
    """

    name: str = ""
    style: str = "label"
    head: str = "label dim"
    least: float = 0.0
    most: float = inf
    end: bool = False
    middle: bool = False
    takes: bool = False
    rank: int = 0
    under: bool = False


class Bars(NamedTuple):
    """Amounts with their styles, as bars one after the other; the column has one scale.

    With `layered`, all bars begin at one place, and the last is in front.
    """

    amounts: Sequence[tuple[float, str]]
    layered: bool = False

    @property
    def most(self) -> float:
        """The amount at which the bars end."""
        sizes = [size for size, _ in self.amounts]
        return max(sizes, default=0) if self.layered else sum(sizes)

    def put(self, x: float, y: float, share: float, high: float) -> Iterator[Bar]:
        """Yield the bars from a place on, with `share` pixels for 1."""
        for size, style in self.amounts:
            if size:
                wide = max(1.0, share * size)
                yield Bar(x, y, wide, high, style)
                x += 0 if self.layered else wide


class Chips(NamedTuple):
    """Small boxes side by side, each with a word or none, and a style; `w` and `h` are a box's size in pixels."""

    looks: Sequence[tuple[str, str]]
    w: float = 8.0
    h: float = 14.0
    gap: float = 2.0

    @property
    def wide(self) -> float:
        """The width of all boxes together."""
        return len(self.looks) * (self.w + self.gap) - self.gap if self.looks else 0.0

    def put(self, x: float, y: float) -> tuple[list[Bar], list[Text]]:
        """Return the boxes from a place on, and their words."""
        lefts = [x + place * (self.w + self.gap) for place in range(len(self.looks))]
        bars = [Bar(left, y, self.w, self.h, style) for left, (_, style) in zip(lefts, self.looks, strict=True)]
        text = [
            Text(left + self.w / 2, y + self.h / 2 + 4.5, word, "mono", "middle")
            for left, (word, _) in zip(lefts, self.looks, strict=True)
            if word
        ]
        return bars, text


Cell = str | Bars | Chips


class Row(NamedTuple):
    """A row: a cell for each column; `edge` is the colour of its left end."""

    id: str
    cells: Sequence[Cell]
    title: str = ""
    edge: str = ""
    state: Collection[str] = ()
    lane: str = ""
    thing: str = ""

    @property
    def whole(self) -> str:
        """Everything that the row says, for hovering and for screen readers: its title, or its words."""
        first, *rest = [cell for cell in self.cells if isinstance(cell, str) and cell] or [""]
        return self.title or first + f": {', '.join(rest)}" * bool(rest)

    def cell(self, column: int) -> Cell:
        """Return the cell of a column, which may be missing at the end of a row."""
        return self.cells[column] if column < len(self.cells) else ""


def rows(
    identity: str,
    columns: Sequence[Column],
    some: Sequence[Row],
    *,
    high: float = ROW,
    gap: float = 0.0,
    most: int = 0,
    rest: str = "",
    boxed: bool = False,
) -> Part:
    """Return rows in columns, below the columns' names if there are any; `boxed` rows are cards.

    At most `most` rows are drawn, and a line says how many more the table has, or says `rest`.
    """
    shown = some[:most] if most else some
    named = any(column.name for column in columns) and bool(shown)

    def put(drawn: Drawn, x: float, y: float, w: float) -> float:
        grid = _Grid.of(columns, shown, w, high, boxed=boxed)
        if named:
            drawn.nodes.append(kit.runs(f"{identity}/names", Box(x, y, w, high), grid.names()))
            y += high
        for row in shown:
            text, bars, tall = grid.put(row)
            drawn.nodes.append(
                Node(row.id, "card" if boxed else "label", x, y, w, tall, row.thing, "box" if boxed else "none", text,
                     bars, tuple(row.state), row.whole, "select" if row.thing else "", row.lane)
            )  # fmt: skip  # a row
            y += tall + gap
        left = len(some) - len(shown)
        line = words(f"{identity}/more", rest) if rest and left else more(f"{identity}/more", left)
        return line(drawn, x, y, w)

    return put


class _Grid(NamedTuple):
    """The places of the columns of some rows: left end and width, 0 for a column that is left out."""

    columns: Sequence[Column]
    places: Sequence[tuple[float, float]]
    scales: Sequence[float]
    """The greatest amount of each column of bars."""
    w: float
    high: float

    @classmethod
    def of(cls, columns: Sequence[Column], some: Sequence[Row], w: float, high: float, *, boxed: bool) -> _Grid:
        """Return the places in `w` pixels, with space between words and a box's edge or a row's colour."""
        inset, end = (PAD, PAD) if boxed else (12.0 if any(row.edge for row in some) else 0.0, 0.0)
        cells = [[row.cell(at) for row in some] for at in range(len(columns))]
        wides = [min(one.most, _needed(one, its)) for one, its in zip(columns, cells, strict=True)]
        kept = _fitting(columns, wides, w - inset - end)
        at, places = inset, []
        for number, wide in enumerate(wides):
            places.append((at, wide if number in kept else 0.0))
            at += (wide + GAP) * (number in kept)
        scales = [max((one.most for one in its if isinstance(one, Bars)), default=0) or 1 for its in cells]
        return cls(columns, places, scales, w, high)

    def names(self) -> list[Text]:
        """Return the columns' names, each over its column."""
        return [
            self._words(column, place, column.name, column.head)
            for column, place in zip(self.columns, self.places, strict=True)
            if place[1] and column.name
        ]

    def put(self, row: Row) -> tuple[tuple[Text, ...], tuple[Bar, ...], float]:
        """Return the words and bars of a row, and its height."""
        text: list[Text] = []
        bars = [Bar(0, 3, 4, self.high - 6, row.edge)] * bool(row.edge)
        under: list[tuple[str | Chips, str]] = []
        for number, (column, (at, wide)) in enumerate(zip(self.columns, self.places, strict=True)):
            cell = row.cell(number)
            if isinstance(cell, Bars):
                bars += cell.put(at, 5, wide / self.scales[number], self.high - 10) if wide else ()
            elif not wide:
                under += [(cell, column.style)] * (column.under and bool(cell))
            elif isinstance(cell, Chips):
                boxes, letters = cell.put(at, (self.high - cell.h) / 2)
                bars, text = bars + boxes, text + letters
            else:
                text.append(self._words(column, (at, wide), cell, column.style))
        left = next((run.x for run in text if run.anchor == "start"), 0.0)
        tall = self._put_under(under, left, text, bars) if under else self.high
        return tuple(run for run in text if run.text), tuple(bars), tall

    def _put_under(
        self, cells: Sequence[tuple[str | Chips, str]], left: float, text: list[Text], bars: list[Bar]
    ) -> float:
        """Draw cells below a row, from `left` on, and return where they end."""
        at, y = left, self.high - 3
        for cell, style in cells:
            wide = cell.wide if isinstance(cell, Chips) else text_width(cell, style)
            if at > left and at + wide > self.w:
                at, y = left, y + LINE + 2
            if isinstance(cell, Chips):
                boxes, letters = cell.put(at, y + (LINE - cell.h) / 2)
                bars += boxes
                text += letters
            else:
                lines = wrapped(cell, self.w - at, style)
                text += [Text(at, y + 12 + LINE * number, line, style) for number, line in enumerate(lines)]
                y += LINE * (len(lines) - 1)
            at += wide + GAP
        return y + LINE + 5

    def _words(self, column: Column, place: tuple[float, float], said: str, style: str) -> Text:
        at, wide = place
        x, anchor = (at + wide, "end") if column.end else (at, "start")
        return fitted(x, (self.high + 8) / 2, said, wide, style, anchor, middle=column.middle)


def _needed(column: Column, cells: Sequence[Cell]) -> float:
    """Return the width that a column asks for."""
    wides = [
        text_width(cell, column.style) if isinstance(cell, str) else cell.wide if isinstance(cell, Chips) else _LEAST
        for cell in cells
    ]
    return max(column.least, text_width(column.name, column.head), *wides, 0.0)


def _fitting(columns: Sequence[Column], wides: list[float], room: float) -> list[int]:
    """Return the columns for which there is room; `wides` gets narrower words, and wider columns that take the rest."""
    kept = [number for number, wide in enumerate(wides) if wide]

    def spare() -> float:
        return room - sum(wides[number] for number in kept) - GAP * (len(kept) - 1)

    for number in sorted((one for one in kept if columns[one].rank), key=lambda one: -columns[one].rank):
        if spare() < 0:
            kept.remove(number)
    while spare() < 0 and (long := [one for one in kept if not columns[one].end and wides[one] > _LEAST]):
        widest = max(long, key=lambda one: wides[one])
        wides[widest] = max(_LEAST, wides[widest] + spare())
    takers, rest = [number for number in kept if columns[number].takes], max(0.0, spare())
    if not takers and any(column.takes for column in columns):  # the column that takes the rest was left out
        takers = [number for number in kept if not columns[number].end][-1:]
    for number in takers:
        wides[number] += rest / len(takers)
    return kept


_LEAST = 40.0
"""The least width of bars, and the width to which a column of words may be cut."""


# ---- strips ----------------------------------------------------------------------------------------


def whole(identity: str, amounts: Sequence[tuple[float, str]], total: float) -> Part:
    """Return a bar with a part for each amount, on a rail for the `total`."""
    high = 22.0

    def put(drawn: Drawn, x: float, y: float, w: float) -> float:
        bars, at = [Bar(0, 0, w, high, "rail")], 0.0
        for amount, style in amounts:
            wide = min(w - at, w * amount / max(1, total))
            bars += [Bar(at, 0, max(1.0, wide - 1), high, style)] * bool(amount)
            at += wide
        drawn.nodes.append(kit.runs(identity, Box(x, y, w, high), (), bars=bars))
        return y + high

    return put
