"""The commands' output, written so that no contents of a file can harm or flood a terminal."""

from __future__ import annotations

import sys

from ..engine.base.errors import printable

__all__ = ["printable", "say_refused"]


def say_refused(why: object) -> None:
    """Print why a command refuses, after the program's name and below the command's other output."""
    sys.stdout.flush()
    print(f"vmwidgets: {printable(str(why))}", file=sys.stderr)
