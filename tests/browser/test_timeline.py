"""The strip of operations below a picture's slider: by mouse, by keys and by touch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.lab import Notebook

LIFE = """
import vmwidgets as vm
m = vm.boot("x86-64")
t = m.task("init<b>x</b>")
a = t.mmap("64 KiB")
t.write(a, b"x")
try:
    t.write(0x10, b"x")
except vm.VMError:
    pass
with m.group("three <i>maps</i>"):
    for i in range(3):
        t.map.enter("64 KiB", at=0xBFFD_0000 + i * 0x1_0000)
t.munmap(a, "8 KiB")
m.mark("end")
vm.Tree(t.map)
"""
ENTER = "6 · enter 64 KiB at 0xbffe_0000, of init<b>x</b>"

PLACES = """(root) => [...root.querySelectorAll('.vmw-time button, .vmw-track, .vmw-caption, .vmw-opens')]
    .filter((one) => one.offsetWidth).map((one) => Math.round(one.getBoundingClientRect().x)).join()"""


def shown(notebook: Notebook, cell: int = 0) -> Any:
    root = notebook.cell(cell).locator(".vmwidgets").first
    root.locator(".vmw-timeline path").first.wait_for(state="attached")
    return root


@pytest.fixture
def notebook(open_notebook: Callable[..., Notebook], new_notebook: Callable[..., str]) -> Notebook:
    opened = open_notebook(new_notebook(LIFE))
    opened.run_all()
    return opened


def to(root: Any, operation: int) -> tuple[float, float]:
    """Where an operation is on the page: there pointing says it."""
    box = root.locator(".vmw-timeline").bounding_box()
    for x in range(int(box["x"]) + 1, int(box["x"] + box["width"])):
        root.page.mouse.move(x, box["y"] + 8)
        said = root.locator(".vmw-timeline").get_attribute("aria-valuenow")
        if said == str(operation):
            return x + 3, box["y"] + 8
    raise AssertionError(f"no place of the strip is operation {operation}")


def test_pointing_says_the_operation_and_a_press_goes_there(notebook: Notebook) -> None:
    root = shown(notebook)
    notebook.page.mouse.move(*to(root, 6))
    tip = root.locator(".vmw-time > .vmw-tip")
    expect(tip).to_have_text(f"{ENTER} · in the group three <i>maps</i>")
    before = root.evaluate(PLACES)
    notebook.page.mouse.down()
    notebook.page.mouse.up()
    root.page.wait_for_function("() => document.querySelector('.vmw-where').textContent.startsWith('operation 6 of 8')")
    expect(root.locator(".vmw-operation option:checked")).to_have_text(f"{ENTER}")
    notebook.page.mouse.move(0, 0)
    expect(tip).to_be_hidden()
    assert root.evaluate(PLACES) == before, "nothing has moved"


def test_keys_point_and_enter_goes_there(notebook: Notebook) -> None:
    root = shown(notebook)
    strip = root.locator(".vmw-timeline")
    root.get_by_role("slider", name="moment").focus()
    notebook.page.keyboard.press("Tab")
    expect(strip).to_be_focused()
    expect(strip).to_have_attribute("aria-valuetext", "8 · munmap 8 KiB at 0x1_0000, of init<b>x</b> · mark end")
    for _ in range(4):
        notebook.page.keyboard.press("ArrowLeft")
    expect(strip).to_have_attribute("aria-valuetext", "4 · write 1 byte at 0x10, of init<b>x</b> ✗")
    expect(root.locator(".vmw-time > .vmw-tip")).to_be_visible()
    notebook.page.keyboard.press("Enter")
    expect(root.locator(".vmw-caption b")).to_contain_text("write")
    root.page.wait_for_function("() => document.querySelector('.vmw-where').textContent.startsWith('operation 4 of 8')")


@pytest.mark.sweep
def test_a_finger_goes_there(open_notebook: Callable[..., Notebook], new_notebook: Callable[..., str]) -> None:
    notebook = open_notebook(new_notebook(LIFE), has_touch=True)
    notebook.run_all()
    root = shown(notebook)
    x, y = to(root, 3)
    notebook.page.touchscreen.tap(x, y)
    root.page.wait_for_function("() => document.querySelector('.vmw-where').textContent.startsWith('operation 3 of 8')")
    expect(root.locator(".vmw-time > .vmw-tip")).to_be_hidden()


def test_marks_groups_failures_and_undone_operations_follow(notebook: Notebook) -> None:
    root = shown(notebook)
    looks = "(root) => [...root.querySelectorAll('.vmw-strip path')].map((one) => one.getAttribute('class')).sort()"
    assert root.evaluate(looks) == ["done", "failed", "group", "moment"]
    flags = "() => document.querySelector('.vmw-strip .moment').getAttribute('d').split('l4,2').length - 1"
    notebook.run("m.mark('again')\nm.undo()\nm.kernel_map.enter('4 KiB')\nm.mark('more')")
    notebook.page.wait_for_function("() => document.querySelector('.vmw-timeline').ariaValueMax === '8'")
    notebook.page.wait_for_function(f"() => ({flags})() === 1")
    assert root.locator(".vmw-timeline").get_attribute("data-marks") == "9", "what was undone is not there"


@pytest.mark.sweep
def test_thousands_of_operations_have_no_more_marks_than_pixels(notebook: Notebook) -> None:
    root = shown(notebook)
    notebook.run("for i in range(2000):\n    m.kernel_map.remove(m.kernel_map.enter('4 KiB'), size='4 KiB')")
    notebook.page.wait_for_function("() => document.querySelector('.vmw-timeline').ariaValueMax === '4008'")
    strip = root.locator(".vmw-timeline")
    assert 20 < int(strip.get_attribute("data-marks")) <= strip.evaluate("(one) => one.clientWidth") / 3
    strip.hover()
    expect(root.locator(".vmw-time > .vmw-tip")).to_contain_text("kernel_map")
    expect(root.locator(".vmw-time > .vmw-tip")).to_contain_text("one piece for")


@pytest.mark.sweep
def test_axe_finds_nothing(notebook: Notebook) -> None:
    root = shown(notebook)
    root.locator(".vmw-timeline").hover()
    assert notebook.violations(0) == []
