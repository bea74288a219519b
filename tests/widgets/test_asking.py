"""A picture that asks what comes next: nothing gives it away, and each press is kept like any prediction."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

import vmwidgets as vm
from tests.views.test_translation import PLACE, machine_with, read_in, steps_of, words
from tests.widgets.page import export
from vmwidgets.labs.predictions import Predictions, asked
from vmwidgets.labs.session import Session
from vmwidgets.pictures.moments import When
from vmwidgets.pictures.operations import FAILED, operations_around
from vmwidgets.views.scene.dot import to_dot
from vmwidgets.views.scene.model import Scene
from vmwidgets.widgets.host.packing import unpack_text
from vmwidgets.widgets.host.view import View


@pytest.fixture(autouse=True)
def no_predictions() -> Iterator[Predictions]:
    """Each test begins with nothing asked."""
    with Session():
        yield asked.now()


def asking_of(target: Any, **options: Any) -> View:
    return vm.Dashboard(target, panes="translation", **{"ask": "t", **options})


def press(view: View, identity: str) -> None:
    """What a page says when a node is pressed."""
    view.answer({"type": "open", "id": identity})


def pressable(scene: Scene) -> list[str]:
    return [one.id for one in scene.nodes if one.action == "open"]


def right_presses(machine: vm.Machine, task: Any) -> list[str]:
    """What is right for a miss that goes through, from a walk that nobody drew."""
    return [f"ask/answer/{one}" for one in ("tlb", *["table"] * len(task.walk(PLACE).steps), "frame")]


def missed() -> tuple[vm.Machine, Any]:
    machine, task = machine_with()
    task.write(PLACE, b"x")
    machine.cpus[0].flush()
    task.read(PLACE)
    return machine, task


def test_each_press_is_a_prediction_with_its_verdict(no_predictions: Predictions) -> None:
    machine, task = missed()
    view = asking_of(task)
    for number, identity in enumerate(right_presses(machine, task), 1):
        scene = view.scene()
        assert scene.caption.text.endswith("What does the processor do first?" if number == 1 else "do next?")
        assert scene.subtitle.endswith(f"question {number}")
        assert identity in pressable(scene)
        press(view, identity)
        assert view.scene().caption.reason.startswith("You said: ")
        assert "That is right." in view.scene().caption.reason
    kept = list(no_predictions.values())
    operation = machine.journal.last.number
    assert [one.id.partition("-")[0] for one in kept] == [f"t/{operation}/{number}" for number in range(1, 7)]
    assert [one.answers[0].how for one in kept] == ["control"] * 6
    assert [one.answer for one in kept] == ["looks in the TLB", *["reads a table"] * 4, "uses the frame"]
    assert no_predictions.summary == "6 of 6 right."
    assert view.steps > 0, "it steps from now on"


def test_three_answers_are_at_one_place_and_nothing_is_drawn_before_it_is_reached() -> None:
    machine, task = missed()
    view = asking_of(task)
    places, drawn = set(), []
    for identity in right_presses(machine, task):
        scene = view.scene()
        answers = {one for one in pressable(scene) if not one.startswith("ask/switch/")}
        assert len(answers) == 3
        assert answers == {one.id for one in scene.nodes if "choice" in one.state}
        assert identity in answers
        places.add(tuple((one.x, one.y, one.w) for one in scene.nodes if one.id in answers))
        drawn.append([sum(one.id.startswith(beginning) for one in scene.nodes) > 0
                      for beginning in ("tlb/cpu:0/", "walk/step/", "frames/")])  # fmt: skip  # what is reached
        press(view, identity)
    assert not [one for one in view.scene().nodes if "choice" in one.state]
    assert len(places) == 1
    assert drawn == [[False, False, False], [True, False, False], *[[True, True, False]] * 4]


def test_a_wrong_press_says_what_happened_and_goes_on(no_predictions: Predictions) -> None:
    _, task = missed()
    view = asking_of(task)
    view.scene()
    press(view, "ask/answer/fault")
    reason = view.scene().caption.reason
    assert reason == "You said: faults. What happened: looks in the TLB."
    press(view, "ask/switch/pass")
    assert view.scene().caption.reason == "What happened: reads a table. You had given no answer."
    press(view, "ask/switch/all")
    assert "What does the processor" not in view.scene().caption.text
    assert [one.answer for one in no_predictions.values()] == ["faults", *[None] * 5]


def test_a_press_after_the_last_answer_keeps_nothing(no_predictions: Predictions) -> None:
    _, task = missed()
    view = asking_of(task)
    view.scene()
    press(view, "ask/switch/all")
    before = [one.data() for one in no_predictions.values()]
    view.opened("ask/answer/tlb")
    view.opened("ask/switch/pass")
    assert [one.data() for one in no_predictions.values()] == before


def test_a_hit_a_fault_and_a_retry_are_asked() -> None:
    machine, task = machine_with()
    task.write(PLACE, b"x")
    view = asking_of(task)
    for way in ("tlb", "table", "fault"):
        press(view, f"ask/answer/{way}")
        assert "That is right." in view.scene().caption.reason
    for identity in right_presses(machine, task):
        assert PLACE and "again" in view.scene().caption.text
        press(view, identity)
        assert "That is right." in view.scene().caption.reason
    task.read(PLACE)
    assert read_in(view.scene()) == []
    for way in ("tlb", "frame"):
        press(view, f"ask/answer/{way}")
        assert "That is right." in view.scene().caption.reason
    assert words(view.scene(), "walk/verdict").startswith("Not read")


def told(scene: Scene) -> str:
    """All that a reader, a screen reader or the table is given; the moment's own number aside."""
    nodes = [(one.id, one.title, one.state, one.text, one.bars, one.thing, one.action) for one in scene.nodes]
    return repr((scene.title, scene.subtitle, scene.caption, nodes, scene.links, scene.table, scene.steps))


