"""Memory objects as a picture: what is shared and what is copied, chains with references, marks, folds, moments."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from itertools import combinations, pairwise
from typing import Any

import pytest

import vmwidgets as vm
from tests.captions import saying, says
from vmwidgets.engine.machine.handles.tasks import Task
from vmwidgets.views.memory.object_rows import BESIDE, CHAIN, MAPPINGS, OBJECTS, REST
from vmwidgets.views.memory.seen_pages import seen_by
from vmwidgets.views.scene.model import Node, Scene
from vmwidgets.views.scene.text import cut


def forked() -> tuple[vm.Machine, Task, Task, int]:
    """A task with three pages, and its child; where the pages are."""
    machine = vm.boot("x86-64", layout="small", fork="shadow")
    parent = machine.task("init")
    start = parent.mmap("16 KiB")
    parent.write(start, b"x" * 9000)
    return machine, parent, parent.fork(), int(start)


def opened(machine: vm.Machine, width: int = 900) -> Scene:
    """The picture after a press on the line that counts the objects that are not drawn."""
    view = vm.Objects(machine, width=width)
    view.opened(REST)
    return view.scene()


def forked_not() -> Scene:
    """The objects of a task alone."""
    machine = vm.boot("x86-64", layout="small", fork="shadow")
    task = machine.task("init")
    task.write(task.mmap("16 KiB"), b"x")
    return vm.Objects(machine).scene()


def cells(scene: Scene, card: str) -> dict[str, Node]:
    """The pages of a card, by number."""
    return {node.id.rpartition("/")[2]: node for node in scene.nodes if node.id.startswith(f"{card}/")}


def mapping_of(scene: Scene, task: Task) -> Node:
    """The card of a task's first mapping."""
    entry = task.map.entries()[0].id
    return next(node for node in scene.nodes if node.id == f"mapping/{task.path}/map/{entry}")


def answers(scene: Scene, front: str, page: int) -> str:
    """The object that answers for a page: the first below `front` with a filled cell in its column."""
    nodes = {node.id: node for node in scene.nodes}
    name, seen = front, []
    while f"object/{name}/{page}" not in nodes:
        assert any(bar.style == "line" for bar in nodes[f"object/{name}"].bars), "a line leads on down the column"
        seen.append(name)
        name = next(link.target for link in scene.links if link.source == f"object/{name}").removeprefix("object/")
    return name


def words(node: Node) -> list[str]:
    return [run.text for run in node.text if run.text]


def card(scene: Scene, name: str) -> Node:
    return next(node for node in scene.nodes if node.id == f"object/{name}")


def frame_of(task: Task, address: int) -> int:
    found = task.walk(address).pa
    assert found is not None
    return found >> 12


def test_after_a_fork_both_tasks_see_the_same_frames() -> None:
    machine, parent, child, _ = forked()
    scene = vm.Objects(machine).scene()
    drawn = cells(scene, "object/memory 1")
    assert list(drawn) == ["0", "1", "2"]
    assert {node.shape for node in drawn.values()} == {"round"}
    assert ["seen by 2 mappings" in node.title for node in drawn.values()] == [True] * 3
    own = card(scene, "memory 1")
    for task in parent, child:
        mapping = mapping_of(scene, task)
        assert mapping.x + mapping.w < own.x
        assert own.y <= mapping.y <= own.y + own.h - mapping.h, "each beside the object that it maps"
    assert "3 pages seen by entries, 3 by several" in scene.subtitle


def test_a_page_that_was_copied_is_its_task_s_own_and_the_others_stay_shared() -> None:
    machine, _, child, start = forked()
    child.write(start + 4096, b"y")
    scene = vm.Objects(machine).scene()
    ours, theirs = cells(scene, "object/memory 1"), cells(scene, "object/memory 2")
    assert [node.shape for node in ours.values()] == ["round", "box", "round"]
    assert [(name, node.shape) for name, node in theirs.items()] == [("1", "box")]
    assert theirs["1"].thing == f"frame:{frame_of(child, start + 4096)}" != ours["1"].thing
    assert ours["1"].x == theirs["1"].x, "a page has one column"
    assert "new" in theirs["1"].state
    assert "seen by 2 mappings" in ours["0"].title


@pytest.mark.parametrize("width", [420, 900, 1600])
def test_down_the_column_of_a_page_is_the_object_that_answers(width: int) -> None:
    machine, tasks, _ = descent()
    value = machine.memory_objects.value()
    scene = vm.Objects(machine, width=width).scene()
    columns: dict[str, set[float]] = {}
    for node in scene.nodes:
        if node.kind == "page" and node.id.startswith("object/"):
            columns.setdefault(node.id.rpartition("/")[2], set()).add(node.x)
    assert columns
    assert all(len(places) == 1 for places in columns.values())
    for task in tasks:
        front = str(task.map.entries()[0].object)
        for page in range(8):
            if f"{page}" in columns:
                wanted = next(name for name in value.chain(front) if page in value.objects[name].pages)
                assert answers(scene, front, page) == wanted


