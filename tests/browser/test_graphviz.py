"""Graphviz in a page: no picture waits for it, one press has it lay out the structure, and it follows each step."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import nbformat
import pytest
from playwright.sync_api import expect

from tests.browser.lab import Notebook, Server, more
from tests.browser.mission import Mission, WithoutDot, open_mission
from vmwidgets.views.scene.twin import drawings_in

MACHINE = """
import vmwidgets as vm
m = vm.boot("x86-64", layout="tiny")
a = m.kernel_map.enter("16 KiB")
m.kernel_map
"""

GRAPHVIZ = 600_000
"""Bytes that Graphviz has at least, packed."""

BEFORE = 200_000
"""Bytes that may come in before the first picture is looked at: drawing code, picture, messages of the cell.

The aim is 150,000 before it is there, which `python -m tools.benchmarks` measures; on a busy computer the picture's
layout for the page's width is here too.
"""

NO_WORKERS = "Object.defineProperty(window, 'Worker', { value: undefined })"
REFUSED = """{
    const policy = document.createElement('meta');
    policy.httpEquiv = 'Content-Security-Policy';
    policy.content = "worker-src 'none'";
    document.head.append(policy);
}"""


def press(notebook: Notebook, index: int) -> Any:
    return more(notebook.cell(index)).get_by_role("button", name="draw this picture with Graphviz")


def drawn(notebook: Notebook, index: int) -> Any:
    return notebook.cell(index).locator(".vmw-graphviz svg")


@pytest.fixture
def notebook(open_notebook: Callable[..., Notebook], new_notebook: Callable[..., str]) -> Notebook:
    opened = open_notebook(new_notebook(MACHINE))
    opened.run_all()
    opened.cell(0).locator(".vmw-scene .node").first.wait_for()
    return opened


@pytest.mark.sweep
def test_the_first_picture_of_a_kernel_comes_without_graphviz(notebook: Notebook) -> None:
    assert notebook.bytes_in < BEFORE
    notebook.run("m.kernel_map.enter('8 KiB')")
    assert notebook.bytes_in < 2 * BEFORE


def test_one_press_has_graphviz_lay_out_the_picture_and_another_goes_back(notebook: Notebook) -> None:
    cell, own = notebook.cell(0), notebook.cell(0).locator("svg.vmw-scene:not(.vmw-graphviz svg)").first
    press(notebook, 0).click()
    expect(drawn(notebook, 0)).to_be_visible()
    assert notebook.bytes_in > GRAPHVIZ
    expect(own).to_be_hidden()
    expect(drawn(notebook, 0)).to_contain_text("16 KiB")
    nodes = (
        drawn(notebook, 0)
        .locator(".node.entry[data-id^='list/']")
        .evaluate_all("(all) => all.map((one) => [one.dataset.id, one.getBoundingClientRect().x])")
    )
    order = own.locator(".node.entry[data-id^='list/']").evaluate_all("(all) => all.map((one) => one.dataset.id)")
    assert [name for name, _ in sorted(nodes, key=lambda one: one[1])] == order
    assert notebook.violations(0) == []
    press(notebook, 0).click()
    expect(own).to_be_visible()
    expect(drawn(notebook, 0)).to_have_count(0)
    assert cell.locator(".vmw-status").is_hidden()


def test_it_follows_the_steps_that_the_page_has_by_itself(notebook: Notebook) -> None:
    press(notebook, 0).click()
    new = drawn(notebook, 0).locator(".node.entry.new")
    expect(new.first).to_be_visible()
    notebook.cell(0).get_by_role("slider", name="moment").fill("0")
    expect(new).to_have_count(0)
    notebook.cell(0).get_by_role("slider", name="moment").press("End")
    expect(new.first).to_be_visible()


def test_graphvizs_drawing_follows_the_machine_and_shows_what_is_selected(notebook: Notebook) -> None:
    press(notebook, 0).click()
    expect(drawn(notebook, 0)).to_be_visible()
    loaded = notebook.bytes_in
    notebook.run("b = m.kernel_map.enter('20 KiB', prot='r')")
    expect(drawn(notebook, 0)).to_contain_text("20 KiB")
    drawn(notebook, 0).locator(".node.entry.new text").first.click()
    expect(drawn(notebook, 0).locator(".node.selected").first).to_be_visible()
    index = notebook.run("m.kernel_map")
    press(notebook, index).click()
    expect(drawn(notebook, index)).to_be_visible()
    assert notebook.bytes_in < loaded + BEFORE, "it comes once for all pictures"


def test_a_row_of_a_table_is_selected_in_graphvizs_drawing_and_in_ours(notebook: Notebook) -> None:
    index = notebook.run("t = m.task('init')\nt.write(t.mmap('8 KiB'), b'x')\nvm.Tables(t)")
    notebook.run("vm.Tables(t)")
    press(notebook, index).click()
    lines = drawn(notebook, index).locator("g.link > .line")
    expect(lines.first).not_to_have_css("stroke", "none")
    assert lines.count() == 4, "from a descriptor to each table, and from the root to itself"
    row = drawn(notebook, index).locator("g.row[data-id^='tables/slot/']").last
    row.locator("text").click()
    expect(row).to_have_class("node row selected")
    same = notebook.cell(index + 1).locator(f".vmw-scene .node[data-id='{row.get_attribute('data-id')}']")
    expect(same).to_have_class(re.compile(r"\bselected\b"))


@pytest.mark.sweep
def test_a_saved_notebook_has_nothing_of_it(notebook: Notebook, lab: Server) -> None:
    press(notebook, 0).click()
    expect(drawn(notebook, 0)).to_be_visible()
    notebook.save()
    path = notebook.page.evaluate("() => window.panel.context.path")
    assert (lab.root / path).stat().st_size < BEFORE


@pytest.mark.sweep
def test_what_a_cell_showed_is_saved_even_if_all_cells_ran_at_once(
    open_notebook: Callable[..., Notebook], new_notebook: Callable[..., str], lab: Server
) -> None:
    cells = ("vm.EntryList(m.kernel_map).graphviz()", "b = m.kernel_map.enter('20 KiB', prot='r')")
    notebook = open_notebook(new_notebook(MACHINE, *cells))
    notebook.run_all()
    expect(drawn(notebook, 1)).to_contain_text("20 KiB r--")
    path = lab.root / notebook.page.evaluate("() => window.panel.context.path")

    def saved() -> list[tuple[str, str]]:
        notebook.save()
        outputs = nbformat.read(path, as_version=4).cells[1].outputs
        return drawings_in("".join(output.get("data", {}).get("text/html", "") for output in outputs))

    for _ in range(20):
        ((alt, svg),) = saved()
        if svg.count("<svg ") == 2:
            break
        notebook.page.wait_for_timeout(250)
    assert svg.count("<svg ") == 2, "Graphviz's drawing is one of its own"
    assert ">16 KiB rw-<" in svg
    assert ">20 KiB r--<" not in svg, "a later cell's"
    assert "kernel_map" in alt


@pytest.mark.parametrize("script", [NO_WORKERS, REFUSED], ids=["no workers", "a policy against them"])
def test_where_graphviz_cannot_run_pictures_are_whole_and_the_control_says_why(
    open_notebook: Callable[..., Notebook], new_notebook: Callable[..., str], script: str
) -> None:
    opened = open_notebook(new_notebook(MACHINE), color_scheme="light")
    opened.awaited = "violates the following Content Security Policy directive"
    opened.page.evaluate(script)
    opened.run_all()
    opened.cell(0).locator(".vmw-scene .node").first.wait_for()
    if script is not NO_WORKERS:
        press(opened, 0).click()
    expect(press(opened, 0)).to_be_disabled()
    why = "its worker does not start" if script is REFUSED else "this page allows no workers"
    assert press(opened, 0).get_attribute("title") == f"Graphviz can't run in this page: {why}"
    expect(drawn(opened, 0)).to_have_count(0)


@pytest.fixture(scope="module")
def without_dot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A JupyterLab whose kernels find no program `dot`."""
    root, home = tmp_path_factory.mktemp("root"), tmp_path_factory.mktemp("home")
    with WithoutDot(root, home) as server:
        yield server


