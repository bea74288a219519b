"""Where things stand: nothing overlaps, nothing is cut, and the eye goes straight down."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest

import vmwidgets as vm
from tests.views import gallery
from tests.views.pictures import machine_with, misplaced_text, outside, overlaps, worked_on
from vmwidgets.pictures.spaces import range_names
from vmwidgets.views.scene import kit
from vmwidgets.views.scene.model import Node, Scene

SIZES = (3, 9, 12, 31, 60, 127, 290, 700)


def scenes(machine: vm.Machine) -> list[Scene]:
    last = list(machine.kernel_map)[-1]
    views: list[vm.View] = [
        vm.Dashboard(machine),
        vm.Map(machine.kernel_map),
        vm.Tree(machine.kernel_map),
        vm.EntryList(machine.kernel_map),
        vm.Ribbon(machine.kernel_map),
        vm.Kentry(machine.kentry),
        vm.Walk(machine.walk(last.start)),
    ]
    return [view.scene() for view in views]


@pytest.mark.parametrize("entries", SIZES)
def test_text_stays_in_its_box_and_boxes_in_the_picture(entries: int) -> None:
    for scene in scenes(machine_with(entries)):
        assert misplaced_text(scene) == [], scene.view
        assert outside(scene) == [], scene.view


@pytest.mark.parametrize("seed", range(6))
def test_every_step_of_a_random_life_is_drawn_in_bounds(seed: int) -> None:
    machine = worked_on(seed)
    view = vm.Dashboard(machine)
    for step in range(view.scene().steps.count + 1):
        view.step = step
        scene = view.scene()
        assert misplaced_text(scene) == []
        assert outside(scene) == []


@pytest.mark.parametrize("entries", SIZES)
def test_boxes_of_a_lane_do_not_cover_each_other(entries: int) -> None:
    scene = vm.Map(machine_with(entries).kernel_map).scene()
    for lane in ("list", "ribbon"):
        assert overlaps([node for node in scene.whole().nodes if node.lane == lane and node.kind != "ribbon"]) == [], (
            lane
        )
    labels = [
        node for node in scene.whole().nodes if node.kind in ("label", "gap") and node.text and "ribbon/tick" in node.id
    ]
    assert overlaps(labels) == []


@pytest.mark.parametrize("entries", [9, 31, 700])
def test_nodes_of_the_tree_do_not_cover_each_other(entries: int) -> None:
    scene = vm.Tree(machine_with(entries).kernel_map).scene()
    assert overlaps([node for node in scene.whole().nodes if node.lane == "tree"]) == []


@pytest.mark.parametrize("entries", SIZES)
def test_nodes_of_the_tree_stand_in_the_order_of_addresses(entries: int) -> None:
    machine = machine_with(entries)
    nodes = vm.Tree(machine.kernel_map).scene().whole().nodes
    below = [node for node in nodes if node.kind == "tree-node"]
    assert below
    for node in below:
        assert not node.text or kit.MARGIN - 0.5 <= node.x <= kit.WIDTH - kit.MARGIN - node.w + 0.5
    order = sorted(below, key=lambda node: node.x + node.w / 2)
    starts = [int(node.title.partition(" node ")[2].partition(",")[0], 16) for node in order]
    assert starts == sorted(starts)


@pytest.mark.parametrize("entries", SIZES)
def test_order_on_screen_is_the_order_of_addresses(entries: int) -> None:
    machine = machine_with(entries)
    scene = vm.EntryList(machine.kernel_map).scene()
    starts = {entry.id: entry.start for entry in machine.kernel_map}
    nodes = [node for node in scene.whole().nodes if node.thing.startswith("entry:")]
    places = {int(node.id.split("/")[1]): (round(node.y + node.h / 2), node.x) for node in nodes}
    ordered = sorted(places, key=lambda identity: places[identity])
    assert [starts[identity] for identity in ordered] == sorted(starts[identity] for identity in places)


def test_depth_on_screen_is_the_depth_in_the_tree() -> None:
    machine = machine_with(60)
    scene = vm.Tree(machine.kernel_map).scene()
    middle = {node.id: node.y + node.h / 2 for node in scene.whole().nodes}
    for link in scene.whole().links:
        assert middle[link.target] > middle[link.source]
    assert len(scene.whole().links) == len(machine.kernel_map) - 1


def test_red_under_red_is_said_until_it_is_mended_and_a_rotation_makes_new_lines() -> None:
    """On paper: with a red uncle two turn black and one red; that is red under red again, so there is a rotation."""
    machine = vm.boot("x86-64", layout="tiny")
    for prot in ("rw", "r", "rx", "rw", "r"):
        machine.kernel_map.enter("64 KiB", prot=prot)
    view = vm.Tree(machine.kernel_map)
    events = [(step, scene) for step in range(view.scene().steps.count + 1) for scene in [_at(view, step)]]
    wrong = []
    for step, scene in events:
        red = {node.id for node in scene.nodes if node.kind == "tree-node" and "red" in node.state}
        both = [link for link in scene.links if {link.source, link.target} <= red]
        assert [link for link in scene.links if "fault" in link.state] == both
        said = [node for node in scene.nodes if node.id.endswith("/conflict")]
        assert [node.id.removesuffix("/conflict") for node in said] == [link.target for link in both]
        wrong += [step] * bool(both)
    assert wrong, "the insertion was below a red node"
    before, after = events[0][1], events[-1][1]
    pairs = [{(link.source, link.target) for link in one.links} for one in (before, after)]
    new = {(link.source, link.target) for link in after.links if "new" in link.state}
    assert new == pairs[1] - pairs[0]
    assert len(new) == 3, "to the new leaf, and two that the rotation made"


def _at(view: vm.Tree, step: int) -> Scene:
    view.step = step
    return view.scene()


def test_a_large_map_costs_no_more_than_what_is_shown() -> None:
    maps = [machine_with(n, layout="x15-64").kernel_map for n in (700, 5000)]
    small, large = (vm.Map(one, find=one.entries()[300].start).scene() for one in maps)
    assert len(large.whole().nodes) < 200
    assert len(small.whole().nodes) < 200
    folded = [node for node in large.whole().nodes if node.id.startswith("list/others/")]
    shown = [node for node in large.whole().nodes if node.thing.startswith("entry:") and node.lane == "list"]
    counts = [int(node.title.split()[0].replace(",", "")) for node in folded]
    assert sum(counts) + len(shown) == 5000


def _tree_nodes(scene: Scene) -> set[str]:
    return {node.id for node in scene.whole().nodes if node.kind == "tree-node"}


def test_opening_a_fold_shows_more_of_it_and_nothing_else() -> None:
    machine = machine_with(700)
    view = vm.Map(machine.kernel_map)
    before = view.scene()
    fold = next(node for node in before.whole().nodes if node.kind == "fold" and node.lane == "tree")
    view.opened(fold.id)
    after = view.scene()
    assert f"tree/{fold.id.rpartition('/')[2]}" in {node.id for node in after.whole().nodes}
    assert _tree_nodes(before) < _tree_nodes(after)
    assert misplaced_text(after) == []


def test_pictures_of_the_same_life_are_the_same_bytes() -> None:
    machines = [worked_on(3), worked_on(3)]
    left, right = (vm.Dashboard(machine).to_svg().replace(machine.name, "machine") for machine in machines)
    assert left == right


def test_a_picture_whose_machine_is_gone_stays_as_it_was() -> None:
    view = vm.Dashboard(vm.boot("x86-64"))
    gc.collect()
    drawn = view.scene()
    gc.collect()
    assert view.machine is None
    assert view.scene() is drawn


def test_list_and_ribbon_are_in_step() -> None:
    scene = vm.Map(machine_with(31).kernel_map).scene()
    for link in scene.links:
        if link.kind == "band":
            ends = {node.id: node for node in scene.whole().nodes}
            card, piece = ends[link.source], ends[link.target]
            assert card.thing == piece.thing
            (x0, y0), (x1, y1) = link.points[0], link.points[len(link.points) // 2 - 1]
            assert abs(x0 - card.x) < 1.1 and abs(x1 - piece.x) < 1.1
            assert y0 >= card.y + card.h - 0.6 and y1 <= piece.y + 0.6


def test_next_links_lead_along_the_list_and_from_row_to_row() -> None:
    scene = vm.EntryList(machine_with(9).kernel_map).scene()
    links = [link for link in scene.links if link.kind == "next"]
    assert all(left.target == right.source for left, right in pairwise(links))
    named = [node.id for node in scene.whole().nodes if node.thing.startswith("entry:")]
    assert [links[0].source, *(link.target for link in links)] == named


@pytest.mark.parametrize("count", [3, 12, 14])
def test_the_nodes_of_one_tree_have_labels_of_one_kind(count: int) -> None:
    space = vm.boot("x86-64").task("t").map
    for number in range(count):
        space.enter(vm.PAGE, at=0x40_0000 + number * 0x1_0000, fixed=True)
    nodes = [node for node in vm.Tree(space).scene().nodes if node.kind == "tree-node"]
    labels = [node.text[-1].text for node in nodes]
    names = range_names(space.vm_map, space.roles)
    assert sorted(labels) == sorted(names[entry.id] for entry in space)


def test_at_the_right_edge_the_words_of_a_search_are_on_the_left_of_the_node() -> None:
    space = vm.boot("x86-64").task("t").map
    for number in range(3):
        space.enter(vm.PAGE, at=0x40_0000 + number * 0x1_0000, fixed=True)
    tree = vm.Tree(space, find=space.entries()[-1].start)
    tree.width = 420
    nodes = {node.id: node for node in tree.scene().nodes}
    last = f"tree/{space.entries()[-1].id}"
    assert nodes[f"{last}/asked"].text[0].text.endswith("found")
    assert nodes[f"{last}/asked"].x < nodes[last].x


def test_no_link_of_the_path_crosses_a_number_beside_a_mark() -> None:
    """In a large tree the path turns often, and its links are nearly flat."""
    space = vm.boot("x86-64", layout="x15-64").task("init").map
    space.fill(2_000)
    for number in (1, 700, 1_400, 1_998):
        scene = vm.Tree(space, find=space.entries()[number].start).scene().whole()
        asked = [node for node in scene.nodes if node.id.endswith("/asked")]
        labels = [node for node in asked if not node.text[0].text.endswith(("er: left", "er: right", "found"))]
        links = [link.points for link in scene.links if "path" in link.state]
        assert len(labels) > 5
        crossed = [node.text[0].text for node in labels for (x, y), (u, v) in links if crosses(node, x, y, u, v)]
        assert crossed == []


def crosses(node: Node, x: float, y: float, u: float, v: float) -> bool:
    """Whether the line from (x, y) to (u, v) is within the height of the digits of `node` somewhere."""
    left, right = max(min(x, u), node.x + 2), min(max(x, u), node.x + node.w - 2)
    if left >= right:
        return False
    heights = [y + (v - y) * (place - x) / (u - x) for place in (left, right)]
    return min(heights) < node.y + 13 and max(heights) > node.y + 4


def test_small_page_numbers_say_that_they_are_hexadecimal() -> None:
    machine = vm.boot("x86-64", tlb=(1, 4))
    task = machine.task("init")
    for page in (0xC, 0x10):
        task.write(task.mmap("4 KiB", at=page << 12, flags="private fixed"), b"x")
    labels = {run.text for node in vm.Map(task, width=420).scene().nodes for run in node.text}
    cached = {run.text for node in vm.Tlb(machine).scene().nodes for run in node.text}
    assert {"0xc", "0x10"} <= cached
    assert not {"c", "10"} & (labels | cached)


@pytest.mark.parametrize("width", [420, 520, 640, 900])
def test_folds_of_a_list_are_all_numbered_or_none(width: int) -> None:
    machine = vm.boot("x86-64")
    for number in range(300):
        machine.kernel_map.enter("4 KiB", prot=("rw", "r", "rx")[number % 3])
    folds = [node for node in vm.EntryList(machine, width=width).scene().nodes if node.id.startswith("list/fold/")]
    assert len(folds) > 8
    assert len({bool(fold.text) for fold in folds}) == 1
    assert width < 900 or folds[0].text


def test_an_entry_with_the_room_of_a_card_is_a_card_and_its_node_has_its_address() -> None:
    """A large map after an operation elsewhere: the top of its tree, with folds between."""
    text = "".join(
        f"{(1 << 46) + n * 0x3000:x}-{(1 << 46) + n * 0x3000 + 0x2000:x} r--p 0 08:01 {n + 5} /usr/lib/{n}\n"
        for n in range(417)
    )
    machine = vm.boot("x86-64")
    task = vm.load_maps(machine, text).task
    machine.malloc(100)
    scene = vm.Map(task.map, find=task.map.entries()[77].start).scene()
    cards = [node for node in scene.nodes if node.kind == "entry" and node.thing]
    assert len(cards) > 1
    assert {len(node.text) for node in cards} == {len(cards[0].text)}, "each says the same"
    nodes = [node for node in scene.nodes if node.kind == "tree-node"]
    assert nodes
    assert not [node.id for node in nodes for run in node.text if "…" in run.text]


@pytest.mark.parametrize("make", [gallery.of_maps, gallery.of_memory, gallery.of_objects])
def test_things_and_lines_have_ids_of_their_own(make: Callable[[], Iterator[tuple[str, vm.View]]]) -> None:
    """A page finds both by them."""
    for name, picture in make():
        for width in (420, 1600):
            picture.width = width
            scene = picture.scene()
            ids = [*(node.id for node in scene.nodes), *(link.id for link in scene.links)]
            assert [one for one, count in Counter(ids).items() if count > 1] == [], name
