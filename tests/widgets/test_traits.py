"""A view's traits as the page sees them: what it may set, what it is told, and in how many messages."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from typing import Any

import ipywidgets
import pytest

import vmwidgets as vm
from tests.browser.fake_machine import FakeMachine, FakeTree
from tests.widgets.page import HELLO, ROOM, replies
from vmwidgets.engine.base.errors import Refused
from vmwidgets.widgets.host.packing import unpack
from vmwidgets.widgets.host.refresh import Refresher, refresher


@pytest.fixture
def waiting(monkeypatch: pytest.MonkeyPatch) -> Refresher:
    """A refresher that draws when it is asked to, and not before; no thread of the kernel's own draws meanwhile."""
    made = Refresher(clock=lambda: 0.0, threads=False)
    made._next = 1.0
    for marking in ("view", "pictures"):
        monkeypatch.setattr(f"vmwidgets.widgets.host.{marking}.refresher", made)
    return made


class Halfway:
    """Another Python thread, which stops in the middle of its work for as long as the ``with`` block lasts."""

    def __init__(self, work: Callable[[], object]) -> None:
        self._thread = threading.Thread(target=self._works, args=(work,), daemon=True)
        self._there, self._goes_on = threading.Event(), threading.Event()
        self._stopped = False

    def _works(self, work: Callable[[], object]) -> None:
        work()
        self._there.set()

    @property
    def is_here(self) -> bool:
        """Whether this is the thread."""
        return threading.current_thread() is self._thread

    def stops(self, *_: object) -> None:
        """The middle of the work; other threads pass."""
        if self.is_here:
            self._stopped = True
            self._there.set()
            self._goes_on.wait()

    def draws(self, view: Any) -> None:
        """Make the drawing of this view the middle of the work."""
        draw = type(view).draw

        def stopping(at: Any) -> Any:
            self.stops()
            return draw(view, at)

        view.draw = stopping

    def __enter__(self) -> None:
        self._thread.start()
        assert self._there.wait(60)
        assert self._stopped, "the work ended without a stop"

    def __exit__(self, *_: object) -> None:
        self._goes_on.set()
        self._thread.join(60)
        assert not self._thread.is_alive()


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
    waiting.flush()
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


def test_a_step_that_is_set_while_a_drawing_places_its_own_is_a_press(page: Page, waiting: Refresher) -> None:
    page.sets(step=1)
    waiting.flush()
    page.machine.operate()  # its last step is placed when it is drawn
    placing = Halfway(page.view.refresh)
    page.view.observe(placing.stops, "step")
    with placing:
        page.sets(step=1)
        assert page.view.moment == (3, 1)
    assert page.view.step == 1
    waiting.flush()
    assert (page.view.moment, page.view.step, page.view.scene().steps.index) == ((3, 1), 1, 1)


def test_a_drawing_of_the_moment_before_a_press_does_not_place_its_step(page: Page, waiting: Refresher) -> None:
    drawing = Halfway(page.view.refresh)
    drawing.draws(page.view)
    with drawing:
        page.sets(step=2)
    assert (page.view.moment, page.view.step) == ((2, 2), 2)
    waiting.flush()
    assert (page.view.moment, page.view.step, page.view.scene().steps.index) == ((2, 2), 2, 2)


def test_numbers_that_a_drawing_determines_are_new_even_while_another_thread_draws(page: Page) -> None:
    page.machine.operate()
    drawing = Halfway(page.view.refresh)
    drawing.draws(page.view)
    with drawing:
        assert page.view.operation == 3


def test_a_picture_is_saved_as_it_is_now_even_while_another_thread_draws_it(page: Page) -> None:
    page.machine.operate()
    drawing = Halfway(page.view.refresh)
    drawing.draws(page.view)
    with drawing:
        assert page.view.saved(900).steps.operation == page.machine.operations


def test_a_step_that_a_page_has_gone_to_is_saved_and_not_what_another_thread_drew_before(
    page: Page, waiting: Refresher
) -> None:
    assert [*page.view.filming()]
    drawing = Halfway(page.view.scene)
    drawing.draws(page.view)
    with drawing:
        page.sets(step=1)
        waiting.flush()
    assert page.view.saved(900).steps.index == 1


def test_a_frame_is_of_one_moment_even_if_another_thread_has_drawn_another_one_meanwhile(
    page: Page, waiting: Refresher
) -> None:
    view, read = page.view, type(page.view)._controls
    drawing = Halfway(view.scene)
    drawing.draws(view)

    def late(*given: Any) -> Any:
        drawing.__exit__()
        return read(view, *given)

    drawing.__enter__()  # it is of the present
    page.sets(step=1)
    view._controls = late
    waiting.flush()
    frame = unpack(view.frame["data"])
    assert (frame["scene"]["steps"]["index"], frame["when"]["place"], frame["when"]["now"]) == (1, 1, False)


@pytest.mark.parametrize("failure", [ValueError("a fault of the picture"), Refused("there was no such thing")])
def test_an_older_drawing_that_fails_leaves_the_newer_one(page: Page, waiting: Refresher, failure: Exception) -> None:
    view, draw = page.view, type(page.view).draw
    older = Halfway(view.refresh)

    def fails_there(at: Any) -> Any:
        if older.is_here:
            older.stops()
            raise failure
        return draw(view, at)

    view.draw = fails_there
    page.machine.operate()
    with older:
        page.sets(step=1)
        waiting.flush()
    assert all("status" not in update for update in page.updates())
    assert (view.status, unpack(view.frame["data"])["when"]["place"]) == ("", 1)
    assert view.wants_film, "the picture is what it should be, and has not changed since"


def test_an_older_step_of_the_film_does_not_make_a_newer_frame_out_of_date(page: Page, waiting: Refresher) -> None:
    assert [*page.view.filming()]
    view = page.view
    older = Halfway(view.refresh)
    view.observe(older.stops, "spot")
    page.sets(step=1)
    with older:
        view.width = 700
        waiting.flush()
    assert view.wants_film


def test_what_is_set_while_a_picture_is_kept_at_its_cells_end_is_drawn(page: Page, waiting: Refresher) -> None:
    page.view.cell_over()
    keeping = Halfway(page.view.stay)
    page.view.observe(keeping.stops, "follow")
    with keeping:
        page.view.selection = "entry:1"
        drawn = Halfway(waiting.flush)
        drawn.draws(page.view)
        with drawn:
            pass


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
