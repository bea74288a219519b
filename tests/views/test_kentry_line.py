"""The kentry area: in a dashboard one line that opens; alone, with the ranges that its entries are of."""

from __future__ import annotations

import pytest

import vmwidgets as vm
from tests.captions import saying
from tests.views.pictures import covered_words, machine_with, misplaced_text, outside
from vmwidgets.views.maps.runs import kind_of
from vmwidgets.views.scene.key import ENTRIES, with_key
from vmwidgets.views.scene.model import Node, Scene


def worked() -> vm.Machine:
    machine = vm.boot("x86-64")
    at = machine.kernel_map.enter("16 KiB")
    machine.kernel_map.remove(at + 4096, size="4 KiB")
    return machine


def line(scene: Scene) -> Node:
    return next(node for node in scene.nodes if node.id == "kentry/line")


@pytest.mark.parametrize("width", [420, 640, 900, 1600])
def test_the_area_is_a_line_with_a_cell_for_each_slot(width: int) -> None:
    machine = worked()
    view = vm.Dashboard(machine)
    view.width = width
    scene = view.scene()
    assert (outside(scene), misplaced_text(scene), covered_words(scene)) == ([], [], [])
    (slab,) = machine.kentry.contents().slabs
    cells = line(scene).bars
    assert len(cells) == slab.buffers
    first = slab.address + slab.colour
    size = machine.kentry.contents().buffer_size
    free = {number for number in range(slab.buffers) if first + number * size in slab.free}
    assert {number for number, cell in enumerate(cells) if cell.style == "free"} == free - touched(cells)
    assert touched(cells), "what the operation took stands out"
    words = next(node.text[0].text for node in scene.nodes if node.id == "kentry/0/title")
    assert words.endswith(f"{slab.buffers - len(slab.free)} of {slab.buffers} slots in use")
    entries = {one.id for one in machine.kernel_map.entries()}
    taken = {
        int(node.thing.partition(":")[2]) for node in scene.nodes if node.id.startswith("kentry/slot/") and node.thing
    }
    assert taken <= entries
    assert len(taken) == 2, "the two entries that the cuts made"


def touched(cells: tuple[object, ...]) -> set[int]:
    return {number for number, cell in enumerate(cells) if getattr(cell, "style", "") in ("new", "changed")}


def test_a_press_shows_the_whole_area_and_another_folds_it() -> None:
    view = vm.Dashboard(worked())
    before = view.scene()
    view.opened("kentry/line")
    whole = view.scene()
    slots = [{node.id for node in scene.nodes if node.lane == "slots" and node.thing} for scene in (before, whole)]
    assert slots[0] < slots[1]
    assert len({node.id for node in whole.nodes}) == len(whole.nodes)
    assert whole.height > before.height + 60
    view.opened("kentry/line")
    assert view.scene().height == before.height


def test_an_operation_that_changes_no_slot_has_no_green_bar() -> None:
    machine = vm.boot("x86-64")
    machine.kernel_map.enter("4 KiB", prot="r")
    assert vm.Kentry(machine.kentry).scene().caption.tone == "good"
    machine.malloc(16)
    caption = vm.Kentry(machine.kentry).scene().caption
    assert caption.reason.endswith(saying("kentry pictures: kentry/none"))
    assert caption.tone == "plain"


def test_a_slot_has_the_name_and_the_size_of_its_range_and_what_has_no_slot_says_why() -> None:
    machine = vm.boot("x86-64")
    for prot in ("rw", "r", "rw"):
        at = machine.kernel_map.enter("16 KiB", prot=prot)
    scene = vm.Kentry(machine).scene()
    placed = {node.id: node for node in scene.nodes}
    entries = list(machine.kernel_map.entries())
    slots = {node.thing: node for node in scene.nodes if node.lane == "slots" and node.thing}
    assert slots.keys() == {f"entry:{entry.id}" for entry in entries if entry.address}
    new = machine.kernel_map.lookup(at)
    slot = placed[f"kentry/slot/{new.address:x}"]
    assert [run.text for run in slot.text] == ["anonymous", "16 KiB"]
    assert [node.id for node in scene.nodes if "new" in node.state] == [slot.id]
    static = [entry for entry in entries if not entry.address]
    assert len(static) == 2
    for entry in static:
        assert placed[f"kentry/static/{entry.id}"].thing == f"entry:{entry.id}"
        assert placed[f"kentry/why/{entry.id}"].text[0].text


