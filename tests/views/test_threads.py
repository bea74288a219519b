"""The picture of threads: states by words and shape, sleepers in order, who has what, and a deadlock as a circle."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

import pytest

import vmwidgets as vm
from tests.captions import fields_of, saying, says, whole
from tests.views.pictures import covered_words, cut_text, outside
from vmwidgets.engine.kernel.threads.threads_schema import ThreadsValue, ThreadValue
from vmwidgets.views.memory.threads import draw_threads, groups_of
from vmwidgets.views.scene.model import Node, Scene
from vmwidgets.views.story.look import Look
from vmwidgets.views.story.moment import Moment

NOW = Moment()


def nodes(scene: Scene, kind: str) -> dict[str, Node]:
    return {node.id: node for node in scene.nodes if node.kind == kind}


def words(node: Node) -> str:
    return " ".join(run.text for run in node.text)


@pytest.fixture
def machine() -> vm.Machine:
    return vm.boot(layout="tiny")


@pytest.fixture
def waiting(machine: vm.Machine) -> vm.Machine:
    """Two threads asleep for room in exec_map, one that naps, one that is ready, one that is done, one that failed."""
    machine.kmem_alloc_wait("64 KiB")

    def broken() -> None:
        raise ValueError("no such <thing>")

    machine.spawn(broken, name="broken")
    with pytest.raises(vm.VMError):
        machine.step()
    for name in ("first", "second"):
        machine.spawn(lambda: machine.kmem_alloc_wait("8 KiB"), name=name)
    machine.spawn(lambda: machine.tsleep("channel", "nap", 250), name="napper")
    machine.spawn(lambda: 5, name="done")
    for _ in range(4):
        machine.step()
    machine.spawn(lambda: 6, name="later")
    return machine


def test_a_sleep_for_ticks_says_until_which_and_a_thread_that_runs_no_function() -> None:
    machine = vm.boot("x86-64", layout="tiny")
    for name, one, two in ("exec", "exec_map", "pipe_map"), ("pipe", "pipe_map", "exec_map"):
        machine.spawn(machine.kmem.copier, one, two, name=name)
    machine.step()  # exec reads from disk
    scene = vm.Threads(machine).scene()
    said = {node.id: words(node) for node in scene.nodes}
    assert "asleep to tick 5 holds exec_map" in said["thread/exec"]
    (channel,) = [node for node in nodes(scene, "channel").values() if "disk" in words(node)]
    assert words(channel) == "disk 1 waits"
    assert said[f"{channel.id}/wakes"] == "a wakeup of disk or the clock, at tick 5"
    machine.run(steps=1)
    machine.tick(5)
    woken = words(nodes(vm.Threads(machine).scene(), "thread")["thread/exec"])
    assert "ready holds exec_map" in woken


def test_the_state_of_a_thread_is_a_word_and_the_shape_of_its_mark(waiting: vm.Machine) -> None:
    shown = nodes(vm.Threads(waiting).scene(), "thread")
    for name, state in (
        ("first", "asleep"), ("second", "asleep"), ("napper", "asleep"), ("later", "ready"), ("done", "returned"),
        ("broken", "failed"),
    ):  # fmt: skip
        node = shown[f"thread/{name}"]
        assert state in words(node), name
        assert ("asleep" in node.state) == (state == "asleep"), name
    assert "ValueError: no such <" in words(shown["thread/broken"])
    assert "no such <thing>" in shown["thread/broken"].title


def test_sleepers_stand_by_what_they_wait_for_in_the_order_they_will_look_again(waiting: vm.Machine) -> None:
    scene = vm.Threads(waiting).scene()
    shown = nodes(scene, "thread")
    room = nodes(scene, "channel")["wait/room/exec_map"]
    assert "2 wait" in words(room)
    column = sorted((node for node in shown.values() if node.lane == room.id), key=lambda node: node.y)
    assert [node.thing for node in column] == ["thread:first", "thread:second"]
    assert [words(node)[:2] for node in column] == ["1 ", "2 "]
    links = {link.source: link for link in scene.links if link.kind == "waits"}
    assert links["thread/first"].target == links["thread/second"].target == room.id
    for node in column:
        (x, y), (to_x, to_y) = (links[node.id].points[at] for at in (0, -1))
        assert (node.x + node.w < x < to_x, to_x) == (True, room.x)
        assert (node.y < y < node.y + node.h, room.y < to_y < room.y + room.h) == (True, True)
    answer = words({node.id: node for node in scene.nodes}["threads/answer"])
    assert "3 threads wait: 2 for room in exec_map, 1 for " in answer


def test_a_line_to_what_a_thread_waits_for_has_its_rule_in_a_file(waiting: vm.Machine) -> None:
    text = vm.Threads(waiting).to_svg()
    assert 'class="link waits"' in text
    assert ".link.waits .line" in text


def test_who_wakes_the_sleepers_is_said_and_selected_by_a_click(machine: vm.Machine) -> None:
    machine.spawn(locker, machine, "exec_map", "pipe_map", name="one")
    machine.step()
    machine.spawn(lambda: machine.kmem_alloc_wait("4 KiB"), name="third")
    machine.step()
    said = {node.id: node for node in vm.Threads(machine).scene().nodes}
    held = said["wait/lock/exec_map/wakes"]
    assert (words(held), held.thing) == ("one holds it when it releases the lock; it is asleep itself", "thread:one")
    assert "1 for the lock of exec_map" in words(said["threads/answer"])
    machine.spawn(locker, machine, "pipe_map", "exec_map", name="two")
    machine.run()
    said = {node.id: node for node in vm.Threads(machine).scene().nodes}
    assert words(said["wait/lock/exec_map/wakes"]) == "never: one holds it it waits in the circle itself"
    assert vm.Threads(machine).scene().caption.text.startswith("Deadlock: one → two → one")


def locker(machine: Any, mine: str, wanted: str) -> Iterator[Any]:
    yield from machine.kmem.maps[mine].lock()
    yield from machine.tsleep("work", "work", 2)
    yield from machine.kmem.maps[wanted].lock()


def test_a_deadlock_is_a_circle_with_its_name(machine: vm.Machine) -> None:
    machine.spawn(locker, machine, "exec_map", "pipe_map", name="one")
    machine.spawn(locker, machine, "pipe_map", "exec_map", name="two")
    machine.spawn(lambda: machine.kmem_alloc_wait("4 KiB"), name="third")
    machine.run()
    scene = vm.Threads(machine).scene()
    circle = [link for link in scene.links if link.kind == "stuck"]
    assert [(link.source, link.target) for link in circle] == [
        ("thread/one", "cycle/pipe_map"), ("cycle/pipe_map", "thread/two"), ("thread/two", "cycle/exec_map"),
        ("cycle/exec_map", "thread/one"),
    ]  # fmt: skip
    assert all(link.arrow for link in circle)
    placed = {node.id: node for node in scene.nodes}
    for link in circle:
        for point, name in zip((link.points[0], link.points[-1]), (link.source, link.target), strict=True):
            node = placed[name]
            assert node.x - 0.1 <= point[0] <= node.x + node.w + 0.1, link.id
            assert node.y - 0.1 <= point[1] <= node.y + node.h + 0.1, link.id
    assert any(run.text == "deadlock" for node in scene.nodes for run in node.text)
    assert "Deadlock: one → two → one" in scene.caption.text
    held = next(link for link in scene.links if link.kind == "held-by")
    assert (held.source, held.target) == ("wait/lock/exec_map", "wait/lock/exec_map/wakes")
    assert placed[held.target].thing == "thread:one"
    said = [words(placed[f"{link.id}/says"]) for link in circle]
    assert said == ["needs", "which is held by"] * 2
    assert "deadlock" in {row[0]: row[1] for row in scene.table.rows}["one"]


def test_a_step_back_there_was_no_deadlock_yet(machine: vm.Machine) -> None:
    machine.spawn(locker, machine, "exec_map", "pipe_map", name="one")
    machine.spawn(locker, machine, "pipe_map", "exec_map", name="two")
    machine.run()
    view = vm.Threads(machine)
    view.step = 0
    assert not [link for link in view.scene().links if link.kind == "stuck"]
    assert view.scene().caption.tone != "error"


def test_the_cell_is_shown_where_it_has_a_lock_that_is_waited_for(machine: vm.Machine) -> None:
    machine.kmem.exec_map.lock()
    machine.spawn(lambda: machine.kmem_alloc_wait("4 KiB"), name="waiter")
    machine.run()
    scene = vm.Threads(machine).scene()
    assert "the cell" in words(nodes(scene, "thread")["thread/"])
    (held,) = (node for node in scene.nodes if node.id.endswith("/wakes") and "holds it" in words(node))
    assert (held.id, held.thing) == ("wait/lock/exec_map/wakes", "thread:")


def in_a_circle(many: int, others: Sequence[ThreadValue] = ()) -> ThreadsValue:
    names = [f"worker {number}" for number in range(many)]
    every = [
        ThreadValue(name, "asleep", f"the lock of map{number}", names[(number + 1) % many], locks=(f"map{number - 1}",),
                    kind="lock", subject=f"map{number}")
        for number, name in enumerate(names)
    ]  # fmt: skip  # a thread a lock
    every += others
    return ThreadsValue(tuple(every), 7, 1000, tuple(names), (), tuple(one.name for one in every))


@pytest.mark.parametrize("width", [420, 640, 900])
@pytest.mark.parametrize("many", [2, 3, 9])
def test_a_circle_has_as_many_threads_as_have_room(many: int, width: int) -> None:
    scene = draw_threads(Look(NOW, lambda _: in_a_circle(many)), width=width)
    circle = [node for node in scene.nodes if node.lane == "deadlock"]
    assert len(circle) >= 3 and outside(scene) == [] and covered_words(scene) == []
    for one, other in combinations(circle, 2):
        assert one.y != other.y or one.x + one.w < other.x or other.x + other.w < one.x
    (left_out,) = [words(node) for node in circle if node.kind == "fold"] or ["and 0 more"]
    assert sum(node.kind == "thread" for node in circle) + int(left_out.split()[1]) == many


@pytest.mark.parametrize("many", [3, 9, 40])
def test_a_circle_of_many_and_crowds_are_counted(many: int) -> None:
    crowd = [ThreadValue(f"sleeper {number}", "asleep", "room in exec_map") for number in range(500)]
    value = in_a_circle(many, crowd)
    scene = draw_threads(Look(NOW, lambda _: value))
    assert len(scene.nodes) < 40
    assert any("496 more" in words(node) for node in scene.nodes)
    assert len([link for link in scene.links if link.kind == "stuck"]) >= 6
    assert [len(group.sleepers) for group in groups_of(value)] == [500]


def test_no_threads_at_all_is_a_picture_too() -> None:
    scene = draw_threads(Look(NOW, lambda _: ThreadsValue((), 0, 1000)))
    assert "no threads yet" in scene.subtitle


def test_a_thread_that_waits_for_pages_has_only_the_addresses_so_far() -> None:
    machine = vm.boot("x86-64", ram="4 MiB", layout="tiny")
    machine.pagedaemon.stop()
    machine.take_pages(1000)
    machine.spawn(machine.kmem_alloc, "16 KiB", name="greedy")
    machine.step()
    assert says("threads: took/addresses", Moment(machine.journal.last).caption.reason)
    machine.give_pages(1000)
    machine.run()
    machine.spawn(machine.kmem_alloc, "16 KiB", name="next")
    machine.step()
    assert fields_of("threads: took", Moment(machine.journal.last).caption.reason)["size"] == "16 KiB"


@pytest.mark.parametrize("width", [420, 640, 900])
def test_what_wakes_a_sleeper_is_not_cut_in_a_file(width: int) -> None:
    machine = vm.boot("x86-64")
    for name in ("sh", "make"):
        machine.spawn(machine.kmem_alloc_wait, "900 KiB", name=name)
    machine.run()
    scene = vm.Threads(machine, width=width).scene()
    waited = [node for node in scene.nodes if node.kind == "channel"]
    assert "kmem_free_wakeup" in {run.text for node in scene.nodes for run in node.text}
    assert [words for words in cut_text(scene) if words.startswith(tuple(node.id for node in waited))] == []


def crowd(count: int) -> vm.Machine:
    machine = vm.boot("x86-64")
    machine.kmem_alloc_wait("1 MiB")
    for number in range(count):
        machine.spawn(machine.kmem_alloc_wait, "8 KiB", name=f"worker {number}")
    return machine


@pytest.mark.parametrize("width", [420, 900, 1600])
@pytest.mark.parametrize("count", [2, 5, 20])
def test_sleepers_that_an_operation_put_to_sleep_have_one_line_around_them_and_a_badge(count: int, width: int) -> None:
    machine = crowd(count)
    machine.run()
    scene = vm.Threads(machine, width=width).scene()
    (line,) = (link for link in scene.links if link.kind == "around")
    left, right = (pick(x for x, _ in line.points) for pick in (min, max))
    top, bottom = (pick(y for _, y in line.points) for pick in (min, max))
    changed = [node for node in scene.nodes if "changed" in node.state]
    assert changed
    for node in changed:
        assert left < node.x < node.x + node.w < right
        assert top < node.y < node.y + node.h < bottom
    (badge,) = (node for node in scene.nodes if "/count/" in node.id)
    assert badge.text[0].text == str(count)
    assert covered_words(scene) == []
    subject = next(node for node in scene.nodes if node.kind == "channel" and "exec_map" in node.title)
    assert width < 640 or top < subject.y + subject.h / 2 < bottom, "what they wait for is beside their middle"


@pytest.mark.parametrize("width", [420, 900])
def test_the_thread_that_an_operation_made_is_drawn_however_many_are_before_it(width: int) -> None:
    machine = crowd(20)
    scene = vm.Threads(machine, width=width).scene()
    cards = {node.thing: node for node in scene.nodes if node.lane == "ready"}
    assert {"thread:worker 0", "thread:worker 19"} <= {*cards}
    assert "new" in cards["thread:worker 19"].state
    assert cards["thread:worker 19"].text[0].text == "20", "its place in the row, not on the screen"
    (more,) = (node for node in scene.nodes if node.kind == "fold")
    assert more.text[0].text.split()[1] == str(20 - len(cards))


@pytest.mark.parametrize("width", [420, 900])
def test_who_runs_now_is_said_also_if_nobody_does(width: int) -> None:
    def said(nodes: dict[str, Node]) -> str:
        return " ".join(run.text for run in nodes["threads/answer"].text)

    machine = crowd(2)
    view = vm.Threads(machine, width=width)
    nodes = {node.id: node for node in view.scene().nodes}
    assert nodes["thread/worker 0"].text[-1].text == "m.run() runs it"
    assert nodes["thread/worker 0"].h > nodes["thread/worker 1"].h
    assert said(nodes) == "No thread runs now; worker 0 is the next of 2 that can go on."
    machine.run()
    ran = set()
    for step in range(view.steps + 1):
        view.step = step
        nodes = {node.id: node for node in view.scene().nodes}
        running = [node for node in nodes.values() if node.kind == "thread" and "here" in node.state]
        assert not (running and any(run.text == "m.run() runs it" for one in nodes.values() for run in one.text))
        for one in running:
            ran.add(one.text[0].text)
            assert f"{one.text[0].text} runs now" in said(nodes)
    assert ran == {"worker 0", "worker 1"}
    assert said(nodes).endswith("No thread runs; the kernel waits for the next call.")
    view.step = 1
    assert "waits for the next call" not in said({node.id: node for node in view.scene().nodes})


def test_ended_threads_without_room_are_counted() -> None:
    machine = vm.boot("x86-64")
    for number in range(20):
        machine.spawn(machine.kmem_alloc, "8 KiB", name=f"worker {number}")
    machine.run()
    scene = vm.Threads(machine, width=900).scene()
    drawn = [node for node in scene.nodes if node.lane == "done"]
    (more,) = (node for node in scene.nodes if node.kind == "fold")
    assert len(drawn) + int(more.text[0].text.split()[1]) == 20
    assert outside(scene) == []


def test_after_an_operation_on_something_else_the_title_says_who_waits() -> None:
    machine = crowd(3)
    machine.run()
    scene = vm.Threads(machine).scene()
    (answer,) = (words(node) for node in scene.nodes if node.id == "threads/answer")
    assert scene.caption.text != answer, "what the operation did comes first if it did something to threads"
    machine.kernel_map.enter("4 KiB")
    scene = vm.Threads(machine).scene()
    assert whole(scene.caption) == f"{answer} {saying('moments: same')}"
    assert not [node for node in scene.nodes if node.id == "threads/answer"]


def test_a_call_that_runs_the_next_thread_is_named_when_the_kernel_waits_for_one(machine: vm.Machine) -> None:
    machine.spawn(lambda: machine.tsleep("channel", "nap", 250), name="napper")
    machine.spawn(lambda: 5, name="done")
    picture = vm.Threads(machine)

    def said() -> bool:
        return any(run.text == "m.run() runs it" for node in picture.scene().nodes for run in node.text)

    assert said()
    machine.step()
    assert said()
    for step in range(picture.scene().steps.count):
        picture.step = step
        assert not said(), step
    machine.run()
    for step in range(vm.Threads(machine).scene().steps.count):
        picture.step = step
        assert not said(), step
