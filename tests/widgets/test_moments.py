"""One moment for all pictures of a machine: in its whole history, and kept at the end of a cell."""

from __future__ import annotations

import gc
import json
import random
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import vmwidgets as vm
from tests.captions import saying
from tests.engine.machine.lives import operations_life
from tests.widgets.notebook import LabShell, open_notebook
from tests.widgets.page import HELLO, ROOM, draw, export, replies, seek
from vmwidgets.pictures.picture import Picture
from vmwidgets.views.scene.model import AFTER, Scene
from vmwidgets.widgets.host.packing import unpack, unpack_text
from vmwidgets.widgets.host.pictures import keep_moments
from vmwidgets.widgets.host.refresh import refresher


def parts_of(machine: vm.Machine) -> list[Any]:
    """Things that have pictures and are there from the boot on."""
    m = machine
    return [m, m.kernel_map, m.kentry, m.kmem, m.frames, m.caches, m.threads, m.cpus]


def drawn(picture: Picture, when: Any) -> Scene:
    picture.moment = when
    return picture.scene()


def named(machine: vm.Machine, scene: Scene) -> Scene:
    """A scene of a machine that is there to look at, under the name of `machine`, whose past it is."""
    title = re.sub(r"^machine \d+ after operation \d+", machine.name, scene.title)
    return replace(scene, title=title, machine=scene.machine and machine.name)


@pytest.mark.parametrize("architecture", ["x86-64", "armv7", "aarch64", "riscv-sv39"])
@pytest.mark.parametrize("seed", range(3))
def test_a_picture_at_a_moment_is_that_of_the_machine_as_it_was(architecture: str, seed: int) -> None:
    machine = operations_life(architecture, seed, 60)
    draws = random.Random(seed)
    latest = len(machine.journal) - 1
    for number in sorted(draws.sample(range(latest), 6)):
        there = machine.at(number)
        serial = machine.journal.serial(number)
        for thing, then in zip(parts_of(machine), parts_of(there), strict=True):
            picture = vm.picture(thing)
            scene = drawn(picture, (serial, None))
            fresh = vm.picture(then)
            assert scene == named(machine, fresh.scene())
            done = draws.choice(scene.steps.places)
            when = None if done == AFTER else (there.journal.last.serial, done)
            assert drawn(picture, (serial, done)) == named(machine, drawn(fresh, when))


def test_steps_and_moments_are_one() -> None:
    machine = vm.boot()
    machine.kernel_map.enter("16 KiB")
    tree = vm.picture(machine.kernel_map)
    places = tree.scene().steps.places
    for index, done in enumerate(places):
        tree.step = index
        assert tree.moment == (None if done == AFTER else (1, done))
        assert tree.scene().steps.index == index
    machine.kernel_map.enter("16 KiB")
    tree.moment = (1, places[1])
    assert tree.scene().steps.operation == 1
    assert tree.step == 1
    tree.step = -1
    assert tree.moment == (1, None)


def test_two_pictures_show_the_same_moment_and_say_the_same() -> None:
    machine = vm.boot()
    machine.kernel_map.enter("16 KiB")
    tree, kentry, walk = (
        vm.Tree(machine.kernel_map),
        vm.Kentry(machine),
        vm.Walk(machine.walk(machine.kernel_map.start)),
    )
    tree.step = 2
    assert tree.moment == kentry.moment == walk.moment != None  # noqa: E711  the moment is no None
    assert tree.scene().caption.text == kentry.scene().caption.text
    kentry.moment = None
    assert (tree.moment, tree.step) == (None, tree.steps)


@pytest.mark.parametrize("make", [vm.picture, vm.Tree], ids=["picture", "view"])
def test_steps_and_operation_are_right_before_anything_is_drawn(make: Any) -> None:
    machine = vm.boot()
    machine.kernel_map.enter("4 KiB")
    first = make(machine.kernel_map).scene().steps.count
    picture = make(machine.kernel_map)
    assert (picture.steps, picture.operation) == (first, 1)
    machine.kernel_map.lookup(machine.kernel_map.start)
    second = make(machine.kernel_map).scene().steps.count
    assert 1 < second < first, "so that one is not taken for the other"
    assert (picture.steps, picture.operation) == (second, 2), "and after each operation"
    picture.moment = (machine.journal.serial(1), None)
    assert (picture.steps, picture.operation) == (first, 1)
    assert [picture.steps for picture.step in range(3)] == [first] * 3


