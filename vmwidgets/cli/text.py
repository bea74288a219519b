"""The commands' output, written so that no contents of a file can harm or flood a terminal."""

from __future__ import annotations

import sys
from pathlib import Path

from ..engine.base.errors import printable

__all__ = ["printable", "say_refused", "say_written"]


def say_refused(why: object) -> None:
    """Print why a command refuses, after the program's name and below the command's other output."""
    sys.stdout.flush()
    print(f"vmwidgets: {printable(str(why))}", file=sys.stderr)


def say_written(file: Path) -> None:
    """Print the path and the size of a file that a command wrote."""
    print(f"{printable(str(file))}: {file.stat().st_size / 1024:,.0f} KiB")
