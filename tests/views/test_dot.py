"""The graph as Graphviz gets it: every node placed, every name safe, whatever learners call things."""

from __future__ import annotations

import re

import pytest

import vmwidgets as vm
from tests.views.pictures import machine_with
from vmwidgets.views.scene.dot import to_dot
from vmwidgets.views.scene.model import Caption, Link, Node, Scene, Steps, Table, Text

NODE = re.compile(r"^\t(n\d+) \[(.*)\]$", re.MULTILINE)


def scene_of(*nodes: Node, links: tuple[Link, ...] = ()) -> Scene:
    return Scene("test", "t", "", 200, 100, Caption(""), nodes, links, Table((), ()), Steps(0, 0, 0))


@pytest.mark.parametrize("entries", [3, 31, 290])
def test_every_graph_node_has_its_place_in_points_with_y_up(entries: int) -> None:
    machine = machine_with(entries)
    scene = vm.Dashboard(machine).scene()
    found = dict(NODE.findall(to_dot(scene)))
    graph = [node for node in scene.whole().nodes if node.graph]
    assert len(found) == len(graph)
    for number, node in enumerate(graph):
        place = re.search(r'pos="([\d.]+),([\d.]+)"', found[f"n{number}"])
        assert place is not None, node.id
        assert float(place[1]) == pytest.approx(node.x + node.w / 2, abs=0.1)
        assert float(place[2]) == pytest.approx(scene.height - node.y - node.h / 2, abs=0.1)


def test_layout_is_kept_as_given() -> None:
    head = to_dot(scene_of(Node("a", "entry", 0, 0, 10, 10, graph=True))).split("n0")[0]
    assert "layout=nop" in head
    assert "notranslate=true" in head
    assert "fixedsize=true" in head


def test_a_scene_without_graph_is_no_graph() -> None:
    assert to_dot(scene_of(Node("a", "range", 0, 0, 10, 10))) == ""


@pytest.mark.parametrize(
    "label",
    ["a:b:c", "<b>x</b>", "a\\nb", 'quote " here', "back\\", "NUL\x00end", "\\G \\N \\l", "<script>alert(1)</script>"],
)
def test_names_from_learners_neither_invent_nodes_nor_become_markup(label: str) -> None:
    nodes = [Node(f"x:{i}", "entry", 20.0 * i, 0, 10, 10, text=(Text(0, 5, label),), graph=True) for i in range(2)]
    link = Link("l", "next", "x:0", "x:1", ((0, 0), (1, 1)), graph=True)
    dot = to_dot(scene_of(*nodes, links=(link,)))
    assert set(re.findall(r"^\t(n\d+) \[", dot, re.MULTILINE)) == {"n0", "n1"}
    assert re.findall(r"^\t(\S+) -> (\S+)", dot, re.MULTILINE) == [("n0:e", "n1:w")]
    assert "label=<" not in dot
    assert "\x00" not in dot


def test_links_go_only_between_nodes_of_the_graph() -> None:
    inside, outside = Node("a", "entry", 0, 0, 10, 10, graph=True), Node("b", "range", 0, 20, 10, 10)
    dot = to_dot(scene_of(inside, outside, links=(Link("l", "leader", "a", "b", ((0, 0), (1, 1)), graph=True),)))
    assert "->" not in dot
