"""A folder of notebooks, graded: each file once, on all processors, and going on where an earlier run stopped."""

from __future__ import annotations

import os
import queue
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from vmwidgets.engine.base.errors import Refused

from .comparing import compared
from .course import Course
from .grades import Graded, Grades
from .notebook import read_notebook
from .state import keep, kept, key_of
from .submission import graded_file
from .workers import Worker

LEFT_OUT = {".ipynb_checkpoints", "__MACOSX"}
"""Folders that hold copies."""


def grade(
    folder: Path,
    course: Course,
    *,
    state: Path | None = None,
    jobs: int = 0,
    only: str = "",
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Grades:
    """Grade all notebooks in `folder` and below.

    `state` is a file that keeps what was graded: a file that is the same as then is not graded again, also after a run
    that was stopped.  `jobs` is the number of processes, 0 for one a processor.  `only` grades this student's files
    again, and takes the others from `state`.  `progress` is called with how many files are done, and of how many.
    """
    if not folder.is_dir():
        raise Refused(f"{str(folder)!r} is no folder: write the folder with the notebooks that were handed in")
    paths = sorted(
        path
        for path in folder.rglob("*.ipynb")
        if path.is_file() and not LEFT_OUT & set(path.relative_to(folder).parts)
    )
    if not paths:
        raise Refused(f"{str(folder)!r} has no notebooks")
    known, done = kept(state), []
    workers: queue.SimpleQueue[Worker] = queue.SimpleQueue()
    made = [Worker() for _ in range(jobs or os.cpu_count() or 1)]
    for worker in made:
        workers.put(worker)

    def one(path: Path) -> tuple[str, Graded]:
        name, key = path.relative_to(folder).as_posix(), key_of(path, course)
        before = known.get((name, key))
        if before is not None and only not in before.students:
            return key, before
        worker = workers.get()
        try:
            return key, graded_file(name, read_notebook(path), course, worker.ask)
        finally:
            workers.put(worker)

    try:
        with ThreadPoolExecutor(len(made)) as pool:
            for number, (key, graded) in enumerate(pool.map(one, paths), 1):
                done.append(graded)
                if state is not None and known.get((graded.path, key)) != graded:
                    keep(state, key, graded)
                progress(number, len(paths))
    finally:
        for worker in made:
            worker.close()
    return Grades(course, tuple(compared(done)))
