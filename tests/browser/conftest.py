"""Notebooks in a real JupyterLab, in a real Chromium."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.browser.lab import FLAGS, Notebook, Server

HERE = Path(__file__).parent
HEIGHT = 5000
"""Pixels of a window in which all pictures of a test are in sight: others are not drawn."""

NOTEBOOKS = HERE.parents[1] / "notebooks"

FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep for the fixtures whether a test failed: one that will be run again has not failed for the session."""
    report = yield
    item.stash[FAILED] = report.failed
    return report


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A JupyterLab over a copy of the project's notebooks."""
    root = tmp_path_factory.mktemp("root")
    if NOTEBOOKS.is_dir():
        shutil.copytree(NOTEBOOKS, root / "notebooks")
    shutil.copy(HERE / "fake_machine.py", root)
    with Server(root, tmp_path_factory.mktemp("home")) as server:
        yield server


@pytest.fixture(scope="session")
def chromium(playwright: Any, browser: str) -> Iterator[Any]:
    started = playwright.chromium.launch(executable_path=browser, args=FLAGS)
    yield started
    started.close()


@pytest.fixture(scope="session")
def kept() -> list[Notebook]:
    """The page that tests share, one after the other: loading JupyterLab is most of what opening a notebook costs."""
    return []


@pytest.fixture
def open_notebook(
    lab: Server, chromium: Any, kept: list[Notebook], request: pytest.FixtureRequest
) -> Iterator[Callable[..., Notebook]]:
    """Opens notebooks; those that are open at the end must have had no problems.

    The first one of a test that asks for nothing but a size and permissions is shown in the page that tests share.
    """
    opened: list[Notebook] = []
    plain: list[Notebook] = []

    def open_one(
        path: str, *, viewport: dict[str, int] | None = None, permissions: Sequence[str] = (), **special: Any
    ) -> Notebook:
        size = {"width": 1300, "height": HEIGHT, **(viewport or {})}
        if kept and not special and not opened:
            opened.append(kept.pop())
            opened[0].page.set_viewport_size(size)
            opened[0].page.context.grant_permissions([*permissions])
            opened[0].follow_with(path)
            plain.append(opened[0])
            return opened[0]
        page = chromium.new_context(**special, viewport=size, permissions=[*permissions]).new_page()
        opened.append(Notebook(page, lab, path))
        plain.extend([] if special else opened[-1:])
        return opened[-1]

    yield open_one
    problems = [problem for notebook in opened for problem in notebook.problems]
    well = not problems and not request.node.stash[FAILED]
    kept += [notebook for notebook in plain if well and not kept and not notebook.page.is_closed()][:1]
    for notebook in opened:
        if notebook in kept:
            notebook.leave()
        else:
            notebook.page.context.close()
    assert problems == []


@pytest.fixture
def new_notebook(lab: Server, request: pytest.FixtureRequest) -> Callable[..., str]:
    """Writes a notebook of the given code cells into JupyterLab's root; gives its path."""

    def write(*cells: str, name: str = "") -> str:
        notebook = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(source) for source in cells],
            metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
        )
        turn = getattr(request.node, "execution_count", 1)  # run again, it has a kernel of its own again
        path = f"{name or request.node.name}{f'-{turn}' if turn > 1 else ''}.ipynb".replace("[", "-").replace("]", "")
        nbformat.write(notebook, lab.root / path)
        return path

    return write


@pytest.fixture
def opened(chromium: Any) -> Iterator[Callable[..., Any]]:
    """Opens a file in a page of its own, which asks nobody for anything and has no errors."""
    contexts: list[Any] = []
    problems: list[str] = []

    def open_one(path: Path, **options: Any) -> Any:
        context = chromium.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
        contexts.append(context)
        context.set_offline(True)
        page = context.new_page()
        page.on("console", lambda message: problems.append(message.text))
        page.on("pageerror", lambda error: problems.append(str(error)))
        own = ("file:", "data:", "blob:")
        page.on("request", lambda request: problems.extend([] if request.url.startswith(own) else [request.url]))
        page.goto(path.as_uri())
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert problems == []
