"""A scene as DOT, for Graphviz: its structure, which `dot` lays out by itself.

It contains the linked parts of a picture: nodes with their words, contents of a box as its ports, links as edges, lanes
as clusters.  Everything that serves only to place things is left out: axes, bands, ticks, legends.  Three orders are
kept.  A left child is left of its parent, with an invisible leaf for a missing child; things linked in a row stay in a
row; and the target of a reference comes after it.

The names of nodes are `n0`, `n1`, … in the scene's order; the scene's own ID is in `id`, and what the style sheet needs
is in `class`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from typing import Any

import graphviz
from graphviz.quoting import quote

from vmwidgets.engine.base.errors import Refused

from .model import GROUNDS, Link, Node, Scene, Text
from .plain import check_theme
from .text import cut, visible

THEMES: Mapping[str, Mapping[str, str]] = {
    "light": {"ground": "#ffffff", "words": "#171b21", "card": "#f6f8fa", "line": "#7f8a97", "dim": "#5a6572",
              "new": "#0a7d50", "error": "#c22f1e", "red": "#b3341f", "black": "#2b3138"},
    "dark": {"ground": "#14181d", "words": "#eceff2", "card": "#1b2026", "line": "#7d8995", "dim": "#a3afbb",
             "new": "#3fd592", "error": "#ff8672", "red": "#c24a32", "black": "#05070a"},
}  # fmt: skip
"""The colours of a file; a page uses those of its own style sheet."""

_LOOKS: tuple[tuple[frozenset[str], dict[str, str]], ...] = (
    (frozenset(("new",)), {"color": "new", "penwidth": "2.5"}),
    (frozenset(("changed",)), {"color": "new", "penwidth": "1.5", "style": "dashed"}),
    (frozenset(("path", "here")), {"color": "new", "penwidth": "2"}),
    (frozenset(("fault",)), {"color": "error", "penwidth": "1.5"}),
    (frozenset(("leaving", "coming")), {"style": "dashed"}),
)
"""The looks of states in a file: a thing's first state in this list decides.  On a page, the style sheet does."""

_FILLS = ("red", "black")
"""States with a fill on which words are white."""

_LEVEL = 4.0
"""Pixels by which the texts of one line may differ in height: large letters and small ones."""

NEW = "\\n"
_LINES = {"start": "\\l", "middle": "\\n", "end": "\\r"}
"""The end of a label's line, by the line's position in its node."""

_DECORATION = frozenset((
    "label", "bit", "address-bit", "slice", "switch", "press", "axis", "ribbon", "marker", "tick",
))  # fmt: skip  # a list
"""Kinds of nodes that explain others or are buttons: they are drawn only at the end of a link."""

_PLAIN = re.compile(r"[\w/:.+-]+")
"""An ID that needs no escaping in markup."""

BACKSLASH = "\N{SET MINUS}"
"""A backslash in a box with ports, where Graphviz combines a backslash with the character after it."""

_SIDE_BY_SIDE = 4
"""The number of unlinked things in a row."""


def to_dot(scene: Scene, theme: str = "light", *, links_rows: bool = False) -> str:
    """Return the structure of a scene as DOT.

    With `links_rows`, Graphviz turns each selectable row of a box into a link with the row's ID; our page removes the
    link and handles the press itself.

    Raises :class:`Refused` for an unknown theme.
    """
    check_theme(theme)
    return _Structure(scene.whole(), links_rows).written(THEMES[theme])


class NoProgram(Refused, graphviz.ExecutableNotFound):  # type: ignore[misc]  # the package has no types
    """Raised if Graphviz's program is needed, and is not installed."""

    def __init__(self) -> None:
        super().__init__(WITHOUT_DOT)

    def __str__(self) -> str:
        return WITHOUT_DOT


class Source(graphviz.Source):  # type: ignore[misc]  # the package has no types
    """A picture's text for the `graphviz` package; without Graphviz's program, a cell shows a sentence."""

    def render(self, *given: Any, **named: Any) -> str:
        """Draw the graph to a file with the program `dot`.  Raises :class:`NoProgram` without it."""
        try:
            return str(super().render(*given, **named))
        except graphviz.ExecutableNotFound:
            raise NoProgram from None

    def pipe(self, *given: Any, **named: Any) -> Any:
        """Return the graph as the program `dot` draws it.  Raises :class:`NoProgram` without it."""
        try:
            return super().pipe(*given, **named)
        except graphviz.ExecutableNotFound:
            raise NoProgram from None

    def __repr__(self) -> str:
        return "a graph for Graphviz: a notebook draws it, and print() shows its text"

    def _repr_mimebundle_(self, *given: Any, **named: Any) -> dict[str, Any]:
        try:
            return dict(super()._repr_mimebundle_(*given, **named))
        except graphviz.ExecutableNotFound:
            return {"text/plain": WITHOUT_DOT}


