"""Pictures inside other widgets' outputs: `interact`, an `Output`, tabs; drawn by a fake machine."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.browser.lab import Notebook
from tests.browser.test_transport import SETUP, caption, twin


@pytest.fixture
def notebook(open_notebook: Callable[..., Notebook], new_notebook: Callable[..., str]) -> Notebook:
    opened = open_notebook(new_notebook(f"import ipywidgets as w\n{SETUP}"))
    opened.run_all()
    return opened


def test_interact_shows_its_slider_and_its_picture(notebook: Notebook) -> None:
    index = notebook.run("def f(times=(1, 9)):\n    m.operate(times)\n    return FakeTree(m)\nw.interact(f)")
    cell = notebook.cell(index)
    cell.locator(".vmw-scene .node").first.wait_for(state="visible")
    assert cell.locator(".widget-slider").is_visible()
    assert twin(notebook, index).count() == 1
    assert not twin(notebook, index).is_visible()
    cell.locator(".widget-readout").click()
    notebook.page.keyboard.press("Control+A")
    notebook.page.keyboard.type("7")
    notebook.page.keyboard.press("Enter")
    cell.locator(".vmw-caption b", has_text="Operation 12 is done.").wait_for()
    notebook.wait_idle()
    assert cell.locator(".vmw-scene").count() == 1
    assert cell.locator(".widget-slider").is_visible()
    assert not twin(notebook, index).is_visible()
    notebook.run("m.operate()")
    assert caption(notebook, index) == "Operation 13 is done."


def test_an_output_among_other_widgets_shows_all_of_them(notebook: Notebook) -> None:
    index = notebook.run(
        "out = w.Output()\nwith out:\n    print('before')\n    display(FakeTree(m))\n"
        "w.Tab([w.VBox([w.Label('beside'), out])])"
    )
    cell = notebook.cell(index)
    cell.locator(".vmw-scene .node").first.wait_for(state="visible")
    assert cell.locator(".widget-label", has_text="beside").is_visible()
    assert cell.locator("pre", has_text="before").is_visible()
    assert not twin(notebook, index).is_visible()


def test_one_view_in_a_cell_and_in_an_output_hides_both_twins(notebook: Notebook) -> None:
    index = notebook.run("out = w.Output()\ntree = FakeTree(m)\ndisplay(tree, out)\nwith out:\n    display(tree)")
    cell = notebook.cell(index)
    cell.locator(".vmw-scene").nth(1).wait_for(state="visible")
    assert cell.locator(".vmw-scene").first.is_visible()
    assert twin(notebook, index).count() == 2
    assert not any(one.is_visible() for one in twin(notebook, index).all())