@pytest.fixture
def mission(without_dot: Server, chromium: Any) -> Iterator[Notebook]:
    with open_mission(chromium, without_dot) as notebook:
        yield notebook


def test_each_structure_is_a_live_view_that_the_page_lays_out_without_dot(mission: Notebook) -> None:
    Mission(mission).check()


LONG_CELL = """
import pathlib, time
m.kernel_map.enter("20 KiB", prot="r")
while not pathlib.Path("go on").exists():
    time.sleep(0.05)
"""


def test_the_page_draws_while_the_kernel_is_busy(
    open_notebook: Callable[..., Notebook], new_notebook: Callable[..., str], lab: Server
) -> None:
    notebook = open_notebook(new_notebook(f"{MACHINE.rstrip()}\nvm.picture(m.kernel_map).graphviz()"))
    notebook.run_all()
    expect(drawn(notebook, 0)).to_contain_text("16 KiB")
    notebook.start(LONG_CELL)
    try:
        expect(drawn(notebook, 0)).to_contain_text("20 KiB", timeout=30_000)
    finally:
        (lab.root / "go on").touch()
    notebook.wait_idle()


def test_in_a_box_and_without_workers_the_picture_is_whole(
    open_notebook: Callable[..., Notebook], new_notebook: Callable[..., str]
) -> None:
    cell = "import ipywidgets\nipywidgets.VBox([vm.picture(m.kernel_map).graphviz()])"
    opened = open_notebook(new_notebook(MACHINE, cell), color_scheme="light")
    opened.page.evaluate(NO_WORKERS)
    opened.run_all()
    expect(opened.cell(1).locator(".vmw-scene .node.entry").first).to_be_visible()
    expect(opened.cell(1).locator(".vmw-status")).to_contain_text("this page allows no workers")
