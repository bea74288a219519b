"""The fault strip on a page: forward, back and to a place by the slider; its boxes select in other pictures."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.browser.lab import Notebook
from tests.captions import saying

BOOT = """
import vmwidgets as vm
m = vm.boot("x86-64", layout="small", fork="shadow")
t = m.task("init")
a = t.mmap("16 KiB")
t.write(a, b"x" * 9000)
c = t.fork()
c.write(a + 4096, b"y")
"""
STEPS = ["1", "2", "3", "4", "5", "6"]
"""The numbers of a copy's steps, from the write to the second try."""


@pytest.fixture
def notebook(open_notebook: Callable[..., Notebook], new_notebook: Callable[..., str]) -> Notebook:
    """A copy after a fork: its fault, and the objects."""
    opened = open_notebook(new_notebook(BOOT, "vm.Fault(c)", "vm.Objects(m)"))
    opened.run_all()
    for index in (1, 2):
        opened.cell(index).locator(".vmwidgets .node").first.wait_for()
    return opened


def lit(notebook: Notebook) -> list[str]:
    """The numbers of the steps that are done."""
    nodes = notebook.cell(1).locator(".vmwidgets .node.stage.done")
    return [
        str(text) for text in nodes.evaluate_all("(all) => all.map((one) => one.querySelector('text').textContent)")
    ]


def stand(notebook: Notebook, step: int) -> None:
    """Wait until the strip is at a step of its own, and drawn: what was asked for is said before."""
    notebook.cell(1).locator(".vmw-where", has_text=re.compile(rf" step {step} of ")).wait_for()
    notebook.cell(1).locator(".vmw-time:not([aria-busy])").first.wait_for()


def test_the_strip_steps_forward_back_and_jumps(notebook: Notebook) -> None:
    cell = notebook.cell(1)
    assert lit(notebook) == STEPS
    back, forward = (cell.get_by_role("button", name=name, exact=True).first for name in ("back", "forward"))
    slider = cell.locator(".vmwidgets input[type=range]").first
    slider.focus()
    slider.press("Home")
    stand(notebook, 0)
    assert lit(notebook) == []
    forward.click()
    stand(notebook, 1)
    assert lit(notebook) == STEPS[:1]
    forward.click()
    stand(notebook, 2)
    assert lit(notebook) == STEPS[:2]
    back.click()
    stand(notebook, 1)
    assert lit(notebook) == STEPS[:1]
    slider.focus()
    slider.press("End")
    done = saying("fault strips: copied", task="init.1", page="…").partition("…")[0]
    cell.locator(".vmw-caption", has_text=done).wait_for()
    assert lit(notebook) == STEPS


@pytest.mark.sweep
def test_the_objects_are_those_of_the_strip_s_step(notebook: Notebook) -> None:
    objects = notebook.cell(2).locator(".vmwidgets .node.card[data-thing^='object:']")
    assert objects.count() == 2
    slider = notebook.cell(1).locator(".vmwidgets input[type=range]").first
    slider.focus()
    slider.press("Home")
    stand(notebook, 0)
    notebook.cell(2).locator(".vmw-caption", has_text=saying("moments: before")).wait_for()
    assert objects.count() == 1


def test_a_box_selects_its_object_and_its_frame_in_the_other_picture(notebook: Notebook) -> None:
    boxes, objects = notebook.cell(1), notebook.cell(2)
    boxes.locator(".vmwidgets .node.stage", has_text="the range allows it").click()
    objects.locator(".vmwidgets .node.selected[data-thing^='entry:']").first.wait_for()
    boxes.locator(".vmwidgets .node.stage", has_text="copies 4 KiB").click()
    chosen = objects.locator(".vmwidgets .node.selected[data-thing^='frame:']")
    chosen.first.wait_for()
    assert chosen.count() == 1, "the page, in the row of its object"
    assert "seen by" not in (chosen.first.get_attribute("aria-label") or "")


def test_where_an_access_fails_the_box_is_red(notebook: Notebook) -> None:
    notebook.start("c.write(0x10, b'x')")
    red = notebook.cell(1).locator(".vmwidgets .node.stage.fault")
    red.wait_for()
    assert "SIGSEGV" in (red.text_content() or "")
    assert "no range there" in (red.text_content() or "")
