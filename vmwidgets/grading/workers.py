"""Processes that judge: one question at a time, each with limits; one that hangs or dies is replaced.

A notebook is read by the process that judges it, so a file that takes all memory or time ends that process and
becomes a row.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from base64 import b64encode
from contextlib import suppress
from pathlib import Path
from pickle import dumps
from threading import Event, RLock, Timer
from typing import Any

from . import processes
from .course import Course
from .findings import Status, found
from .grades import Graded

SECONDS = 90
"""That an answer may take."""

MOST_ANSWER = 64 * 1024 * 1024
"""Bytes of an answer."""


STOPPED = "grading was stopped"


class Worker:
    """A process that judges work; :meth:`ask` and :meth:`grade` start it when there is none.

    `module` is what it runs: it answers as :func:`vmwidgets.grading.judge.main` does, each question in one line.
    It imports nothing from the folder of `submissions`.
    """

    def __init__(self, module: str = "vmwidgets.grading.judge", submissions: Path | None = None) -> None:
        self._module = module
        self._submissions = submissions
        self._process: subprocess.Popen[bytes] | None = None
        self._closed = False
        self._lock = RLock()
        """Held while the process is started or ended: another thread may close the worker."""
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def ask(self, exercise: str, sheet: str, work: Any, seconds: float = SECONDS) -> dict[str, Any]:
        """Say what the work earns; points 0, a problem in words and `stopped` where judging did not come to its end."""
        try:
            return self._answer([exercise, sheet, work], seconds)
        except OSError as error:
            return _stopped(exercise, _why("judging", error, seconds))

    def grade(self, name: str, path: Path, course: Course, seconds: float = SECONDS) -> Graded:
        """Return the grades of the file at `path`, called `name`: read and judged by the process.

        Each piece of work may take so many seconds.  If one of them is late or ends the process, the next process
        judges the others; what is judged already is handed to it.
        """
        results: list[dict[str, Any]] = []
        while True:
            begun = ""
            try:
                asked = b64encode(dumps((name, str(path.absolute()), course, results))).decode()
                answer = self._answer({"file": asked}, seconds)
                while "graded" not in answer:
                    if "begun" in answer:
                        begun = answer["begun"]
                    else:
                        results.append(answer["result"])
                        begun = ""
                    answer = self._answer(None, min(seconds, course.seconds))
                return Graded.made_from(answer["graded"])
            except OSError as error:
                if not begun:
                    why = _why("reading the file", error, seconds)
                    return Graded.none(name, found(Status.UNREAD, problem=why))
                results.append(_stopped(begun, _why("judging", error, min(seconds, course.seconds))))

    def close(self) -> None:
        """End the process, also while another thread asks it; no other is started."""
        self._closed = True
        self._end()

    def _started(self) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._closed:
                raise OSError(STOPPED)
            if self._process is None or self._process.poll() is not None:
                self._end()
                self._process = self._begun()
            return self._process

    def _begun(self) -> subprocess.Popen[bytes]:
        self._folder = tempfile.TemporaryDirectory(prefix="vmwidgets-grade-")
        return subprocess.Popen(
            processes.command(self._module, self._submissions),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            cwd=self._folder.name, env=processes.environment(self._folder.name), start_new_session=True,
        )  # fmt: skip

    def _end(self) -> None:
        """End the process, with the files that it had no time to delete."""
        with self._lock:
            process, self._process = self._process, None
            if process is not None:
                process.kill()
                process.wait()
                for pipe in (process.stdin, process.stdout):
                    if pipe is not None:
                        with suppress(OSError):  # what was not sent can't be sent any longer
                            pipe.close()
            if self._folder is not None:
                self._folder.cleanup()

    def _answer(self, question: Any, seconds: float) -> dict[str, Any]:
        """The next line that comes back, after a question if there is one; without an answer the process is ended."""
        line = b"" if question is None else json.dumps(question).encode() + b"\n"
        try:
            process = self._process if question is None else self._started()
            if process is None:
                raise OSError(STOPPED)
            return _answer(process, line, seconds)
        except OSError:
            self._end()
            raise


def _stopped(exercise: str, problem: str) -> dict[str, Any]:
    """Return the data of a result for work whose judging did not come to its end."""
    return {"id": exercise, "points": 0, "problem": problem, "criteria": [], "stopped": True}


def _why(what: str, error: OSError, seconds: float) -> str:
    late = isinstance(error, TimeoutError)
    return f"{what} took longer than {seconds:g} seconds" if late else f"{what} ended early: {error}"


def _answer(process: subprocess.Popen[bytes], question: bytes, seconds: float) -> dict[str, Any]:
    """The line that comes back; a timer ends the process, since Windows can't wait for a pipe with a limit of time."""
    assert process.stdin is not None
    assert process.stdout is not None
    late = Event()

    def stop() -> None:
        late.set()
        process.kill()

    timer = Timer(seconds, stop)
    timer.start()
    try:
        process.stdin.write(question)
        process.stdin.flush()
        answer = process.stdout.readline(MOST_ANSWER)
    except (OSError, ValueError):  # a pipe that another thread has closed
        answer = b""
    finally:
        timer.cancel()
    if not answer.endswith(b"\n"):
        if late.is_set():
            raise TimeoutError
        raise OSError("its answer has no end" if answer else "the process that judges ended")
    try:
        found: dict[str, Any] = json.loads(answer)
    except ValueError:
        raise OSError("its answer is not JSON") from None
    return found
