"""From an operation to its picture, beside an earlier commit: each in a JupyterLab of its own, in turns."""

from __future__ import annotations

import subprocess
import sys
import zlib
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from tests.browser.lab import Server

from .against import COMMIT, HERE, NOISE, exported
from .lab import MeasuredNotebook, open_notebook
from .paint import FIRST, SETUP, Case, painted
from .table import table, verdict

SIZES = (127, 1_023)
"""Entries of the map."""

SHOWN = {
    "tree": "vm.Tree(m.kernel_map)",
    "map: tree, list, ribbon": "vm.Map(m.kernel_map)",
    "dashboard": "vm.Dashboard(m)",
}
"""What is measured, and the cell that shows it."""

NODE = ".vmw-scene .node"

SLOW = 2_000_000
"""Bits a second of a slow network."""

ONE_WORD = "a widget with one word, without the package"
SCRIPT = "JavaScript before the first picture, packed, bytes"
BYTES, TIME, SLOWLY = "first picture, bytes", "first picture", f"first picture at {SLOW // 10**6} Mbit/s"
LEAST = """
import anywidget

class Word(anywidget.AnyWidget):
    _esm = "export default {render({el}) {el.innerHTML = '<p class=vmw-scene><i class=node>here</i></p>';}}"

Word()
"""
"""The least that a first picture can be: a widget with one word, which needs nothing of this package."""

Found = dict[str, tuple[list[float], list[float]]]
"""By what was measured: the figures of the earlier commit, one for each turn, and those of now."""


class EarlierLab(Server):
    """A JupyterLab whose kernels import the package from :data:`COMMIT`."""

    @property
    def tree(self) -> Path:
        return built(COMMIT)


@cache
def built(commit: str) -> Path:
    """The sources of a commit, with their front end."""
    tree = exported(commit)
    subprocess.run([sys.executable, "hatch_build.py"], cwd=tree, check=True)
    return tree


def measure(
    entries: Sequence[int] = SIZES, operations: int = 30, turns: int = 3, earlier: type[Server] = EarlierLab
) -> Found:
    """The figures of all turns."""
    found: Found = {SCRIPT: tuple([_packed(tree)] for tree in (built(COMMIT), HERE))}
    for _ in range(turns):
        for which, host in enumerate((earlier, Server)):
            for figures in (_least, _over_a_slow_network, lambda notebook: _figures(notebook, entries, operations)):
                with open_notebook(host) as notebook:
                    for name, value in figures(notebook):
                        found.setdefault(name, ([], []))[which].append(value)
    return found


def _packed(tree: Path) -> float:
    """Bytes of the drawing code, as it is sent."""
    return len(zlib.compress((tree / "vmwidgets" / "static" / "hub.js").read_bytes(), 9))


def _figures(notebook: MeasuredNotebook, entries: Sequence[int], operations: int) -> Iterator[tuple[str, float]]:
    yield TIME, _first(notebook)[0]
    _is_of(notebook, notebook.server.tree)
    notebook.run(SETUP)
    for size in entries:
        notebook.run(f"m = machine({size})")
        for name, shows in SHOWN.items():
            yield f"{name}, {size:,} entries", painted(notebook, Case(name, size, shows), operations).quantile(0.5)


def _least(notebook: MeasuredNotebook) -> Iterator[tuple[str, float]]:
    yield ONE_WORD, notebook.first_painted(LEAST, NODE)


def _first(notebook: MeasuredNotebook) -> tuple[float, int]:
    """Milliseconds from running a fresh kernel's first cell until its picture is there, and bytes of all messages."""
    before = notebook.bytes_in
    milliseconds = notebook.first_painted(FIRST, NODE)
    received = notebook.bytes_in - before
    notebook.wait_idle()
    return milliseconds, received


def _over_a_slow_network(notebook: MeasuredNotebook) -> Iterator[tuple[str, float]]:
    """The same where the page's messages come at :data:`SLOW`."""
    rate = {"downloadThroughput": SLOW / 8, "uploadThroughput": SLOW / 8, "latency": 50, "offline": False}
    network = notebook.page.context.new_cdp_session(notebook.page)
    network.send("Network.enable")
    network.send("Network.emulateNetworkConditions", rate)
    milliseconds, received = _first(notebook)
    yield SLOWLY, milliseconds
    yield BYTES, received


def _is_of(notebook: MeasuredNotebook, tree: Path) -> None:
    """Hold that the kernel has the package of this tree: otherwise a tree would be measured beside itself."""
    (output,) = notebook.outputs(notebook.run("print(vmwidgets.__file__)"))
    place = Path("".join(output["text"]).strip())
    if place.parent.parent != tree:
        raise RuntimeError(f"the kernel has {place}, not the package in {tree}")


def report(found: Found) -> str:
    """The table; an aim is to take no longer than then."""
    rows = []
    for name, (then, now) in found.items():
        share = min(now) / min(then)
        each = ", ".join(f"{one / other:.2f}" for other, one in zip(then, now, strict=True))
        reached = verdict(share <= 1 + NOISE)
        rows.append([name, f"{min(then):,.0f}", f"{min(now):,.0f}", f"{share:.2f}", reached, each])
    header = ["milliseconds to the painted picture, or bytes", "then", "now", "ratio", "", "each turn"]
    return table(f"Beside commit {COMMIT}, in turns: the best of each turn's medians", header, rows)
