"""The most memory of a lab's page, and of its kernel.

A page's memory is that of the browser's process for it (`VmHWM` in Linux's proc(5)): JupyterLab itself, the notebook,
its pictures, and in JupyterLite the kernel, too.  A kernel and the server are what a hub needs for a learner.
JupyterLite is measured where `make site` has built it.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.browser.lab import FLAGS, Host, Notebook, Server, find_chromium
from tools.site.places import NOTEBOOKS, OUT
from tools.site.serve import Site

from .measured import Row, peak

LABS = ("01-maps", "06-x86-tables", "08a-demand-paging", "08b-fork", "11-replacement")

MOST = 477.0
"""The aim: MiB of a page in JupyterLab, 500 MB."""

MINUTES = 5
"""How long a lab may take."""


def rows(short: bool) -> Iterator[Row]:
    """MiB of labs that run from top to bottom."""
    labs = LABS[:1] if short else LABS
    with tempfile.TemporaryDirectory() as folder:
        root, home = Path(folder) / "root", Path(folder) / "home"
        shutil.copytree(NOTEBOOKS, root)
        home.mkdir()
        with Server(root, home) as server:
            for name in labs:
                yield Row(f"{name} in JupyterLab, the page", _page(server, f"{name}.ipynb"), "MiB", MOST)
                yield Row(f"{name} in JupyterLab, its kernel", peak(_children(server.process.pid)[-1]), "MiB")
            yield Row("JupyterLab's server", peak(server.process.pid), "MiB")
    if (OUT / "lab" / "index.html").is_file():
        with Site(OUT / "lab") as lite:
            for name in labs:
                yield Row(f"{name} in JupyterLite, the page", _page(lite, f"{name}.ipynb"), "MiB")


def _page(host: Host, path: str) -> float:
    """The most memory that a fresh browser's page had while a notebook ran from top to bottom."""
    with _browser() as started:
        notebook = Notebook(started.new_page(viewport={"width": 1280, "height": 800}), host, path)
        notebook.page.set_default_timeout(60_000 * MINUTES)
        notebook.run_all()
        notebook.page.wait_for_timeout(2000)  # pictures are painted after the last cell
        session = started.new_browser_cdp_session()
        processes = session.send("SystemInfo.getProcessInfo")["processInfo"]
        return max(peak(one["id"]) for one in processes if one["type"] == "renderer")


def _children(process: int) -> list[int]:
    """The children of a process, in the order in which they were started."""
    found = [
        int(child)
        for task in Path(f"/proc/{process}/task").iterdir()
        for child in (task / "children").read_text().split()
    ]
    return sorted(found, key=lambda one: int(Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()[19]))


@contextmanager
def _browser() -> Iterator[Any]:
    """A Chromium of its own, which has kept nothing."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=find_chromium(), args=[*FLAGS])
        yield started
        started.close()
