from __future__ import annotations

import gc
import threading
import weakref
from dataclasses import replace
from typing import Any

import pytest
import traitlets
from ipywidgets import Widget
from ipywidgets.widgets.widget import _instances

import vmwidgets as vm
from tests.browser.fake_machine import FakeMachine, FakeTree
from tests.widgets.page import BYE, HELLO, export, replies, seek
from vmwidgets.engine.base.errors import Refused
from vmwidgets.pictures.at import At
from vmwidgets.pictures.registry import picture_of
from vmwidgets.views.scene.model import Scene
from vmwidgets.widgets.host.cells import Cell
from vmwidgets.widgets.host.hub import open_hub
from vmwidgets.widgets.host.packing import unpack
from vmwidgets.widgets.host.pictures import pictures_of
from vmwidgets.widgets.host.refresh import refresher
from vmwidgets.widgets.host.show import show


@pytest.fixture
def machine() -> FakeMachine:
    return FakeMachine(7)


def operation_on_page(view: FakeTree) -> int:
    """The operation after which the page's picture is."""
    operation: int = unpack(view.frame["data"])["scene"]["steps"]["operation"]
    return operation


class Met(FakeTree):
    """While one of its values is being sent, another thread sets something."""

    met = traitlets.Unicode().tag(sync=True, to_json=lambda value, view: view.meet(value))

    def meet(self, value: str) -> str:
        if value:
            self._other = threading.Thread(target=self.set_trait, args=("selection", "entry:2"))
            self._other.start()
            self._other.join()
        return value


def test_what_a_thread_sets_while_another_one_sends_is_sent_next(machine: FakeMachine) -> None:
    view = Met(machine)
    replies(view, HELLO)
    sent: list[dict[str, Any]] = []
    view._send = lambda message, buffers=None: sent.append(message.get("state", {}))
    with view.hold_sync():
        view.met = "once"
    refresher.flush()
    assert [state["met"] for state in sent if "met" in state] == ["once"]
    assert [state["selection"] for state in sent if "selection" in state] == ["entry:2"]


def test_a_thread_operates_while_a_cell_holds_what_is_sent(machine: FakeMachine) -> None:
    view = FakeTree(machine)
    replies(view, HELLO)
    with view.hold_sync():
        other = threading.Thread(target=machine.operate, args=(1,), daemon=True)
        other.start()
        other.join(20)
        assert not other.is_alive()


def test_a_shown_view_follows_and_one_that_left_does_not(machine: FakeMachine) -> None:
    view = FakeTree(machine)
    replies(view, HELLO)
    machine.operate(3)
    refresher.flush()
    assert operation_on_page(view) == 3
    replies(view, BYE)
    seq = view.seq
    machine.operate(2)
    refresher.flush()
    assert view.seq == seq, "nobody looks: nothing is drawn"
    replies(view, {**HELLO, "page": "p-2", "seq": seq})
    assert operation_on_page(view) == 5, "the newest picture on hello"


def test_a_reply_names_the_page_that_asked_as_all_pages_hear_it(machine: FakeMachine) -> None:
    view = FakeTree(machine)
    saved, refused, gone = replies(
        view, {**export("light", 0), "page": "p-2"}, {"type": "open", "id": "none", "page": "p-2"}, 5
    )
    assert (saved["type"], saved["page"]) == ("export", "p-2")
    assert (refused["type"], refused["page"]) == ("refused", "p-2")
    assert "page" not in gone, "who asks without a name is answered in all of them"


def test_two_pages_one_leaves(machine: FakeMachine) -> None:
    view = FakeTree(machine)
    replies(view, HELLO, {**HELLO, "page": "p-2"}, BYE)
    assert view.shown


def test_numbers_of_frames_rise_and_equal_pictures_are_not_sent_again(machine: FakeMachine) -> None:
    view = FakeTree(machine)
    replies(view, HELLO)
    numbers = [view.seq]
    for _ in range(3):
        machine.operate()
        refresher.flush()
        numbers.append(view.seq)
    assert numbers == sorted(set(numbers))
    view.refresh()
    assert view.seq == numbers[-1]


