"""The picture of physical memory: the gauges say what the counts say, and every frame is told of once."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest

import vmwidgets as vm
from tests.views.lives import lived_in
from vmwidgets.engine.kernel.freebsd.kmem_schema import DaemonScanned
from vmwidgets.engine.memory.pages_schema import PageCounts
from vmwidgets.views.memory.gauge import gauges, level, served
from vmwidgets.views.scene.kit import MARGIN, WIDTH
from vmwidgets.views.scene.model import Node, Scene

COUNTS = PageCounts(
    total=10_000, free=9000, zeroed=10, cached=100, used=900, wired=300, inactive=50, free_reserved=60,
    interrupt_free_min=2, free_min=140, free_target=600, deficit=0,
)  # fmt: skip


def left(pages: int) -> PageCounts:
    """Counts with so many pages to be had."""
    return replace(COUNTS, free=pages, zeroed=0, cached=0, used=COUNTS.total - pages)


def words(node: Node) -> str:
    return " ".join(run.text for run in node.text)


def placed(scene: Scene) -> dict[str, Node]:
    return {node.id: node for node in scene.nodes}


@pytest.mark.parametrize(
    ("pages", "classes"),
    [
        (61, {"NORMAL", "SYSTEM", "INTERRUPT"}),
        (60, {"SYSTEM", "INTERRUPT"}),
        (3, {"SYSTEM", "INTERRUPT"}),
        (2, {"INTERRUPT"}),
        (1, {"INTERRUPT"}),
        (0, set()),
    ],
)
def test_the_classes_still_served_are_those_of_the_strict_limits(pages: int, classes: set[str]) -> None:
    assert {name for name, yes in served(left(pages)).items() if yes} == classes
    drawn = {node.id.rpartition("/")[2]: node for node in gauges(left(pages), COUNTS, 0, WIDTH)[0]}
    for name in ("NORMAL", "SYSTEM", "INTERRUPT"):
        assert ("served" in words(drawn[name])) == (name in classes)
        assert drawn[name].shape == ("round" if name in classes else "box")
        assert ("ok" in drawn[name].state) == (name in classes)


def test_fewer_pages_stand_further_left_and_marks_stand_at_their_numbers() -> None:
    places = [level(COUNTS, pages, WIDTH) for pages in range(COUNTS.total + 1)]
    assert places == sorted(places)
    assert (places[0], places[-1]) == (MARGIN, WIDTH - MARGIN)
    drawn = {node.id: node for node in gauges(COUNTS, COUNTS, 0, WIDTH)[0]}
    for name in ("interrupt_free_min", "free_reserved", "free_min", "free_target"):
        node = drawn[f"frames/mark/{name}"]
        (bar,) = node.bars
        assert node.x + bar.x + 1 == pytest.approx(level(COUNTS, getattr(COUNTS, name), WIDTH), abs=1.1)
        assert words(node) == f"{name} {getattr(COUNTS, name):,}"


def test_only_a_refused_request_wakes_the_page_daemon() -> None:
    """What the gauge says of each section, asked of the engine on both sides of its marks."""
    for name in ("free_reserved", "free_min", "free_target"):
        for more in (0, 1):
            machine = vm.boot("x86-64", layout="small", ram="16 MiB")
            counts = machine.frames.value().counts
            machine.take_pages(counts.available - getattr(counts, name) - more)
            pages = machine.frames.value().counts
            drawn = {node.id: node for node in gauges(pages, pages, 0, WIDTH)[0]}
            title = drawn["frames/class/NORMAL"].title
            with suppress(vm.VMError):  # refused, with no other thread that could free memory
                machine.read_file("data", vm.PAGE)
            woken = any(isinstance(event, DaemonScanned) for event in machine.journal.last.events)
            assert woken == ("wake the page daemon" in title), (name, more)


@pytest.mark.parametrize(
    ("pages", "section"),
    [
        (1, "INTERRUPT alone"), (2, "INTERRUPT alone"), (3, "SYSTEM, INTERRUPT"), (60, "SYSTEM, INTERRUPT"),
        (61, "all; waiters not woken"), (139, "all; waiters not woken"), (140, "all; daemon works on"),
        (599, "all; daemon works on"), (600, "all; the daemon rests"), (10_000, "all; the daemon rests"),
    ],
)  # fmt: skip  # pairs
def test_the_section_that_is_marked_is_what_the_kernel_does_then(pages: int, section: str) -> None:
    """Requests need more than their mark; waiters wake at free_min, and the daemon rests at free_target."""
    nodes = gauges(left(pages), COUNTS, 0, WIDTH)[0]
    assert [node.title for node in nodes if node.title.startswith("now: ")] == [f"now: {section}"]


@pytest.mark.parametrize("seed", range(4))
def test_the_parts_of_memory_are_all_of_it(seed: int) -> None:
    scene = vm.Frames(lived_in(seed)).scene()
    counts = {node.id.rpartition("/")[2]: int(words(node).split()[-1].replace(",", ""))
              for node in scene.nodes if node.id.startswith("frames/legend/")}  # fmt: skip
    total = int(scene.subtitle.split()[0].replace(",", ""))
    assert sum(counts.values()) == total
    runs = [node for node in scene.nodes if node.kind in ("run", "fold") and node.lane == "frames/runs"]
    assert sum(int(node.title.split()[0].replace(",", "")) for node in runs) == total


def test_frames_that_were_taken_are_marked_and_say_whose_they_are() -> None:
    machine = vm.boot()
    machine.kmem_malloc("20 KiB")
    scene = vm.Frames(machine).scene()
    new = [node for node in scene.nodes if node.kind == "run" and "new" in node.state]
    assert all("kmem_object" in words(node) and "wired" in words(node) for node in new)
    assert sum(int(node.title.split()[0]) for node in new) == 5


def test_a_selected_frame_tells_where_it_is_mapped() -> None:
    machine = vm.boot()
    task, heap = machine.task("init"), machine.object("heap")
    address = task.map.enter("16 KiB", at=0x40_0000, object=heap)
    task.write(address + 4096, b"x")
    frame = heap.pages[4096]
    view = vm.Frames(machine)
    view.selection = f"frame:{frame}"
    detail = placed(view.scene())["frames/detail"]
    assert "object heap" in detail.title
    assert "mapped at init 0x40_1000" in detail.title
    view.selection = "frame:448"
    assert "no virtual address leads to it" in placed(view.scene())["frames/detail"].title
    for nonsense in ("frame:99999999999", "frame:x", "entry:3"):
        view.selection = nonsense
        assert "frames/detail" not in placed(view.scene())


def test_the_owners_are_told_with_the_most_first() -> None:
    machine = vm.boot()
    machine.kmem_malloc("1 MiB")
    machine.kmem_alloc("2 MiB")
    scene = vm.Frames(machine).scene()
    owners = [node.id.removeprefix("frames/owner/") for node in scene.nodes if node.id.startswith("frames/owner/")]
    assert owners[:2] == ["kernel_object", "kmem_object"]


def test_free_lists_say_how_many_blocks_there_are() -> None:
    machine = vm.boot()
    scene = vm.Frames(machine).scene()
    for free in machine.frames.value().orders:
        assert f"{free.count} free" in words(placed(scene)[f"frames/order/{free.order}"])


@pytest.mark.parametrize("width", [420, 760, 1300])
@pytest.mark.parametrize("children", [0, 4, 30])
def test_as_many_addresses_of_a_frame_are_named_as_have_room(children: int, width: int) -> None:
    machine = vm.boot()
    task = machine.task("init")
    start = task.mmap("4 KiB")
    task.write(start, b"x")
    for number in range(children):
        task.fork(f"a child with a name {number}").read(start)
    frame = (task.walk(start).pa or 0) >> 12
    detail = placed(vm.Frames(machine, selection=f"frame:{frame}", width=width).scene())["frames/detail"]
    said = detail.text[1]
    named = said.text.count("0x1_0000")
    more = 0 if named == children + 1 else int(said.text.split(" and ")[1].removesuffix(" more"))
    assert said.room == 0.0, "it is not cut"
    assert said.text.startswith("mapped at init 0x1_0000")
    assert (named + more, named >= min(children + 1, width // 400)) == (children + 1, True)


def test_the_frames_behind_a_selected_entry_light_up() -> None:
    machine = vm.boot()
    address = machine.kmem_malloc("16 KiB")
    task, heap = machine.task("init"), machine.object("heap")
    where = task.map.enter("16 KiB", at=0x40_0000, object=heap)
    task.write(where, b"x")
    for map_, start, count in ((machine.kmem.kmem_map, address, 4), (task.map, where, 1)):
        entry = next(entry for entry in map_ if entry.start == start)
        view = vm.Frames(machine)
        view.selection = f"entry:{entry.id}"
        lit = [node for node in view.scene().nodes if node.kind == "run" and "path" in node.state]
        wanted = {(machine.walk(a, task=None if map_ is not task.map else task).pa or 0) >> 12
                  for a in range(start, start + count * 4096, 4096)}  # fmt: skip
        assert wanted == set(machine.frames.behind(entry.id))
        assert lit
        assert all(any(int(node.thing.partition(":")[2]) <= frame for node in lit) for frame in wanted)
