"""Pictures of a machine's maps, and of maps that search by another rule."""

from __future__ import annotations

from typing import Any

import pytest

import vmwidgets as vm
from tests.captions import saying


def test_a_dashboard_goes_to_the_map_that_was_worked_on() -> None:
    """Its addresses are the task's: walked in the kernel's tables, they would all fault."""
    machine = vm.boot()
    machine.object("heap")
    space = machine.task("t").map
    view = vm.Dashboard(machine)
    place = space.enter("16 KiB", at="1 MiB", object="heap")
    machine.tasks["t"].write(place, b"x")
    space.protect(place, size="4 KiB", prot="r")
    scene = view.scene()
    assert scene.title.endswith(": the map of t")
    words = " ".join(text.text for node in scene.nodes for text in node.text)
    assert words.startswith("t has ")
    assert "walk of" in words
    assert "#PF" not in words
    machine.kernel_map.enter("4 KiB")
    assert view.scene().title.endswith(": kernel_map")


@pytest.mark.parametrize("view", [vm.Map, vm.Dashboard])
def test_a_rule_that_is_not_x15s_own_is_named(view: type[vm.View]) -> None:
    machine = vm.boot()

    def said(task: Any) -> str:
        return view(task).scene().subtitle

    assert said(machine.task("best", placement="best")).endswith(" · best fit")
    assert "fit" not in said(machine.task("x15"))


def test_an_interrupted_operation_says_how_far_it_got() -> None:
    space = vm.boot().task("t").map
    first = space.enter("4 KiB", nomerge=True)
    second = space.enter("4 KiB", nomerge=True)
    space.door.stop_at = 2
    with pytest.raises(KeyboardInterrupt):
        space.remove(first, size="8 KiB")
    text = saying("headlines: interrupted", name="remove", address=second)
    assert text in vm.Map(space).scene().caption.text


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("/usr/lib/libc.so.6", "libc.so.6"),
        ("/a</svg><script>x/script>", "/a</svg><script>x/script>"),
        ("mine/other", "mine/other"),
    ],
)
def test_a_card_has_the_last_part_of_a_path_and_any_other_name_as_it_is(name: str, said: str) -> None:
    machine = vm.boot()
    task = machine.task("init")
    task.map.enter("8 KiB", object=machine.object(name), offset=0)
    (card,) = [node for node in vm.EntryList(task.map).scene().nodes if node.kind == "entry" and node.thing]
    assert card.text[0].text == said