def test_a_picture_in_the_past_stays_there_until_the_next_call(machine: FakeMachine) -> None:
    view = FakeTree(machine)
    machine.operate(2)
    assert replies(view, HELLO, seek(1, 1)) == []
    assert (view.moment, view.step) == ((1, 1), 1)
    assert replies(view, seek(0, -1)) == []
    refresher.flush()
    assert operation_on_page(view) == 1
    assert replies(view, seek(-1, -1)) == []
    refresher.flush()
    assert (view.moment, view.step, operation_on_page(view)) == (None, view.steps, 2)
    assert replies(view, seek(0, -1)) == []
    machine.operate()
    refresher.flush()
    assert (view.moment, operation_on_page(view)) == (None, 3), "a call is seen"


def test_after_the_latest_operation_is_now(machine: FakeMachine) -> None:
    view = FakeTree(machine)
    machine.operate(2)
    replies(view, HELLO, seek(0, -1), seek(1, -1))
    assert view.moment is None


def test_a_moment_that_is_not_there_is_refused(machine: FakeMachine) -> None:
    view = FakeTree(machine)
    machine.operate(2)
    (told,) = replies(view, HELLO, seek(2, 0))
    assert told == {"type": "refused", "reason": "seek: operation is 2; the latest is 1"}
    assert view.moment is None


def test_a_picture_without_a_history_says_which_keys_work() -> None:
    view: Any = show(vm.reference_string("1 2 3"))
    (told,) = replies(view, HELLO, seek(0, 0))
    assert told["type"] == "refused"
    assert told["reason"] == "this picture has no history: move in it with the arrow keys, and select with Enter"


def test_a_step_that_is_not_there_is_refused(machine: FakeMachine) -> None:
    view = FakeTree(machine)
    machine.operate()
    with pytest.raises(Refused, match="step=4, but this picture has 3 steps of the operation; -1 is after it"):
        view.step = 4
    assert (view.step, view.steps, view.moment) == (3, 3, None)


def test_a_request_that_changes_nothing_is_answered(machine: FakeMachine) -> None:
    view = FakeTree(machine)
    machine.operate()
    answers = replies(view, HELLO, seek(0, -1))
    refresher.flush()
    assert answers == [{"type": "unchanged"}]


def test_all_pictures_of_a_machine_show_one_moment_but_those_that_do_not_follow(machine: FakeMachine) -> None:
    one, other, alone = FakeTree(machine), FakeTree(machine), FakeTree(machine, follow=False)
    foreign = FakeTree(FakeMachine(7))
    machine.operate(3)
    one.moment = (1, None)
    assert (other.moment, alone.moment, foreign.moment) == ((1, None), None, None)
    alone.moment = (0, 2)
    assert one.moment == (1, None)
    alone.follow = True
    assert alone.moment == (1, None)
    assert FakeTree(machine).moment == (1, None)


def test_opening_asks_for_a_node_of_the_picture(machine: FakeMachine) -> None:
    opened: list[str] = []

    class Openable(FakeTree):
        def draw(self, at: At) -> Scene:
            drawn = super().draw(at)
            return replace(drawn, nodes=(replace(drawn.nodes[0], id="fold", action="open"), *drawn.nodes))

        def opened(self, node_id: str) -> None:
            opened.append(node_id)

    view = Openable(machine)
    told = replies(view, HELLO, *({"type": "open", "id": node} for node in ("fold", "tree/2", "tree/99")))
    assert opened == ["fold"]
    reasons = [reply["reason"] for reply in told]
    assert reasons == ["open: 'tree/2' can't be opened", "open: there is no 'tree/99' in this picture"]


