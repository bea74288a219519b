"""The real views of a real machine on a page: right nodes, right labels, following and stepping."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.lab import Notebook, Server, more
from tests.captions import saying, says

BOOT = """
import vmwidgets as vm
m = vm.boot("x86-64")
k = m.kernel_map
for i in range(5):
    a = k.enter("16 KiB", prot=["rw", "r"][i % 2])
"""

STATE = """
import json
from vmwidgets.pictures.spaces import range_names
names = range_names(k.vm_map, k.roles)
print(json.dumps({
    "entries": {f"entry:{e.id}": names[e.id] for e in k},
    "nodes": {f"entry:{n.id}": "red" if n.red else "black" for n in k.value().nodes.values()},
    "links": len(k) - 1,
}))
"""


@pytest.fixture
def notebook(open_notebook: Callable[..., Notebook], new_notebook: Callable[..., str]) -> Notebook:
    """A machine and its pictures: the dashboard, the map, the kentry area, a walk."""
    opened = open_notebook(new_notebook(BOOT, "m", "k", "m.kentry", "m.walk(list(k)[-1].address)", "vm.Tree(k)"))
    opened.run_all()
    for index in (1, 2, 3, 4, 5):
        opened.cell(index).locator(".vmw-scene .node").first.wait_for()
    return opened


def state(notebook: Notebook) -> dict[str, Any]:
    """What the map holds, as Python says."""
    found: dict[str, Any] = json.loads(notebook.outputs(notebook.run(STATE))[0]["text"])
    return found


def drawn_tree(notebook: Notebook, index: int) -> dict[str, str]:
    """The colours of the tree's nodes in the picture of a cell."""
    script = """(cell) => Object.fromEntries([...cell.querySelectorAll('.vmwidgets .node.tree-node')]
        .map((node) => [node.dataset.thing, node.classList.contains('red') ? 'red' : 'black']))"""
    return dict(notebook.cell(index).evaluate(script))


def drawn_names(notebook: Notebook, index: int) -> dict[str, str]:
    """The name that each card of the entry list shows."""
    script = """(cell) => Object.fromEntries([...cell.querySelectorAll('.vmwidgets .node.entry[data-thing]')]
        .map((node) => [node.dataset.thing, node.querySelector('text').textContent]))"""
    return dict(notebook.cell(index).evaluate(script))


def caption(notebook: Notebook, index: int) -> str:
    return str(notebook.cell(index).locator(".vmw-caption").first.inner_text())


REMOVED = saying("map operations: remove", 1, size="4 KiB", map="kernel_map").removesuffix(" in kernel_map.")
"""What a picture of this map says, whose heading has the map's name."""


@pytest.mark.sweep
def test_a_selection_ends_by_a_click_on_it_or_on_the_ground(notebook: Notebook) -> None:
    tree = notebook.cell(5).locator(".vmwidgets")
    node, selected = tree.locator(".node.tree-node").first, notebook.page.locator(".vmwidgets .node.selected")
    for end in (node.click, lambda: tree.locator(".vmw-scene").click(position={"x": 2, "y": 2})):
        node.click()
        expect(node).to_have_class(re.compile(r"\bselected\b"))
        assert selected.count() > 1, "in other pictures too"
        end()
        expect(selected).to_have_count(0)


def test_every_view_shows_what_the_machine_holds(notebook: Notebook) -> None:
    truth = state(notebook)
    for index in (1, 2, 5):
        assert drawn_tree(notebook, index) == truth["nodes"]
        assert notebook.cell(index).locator(".vmwidgets .link.tree").count() == truth["links"]
    for index in (1, 2):
        assert drawn_names(notebook, index) == truth["entries"]
        ranges = notebook.cell(index).locator(".vmwidgets .node.range")
        assert {node.get_attribute("data-thing") for node in ranges.all()} == set(truth["entries"])
    slots = notebook.cell(3).locator(".vmwidgets .node.slot.taken[data-thing^='entry:']")
    assert slots.count() == len(truth["entries"]) - 2, "all but the two static ones live in slots"
    assert notebook.cell(4).locator(".vmwidgets .node.table").count() == 4
    assert notebook.cell(4).locator(".vmwidgets .node.verdict", has_text="Access succeeds").count() == 1