def test_where_nothing_can_be_drawn_there_are_no_steps() -> None:
    machine = vm.boot()
    task = machine.task("hello")
    picture = vm.picture(task.map)
    picture.moment = (machine.journal.serial(0), None)
    assert (picture.steps, picture.operation) == (0, 0)
    assert ([node.id for node in picture.scene().nodes], picture.steps, picture.operation) == (["absent"], 0, 0)


def test_reading_steps_of_a_gone_machine_draws_nothing() -> None:
    picture = vm.Tree(vm.boot().kernel_map)
    picture.scene()
    shown = picture.steps, picture.operation
    gc.collect()
    assert not picture.alive
    assert (picture.steps, picture.operation) == shown


@pytest.mark.parametrize("wrong", [3, "3", (1,), (1, 2, 3), (-1, None), (1, -2), (True, 1), (1, "2")])
def test_what_is_no_moment_is_refused_and_changes_nothing(wrong: Any) -> None:
    picture = vm.picture(vm.boot())
    with pytest.raises(vm.Refused, match=r"moment=.* but it must be None for now, or a pair"):
        vm.picture(vm.boot(), moment=wrong)
    with pytest.raises(Exception, match="None for now, or a pair"):
        picture.moment = wrong
    assert picture.moment is None


def test_a_moment_that_was_undone_is_said_in_a_sentence_and_the_picture_stays() -> None:
    machine = vm.boot()
    machine.kernel_map.enter("16 KiB")
    view = vm.Tree(machine.kernel_map, follow=False)
    replies(view, HELLO)
    view.moment = (1, 3)
    draw(view)
    before = view.frame
    machine.undo()
    refresher.flush()
    assert "the operation of this moment was undone" in view.status
    assert unpack(view.frame["data"])["scene"]["nodes"] == unpack(before["data"])["scene"]["nodes"]
    machine.redo()
    refresher.flush()
    assert view.status == ""


ABSENT = "The map of init does not exist yet: operation 1 makes it"


def test_a_call_brings_its_pictures_to_the_present_and_one_that_does_not_follow_stays() -> None:
    machine, other = vm.boot(), vm.boot()
    for one in (machine, other):
        one.kernel_map.enter("16 KiB")
    tree, kentry, elsewhere = vm.Tree(machine.kernel_map), vm.Kentry(machine), vm.Tree(other.kernel_map)
    kept = vm.Tree(machine.kernel_map, moment=(0, None), follow=False)
    for call in (lambda: machine.kernel_map.enter("4 KiB"), machine.undo, machine.redo):
        tree.moment, elsewhere.moment = (1, 2), (0, None)
        assert kentry.moment == (1, 2)
        call()
        assert tree.moment is kentry.moment is None
        assert (kept.moment, elsewhere.moment) == ((0, None), (0, None))
    tree.moment = (1, 2)
    with pytest.raises(vm.Refused):
        machine.kernel_map.enter("3 apples")
    assert tree.moment == (1, 2), "nothing was done"


def test_a_new_picture_opens_in_the_present_and_takes_the_others_along() -> None:
    with open_notebook(LabShell) as shell:
        shell.run("old = FakeTree(m); m.operate(3); old", "a")
        shell.run("old.step = 1", "b")
        shell.run("new = FakeTree(m); new", "c")
        old, new = shell.user_ns["old"], shell.user_ns["new"]
        assert old.moment is new.moment is None
        replies(old, HELLO, seek(0))
        assert new.moment == (0, None)
        shell.run("newer = FakeTree(m)", "d")
        assert shell.user_ns["newer"].moment is old.moment is None
        shell.run("old.step = 1; beside = FakeTree(m)", "e")
        assert shell.user_ns["beside"].moment == old.moment == (2, 1), "its own cell has chosen that moment"


def test_a_picture_of_what_was_not_there_says_so_in_every_file(tmp_path: Path) -> None:
    machine = vm.boot()
    task = machine.task("init")
    picture = vm.picture(task.map, moment=(0, None))
    assert ABSENT in picture.to_text()
    assert ABSENT in picture.snapshot().to_text()
    assert ABSENT in picture.scene().caption.text
    for name in ("absent.svg", "absent.html", "absent.json", "absent.txt", "absent-*.svg"):
        assert ABSENT in picture.save(tmp_path / name).read_text("utf-8"), name


