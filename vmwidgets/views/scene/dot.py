"""A scene as DOT, for Graphviz: everything where the scene has it, so that Graphviz draws the same picture.

The names of nodes are `n0`, `n1`, … in the order in which they are drawn; the scene's own id travels in `id`, and in
`class` what the style sheet needs to know.  One pixel is one point; y points up.

The `graphviz` package makes the graph and quotes what learners named; lines of nodes are put together here, since a
picture has hundreds of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from itertools import pairwise
from types import MappingProxyType
from typing import Any

import graphviz
from graphviz.quoting import quote

from .kit import Box
from .model import Link, Scene, Text
from .text import cut, visible

_POINTS_PER_INCH = 72.0
_ARROW = 9.0
"""Pixels of an arrow's head."""

_SHAPES = {"box": "box", "round": "box", "none": "none", "triangle": "invtriangle"}
_LEVEL = 4.0
"""Pixels that runs of one line may differ in height: large letters and small ones."""

_PITCH = 13.2
"""Pixels from one line of a label to the next: Graphviz's, for letters of 11."""

_FIRST = 10.0
"""Pixels from the top of a box to the foot of its first line."""

_EMPTY = " "
"""A line without words: Graphviz fails where the first line has nothing at all."""

NO_LABEL: Mapping[str, str] = MappingProxyType({})

_LINES = {"start": "\\l", "middle": "\\n", "end": "\\r"}
"""What ends a line of a label, by where the line is in its node."""

_LOOKS: tuple[tuple[frozenset[str], dict[str, str]], ...] = (
    (frozenset(("new",)), {"color": "#0b7a53", "penwidth": "3"}),
    (frozenset(("changed",)), {"color": "#8f5200", "penwidth": "2", "style": "dashed"}),
    (frozenset(("path", "here")), {"color": "#0a5cc2", "penwidth": "2"}),
    (frozenset(("fault", "red")), {"color": "#b3341f"}),
    (frozenset(("leaving", "coming", "folded")), {"style": "dotted"}),
)
"""How a file shows states; the first that is true counts.  In a page the style sheet does, by `class`."""


def to_dot(scene: Scene) -> str:
    """DOT text of all that is in the scene: its nodes with their words, and its links, each in its place."""
    scene = scene.whole()
    graph = graph_of("nop2")
    names = {node.id: f"n{number}" for number, node in enumerate(scene.nodes)}
    for node in scene.nodes:
        box = Box(node.x, node.y, node.w, node.h)
        shape = _SHAPES.get(node.shape, "box")
        given = {"id": node.id, "class": _classes(node.kind, node.state), "shape": shape, **_look(node.state)}
        if node.shape == "round":
            given["style"] = ",".join(("rounded", given["style"])) if "style" in given else "rounded"
        graph.body.append(node_line(names[node.id], box, scene.height, label=_label(node.text, node.h), **given))
    for link in scene.links:
        if link.source in names and link.target in names and len(link.points) > 1:
            head = {} if link.arrow else {"arrowhead": "none"}
            more = {"pos": _spline(link, scene.height), "class": _classes(f"link {link.kind}", link.state), **head}
            graph.edge(names[link.source], names[link.target], id=_said(link.id), **more, **_look(link.state))
    return str(graph.source)


class Source(graphviz.Source):  # type: ignore[misc]  # the package has no types
    """A picture's text as the `graphviz` package has it; a cell without Graphviz's program shows a sentence."""

    def _repr_mimebundle_(self, *given: Any, **named: Any) -> dict[str, Any]:
        try:
            return dict(super()._repr_mimebundle_(*given, **named))
        except graphviz.ExecutableNotFound:
            return {"text/plain": WITHOUT_DOT}


WITHOUT_DOT = (
    "Graphviz's program dot is not installed here, so this cell can't draw the graph; `.source` is its text. "
    'Above a picture in this notebook, the button "Graphviz" draws it without that program.'
)


def source(scene: Scene) -> Source:
    """The same as an object of the `graphviz` package."""
    return Source(to_dot(scene))


