"""The one picture format: a scene is data that SVG, DOT, text, table and the browser all draw.

Coordinates are CSS pixels, y down, (0, 0) the top left corner; a node's `x`, `y` are its top left
corner; text and points inside a node are relative to that corner, a link's points are absolute.
Everything is placed here, in Python; a drawing adds nothing of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import field, replace
from functools import cached_property
from typing import Any, NamedTuple, overload

from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.base.units import PAGE_SHIFT, Address, binary_size

from .relations import Relations

VERSION = 3


@frozen
class Text:
    """One run of text inside a node.

    `style` is a class of the style sheet: "mono", "mono dim", "label", "label dim", "strong", "letter", "body",
    "title".
    `anchor` is "start", "middle" or "end"; (x, y) is the baseline.
    `room`: the pixels that it has, where it may need more: a page, which knows its font, cuts it if it has to.
    0: it fits.  `middle`: what is cut is in its middle, for the end of a path says most.
    """

    x: float
    y: float
    text: str
    style: str = "label"
    anchor: str = "start"
    room: float = 0.0
    middle: bool = False


@frozen
class Bar:
    """A filled strip inside a node: a card's coloured edge, a gauge's level."""

    x: float
    y: float
    w: float
    h: float
    style: str


@frozen
class Node:
    """A thing on screen.

    `id` is unique in the scene and stays the same from picture to picture ("tree/17"); `thing` is the
    engine's name for what is drawn ("entry:17"), shared by all views, for selection; "" cannot be selected.
    `kind` is a class of the style sheet ("tree-node", "entry", "range", "gap", "fold", "slot", "table", "descriptor",
    "bits", "verdict", "marker", "label"). `shape` is "box", "round" (fully rounded), "none" (text only) or "triangle"
    (pointing down).
    `state` holds what is true of it now: "new", "changed", "leaving", "path", "here", "red", "black", "folded",
    "static", "fault", "ok" ….  `action` is what a click or Enter asks for: "select", "open" or "".
    `title` is the whole text, for hovering and for screen readers. `lane` orders keyboard movement.
    `value` is the number of a node that can be turned; -1: none.
    `role` is what else a hand does with it: "pan" (what lies on it is dragged and zoomed), "turn" (a drag turns the
    node with a value above it), "switch" (it is on or off).
    """

    id: str
    kind: str
    x: float
    y: float
    w: float
    h: float
    thing: str = ""
    shape: str = "box"
    text: tuple[Text, ...] = ()
    bars: tuple[Bar, ...] = ()
    state: tuple[str, ...] = ()
    title: str = ""
    action: str = ""
    lane: str = ""
    value: int = field(default=-1, kw_only=True)  # by name: a bool in its place would pass for a number
    role: str = field(default="", kw_only=True)


@frozen
class Link:
    """A line between two nodes.

    `kind` is a class ("tree", "next", "prev", "leader", "walk"); `points` is the polyline in absolute pixels;
    `arrow` puts a head at the end.  `branch`: it leads from a parent to a child, and arrow keys follow it.
    """

    id: str
    kind: str
    source: str
    target: str
    points: tuple[tuple[float, float], ...]
    state: tuple[str, ...] = ()
    arrow: bool = False
    branch: bool = False


GROUNDS = frozenset(("around", "band", "track"))
"""Kinds of links on which boxes lie: a line around some, from a place to the same at another scale, a ring."""


# ---- many small things -----------------------------------------------------------------------------


class Look(NamedTuple):
    """How some marks look: a node's `shape` and `state`; `words` are what all of them have in their titles."""

    shape: str
    state: tuple[str, ...]
    words: str = ""


MANY = 60
"""So many things without words in a lane are drawn as marks; fewer are nodes, and move from picture to picture."""


