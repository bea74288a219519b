"""The picture of physical memory: the gauges say what the counts say, and every frame is told of once."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from random import Random

import pytest

import vmwidgets as vm
from tests.views.lives import lived_in
from tests.views.pictures import crossing_text, misplaced_text, outside
from vmwidgets import events as ev
from vmwidgets.engine.base.units import binary_size
from vmwidgets.engine.kernel.freebsd.kmem_schema import DaemonScanned
from vmwidgets.engine.memory.pages_schema import FrameRun, PageCounts
from vmwidgets.pictures.memory import frames_scene
from vmwidgets.pictures.moments import look_at
from vmwidgets.views.memory.buddies import blocks_of, turns_of
from vmwidgets.views.memory.frame_rows import pieces_of, strips_of
from vmwidgets.views.memory.gauge import answer, gauges, level, served
from vmwidgets.views.scene.boxes import Drawn
from vmwidgets.views.scene.model import Node, Scene

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


def rows_of_turns(scene: Scene) -> dict[str, dict[int, Node]]:
    """The frames and blocks that are drawn in each row, by their first frames: "0" is before the operation."""
    found: dict[str, dict[int, Node]] = {}
    for node in scene.nodes:
        if node.kind == "run" and node.id.startswith("frames/turn/"):
            _, _, row, first = node.id.split("/")
            found.setdefault(row, {})[int(first, 16)] = node
    return found


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
    scene = frames_scene(machine.frames, vm.Frames(machine).at().moment.at_end())
    parts = [node.title for node in scene.nodes if node.id.startswith("frames/part/")]
    counts = [int(title.split(": ")[1].split(", ")[0].replace(",", "")) for title in parts]
    assert sum(counts) == machine.frames.value().counts.total
    drawn = [node.title for node in scene.nodes if node.kind in ("run", "fold") and node.lane == "frames/runs"]
    assert sum(int(title.split()[0].replace(",", "")) for title in drawn) == sum(counts)


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
    pieces = [*pieces_of(value, (), -1)]
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
    pieces = pieces_of(replace(value, runs=(free,), first_frame=5, end_frame=14), (), -1)
    assert [(one.first, one.frames) for one in pieces] == [(5, 1), (6, 2), (8, 4), (12, 2)]


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


def test_the_headline_says_what_happened_and_how_many_frames_are_free() -> None:
    machine = vm.boot("x86-64", layout="small")
    machine.kmem_malloc("12 KiB")
    caption = vm.Frames(machine).scene().caption
    assert caption.text == "3 frames were taken."
    assert caption.reason == "kmem_object asked 3 times for one frame: any frame will do."
    machine.read_file("libc", "4 MiB")
    counts = machine.frames.value().counts
    machine.take_pages(counts.available - 100)
    machine.kmem_malloc("4 KiB")
    left = machine.frames.value().counts
    said = f"{left.available:,} of {left.total:,} frames are available. All requests are served, but"
    assert said in vm.Frames(machine).scene().caption.reason


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


# ---- blocks that are halved and joined -------------------------------------------------------------


def allocating(seed: int) -> Iterator[vm.Machine]:
    """A machine after each of many allocations and releases."""
    if seed == 4:
        yield from of_arm()
        return
    machine, random = vm.boot("x86-64", layout=("tiny", "small")[seed % 2]), Random(seed)
    held: list[tuple[int, str]] = []
    for _ in range(40):
        with suppress(vm.VMError):
            if held and random.random() < 0.5:
                machine.kmem_free(*held.pop(random.randrange(len(held))))
            else:
                size = random.choice(["4 KiB", "12 KiB", "28 KiB", "64 KiB"])
                held.append((machine.kmem_alloc(size), size))
            yield machine


def of_arm() -> Iterator[vm.Machine]:
    """Machines whose page tables begin with four frames, which no pool keeps."""
    for count in (1, 3, 2):
        machine = vm.boot("armv7", layout="small")
        tasks = [machine.task(f"task {number}") for number in range(count)]
        yield machine
        for task in tasks:
            task.exit()
            yield machine


@pytest.mark.parametrize("seed", range(5))
def test_blocks_and_lists_after_each_turn_are_those_of_the_buddy_system(seed: int) -> None:
    seen = Counter[str]()
    for machine in allocating(seed):
        at = vm.Frames(machine).at()
        look = look_at(at.target, at.moment, (), whole=10**9)
        window = [range(look.after.first_frame, look.after.end_frame)]
        first, turns = turns_of(look.before, at.moment.events, window)
        last = turns[-1] if turns else first
        assert {order: count for order, count in last.lists.items() if count} == {
            free.order: free.count for free in look.after.orders if free.count
        }
        free = {one.first: one.frames for one in last.held.values() if one.state == "free"}
        blocks = (block for run in look.after.runs if run.state == "free" for block in blocks_of(run.first, run.frames))
        assert free == {start: 1 << order for start, order in blocks}
        seen.update(type(event).__name__ for event in at.moment.events)
    assert seen["BlockSplit"] > (20 if seed < 4 else 0)
    assert seen["BlockJoined"] > (5 if seed < 4 else 0)


def test_before_stays_in_its_row_and_each_turn_adds_one() -> None:
    for machine in allocating(1):
        picture = vm.Frames(machine)
        place = replace(picture.at(), done=0)
        before, after = rows_of_turns(picture.drawing(place)), rows_of_turns(picture.scene())
        assert [*before] in (["0"], []), "nothing has happened"
        assert before.get("0") == after.get("0")
        for row, drawn in after.items():
            ends = {first: (node.x, node.x + node.w) for first, node in drawn.items()}
            assert sorted(ends.values()) == [ends[first] for first in sorted(ends)], row


def test_a_frame_that_was_taken_is_marked_once_and_says_whose_it_is() -> None:
    machine = vm.boot()
    machine.kmem_malloc("20 KiB")
    scene = vm.Frames(machine).scene()
    told = [node for drawn in rows_of_turns(scene).values() for node in drawn.values() if "now" in node.state]
    now = [node for node in told if node.title.endswith("taken now")]
    taken = [event.frame for event in machine.journal.last.events if isinstance(event, ev.PageAllocated)]
    assert sorted(int(node.thing.partition(":")[2]) for node in now) == sorted(taken)
    assert all("kmem_object, taken now" in node.title for node in now)
    assert words(placed(scene)["frames/owner/kmem_object"]) == "kmem_object 5 was 0"


def test_a_row_of_joins_has_the_blocks_that_the_journal_joined() -> None:
    found = 0
    for machine in (one for seed in (1, 3, 5, 7) for one in allocating(seed)):
        scene = vm.Frames(machine, width=900).scene()
        events = machine.journal.last.events
        joined = Counter(1 << event.order for event in events if isinstance(event, ev.BlockJoined))
        if sum(isinstance(event, ev.PoolDrained) for event in events) != 1 or not joined or max(joined) > 16:
            continue
        levels = Counter(int(run.text) for node in scene.nodes if node.id.endswith("/cuts") for run in node.text)
        formed = [node for row in rows_of_turns(scene).values() for node in row.values() if "formed" in node.state]
        largest = [node for node in formed if node.w == max(one.w for one in formed)]
        assert levels + Counter({max(joined): len(largest)}) == joined
        found += 1
    assert found > 2


def test_halves_of_each_level_are_the_blocks_that_the_journal_cut() -> None:
    machine = vm.boot("x86-64", layout="small")
    machine.kmem_malloc("28 KiB")
    scene = vm.Frames(machine, width=900).scene()
    cut = [event for event in machine.journal.last.events if isinstance(event, ev.BlockSplit)]
    (drawn,) = (node for node in scene.nodes if node.id.endswith("/cuts"))
    halves = Counter(int(run.text) for run in drawn.text)
    assert halves == Counter(1 << event.order - 1 for event in cut for _ in range(2) if event.order > 1)
    assert sum(bar.style == "error" for bar in drawn.bars) == len(cut)


def test_each_cut_in_the_window_has_its_red_line_whatever_the_size_of_the_last_halves() -> None:
    machine = vm.boot("armv7", layout="small")
    levels = set[int]()
    for number in range(9):
        machine.kmem_malloc("8 KiB")
        machine.task(f"task {number}")  # its first table is a block of four frames
        scene = vm.Frames(machine, width=900).scene()
        cut = [event for event in machine.journal.last.events if isinstance(event, ev.BlockSplit)]
        drawn = {frame for row in rows_of_turns(scene).values() for frame in row}
        seen = [event for event in cut if event.frame + (1 << event.order - 1) in drawn]
        red = [bar for node in scene.nodes if node.id.endswith("/cuts") for bar in node.bars if bar.style == "error"]
        assert len(red) == len(seen)
        assert not cut or min(event.order for event in cut) > 1
        levels.add(len(seen))
    assert max(levels) > 1


@pytest.mark.parametrize("seed", range(5))
def test_the_pool_has_the_frames_that_the_engine_has_there(seed: int) -> None:
    for machine in allocating(seed):
        at = vm.Frames(machine).at()
        look = look_at(at.target, at.moment, (), whole=10**9)
        first, turns = turns_of(look.before, at.moment.events, [])
        for turn, value in ((first, look.before), (turns[-1] if turns else first, look.after)):
            assert turn.pool == sum(run.frames for run in value.runs if run.state == "pooled")


def owning(seed: int) -> Iterator[vm.Machine]:
    """A machine after calls that move frames in all ways: single ones, blocks, zeroed, cached, and shared ones."""
    machine, random = vm.boot("x86-64", layout="small", ram="256 MiB"), Random(seed)
    task = machine.task("scattered")
    start = task.mmap("12 MiB")
    for page in range(0, 3072, 2):  # more blocks than a picture examines at each step
        task.write(start + page * vm.PAGE, b"x")
    for number in range(25):
        act = random.randrange(6)
        if act == 0:
            machine.tick()
        elif act == 1:
            machine.read_file(f"file {random.randrange(9)}", "32 KiB")
        elif act == 2:
            child = task.fork(f"child {number}")
            child.write(start, b"y")
            yield machine
            child.exit()
        elif act == 3:
            task.munmap(start + random.randrange(100, 3000) * vm.PAGE, "200 KiB")
        elif act == 4:
            machine.kmem_free(machine.kmem_alloc("48 KiB"), "48 KiB")
        else:
            machine.kmem_malloc("20 KiB", vm.M_NOWAIT)
        yield machine


@pytest.mark.parametrize("seed", range(3))
def test_the_last_row_counts_what_the_engine_has(seed: int) -> None:
    found = 0
    for machine in owning(seed):
        scene = vm.Frames(machine, width=900).scene()
        counts = [node.title for node in scene.nodes if re.fullmatch(r"frames/turn/-?\d+/lists", node.id)]
        if not counts:
            continue
        value = machine.frames.value(whole=10**6)
        pooled = sum(run.frames for run in value.runs if run.state == "pooled")
        orders = {1 << free.order: free.count for free in value.orders}
        for number, what in re.findall(r"(\d+) (in the pool|of \d+|larger)", counts[-1]):
            size = what.removeprefix("of ")
            assert int(number) == (
                pooled if what == "in the pool" else orders[int(size)] if size.isdecimal() else int(number)
            )
        found += 1
    assert found > 5


def test_a_row_says_which_requests_were_served_and_a_change_of_owner_is_none() -> None:
    machine = vm.boot("x86-64")
    for size in ("40 KiB", "200 KiB", "160 KiB"):
        machine.kmem_malloc(size)
    machine.kmem_free(machine.kmem_malloc("400 KiB"), "400 KiB")
    numbers = [
        int(number)
        for node in vm.Frames(machine).scene().nodes
        if re.fullmatch(r"frames/turn/\d+", node.id) and node.text[0].text.startswith("freed: ")
        for number in re.findall(r"\d+", node.text[0].text)
    ]
    assert numbers[0] == 1
    assert numbers[1::2] == [number - 1 for number in numbers[2::2]] + numbers[-1:]
    parent = machine.task("parent")
    shared = parent.mmap("4 KiB")
    parent.write(shared, b"x")
    parent.fork("child")
    parent.exit()
    caption = vm.Frames(machine).scene().caption
    assert "passed to another owner" in caption.text
    assert "asked" not in caption.reason
    machine.tick()
    caption = vm.Frames(machine).scene().caption
    assert "taken" not in caption.text + caption.reason


def test_buddies_that_join_differ_in_the_bit_that_is_marked() -> None:
    found = 0
    for machine in allocating(2):
        for node in vm.Frames(machine).scene().nodes:
            if not node.id.startswith("frames/buddies/"):
                continue
            runs = [run.text.strip() for run in node.text]
            marked = [number for number, run in enumerate(node.text) if "new" in run.style]
            one, other = (int(run, 16) for run in runs if run.startswith("0x"))
            bit = len(runs[marked[0] + 1]) if runs[marked[0] + 1] != "and" else 0
            assert one ^ other == 1 << bit
            assert [runs[at] for at in marked] == ["0", "1"]
            found += 1
    assert found > 2


@pytest.mark.parametrize("width", [420, 900, 1600])
def test_a_plate_is_no_higher_than_a_screen_and_nothing_leaves_it(width: int) -> None:
    for machine in allocating(3):
        picture = vm.Frames(machine, width=width)
        scene = picture.scene()
        assert (misplaced_text(scene), outside(scene), crossing_text(scene)) == ([], [], [])
        if width == 900:
            high = re.search(r'viewBox="\S+ \S+ \S+ (\S+)"', picture.to_svg())
            assert high is not None
            assert float(high[1]) - 20 <= 560, machine.journal.last
