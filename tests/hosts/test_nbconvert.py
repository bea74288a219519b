"""nbconvert's HTML: without a kernel and without any other host, each cell's static picture is there to be seen."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import vmwidgets as vm
from tests.hosts.pixels import look, luminance

BOOT = 'import vmwidgets as vm\nm = vm.boot("x86-64", layout="tiny")\nm.kernel_map'
TAKE = 'm.kernel_map.enter("16 KiB", prot="r")\nm.kernel_map'
BOXES = """
import ipywidgets as w
side = w.HBox([vm.Tree(m.kernel_map), vm.Ribbon(m.kernel_map)])
w.VBox([side, w.Tab([vm.EntryList(m.kernel_map), w.Accordion([vm.Map(m.kernel_map)])], titles=["list", "map"])])
"""


@pytest.fixture(scope="module")
def exported(write_notebook: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory, root: Path) -> Path:
    """The page of a notebook that was run."""
    folder = tmp_path_factory.mktemp("html")
    notebook = write_notebook(folder / "maps.ipynb", "python3", BOOT, TAKE, BOXES)
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "nbconvert",
        "--execute",
        "--to",
        "html",
        "--output",
        "maps",
        notebook,
    ]
    subprocess.run(command, cwd=root, check=True, capture_output=True)
    return folder / "maps.html"


@pytest.fixture(scope="module")
def page(chromium: Any, exported: Path) -> Any:
    """The page where no script runs."""
    page = chromium.new_page(viewport={"width": 1300, "height": 1400}, java_script_enabled=False)
    page.goto(exported.as_uri())
    yield page
    page.close()


def test_each_cell_shows_what_it_left(page: Any) -> None:
    first, second, *_ = (image.get_attribute("alt") for image in page.locator("[data-vmwidgets-twin] img").all())
    assert "16 KiB" not in first
    assert "16 KiB" in second


def test_the_pictures_can_be_seen(page: Any) -> None:
    images = page.locator("[data-vmwidgets-twin] img")
    for number, house in enumerate([{"red", "black", "new"}, {"red", "black", "new"}]):
        seen = look(images.nth(number), f"nbconvert-{number + 1}")
        assert seen.house == house
        assert seen.share((255, 255, 255)) > 0.5


def test_pictures_in_boxes_are_there(page: Any) -> None:
    box = page.locator("[data-vmwidgets-box]")
    images = box.locator("img")
    assert images.count() == 4
    tree, ribbon, *others = [image.bounding_box() for image in images.all()]
    assert tree["y"] == ribbon["y"], "side by side"
    assert tree["x"] + tree["width"] <= ribbon["x"]
    assert all(one["y"] > tree["y"] + tree["height"] for one in others)
    for name in ("list", "map"):
        assert box.get_by_text(name, exact=True).is_visible()
    for number in range(4):
        assert look(images.nth(number), f"nbconvert-box-{number + 1}").unreadable == []


NARROW = """() => [...document.querySelectorAll('[data-vmwidgets-twin] img')].map((image) => {
    const { width, left } = image.getBoundingClientRect();
    const twin = image.closest('[data-vmwidgets-twin]');
    twin.scrollLeft = 1e6;
    const right = image.getBoundingClientRect().right;
    return [width >= image.naturalWidth, left >= 0 && right <= innerWidth, twin.scrollLeft > 0];
})"""


def test_on_a_telephone_letters_keep_their_size_and_pictures_are_scrolled(chromium: Any, exported: Path) -> None:
    with closing(chromium.new_page(viewport={"width": 400, "height": 800}, java_script_enabled=False)) as page:
        page.goto(exported.as_uri())
        found = page.evaluate(NARROW)
        assert len(found) >= 6, "alone and in boxes"
        assert set(map(tuple, found)) == {(True, True, True)}, "(large enough, seen to its end, scrolled)"
        assert page.evaluate("document.documentElement.scrollWidth") <= 400
        page.emulate_media(media="print")
        assert not any(scrolled for _, _, scrolled in page.evaluate(NARROW)), "on paper it fits"


def test_where_scripts_run_pictures_step_with_no_kernel(chromium: Any, exported: Path) -> None:
    with closing(chromium.new_page(viewport={"width": 1300, "height": 1400})) as page:
        page.goto(exported.as_uri())
        figure = page.locator("[data-vmwidgets-twin]").nth(1).locator(".vmw-saved")
        where = figure.locator(".vmw-where")
        figure.get_by_role("button", name="back", exact=True).click()
        count = int(where.inner_text().rpartition(" ")[2])
        assert where.inner_text() == f"operation 1 of 1 · step {count - 1} of {count}"
        figure.locator(".vmw-slider").fill("1")
        assert where.inner_text() == f"operation 1 of 1 · step 1 of {count}"
        assert figure.locator(".node.new").count() == 0
        assert not figure.locator("xpath=..").locator("img").is_visible()
        boxed = page.locator("[data-vmwidgets-box] .vmw-saved")
        boxed.first.scroll_into_view_if_needed()
        assert boxed.first.locator(".vmw-where").inner_text().startswith("operation 1 of 1 · step 1 of "), "together"
        page.emulate_media(media="print")
        assert not figure.is_visible()
        assert figure.locator("xpath=..").locator("img").is_visible(), "on paper it is as its cell left it"


SHOWN = [("screen", "dark"), ("screen", "light"), ("print", "dark")]


@pytest.mark.parametrize(("media", "system"), SHOWN)
def test_pictures_have_the_theme_of_the_exported_page(chromium: Any, exported: Path, media: str, system: str) -> None:
    """The page is white, whatever the reader's system prefers."""
    with closing(chromium.new_page(viewport={"width": 1300, "height": 1400}, java_script_enabled=False)) as page:
        page.emulate_media(media=media, color_scheme=system)
        page.goto(exported.as_uri())
        assert ground(page.locator("[data-vmwidgets-twin] img").first, f"nbconvert-{media}-{system}") > 0.9


