"""The static twin: well-formed whatever is in it, harmless, and from the same numbers as the live drawing."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import pytest
from fontTools.ttLib import TTFont  # type: ignore[import-untyped]  # it has no stubs

import vmwidgets as vm
from tests.views.pictures import machine_with
from vmwidgets.views.scene.model import Caption, Link
from vmwidgets.views.scene.static import STATIC
from vmwidgets.views.scene.svg import NARROWER, _without_switches, to_svg
from vmwidgets.views.scene.text import font_size, text_width

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
        scripts = re.findall("<script.*?>", page, re.IGNORECASE)
        assert scripts in ([], ['<script type="text/plain" id="vmw-story">', '<script type="module">'])
        assert "\x00" not in page + view.to_text() + view.to_dot() + svg


def test_the_first_letters_of_a_name_are_shown_as_they_are() -> None:
    machine = machine_with_names('<b>"&')
    words = [element.text or "" for element in ET.fromstring(vm.Dashboard(machine).to_svg()).iter(f"{SVG}text")]
    assert any('<b>"&' in word for word in words)


def test_live_and_static_have_the_same_places() -> None:
    machine = machine_with(12)
    view = vm.Dashboard(machine)
    scene = view.scene().whole()
    drawn = {
        group.get("data-id"): group.get("transform")
        for group in ET.fromstring(to_svg(scene)).iter(f"{SVG}g")
        if (group.get("class") or "").startswith("node ")
        and not (group.get("data-id") or "").startswith("key/")  # which only a file has
    }
    assert drawn == {node.id: f"translate({node.x:g},{node.y:g})" for node in scene.nodes}


def test_the_picture_carries_its_own_style_and_ground() -> None:
    svg = vm.Dashboard(machine := machine_with(3)).to_svg()
    assert machine.name in svg
    assert "prefers-color-scheme: dark" in svg
    assert 'class="ground"' in svg
    assert "http" not in svg.replace("http://www.w3.org/2000/svg", "")


def test_an_arrow_is_the_one_that_the_page_draws() -> None:
    link = Link("a-b", "waits", "a", "b", ((0, 0), (20, 0)), arrow=True)
    scene = replace(vm.Threads(vm.boot()).scene(), links=(link,))
    (head,) = [
        path.get("d") for path in ET.fromstring(to_svg(scene)).iter(f"{SVG}path") if path.get("class") == "arrow"
    ]
    numbers = [float(number) for number in re.findall(r"[-\d.]+", head or "")]
    drawn_by_the_page = [20, 0, 11, 4, 11, -4]  # js/test/route.test.ts
    assert numbers == drawn_by_the_page


def test_a_bent_line_is_one_curve_whose_arrow_goes_on_as_the_line_ends() -> None:
    empty = vm.Threads(vm.boot()).scene()

    def drawn(bend: str, *points: tuple[float, float]) -> tuple[str, list[float]]:
        link = Link("a-b", "waits", "a", "b", points, arrow=True, bend=bend)
        paths = {path.get("class"): path.get("d") or "" for path in
                 ET.fromstring(to_svg(replace(empty, links=(link,)))).iter(f"{SVG}path")}  # fmt: skip
        return paths["line"], [float(number) for number in re.findall(r"[-\d.]+", paths["arrow"])]

    line, (tip_x, tip_y, left_x, left_y, right_x, right_y) = drawn("level", (0, 0), (40, 20))
    assert line == "M0,0 C20,0 20,20 40,20", "as in js/test/link.test.ts"
    assert (tip_x, tip_y) == (40, 20)
    assert left_x == right_x and left_y + right_y == 40, "level, as the line's end"
    line, (*_, left_x, left_y, right_x, right_y) = drawn("upright", (0, 0), (0, 5), (40, 25))
    assert line == "M0,0 L0,5 C0,15 40,15 40,25"
    assert left_y == right_y and left_x + right_x == 80
    assert drawn("", (0, 0), (40, 20))[0] == "M0,0 L40,20"


def test_a_static_picture_has_nothing_to_press() -> None:
    machine = vm.boot("x86-64", cpus=2)
    walk = machine.walk(machine.kernel_map.start)
    machine.set_descriptor(walk.steps[-1].pa, walk.steps[-1].value ^ 4)
    for view in (vm.Tlb(machine), vm.Walk(walk), vm.Tables(machine)):
        switches = [node for node in view.scene().nodes if node.lane == "switches"]
        assert switches
        for svg in (view.to_svg(), view.snapshot().to_svg()):
            groups = {group.get("class") or "": group for group in ET.fromstring(svg).iter(f"{SVG}g")}
            drawn = [
                group for kind, group in groups.items() if kind.split()[:2] in (["node", "switch"], ["node", "press"])
            ]
            assert not [group for group in drawn if group.find(f"{SVG}rect") is not None]
            words = {text.text for text in ET.fromstring(svg).iter(f"{SVG}text")}
            on = {node.text[0].text for node in switches if "chosen" in node.state}
            off = {node.text[0].text for node in switches} - on
            assert not words & (on | off)
            subtitle = next(text for text in words if text and view.scene().subtitle[:8] in text)
            assert all(word in subtitle for word in on), "said once, beside the title"
            assert not any(word in subtitle for word in off)
            assert "click" not in svg


@pytest.mark.parametrize("width", [420, 900])
def test_a_static_picture_leaves_no_room_for_what_is_to_press(width: int) -> None:
    machine = vm.boot("x86-64", cpus=2)
    walk = machine.walk(machine.kernel_map.start)
    machine.set_descriptor(walk.steps[-1].pa, walk.steps[-1].value ^ 4)
    for view in (vm.Tlb(machine), vm.Walk(walk), vm.Tables(machine)):
        view.width = width
        scene = view.scene()
        svg = ET.fromstring(view.to_svg())
        groups = {group.get("data-id"): group for group in svg.iter(f"{SVG}g")}
        live = {node.id: node.y for node in scene.nodes}
        drawn = {
            name: float((groups[name].get("transform") or "").partition(",")[2].rstrip(")"))
            for name in live
            if name in groups
        }
        assert min(drawn.values()) == min(live.values()), "the first row is what was below the switches"
        for link in scene.links:
            path = groups[link.id].find(f"{SVG}path")
            assert path is not None
            begin = float((path.get("d") or "").split(" ")[0].partition(",")[2])
            assert begin - drawn[link.source] == pytest.approx(link.points[0][1] - live[link.source], abs=0.1)


LARGE = ("title", "heading")
"""The styles of titles: the larger one if the title has one line in it."""


def test_the_answer_is_large_and_alone_in_its_size() -> None:
    """Above the reason, with the picture's name at the foot; where there is no answer, the name is large."""
    picture = vm.Map(machine_with(3).kernel_map)
    scene = picture.scene()
    large = [text for text in ET.fromstring(to_svg(scene)).iter(f"{SVG}text") if text.get("class") in LARGE]
    assert " ".join(text.text or "" for text in large) == scene.headed.text
    lines = {text.text: float(text.get("y", "")) for text in ET.fromstring(to_svg(scene)).iter(f"{SVG}text")}
    name = next(y for words, y in lines.items() if words and scene.title in words)
    assert lines[large[0].text] < lines[scene.headed.reason] < name
    unsaid = replace(scene, caption=Caption(""))
    (title,) = [text for text in ET.fromstring(to_svg(unsaid)).iter(f"{SVG}text") if text.get("class") in LARGE]
    assert title.text == scene.title


