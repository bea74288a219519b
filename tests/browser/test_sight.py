"""Pictures out of sight cost nothing; a reader who scrolls to one finds the newest, or hears that it is behind."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.browser.lab import Notebook

SETUP = """
from vmwidgets.pictures.registry import picture_of
from vmwidgets.widgets.host.show import register
from IPython.display import HTML
from fake_machine import FakeMachine, FakeTree
import time
register()
picture_of(first_for=FakeMachine)(FakeTree)
m = FakeMachine(15)
m.operate()
view = FakeTree(m)
"""
FAR = "HTML('<div style=\"height: 6000px\">far</div>')"


@pytest.fixture
def notebook(open_notebook: Callable[..., Notebook], new_notebook: Callable[..., str]) -> Notebook:
    """A notebook whose second cell shows the machine, with much below it; it is scrolled down."""
    opened = open_notebook(new_notebook(SETUP, "view", FAR), viewport={"height": 900})
    opened.run_all()
    opened.cell(1).locator(".vmw-scene .node").first.wait_for()
    opened.run("None")
    look_at(opened, 3)
    opened.page.wait_for_timeout(300)
    return opened


def look_at(notebook: Notebook, index: int) -> None:
    notebook.cell(index).locator(".jp-InputArea").first.scroll_into_view_if_needed()


def printed(notebook: Notebook, expression: str) -> str:
    index = notebook.run(f"print({expression})")
    return "".join(output["text"] for output in notebook.outputs(index))


def test_out_of_sight_it_is_not_drawn_and_in_sight_it_is_the_newest(notebook: Notebook) -> None:
    before = printed(notebook, "view.in_sight, view.seq")
    assert before.startswith("False")
    notebook.run("m.operate(3)")
    assert printed(notebook, "view.in_sight, view.seq") == before
    look_at(notebook, 1)
    notebook.cell(1).locator(".vmw-caption", has_text="Operation 4 is done.").wait_for()
    assert notebook.cell(1).locator(".vmw-behind").is_hidden()


def test_while_a_cell_runs_it_says_that_it_is_behind(notebook: Notebook) -> None:
    notebook.start("for _ in range(40):\n    m.operate(); time.sleep(0.1)")
    notebook.page.wait_for_timeout(700)
    look_at(notebook, 1)
    notebook.cell(1).locator(".vmw-behind").wait_for()
    notebook.wait_idle()
    notebook.cell(1).locator(".vmw-caption", has_text="Operation 41 is done.").wait_for()
    notebook.cell(1).locator(".vmw-behind").wait_for(state="hidden")
