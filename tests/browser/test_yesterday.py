"""A page that has pictures of a notebook saved by an earlier version, and pictures of today: each plays its own."""

from __future__ import annotations

import re
from contextlib import closing
from pathlib import Path
from typing import Any

import nbclient
import nbformat
import pytest
from nbconvert import HTMLExporter
from playwright.sync_api import expect

from tests.yesterday.facts import opened

VERSIONS = Path(__file__).parents[1] / "yesterday"
SAVED = sorted(VERSIONS.glob("*/notebooks/cutting-wrong.ipynb.xz"))
TODAY = """import vmwidgets as vm
m = vm.boot("x86-64", layout="tiny")
m.kernel_map.enter("16 KiB", prot="r")
m.kernel_map"""

FILM = "data-vmwidgets-film"


def place(where: Any) -> int:
    """The step that is shown."""
    found = re.search(r"step (\d+) of \d+", where.inner_text())
    assert found is not None
    return int(found[1])


@pytest.mark.parametrize("path", SAVED, ids=lambda path: path.parents[1].name)
def test_each_picture_steps(path: Path, chromium: Any, tmp_path: Path) -> None:
    notebook = nbformat.reads(opened(path).decode(), as_version=4)
    new = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(TODAY)])
    nbclient.NotebookClient(new, timeout=300).execute()
    notebook.cells += new.cells
    outputs = [output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", ())]
    films = [name for one in outputs for name in re.findall(f'{FILM}="(.+?)"', "".join(one.get("text/html", "")))]
    file = tmp_path / "lab.html"
    file.write_text(HTMLExporter().from_notebook_node(notebook)[0], encoding="utf-8")
    wrong: list[str] = []
    with closing(chromium.new_page(viewport={"width": 1300, "height": 1400})) as page:
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(file.as_uri())
        twins = page.locator(f"[data-vmwidgets-twin]:has([{FILM}])")
        assert twins.count() == len(films) > 3
        for twin in twins.all():
            twin.scroll_into_view_if_needed()
            figure = twin.locator(".vmw-saved")
            expect(figure).to_be_visible()
            where = figure.locator(".vmw-where")
            drawn, step = figure.inner_html(), place(where)
            figure.get_by_role("button", name="back", exact=True).click()
            assert place(where) < step
            assert figure.inner_html() != drawn
    assert wrong == []
