"""The message of a cell when an operation fails: the learner's own lines and the sentence, but no package lines."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Any

from vmwidgets.engine.base.attributes import UnknownAttribute, Unsettable
from vmwidgets.engine.base.calls import WrongCall
from vmwidgets.engine.base.errors import VMError
from vmwidgets.engine.base.interrupts import Interrupted

PACKAGE = str(Path(__file__).resolve().parents[2])

_RED, _PLAIN = "\x1b[0;31m", "\x1b[0m"


def brief_traceback(error: BaseException) -> list[str]:
    """Return lines for the notebook: the place in the learner's code, then the error's name and sentence.

    IPython calls it on an exception by the name `_render_traceback_`.
    """
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if not frame.filename.startswith(PACKAGE) and frame.line]
    where = [f"{_place(frame)}: {frame.line}" for frame in own if "IPython" not in frame.filename]
    return [*where, f"{_RED}{type(error).__name__}{_PLAIN}: {error}"]


def _place(frame: traceback.FrameSummary) -> str:
    inside = "" if frame.name == "<module>" else f" of {frame.name}"
    return f"line {frame.lineno}{inside}"


def shorten_tracebacks() -> None:
    """Make IPython show a machine's errors briefly; harmless when repeated."""
    kinds: tuple[Any, ...] = (VMError, UnknownAttribute, Unsettable, WrongCall, Interrupted)
    for kind in kinds:
        kind._render_traceback_ = brief_traceback  # a name that only IPython uses