@pytest.mark.sweep
def test_a_later_cell_changes_every_earlier_picture(notebook: Notebook) -> None:
    notebook.run("new = k.enter('8 KiB', prot='rx')\nk.remove(a, size='4 KiB')")
    truth = state(notebook)
    for index in (1, 2, 5):
        assert drawn_tree(notebook, index) == truth["nodes"]
    assert drawn_names(notebook, 2) == truth["entries"]
    assert caption(notebook, 2).startswith(REMOVED)
    assert caption(notebook, 2).endswith(" vm_map_remove"), "what all of its changes share"


@pytest.mark.sweep
def test_no_text_sticks_out_of_its_box(notebook: Notebook) -> None:
    for index in (1, 2, 3, 4, 5):
        assert notebook.texts_outside(index) == []
    notebook.run("for i in range(150): k.enter('4 KiB', prot=['rw', 'r', 'rx'][i % 3])")
    for index in (1, 2, 5):
        assert notebook.texts_outside(index) == []


def test_an_insertion_is_stepped_through_in_the_picture(notebook: Notebook) -> None:
    before = drawn_tree(notebook, 5)
    notebook.run("k.enter('4 KiB', prot='rx')")
    after = drawn_tree(notebook, 5)
    (new,) = set(after) - set(before)
    cell = notebook.cell(5)
    back = cell.get_by_role("button", name="back", exact=True).first
    seen: list[tuple[str, bool, str]] = []
    for _ in range(40):
        where = cell.locator(".vmw-where").inner_text()
        seen.append((where, new in drawn_tree(notebook, 5), caption(notebook, 5)))
        if " step 0 of " in where:
            break
        back.dispatch_event("click")  # pictures above may move it between a press and its release
        cell.locator(".vmw-where", has_text="step").wait_for()
        notebook.page.wait_for_function(
            "([cell, old]) => cell.querySelector('.vmw-where').textContent !== old",
            arg=[cell.element_handle(), where],
        )
        cell.locator(".vmw-time:not([aria-busy])").first.wait_for()  # and the picture has come
    assert " step 0 of " in seen[-1][0]
    assert drawn_tree(notebook, 5) == before
    hung = next(i for i, (_, _, said) in enumerate(seen) if says("map events: TreeLinked/right", said))
    compared = next(i for i, (_, _, said) in enumerate(seen) if says("map events: TreeCompared/right", said))
    assert hung < compared, "backwards: the node is hung before its path is compared"
    assert all(present for _, present, _ in seen[: hung + 1])
    assert not any(present for _, present, _ in seen[hung + 1 :])


def test_a_click_on_an_entry_selects_its_node_in_every_picture(notebook: Notebook) -> None:
    thing = next(iter(state(notebook)["entries"]))
    notebook.cell(2).locator(f".vmwidgets .node.entry[data-thing='{thing}']").click()
    for index in (1, 2, 5):
        chosen = notebook.cell(index).locator(".vmwidgets .node.tree-node.selected")
        chosen.wait_for()
        assert chosen.get_attribute("data-thing") == thing


@pytest.mark.sweep
def test_ten_thousand_operations_end_with_the_right_picture_and_a_page_that_answered(notebook: Notebook) -> None:
    page = notebook.page
    page.evaluate("""() => { window.answers = 0; window.timer = setInterval(() => { window.answers += 1; }, 50); }""")
    notebook.run("for i in range(5000):\n    at = k.enter('4 KiB', prot='rx')\n    k.remove(at, size='4 KiB')")
    assert page.evaluate("() => { clearInterval(window.timer); return window.answers; }") >= 5
    truth = state(notebook)
    for index in (1, 2, 5):
        assert drawn_tree(notebook, index) == truth["nodes"]
    assert caption(notebook, 2).startswith(REMOVED)


def test_a_machine_booted_again_leaves_the_earlier_pictures_and_says_so(notebook: Notebook) -> None:
    drawn = drawn_tree(notebook, 2)
    notebook.run('m = vm.boot("x86-64")\nk = m.kernel_map')
    notebook.cell(2).locator(".vmw-origin", has_text="m is machine 2 now").wait_for()
    assert drawn_tree(notebook, 2) == drawn


