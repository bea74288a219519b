"""The picture of kernel memory: maps inside maps, each below its place, with locks, sleepers, wiring and gaps."""

from __future__ import annotations

import re
from contextlib import suppress

import pytest

import vmwidgets as vm
from tests.captions import saying, says
from vmwidgets.views.scene.model import Node, Scene
from vmwidgets.views.scene.text import cut
from vmwidgets.views.story.words.called import called

PAGE = 4096

DESCENT = 4
"""Pixels that letters such as p reach below the line."""


@pytest.fixture
def machine() -> vm.Machine:
    return vm.boot()


def placed(scene: Scene) -> dict[str, Node]:
    return {node.id: node for node in scene.nodes}


def words(node: Node) -> str:
    return " ".join(run.text for run in node.text)


@pytest.mark.parametrize("width", [420, 900])
def test_each_map_is_below_its_parent_and_further_right(machine: vm.Machine, width: int) -> None:
    parents = {"kmem_map": "kernel_map", "clean_map": "kernel_map", "buffer_map": "clean_map", "pager_map": "clean_map"}
    for child, parent in parents.items():
        drawn = placed(vm.Kmem(machine.kmem.maps[child], width=width).scene())  # with a row, even if it is empty
        below, above = (drawn[f"kmem/{machine.kmem.maps[name].name}"] for name in (child, parent))
        assert below.y > above.y
        assert below.text[0].x > above.text[0].x
        entry = next(one for one in machine.kmem.maps[parent] if one.start == machine.kmem.maps[child].start)
        assert child in drawn[f"kmem/{machine.kmem.maps[parent].name}/{entry.id}"].title, "its place is in its parent"


@pytest.mark.parametrize("used", [(), ("exec_map",), ("exec_map", "pipe_map")])
def test_submaps_that_nobody_uses_are_one_line_with_their_number(machine: vm.Machine, used: tuple[str, ...]) -> None:
    machine.kmem_malloc(PAGE)
    for name in used:
        machine.kmem.maps[name].lock()
    drawn = placed(vm.Kmem(machine).scene())
    empty = [one.name for one in machine.kmem.maps.values() if not one.entries() and one.name not in used]
    for one in machine.kmem.maps.values():
        assert (f"kmem/{one.name}" in drawn) == (one.name not in empty)
        assert (called(one.name) in words(drawn["kmem/empty"])) == (one.name in empty)
    names = [words(node) for node in drawn.values() if node.id.endswith("/names")]
    assert names == ["clean_map, exec_map, pipe_map"], "what has no room in its place is named below it"


def test_what_is_used_is_the_title_if_nothing_changed(machine: vm.Machine) -> None:
    machine.kmem_malloc(PAGE)
    said = words(placed(vm.Kmem(machine, selection=f"map:{machine.kmem.maps['kmem_map'].name}").scene())["kmem/answer"])
    machine.task("init")
    scene = vm.Kmem(machine).scene()
    assert (scene.caption.text, scene.caption.reason) == (said, saying("moments: same"))
    assert "kmem/answer" not in placed(scene)


def test_ranges_say_what_they_are_and_wired_ones_are_marked(machine: vm.Machine) -> None:
    machine.kmem_malloc(8 * PAGE)
    machine.kmem_alloc_wait(8 * PAGE)
    scene = vm.Kmem(machine).scene()
    for name, marked in (("kmem_map", True), ("exec_map", False)):
        (entry,) = machine.kmem.maps[name]
        node = placed(scene)[f"kmem/{name}/{entry.id}"]
        assert [bar.style for bar in node.bars] == (["wired"] if marked else [])
        assert ("wired" in node.title and "not wired" not in node.title) == marked
    boot = machine.kmem.kernel_map.entries()[0]
    node = placed(scene)[f"kmem/kmem/kernel_map/{boot.id}"]
    assert "NOFAULT" in node.title
    assert "boot" in node.title


@pytest.mark.parametrize("width", [700, 900, 1100, 1200, 1250, 1300, 1500])
def test_a_range_with_a_role_is_called_by_it_at_each_width(width: int) -> None:
    machine = vm.boot("x86-64", layout="tiny")
    nodes = placed(vm.Kmem(machine, width=width).scene())
    for entry in machine.kmem.kernel_map.entries():
        said = words(nodes[f"kmem/kmem/kernel_map/{entry.id}"])
        assert said.startswith(entry.role[: len(said)]) or not entry.role


