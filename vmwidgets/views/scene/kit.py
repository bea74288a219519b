"""The building blocks of pictures: places in a row or a ring, and labels, cards, bars, legends, folds, arrows.

A place is a :class:`Box`; everything on screen is made from one.  :func:`scene` puts it all together.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from math import cos, hypot, pi, sin
from typing import TYPE_CHECKING, NamedTuple, TypedDict

from vmwidgets.engine.base.frozen import frozen

from .addresses import AddressStyle
from .model import STILL, Bar, Caption, Lane, Link, Marks, Node, Opened, Scene, Steps, Table, Text
from .relations import Relations, together
from .text import fitted, text_width, visible, wording, wrapped

if TYPE_CHECKING:
    from typing_extensions import Unpack

WIDTH = 900.0
"""The width in pixels with which a view opens."""

MARGIN = 14.0
"""Pixels left free at both sides."""

LINE = 18.0
"""Pixels from one line of words to the next."""

PAD = 8.0
"""Pixels between a card's edge and its words."""


class Box(NamedTuple):
    """A place on screen, in pixels: the top left corner, width and height."""

    x: float
    y: float
    w: float
    h: float

    @property
    def middle(self) -> tuple[float, float]:
        """The centre."""
        return self.x + self.w / 2, self.y + self.h / 2

    def edge_towards(self, point: tuple[float, float]) -> tuple[float, float]:
        """Return where a line from the centre to `point` leaves the box.

        >>> Box(0, 0, 40, 20).edge_towards((100, 10))
        (40.0, 10.0)
        """
        (x, y), (to_x, to_y) = self.middle, point
        across, down = to_x - x, to_y - y
        if not across and not down:
            return x, y
        share = min(self.w / 2 / abs(across) if across else 1e9, self.h / 2 / abs(down) if down else 1e9)
        return x + across * share, y + down * share


# ---- places ----------------------------------------------------------------------------------------


def row(count: int, y: float, h: float, *, width: float = WIDTH, gap: float = 8.0, most: float = 1e9) -> list[Box]:
    """Return `count` equal boxes side by side, each at most `most` wide.

    >>> [box.x for box in row(2, 0, 20, width=228)]
    [14.0, 118.0]
    """
    w = min(most, (width - 2 * MARGIN - gap * (count - 1)) / max(1, count))
    return [Box(MARGIN + i * (w + gap), y, w, h) for i in range(count)]


