"""A bound on what a learner's code may do before it waits for something, so that no cell hangs on it.

It is a number of instructions and calls, no clock: the same code stops at the same place every time.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

MOST_INSTRUCTIONS = 5_000_000
"""Instructions of Python that a thread or handler may run in one go.

Instructions and not lines: an empty loop on one line never comes to another.
"""

MOST_CALLS = 100_000
"""Operations that it may call in one go."""


class Runaway(BaseException):
    """A learner's code went on without end; no ``except Exception`` of its own holds it up."""


@contextmanager
def bounded(most: int = MOST_INSTRUCTIONS) -> Iterator[None]:
    """Stop the code run in here after so many instructions; code of this package is not counted.

    While a debugger or a coverage tool traces, nothing is counted: there is one trace function only.
    """
    if sys.gettrace() is not None:
        yield
        return
    left = most

    def count(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal left
        left -= 1
        if left < 0:
            raise Runaway(f"it ran more than {most:,} instructions without waiting for anything")
        return count

    def choose(frame: FrameType, event: str, argument: Any) -> Any:
        if str(frame.f_globals.get("__name__", "")).startswith("vmwidgets."):
            return None
        frame.f_trace_lines, frame.f_trace_opcodes = False, True
        return count

    sys.settrace(choose)
    try:
        yield
    finally:
        sys.settrace(None)
