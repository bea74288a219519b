"""Processes that judge: one question at a time, each with limits; one that hangs or dies is replaced."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import tempfile
import time
from typing import Any

SECONDS = 90
"""That an answer may take."""

MOST_ANSWER = 64 * 1024 * 1024
"""Bytes of an answer."""


class Worker:
    """A process that judges work; :meth:`ask` starts it when there is none."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._folder = tempfile.TemporaryDirectory(prefix="vmwidgets-grade-")

    def ask(self, exercise: str, sheet: str, work: Any, seconds: float = SECONDS) -> dict[str, Any]:
        """What the work earns; points 0 and a problem in words where judging did not come to its end."""
        process = self._started()
        question = json.dumps([exercise, sheet, work]).encode() + b"\n"
        try:
            answer = self._answer(process, question, time.monotonic() + seconds)
        except TimeoutError:
            problem = f"judging took longer than {seconds:g} seconds"
        except OSError as error:
            problem = f"judging ended early: {error}"
        else:
            return answer
        self._end()
        return {"id": exercise, "points": 0, "problem": problem, "criteria": []}

    def close(self) -> None:
        """End the process."""
        self._end()
        self._folder.cleanup()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            kept = ("PATH", "PYTHONPATH", "LANG", "VIRTUAL_ENV", "SYSTEMROOT")
            environment = {name: os.environ[name] for name in kept if name in os.environ}
            self._process = subprocess.Popen(
                [sys.executable, "-m", "vmwidgets.grading.judge"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0,
                env={**environment, "TMPDIR": self._folder.name}, start_new_session=True,
            )  # fmt: skip
        return self._process

    def _answer(self, process: subprocess.Popen[bytes], question: bytes, end: float) -> dict[str, Any]:
        """The line that comes back; the question is written while the process may already be reading."""
        assert process.stdin is not None
        assert process.stdout is not None
        out, into = process.stdout.fileno(), process.stdin.fileno()
        os.set_blocking(into, False)
        answer = bytearray()
        while not answer.endswith(b"\n"):
            left = end - time.monotonic()
            if left <= 0:
                raise TimeoutError
            readable, writable, _ = select.select([out], [into] if question else [], [], left)
            if writable:
                question = question[os.write(into, question[: 1 << 16]) :]
            if readable:
                part = os.read(out, 1 << 20)
                answer += part
                if not part or len(answer) > MOST_ANSWER:
                    raise OSError("the process that judges ended" if not part else "its answer has no end")
        found: dict[str, Any] = json.loads(answer)
        return found

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    pipe.close()
            self._process = None
