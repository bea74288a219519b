"""Processes that judge: one question at a time, each with limits; one that hangs or dies is replaced."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from contextlib import suppress
from threading import Event, RLock, Timer
from typing import Any

SECONDS = 90
"""That an answer may take."""

MOST_ANSWER = 64 * 1024 * 1024
"""Bytes of an answer."""


class Worker:
    """A process that judges work; :meth:`ask` starts it when there is none.

    `module` is what it runs: it answers as :func:`vmwidgets.grading.judge.main` does, each question in one line.
    """

    def __init__(self, module: str = "vmwidgets.grading.judge") -> None:
        self._module = module
        self._process: subprocess.Popen[bytes] | None = None
        self._closed = False
        self._lock = RLock()
        """Held while the process is started or ended: another thread may close the worker."""
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def ask(self, exercise: str, sheet: str, work: Any, seconds: float = SECONDS) -> dict[str, Any]:
        """What the work earns; points 0, a problem in words and `stopped` where judging did not come to its end."""
        question = json.dumps([exercise, sheet, work]).encode() + b"\n"
        try:
            return _answer(self._started(), question, seconds)
        except TimeoutError:
            problem = f"judging took longer than {seconds:g} seconds"
        except OSError as error:
            problem = f"judging ended early: {error}"
        self._end()
        return {"id": exercise, "points": 0, "problem": problem, "criteria": [], "stopped": True}

    def close(self) -> None:
        """End the process, also while another thread asks it; no other is started."""
        self._closed = True
        self._end()

    def _started(self) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._closed:
                raise OSError("grading was stopped")
            if self._process is None or self._process.poll() is not None:
                self._end()
                self._process = self._begun()
            return self._process

    def _begun(self) -> subprocess.Popen[bytes]:
        self._folder = tempfile.TemporaryDirectory(prefix="vmwidgets-grade-")
        kept = ("PATH", "PYTHONPATH", "LANG", "VIRTUAL_ENV", "SYSTEMROOT")
        environment = {name: os.environ[name] for name in kept if name in os.environ}
        return subprocess.Popen(
            [sys.executable, "-m", self._module],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env=environment | dict.fromkeys(("TMPDIR", "TEMP", "TMP"), self._folder.name), start_new_session=True,
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
    found: dict[str, Any] = json.loads(answer)
    return found
