"""The one picture format: a scene is data that SVG, DOT, text, table and the browser all draw.

Coordinates are CSS pixels, y down, (0, 0) the top left corner; a node's `x`, `y` are its top left
corner; text and points inside a node are relative to that corner, a link's points are absolute.
Everything is placed here, in Python; a drawing adds nothing of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field

VERSION = 1


@dataclass(frozen=True, slots=True)
class Text:
    """One run of text inside a node.

    `style` is a class of the style sheet: "mono", "mono dim", "label", "label dim", "strong", "letter", "title".
    `anchor` is "start", "middle" or "end"; (x, y) is the baseline.
    """

    x: float
    y: float
    text: str
    style: str = "label"
    anchor: str = "start"


@dataclass(frozen=True, slots=True)
class Bar:
    """A filled strip inside a node: a card's coloured edge, a gauge's level."""

    x: float
    y: float
    w: float
    h: float
    style: str


@dataclass(frozen=True, slots=True)
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
    `graph`: drawn by Graphviz too (a node of the DOT).  `value` is the number of a node that can be turned; -1: none.
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
    graph: bool = False
    value: int = -1
    role: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """A line between two nodes.

    `kind` is a class ("tree", "next", "prev", "leader", "walk"); `points` is the polyline in absolute pixels;
    `graph` means that Graphviz draws it as well and its route replaces `points`; `arrow` puts a head at the end.
    `branch`: it leads from a parent to a child, and arrow keys follow it.
    """

    id: str
    kind: str
    source: str
    target: str
    points: tuple[tuple[float, float], ...]
    state: tuple[str, ...] = ()
    graph: bool = False
    arrow: bool = False
    branch: bool = False


@dataclass(frozen=True, slots=True)
class Caption:
    """What happened, in one sentence, and the kernel functions that did it, outermost first.

    `tone` is "plain", "good", "error" or "panic".
    """

    text: str
    functions: tuple[str, ...] = ()
    reason: str = ""
    tone: str = "plain"


@dataclass(frozen=True, slots=True)
class Table:
    """The same content as rows of text: for screen readers, for copying, for the text twin.

    `more` are the tables of what else is in the picture, each under its heading.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    more: tuple[tuple[str, Table], ...] = ()


AFTER = -1
"""The place of a step that is after the operation."""


@dataclass(frozen=True, slots=True)
class Steps:
    """Where in an operation the picture is: at `index` of `count` steps of its own (count: after the operation).

    `places` says of each step, from 0 to count, how many of the operation's events are done there: a slider goes from
    one to the next.  The last is :data:`AFTER`.  `functions` are the steps at which another kernel function begins.
    """

    index: int
    count: int
    operation: int
    places: tuple[int, ...] = (AFTER,)
    functions: tuple[int, ...] = (0,)


STILL = Steps(0, 0, -1)
"""Those of a picture that no operation made, or that none of its steps changes."""


@dataclass(frozen=True, slots=True)
class Scene:
    """One whole picture of one view at one moment.

    `columns` are the lanes that go downwards, from left to right: up and down go along one, left and right to the next.
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
    columns: tuple[str, ...] = field(default=())
