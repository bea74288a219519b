"""The ribbon's scale: true where it can be, readable where it can't, broken where it must be."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest

import vmwidgets as vm
from tests.views.pictures import machine_with, worked_on
from vmwidgets.engine.base.units import binary_size
from vmwidgets.pictures.spaces import range_names
from vmwidgets.views.maps.axis import LEAST_GAP
from vmwidgets.views.scene.model import Node, Scene
from vmwidgets.views.scene.text import text_width

PAGE = 4096


def pieces(scene: Scene) -> list[Node]:
    kinds = ("range", "gap", "fold")
    return sorted((n for n in scene.nodes if n.id.startswith("ribbon/") and n.kind in kinds), key=lambda n: n.x)


def test_pieces_cover_the_axis_without_holes() -> None:
    machine = machine_with(31)
    ranges = {f"entry:{entry.id}": entry for entry in machine.kernel_map}
    for left, right in pairwise(pieces(vm.Ribbon(machine.kernel_map).scene())):
        hole = right.x - (left.x + left.w)
        if left.thing and right.thing and ranges[left.thing].end < ranges[right.thing].start:
            hole -= min(hole, LEAST_GAP)  # a gap too narrow to be pointed at is not a piece
        assert hole == pytest.approx(0, abs=2.1), (left.id, right.id)


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


@pytest.mark.parametrize("times", [1, 7, 19])
def test_a_gap_that_can_be_drawn_is_to_scale(times: int) -> None:
    machine = vm.boot("x86-64")
    space = machine.task("init").map
    size = (int(space.end) - int(space.start)) // (times + 1)
    space.enter(size & -PAGE, at=int(space.start), fixed=True)
    machine.task("other")  # what has just changed is wider
    used, gap = pieces(vm.Ribbon(space).scene())
    assert gap.w / used.w == pytest.approx(times, rel=0.1)
    assert not gap.bars
    assert "not to scale" not in gap.title


@pytest.mark.parametrize("count", [1, 2, 3, 6, 20])
def test_a_ribbon_that_is_not_to_scale_says_so(count: int) -> None:
    machine = vm.boot("x86-64")
    space = machine.task("init").map
    for number in range(count):
        space.enter("64 KiB", at=(number + 1) << 40, fixed=True)
    scene = vm.Ribbon(space).scene()
    broken = [node for node in pieces(scene) if node.kind == "gap" and node.bars]
    assert broken
    assert all(node.title.endswith(", not to scale") for node in broken)
    assert any(text.text == "not to scale" for node in scene.nodes for text in node.text)


def test_the_words_of_a_gap_are_in_it_and_call_it_free() -> None:
    scene = vm.Ribbon(vm.boot("x86-64").kernel_map).scene()
    gaps = [node for node in pieces(scene) if node.kind == "gap"]
    narrow, wide = sorted(gaps, key=lambda node: node.w)
    size = wide.title.rpartition(", ")[2]
    assert [run.text for run in wide.text] == [f"{size} free"]
    assert text_width(f"{size} free") <= wide.w
    assert not narrow.text
    assert narrow.title.rpartition(", ")[2] not in [run.text for node in scene.nodes for run in node.text]


@pytest.mark.parametrize("width", [420, 900, 1600])
def test_what_was_added_removed_or_changed_has_words_of_its_own_below_the_ribbon(width: int) -> None:
    machine = vm.boot("x86-64")
    space = machine.kernel_map
    starts = [int(space.enter("20 KiB", prot=("r", "rw")[number % 2])) for number in range(12)]
    names = range_names(space.vm_map, space.roles)
    gone = names[space.lookup(starts[7]).id]
    space.remove(starts[7], size="20 KiB")
    for said_of in ("\N{MINUS SIGN} 20 KiB", "+ 20 KiB", "20 KiB changed"):
        if said_of.startswith("+"):
            space.enter("20 KiB", at=starts[7], fixed=True)
            names = range_names(space.vm_map, space.roles)
            assert gone not in [names[entry.id] for entry in space]
        elif said_of.endswith("changed"):
            space.protect(starts[7], size="20 KiB", prot="rx")
        view = vm.Ribbon(space, width=width)
        (said,) = [node for node in view.scene().nodes if "/change/" in node.id]
        name = next((names[entry.id] for entry in space if entry.start == starts[7]), gone)
        assert said.text[0].text == f"{said_of} · {name}"
        (place,) = [node for node in pieces(view.scene()) if f"{vm.Address(starts[7])}–" in node.title]
        assert place.w >= 30, "it is wider than its neighbours"
        assert place.x < said.x + said.bars[0].x < place.x + place.w
        ticks = [node for node in view.scene().nodes if "/tick/" in node.id]
        assert all(one.x > said.x + said.w + 6 or one.x + one.w < said.x - 6 for one in ticks), "no tick covers it"
        view.step = 0
        assert not [node for node in view.scene().nodes if "/change/" in node.id], "nothing has happened yet"


def test_the_axis_is_broken_at_gaps_larger_than_all_the_rest_and_says_how_large_they_are() -> None:
    machine = vm.boot("x86-64")
    task = machine.task("wide")
    for at in (0x2_0000, 0x5555_0000_0000, 0x7FFF_0000_0000):
        task.map.enter("64 KiB", at=at, fixed=True)
    gaps = [node for node in pieces(vm.Ribbon(task.map).scene()) if node.kind == "gap"]
    marked = [node for node in gaps if node.bars]
    assert len(marked) == 3  # two between the ranges and one above; the 128 KiB below are drawn
    assert all(node.w < 105 for node in marked)
    assert any("TiB" in node.title for node in marked)


def test_find_cache_and_hint_are_marked_at_their_addresses() -> None:
    machine = vm.boot("x86-64")
    _, kentry, kmem = machine.kernel_map
    machine.kernel_map.enter("4 MiB")
    passed = binary_size(kmem.start - kentry.end)
    hint = int(machine.kernel_map.start) + (32 << 20)
    machine.kernel_map.enter("1 MiB", at=hint)
    scene = vm.Ribbon(machine.kernel_map).scene()
    marks = {node.title.split(":")[0]: node for node in scene.nodes if node.kind == "marker"}
    assert set(marks) == {"find cache", "hint"}
    assert f"for more than {passed}" in marks["find cache"].title, "the gap below kernel memory was too small"
    placed = next(n for n in pieces(scene) if n.thing == f"entry:{list(machine.kernel_map)[-1].id}")
    assert marks["hint"].x + 5 == pytest.approx(placed.x, abs=2)


@pytest.mark.parametrize("used", range(1, 40, 3))
def test_the_size_of_a_broken_gap_is_clear_of_the_marks_of_the_break(used: int) -> None:
    machine = vm.boot("x86-64")
    for number in range(used):
        machine.kernel_map.enter("64 KiB", prot="rw" if number % 2 else "r")
    for node in vm.Ribbon(machine.kernel_map).scene().nodes:
        if node.kind == "gap" and node.bars and node.text:
            half = text_width(node.text[0].text, "label") / 2
            for bar in node.bars:
                assert bar.x + bar.w <= node.text[0].x - half or node.text[0].x + half <= bar.x


@pytest.mark.parametrize("seed", range(4))
def test_what_an_operation_does_not_change_stays_where_it_is_in_all_of_its_steps(seed: int) -> None:
    machine = worked_on(seed, 12)
    view = vm.Ribbon(machine.kernel_map)
    moved = 0
    for number in range(1, len(machine.journal)):
        view.moment = (number, 0)
        seen: dict[tuple[str, str], set[tuple[float, float]]] = {}
        for step in range(view.scene().steps.count + 1):
            view.step = step
            for node in view.scene().nodes:
                if node.kind == "range":
                    seen.setdefault((node.id, node.title), set()).add((node.x, node.w))
        assert [name for name, places in seen.items() if len(places) > 1] == []
        moved += len({name for name, _ in seen}) < len(seen)
    assert moved, "an entry got another range in one of the operations"


def test_entries_that_overlap_are_both_seen_and_what_both_have_is_framed() -> None:
    machine = vm.boot("x86-64", quirks={"clip-end-first"})
    torn = machine.task("torn").map
    for at in (0x40_0000, 0x80_0000):
        torn.enter(4 * PAGE, at=at)
    torn.remove(0x40_0000, size=PAGE)
    assert not [node for node in vm.Map(torn).scene().nodes if node.kind == "overlap"]
    torn.enter("8 MiB")
    small, large = sorted(torn, key=lambda entry: entry.size)
    scene = vm.Map(torn).scene()
    nodes = {node.id: node for node in scene.nodes}
    inner, outer = nodes[f"ribbon/{small.id}"], nodes[f"ribbon/{large.id}"]
    (frame,) = (node for node in scene.nodes if node.kind == "overlap")
    assert outer.x < inner.x
    assert inner.x + inner.w < outer.x + outer.w
    assert frame.x == pytest.approx(inner.x, abs=1.1)
    assert frame.w == pytest.approx(inner.w, abs=2.1)
    assert outer.y < inner.y < outer.y + outer.h < inner.y + inner.h, "each has an edge of its own"
    words = [node.id for node in scene.nodes for run in node.text if run.text == "overlap of 16 KiB"]
    assert sorted(word.partition("/")[0] for word in words) == ["list", "ribbon"]


def test_a_ribbon_names_the_ranges_that_have_room() -> None:
    space = vm.boot("x86-64").kernel_map
    for kind in (vm.Ribbon, vm.Map):
        said = [run.text for node in kind(space).scene().nodes if node.kind == "range" for run in node.text]
        assert said == ["kernel memory, 24 MiB"]


def _comparison() -> vm.View:
    work = [vm.workload.allocate("a", "64 KiB")]
    return vm.Comparison(vm.compare(work, size="1 GiB", on=["x15", "freebsd"]))


def _kmem() -> vm.View:
    machine = vm.boot("x86-64")
    machine.kmem_malloc("12 KiB")
    machine.kmem_alloc("4 KiB")
    return vm.Kmem(machine)


def _dashboard() -> vm.View:
    machine = _kmem().machine
    assert machine is not None
    return vm.Dashboard(machine)


@pytest.mark.parametrize("width", [420, 900])
@pytest.mark.parametrize("make", [_comparison, _kmem, _dashboard])
def test_double_bars_are_explained_in_the_same_words(make: Callable[[], vm.View], width: int) -> None:
    view = make()
    view.width = width
    scene = view.scene()
    broken = [node for node in scene.nodes if [bar.style for bar in node.bars].count("line") >= 4]
    assert broken, "an axis is broken"
    assert any("not to scale" in run.text for node in scene.nodes for run in node.text)


def test_the_table_of_a_map_without_entries_has_no_rows() -> None:
    assert vm.Map(vm.boot("x86-64").task("empty")).scene().table.rows == ()


def test_where_entries_are_cut_a_strip_has_all_to_scale() -> None:
    """Three pages beside megabytes can be seen, and the strip says how small they are."""
    m = vm.boot("x86-64")
    for prot in ("rw", "r", "rw"):
        m.kernel_map.enter("16 KiB", prot=prot)
    value = m.kernel_map.value()
    scene = vm.Map(m.kernel_map).scene()
    nodes = {node.id: node for node in scene.nodes}
    large = next(one for one in value.entries if one.size > 8 << 20)
    small = [one for one in value.entries if one.size == 16 << 10]
    assert nodes[f"ribbon/{large.id}"].bars, "it is cut"
    assert all(nodes[f"ribbon/{one.id}"].w > 40 and not nodes[f"ribbon/{one.id}"].bars for one in small)
    rail, *bars = nodes["ribbon/whole"].bars
    seen = [one for one in value.entries if one not in small]
    assert [bar.w for bar in bars] == pytest.approx([rail.w * one.size / (value.end - value.start) for one in seen])


def test_an_axis_of_entries_that_can_all_be_seen_is_not_cut() -> None:
    m = vm.boot("x86-64")
    task = m.task("init")
    for pages in (1, 4, 16, 32):
        task.mmap(pages * vm.PAGE)
    nodes = vm.Map(task).scene().nodes
    assert not [node for node in nodes if node.kind == "range" and node.bars]
    assert "ribbon/whole" not in {node.id for node in nodes}
