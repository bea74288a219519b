"""Comparisons in a picture: nothing overlaps, all is to one scale, and differences are marked by more than a colour."""

from __future__ import annotations

import random
import re

import pytest

import vmwidgets as vm
from tests.captions import saying, says
from tests.views.pictures import cut_text, misplaced_text, outside, overlaps
from vmwidgets.comparisons.placements import ComparisonValue, WorkloadOperation
from vmwidgets.sources.compare_maps import LABELS
from vmwidgets.sources.workload import allocate, free, lookup
from vmwidgets.views.scene.model import Node, Scene
from vmwidgets.widgets.host.packing import pack

START, PAGE = vm.MIB, vm.PAGE


def workload(seed: int, count: int) -> list[WorkloadOperation]:
    draws = random.Random(seed)
    operations: list[WorkloadOperation] = []
    live: list[str] = []
    for number in range(count):
        if live and draws.random() < 0.4:
            operations.append(free(live.pop(draws.randrange(len(live)))))
        elif draws.random() < 0.1:
            operations.append(lookup(START + draws.randrange(200) * PAGE))
        else:
            live.append(f"n{number}" if draws.random() < 0.8 else f"a long name, number {number}")
            operations.append(allocate(live[-1], draws.choice([1, 2, 3, 20]) * PAGE))
    return operations


def small() -> ComparisonValue:
    operations: list[WorkloadOperation] = [
        allocate("a", "64 KiB"), allocate("b", "64 KiB"), free("a"), allocate("c", "32 KiB"),
        allocate("big", "900 KiB"),
    ]  # fmt: skip
    return vm.compare(operations, on=["x15", "worst", "freebsd"])


def pieces_of(scene: Scene, label: str) -> dict[str, Node]:
    nodes = [node for node in scene.nodes if node.kind == "range" and node.lane == label]
    return {node.thing.removeprefix("piece:"): node for node in nodes}


@pytest.mark.parametrize("after", ["d", ""])
def test_ribbons_show_the_end_or_where_maps_disagree_first_if_nothing_is_left_of_that(after: str) -> None:
    names = "abcde"
    operations = [
        *(allocate(name, "64 KiB") for name in "abc"),
        free("a"),
        allocate("d", "32 KiB"),
        allocate("e", "4 KiB"),
    ]
    operations += [free(name) for name in names[1:] if name != after]
    value = vm.compare(operations, on=["x15", "worst"])
    assert [row.number for row in value.differences] == [5, 6]
    drawn = [*pieces_of(vm.Comparison(value).scene(), "worst")]
    at_disagreement = [piece.name for piece in vm.compare(operations[:5], on=["x15", "worst"]).map("worst").pieces]
    assert sorted(at_disagreement) == ["b", "c", "d"]
    assert sorted(drawn) == (["d"] if after else sorted(at_disagreement)), "d lies elsewhere at the end, or is gone"


@pytest.mark.parametrize("on", [["x15"], ["x15", "freebsd"], sorted(LABELS)])
@pytest.mark.parametrize("count", [0, 3, 40, 400])
@pytest.mark.parametrize("size", ["1 MiB", "64 MiB"])
def test_words_stay_in_their_boxes_and_boxes_apart(on: list[str], count: int, size: str) -> None:
    scene = vm.Comparison(vm.compare(workload(count, count), size=size, on=on)).scene()
    assert misplaced_text(scene) == []
    assert outside(scene) == []
    for kind in ("range", "label"):
        assert overlaps([node for node in scene.nodes if node.kind == kind and node.shape == "box"]) == []
    ids = [node.id for node in scene.nodes]
    assert len(ids) == len(set(ids))


def test_the_same_address_is_at_the_same_place_in_every_ribbon() -> None:
    scene = vm.Comparison(small()).scene()
    x15, worst = pieces_of(scene, "x15"), pieces_of(scene, "worst")
    assert x15["b"].x == worst["b"].x and x15["b"].w == worst["b"].w
    assert x15["c"].x < x15["b"].x < worst["c"].x
    assert x15["b"].y < worst["b"].y
    assert x15["b"].w == pytest.approx(2 * x15["c"].w + 1, abs=0.1), "to scale, but for the line between two"


def test_what_differs_is_dashed_and_says_so() -> None:
    scene = vm.Comparison(small()).scene()
    worst = pieces_of(scene, "worst")
    assert "differs" in worst["c"].state and worst["c"].text[0].text == "≠ c"
    assert "differs" not in worst["b"].state and worst["b"].text[0].text == "b"
    cells = {node.id: node for node in scene.nodes}
    assert cells["compare/4/worst"].text[0].text.startswith("≠ ")
    assert "differs" in cells["compare/4/worst"].state and cells["compare/4/worst"].shape == "box"
    assert (cells["compare/4/freebsd"].state, cells["compare/4/freebsd"].shape) == ((), "none")
    assert "fault" in cells["compare/5/x15"].state, "no room"


