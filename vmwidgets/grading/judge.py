"""One piece of work, judged: made again from data, with the sheet of this student.  Runs in a process with limits."""

from __future__ import annotations

import hashlib
import json
import math
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from vmwidgets.engine.base.errors import VMError
from vmwidgets.engine.machine import Machine
from vmwidgets.labs.checking import judged_for
from vmwidgets.labs.result import Result
from vmwidgets.labs.work import remade
from vmwidgets.sources.strace.result import LoadedStrace

from .sandbox.asking import running

MEMORY = 3 << 30
"""Bytes of address space that judging may take."""

SECONDS = 60
"""Of a processor, for one piece of work."""

FILE = 64 << 20
"""Bytes of a file that it may write."""


def judged(exercise: str, sheet: str, work: Any) -> dict[str, Any]:
    """What the work earns on the sheet `sheet`: the data of a check's result, without the work.

    With the `picture` of what was judged, and for each criterion `why` its mistake is one; `ran` says whether a
    function was run for it, in a process of its own.  `digest` is the same for the same work, however it was packed.
    """
    try:
        ran, result = _result(exercise, sheet, work)
    except (VMError, MemoryError, RecursionError) as error:
        return {"id": exercise, "points": 0, "problem": str(error) or type(error).__name__, "criteria": []}
    whys = [{**one.data(), "why": one.mistake.why if one.mistake else ""} for one in result.criteria]
    same = {"source": work.get("source")} if ran else result.work  # a machine was packed again
    digest = hashlib.sha256(json.dumps(same, sort_keys=True).encode()).hexdigest()
    return {**result.data(), "work": {}, "criteria": whys, "picture": result.picture, "ran": ran, "digest": digest}


def _result(exercise: str, sheet: str, work: Any) -> tuple[bool, Result]:
    if not isinstance(work, dict) or work.get("kind") != "function":
        return False, judged_for(exercise, sheet, _named(remade(work)))
    with running(work) as function:
        return True, judged_for(exercise, sheet, function)


def _named(thing: Any) -> Any:
    """The thing, whose machine is called the same each time: a number would depend on what was judged before."""
    part = thing.task if isinstance(thing, LoadedStrace) else thing
    machine = getattr(part, "machine", part)
    if isinstance(machine, Machine):
        machine.name = "your machine"
    return thing


def limit() -> None:
    """Limit what judging one piece of work may use; before each, since the system counts for the whole process.

    Windows has no such limits, and macOS not all of them.
    """
    try:
        import resource
    except ImportError:
        return
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    seconds = math.ceil(time.process_time()) + SECONDS
    limits = {
        resource.RLIMIT_AS: (MEMORY, MEMORY),
        resource.RLIMIT_CPU: (seconds, most),
        resource.RLIMIT_FSIZE: (FILE, FILE),
        resource.RLIMIT_CORE: (0, 0),
    }
    for what, values in limits.items():
        with suppress(OSError, ValueError):  # not here, or a stricter limit holds already
            resource.setrlimit(what, values)


def main(answer: Callable[[str, str, Any], dict[str, Any]] = judged) -> None:
    """Answer questions from standard input, a line each, until it ends; `[exercise, sheet, work]` in JSON."""
    answers, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        limit()
        print(json.dumps(answer(*json.loads(line))), file=answers, flush=True)


if __name__ == "__main__":
    main()
