"""From an operation to the painted picture, in JupyterLab and Chromium.

Also the first picture of a fresh kernel, and a step in the page while the kernel is busy.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.browser.lab import APPEND_AND_RUN, FLAGS, Notebook, Server, find_chromium

from .measured import Row, quantile

SHOWN = {
    "tree": ("vm.Tree(m.kernel_map)", 50),
    "map: tree, list, ribbon": ("vm.Map(m.kernel_map)", 50),
    "dashboard": ("vm.Dashboard(m)", 100),
}
"""What is measured: the cell that shows it, and the milliseconds that 95 % of the operations may take among 127."""

MOST_BEFORE = 150_000
"""Bytes that may come in before the first picture."""

STEP = 16.0
"""Milliseconds of script allowed at p95 for a step of one picture."""

SETUP = """
import json, random, time
import vmwidgets as vm

PAGE, BASE = vm.PAGE, 0xFFFF_8080_4000_0000
shown = []

def machine(entries):
    "A machine whose kernel map has so many entries, most with a gap of a page after them; some of these are `gaps`."
    global gaps
    m = vm.boot("x86-64", layout="x15-64")
    chance = random.Random(entries)
    ranges = entries - len(m.kernel_map)
    for number in range(ranges):
        m.kernel_map.enter(PAGE, at=BASE + 2 * number * PAGE, fixed=True, nomerge=True)
    gaps = [BASE + (2 * chance.randrange(ranges) + 1) * PAGE for _ in range(200)]
    return m

