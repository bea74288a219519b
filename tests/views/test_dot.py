"""The structure of pictures as Graphviz lays it out: its orders, its ports and clusters, whatever names are in it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import graphviz
import pytest

import vmwidgets as vm
from tests.views import gallery
from tools.laid_out import laid_out
from vmwidgets.engine.base.errors import Refused
from vmwidgets.views.scene.dot import BACKSLASH, THEMES, source, to_dot
from vmwidgets.views.scene.model import Caption, Link, Node, Scene, Steps, Table, Text
from vmwidgets.views.scene.text import visible

SVG = "{http://www.w3.org/2000/svg}"


def scene_of(*nodes: Node, links: tuple[Link, ...] = ()) -> Scene:
    return Scene("test", "t", "", 200, 100, Caption(""), nodes, links, Table((), ()), Steps(0, 0, 0))


def drawn(svg: str) -> Iterator[tuple[str, ET.Element]]:
    """What Graphviz has drawn: "node", "edge" or "cluster", and the group."""
    for group in ET.fromstring(svg).iter(f"{SVG}g"):
        kind = group.get("class", "").partition(" ")[0]
        if kind in ("node", "edge", "cluster"):
            yield kind, group


def words_in(group: ET.Element) -> list[str]:
    lines = ["".join(text.itertext()) for text in group.iter(f"{SVG}text")]
    return [words for line in lines if (words := " ".join(line.replace("\xa0", " ").split()))]


def placed(scenes: list[Scene]) -> list[dict[str, tuple[float, float]]]:
    """Where `dot` has put each node, by the scene's id: x, and y upwards."""
    found = []
    for answer in map(json.loads, laid_out(list(map(to_dot, scenes)), "json", "dot")):
        places = [(one["id"], one["pos"].split(",")) for one in answer["objects"] if {"id", "pos"} <= one.keys()]
        found.append({name: (float(x), float(y)) for name, (x, y) in places})
    return found


def maps() -> Iterator[vm.Machine]:
    """Machines whose kernel maps differ, with trees in which left and right children are missing."""
    for count in (0, 1, 2, 3, 6, 11, 40):
        machine = vm.boot("x86-64")
        for number in range(count):
            machine.kernel_map.enter("16 KiB", prot=("rw", "r", "rx")[number % 3])
        yield machine


def test_a_left_child_lies_left_of_its_parent_and_each_below() -> None:
    machines = list(maps())
    scenes = [vm.picture(vm.Tree(machine.kernel_map)).scene().whole() for machine in machines]
    branches = 0
    for machine, scene, where in zip(machines, scenes, placed(scenes), strict=True):
        starts = {f"tree/{one.id}": one.start for one in machine.kernel_map.entries()}
        for link in scene.links:
            parent, child = where[link.source], where[link.target]
            assert (child[0] < parent[0]) == (starts[link.target] < starts[link.source]), link.id
            assert child[1] < parent[1], link.id
            branches += 1
    assert branches > 50


def test_entries_lie_in_the_order_of_addresses_alone_and_below_their_tree() -> None:
    machines = list(maps())
    alone = [vm.picture(vm.EntryList(machine.kernel_map)).scene() for machine in machines]
    searched = [vm.Map(one.kernel_map, find=one.kernel_map.entries()[1].start) for one in machines]
    below = [picture.scene() for picture in searched]
    for machine, lists, tree in zip(machines * 2, placed(alone + below), [False] * 7 + [True] * 7, strict=True):
        entries = [place for one in machine.kernel_map.entries() if (place := lists.get(f"list/{one.id}"))]
        assert entries == sorted(entries)
        assert len(entries) > 2
        if tree:
            assert max(y for _, y in entries) < min(y for name, (_, y) in lists.items() if name.startswith("tree/"))


@pytest.mark.parametrize("architecture", ["x86-64", "x86-64-la57", "armv7", "aarch64", "x86-pae"])
def test_levels_of_a_walk_lie_in_their_order(architecture: str) -> None:
    machine = vm.boot(architecture)
    task = machine.task("init")
    start = task.mmap("8 KiB")
    task.write(start, b"x")
    scene = vm.picture(task.walk(start)).scene()
    (where,) = placed([scene])
    levels = [where[table] for table in sorted((one for one in where if one.startswith("walk/table/")), reverse=True)]
    assert len(levels) > 1
    for (x, _), (next_x, _) in zip(levels, [*levels[1:], where["walk/page"]], strict=True):
        assert x < next_x


def test_what_lies_in_a_box_is_a_port_of_it_and_links_lead_to_ports() -> None:
    machine = vm.boot("x86-64")
    start = machine.kmem_malloc("16 KiB")
    text = to_dot(vm.picture(machine.walk(start)).scene())
    links = re.findall(r"^\t(n\d+:p\d+) -> (n\d+(?::p\d+)?) .*link next", text, re.MULTILINE)
    assert len(links) == 4, "from entry to entry, and to the page"
    assert all(f'PORT="{port.partition(":")[2]}"' in text for port, _ in links)


@pytest.mark.parametrize("architecture", ["x86-64", "armv7"])
def test_a_table_lies_right_of_the_descriptor_that_leads_to_it(architecture: str) -> None:
    machine = vm.boot(architecture)
    task = machine.task("init")
    for number in range(4):
        task.write(task.mmap("8 KiB", at=0x1000_0000 << number), b"x")
    scene = vm.picture(vm.Tables(task)).scene().whole()
    (where,) = placed([scene])
    tables = [node for node in scene.nodes if node.kind == "table"]
    slots = {node.id: node for node in scene.nodes}
    down = [link for link in scene.links if link.target != "tables/table/4/0"]  # its last entry refers to itself
    assert len(down) == len(tables) - 1, "a descriptor leads to each table but the root"
    for link in down:
        slot = slots[link.source]
        (holder,) = (one for one in tables if one.x <= slot.x < one.x + one.w and one.y <= slot.y < one.y + one.h)
        assert where[holder.id][0] < where[link.target][0], link.id


