"""The stages of a tree's repair, beside the map's own tree at each of them."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from itertools import pairwise

import pytest

import vmwidgets as vm
from vmwidgets import events as ev
from vmwidgets.engine.kernel.map.map_schema import MapValue
from vmwidgets.engine.machine.handles.tasks import Task
from vmwidgets.pictures.maps import Tree
from vmwidgets.views.maps.repair import Stage, stages_of, words_of
from vmwidgets.views.scene.model import Scene
from vmwidgets.views.story.look import Look


def lives(seed: int) -> Iterator[Task]:
    """A task whose map grows to 40 entries and shrinks again, after each operation."""
    task = vm.boot("x86-64").task("init")
    rng = random.Random(seed)
    pages = rng.sample(range(1, 400), 40)
    for page in pages:
        task.map.enter(vm.PAGE, at=page << 16, fixed=True)
        yield task
    for page in rng.sample(pages, 30):
        task.map.remove(page << 16, (page << 16) + vm.PAGE)
        yield task


def looked_at(task: Task) -> tuple[Look[MapValue], list[Stage]]:
    view = Tree(task.map)
    at = view.at()
    look = view._look(at.target, at.moment, 100)
    return look, stages_of(look)


def red_below_red(tree: MapValue) -> set[int]:
    reds = {node.id for node in tree.nodes.values() if node.red}
    return {child for node in tree.nodes.values() if node.red for child in (node.left, node.right) if child in reds}


@pytest.mark.parametrize("seed", [3, pytest.param(4, marks=pytest.mark.sweep)])
def test_stages_follow_each_other_and_end_with_the_tree_in_order(seed: int) -> None:
    turned = 0
    for task in lives(seed):
        look, stages = looked_at(task)
        assert stages[-1].after.nodes == look.after.nodes and stages[0].before.nodes == look.before.nodes
        assert all(one.after.nodes == other.before.nodes for one, other in pairwise(stages))
        assert not red_below_red(stages[-1].after)
        assert all(stage.before.nodes != stage.after.nodes for stage in stages)
        rotations = task.machine.journal.last.rotations
        assert sum(type(stage.events[-1]).__name__ == "TreeRotated" for stage in stages) == rotations
        turned += rotations > 1
    assert turned > 3


def name(identity: int) -> str:
    return f"r{identity}"


def test_a_stage_names_the_nodes_that_have_another_colour_after_it() -> None:
    for task in lives(3):
        for stage in looked_at(task)[1]:
            if isinstance(stage.events[-1], (ev.TreeLinked, ev.TreeUnlinked)):
                continue
            said = words_of(stage, name)[1].rpartition(";")[2]
            turned = {one for one, node in stage.after.nodes.items() if stage.before.nodes[one].red != node.red}
            named = re.findall(r"r\d+", said) if turned else []
            assert sorted(named) == sorted(map(name, turned))


def trees_of(scene: Scene) -> list[dict[str, tuple[float, float]]]:
    """Of each stage its entries with the places of their nodes."""
    lanes = [lane.name for lane in scene.lanes]
    return [{node.thing: (node.x, node.y) for node in scene.nodes if node.lane == lane} for lane in lanes]


@pytest.mark.parametrize("width", [900, pytest.param(420, marks=pytest.mark.sweep)])
def test_all_stages_have_the_order_of_addresses(width: int) -> None:
    for task in lives(3):
        trees = trees_of(Tree(task.map, stages=True, width=width).scene())
        starts = {f"entry:{entry.id}": entry.start for entry in task.map.value().entries}
        for tree in trees:
            there = [thing for thing in sorted(tree, key=lambda one: tree[one][0]) if thing in starts]
            assert there == sorted(there, key=starts.__getitem__)


def test_each_stage_marks_what_is_red_below_red() -> None:
    for task in lives(3):
        scene = Tree(task.map, stages=True).scene()
        if len(scene.lanes) < 2:
            continue
        _, stages = looked_at(task)
        for number, stage in enumerate(stages):
            marked = {
                link.target for link in scene.links if link.id.startswith(f"tree/{number}/") and "fault" in link.state
            }
            shown = {node.id for node in scene.nodes}
            wrong = {f"tree/{number}/{one}" for one in red_below_red(stage.after)}
            assert marked == wrong & shown and (not wrong or wrong & shown)


def test_the_stages_come_one_after_the_other_in_the_steps_of_the_operation() -> None:
    task = next(task for task in lives(3) if task.machine.journal.last.rotations > 1)
    view = Tree(task.map, stages=True)
    seen = []
    for step in [*range(view.scene().steps.count), -1]:
        view.step = step
        seen.append(len(view.scene().lanes))
    assert seen == sorted(seen) and seen[0] == 1 and seen[-1] == len(looked_at(task)[1])


def test_an_operation_that_moved_no_node_has_the_tree_alone() -> None:
    task = vm.boot("x86-64").task("init")
    task.map.enter("16 KiB")
    task.map.protect(0, 0x4000, prot="r")
    plain, staged = Tree(task.map).scene(), Tree(task.map, stages=True).scene()
    assert {node.id for node in staged.nodes} - {node.id for node in plain.nodes} == {"tree/none"}
    assert staged.lanes == plain.lanes


@pytest.mark.parametrize("width", [420, 900])
def test_each_node_that_a_stage_is_about_has_its_name_below_it(width: int) -> None:
    crowded = 0
    for task in lives(3):
        _, stages = looked_at(task)
        scene = vm.Tree(task.map, stages=True, width=width, whole=100).scene()
        if len(stages) < 2:
            continue
        places = {node.id: node for node in scene.nodes}
        for number, stage in enumerate(stages):
            _, words = words_of(stage, name)
            named = re.findall(r"r\d+", words)
            in_tree = [entry for entry in stage.after.entries if entry.id in stage.after.nodes]
            about = [entry.id for entry in in_tree if name(entry.id) in named]
            below = [places[f"tree/{number}/name/{one}"] for one in about]
            for identity, label in zip(about, below, strict=True):
                node = places[f"tree/{number}/{identity}"]
                assert label.y > node.y and label.x < node.x + node.w / 2 < label.x + label.w
            crowded += len({label.y for label in below}) > 1
        labels = [node for node in scene.nodes if "/name/" in node.id]
        for left, right in pairwise(sorted(labels, key=lambda node: (node.y, node.x))):
            assert left.y != right.y or left.x + left.w <= right.x
    assert crowded, "some have no room in one line"


def test_the_count_of_a_fold_is_explained_if_there_is_one() -> None:
    *_, task = lives(3)
    for whole in (5, 100):
        scene = vm.Tree(task.map, stages=True, whole=whole).scene()
        is_folded = any(node.kind == "fold" for node in scene.nodes)
        assert is_folded == (whole == 5)
        assert is_folded == any(node.id == "tree/folds" for node in scene.nodes)