def test_a_walk_in_a_task_that_has_ended_leads_back_to_it() -> None:
    machine = vm.boot()
    task = machine.task("init")
    walk = vm.Walk(task.walk(task.mmap("4 KiB")))
    task.exit()
    assert "'init' does not exist any longer: operation 1 made it" in walk.scene().caption.text
    assert walk.scene().caption.reason == saying("no picture: earlier", number="3", made="1")
    walk.moment = (machine.journal.serial(1), None)
    assert walk.scene().nodes


def test_a_first_show_is_live_where_the_thing_is_not_there() -> None:
    """It has no frame from before that could be emptied."""
    machine = vm.boot()
    task = machine.task("init")
    seen = vm.Tree(machine.kernel_map)
    seen.moment = (machine.journal.serial(0), None)
    view = vm.Map(task)
    replies(view, HELLO)
    shown = unpack(view.frame["data"])
    assert (shown["when"]["number"], shown["when"]["made"]) == (0, 1)
    assert ABSENT in shown["scene"]["caption"]["text"]
    (said,) = shown["scene"]["nodes"]
    assert ABSENT in json.dumps(said["text"]), "a screen on which only the drawing is seen is not empty"
    replies(view, seek(1))
    refresher.flush()
    assert seen.moment == view.moment, "both have gone there"
    assert unpack(view.frame["data"])["scene"]["nodes"]


def test_a_first_show_is_live_at_a_moment_that_was_undone() -> None:
    machine = vm.boot()
    machine.kernel_map.enter("16 KiB")
    undone = (machine.journal.last.serial, None)
    view = vm.Map(machine.kernel_map, moment=undone, follow=False)
    machine.undo()
    replies(view, HELLO)
    shown = unpack(view.frame["data"])
    assert shown["scene"]["caption"]["text"] == saying("no picture: undone")
    assert not shown["when"]["now"], "the control for now can be pressed"
    replies(view, seek(-1))
    refresher.flush()
    assert unpack(view.frame["data"])["scene"]["nodes"]


def test_what_changes_a_machine_is_refused_in_the_past() -> None:
    machine = vm.boot()
    walk = vm.Walk(machine.walk(machine.kernel_map.start))
    machine.kernel_map.enter("16 KiB")
    walk.moment = (0, None)
    replies(walk, HELLO, {"type": "open", "id": "walk/fold"})
    (bit,) = [node.id for node in walk.scene().nodes if node.id.endswith("bit/1")][:1]
    (told,) = replies(walk, HELLO, {"type": "open", "id": bit})
    assert told["type"] == "refused"
    assert "branch" in told["reason"]
    assert len(machine.journal) == 2


# ---- cells -----------------------------------------------------------------------------------------


def when_on_page(view: vm.View) -> dict[str, Any]:
    found: dict[str, Any] = unpack(view.frame["data"])["when"]
    del found["operations"]  # tests/widgets/test_operations.py
    return found


def test_a_picture_counts_from_its_cell_and_shows_itself_as_it_was_then() -> None:
    with open_notebook() as shell:
        shell.run("v = FakeTree(m); m.operate(2); v", "a")
        view = shell.user_ns["v"]
        replies(view, HELLO)
        shell.run("m.operate(3)", "b")
        assert when_on_page(view) == {
            "number": 4,
            "place": AFTER,
            "now": True,
            "kept": False,
            "scale": 1.0,
            "finds": True,
            "cell": 1,
        }
        assert replies(view, seek(1, stays=True)) == []
        draw(view)
        assert (view.follow, view.moment) == (False, (1, None))
        assert when_on_page(view) == {
            "number": 1,
            "place": AFTER,
            "now": False,
            "kept": True,
            "scale": 1.0,
            "finds": True,
            "cell": 1,
        }
        shell.run("m.operate()", "c")
        assert when_on_page(view)["number"] == 1
        replies(view, seek(-1))
        refresher.flush()
        assert (view.follow, when_on_page(view)["number"]) == (True, 5)


