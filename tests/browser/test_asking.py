"""What comes next: asked in a picture in JupyterLab, answered by mouse and by keys, kept in the notebook's file."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.lab import Notebook, Server
from tests.browser.test_labs import RESTART
from tests.captions import saying

ASK = """
import vmwidgets as vm
m = vm.boot("x86-64")
task = m.task("<b>init</b>")
task.map.enter(vm.PAGE, at=0x40_3000, object=m.object("draft"))
task.write(0x40_3000, b"x")
m.cpus[0].flush()
x = task.read(0x40_3000)
vm.Dashboard(task, panes="translation", ask="t/walk")
"""


@pytest.fixture
def notebook(open_notebook: Callable[..., Notebook], new_notebook: Callable[..., str]) -> Notebook:
    opened = open_notebook(new_notebook(ASK))
    opened.run_all()
    caption(opened, "What does the processor do first?")
    return opened


def caption(notebook: Notebook, words: str) -> None:
    """Wait until the picture says this."""
    notebook.cell(0).locator(".vmw-caption", has_text=words).wait_for()


def mark(notebook: Notebook, identity: str) -> Any:
    return notebook.cell(0).locator(f'.vmw-scene .node[data-id="{identity}"]')


def kept(notebook: Notebook, lab: Server) -> list[dict[str, Any]]:
    """The predictions in the notebook's file."""
    notebook.save()
    content = json.loads((lab.root / notebook.path).read_text())
    outputs = [output.get("data", {}) for cell in content["cells"] for output in cell.get("outputs", ())]
    tables = [output.get("application/vnd.vmwidgets.record+json", {}) for output in outputs]
    return [one for table in tables if table.get("record") == "predictions" for one in table["predictions"]]


def test_a_press_answers_and_is_in_the_saved_file(notebook: Notebook, lab: Server) -> None:
    assert mark(notebook, "tlb/cpu:0/3/1").count() == mark(notebook, "walk/step/4").count() == 0
    mark(notebook, "ask/answer/tlb").click()
    caption(notebook, "You said: looks in the TLB. That is right.")
    assert mark(notebook, "tlb/cpu:0/3/1").count() == 1
    assert mark(notebook, "walk/step/4").count() == 0
    mark(notebook, "ask/answer/fault").click()
    caption(notebook, "What happened: reads a table.")
    assert mark(notebook, "walk/step/4").count() == 1
    notebook.cell(0).get_by_text("1 of 2 right.").wait_for()
    notebook.wait_idle()
    said = [(one["answer"], one["answers"][0]["how"], one["happened"]) for one in kept(notebook, lab)[:2]]
    assert said == [("looks in the TLB", "control", "looks in the TLB"), ("faults", "control", "reads a table")]


def test_keys_answer_and_the_slider_gives_nothing_away(notebook: Notebook) -> None:
    page = notebook.page
    mark(notebook, "ask/answer/table").focus()
    page.keyboard.press("[")
    page.keyboard.press("]")
    notebook.wait_idle()
    caption(notebook, "What does the processor do first?")
    mark(notebook, "ask/answer/table").focus()
    page.keyboard.press("ArrowLeft")
    assert mark(notebook, "ask/answer/tlb").evaluate("(node) => node === document.activeElement")
    page.keyboard.press("Enter")
    caption(notebook, "You said: looks in the TLB. That is right.")
    mark(notebook, "ask/switch/all").focus()
    page.keyboard.press("Enter")
    caption(notebook, saying("map operations: read", 1, who="<b>init</b>", address="0x40_3000"))
    assert mark(notebook, "walk/step/1").count() == 1
    assert notebook.cell(0).locator(".vmw-slider").is_enabled()


def test_a_restarted_kernel_goes_on_after_the_answers_of_the_file(notebook: Notebook, lab: Server) -> None:
    mark(notebook, "ask/answer/tlb").click()
    caption(notebook, "What does the processor do next?")
    notebook.wait_idle()
    kept(notebook, lab)
    notebook.page.evaluate(RESTART)
    notebook.run_all()
    caption(notebook, "What does the processor do next?")
    assert kept(notebook, lab)[0]["answer"] == "looks in the TLB"


def test_what_is_asked_is_accessible_and_inside_its_boxes(notebook: Notebook) -> None:
    assert notebook.violations(0) == []
    assert notebook.texts_outside(0) == []
    names = mark(notebook, "ask/answer/tlb").get_attribute("aria-label")
    assert "looks in the TLB" in str(names)


def test_names_are_text(notebook: Notebook) -> None:
    assert notebook.cell(0).locator(".vmw-caption").get_by_text("<b>init</b>").count() == 1