def work(m, i):
    "Enter a page in a gap, and with the next operation remove it."
    gap = gaps[i // 2]
    if i % 2:
        m.kernel_map.remove(gap, size=PAGE)
    else:
        m.kernel_map.enter(PAGE, at=gap, fixed=True, nomerge=True)

def begun(operations, pause):
    "Do so many operations, and print when each began."
    times = []
    for i in range(operations):
        times.append(time.time() * 1e3)
        work(m, i)
        time.sleep(pause)
    print(json.dumps(times))
"""

SCENE = ".vmwidgets > .vmw-scene"
"""The drawing, not its static twin; the controls above it may know of an operation before its picture is there."""

FIRST = """
import vmwidgets
vmwidgets.Map(vmwidgets.boot("x86-64").kernel_map)
"""

PAINTED = """(then) => {
    // After the animation frame that follows a change, the next task begins when the frame is painted.
    requestAnimationFrame(() => {
        const channel = new MessageChannel();
        channel.port1.onmessage = then;
        channel.port2.postMessage(0);
    });
}"""

WATCH = """([index, within]) => {
    const watch = (window.vmwatch = { paints: [] });
    let asked = false;
    watch.observer = new MutationObserver(() => {
        if (asked) return;
        asked = true;
        requestAnimationFrame(() => { asked = false; });
        (PAINTED)(() => watch.paints.push(performance.timeOrigin + performance.now()));
    });
    const root = window.panel.content.widgets[index].node.querySelector(within);
    watch.observer.observe(root, { subtree: true, childList: true, attributes: true, characterData: true });
}""".replace("PAINTED", PAINTED)

UNWATCH = "() => { window.vmwatch.observer.disconnect(); return window.vmwatch.paints; }"

WAIT_FOR_FIRST = """([start, source, selector]) => new Promise((resolve) => {
    const shown = () => [...document.querySelectorAll(selector)].some((found) => found.getClientRects().length);
    const observer = new MutationObserver(() => {
        if (!shown()) return;
        observer.disconnect();
        (PAINTED)(() => resolve(performance.now() - begun));
    });
    observer.observe(document.body, { subtree: true, childList: true });
    const begun = performance.now();
    eval(start)(source);
})""".replace("PAINTED", PAINTED)
"""By the page's own clock: Playwright looks for an element only at 20, 70, 170, 270, 770 … ms."""

STEPS = """async (presses) => {
    const root = document.querySelector('.vmwidgets:has(> .vmw-scene)');
    const painted = () => new Promise(PAINTED);
    const seen = { step: [], painted: [] };
    for (let index = 0; index < presses; index++) {
        await painted();
        const begun = performance.now();
        root.querySelector(`[aria-label="${index % 8 < 4 ? 'back' : 'forward'}"]`).click();
        root.getBoundingClientRect(); // laid out too
        seen.step.push(performance.now() - begun);
        await painted();
        seen.painted.push(performance.now() - begun);
    }
    return seen;
}""".replace("PAINTED", PAINTED)

RUNS = """() => {
    const last = window.panel.content.widgets.at(-1).model;
    return last.sharedModel.getSource().includes('sleep') && last.executionCount === null;
}"""
"""Whether the cell that sleeps runs.  The kernel's status says less: between two words of a page it is idle."""


def rows(short: bool) -> Iterator[Row]:
    """Milliseconds and bytes, in two notebooks."""
    operations = 4 if short else 30
    with _open() as notebook:
        yield from _first(notebook)
        notebook.run(SETUP)
        for entries in (31,) if short else (127, 1_023):
            notebook.run(f"m = machine({entries})")
            for name, (shows, aim) in SHOWN.items():
                times = _operations(notebook, shows, operations)
                yield Row(f"{name}, {entries:,} entries, half of the operations", quantile(times, 0.5), "ms")
                most = aim if entries == 127 else float("inf")
                yield Row(f"{name}, {entries:,} entries, 95 %", quantile(times, 0.95), "ms", most)
    with _open() as notebook:
        yield from _steps(notebook, 8 if short else 127, 4 if short else 60)


def _first(notebook: Notebook) -> Iterator[Row]:
    """From running the first cell of a fresh kernel until its picture is there: milliseconds, and all bytes."""
    before = notebook.bytes_in
    taken = notebook.page.evaluate(WAIT_FOR_FIRST, [f"({APPEND_AND_RUN})", FIRST, ".vmw-scene .node"])
    yield Row("the first picture", float(taken), "ms")
    yield Row("bytes before the first picture", notebook.bytes_in - before, "bytes", MOST_BEFORE)
    notebook.wait_idle()


def _operations(notebook: Notebook, shows: str, operations: int) -> list[float]:
    """Milliseconds from each operation to the frame that shows it; the first two warm up, and set the pause."""
    cell = notebook.run(f"shown.append({shows})\nshown[-1]")
    notebook.cell(cell).locator(f"{SCENE} .node").first.wait_for()
    notebook.page.wait_for_timeout(300)
    usual = max(_painted(notebook, cell, 2, 1.0), default=1_000.0)
    found = _painted(notebook, cell, operations, round(min(3.0, max(0.12, 2.5 * usual / 1e3 + 0.1)), 3))
    notebook.run("for old in shown:\n    old.close()\nshown.clear()")
    notebook.page.evaluate("(i) => window.panel.content.widgets[i].model.outputs.clear()", cell)
    return found


def _painted(notebook: Notebook, cell: int, operations: int, pause: float) -> list[float]:
    notebook.page.evaluate(WATCH, [cell, SCENE])
    (output,) = notebook.outputs(notebook.run(f"begun({operations}, {pause})"))
    notebook.page.wait_for_timeout(min(1_500, pause * 1e3))
    paints = notebook.page.evaluate(UNWATCH)
    begun = json.loads("".join(output["text"]))
    ends = [*begun[1:], float("inf")]
    times = [
        next((paint - start for paint in paints if start < paint < end), None)
        for start, end in zip(begun, ends, strict=True)
    ]
    return [time for time in times if time is not None]


def _steps(notebook: Notebook, entries: int, presses: int) -> Iterator[Row]:
    """Steps through the last operation while a cell sleeps."""
    notebook.run(f"{SETUP}\nm = machine({entries})\nvm.Map(m.kernel_map)")
    page = notebook.page
    page.locator(".vmw-filmed").first.wait_for(timeout=60_000)
    notebook.start("try:\n    time.sleep(300)\nexcept KeyboardInterrupt:\n    pass")
    page.wait_for_function(RUNS)
    times = page.evaluate(STEPS, presses)
    assert page.evaluate(RUNS), "the kernel has slept all the time"
    yield Row("a step while the kernel is busy, script and layout, 95 %", quantile(times["step"], 0.95), "ms", STEP)
    yield Row("a step while the kernel is busy, painted, 95 %", quantile(times["painted"], 0.95), "ms")
    page.evaluate("() => window.panel.sessionContext.session.kernel.interrupt()")
    notebook.wait_idle()


@contextmanager
def _open() -> Iterator[Notebook]:
    """An empty notebook in a JupyterLab and a Chromium of its own."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder:
        root, home = Path(folder, "root"), Path(folder, "home")
        root.mkdir()
        home.mkdir()
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
        empty: dict[str, Any] = {"cells": [], "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
        (root / "bench.ipynb").write_text(json.dumps(empty))
        with Server(root, home) as server, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
            yield Notebook(browser.new_page(viewport={"width": 1400, "height": 1000}), server, "bench.ipynb")
            browser.close()