def test_as_at_its_cell_it_is_never_at_an_operation_that_came_instead() -> None:
    """The page may have the number of the cell's last operation from before an undo."""
    machine = vm.boot()
    machine.kernel_map.enter("16 KiB")
    view = vm.EntryList(machine.kernel_map)
    (early,) = replies(view, HELLO, seek(1, stays=True))
    assert early["reason"] == "stay: the cell of this picture has not ended"
    assert view.follow
    view.cell_over()
    machine.undo()
    machine.kernel_map.enter("64 KiB")
    replies(view, seek(1, stays=True))
    draw(view)
    assert view.moment == (1, None)
    assert "the operation of this moment was undone" in view.status


def test_kept_moments_are_those_of_the_cells_and_the_newest_is_live() -> None:
    with open_notebook(LabShell) as shell:
        keep_moments()
        try:
            for cell in "abc":
                shell.run(f"{cell} = FakeTree(m); m.operate(); {cell}", cell)
                replies(shell.user_ns[cell], {**HELLO, "page": cell})
            shell.run("m.operate()", "d")
            a, b, c = (shell.user_ns[name] for name in "abc")
            assert [view.moment for view in (a, b, c)] == [(0, None), (1, None), (2, None)]
            assert [when_on_page(view)["number"] for view in (a, b, c)] == [0, 1, 2]
            shell.run("e = FakeTree(m); e", "e")
            assert shell.user_ns["e"].moment is None
        finally:
            keep_moments(keep=False)


def test_a_page_gets_the_file_of_the_moment_that_it_shows() -> None:
    machine = vm.boot()
    machine.kernel_map.enter("16 KiB")
    view = vm.Tree(machine.kernel_map)
    view.moment = (0, None)
    replies(view, HELLO, ROOM)
    given: list[str] = []
    view.send = lambda content, buffers=(): given.extend(unpack_text(one) for one in buffers)
    for number in (0, 1):
        view.answer(export("dark", number))
    assert given[0] == view.to_svg(theme="dark")
    view.moment = None
    assert given[1] == view.to_svg(theme="dark"), "the page may be ahead of its kernel"
    assert saying("map operations: boot") in given[0]


def tables_and_files(view: vm.View, *messages: dict[str, Any]) -> list[str]:
    """What a page is given for these messages, as text; a refusal is its reason."""
    given: list[str] = []

    def sent(content: dict[str, Any], buffers: Any = ()) -> None:
        given.extend([unpack_text(one) for one in buffers or ()] or [content["reason"]])

    view.send = sent
    for message in messages:
        view.answer(message)
    return given


def test_where_a_moment_was_undone_the_table_is_that_of_the_picture_as_it_was_and_there_is_no_file() -> None:
    """The page takes the substitute to be of the latest operation."""
    machine = vm.boot()
    for _ in range(2):
        machine.kernel_map.enter("16 KiB")
    view = vm.EntryList(machine.kernel_map, moment=(2, None), follow=False)
    replies(view, HELLO, ROOM)
    (before,) = tables_and_files(view, export("table", 2))
    machine.undo()
    for _ in range(2):
        machine.kernel_map.enter("64 KiB", prot="r")
    draw(view)
    number = when_on_page(view)["number"]
    table, file = tables_and_files(view, export("table", number), export("light", number))
    assert number == 3
    assert json.loads(table)["rows"] == json.loads(before)["rows"]
    assert file.startswith("the operation of this moment was undone")


def test_where_the_thing_did_not_exist_yet_the_file_says_so() -> None:
    machine = vm.boot()
    task = machine.task("init")
    view = vm.Map(task.map)
    replies(view, HELLO, ROOM, seek(0))
    draw(view)
    (file,) = tables_and_files(view, export("light", 0))
    assert ABSENT in file


@pytest.mark.parametrize("place", [0, AFTER])
def test_a_page_that_has_not_heard_of_an_operation_gets_the_file_of_what_it_shows(place: int) -> None:
    machine = vm.boot()
    machine.kernel_map.enter("16 KiB")
    view = vm.EntryList(machine.kernel_map)
    replies(view, HELLO, ROOM)
    shown = tables_and_files(view, export("light", 1, place), export("table", 1, place))
    replies(view, {**ROOM, "visible": False, "nth": 2})
    machine.kernel_map.enter("64 KiB", prot="r")
    assert tables_and_files(view, export("light", 1, place), export("table", 1, place)) == shown


# ---- what a trial found ----------------------------------------------------------------------------


