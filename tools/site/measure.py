"""What a first visit of the lab asks for, and how long it takes to the first picture, seen in Chromium.

The result is kept in .cache/site until the lab is another, so that a build without changes writes the same pages.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from tests.browser.lab import FLAGS, Notebook, find_chromium

from .places import CACHE
from .serve import Site

KEPT = CACHE / "visit.json"
FIRST = "00-addresses.ipynb"
SECONDS = 120
"""How long a first picture may take; Chromium finds no other host meanwhile."""

AIM = 1.5
"""How many times as long as JupyterLite's own first print a first picture may take."""

ALONE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
PRINT = """async () => {
    const { commands, shell } = window.jupyterapp;
    await commands.execute('notebook:create-new', { kernelName: 'python' });
    const { content, sessionContext } = shell.currentWidget;
    await sessionContext.ready;
    content.activeCell.model.sharedModel.setSource("print('printed')");
    await commands.execute('notebook:run-cell');
}"""
"""A new notebook with one cell, which prints: what JupyterLite takes by itself."""

RUN_ALL = "() => { window.jupyterapp.commands.execute('notebook:run-all-cells'); }"


def compared(seen: dict[str, Any]) -> str:
    """Return how long the first picture takes beside the first print, and whether that is within the aim."""
    ratio = seen["seconds"] / seen["print"]
    missed = ": MISSED" if ratio > AIM else ""
    return f"{ratio:7.2f}, aim: at most {AIM}{missed} ({seen['seconds']} s / {seen['print']} s)"


def visit(lab: Path, state: str) -> dict[str, Any]:
    """The paths of a first visit, their bytes, and the seconds to the first picture; `state` is the lab's hash.

    `print` are the seconds to the first `print` of an empty notebook in the same lab, in a browser that was never here.
    """
    if KEPT.is_file():
        kept: dict[str, Any] = json.loads(KEPT.read_text())
        if kept["state"] == state:
            return kept
    from playwright.sync_api import sync_playwright

    with Site(lab) as site, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=[*FLAGS, ALONE])
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        begun = time.monotonic()
        notebook = Notebook(page, site, FIRST)
        notebook.page.evaluate(RUN_ALL)
        page.wait_for_selector(".vmwidgets .vmw-scene", timeout=1000 * SECONDS)
        seconds = time.monotonic() - begun
        page.wait_for_timeout(3000)  # what the page asks for after that belongs to the visit too
        browser.close()
        paths = sorted(site.sent)
        own = first_print(playwright, site)
    size = sum((lab / path.partition("?")[0]).stat().st_size for path in paths)
    seen = {"state": state, "paths": paths, "bytes": size, "seconds": round(seconds, 1), "print": round(own, 1)}
    KEPT.write_text(json.dumps(seen, indent=1) + "\n")
    return seen


def first_print(playwright: Any, site: Site) -> float:
    """Seconds from nothing to what a new notebook's first cell prints."""
    browser = playwright.chromium.launch(executable_path=find_chromium(), args=[*FLAGS, ALONE])
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    begun = time.monotonic()
    page.goto(f"{site.base}/lab/index.html")
    page.wait_for_function("() => window.jupyterapp", timeout=1000 * SECONDS)
    page.evaluate("async () => { await window.jupyterapp.restored; }")
    page.evaluate(PRINT)
    page.wait_for_selector(".jp-OutputArea-output pre:has-text('printed')", timeout=1000 * SECONDS)
    seconds = time.monotonic() - begun
    browser.close()
    return seconds
