"""Two pictures side by side: in step, marked, live, in files; and one sentence for what can't be compared."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

import vmwidgets as vm
from tests.captions import saying
from tests.widgets.page import asked, replies, seek
from vmwidgets.engine.base.units import PAGE
from vmwidgets.views.scene.model import Scene
from vmwidgets.views.scene.svg import to_svg
from vmwidgets.widgets.host.refresh import refresher


@pytest.fixture
def task() -> Any:
    """A task with four mappings, made one after the other."""
    m = vm.boot("x86-64")
    task = m.task("init")
    for number in range(4):
        task.mmap(PAGE, "rw", at=0x40_0000 + number * 0x10_0000)
    return task


def entries(scene: Any, side: str) -> set[str]:
    return {node.thing for node in scene.nodes if node.id.startswith(f"{side}/ribbon/") and node.thing}


def at(task: Any, number: int) -> Any:
    """A picture of the task's map after an operation."""
    return vm.picture(task.map, moment=(task.machine.journal.serial(number), None))


def test_both_go_in_step_as_many_operations_apart_as_they_are(task: Any) -> None:
    both = at(task, 3).beside(at(task, 5))  # operations 2 to 5 made the entries
    counts = []
    for number in (5, 4, 3, 2):
        both.moment = (task.machine.journal.serial(number), None)
        scene = both.scene()
        counts.append((len(entries(scene, "left")), len(entries(scene, "right"))))
    assert counts == [(2, 4), (1, 3), (0, 2), (0, 1)]
    assert scene.caption.text == saying("side by side: differ", 1, what="1 entry")


def test_steps_are_those_of_the_right_and_leave_the_left(task: Any) -> None:
    both = at(task, 4).beside(at(task, 5))
    after = both.scene()
    assert both.steps > 0
    both.step = 0
    before = both.scene()
    assert entries(before, "right") == entries(after, "left") == entries(before, "left")
    assert before.caption.text == saying("side by side: equal")


def test_two_machines_go_in_step(task: Any) -> None:
    other = vm.boot("armv7").task("init")
    for number in range(4):
        other.mmap(PAGE, "rw" if number != 2 else "r", at=0x40_0000 + number * 0x10_0000)
    both = vm.picture(task.map).beside(vm.picture(other.map))
    assert both.scene().caption.reason == saying("side by side: both", 1)
    both.moment = (other.machine.journal.serial(3), None)
    scene = both.scene()
    assert len(entries(scene, "left")) == len(entries(scene, "right")) == 2
    assert scene.caption.text == saying("side by side: equal")
    assert {thing.startswith("left/") for thing in entries(scene, "left")} == {True}  # of another machine
    both.step = 0
    assert len(entries(both.scene(), "left")) == len(entries(both.scene(), "right")) == 1


def test_what_is_only_on_one_side_and_what_differs_look_so(task: Any) -> None:
    task.mprotect(0x40_0000, PAGE, "r")
    scene = at(task, 4).beside(vm.picture(task.map)).scene()
    first, *_, last = list(task.map)
    states = {node.id: set(node.state) & {"new", "changed", "path", "here"} for node in scene.nodes}
    assert states[f"right/ribbon/{last.id}"] == {"new"}
    assert states[f"left/ribbon/{first.id}"] == states[f"right/ribbon/{first.id}"] == {"changed"}
    marked = {node.thing for node in scene.nodes if {"new", "changed"} & {*node.state}}
    assert marked == {f"entry:{first.id}", f"entry:{last.id}"}  # what happened on a side is not marked here
    serial = task.machine.journal.serial(4)
    earlier = vm.picture(vm.EntryList(task.map, moment=(serial, None), follow=False))
    lists = to_svg(earlier.beside(vm.picture(vm.EntryList(task.map))).scene())
    assert sorted(re.findall(r'class="badge beside"[^>]*><circle[^>]*/><text[^>]*>(.)<', lists)) == ["+", "≠", "≠"]
    start = str(first.start)
    (differs, left, right), (only, nothing, _) = scene.table.rows
    assert (differs, start in left, start in right) == ("differs", True, True)
    assert (only, nothing) == ("right", "")


