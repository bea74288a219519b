"""Walks and page tables on a page: the address dragged, a descriptor edited and undone, a Linux table explored."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.browser.lab import Notebook, more
from tests.captions import says

DATA = Path(__file__).parents[1] / "data" / "mmu"

BOOT = f"""
import vmwidgets as vm
m = vm.boot("x86-64")
w = m.walk(m.kernel_map.start)
t = vm.load_tables({str(DATA / "linux-x86_64.jsonl.gz")!r})
"""


@pytest.fixture
def notebook(open_notebook: Callable[..., Notebook], new_notebook: Callable[..., str]) -> Notebook:
    """A walk and the tables of a machine, and those of a Linux process."""
    opened = open_notebook(new_notebook(BOOT, "v = vm.Walk(w); v", "m.tables", "t"))
    opened.run_all()
    for index in (1, 2, 3):
        opened.cell(index).locator(".vmw-scene .node").first.wait_for()
    return opened


def said(notebook: Notebook, source: str) -> str:
    """What Python prints."""
    return str(notebook.outputs(notebook.run(source))[0]["text"]).strip()


def caption(notebook: Notebook, index: int) -> str:
    return str(notebook.cell(index).locator(".vmw-caption").first.inner_text())


def test_dragging_a_slice_changes_the_walk(notebook: Notebook) -> None:
    cell = notebook.cell(1)
    before = int(said(notebook, "print(int(v.address))"))
    slice_of_bits = cell.locator(".vmwidgets .node[data-id='walk/slice/1'] .shape")
    slice_of_bits.scroll_into_view_if_needed()
    box = slice_of_bits.bounding_box()
    mouse = notebook.page.mouse
    mouse.move(box["x"] + 20, box["y"] + 12)
    mouse.down()
    mouse.move(box["x"] + 35, box["y"] + 12, steps=3)
    mouse.move(box["x"] + 45, box["y"] + 12, steps=3)
    mouse.up()
    cell.locator(".vmwidgets .node[data-id='walk/slice/1'][aria-label^='index 5 ']").wait_for()
    assert int(said(notebook, "print(int(v.address))")) == before + 5 * 4096
    assert "0x10_5000" in caption(notebook, 1)


@pytest.mark.sweep
def test_arrow_keys_turn_a_slice_and_a_click_flips_a_bit(notebook: Notebook) -> None:
    cell = notebook.cell(1)
    cell.locator(".vmwidgets .node[data-id='walk/slice/1']").focus()
    for _ in range(3):
        notebook.page.keyboard.press("ArrowUp")
    cell.locator(".vmwidgets .node[data-id='walk/slice/1'][aria-label^='index 3 ']").wait_for()
    notebook.page.keyboard.press("ArrowDown")
    cell.locator(".vmwidgets .node[data-id='walk/slice/1'][aria-label^='index 2 ']").wait_for()
    cell.locator(".vmwidgets .node[data-id='walk/va/13']").click()
    cell.locator(".vmwidgets .node[data-id='walk/slice/1'][aria-label^='index 0 ']").wait_for()
    cell.locator(".vmwidgets .node[data-id='walk/va/63']").click()
    cell.locator(".vmwidgets .node.verdict.fault", has_text="#GP").wait_for()


def test_switches_ask_for_another_access(notebook: Notebook) -> None:
    cell = notebook.cell(1)
    cell.get_by_role("button", name="let user code make it").click()
    cell.locator(".vmwidgets .node.verdict.fault", has_text="protection").wait_for()
    assert cell.get_by_role("button", name="user code makes the access").get_attribute("aria-pressed") == "true"


def test_clearing_the_present_bit_faults_and_undo_restores(notebook: Notebook) -> None:
    cell = notebook.cell(1)
    before = said(notebook, "print(m.system.ram.read_word(w.steps[-1].pa, 8), m.walk(w.va) == w)")
    cell.locator(".vmwidgets .node[data-id='walk/fold']").click()
    cell.locator(".vmwidgets .node[data-id='walk/bit/0']").focus()
    notebook.page.keyboard.press("Enter")
    cell.locator(".vmwidgets .node.verdict.fault", has_text="not-present at the PTE").wait_for()
    assert says("walks: edited/reached", caption(notebook, 1))
    assert said(notebook, "print(m.walk(w.va).fault.kind, m.journal[-1].name)") == "not-present set_descriptor"
    cell.locator(".vmwidgets .node[data-id='walk/switch/undo']").click()
    cell.locator(".vmwidgets .node.verdict", has_text="Access succeeds").wait_for()
    assert said(notebook, "print(m.system.ram.read_word(w.steps[-1].pa, 8), m.walk(w.va) == w)") == before


def test_a_linux_table_opens_folds_and_is_searched_without_the_page_stalling(notebook: Notebook) -> None:
    cell, page = notebook.cell(3), notebook.page
    page.evaluate("""() => { window.gaps = [0]; let last = performance.now(); window.timer = setInterval(() => {
        const now = performance.now(); window.gaps.push(now - last); last = now; }, 20); }""")
    assert cell.locator(".vmwidgets .node.table").count() >= 4
    open_tables = cell.locator(".vmwidgets .node.table").count()
    fold = cell.locator(".vmwidgets .node.fold").first
    hidden = fold.text_content()
    fold.click()
    page.wait_for_function(
        "([cell, words]) => cell.querySelector('.node.fold')?.textContent !== words",
        arg=[cell.element_handle(), hidden],
    )
    cell.locator(".vmwidgets .node.descriptor.is-table").first.click()
    page.wait_for_function(
        "([cell, count]) => cell.querySelectorAll('.vmwidgets .node.table').length !== count",
        arg=[cell.element_handle(), open_tables],
    )
    found = "found = next(x for x in map(t.walk, (q.va for q in t.queries)) if x.page_size == 2 << 20)"
    wanted = said(notebook, f"{found}\nprint(f'{{found.va:x}} {{found.steps[-1].pa:x}}')")
    address, descriptor = wanted.split()
    begun = time.monotonic()
    more(cell).locator(".vmw-find").fill(address)
    cell.locator(".vmw-find").press("Enter")
    cell.locator(f".vmwidgets .node.descriptor.path.selected[data-thing='pte:{descriptor}']").wait_for()
    assert time.monotonic() - begun < 5
    assert "is mapped" in caption(notebook, 3)
    assert page.evaluate("() => { clearInterval(window.timer); return Math.max(...window.gaps); }") < 2000
    assert cell.locator(".vmwidgets .node").count() < 250


@pytest.mark.sweep
def test_a_column_is_walked_with_arrow_keys(notebook: Notebook) -> None:
    cell, page = notebook.cell(3), notebook.page
    first = cell.locator(".vmwidgets .node.descriptor").first
    first.focus()
    page.keyboard.press("ArrowDown")
    second = page.evaluate("() => document.activeElement.dataset.id")
    assert second == cell.locator(".vmwidgets .node.descriptor").nth(1).get_attribute("data-id")
    page.keyboard.press("ArrowRight")
    lane = page.evaluate("() => document.activeElement.getBoundingClientRect().left")
    assert lane > first.bounding_box()["x"] + 100


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
@pytest.mark.sweep
def test_walks_and_tables_are_accessible_and_keep_their_text_inside(notebook: Notebook, theme: str) -> None:
    change = "(theme) => window.jupyterapp.commands.execute('apputils:change-theme', { theme })"
    notebook.page.evaluate(change, theme)
    notebook.cell(1).locator(".vmwidgets .node[data-id='walk/fold']").click()
    notebook.cell(1).locator(".vmwidgets .node[data-id='walk/bit/1']").click()
    for index in (1, 2, 3):
        assert notebook.violations(index) == []
        assert notebook.texts_outside(index) == []


SHOOTDOWN = """
import vmwidgets as vm
m = vm.boot("x86-64", cpus=2)
task = m.task("init")
a = task.map.enter("64 KiB", object=m.object("heap"))
task.write(a, bytes(65536))
for cpu in m.cpus:
    cpu.run(task)
    for page in range(16):
        cpu.load(a + page * 4096)
