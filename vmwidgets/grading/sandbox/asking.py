"""The side that asks: a function of a student's, as one that can be called, and whose code runs in another process.

What comes back may be anything: a line too long, too late or of another form ends that process, and the function then
raises at each call.  It can choose its answers, and do nothing else here.
"""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from vmwidgets.engine.base.errors import Refused, printable, shown
from vmwidgets.engine.base.frozen import frozen
from vmwidgets.labs.functions import MODULES, MOST_SOURCE

from . import values

MOST_ANSWER = 64 * 1024
"""Bytes of an answer."""

PACKAGE = Path(__file__).parent.parent.parent

START = """
import sys
sys.path[:] = filter(None, sys.path)
import json, os, types
line = b""
while not line.endswith(b"\\n"):
    line += os.read(0, 1)
bare, modules = json.loads(line)
for name, folder in bare.items():
    package = sys.modules[name] = types.ModuleType(name)
    package.__path__ = [folder]
from vmwidgets.grading.sandbox import inside
inside.prepare(modules)
del line, bare, modules, name, folder, package
inside.main()
"""
"""Finds Python's own modules only, and of this package those of :data:`BARE`: all of `import vmwidgets` would take half
a second.  What it has to know comes by the pipe, where the function can't read it again.
"""

BARE = {"vmwidgets": str(PACKAGE), "vmwidgets.grading": str(PACKAGE / "grading")}

A_PATH = re.compile(r"(?<![\w/\\.])(?:~|[A-Za-z]:)?[/\\](?:[^\s/\\'\"():,;]+[/\\])+[^\s/\\'\"():,;]*")
"""What looks like the path of a file: two folders or more, from a root."""


@frozen(slots=False)
class Limits:
    """Of one function: seconds for an answer and for all, seconds of a processor, and bytes of address space."""

    answer: float = 5
    all: float = 30
    processor: int = 10
    memory: int = 512 << 20


LIMITS = Limits()


@contextmanager
def running(work: dict[str, Any], limits: Limits = LIMITS) -> Iterator[Callable[..., Any]]:
    """The function that `work` was packed from, running in a process of its own as long as the context is open.

    It takes and gives plain data and pages in memory; what it raises has the same name and the same first line, without
    paths.  Raises :class:`Refused` if the process can't be locked in, and if the source does not define a function.
    """
    source, name = _text(work, "source"), _text(work, "name")
    job = {"source": source, "function": _text({"function": name} | work, "function")}
    process = _Process(limits)
    try:
        process.start(job)

        def function(*given: Any) -> Any:
            return process.ask(given)

        function.__name__ = name
        yield function
    finally:
        process.end()


class _Process:
    """The process; it ends at the first line that is not an answer."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._until = time.monotonic() + limits.all
        self._rest = b""
        self._over: tuple[type[Exception], str] | None = None
        if not sys.platform.startswith("linux"):
            raise Refused(f"{OPEN}it needs Linux")
        self._process = subprocess.Popen(
            [sys.executable, "-s", "-S", "-c", START],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0,
            cwd="/", env={"PYTHONHASHSEED": "0"}, start_new_session=True,
        )  # fmt: skip  # a call
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._to, self._from = self._process.stdin.fileno(), self._process.stdout.fileno()
        os.set_blocking(self._to, False)

    def start(self, job: dict[str, Any]) -> None:
        """Hand over the source; raises :class:`Refused` unless the lock is closed and the function there."""
        job |= {"seconds": self._limits.processor, "memory": self._limits.memory}
        try:
            self._send([BARE, MODULES], self._until)
            locked = self._exchanged(job, self._until).get("locked")
        except Exception as error:  # noqa: BLE001  whatever it was, nothing was locked
            locked = f"{error}"
        if locked is not True:
            raise Refused(f"{OPEN}{printable(str(locked))}")
        try:
            self._given(self._heard(self._until))
        except Exception as error:  # noqa: BLE001  whatever a learner's source raises
            said = printable(f"{type(error).__name__}: {error}"[:200])
            raise Refused(f"its source does not define a function: {said}") from None

    def ask(self, given: tuple[Any, ...]) -> Any:
        """What the function gives; raises what it raised, or what its process came to."""
        until = min(self._until, time.monotonic() + self._limits.answer)
        return self._given(self._exchanged([values.sent(one) for one in given], until))

    def end(self) -> None:
        """End the process and its group."""
        if self._process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def _given(self, answer: dict[str, Any]) -> Any:
        """The value of an answer; what was raised is raised here, as an exception with the same name."""
        if "value" in answer:
            try:
                return values.made(answer["value"])
            except ValueError:
                raise self._ended(ValueError, NO_ANSWER) from None
        name, said = answer.get("raised"), answer.get("said")
        if not (isinstance(name, str) and name.isidentifier() and isinstance(said, str)):
            raise self._ended(ValueError, NO_ANSWER)
        raise type(name, (Exception,), {})(_first_line(said))

    def _exchanged(self, what: Any, until: float) -> dict[str, Any]:
        """Send a line, and hear the answer."""
        self._send(what, until)
        return self._heard(until)

    def _send(self, what: Any, until: float) -> None:
        if self._over is not None:
            raise self._over[0](self._over[1])
        line = json.dumps(what).encode() + b"\n"
        while line:
            self._wait([], [self._to], until)
            try:
                line = line[os.write(self._to, line) :]
            except BlockingIOError:
                continue
            except OSError:
                raise self._ended(ChildProcessError, ENDED) from None

    def _heard(self, until: float) -> dict[str, Any]:
        """The next line, as data."""
        while b"\n" not in self._rest:
            self._wait([self._from], [], until)
            more = os.read(self._from, MOST_ANSWER)
            if not more:
                raise self._ended(ChildProcessError, ENDED)
            self._rest += more
            if len(self._rest) > MOST_ANSWER:
                raise self._ended(ValueError, NO_ANSWER)
        line, _, self._rest = self._rest.partition(b"\n")
        try:
            answer = json.loads(line)
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict):
            raise self._ended(ValueError, NO_ANSWER)
        return answer

    def _wait(self, readers: list[int], writers: list[int], until: float) -> None:
        if select.select(readers, writers, [], max(0, until - time.monotonic())) == ([], [], []):
            raise self._ended(TimeoutError, LATE)

    def _ended(self, kind: type[Exception], said: str) -> Exception:
        """End the process; each call from now on raises the same."""
        self.end()
        self._over = kind, said
        return kind(said)


OPEN = "functions are run only in a process without files and network, which can't be had here; read its source: "
NO_ANSWER = "its answer is not valid"
LATE = "it ran too long"
ENDED = "its process ended: too much memory or time, or a crash"


def _first_line(said: str) -> str:
    """The first line of what an exception says, without what looks like a path."""
    return A_PATH.sub("(a path)", said.lstrip().partition("\n")[0])


def _text(work: dict[str, Any], name: str) -> str:
    text = work.get(name)
    if not isinstance(text, str) or len(text) > MOST_SOURCE:
        raise Refused(f"{name}={shown(text)}: pass a string, not too long")
    return text