def test_a_map_of_many_entries_says_how_many_slots_are_used() -> None:
    machine = machine_with(80)
    scene = vm.Kentry(machine).scene()
    assert not [node for node in scene.nodes if node.id.startswith("kentry/static/")], "not all entries are known"
    slabs = machine.kentry.contents().slabs
    used = sum(slab.buffers - len(slab.free) for slab in slabs)
    assert f"{used} of 100 slots in 2 slabs are used" in scene.caption.text


def test_an_empty_slab_holds_no_records() -> None:
    machine = vm.boot("x86-64", layout="tiny")
    starts = [machine.kernel_map.enter("4 KiB", prot="rw" if number % 2 else "r") for number in range(70)]
    for start in starts:
        machine.kernel_map.remove(start, size="4 KiB")
    slabs = machine.kentry.contents().slabs
    assert sum(len(slab.free) < slab.buffers for slab in slabs) == 1 < len(slabs) == 2
    assert " in 1 of 2 slabs" in vm.Kentry(machine).scene().caption.text


@pytest.mark.parametrize("number", [8, 80])
def test_an_entry_has_the_colour_of_its_maps_picture(number: int) -> None:
    machine = machine_with(number)
    kinds = {f"entry:{one.id}": kind_of(one) for one in machine.kernel_map.entries()}
    assert {"anonymous", "kernel"} <= set(kinds.values())
    scene = with_key(vm.Kentry(machine).scene())
    slots = [node for node in scene.nodes if node.kind == "slot" and node.thing]
    assert len(slots) == sum(one.address != 0 for one in machine.kernel_map.entries())
    assert [[bar.style for bar in node.bars] for node in slots] == [[kinds[node.thing]] for node in slots]
    words = [run.text for node in scene.nodes if node.id.startswith("key/") for run in node.text]
    assert words == [ENTRIES[kind] for kind in ENTRIES if kind in kinds.values()]


def folds(scene: Scene) -> list[Node]:
    return [node for node in scene.nodes if node.kind == "fold"]


def free_slots(machine: vm.Machine, scene: Scene) -> tuple[set[str], set[str]]:
    """Return the IDs of the free slots, and of those that have a cell."""
    free = {f"kentry/slot/{address:x}" for slab in machine.kentry.contents().slabs for address in slab.free}
    return free, free & {node.id for node in scene.nodes}


@pytest.mark.parametrize("width", [420, 900, 1600])
def test_a_run_of_free_slots_is_a_fold_beside_the_next_one(width: int) -> None:
    machine = worked()
    view = vm.Kentry(machine, width=width)
    scene = view.scene()
    free, drawn = free_slots(machine, scene)
    (slab,) = machine.kentry.contents().slabs
    assert f"kentry/slot/{slab.free[0]:x}" in drawn
    assert len(drawn) < 3
    (fold,) = folds(scene)
    assert fold.text[0].text.split()[0] == str(len(free - drawn))
    assert (outside(scene), misplaced_text(scene), covered_words(scene)) == ([], [], [])
    view.opened(fold.id)
    scene = view.scene()
    assert free_slots(machine, scene)[1] == free
    assert not folds(scene)


def test_a_few_free_slots_are_cells() -> None:
    machine = vm.boot("x86-64")
    counts = {}
    while machine.kentry.contents().slabs[0].free:
        machine.kernel_map.enter("4 KiB", nomerge=True)
        scene = vm.Kentry(machine).scene()
        free, drawn = free_slots(machine, scene)
        counts[len(free)] = len(drawn), len(folds(scene))
    assert all(counts[number] == (number, 0) for number in range(1, 6))
    assert all(counts[number] == (1, 1) for number in range(10, 30))


def test_slots_keep_their_places_while_an_operation_takes_them() -> None:
    machine = worked()
    machine.kernel_map.remove(machine.kernel_map.enter("16 KiB", prot="r") + 4096, size="4 KiB")
    view = vm.Kentry(machine)
    places = set()
    for step in range(view.steps + 1):
        view.step = step
        places.add(tuple((node.id, node.x, node.w) for node in view.scene().nodes if node.lane == "slots"))
    assert view.steps > 1
    assert len(places) == 1