"""


@pytest.mark.sweep
def test_a_shootdown_that_waits_leaves_stale_entries_until_it_is_acknowledged(
    open_notebook: Callable[..., Notebook], new_notebook: Callable[..., str]
) -> None:
    cells = (SHOOTDOWN, "m.cpus", 'vm.compare_formats([(0, "1 MiB"), (1 << 30, "1 GiB")], ("x86-64", "armv7"))')
    opened = open_notebook(new_notebook(*cells))
    opened.run_all()
    cell = opened.cell(1)
    cell.get_by_role("button", name="other processors flush when they acknowledge the request").click()
    cell.locator(".vmwidgets .node.switch.chosen", has_text="shootdown sent").wait_for()
    opened.run("task.map.remove(a, size='8 KiB')")
    cell.locator(".vmwidgets .node.slot.fault").first.wait_for()
    assert cell.locator(".vmwidgets .node.slot.fault").count() == 2
    cell.get_by_role("button", name="acknowledge it").click()
    cell.locator(".vmw-caption", has_text="acknowledge").wait_for()
    assert cell.locator(".vmwidgets .node.slot.fault").count() == 0
    for theme in ("JupyterLab Dark", "JupyterLab Light"):
        change = "(theme) => window.jupyterapp.commands.execute('apputils:change-theme', { theme })"
        opened.page.evaluate(change, theme)
        for index in (1, 2):
            opened.cell(index).locator(".vmw-scene .node").first.wait_for()
            assert opened.violations(index) == []
            assert opened.texts_outside(index) == []


@pytest.mark.sweep
def test_slices_that_share_bits_are_both_reached(
    open_notebook: Callable[..., Notebook], new_notebook: Callable[..., str]
) -> None:
    """A 64 KiB page of ARM: bits 15 to 12 are in the index and in the offset, and each slice is turned by its words."""
    boot = """
