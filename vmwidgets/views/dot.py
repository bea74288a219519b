"""A scene as DOT, for Graphviz: every node where the scene has it, so that Graphviz only draws and routes.

The names of nodes are `n0`, `n1`, … in the order of the scene's graph nodes; the scene's own id travels in `id`.  One pixel
is one point; y points up.
"""

from __future__ import annotations

import graphviz

from .scene import Link, Node, Scene
from .text import visible

_POINTS_PER_INCH = 72.0
_SHAPES = {"box": "box", "round": "box", "none": "plain", "triangle": "invtriangle"}


def to_dot(scene: Scene) -> str:
    """DOT text of the scene's graph; empty if nothing in it is one."""
    nodes = [node for node in scene.nodes if node.graph]
    if not nodes:
        return ""
    graph = graphviz.Digraph("scene", graph_attr=_GRAPH, node_attr=_NODE, edge_attr={"arrowsize": "0.6"})
    names: dict[str, str] = {}
    for number, node in enumerate(nodes):
        names[node.id] = f"n{number}"
        graph.node(f"n{number}", graphviz.escape(_label(node)), **_node_attributes(scene, node))
    links = [link for link in scene.links if link.graph and link.source in names and link.target in names]
    for number, link in enumerate(links):
        graph.edge(*_ends(link, names), **_link_attributes(link, number))
    return str(graph.source)


_GRAPH = {"layout": "nop", "notranslate": "true", "splines": "true"}
_NODE = {"fixedsize": "true", "fontname": "monospace", "fontsize": "10", "margin": "0"}


def _label(node: Node) -> str:
    return visible(" ".join(run.text for run in node.text))


def _node_attributes(scene: Scene, node: Node) -> dict[str, str]:
    x, y = node.x + node.w / 2, scene.height - (node.y + node.h / 2)
    attributes = {
        "id": graphviz.escape(visible(node.id)),
        "pos": f"{x:.1f},{y:.1f}",
        "width": f"{node.w / _POINTS_PER_INCH:.4f}",
        "height": f"{node.h / _POINTS_PER_INCH:.4f}",
        "shape": _SHAPES[node.shape],
    }
    if node.shape == "round":
        attributes["style"] = "rounded"
    return attributes


def _ends(link: Link, names: dict[str, str]) -> tuple[str, str]:
    """Distinct ports keep two links between the same neighbours apart."""
    ports = {"next": (":e", ":w"), "prev": (":w", ":e"), "tree": (":s", ":n"), "walk": (":e", ":w")}
    tail, head = ports.get(link.kind, ("", ""))
    return names[link.source] + tail, names[link.target] + head


def _link_attributes(link: Link, number: int) -> dict[str, str]:
    attributes = {"id": f"e{number}"}
    if not link.arrow:
        attributes["arrowhead"] = "none"
    return attributes