def test_pictures_of_a_dark_export_are_dark(chromium: Any, exported: Path) -> None:
    dark = exported.with_name("dark.html")
    light = exported.read_text()
    assert 'data-jp-theme-light="true"' in light
    dark.write_text(light.replace('data-jp-theme-light="true"', 'data-jp-theme-light="false"'))
    with closing(chromium.new_page(viewport={"width": 1300, "height": 1400}, java_script_enabled=False)) as page:
        page.goto(dark.as_uri())
        assert ground(page.locator("[data-vmwidgets-twin] img").first, "nbconvert-dark-page") < 0.1
        page.emulate_media(media="print")
        assert ground(page.locator("[data-vmwidgets-twin] img").first, "nbconvert-dark-print") > 0.9, "paper is white"


@pytest.mark.parametrize(
    ("media", "system", "white"), [*((*one, one[0] == "print" or one[1] == "light") for one in SHOWN)]
)
def test_a_picture_that_is_saved_as_a_page_has_one_theme(
    chromium: Any, tmp_path: Path, media: str, system: str, white: bool
) -> None:
    saved = vm.picture(vm.boot("x86-64", layout="tiny").kernel_map).save(tmp_path / "map.html")
    with closing(chromium.new_page(viewport={"width": 1300, "height": 1400})) as page:
        page.emulate_media(media=media, color_scheme=system)
        page.goto(saved.as_uri())
        drawing = ".vmw-player .vmw-scene" if media == "screen" else "article svg"
        parts = {"heading": page.locator("h1"), "drawing": page.locator(drawing).first}
        grounds = [ground(part, f"saved-{media}-{system}-{name}") for name, part in parts.items()]
        assert [one > 0.5 for one in grounds] == [(media, system) != ("screen", "dark")] * 2


def ground(element: Any, name: str) -> float:
    """How light the ground of an element is: 0 is black, 1 white."""
    return luminance(look(element, name).whole[0][0])