@pytest.mark.parametrize("width", [420, 640, 900, 1300, 1600])
def test_all_ranges_of_a_ribbon_that_say_something_say_their_size_or_none_does(machine: vm.Machine, width: int) -> None:
    ribbons: dict[str, list[Node]] = {}
    for node in vm.Kmem(machine, width=width).scene().nodes:
        if node.kind == "range" and node.id.startswith("kmem/") and node.text:
            ribbons.setdefault(node.id.rpartition("/")[0], []).append(node)
    assert len(ribbons) > 1 or width == 420
    for name, ranges in ribbons.items():
        said = [words(node) for node in ranges]
        assert not [one for one in said if one[0].isdigit()], f"{name}: a size without a name"
        assert len({" " in one for one in said}) == 1, f"{name}: {said}"


def test_a_handler_ran_and_returned_or_failed() -> None:
    machine = vm.boot("x86-64", layout="tiny")
    pieces = [machine.kmem_malloc("128 KiB"), machine.kmem_malloc("128 KiB")]
    machine.on_lowmem(lambda: machine.kmem_free(pieces.pop(), "128 KiB"))
    for key in "kmem events: CallbackRan/returned", "kmem events: CallbackRan/failed":
        with suppress(vm.VMError):
            machine.kmem_malloc("128 KiB" if len(pieces) == 2 else "256 KiB")
        assert says(key, str(machine.journal.last.explain()))


def test_one_page_is_no_plural() -> None:
    machine = vm.boot("x86-64", ram="4 MiB", layout="tiny")
    machine.pagedaemon.stop()
    machine.take_pages(machine.kmem.pages.available - 1)
    assert " frames is available" in vm.Frames(machine).scene().caption.text


def test_lock_sleepers_and_needs_wakeup_are_words(machine: vm.Machine) -> None:
    machine.kmem_alloc_wait("1 MiB")
    for name in ("one", "two"):
        machine.spawn(lambda: machine.kmem_alloc_wait("8 KiB"), name=name)
    machine.run()
    box = placed(vm.Kmem(machine).scene())["kmem/exec_map"]
    for width in 900, 640, 420:
        drawn = placed(vm.Kmem(machine, width=width).scene())
        assert words(drawn["kmem/exec_map/wakes"]) == "kmem_free_wakeup wakes all"
        assert not [run for run in drawn["kmem/exec_map/wakes"].text if run.room], "none is cut"
        first, second = (drawn[f"kmem/exec_map/sleeper/{name}"] for name in ("one", "two"))
        assert first.y < second.y
        assert (first.text[0].text, first.thing) == ("one", "thread:one")
        assert first.y >= drawn["kmem/exec_map/ground"].y + drawn["kmem/exec_map/ground"].h
        assert "one and two wait for room in exec_map" in words(drawn["kmem/answer"])
    assert "needs_wakeup is set" in box.title
    assert "sleep lock free" in box.title
    assert box.text[-1].y + DESCENT <= box.h, "the last line has its descenders"
    assert "mutex free" in placed(vm.Kmem(machine).scene())["kmem/kmem/kernel_map"].title
    machine.kmem.pipe_map.lock()
    boxes = placed(vm.Kmem(machine).scene())
    assert "locked by the cell" in words(boxes["kmem/pipe_map"])
    assert "held by the cell" in boxes["kmem/pipe_map"].title
    heads = [node for node in boxes.values() if node.kind == "kmem-map"]
    assert ["lock" in words(node) for node in heads].count(True) == 1, "a lock that nobody holds is not drawn"
    assert "held" in boxes["kmem/pipe_map"].state


def test_what_came_free_is_marked_with_its_size(machine: vm.Machine) -> None:
    _, middle, _ = (machine.kmem_malloc(4 * PAGE) for _ in range(3))
    machine.kmem_free(middle, 4 * PAGE)
    scene = vm.Kmem(machine).scene()
    gap = placed(scene)[f"kmem/kmem_map/gap/{middle:x}"]
    assert "changed" in gap.state
    assert "16 KiB" in gap.title