WITHOUT_DOT = (
    "Graphviz's program dot is not installed here; `.source` is the graph's text. "
    "Without the program, a cell that ends with picture.graphviz() draws the graph in its page, and "
    'picture.save("map.svg") writes the picture itself.'
)


def source(scene: Scene, theme: str = "light") -> Source:
    """Return the scene's DOT as an object of the `graphviz` package."""
    return Source(to_dot(scene, theme))


# ---- related things --------------------------------------------------------------------------------


@dataclass
class _Part:
    """A node of the graph: one of the scene, with the nodes inside it."""

    name: str
    node: Node
    inside: list[Node]


class _Structure:
    """The parts of a scene and the links between them."""

    def __init__(self, scene: Scene, links_rows: bool) -> None:
        self.scene, self.links_rows = scene, links_rows
        known = {node.id: node for node in scene.nodes}
        self.links = [
            link
            for link in scene.links
            if link.source in known and link.target in known and _relates(link, known[link.source], known[link.target])
        ]
        linked = {end for link in self.links for end in (link.source, link.target)}
        self.holder = _holders([node for node in scene.nodes if node.id in linked or node.kind not in _DECORATION])
        kept = {self.holder.get(end, end) for end in linked}
        kinds = {known[one].kind for one in kept}
        kept |= {node.id for node in scene.nodes if node.kind in kinds and _says(node) and node.id not in self.holder}
        for says in () if self.links else (_says, _is_text):  # words alone, if nothing is linked
            kept = kept or {node.id for node in scene.nodes if says(node) and node.id not in self.holder}
        inside: dict[str, list[Node]] = {}
        for node in scene.nodes:
            if (box := self.holder.get(node.id)) in kept and (node.text or node.id in linked):
                inside.setdefault(str(box), []).append(node)
        self.parts = {
            node.id: _Part(f"n{number}", node, sorted(inside.get(node.id, ()), key=lambda one: (one.y, one.x)))
            for number, node in enumerate(scene.nodes)
            if node.id in kept
        }

    def part(self, end: str) -> _Part:
        """Return the part at the end of a link, or around it."""
        return self.parts[self.holder.get(end, end)]

    def address(self, end: str) -> str:
        """Return the end of a link in DOT: a part, or a port of one."""
        part = self.part(end)
        places = [one.id for one in part.inside]
        return f"{part.name}:p{places.index(end)}" if end in places else part.name

    def written(self, colours: Mapping[str, str]) -> str:
        """Return the text."""
        branches = [link for link in self.links if link.branch]
        rows = [link for link in self.links if not link.branch and not link.arrow and self._is_row(link)]
        given = {"rankdir": "TB" if branches else "LR", "bgcolor": colours["ground"], "nodesep": "0.2"}
        if not self.links:
            given |= {"pack": "12", "packmode": f"array_u{_SIDE_BY_SIDE}"}
        font = {"fontname": "Helvetica,Arial,sans-serif", "fontcolor": colours["words"]}
        graph = graphviz.Digraph(
            "scene",
            graph_attr={**given, **font, "fontsize": "12", "ranksep": "0.35"},
            node_attr={
                **font,
                "fontsize": "15",
                "margin": "0.12,0.06",
                "height": "0.3",
                "shape": "box",
                "style": "filled",
                "fillcolor": colours["card"],
                "color": colours["line"],
            },
            edge_attr={"color": colours["line"], "arrowsize": "0.7"},
        )
        lanes = {lane.name: lane.label for lane in self.scene.lanes}
        in_a_row = {self.part(end).name for link in rows for end in (link.source, link.target)} if branches else set()
        lined_up = Counter(part.node.lane for part in self.parts.values() if part.node.lane)
        # in drawings from left to right, `dot` fills a rank without clusters from below
        upwards = bool(self.links) and not branches and max(lined_up.values(), default=0) < 2
        for lane in dict.fromkeys(part.node.lane for part in self.parts.values()):
            parts = [part for part in self.parts.values() if part.node.lane == lane]
            lines = [_node_line(part, colours, self.links_rows) for part in (reversed(parts) if upwards else parts)]
            level = [part.name for part in parts if part.name in in_a_row]
            lines += [f"\t\t{{rank=same; {'; '.join(level)}}}\n"] * bool(level)
            lines += self._helpers([link for link in branches if self.part(link.source).node.lane == lane])
            if lane and len(parts) > 1 and self.links and not branches:  # in a cluster `dot` keeps no order of rows
                label = _quoted(lanes.get(lane, lane if lane.isalpha() else ""))
                head = f"label={label} id={_quoted(f'cluster/{lane}')} color={_quoted(colours['line'])} style=rounded"
                graph.body.append(
                    f"\tsubgraph {_quoted(f'cluster_{lane}')} {{\n\t\tgraph [{head} bgcolor=transparent]\n"
                )
                graph.body += [*lines, "\t}\n"]
            else:
                graph.body += lines
        if not self.parts:
            words = _label((Text(0, 0, self.scene.caption.text or self.scene.title),))
            graph.body.append(f"\tnothing [label={words} shape=plaintext style={_quoted('')}]\n")
        graph.body += self._below(branches, in_a_row)
        edges = [self._edge_line(link, colours) for link in self._ordered()]
        graph.body += reversed(edges) if upwards else edges
        return str(graph.source)

    def _is_row(self, link: Link) -> bool:
        """Return whether a link continues a row: to a thing of the same lane at the same height."""
        one, other = self.part(link.source).node, self.part(link.target).node
        return one.lane == other.lane and one.y < other.y + other.h and other.y < one.y + one.h

    def _ordered(self) -> list[Link]:
        """Return the links, a node's left child before its right one, since `dot` keeps the order of edges."""
        return sorted(self.links, key=lambda link: _middle(self.part(link.target).node) if link.branch else 0.0)

    def _helpers(self, branches: Sequence[Link]) -> Iterator[str]:
        """Yield invisible leaves of a binary tree: for missing children, and in the middle below each parent."""
        children: dict[str, list[Node]] = {}
        for link in branches:
            children.setdefault(link.source, []).append(self.part(link.target).node)
        if any(len(found) > 2 for found in children.values()):
            return
        for parent, found in children.items():
            part = self.part(parent)
            sides = {_middle(one) < _middle(part.node): self.parts[one.id].name for one in found}
            if len(sides) < len(found):
                continue  # both are on one side: they are not a left and a right child
            left, right = (sides.get(is_left, f"{part.name}_{side}") for is_left, side in ((True, "l"), (False, "r")))
            between = f"{part.name}_m"
            invisible = [name for name in (left, between, right) if name not in sides.values()]
            yield f'\t\t{{node [style=invis label="" width=0.1 margin=0]; {"; ".join(invisible)}}}\n'
            yield f"\t\t{{rank=same; {left} -> {between} -> {right} [style=invis]}}\n"
            yield f"\t\t{part.name} -> {between} [style=invis weight=100]\n"
            for missing in (left, right):
                if missing in invisible:
                    yield f"\t\t{part.name} -> {missing} [style=invis]\n"

    def _below(self, branches: Sequence[Link], in_a_row: set[str]) -> Iterator[str]:
        """Yield edges that put a row below the tree of the same things; the row may not have all of them."""
        row = {part.node.thing: part.name for part in self.parts.values() if part.name in in_a_row and part.node.thing}
        tree = dict.fromkeys(self.part(end).node.id for link in branches for end in (link.source, link.target))
        for end in tree:
            part = self.parts[end]
            if row and part.name not in in_a_row:
                below = row.get(part.node.thing, next(iter(row.values())))
                yield f"\t{part.name} -> {below} [style=invis weight=0]\n"

    def _edge_line(self, link: Link, colours: Mapping[str, str]) -> str:
        kind = "reference" if link.kind == "band" else link.kind  # drawn here as a line
        given = {"id": link.id, "class": _classes(f"link {kind}", link.state), **_look(link.state, colours)}
        if not link.arrow:
            given["dir"] = "none"
        more = " ".join(f"{key}={_quoted(value)}" for key, value in given.items())
        return f"\t{self.address(link.source)} -> {self.address(link.target)} [{more}]\n"


