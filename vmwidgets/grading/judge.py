"""One piece of work, judged: made again from data, with the sheet of this student.  Runs in a process with limits."""

from __future__ import annotations

import json
import sys
from typing import Any

from vmwidgets.engine.base.errors import VMError
from vmwidgets.labs.checking import judged_for
from vmwidgets.labs.work import remade

MEMORY = 3 << 30
"""Bytes of address space that judging may take."""

SECONDS = 60
"""Of a processor."""

FILE = 64 << 20
"""Bytes of a file that it may write."""


def judged(exercise: str, sheet: str, work: Any) -> dict[str, Any]:
    """What the work earns on the sheet `sheet`: the data of a check's result, without the work; with a picture."""
    try:
        result = judged_for(exercise, sheet, remade(work))
    except (VMError, MemoryError, RecursionError) as error:
        return {"id": exercise, "points": 0, "problem": str(error) or type(error).__name__, "criteria": []}
    return {**result.data(), "work": {}, "picture": result.picture}


def limit() -> None:
    """Take away from this process what judging does not need; Windows has no such limits."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE, FILE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main() -> None:
    """Answer questions from standard input, a line each, until it ends; `[exercise, sheet, work]` in JSON."""
    limit()
    answers, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        print(json.dumps(judged(*json.loads(line))), file=answers, flush=True)


if __name__ == "__main__":
    main()
