"""Pictures inside other widgets: `interact`, an `Output`, boxes, tabs, an accordion; drawn by a fake machine."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.lab import Notebook, Server
from tests.browser.test_transport import SETUP, caption, twin


@pytest.fixture
def notebook(open_notebook: Callable[..., Notebook], new_notebook: Callable[..., str]) -> Notebook:
    opened = open_notebook(new_notebook(f"import ipywidgets as w\n{SETUP}"))
    opened.run_all()
    return opened


def test_interact_shows_its_slider_and_its_picture(notebook: Notebook) -> None:
    index = notebook.run("def f(times=(1, 9)):\n    m.operate(times)\n    return FakeTree(m)\nw.interact(f)")
    cell = notebook.cell(index)
    cell.locator(".vmw-scene .node").first.wait_for(state="visible")
    assert cell.locator(".widget-slider").is_visible()
    assert twin(notebook, index).count() == 2, "in the output of the slider, and in the notebook"
    assert not any(one.is_visible() for one in twin(notebook, index).all())
    cell.locator(".widget-readout").click()
    notebook.page.keyboard.press("Control+A")
    notebook.page.keyboard.type("7")
    notebook.page.keyboard.press("Enter")
    cell.locator(".vmw-caption b", has_text="Operation 12 is done.").wait_for()
    notebook.wait_idle()
    assert cell.locator(".vmw-scene").count() == 1
    assert cell.locator(".widget-slider").is_visible()
    assert not any(one.is_visible() for one in twin(notebook, index).all())
    notebook.run("m.operate()")
    assert caption(notebook, index) == "Operation 13 is done."


@pytest.mark.sweep
def test_an_output_among_other_widgets_shows_all_of_them(notebook: Notebook) -> None:
    index = notebook.run(
        "out = w.Output()\nwith out:\n    print('before')\n    display(FakeTree(m))\n"
        "w.Tab([w.VBox([w.Label('beside'), out])])"
    )
    cell = notebook.cell(index)
    cell.locator(".vmw-scene .node").first.wait_for(state="visible")
    assert cell.locator(".widget-label", has_text="beside").is_visible()
    assert cell.locator("pre", has_text="before").is_visible()
    assert not any(one.is_visible() for one in twin(notebook, index).all())


def test_one_view_in_a_cell_and_in_an_output_hides_all_twins(notebook: Notebook) -> None:
    index = notebook.run("out = w.Output()\ntree = FakeTree(m)\ndisplay(tree, out)\nwith out:\n    display(tree)")
    cell = notebook.cell(index)
    cell.locator(".vmw-scene").nth(1).wait_for(state="visible")
    assert cell.locator(".vmw-scene").first.is_visible()
    assert twin(notebook, index).count() == 3
    assert not any(one.is_visible() for one in twin(notebook, index).all())


BOXES = """
trees = [FakeTree(m) for _ in range(6)]
inner = w.Tab([trees[3], w.VBox([w.Label('a label'), trees[4]])], titles=['a tab', 'another tab'])
w.VBox([w.HBox(trees[:2]), w.Accordion([trees[2]], titles=['a part']), inner, w.GridBox([trees[5]])])
"""


def test_pictures_in_boxes_are_live_once_and_stay_when_the_notebook_is_reopened(
    notebook: Notebook, open_notebook: Any, lab: Server
) -> None:
    index = notebook.run(BOXES)
    cell = notebook.cell(index)
    cell.locator(".vmw-scene .node").first.wait_for(state="visible")
    twins = twin(notebook, index)
    assert twins.count() == 6
    expect(twins.locator("visible=true")).to_have_count(0)
    assert not cell.locator("[data-vmwidgets-box]").is_visible()
    live = [round(one.bounding_box()["width"]) for one in cell.locator(".vmw-scene").all()[:2]]
    notebook.save()
    path = notebook.page.evaluate("() => window.panel.context.path")
    (lab.root / "boxes.ipynb").write_bytes((lab.root / path).read_bytes())
    reopened = open_notebook("boxes.ipynb")
    reopened.awaited = "model not found"
    saved = twin(reopened, index)
    saved.locator("img").last.wait_for(state="visible")
    assert saved.count() == 6
    for one in saved.all():
        expect(one).to_be_visible()
        expect(one).to_contain_text("run the cells to step again")
    for words in ("a part", "a tab", "another tab", "a label"):
        expect(reopened.cell(index).locator("[data-vmwidgets-box]").get_by_text(words, exact=True)).to_be_visible()
    boxes = [one.bounding_box() for one in saved.locator("img").all()]
    assert [round(box["width"]) for box in boxes[:2]] == live
    assert boxes[0]["y"] == boxes[1]["y"], "side by side"
    assert boxes[0]["x"] + boxes[0]["width"] <= boxes[1]["x"]
    expect(reopened.page.get_by_text("model not found").locator("visible=true")).to_have_count(0)


NESTED = """
import ipywidgets as w
import vmwidgets as vm
machine = vm.boot("x86-64")
task = machine.task("init")
start = task.mmap("64 KiB")
task.write(start, b"x" * 9000)
child = task.fork("child")
child.write(start, b"own")
late, early = w.Output(), w.Output()
with early:
    display(vm.Sharing(machine))
