"""Pictures as Graphviz draws them: the same nodes, words and links, each in its place, whatever their names are."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import graphviz
import pytest

import vmwidgets as vm
from tests.views import gallery
from tests.views.laid_out import laid_out
from vmwidgets.views.scene.dot import source, to_dot
from vmwidgets.views.scene.model import Caption, Link, Node, Scene, Steps, Table, Text
from vmwidgets.views.scene.text import cut, visible

NODE = re.compile(r"^\t(n\d+) \[(.*)\]$", re.MULTILINE)
SVG = "{http://www.w3.org/2000/svg}"


def scene_of(*nodes: Node, links: tuple[Link, ...] = ()) -> Scene:
    return Scene("test", "t", "", 200, 100, Caption(""), nodes, links, Table((), ()), Steps(0, 0, 0))


def lines_of(node: Node) -> list[str]:
    """The words of a node, as they stand one below the other: what is less than half a letter lower is beside.

    A name that has no room is cut, as in files.
    """
    lines: list[list[Text]] = []
    for run in sorted(node.text, key=lambda run: run.y):
        if lines and run.y < lines[-1][0].y + 5:
            lines[-1].append(run)
        else:
            lines.append([run])
    rows = (sorted(line, key=lambda run: run.x) for line in lines)
    return [words for row in rows if (words := " ".join(" ".join(visible(cut(run)) for run in row).split()))]


def drawn(svg: str) -> Iterator[tuple[str, ET.Element]]:
    """What Graphviz has drawn: "node" or "edge", and the group."""
    for group in ET.fromstring(svg).iter(f"{SVG}g"):
        kind = group.get("class", "").partition(" ")[0]
        if kind in ("node", "edge"):
            yield kind, group


def words_in(group: ET.Element) -> list[str]:
    lines = ["".join(text.itertext()) for text in group.iter(f"{SVG}text")]
    return [words for line in lines if (words := " ".join(line.replace("\xa0", " ").split()))]


@pytest.mark.once
@pytest.mark.parametrize(
    "pictures",
    [
        gallery.of_maps,
        gallery.of_tables,
        gallery.of_pasted,
        gallery.of_real_kernels,
        gallery.of_memory,
        gallery.of_objects,
        gallery.of_domains,
        gallery.of_comparisons,
        gallery.of_references,
        *gallery.long_names(),
    ],
)
@pytest.mark.sampled(4)
def test_graphviz_draws_every_picture_with_the_same_nodes_words_and_links(
    pictures: Callable[[], gallery.Named],
) -> None:
    scenes = {name: picture.scene().whole() for name, picture in pictures()}
    texts = [to_dot(scene) for scene in scenes.values()]
    for (name, scene), svg in zip(scenes.items(), laid_out(texts, "svg", "nop2"), strict=True):
        groups = list(drawn(svg))
        nodes = {group.get("id"): words_in(group) for kind, group in groups if kind == "node"}
        assert nodes == {visible(node.id): lines_of(node) for node in scene.nodes}, name
        links = [group.get("id") for kind, group in groups if kind == "edge"]
        assert sorted(filter(None, links)) == sorted(visible(link.id) for link in scene.links), name


def centre(node: Node, scene: Scene) -> tuple[float, float]:
    return node.x + node.w / 2, scene.height - node.y - node.h / 2


def of_parts() -> Iterator[Scene]:
    """Pictures with trees, arrows, bends and many small things."""
    machine = vm.boot("x86-64")
    where = machine.kernel_map.enter("16 KiB")
    for part in (machine.kernel_map, machine.walk(where), machine.kentry, vm.Tables(machine), vm.Kmem(machine)):
        yield vm.picture(part).scene().whole()


def test_everything_is_where_it_is_in_the_picture() -> None:
    scenes = list(of_parts())
    for scene, answer in zip(scenes, laid_out(list(map(to_dot, scenes)), "json0", "nop2"), strict=True):
        placed = json.loads(answer)
        for node, got in zip(scene.nodes, placed["objects"], strict=True):
            assert tuple(map(float, got["pos"].split(","))) == pytest.approx(centre(node, scene), abs=0.5), node.id
            assert float(got["width"]) * 72 == pytest.approx(node.w, abs=0.5), node.id
        for link, got in zip(scene.links, placed.get("edges", ()), strict=True):
            (x, y), *more = (word.split(",") for word in got["pos"].split() if not word.startswith("e,"))
            begin = link.points[0][0], scene.height - link.points[0][1]
            assert (float(x), float(y)) == pytest.approx(begin, abs=0.5), link.id
            assert len(more) == 3 * (len(link.points) - 1), "each piece of the way is a curve"


def test_a_source_is_the_packages_own_and_has_the_same_text() -> None:
    picture = vm.picture(vm.boot("x86-64"))
    found = picture.graphviz()
    assert isinstance(found, graphviz.Source)
    assert found.source.strip() == picture.to_dot().strip() == source(picture.scene()).source.strip()


def test_without_graphvizs_program_a_cell_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    shown = vm.picture(vm.boot("x86-64")).graphviz()._repr_mimebundle_()
    assert list(shown) == ["text/plain"]
    assert "dot is not installed" in shown["text/plain"]


NAMES = [
    "a:b:c", "<b>x</b>", "a\\nb", 'quote " here', "back\\", "NUL\x00end", "\\G \\N \\l", "<script>alert(1)</script>",
    "&lt;i&gt; &amp; &#65;", "記憶體", "%s {x}", "",
]  # fmt: skip


def test_names_from_learners_neither_invent_nodes_nor_become_markup() -> None:
    scenes = []
    for name in NAMES:
        nodes = [Node(f"x:{i}/{name}", "entry", 20.0 * i, 0, 10, 10, text=(Text(0, 5, name),)) for i in range(2)]
        ends = nodes[0].id, nodes[1].id
        scenes.append(scene_of(*nodes, links=(Link(f"{name}/next", "next", *ends, ((10, 5), (20, 5))),)))
    for scene, svg in zip(scenes, laid_out(list(map(to_dot, scenes)), "svg", "nop2"), strict=True):
        groups = list(drawn(svg))
        assert [kind for kind, _ in groups] == ["edge", "node", "node"]
        assert [group.get("id") for _, group in groups[1:]] == [visible(node.id) for node in scene.nodes]
        assert [words_in(group) for _, group in groups[1:]] == [lines_of(node) for node in scene.nodes]


def test_links_go_only_between_nodes_of_the_picture() -> None:
    one = Node("a", "entry", 0, 0, 10, 10)
    dot = to_dot(scene_of(one, links=(Link("l", "leader", "a", "gone", ((0, 0), (1, 1))),)))
    assert NODE.findall(dot)
    assert "->" not in dot


def test_the_layout_is_kept_as_given() -> None:
    head = to_dot(scene_of(Node("a", "entry", 0, 0, 10, 10))).split("n0")[0]
    assert "layout=nop2" in head
    assert "notranslate=true" in head
    assert "fixedsize=true" in head


def test_a_file_tells_what_is_new_changed_and_on_the_path_apart() -> None:
    nodes = [
        Node(state, "entry", 20.0 * i, 0, 10, 10, state=(state,))
        for i, state in enumerate(("new", "changed", "path", "plain"))
    ]
    looks = [re.sub(r'(id|class|pos)=("[^"]*"|\S+)', "", line) for _, line in NODE.findall(to_dot(scene_of(*nodes)))]
    assert len(set(looks)) == 4
