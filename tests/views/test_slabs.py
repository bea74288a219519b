"""The picture of caches: as many filled cells as buffers are taken, and the free list in its order."""

from __future__ import annotations

import pytest

import vmwidgets as vm
from tests.captions import whole
from vmwidgets.views.scene.model import Node, Scene


@pytest.fixture
def machine() -> vm.Machine:
    return vm.boot()


def cells(scene: Scene, cache: str) -> list[Node]:
    return [node for node in scene.nodes if node.kind == "cells" and node.id.startswith(f"slabs/{cache}/")]


def words(node: Node) -> str:
    return " ".join(run.text for run in node.text)


def test_a_buffer_is_a_cell(machine: vm.Machine) -> None:
    for _ in range(5):
        machine.malloc(300)
    (drawn,) = cells(vm.Slabs(machine).scene(), "zone 512")
    styles = [bar.style for bar in drawn.bars]
    assert len(styles) == 15
    assert (styles.count("used"), styles.count("new"), styles.count("next")) == (4, 1, 1)


def test_the_buffer_that_is_allocated_next_is_dashed(machine: vm.Machine) -> None:
    taken = [machine.malloc(300) for _ in range(6)]
    for address in (taken[1], taken[4]):
        machine.free(address)
    machine.malloc(30)
    (drawn,) = cells(vm.Slabs(machine).scene(), "zone 512")
    order = machine.caches.value().caches
    (slab,) = next(cache for cache in order if cache.name == "zone 512").slabs
    assert slab.free[0] == taken[4]
    index = (taken[4] - slab.address - slab.colour) // 512
    assert [number for number, bar in enumerate(drawn.bars) if bar.style == "next"] == [index]
    assert machine.malloc(300) == taken[4]


def test_a_buffer_that_was_freed_is_marked(machine: vm.Machine) -> None:
    kept, freed = machine.malloc(300), machine.malloc(300)
    machine.free(freed)
    (drawn,) = cells(vm.Slabs(machine).scene(), "zone 512")
    styles = [bar.style for bar in drawn.bars]
    assert (styles.count("changed"), styles.count("used")) == (1, 1), kept


def test_slabs_say_on_which_list_they_are_and_what_page_they_stand_on(machine: vm.Machine) -> None:
    addresses = [machine.malloc(4096) for _ in range(8)]
    boxes = {node.id: node for node in vm.Slabs(machine).scene().nodes if node.kind == "slab"}
    zone = [node for name, node in boxes.items() if name.startswith("slabs/zone 4096/")]
    assert all("full" in words(node) or "partial" in words(node) for node in zone)
    for address in addresses:
        machine.free(address)
    zone = [node for node in vm.Slabs(machine).scene().nodes if node.id.startswith("slabs/zone 4096/") and node.text]
    assert all("empty" in words(node) for node in zone if node.kind == "slab")
    machine.uma_reclaim()
    assert not [node for node in vm.Slabs(machine).scene().nodes if node.id.startswith("slabs/zone 4096")]
    view = vm.Slabs(machine)
    view.step = 0
    assert [node for node in view.scene().nodes if node.id.startswith("slabs/zone 4096")], "a step back they were there"


def test_many_slabs_are_counted(machine: vm.Machine) -> None:
    for _ in range(200):
        machine.malloc(1000)
    scene = vm.Slabs(machine).scene()
    shown = [node for node in scene.nodes if node.kind == "slab" and node.id.startswith("slabs/zone 1024/")]
    (rest,) = [node for node in scene.nodes if node.id == "slabs/zone 1024/more"]
    counts = dict(next(cache for cache in machine.caches.value().caches if cache.name == "zone 1024").counts)
    assert int(rest.title.split()[0]) + len(shown) == sum(counts.values())


def test_of_more_buffers_than_cells_a_line_says_how_many_a_cell_has(machine: vm.Machine) -> None:
    for _ in range(5):
        machine.malloc(32)
        machine.malloc(300)
    value = {cache.name: cache.slabs[0] for cache in machine.caches.value().caches if cache.slabs}
    assert value["zone 32"].buffers > 64 >= value["zone 512"].buffers
    scene = vm.Slabs(machine).scene()
    heads = {node.id.split("/")[1]: words(node) for node in scene.nodes if node.kind == "slab"}
    assert "up to 2 buffers a cell" in heads["zone 32"]
    assert "a cell" not in heads["zone 512"]
    (several,), (alone,) = cells(scene, "zone 32"), cells(scene, "zone 512")
    assert len(alone.bars) == value["zone 512"].buffers > 0
    assert [bar.style for bar in several.bars].count("next") == 1


def test_the_answer_says_how_much_of_the_slabs_objects_fill_and_where_most_is_free() -> None:
    machine = vm.boot("x86-64")
    machine.malloc("3 KiB")
    machine.tick()
    scene = vm.Slabs(machine).scene()
    caches = [one for one in machine.caches.value(most=10**6).caches if one.slabs]
    held = {one.name: len(one.slabs) * one.slab_size for one in caches}
    used = {one.name: one.allocated * one.object_size for one in caches}
    answer = whole(scene.caption)
    assert answer.startswith(f"Objects fill {100 * sum(used.values()) / sum(held.values()):.0f} % of ")
    free = {one.name: sum(len(slab.free) for slab in one.slabs) * one.object_size for one in caches}
    assert max(free, key=lambda name: free[name]) == "zone 4096"
    assert f"zone 4096 has the most free: room for {free['zone 4096'] >> 12} objects of 4 KiB." in answer


def test_a_new_slab_has_one_line_and_its_buffers_none() -> None:
    machine = vm.boot("x86-64")
    scene = vm.Slabs(machine).scene()
    new = {node.id for node in scene.nodes if node.kind == "slab" and "new" in node.state}
    assert new
    for node in scene.nodes:
        if node.kind == "cells":
            styles = [bar.style for bar in node.bars]
            assert node.id.removesuffix("/buffers") in new
            assert styles.count("used") > 0 == styles.count("new")
    machine.kmem_malloc("4 KiB")
    later = [bar.style for node in vm.Slabs(machine).scene().nodes if node.kind == "cells" for bar in node.bars]
    assert later.count("new") == 1


@pytest.mark.parametrize("width", [420, 900])
def test_a_slab_counts_its_used_buffers_and_a_cache_its_slabs(machine: vm.Machine, width: int) -> None:
    for _ in range(5):
        machine.malloc(300)
    scene = vm.Slabs(machine, width=width).scene()
    head = next(words(node) for node in scene.nodes if node.id.startswith("slabs/zone 512/") and node.kind == "slab")
    assert "5" in head.replace("/", " ").split()
    name = next(node for node in scene.nodes if node.id == "slabs/zone 512")
    assert words(name).endswith("slabs: 1 partial")


@pytest.mark.parametrize("width", [420, 900])
def test_each_slab_says_which_buffer_is_next(width: int, machine: vm.Machine) -> None:
    scene = vm.Slabs(machine, width=width).scene()
    cells = [node for node in scene.nodes if node.kind == "cells" and any(bar.style == "next" for bar in node.bars)]
    assert cells
    assert {[bar.style for bar in node.bars].count("next") for node in cells} == {1}


def test_a_boot_has_no_steps_of_caches_whose_values_in_between_are_not_known() -> None:
    machine = vm.boot("x86-64")
    assert vm.Slabs(machine).scene().steps.count == 0
    machine.malloc("100 B")
    assert vm.Slabs(machine).scene().steps.count > 0
