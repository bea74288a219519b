"""A scene as DOT, for Graphviz: every node where the scene has it, so that Graphviz only draws and routes.

The names of nodes are `n0`, `n1`, … in the order of the scene's graph nodes; the scene's own id travels in `id`.  One
pixel is one point; y points up.

The `graphviz` package makes the graph and quotes what learners named; lines of nodes and links are put together here,
since a live picture has hundreds of them thirty times a second.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import graphviz
from graphviz.quoting import quote

from .model import Link, Node, Scene
from .text import visible

_POINTS_PER_INCH = 72.0
_SHAPES = {"box": "box", "round": "box", "none": "plain", "triangle": "invtriangle"}


def to_dot(scene: Scene) -> str:
    """DOT text of the scene's graph; empty if nothing in it is one."""
    scene = scene.whole()
    nodes = [node for node in scene.nodes if node.graph]
    if not nodes:
        return ""
    graph = graphviz.Digraph("scene", graph_attr=_GRAPH, node_attr=_NODE, edge_attr={"arrowsize": "0.6"})
    names = {node.id: f"n{number}" for number, node in enumerate(nodes)}
    graph.body.extend(_node_line(scene.height, names[node.id], node) for node in nodes)
    links = [link for link in scene.links if link.graph and link.source in names and link.target in names]
    graph.body.extend(_link_line(link, number, names) for number, link in enumerate(links))
    return str(graph.source)


def whole_dot(scene: Scene) -> str:
    """DOT text to take away: of the scene's graph, or, where nothing in it is one, of all that has words."""
    text = to_dot(scene)
    if text:
        return text
    nodes = tuple(replace(node, graph=True) for node in scene.nodes if node.text)
    links = tuple(replace(link, graph=True) for link in scene.links)
    return to_dot(replace(scene, nodes=nodes, links=links))


_GRAPH = {"layout": "nop", "notranslate": "true", "splines": "true"}
_NODE = {"fixedsize": "true", "fontname": "monospace", "fontsize": "10", "margin": "0"}


def _node_line(height: float, name: str, node: Node) -> str:
    label = _quoted(" ".join([run.text for run in node.text]))
    x, y = node.x + node.w / 2, height - (node.y + node.h / 2)
    style = "style=rounded " if node.shape == "round" else ""
    return (
        f'\t{name} [label={label} height={node.h / _POINTS_PER_INCH:.4f} id={_quoted(node.id)} pos="{x:.1f},{y:.1f}" '
        f"shape={_SHAPES.get(node.shape, 'box')} {style}width={node.w / _POINTS_PER_INCH:.4f}]\n"
    )


@lru_cache(maxsize=4096)
def _quoted(text: str) -> str:
    """Any text as a value in DOT: no markup, no escapes, no invisible characters."""
    return str(quote(graphviz.escape(visible(text))))


_PORTS = {"next": (":e", ":w"), "prev": (":w", ":e"), "tree": (":s", ":n"), "walk": (":e", ":w")}
"""Distinct ports keep two links between the same neighbours apart."""


def _link_line(link: Link, number: int, names: dict[str, str]) -> str:
    tail, head = _PORTS.get(link.kind, ("", ""))
    arrow = "" if link.arrow else "arrowhead=none "
    return f"\t{names[link.source]}{tail} -> {names[link.target]}{head} [{arrow}id=e{number}]\n"
