"""Judging processes: one question at a time, each with limits; a process that hangs or dies is replaced.

The process that judges a notebook also reads it.  So a file that takes all memory or time ends only that process, and
becomes a row.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from base64 import b64encode
from contextlib import suppress
from errno import ENOMEM
from pathlib import Path
from pickle import dumps
from threading import Event, RLock, Timer
from typing import Any

from . import processes
from .course import Course
from .findings import Status, found
from .grades import Graded, unjudged
from .processes import SECONDS

MOST_ANSWER = 64 * 1024 * 1024
"""The most bytes of an answer."""

ENDS_IN = 5
"""The most seconds until a process without an answer has ended."""

SIGKILL, SIGXCPU = 9, 24
"""Two signals by their numbers on Linux and macOS; Windows has neither."""

STOPPED = "grading was stopped"


class Worker:
    """A judging process; :meth:`ask` and :meth:`grade` start one if there is none.

    `module` is the program: it answers like :func:`vmwidgets.grading.judge.main`, one line for each question.  It
    imports nothing from the folder of `submissions`.
    """

    def __init__(self, module: str = "vmwidgets.grading.judge", submissions: Path | None = None) -> None:
        self._module = module
        self._submissions = submissions
        self._process: subprocess.Popen[bytes] | None = None
        self._closed = False
        self._lock = RLock()
        """The lock held while the process is started or ended, since another thread may close the worker."""
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def ask(self, exercise: str, sheet: str, work: Any, seconds: float = SECONDS) -> dict[str, Any]:
        """Return the result for the work; if judging was not completed: 0 points, a problem in words, and `stopped`."""
        try:
            return self._answer([exercise, sheet, work], seconds)
        except OSError as error:
            return unjudged(exercise, _why("judging", error, seconds))

    def grade(self, name: str, path: Path, course: Course, seconds: float = SECONDS) -> Graded:
        """Return the grades of the file at `path`, called `name`: read and judged by the process.

        Each piece of work may take this many seconds.  If one of them takes longer or ends the process, the next
        process judges the others; it receives the results so far.
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
                results.append(unjudged(begun, _why("judging", error, min(seconds, course.seconds))))

    def close(self) -> None:
        """End the process, even while another thread uses it, and start no other."""
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
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=self._folder.name,
            env=processes.environment(self._folder.name),
            start_new_session=True,
        )

    def _end(self) -> None:
        """End the process, and delete files that it left behind."""
        with self._lock:
            process, self._process = self._process, None
            if process is not None:
                process.kill()
                process.wait()
                for pipe in (process.stdin, process.stdout):
                    if pipe is not None:
                        with suppress(OSError):  # unsent data can't be sent any longer
                            pipe.close()
            if self._folder is not None:
                self._folder.cleanup()

    def _answer(self, question: Any, seconds: float) -> dict[str, Any]:
        """Return the next line of output, after sending the question, if there is one.

        Without an answer, the process is ended.
        """
        line = b"" if question is None else json.dumps(question).encode() + b"\n"
        try:
            process = self._process if question is None else self._started()
            if process is None:
                raise OSError(STOPPED)
            return _answer(process, line, seconds)
        except OSError:
            self._end()
            if self._closed:  # which ended the process
                raise OSError(STOPPED) from None
            raise


def _why(what: str, error: OSError, seconds: float) -> str:
    if isinstance(error, TimeoutError):
        return f"{what} took longer than {seconds:g} seconds"
    if error.errno == ENOMEM:
        return f"{what} takes more memory than {processes.MEMORY >> 20:,} MiB, or than this computer has"
    return f"{what} ended early: {error}"


def _answer(process: subprocess.Popen[bytes], question: bytes, seconds: float) -> dict[str, Any]:
    """Return the next line of output; a timer ends the process, since Windows can't wait for a pipe with a timeout."""
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
        if answer:
            raise OSError("its answer has no end")
        raise _ending(process)
    try:
        found: dict[str, Any] = json.loads(answer)
    except ValueError:
        raise OSError("its answer is not JSON") from None
    return found


def _ending(process: subprocess.Popen[bytes]) -> OSError:
    """Return why a process ended without an answer.

    Python raises an error at the limit; a system without free memory kills; a system that counts a processor's seconds
    sends a signal.
    """
    with suppress(subprocess.TimeoutExpired):
        process.wait(ENDS_IN)
    if process.returncode in (processes.NO_MEMORY, -SIGKILL):
        return OSError(ENOMEM, "no memory")
    if process.returncode == -SIGXCPU:
        return TimeoutError()
    return OSError("the process that judges ended")