def test_an_address_that_differs_is_whole_in_the_narrowest_picture_of_three() -> None:
    cells = {node.id: node for node in vm.Comparison(small(), width=420).scene().nodes}
    (run,) = cells["compare/4/worst"].text
    assert (run.text, run.room) == ("≠ 0x12_0000", 0), "0: it has room in any font"


@pytest.mark.parametrize("width", [420, 900])
def test_operations_are_whole_above_what_the_maps_said_or_beside_it(width: int) -> None:
    work = [allocate("n31", "8 KiB"), allocate("n32", "16 KiB")]
    scene = vm.Comparison(vm.compare(work, on=["x15", "worst", "freebsd"]), width=width).scene()
    nodes = {node.id: node for node in scene.nodes}
    words, said = nodes["compare/1"], nodes["compare/1/x15"]
    assert [run.text for run in words.text] == ["1  allocate n31 8 KiB"]
    assert not cut_text(scene)
    assert (words.y + words.h <= said.y + 4) == (width == 420)


def test_the_caption_says_who_said_what_first() -> None:
    caption = vm.Comparison(small()).scene().caption
    assert caption.text == saying("comparisons: maps/disagree", 5, differing="1")
    answers = "X15, FreeBSD: 0x10_0000; worst fit: 0x12_0000"
    assert caption.reason.startswith(saying("comparisons: maps/first", operation="allocate c 32 KiB", answers=answers))
    assert vm.Comparison(vm.compare([], on=["x15", "best"])).scene().caption.text == saying("comparisons: maps/agree")


def test_a_long_workload_shows_what_differs_and_counts_the_rest() -> None:
    result = vm.compare(workload(1, 200))
    scene = vm.Comparison(result).scene()
    shown = [node.id for node in scene.nodes if node.id.count("/") == 2 and node.id.endswith("/x15")]
    assert [int(one.split("/")[1]) for one in shown if one.split("/")[1].isdigit()] == [
        row.number for row in result.differences[:14]
    ]
    (more,) = [node for node in scene.nodes if node.id == "compare/more"]
    assert more.text[0].text.startswith(f"… {200 - 14} more operations, ")
    assert len(scene.table.rows) == 200 + 6


@pytest.mark.parametrize("count", [300, 3000])
def test_a_picture_has_its_bounds_however_long_the_workload(count: int) -> None:
    scene = vm.Comparison(vm.compare(workload(2, count), size="64 MiB", on=["x15", "freebsd", "best"])).scene()
    assert len(pack(scene, {})) < 64 * 1024
    assert len(scene.nodes) < 1000


def test_the_unused_end_of_large_maps_is_cut_short_and_says_how_much() -> None:
    scene = vm.Comparison(vm.compare([allocate("a", "64 KiB")], size="1 GiB", on=["x15", "freebsd"])).scene()
    grounds = [node for node in scene.nodes if node.kind == "axis"]
    assert [node.text[0].text for node in grounds] == ["+ 1023.9 MiB"] * 2
    assert pieces_of(scene, "x15")["a"].w > 400


def test_all_forms_hold_the_same() -> None:
    result = small()
    view = vm.show(result)
    assert isinstance(view, vm.Comparison)
    assert "≠ c" in view.to_svg()
    for text in (view.to_text(), view.to_html(), str(view.to_json())):
        assert "≠ 0x12_0000" in text
    assert "!= 0x12_0000" in str(result)
    assert view.snapshot().to_text() == view.to_text()


def test_names_are_escaped() -> None:
    result = vm.compare([allocate("<script>alert(1)</script>", "512 KiB")], on=["x15", "freebsd"])
    for text in (vm.show(result).to_svg(), vm.show(result).to_html()):
        assert "<script>alert" not in text


def test_nothing_else_is_shown_as_a_comparison() -> None:
    with pytest.raises(vm.Refused, match=r"Comparison shows the result of vm\.compare"):
        vm.Comparison(3)


def test_the_work_of_a_search_is_not_called_steps() -> None:
    picture = vm.picture(vm.compare(workload(2, 12), on=["x15", "worst", "freebsd"]))
    scene = picture.scene()
    said = [scene.caption.text, scene.caption.reason, picture.to_text(), *(node.title for node in scene.nodes)]
    said += [run.text for node in scene.nodes for run in node.text]
    assert not any(re.search(r"\bsteps?\b", one) for one in said)
    assert says("comparisons: maps/work", scene.caption.reason)


@pytest.mark.parametrize("width", [420, 900])
def test_each_result_is_written_whole_with_all_maps_that_returned_it(width: int) -> None:
    value = vm.compare([allocate(f"n{number}", (1 + number % 3) * vm.PAGE) for number in range(6)])
    scene = vm.Comparison(value, width=width).scene()
    for row in value.rows:
        texts = [run for node in scene.nodes if node.id.startswith(f"compare/{row.number}/") for run in node.text]
        assert not [run.text for run in texts if run.room], "nothing is cut"
        said = " ".join(run.text for run in texts)
        assert all(outcome.result.partition("–")[0] in said for outcome in row.outcomes)
        if width < 500:
            assert all(one.label in said.lower() for one in value.maps)