def graph_of(layout: str, **given: str) -> graphviz.Digraph:
    """An empty graph whose nodes have their places already; `layout` is "nop", or "nop2" if its edges have them too."""
    # The package knows no such engine by name: as an attribute it passes, and counts before what is asked for.
    how = {"layout": layout, "notranslate": "true", "outputorder": "edgesfirst", **given}
    node = {
        "fixedsize": "true",
        "fontname": "sans-serif",
        "fontsize": "11",
        "margin": "0.08,0",
        "label": "",
        "shape": "box",
    }
    return graphviz.Digraph("scene", graph_attr=how, node_attr=node, edge_attr={"arrowsize": "0.9"})


def node_line(name: str, box: Box, height: float, *, label: Mapping[str, str] = NO_LABEL, **given: str) -> str:
    """A line of DOT: a node at its place in a picture so high; what is in `label` is quoted already."""
    x, y = box.x + box.w / 2, height - (box.y + box.h / 2)
    size = f"width={box.w / _POINTS_PER_INCH:.4f} height={box.h / _POINTS_PER_INCH:.4f}"
    words = "".join(f"{key}={value} " for key, value in label.items())
    more = "".join(f" {key}={_quoted(value)}" for key, value in given.items())
    return f'\t{name} [{words}pos="{x:.1f},{y:.1f}" {size}{more}]\n'


def _look(state: tuple[str, ...]) -> dict[str, str]:
    return next((dict(look) for states, look in _LOOKS if not states.isdisjoint(state)), {})


def _classes(kind: str, state: tuple[str, ...]) -> str:
    return " ".join((kind, *state))


def _label(text: tuple[Text, ...], high: float) -> dict[str, str]:
    """The words of a node so high as its label, with as many lines as the node has, and where they are in it.

    Lines that are far apart, as between the rows of a table, have empty ones between them.
    """
    if not text:
        return {}
    rows = rows_of(text)
    first, last = rows[0][0].y, rows[-1][0].y
    is_spread = last - first > len(rows) * (_PITCH + _LEVEL)
    where = "t" if is_spread else _height((first + last) / 2 - _LEVEL, high)
    lines: list[str] = []
    for row in rows:
        above = round((row[0].y - _FIRST) / _PITCH) if where == "t" else 0
        lines += [_EMPTY + "\\l"] * (above - len(lines))
        words = _said(" ".join(cut(run) for run in row)) or _EMPTY
        lines.append(words + _LINES.get(row[0].anchor, "\\n"))
    return {"label": str(quote("".join(lines))), **({"labelloc": where} if where else {})}


def _height(middle: float, high: float) -> str:
    """Where a label is in a box so high: "t" for above, "b" for below, "" for the middle."""
    return "t" if middle < 0.4 * high else "b" if middle > 0.6 * high else ""


def rows_of(text: tuple[Text, ...]) -> list[list[Text]]:
    """Runs of text that are beside each other, from top to bottom.

    >>> [[run.text for run in row] for row in rows_of((Text(9, 18, "b"), Text(0, 17, "a"), Text(0, 36, "c")))]
    [['a', 'b'], ['c']]
    """
    rows: list[list[Text]] = []
    for run in sorted(text, key=lambda run: run.y):
        if rows and run.y - rows[-1][0].y <= _LEVEL:
            rows[-1].append(run)
        else:
            rows.append([run])
    return [sorted(row, key=lambda run: run.x) for row in rows]


@lru_cache(maxsize=4096)
def _said(text: str) -> str:
    """Any text as words in DOT: no markup, no escapes, no entities, no invisible characters."""
    return str(graphviz.escape(visible(text).replace("&", "&amp;")))


@lru_cache(maxsize=4096)
def _quoted(text: str) -> str:
    return str(quote(_said(text)))


def _spline(link: Link, height: float) -> str:
    """The way of a link as Graphviz writes it: each piece as a curve that is straight."""
    points = [(x, height - y) for x, y in link.points]
    tip = ""
    if link.arrow:
        (x0, y0), (x1, y1) = points[-2:]
        tip = f"e,{x1:.1f},{y1:.1f} "
        far = ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5
        share = min(_ARROW, far * 0.9) / far if far else 0.0
        points[-1] = x1 - (x1 - x0) * share, y1 - (y1 - y0) * share
    words = [f"{points[0][0]:.1f},{points[0][1]:.1f}"]
    for (x0, y0), (x1, y1) in pairwise(points):
        parts = (1 / 3, 2 / 3, 1.0)
        words.extend(f"{x0 + (x1 - x0) * part:.1f},{y0 + (y1 - y0) * part:.1f}" for part in parts)
    return tip + " ".join(words)