def largest(scene: Scene) -> str:
    """The map with the highest bar."""
    bars = [node for node in scene.nodes if node.id.endswith("/ground")]
    high = max(node.h for node in bars)
    (one,) = [node for node in bars if node.h == high]
    return one.id.removeprefix("kmem/").removesuffix("/ground")


@pytest.mark.parametrize("name", ["kmem_map", "pager_map", "kmem/kernel_map"])
@pytest.mark.parametrize("width", [420, 900])
def test_the_map_concerned_is_the_largest_and_has_addresses(machine: vm.Machine, name: str, width: int) -> None:
    machine.kmem_malloc(PAGE)
    machine.kmem_alloc_wait(PAGE, map="pager_map")
    machine.kmem_malloc(PAGE)
    view = vm.Kmem(machine, width=width)
    assert largest(view.scene()) == "kmem_map"
    view.selection = f"map:{name}"
    scene = view.scene()
    assert largest(scene) == name
    ticks = {node.id.rpartition("/")[2] for node in scene.nodes if "/tick/" in node.id}
    vm_map = machine.kmem.maps[name.removeprefix("kmem/")]
    assert {int(vm_map.start), int(vm_map.end)} <= {int(one, 16) for one in ticks}
    assert {node.id.rpartition("/tick/")[0] for node in scene.nodes if "/tick/" in node.id} == {f"kmem/{name}"}


def test_the_place_of_a_submap_stands_for_the_submap(machine: vm.Machine) -> None:
    view = vm.Kmem(machine)
    entry = next(entry for entry in machine.kmem.kernel_map if entry.start == machine.kmem.exec_map.start)
    view.selection = f"entry:{entry.id}"
    assert largest(view.scene()) == "exec_map"


def test_a_map_made_later_is_there_and_a_step_back_it_is_not(machine: vm.Machine) -> None:
    machine.kmem_suballoc("64 KiB", "mine", parent="pipe_map")
    view = vm.Kmem(machine)
    scene = view.scene()
    assert placed(scene)["kmem/mine"].y > placed(scene)["kmem/pipe_map"].y
    assert "mine" in [row[0] for row in scene.table.rows]
    view.step = 0
    assert "kmem/mine" not in placed(view.scene())


def test_many_submaps_are_counted(machine: vm.Machine) -> None:
    for number in range(9):
        machine.kmem_suballoc("16 KiB", f"extra{number}").lock()  # what is held has a row
    scene = vm.Kmem(machine).scene()
    assert len([node for node in scene.nodes if node.kind == "kmem-map"]) <= 10
    assert any("maps more" in words(node) for node in scene.nodes)
    assert "kmem/extra8" in placed(scene), "the one that was made last is what the operation is about"


def test_each_map_is_a_row_or_counted_once(machine: vm.Machine) -> None:
    for number in range(24):
        name = f"extra{number}"
        machine.kmem_suballoc("16 KiB", name)
        if number % 2:
            machine.kmem.maps[name].lock()
    scene = vm.Kmem(machine).scene()
    said = " ".join(words(node) for node in scene.nodes)
    counted = [int(one) for one in re.findall(r"(\d+) (?:submaps are empty|maps more)", said)]
    assert len(counted) == 2
    rows = [node for node in scene.nodes if node.kind == "kmem-map"]
    assert sum(counted) + len(rows) == len(machine.kmem.maps)


def test_the_table_tells_all_of_it(machine: vm.Machine) -> None:
    machine.kmem_malloc(3 * PAGE)
    rows = vm.Kmem(machine).scene().table.rows
    assert [row[0] for row in rows if row[0]] == [
        "kmem.kernel_map", "kmem_map", "clean_map", "buffer_map", "pager_map", "exec_map", "pipe_map",
    ]  # fmt: skip
    entries = sum(len(one) for one in machine.kmem.maps.values())
    assert len(rows) == entries + len(machine.kmem.maps)
    assert any(row[4].startswith("kmem_object") and row[5] == "1" for row in rows)