def test_frames_that_differ_are_counted_and_have_a_line_around_them(task: Any) -> None:
    frames, serial = task.machine.frames, task.machine.journal.last.serial

    def uses() -> dict[int, tuple[str, str]]:
        return {run.first + at: (run.state, run.owner) for run in frames.value().runs for at in range(run.frames)}

    before = uses()
    task.write(0x40_0000, b"x")
    differ = {frame for frame, use in uses().items() if before[frame] != use}
    scene = vm.picture(frames, moment=(serial, None)).beside(vm.picture(frames)).scene()
    assert scene.caption.text == saying("side by side: differ", len(differ), what=f"{len(differ)} frames")
    for side in ("left", "right"):
        tiles = [node for node in scene.nodes if node.id.startswith(side) and "tile" in node.state and node.thing]
        lines = [link for link in scene.links if link.id.startswith(side) and "changed" in link.state]
        assert {node.id for node in tiles if "changed" in node.state} == {
            node.id for node in tiles if any(is_around(line.points, node) for line in lines)
        }
        starts = {int(node.thing.partition(":")[2]): "changed" in node.state for node in tiles}
        has = dict.fromkeys(starts, False) | {max(at for at in starts if at <= frame): True for frame in differ}
        assert starts == has, "and no others, whatever became of the block that they are in"


def is_around(points: Any, node: Any) -> bool:
    (left, *_, right), (top, *_, bottom) = (sorted(of) for of in zip(*points, strict=True))
    return bool(left < node.x and node.x + node.w < right and top < node.y and node.y + node.h < bottom)


def test_a_descriptor_is_missing_where_the_other_side_has_a_gap_but_not_where_it_may_be_folded() -> None:
    m = vm.boot("armv7")  # its picture folds the kernel's tables
    task = m.task("init")
    task.mmap(4 * PAGE, "rw", at=0x40_0000)
    task.mmap(4 * PAGE, "rw", at=0x90_0000)
    child = task.fork("child")
    for place in (0x40_0000, 0x40_2000, 0x90_0000):
        task.write(place, b"x")
    child.write(0x40_0000, b"y")
    scene = vm.picture(task.tables).beside(vm.picture(child.tables)).scene()
    assert [node for node in scene.nodes if node.kind == "fold"]
    new = {node.id for node in scene.nodes if "new" in node.state}
    assert {f"left/tables/slot/1/{place:x}" for place in (0x40_2000, 0x90_0000)} <= new
    left = vm.picture(task.tables)
    both = left.beside(vm.picture(child.tables))
    both.opened("right/tables/slot/2/400000")
    closed = {node.id for node in both.scene().nodes if "new" in node.state}
    assert "left/tables/slot/1/402000" not in closed, "the right table is closed"
    assert "left/tables/slot/1/900000" in closed


def test_what_one_side_shows_of_the_others_fold_is_not_missing_there() -> None:
    tasks = [vm.boot("armv7").task("init") for _ in range(2)]
    for task in tasks:
        task.mmap(80 * PAGE, "rw", at=0x40_0000)
        for number in range(0, 80, 2):  # apart from each other, so that no two are one run
            task.write(0x40_0000 + number * PAGE, b"x")
    both = vm.picture(tasks[0].tables).beside(vm.picture(tasks[1].tables))
    before = both.scene()
    for fold in [node.id for node in before.nodes if node.kind == "fold" and node.id.startswith("left/")]:
        both.opened(fold)
    after = both.scene()
    shown = {node.thing for node in after.nodes} - {node.thing for node in before.nodes}
    assert any(thing.startswith("left/pte:") for thing in shown)
    assert not [node.id for node in after.nodes if "new" in node.state]


