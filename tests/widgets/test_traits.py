"""A view's traits as the page sees them: what it may set, what it is told, and in how many messages."""

from __future__ import annotations

import gc
from typing import Any

import ipywidgets
import pytest

import vmwidgets as vm
from tests.browser.fake_machine import FakeMachine, FakeTree
from tests.widgets.page import HELLO, ROOM, replies
from vmwidgets.engine.base.errors import Refused
from vmwidgets.widgets.host.refresh import Refresher, refresher


@pytest.fixture
def waiting(monkeypatch: pytest.MonkeyPatch) -> Refresher:
    """A refresher that draws when it is asked to, and not before."""
    made = Refresher(clock=lambda: 0.0, threads=False)
    made._next = 1.0
    monkeypatch.setattr("vmwidgets.widgets.host.view.refresher", made)
    return made


class Page:
    """The page of one view: it hears what Python sends."""

    def __init__(self, view: Any) -> None:
        self.view, self.machine = view, view.machine
        self.refused = replies(view, HELLO)
        self.heard: list[dict[str, Any]] = []
        view._send = self._hear

    def _hear(self, message: dict[str, Any], buffers: object = None) -> None:
        self.heard.append(message)

    def sets(self, **state: Any) -> None:
        """The page sets traits, as a linked slider does."""
        self.view._handle_msg({"content": {"data": {"method": "update", "state": state}}, "buffers": []})

    def updates(self) -> list[dict[str, Any]]:
        """The states that were sent since it was asked last, without what only confirms the page's own."""
        heard, self.heard = self.heard, []
        return [message["state"] for message in heard if message["method"] == "update"]


@pytest.fixture
def page(waiting: Refresher) -> Page:
    machine = FakeMachine(7)
    view = FakeTree(machine)
    made = Page(view)
    machine.operate(3)
    view.refresh()
    made.updates()
    return made


def test_a_step_that_the_page_sets_moves_all_pictures_and_leaves_in_one_message(page: Page, waiting: Refresher) -> None:
    other = FakeTree(page.machine)
    page.sets(step=1)
    assert other.moment == page.view.moment == (2, 1)
    assert page.updates() == [], "nothing leaves before the picture is drawn"
    waiting.flush()
    (update,) = page.updates()
    assert set(update) == {"frame", "moment"}, "the page's own step is not sent back to it"
    assert update["moment"] == (2, 1)


def test_of_many_steps_the_last_is_shown(page: Page, waiting: Refresher) -> None:
    for step in (0, 1, 2, 1, 2):
        page.sets(step=step)
    waiting.flush()
    assert (page.view.step, page.view.scene().steps.index) == (2, 2)
    assert len(page.updates()) == 1


def test_the_last_step_is_after_the_operation_and_stays_where_it_was_set(page: Page, waiting: Refresher) -> None:
    page.sets(step=1)
    waiting.flush()
    page.updates()
    page.sets(step=page.view.steps)
    waiting.flush()
    assert (page.view.moment, page.view.step) == (None, 3)
    assert all("step" not in update for update in page.updates()), "a linked slider stays at its end"


def test_an_operation_is_one_message_with_all_that_changed(page: Page, waiting: Refresher) -> None:
    page.machine.operate()
    page.view.refresh()
    (update,) = page.updates()
    assert set(update) >= {"frame", "operation"}
    assert update["operation"] == page.machine.journal.last.number


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        ({"step": 9}, "step=9, but this picture has 3 steps"),
        ({"step": "2"}, "step='2', but it must be an int, at least -1"),
        ({"moment": [7, 0]}, "moment=(7, 0), but the machine's latest operation is 2"),
        ({"moment": "now"}, "moment='now', but it must be None for now"),
        ({"selection": 5}, "selection=5, but it must be a unicode string"),
        ({"selection": "x" * 300}, "selection is 'xxx"),
        ({"selection": "\ud800"}, "a text of at most 200 characters"),
        ({"frame": {"seq": 9}}, "the browser may not set frame, only"),
        ({"hub": "x"}, "the browser may not set hub"),
        ({"steps": 2}, "the browser may not set steps"),
        ({"operation": 0}, "the browser may not set operation"),
        ({"_esm": "evil()"}, "the browser may not set _esm"),
        ({"__class__": "x"}, "the browser may not set __class__"),
    ],
)
def test_what_does_not_fit_is_refused_and_the_page_gets_what_should_be(
    page: Page, state: dict[str, Any], sentence: str
) -> None:
    view = page.view
    (name,) = state
    before = {key: getattr(view, key) for key in view.keys if key != "layout"}
    page.refused.clear()
    page.sets(**state)
    assert [sentence in reply["reason"] for reply in page.refused] == [True], page.refused
    assert {key: getattr(view, key) for key in before} == before
    names = [list(update) for update in page.updates()]
    assert names == ([[name]] if name in view.keys else [])


def test_python_can_not_set_what_follows_from_the_moment(page: Page) -> None:
    for name in ("steps", "operation"):
        with pytest.raises(Exception, match="read-only"):
            setattr(page.view, name, 2)


def test_links_in_the_page_take_the_traits_of_a_view() -> None:
    view = vm.Tree(vm.boot().kernel_map)
    slider = ipywidgets.IntSlider()
    link = ipywidgets.jslink((slider, "value"), (view, "step"))
    ipywidgets.jsdlink((view, "steps"), (slider, "max"))
    assert link.target == (view, "step")


def test_a_machine_that_is_gone_takes_no_step(page: Page) -> None:
    machine = vm.boot()
    machine.kernel_map.enter("16 KiB")
    lone = Page(vm.Tree(machine.kernel_map))
    lone.view.scene()
    lone.refused = replies(lone.view, ROOM)
    refresher.flush()
    lone.machine = None
    del machine
    gc.collect()
    lone.sets(step=0)
    assert ["is gone" in reply["reason"] for reply in lone.refused] == [True]


def test_find_is_set_by_the_page_as_it_is_typed(waiting: Refresher) -> None:
    machine = vm.boot("x86-64")
    view = vm.Map(machine.kernel_map)
    page = Page(view)
    page.sets(find="0xffff_8080_0014_1000")
    assert view.find == 0xFFFF_8080_0014_1000
    page.sets(find="nowhere")
    assert "find='nowhere', but it must be an address" in page.refused[0]["reason"]
    with pytest.raises(Refused, match="find"):
        vm.Map(machine.kernel_map, find="nowhere")