@frozen
class Marks:
    """Many small things of one lane, without words, as columns of numbers in place of as many nodes.

    A tree of a thousand nodes is a thousand squares of a few pixels.  As columns they cost a page a few kilobytes and
    a dozen elements; each is still a thing that can be reached, selected, found and read out.

    A mark's node is called after the lane and its number ("tree/17"), what it is of after `of` and the number
    ("entry:17").  `x`, `y` are top left corners, `w` widths; they are in the order of x, and so are their right edges.
    All are `h` high.  `look` says which of `looks` each has, `parent` at which place its parent is (-1: among no marks;
    empty: no lines are drawn).  `page` is the page that each is about, `pages` how many there are (empty: it isn't
    said).  In its title ``{state}``, ``{number}``, ``{words}``, ``{address}``, ``{end}`` and ``{size}`` are filled in.
    `on` is the id of the node that they lie on, "" for none.  `space` is the address space whose pages they are about
    (see :mod:`.relations`), "" where it is not asked for.

    >>> two = Marks(
    ...     lane="tree",
    ...     kind="tree-node",
    ...     of="entry",
    ...     number=(3, 5),
    ...     x=(0, 20),
    ...     y=(0, 30),
    ...     w=(8, 8),
    ...     h=8,
    ...     looks=(Look("box", ("black",)),),
    ...     look=(0, 0),
    ...     page=(0x10, 0x12),
    ...     title="{state} node {address}, entry {number}",
    ...     parent=(-1, 0),
    ... )
    >>> [node.title for node in two.nodes()]
    ['black node 0x1_0000, entry 3', 'black node 0x1_2000, entry 5']
    >>> [(link.source, link.target) for link in two.links()]
    [('tree/3', 'tree/5')]
    """

    lane: str
    kind: str
    of: str
    number: Sequence[int]
    x: Sequence[float]
    y: Sequence[float]
    w: Sequence[float]
    h: float
    looks: tuple[Look, ...]
    look: Sequence[int]
    page: Sequence[int]
    title: str
    pages: Sequence[int] = ()
    parent: Sequence[int] = ()
    on: str = ""
    space: str = ""

    def moved(self, down: float) -> Marks:
        """The same, so much further down."""
        return replace(self, y=[y + down for y in self.y]) if down else self

    def node(self, place: int) -> Node:
        """Return the mark at a place as a node, for whatever draws them one by one."""
        number, (shape, state, words) = self.number[place], self.looks[self.look[place]]
        start = self.page[place] << PAGE_SHIFT
        size = (self.pages[place] if self.pages else 0) << PAGE_SHIFT
        title = self.title.format(
            state=" ".join(state), number=number, words=words, address=Address(start), end=Address(start + size),
            size=binary_size(size),
        )  # fmt: skip
        return Node(
            f"{self.lane}/{number}", self.kind, self.x[place], self.y[place], self.w[place], self.h,
            f"{self.of}:{number}", shape, state=state, action="select", lane=self.lane, title=title,
        )  # fmt: skip

    def nodes(self) -> Iterator[Node]:
        """Return all of them."""
        return map(self.node, range(len(self.number)))

    def links(self) -> Iterator[Link]:
        """Lines from parents to their children."""
        x, y, w, number = self.x, self.y, self.w, self.number
        for place, parent in enumerate(self.parent):
            if parent >= 0:
                source, target = f"{self.lane}/{number[parent]}", f"{self.lane}/{number[place]}"
                points = (x[parent] + w[parent] / 2, y[parent] + self.h), (x[place] + w[place] / 2, y[place])
                yield Link(f"{target}/up", self.lane, source, target, points, branch=True)


def looks_of(kinds: Iterable[tuple[tuple[str, ...], str]], shape: str = "box") -> tuple[tuple[Look, ...], list[int]]:
    """The looks of things whose state and letters are `kinds`, in the order in which they come first; and each thing's.

    >>> looks_of([(("plain",), ""), (("object",), ""), (("plain",), "")])[1]
    [0, 1, 0]
    """
    known: dict[tuple[tuple[str, ...], str], int] = {}
    look = [known.setdefault(one, len(known)) for one in kinds]
    return tuple(Look(shape, *one) for one in known), look


# ---- words -----------------------------------------------------------------------------------------