def test_halves_are_equal_and_below_each_other_where_there_is_no_room(task: Any) -> None:
    both = at(task, 4).beside(at(task, 5))
    for width, across in ((1200, True), (860, True), (859, False), (420, False)):
        both.width = width
        scene = both.scene()
        left, right = ([node for node in scene.nodes if node.id.startswith(f"{side}/")] for side in ("left", "right"))
        assert scene.width == width
        assert (max(node.x + node.w for node in left) <= min(node.x for node in right)) is across
        assert all(node.x >= 0 and node.x + node.w <= width for node in scene.nodes)
        ids = [node.id for node in scene.nodes] + [link.id for link in scene.links]
        assert len(ids) == len(set(ids))


def test_it_is_a_picture_like_others(task: Any, tmp_path: Path) -> None:
    both = at(task, 4).beside(vm.picture(task.map))
    for name in ("b.svg", "b.html", "b.json", "b.txt", "b.dot"):
        assert both.save(tmp_path / name).stat().st_size > 500
    assert saying("side by side: differ", 1, what="1 entry") in (tmp_path / "b.txt").read_text()
    file = vm.handout(task.machine, tmp_path / "story.html", both, by="operation")
    assert file.read_text().count(saying("side by side: differ", 1, what="1 entry")) >= 3
    assert repr(both).startswith("Beside of ")
    ET.fromstring(to_svg(both.scene()))


def test_a_live_pair_follows_both_machines(task: Any) -> None:
    other = vm.boot("x86-64").task("init")
    view = vm.Map(task.map).beside(vm.Map(other.map))
    assert isinstance(view, vm.View)
    replies(view, {"type": "hello", "page": "p", "seq": -1})
    frames = [view.seq]
    for one in (task, other):
        one.mmap(PAGE)
        refresher.flush()
        frames.append(view.seq)
    assert all(before < after for before, after in pairwise(frames))
    assert asked(view, **seek(2)) == ""
    assert view.operation == 2
    view.close()


def test_what_is_opened_is_opened_in_its_half(task: Any) -> None:
    child = task.fork("child")
    task.write(0x40_0000, b"x")
    left = vm.picture(task.tables)
    both = left.beside(vm.picture(child.tables))
    before = both.scene()
    tables = [node for node in before.nodes if node.id.startswith("left/tables/table/")]
    closing = next(node.id for node in tables if node.action == "open")
    both.opened(closing)
    assert closing not in {node.id for node in both.scene().nodes}
    assert {node.id for node in before.nodes if node.id.startswith("right/")} == {
        node.id for node in both.scene().nodes if node.id.startswith("right/")
    }


def test_a_half_of_what_is_not_there_yet_is_empty_and_says_so(task: Any) -> None:
    child = task.fork("child")
    both = vm.picture(task.map).beside(vm.picture(child.map))
    both.moment = (task.machine.journal.serial(4), None)
    scene = both.scene()
    assert not [node for node in scene.nodes if node.id.startswith("right/list/")]
    (said,) = [node for node in scene.nodes if node.id == "right/absent"]
    assert "child" in " ".join(run.text for run in said.text)
    assert [node for node in scene.nodes if node.id.startswith("left/list/")]


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (lambda task: vm.picture(task.machine.frames), "a Map and a Frames can't be compared"),
        (lambda task: vm.picture(task.map), "the same thing at the same moment"),
        (lambda task: 3, "an int is not a picture"),
        (lambda task: task.map, "a MachineMap is not a picture"),
    ],
)
def test_what_cannot_be_compared_is_one_sentence(task: Any, other: Any, said: str) -> None:
    for picture in (vm.picture(task.map), vm.Map(task.map)):
        with pytest.raises(vm.Refused, match=said) as refused:
            picture.beside(other(task))
        assert "\n" not in str(refused.value)


def test_pictures_without_a_machine_have_no_moments() -> None:
    value = vm.compare([vm.workload.allocate("a", PAGE)])
    with pytest.raises(vm.Refused, match="has no machine"):
        vm.picture(value).beside(vm.picture(value))


