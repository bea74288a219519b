"""What is typed in a field of ours reaches no cell: in JupyterLab `dd` deletes one, `x` cuts, `a` and `b` insert.

Space plays wherever the focus is, and a bracket steps whatever made it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.lab import Notebook, more

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
        page.wait_for_timeout(20)
        if page.evaluate(CELLS) != before:
            return key
    notebook.wait_idle()
    return "" if page.evaluate(CELLS) == before else "one of them"


def test_keys_in_our_fields_reach_no_cell(notebook: Notebook) -> None:
    picture, radios, number = (notebook.cell(index) for index in range(3))
    assert changed_by(notebook, 0, more(picture).locator(".vmw-find")) == ""
    assert picture.locator(".vmw-find").input_value() == "ddaxbmy"
    assert changed_by(notebook, 0, picture.locator("input[type=range]")) == ""
    assert changed_by(notebook, 0, more(picture).get_by_label("go by")) == ""
    node = picture.locator(".vmwidgets .node[tabindex='0']").first
    assert changed_by(notebook, 0, node, ("d", "d", "a", "x", "b", "m", "y")) == ""
    assert changed_by(notebook, 1, radios.get_by_role("radio").first) == ""
    assert changed_by(notebook, 2, number.get_by_role("textbox", name="How many?")) == ""


def test_the_same_keys_change_a_notebook_that_has_the_focus(notebook: Notebook) -> None:
    assert changed_by(notebook, 3, notebook.page.locator(".jp-Notebook").first, ("a",)) == "a"


SCROLLED = "() => document.querySelector('.jp-WindowedPanel-outer, .jp-Notebook').scrollTop"


def test_space_plays_and_pauses_wherever_a_click_has_put_the_focus(notebook: Notebook) -> None:
    page, picture = notebook.page, notebook.cell(0).locator(".vmwidgets")
    page.set_viewport_size({"width": 1300, "height": 500})  # there is something to scroll
    page.evaluate("() => { panel.content.activeCellIndex = 3; panel.content.mode = 'command'; }")
    play = more(picture).get_by_label("play the steps")
    more(picture).get_by_role("button", name="show this picture as a table").click()
    entry = picture.locator(".node.entry").first
    ground = picture.locator(".vmw-scene")
    picture.scroll_into_view_if_needed()
    for name, click in {
        "its words": lambda: picture.locator(".vmw-title").click(),
        "the ground": lambda: ground.click(position={"x": 2, "y": 2}),
        "a node": entry.click,
        "a button": lambda: picture.get_by_role("button", name="keys and legend").click(),
        "the slider": lambda: picture.locator("input[type=range]").click(),
        "the table": lambda: picture.locator("summary").click(),
    }.items():
        click()
        notebook.wait_idle()
        before = page.evaluate(SCROLLED)
        page.keyboard.press("Space")
        expect(play, name).to_have_text("pause")
        page.keyboard.press("Space")
        expect(play, name).to_have_text("play")
        assert page.evaluate(SCROLLED) == before, name
        page.keyboard.press("}")
        entry.wait_for()


@pytest.mark.sweep
def test_space_presses_a_button_that_tab_has_reached(notebook: Notebook) -> None:
    page, picture = notebook.page, notebook.cell(0).locator(".vmwidgets")
    picture.get_by_role("button", name="keys and legend").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Space")
    expect(picture.locator(".vmw-legend")).to_be_visible()
    expect(picture.get_by_label("play the steps")).to_have_text("play")


@pytest.mark.sweep
def test_a_bracket_made_with_another_key_steps(notebook: Notebook) -> None:
    page, picture = notebook.page, notebook.cell(0).locator(".vmwidgets")
    where = picture.locator(".vmw-where")
    picture.locator(".node.entry").last.click()
    page.keyboard.press("[")
    notebook.wait_idle()
    stepped = where.inner_text()
    page.keyboard.press("]")
    notebook.wait_idle()
    assert where.inner_text() != stepped
    for modifiers in (["Alt"], ["Control", "Alt"]):
        for modifier in modifiers:
            page.keyboard.down(modifier)
        page.keyboard.press("[")
        for modifier in modifiers:
            page.keyboard.up(modifier)
        expect(where).to_have_text(stepped)
        page.keyboard.press("]")
        expect(where).not_to_have_text(stepped)
