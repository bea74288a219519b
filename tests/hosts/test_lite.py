"""JupyterLite: the built package in a page, with Python in the page and no server but one of files."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.lab import Notebook
from tests.browser.mission import Mission
from tests.hosts.living import check_buttons, check_drawn_by_graphviz, check_readable
from tools import hosts
from tools.site import lite, serve

INSTALL = "%pip install -q vmwidgets"
BOOT = 'import vmwidgets as vm\nm = vm.boot("x86-64", layout="tiny")\nm.kernel_map'
PICTURE = 1
"""The cell that shows the map."""

BUTTON = """
import ipywidgets

def two(_button):
    m.kernel_map.enter("16 KiB", prot="r")
    m.kernel_map.enter("20 KiB", prot="rw")

button = ipywidgets.Button(description="two")
button.on_click(two)
button
"""

ENDLESS = """
def endless():
    while True:
        pass

m.spawn(endless)
try:
    m.run()
except vm.VMError as error:
    print(error)
"""


@pytest.fixture(scope="module")
def site(
    wheel: Path, write_notebook: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[serve.Site]:
    folder, contents = tmp_path_factory.mktemp("lite"), tmp_path_factory.mktemp("contents")
    write_notebook(contents / "maps.ipynb", "python", INSTALL, BOOT)
    with serve.Site(lite.build(folder / "source", folder / "site", wheel, contents)) as served:
        yield served


@pytest.fixture(scope="module")
def asked() -> list[str]:
    """The addresses that the page and its workers asked for."""
    return []


@pytest.fixture(scope="module")
def notebook(site: serve.Site, opening: Callable[..., Any], asked: list[str]) -> Iterator[Notebook]:
    """The notebook in its page, run from top to bottom."""

    def watched(page: Any) -> Notebook:
        page.context.on("request", lambda request: asked.append(request.url))  # its workers' too
        return Notebook(page, site, "maps.ipynb")

    with opening(watched) as notebook:
        notebook.run_all()
        yield notebook


def picture(notebook: Notebook) -> Any:
    """The live picture of the map, in the cell that showed it."""
    return notebook.cell(PICTURE).locator(".vmwidgets")


def await_entries(notebook: Notebook, *sizes: str) -> None:
    """Wait until the picture has these entries and no others."""
    cards = picture(notebook).locator(".node.entry")
    expect(cards).to_contain_text(list(sizes), timeout=10_000)


def test_a_picture_follows_the_cells_after_it(notebook: Notebook) -> None:
    await_entries(notebook, "768 KiB", "12 KiB", "1 MiB")
    notebook.run('a = m.kernel_map.enter("8 KiB", prot="rx")')
    await_entries(notebook, "768 KiB", "12 KiB", "8 KiB", "1 MiB")
    assert picture(notebook).locator(".node.entry.new").count() == 1
    assert notebook.cell(PICTURE).locator(".vmwidgets").count() == 1


def test_it_can_be_read(notebook: Notebook) -> None:
    check_readable(picture(notebook), "lite")


def test_graphviz_can_draw_it(notebook: Notebook) -> None:
    check_drawn_by_graphviz(picture(notebook))


def test_each_structure_is_a_live_view_that_the_page_lays_out_without_dot(
    site: serve.Site, opening: Callable[..., Any]
) -> None:
    def tall(page: Any) -> Notebook:
        page.set_viewport_size({"width": 1300, "height": 6000})  # all pictures are in sight
        return Notebook(page, site, "maps.ipynb")

    with opening(tall) as opened:
        opened.run_all()
        Mission(opened).check()


def test_its_buttons_reach_the_kernel(notebook: Notebook) -> None:
    check_buttons(picture(notebook))


def test_the_last_state_of_a_callback_is_sent(notebook: Notebook) -> None:
    notebook.run("a = m.kernel_map.remove(a, 8192)")
    notebook.run(BUTTON)
    notebook.page.get_by_role("button", name="two", exact=True).click()
    await_entries(notebook, "768 KiB", "12 KiB", "16 KiB", "20 KiB", "1 MiB")


def test_an_endless_loop_ends(notebook: Notebook) -> None:
    (said,) = notebook.outputs(notebook.run(ENDLESS))
    assert "thread 'endless' failed" in said["text"]


def test_everything_came_from_the_site(notebook: Notebook, site: serve.Site, asked: list[str]) -> None:
    names = [url.partition("?")[0].rpartition("/")[2] for url in asked if url.startswith(site.base)]
    assert any(name.startswith("vmwidgets-") for name in names)  # so requests of the kernel's worker are seen
    assert "pyodide.asm.wasm" in names
    assert {url for url in asked if not url.startswith((site.base, "data:", "blob:"))} == set()
    assert notebook.problems == []


def test_pyodide_is_the_kernels_own() -> None:
    script = "from jupyterlite_pyodide_kernel.constants import PYODIDE_VERSION; print(PYODIDE_VERSION)"
    wanted = subprocess.run([hosts.python_of("lite"), "-c", script], capture_output=True, text=True, check=True)
    assert json.loads((hosts.PYODIDE / "package.json").read_text())["version"] == wanted.stdout.strip()
