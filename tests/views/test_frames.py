"""The picture of physical memory: the gauges say what the counts say, and every frame is told of once."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest

import vmwidgets as vm
from tests.views.lives import lived_in
from vmwidgets.engine.base.units import binary_size
from vmwidgets.engine.kernel.freebsd.kmem_schema import DaemonScanned
from vmwidgets.engine.memory.pages_schema import FrameRun, PageCounts
from vmwidgets.views.memory.frame_rows import pieces_of, rows_of, strips_of
from vmwidgets.views.memory.gauge import answer, gauges, is_cut, level, served
from vmwidgets.views.scene.boxes import Drawn
from vmwidgets.views.scene.model import Node, Scene
from vmwidgets.views.scene.svg import to_svg

COUNTS = PageCounts(
    total=10_000, free=9000, zeroed=10, cached=100, used=900, wired=300, inactive=50, free_reserved=60,
    interrupt_free_min=2, free_min=140, free_target=600, deficit=0,
)  # fmt: skip

ROOM = 870.0


def left(pages: int) -> PageCounts:
    """Counts with so many pages to be had."""
    return replace(COUNTS, free=pages, zeroed=0, cached=0, used=COUNTS.total - pages)


def gauge(counts: PageCounts) -> dict[str, Node]:
    """The bar of physical memory, from the left edge on, with one owner of all used frames."""
    value = replace(vm.boot().frames.value(), counts=counts, owners=(("kernel", counts.used),), runs=())
    drawn = Drawn()
    gauges(value, value)(drawn, 0, 30, ROOM)
    return {node.id: node for node in drawn.nodes}


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
    refused = {one.removeprefix("frames/class/") for one in gauge(left(pages)) if one.startswith("frames/class/")}
    assert refused == {"NORMAL", "SYSTEM", "INTERRUPT"} - classes


def test_fewer_pages_stand_further_left_and_marks_stand_at_their_numbers() -> None:
    places = [level(COUNTS, pages, ROOM) for pages in range(COUNTS.total + 1)]
    assert places == sorted(places)
    assert (places[0], places[-1]) == (0, ROOM)
    assert [one for one in gauge(COUNTS) if "mark" in one] == ["frames/mark/free_reserved"], (
        "far away, only one matters"
    )
    near = left(500)
    for name in ("interrupt_free_min", "free_reserved", "free_min", "free_target"):
        node = gauge(near)[f"frames/mark/{name}"]
        assert words(node).startswith(f"{getattr(COUNTS, name):,} ")
        assert words(node).endswith(f"({name})")
        assert node.x + node.bars[0].x == pytest.approx(level(near, getattr(COUNTS, name), ROOM), abs=1.1)


@pytest.mark.parametrize("pages", [30, 700, 2400, 2401, 7500])
def test_where_few_are_left_the_marks_have_most_of_the_room(pages: int) -> None:
    counts = left(pages)
    places = [level(counts, one, ROOM) for one in range(COUNTS.total + 1)]
    assert places == sorted(places)
    assert (places[0], places[-1]) == (0, ROOM)
    assert is_cut(counts) == (pages <= 2400)
    assert (places[counts.free_target] > ROOM / 5) == is_cut(counts)
    assert ("frames/cut" in gauge(counts)) == is_cut(counts)


@pytest.mark.parametrize("used", [1, 20, 2499])
def test_where_few_are_used_their_owners_have_two_fifths_of_the_room(used: int) -> None:
    counts = left(COUNTS.total - used)
    places = [level(counts, one, ROOM) for one in range(COUNTS.total + 1)]
    assert places == sorted(places)
    assert (places[0], places[-1]) == (0, ROOM)
    drawn = gauge(counts)
    assert "frames/cut" in drawn
    assert drawn["frames/part/kernel"].w == pytest.approx(0.4 * ROOM, abs=1.1)


def test_only_a_refused_request_wakes_the_page_daemon() -> None:
    """What the gauge says of each section, asked of the engine on both sides of its marks."""
    for name in ("free_reserved", "free_min", "free_target"):
        for more in (0, 1):
            machine = vm.boot("x86-64", layout="small", ram="16 MiB")
            counts = machine.frames.value().counts
            machine.take_pages(counts.available - getattr(counts, name) - more)
            pages = machine.frames.value().counts
            says = "frames/class/NORMAL" in gauge(pages)
            with suppress(vm.VMError):  # refused, with no other thread that could free memory
                machine.read_file("data", vm.PAGE)
            woken = any(isinstance(event, DaemonScanned) for event in machine.journal.last.events)
            assert woken == says, (name, more)


@pytest.mark.parametrize(
    ("pages", "said"),
    [
        (0, "Every request is refused"), (1, "Only INTERRUPT"), (2, "Only INTERRUPT"), (3, "SYSTEM and INTERRUPT"),
        (60, "SYSTEM and INTERRUPT"), (61, "are not woken"), (139, "are not woken"), (140, "works on"),
        (599, "works on"), (600, "available."), (10_000, "available."),
    ],
)  # fmt: skip  # pairs
def test_the_answer_is_what_the_kernel_does_then(pages: int, said: str) -> None:
    """Requests need more than their mark; waiters wake at free_min, and the daemon rests at free_target."""
    assert said in answer(left(pages))
    assert answer(left(pages)).startswith(f"{pages:,} of 10,000 ")
    by_class = {name for name, yes in served(left(pages)).items() if not yes}
    assert (not by_class) == ("All requests are served" in answer(left(pages)) or pages >= COUNTS.free_target)


@pytest.mark.parametrize("seed", range(4))
def test_the_parts_of_memory_are_all_of_it(seed: int) -> None:
    machine = lived_in(seed)
    scene = vm.Frames(machine).scene()
    parts = [node.title for node in scene.nodes if node.id.startswith("frames/part/")]
    counts = [int(title.split(": ")[1].split(", ")[0].replace(",", "")) for title in parts]
    assert sum(counts) == machine.frames.value().counts.total
    drawn = [node.title for node in scene.nodes if node.kind in ("run", "fold") and node.lane == "frames/runs"]
    assert sum(int(title.split()[0].replace(",", "")) for title in drawn) == sum(counts)


def test_frames_that_were_taken_are_marked_and_say_whose_they_are() -> None:
    machine = vm.boot()
    machine.kmem_malloc("20 KiB")
    scene = vm.Frames(machine).scene()
    new = [node for node in scene.nodes if node.kind == "run" and "new" in node.state]
    assert all("of kmem_object wired" in node.title and "mark" in {bar.style for bar in node.bars} for node in new)
    assert words(placed(scene)["frames/owner/kmem_object"]) == "kmem_object 5 was 0"
    assert sum(int(node.title.split()[0]) for node in new) == 5
    assert [words(node) for node in scene.nodes if node.id.startswith("frames/note/")] == ["5 new"]


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
    told = {one.id: words(one) for one in scene.nodes if one.id.startswith("frames/order/")}
    orders = [free for free in machine.frames.value().orders if free.count]
    assert told == {
        f"frames/order/{one.order}": f"{one.count} of {binary_size(vm.PAGE << one.order)}" for one in orders
    }


@pytest.mark.parametrize("across", [32, 64])
@pytest.mark.parametrize("seed", range(4))
def test_each_frame_is_in_one_row_and_free_blocks_are_those_of_the_buddy_system(seed: int, across: int) -> None:
    value = lived_in(seed).frames.value(whole=10**6)
    pieces = [*pieces_of(value, {}, (), -1)]
    orders = [one.frames.bit_length() - 1 for one in pieces if one.run is not None and one.run.state == "free"]
    assert [orders.count(free.order) for free in value.orders] == [free.count for free in value.orders]
    shown = [piece for strip in strips_of(pieces, across) for piece in strip.pieces]
    ends = [value.first_frame, *(piece.end for piece in shown)]
    assert [piece.first for piece in shown] == ends[:-1]
    assert ends[-1] == value.end_frame
    for strip in strips_of(pieces, across):
        first, end = strip.pieces[0].first, strip.pieces[-1].end
        assert -(-end // across) - first // across == strip.rows


def test_a_free_run_is_cut_where_its_buddies_end() -> None:
    value = vm.boot().frames.value()
    free = FrameRun(5, 9, "free")
    pieces = pieces_of(replace(value, runs=(free,), first_frame=5, end_frame=14), {}, (), -1)
    assert [(one.first, one.frames) for one in pieces] == [(5, 1), (6, 2), (8, 4), (12, 2)]


def test_frames_that_were_taken_in_several_rows_have_one_line_around_them_and_one_number() -> None:
    machine = vm.boot("x86-64", layout="small", ram="4 MiB")
    machine.read_file("film", 175 * vm.PAGE)
    scene = vm.Frames(machine).scene()
    new = [node for node in scene.nodes if node.kind == "run" and "new" in node.state]
    assert sum(int(node.title.split()[0]) for node in new) == 175
    assert len({node.y for node in new}) > 2
    assert [link.state for link in scene.links] == [("new",)]
    x, y = zip(*scene.links[0].points, strict=True)
    assert min(x) < min(node.x for node in new)
    assert max(x) > max(node.x + node.w for node in new)
    assert min(y) < min(node.y for node in new)
    assert max(y) > max(node.y + node.h for node in new)
    assert [words(node) for node in scene.nodes if node.id.startswith("frames/note/")] == ["175 new"]
    assert 'class="badge"' not in to_svg(scene)


def test_neighbours_in_two_states_have_a_line_each() -> None:
    value = replace(vm.boot().frames.value(), runs=(FrameRun(0, 8, "used", "kernel"),), first_frame=0, end_frame=8)
    touched = {2: "new", 3: "new", 4: "changed"}
    drawn = Drawn()
    rows_of(strips_of([*pieces_of(value, touched, (), -1)], 4), 4)(drawn, 0, 0, 400)
    assert [link.state for link in drawn.links] == [("new",), ("changed",)]


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


def test_the_headline_says_how_many_frames_are_free_against_the_marks() -> None:
    machine = vm.boot("x86-64", layout="small")
    machine.kmem_malloc("12 KiB")
    caption = vm.Frames(machine).scene().caption
    counts = machine.frames.value().counts
    assert caption.text == f"{counts.available:,} of {counts.total:,} frames are available."
    assert caption.reason == "kmem_object: 3 more than before."


def test_a_file_has_one_name_mapped_or_only_cached_and_all_its_frames_count() -> None:
    machine = vm.boot("x86-64")
    machine.file("notes", b"a" * 6 * vm.PAGE)
    machine.read_file("notes", "24 KiB")
    task = machine.task("reader")
    task.read(task.mmap("24 KiB", file="notes", prot="r"), 1)
    view = vm.Frames(machine, width=900)
    scene = view.scene()
    said = [run.text for node in scene.nodes for run in node.text]
    told = [node.title for node in scene.nodes] + [cell for row in scene.table.rows for cell in row]
    assert not [one for one in (*said, *told) if "object file" in one]
    (row,) = (row for row in scene.table.rows if row[0] == "owner file notes")
    owned = [count for name, count in machine.frames.value().owners if name.endswith("file notes")]
    assert int(row[1]) == sum(owned)
    (node,) = (node for node in scene.nodes if node.id == "frames/owner/file notes")
    assert node.bars[0].style == "own-file"
