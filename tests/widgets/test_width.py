"""How wide a picture is laid out: as its pages say, as its traits say, and as files are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import vmwidgets as vm
from tests.widgets.page import BYE, HELLO, replies
from vmwidgets.engine.base.errors import Refused
from vmwidgets.pictures.at import At
from vmwidgets.views.maps.lanes import TREE_HEAD
from vmwidgets.views.scene.model import Scene
from vmwidgets.widgets.host.packing import unpack
from vmwidgets.widgets.host.refresh import refresher
from vmwidgets.widgets.host.view import View

FILES = 900
"""Pixels of a picture in a file."""


def wide(px: int, page: str = "p-1") -> dict[str, Any]:
    return {**HELLO, "page": page, "width": px, "height": 5000}


def on_page(view: View) -> float:
    """Pixels of the newest picture that the page has."""
    refresher.flush()
    return float(unpack(view.frame["data"])["scene"]["width"])


@pytest.fixture
def view() -> Iterator[View]:
    machine = vm.boot("x86-64")
    made = vm.Map(machine.kernel_map)
    assert replies(made, HELLO) == []
    yield made
    assert made.machine is machine


@pytest.mark.parametrize(("px", "laid"), [(1090, 1090), (420, 420), (300, 420), (5000, 1600)])
def test_a_picture_is_as_wide_as_its_page_within_limits(view: View, px: int, laid: int) -> None:
    assert on_page(view) == FILES
    assert replies(view, wide(px)) == []
    assert on_page(view) == laid


def test_the_narrower_of_two_pages_counts_until_it_is_left(view: View) -> None:
    replies(view, wide(1200), {**HELLO, "page": "q-1"}, wide(700, "q-1"))
    assert on_page(view) == 700
    replies(view, {**BYE, "page": "q-1"})
    assert on_page(view) == 1200


def test_a_width_that_is_known_draws_nothing_again(view: View) -> None:
    replies(view, wide(1090))
    refresher.flush()
    seq = view.seq
    replies(view, wide(1090))
    refresher.flush()
    assert view.seq == seq


def test_files_and_snapshots_have_the_width_of_files(view: View) -> None:
    before = view.to_svg()
    replies(view, wide(600))
    assert on_page(view) == 600
    assert (view.scene().width, view.snapshot().scene().width) == (FILES, FILES)
    assert view.to_svg() == before
    assert on_page(view) == 600, "and a file takes nothing from the page"


def test_a_width_that_is_set_counts_for_the_page_and_for_files(view: View) -> None:
    replies(view, wide(1090))
    view.width = 640
    assert (on_page(view), view.scene().width) == (640, 640)
    view.width = 0
    assert (on_page(view), view.scene().width) == (1090, FILES)


def test_scaled_a_picture_has_less_room_and_the_page_shows_it_larger(view: View) -> None:
    replies(view, wide(1200))
    view.scale = 2
    assert on_page(view) == 600
    assert unpack(view.frame["data"])["when"]["scale"] == 2
    assert view.scene().width == FILES


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        ({"width": 100}, "width=100, but a picture needs 420 pixels; 0 is as wide as its page"),
        ({"width": 5000}, "width=5000, but it must be an int, at least 0 and at most 1600"),
        ({"width": "wide"}, "width='wide', but it must be an int, at least 0 and at most 1600"),
        ({"scale": 0}, "scale=0, but it must be a float, at least 0.5 and at most 4.0"),
    ],
)
def test_what_is_no_width_or_scale_is_refused_wherever_it_comes_from(
    view: View, option: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(Refused, match=next(iter(option))) as refused:
        vm.Map(view.target, **option)
    assert sentence in str(refused.value)
    told: list[Any] = []
    view.send = told.append
    view._handle_msg({"content": {"data": {"method": "update", "state": option}}, "buffers": []})
    assert sentence in told[0]["reason"]
    assert (view.width, view.scale) == (0, 1.0)


def test_one_width_is_one_picture() -> None:
    machine = vm.boot("x86-64")
    pictures = [vm.picture(machine.kernel_map, width=700) for _ in range(2)]
    assert pictures[0].to_svg() == pictures[1].to_svg() != vm.picture(machine.kernel_map).to_svg()


# ---- how high ------------------------------------------------------------------------------------


def room(width: int, height: int, page: str = "p-1") -> dict[str, Any]:
    return {**HELLO, "page": page, "width": width, "height": height}


def folded(view: View) -> list[str]:
    """The parts that are folded on the page."""
    refresher.flush()
    nodes = unpack(view.frame["data"])["scene"]["nodes"]
    return [node["id"] for node in nodes if node["id"].startswith(("section/", "heading/")) and node["kind"] == "fold"]


def test_a_dashboard_folds_what_the_window_has_no_room_for_and_a_press_opens_it() -> None:
    machine = vm.boot("x86-64")
    view = vm.Dashboard(machine)
    replies(view, HELLO, room(1000, 2000))
    assert folded(view) == []
    replies(view, room(1000, 600))
    assert folded(view)[-1] == "section/walk", "the last part folds first"
    replies(view, {"type": "open", "id": "section/walk"})
    assert folded(view) == [] or folded(view) == ["section/kentry"]
    replies(view, {"type": "open", "id": "section/walk"})
    assert folded(view)[-1] == "section/walk"
    machine.kernel_map.enter("4 KiB")
    assert folded(view)[-1] == "section/walk", "an operation leaves it as the reader wants it"
    assert not any("folded" in node.state for node in view.scene().nodes if node.id.startswith("section/"))


def test_in_a_file_a_dashboard_has_all_parts_with_news_and_no_heading_can_be_pressed() -> None:
    """On a page, a tree to which nothing happened is a line with a number; what a reader folds is open in a file."""
    machine = vm.boot("x86-64")
    view = vm.Dashboard(machine)
    replies(view, HELLO, room(1000, 2000))
    refresher.flush()
    headings = ("section/", TREE_HEAD)
    shown = {node["id"]: node for node in unpack(view.frame["data"])["scene"]["nodes"]}
    assert shown[TREE_HEAD]["kind"] == "fold"
    assert shown["section/walk"]["action"] == "open"
    replies(view, *[{"type": "open", "id": head} for head in (TREE_HEAD, "section/walk", TREE_HEAD)])
    for scene in (view.scene(), view.saved(640), view.snapshot().scene(), vm.picture(machine).scene()):
        heads = [node for node in scene.nodes if node.id.startswith(headings)]
        assert [node.id for node in heads] == [TREE_HEAD, "section/kentry", "section/walk"]
        assert not any(node.action or node.kind == "fold" for node in heads)
        assert not any("fold" in node.title for node in heads)
        assert any(node.kind == "tree-node" for node in scene.nodes)
        assert any(run.text.startswith("3 entries, ") for run in heads[0].text)
    machine.kernel_map.enter("4 KiB")
    assert any(node.kind == "tree-node" for node in vm.picture(machine).scene().nodes)


def test_the_height_of_the_window_draws_nothing_that_does_not_fold_again(view: View) -> None:
    replies(view, room(1000, 700))
    refresher.flush()
    seq = view.seq
    replies(view, room(1000, 300))
    refresher.flush()
    assert view.seq == seq


# ---- how often -----------------------------------------------------------------------------------


def test_the_next_picture_is_laid_out_once_for_the_room_that_the_last_one_had(
    view: View, monkeypatch: pytest.MonkeyPatch
) -> None:
    replies(view, room(700, 900))
    assert on_page(view) == 700
    drawn: list[float] = []
    draw = vm.Map.draw
    following = vm.Map(view.target)

    def counted(self: vm.Map, at: At) -> Scene:
        if self is following:
            drawn.append(at.width)
        return draw(self, at)

    monkeypatch.setattr(vm.Map, "draw", counted)
    following.open()
    replies(following, {**room(700, 900), "seq": following.seq})
    assert on_page(following) == 700
    assert drawn == [700], "and not 900 before"
    assert following.scene().width == FILES
    assert drawn == [700, FILES], "a twin is one layout more, and not the page's again"
    view.target.enter("4 KiB")
    assert on_page(following) == 700
    assert following.scene().width == FILES
    assert drawn == [700, FILES, 700, FILES], "so it is after each operation"


def test_what_a_page_said_before_changes_nothing_if_it_comes_late(view: View) -> None:
    """JupyterLab sends what a page says first by the kernel's own shell, the rest by another, which may be ahead."""
    replies(view, {**wide(566), "nth": 2}, {**wide(1132), "nth": 1})
    assert on_page(view) == 566
    replies(view, {**wide(700), "nth": 3})
    assert on_page(view) == 700
