"""A class graded from its journals: time and memory of a submission, and what a larger class costs."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from time import perf_counter, process_time

from tests.grading.classroom.damaged import DAMAGED
from tests.grading.classroom.honest import lab_kind, right
from tests.grading.classroom.kinds import LABS, Kind
from tests.grading.classroom.students import course, everyone, made
from tests.grading.large import finished
from tests.grading.synthetic import solved, written
from vmwidgets.cli import main
from vmwidgets.grading import read_course
from vmwidgets.grading.judge import judged
from vmwidgets.grading.submission import graded_file

from .measured import Row, apart, peak, spent


def rows(short: bool) -> Iterator[Row]:
    """Milliseconds a submission, MiB, and ratios of a larger class and of a second run."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        yield from _labs(root, *((1, ("02",)) if short else (10, tuple(LABS))))
        yield from _class(root, DAMAGED[:2] if short else everyone())
        small, large = (4, 8) if short else (5_000, 10_000)
        finished(1, root / "first")  # what is imported and made once
        taken = [spent(lambda size=size: finished(size, root / f"size-{size}")) for size in (small, large)]  # type: ignore[misc]  # called at once
        yield Row(f"after judging, a file of {small:,}", 1e3 * taken[0] / small, "ms")
        yield Row(f"after judging, {large:,} files / {small:,}", taken[1] / taken[0], "", 2.5)
        yield from _again(root, 3 if short else 2_000)


def _labs(root: Path, each: int, labs: Sequence[str]) -> Iterator[Row]:
    """Right submissions of so many students, judged here in processor time."""
    given = read_course(course(root / "course.toml"))
    for lab in labs:
        folder = root / lab
        made(folder, [lab_kind(f"{lab} {number}", lab, right, number, "handed in") for number in range(each)])
        files = sorted(folder.iterdir())
        graded_file(files[0].name, files[0].read_bytes(), given, judged)  # what is imported and made once
        begun = process_time()
        for file in files:
            graded_file(file.name, file.read_bytes(), given, judged)
        yield Row(f"a right submission of lab {lab}", 1e3 * (process_time() - begun) / len(files), "ms")


def _class(root: Path, kinds: Sequence[Kind]) -> Iterator[Row]:
    """The command on all kinds of submissions, with feedback and report."""
    made(root / "class", kinds)
    for jobs in {1, os.cpu_count() or 1}:
        seconds, processors, judge, own = _command(root / "class", root, jobs)
        name = f"a class of {len(kinds)}, {jobs} at a time"
        yield Row(f"{name}: a submission", 1e3 * seconds / len(kinds), "ms")
        yield Row(f"{name}: processor time of a submission", 1e3 * processors / len(kinds), "ms")
        yield Row(f"{name}: memory of a process that judges", judge, "MiB")
        yield Row(f"{name}: memory of the command", own, "MiB")


def _again(root: Path, count: int) -> Iterator[Row]:
    """The command on so many notebooks, and once more when nothing is left to be judged."""
    for number in range(count):
        student = f"again-{number}"
        written(root / "again" / f"{student}.ipynb", student, "01", solved("01/guard", student))
    first, again = (_command(root / "again", root, os.cpu_count() or 1)[0] for _ in range(2))
    yield Row(f"{count:,} notebooks, graded again with nothing to do / the first run", again / first, "", 1)


def _command(folder: Path, root: Path, jobs: int) -> tuple[float, float, float, float]:
    """Grade a folder in an interpreter of its own: seconds, those of processors, MiB of a judge and of the command."""
    to = root / f"to-{folder.name}-{jobs}"
    begun = perf_counter()
    (processors, judge), own = apart(graded, str(folder), str(root / "course.toml"), str(to), str(jobs))
    return perf_counter() - begun, processors, judge, own


def graded(folder: str, given: str, to: str, jobs: str) -> tuple[float, float]:
    """Run the command here: seconds of processors, and the most MiB of a process that judged."""
    import resource

    done, most = Event(), [0.0]
    watch = Thread(target=_watch, args=(done, most))
    watch.start()
    main(["grade", folder, "--course", given, "--to", to, "--jobs", jobs])
    done.set()
    watch.join()
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in spent), max(most)


def _watch(done: Event, most: list[float]) -> None:
    """Note the peak of each child, while there are any; `getrusage` counts what its parent had when it was started."""
    while not done.wait(0.05):
        for task in Path("/proc/self/task").iterdir():
            with suppress(OSError, ValueError):  # it has ended
                most += [peak(child) for child in (task / "children").read_text().split()]
