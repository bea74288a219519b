"""From an operation in the kernel to the picture on the page, in real JupyterLab and Chromium."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tests.browser.lab import Server

from . import peers
from .lab import MeasuredNotebook, Painted, open_notebook
from .table import ratio, table, verdict

SETUP = """
import random
from IPython.display import display
import vmwidgets as vm

PAGE, BASE = vm.PAGE, 0xFFFF_8080_4000_0000
shown = []

def machine(entries):
    "A machine whose kernel map has so many entries, most with a gap of a page behind; some of these are `gaps`."
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
"""

WORK = "work(m, i)"

SCENE = ".vmwidgets > .vmw-scene"
"""The drawing, not its static twin; the controls above it may know of an operation before its picture is there."""


@dataclass(frozen=True)
class Case:
    """One thing that is measured: what a cell shows of a machine with so many entries, and how it follows the tree.

    `settles`: it draws more than once, and only at the end is all in its place.  `other`: it is another package's.
    """

    name: str
    entries: int
    shows: str
    follows: str = ""
    settles: bool = False
    other: bool = False


OTHERS = {
    "graphviz.Source": ("handle = display(drawing(m), display_id=True)", "handle.update(drawing(m))"),
    "graphviz-anywidget": ("other = GraphvizAnyWidget(dot_source=source(m))\nother", "other.dot_source = source(m)"),
    "memory_graph": ("handle = display(objects(m), display_id=True)", "handle.update(objects(m))"),
    "ipycytoscape": ("other = Cytoscape(m)\nother.widget", "other.follow(m)"),
}
"""Packages that draw the whole tree: what shows it, and what follows an operation."""

SETTLING = "ipycytoscape"
"""It draws what is new first, and lays it out then."""

SHARED = (127, 1_023)
"""Sizes at which they are measured: larger trees keep them busy for minutes."""


def cases(sizes: Sequence[int]) -> list[Case]:
    """All cases of these sizes, those of one machine together."""
    found = []
    for size in sizes:
        if size == 1_023:
            found.append(Case("tree, complete", size, "vm.Tree(m.kernel_map, whole=5000)"))
            found.append(Case("tree, folded", size, "vm.Tree(m.kernel_map)"))
            found.append(Case("list, complete", size, "vm.EntryList(m.kernel_map, whole=5000)"))
            found.append(Case("ribbon, complete", size, "vm.Ribbon(m.kernel_map, whole=5000)"))
            found.append(Case("map, folded", size, "vm.Map(m.kernel_map)"))
        else:
            found.append(Case("tree", size, "vm.Tree(m.kernel_map)"))
            found.append(Case("map: tree, list, ribbon", size, "vm.Map(m.kernel_map)"))
        found.append(Case("dashboard", size, "vm.Dashboard(m)"))
        if size in SHARED:
            found += [
                Case(name, size, shows, follows, settles=name == SETTLING, other=True)
                for name, (shows, follows) in OTHERS.items()
            ]
    return found


@dataclass(frozen=True)
class Measured:
    """What was measured of each case, and the bytes that came in before the first picture of a fresh kernel."""

    cases: dict[Case, Painted]
    first: int


FIRST = """
import vmwidgets
vmwidgets.Map(vmwidgets.boot("x86-64").kernel_map)
"""


def first_picture(notebook: MeasuredNotebook) -> int:
    """Bytes of all messages to the page, from running the first cell on until its picture is there."""
    before = notebook.bytes_in
    cell = notebook.run(FIRST)
    notebook.cell(cell).locator(".vmw-scene .node").first.wait_for()
    return notebook.bytes_in - before


def measure(sizes: Sequence[int], operations: int, *, others: bool = True) -> Measured:
    """Times, bytes and largest message of each case, in a JupyterLab that has all of the packages.

    Without `others` only this package is measured, in the JupyterLab of the tests.
    """
    found: dict[Case, Painted] = {}
    with open_notebook(peers.PeersLab if others else Server) as notebook:
        first = first_picture(notebook)
        notebook.run(SETUP)
        if others:
            notebook.run(peers.SETUP)
        entries = 0
        for case in cases(sizes):
            if case.other and not others:
                continue
            if case.entries != entries:
                entries = case.entries
                notebook.run(f"m = machine({entries})")
            found[case] = painted(notebook, case, operations)
    return Measured(found, first)


def painted(notebook: MeasuredNotebook, case: Case, operations: int) -> Painted:
    """The times of so many operations in one case, which is shown for them and taken away after them."""
    cell = notebook.run(case.shows if case.other else f"shown.append({case.shows})\nshown[-1]")
    notebook.page.wait_for_timeout(2_000 if case.other else 300)
    statement = f"{WORK}; {case.follows}" if case.follows else WORK
    found = notebook.latency(cell, statement, operations, settles=case.settles, within="" if case.other else SCENE)
    notebook.run("for old in shown:\n    old.close()\nshown.clear()")
    notebook.page.evaluate("(i) => window.panel.content.widgets[i].model.outputs.clear()", cell)
    return found


HEADER = ["shown", "entries", "p50 ms", "p95 ms", "KiB each", "largest KiB", "graphviz =", "painted"]


MOST_BEFORE = 150_000
"""Bytes that may come in before the first picture."""


def report(measured: Measured) -> str:
    """The table, and the aims."""
    found = measured.cases
    reference = {case.entries: painted for case, painted in found.items() if case.name == "graphviz.Source"}
    rows = [_row(case, painted, reference.get(case.entries)) for case, painted in found.items()]
    note = "“graphviz =” is how many times as long graphviz.Source takes, by medians"
    title = "From an operation to the end of the frame that shows it, in JupyterLab and Chromium"
    first = f"  bytes before the first picture, in a fresh kernel: {measured.first:,}"
    aim = f"  aim: at most {MOST_BEFORE:,} bytes before the first picture: {verdict(measured.first <= MOST_BEFORE)}"
    return "\n".join([table(title, HEADER, rows, note), first, aim, *aims(found)])


def _row(case: Case, painted: Painted, beside: Painted | None) -> list[str]:
    p50 = painted.quantile(0.5)
    times = ratio(beside.quantile(0.5) / p50) if beside is not None and beside is not painted else ""
    size = [f"{painted.bytes_each / 1024:.1f}", f"{painted.largest / 1024:.1f}"]
    count = f"{len(painted.times)}/{painted.operations}"
    return [case.name, f"{case.entries:,}", f"{p50:.0f}", f"{painted.quantile(0.95):.0f}", *size, times, count]


def aims(found: dict[Case, Painted]) -> list[str]:
    """Return what was aimed at, and whether it is reached."""
    by = {(case.name.split(":")[0], case.entries): painted for case, painted in found.items()}
    lines = []

    def aim(text: str, holds: bool, number: str) -> None:
        lines.append(f"  aim: {text}: {verdict(holds)} ({number})")

    for name, limit in (("tree", 50), ("map", 50), ("dashboard", 100)):
        if (name, 127) in by:
            p95 = by[name, 127].quantile(0.95)
            aim(f"{name} at 127 entries, p95 at most {limit} ms", p95 <= limit, f"{p95:.0f} ms")
        if (name, 127) in by and (name, 100_000) in by:
            times = by[name, 100_000].quantile(0.5) / by[name, 127].quantile(0.5)
            aim(f"{name} at 100,000 entries at most 1.5 times that at 127", times <= 1.5, ratio(times))
    source = by.get(("graphviz.Source", 1_023))
    for name, factor in (("tree, complete", 4), ("tree, folded", 15)):
        if source is not None and (name, 1_023) in by:
            times = source.quantile(0.5) / by[name, 1_023].quantile(0.5)
            aim(f"{name}, 1,023 entries: {factor} times as fast as graphviz.Source", times >= factor, ratio(times))
    complete = by.get(("tree, complete", 1_023))
    if complete is not None:
        aim(
            "tree, complete, 1,023 entries: at most 16 KiB an update",
            complete.largest <= 16 * 1024,
            f"{complete.largest / 1024:.1f} KiB",
        )
    largest = max((painted.largest for case, painted in found.items() if not case.other), default=0)
    aim("no update above 64 KiB", largest <= 64 * 1024, f"{largest / 1024:.1f} KiB")
    return lines
