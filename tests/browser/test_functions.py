"""The name of a kernel function under a caption opens what it does: by a press, by keys, and in a handout."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import vmwidgets as vm
from tests.browser.lab import Notebook

LOOK = """
import vmwidgets as vm
m = vm.boot("x86-64")
task = m.task("init")
a = task.map.enter("16 KiB")
task.map.remove(a + 4096, size="4 KiB")
vm.Map(task)
"""


@pytest.fixture
def picture(open_notebook: Callable[..., Notebook], new_notebook: Callable[..., str]) -> Any:
    notebook = open_notebook(new_notebook(LOOK))
    notebook.run_all()
    cell = notebook.cell(0)
    cell.locator(".vmw-function-name", has_text="vm_map_remove").wait_for()
    return cell


def test_a_press_opens_the_lines_and_another_closes_them(picture: Any) -> None:
    panel, name = picture.locator(".vmw-function"), picture.locator(".vmw-function-name", has_text="vm_map_remove")
    assert panel.is_hidden()
    name.click()
    assert panel.locator("pre").text_content() == str(vm.pseudocode("vm_map_remove"))
    assert name.get_attribute("aria-expanded") == "true"
    name.click()
    assert panel.is_hidden()


def test_keys_open_it_and_escape_goes_back_to_the_name(picture: Any) -> None:
    page = picture.page
    cells = page.locator(".jp-Cell").count()
    name = picture.locator(".vmw-function-name", has_text="vm_map_remove")
    name.focus()
    page.keyboard.press("Enter")
    picture.locator(".vmw-function pre").wait_for()
    page.keyboard.press("Tab")
    page.keyboard.press("Escape")
    assert picture.locator(".vmw-function").is_hidden()
    assert page.evaluate("document.activeElement.textContent") == "vm_map_remove"
    assert page.locator(".jp-Cell").count() == cells


def test_a_handout_has_them_without_a_kernel(opened: Callable[..., Any], tmp_path: Path) -> None:
    m = vm.boot("x86-64")
    space = m.task("init").map
    space.enter("16 KiB")
    page = opened(vm.handout(m, tmp_path / "story.html", vm.Map(space)))
    name = page.locator(".vmw-function-name", has_text="vm_map_enter")
    for _ in range(40):
        if name.count():
            break
        page.keyboard.press("]")
    name.click()
    assert page.locator(".vmw-function pre").text_content() == str(vm.pseudocode("vm_map_enter"))
