"""The only picture format: a scene is data that SVG, DOT, text, table and the browser all draw.

Coordinates are CSS pixels, y down, (0, 0) the top left corner; a node's `x`, `y` are its top left corner.  Texts and
points inside a node are relative to that corner, a link's points are absolute.  Everything is placed here, in Python; a
drawing adds nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
    "title".  `anchor` is "start", "middle" or "end"; (x, y) is the baseline.  `room` is the available width if the text
    may need more, and 0 if the text fits; a page, which knows its font, cuts the text if necessary.  With `middle`, the
    text is cut in its middle, since the end of a path says most.
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

    `id` is unique in the scene and the same in each picture ("tree/17"); `thing` is the engine's name for what is drawn
    ("entry:17"), shared by all views, for selection; "" can't be selected.  `kind` is a class of the style sheet
    ("tree-node", "entry", "range", "gap", "fold", "slot", "table", "descriptor", "verdict", "marker", "label").
    `shape` is "box", "round" (fully rounded), "none" (text only) or "triangle" (pointing down).  `state` contains the
    present states: "new", "changed", "leaving", "path", "here", "red", "black", "folded", "fault" ….
    `action` is the effect of a click or Enter: "select", "open" or "".  `title` is the whole text, for hovering and for
    screen readers.  `lane` orders keyboard movement.  `value` is the number of a node that can be turned, or -1.
    `role` is another use: "turn" (a drag turns the node with a value above it), "switch" (it is on or off).
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
    value: int = field(default=-1, kw_only=True)  # keyword-only: as a position, a bool would pass for a number
    role: str = field(default="", kw_only=True)


Point = tuple[float, float]


@frozen
class Link:
    """A line between two nodes.

    `kind` is a class ("tree", "next", "walk"); `points` is the way in absolute pixels; `arrow` puts a
    head at the end.  A `branch` connects a parent to a child, and arrow keys follow it.  With a `bend`, each piece of
    the way that is neither level nor upright is one curve, whose ends are "level" or "upright".
    """

    id: str
    kind: str
    source: str
    target: str
    points: tuple[Point, ...]
    state: tuple[str, ...] = ()
    arrow: bool = False
    branch: bool = False
    bend: str = ""

    def controls(self, begin: Point, end: Point) -> tuple[Point, Point] | None:
        """Return the control points of the curve between two neighbouring points; None if the piece is straight."""
        (x, y), (to_x, to_y) = begin, end
        if not self.bend or x == to_x or y == to_y:
            return None
        middle_x, middle_y = (x + to_x) / 2, (y + to_y) / 2
        return ((middle_x, y), (middle_x, to_y)) if self.bend == "level" else ((x, middle_y), (to_x, middle_y))


GROUNDS = frozenset(("around", "band", "track"))
"""Kinds of links behind boxes: a line around several, a band to another scale, a ring."""


# ---- many small things -----------------------------------------------------------------------------


class Look(NamedTuple):
    """The look of some marks: a node's `shape` and `state`; `words` are in all their titles."""

    shape: str
    state: tuple[str, ...]
    words: str = ""


MANY = 60
"""The least number of a lane's things without words that are drawn as marks; fewer are nodes, which can move."""

NAMED = " · "
"""What is between the short name of a range and the rest of its title."""


