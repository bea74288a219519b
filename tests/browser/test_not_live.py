"""Why a picture is not live: its saved drawing says what its page can tell, where no script of ours runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.lab import Notebook, Server
from vmwidgets.views.scene.twin import ABSENT, STOPPED

SAYS = """(sentence) => {
    const twin = window.panel.node.querySelector('[data-vmwidgets-twin]');
    if (!twin?.checkVisibility()) return false;
    const again = twin.querySelector('[data-vmwidgets-again]');
    const { content, visibility } = getComputedStyle(again, '::after');
    return !again.firstElementChild.checkVisibility() && visibility === 'visible' && content === `"${sentence}"`;
}"""
"""Whether the twin is seen, and says this in place of how to get its live view."""

CELL = "import vmwidgets as vm\nm = vm.boot()\nm.kentry"


SHARE_KERNEL = "async (id) => { await window.panel.sessionContext.changeKernel({ id }); }"


@pytest.fixture
def page(chromium: Any) -> Iterator[Any]:
    """A page whose console may complain: of models that it does not find, and of scripts that it may not run."""
    context = chromium.new_context(viewport={"width": 1300, "height": 2000})
    yield context.new_page()
    context.close()


@pytest.mark.sweep
def test_a_second_notebook_of_the_kernel_says_that_its_picture_may_be_live_elsewhere(
    lab: Server, page: Any, new_notebook: Any
) -> None:
    first = Notebook(page, lab, new_notebook(CELL, name="first"))
    first.run_all()
    kernel = first.page.evaluate("() => window.panel.sessionContext.session.kernel.id")
    first.follow_with(new_notebook(CELL, name="second"))
    first.page.evaluate(SHARE_KERNEL, kernel)
    first.run_all()
    first.page.wait_for_function(SAYS, arg=ABSENT)


class Strict(Server):
    """A JupyterLab whose pages forbid scripts at blob: addresses."""

    def _command(self) -> list[str]:
        policy = "script-src * 'unsafe-inline' 'unsafe-eval'"
        headers = {"headers": {"Content-Security-Policy": policy}}
        return [*super()._command(), f"--ServerApp.tornado_settings={headers!r}"]


@pytest.fixture
def strict(lab: Server, tmp_path: Any) -> Iterator[Server]:
    with Strict(lab.root, tmp_path) as server:
        yield server


@pytest.mark.sweep
def test_a_page_that_forbids_blob_scripts_is_named_as_the_reason(strict: Server, page: Any, new_notebook: Any) -> None:
    notebook = Notebook(page, strict, new_notebook(CELL))
    notebook.run_all()
    notebook.page.wait_for_function(SAYS, arg=STOPPED)