def _relates(link: Link, source: Node, target: Node) -> bool:
    """Return whether a link connects two different things: a band may lead to the same thing at another scale."""
    if link.kind != "band":
        return link.kind not in GROUNDS
    explains = source.kind in _DECORATION or target.kind in _DECORATION
    return not explains and (not source.thing or source.thing != target.thing)


def _says(node: Node) -> bool:
    return bool(node.text) and node.kind not in _DECORATION and node.shape != "none"


def _is_text(node: Node) -> bool:
    return bool(node.text)


def _middle(node: Node) -> float:
    return node.x + node.w / 2


def _holders(nodes: Iterable[Node]) -> dict[str, str]:
    """Return the smallest box with words around each node, by ID; nodes outside boxes are missing."""
    flat = [node for node in nodes if node.shape != "none" and node.w * node.h > 0]
    boxes = sorted((node for node in flat if node.text), key=lambda one: one.w * one.h)
    found: dict[str, str] = {}
    for node in flat:
        for box in boxes:
            if box.w * box.h > node.w * node.h and _holds(box, node):
                found[node.id] = box.id
                break
    deepest = Counter(found.values())
    return {one: box for one, box in found.items() if not deepest[one] and box not in found}


def _holds(box: Node, node: Node) -> bool:
    return (
        box.x - 1 <= node.x
        and node.x + node.w <= box.x + box.w + 1
        and box.y - 1 <= node.y
        and node.y + node.h <= box.y + box.h + 1
    )


