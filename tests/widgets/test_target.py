"""Another target for a picture: of the same kind and machine, on the same page."""

from __future__ import annotations

from typing import Any

import pytest

import vmwidgets as vm
from tests.widgets.page import HELLO, draw, replies
from vmwidgets.widgets.host.packing import unpack
from vmwidgets.widgets.host.refresh import refresher


@pytest.fixture
def machine() -> vm.Machine:
    made = vm.boot("x86-64", layout="small")
    made.task("init").map.enter("16 KiB", at=0x40_0000)
    made.task("other").map.enter("8 KiB", at=0x80_0000)
    return made


@pytest.mark.parametrize("make", [vm.Map, vm.Tree, vm.picture])
def test_a_picture_of_a_map_shows_that_of_another_task(make: Any, machine: vm.Machine) -> None:
    picture = make(machine.tasks["init"].map)
    assert "init" in picture.scene().title
    picture.target = machine.tasks["other"].map
    assert picture.target is machine.tasks["other"].map
    assert picture.to_json()["title"] == make(machine.tasks["other"].map).to_json()["title"]
    assert picture.to_svg() == make(machine.tasks["other"].map).to_svg()


def test_on_a_page_the_next_frame_is_of_the_other_target_and_the_model_stays(machine: vm.Machine) -> None:
    view = vm.Map(machine.tasks["init"].map, whole=20)
    replies(view, HELLO)
    draw(view)
    model, seq = view.model_id, view.seq
    view.target = machine.tasks["other"].map
    refresher.flush()
    assert (view.model_id, view.seq, view.whole) == (model, seq + 1, 20)
    assert "other" in unpack(view.frame["data"])["scene"]["title"]
    machine.tasks["other"].map.remove(0x80_0000, size="4 KiB")
    refresher.flush()
    assert view.seq == seq + 2


def test_a_walk_is_of_the_new_address(machine: vm.Machine) -> None:
    view = vm.Walk(machine.walk(0x40_0000, task="init"))
    view.target = machine.walk(0x80_0000, "write", task="other")
    assert (view.address, view.access) == (0x80_0000, "write")
    assert "other" in view.scene().title + view.scene().subtitle


@pytest.mark.parametrize(
    ("other", "sentence"),
    [
        (lambda machine: machine.frames, "Map shows"),
        (lambda machine: None, "Map shows"),
        (lambda machine: 5, "Map shows"),
        (lambda machine: vm.boot().kernel_map, "target: this is a picture of"),
    ],
)
def test_what_it_can_not_show_is_refused_and_it_stays_as_it_was(other: Any, sentence: str, machine: vm.Machine) -> None:
    view = vm.Map(machine.tasks["init"].map)
    before = view.to_svg()
    with pytest.raises(vm.Refused, match=sentence):
        view.target = other(machine)
    assert view.target is machine.tasks["init"].map
    assert view.to_svg() == before
