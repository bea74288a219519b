"""Kernels of xv6, followed and free, side by side: seconds to the shell, and seconds of a run.

`VMWIDGETS_XV6` names folders of the real xv6, with `:` between them; without it, the kernel of `tests/real/kernel` is
measured.  `make real` installs what this needs.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from time import perf_counter, process_time, sleep
from typing import NamedTuple

import vmwidgets as vm
from vmwidgets.real.kernel import PROMPT, Kernel

from .stops import KERNEL, missing
from .table import table, verdict

RUNS = {
    "cowtest": "cow", "lazytests": "lazy", "pgtbltest": "pgtbl", "mmaptest": "mmap", "forktest": "base",
    "usertests sbrkbasic": "base",
}  # fmt: skip  # a command, and the lab whose rules hold
BOOT, RUN = 6.0, 60.0
"""The aims, with three harts and 128 MB on two quiet cores: seconds to the shell, and of a run."""

LONGEST = 300.0


def commands(folder: Path) -> dict[str, str]:
    """The programs of a folder that are measured, each with its lab: a test of its lab, or else two of xv6's own."""
    if not (folder / "user").is_dir():
        return {"lives": "base"}
    there = {run: lab for run, lab in RUNS.items() if (folder / "user" / f"{run.split()[0]}.c").is_file()}
    own = {run: lab for run, lab in there.items() if lab != "base"}
    return own or there


def free(k: Kernel, run: str) -> tuple[float, float]:
    """Seconds to the shell and of the run, of a kernel that nothing stops."""
    assert k._started is not None
    began = perf_counter()
    k.go()
    _until_it_waits(k, 0)
    booted, printed = perf_counter(), len(k.console)
    k._started.type(f"{run}\n")
    _until_it_waits(k, printed)
    ended = perf_counter()
    k.stop()
    return booted - began, ended - booted


def _until_it_waits(k: Kernel, after: int) -> None:
    end = perf_counter() + LONGEST
    while (len(k.console) <= after or not k.console.endswith(PROMPT)) and perf_counter() < end:
        sleep(0.02)


class Cost(NamedTuple):
    """What a part of following took: seconds, those of the processor in Python, and stops."""

    seconds: float
    python: float
    stops: int


def followed(k: Kernel, run: str, lab: str) -> tuple[Cost, Cost, str]:
    """The same, of one that is followed, and how that ended."""
    costs, outcome = [], ""
    for command in (None, run):
        began, worked = perf_counter(), process_time()
        found = k.follow(lab, run=command, seconds=LONGEST)
        costs.append(Cost(perf_counter() - began, process_time() - worked, found.stops))
        outcome = found.outcome
    return costs[0], costs[1], outcome


def measure(folder: Path, run: str, lab: str, cpus: int) -> tuple[tuple[float, float], tuple[Cost, Cost, str]]:
    """Seconds to the shell and of a run, free and then followed."""
    with vm.xv6(folder, cpus=cpus) as k:
        alone = free(k, run)
    with vm.xv6(folder, cpus=cpus) as k:
        return alone, followed(k, run, lab)


def report(quick: bool = False) -> str:
    """The table."""
    title = "Kernels of xv6 that are followed"
    absent = missing()
    if absent:
        return table(title, ["what", "s"], [[f"not measured: no {absent[0]}", "–"]])
    named = os.environ.get("VMWIDGETS_XV6", "")
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        own = Path(scratch) / "xv6"
        shutil.copytree(KERNEL, own, ignore=shutil.ignore_patterns("kernel.bin"))
        (own / "kernel" / "kernel").unlink(missing_ok=True)
        for folder in [Path(one) for one in named.split(os.pathsep)] if named else [own]:
            for run, lab in commands(folder).items():
                for cpus in (1,) if quick else (1, 3):
                    alone, ours = measure(folder, run, lab, cpus)
                    what = f"{folder.name}, {cpus} hart{'s' if cpus > 1 else ''}"
                    rows.append(_row(f"{what}: to the shell", alone[0], ours[0], BOOT))
                    rows.append(_row(f"{what}: {run} ({ours[2]})", alone[1], ours[1], RUN))
    note = f"Aims: {BOOT:g} s to the shell and {RUN:g} s of a run, with 3 harts on two quiet cores."
    return table(title, ["what", "free, s", "followed, s", "of these in Python", "stops", "aim"], rows, note)


def _row(what: str, alone: float, ours: Cost, aim: float) -> list[str]:
    return [
        what, f"{alone:.1f}", f"{ours.seconds:.1f}", f"{ours.python:.1f}", f"{ours.stops:,}",
        verdict(ours.seconds <= aim),
    ]  # fmt: skip  # a row
