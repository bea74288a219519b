"""Marks are true: what is drawn as new, changed, moved or on a path is so, and each mark looks like no other."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import combinations
from pathlib import Path

import pytest

import vmwidgets as vm
from tests.views import gallery
from tests.views.lives import WHOLE
from tests.views.oracle.living import life_of_maps
from vmwidgets.engine.kernel.map.map_schema import MapValue
from vmwidgets.engine.machine.handles.maps import MachineMap
from vmwidgets.pictures.at import ranges_of
from vmwidgets.views.maps import picture
from vmwidgets.views.maps.picture import map_picture
from vmwidgets.views.scene.model import Scene
from vmwidgets.views.story.look import Look
from vmwidgets.views.story.moment import Moment

PAGE = 4096
CSS = (Path(__file__).parents[2] / "vmwidgets" / "views" / "scene" / "style.css").read_text()


def parents(value: MapValue) -> dict[int, tuple[int, bool]]:
    """Parent and colour of each node."""
    found = {value.root: 0}
    for node in value.nodes.values():
        found.update(dict.fromkeys(filter(None, (node.left, node.right)), node.id))
    return {node.id: (found[node.id], node.red) for node in value.nodes.values()}


def operations(seed: int) -> Iterator[tuple[list[MapValue], MapValue, Moment]]:
    """The kernel's map at all moments of each operation of a life, and after it, and the moment after it."""
    life = life_of_maps(seed)
    machine = next(life)
    number = machine.journal.last.number
    for _ in life:
        last = machine.journal.last
        if last.number != number:
            moment = Moment(last, ranges=ranges_of(machine))
            values = machine.history.moments(last.number, lambda then: then.kernel_map.value(whole=WHOLE))
            yield values, machine.kernel_map.value(whole=WHOLE), moment
        number = last.number


@pytest.mark.parametrize("seed", range(4))
def test_nodes_with_another_parent_or_colour_are_marked_and_no_others(seed: int) -> None:
    moved = 0
    for values, after, moment in operations(seed):
        old, now = parents(values[0]), parents(after)
        picture = map_picture(Look(moment, values.__getitem__, after))
        expected = {node for node in old.keys() & now.keys() if old[node] != now[node]}
        assert picture.moved == expected, moment.operation
        marked = {node for node in expected if {"changed", "new"} & {*picture.in_tree(node)}}
        written = {node for node in expected if {"changed", "new"} & {*picture.states.get(node, ())}}
        assert marked == (written if picture.path else expected), "a search is not about places and colours"
        moved += len(marked)
    assert moved > 10


def test_a_removal_marks_what_took_the_place_of_the_root() -> None:
    machine = vm.boot("x86-64")
    space = machine.task("init").map
    for number in range(7):
        space.enter(PAGE, at=0x40_0000 + number * 0x10_0000)
    value = space.value(whole=WHOLE)
    root = next(entry for entry in space if entry.id == value.root)
    space.remove(root.start, size=PAGE)
    scene = vm.Tree(space).scene()
    heir = space.value(whole=WHOLE).root
    assert "changed" in next(node for node in scene.nodes if node.id == f"tree/{heir}").state
    assert [node.text[0].text for node in scene.nodes if node.id == "tree/key"], "it says what the line means"
    assert not any("changed" in node.state for node in vm.EntryList(space).scene().nodes), "no range changed"


def test_no_path_is_drawn_after_the_boot() -> None:
    scene = vm.Map(vm.boot("x86-64").kernel_map).scene()
    marked = [*(node.state for node in scene.nodes), *(link.state for link in scene.links)]
    assert not any("path" in state for state in marked)


@pytest.mark.parametrize("seed", range(3))
def test_a_path_is_drawn_only_where_its_comparisons_lead(seed: int) -> None:
    drawn = 0
    for values, after, moment in operations(seed):
        for place in range(len(moment.events) + 1):
            here = moment.at(place)
            picture = map_picture(Look(here, values.__getitem__, after))
            for (node, side), (following, _) in zip(picture.path, picture.path[1:], strict=False):
                there = picture.value.nodes[node]
                assert following == (there.left if side == "left" else there.right)
                drawn += 1
    assert drawn > 20


def states(scene: Scene, thing: str) -> set[str]:
    return {state for node in scene.nodes if node.thing == thing for state in node.state}


