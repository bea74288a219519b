"""The static twin: well-formed whatever is in it, harmless, and from the same numbers as the live drawing."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

import vmwidgets as vm
from tests.views.pictures import machine_with
from vmwidgets.views.svg import to_svg

SVG = "{http://www.w3.org/2000/svg}"
NASTY = [
    "<script>alert('x')</script>",
    "quotes \" and ' and & ampersands",
    "line\nbreak\ttab",
    "control \x00\x07\x1b[31m end",
    "a:b:c {x} [y] \\N",
    "日本語の名前",
    "]]> --> <!-- ",
    "\u202eright to left",
    "x" * 200,
]


def machine_with_names(name: str) -> vm.Machine:
    machine = vm.boot("x86-64")
    task = machine.task(name)
    task.map.enter("16 KiB", object=machine.object(name))
    task.write(0, b"x")
    return machine


@pytest.mark.parametrize("name", NASTY)
def test_names_from_learners_are_shown_and_do_nothing(name: str) -> None:
    machine = machine_with_names(name)
    for view in (vm.Dashboard(machine), vm.Walk(machine.tasks[name].walk(0)), vm.Map(machine.tasks[name].map)):
        svg = view.to_svg()
        tree = ET.fromstring(svg)
        assert not tree.findall(f".//{SVG}script")
        assert {element.tag for element in tree.iter()} <= {
            SVG + tag for tag in ("svg", "title", "style", "rect", "g", "path", "text")
        }
        page = view.to_html()
        assert "<script" not in page.lower()
        assert "\x00" not in page + view.text() + view.to_dot() + svg


def test_the_first_letters_of_a_name_are_shown_as_they_are() -> None:
    machine = machine_with_names('<b>"&')
    words = [element.text or "" for element in ET.fromstring(vm.Dashboard(machine).to_svg()).iter(f"{SVG}text")]
    assert any('<b>"&' in word for word in words)


def test_live_and_static_have_the_same_places() -> None:
    machine = machine_with(12)
    view = vm.Dashboard(machine)
    scene = view.scene()
    drawn = {
        group.get("data-id"): group.get("transform")
        for group in ET.fromstring(to_svg(scene)).iter(f"{SVG}g")
        if (group.get("class") or "").startswith("node ")
    }
    assert drawn == {node.id: f"translate({node.x:g},{node.y:g})" for node in scene.nodes}


def test_the_picture_carries_its_own_style_and_ground() -> None:
    svg = vm.Dashboard(machine := machine_with(3)).to_svg()
    assert machine.name in svg
    assert "prefers-color-scheme: dark" in svg
    assert 'class="ground"' in svg
    assert "http" not in svg.replace("http://www.w3.org/2000/svg", "")
