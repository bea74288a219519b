"""Parts of a dashboard: the last fold first, until the rest has room; a reader's own choice holds; nothing is torn."""

from __future__ import annotations

from dataclasses import replace
from math import inf

import pytest

import vmwidgets as vm
from tests.views.lives import lived_in
from tests.views.pictures import machine_with, misplaced_text, outside
from tests.views.test_kmem_layout import sound
from vmwidgets.views.scene.model import Scene
from vmwidgets.views.scene.parts import fold_parts


def dashboard() -> Scene:
    return vm.picture(machine_with(12)).scene()


def heads(scene: Scene) -> list[str]:
    return [node.id for node in scene.nodes if node.id.startswith("section/")]


def folds(scene: Scene) -> list[str]:
    return [node.id for node in scene.nodes if node.id.startswith("section/") and "folded" in node.state]


def test_a_file_has_no_bound_and_all_parts() -> None:
    scene = dashboard()
    assert fold_parts(scene, heads(scene), inf, {}) is scene
    assert heads(scene) == ["section/kentry", "section/walk"]
    assert not any(node.action for node in scene.nodes if node.id in heads(scene))


def test_as_many_parts_are_open_as_have_room_and_the_last_fold_first() -> None:
    scene = dashboard()
    seen = []
    for room in range(int(scene.height) + 40, 100, -4):
        folded = fold_parts(scene, heads(scene), room, {})
        assert folded.height <= room or len(folds(folded)) == 2
        assert folded.height == pytest.approx(max(node.y + node.h for node in folded.nodes), abs=34)
        assert (misplaced_text(folded), outside(folded)) == ([], [])
        sound(folded)
        seen.append(folds(folded))
    assert seen[0] == []
    assert [one for number, one in enumerate(seen) if number == 0 or one != seen[number - 1]] == [
        [],
        ["section/walk"],
        ["section/kentry", "section/walk"],
    ]


def test_what_was_opened_stays_open_and_what_was_folded_stays_folded() -> None:
    scene = dashboard()
    opened = fold_parts(scene, heads(scene), 100, {"section/walk": True})
    assert folds(opened) == ["section/kentry"]
    assert any(node.id == "walk/line/verdict" for node in opened.nodes)
    shut = fold_parts(scene, heads(scene), 5000, {"section/kentry": False})
    assert folds(shut) == ["section/kentry"]
    (words,) = (node.text[0].text for node in shut.nodes if node.id == "section/kentry")
    assert words == "records of entries"


def test_lines_and_marks_go_with_their_part() -> None:
    scene = vm.picture(machine_with(80)).scene()
    assert scene.marks
    folded = fold_parts(scene, heads(scene), 100, {"section/walk": True})
    gone = next(node for node in scene.nodes if node.id == "section/walk").y
    now = next(node for node in folded.nodes if node.id == "section/walk").y
    assert now < gone, "the part above it is a line"
    there = {node.id: node for node in folded.nodes}
    for link in folded.links:
        if link.id.startswith("walk/"):
            (before,) = (one for one in scene.links if one.id == link.id)
            assert [y for _, y in link.points] == pytest.approx([y - (gone - now) for _, y in before.points])
            assert link.source in there
    assert folded.marks == scene.marks, "they are in the part that never folds"


def test_kernel_memory_folds_too() -> None:
    scene = vm.Dashboard(lived_in(3)).scene()
    names = heads(scene)
    assert names == ["section/threads", "section/frames"]
    folded = fold_parts(scene, names, 400, {})
    assert folds(folded) == names
    sound(folded)


@pytest.mark.parametrize("room", [300.0, 900.0])
def test_a_picture_of_a_domain_has_no_parts_to_fold(room: float) -> None:
    domain = vm.boot("armv7").domain("hello")
    domain.map(domain.frame())
    shown = vm.picture(domain.machine)
    whole, here = (shown.drawing(replace(shown.at(), height=high)) for high in (inf, room))
    assert {node.id for node in here.nodes} == {node.id for node in whole.nodes}
    assert here.height == whole.height