def test_an_entry_that_took_in_another_is_changed_and_not_new() -> None:
    machine = vm.boot("x86-64")
    machine.kmem_malloc(7 * PAGE)
    space = machine.kmem.maps["kmem_map"]
    (entry,) = space.entries()
    assert "new" in states(vm.Kmem(machine).scene(), f"entry:{entry.id}")
    machine.kmem_malloc(PAGE)
    (merged,) = space.entries()
    assert merged.id != entry.id, "FreeBSD keeps the new entry of the two"
    found = states(vm.Kmem(machine).scene(), f"entry:{merged.id}")
    assert "changed" in found
    assert "new" not in found


def test_a_removal_that_cuts_at_both_ends_names_no_function_of_one_end() -> None:
    space = vm.boot("x86-64").task("init").map
    space.enter(16 * PAGE, at=0x40_0000)
    space.remove(0x40_4000, size=4 * PAGE)
    assert vm.Map(space).scene().caption.functions == ("vm_map_remove",)
    space.remove(0x40_1000, size=3 * PAGE)
    assert vm.Map(space).scene().caption.functions == ("vm_map_remove",)


# ---- many small things ---------------------------------------------------------------------------------


def crowded(entries: int) -> MachineMap:
    """A map of so many entries, most with a gap behind, of different kinds and sizes."""
    machine = vm.boot("x86-64")
    machine.object("data")
    space, place = machine.task("init").map, 0x40_0000
    for number in range(entries):
        size = (1 + number % 7 + 500 * (number % 40 == 3)) * PAGE
        target = "data" if number % 5 == 0 else None
        space.enter(size, at=place, fixed=True, nomerge=True, prot=("rw", "r", "rx")[number % 3], object=target)
        place += size + (number % 3) * PAGE
    return space


