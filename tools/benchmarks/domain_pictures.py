"""From an operation on a self-paging domain to its scene: with few and many mappings live."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Sequence
from statistics import median
from time import process_time

import vmwidgets as vm
from vmwidgets.engine.machine.handles.domain import MachineDomain
from vmwidgets.widgets.host.packing import pack

from .table import table, verdict

SIZES = (100, 20_000, 60_000)
"""Mappings live; the region for a pmap's own records ends what there can be at some 64,000."""

LOW = 0x1000_0000
KINDS: tuple[tuple[str, Callable[[MachineDomain], vm.View]], ...] = (
    ("vm.Domain(d)", vm.Domain),
    ("vm.Vnodes(d)", vm.Vnodes),
    ("vm.Capabilities(d)", vm.Capabilities),
    ("vm.Dashboard(m)", lambda domain: vm.Dashboard(domain.machine)),
)
WHOLE, TEXT, SIZE, HELD = "… whole value, d.snapshot()", "… text twin", "… KiB of an update", "… KiB held by the scene"

COLD, FIRST, FURTHER = "vm.Domain(d), the first step of all", "… a first step inside", "… each further one"
FIRST_AIM, LARGE_AIM, FURTHER_AIM = 60, 150, 16
"""Milliseconds of steps in an operation on the smallest domain and on the next one, with the picture."""

Found = dict[tuple[str, int], float]


def filled(live: int) -> tuple[MachineDomain, str]:
    """A domain with `live` mappings of a page, each second page, and the slot of the frame behind them."""
    d = vm.boot("armv7", ram="512 MiB").domain("full", slots=262_144)
    frame = str(d.frame().ref)
    for number in range(live):
        d.map(frame, at=LOW + 2 * vm.PAGE * number)
    return d, frame


def measure(sizes: Sequence[int] = SIZES, operations: int = 40) -> Found:
    """Milliseconds of processor time from an operation's end to the scene, medians; KiB; by what is shown and how many.

    The first fifth of each is left out: it warms up.
    """
    found: Found = {}
    for live in sizes:
        d, frame = filled(live)
        gap = LOW + live // 2 * 2 * vm.PAGE + vm.PAGE
        for name, kind in KINDS:
            found[name, live] = _milliseconds(d, frame, gap, kind(d).scene, operations)
        found[COLD, live], found[FIRST, live], found[FURTHER, live] = _stepped(d, frame, gap, operations)
        view = vm.Domain(d)
        found[TEXT, live] = _milliseconds(d, frame, gap, view.to_text, operations)
        found[WHOLE, live] = _milliseconds(d, frame, gap, d.snapshot, 6)
        found[SIZE, live] = len(pack(view.scene(), view._controls())) / 1024
        found[HELD, live] = _kib(d, frame, gap, view)
    return found


def _milliseconds(d: MachineDomain, frame: str, gap: int, draw: Callable[[], object], operations: int) -> float:
    times = []
    for number in range(operations):
        _work(d, frame, gap, number)
        begun = process_time()
        draw()
        times.append(process_time() - begun)
    return 1e3 * median(times[operations // 5 :])


def _stepped(d: MachineDomain, frame: str, gap: int, operations: int) -> tuple[float, float, float]:
    """Milliseconds of a first step into an operation, which does it again, and of the next one.

    Before both the first of all, for which a machine is made from the latest copy and all since then is done again.
    """
    view, times = vm.Domain(d), []
    for number in range(operations):
        _work(d, frame, gap, number)
        places = view.scene().steps.places
        for place in places[1:3]:
            begun = process_time()
            view.moment = (d.machine.journal.last.serial, place)
            view.scene()
            times.append(process_time() - begun)
        view.moment = None
    kept = times[2 * (operations // 5) :]
    return 1e3 * times[0], 1e3 * median(kept[::2]), 1e3 * median(kept[1::2])


def _work(d: MachineDomain, frame: str, gap: int, number: int) -> None:
    """Map a page in a gap, and with the next operation unmap it."""
    if number % 2:
        d.unmap(gap, vm.PAGE)
    else:
        d.map(frame, at=gap)


def _kib(d: MachineDomain, frame: str, gap: int, view: vm.View) -> float:
    """Return what a scene and all that it was drawn from holds at the most while it is made."""
    _work(d, frame, gap, 0)
    tracemalloc.start()
    view.scene()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    _work(d, frame, gap, 1)
    return most / 1024


def report(found: Found, sizes: Sequence[int] = SIZES) -> str:
    """The table, and the aim."""
    rows = [
        [name, *(f"{found[name, live]:,.1f}" for live in sizes)]
        for name in (*(name for name, _ in KINDS), COLD, FIRST, FURTHER, TEXT, WHOLE, SIZE, HELD)
    ]
    title = "From an operation on a domain to its scene, median of milliseconds of processor time"
    grown = max(found[name, sizes[-1]] / found[name, sizes[0]] for name, _ in KINDS)
    aim = f"  aim: {sizes[-1]:,} live cost no more than twice as much as {sizes[0]:,}: {verdict(grown <= 2)}"
    few, many = sizes[:2]
    is_quick = found[FIRST, few] <= FIRST_AIM and found[FURTHER, few] <= FURTHER_AIM and found[FIRST, many] <= LARGE_AIM
    steps = (
        f"  aim: with {few:,} live, {FIRST_AIM} ms for a first step, with {many:,} {LARGE_AIM} ms, "
        f"and {FURTHER_AIM} ms for each further one: "
    )
    aims = f"{aim} ({grown:.2f}×)\n{steps}{verdict(is_quick)}"
    return table(title, ["mappings live", *(f"{live:,}" for live in sizes)], rows) + f"\n{aims}"