def test_the_page_sets_nothing_but_the_selection(machine: FakeMachine) -> None:
    view = FakeTree(machine)
    before = dict(view.frame), view.hub
    update = {"content": {"data": {"method": "update", "state": {"frame": {"seq": 9}, "hub": "x"}}}, "buffers": []}
    view._handle_msg(update)
    assert (dict(view.frame), view.hub) == before
    selection = pictures_of(machine).selection
    for state in ({"selection": 5}, {"selection": "x" * 300}, {"_esm": "evil()"}, {"selection": "a", "layout": "b"}):
        selection._handle_msg({"content": {"data": {"method": "update", "state": state}}, "buffers": []})
        assert selection.selection == ""
    selection._handle_msg({"content": {"data": {"method": "update", "state": {"selection": "entry:1"}}}, "buffers": []})
    assert view.selection == "entry:1"


def test_views_of_one_machine_share_a_selection_and_machines_do_not(machine: FakeMachine) -> None:
    one, two, other = FakeTree(machine), FakeTree(machine), FakeTree(FakeMachine())
    one.selection = "entry:3"
    assert two.selection == "entry:3"
    assert other.selection == ""


def test_a_view_keeps_no_machine_alive_and_keeps_its_last_picture() -> None:
    machine = FakeMachine(7)
    view = FakeTree(machine)
    replies(view, HELLO)
    machine.operate(2)
    refresher.flush()
    gone = weakref.ref(machine)
    del machine
    gc.collect()
    assert gone() is None
    view.refresh()
    assert operation_on_page(view) == 2
    assert "Operation 2 is done." in view.to_text()


def test_a_drawing_that_fails_does_not_fail_the_operation(machine: FakeMachine) -> None:
    class Failing(FakeTree):
        def draw(self, _at: object) -> Any:
            raise ValueError("no such column")

    view = Failing(machine)
    replies(view, HELLO)
    machine.operate()
    assert "no such column" in view.status


@pytest.mark.parametrize(
    ("option", "advice"),
    [
        ("selecton", "did you mean 'selection'?"),
        ("frame", "it has follow, layout, moment, scale, selection, step, width"),
    ],
)
def test_an_unknown_option_is_refused_with_advice(machine: FakeMachine, option: str, advice: str) -> None:
    with pytest.raises(Refused) as refusal:
        FakeTree(machine, **{option: 1})
    assert option in str(refusal.value)
    assert advice in str(refusal.value)


def test_the_hub_is_one_until_it_is_closed(machine: FakeMachine) -> None:
    first, second = FakeTree(machine), FakeTree(machine)
    first.open()
    second.open()
    assert first.hub == second.hub == open_hub().model_id
    Widget.close_all()
    assert open_hub().model_id != first.hub


def test_a_closed_view_that_is_shown_again_is_a_view_again(machine: FakeMachine) -> None:
    view = FakeTree(machine)
    Widget.close_all()
    machine.operate(2)
    assert not view.shown
    view.prepare(Cell("c1", 4))
    assert operation_on_page(view) == 2
    assert "widget-view" in str(view._repr_mimebundle_())
    assert _instances[view.model_id] is view
    assert view.hub == open_hub().model_id
    replies(view, HELLO)
    view.selection = "entry:2"
    assert pictures_of(machine).selection.selection == "entry:2"


def test_a_snapshot_stays(machine: FakeMachine) -> None:
    machine.operate()
    view = FakeTree(machine)
    before = view.snapshot()
    machine.operate(3)
    assert "Operation 1 is done." in before.to_text()
    bundle = before._repr_mimebundle_()
    assert "after operation 0" in bundle["text/html"]
    assert bundle["text/html"].count("<img") == 1
    assert "Operation 4 is done." in view.to_text()


def test_exports_escape_what_learners_wrote(machine: FakeMachine) -> None:
    machine.name = "<script>alert(1)</script>\x1b[2J"
    view = FakeTree(machine)
    snapshot = view.snapshot()
    for text in (snapshot.to_html(), snapshot._repr_mimebundle_()["text/html"]):
        assert "<script" not in text
    assert "\x1b" not in snapshot.to_text()


def test_show_knows_views_and_kinds_and_says_what_it_does_not(machine: FakeMachine) -> None:
    picture_of(first_for=FakeMachine)(FakeTree)
    view = show(machine)
    assert isinstance(view, FakeTree)
    assert show(view) is view
    with pytest.raises(Refused, match=r"no picture of a list; there are pictures of what a machine has"):
        show([])