def test_what_is_like_something_linked_is_drawn_too_in_its_order() -> None:
    machine = vm.boot("x86-64")
    task = machine.task("init")
    start = task.mmap("64 KiB")
    for page in range(5):
        task.write(start + page * vm.PAGE, b"x")
    clock, inverted = vm.picture(vm.Clock(machine)).scene(), vm.picture(machine.frames.inverted()).scene()
    (pages, buckets) = placed([clock, inverted])
    assert len([one for one in pages if re.fullmatch(r"clock/\d+", one)]) == 5, "the hand is at one of them"
    heights = [buckets[f"inverted/bucket/{number}"][1] for number in range(8)]
    assert heights == sorted(heights, reverse=True), "the first is on top, and those without an entry among them"


def test_rows_that_a_press_selects_are_links_only_for_a_page() -> None:
    machine = vm.boot("x86-64")
    task = machine.task("init")
    task.write(task.mmap("8 KiB"), b"x")
    scene = vm.picture(vm.Tables(task)).scene()
    assert "HREF" not in to_dot(scene)
    (svg,) = laid_out([to_dot(scene, links_rows=True)], "svg", "dot")
    linked = {
        row.get("id", "").removeprefix("a_")
        for row in ET.fromstring(svg).iter(f"{SVG}g")
        if row.find(f"{SVG}a") is not None
    }
    slots = {node.id for node in scene.whole().nodes if node.id.startswith("tables/slot/") and node.action}
    assert len(slots) > 4
    assert slots <= linked


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
def test_graphviz_lays_out_every_picture_with_all_that_is_linked(pictures: Callable[[], gallery.Named]) -> None:
    scenes = {name: picture.scene().whole() for name, picture in pictures()}
    for theme in THEMES:
        texts = [to_dot(scene, theme) for scene in scenes.values()]
        for (name, scene), svg in zip(scenes.items(), laid_out(texts, "svg", "dot"), strict=True):
            groups = list(drawn(svg))
            assert any(words_in(group) for _, group in groups), name
            known = {visible(node.id) for node in scene.nodes}
            ids = [group.get("id", "") for kind, group in groups if kind == "node"]
            assert {one for one in ids if not re.fullmatch(r"node\d+", one)} <= known, name
            edges = {group.get("id") for kind, group in groups if kind == "edge"}
            things = {node.id: node.thing for node in scene.nodes}
            for link in scene.links:
                ends = {things.get(link.source), things.get(link.target)}
                joins = len(ends - {""}) == 2 if link.kind == "band" else link.kind not in ("around", "track")
                if joins and None not in ends:
                    assert visible(link.id) in edges, (name, link.id)


def test_states_have_the_colours_of_the_theme() -> None:
    machine = vm.boot("x86-64")
    machine.kernel_map.enter("16 KiB", prot="r")
    for theme, colours in THEMES.items():
        text = vm.picture(machine.kernel_map).to_dot(theme=theme)
        assert f'bgcolor="{colours["ground"]}"' in text
        new = [line for line in text.splitlines() if re.search(r'class="[^"]*\bnew\b', line)]
        assert new
        assert all(f'color="{colours["new"]}"' in line for line in new)
    with pytest.raises(Refused, match=r"^theme='sepia'"):
        vm.picture(machine.kernel_map).to_dot(theme="sepia")


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz's program dot is not installed")
def test_the_program_dot_lays_it_out_without_a_word() -> None:
    done = subprocess.run(
        ["dot", "-Tplain"], input=vm.picture(vm.boot("x86-64")).to_dot(), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("graph ")


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


def names(where: str) -> Iterator[tuple[Scene, list[str]]]:
    """Two nodes with a link, and the words of a learner: in the nodes, or in a box and what lies in it."""
    for name in NAMES:
        words: Any = (Text(0, 5, name),)
        nodes = [Node(f"x:{i}/{name}", "entry", 20.0 * i, 0, 10, 10, text=words) for i in range(2)]
        link = Link(f"{name}/next", "next", nodes[0].id, nodes[1].id, ((10, 5), (20, 5)))
        said = [" ".join(visible(name).split())] * 2
        if where == "ports":
            nodes.append(Node("box", "table", -2, -2, 14, 14, text=words))
            said[1] = said[0].replace("\\", BACKSLASH)  # in the box, and of the box
            said.append(said[1])
        yield scene_of(*nodes, links=(link,)), [one for one in said if one]


@pytest.mark.parametrize("where", ["nodes", "ports"])
def test_names_from_learners_neither_invent_nodes_nor_become_markup(where: str) -> None:
    scenes = list(names(where))
    for (_, said), svg in zip(scenes, laid_out([to_dot(scene) for scene, _ in scenes], "svg", "dot"), strict=True):
        groups = list(drawn(svg))
        assert sorted(kind for kind, _ in groups) == ["edge", "node", "node"]
        assert sorted(word for _, group in groups for word in words_in(group)) == sorted(said)


def test_links_go_only_between_nodes_of_the_picture() -> None:
    one = Node("a", "entry", 0, 0, 10, 10, text=(Text(0, 5, "a"),))
    dot = to_dot(scene_of(one, links=(Link("l", "leader", "a", "gone", ((0, 0), (1, 1))),)))
    assert "n0 [" in dot
    assert "->" not in dot


def test_a_picture_without_anything_says_what_it_is() -> None:
    assert 'label="t' in to_dot(scene_of())