@pytest.mark.parametrize("way", ["shadow", "counted", "eager"])
def test_what_the_operation_copied_is_marked_and_nothing_else_is(way: str) -> None:
    machine = vm.boot("x86-64", layout="small", fork=way)
    parent = machine.task("init")
    start = parent.mmap("16 KiB", flags="private populate")

    def marked() -> set[str]:
        nodes = vm.Objects(machine).scene().nodes
        return {node.thing for node in nodes if node.kind == "page" and {"new", "changed"} & {*node.state}}

    child = parent.fork()
    theirs = {f"frame:{frame_of(child, start + page * vm.PAGE)}" for page in range(4)} if way == "eager" else set()
    assert marked() == theirs, "a fork that copies no page marks none"
    child.write(start, b"y")
    assert marked() == (set() if way == "eager" else {f"frame:{frame_of(child, start)}"})
    parent.write(start, b"z")
    assert marked() == ({f"frame:{frame_of(parent, start)}"} if way == "shadow" else set())


def test_where_forks_count_frames_each_frame_is_drawn_once() -> None:
    machine = vm.boot("x86-64", layout="small", fork="counted")
    parent = machine.task("init")
    start = parent.mmap("16 KiB", flags="private populate")
    child = parent.fork()
    child.write(start + vm.PAGE, b"y")
    child.fork()
    scene = vm.Objects(machine).scene()
    pages = [node for node in scene.nodes if node.kind == "page" and node.thing]
    drawn = [node.thing for node in pages if "echo" not in node.state]
    tasks = machine.tasks.values()
    frames = {frame_of(task, start + page * vm.PAGE) for task in tasks for page in range(4)}
    assert sorted(drawn) == sorted(f"frame:{frame}" for frame in frames)
    assert len(drawn) == 5
    pale = Counter(node.lane.split("/")[1] for node in pages if "echo" in node.state)
    assert pale == {"memory 2": 3, "memory 3": 4}, "the frames that another row has in colour"
    assert not any(bar.style == "line" for node in scene.nodes for bar in node.bars), "nothing is further below"
    assert any(says("object pictures: once", " ".join(words(node))) for node in scene.nodes)


@pytest.mark.parametrize("width", [420, 900])
def test_a_chain_goes_down_from_front_to_back_with_its_references(width: int) -> None:
    machine, parent, child, start = forked()
    child.write(start + 4096, b"y")
    scene = vm.Objects(machine, width=width).scene()
    front, back = card(scene, "memory 2"), card(scene, "memory 1")
    assert words(front) == ["memory 2", "1 reference", "init.1's own copies"]
    assert words(back) == ["memory 1", "2 references", "anonymous"]
    assert front.y + front.h < back.y
    assert {(link.source, link.target) for link in scene.links} == {
        (front.id, back.id), (mapping_of(scene, child).id, front.id), (mapping_of(scene, parent).id, back.id),
    }  # fmt: skip  # pairs


def test_who_maps_it_says_where_how_much_and_that_it_is_to_be_copied() -> None:
    machine, parent, child, start = forked()
    child.write(start, b"y")
    scene = vm.Objects(machine).scene()
    entry = {task.name: task.map.entries()[0].id for task in (parent, child)}
    nodes = {node.id: node for node in scene.nodes}
    assert words(nodes[f"mapping/task:init/map/{entry['init']}"]) == [
        "init", "owns none of 3", f"{vm.Address(start)}, 4 pages",
    ]  # fmt: skip  # a list
    assert words(nodes[f"mapping/task:init.1/map/{entry['init.1']}"]) == [
        "init.1", "owns 1 of 3", f"{vm.Address(start)}, 4 pages",
    ]  # fmt: skip  # a list


def test_dirty_and_swapped_pages_are_marked() -> None:
    machine = vm.boot("x86-64", layout="small", fork="shadow")
    machine.swap_on("16 KiB")
    task, file = machine.task("init"), machine.file("motd", b"x" * 9000)
    heap, shared = task.mmap("8 KiB"), task.mmap("12 KiB", "rw", "shared", file)
    task.write(heap, b"x")
    task.read(shared, 9000)
    task.write(shared + 4096, b"y")
    task.page_out(heap)
    task.touch(shared)
    scene = vm.Objects(machine).scene()
    pages = cells(scene, "object/file motd")
    assert [bool(node.bars) for node in pages.values()] == [False, True, False]
    assert not any("changed" in node.state for node in pages.values()), "it was dirty before"
    frame = frame_of(task, int(shared) + 4096)
    assert words(pages["1"]) == [f"frame {frame:#x}"]
    swapped = cells(scene, "object/memory 1")["0"]
    assert words(swapped) == ["slot 0"]
    assert swapped.state == ("folded",)
    assert swapped.thing == ""
    file.sync()
    assert not cells(vm.Objects(machine).scene(), "object/file motd")["1"].bars
    task.write(shared, b"z")
    written = cells(vm.Objects(machine).scene(), "object/file motd")
    assert [("changed" in node.state, bool(node.bars)) for node in written.values()] == [
        (True, True),
        *[(False, False)] * 2,
    ]