def test_a_title_that_answers_is_whole_in_a_narrow_picture() -> None:
    scene = vm.Map(machine_with(3).kernel_map).scene()
    answer = replace(scene, title="2 pages of each process in 3 frames: 1 page shared", width=420, answers=True)
    large = [text for text in ET.fromstring(to_svg(answer)).iter(f"{SVG}text") if text.get("class") in LARGE]
    assert len(large) == 2
    assert " ".join(text.text or "" for text in large) == answer.title


def test_switches_in_rows_that_overlap_leave_one_gap() -> None:
    """Rows from 10 to 30 and from 20 to 40 are 30 pixels, whether something is below them or not."""
    scene = vm.Tree(vm.boot("x86-64").kernel_map).scene()
    node = next(node for node in scene.nodes if node.kind == "tree-node")
    rows = [replace(node, id=f"s{y}", kind="switch", y=float(y), h=20.0, x=float(y)) for y in (10, 20)]
    above, below = (replace(node, id=name, y=y, h=8.0) for name, y in (("above", 0.0), ("below", 50.0)))
    last = _without_switches(replace(scene, nodes=(above, *rows), links=(), height=60.0))
    assert last.height == 30.0
    drawn = _without_switches(replace(scene, nodes=(above, *rows, below), links=(), height=60.0))
    assert [(one.id, one.y) for one in drawn.nodes] == [("above", 0.0), ("below", 10.0)]


def test_a_file_has_its_letters_once_and_an_image_of_a_notebook_has_none(tmp_path: Path) -> None:
    picture = vm.Map(machine_with(3).kernel_map)
    for theme in ("light", "dark"):
        made = picture.save(tmp_path / "map.svg", theme=theme).read_text("utf-8")
        assert len(re.findall("@font-face", made)) == len(set(re.findall('font-family:"([^"]+)"', made))) == 2
    page = unquote(picture.save(tmp_path / "map.html").read_text("utf-8"))
    assert len(re.findall("@font-face", page)) == 2
    assert "@font-face" not in unquote(picture.snapshot()._repr_mimebundle_()["text/html"])


def test_letters_of_our_own_need_no_more_room_than_is_measured() -> None:
    """A title may be larger where they are sure to be there, and no other text is laid out for them."""
    scenes = [vm.Map(machine_with(12).kernel_map).scene(), vm.Frames(machine_with(12)).scene()]
    words = [run.text for scene in scenes for node in scene.nodes for run in node.text]
    titles = [scene.caption.text for scene in scenes]
    for weight, style, texts in (
        ("inter-400", "label", words), ("jetbrains-mono-600", "mono strong", words), ("inter-600", "title", titles),
    ):  # fmt: skip
        font = TTFont(STATIC / "letters" / f"{weight}.ttf")
        wide, names, unit = font["hmtx"], font.getBestCmap(), font_size(style) / font["head"].unitsPerEm
        for text in texts:
            needed = unit * sum(wide[names[ord(one)]][0] for one in text)
            assert needed <= text_width(text, style) * (NARROWER if style == "title" else 1), (text, style)
