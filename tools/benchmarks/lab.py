"""A notebook in a real JupyterLab and Chromium, in which the time from an operation to its painting is measured."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.browser.lab import APPEND_AND_RUN, FLAGS, Notebook, Server, find_chromium

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
    const cell = window.panel.content.widgets[index].node;
    const root = within ? cell.querySelector(within) : cell;
    let asked = false;
    const painted = PAINTED;
    const note = () => {
        if (asked) return;
        asked = true;
        requestAnimationFrame(() => { asked = false; });
        painted(() => watch.paints.push(performance.timeOrigin + performance.now()));
    };
    const images = () => [...root.querySelectorAll('.jp-OutputArea-output img')].filter((image) => !image.complete);
    watch.observer = new MutationObserver(() => {
        const loading = images();
        if (loading.length) Promise.all(loading.map((image) => image.decode().catch(() => 0))).then(note);
        else note();
    });
    watch.observer.observe(root, { subtree: true, childList: true, attributes: true, characterData: true });
    // What is drawn on a canvas changes no element.
    const canvas = CanvasRenderingContext2D.prototype;
    const clear = (window.vmclear ??= canvas.clearRect);
    canvas.clearRect = function (...box) {
        note();
        return clear.apply(this, box);
    };
}""".replace("PAINTED", PAINTED)

FIRST = """([start, source, selector]) => new Promise((resolve) => {
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

UNWATCH = "() => { window.vmwatch.observer.disconnect(); return window.vmwatch.paints; }"

LOOP = """
import json as _json, time as _time
_begun = []
for i in range({first}, {last}):
    _begun.append(_time.time() * 1e3)
    {statement}
    _time.sleep({gap})
print(_json.dumps(_begun))
"""


@dataclass(frozen=True)
class Painted:
    """Times from before an operation in the kernel to the end of the frame that shows it, in milliseconds; bytes of
    all messages to the page for each operation, and of the largest of them."""

    times: tuple[float, ...]
    operations: int
    bytes_each: float
    largest: int

    def quantile(self, share: float) -> float:
        """The time that `share` of the operations stayed below."""
        return quantile(self.times, share)


def quantile(times: Sequence[float], share: float) -> float:
    """The time that `share` of them stayed below; no number for none."""
    ordered = sorted(times)
    return ordered[round(share * (len(ordered) - 1))] if ordered else float("nan")


class MeasuredNotebook(Notebook):
    """A notebook that also notes the largest message that came in."""

    largest = 0

    def _watch(self, base: str) -> None:
        super()._watch(base)
        self.page.on("websocket", lambda socket: socket.on("framereceived", self._note))

    def _note(self, payload: str | bytes) -> None:
        self.largest = max(self.largest, len(payload))

    def first_painted(self, source: str, selector: str) -> float:
        """Milliseconds from running `source` in a new cell to the end of the frame that first shows `selector`.

        By the page's own clock: Playwright looks for an element only at 20, 70, 170, 270, 770 … ms.
        """
        return float(self.page.evaluate(FIRST, [f"({APPEND_AND_RUN})", source, selector]))

    def latency(
        self, shown: int, statement: str, operations: int, *, settles: bool = False, within: str = ""
    ) -> Painted:
        """Run `statement` (its `i` counts from 0) so many times, and see when cell `shown` was painted anew.

        The first two warm up, and set the pause between the rest.  `settles`: what is drawn first is not yet in its
        place, so that the last frame counts.  `within`: only what changes in there counts (a selector in the cell).
        """
        watched = [shown, within]
        warm = self._loop(watched, statement, 0, 2, 3.0 if settles else 1.0, settles)
        usual = max(warm.times, default=1_000.0)
        gap = round(min(3.0, max(0.12, 2.5 * usual / 1e3 + 0.1)), 3)
        return self._loop(watched, statement, 2, 2 + operations, gap, settles)

    def _loop(
        self, watched: list[int | str], statement: str, first: int, last: int, gap: float, settles: bool
    ) -> Painted:
        self.page.evaluate(WATCH, watched)
        self.largest, before = 0, self.bytes_in
        cell = self.run(LOOP.format(first=first, last=last, statement=statement, gap=gap))
        received, largest = self.bytes_in - before, self.largest
        self.page.wait_for_timeout(min(1_500, gap * 1e3))
        paints = self.page.evaluate(UNWATCH)
        begun = json.loads(self._printed(cell))
        ends = [*begun[1:], float("inf")]
        seen = paints[::-1] if settles else paints
        times = [
            next((paint - start for paint in seen if start < paint < end), None)
            for start, end in zip(begun, ends, strict=True)
        ]
        count = last - first
        return Painted(tuple(time for time in times if time is not None), count, received / count, largest)

    def _printed(self, cell: int) -> str:
        outputs = self.outputs(cell)
        for output in outputs:
            if output["output_type"] == "stream" and output["name"] == "stdout":
                return str(output["text"] if isinstance(output["text"], str) else "".join(output["text"]))
        raise RuntimeError(f"the measured cell printed nothing: {outputs}")


@contextmanager
def open_notebook(host: type[Server] = Server) -> Iterator[MeasuredNotebook]:
    """An empty notebook in a JupyterLab and a Chromium of its own."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder:
        root, home = Path(folder, "root"), Path(folder, "home")
        root.mkdir()
        home.mkdir()
        empty: dict[str, Any] = {
            "cells": [],
            "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3"}},
            "nbformat": 4,
            "nbformat_minor": 5,
        }
        (root / "bench.ipynb").write_text(json.dumps(empty))
        with host(root, home) as server, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
            page = browser.new_page(viewport={"width": 1400, "height": 1000})
            yield MeasuredNotebook(page, server, "bench.ipynb")
            browser.close()
