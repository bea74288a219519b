"""The ribbon's scale: true where it can be, readable where it can't, broken where it must be."""

from __future__ import annotations

from itertools import pairwise

import pytest

import vmwidgets as vm
from tests.views.pictures import machine_with
from vmwidgets.views.ribbon import zoomed
from vmwidgets.views.scene import Node, Scene

PAGE = 4096


def pieces(scene: Scene) -> list[Node]:
    kinds = ("range", "gap", "fold")
    return sorted((n for n in scene.nodes if n.id.startswith("ribbon/") and n.kind in kinds), key=lambda n: n.x)


def test_pieces_cover_the_axis_without_holes() -> None:
    scene = vm.Ribbon(machine_with(31).kernel_map).scene()
    for left, right in pairwise(pieces(scene)):
        assert right.x - (left.x + left.w) == pytest.approx(0, abs=2.1), (left.id, right.id)


def test_ranges_are_to_scale_where_there_is_room() -> None:
    machine = vm.boot("x86-64")
    first = machine.kernel_map.enter("8 MiB", prot="rw")
    second = machine.kernel_map.enter("16 MiB", prot="r")
    scene = vm.Ribbon(machine.kernel_map).scene()
    widths = {node.thing: node.w for node in pieces(scene)}
    names = {entry.start: f"entry:{entry.id}" for entry in machine.kernel_map}
    assert widths[names[second]] / widths[names[first]] == pytest.approx(2, rel=0.02)


def test_the_smallest_range_can_be_seen() -> None:
    machine = vm.boot("x86-64")
    machine.kernel_map.enter(PAGE, at=int(machine.kernel_map.start) + (60 << 20), fixed=True)
    assert min(node.w for node in pieces(vm.Ribbon(machine.kernel_map).scene()) if node.kind == "range") >= 6


def test_the_axis_is_broken_at_gaps_larger_than_all_the_rest_and_says_how_large_they_are() -> None:
    machine = vm.boot("x86-64")
    task = machine.task("wide")
    for at in (0x2_0000, 0x5555_0000_0000, 0x7FFF_0000_0000):
        task.map.enter("64 KiB", at=at, fixed=True)
    gaps = [node for node in pieces(vm.Ribbon(task.map).scene()) if node.kind == "gap"]
    marked = [node for node in gaps if node.bars]
    assert len(marked) == 3  # two between the ranges and one above; the 128 KiB below are drawn
    assert all(node.w < 100 for node in marked)
    assert any("TiB" in node.title for node in marked)


def test_zoomed_in_everything_is_truly_to_scale() -> None:
    machine = machine_with(31)
    view = vm.Ribbon(machine.kernel_map)
    first, last = list(machine.kernel_map)[4], list(machine.kernel_map)[8]
    view._zoom = (int(first.start), int(last.end))
    scene = view.draw()
    sizes = {f"entry:{entry.id}": entry.size for entry in machine.kernel_map}
    scales = [(n.w + 2) / sizes[n.thing] for n in pieces(scene) if n.kind == "range" and n.w > 12]
    assert len(scales) >= 3
    assert max(scales) / min(scales) == pytest.approx(1, rel=0.05)
    assert not any(node.bars for node in pieces(scene))


def test_zooming_in_and_out_comes_back_to_the_whole() -> None:
    limits = (0x1000, 0x101000)
    once = zoomed(limits, None, 4, 0.5)
    assert once is not None
    start, end = once
    assert limits[0] <= start < end <= limits[1]
    assert end - start == 0x40000
    assert zoomed(limits, once, 0.1, 0.5) is None


@pytest.mark.parametrize("at", [0.0, 0.3, 1.0])
def test_the_point_zoomed_at_stays_where_it_is(at: float) -> None:
    limits = (0, 1 << 30)
    start, end = zoomed(limits, None, 16, at) or (0, 0)
    point = int(limits[1] * at)
    assert (point - start) / (end - start) == pytest.approx(at, abs=0.01)


def test_zoom_never_gets_below_a_page() -> None:
    zoom = None
    for _ in range(60):
        zoom = zoomed((0, 1 << 47), zoom, 4, 0.5)
    assert zoom is not None
    assert zoom[1] - zoom[0] == PAGE


def test_find_cache_and_hint_are_marked_at_their_addresses() -> None:
    machine = vm.boot("x86-64")
    machine.kernel_map.enter("4 MiB")
    hint = int(machine.kernel_map.start) + (32 << 20)
    machine.kernel_map.enter("1 MiB", at=hint)
    scene = vm.Ribbon(machine.kernel_map).scene()
    marks = {node.title.split(":")[0]: node for node in scene.nodes if node.kind == "marker"}
    assert set(marks) == {"find cache", "hint"}
    placed = next(n for n in pieces(scene) if n.thing == f"entry:{list(machine.kernel_map)[-1].id}")
    assert marks["hint"].x + 5 == pytest.approx(placed.x, abs=2)