@pytest.mark.sweep
def test_a_dead_machine_is_shown_dead(notebook: Notebook) -> None:
    notebook.run(
        "try:\n    m.unchecked.vm_map_enter(k, 0, 5, 0, 0x277)\nexcept vm.KernelPanic as panic:\n    print(panic)"
    )
    assert "size_unaligned" in caption(notebook, 1)
    assert notebook.cell(1).locator(".vmw-caption.panic").count() == 1


def test_a_fold_opens_where_it_is_clicked(notebook: Notebook) -> None:
    notebook.run("for i in range(500): k.enter('4 KiB', prot=['rw', 'r', 'rx'][i % 3])")
    fold = notebook.cell(5).locator(".vmwidgets .node.fold").first
    identity = fold.get_attribute("data-thing").removeprefix("fold:")
    assert identity not in {thing.removeprefix("entry:") for thing in drawn_tree(notebook, 5)}
    fold.click()
    notebook.cell(5).locator(f".vmwidgets .node.fold[data-thing='fold:{identity}']").wait_for(state="detached")
    notebook.run(f"selected = vm.Tree(k); selected.selection = 'entry:{identity}'")  # what is selected has an element
    notebook.cell(5).locator(f".vmwidgets .node.tree-node.selected[data-thing='entry:{identity}']").wait_for()


@pytest.mark.sweep
def test_an_address_that_is_typed_is_found_in_a_folded_picture(notebook: Notebook) -> None:
    notebook.run("for i in range(500): k.enter('8 KiB', prot=['rw', 'r', 'rx'][i % 3])\nwanted = list(k)[137]")
    found = notebook.outputs(notebook.run("print(wanted.id, f'{wanted.start + 4096 & 0xffffffff:x}')"))[0]["text"]
    identity, digits = found.split()
    cell = notebook.cell(2)
    assert cell.locator(f".vmwidgets .node[data-thing='entry:{identity}']").count() == 0
    more(cell).locator(".vmw-find").fill(digits)
    cell.locator(".vmw-find").press("Enter")
    cell.locator(f".vmwidgets .node.tree-node.selected[data-thing='entry:{identity}']").wait_for()
    more(cell).locator(".vmw-find").fill("over there")
    cell.locator(".vmw-find").press("Enter")
    cell.locator(".vmw-status", has_text="nothing in this picture is called 'over there'").wait_for()


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
@pytest.mark.sweep
def test_pictures_are_accessible_in_both_themes(notebook: Notebook, theme: str) -> None:
    change = "(theme) => window.jupyterapp.commands.execute('apputils:change-theme', { theme })"
    notebook.page.evaluate(change, theme)
    notebook.run("k.enter('4 KiB', prot='rx')")
    for index in (1, 3, 4):
        assert notebook.violations(index) == []


def test_a_saved_notebook_beside_a_live_one_shows_its_own_pictures(
    notebook: Notebook, open_notebook: Callable[..., Notebook], lab: Server
) -> None:
    notebook.save()
    source = lab.root / notebook.page.evaluate("() => window.panel.context.path")
    (lab.root / "never-run.ipynb").write_text(source.read_text())
    saved = open_notebook("never-run.ipynb")
    saved.awaited = "model not found"  # JupyterLab's own lines, once for each picture
    picture = saved.cell(2).locator(".vmw-saved .vmw-scene")
    picture.wait_for()
    box = picture.bounding_box()
    assert box is not None
    assert box["width"] > 500
    assert box["height"] > 200
    where = saved.cell(2).locator(".vmw-saved .vmw-where")
    step, count = map(int, re.findall(r"step (\d+) of (\d+)", where.inner_text())[0])
    assert step == count
    saved.cell(2).get_by_role("button", name="back", exact=True).click()
    assert f"step {count - 1} of {count}" in where.inner_text()
    assert notebook.cell(2).locator(".vmwidgets .node").count() > 20
    assert f"step {count} of {count}" in notebook.cell(2).locator(".vmw-where").first.inner_text()