def test_before_the_answer_a_hit_and_a_miss_look_alike() -> None:
    """Two machines whose picture differs in nothing but what the TLB keeps: the question must not tell more."""
    pictures = []
    for flush in (False, True):
        machine, task = machine_with()
        task.write(PLACE, b"x")
        if flush:
            machine.cpus[0].flush()
        else:
            machine.cpus[0].acknowledge()
        task.read(PLACE)
        pictures.append(told(asking_of(task, ask=f"t/{flush}").scene()).replace(machine.name, "m"))
    hit, miss = pictures
    for one in (hit, miss):
        assert "walk/step" not in one
        assert "the TLBs cached" not in one
        assert "hit:" not in one
    assert "path" not in miss.replace("paths", "")
    assert "'path'" not in hit


@pytest.mark.parametrize("width", [420, 900])
@pytest.mark.parametrize("architecture", ["x86-64", "armv7", "aarch64", "riscv-sv39"])
def test_each_answer_is_readable_and_the_right_ones_end_where_the_walk_does(architecture: str, width: int) -> None:
    task = vm.boot(architecture).task("init")
    a = task.mmap("4 KiB")
    task.write(a, b"x")
    task.machine.cpus[0].flush()
    task.read(a)
    view = asking_of(task, width=width)
    for way in ("tlb", *["table"] * len(task.walk(a).steps), "frame"):
        answers = [one for one in view.scene().nodes if one.id.startswith("ask/answer/")]
        assert all(one.text[1].text in one.title and one.x + one.w <= width for one in answers), "none is cut"
        press(view, f"ask/answer/{way}")
        assert "That is right." in view.scene().caption.reason
    assert "What does the processor" not in view.scene().caption.text


@pytest.mark.parametrize("moment", ["now", "inside", "later"])
def test_stepping_holds_the_outcome_back(moment: str) -> None:
    machine, task = missed()
    serial = machine.journal.last.serial
    view = asking_of(task)
    first = told(view.scene())
    if moment == "inside":
        view.moment = When(serial, 2)
    elif moment == "later":
        machine.object("film")
    scene = view.scene()
    assert read_in(scene) == []
    assert scene.steps.count == 0
    assert moment == "later" or told(scene) == first