@pytest.mark.parametrize("kind", [vm.EntryList, vm.Ribbon, vm.Map])
@pytest.mark.parametrize("entries", [70, 150])
def test_marks_are_the_nodes_that_fewer_things_would_be(
    kind: type[vm.Map], entries: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = kind(crowded(entries))
    marked = view.scene()
    lanes = {marks.lane: len(marks.number) for marks in marked.marks}
    monkeypatch.setattr(picture, "MANY", 10**9)
    single = view.scene()
    drawn = {marks.lane for marks in single.marks}
    assert drawn <= {"tree"}
    assert lanes.keys() - drawn >= set(view.lanes[-1:] if kind is vm.Map else view.lanes)
    assert all(count >= 50 for count in lanes.values())
    for scenes in (marked.whole(), single.whole()):
        assert len({node.id for node in scenes.nodes}) == len(scenes.nodes)
    assert set(marked.whole().nodes) == set(single.whole().nodes)
    assert set(marked.whole().links) == set(single.whole().links)


def test_few_things_without_words_are_nodes_that_can_move() -> None:
    scene = vm.Ribbon(crowded(40)).scene()
    assert scene.marks == ()
    assert sum(node.kind == "range" for node in scene.nodes) == 40


def test_marks_stand_in_order_by_both_edges() -> None:
    for marks in vm.Map(crowded(250)).scene().marks:
        right = [x + w for x, w in zip(marks.x, marks.w, strict=True)]
        assert list(marks.x) == sorted(marks.x), marks.lane
        assert right == sorted(right), marks.lane


def test_what_marks_lie_on_is_drawn_before_them() -> None:
    ids = [node.id for node in vm.Ribbon(crowded(127)).scene().whole().nodes]
    assert ids[0] == "ribbon/ground"


# ---- looks ---------------------------------------------------------------------------------------------


def looks() -> dict[str, tuple[str, str]]:
    """Weight and dashes of the outline of each state: all that can be seen without colours."""
    found: dict[str, tuple[str, str]] = {}
    for selectors, body in re.findall(r"([^{}]*)\{([^{}]*)\}", CSS):
        rules = dict(re.findall(r"([\w-]+): ([^;]+);", body))
        for state in ("new", "changed", "path", "leaving"):
            if re.search(rf"\.node\.{state} > \.shape(,|\s*$)", selectors.strip()) and "range" not in selectors:
                width, dashes = rules.get("stroke-width", "1"), rules.get("stroke-dasharray", "none")
                found.setdefault(state, (width, dashes))
    return found


def test_each_state_has_a_look_without_colour() -> None:
    found = looks()
    assert found.keys() == {"new", "changed", "path", "leaving"}
    for one, other in combinations(found, 2):
        assert found[one] != found[other], (one, other)


def test_what_is_selected_and_where_the_keyboard_is_are_lines_in_the_colour_of_text_beside_any_state() -> None:
    lines = dict(re.findall(r"(\.shade|\.ring) \{[^}]*stroke: var\(--vmw-(\w+)\)", CSS))
    assert lines == {".shade": "fg", ".ring": "fg"}
    assert not re.search(r"\.selected[^{]*\{[^}]*filter", CSS), "a filter casts a dashed outline's shade in dashes"


def test_a_path_is_numbered_from_the_root_where_its_nodes_are_dots() -> None:
    machine = vm.boot("x86-64")
    for number in range(90):
        machine.kernel_map.enter("16 KiB", prot=("rw", "r")[number % 2])
    picture = vm.Map(machine.kernel_map)
    picture.find = int(machine.kernel_map.entries()[61].start)
    scene = picture.scene()
    asked = [node for node in scene.nodes if node.id.endswith("/asked")]
    numbers = [int(node.text[0].text.partition(" ")[0]) for node in asked]
    assert numbers == list(range(1, len(numbers) + 1))
    dots = [node for node in scene.nodes if node.kind == "tree-node" and "path" in node.state and node.h < 20]
    assert dots, "some of the path are dots"
    others = [node for node in scene.nodes if node.kind == "tree-node"]
    for label in asked:
        over = [one for one in others if one.x < label.x + label.w and one.x + one.w > label.x
                and one.y < label.y + label.h and one.y + one.h > label.y]  # fmt: skip
        assert over == []


def accents(scene: Scene) -> Counter[str]:
    """The things with a line of their own that says that they are new or changed, by kind; words have none."""
    marked = {
        node.thing or node.id: node.kind
        for node in scene.nodes
        if {"new", "changed"} & {*node.state} and not {"within", "tile"} & {*node.state} and node.shape != "none"
    }
    return Counter(marked.values())


def _populated(machine: vm.Machine) -> list[vm.View]:
    task = machine.task("init")
    task.mmap("2 MiB", flags="private|populate")
    return [vm.Tables(task), vm.Frames(machine)]


def _forked(machine: vm.Machine) -> list[vm.View]:
    task = machine.task("init")
    place = task.mmap("256 KiB")
    for page in range(64):
        task.write(place + page * vm.PAGE, b"x")
    child = task.fork("child")
    return [vm.Sharing(machine), vm.Tables(child), vm.Frames(machine)]


def _written(machine: vm.Machine) -> list[vm.View]:
    shown = _forked(machine)
    child = machine.tasks["child"]
    child.write(child.map.entries()[0].start, b"y" * 60_000)
    return [*shown, vm.Tlb(machine)]


def _allocated(machine: vm.Machine) -> list[vm.View]:
    machine.kmem_malloc("256 KiB")
    return [vm.Tables(machine), vm.Kmem(machine), vm.Frames(machine)]


@pytest.mark.parametrize("act", [_populated, _forked, _written, _allocated])
def test_many_things_that_changed_alike_have_one_line_around_them(act: Callable[[vm.Machine], list[vm.View]]) -> None:
    for shown in act(vm.boot("x86-64")):
        scene = shown.scene()
        found = accents(scene)
        assert sum(found.values()) - found["around"] <= 8, (type(shown).__name__, found)
        for ring in (node for node in scene.nodes if node.kind == "around"):
            inside = [
                node for node in scene.nodes if "within" in node.state and node is not ring
                and ring.x <= node.x and node.x + node.w <= ring.x + ring.w
                and ring.y <= node.y and node.y + node.h <= ring.y + ring.h
            ]  # fmt: skip  # a box in a box
            (count,) = (node for node in scene.nodes if node.id == ring.id.replace("/around", "/count"))
            assert count.text[0].text == f"{len(inside)}"
            assert len(inside) > 3


def test_no_picture_has_more_than_seven_accents() -> None:
    """Of more things that changed alike, one ring says how many; of two sides, all differences are marked."""
    found = {name: accents(picture.scene()) for name, picture in gallery.every() if not name.startswith("Beside")}
    assert {name: some for name, some in found.items() if some.total() - some["around"] > 7} == {}
