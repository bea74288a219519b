"""marimo opens each widget's model while it is made, and closes it when the cell that made it runs again.

`marimo run` has all visitors of an app in one process, each in a thread of its own.
"""

from __future__ import annotations

import gc
import sys
import threading
import types
import weakref
from collections.abc import Callable, Iterator
from typing import TypeVar

import pytest
from comm import create_comm
from ipywidgets import Widget

from tests.browser.fake_machine import FakeMachine, FakeTree
from vmwidgets.widgets.host.hub import open_hub
from vmwidgets.widgets.host.packing import unpack
from vmwidgets.widgets.host.pictures import MachinePictures, pictures_of
from vmwidgets.widgets.host.refresh import refresher

Made = TypeVar("Made")


@pytest.fixture(autouse=True)
def marimo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(sys.modules, "marimo", types.ModuleType("marimo"))

    def open_early(widget: Widget) -> None:
        widget.comm = create_comm(comm_id=widget._model_id, data={"state": widget.get_state()})

    Widget.on_widget_constructed(open_early)
    yield
    Widget.on_widget_constructed(None)


def operation_on_page(view: FakeTree) -> int:
    refresher.flush()
    operation: int = unpack(view.frame["data"])["scene"]["steps"]["operation"]
    return operation


def test_a_view_has_its_picture_and_code_though_its_model_was_opened_first() -> None:
    machine = FakeMachine()
    view = FakeTree(machine)
    assert operation_on_page(view) == 0
    assert view.hub == open_hub().model_id
    assert view.selection_model


def test_it_follows_its_machine() -> None:
    machine = FakeMachine()
    view = FakeTree(machine)
    machine.operate(3)
    assert operation_on_page(view) == 3


def test_a_hub_whose_cell_ran_again_is_replaced() -> None:
    first = open_hub()
    first.comm.close()
    assert open_hub().model_id != first.model_id
    assert open_hub() is open_hub()


def test_a_selection_whose_cell_ran_again_is_replaced_for_all() -> None:
    machine = FakeMachine(7)
    first = FakeTree(machine)
    first._choice.model.comm.close()
    again = FakeTree(machine)
    assert first.selection_model == again.selection_model == again._choice.model.model_id
    again.selection = "entry:2"
    assert again._choice.model.selection == "entry:2"


def in_a_visit(cell: Callable[[], Made]) -> Made:
    """What a cell makes that runs for another visitor."""
    made: list[Made] = []
    visit = threading.Thread(target=lambda: made.append(cell()))
    visit.start()
    visit.join()
    return made[0]


def test_no_visitor_has_the_models_of_another() -> None:
    machine = FakeMachine(7)
    first = FakeTree(machine)
    second = in_a_visit(lambda: FakeTree(machine))
    assert first.hub == open_hub().model_id != second.hub
    assert first.selection_model != second.selection_model
    first.selection = "entry:2"
    assert second.selection == ""
    machine.operate(3)
    assert [operation_on_page(view) for view in (first, second)] == [3, 3]
    again = FakeTree(machine)
    assert [again.hub, again.selection_model] == [first.hub, first.selection_model]


def test_a_visitor_who_has_left_leaves_nothing_that_is_told_of_operations() -> None:
    machine = FakeMachine(7)

    def visited() -> weakref.ref[MachinePictures]:
        view = FakeTree(machine)
        pictures = weakref.ref(pictures_of(machine))
        view.close()
        return pictures

    pictures = in_a_visit(visited)
    gc.collect()
    assert pictures() is None
