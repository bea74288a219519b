"""A class graded on a Dask cluster: what workers gain, from how many files on, and what a lost one costs.

Eight computers are simulated: a worker with eight threads, each of which sleeps as long as judging a file took here,
and then gives its grades.  So they take no processor from the command and the scheduler, which are real, as is all that
is sent.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import perf_counter, sleep

from tests.grading.earlier import result
from tests.grading.following import command, lines
from tests.grading.synthetic import COURSE, checked, seed_of, written
from tests.hosts.cluster import Cluster, a_cluster
from tests.labs.test_sheets import SOLVED
from tools import hosts
from vmwidgets.engine.base.units import counted

from .table import table

SIZES = 500, 5_000
"""Files of two classes: what does not grow with a class, and what does, are told from both."""

EXERCISES = {"01/guard": "01", "02/no-rotation": "02", "06/by-hand": "06", "08/family": "08b"}

ASLEEP = """
import json, os, time
from pathlib import Path
from vmwidgets.grading import cluster
from vmwidgets.grading.grades import Graded

kept = {}
for line in Path(os.environ["VMWIDGETS_STATE"]).read_text().splitlines():
    data = json.loads(line)["graded"]
    kept[data["path"]] = data


class Asleep:
    def judge(self, file, course):
        time.sleep(float(os.environ["VMWIDGETS_SECONDS"]))
        return Graded.made_from(kept[file.name])

    def rest(self):
        pass


cluster.JUDGES = Asleep()
"""
"""A worker that sleeps in the place of judging; Dask runs it when the worker starts."""


def report(quick: bool) -> str:
    """The table."""
    return measured((20, 60) if quick else SIZES)


def measured(sizes: tuple[int, int]) -> str:
    """The table for two classes, the second with a worker that is lost."""
    hosts.set_up("dask")
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        small, large = (_class(root / f"{size}", size) for size in sizes)
        here = [_here(one, 1) for one in (small, large)]
        two_here = _here(large, 2)
        of_one = max(1e-3, (here[1] - here[0]) / (sizes[1] - sizes[0]))  # a few files: noise may be all there is
        workers = {count: [_there(one, count) for one in (small, large)] for count in (1, 2)}
        simulated = [_there(one, 8, asleep=of_one) for one in (small, large)]
        lost = _there(large, 2, loses=True)
        rows = [
            ["here, 1 process", *_cells(sizes, here, here)],
            ["here, 2 processes", "", f"{two_here:.1f}", "", ""],
            ["Dask, 1 worker", *_cells(sizes, workers[1], here)],
            ["Dask, 2 workers", *_cells(sizes, workers[2], here)],
            ["Dask, 8 workers, simulated", *_cells(sizes, simulated, here)],
            ["Dask, 2 workers, one lost", "", f"{lost:.1f}", "", ""],
        ]
        same = len({_digest(large / one) for one in _runs(large)}) == 1
        header = ["", *(f"{size:,} files, s" for size in sizes), "one more file, ms", "faster than 1 process from"]
        note = (
            f"All runs of a class wrote {'the same bytes' if same else 'DIFFERENT BYTES'}. A lost worker costs "
            f"{lost - workers[2][1]:.1f} s here: the other one judges its files, and all that were left."
        )
        return table("A class on a Dask cluster", header, rows, note)


def _cells(sizes: tuple[int, int], seconds: list[float], here: list[float]) -> list[str]:
    """Seconds of both classes, what a file adds, and from how many files on this is faster than one process here."""
    each, of_one = ((one[1] - one[0]) / (sizes[1] - sizes[0]) for one in (seconds, here))
    start, begun = seconds[0] - each * sizes[0], here[0] - of_one * sizes[0]
    gains = seconds is not here and each < of_one
    faster = (
        counted(max(1, round((start - begun) / (of_one - each))), "file")
        if gains
        else ""
        if seconds is here
        else "never"
    )
    return [*(f"{one:.1f}" for one in seconds), f"{each * 1e3:.1f}", faster]


def _class(root: Path, size: int) -> Path:
    """A folder with so many notebooks, of four labs in turn."""
    for number in range(size):
        exercise, lab = [*EXERCISES.items()][number % len(EXERCISES)]
        student = f"s{number:05}"
        work = checked(exercise, seed_of(student, lab), SOLVED[exercise].right[0])
        written(root / "in" / f"{student}.ipynb", student, lab, {result.MIME: work})
    (root / "course.toml").write_text(f'course = "{COURSE}"\nexercises = {json.dumps([*EXERCISES])}\n')
    return root


def _out(root: Path, name: str) -> Path:
    out = root / name
    out.mkdir()
    (out / "secret.key").write_text("s" * 64)
    return out


def _runs(root: Path) -> Iterator[str]:
    yield from (path.parent.name for path in sorted(root.glob("*/students.csv")))


def _digest(out: Path) -> tuple[tuple[str, bytes], ...]:
    """All that a run wrote but the state, which has the order in which files were done."""
    paths = (path for path in sorted(out.rglob("*")) if path.is_file() and path.name != "state.jsonl")
    return tuple((path.relative_to(out).as_posix(), path.read_bytes()) for path in paths)


def _here(root: Path, jobs: int) -> float:
    out = _out(root, f"here-{jobs}")
    asked = [*command(root / "in", root / "course.toml", out), "--jobs", str(jobs)]
    return _timed(lambda: subprocess.run(asked, check=False, stdout=subprocess.DEVNULL).returncode)


def _there(root: Path, workers: int, *, asleep: float = 0, loses: bool = False) -> float:
    """The seconds of a run on so many workers, which sleep so long for each file if they are simulated."""
    out = _out(root, f"dask-{workers}{'-lost' * loses}")
    with ExitStack() as stack:
        cluster = stack.enter_context(_cluster(root / f"cluster-{out.name}", workers, asleep, root / "here-1"))

        def run() -> int:
            process = cluster.run(root / "in", root / "course.toml", out)
            if loses:
                while process.poll() is None and lines(out / "state.jsonl") < len([*(root / "in").iterdir()]) // 2:
                    sleep(0.05)
                cluster.workers[-1].kill()
            process.communicate()
            return process.returncode

        return _timed(run)


@contextmanager
def _cluster(folder: Path, workers: int, asleep: float, kept: Path) -> Iterator[Cluster]:
    folder.mkdir()
    options = ["--no-nanny"]
    settings: dict[str, str] = {}
    if asleep:
        (folder / "asleep.py").write_text(ASLEEP)
        options += ["--preload", str(folder / "asleep.py")]
        settings = {"VMWIDGETS_STATE": str(kept / "state.jsonl"), "VMWIDGETS_SECONDS": f"{asleep}"}
    with a_cluster(folder, 0, **settings) as made:
        if asleep:
            made.add(*options, "--nthreads", f"{workers}", **settings)
        else:
            for _ in range(workers):
                made.add(*options, **settings)
        made.wait(1 if asleep else workers)
        sleep(1)  # what workers do when they are new
        yield made


def _timed(run: Callable[[], int]) -> float:
    begun = perf_counter()
    code = run()
    if code not in (0, 1, 3):
        raise RuntimeError(f"the command ended with {code}")
    return perf_counter() - begun


if __name__ == "__main__":
    print(measured((int(sys.argv[1]), int(sys.argv[2]))))