# ---- how it is written -----------------------------------------------------------------------------


def _node_line(part: _Part, colours: Mapping[str, str], links_rows: bool) -> str:
    node = part.node
    given = {"id": node.id, "class": _classes(node.kind, node.state), **_look(node.state, colours)}
    for fill in _FILLS:
        if fill in node.state:
            given |= {"fillcolor": colours[fill], "fontcolor": "#ffffff"}
    styles = ["filled", "rounded" if node.shape == "round" else "", given.get("style", "")]
    given["style"] = ",".join(filter(None, styles))
    if node.shape == "none":
        given |= {"shape": "plaintext", "style": ""}
    label = _table(part, colours, links_rows) if part.inside else _label(node.text or (Text(0, 0, node.title),))
    if part.inside:
        given |= {"shape": "plain", "style": ""}
    more = " ".join(f"{key}={_quoted(value)}" for key, value in given.items())
    return f"\t\t{part.name} [label={label} {more}]\n"


def _look(state: tuple[str, ...], colours: Mapping[str, str]) -> dict[str, str]:
    look = next((look for states, look in _LOOKS if not states.isdisjoint(state)), {})
    return {key: colours.get(value, value) for key, value in look.items()}


def _classes(kind: str, state: tuple[str, ...]) -> str:
    return " ".join((kind, *state))


def _words(text: tuple[Text, ...]) -> list[tuple[str, str]]:
    """Return the lines of a node, each with its position."""
    return [(" ".join(visible(cut(run)) for run in row), row[0].anchor) for row in rows_of(text)]


def _label(text: tuple[Text, ...]) -> str:
    return str(quote("".join(f"{_said(words) or ' '}{_LINES.get(anchor, NEW)}" for words, anchor in _words(text))))


def _table(part: _Part, colours: Mapping[str, str], links_rows: bool) -> str:
    """Return a box and its contents: each thing in it has a port."""

    def cell(*lines: str, more: str = "") -> str:
        said = (escape(line).replace("\\", BACKSLASH) for line in lines)
        words = '<BR ALIGN="LEFT"/>'.join(line or " " for line in said)
        return f'<TR><TD ALIGN="LEFT" BALIGN="LEFT"{more}>{words}</TD></TR>'

    rows = [cell(*(words for words, _ in _words(part.node.text)))] if part.node.text else []
    for number, one in enumerate(part.inside):
        look = _look(one.state, colours)
        drawn = f' COLOR="{look["color"]}"' if "color" in look else ""
        said = "  ".join(words for words, _ in _words(one.text)) or visible(one.title)
        linked = f' ID="{one.id}" HREF="#"' if links_rows and one.action and _PLAIN.fullmatch(one.id) else ""
        rows.append(cell(said, more=f' PORT="p{number}"{drawn}{linked}'))
    edge = _look(part.node.state, colours).get("color", colours["line"])
    head = f'BORDER="0" CELLBORDER="1" CELLSPACING="0" CELLPADDING="4" COLOR="{edge}" BGCOLOR="{colours["card"]}"'
    return f"<<TABLE {head}>{''.join(rows)}</TABLE>>"


def rows_of(text: tuple[Text, ...]) -> list[list[Text]]:
    """Return texts that are side by side, from top to bottom.

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
    """Return any text as words in DOT: no markup, escapes, entities or invisible characters."""
    return str(graphviz.escape(visible(text).replace("&", "&amp;")))


@lru_cache(maxsize=4096)
def _quoted(text: str) -> str:
    return str(quote(_said(text)))