def test_the_same_thing_lights_up_on_both_sides(task: Any) -> None:
    child = task.fork("child")
    scene = vm.picture(task.map).beside(vm.picture(child.map)).scene()
    for mine, its in zip(task.map, child.map, strict=True):
        pairs = [{at for at in scene.about[f"entry:{one.id}"].at if at.space == "beside"} for one in (mine, its)]
        assert pairs[0] == pairs[1] != set()


def forked_late_and_early() -> tuple[vm.Machine, vm.Machine]:
    """Two machines in step that copy pages at a write and at the fork; the child has written to the first of four."""
    late, early = (vm.boot("x86-64", layout="tiny", fork=way) for way in ("counted", "eager"))
    vm.lockstep(late, early)
    father = late.task("father")
    heap = father.mmap("16 KiB", flags="private populate")
    father.fork().write(heap, b"x")
    return late, early


def test_things_that_differ_are_counted_by_their_kind_if_they_have_one() -> None:
    late, early = forked_late_and_early()
    caption = vm.picture(late.memory_objects).beside(vm.picture(early.memory_objects)).scene().caption
    assert caption.text == saying("side by side: differ", 2, what="7 things"), "what is equal, objects, is not named"
    assert caption.reason == f"{saying('side by side: right', 3)} {saying('side by side: both', 4)}", (
        "three frames are shared, and a write through an entry would copy them"
    )


def test_machines_in_step_are_shown_in_step_after_each_operation_and_undo() -> None:
    first, second = vm.boot("x86-64", layout="tiny"), vm.boot("x86-64", layout="tiny", fork="eager")
    pair = vm.lockstep(first, second, stop=True)
    both = vm.picture(first.memory_objects).beside(vm.picture(second.memory_objects))
    task = first.task("init")
    task.write(task.mmap("8 KiB"), b"x")
    assert both.scene().caption.text == saying("side by side: equal")
    child = task.fork()
    assert "after operation 4 · fork" in both.to_text()
    assert both.scene().caption.text != saying("side by side: equal")
    first.undo()
    assert both.scene().caption.text == saying("side by side: equal")
    assert (len(second.journal), pair.stopped, list(second.tasks)) == (4, "", ["init"])
    assert child is not None


def test_pages_of_two_machines_are_compared_by_their_objects_and_not_by_their_frames() -> None:
    late, early = forked_late_and_early()
    scene = vm.Objects(late).beside(vm.Objects(early)).scene()
    marked = {node.id: set(node.state) & {"new", "changed"} for node in scene.nodes if "/object/memory" in node.id}
    for page in range(4):
        shared = {"changed"} if page else set()
        assert marked[f"left/object/memory 1/{page}"] == marked[f"right/object/memory 1/{page}"] == shared
        assert marked[f"right/object/memory 2/{page}"] == ({"new"} if page else set()), (
            "the child's first page is in both"
        )


def forked(how: str) -> Any:
    """A machine whose child has written to a page that it had in common with its parent; and the child."""
    m = vm.boot("x86-64", fork=how)
    parent = m.task("init")
    page = parent.mmap("16 KiB")
    parent.write(page, b"hi")
    child = parent.fork()
    child.write(page, b"J")
    return m, child


@pytest.mark.parametrize("width", [420, 900, 1600])
def test_frames_between_two_tasks_are_drawn_with_their_contents_in_both_halves(width: int) -> None:
    both = vm.Sharing(forked("shadow")[0]).beside(vm.Sharing(forked("counted")[0]))
    both.width = width
    scene = both.scene()
    for side in "left", "right":
        texts = [
            {run.text for run in node.text} for node in scene.nodes if node.id.startswith(f"{side}/sharing/frame/")
        ]
        assert sorted(word for text in texts for word in text & {"hi", "Ji"}) == ["Ji", "hi"]
        assert f"{side}/sharing/key/count" in {node.id for node in scene.nodes}
    ids = {node.id for node in scene.nodes}
    assert all({link.source, link.target} <= ids for link in scene.links)