def test_the_pictures_of_one_map_show_kernel_memorys_maps_too(machine: vm.Machine) -> None:
    machine.kmem_malloc(PAGE)
    middle = machine.kmem_alloc(PAGE, map="kmem_map")
    machine.kmem_malloc(PAGE)
    machine.kmem_free(middle, PAGE)
    view = vm.Map(machine.kmem.kmem_map)
    scene = view.scene()
    assert "4 KiB" in scene.caption.text
    trees = [node for node in vm.Tree(machine.kmem.kmem_map).scene().nodes if node.kind == "tree-node"]
    assert len(trees) == 2
    said = []
    for step in range(1, scene.steps.count):
        view.step = step
        said.append(view.scene().caption.text)
    assert any(says("map events: TreeUnlinked", text) for text in said)
    locking = "kmem events: MapLocked", "kmem events: MapUnlocked"
    assert not [text for text in said for key in locking if says(key, text)], "the lock is in the picture of all maps"
    locks = vm.Kmem(machine).scene().steps.said
    assert [locks[0][0], locks[-2][0]] == [saying(key, map="kmem_map") for key in locking]
    view.step = 0
    assert len([node for node in view.scene().nodes if node.kind == "tree-node"]) == 3


def test_a_change_of_a_range_is_told(machine: vm.Machine) -> None:
    address = machine.kmem_malloc(4 * PAGE)
    machine.kmem.kmem_map.protect(address, size=PAGE, prot="r")
    caption = vm.Kmem(machine).scene().caption
    assert "now r--" in caption.text
    assert len(machine.kmem.kmem_map) == 2


def test_each_number_says_of_what_it_is(machine: vm.Machine) -> None:
    machine.kmem_malloc("12 KiB")
    view = vm.Kmem(machine)
    scene = view.scene()
    assert "12 KiB allocated" in scene.subtitle
    drawn = placed(scene)
    for node in [node for node in scene.nodes if node.kind == "kmem-map"]:
        beside = drawn.get(f"{node.id}/used", node)
        assert " used" in words(beside)
    view.selection = "map:kmem/kernel_map"
    assert "by submaps too" in words(placed(view.scene())["kmem/kmem/kernel_map"])


def test_the_colours_are_explained_beside_threads_too() -> None:
    machine = vm.boot("x86-64")
    machine.kmem_malloc("64 KiB")
    machine.kmem_alloc_wait("512 KiB", map="exec_map")
    machine.spawn(lambda: machine.kmem_alloc_wait("1 MiB", map="exec_map"), name="sh")
    machine.run()
    scene = vm.Dashboard(machine).scene()
    assert any(node.kind == "thread" or node.id.startswith("threads/") for node in scene.nodes), "the list is left out"
    said = [run.text for node in scene.nodes if "kmem/legend/" in node.id for run in node.text]
    assert {"a submap: a range that is a map of its own", "memory of the kernel", "wired"} <= set(said)


def test_rows_are_below_those_who_wait(machine: vm.Machine) -> None:
    machine.kmem_alloc_wait("1 MiB")
    machine.spawn(lambda: machine.kmem_alloc_wait("8 KiB"), name="one")
    machine.run()
    drawn = placed(vm.Kmem(machine).scene())
    wakes = drawn["kmem/exec_map/wakes"]
    assert drawn["kmem/empty"].y >= wakes.y + wakes.h


def test_the_answer_says_the_largest_piece_that_a_sleeper_could_get() -> None:
    machine = vm.boot("x86-64")
    machine.kmem_alloc_wait("900 KiB")
    machine.spawn(lambda: machine.kmem_alloc_wait("256 KiB"), name="sh")
    machine.run()
    said = words(placed(vm.Kmem(machine).scene())["kmem/answer"])
    assert "In exec_map, 900 KiB of 1 MiB is used, by 1 entry." in said
    assert "sh waits for room in exec_map, where the largest free piece is 124 KiB." in said