def test_the_legend_explains_the_looks_of_this_picture() -> None:
    machine, parent, child, start = forked()
    assert looks(vm.Objects(machine).scene()) == {"round"}
    child.write(start, b"y")
    scene = vm.Objects(machine).scene()
    assert looks(scene) == {"round", "0"}, "and the line of a page that is further below"
    parent.exit()
    assert looks(vm.Objects(machine).scene()) == set(), "its child alone sees the pages, and has them all"
    assert looks(forked_not()) == set()


def test_the_chain_of_the_answer_comes_before_what_is_at_a_lower_address() -> None:
    machine = vm.boot("x86-64", layout="small", fork="shadow")
    task = machine.task("init")
    task.mmap("4 KiB", "r", "shared", machine.file("motd", b"x"))
    start = task.mmap("20 KiB")
    task.write(start, bytes(5 * vm.PAGE))
    for page in range(4):
        task = task.fork()
        task.write(start + page * vm.PAGE, b"y")
    nodes = {node.id.removeprefix("object/"): node for node in opened(machine).nodes if node.kind == "card"}
    chain = machine.memory_objects.value().chain(task.map.lookup(start).object)
    assert nodes["file motd"].y > max(nodes[name].y for name in chain)
    assert not [run.text for run in nodes["file motd"].text if run.text.startswith("search")]


def test_only_what_the_operation_changed_is_drawn_and_comes_first_where_the_others_are_opened() -> None:
    machine, tasks, start = descent()
    text = tasks[-1].mmap("8 KiB", "rw", "private", machine.file("libc", b"code" * 2048))
    tasks[-1].read(text, 1)
    tasks[-1].write(text, b"own")
    entries = {int(one.start): str(one.object) for one in tasks[-1].map.entries()}
    chain = machine.memory_objects.value().chain(entries[start])
    scene = vm.Objects(machine).scene()
    assert says("object pictures: copied", scene.caption.text)
    drawn = {node.id: node.y for node in scene.nodes if node.id.startswith("object/") and node.kind == "card"}
    assert {*drawn} == {f"object/{entries[int(text)]}", "object/file libc"}
    assert not says("object pictures: depth", scene.caption.reason), "it is not about what changed"
    assert folds(scene)[REST].startswith(f"{len(machine.memory_objects.value().objects) - 2} objects more")
    drawn = {node.id.removeprefix("object/"): node.y for node in opened(machine).nodes if node.kind == "card"}
    assert drawn[entries[int(text)]] < drawn["file libc"] < drawn[chain[0]] < drawn[chain[-1]]
    assert REST not in folds(opened(machine))


def looks(scene: Scene) -> set[str]:
    """What the legend explains."""
    return {node.id.split("/")[2] for node in scene.nodes if node.id.startswith("objects/legend/")} - {"once"}


def test_pages_of_files_and_of_memory_have_colours() -> None:
    machine = vm.boot("x86-64", layout="small", fork="shadow")
    task, file = machine.task("init"), machine.file("motd", b"x" * 9000)
    shared, own = task.mmap("8 KiB", "rw", "private", file), task.mmap("8 KiB")
    task.read(shared, 1)
    task.write(own, b"y")
    task.write(shared + vm.PAGE, b"z")
    nodes = vm.Objects(machine).scene().nodes
    pages = [node for node in nodes if node.kind == "page" and "frame" in node.title]
    assert {("file motd" in node.title or "/file motd/" in node.id, node.state[-1]) for node in pages} == {
        (True, "is-file"),
        (False, "is-anonymous"),
    }, "a page that was copied is no longer the file's"


def test_a_file_s_references_are_those_of_its_mappings_and_the_open_file() -> None:
    machine = vm.boot("x86-64", layout="small", fork="shadow")
    task, file = machine.task("init"), machine.file("motd", b"x" * 9000)
    for _ in range(3):
        task.read(task.mmap("12 KiB", "rw", "shared", file), 1)
    scene = vm.Objects(machine).scene()
    mappings = [link for link in scene.links if link.target == "object/file motd"]
    assert words(card(scene, "file motd")) == ["file motd", "4 references", "file, 9000 B"]
    assert "3 references of mappings and shadows, and the open file" in card(scene, "file motd").title
    assert len(mappings) == 3 == machine.system.files["motd"].object.references - 1


def test_each_step_shows_the_objects_of_that_moment() -> None:
    machine, _, child, start = forked()
    child.write(start + 4096, b"y")
    picture = vm.Objects(machine)
    seen = []
    for step in range(picture.scene().steps.count + 1):
        picture.step = step
        names = {node.id.removeprefix("object/") for node in picture.scene().nodes if node.id.count("/") == 1}
        pages = cells(picture.scene(), "object/memory 2")
        seen.append(("memory 2" in names, len(pages)))
    assert seen[0] == (False, 0)
    assert seen[1] == (True, 0), "the shadow comes first, and is empty"
    assert seen[-1] == (True, 1)
    assert sorted(seen) == seen


