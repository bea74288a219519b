"""A comparison on a page: it has no machine, and is selected in all the same."""

from __future__ import annotations

from ipywidgets.widgets.widget import _instances

import vmwidgets as vm
from vmwidgets.sources.workload import allocate
from vmwidgets.widgets.host.cells import Cell


def test_a_picture_without_a_machine_has_a_selection_of_its_own() -> None:
    """The page asks for the model of the selection by its id, and can't draw without one."""
    view, other = (vm.show(vm.compare([allocate("a", "4 KiB")])) for _ in range(2))
    for one in (view, other):
        one.prepare(Cell("c", 1))
    model = _instances[view.selection_model]
    model.set_state({"selection": "piece:a"})
    assert (view.selection, other.selection) == ("piece:a", "")
    view.prepare(Cell("c", 2))
    assert view.selection_model == model.model_id, "shown again, it is the same"
    view.close()
    assert model.comm is None
    other.selection = "piece:a"
    assert _instances[other.selection_model].selection == "piece:a"


def test_it_stays_when_nobody_holds_the_value() -> None:
    view = vm.Comparison(vm.compare([allocate("a", "4 KiB")]), selection="piece:a")
    assert view.scene().title == "the same operations on 6 maps"
    assert view.selection == "piece:a"
