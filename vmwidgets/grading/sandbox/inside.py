"""The side that runs a function: takes its source, closes the lock behind itself, and answers until it is ended.

Before, it forgets what it knows of the computer (:mod:`.forget`).
"""

from __future__ import annotations
import __future__

import io
import json
import os
import random
import sys
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from typing import Any

from . import forget, lock, values

MOST_SAID = 1000
"""Characters of what an exception says."""


def prepare(modules: Iterable[str]) -> None:
    """Import the modules that a function may use, and then forget where they are."""
    for name in (*modules, "resource"):  # which the lock needs, and which could not be found later
        import_module(name)
    forget.forget()


def main() -> None:
    """Read a job from descriptor 0, a line of JSON, then questions, a line each; write to descriptor 1 what comes.

    The job has the `source`, the name of the `function` in it, and the lock's `seconds` and `memory`.  The first line
    back is for the lock (true, or why it is open), the second for the source, and then there is one for each question:
    the `value`, or what was `raised` and `said`.
    """
    lines = _lines()
    job = json.loads(next(lines))
    random.seed(0)  # the same answers each time
    sys.stdin = sys.stdout = sys.stderr = _Nothing()
    try:
        lock.close(job["seconds"], job["memory"])
    except Exception as error:  # noqa: BLE001  whatever is missing, nothing runs without the lock
        return _say({"locked": f"{error}" or type(error).__name__})
    _say({"locked": True})
    found: list[Callable[..., Any]] = []
    _say(_answered(lambda: found.append(_function(job["source"], job["function"]))))
    for line in lines:
        given = [values.made(one) for one in json.loads(line)]
        _say(_answered(lambda: values.sent(found[0](*given))))  # noqa: B023  it is called at once
    return None


class _Nothing(io.TextIOBase):
    """Takes what is printed, and keeps nothing."""

    def write(self, text: str) -> int:
        return len(text)


def _function(source: str, name: str) -> Callable[..., Any]:
    """The function that the source defines; annotations in it are not run."""
    names: dict[str, Any] = {"__name__": "policy"}
    exec(compile(source, "the function", "exec", __future__.annotations.compiler_flag, dont_inherit=True), names)
    function: Callable[..., Any] = names[name]
    return function


def _answered(do: Callable[[], Any]) -> dict[str, Any]:
    """What `do` gives, or what it raised, whatever that is."""
    try:
        return {"value": do()}
    except BaseException as error:  # noqa: BLE001  SystemExit too: the process is not the function's to end
        return {"raised": type(error).__name__, "said": _said(error)}


def _said(error: BaseException) -> str:
    try:
        return f"{error}"[:MOST_SAID]
    except BaseException:  # noqa: BLE001  a learner's class
        return ""


def _lines() -> Iterator[bytes]:
    """The lines of descriptor 0."""
    rest = b""
    while True:
        line, end, rest = rest.partition(b"\n")
        if end:
            yield line
            continue
        more = os.read(0, 1 << 16)
        if not more:
            return
        rest = line + more


def _say(answer: dict[str, Any]) -> None:
    line = json.dumps(answer).encode() + b"\n"
    while line:
        line = line[os.write(1, line) :]
