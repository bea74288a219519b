"""marimo opens each widget's model while it is made, and closes it when the cell that made it runs again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from comm import create_comm
from ipywidgets import Widget

from tests.browser.fake_machine import FakeMachine, FakeTree
from vmwidgets.widgets.host.hub import open_hub
from vmwidgets.widgets.host.packing import unpack
from vmwidgets.widgets.host.refresh import refresher


@pytest.fixture(autouse=True)
def marimo() -> Iterator[None]:
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