w.interact(lambda which: [vm.Fault(machine), vm.Objects(machine)][which], which=(0, 1))
display(late, w.HBox([w.VBox([early])]), w.Tab([vm.Tables(child), w.VBox([vm.Tlb(machine.cpus)])]))
with late:
    display(vm.Map(child.map))
"""


@pytest.mark.parametrize("trusted", [True, pytest.param(False, marks=pytest.mark.sweep)])
def test_pictures_inside_of_outputs_are_saved_and_step_where_scripts_run(
    notebook: Notebook, open_notebook: Any, lab: Server, trusted: bool
) -> None:
    index = notebook.run(NESTED)
    notebook.run("with early:\n    display(vm.Frames(machine))")
    notebook.cell(index).locator(".vmw-scene .node").first.wait_for(state="visible")
    notebook.cell(index).locator(".widget-readout").click()
    notebook.page.keyboard.press("Control+A")
    notebook.page.keyboard.type("1")
    notebook.page.keyboard.press("Enter")
    notebook.cell(index).locator(".vmw-title", has_text="memory objects").wait_for()
    notebook.page.wait_for_timeout(1000)  # what is saved beside it follows a little later
    assert not any(one.is_visible() for one in twin(notebook, index).all())
    notebook.save()
    path = notebook.page.evaluate("() => window.panel.context.path")
    text = (lab.root / path).read_text()
    (lab.root / "nested.ipynb").write_text(text if trusted else text.replace("64 KiB", "64  KiB"))
    reopened = open_notebook("nested.ipynb")
    reopened.awaited = "model not found"
    images, saved = reopened.cell(index).locator("img[alt]"), twin(reopened, index)
    images.last.wait_for(state="attached")
    kinds = ("memory objects", "map of child", "frames by page table", "page tables of child", "TLB", "physical memory")
    named = [one.get_attribute("alt") for one in images.all()]
    assert all(any(kind in alt for alt in named) for kind in kinds)
    if not trusted:
        reopened.page.wait_for_timeout(1500)
        assert [one.is_visible() for one in images.all()] == [True] * 6
        assert reopened.page.locator(".vmw-saved").count() == 0
        return
    for one in saved.all():
        one.scroll_into_view_if_needed()
        where = one.locator(".vmw-where")
        where.wait_for()
        before = where.inner_text()
        one.get_by_role("button", name="back", exact=True).click()
        expect(where).not_to_have_text(before)
        one.get_by_role("button", name="forward", exact=True).click()
    expect(reopened.page.get_by_text("model not found").locator("visible=true")).to_have_count(0)


EMPTY = """
import ipywidgets as w
import vmwidgets as vm
from IPython.display import display
empty, button = w.Output(), w.Button(description="draw")

def draw(_=None):
    with empty:
        display(vm.Tree(vm.boot("x86-64").kernel_map))

button.on_click(draw)
display(w.VBox([button, empty]))
"""


@pytest.mark.sweep
@pytest.mark.parametrize("pressed", [False, True])
def test_what_comes_later_into_an_empty_output_is_saved_below_it(
    notebook: Notebook, open_notebook: Any, lab: Server, pressed: bool
) -> None:
    """By a later cell, or by the press of a button."""
    first = notebook.run(EMPTY)
    assert twin(notebook, first).count() == 0
    child = notebook.cell(first).locator(".jp-OutputArea-child:has([data-vmwidgets-kept])")
    assert not child.is_visible(), "the place that is kept takes no room"
    if pressed:
        notebook.cell(first).get_by_role("button", name="draw").click()
    else:
        notebook.run("draw()")
    notebook.cell(first).locator(".vmw-scene .node").first.wait_for(state="visible")
    notebook.page.wait_for_timeout(1000)
    assert [one.is_visible() for one in twin(notebook, first).all()] == [False, False], "in the output, and beside it"
    notebook.save()
    path = notebook.page.evaluate("() => window.panel.context.path")
    shutil.copy(lab.root / path, lab.root / "empty.ipynb")
    reopened = open_notebook("empty.ipynb")
    reopened.awaited = "model not found"
    saved = twin(reopened, first)
    saved.first.wait_for(state="visible")
    where = saved.locator(".vmw-where")
    before = where.inner_text()
    saved.get_by_role("button", name="back", exact=True).click()
    expect(where).not_to_have_text(before)