@pytest.mark.parametrize("width", [420, 900, 1600])
def test_a_ring_is_around_what_an_entry_grew_by(machine: vm.Machine, width: int) -> None:
    machine.kmem_malloc(4 * PAGE)
    at = machine.kmem_malloc(12 * PAGE)
    scene = vm.Kmem(machine, width=width).scene()
    (entry,) = machine.kmem.maps["kmem_map"]
    rings = [node for node in scene.nodes if node.kind == "fresh"]
    ranges = [node for node in scene.nodes if node.kind == "range" and node.thing == f"entry:{entry.id}"]
    assert len(rings) == len(ranges) == 1
    for ring, whole in zip(rings, ranges, strict=True):
        share = (at - entry.start) / entry.size
        assert ring.x - whole.x == pytest.approx(share * whole.w, abs=2)
        assert ring.x + ring.w == pytest.approx(whole.x + whole.w, abs=2)
        for run in whole.text:
            assert abs(whole.x + run.x - ring.x) > 2, "no edge goes through the words"
    said = placed(scene)[f"kmem/kmem_map/change/{int(at):x}"]
    assert words(said).startswith("+ 48 KiB ")
    assert f"{int(at) & 0xFFFF_FFFF:09_x}" in words(said)
    assert said.y >= ranges[0].y + ranges[0].h
    assert "16 KiB" in rings[0].title, "what was there before"
    assert not [run.text for run in ranges[0].text if "KiB" in run.text], "no other size is beside the ring"


def test_a_new_entry_has_its_own_ring_and_the_words_only_when_it_is_there(machine: vm.Machine) -> None:
    machine.kmem_alloc_wait(4 * PAGE)
    view = vm.Kmem(machine)
    heights, said = set(), []
    for step in range(view.steps + 1):
        view.step = step
        scene = view.scene()
        heights.add(scene.height)
        said.append(" ".join(words(node) for node in scene.nodes if node.id.startswith("kmem/exec_map/change/")))
        assert not [node for node in scene.nodes if node.kind == "fresh"]
    assert (said[0], said[-1].split()[:3]) == ("", ["+", "16", "KiB"])
    assert len(heights) == 1, "nothing moves from step to step"


def test_what_was_freed_is_said_at_its_place(machine: vm.Machine) -> None:
    _, middle, _ = (machine.kmem_malloc(4 * PAGE) for _ in range(3))
    machine.kmem_free(middle, 4 * PAGE)
    drawn = placed(vm.Kmem(machine).scene())
    said, gap = drawn[f"kmem/kmem_map/change/{middle:x}"], drawn[f"kmem/kmem_map/gap/{middle:x}"]
    assert words(said).split()[1:3] == ["16", "KiB"]
    (leader,) = said.bars
    assert gap.x < said.x + leader.x < gap.x + gap.w
    ranges = [node for node in drawn.values() if node.kind == "range" and node.id.startswith("kmem/kmem_map/")]
    assert not [node.state for node in ranges if {"new", "changed"} & {*node.state}], "the rest of the entry stayed"


def test_a_row_waits_for_a_map_that_is_not_there_yet(machine: vm.Machine) -> None:
    machine.kmem_suballoc("64 KiB", "mine", parent="pipe_map")
    view = vm.Kmem(machine)
    places = set()
    for step in range(view.steps + 1):
        view.step = step
        scene = view.scene()
        places.add((placed(scene)["kmem/pipe_map"].y, scene.height))
    assert len(places) == 1


def test_three_hundred_allocations_are_folded_and_the_latest_is_not(machine: vm.Machine) -> None:
    live = [machine.kmem_malloc(PAGE * (1 + number % 2)) for number in range(300)]
    for number in range(0, 300, 2):
        machine.kmem_free(live[number], PAGE)
    at = machine.kmem_malloc(PAGE)
    for width in 420, 900:
        scene = vm.Kmem(machine, width=width).scene()
        pieces = [node for node in scene.nodes if node.id.startswith("kmem/kmem_map/") and node.kind == "range"]
        assert len(pieces) <= 60
        assert [node.kind for node in scene.nodes].count("fold") >= 1
        entry = next(one for one in machine.kmem.kmem_map if one.start <= at < one.end)
        assert f"kmem/kmem_map/{entry.id}" in placed(scene)


def test_a_narrow_map_says_its_name_and_how_full_it_is(machine: vm.Machine) -> None:
    machine.kmem_malloc(4 * PAGE)
    boxes = placed(vm.Kmem(machine, width=420).scene())
    for name in ("kernel_map", "kmem_map", "clean_map"):
        one = machine.kmem.maps[name]
        box = boxes[f"kmem/{one.name}"]
        assert cut(box.text[0]) == called(one.name)
        assert " used" in words(box)
