"""What else draws a tree in a notebook: in a JupyterLab of its own environment, with Graphviz's `dot`."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.browser.lab import Server
from tools import environment

FOLDER = environment.ROOT / ".cache" / "peers"

SETUP = """
import graphviz, ipycytoscape, memory_graph
from graphviz_anywidget import GraphvizAnyWidget

def nodes(m):
    "Number, start, colour and children of each node of the tree.  Read where it is, so that others lose no time."
    pending = [m.system.maps["kernel_map"].tree.root]
    while pending:
        node = pending.pop()
        children = [child for child in (node.left, node.right) if child is not None]
        yield node.id, node.start, node.red, [child.id for child in children]
        pending += children

def source(m):
    "The tree as DOT, for Graphviz to lay out and draw."
    lines = ["digraph { node [style=filled fontcolor=white shape=box fontname=monospace]"]
    for number, start, red, children in nodes(m):
        lines.append(f'n{number} [label="{start:x}" fillcolor={"red" if red else "black"}]')
        lines.extend(f"n{number} -> n{child}" for child in children)
    return "\\n".join([*lines, "}"])

def drawing(m):
    "What graphviz displays."
    return graphviz.Source(source(m))

class Node:
    "A node as a learner's program has it, for memory_graph, which draws the values of Python's variables."

def objects(m):
    "What memory_graph displays: the tree as objects that refer to each other."
    made = {}
    known = list(nodes(m))
    for number, start, red, _ in known:
        made[number] = node = Node()
        node.start, node.red, node.children = f"{start:x}", red, []
    for number, _, _, children in known:
        made[number].children = [made[child] for child in children]
    return memory_graph.create_graph(made[known[0][0]])

class Cytoscape:
    "A graph of ipycytoscape that is changed where the tree changed, and laid out again."

    STYLE = [
        {"selector": "node", "style": {
            "label": "data(label)", "shape": "rectangle", "color": "white", "text-valign": "center",
            "background-color": "data(colour)", "width": 120, "height": 24}},
        {"selector": "edge", "style": {"width": 2}},
    ]

    def __init__(self, m):
        self.widget = ipycytoscape.CytoscapeWidget()
        self.widget.set_style(self.STYLE)
        self.widget.set_layout(name="dagre", animate=False)
        self.nodes, self.edges = {}, {}
        self.follow(m)

    def follow(self, m):
        known = list(nodes(m))
        there = {number: (f"{start:x}", "red" if red else "black") for number, start, red, _ in known}
        linked = {(number, child) for number, _, _, children in known for child in children}
        graph = self.widget.graph
        for pair in [pair for pair in self.edges if pair not in linked]:
            graph.remove_edge(self.edges.pop(pair))
        for number in [number for number in self.nodes if number not in there]:
            graph.remove_node(self.nodes.pop(number))
        for number, (label, colour) in there.items():
            node = self.nodes.get(number)
            if node is not None and node.data["colour"] != colour:
                node.data = {**node.data, "colour": colour}
        fresh = {number: ipycytoscape.Node(data={"id": f"n{number}", "label": label, "colour": colour})
                 for number, (label, colour) in there.items() if number not in self.nodes}
        joined = {(a, b): ipycytoscape.Edge(data={"source": f"n{a}", "target": f"n{b}"}, classes="directed")
                  for a, b in linked if (a, b) not in self.edges}
        self.nodes.update(fresh)
        self.edges.update(joined)
        graph.add_nodes(list(fresh.values()))
        graph.add_edges(list(joined.values()), directed=True)
        self.widget.relayout()
"""


def dot() -> Path:
    """Find Graphviz's program; raises :class:`RuntimeError` where there is none."""
    found = subprocess.run([environment.ROOT / "tools" / "program", "dot"], capture_output=True, text=True, check=False)
    if found.returncode:
        raise RuntimeError(found.stderr.strip())
    return Path(found.stdout.strip())


class PeersLab(Server):
    """JupyterLab in the environment that has them all; this package comes from the checkout."""

    def _command(self) -> list[str]:
        python = environment.beside(FOLDER, environment.PYTHON, "peers")
        return [str(python), *super()._command()[1:]]

    def _environment(self) -> dict[str, str]:
        kept = super()._environment()
        return {**kept, "PATH": f"{dot().parent}{os.pathsep}{kept.get('PATH', os.defpath)}"}
