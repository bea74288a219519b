"""From a press that steps to the picture on the page, while the Jupyter kernel is busy; and what a film costs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from statistics import median

import vmwidgets as vm
from vmwidgets.pictures.film import film_of
from vmwidgets.pictures.moments import When
from vmwidgets.pictures.picture import Picture
from vmwidgets.views.scene.model import Scene
from vmwidgets.widgets.host.packing import pack, pack_film

from .lab import PAINTED, open_notebook, quantile
from .table import table, verdict

PRESSES = 60
STEP = 16.0
"""Milliseconds of script allowed at p95 for a step of one picture."""

RATIO = 1.6
"""Bytes of a frame and its film together, allowed for each byte of the frame at 05f3a873."""

BEFORE = {
    "enter, Map": 2867, "enter, Kentry": 2599, "enter, Slabs": 1645, "enter, Dashboard": 4028, "copy, Fault": 1531,
    "copy, Objects": 1628, "copy, Frames": 3837, "copy, Sharing": 801, "copy, Tlb": 1332, "copy, Tables": 1724,
    "copy, Walk": 5553,
}  # fmt: skip  # a table
"""Bytes of the frames of the same pictures at 05f3a873, which had no films: `pack(picture.scene(), …)` there."""

SETUP = """
import vmwidgets as vm
m = vm.boot("x86-64", layout="x15-64")
for number in range({entries}):
    m.kernel_map.enter("4 KiB", at=0xFFFF_8080_4000_0000 + number * 8192, fixed=True, nomerge=True)
vm.Map(m.kernel_map)
"""

STEPS = """async ([presses, positions]) => {
    const root = document.querySelector('.vmwidgets:has(> .vmw-scene)');
    const painted = () => new Promise(PAINTED);
    const slider = root.querySelector('.vmw-slider');
    const press = (index) => root.querySelector(`[aria-label="${index % 8 < 4 ? 'back' : 'forward'}"]`).click();
    const move = (index) => {
        slider.value = String((index * 7) % (Number(slider.max) + 1));
        slider.dispatchEvent(new Event('input'));
    };
    const seen = { step: [], scrub: [], painted: [] };
    for (const [name, act, count] of [['step', press, presses], ['scrub', move, positions]])
        for (let index = 0; index < count; index++) {
            await painted();
            const begun = performance.now();
            act(index);
            root.getBoundingClientRect(); // laid out too
            seen[name].push(performance.now() - begun);
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


@dataclass(frozen=True)
class Stepped:
    """Milliseconds in the page, of a map with so many entries: script and layout of a step, and until it is painted."""

    entries: int
    step: list[float]
    scrub: list[float]
    painted: list[float]


def measure(entries: tuple[int, ...] = (8, 127, 1_000), presses: int = PRESSES) -> list[Stepped]:
    """Step and scrub through the last operation while a cell sleeps."""
    found = []
    for count in entries:
        with open_notebook() as notebook:
            notebook.run(SETUP.format(entries=count))
            page = notebook.page
            page.locator(".vmw-filmed").first.wait_for(timeout=60_000)
            notebook.start("import time\ntry:\n    time.sleep(300)\nexcept KeyboardInterrupt:\n    pass")
            page.wait_for_function(RUNS)
            times = page.evaluate(STEPS, [presses, presses])
            assert page.evaluate(RUNS), "the kernel has slept all the time"
            found.append(Stepped(count, times["step"], times["scrub"], times["painted"]))
            page.evaluate("() => window.panel.sessionContext.session.kernel.interrupt()")
            notebook.wait_idle()
    return found


def subjects() -> Iterator[tuple[str, Picture]]:
    """Pictures after operations with steps; their machines live until the last of them is drawn."""
    machine = vm.boot("x86-64")
    for rights in ("rw", "r", "rw"):
        machine.kernel_map.enter("16 KiB", prot=rights)
    kinds = (vm.Map, vm.Kentry, vm.Slabs, vm.Dashboard)
    found = [(f"enter, {kind.__name__}", vm.picture(kind(machine))) for kind in kinds]
    for _, picture in found:
        picture.scene()
    other = vm.boot("x86-64")
    task = other.task("init")
    start = task.mmap("64 KiB")
    task.write(start, b"x" * 9000)
    child = task.fork("child")
    child.write(start, b"own")
    kinds_of_copies = (vm.Fault, vm.Objects, vm.Frames, vm.Sharing, vm.Tlb)
    found += [(f"copy, {kind.__name__}", vm.picture(kind(other))) for kind in kinds_of_copies]
    yield from found
    yield "copy, Tables", vm.picture(vm.Tables(child))
    yield "copy, Walk", vm.picture(vm.Walk(child.walk(start)))


def sizes() -> list[tuple[str, int, int, int]]:
    """Of each picture its frames, and the bytes of its frame and its film."""
    found = []
    for name, picture in subjects():
        scene, machine = picture.scene(), picture.machine
        assert machine is not None
        film = film_of(partial(drawn, picture, machine.journal.last.serial), scene)
        frame = pack(scene, {"number": picture.operation, "place": -1})
        if film is not None:
            found.append((name, len(film.places), len(frame), len(pack_film(film, picture.operation, frame))))
    return found


def drawn(picture: Picture, serial: int, done: int | None) -> Scene:
    """The drawing of a picture after so many events of an operation; None is after all."""
    return picture.drawing(picture.at(When(serial, done)))


def report(stepped: list[Stepped]) -> str:
    """Both tables."""
    rows = [
        [f"{one.entries:,} entries", what, *(f"{quantile(times, share):.1f}" for share in (0.5, 0.95, 1)), judged]
        for one in stepped
        for what, times in (("step", one.step), ("scrub", one.scrub), ("painted", one.painted))
        for judged in ["" if what == "painted" else verdict(quantile(times, 0.95) <= STEP)]
    ]
    header = ["a map of", "milliseconds", "p50", "p95", "most", f"p95 aim: {STEP:.0f}"]
    films = sizes()
    ratios = [(frame + film) / BEFORE[name] for name, _, frame, film in films]
    listed = [
        [name, str(count), f"{BEFORE[name]:,}", f"{frame:,}", f"{film:,}", f"{ratio:.2f}"]
        for (name, count, frame, film), ratio in zip(films, ratios, strict=True)
    ]
    return "\n\n".join(
        (
            table("A step in the page, while the kernel is busy", header, rows),
            table(
                "Bytes of films",
                ["picture", "drawings", "frame at 05f3a873", "frame", "film", "both, for that"],
                listed,
            ),
            f"median {median(ratios):.2f}, most {max(ratios):.2f} (aim {RATIO}): {verdict(max(ratios) <= RATIO)}",
        )
    )
