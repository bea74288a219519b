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
    "static", "fault", "ok", "protection-rw" ….  `action` is what a click or Enter asks for: "select", "open" or "".
    `title` is the whole text, for hovering and for screen readers. `lane` orders keyboard movement.
    `graph`: drawn by Graphviz too (a node of the DOT).
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


@dataclass(frozen=True, slots=True)
class Link:
    """A line between two nodes.

    `kind` is a class ("tree", "next", "prev", "leader", "walk"); `points` is the polyline in absolute pixels;
    `graph` means that Graphviz draws it as well and its route replaces `points`; `arrow` puts a head at the end.
    """

    id: str
    kind: str
    source: str
    target: str
    points: tuple[tuple[float, float], ...]
    state: tuple[str, ...] = ()
    graph: bool = False
    arrow: bool = False
    label: str = ""


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
    """The same content as rows of text: for screen readers, for copying, for the text twin."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Steps:
    """Where in the last operation the picture stands: `index` of `count` (count = after the last event)."""

    index: int
    count: int
    operation: int


@dataclass(frozen=True, slots=True)
class Scene:
    """One whole picture of one view at one moment."""

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
