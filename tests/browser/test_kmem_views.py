"""Kernel memory on a page: sleepers drawn as such, woken in order by a later cell, and steps taken by the page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.lab import Notebook
from tests.captions import saying

BOOT = """
import vmwidgets as vm
m = vm.boot("x86-64")
a = m.kmem_alloc_wait("1 MiB")
for name in ("first", "second"):
    m.spawn(lambda: m.kmem_alloc_wait("8 KiB"), name=name)
m.run()
"""


@pytest.fixture
def notebook(open_notebook: Callable[..., Notebook], new_notebook: Callable[..., str]) -> Notebook:
    """A machine with two threads asleep on exec_map, and its pictures."""
    opened = open_notebook(new_notebook(BOOT, "m", "m.threads", "m.kmem", "m.frames", "m.caches"))
    opened.run_all()
    for index in (1, 2, 3, 4, 5):
        opened.cell(index).locator(".vmw-scene .node").first.wait_for()
    return opened


def threads(notebook: Notebook, index: int) -> list[Any]:
    """Name, state and row of each thread that is drawn, from left to right."""
    script = """(cell) => [...cell.querySelectorAll('.vmwidgets .node.thread')].map((node) => {
        const words = [...node.querySelectorAll('text')].map((text) => text.textContent).join(' ');
        const place = node.getBoundingClientRect();
        return [node.dataset.thing, words, Math.round(place.y), Math.round(place.x)];
    }).sort((a, b) => a[3] - b[3])"""
    return list(notebook.cell(index).evaluate(script))


def test_two_threads_asleep_on_exec_map_are_drawn_as_such_and_woken_in_order(notebook: Notebook) -> None:
    for index in (1, 2):
        drawn = {name: (words, row) for name, words, row, _ in threads(notebook, index)}
        first, second = drawn["thread:first"], drawn["thread:second"]
        assert "1 first asleep" in first[0]
        assert "2 second asleep" in second[0]
        assert first[1] < second[1], "in the order in which they will look again"
        subject = notebook.cell(index).locator(".vmwidgets .node.channel", has_text="room in exec_map")
        assert "2 wait" in (subject.text_content() or "")
        assert notebook.cell(index).locator(".vmwidgets .link.waits").count() == 2
    for index in (1, 3):
        below = notebook.cell(index).locator(".vmwidgets .node[data-id^='kmem/exec_map/sleeper/']")
        assert below.all_text_contents() == ["firstasleep for room", "secondasleep for room"]
    notebook.run("m.kmem_free_wakeup(a, '1 MiB')")
    for index in (1, 2):
        drawn = {name: words for name, words, *_ in threads(notebook, index)}
        assert "first ready" in drawn["thread:first"]
        assert "second ready" in drawn["thread:second"]
        caption = notebook.cell(index).locator(".vmw-caption").first.inner_text()
        assert saying("kmem operations: free/woke", 2) in caption
    notebook.run("m.run()")
    said = {name: words for name, words, *_ in threads(notebook, 2)}
    assert "returned" in said["thread:first"]
    assert "returned" in said["thread:second"]
    ranges = notebook.cell(3).locator(".vmwidgets .node.range[data-id^='kmem/exec_map/']")
    assert ranges.count() == 1, "the second allocation stretched the first one's entry"


@pytest.mark.sweep
def test_no_text_sticks_out_of_its_box(notebook: Notebook) -> None:
    notebook.run("for i in range(60): m.kmem_malloc('8 KiB'); m.malloc(100 + 40 * i)")
    for index in (1, 2, 3, 4, 5):
        assert notebook.texts_outside(index) == []


@pytest.mark.sweep
def test_a_map_is_chosen_by_a_click_and_steps_are_taken_in_the_page(notebook: Notebook) -> None:
    notebook.run("b = m.kmem_malloc('12 KiB')")
    cell = notebook.cell(3)
    cell.locator(".vmwidgets .node[data-id='kmem/answer']", has_text="In kmem_map").wait_for()
    cell.locator(".vmwidgets .node.kmem-map[data-thing='map:exec_map']").click()
    cell.locator(".vmwidgets .node[data-id='kmem/answer']", has_text="In exec_map").wait_for()
    notebook.cell(2).locator(".vmwidgets").first.wait_for()
    back = cell.get_by_role("button", name="back", exact=True).first
    back.click()
    cell.locator(".vmw-caption", has_text=saying("kmem events: MapUnlocked", map="kmem_map")).wait_for()
    assert cell.locator(".vmwidgets .node.kmem-map.held").count() == 0
    back.click()
    cell.locator(".vmwidgets .node.kmem-map.held[data-thing='map:kmem_map']").wait_for()
    assert "locked by the cell" in (cell.locator(".vmwidgets .node.kmem-map.held").text_content() or "")


@pytest.mark.sweep
def test_pictures_are_accessible_in_the_dark_too(notebook: Notebook) -> None:
    """Each kind of picture in three themes is in test_access.py; here are states that are not there."""
    change = "(theme) => window.jupyterapp.commands.execute('apputils:change-theme', { theme })"
    notebook.page.evaluate(change, "JupyterLab Dark")
    notebook.run(
        "m.pagedaemon.stop(); m.take_pages(m.kmem.pages.available - 30); m.malloc(100)\n"
        "t = m.spawn(lambda: 5, name='done'); m.step(); m.kmem.pipe_map.lock()"
    )
    for index in (1, 2, 3, 4, 5):
        assert notebook.violations(index) == []
