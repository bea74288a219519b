"""Pictures on pages of several widths: full-size words, equal halves, larger for a lecture room."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.lab import Notebook

BOOT = """
import vmwidgets as vm, ipywidgets
m = vm.boot("x86-64")
k = m.kernel_map
for i in range(5):
    a = k.enter("16 KiB", prot=["rw", "r"][i % 2])
"""

SIZES = """(cell) => [...cell.querySelectorAll('.vmwidgets svg.vmw-scene')].map((svg) => {
    const drawn = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
    const words = [...svg.querySelectorAll('text')].map((text) => parseFloat(getComputedStyle(text).fontSize) * drawn);
    return { width: svg.viewBox.baseVal.width, drawn, least: Math.min(...words) };
})"""

LEAST = 12.9
"""Pixels that words of a picture have at least: 13, but for rounding."""

EDGES = """(cell) => {
    const left = (one) => one.getBoundingClientRect().left;
    const drawn = [...cell.querySelectorAll('.vmw-scene .node > .shape, .vmw-scene .node > text')].map(left);
    const words = [...cell.querySelectorAll('.vmw-caption, .vmw-time, .vmw-foot, .vmw-footer')];
    return [Math.min(...drawn), ...words.filter((one) => one.checkVisibility()).map(left)];
}"""
"""Where a picture and each row of words and controls around it begin."""

LINES = """(cell) => {
    const boxes = [...cell.querySelector('.vmw-time').children].filter((one) => one.checkVisibility())
        .map((one) => one.getBoundingClientRect()).filter((box) => box.width > 1 && box.height > 1);
    const inOne = boxes.filter((box) => boxes.every((other) => box.top < other.bottom && other.top < box.bottom));
    return [boxes.length, inOne.length];
}"""
"""How many controls the row of moments has, and how many of them are in one line with all others."""

Opener = Callable[..., Notebook]


def shown(notebook: Notebook, *cells: int, laid_out: str) -> list[dict[str, Any]]:
    """Each picture of the cells, once its width is one that `laid_out` (of JavaScript) accepts."""
    found = []
    for index in cells:
        cell = notebook.cell(index)
        cell.locator(".vmw-scene .node").first.wait_for()
        script = f"([cell, all]) => {{ const sizes = ({SIZES})(cell); return sizes.every((one) => {laid_out}); }}"
        notebook.page.wait_for_function(script, arg=[cell.element_handle(), 0])
        found += cell.evaluate(SIZES)
    return found


@pytest.mark.parametrize("wide", [700, 1300, 1900])
def test_a_picture_fills_its_page_and_its_words_have_their_size(
    wide: int, open_notebook: Opener, new_notebook: Callable[..., str]
) -> None:
    notebook = open_notebook(new_notebook(BOOT, "k", name=f"width-{wide}"))
    notebook.page.set_viewport_size({"width": wide, "height": 900})
    notebook.run_all()
    (one,) = shown(notebook, 1, laid_out="one.width !== 900")
    room = notebook.cell(1).locator(".vmw-place").evaluate("(place) => place.clientWidth")
    assert abs(one["width"] - min(max(room, 420), 1600)) < 25
    assert one["drawn"] == pytest.approx(1, abs=0.02)
    assert one["least"] >= LEAST


@pytest.mark.parametrize("wide", [1300, 1900])
@pytest.mark.sweep
def test_a_drawing_is_flush_with_its_words_and_its_controls_are_in_one_row(
    wide: int, open_notebook: Opener, new_notebook: Callable[..., str]
) -> None:
    notebook = open_notebook(new_notebook(BOOT, "k", name=f"flush-{wide}"))
    notebook.page.set_viewport_size({"width": wide, "height": 900})
    notebook.run_all()
    shown(notebook, 1, laid_out="one.width !== 900")
    cell = notebook.cell(1)
    cell.locator(".vmw-time button").first.wait_for()
    drawn, *words = cell.evaluate(EDGES)
    assert len(words) >= 3
    assert words == pytest.approx([drawn] * len(words), abs=2)
    controls, in_one_line = cell.evaluate(LINES)
    assert in_one_line == controls == 4, "back, the slider, on, and where one is"


def test_pictures_side_by_side_have_equal_halves(open_notebook: Opener, new_notebook: Callable[..., str]) -> None:
    notebook = open_notebook(new_notebook(BOOT, "ipywidgets.HBox([vm.Map(k), vm.Tree(k)])"))
    notebook.run_all()
    left, right = shown(notebook, 1, laid_out="one.width < 700")
    assert abs(left["width"] - right["width"]) < 3
    for one in (left, right):
        assert one["drawn"] == pytest.approx(1, abs=0.02)
        assert one["least"] >= LEAST


@pytest.mark.sweep
def test_a_picture_is_scaled_with_its_words(open_notebook: Opener, new_notebook: Callable[..., str]) -> None:
    notebook = open_notebook(new_notebook(BOOT, "v = vm.Map(k)\nv"))
    notebook.run_all()
    (plain,) = shown(notebook, 1, laid_out="one.width !== 900")
    notebook.run("v.scale = 2")
    (scaled,) = shown(notebook, 1, laid_out=f"one.width < {plain['width']} - 100")
    assert scaled["drawn"] == pytest.approx(2, abs=0.05)
    assert notebook.cell(1).locator(".vmw-caption").evaluate("(words) => words.currentCSSZoom ?? 2") == 2


def test_a_narrow_page_lays_the_picture_out_again(open_notebook: Opener, new_notebook: Callable[..., str]) -> None:
    notebook = open_notebook(new_notebook(BOOT, "v = vm.Map(k)\nv"))
    notebook.run_all()
    (wide,) = shown(notebook, 1, laid_out="one.width !== 900")
    notebook.page.set_viewport_size({"width": 800, "height": 900})
    (narrow,) = shown(notebook, 1, laid_out=f"one.width < {wide['width']}")
    assert narrow["drawn"] == pytest.approx(1, abs=0.02)


def test_a_dashboard_opens_within_its_window_and_its_parts_open_by_a_press(
    open_notebook: Opener, new_notebook: Callable[..., str]
) -> None:
    notebook = open_notebook(new_notebook(BOOT, "m"), viewport={"height": 800})
    notebook.run_all()
    cell = notebook.cell(1)
    fold = cell.locator('.vmw-scene .node.fold[data-id="section/walk"]')
    fold.wait_for()
    high = "(cell) => cell.querySelector('.vmwidgets').getBoundingClientRect().height"
    seen = cell.evaluate("(cell) => cell.closest('.jp-WindowedPanel-outer').clientHeight")
    assert cell.evaluate(high) <= seen
    fold.click()
    cell.locator('.vmw-scene .node[data-id="walk/line/verdict"]').wait_for()
    fold.wait_for(state="detached")
    notebook.page.set_viewport_size({"width": 1300, "height": 2000})
    cell.locator('.vmw-scene .node.label[data-id="section/kentry"]').wait_for()
    assert cell.locator(".vmw-scene .node.fold[data-id^='section/']").count() == 0


@pytest.mark.sweep
def test_the_second_picture_of_a_page_is_laid_out_for_it_at_once(
    open_notebook: Opener, new_notebook: Callable[..., str]
) -> None:
    notebook = open_notebook(new_notebook(BOOT, "vm.Map(k)"))
    notebook.run_all()
    (first,) = shown(notebook, 1, laid_out="one.width !== 900")
    notebook.run("v = vm.Tree(k)\nv")
    (second,) = shown(notebook, 2, laid_out="one.width !== 900")
    assert second["width"] == first["width"]
    notebook.run("print('frames:', v.seq)")
    assert "frames: 1" in notebook.cell(3).inner_text()


BROKEN = r"""(cell) => [...cell.querySelectorAll('.vmwidgets .vmw-header, .vmwidgets .vmw-caption')].flatMap((part) => {
    const found = [];
    const texts = document.createTreeWalker(part, NodeFilter.SHOW_TEXT);
    for (let text = texts.nextNode(); text; text = texts.nextNode()) {
        if (!text.parentElement.checkVisibility()) continue;
        for (const { 0: word, index } of text.data.matchAll(/\S+/g)) {
            const range = document.createRange();
            range.setStart(text, index);
            range.setEnd(text, index + word.length);
            const tops = new Set([...range.getClientRects()].map(({ top }) => Math.round(top)));
            if (tops.size > 1) found.push(word);
        }
    }
    return found;
})"""
"""The words around pictures that are broken inside."""


def test_in_an_output_of_120_pixels_no_word_is_broken_or_covered_and_no_code_is_empty(
    open_notebook: Opener, new_notebook: Callable[..., str]
) -> None:
    fork = """
p = m.task("init")
a = p.mmap("16 KiB")
p.write(a, b"hello")
c = p.fork()
c.write(a, b"J")
vm.Fault(c)
"""
    notebook = open_notebook(new_notebook(BOOT, fork, "vm.Tables(c)"), viewport={"height": 900})
    notebook.page.add_style_tag(content=".jp-OutputArea-output { flex: 0 0 120px !important; max-width: 120px }")
    notebook.run_all()
    for index in 1, 2:
        cell = notebook.cell(index)
        cell.locator(".vmw-scene").evaluate("(scene) => scene.scrollIntoView()")
        notebook.wait_idle()
        assert cell.evaluate(BROKEN) == []
        assert cell.locator("code").evaluate_all("(all) => all.filter((one) => !one.textContent).length") == 0
