"""The ribbon under a pointer: zoomed in, it is dragged along."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.lab import Notebook, more

CELL = """
import vmwidgets as vm
m = vm.boot()
for _ in range(6):
    m.kernel_map.enter("1 MiB", nomerge=True)
view = vm.Ribbon(m.kernel_map)
view
"""


@pytest.fixture
def notebook(open_notebook: Callable[..., Notebook], new_notebook: Callable[..., str]) -> Notebook:
    opened = open_notebook(new_notebook(CELL))
    opened.run_all()
    opened.cell(0).locator(".node.ribbon").wait_for()
    return opened


def first_tick(notebook: Notebook) -> str:
    """The address at the ribbon's left end."""
    return str(notebook.cell(0).locator('[data-id^="ribbon/tick/"]').first.text_content())


def as_number(tick: str) -> int:
    return int("".join(digit for digit in tick if digit in "0123456789abcdef"), 16)


def ground(notebook: Notebook) -> dict[str, float]:
    box: dict[str, float] = notebook.cell(0).locator(".node.ribbon > .shape").bounding_box()
    return box


def drag(notebook: Notebook, start: float, by: float) -> None:
    """With the button held, from a place of the ribbon (0 to 1), so many of its widths."""
    box, mouse = ground(notebook), notebook.page.mouse
    y = box["y"] + box["height"] / 2
    mouse.move(box["x"] + start * box["width"], y)
    mouse.down()
    for part in (0.25, 0.5, 0.75, 1.0):
        mouse.move(box["x"] + (start + part * by) * box["width"], y)
    mouse.up()


def changes(notebook: Notebook, before: str, act: Callable[[], Any]) -> str:
    """The first tick after `act`, once it is another."""
    act()
    script = "([selector, before]) => document.querySelector(selector).textContent !== before"
    notebook.page.wait_for_function(script, arg=['[data-id^="ribbon/tick/"]', before], timeout=10_000)
    notebook.wait_idle()
    return first_tick(notebook)


@pytest.mark.sweep
def test_a_ribbon_that_is_zoomed_is_dragged_by_what_lies_on_it(notebook: Notebook) -> None:
    whole = first_tick(notebook)
    zoomed = whole
    for _ in range(4):
        more(notebook.cell(0)).get_by_role("button", name="zoom in").click()
        notebook.wait_idle()
    zoomed = first_tick(notebook)
    assert zoomed != whole
    dragged = changes(notebook, zoomed, lambda: drag(notebook, 0.5, 0.4))
    assert as_number(dragged) < as_number(zoomed)
    assert notebook.cell(0).locator(".selected").count() == 0, "the end of a drag is not a click"
    notebook.cell(0).locator(".node.range").first.click()
    notebook.cell(0).locator(".node.range.selected").first.wait_for()
