"""The first cell in JupyterLab, and in a page without a kernel: the button *write* makes the copy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import vmwidgets as vm
from tests.browser.lab import AXE, Notebook, Server
from vmwidgets.cli.copying import copy_labs, handed_out


def shown(place: Any) -> list[str]:
    """What the pictures that are seen say to a screen reader."""
    return [str(one.get_attribute("alt")) for one in place.locator(".vmw-stop img").all() if one.is_visible()]


def press_write(place: Any) -> None:
    """From the stop before the write to the next by its button, and back; any pointer or key may do it."""
    (before,) = shown(place)
    place.get_by_role("button", name="write").last.click()
    (after,) = shown(place)
    assert before != after
    assert not place.locator(".vmw-write").is_visible()
    place.get_by_role("button", name="before the fork").click()
    assert shown(place) not in ([before], [after])
    place.get_by_role("button", name="before the write").click()
    assert shown(place) == [before]
    assert place.locator(".vmw-write").is_visible()


def type_write(page: Any, place: Any, key: str) -> None:
    """By keys alone: Tab goes from stop to stop, and a key presses *write*, which keeps the focus."""
    (before,) = shown(place)
    place.get_by_role("button", name="before the fork").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert place.get_by_role("button", name="write", exact=True).evaluate("(one) => one === document.activeElement")
    page.keyboard.press(key)
    place.get_by_role("button", name="after the write").wait_for()
    assert shown(place) != [before]
    assert page.evaluate("() => document.activeElement.textContent").endswith("after the write")
    page.keyboard.press(key)
    assert shown(place) == [before]


def test_the_button_makes_the_copy_in_a_notebook(
    open_notebook: Callable[..., Notebook], new_notebook: Callable[..., str]
) -> None:
    notebook = open_notebook(new_notebook("import vmwidgets as vm\nvm.hello()"))
    notebook.run_all()
    cell = notebook.cell(0)
    cell.locator(".vmw-stop img").nth(1).wait_for()
    press_write(cell)
    for key in "Enter", "Space":
        type_write(notebook.page, cell, key)


def test_the_button_makes_the_copy_without_a_kernel(chromium: Any, tmp_path: Path) -> None:
    """A page without a script, from a file, and on a telephone."""
    file = tmp_path / "hello.html"
    file.write_text(
        f"<!doctype html><meta charset=utf-8>{vm.hello()._repr_mimebundle_()['text/html']}", encoding="utf-8"
    )
    asked: list[str] = []
    page = chromium.new_page()
    page.on("request", lambda request: asked.append(request.url))
    page.goto(file.as_uri())
    press_write(page)
    type_write(page, page, "Enter")
    page.evaluate(AXE.read_text())
    assert [rule["id"] for rule in page.evaluate("() => axe.run('div')")["violations"]] == []
    assert [url for url in asked if not url.startswith("data:")] == [file.as_uri()], "all of it is in the page"
    page.close()


def test_it_fits_a_telephone_beside_other_pictures(
    open_notebook: Callable[..., Notebook], new_notebook: Callable[..., str]
) -> None:
    """The room that a notebook has there, with the rules that the twins of other pictures bring."""
    notebook = open_notebook(new_notebook("import vmwidgets as vm\nvm.hello()", 'vm.boot("x86-64").kernel_map'))
    notebook.run_all()
    notebook.page.set_viewport_size({"width": 390, "height": 844})
    picture = notebook.cell(0).locator(".vmw-stop img:visible")
    picture.wait_for()
    output = notebook.cell(0).locator(".jp-OutputArea-output").first
    notebook.page.wait_for_function(FITS, arg=[picture.element_handle(), output.element_handle()])
    assert picture.evaluate("(one) => one.currentSrc !== one.src"), "laid out for a telephone"


FITS = "([one, room]) => one.getBoundingClientRect().right <= room.getBoundingClientRect().right"

DRAWN = """() => [...document.querySelectorAll('.jp-RenderedMarkdown img')].map((one) => [one.naturalWidth, one.alt])"""


def test_the_first_page_of_a_student_s_folder_shows_it(lab: Server, chromium: Any) -> None:
    """In JupyterLab, from a folder of the files that `vmwidgets course` copies."""
    copy_labs(lab.root / "first page", handed_out(), "0")
    page = chromium.new_page()
    page.goto(f"{lab.base}/lab?token={lab.token}")
    page.wait_for_function("() => window.jupyterapp")
    page.evaluate("async () => { await window.jupyterapp.restored; }")
    opened = "{ path: 'first page/README.md', factory: 'Markdown Preview' }"
    page.evaluate(f"() => {{ window.jupyterapp.commands.execute('docmanager:open', {opened}); }}")
    page.locator(".jp-RenderedMarkdown img").wait_for()
    page.wait_for_function("() => document.querySelector('.jp-RenderedMarkdown img').naturalWidth > 0")
    ((width, words),) = page.evaluate(DRAWN)
    page.close()
    assert width == 900
    assert "A fork copies no page" in words


HERO = Path(__file__).resolve().parents[2] / "docs" / "pictures"
SEEN = "[1, 2, 3].map((one) => getComputedStyle(document.querySelector(`g.f${one}`)).opacity)"


@pytest.mark.parametrize("name", ["hero.svg", "hero-dark.svg"])
def test_readme_s_picture_plays_once_and_stays_on_its_third_frame(chromium: Any, name: str) -> None:
    page = chromium.new_page()
    page.goto((HERO / name).as_uri())
    timings = page.evaluate(
        "document.getAnimations().map((one) => [one.effect.getTiming().iterations, one.effect.getTiming().duration])"
    )
    assert {tuple(one) for one in timings} == {(1, 12_000)}, "four seconds a frame"
    shown = []
    for at in (2_000, 6_000, 11_900):
        page.evaluate(
            "(at) => { for (const one of document.getAnimations()) { one.pause(); one.currentTime = at; } }", at
        )
        shown.append(page.evaluate(SEEN))
    assert shown == [["1", "0", "0"], ["0", "1", "0"], ["0", "0", "1"]]
    page.evaluate("for (const one of document.getAnimations()) one.finish()")
    assert page.evaluate(SEEN) == ["0", "0", "1"]
    for media in ({"reduced_motion": "reduce"}, {"media": "print"}):
        page.emulate_media(**media)
        page.reload()
        assert page.evaluate("document.getAnimations().length") == 0
        assert page.evaluate(SEEN) == ["0", "0", "1"]
        page.emulate_media(media="screen", reduced_motion="no-preference")
    page.close()