def test_a_collapse_takes_the_object_behind_away() -> None:
    machine, parent, child, start = forked()
    child.write(start + 4096, b"y")
    parent.exit()
    picture = vm.Objects(machine)
    assert [node.id for node in picture.scene().nodes if node.kind == "card" and node.id.startswith("object/")] == [
        "object/memory 2"
    ]
    assert list(cells(picture.scene(), "object/memory 2")) == ["0", "1", "2"]
    picture.step = 0
    assert card(picture.scene(), "memory 1")


def test_a_task_s_picture_has_its_mappings_only_and_all_that_is_behind_them() -> None:
    machine, _, child, start = forked()
    child.write(start + 4096, b"y")
    scene = vm.Objects(child).scene()
    assert {node.id.split("/")[1] for node in scene.nodes if node.id.startswith("mapping/")} == {"task:init.1"}
    assert card(scene, "memory 1")
    assert scene.title == "memory objects of init.1"
    assert cells(scene, "object/memory 1")["0"].shape == "round", "others see it, though they are not drawn"
    assert vm.Objects(machine.task("other")).scene().nodes[0].id == "objects/none"


def test_of_many_pages_and_objects_the_rest_is_counted() -> None:
    machine = vm.boot("x86-64", layout="small", ram="16 MiB", fork="shadow")
    task = machine.task("init")
    start = task.mmap("256 KiB")
    for page in range(40):
        task.write(start + page * 4096, b"x")
    for _ in range(OBJECTS + 4):
        task.mmap("4 KiB")
    count = len(machine.memory_objects.value().objects)
    for scene, many in ((vm.Objects(machine).scene(), 1), (opened(machine), OBJECTS)):
        drawn = [node for node in scene.nodes if node.kind == "card" and node.id.startswith("object/")]
        assert len(drawn) == many
        left = count - many
        assert folds(scene)[REST] == f"{left} objects more, with {left} mappings"
    task.write(start, b"y")
    found = cells(vm.Objects(machine, step=0).scene(), "object/memory 1")
    assert {name: words(node) for name, node in found.items()} == {"0-39": ["40 pages"]}


def test_neighbouring_pages_with_the_same_places_are_one_column() -> None:
    machine = vm.boot("x86-64", layout="small", ram="16 MiB", fork="shadow")
    tasks = [machine.task("init")]
    start = tasks[0].mmap("160 KiB", flags="private populate")
    for number in (4, 5):
        tasks.append(tasks[-1].fork())
        tasks[-1].write(start + number * vm.PAGE, b"own")
    scene = vm.Objects(machine).scene()
    assert list(cells(scene, "object/memory 3")) == ["5"]
    assert list(cells(scene, "object/memory 2")) == ["4"]
    behind = cells(scene, "object/memory 1")
    assert {"4", "5", "6-39"} <= {*behind}, "the page of each task has a column of its own"
    assert words(behind["6-39"])[0].split()[0] == "34"
    drawn = [name.split("-") for name in behind]
    assert sum(int(ends[-1]) - int(ends[0]) + 1 for ends in drawn) == 40, "each page is in one column"
    assert behind["4"].shape == "box", "the first task alone sees what the second has copied"
    assert cells(scene, "object/memory 2")["4"].shape == "round"


def mapped(scene: Scene) -> list[str]:
    """The tasks of the mappings that are drawn, from top to bottom."""
    return [node.id.split(":")[1].partition("/")[0] for node in scene.nodes if node.id.startswith("mapping/task:")
            and node.kind == "card"]  # fmt: skip


def test_of_a_large_family_the_task_that_did_something_is_shown() -> None:
    machine = vm.boot("x86-64", layout="small", ram="16 MiB", fork="shadow")
    task = machine.task("init")
    start = task.mmap("8 KiB")
    task.write(start, b"x" * 5000)
    children = [task.fork() for _ in range(30)]
    for writers, child in enumerate((children[20], children[29]), 1):
        child.read(start)
        assert child.name in mapped(vm.Objects(machine).scene()), "it looked at what all have"
        child.write(start, b"y")
        scene = vm.Objects(machine).scene()
        assert child.name in mapped(scene)
        others = [words(node)[0] for node in scene.nodes if node.lane == "objects/0" and "tasks" in words(node)[0]]
        assert others == [f"{31 - writers} tasks"], "those that did nothing are alike"


def test_the_same_machine_gives_the_same_picture_whatever_strings_hash_to() -> None:
    life = (
        "import vmwidgets as vm; m = vm.boot('x86-64', layout='small'); t = m.task('init'); a = t.mmap('8 KiB');"
        "t.write(a, b'x'); [t.fork(f'child{n}') for n in range(20)]; t.exit();"
        "print(vm.Objects(m, step=1).to_json())"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", life], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in "123"
    }
    assert len(found) == 1


def test_a_new_page_among_thousands_has_a_cell_of_its_own() -> None:
    machine = vm.boot("x86-64", layout="small", ram="64 MiB", fork="shadow")
    task = machine.task("init")
    start = task.mmap("8 MiB", flags="private populate")
    task.fork().write(start + 2000 * 4096, b"x")
    scene = vm.Objects(machine).scene()
    found = cells(scene, "object/memory 1")
    assert {*found} == {"0-1999", "2000", "2001-2047"}
    assert not [run for node in found.values() for run in node.text if run.room], "none is cut"
    child = cells(scene, "object/memory 2")
    assert [(name, "new" in node.state) for name, node in child.items()] == [("2000", True)], "what is new is shown"


