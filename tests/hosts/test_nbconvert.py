"""nbconvert's HTML: without a kernel and without any other host, each cell's static picture is there to be seen."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.hosts.pixels import look

BOOT = 'import vmwidgets as vm\nm = vm.boot("x86-64", layout="tiny")\nm.kernel_map'
TAKE = 'm.kernel_map.enter("16 KiB", prot="r")\nm.kernel_map'


@pytest.fixture(scope="module")
def page(
    chromium: Any, write_notebook: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory, root: Path
) -> Any:
    folder = tmp_path_factory.mktemp("html")
    notebook = write_notebook(folder / "maps.ipynb", "python3", BOOT, TAKE)
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
    page = chromium.new_page(viewport={"width": 1300, "height": 1400})
    page.goto((folder / "maps.html").as_uri())
    yield page
    page.close()


def test_each_cell_shows_what_it_left(page: Any) -> None:
    first, second = (image.get_attribute("alt") for image in page.locator("[data-vmwidgets-twin] img").all())
    assert "16 KiB" not in first
    assert "16 KiB" in second


def test_the_pictures_can_be_seen(page: Any) -> None:
    images = page.locator("[data-vmwidgets-twin] img")
    for number, house in enumerate([{"red", "black", "new"}, {"red", "black", "new"}]):
        seen = look(images.nth(number), f"nbconvert-{number + 1}")
        assert seen.house == house
        assert seen.share((255, 255, 255)) > 0.5