@frozen
class Marks:
    """Many small things of one lane, without words, as columns of numbers instead of nodes.

    A tree of a thousand nodes is a thousand squares of a few pixels.  As columns they cost a page a few kilobytes and a
    dozen elements; each square can still be reached, selected, found and read out.

    A mark's node ID is the lane and its number ("tree/17"); its thing is `of` and the number ("entry:17").  `x`, `y`
    are top left corners, `w` widths; marks are in the order of x, and their right edges are in order too.  All have the
    height `h`.  `look` gives the index in `looks` of each, `parent` the place of its parent (-1 if it is not among the
    marks; empty if no lines are drawn).  `page` is the page of each, `pages` how many pages each has (empty if
    unknown), `names` the short name of each.  In a mark's title, ``{state}``, ``{number}``, ``{name}``, ``{words}``,
    ``{address}``, ``{end}`` and ``{size}`` are filled in.  `on` is the ID of the node on which the marks are drawn, or
    "".  `space` is the address space of their pages (see :mod:`.relations`), or "".

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
    names: Sequence[str] = ()
    on: str = ""
    space: str = ""

    def moved(self, down: float) -> Marks:
        """Return these marks, moved down by this much."""
        return replace(self, y=[y + down for y in self.y]) if down else self

    def node(self, place: int) -> Node:
        """Return the mark at a place as a node, for output formats that draw each one."""
        number, (shape, state, words) = self.number[place], self.looks[self.look[place]]
        start = self.page[place] << PAGE_SHIFT
        size = (self.pages[place] if self.pages else 0) << PAGE_SHIFT
        title = self.title.format(
            state=" ".join(state),
            number=number,
            name=self.names[place] if self.names else "",
            words=words,
            address=Address(start),
            end=Address(start + size),
            size=binary_size(size),
        )
        return Node(
            f"{self.lane}/{number}", self.kind, self.x[place], self.y[place], self.w[place], self.h,
            f"{self.of}:{number}", shape, state=state, action="select", lane=self.lane, title=title,
        )  # fmt: skip

    def nodes(self) -> Iterator[Node]:
        """Return all marks as nodes."""
        return map(self.node, range(len(self.number)))

    def links(self) -> Iterator[Link]:
        """Yield lines from parents to their children."""
        x, y, w, number = self.x, self.y, self.w, self.number
        for place, parent in enumerate(self.parent):
            if parent >= 0:
                source, target = f"{self.lane}/{number[parent]}", f"{self.lane}/{number[place]}"
                points = (x[parent] + w[parent] / 2, y[parent] + self.h), (x[place] + w[place] / 2, y[place])
                yield Link(f"{target}/up", self.lane, source, target, points, branch=True)


def looks_of(kinds: Iterable[tuple[tuple[str, ...], str]]) -> tuple[tuple[Look, ...], list[int]]:
    """Return the different looks of boxes for the states and words in `kinds`, in order, and each thing's index.

    >>> looks_of([(("plain",), ""), (("used",), ""), (("plain",), "")])[1]
    [0, 1, 0]
    """
    known: dict[tuple[tuple[str, ...], str], int] = {}
    look = [known.setdefault(one, len(known)) for one in kinds]
    return tuple(Look("box", *one) for one in known), look


# ---- words -----------------------------------------------------------------------------------------


@frozen
class Caption:
    """The event in one sentence, and the kernel functions that did it, outermost first.

    `tone` is "plain", "good", "error" or "panic".
    """

    text: str
    functions: tuple[str, ...] = ()
    reason: str = ""
    tone: str = "plain"
    is_whole: bool = False
    """Whether its addresses keep the digits that others leave out below a title: it is about these digits."""

    def as_title(self) -> Caption:
        """Return the caption with one sentence as its text, which is drawn large; the others begin the reason.

        A question keeps what is said before it.

        >>> one = Caption("There is no page yet. The PTE is 0x0.", reason="An access raises #PF.").as_title()
        >>> one.text, one.reason
        ('There is no page yet.', 'The PTE is 0x0. An access raises #PF.')
        """
        first, *rest = [self.text] if self.text.endswith("?") else _AFTER_A_SENTENCE.split(self.text, 1)
        return replace(self, text=first, reason=f"{rest[0]} {self.reason}".strip()) if rest else self

    def below(self, title: str, subtitle: str) -> Caption:
        """Return the caption as it is drawn below the title and the subtitle, which are one line.

        A place that the title names is not repeated, and addresses are as short as in the picture, or without the upper
        half that an address in the title has.

        >>> one = Caption("4 KiB was mapped at 0xffff_8080_01a1_1000 in kernel_map.")
        >>> one.below("kernel_map", "x86-64 · … is 0xffff_8080").text
        '4 KiB was mapped at …01a1_1000.'
        >>> Caption("0xffff_8080_01a1_1000 has no page yet.").below("walk of 0xffff_8080_01a1_1000", "x86-64").text
        '…01a1_1000 has no page yet.'
        >>> Caption("0x1e_0000_0000 is at 0x1e_1000.").below("walk of 0x1e_0000_0000", "x86-64").text
        '…0000_0000 is at 0x1e_1000.'
        """
        place = title.rpartition(": ")[2]
        shared = None if self.is_whole else _SHARED.search(subtitle) or _UPPER.search(title)
        said = (one.replace(f" in {place}.", ".") for one in (self.text, self.reason))
        # in a shorter address these digits are others
        long = re.compile(rf"\b{shared[1]}_(?=[0-9a-f]{{4}}_[0-9a-f]{{4}}\b)" if shared else "(?!)")
        text, reason = (long.sub("…", one) for one in said)
        return replace(self, text=text, reason=reason)


_SHARED = re.compile("… is (0x[0-9a-f_]+)")
"""The digits that all addresses of a picture share."""

_UPPER = re.compile(r"\b(0x[0-9a-f_]+)_[0-9a-f]{4}_[0-9a-f]{4}\b")
"""The digits of a long address above its lower half."""

_AFTER_A_SENTENCE = re.compile(r"(?<=[.!?]) (?=\S)")


Row = tuple[str, ...]


class Rows(Sequence[Row]):
    """Rows of text that are computed when they are first read."""

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

    def __reduce__(self) -> tuple[type[tuple[Row, ...]], tuple[tuple[Row, ...]]]:
        """Pickle as the rows: what computes them may need a machine."""
        return tuple, (self._rows,)


@frozen
class Table:
    """The picture's content as rows of text: for screen readers, for copying, and for output without pictures.

    `more` are the tables of the picture's other parts, each below its heading.
    """

    header: Row
    rows: Sequence[Row]
    more: tuple[tuple[str, Table], ...] = ()


AFTER = -1
"""The place of a step after the operation."""


@frozen
class Steps:
    """The picture's place in an operation: at `index` of its own `count` steps (at `count`: after the operation).

    `places` gives, for each step from 0 to count, the number of events that are done there: a slider goes from one to
    the next.  The last place is :data:`AFTER`.  `functions` are the steps at which another kernel function begins.
    `said` has a sentence and its functions for each step from 1 on; the last sentence says what the operation did.
    `every` are the places with all folds opened and no steps joined, if there are more of them; `apart` are the places
    with no steps joined.
    """

    index: int
    count: int
    operation: int
    places: tuple[int, ...] = (AFTER,)
    functions: tuple[int, ...] = (0,)
    said: Sequence[Row] = ()
    every: tuple[int, ...] = ()
    apart: tuple[int, ...] = (AFTER,)


STILL = Steps(0, 0, -1)
"""The steps of a picture that no operation made, or that no step of its operation changes."""


@frozen
class Lane:
    """The properties of a lane that is not a plain row of things from left to right.

    `role` "tree": links that are branches connect parents to children.  A lane with `down` goes downwards, and the next
    lane like it is to its right.  `label` is its name for screen readers.
    """

    name: str
    role: str = ""
    down: bool = False
    label: str = ""


class Opened(NamedTuple):
    """A page table whose descriptors are drawn: its thing, its `level`, and its first address.

    `slots` has the number and the first address of each drawn descriptor, by thing; `folds` has the numbers of
    descriptors that are left out.
    """

    thing: str
    level: int
    start: int
    slots: Mapping[str, tuple[int, int]]
    folds: Sequence[range]


@frozen
class Scene:
    """A whole picture by one view at one moment; `lanes` are the lanes that are not plain rows.

    `about` contains facts about its things, for lighting up related ones (:mod:`.relations`).  With `answers`, the
    title gives the answer, and is large; otherwise the title is a name, and the caption's text is large.  `opened` has
    the open page tables.
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
    opened: tuple[Opened, ...] = field(default=(), hash=False, repr=False)

    @property
    def headed(self) -> Caption:
        """The caption as it is drawn below title and subtitle."""
        return self.caption.below(self.title, self.subtitle)

    def emptied(self, caption: Caption) -> Scene:
        """Return the same picture without contents, but with these words."""
        nothing: dict[str, Any] = dict.fromkeys(("nodes", "links", "lanes", "marks", "notes", "opened"), ()) | {
            "about": {}
        }
        return replace(self, subtitle="", caption=caption, table=Table(self.table.header, ()), **nothing)

    def whole(self) -> Scene:
        """Return the scene with a node for each mark, for formats that draw each one; nodes behind marks come first."""
        if not self.marks:
            return self
        grounds = {marks.on for marks in self.marks}
        below = [node for node in self.nodes if node.id in grounds]
        above = [node for node in self.nodes if node.id not in grounds]
        nodes = (node for marks in self.marks for node in marks.nodes())
        links = (link for marks in self.marks for link in marks.links())
        return replace(self, nodes=(*below, *nodes, *above), links=(*links, *self.links), marks=())
