"""Other hosts than JupyterLab, each in an environment of its own, and a Chromium that reaches no other machine."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.browser.lab import FLAGS, Watched, find_chromium

ALONE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
"""Chromium finds no other host, whatever a page asks for."""

VIEWPORT = {"width": 1300, "height": 1000}


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=[*FLAGS, ALONE])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def opened(chromium: Any) -> Iterator[Callable[..., Any]]:
    """Opens pages, each made by `make(page, …)`; in the end they must have had no problems."""
    pages: list[Watched] = []

    def open_one(make: Callable[..., Any], *arguments: Any, **context: Any) -> Any:
        page = chromium.new_context(**{"viewport": VIEWPORT, **context}).new_page()
        pages.append(make(page, *arguments))
        return pages[-1]

    yield open_one
    problems = [problem for watched in pages for problem in watched.problems]
    for watched in pages:
        watched.page.context.close()
    assert problems == []


@pytest.fixture(scope="session")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package's wheel, built with the locked build requirements."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "uv", "build", "--wheel", "--quiet", "--no-build-isolation"]
    subprocess.run([*command, "--python", sys.executable, "--out-dir", folder, root], check=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def write_notebook() -> Callable[..., Path]:
    """Writes a notebook of the given code cells for the kernel of this name."""

    def write(path: Path, kernel: str, *cells: str) -> Path:
        notebook = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(source) for source in cells],
            metadata={"kernelspec": {"name": kernel, "display_name": kernel}},
        )
        nbformat.write(notebook, path)
        return path

    return write
