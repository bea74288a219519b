"""Places where files are judged: their interface, and this computer."""

from __future__ import annotations

import os
import queue
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, Protocol

from .course import Course
from .grades import Graded
from .workers import Worker

LOOK = 1
"""The seconds without a result after which a place is asked whether it works."""


class File(NamedTuple):
    """A submitted file: its name in the folder, and its path."""

    name: str
    path: Path


class Lost(Exception):
    """Raised if a place lost a file several times; the sentence says how."""


class Place(Protocol):
    """A place that judges files, many at a time."""

    def submit(self, file: File, course: Course) -> Future[Graded]:
        """Begin to judge a file."""

    def width(self) -> int:
        """Return how many files are judged at a time; raises :class:`Refused` if the place itself was lost."""

    def graded(self, future: Future[Graded]) -> Graded:
        """Return a file's grades; raises :class:`Lost`, or :class:`Refused` if the place itself was lost."""

    def close(self) -> None:
        """Stop the judging in progress."""


def judged(files: Iterable[File], course: Course, place: Place) -> Iterator[tuple[File, Graded | str]]:
    """Yield each file with its grades as soon as it is judged, or with the reason why the place lost it.

    A file may be lost because of its neighbours, so it is judged once more, alone.
    """
    lost = []
    for file, found in _at_once(files, course, place):
        if isinstance(found, str):
            lost.append(file)
        else:
            yield file, found
    for file in lost:
        yield from _at_once([file], course, place)


def _at_once(files: Iterable[File], course: Course, place: Place) -> Iterator[tuple[File, Graded | str]]:
    """Yield the files, judged in parallel; at most twice as many files are read ahead as are judged at a time."""
    waiting: dict[Future[Graded], File] = {}
    for file in files:
        waiting[place.submit(file, course)] = file
        while len(waiting) >= 2 * place.width():
            yield from _ready(waiting, place)
    while waiting:
        yield from _ready(waiting, place)


def _ready(waiting: dict[Future[Graded], File], place: Place) -> Iterator[tuple[File, Graded | str]]:
    """Yield the files that have been judged, and remove them from `waiting`."""
    done, _ = wait(waiting, timeout=LOOK, return_when=FIRST_COMPLETED)
    if not done:
        place.width()
    for future in done:
        file = waiting.pop(future)
        try:
            yield file, place.graded(future)
        except Lost as lost:
            yield file, str(lost)


class Judges:
    """Judging processes, one for each file that is judged at a time; they are reused for later files.

    They import nothing from the folder of `submissions`.
    """

    def __init__(self, submissions: Path | None = None) -> None:
        self._submissions = submissions
        self._idle: queue.SimpleQueue[Worker] = queue.SimpleQueue()
        self._all: list[Worker] = []
        self._closed = False

    def judge(self, file: File, course: Course) -> Graded:
        """Judge a file in an idle process."""
        try:
            worker = self._idle.get_nowait()
        except queue.Empty:
            worker = Worker(submissions=self._submissions)
            self._all.append(worker)
            if self._closed:
                worker.close()
        try:
            return worker.grade(*file, course)
        finally:
            self._idle.put(worker)

    def rest(self) -> None:
        """End the idle processes."""
        with suppress(queue.Empty):
            while True:
                worker = self._idle.get_nowait()
                self._all.remove(worker)
                worker.close()

    def close(self) -> None:
        """End all processes, even those that are judging."""
        self._closed = True
        for worker in self._all:
            worker.close()


class Here:
    """This computer, with this many processes (0 for one per CPU) that import nothing from `submissions`."""

    def __init__(self, jobs: int = 0, submissions: Path | None = None) -> None:
        self._width = jobs or os.cpu_count() or 1
        self._judges = Judges(submissions)
        self._threads = ThreadPoolExecutor(self._width)

    def submit(self, file: File, course: Course) -> Future[Graded]:
        """Begin to judge a file."""
        return self._threads.submit(self._judges.judge, file, course)

    def width(self) -> int:
        """Return how many files are judged at a time."""
        return self._width

    def graded(self, future: Future[Graded]) -> Graded:
        """Return a file's grades."""
        return future.result()

    def close(self) -> None:
        """Stop the judging in progress."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._judges.close()
