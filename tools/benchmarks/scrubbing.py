"""From a drag of the slider to its mark and headline, and to the picture, over all operations of a long history."""

from __future__ import annotations

import json
from dataclasses import dataclass

from .lab import PAINTED, MeasuredNotebook, open_notebook, quantile
from .table import table, verdict

COUNT, POSITIONS, PICTURES = 10_000, 400, 30
PAUSE = 40
"""Milliseconds between two positions of a drag: pictures do not come as fast."""

SAID, KEPT, REMADE = 50.0, 150.0, 1_200.0
"""Milliseconds allowed at p95: for mark and headline; for a picture whose events are kept; for any other."""

SETUP = """
import vmwidgets as vm
m = vm.boot("x86-64", layout="x15-64")
task = m.task("init")
for i in range(({count} - 2) // 4):
    address = task.mmap("8 KiB", at=0x40_0000 + i % 64 * 0x1_0000)
    task.write(address, b"x")
    m.kernel_map.remove(m.kernel_map.enter("4 KiB"), size="4 KiB")
    if i % 64 == 63:
        task.munmap(0x40_0000, 64 * 0x1_0000)
vm.Map(task.map)
"""

DRAG = """async ([positions, pause, awaited]) => {
    const root = document.querySelector('.vmwidgets');
    const time = root.querySelector('.vmw-time');
    const [slider, list, unit] = ['.vmw-slider', '.vmw-operation', '.vmw-choice'].map((one) => root.querySelector(one));
    const strip = time.querySelector('.vmw-timeline');
    unit.value = 'operation';
    unit.dispatchEvent(new Event('change'));
    const painted = () => new Promise((done) => (PAINTED)(() => done(performance.now())));
    const seen = [];
    for (const position of positions) {
        const begun = performance.now();
        slider.value = position;
        slider.dispatchEvent(new Event('input'));
        let now;
        const there = () => {
            const text = list.selectedOptions[0]?.textContent ?? '';
            return text.includes(`${position.toLocaleString('en')} \\u00b7`) && !text.endsWith('\\u2026')
                && time.querySelector('.vmw-where').textContent.includes(position.toLocaleString('en'))
                && strip.ariaValueNow === String(position) && (!awaited || !time.ariaBusy);
        };
        do now = await painted(); while (!there() && now - begun < 20000);
        seen.push(now - begun);
        if (!awaited) await new Promise((done) => setTimeout(done, pause));
    }
    return seen;
}""".replace("PAINTED", PAINTED)


@dataclass(frozen=True)
class Scrubbed:
    """Milliseconds: of each position until its mark and headline are painted; of pictures kept and made again."""

    count: int
    said: list[float]
    kept: list[float]
    remade: list[float]


def spread(first: int, last: int, count: int) -> list[int]:
    """So many positions of a range, near and far in turn."""
    return [first + 7_919 * number % (last - first + 1) for number in range(1, count + 1)]


def measure(count: int = COUNT, positions: int = POSITIONS, pictures: int = PICTURES) -> Scrubbed:
    """Drag through the operations of a machine, at first without a name on the page."""
    with open_notebook() as notebook:
        notebook.run(SETUP.format(count=count))
        page = notebook.page
        page.locator(".vmw-timeline path").first.wait_for(state="attached", timeout=60_000)
        latest = int(page.locator(".vmw-timeline").get_attribute("aria-valuemax") or 0)
        kept = kept_from(notebook)

        def drag(places: list[int], awaited: bool) -> list[float]:
            return list(page.evaluate(DRAG, [places, PAUSE, awaited]))

        said = drag(spread(0, latest, positions), False)
        page.wait_for_function("() => !document.querySelector('.vmw-time').ariaBusy", timeout=60_000)
        near = drag(spread(kept, latest, pictures), True)
        return Scrubbed(latest, said, near, drag(spread(0, kept - 1, pictures), True) if kept else [])


def kept_from(notebook: MeasuredNotebook) -> int:
    """The first operation whose events are kept."""
    cell = notebook.run("import json\nprint(json.dumps(m.journal.first_kept))")
    return int(json.loads(notebook._printed(cell)))


def report(found: Scrubbed) -> str:
    """The table."""
    aims = {"mark and headline": (found.said, SAID), "picture, events kept": (found.kept, KEPT)}
    if found.remade:
        aims["picture, made again"] = found.remade, REMADE
    rows = [
        [what, *(f"{quantile(times, share):.0f}" for share in (0.5, 0.95, 1)), verdict(quantile(times, 0.95) <= aim)]
        for what, (times, aim) in aims.items()
    ]
    header = ["milliseconds", "p50", "p95", "most", f"p95 aims: {SAID:.0f}, {KEPT:.0f}, {REMADE:,.0f}"]
    return table(f"From a drag to what is seen, {found.count:,} operations", header, rows)