import vmwidgets as vm
both = vm.compare_formats([(0x800_0000, "128 KiB")], ["armv7", "x86-64"])
"""
    notebook = open_notebook(new_notebook(boot, "v = vm.Walk(both.tables['armv7'].walk(0x800_0000)); v"))
    notebook.run_all()
    cell = notebook.cell(1)
    offset = cell.locator(".vmwidgets .node[data-id='walk/slice/offset']")
    offset.locator(".shape").scroll_into_view_if_needed()
    box = offset.locator(".shape").bounding_box()
    mouse = notebook.page.mouse
    mouse.move(box["x"] + 20, box["y"] + box["height"] - 6)
    mouse.down()
    mouse.move(box["x"] + 50, box["y"] + box["height"] - 6, steps=6)
    mouse.up()
    cell.locator(".vmwidgets .node[data-id='walk/slice/offset'][aria-label^='offset 0x6,']").wait_for()
    cell.locator(".vmwidgets .node[data-id='walk/va/13'] .shape").click()
    cell.locator(".vmwidgets .node[data-id='walk/slice/offset'][aria-label^='offset 0x2006,']").wait_for()
    cell.locator(".vmwidgets .node[data-id='walk/slice/1'][aria-label^='index 2 ']").wait_for()
    assert said(notebook, "print(hex(v.address), v.scene().caption.text[-7:])") == "0x8002006 64 KiB."


@pytest.mark.parametrize("wide", [800, 1100])
def test_a_heading_is_broken_between_its_parts(
    wide: int, open_notebook: Callable[..., Notebook], new_notebook: Callable[..., str]
) -> None:
    boot = "import vmwidgets as vm\nm = vm.boot('x86-64-la57', cpus=2)\nlarge = [(1 << 30, '1 GiB')]"
    shown = ("vm.Tlb(m)", "vm.Tables(m)", "vm.Walk(m.walk(0))", "vm.compare_formats(large)")
    notebook = open_notebook(new_notebook(boot, *shown))
    notebook.page.set_viewport_size({"width": wide, "height": 1000})
    notebook.run_all()
    for index in range(1, 1 + len(shown)):
        header = notebook.cell(index).locator(".vmw-header").first
        header.wait_for()
        for part in ("title", "subtitle", "origin"):
            box = header.locator(f".vmw-{part}").bounding_box()
            assert box["height"] < 30, f"{shown[index - 1]}: {part} is broken"
        outer = header.bounding_box()
        buttons = [button.bounding_box() for button in header.locator(".vmw-button:visible").all()]
        assert len({button["y"] for button in buttons}) == 1, "buttons are not wrapped apart"
        right = buttons[-1]["x"] + buttons[-1]["width"]
        assert abs(right - outer["x"] - outer["width"]) < 2, "they stand at the right"