def test_what_a_mapping_sees_is_what_its_task_reads() -> None:
    machine, _, child, start = forked()
    child.write(start, b"y")
    child.fork().write(start + 8192, b"z")
    value = machine.memory_objects.value()
    for task in machine.tasks.values():
        entry = task.map.entries()[0]
        mapper = next(one for one in value.mappers(str(entry.object)) if one.entry == entry.id)
        seen = seen_by(value, mapper, str(entry.object))
        assert sorted(seen) == [0, 1, 2]
        for page, place in seen.items():
            assert machine.ram.read(place.frame << 12, 4) == task.read(start + (page << 12), 4)


@pytest.mark.parametrize("target", [3, "init", None])
def test_what_is_no_task_is_refused(target: Any) -> None:
    with pytest.raises(vm.Refused, match="Objects shows the memory objects of a machine"):
        vm.Objects(target)


def folds(scene: Scene) -> dict[str, str]:
    """What is left out, by id."""
    return {node.id: node.text[0].text for node in scene.nodes if node.kind == "fold"}


@pytest.mark.parametrize("count", [OBJECTS - 1, OBJECTS, OBJECTS + 1, OBJECTS + 2, 200])
def test_files_that_nothing_maps_are_folded_beyond_a_bound(count: int) -> None:
    machine = vm.boot("x86-64", fork="shadow")
    for number in range(count):
        machine.file(f"f{number}", b"x")
    scene = vm.Objects(machine).scene()
    drawn = [node for node in scene.nodes if node.id.startswith("object/") and node.kind == "card"]
    assert len(drawn) == (OBJECTS if count > OBJECTS + 1 else count), "a line instead of one row would save no room"
    left = count - len(drawn)
    said = f"{left} objects more that nothing maps"
    assert list(folds(scene).values()) == [said] * (left > 0)
    assert f"{count} objects" in scene.subtitle


@pytest.mark.parametrize("children", [1, 3])
def test_a_write_after_forks_shows_the_objects_of_all_tasks(children: int) -> None:
    """The labs follow the arrows from each task to the object behind the shadows."""
    machine = vm.boot("x86-64", fork="shadow")
    parent = machine.task("parent")
    a = parent.mmap("16 KiB", flags="private populate")
    for _ in range(children):
        parent.fork().write(a, b"c")
    parent.write(a, b"p")
    scene = vm.Objects(machine).scene()
    assert folds(scene) == {}
    named = " ".join(run.text for node in scene.nodes for run in node.text)
    assert all(name in named for name in machine.tasks)


def test_a_fold_of_other_objects_stands_for_more_than_a_row() -> None:
    """A write to one of several mappings: one more object is drawn, and more are counted in a line."""
    for others in 1, 2, 5:
        machine = vm.boot("x86-64", fork="shadow")
        task = machine.task("init")
        for _ in range(others):
            task.write(task.mmap(vm.PAGE), b"x")
        a = task.mmap("8 KiB", prot="r")
        task.mprotect(a, "8 KiB", "rw")
        task.write(a, b"y")
        scene = vm.Objects(machine).scene()
        drawn = sum(node.id.startswith("object/") and node.kind == "card" for node in scene.nodes)
        left = others + 1 - drawn
        assert left != 1
        assert bool(folds(scene)) == (left > 0)


@pytest.mark.parametrize("forks", [5, CHAIN, 60])
def test_the_middle_of_a_long_chain_is_folded(forks: int) -> None:
    """Each child writes the page and forks in its turn: the last one's mapping has all of their objects behind it."""
    machine = vm.boot("x86-64", fork="shadow")
    task = machine.task("init")
    a = task.mmap(vm.PAGE)
    task.write(a, b"x")
    for _ in range(forks):
        child = task.fork()
        child.write(a, b"y")
        task = child
    value = machine.memory_objects.value()
    longest = max(len(value.chain(name)) for name in value.objects)
    scene = vm.Objects(machine).scene()
    ends = {node.id for node in scene.nodes}
    assert all({link.source, link.target} <= ends for link in scene.links)
    assert len(scene.nodes) < 150
    said = [text for name, text in folds(scene).items() if name.startswith("objects/chain/")]
    assert bool(said) == (longest > CHAIN + 1)
    assert not said or f"{longest - CHAIN} shadows in between, with 1 page each" in said


def test_all_mappers_are_those_of_each_object() -> None:
    machine = vm.boot("x86-64", fork="shadow")
    for name in ("one", "two"):
        task = machine.task(name)
        task.write(task.mmap(2 * vm.PAGE), b"x")
        task.mmap(vm.PAGE, "r", "shared", machine.file("f" + name, b"x"))
        task.fork()
    value = machine.memory_objects.value()
    every = value.all_mappers()
    assert list(every) == list(value.objects)
    entries = [(path, identity, one[3]) for path, held in value.entries.items() for identity, one in held.items()]
    for name in value.objects:
        assert {(one.map, one.entry, name) for one in every[name]} == {one for one in entries if one[2] == name}
        assert value.mappers(name) == every[name]
        shadows = sum(one.shadow == name for one in value.objects.values())
        is_file = value.objects[name].kind == "file"
        assert value.references(name) == len(every[name]) + shadows + is_file