def test_new_pictures_of_a_notebook_that_keeps_moments_are_live() -> None:
    with open_notebook(LabShell) as shell:
        keep_moments()
        try:
            shell.run("a = FakeTree(m); m.operate(3); a", "a")
            replies(shell.user_ns["a"], HELLO)
            shell.run("a.step = 1", "b")
            shell.run("c = FakeTree(m); m.operate(); c", "c")
            assert (shell.user_ns["a"].moment, shell.user_ns["c"].moment) == ((2, 1), None)
            shell.run("d = FakeTree(m); d.moment = (0, None); d", "d")
            shell.run("e = FakeTree(m); e", "e")
            assert (shell.user_ns["d"].moment, shell.user_ns["e"].moment) == ((3, None), None)
        finally:
            keep_moments(keep=False)


def test_a_picture_that_was_set_free_is_not_kept_again() -> None:
    with open_notebook(LabShell) as shell:
        keep_moments()
        try:
            shell.run("a = FakeTree(m); m.operate(); a", "a")
            shell.run("m.operate()", "b")
            shell.run("a.follow = True", "c")
            shell.run("m.operate()", "d")
            shell.run("m.operate()", "e")
            assert (shell.user_ns["a"].follow, shell.user_ns["a"].moment) == (True, None)
        finally:
            keep_moments(keep=False)


def test_a_machine_that_is_gone_stops_no_cell() -> None:
    with open_notebook(LabShell) as shell:
        keep_moments()
        try:
            shell.run("a = FakeTree(FakeMachine(3)); a", "a")
            shell.run("b = FakeTree(m); m.operate(); b", "b")
            shell.run("m.operate()", "c")
            assert shell.user_ns["b"].moment == (0, None)
        finally:
            keep_moments(keep=False)


def test_the_controls_reach_to_the_latest_operation_from_the_first_picture_on() -> None:
    machine = vm.boot()
    machine.kernel_map.enter("16 KiB")
    view = vm.Tree(machine.kernel_map)
    view.open()
    assert view._choice.model.reached[0] == 1
    other = vm.boot()
    late = vm.Tree(other.kernel_map)
    other.kernel_map.enter("16 KiB")
    late.open()
    assert late._choice.model.reached[0] == 1


def test_a_walk_and_the_tables_are_taken_back_inside_an_operation() -> None:
    machine = vm.boot()
    address = machine.kmem_malloc("4 KiB")
    mapped = vm.picture(machine.walk(address)).scene()
    machine.kmem_free(address, "4 KiB")
    walk, tables = vm.picture(machine.walk(address)), vm.Tables(machine, address=address)
    assert walk.scene().caption.text != mapped.caption.text
    before = (machine.journal.last.serial, 0)
    walk.moment = tables.moment = before
    assert [node.text for node in walk.scene().nodes if node.kind == "verdict"] == [
        node.text for node in mapped.nodes if node.kind == "verdict"
    ]
    assert "is mapped" in tables.scene().caption.text


def test_a_moment_given_to_the_constructor_counts() -> None:
    machine = vm.boot()
    machine.kernel_map.enter("16 KiB")
    other = vm.Kentry(machine)
    assert vm.Tree(machine.kernel_map, moment=(0, None)).moment == other.moment == (0, None)
    other.moment = None
    assert vm.Tree(machine.kernel_map, step=2).step == 2
    assert other.moment is not None


def test_a_moment_of_later_is_refused() -> None:
    machine = vm.boot()
    view = vm.Tree(machine.kernel_map)
    with pytest.raises(vm.Refused, match=r"moment=\(999, None\), but the machine's latest operation is 0"):
        view.moment = (999, None)
    assert view.moment is None


def test_a_picture_of_its_own_moment_stays_at_the_end_of_an_operation() -> None:
    machine = vm.boot()
    machine.kernel_map.enter("16 KiB")
    view = vm.Tree(machine.kernel_map, follow=False)
    view.step = 1
    view.step = view.scene().steps.count
    assert view.moment == (1, None)
    machine.kernel_map.enter("16 KiB")
    assert view.scene().steps.operation == 1


def test_a_moment_that_can_not_be_drawn_is_answered_and_can_be_left() -> None:
    machine = vm.boot()
    task = machine.task("init")
    view = vm.Map(task.map)
    replies(view, HELLO, seek(0))
    refresher.flush()
    assert "the map of init does not exist yet" in view.status
    assert when_on_page(view)["number"] == 0
    replies(view, seek(-1))
    refresher.flush()
    assert (view.status, when_on_page(view)["number"]) == ("", 1)
