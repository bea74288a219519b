"""One picture alone on the screen: as large as it fits, with a clicker's keys, and back where it was."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.lab import Notebook

BOOT = """
import vmwidgets as vm
m = vm.boot("x86-64")
s = m.task("init").map
for i in range(6):
    s.enter("16 KiB", at=0x10_0000 + i * 0x10_0000, prot=["rw", "r"][i % 2])
tree = vm.Tree(s)
tree
"""

SEEN = """(root) => {
    const size = (element) => element.getBoundingClientRect();
    const shown = (selector) => [...root.querySelectorAll(selector)].filter((one) => size(one).width > 0).length;
    const scene = size(root.querySelector('.vmw-scene'));
    const top = document.elementFromPoint(innerWidth / 2, innerHeight / 2);
    return { filled: root.classList.contains('vmw-filled'),
             controls: shown('button:not(.vmw-function-name), select, input, details'),
             wide: size(root).width, high: size(root).height, bottom: scene.bottom, right: scene.right,
             larger: Math.min(scene.width / 900, 9), on_top: root.contains(top) };
}"""


@pytest.fixture
def notebook(open_notebook: Callable[..., Notebook], new_notebook: Callable[..., str]) -> Notebook:
    opened = open_notebook(new_notebook(BOOT), viewport={"width": 1920, "height": 1080})
    opened.run_all()
    opened.cell(0).locator(".vmw-scene .node").first.wait_for()
    return opened


def seen(notebook: Notebook) -> dict[str, Any]:
    found: dict[str, Any] = notebook.cell(0).locator(".vmwidgets").first.evaluate(SEEN)
    return found


def where(notebook: Notebook) -> str:
    return str(notebook.cell(0).locator(".vmw-where").first.text_content())


def stepped(notebook: Notebook, key: str) -> str:
    """Where the picture is after a key that moves it."""
    before = where(notebook)
    notebook.page.keyboard.press(key)
    script = "(before) => document.querySelector('.vmwidgets .vmw-where').textContent !== before"
    notebook.page.wait_for_function(script, arg=before)
    return where(notebook)


def test_f_fills_the_screen_and_a_clicker_steps(notebook: Notebook) -> None:
    root = notebook.cell(0).locator(".vmwidgets").first
    before = root.bounding_box()
    root.focus()
    notebook.page.keyboard.press("f")
    notebook.page.wait_for_function("() => document.querySelector('.vmw-filled')")
    notebook.page.wait_for_function(
        "() => document.querySelector('.vmw-filled .vmw-scene').viewBox.baseVal.width === 760"
    )
    filled = seen(notebook)
    room = notebook.page.evaluate("() => [innerWidth, innerHeight]")
    assert [filled["wide"], filled["high"]] == room
    assert filled["controls"] == 0
    assert filled["on_top"]
    assert filled["bottom"] <= room[1]
    assert filled["right"] <= room[0]
    there = where(notebook)
    assert stepped(notebook, "PageUp") != there
    assert stepped(notebook, "PageDown") == there
    assert stepped(notebook, "[") != there
    assert stepped(notebook, "ArrowDown") == there
    for key in (".", "b"):
        notebook.page.keyboard.press(key)
        assert not root.locator(".vmw-caption").is_visible()
        notebook.page.keyboard.press(key)
        assert root.locator(".vmw-caption").is_visible()
    notebook.page.evaluate("() => { window.same = true; }")
    notebook.page.keyboard.press("F5")
    assert notebook.page.evaluate("() => window.same") is True
    notebook.page.keyboard.press("f")
    notebook.page.wait_for_function("() => !document.querySelector('.vmw-filled')")
    assert where(notebook) == there
    notebook.page.wait_for_function("() => document.querySelector('.vmw-scene').viewBox.baseVal.width > 760")
    assert root.bounding_box()["width"] == before["width"]


def test_code_fills_the_window_and_the_picture_follows(notebook: Notebook) -> None:
    notebook.run("tree.present()")
    notebook.page.wait_for_function("() => document.querySelector('.vmw-filled')")
    assert seen(notebook)["on_top"]
    before = where(notebook)
    notebook.start("s.enter('4 KiB')")
    script = "(before) => document.querySelector('.vmw-filled .vmw-where').textContent !== before"
    notebook.page.wait_for_function(script, arg=before)
    notebook.page.keyboard.press("Escape")
    notebook.page.wait_for_function("() => !document.querySelector('.vmw-filled')")


@pytest.mark.sweep
def test_code_fills_the_window_with_a_picture_that_its_page_has_not_made_yet(notebook: Notebook) -> None:
    notebook.start("again = vm.Tree(s)\nagain")  # both wait in line, as when all cells are run
    notebook.start("again.present()")
    notebook.page.wait_for_function("() => document.querySelector('.vmw-filled')")
    notebook.wait_idle()
    notebook.page.keyboard.press("Escape")
    notebook.page.wait_for_function("() => !document.querySelector('.vmw-filled')")


FILLED = "() => document.querySelector('.vmw-filled')"


STILL = """() => {
    const { x, y, width, height } = document.querySelector('.vmw-filled .vmw-scene .tree-node').getBoundingClientRect();
    const place = [x, y, width, height].join(), known = window.placeSeen;
    if (known?.place !== place) window.placeSeen = { place, since: performance.now() };
    return known?.place === place && performance.now() - known.since > 500;
}"""
"""Whether the picture that fills the screen has stood still for half a second."""


def fill(notebook: Notebook) -> None:
    notebook.cell(0).locator(".vmwidgets").first.focus()
    notebook.page.keyboard.press("f")
    notebook.page.wait_for_function(FILLED)


def to_beginning_before(notebook: Notebook) -> None:
    """To the beginning of the latest operation, and from there to that of the one before."""
    for place in ("operation 7 of 7 · step 0", "operation 6 of 7 · step 0"):
        notebook.page.keyboard.press("{")
        script = "(place) => { const time = document.querySelector('.vmw-filled .vmw-time'); "
        script += "return !time.ariaBusy && time.querySelector('.vmw-where').textContent.startsWith(place); }"
        notebook.page.wait_for_function(script, arg=place)


def test_pointing_at_a_thing_dims_the_others_while_presenting(notebook: Notebook) -> None:
    nodes = notebook.cell(0).locator(".vmw-scene .node.tree-node")
    notebook.page.add_style_tag(content=".vmw-scene .node { transition: none !important; }")
    nodes.first.hover()
    expect(nodes.last).to_have_css("opacity", "1")  # it is not alone on the screen
    fill(notebook)
    notebook.page.wait_for_function("() => document.fullscreenElement !== null")
    notebook.page.wait_for_function(STILL)  # what moves away from under the pointer is not pointed at
    nodes.first.hover()
    for index in range(nodes.count()):
        expect(nodes.nth(index)).to_have_css("opacity", "0.35" if index else "1")
    notebook.page.mouse.move(2, 2)
    for index in range(nodes.count()):
        expect(nodes.nth(index)).to_have_css("opacity", "1")


def test_a_key_brings_the_whole_screen_and_escape_leaves_it(notebook: Notebook) -> None:
    fill(notebook)
    notebook.page.wait_for_function("() => document.fullscreenElement !== null")
    assert seen(notebook)["on_top"]
    notebook.page.keyboard.press("Escape")
    notebook.page.wait_for_function("() => !document.querySelector('.vmw-filled') && !document.fullscreenElement")


def test_a_second_window_says_what_is_shown_and_what_comes_next(notebook: Notebook) -> None:
    fill(notebook)
    with notebook.page.expect_popup() as popup:
        notebook.page.keyboard.press("n")
    window = popup.value
    expect(window.locator("#where")).to_contain_text("operation 7 of 7")
    expect(window.locator("#clock")).to_contain_text("0:0")
    to_beginning_before(notebook)
    expect(window.locator("#where")).to_contain_text("operation 6 of 7")
    expect(window.locator("#next")).to_contain_text("Next: 7 · enter 16 KiB r at 0x60_0000")
    window.keyboard.press("PageDown")
    expect(window.locator("#where")).to_contain_text("step 1 of")
    notebook.run("m.mark('<b>here</b>')")
    notebook.page.keyboard.press("}")
    expect(window.locator("#notes")).to_have_text("<b>here</b>")
    notebook.run("tree.present(notes={'<b>here</b>': 'Ask <i>who</i> copies.', 'there': 'later'})")
    expect(window.locator("#notes")).to_have_text("<b>here</b>: Ask <i>who</i> copies.")
    notebook.page.keyboard.press("Escape")
    notebook.page.wait_for_function("() => !document.querySelector('.vmw-filled')")
    assert window.is_closed() or window.wait_for_event("close")


def test_the_newest_picture_follows_unless_one_is_held(notebook: Notebook) -> None:
    fill(notebook)
    index = notebook.run("vm.EntryList(s)")
    notebook.page.wait_for_function(f"() => {where_filled(index)}")
    notebook.page.wait_for_function("() => document.fullscreenElement !== null")
    notebook.page.keyboard.press("h")
    notebook.run("vm.Ribbon(s)")
    notebook.page.wait_for_timeout(500)
    assert notebook.page.evaluate(f"() => {where_filled(index)}")
    notebook.page.keyboard.press("h")
    notebook.run_again(0)
    notebook.page.wait_for_function(f"() => {where_filled(0)}")


def where_filled(index: int) -> str:
    """Whether the picture of a cell fills the screen, in the page's words."""
    return f"document.querySelectorAll('.jp-Notebook .jp-Cell')[{index}].querySelector('.vmw-filled') !== null"


@pytest.mark.sweep
def test_a_reload_while_presenting_comes_back_where_it_was(notebook: Notebook) -> None:
    fill(notebook)
    to_beginning_before(notebook)
    notebook.save()
    notebook.reload()
    notebook.page.wait_for_function(FILLED)
    notebook.page.wait_for_function(
        "() => document.querySelector('.vmw-filled .vmw-where').textContent.startsWith('operation 6 of 7 · step 0')"
    )
    whole = "document.fullscreenElement !== null"
    notebook.page.wait_for_function(f"() => {whole} || document.querySelector('.vmw-filled').dataset.window === 'only'")
    if not notebook.page.evaluate(f"() => {whole}"):
        notebook.page.keyboard.press("f")
        notebook.page.wait_for_function(f"() => {whole}")
    assert seen(notebook)["on_top"]
