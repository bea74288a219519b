"""Judging one piece of work: rebuilt from data, with this student's sheet, in a process with limits.

The process also reads the notebooks, and judges each piece of work in a notebook.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import pickle
import sys
import time
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from vmwidgets.engine.base.errors import Refused, VMError
from vmwidgets.engine.machine import Machine
from vmwidgets.labs.checking import judged_for
from vmwidgets.labs.work import remade
from vmwidgets.sources.strace.result import LoadedStrace

from .files import content_of
from .findings import Status, found
from .grades import Graded
from .own_exercises import load_modules
from .processes import MEMORY, NO_MEMORY, SECONDS
from .submission import graded_file

MOST_WRITTEN = 64 << 20
"""The most bytes of a file that the process may write."""


def judged(exercise: str, sheet: str, work: Any) -> dict[str, Any]:
    """Return the result of the work on the sheet `sheet`: the data of a check's result, without the work.

    It has the `picture` of the judged work, unless that is right, and for each criterion the `why` of its mistake.
    `digest` is equal for equal work, however it was packed; for functions' choices, it is equal for the same function.
    Raises :class:`MemoryError` if the memory is used up, also if a machine or a judge has met that error on the way.
    """
    try:
        result = judged_for(exercise, sheet, _named(remade(work)))
    except (VMError, RecursionError) as error:
        if any(isinstance(one.__cause__, MemoryError) for one in _behind(error)):
            raise MemoryError from error
        problem = f"{error}" or type(error).__name__
        return {"id": exercise, "points": 0, "problem": problem, "criteria": [], "unmade": True}
    if result.problem.startswith(_OUT_OF_MEMORY):
        raise MemoryError
    whys = [
        {**one.data(), "sentence": one.in_the_end, "why": one.mistake.why if one.mistake else ""}
        for one in result.criteria
    ]
    same = result.work if "source" not in result.work else {"source": result.work["source"]}
    picture = "" if result.passed else result.picture
    digest = hashlib.sha256(json.dumps(same, sort_keys=True).encode()).hexdigest()
    return {**result.data(), "work": {}, "criteria": whys, "picture": picture, "digest": digest}


_OUT_OF_MEMORY = f"the check stopped: {MemoryError.__name__}: "
"""The begin of the problem if a judge met that error.  The error's kind is before everything that a student wrote."""


def _behind(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and the errors that led to it, also where the error's message leaves them out.

    A machine's error names its cause.  Python's parser has the same error for text that is nested too deeply, without
    a memory that is used up; what refuses such text names no cause.
    """
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__ or cause.__context__


def _named(thing: Any) -> Any:
    """Return the object with a fixed name for its machine: a number would depend on earlier work that was judged."""
    part = thing.task if isinstance(thing, LoadedStrace) else thing
    machine = getattr(part, "machine", part)
    if isinstance(machine, Machine):
        machine.name = "your machine"
    return thing


def limit() -> None:
    """Limit the resources for one piece of work; called before each, since the system counts per process.

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
        resource.RLIMIT_FSIZE: (MOST_WRITTEN, MOST_WRITTEN),
        resource.RLIMIT_CORE: (0, 0),
    }
    for what, values in limits.items():
        with suppress(OSError, ValueError):  # not on this system, or a stricter limit is set already
            resource.setrlimit(what, values)


def grade_file(question: str, say: Callable[[dict[str, Any]], None]) -> None:
    """Grade the file that :meth:`.workers.Worker.grade` asks about, and report the results.

    Each piece of work is announced (`begun`, the exercise) and followed by its `result`, so that the asking side knows
    what was judged if this process ends.  `graded` comes last.
    """
    name, path, course, results = pickle.loads(b64decode(question))  # from the process that started this one
    left = iter(results)

    def ask(exercise: str, sheet: str, work: Any) -> dict[str, Any]:
        for result in left:
            return dict(result)
        say({"begun": exercise})
        limit()
        result = judged(exercise, sheet, work)
        say({"result": result})
        return result

    load_modules(course.modules)
    limit()
    try:
        graded = graded_file(name, content_of(Path(path), course.size), course, ask)
    except Refused as refusal:
        graded = Graded.none(name, found(Status.UNREADABLE, problem=f"{refusal}"))
    say({"graded": graded.data()})


def main(answer: Callable[[str, str, Any], dict[str, Any]] = judged) -> None:
    """Answer questions from standard input, a line each, until it ends.

    A question is `[exercise, sheet, work]` in JSON, or `{"file": …}` for :func:`grade_file`.
    """
    answers, sys.stdout = sys.stdout, sys.stderr

    def say(data: dict[str, Any]) -> None:
        print(json.dumps(data), file=answers, flush=True)

    try:
        for line in sys.stdin:
            question = json.loads(line)
            if isinstance(question, dict):
                grade_file(question["file"], say)
            else:
                limit()
                say(answer(*question))
    except MemoryError:
        os._exit(NO_MEMORY)  # nothing else is certain to work


if __name__ == "__main__":
    main()