def test_nothing_that_a_page_may_ask_for_gives_the_outcome_away() -> None:
    machine, task = missed()
    view = asking_of(task)
    view.scene()
    given: list[str] = []
    view.send = lambda content, buffers=(): given.extend(unpack_text(one) for one in buffers)
    number = machine.journal.last.number
    for place in (-1, *range(len(machine.journal.events(number)))):
        view.answer(export("dot", number, place))
    assert len(given) > 2
    assert set(given) == {to_dot(view.scene(), links_rows=True)}, "at each step it is the question"
    for other in (export("table", number), {"type": "operations", "have": 0, "serial": -1, "first": 0}):
        view.answer(other)
    assert not any("walk/step" in text or FAILED in text for text in given), "no descriptor is read"
    assert not view.wants_film
    assert view.film == {}


def test_a_pane_that_steps_alone_does_not_step_while_it_asks() -> None:
    _, task = missed()
    view = vm.Dashboard(task, panes=["tlb", "frames"], ask="t")
    assert view.scene().steps.count == 0
    press(view, "ask/switch/all")
    assert view.scene().steps.count > 0


def test_the_address_gives_no_index_away() -> None:
    _, task = missed()
    view = asking_of(task)
    scene = view.scene()
    assert words(scene, "address/1") == "PT index 20–12 0 0 0 0 0 0 0 1 1"
    rows = json.dumps(scene.table.rows[:4])
    assert '"3"' not in rows
    press(view, "ask/answer/tlb")
    press(view, "ask/answer/table")
    assert words(view.scene(), "address/4") == "0 47–39 0 0 0 0 0 0 0 0 0"


def test_the_list_of_operations_does_not_say_that_it_failed() -> None:
    machine, task = machine_with()
    with pytest.raises(vm.VMError):
        task.read(0x70_0000_0000)
    view = asking_of(task)
    number = machine.journal.last.number
    assert FAILED in dict(operations_around(machine.journal, number))[number]
    assert FAILED not in dict(view._controls(view._draw())["operations"])[number]
    plain = vm.Dashboard(task, panes="translation")
    assert FAILED in dict(plain._controls(plain._draw())["operations"])[number]


def test_it_is_off_unless_asked_for(no_predictions: Predictions) -> None:
    _, task = missed()
    view = vm.Dashboard(task, panes="translation")
    assert pressable(view.scene()) == []
    assert len(no_predictions) == 0
    view.opened("ask/answer/tlb")
    assert len(no_predictions) == 0


def test_panes_that_are_not_there_are_not_asked_about() -> None:
    _, task = missed()
    view = vm.Dashboard(task, panes=["address", "frames"], ask="t")
    scene = view.scene()
    assert scene.subtitle.endswith("question 6"), "the TLB and four descriptors come before"
    assert {one.id.partition("/")[0] for one in scene.nodes} <= {"ask", "address"}
    press(view, "ask/switch/pass")
    assert "What does the processor" not in view.scene().caption.text


def test_earlier_operations_are_asked_when_they_are_shown() -> None:
    machine, task = machine_with()
    task.write(PLACE, b"x")
    first = machine.journal.last
    task.read(PLACE)
    view = asking_of(task)
    assert f"operation {first.number + 1}, question 1" in view.scene().subtitle
    view.moment = When(first.serial)
    assert f"operation {first.number}, question 1" in view.scene().subtitle


@pytest.mark.parametrize("name", ["", "a b", "<b>", "x" * 101])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    machine, _ = machine_with()
    with pytest.raises(vm.Refused, match="write letters, digits and dashes" if name else "ask=''; it must be True"):
        asking_of(machine, ask=name)


def test_without_a_name_two_machines_have_questions_of_their_own(no_predictions: Predictions) -> None:
    for _ in range(2):
        _, task = missed()
        view = vm.Dashboard(task, panes="translation", ask=True)
        view.scene()
        press(view, "ask/switch/pass")
        view.scene()
    assert len({one.rpartition("/")[0] for one in no_predictions}) == 2


def test_a_target_that_is_set_is_asked_about_by_the_same_name() -> None:
    machine, task = missed()
    other = machine.task("other")
    other.write(other.mmap("4 KiB"), b"y")
    view = asking_of(task)
    view.scene()
    view.target = other
    assert view.scene().caption.text.startswith("other writes to ")
    assert list(steps_of(vm.Dashboard(other, panes=["tlb"]), machine.journal.last.number))