def test_what_an_operation_did_to_a_descriptor_is_no_difference() -> None:
    m, _ = forked("counted")
    then = m.journal.last.serial
    m.task("other")
    both = vm.Sharing(m, moment=(then, None), follow=False).beside(vm.Sharing(m))
    assert both.scene().caption.text == saying("side by side: equal")


def test_stages_of_two_faults_are_compared_by_stage_and_marked() -> None:
    """A shadow's page table is empty at the child's first write; a counted fork's descriptor refuses the write."""
    shadow, counted = (vm.Fault(forked(how)[1]) for how in ("shadow", "counted"))
    scene = shadow.beside(counted).scene()
    nodes = {node.id: node for node in scene.nodes if node.kind == "stage"}
    for stage, differs in {"access": False, "code": True, "frame": True}.items():
        for side in "left", "right":
            assert ({"changed", "beside"} <= {*nodes[f"{side}/fault/{stage}"].state}) == differs, stage
            lines = [link for link in scene.links if link.kind == "around" and f"{side}/fault/{stage}" == link.source]
            assert len(lines) == differs, stage
    assert "differs" in {row[0] for row in scene.table.rows}


def evicted(frames: int) -> Any:
    """A machine that has evicted one page, as a task wrote to one more page than it has frames."""
    m = vm.boot("x86-64", layout="tiny")
    m.replacement = "clock"
    task = m.task("t")
    task.limit("rss", frames * PAGE)
    m.swap_on("1 MiB")
    start = task.mmap("64 KiB")
    for number in range(frames + 2):
        task.write(start + number * PAGE, b"x")
    return m


def test_a_page_that_left_a_ring_is_no_fold() -> None:
    scene = vm.Clock(evicted(3)).beside(vm.Clock(evicted(4))).scene()
    new = [node for node in scene.nodes if node.kind == "ring-page" and "new" in node.state]
    assert [node.id.partition("/")[0] for node in new] == ["right"]
    assert scene.caption.text == saying("side by side: differ", 3, what="3 frames")


def test_a_page_in_swap_space_is_no_fold() -> None:
    m = vm.boot("x86-64", layout="small")
    m.swap_on("1 MiB")
    task = m.task("t")
    start = task.mmap("16 KiB")
    task.write(start, b"x" * 4 * PAGE)
    task.page_out(start, PAGE)
    then = m.journal.last.serial
    task.page_out(start + PAGE, PAGE)
    both = vm.Objects(m, moment=(then, None), follow=False).beside(vm.Objects(m))
    assert not both.scene().caption.reason.endswith(saying("side by side: folded"))
    assert "folded" not in both.scene().caption.text


def test_rows_that_differ_read_differently() -> None:
    m = vm.boot("armv7")
    one, other = m.task("one"), m.task("other")
    for task in (one, other):
        task.mmap("16 KiB", at=0x4000, flags="private populate")
    scene = vm.Tables(one).beside(vm.Tables(other)).scene()
    rows = {side: _rows_that_differ(scene, side) for side in ("left", "right")}
    assert len(rows["left"]) >= 4  # the four pages, and the descriptor of their table
    assert rows["left"].keys() == rows["right"].keys()
    assert [name for name, words in rows["left"].items() if words == rows["right"][name]] == []


def _rows_that_differ(scene: Scene, side: str) -> dict[str, tuple[str, ...]]:
    """Return what the descriptors of a side read that are on both sides, but different."""
    return {
        node.id.removeprefix(side): tuple(run.text for run in node.text)
        for node in scene.nodes
        if node.kind == "descriptor" and node.id.startswith(side) and "changed" in node.state
    }


def test_marks_of_the_last_operation_are_no_differences_of_page_tables() -> None:
    def tables(*, reads: bool) -> vm.Tables:
        task = vm.boot("x86-64").task("init")
        task.write(task.mmap("8 KiB", at=0x40_0000), b"1")
        if reads:
            task.read(0x40_0000)
        return vm.Tables(task)

    both = tables(reads=False).beside(tables(reads=True)).scene()
    assert "changed" not in {state for node in both.nodes for state in node.state}
    assert len(both.table.rows) == 0
