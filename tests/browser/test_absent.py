"""A picture of what does not exist at the moment: it says what makes the thing, and a press leads there."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.browser.lab import Notebook
from tests.captions import saying

BEFORE = """
import vmwidgets as vm
m = vm.boot("x86-64")
seen = vm.Map(m.kernel_map)
t = m.task("late")
t.mmap("16 KiB")
"""


@pytest.mark.sweep
def test_a_first_show_leads_to_the_operation_that_makes_the_thing(
    open_notebook: Callable[..., Notebook], new_notebook: Callable[..., str]
) -> None:
    notebook = open_notebook(new_notebook(BEFORE, "seen.moment = (0, None)\nt.map"))
    notebook.run_all()
    picture = notebook.cell(1).locator(".vmwidgets")
    picture.locator(".vmw-caption", has_text="The map of late does not exist yet: operation 1 makes it").wait_for()
    picture.get_by_role("button", name="go to operation 1").click()
    picture.locator(".vmw-where", has_text="operation 1 of 2").wait_for()
    picture.locator(".vmw-caption", has_text=saying("map operations: task", name="late")).wait_for()
    assert picture.locator(".vmw-time button", has_text="go to operation").is_hidden()
    assert picture.locator(".vmw-status").is_hidden() or picture.locator(".vmw-status").text_content() == ""
