"""Weak laptops: the most memory that a page takes for each lab, in JupyterLab and in JupyterLite, where that is built.

It is the peak of the resident memory of the browser's process for the page (`VmHWM` in Linux's proc(5)): JupyterLab
itself, the notebook, its pictures, and in JupyterLite the kernel, too.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.browser.lab import FLAGS, Host, Notebook, Server, find_chromium
from tools.site.places import NOTEBOOKS, OUT
from tools.site.serve import Site

from .table import table, verdict

LABS = tuple(sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb")))
SOME = ("01-maps", "06-x86-tables", "08a-demand-paging", "08b-fork", "11-replacement")
MOST = 500.0
"""The aim: MB of a page in JupyterLab."""

MINUTES = 5
"""How long a lab may take."""


def measure(labs: Sequence[str] = LABS) -> dict[str, dict[str, float]]:
    """MB by lab, for each host."""
    found: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        root, home = Path(folder) / "root", Path(folder) / "home"
        shutil.copytree(NOTEBOOKS, root)
        home.mkdir()
        with Server(root, home) as server:
            found["JupyterLab"] = {name: peak(server, f"{name}.ipynb") for name in labs}
    if (OUT / "lab" / "index.html").is_file():
        with Site(OUT / "lab") as lite:
            found["JupyterLite"] = {name: peak(lite, f"{name}.ipynb") for name in labs}
    return found


def named(names: Sequence[str]) -> tuple[str, ...]:
    """The labs with these names or numbers; all of them if there is none.

    >>> named(["08a", "01-maps"])
    ('08a-demand-paging', '01-maps')

    Raises :class:`ValueError` for a name that is not a lab's.
    """
    found = {alias: lab for lab in LABS for alias in (lab, lab.partition("-")[0])}
    unknown = [name for name in names if name not in found]
    if unknown:
        raise ValueError(f"there is no lab {unknown[0]!r}; the labs are {', '.join(LABS)}")
    return tuple(found[name] for name in names) or LABS


def peak(host: Host, path: str) -> float:
    """The most memory in MB that a fresh browser's page took while a notebook ran from top to bottom."""
    with browser() as started:
        notebook = Notebook(started.new_page(viewport={"width": 1280, "height": 800}), host, path)
        notebook.page.set_default_timeout(60_000 * MINUTES)
        notebook.run_all()
        notebook.page.wait_for_timeout(2000)  # pictures are painted after the last cell
        session = started.new_browser_cdp_session()
        processes = session.send("SystemInfo.getProcessInfo")["processInfo"]
        return max(resident(int(one["id"])) for one in processes if one["type"] == "renderer")


def resident(process: int) -> float:
    """The peak of a process's resident memory in MB."""
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024 / 1e6


@contextmanager
def browser() -> Iterator[Any]:
    """A Chromium of its own, which has kept nothing."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=find_chromium(), args=[*FLAGS])
        yield started
        started.close()


def report(found: dict[str, dict[str, float]]) -> str:
    """A table, and whether the aim is met."""
    labs = list(found["JupyterLab"])
    rows = [[name, *(f"{found[host][name]:.0f}" for host in found)] for name in labs]
    worst = max(found["JupyterLab"].values())
    note = f"aim: at most {MOST:.0f} MB in JupyterLab, {verdict(worst <= MOST)}"
    if "JupyterLite" not in found:
        note += "; `make site` builds the JupyterLite that is measured beside it"
    return table("The most memory of a page while a lab runs, MB", ["lab", *found], rows, note)