@pytest.mark.parametrize("make", [vm.Tree, vm.picture])
def test_a_misspelt_attribute_is_refused_with_the_nearest(make: Any) -> None:
    view = make(vm.boot().kernel_map)
    with pytest.raises(Refused, match=r"has no option 'selecton'; did you mean 'selection'\?"):
        view.selecton = "entry:1"
    with pytest.raises(Refused, match=r"has no option 'colour'; it has find, "):
        view.colour = "red"
    assert not hasattr(view, "selecton")
    view.selection = "entry:1"
    assert view.selection == "entry:1"


def test_a_view_says_what_it_is() -> None:
    machine = vm.boot()
    task = machine.task("init")
    name = machine.name
    assert repr(vm.Tree(machine.kernel_map)).startswith(f"Tree of kernel_map of {name}: ")
    assert repr(vm.Tree(task)).startswith(f"Tree of task:init/map of {name}: ")
    assert repr(vm.Dashboard(machine)).startswith(f"Dashboard of {name}: ")
    assert repr(vm.picture(machine.kmem)).startswith(f"Kmem of kmem of {name}: ")
    assert repr(vm.Walk(machine.walk(0))).startswith(f"Walk of {name}: ")
    assert repr(vm.Formats(vm.compare_formats([(0, "64 KiB")]))).startswith("Formats: ")
    machine.task("a\x1b[2J")
    assert repr(vm.Tree(machine.tasks["a\x1b[2J"])).replace("\n", "").isprintable()


@pytest.mark.parametrize("made", [vm.Walk, lambda walk: vm.picture(walk).snapshot()])
def test_at_a_prompt_a_picture_says_its_title_its_answer_and_where_to_see_it(made: Any) -> None:
    machine = vm.boot("x86-64")
    task = machine.task("init")
    address = task.mmap("4 KiB", at="4 MiB")
    task.write(address, b"x")
    walk = task.walk(address)
    title, answer, where = repr(made(walk)).splitlines()
    assert "walk of 0x40_0000 in init" in title
    assert str(walk.pa) in answer
    assert all(word in where for word in ("notebook", "print(", ".save("))


def test_a_picture_that_cannot_be_drawn_still_has_a_name() -> None:
    machine = vm.boot()
    task = machine.task("gone")
    view = vm.Map(task)
    task.exit()
    machine.undo(2)
    assert "Map of" in repr(view)
    assert str(view)
    view = vm.Tree(vm.boot())
    view.scene()
    gc.collect()
    assert repr(view) == "<Tree of a machine that is gone>"


def test_a_picture_whose_page_is_still_to_come_is_presented_there_once() -> None:
    machine = vm.boot(layout="tiny")
    view = vm.Tree(machine.kernel_map)
    told = replies(view)
    view.present(notes={"after fork": "Ask who copies."})
    assert told == []
    for _ in range(2):
        view.answer(HELLO)
        assert [one["notes"] for one in told if one["type"] == "present"] == [{"after fork": "Ask who copies."}]


def test_a_picture_on_no_page_can_not_be_presented() -> None:
    machine = vm.boot(layout="tiny")
    view = vm.Tree(machine.kernel_map)
    for picture in (view, vm.picture(machine.kernel_map)):
        with pytest.raises(vm.Refused, match="present: no page shows this picture: in a cell of a notebook, write"):
            picture.present()
    told = replies(view, HELLO)
    view.present()
    assert told[-1] == {"type": "present", "notes": {}}
    view.present(notes={"after fork\u202e": "Ask who\ud800 copies."})
    assert told[-1]["notes"] == {"after fork⟨202e⟩": "Ask who⟨d800⟩ copies."}
    for wrong, why in (("Ask", "'Ask' is a str"), ({"fork": 3}, "3 is an int"), ({None: "Ask"}, "None is no value")):
        with pytest.raises(vm.Refused, match=f"notes.*{why}: "):
            view.present(notes=wrong)  # type: ignore[arg-type]  # that is the test
