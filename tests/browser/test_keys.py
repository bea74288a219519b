"""What is typed in a field of ours reaches no cell: in JupyterLab `dd` deletes one, `x` cuts, `a` and `b` insert."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.lab import Notebook

MAP = 'import vmwidgets as vm\nm = vm.boot("x86-64", layout="tiny")\nm.kernel_map'
ASK = """
from vmwidgets import lab
gap = lab.predict("Which gap?", id="t/gap", options=["the low one", "the high one"])
"""
COUNT = 'count = lab.predict("How many?", id="t/count", kind="number")'

KEYS = ("d", "d", "a", "x", "b", "m", "y", "Shift+Enter")

CELLS = "() => window.panel.content.model.sharedModel.cells.map((cell) => [cell.cell_type, cell.source])"


@pytest.fixture
def notebook(open_notebook: Callable[..., Notebook], new_notebook: Callable[..., str]) -> Notebook:
    opened = open_notebook(new_notebook(MAP, ASK, COUNT, "1 + 1"))
    opened.run_all()
    opened.cell(0).locator(".vmwidgets .node").first.wait_for()
    opened.cell(1).get_by_role("radio").first.wait_for()
    return opened


def changed_by(notebook: Notebook, index: int, field: Any, keys: tuple[str, ...] = KEYS) -> str:
    """The first of the keys that changes a cell, typed in a field of a cell in command mode; "" if none does."""
    page = notebook.page
    page.evaluate("(i) => { panel.content.activeCellIndex = i; panel.content.mode = 'command'; }", index)
    before = page.evaluate(CELLS)
    field.focus()
    for key in keys:
        page.keyboard.press(key)
        notebook.wait_idle()
        if page.evaluate(CELLS) != before:
            return key
    return ""


def test_keys_in_our_fields_reach_no_cell(notebook: Notebook) -> None:
    picture, radios, number = (notebook.cell(index) for index in range(3))
    assert changed_by(notebook, 0, picture.locator(".vmw-find")) == ""
    assert picture.locator(".vmw-find").input_value() == "ddaxbmy"
    assert changed_by(notebook, 0, picture.locator("input[type=range]")) == ""
    assert changed_by(notebook, 0, picture.get_by_label("go by")) == ""
    node = picture.locator(".vmwidgets .node[tabindex='0']").first
    assert changed_by(notebook, 0, node, ("d", "d", "a", "x", "b", "m", "y")) == ""
    assert changed_by(notebook, 1, radios.get_by_role("radio").first) == ""
    assert changed_by(notebook, 2, number.get_by_role("textbox", name="How many?")) == ""


def test_the_same_keys_change_a_notebook_that_has_the_focus(notebook: Notebook) -> None:
    assert changed_by(notebook, 3, notebook.page.locator(".jp-Notebook").first, ("a",)) == "a"