def grid(count: int, least: float, y: float, h: float, *, width: float = WIDTH, gap: float = 8.0) -> list[Box]:
    """Return `count` equal boxes of at least `least` pixels, in as few lines as possible.

    >>> [(box.x, box.y, box.w) for box in grid(3, 90, 0, 20, width=228)]
    [(14.0, 0.0, 96.0), (118.0, 0.0, 96.0), (14.0, 28.0, 96.0)]
    """
    across = max(1, min(count, int((width - 2 * MARGIN + gap) // (least + gap))))
    first = row(across, y, h, width=width, gap=gap)
    return [first[number % across]._replace(y=y + number // across * (h + gap)) for number in range(count)]


def ring(count: int, w: float, h: float, *, width: float = WIDTH, top: float = 8.0) -> list[Box]:
    """Return `count` equal boxes in a circle, the first at the top, clockwise, as small as possible without overlap.

    >>> len(ring(6, 60, 30)), ring(6, 60, 30)[0].y
    (6, 8.0)
    """
    side = hypot(w, h) + 10
    radius = side / 2 if count < 3 else side / 2 / sin(pi / count)
    x, y = width / 2, top + h / 2 + radius
    turns = [2 * pi * i / max(1, count) for i in range(count)]
    return [Box(x + radius * sin(turn) - w / 2, y - radius * cos(turn) - h / 2, w, h) for turn in turns]


def center(boxes: Sequence[Box]) -> tuple[float, float]:
    """Return the centre of all boxes."""
    left, right = min(box.x for box in boxes), max(box.x + box.w for box in boxes)
    top, bottom = min(box.y for box in boxes), max(box.y + box.h for box in boxes)
    return (left + right) / 2, (top + bottom) / 2


# ---- things ----------------------------------------------------------------------------------------


def label(identity: str, words: str, x: float, y: float, *, style: str = "label dim", most: float = 0) -> Node:
    """Return a line of words, in at most `most` pixels if that is given."""
    w = text_width(words, style)
    room = min(w, most) if most else w
    return Node(identity, "label", x, y, room + 2, LINE, shape="none", text=(fitted(0, 14, words, room, style),))


def paragraph(identity: str, words: str, x: float, y: float, w: float, *, style: str = "label dim") -> Node:
    """Return words in as many lines as they need."""
    lines = wrapped(words, w, style)
    text = tuple(Text(0, 14 + LINE * number, line, style) for number, line in enumerate(lines))
    return Node(identity, "label", x, y, w, LINE * len(lines), shape="none", text=text)


def heading(identity: str, title: str, words: str, y: float, *, width: float = WIDTH, x: float = MARGIN) -> Node:
    """Return the title of a section, with room above it that parts it from the section before.

    The words about it are next to it, or below if there is no room.
    """
    base, w = 20.0 if y < FIRST else 30.0, width - 2 * MARGIN
    first, *more = wrapped(title, w, "body strong") or [""]
    after = text_width(first, "body strong") + 14
    beside = not more and after + text_width(words) <= w
    last = base + _TITLE_LINE * len(more)
    lines = [] if beside else wrapped(words, w)
    text = (
        *(Text(0, base + _TITLE_LINE * number, line, "body strong") for number, line in enumerate((first, *more))),
        *([Text(after, base, visible(words), "label dim")] if beside and words else []),
        *(Text(0, last + LINE * number, line, "label dim") for number, line in enumerate(lines, 1)),
    )
    return Node(identity, "label", x, y, w, last + 10 + LINE * len(lines), shape="none", text=text)


FIRST = 20.0
"""A section that begins above this is a picture's first."""

_TITLE_LINE = 19.0
"""Pixels from one line of a heading to the next."""


class Line(NamedTuple):
    """A line of words in a card; the words at its right end get their room first.

    If `left` or `right` has several wordings, the first that fits is used, of `right` the first beside which `left`
    fits; if none of `left` fits, the last is cut, at its end or in the `middle`.
    """

    left: str | tuple[str, ...]
    style: str = "label"
    right: str | tuple[str, ...] = ""
    beside: str = "label dim"
    middle: bool = False


def _right(line: Line, room: float) -> str:
    """Return the first words for the right end beside which the line's shortest words fit, or else the last."""
    if isinstance(line.right, str):
        return line.right
    left = visible(line.left if isinstance(line.left, str) else line.left[-1])
    beside = room - 6 - text_width(left, line.style)
    return wording(line.right, beside, line.beside)


def lines_of(
    rows: Iterable[str | Line],
    w: float,
    *,
    top: float = LINE - 4,
    step: float = LINE,
    pad: float = PAD,
) -> tuple[Text, ...]:
    """Return the texts of some lines in `w` pixels, the first baseline at `top`; nothing for a line without words.

    >>> [(run.text, run.x) for run in lines_of([Line("lock", right="free")], 100)]
    [('lock', 8.0), ('free', 92.0)]
    """
    text: list[Text] = []
    for number, row in enumerate(rows):
        one, y = Line(row) if isinstance(row, str) else row, top + number * step
        right = fitted(w - pad, y, _right(one, w - 2 * pad), w - 2 * pad, one.beside, "end")
        room = w - 2 * pad - (text_width(right.text, one.beside) + 6 if right.text else 0)
        text += [fitted(pad, y, one.left, room, one.style, middle=one.middle), right]
    return tuple(run for run in text if run.text)


class Rest(TypedDict, total=False):
    """Further properties of a card or a chip: fields of :class:`Node`.

    A click selects a card or chip that has a `thing`, unless it has another `action`.
    """

    thing: str
    shape: str
    bars: Sequence[Bar]
    state: Collection[str]
    title: str
    action: str
    lane: str


def card(
    identity: str,
    box: Box,
    rows: Sequence[str | Line],
    *,
    kind: str = "card",
    bar: str = "",
    top: float | None = None,
    step: float = LINE,
    pad: float = PAD,
    **more: Unpack[Rest],
) -> Node:
    """Return a box with lines of words, the first of them strong; `bar` is the style of a strip on its upper edge.

    A line that is too long ends in an ellipsis.  `top` is the baseline of the first line; if it is None, the lines are
    in the middle of the box.
    """
    if top is None:
        top = max(LINE - 4, (box.h - step * (len(rows) - 1)) / 2 + (6 if bar else 4))
    styled = [
        Line(row, "label" if number else "strong") if isinstance(row, str) else row for number, row in enumerate(rows)
    ]
    said = ", ".join(row.left if isinstance(row.left, str) else row.left[0] for row in styled)
    if bar:
        more["bars"] = (Bar(0, 0, box.w, 4, bar), *more.get("bars", ()))
    return _node(identity, kind, box, lines_of(styled, box.w, top=top, step=step, pad=pad), said, more)


def block(
    identity: str,
    box: Box,
    rows: Sequence[str | Line],
    *,
    top: float | None = None,
    step: float = LINE,
    **more: Unpack[Rest],
) -> Node:
    """Return lines of words without a box, the first one bold: the name of a row, and words about it."""
    more["shape"] = "none"
    return card(identity, box, rows, kind="label", top=top, step=step, pad=0.0, **more)


def runs(identity: str, box: Box, text: Iterable[Text], **more: Unpack[Rest]) -> Node:
    """Return words without a box, each at its place, and bars, such as a tick next to a word."""
    more["shape"] = "none"
    return _node(identity, "label", box, tuple(text), "", more)


def chip(
    identity: str,
    kind: str,
    box: Box,
    words: str | tuple[str, ...] = "",
    *,
    style: str = "label",
    spare: float = 4.0,
    foot: float = 0.0,
    **more: Unpack[Rest],
) -> Node:
    """Return a box with a word in its middle: a slot, a piece of a bar.  It has the first of the `words` that fits.

    If not even the last word fits into the box, less `spare` pixels, the box is empty.  `foot` is the height of a strip
    on its lower edge.
    """
    ways = (words,) if isinstance(words, str) else words
    shown = visible(wording((*ways, ""), box.w - spare, style))
    text = (Text(box.w / 2, (box.h - foot) / 2 + 4, shown, style, "middle"),) if shown else ()
    return _node(identity, kind, box, text, ways[0], more)


def cell(
    identity: str,
    kind: str,
    box: Box,
    lines: Iterable[tuple[str, str]],
    *,
    feet: Sequence[float],
    spare: float = 4.0,
    **more: Unpack[Rest],
) -> Node:
    """Return a small box with words in its middle, one below the other, each with its style: a page, a capability.

    `feet` are the baselines; words wider than the box, less `spare` pixels, are cut.
    """
    rows = list(lines)
    runs = (
        fitted(box.w / 2, y, words, box.w - spare, style, "middle")
        for y, (words, style) in zip(feet, rows, strict=True)
    )
    said = ", ".join(words for words, _ in rows if words)
    return _node(identity, kind, box, tuple(run for run in runs if run.text), said, more)


def _node(identity: str, kind: str, box: Box, text: tuple[Text, ...], said: str, more: Rest) -> Node:
    """Return a node with these words; its title is `said` unless `more` has one."""
    thing = more.get("thing", "")
    return Node(
        identity,
        kind,
        *box,
        thing,
        more.get("shape", "box"),
        text,
        tuple(more.get("bars", ())),
        tuple(more.get("state", ())),
        more.get("title") or said,
        more.get("action", "select" if thing else ""),
        more.get("lane", ""),
    )


def all_or_none(words: Iterable[str], widths: Iterable[float], style: str = "label") -> bool:
    """Return whether each word fits its width: the boxes of a row all have labels, or none has."""
    return all(text_width(one, style) <= w for one, w in zip(words, widths, strict=False))


_BREAK = (Bar(2, 3, 1.5, 10, "line"), Bar(5, 3, 1.5, 10, "line"))


def legend(
    prefix: str, entries: Sequence[tuple[str, str]], y: float, *, width: float = WIDTH, x: float = MARGIN
) -> list[Node]:
    """Draw the meanings of a picture's colours: a sample of each style with words, in as many lines as needed.

    An entry without a style ("") is words alone, and "break" has the double bars of a broken axis.  Pass only entries
    that the picture shows.
    """
    nodes: list[Node] = []
    at, high = x, LINE
    for number, (style, words) in enumerate(entries):
        inset = 15 if style else 0
        lines = wrapped(words, width - x - MARGIN - inset - 3)
        w = max(map(text_width, lines)) + inset + 3
        if at > x and at + w > width - MARGIN:
            at, y, high = x, y + high + 12, LINE
        text = tuple(Text(inset, 13 + LINE * line, one) for line, one in enumerate(lines))
        bars = _BREAK if style == "break" else (Bar(0, 3, 10, 10, style),) * bool(style)
        high = max(high, LINE * len(lines))
        nodes.append(
            Node(f"{prefix}/legend/{number}", "label", at, y, w, LINE * len(lines), shape="none", text=text, bars=bars)
        )
        at += w + 12
    return nodes


def cells(count: int, box: Box, least: float, high: float) -> list[Box]:
    """Return `count` equal cells that fill a box's width in as few rows as possible, each at least `least` wide.

    >>> [(cell.x, cell.w) for cell in cells(3, Box(0, 0, 40, 20), 15, 10)]
    [(0.0, 20.0), (20.0, 20.0), (0.0, 20.0)]
    """
    across = max(1, min(count, int((box.w + 0.01) // least)))
    across = -(-count // -(-count // across)) if count else across  # no row is much shorter than the others
    w = box.w / across
    return [Box(box.x + number % across * w, box.y + number // across * high, w, high) for number in range(count)]


def fold(
    identity: str, box: Box, words: str, *, title: str = "", lane: str = "", opens: bool = False, state: str = "folded"
) -> Node:
    """Return a dashed box for left-out things; with `opens`, a click shows them.

    With the `state` "none", nothing is left out: the box is for a thing that is not there.
    """
    text = (fitted(box.w / 2, box.h / 2 + 4, words, box.w - 8, "", "middle"),)
    return Node(
        identity,
        "fold",
        *box,
        text=text,
        state=(state,),
        title=title or words,
        lane=lane,
        action="open" if opens else "",
    )


def arrow(identity: str, source: Node, target: Node, *, kind: str, state: Collection[str] = ()) -> Link:
    """Return a straight arrow from one thing to the edge of another."""
    begin, end = (Box(one.x, one.y, one.w, one.h) for one in (source, target))
    points = (begin.edge_towards(end.middle), end.edge_towards(begin.middle))
    return Link(identity, kind, source.id, target.id, points, state=tuple(state), arrow=True)


def band(
    identity: str,
    source: str,
    target: str,
    above: Box,
    below: Box,
    *,
    straight: float = 0.0,
    state: Collection[str] = ("kernel",),
) -> Link:
    """Return a band from the lower edge of a place to the full upper edge of the same thing at another scale.

    It goes straight down for `straight` pixels first, past its neighbours.
    """
    (x, y), w = (above.x, above.y + above.h), above.w
    left = (x, y), (x, y + straight), (below.x, below.y)
    right = (x + w, y), (x + w, y + straight), (below.x + below.w, below.y)
    return Link(identity, "band", source, target, (*left, *reversed(right)), tuple(state), bend="upright")


def band_across(
    identity: str, source: str, target: str, left: Box, right: Box, *, state: Collection[str] = ("kernel",)
) -> Link:
    """Return a band from the right edge of a place to the full left edge of the same thing at another scale."""
    upper = (left.x + left.w, left.y), (right.x, right.y)
    lower = (left.x + left.w, left.y + left.h), (right.x, right.y + right.h)
    return Link(identity, "band", source, target, (*upper, *reversed(lower)), tuple(state), bend="level")


def around(identity: str, nodes: Sequence[Node], *, state: Collection[str] = ("new",), apart: float = 2.5) -> Link:
    """Return one line around several things, so that they need none of their own."""
    left, top = min(node.x for node in nodes) - apart, min(node.y for node in nodes) - apart
    right, bottom = max(node.x + node.w for node in nodes) + apart, max(node.y + node.h for node in nodes) + apart
    points = (left, top), (right, top), (right, bottom), (left, bottom), (left, top - 1)
    return Link(identity, "around", nodes[0].id, nodes[-1].id, points, tuple(state))


def badge(identity: str, count: str, state: str, right: float, top: float) -> Node:
    """Return a badge with a number, on the upper right corner of a line, where it covers nothing inside."""
    w = max(BADGE, text_width(count, "letter") + 8)
    return runs(
        identity,
        Box(right + 2.5 - w, top + 1.5 - BADGE, w, BADGE),
        [Text(w / 2, BADGE / 2 + 4, count, "letter on-step", "middle")],
        bars=(Bar(0, 0, w, BADGE, "count step-new"),),
        title=f"{count} {state}",
    )


BADGE = 17.0
"""Height of a badge."""


def gathered(nodes: Sequence[Node], width: float) -> list[Node]:
    """Return the things, with one line and a number around more than three neighbours that changed alike.

    Neighbours are of one kind and size, in a row or in a column.  A line around each of many says nothing.  The number
    is to the right of the line or, where something else is, to its left or above it.
    """
    marked: dict[tuple[str, str], list[Node]] = {}
    for node in nodes:
        state = next((one for one in node.state if one in ("new", "changed")), "")
        if state and node.shape != "none" and not {"within", "tile"}.intersection(node.state):
            marked.setdefault((node.kind, state), []).append(node)
    inside, rings = set[str](), list[Node]()
    for (kind, state), alike in marked.items():
        others = [one for one in nodes if one.kind == kind and one not in alike]
        for some in _neighbours(alike, others) if len(alike) > MOST_ALIKE else ():
            left, right = min(one.x for one in some), max(one.x + one.w for one in some)
            top, bottom = min(one.y for one in some), max(one.y + one.h for one in some)
            count, box = f"{len(some):,}", Box(left - 2, top - 2, right - left + 4, bottom - top + 4)
            rings.append(
                Node(f"{some[0].id}/around", "around", *box, state=(state, "within"))
            )  # its number is its badge
            number = badge(f"{some[0].id}/count", count, state, right, top + BADGE)
            beside = left - 3 - number.w
            places = (right + 3, top), (beside, top), (beside, bottom - BADGE), (right - number.w, top - 4 - BADGE)
            ways = [replace(number, x=x, y=y) for x, y in places if 0 <= x <= width - number.w]
            rings.append(next((way for way in ways if _is_free(way, box, nodes)), ways[-1]))
            inside |= {one.id for one in some}
    within = [replace(one, state=(*one.state, "within")) if one.id in inside else one for one in nodes]
    return [*within, *rings]


def _is_free(badge: Node, ring: Box, nodes: Iterable[Node]) -> bool:
    """Return whether a badge covers nothing but what is around its ring."""
    return not any(
        node.x < badge.x + badge.w
        and badge.x < node.x + node.w
        and node.y < badge.y + badge.h
        and badge.y < node.y + node.h
        and not (
            node.x <= ring.x
            and ring.x + ring.w <= node.x + node.w
            and node.y <= ring.y
            and ring.y + ring.h <= node.y + node.h
        )
        for node in nodes
    )


MOST_ALIKE, _NEAR = 3, 14.0
"""The most things that changed alike with a line around each; the most pixels between two neighbours."""


def _neighbours(alike: Sequence[Node], others: Sequence[Node]) -> Iterator[list[Node]]:
    """Yield runs of more than three neighbours in a row, and then in a column, with none of the `others` between."""
    left = list(alike)
    for along, across in (("x", "y"), ("y", "x")):
        size = {"x": "w", "y": "h"}
        order = sorted(left, key=lambda one: (getattr(one, across), getattr(one, along)))
        run: list[Node] = []
        for node in [*order, None]:
            last = run[-1] if run else None
            if last is not None and (
                node is None
                or getattr(node, across) != getattr(last, across)
                or getattr(node, size[across]) != getattr(last, size[across])
                or getattr(node, along) - getattr(last, along) - getattr(last, size[along]) > _NEAR
                or any(
                    getattr(one, across) == getattr(node, across)
                    and getattr(last, along) < getattr(one, along) < getattr(node, along)
                    for one in others
                )
            ):
                if len(run) > MOST_ALIKE:
                    yield run
                    left = [one for one in left if one not in run]
                run = []
            if node is not None:
                run.append(node)


def beside(
    identity: str, left: Node, right: Node, *, kind: str = "next", state: Collection[str] = (), head: bool = True
) -> Link:
    """Return a straight line from a thing to its neighbour in a row."""
    y = left.y + left.h / 2
    ends = ((left.x + left.w, y), (right.x, y)) if left.x < right.x else ((left.x, y), (right.x + right.w, y))
    return Link(identity, kind, left.id, right.id, ends, state=tuple(state), arrow=head)


def ticks(
    lane: str,
    addresses: Sequence[int],
    place: Callable[[int], float | None],
    style: AddressStyle,
    y: float,
    *,
    width: float = WIDTH,
    drop: float = 0.0,
    avoid: Collection[tuple[float, float]] = (),
    taken: Sequence[tuple[float, float]] = (),
) -> list[Node]:
    """Return addresses below an axis, as far as there is room: both ends first, then the most important.

    `place` returns an address's x, or None if the address is not written.  A `drop` moves the addresses down by that
    many pixels; their ticks are then longer, and do not cross the spaces in `avoid` (each from x to x).  The spaces
    `taken` have other words.
    """
    nodes: list[Node] = []
    taken = [*taken]
    for address in dict.fromkeys(addresses):
        x = place(address)
        if x is None or any(left < x < right for left, right in avoid):
            continue
        words = style.long(address)
        w = text_width(words, "mono label")
        shift = 0.0 if address == addresses[0] else w if address == addresses[1] else 4.0
        left = min(max(MARGIN, x - shift), width - MARGIN - w)
        if any(left < b + 8 and left + w > a - 8 for a, b in taken):
            continue
        taken.append((left, left + w))
        bars = (Bar(min(max(0.0, x - left), w - 1), 0, 1, 5 + drop, "tick"),)
        text = (Text(w / 2, 16 + drop, words, "mono label dim", "middle"),)
        name = f"{lane}/tick/{address:x}"
        nodes.append(Node(name, "label", left, y, w, 20 + drop, shape="none", text=text, bars=bars))
    return nodes


# ---- the whole -------------------------------------------------------------------------------------


def scene(  # noqa: PLR0913  a picture's parts, all but four by name
    view: str,
    title: str,
    subtitle: str,
    nodes: Iterable[Node],
    *,
    caption: Caption,
    table: Table,
    steps: Steps = STILL,
    links: Iterable[Link] = (),
    lanes: Iterable[Lane] = (),
    machine: str = "",
    width: float = WIDTH,
    height: float | None = None,
    marks: Iterable[Marks] = (),
    about: Relations | None = None,
    answers: bool = False,
    opened: Iterable[Opened] = (),
) -> Scene:
    """Return the whole picture, as high as its contents if no `height` is given; by default, it has no steps."""
    drawn = tuple(gathered(tuple(nodes), width))
    if height is None:
        height = max((node.y + node.h for node in drawn), default=0.0) + 8
    lines, those, small = tuple(links), tuple(lanes), tuple(marks)
    words = caption.as_title(), drawn, lines, table, steps, machine, (), those
    return Scene(view, title, subtitle, width, height, *words, small, about or {}, answers, tuple(opened))


# ---- switches ------------------------------------------------------------------------------------

SWITCHES, _SWITCH_GAP, _GROUP_GAP = 22.0, 4.0, 18.0
"""Height of a switch; space between two switches, and between two groups."""


@frozen
class Switch:
    """A switch with one word: `key` ends its ID; `chosen` is None for a button without a state, such as "undo"."""

    key: str
    word: str
    chosen: bool | None
    title: str


def draw_switches(
    groups: Sequence[Sequence[Switch]], view: str, y: float, width: float = WIDTH
) -> tuple[list[Node], float]:
    """Return the groups from left to right, in a new line where one is full; and their height."""
    nodes: list[Node] = []
    x, top = MARGIN, y
    for group in groups:
        for switch in group:
            w = min(text_width(switch.word, "") + 18, width - 2 * MARGIN)
            if x > MARGIN and x + w > width - MARGIN:
                x, y = MARGIN, y + SWITCHES + _SWITCH_GAP
            state = ("chosen",) if switch.chosen else ()
            kind = "switch" if switch.chosen is not None else "press"
            nodes.append(
                Node(f"{view}/switch/{switch.key}", kind, x, y, w, SWITCHES, shape="round",
                     text=(fitted(w / 2, 15, switch.word, w - 18, "", "middle"),), state=state, title=switch.title,
                     action="open", lane="switches", role="switch" * (kind == "switch")),
            )  # fmt: skip
            x += w + _SWITCH_GAP
        if group:
            x += _GROUP_GAP - _SWITCH_GAP
    return nodes, y + SWITCHES - top if nodes else 0.0


# ---- several scenes as one -----------------------------------------------------------------------


def stack(
    scenes: Sequence[Scene], view: str = "dashboard", title: str = "", subtitle: str = "", *, headed: bool = True
) -> Scene:
    """Return the scenes below each other, with the caption and the steps of the first one, and the tables of all.

    With `headed`, each scene except the first has a heading.
    """
    first = scenes[0]
    nodes: list[Node] = []
    links: list[Link] = []
    marks: list[Marks] = []
    y = 0.0
    for number, one in enumerate(scenes):
        if number and headed:
            nodes.append(heading(f"section/{one.view}", one.title, one.subtitle, y, width=first.width))
            y += nodes[-1].h
        nodes += [replace(node, y=node.y + y) for node in one.nodes] if y else list(one.nodes)
        links += [moved(link, y) for link in one.links]
        marks += [small.moved(y) for small in one.marks]
        y += one.height + 8
    return replace(
        first,
        view=view,
        title=title or first.title,
        subtitle=subtitle or first.subtitle,
        height=y,
        nodes=tuple(nodes),
        links=tuple(links),
        marks=tuple(marks),
        lanes=tuple(lane for one in scenes for lane in one.lanes),
        about=together(one.about for one in scenes),
        opened=tuple(table for one in scenes for table in one.opened),
        table=replace(
            first.table, more=(*first.table.more, *(part for one in scenes[1:] for part in _tables(one, first)))
        ),
    )


def _tables(scene: Scene, first: Scene) -> list[tuple[str, Table]]:
    """Return the tables of a scene below the first, side by side."""
    own = replace(scene.table, more=())
    return [(_said_of(scene, first), own), *((f"{scene.title} · {title}", more) for title, more in scene.table.more)]


def _said_of(scene: Scene, first: Scene) -> str:
    """Return the heading of a table: its subject, and words about it that are nowhere else in the picture."""
    said = "" if scene.caption.text == first.caption.text else scene.caption.text
    return " · ".join(part for part in (scene.title, scene.subtitle, said) if part)


def moved(link: Link, y: float) -> Link:
    """Return a link `y` pixels further down."""
    return replace(link, points=tuple((x, at + y) for x, at in link.points)) if y else link
