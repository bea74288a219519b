"""The walk in a dashboard: one line that opens."""

from __future__ import annotations

import pytest

import vmwidgets as vm
from tests.views.pictures import covered_words, misplaced_text, outside
from vmwidgets.views.scene.model import Node, Scene


def line(scene: Scene) -> list[Node]:
    """What the line says, from left to right."""
    return [node for node in scene.nodes if node.id.startswith("walk/line/")]


@pytest.mark.parametrize("width", [420, 640, 900, 1600])
@pytest.mark.parametrize("architecture", ["x86-64-la57", "armv7"])
def test_a_line_has_what_is_read_in_each_table_and_what_comes_of_it(architecture: str, width: int) -> None:
    machine = vm.boot(architecture)
    view = vm.Dashboard(machine)
    view.width = width
    for start in (machine.kernel_map.start, machine.kernel_map.enter("8 KiB", prot="r")):
        walk = machine.walk(start)
        view.selection = f"entry:{machine.kernel_map.lookup(start).id}"
        scene = view.scene()
        assert (outside(scene), misplaced_text(scene), covered_words(scene)) == ([], [], [])
        *read, verdict = line(scene)
        assert [node.thing for node in read] == [f"pte:{step.pa:x}" for step in walk.steps]
        assert [node.text[-1].text.split()[-1] for node in read] == [str(step.index) for step in walk.steps]
        assert ("holds-own-anonymous" in verdict.state) is (walk.fault is None)
        assert not [node for node in (*read, verdict) if "fault" in node.state], "nothing went wrong"
    assert walk.fault is not None, "nothing is in memory yet"
    assert verdict.title == "no page is there yet"


def test_a_press_shows_the_tables_and_another_folds_them() -> None:
    machine = vm.boot("x86-64")
    view = vm.Dashboard(machine)
    before = view.scene()
    assert not any(node.kind == "table" for node in before.nodes)
    view.opened("walk/line")
    whole = view.scene()
    assert sum(node.kind == "table" for node in whole.nodes) == 4
    assert len({node.id for node in whole.nodes}) == len(whole.nodes)
    assert whole.table.more == before.table.more, "the rows are there in both"
    view.opened("walk/line")
    assert view.scene() == before


@pytest.mark.parametrize("width", [420, 640, 1600])
@pytest.mark.parametrize("architecture", ["x86-64", "x86-64-la57", "x86-pae"])
def test_an_index_has_the_name_of_its_table(architecture: str, width: int) -> None:
    """A bare index, such as 257, could be anything; where names and indices have no room in one line, there are two."""
    machine = vm.boot(architecture)
    start = machine.kernel_map.enter("8 KiB", prot="r")
    scene = vm.Dashboard(machine, width=width, selection=f"entry:{machine.kernel_map.lookup(start).id}").scene()
    *read, _ = line(scene)
    assert [" ".join(run.text for run in node.text).rpartition(" ")[0] != "" for node in read] == [True] * len(read)
    assert len({node.text[0].text for node in read}) == len(read), "each has another name"
