"""Other hosts than JupyterLab, each in an environment of its own, and a Chromium that reaches no other machine."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.browser.lab import FLAGS, Watched

ALONE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
"""Chromium finds no other host, whatever a page asks for."""

VIEWPORT = {"width": 1300, "height": 1000}


@pytest.fixture(scope="session")
def chromium(playwright: Any, browser: str) -> Iterator[Any]:
    started = playwright.chromium.launch(executable_path=browser, args=[*FLAGS, ALONE])
    yield started
    started.close()


Opening = Callable[..., AbstractContextManager[Any]]


@pytest.fixture(scope="session")
def opening(chromium: Any) -> Opening:
    """Opens a page, watched by what `make(page, …)` gives; it may have no problems but its host's own."""

    @contextmanager
    def open_page(make: Callable[..., Watched], *arguments: Any, own: str = "") -> Iterator[Watched]:
        page = chromium.new_context(viewport=VIEWPORT, reduced_motion="reduce").new_page()
        watched = make(page, *arguments)
        try:
            yield watched
        finally:
            problems = [problem for problem in watched.problems if not own or not re.search(own, problem)]
            page.context.close()
        assert problems == []

    return open_page


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
