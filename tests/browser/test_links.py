"""Traits that are linked in the page: a slider and a player move a picture, and hear of it."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.browser.lab import Notebook, more
from tests.captions import saying

SETUP = """
import ipywidgets, time
import vmwidgets as vm
m = vm.boot("x86-64", layout="tiny")
m.kernel_map.enter("16 KiB")
tree = vm.Tree(m.kernel_map)
slider, play = ipywidgets.IntSlider(), ipywidgets.Play(interval=50)
"""
LINKS = """
ipywidgets.jslink((slider, "value"), (tree, "step"))
ipywidgets.jslink((play, "value"), (slider, "value"))
ipywidgets.jsdlink((tree, "steps"), (slider, "max"))
ipywidgets.jsdlink((tree, "steps"), (play, "max"))
ipywidgets.VBox([ipywidgets.HBox([play, slider]), tree])
"""


@pytest.fixture
def notebook(open_notebook: Callable[..., Notebook], new_notebook: Callable[..., str]) -> Notebook:
    opened = open_notebook(new_notebook(SETUP, LINKS))
    opened.run_all()
    opened.cell(1).locator(".vmw-scene .node").first.wait_for()
    return opened


def comes_true(notebook: Notebook, claim: str, shown: str) -> None:
    """Hold a claim in the kernel, which may first have to hear of it from the page."""
    printed: list[str] = []
    for _ in range(20):
        index = notebook.run(f"print(({claim}), ({shown}))")
        printed.append("".join(output.get("text", "") for output in notebook.outputs(index)))
        if printed[-1].startswith("True"):
            return
    raise AssertionError(f"{claim}: {printed}")


def test_a_slider_in_the_page_moves_the_picture_and_follows_it(notebook: Notebook) -> None:
    handle = notebook.cell(1).locator(".noUi-handle")
    handle.focus()
    handle.press("Home")
    caption = notebook.cell(1).locator(".vmw-caption")
    caption.get_by_text(saying("moments: before")).wait_for()
    handle.press("ArrowRight")
    handle.press("ArrowRight")
    comes_true(notebook, "(slider.value, tree.step) == (2, 2)", "slider.value, tree.step")
    notebook.run("tree.step = 5")
    notebook.cell(1).locator(".widget-readout", has_text="5").wait_for()
    notebook.run("tree.moment = None")
    comes_true(notebook, "slider.value == slider.max == tree.steps", "slider.value, slider.max, tree.steps")


@pytest.mark.sweep
def test_a_player_runs_on_while_a_cell_runs_and_ends_at_its_end(notebook: Notebook) -> None:
    notebook.run("seen = []; tree.observe(lambda change: seen.append(change['new']), 'step'); tree.step = 0")
    more(notebook.cell(1)).get_by_role("button", name="Play").click()
    notebook.run("time.sleep(1.5)")
    notebook.cell(1).locator(".vmw-caption", has_text=re.compile("enter .*16 KiB")).wait_for()
    comes_true(notebook, "slider.value == tree.step == tree.steps", "slider.value, tree.step, tree.steps")
    comes_true(notebook, "seen == sorted(seen)", "seen")