def test_the_answers_of_another_history_answer_nothing() -> None:
    machine, task = machine_with()
    task.write(PLACE, b"x")
    task.read(PLACE)
    view = asking_of(task)
    press(view, "ask/switch/all")
    assert "What does the processor" not in view.scene().caption.text
    machine.undo()
    machine.cpus[0].flush()
    machine.undo()
    machine.mark("here")
    machine.cpus[0].flush()
    machine.undo()
    with pytest.raises(vm.KernelError):
        task.read(0x7000)
    assert "What does the processor" in view.scene().caption.text


def test_another_access_in_its_place_is_asked_about() -> None:
    """The student has gone back, and reads another page, whose translation has the same steps."""
    machine, task = machine_with()
    other = PLACE + 4 * vm.PAGE
    task.map.enter(vm.PAGE, at=other, object=machine.object("more"))
    for place in (PLACE, other):
        task.write(place, b"x")
    task.read(PLACE)
    view = asking_of(task)
    press(view, "ask/switch/all")
    for access in ("read", "write"):
        machine.undo()
        task.read(other) if access == "read" else task.write(other, b"y")
        assert "What does the processor do first?" in view.scene().caption.text
        press(view, "ask/switch/all")
        assert "What does the processor" not in view.scene().caption.text


def on_paper() -> View:
    return vm.OnPaper(vm.paper(va=14, pa=12, page=64).map({0xF: 0xD}).access("r 0x3d7"), ask="t")


def on_a_machine() -> View:
    return asking_of(missed()[1])


@pytest.mark.parametrize(("picture", "words"), [(on_a_machine, "asked.question_words"), (on_paper, "paper._question")])
@pytest.mark.parametrize("restarted", [False, True])
def test_a_reworded_question_is_answered_already(
    picture: Callable[[], View], words: str, restarted: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    view = picture()
    view.scene()
    for identity in ("ask/answer/tlb", "ask/answer/fault"):
        press(view, identity)
    said = view.scene().caption.reason
    assert said.startswith("You said: faults.")
    own = tmp_path / "own.ipynb"
    bundle = asked.now()._repr_mimebundle_()
    own.write_text(json.dumps({"cells": [{"cell_type": "code", "outputs": [{"data": bundle}]}]}))
    monkeypatch.setenv("JPY_SESSION_NAME", str(own))
    monkeypatch.setattr(f"vmwidgets.pictures.{words}", lambda *_given: "In other words?")
    with Session() if restarted else nullcontext():
        assert picture().scene().caption.reason == said


def test_one_picture_does_not_answer_for_another_with_fewer_panes() -> None:
    _machine, task = missed()
    whole, ways = asking_of(task), vm.Dashboard(task, panes=["frames"], ask="t")
    press(whole, "ask/switch/pass")
    assert "What does the processor" in ways.scene().caption.text


def test_no_access_says_on_the_page_what_became_of_it() -> None:
    machine, task = machine_with()
    with pytest.raises(vm.KernelError):
        task.read(0x7000)
    view = asking_of(task)
    for number in range(len(machine.journal)):
        around = operations_around(machine.journal, number, view.asks)
        assert not [words for _, words in around if FAILED in words]


def test_a_file_does_not_ask(tmp_path: Any) -> None:
    machine, task = missed()
    with pytest.raises(vm.Refused, match="a picture that asks needs a Jupyter kernel"):
        vm.handout(machine, tmp_path / "x.html", asking_of(task))
    assert not list(tmp_path.iterdir())


def test_at_a_later_operation_the_answer_is_followed_by_the_outcome_of_its_own() -> None:
    """A flush, or what is left after an undo, is another operation than the one that was asked about."""
    machine, task = missed()
    view = asking_of(task)
    press(view, "ask/switch/all")
    own = view.scene().caption
    assert "What happened: " in own.reason
    machine.cpus[0].flush()
    assert view.scene().caption == own
    machine.object("other")
    machine.undo()
    assert view.scene().caption == own