@frozen
class Caption:
    """What happened, in one sentence, and the kernel functions that did it, outermost first.

    `tone` is "plain", "good", "error" or "panic".
    """

    text: str
    functions: tuple[str, ...] = ()
    reason: str = ""
    tone: str = "plain"


Row = tuple[str, ...]


class Rows(Sequence[Row]):
    """Rows of text that are made when they are read for the first time."""

    def __init__(self, make: Callable[[], tuple[Row, ...]]) -> None:
        self._make = make

    @cached_property
    def _rows(self) -> tuple[Row, ...]:
        return self._make()

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Row]: ...
    def __getitem__(self, index: int | slice) -> Row | Sequence[Row]:
        return self._rows[index]

    def __len__(self) -> int:
        return len(self._rows)

    def __eq__(self, other: object) -> bool:
        return tuple(other) == self._rows if isinstance(other, (Rows, tuple)) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._rows)


@frozen
class Table:
    """The same content as rows of text: for screen readers, for copying, for the text twin.

    `more` are the tables of what else is in the picture, each under its heading.
    """

    header: Row
    rows: Sequence[Row]
    more: tuple[tuple[str, Table], ...] = ()


AFTER = -1
"""The place of a step that is after the operation."""


@frozen
class Steps:
    """Where in an operation the picture is: at `index` of `count` steps of its own (count: after the operation).

    `places` says of each step, from 0 to count, how many of the operation's events are done there: a slider goes from
    one to the next.  The last is :data:`AFTER`.  `functions` are the steps at which another kernel function begins.
    `said` has a sentence for each step from 1 on, and its functions; the last is what the operation did.  `every` are
    the places with what is folded opened, where something is.
    """

    index: int
    count: int
    operation: int
    places: tuple[int, ...] = (AFTER,)
    functions: tuple[int, ...] = (0,)
    said: Sequence[Row] = ()
    every: tuple[int, ...] = ()


STILL = Steps(0, 0, -1)
"""Those of a picture that no operation made, or that none of its steps changes."""


@frozen
class Lane:
    """What a lane is, where it is more than a row of things from left to right.

    `role` "tree": links that are branches lead from parents to children.  `down`: it goes downwards, and the next such
    lane is at its right.  `label` is what a screen reader calls it.
    """

    name: str
    role: str = ""
    down: bool = False
    label: str = ""


@frozen
class Scene:
    """One whole picture of one view at one moment; `lanes` are those that are not plain rows.

    `about` is what is known of its things, for lighting up what belongs together (:mod:`.relations`).  `answers`: the
    title says the answer, and is large; else it is a name, and the caption's text is large.
    """

    view: str
    title: str
    subtitle: str
    width: float
    height: float
    caption: Caption
    nodes: tuple[Node, ...]
    links: tuple[Link, ...]
    table: Table
    steps: Steps
    machine: str = ""
    notes: tuple[str, ...] = field(default=())
    lanes: tuple[Lane, ...] = field(default=())
    marks: tuple[Marks, ...] = field(default=())
    about: Relations = field(default_factory=dict, hash=False, repr=False)
    answers: bool = False

    def emptied(self, caption: Caption) -> Scene:
        """Return the same picture with nothing in it, and these words."""
        nothing: dict[str, Any] = dict.fromkeys(("nodes", "links", "lanes", "marks", "notes"), ()) | {"about": {}}
        return replace(self, subtitle="", caption=caption, table=Table(self.table.header, ()), **nothing)

    def whole(self) -> Scene:
        """The same with each mark as a node, for what draws nodes one by one: what marks lie on comes before them."""
        if not self.marks:
            return self
        grounds = {marks.on for marks in self.marks}
        below = [node for node in self.nodes if node.id in grounds]
        above = [node for node in self.nodes if node.id not in grounds]
        nodes = (node for marks in self.marks for node in marks.nodes())
        links = (link for marks in self.marks for link in marks.links())
        return replace(self, nodes=(*below, *nodes, *above), links=(*links, *self.links), marks=())
