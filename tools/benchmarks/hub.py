"""What a class costs a hub: memory and processor time of a learner's kernel, of twenty at once, and the sum for 300.

A kernel runs the students' notebook of a lab from top to bottom, as Jupyter runs it.  Memory is what /proc says of its
process: `peak` is the most that was resident (VmHWM), `own` is its proportional share of what it has at the end (Pss),
in which code that kernels share counts once.  It needs Linux.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, NamedTuple
from urllib.request import urlopen

from .table import table

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
LABS = ("01", "06", "08b", "11")
KERNELS = 20
CLASS = 300
AT_ONCE = 4
"""Notebooks that run at the same time; the other kernels wait, or are done and stay."""

STARTS_IN = 60
"""Seconds in which a server answers."""

MEBI = 1 << 20


class Cost(NamedTuple):
    """What a process has taken: bytes, and seconds of a processor."""

    peak: int
    own: int
    seconds: float


class Found(NamedTuple):
    """All that is measured: a kernel by lab, what a kernel with no lab has, many at once, and a server."""

    labs: dict[str, Cost]
    bare: Cost
    many: list[Cost]
    many_lab: str
    elapsed: float
    server: Cost


def cost_of(process: int) -> Cost:
    """Return what the kernel of the system says of a process."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{process}/status").read_text().splitlines())
    rollup = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()[1:]
    shares = dict(line.split(":", 1) for line in rollup)
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    ticks = int(fields[11]) + int(fields[12])
    return Cost(_kib(status["VmHWM"]), _kib(shares["Pss"]), ticks / os.sysconf("SC_CLK_TCK"))


def _kib(text: str) -> int:
    return int(text.split(maxsplit=1)[0]) << 10


class Kernel:
    """A Jupyter kernel, which stays after its notebook was run."""

    def __init__(self) -> None:
        import nbclient
        import nbformat

        self.notebook: Any = nbformat.v4.new_notebook()
        self.client = nbclient.NotebookClient(self.notebook, kernel_name="python3", allow_errors=True, timeout=600)

    async def start(self, stack: AsyncExitStack) -> None:
        """Start it in a folder of its own; both go with the stack."""
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        self.client.resources = {"metadata": {"path": folder}}
        await stack.enter_async_context(self.client.async_setup_kernel(stderr=subprocess.DEVNULL))

    @property
    def process(self) -> int:
        """Its number."""
        return int(self.client.km.provisioner.pid)

    async def run(self, lab: str) -> None:
        """Run a lab's cells; an exercise that nobody solved fails, as it does for students."""
        import nbformat

        (path,) = NOTEBOOKS.glob(f"{lab}-*.ipynb")
        self.notebook.cells = nbformat.read(path, as_version=4).cells
        for number, cell in enumerate(self.notebook.cells):
            if cell.cell_type == "code":
                await self.client.async_execute_cell(cell, number)


def alone(lab: str = "") -> Cost:
    """A kernel that runs one lab, or does nothing."""
    (cost,) = asyncio.run(_costs([lab]))
    return cost


def together(lab: str, count: int) -> tuple[list[Cost], float]:
    """So many kernels, all there at the end; and the seconds that it took."""
    begun = time.perf_counter()
    return asyncio.run(_costs([lab] * count)), time.perf_counter() - begun


async def _costs(labs: Sequence[str]) -> list[Cost]:
    """Return what a kernel for each lab cost ("": it does nothing); all are there at the end."""
    turn = asyncio.Semaphore(AT_ONCE)

    async def run(kernel: Kernel, lab: str) -> None:
        async with turn:
            await kernel.run(lab)

    async with AsyncExitStack() as stack:
        kernels = [Kernel() for _ in labs]
        for kernel in kernels:
            await kernel.start(stack)
        await asyncio.gather(*(run(kernel, lab) for kernel, lab in zip(kernels, labs, strict=True) if lab))
        return [cost_of(kernel.process) for kernel in kernels]


def server() -> Cost:
    """A learner's JupyterLab server, once it answers."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--ServerApp.ip=127.0.0.1", "--allow-root"]
        command += ["--ServerApp.port=0", "--IdentityProvider.token=t", f"--ServerApp.root_dir={folder}"]
        variables = {**os.environ, "JUPYTER_RUNTIME_DIR": folder}
        process = subprocess.Popen(command, env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            _wait_for(Path(folder), process)
            return cost_of(process.pid)
        finally:
            process.terminate()
            process.wait()


def _wait_for(folder: Path, process: subprocess.Popen[bytes]) -> None:
    """Until the page of JupyterLab is there."""
    until = time.monotonic() + STARTS_IN
    while not _answers(folder):
        if time.monotonic() > until or process.poll() is not None:
            raise RuntimeError(f"JupyterLab did not answer in {STARTS_IN} s")
        time.sleep(0.1)


def _answers(folder: Path) -> bool:
    try:
        (file,) = folder.glob("jpserver-*.json")
        urlopen(f"{json.loads(file.read_text())['url']}lab?token=t", timeout=STARTS_IN).read()
    except (ValueError, OSError):  # not yet written, or not yet heard
        return False
    return True


def measure(labs: tuple[str, ...] = LABS, kernels: int = KERNELS) -> Found:
    """All of it, one after the other."""
    if not Path("/proc/self/smaps_rollup").exists():
        raise SystemExit("python -m tools.benchmarks hub: memory is read from /proc, which only Linux has")
    costs = {lab: alone(lab) for lab in labs}
    heaviest = max(costs, key=lambda lab: costs[lab].own)
    many, elapsed = together(heaviest, kernels)
    return Found(costs, alone(), many, heaviest, elapsed, server())


def report(found: Found) -> str:
    """The tables."""
    rows = [[f"lab {lab}", *_row(cost)] for lab, cost in found.labs.items()]
    rows = [["a kernel, nothing run", *_row(found.bare)], *rows, ["a JupyterLab server", *_row(found.server)]]
    header = ["", "peak MiB", "own MiB", "processor s"]
    one = table("One learner: a kernel that runs a lab from top to bottom", header, rows)
    count = len(found.many)
    own = sum(cost.own for cost in found.many)
    seconds = sum(cost.seconds for cost in found.many)
    share = own / count
    servers = found.server
    all_rows = [
        [f"{count} kernels, lab {found.many_lab}", f"{own / MEBI:,.0f}", f"{seconds:,.0f}"],
        ["a kernel among them", f"{share / MEBI:,.0f}", f"{seconds / count:.1f}"],
        [f"{CLASS} learners: kernels", f"{share * CLASS / MEBI:,.0f}", f"{seconds / count * CLASS:,.0f}"],
        [
            f"{CLASS} learners: servers",
            f"{servers.own * CLASS / MEBI:,.0f}",
            f"{servers.seconds * CLASS:,.0f}",
        ],
    ]
    note = f"{AT_ONCE} notebooks at a time; {found.elapsed:.0f} s; rows of {CLASS} are products, not measured"
    many = table("Many at once", ["", "own MiB", "processor s"], all_rows, note)
    return f"{one}\n\n{many}"


def _row(cost: Cost) -> list[str]:
    return [f"{cost.peak / MEBI:,.0f}", f"{cost.own / MEBI:,.0f}", f"{cost.seconds:.1f}"]