def calls_to_draw(pages: int, tasks: int) -> int:
    """How many Python functions are called to draw the objects of so many pages in so many tasks."""
    machine = vm.boot("x86-64", ram="64 MiB", fork="shadow")
    task = machine.task("first")
    task.mmap(pages * 4096, flags="private|populate")
    for number in range(tasks):
        machine.task(f"t{number}").mmap("4 KiB")
    view = vm.Objects(machine)
    at = view.at()
    look = at.look(machine.memory_objects)
    assert look.now.objects
    assert look.before.objects is not None  # the machine before the operation is remade once, for all pictures
    counted = 0

    def count(frame: object, event: str, _: object) -> None:
        nonlocal counted
        counted += event == "call"

    sys.setprofile(count)
    try:
        view.draw(at)
    finally:
        sys.setprofile(None)
    return counted


def test_pages_that_are_not_drawn_cost_no_calls() -> None:
    calls_to_draw(40, 1)  # widths of words are kept from now on
    assert calls_to_draw(4000, 1) < calls_to_draw(40, 1) + 100


def test_of_a_thousand_files_the_value_has_those_that_are_shown_and_counts_the_rest() -> None:
    machine = vm.boot("x86-64", ram="64 MiB", fork="shadow")
    for number in range(1000):
        machine.file(f"f{number}", b"x")
    task = machine.task("init")
    shared = task.mmap("4 KiB", "rw", "shared", machine.file("last", b"x"))
    whole, some = machine.memory_objects.value(), machine.memory_objects.value(5, {"file f700"})
    assert some.left_out == len(whole.objects) - len(some.objects) == 1001 - 7
    assert list(some.objects) == [*(f"file f{number}" for number in range(5)), "file f700", "file last"]
    assert all(whole.objects[name] == one for name, one in some.objects.items())
    assert some.files == {name: whole.files[name] for name in ("f0", "f1", "f2", "f3", "f4", "f700", "last")}
    machine.file("new", b"x")
    scene = vm.Objects(machine).scene()
    assert card(scene, "file new"), "the operation is about it"
    assert folds(scene)["objects/alone"] == f"{1002 - OBJECTS:,} objects more that nothing maps"
    task.munmap(shared, "4 KiB")
    for picture in vm.Objects(machine), vm.Objects(machine, step=0):
        scene = picture.scene()
        assert card(scene, "file last"), "it was mapped before the operation, or is nothing's now"
        assert scene.subtitle.startswith("1,002 objects · ")
        assert list(scene.table.rows)[-1][:2] == ("…", "602 objects more")


def test_the_table_says_of_each_page_which_entries_map_it() -> None:
    """As the picture does: page 0 twice, page 2 never."""
    machine = vm.boot("x86-64", fork="shadow")
    task = machine.task("viewer")
    start = task.map.enter("16 KiB", at=0x80_0000, object=machine.object("film"))
    task.write(start, b"x" * 16384)
    task.map.remove(start + 8192, size=4096)
    task.map.enter(4096, at=start + 8192, object="film")
    first, second, third, fourth = (f"task:viewer 0x80_{page}000" for page in range(4))
    rows = vm.Objects(task).scene().table.rows
    assert {row[4]: row[-1] for row in rows} == {"0": f"{first}, {third}", "1": second, "2": "", "3": fourth}


def test_a_page_that_no_mapping_leads_to_is_marked_and_explained() -> None:
    machine = vm.boot("x86-64", layout="small", fork="shadow")
    parent = machine.task("init")
    start = parent.mmap("16 KiB")
    parent.write(start, b"x" * 16384)
    child = parent.fork()
    child.write(start, b"y")

    def marked() -> list[str]:
        nodes = vm.Objects(machine).scene().nodes
        return [node.id for node in nodes if node.kind == "page" and any("\N{DAGGER}" in run.text for run in node.text)]

    assert marked() == [], "the parent still reads the page that both had"
    parent.write(start, b"z")
    assert marked() == ["object/memory 1/0", "objects/legend/orphan"]
    scene = vm.Objects(machine).scene()
    assert "orphan: no mapping leads to it" in next(
        node.title for node in scene.nodes if node.id == "object/memory 1/0"
    )
    child.exit()
    assert marked() == []


