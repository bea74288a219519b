"""A run of `vmwidgets grade` in a process of its own, followed by what it leaves."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path


def command(folder: Path, course: Path, out: Path, python: str | Path = sys.executable) -> list[str]:
    """The command that grades `folder`."""
    return [str(python), "-m", "vmwidgets", "grade", str(folder), "--course", str(course), "--to", str(out)]


def lines(state: Path) -> int:
    """How many files a run has graded."""
    return state.read_bytes().count(b"\n") if state.exists() else 0


def until(condition: Callable[[], bool]) -> None:
    """Wait until something is so; two minutes at the most."""
    for _ in range(12_000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it took longer than two minutes")
