"""Grading a class from its journals: submissions a minute and core, memory, and what a larger class costs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from time import perf_counter, process_time
from typing import Any

from tests.grading.classroom.honest import lab_kind, right
from tests.grading.classroom.kinds import LABS, Kind
from tests.grading.classroom.students import course, everyone, made, sample
from tests.grading.large import finished
from tests.grading.synthetic import solved, written
from vmwidgets.cli import main
from vmwidgets.grading import read_course
from vmwidgets.grading.judge import judged
from vmwidgets.grading.submission import graded_file

from .table import table

EACH = 10
"""Students of a lab, each with a sheet of their own."""

SIZES = 5_000, 10_000
"""Files of two classes, of which the second should take twice as long."""

AGAIN = 2_000
"""Files of a class that is graded again when there is nothing to do."""


def report(quick: bool) -> str:
    """The tables."""
    return measured(2, sample(), sizes=(500, 1000), again=100) if quick else measured(EACH, everyone())


def measured(
    each: int,
    kinds: Sequence[Kind],
    labs: Sequence[str] = tuple(LABS),
    sizes: tuple[int, int] = SIZES,
    again: int = AGAIN,
) -> str:
    """The tables, with so many students of each lab, of a class of `kinds`, and of large classes."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        parts = [by_lab(root, each, labs), of_a_class(root, kinds), of_sizes(root, sizes), of_again(root, again)]
        return "\n\n".join(parts)


def by_lab(root: Path, each: int, labs: Sequence[str]) -> str:
    """Return what judging takes for each lab, with all of its exercises right or all of them spoilt."""
    given = read_course(course(root / "course.toml"))
    rows = []
    for lab in labs:
        kinds = [lab_kind(f"{lab} {number}", lab, right, number, "handed in") for number in range(each)]
        folder = root / lab
        made(folder, kinds)
        slowest: dict[str, float] = {}

        def ask(exercise: str, sheet: str, work: Any, slowest: dict[str, float] = slowest) -> dict[str, Any]:
            begun = process_time()
            found = judged(exercise, sheet, work)
            slowest[exercise] = max(slowest.get(exercise, 0), process_time() - begun)
            return found

        files = sorted(folder.iterdir())
        graded_file(files[0].name, files[0].read_bytes(), given, ask)  # what is imported and made once
        slowest.clear()
        begun = process_time()
        for file in files:
            graded_file(file.name, file.read_bytes(), given, ask)
        taken = process_time() - begun
        exercise = max(slowest, key=lambda name: slowest[name])
        rows.append([lab, f"{60 * len(files) / taken:,.0f}", f"{exercise}, {slowest[exercise] * 1e3:,.0f} ms"])
    header = ["lab", "a minute and core", "the longest of one exercise"]
    return table(f"Right submissions judged, {each} students a lab, processor time", header, rows)


def of_a_class(root: Path, kinds: Sequence[Kind]) -> str:
    """The command, on one process and on all processors, with what it takes to begin."""
    made(root / "class", kinds)
    one = made(root / "one", [lab_kind("one", "02", right, 0, "handed in")])
    rows = []
    alone = _command(root / "one", root, 1)
    rows.append([f"{len(one)} notebook, 1 process", *_cells(alone, 1)])
    for jobs in (1, os.cpu_count() or 1):
        found = _command(root / "class", root, jobs)
        rows.append([f"{len(kinds)} students, {jobs} at a time", *_cells(found, len(kinds))])
    header = [
        "vmwidgets grade",
        "seconds",
        "of processors",
        "a minute and core",
        "memory, one judge",
        "the command itself",
    ]
    note = (
        "Right, partly right, wrong, damaged, hostile, forged and copied; with feedback and report. Memory: the peak."
    )
    return table("A class, graded by the command", header, rows, note)


def of_sizes(root: Path, sizes: tuple[int, int]) -> str:
    """Return what a run does after judging, from the roster to the report, for two classes."""
    finished(1, root / "first")  # what is imported and made once
    taken = []
    for size in sizes:
        begun = process_time()
        finished(size, root / f"size-{size}")
        taken.append(process_time() - begun)
    small, large = taken
    rows = [[f"{size:,} files", f"{seconds:.2f}", ""] for size, seconds in zip(sizes, taken, strict=True)]
    rows.append([f"{sizes[1] / sizes[0]:g} times the files", "", f"{large / small:.2f}"])
    header = ["after judging", "seconds of a processor", "times"]
    note = "Side by side, roster, late days, overrides for half of the students, tables, feedback and report."
    return table("A large class, after its files were judged", header, rows, note)


def of_again(root: Path, count: int) -> str:
    """The command on so many notebooks, and once more when nothing is left to be judged."""
    for number in range(count):
        student = f"again-{number}"
        written(root / "again" / f"{student}.ipynb", student, "01", solved("01/guard", student))
    rows = []
    for name in "the first run", "again, with nothing to do":
        found = _command(root / "again", root, os.cpu_count() or 1)
        rows.append([name, f"{found['seconds']:.1f}", f"{found['processors']:.1f}", f"{found['itself']:,.0f} MiB"])
    header = ["vmwidgets grade", "seconds", "of processors", "the command itself"]
    return table(f"{count:,} notebooks, graded twice", header, rows)


def _cells(found: dict[str, float], count: int) -> list[str]:
    a_minute = 60 * count / found["processors"]
    memory = [f"{found[who]:,.0f} MiB" for who in ("judges", "itself")]
    return [f"{found['seconds']:.1f}", f"{found['processors']:.1f}", f"{a_minute:,.0f}", *memory]


def _command(folder: Path, root: Path, jobs: int) -> dict[str, float]:
    """Return what grading a folder took, in a process of its own."""
    to = root / f"to-{folder.name}-{jobs}"
    given = [str(folder), "--course", str(root / "course.toml"), "--to", str(to), "--jobs", str(jobs)]
    begun = perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "tools.benchmarks.grading", *given], capture_output=True, text=True, check=True
    )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return {**found, "seconds": perf_counter() - begun}


def _graded(arguments: list[str]) -> dict[str, float]:
    """Run the command here: seconds of processors, and the most MiB of this process and of one that judged."""
    import resource

    done = Event()
    watch = Thread(target=_watch, args=(done, most := [0.0]))
    watch.start()
    main(["grade", *arguments])
    done.set()
    watch.join()
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return {
        "processors": sum(one.ru_utime + one.ru_stime for one in spent),
        "itself": _peak("self"),
        "judges": max(most),
    }


def _watch(done: Event, most: list[float]) -> None:
    """Note the peak of each child, while there are any; `getrusage` counts what its parent had when it was started."""
    while not done.wait(0.05):
        for task in Path("/proc/self/task").iterdir():
            with suppress(OSError):
                most += [_peak(child) for child in (task / "children").read_text().split()]


def _peak(process: str) -> float:
    """The most memory that a process has had, in MiB; 0 where the system does not say."""
    with suppress(OSError):
        for line in Path(f"/proc/{process}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return 0


if __name__ == "__main__":
    print(json.dumps(_graded(sys.argv[1:])))
