"""What is pointed at, found, copied and put side by side: in JupyterLab, and in a handout."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

import vmwidgets as vm
from tests.browser.lab import Notebook, more
from tests.captions import saying

LIFE = """
import vmwidgets as vm
m = vm.boot("x86-64")
t = m.task("init")
a = t.mmap("16 KiB", "rw", "shared", m.object("film", "1 MiB"))
t.write(a, b"x" * 9000)
vm.Map(t)
"""
CELLS = (
    LIFE,
    "vm.Tables(t)",
    "vm.Frames(m)",
    "other = vm.boot('armv7').task('init'); other.mmap('4 KiB'); vm.Map(other)",
)

LIT = """(cell) => {
    const boxes = (chosen) => [...cell.querySelectorAll(chosen)].map((one) => one.getBoundingClientRect());
    const nodes = [...cell.querySelectorAll('.vmw-scene .node[data-thing]')];
    const around = (light, node) => Math.hypot(light.x - node.x, light.y - node.y, light.right - node.right) < 8;
    return boxes('.vmw-lit rect').flatMap((light) => nodes
        .filter((node) => around(light, (node.querySelector('.shape') ?? node).getBoundingClientRect()))
        .map((node) => node.dataset.thing));
}"""


@pytest.fixture
def notebook(open_notebook: Callable[..., Notebook], new_notebook: Callable[..., str]) -> Notebook:
    opened = open_notebook(new_notebook(*CELLS))
    opened.run_all()
    for cell in range(len(CELLS)):
        opened.cell(cell).locator(".vmwidgets .node").first.wait_for()
    return opened


def lit(notebook: Notebook, cell: int) -> set[str]:
    """The things that are lit in the picture of a cell."""
    return set(notebook.cell(cell).evaluate(LIT))


def test_an_entry_lights_up_with_its_descriptors_and_frames_and_asks_no_kernel(notebook: Notebook) -> None:
    page, cell = notebook.page, notebook.cell(0)
    entry = cell.locator(".node.entry[role='button']")
    frames = notebook.outputs(notebook.run("print(*[t.walk(a + n * vm.PAGE).pa >> 12 for n in range(3)])"))[0]["text"]
    page.wait_for_timeout(500)  # what a cell's end sends has come
    heard = notebook.bytes_in
    entry.hover()
    expect(cell.locator(".vmw-name")).to_contain_text("film")
    thing = entry.get_attribute("data-thing")
    assert lit(notebook, 0) == {thing}
    assert cell.locator(".vmw-lit rect").count() == 3  # its node in the tree, its card, its range
    assert len([one for one in lit(notebook, 1) if one.startswith("pte:")]) >= 1
    first = {int(one.removeprefix("frame:")) for one in lit(notebook, 2)}
    assert first <= {int(frame) for frame in frames.split()} | {min(map(int, frames.split()))}
    assert first
    assert lit(notebook, 3) == set()  # of another machine
    notebook.cell(1).locator(".node.descriptor.is-leaf").first.hover()
    expect(cell.locator(".vmw-name")).not_to_be_visible()
    expect(notebook.cell(1).locator(".vmw-name")).to_contain_text("also in: the map of init (3), physical memory")
    assert lit(notebook, 0) == {thing}
    assert notebook.bytes_in == heard
    page.mouse.move(0, 0)
    assert [lit(notebook, number) for number in range(3)] == [set()] * 3


def test_the_name_is_there_for_who_comes_by_key_and_goes_with_escape(notebook: Notebook) -> None:
    page, cell = notebook.page, notebook.cell(0)
    cell.locator(".node[tabindex='0']").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    name = cell.locator(".vmw-name")
    expect(name).to_be_visible()
    label = page.evaluate("() => document.activeElement.getAttribute('aria-label')")
    assert label.startswith(name.locator("span").first.inner_text())
    page.keyboard.press("Escape")
    expect(name).not_to_be_visible()
    assert cell.locator(".vmw-scene title").count() == 0  # else the browser shows its own a second later


@pytest.mark.parametrize("look", ["JupyterLab Light", "JupyterLab Dark", "forced"])
@pytest.mark.sweep
def test_axe_finds_nothing_while_all_of_it_is_open(notebook: Notebook, look: str) -> None:
    page, cell = notebook.page, notebook.cell(0)
    if look == "forced":
        page.emulate_media(forced_colors="active")
    else:
        page.evaluate("(theme) => window.jupyterapp.commands.execute('apputils:change-theme', { theme })", look)
    more(cell).locator(".vmw-find").fill("film")
    cell.locator(".vmw-find").press("Enter")
    expect(cell.locator(".vmw-found")).to_have_text("1 of 1")
    page.wait_for_timeout(600)  # colours change slowly
    cell.locator(".node.entry[role='button']").hover()
    assert notebook.violations(0) == []
    page.emulate_media(forced_colors="none")


def test_a_name_is_found_and_enter_goes_on(notebook: Notebook) -> None:
    cell = notebook.cell(2)
    field, count = more(cell).locator(".vmw-find"), cell.locator(".vmw-found")
    field.fill("page tables of init")
    field.press("Enter")
    expect(count).to_have_text(re.compile(r"1 of [2-9]"))
    first = cell.locator(".node.selected").get_attribute("data-thing")
    field.press("Enter")
    expect(count).to_have_text(re.compile(r"2 of [2-9]"))
    expect(cell.locator(f".node.selected:not([data-thing='{first}'])")).to_be_visible()
    more(cell).get_by_role("button", name="the previous match").click()
    expect(count).to_have_text(re.compile(r"1 of [2-9]"))
    expect(cell.locator(f".node.selected[data-thing='{first}']")).to_be_visible()
    field.fill("nowhere")
    field.press("Enter")
    expect(cell.locator(".vmw-status")).to_have_text("find: nothing in this picture is called 'nowhere'")
    expect(count).to_have_text("")


@pytest.mark.sweep
def test_two_pictures_side_by_side_step_together(notebook: Notebook) -> None:
    index = notebook.run(
        "t.mprotect(a, '4 KiB', 'r')\n"
        "vm.picture(t.map, moment=(m.journal.serial(3), None))\n"
        "vm.Map(t, moment=(m.journal.serial(3), None), follow=False).beside(vm.Map(t))"
    )
    cell = notebook.cell(index)
    expect(cell.locator(".vmw-caption b")).to_have_text(saying("side by side: differ", 2, what="2 entries"))
    assert cell.locator("[data-id^='left/list/'][data-thing]").count() == 1
    assert cell.locator("[data-id^='right/list/'][data-thing]").count() == 2
    assert cell.locator(".node.changed").count() == 6  # tree, list and ribbon of both sides
    cell.locator("[data-id^='left/list/'][data-thing]").hover()
    assert lit(notebook, index) >= {cell.locator("[data-id^='left/list/'][data-thing]").get_attribute("data-thing")}
    more(cell).get_by_role("button", name="to the beginning of this operation").click()
    expect(cell.locator(".vmw-caption b")).to_have_text(saying("side by side: equal"))
    assert notebook.violations(index) == []


def test_what_is_pointed_at_lights_up_in_all_pictures_of_a_handout(opened: Callable[..., Any], tmp_path: Path) -> None:
    machine = vm.boot("x86-64")
    task = machine.task("init")
    start = task.mmap("8 KiB")
    task.write(start, b"x")
    file = vm.handout(machine, tmp_path / "story.html", vm.Map(task), vm.Tables(task), by="operation")
    page = opened(file)
    for _ in range(4):
        page.keyboard.press("PageDown")
    stages = page.locator(".vmw-stage")
    stages.nth(1).locator(".node.descriptor.is-leaf").first.hover()
    expect(stages.nth(1).locator(".vmw-name")).to_contain_text("physical")
    expect(stages.nth(0).locator(".vmw-lit rect")).to_have_count(3)
    page.mouse.move(0, 0)
    expect(stages.nth(0).locator(".vmw-lit rect")).to_have_count(0)
