"""A self-paging domain on a page: what a later cell maps is selected together, its calls are stepped through."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.browser.lab import Notebook, more

BOOT = """
import vmwidgets as vm
m = vm.boot("armv7")
d = m.domain("hello")
f = d.frame("2 MiB")
a = d.map(f, size="8 KiB")
t = m.task("init")
t.write(t.map.enter("8 KiB", object=m.object("memory")), b"x")
a = d.map(f, at=0x5000_0000, size="4 KiB", flags="r")
"""

SHOWN = (1, 2, 3, 4, 5, 6)


@pytest.fixture
def notebook(open_notebook: Callable[..., Notebook], new_notebook: Callable[..., str]) -> Notebook:
    """A domain with two mappings, in all pictures that there are of it."""
    parts = ("d", "m", "vm.Vnodes(d)", "vm.Capabilities(d)", "vm.SlabLevels(d)", "vm.compare_paging(t, d)")
    opened = open_notebook(new_notebook(BOOT, *parts))
    opened.run_all()
    for index in SHOWN:
        opened.cell(index).locator(".vmw-scene .node").first.wait_for()
    return opened


def test_a_map_in_a_cell_adds_a_vnode_and_a_descriptor_selected_together(notebook: Notebook) -> None:
    leaf = "next(n for t in d.snapshot().root.children for n in t.children if n.va == b)"
    index = notebook.run(f"b = d.map(f, at=0x5000_4000, size='4 KiB'); n = {leaf}; print(n.id, f'{{n.descriptor:#x}}')")
    identity, word = str(notebook.outputs(index)[0]["text"]).split()
    for cell in (1, 2):
        fresh = notebook.cell(cell).locator(f".vmwidgets .node.new[data-thing='vnode:{identity}']")
        fresh.first.wait_for()
        kinds = fresh.evaluate_all("(nodes) => nodes.map((node) => node.getAttribute('class').split(' ')[1]).sort()")
        assert kinds == ["hardware", "vnode"]
        hardware = notebook.cell(cell).locator(f".vmwidgets .node.hardware[data-thing='vnode:{identity}']")
        assert f"page → 0x{int(word, 16) & ~0xFFF:_x}" in (hardware.text_content() or "")
    notebook.cell(1).locator(f".vmwidgets .node.vnode[data-thing='vnode:{identity}']").click()
    for cell, many in ((1, 2), (2, 2), (3, 2), (4, 1)):
        notebook.cell(cell).locator(".vmwidgets .node.selected").first.wait_for()
        selected = notebook.cell(cell).locator(".vmwidgets .node.selected")
        things = selected.evaluate_all("(nodes) => nodes.map((node) => node.dataset.thing)")
        assert things == [f"vnode:{identity}"] * many


def test_a_click_on_a_call_goes_to_the_moment_after_it(notebook: Notebook) -> None:
    notebook.run("c = d.map(f, at=0x5100_0000, size='4 KiB')")
    cell = notebook.cell(1)
    cell.locator(".vmw-caption", has_text="0x5100_0000").wait_for()
    fresh = cell.locator(".vmwidgets .node.hardware.new")
    things = fresh.evaluate_all("(nodes) => nodes.map((node) => node.dataset.thing)")
    assert len(things) == 2, "a table and a leaf"
    cell.locator(".vmwidgets .node.call", has_text="vnode_create").click()
    cell.locator(".vmw-caption", has_text="L2 table").wait_for()
    assert cell.locator(".vmwidgets .node.call.path").text_content() is not None
    assert cell.locator(".vmwidgets .node.call.coming").count() > 0
    for thing in things:  # neither the table nor the leaf is in the tree yet
        assert cell.locator(f".vmwidgets .node.hardware[data-thing='{thing}']").count() == 0
    cell.get_by_role("button", name="forward", exact=True).first.click()
    cell.locator(".vmwidgets .node.hardware.is-invalid").wait_for()


@pytest.mark.sweep
def test_refills_inside_refills_are_drawn_inside_each_other(notebook: Notebook) -> None:
    notebook.run("c = d.map(d.device_frame(0xA0000000, '60 MiB'))")
    frames = notebook.cell(1).locator(".vmwidgets .node.refill")
    frames.nth(1).wait_for()
    boxes = [frames.nth(number).bounding_box() for number in (0, 1)]
    outer, inner = sorted((box for box in boxes if box), key=lambda box: -box["width"])
    assert outer["x"] < inner["x"]
    assert inner["x"] + inner["width"] < outer["x"] + outer["width"]
    assert outer["y"] < inner["y"]
    assert inner["y"] + inner["height"] <= outer["y"] + outer["height"] + 1


@pytest.mark.sweep
def test_addresses_are_found_where_there_are_some_and_names_everywhere(notebook: Notebook) -> None:
    for index in SHOWN:
        cell = notebook.cell(index)
        more(cell).locator(".vmw-find").fill("0x6000_0000")
        cell.locator(".vmw-find").press("Enter")
        refused = cell.locator(".vmw-status", has_text="nothing in this picture is called '0x6000_0000'")
        if index in (1, 2, 3):  # where the tree is drawn
            notebook.run("pass")
            assert refused.count() == 0
        else:
            refused.wait_for()


@pytest.mark.sweep
def test_no_text_sticks_out_of_its_box(notebook: Notebook) -> None:
    notebook.run("d.map(f, at=0x60000000, flags='rw large'); d.map(f, at=0x70000000, flags='rwx nocache')")
    for index in SHOWN:
        assert notebook.texts_outside(index) == []


@pytest.mark.sweep
def test_pictures_are_accessible_in_the_dark_too(notebook: Notebook) -> None:
    """Each kind of picture in three themes is in test_access.py; here are states that are not there."""
    change = "(theme) => window.jupyterapp.commands.execute('apputils:change-theme', { theme })"
    notebook.page.evaluate(change, "JupyterLab Dark")
    notebook.run(
        "s = d.domain.slots.free_slots; d.take_slots(s - 5)\ntry: d.map(f, at=0x60000000)\nexcept vm.KernelError: pass"
    )
    notebook.cell(1).locator(".vmwidgets .node.fault").first.wait_for()
    for index in SHOWN:
        assert notebook.violations(index) == []