def test_where_there_are_many_mappings_those_that_are_alike_are_one_card() -> None:
    machine = vm.boot("x86-64", layout="small", fork="shadow")
    file = machine.file("libc", b"code" * 2048)
    tasks = [machine.task(f"task {number}") for number in range(MAPPINGS + 1)]
    for number, task in enumerate(tasks):
        start = task.mmap("8 KiB", "r", "shared", file)
        task.read(start)
        if number < MAPPINGS:
            scene = vm.Objects(machine).scene()
            drawn = [node for node in scene.nodes if node.lane == "objects/0"]
            fold = [int(words(node)[0].split()[0]) for node in scene.nodes if node.id.startswith("objects/fold/")]
            assert len(drawn) <= BESIDE
            assert len(drawn) + sum(fold) == number + 1
    machine.object("another")  # no mapping is of it
    scene = vm.Objects(machine).scene()
    (alike,) = [node for node in scene.nodes if node.lane == "objects/0"]
    assert words(alike) == [f"{len(tasks)} tasks", f"{start}, 2 pages"]
    assert all(task.path.removeprefix("task:") in alike.title for task in tasks)
    assert not any(node.id == "objects/fold" for node in scene.nodes), "none is left out"
    tasks[3].mprotect(start, "4 KiB", "r")  # the same rights: nothing is written
    tasks[5].munmap(start + 4096, "4 KiB")
    cards = [node for node in vm.Objects(machine).scene().nodes if node.lane == "objects/0"]
    assert [words(node)[0] for node in cards] == [f"{len(tasks) - 1} tasks", "task 5"]


def family(forks: int) -> Any:
    """A task, its child, the child's child and so on, each with pages of its own."""
    machine = vm.boot("x86-64", layout="small", fork="shadow")
    file = machine.file("libpython3.11.so.1.0", b"file" * 4000)
    task = machine.task("shell")
    heap, text = task.mmap("160 KiB"), task.mmap("16 KiB", "rw", "private", file)
    task.write(heap, b"h" * 60_000)
    task.read(text, 9000)
    for number in range(forks):
        task = task.fork()
        task.write(heap + 4096 * number, b"own")
        task.write(text, b"own")
    return machine.memory_objects


def brood(forks: int) -> Any:
    """A task with many children, which all write, as does the task after each fork."""
    machine = vm.boot("x86-64", fork="shadow")
    task = machine.task("init")
    start = task.mmap("16 KiB")
    task.write(start, b"x" * 16_000)
    for number in range(forks):
        task.fork().write(start + 4096 * (number % 4), b"y")
        task.write(start + 4096 * (number % 4), b"z")
    return machine.memory_objects


@pytest.mark.parametrize("width", [420, 640, 900, 1300])
@pytest.mark.parametrize(("make", "forks"), [(family, 3), (family, 8), (brood, 10)])
def test_lines_to_different_objects_never_lie_on_each_other(make: Callable[[int], Any], forks: int, width: int) -> None:
    parts: dict[tuple[str, float], list[tuple[float, float, str]]] = {}
    for link in vm.Objects(make(forks), width=width).scene().links:
        assert all(0 <= x <= width for x, _ in link.points)
        for (x, y), (right, down) in pairwise(link.points):
            key, ends = (("x", x), (y, down)) if x == right else (("y", y), (x, right))
            if ends[0] != ends[1]:
                parts.setdefault(key, []).append((min(ends), max(ends), link.target))
    assert parts
    for those in parts.values():
        for one, other in combinations(those, 2):
            assert one[2] == other[2] or one[1] <= other[0] or other[1] <= one[0], (one, other)


@pytest.mark.parametrize("width", [420, 640, 900, 1300])
def test_names_after_many_forks_are_whole(width: int) -> None:
    scene = opened(family(8), width)
    cards = [node for node in scene.nodes if node.id.startswith(("mapping/", "object/")) and node.kind == "card"]
    names = [cut(node.text[0]) for node in cards]
    assert len(names) > 8
    assert not [name for name in names if "…" in name]
    assert not [run.text for node in cards for run in node.text if "0x" in run.text and "…" in cut(run)]


def descent(forks: int = 5) -> tuple[vm.Machine, list[Task], int]:
    """A task with eight pages, its child, the child's child and so on, each with one page of its own."""
    machine = vm.boot("x86-64", fork="shadow")
    tasks = [machine.task("init")]
    start = int(tasks[0].mmap("64 KiB"))
    tasks[0].write(start, b"x" * (8 * vm.PAGE))
    for number in range(forks):
        tasks.append(tasks[-1].fork())
        tasks[-1].write(start + number * vm.PAGE, b"own")
    return machine, tasks, start


@pytest.mark.parametrize("width", [420, 900, 1600])
def test_a_long_chain_goes_down_and_each_object_says_what_is_found_there(width: int) -> None:
    machine, tasks, _ = descent()
    value = machine.memory_objects.value()
    (entry,) = tasks[-1].map.entries()
    chain = value.chain(str(entry.object))
    scene = vm.Objects(machine, width=width).scene()
    cards = [card(scene, name) for name in chain]
    assert len({node.x for node in cards}) == 1
    assert [node.y for node in cards] == sorted(node.y for node in cards)
    for task in tasks:  # each beside the object that it maps, or above it
        (one,) = task.map.entries()
        mapping = next(node for node in scene.nodes if node.thing == f"entry:{one.id}")
        own = card(scene, str(one.object))
        assert mapping.y == own.y if width > 640 else mapping.y + mapping.h <= own.y
    holders = {page: next(name for name in chain if page in value.objects[name].pages) for page in range(8)}
    for number, (node, name) in enumerate(zip(cards, chain, strict=True), 1):
        its = [*holders.values()].count(name)
        assert f"search {number}: {its} page{'s' * (its != 1)}" in words(node)


