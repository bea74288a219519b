"""The message of a cell when an operation fails: the learner's own lines and the sentence, but no package lines."""

from __future__ import annotations

import contextlib
import sys
import traceback
from pathlib import Path
from typing import Any

from vmwidgets.engine.base.attributes import UnknownAttribute, Unsettable
from vmwidgets.engine.base.calls import WrongCall
from vmwidgets.engine.base.errors import VMError
from vmwidgets.engine.base.interrupts import Interrupted

from .cells import current_shell, in_terminal

PACKAGE = str(Path(__file__).resolve().parents[2])

_RED, _PLAIN = "\x1b[0;31m", "\x1b[0m"


def brief_traceback(error: BaseException) -> list[str]:
    """Return lines for the notebook: the place in the learner's code, then the error's name and sentence.

    IPython calls it on an exception by the name `_render_traceback_`.
    """
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if not frame.filename.startswith((PACKAGE, contextlib.__file__)) and frame.line]
    where = [f"{_place(frame)}: {frame.line}" for frame in own if "IPython" not in frame.filename]
    red, plain = (_RED, _PLAIN) if _has_colours() else ("", "")
    return [*where, f"{red}{type(error).__name__}{plain}: {error}"]


def _has_colours() -> bool:
    """Return whether error lines may have colours: not in a file or a pipe, nor if IPython is set to use none."""
    colours = str(getattr(current_shell(), "colors", "")).casefold()
    return colours != "nocolor" and (not in_terminal() or sys.stdout.isatty())


def _place(frame: traceback.FrameSummary) -> str:
    inside = "" if frame.name == "<module>" else f" of {frame.name}"
    return f"line {frame.lineno}{inside}"


def shorten_tracebacks() -> None:
    """Make IPython show a machine's errors briefly; harmless when repeated."""
    kinds: tuple[Any, ...] = (VMError, UnknownAttribute, Unsettable, WrongCall, Interrupted)
    for kind in kinds:
        kind._render_traceback_ = brief_traceback  # a name that only IPython uses
