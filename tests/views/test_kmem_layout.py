"""Pictures of kernel memory: nothing cut, nothing outside, ids unique, the same again for the same life."""

from __future__ import annotations

from collections import Counter

import pytest

import vmwidgets as vm
from tests.views.lives import lived_in
from tests.views.pictures import misplaced_text, outside, overlaps
from vmwidgets.views.scene.model import Scene

VIEWS = (vm.Kmem, vm.Threads, vm.Frames, vm.Slabs, vm.Dashboard)


def steps_of(view: vm.View) -> list[Scene]:
    """The scene at each step."""
    found = []
    for step in range(view.scene().steps.count + 1):
        view.step = step
        found.append(view.scene())
    return found


def sound(scene: Scene) -> None:
    """What must hold of any scene."""
    assert misplaced_text(scene) == [], scene.view
    assert outside(scene) == [], scene.view
    twice = [name for name, count in Counter(node.id for node in scene.nodes).items() if count > 1]
    twice += [name for name, count in Counter(link.id for link in scene.links).items() if count > 1]
    assert twice == [], scene.view
    names = {node.id for node in scene.nodes}
    loose = [link.id for link in scene.links if link.source not in names or link.target not in names]
    assert loose == [], scene.view
    assert all(len(row) == len(scene.table.header) for row in scene.table.rows), scene.view
    assert all(node.title for node in scene.nodes if node.action), scene.view


@pytest.mark.parametrize("seed", range(8))
def test_every_step_of_every_picture_is_sound(seed: int) -> None:
    machine = lived_in(seed, 30 + 8 * seed)
    for kind in VIEWS:
        for scene in steps_of(kind(machine)):
            sound(scene)


@pytest.mark.parametrize("seed", [1, 4])
def test_selected_things_fit_too(seed: int) -> None:
    machine = lived_in(seed)
    for kind in VIEWS:
        view = kind(machine)
        things = {node.thing for node in view.scene().nodes if node.action == "select"}
        for thing in sorted(things):
            view.selection = thing
            sound(view.scene())


@pytest.mark.parametrize("kind", VIEWS)
def test_the_same_life_gives_the_same_bytes(kind: type[vm.View]) -> None:
    machines = [lived_in(3), lived_in(3)]
    left, right = (kind(machine).to_svg() for machine in machines)
    assert left == right


def test_ranges_of_a_map_stand_side_by_side_in_order() -> None:
    machine = lived_in(5)
    scene = vm.Kmem(machine).scene()
    for name in machine.kmem.maps:
        pieces = [node for node in scene.nodes if node.id.startswith(f"kmem/{name}/") and node.kind in ("range", "gap")]
        assert overlaps(pieces) == []
        entries = {entry.id: entry.start for entry in machine.kmem.maps[name]}
        placed = sorted((node for node in pieces if node.kind == "range"), key=lambda node: node.x)
        starts = [entries[int(node.thing.partition(":")[2])] for node in placed]
        assert starts == sorted(starts)


def test_much_memory_and_many_things_cost_no_more_to_draw() -> None:
    machine = vm.boot(ram="4 GiB", layout="x15-64")
    for number in range(1200):
        machine.kmem_alloc("4 KiB") if number % 2 else machine.kmem_malloc("8 KiB")
        machine.malloc(64)
    for number in range(200):
        machine.spawn(lambda: machine.kmem_alloc_wait("8 MiB"), name=f"t{number}")
    for kind in VIEWS:
        scene = kind(machine).scene()
        sound(scene)
        assert len(scene.nodes) < 250, kind
    assert any("more" in node.title for node in vm.Threads(machine).scene().nodes if node.kind == "fold")


@pytest.mark.parametrize("seed", range(3))
def test_entries_of_kernel_memory_stay_where_they_are_in_all_steps_of_an_operation(seed: int) -> None:
    machine = lived_in(seed, 12)
    view = vm.Kmem(machine)
    for number in range(1, len(machine.journal)):
        view.moment = (number, 0)
        seen: dict[tuple[str, str], set[tuple[float, float, float]]] = {}
        for scene in steps_of(view):
            for node in scene.nodes:
                if node.kind in ("range", "entry"):
                    seen.setdefault((node.id, node.title), set()).add((node.x, node.y, node.w))
        assert [name for name, places in seen.items() if len(places) > 1] == []


KINDS = {"submap", "kernel", "anonymous"}


@pytest.mark.parametrize("booted", [False, True])
def test_the_legend_has_each_colour_of_a_range_and_no_other(booted: bool) -> None:
    machine = vm.boot("x86-64", layout="tiny") if booted else lived_in(1, 38)
    scene = vm.Kmem(machine).scene()
    known = {bar.style for node in scene.nodes if node.id.startswith("kmem/legend/") for bar in node.bars}
    ranges = [node for node in scene.nodes if node.kind == "range"]
    filled = {state for node in ranges for state in node.state}
    inside = {f"{bar.style} inside" for node in ranges for bar in node.bars if bar.style == "wired"}
    assert known == filled & KINDS | inside
    assert ({"submap"} if booted else {"submap", "wired inside"}) <= known
    assert not booted or "new" not in filled, "all is new after the boot: no line says so"