def test_the_answer_of_a_long_chain_says_where_most_pages_are_and_how_many_objects_are_shadows() -> None:
    machine, tasks, start = descent()
    scene = vm.Objects(machine).scene()
    (entry,) = tasks[-1].map.entries()
    chain = machine.memory_objects.value().chain(str(entry.object))
    assert says("object pictures: copied", scene.caption.text), "the write changed its front"
    fields = {"task": tasks[-1].name, "found": str(8 - (len(chain) - 1)), "where": chain[-1]}
    assert saying("object pictures: depth", 8, **fields) in scene.caption.reason
    assert says("object pictures: shadows", scene.caption.reason)
    assert saying("object pictures: search", task=tasks[-1].name, objects=len(chain)) in scene.caption.reason
    tasks[-1].munmap(start, 8 * vm.PAGE)
    scene = vm.Objects(machine).scene()
    assert says("object pictures: depth/none", scene.caption.reason), "it sees the pages no longer"
    assert " of 0 " not in " ".join(node.title for node in scene.nodes)


def test_other_shadows_of_an_object_in_a_long_chain_are_counted() -> None:
    machine, tasks, start = descent()
    for number in range(6):
        tasks[0].fork(f"other {number}").write(start + 6 * vm.PAGE, b"own")
    machine.kernel_map.enter("4 KiB")  # an operation that concerns none of them
    scene = vm.Objects(machine).scene()
    drawn = {node.thing.removeprefix("object:") for node in scene.nodes if node.thing.startswith("object:")}
    others = [node for node in scene.nodes if node.id.startswith("objects/others/")]
    left_out = {*machine.memory_objects.value().objects} - drawn
    assert left_out
    assert all(any(name in node.title for node in others) for name in left_out)


@pytest.mark.parametrize("width", [420, 900, 1600])
@pytest.mark.parametrize("count", [1, 2, 7, 15])
def test_pages_that_came_together_have_few_marks(count: int, width: int) -> None:
    machine = vm.boot("x86-64", fork="shadow")
    task = machine.task("init")
    start = task.mmap("128 KiB")
    task.write(start + 3 * vm.PAGE, b"a" * (count * vm.PAGE))
    scene = vm.Objects(machine, width=width).scene()
    new = [node for node in scene.nodes if node.kind == "page" and "new" in node.state]
    assert (
        sum(int(one[-1]) - int(one[0]) + 1 for one in (node.id.rpartition("/")[2].split("-") for node in new)) == count
    )
    around = [node for node in scene.nodes if node.kind == "around"]
    assert len(around) + sum("within" not in node.state for node in new) <= 3


def test_a_new_object_s_pages_need_no_ring_of_their_own() -> None:
    machine = vm.boot("x86-64", fork="shadow")
    task = machine.task("init")
    start = task.mmap("64 KiB")
    task.write(start, b"a" * (8 * vm.PAGE))
    child = task.fork()
    child.write(start, b"b" * (8 * vm.PAGE))
    scene = vm.Objects(machine).scene()
    (made,) = (node for node in scene.nodes if node.id.startswith("object/") and node.text and "new" in node.state
               and node.kind == "card")  # fmt: skip
    assert not [node for node in scene.nodes if node.kind == "around"]
    new = [node for node in scene.nodes if node.id.startswith(f"{made.id}/") and "new" in node.state]
    assert [node for node in new if "within" not in node.state] == []
    assert new


@pytest.mark.parametrize("forks", [4, 14])
def test_each_object_of_chains_that_changed_is_drawn_once(forks: int) -> None:
    machine = vm.boot("x86-64", fork="shadow")
    tasks = [machine.task("init")]
    start = tasks[0].mmap(8 * vm.PAGE)
    tasks[0].write(start, b"x" * 8 * vm.PAGE)
    for number in range(forks):
        tasks.append(tasks[-1].fork(f"child {number}"))
        tasks[-1].write(start + number % 8 * vm.PAGE, b"y")
    for task in tasks:
        task.mprotect(start, 8 * vm.PAGE, "r")
        scene = vm.Objects(machine).scene()
        for names in ([node.id for node in scene.nodes], [link.id for link in scene.links]):
            assert len(names) == len({*names}), task.name
        folded = next((node.title for node in scene.nodes if node.id.startswith("objects/chain/")), "")
        others = [node for node in scene.nodes if node.id.startswith("objects/others/")]
        assert not (folded and others), "what the chain's fold counts is no other shadow"


def test_the_table_has_the_address_at_which_a_walk_finds_the_frame() -> None:
    machine = vm.boot("x86-64")
    task = machine.task("t")
    start = task.mmap("32 KiB")
    task.write(start, bytes(32768))
    task.munmap(start, 4096)  # so that the entry's first page is not the object's
    rows = [row for row in vm.Objects(machine).scene().table.rows if row[5]]
    assert len(rows) == 7
    for row in rows:
        where = row[6].removeprefix("task:t ")
        assert task.walk(where).pa == int(row[5].removeprefix("frame "), 16) * 4096
